/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a text: each function takes one and appends its message, or fails as in scan.h. What
 * it has appended by then is left to the caller to free. */
#ifndef ONNXRUN_TOOLS_ONNXTXT_PARTS_H
#define ONNXRUN_TOOLS_ONNXTXT_PARTS_H

#include "common/onnxtxt/scan.h"

/* A type, and what a tensor of this type needs of it. */
struct txt_type {
    struct wire_out proto; /* TypeProto; freed by the caller, also when taking it failed */
    const char *from;      /* where it stands */
    onnxrun_dtype dtype;   /* UNDEFINED: no tensor */
    bool is_fixed;         /* of a tensor: all dimensions are numbers */
    struct wire_out dims;  /* of a tensor: those that are numbers, as fields of TensorProto */
    uint64_t count;        /* their product; UINT64_MAX when it is no number of elements */
};

/* "float[2, N] x": a value with its type, which may be missing. */
struct txt_value {
    struct wire_span name;
    struct txt_type type;
    bool has_type;
};

/* True when a type comes next. */
bool txt_has_type(struct txt *txt);
bool txt_type(struct txt *txt, struct txt_type *type);
void txt_type_free(struct txt_type *type);

/* To be freed by txt_type_free(&value->type), also when it failed. */
bool txt_value(struct txt *txt, struct txt_value *value);
void txt_put_value(struct wire_out *out, uint32_t field, const struct txt_value *value);

/* What stands behind a type and a name: elements or a reference to a file. */
bool txt_tensor(struct txt *txt, const struct txt_type *type, struct wire_span name,
                struct wire_out *out);

/* "key": "value", ... up to the bracket that closes; [ is taken. */
bool txt_entries(struct txt *txt, uint32_t field, struct wire_out *out);

/* "<name: kind = value, ...>" when < comes next. field: of the attributes in out. */
bool txt_attributes(struct txt *txt, uint32_t field, struct wire_out *out);

/* What stands behind the name of an attribute. */
bool txt_attribute(struct txt *txt, struct wire_span name, uint32_t field, struct wire_out *out);

/* What stands behind the name of a graph. */
bool txt_graph(struct txt *txt, struct wire_span name, struct wire_out *out);

/* "{ ... }"; field: of the nodes in out. */
bool txt_nodes(struct txt *txt, uint32_t field, struct wire_out *out);

/* "<float[2] x, float[1] w = {1}>" when < comes next; values alone when `tensors` is 0. */
bool txt_values(struct txt *txt, uint32_t values, uint32_t tensors, struct wire_out *out);

#endif
