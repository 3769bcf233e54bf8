/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes protobuf, right or wrong, and small ONNX models with it.
 *
 *     struct proto p;
 *     proto_model(&p, 8, 17);                 opens the graph
 *     proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 1, (int64_t[]){2});
 *     proto_node(&p, "Relu", "x", "y");
 *     proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, (int64_t[]){2});
 *     proto_end(&p);                          closes what is open; p.data [p.size]
 *     proto_free(&p);
 */
#ifndef ONR_TESTS_SUPPORT_PROTO_WRITER_H
#define ONR_TESTS_SUPPORT_PROTO_WRITER_H

#include "base/dtype.h"

#include <stddef.h>
#include <stdint.h>

#define PROTO_MAX_DEPTH 256

/* Field numbers that tests use. */
enum {
    MODEL_IR = 1,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    MODEL_FUNCTION = 25,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INIT = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_VALUE_INFO = 13,
    GRAPH_SPARSE = 15,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP = 4,
    NODE_ATTR = 5,
    NODE_DOMAIN = 7,
    NODE_METADATA = 9,
    ATTR_NAME = 1,
    ATTR_F = 2,
    ATTR_I = 3,
    ATTR_S = 4,
    ATTR_T = 5,
    ATTR_G = 6,
    ATTR_FLOATS = 7,
    ATTR_INTS = 8,
    ATTR_STRINGS = 9,
    ATTR_TP = 14,
    ATTR_TYPE = 20,
    ATTR_REF = 21,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_STRINGS = 6,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_UINT64S = 11,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
    TYPE_TENSOR = 1,
    TYPE_SEQUENCE = 4,
    TYPE_OPTIONAL = 9,
    FUNCTION_NAME = 1,
    FUNCTION_INPUT = 4,
    FUNCTION_OUTPUT = 5,
    FUNCTION_ATTR = 6,
    FUNCTION_NODE = 7,
    FUNCTION_OPSET = 9,
    FUNCTION_DOMAIN = 10,
    FUNCTION_DEFAULT = 11
};

struct proto {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t open[PROTO_MAX_DEPTH]; /* where the lengths of open messages go */
    int depth;
};

void proto_init(struct proto *p);
void proto_free(struct proto *p);

/* ---- the wire ---- */

void proto_raw(struct proto *p, const void *bytes, size_t size);
void proto_varint(struct proto *p, uint64_t value);
void proto_tag(struct proto *p, uint32_t field, unsigned wire_type);
void proto_int(struct proto *p, uint32_t field, int64_t value);
void proto_f32(struct proto *p, uint32_t field, float value);
void proto_bytes(struct proto *p, uint32_t field, const void *bytes, size_t size);
void proto_string(struct proto *p, uint32_t field, const char *text);
/* Starts and ends a message in a field. */
void proto_open(struct proto *p, uint32_t field);
void proto_close(struct proto *p);
/* Closes all that is open. */
void proto_end(struct proto *p);

/* ---- ONNX ---- */

/* A model with this operator set "", and its graph "g", left open. */
void proto_model(struct proto *p, int64_t ir_version, int64_t opset);
void proto_opset(struct proto *p, uint32_t field, const char *domain, int64_t version);
/* Comma-separated names in a repeated string field; an empty text writes none. */
void proto_names(struct proto *p, uint32_t field, const char *names);
/* A node of a graph, without attributes; left open by the second one. */
void proto_node(struct proto *p, const char *op_type, const char *inputs, const char *outputs);
void proto_node_open(struct proto *p, uint32_t field, const char *op_type, const char *inputs,
                     const char *outputs);
/* A ValueInfoProto in the field; dims below 0 are written as symbols "s1", "s2", ... */
void proto_value(struct proto *p, uint32_t field, const char *name, enum onr_dtype dtype,
                 size_t rank, const int64_t *dims);
/* A TensorProto without data in the field, left open. */
void proto_tensor_open(struct proto *p, uint32_t field, const char *name, enum onr_dtype dtype,
                       size_t rank, const int64_t *dims);
/* The same with raw_data, closed. */
void proto_tensor(struct proto *p, uint32_t field, const char *name, enum onr_dtype dtype,
                  size_t rank, const int64_t *dims, const void *data, size_t size);
void proto_attr_int(struct proto *p, const char *name, int64_t value);
/* A StringStringEntryProto. */
void proto_entry(struct proto *p, uint32_t field, const char *key, const char *value);

/* The model x[2] -> Relu -> y[2]. */
void proto_good_model(struct proto *p);

#endif
