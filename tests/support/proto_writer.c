/* SPDX-License-Identifier: Apache-2.0 */
#include "support/proto_writer.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void proto_init(struct proto *p)
{
    *p = (struct proto){0};
}

void proto_free(struct proto *p)
{
    free(p->data);
    proto_init(p);
}

void proto_raw(struct proto *p, const void *bytes, size_t size)
{
    if (p->capacity - p->size < size) {
        p->capacity = (p->size + size) * 2;
        p->data = realloc(p->data, p->capacity);
        assert_non_null(p->data);
    }
    if (size > 0) {
        memcpy(p->data + p->size, bytes, size);
    }
    p->size += size;
}

void proto_varint(struct proto *p, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
        proto_raw(p, &byte, 1);
        value >>= 7;
    } while (value != 0);
}

void proto_tag(struct proto *p, uint32_t field, unsigned wire_type)
{
    proto_varint(p, (uint64_t)field << 3 | wire_type);
}

void proto_int(struct proto *p, uint32_t field, int64_t value)
{
    proto_tag(p, field, 0);
    proto_varint(p, (uint64_t)value);
}

void proto_f32(struct proto *p, uint32_t field, float value)
{
    proto_tag(p, field, 5);
    proto_raw(p, &value, sizeof value);
}

void proto_bytes(struct proto *p, uint32_t field, const void *bytes, size_t size)
{
    proto_tag(p, field, 2);
    proto_varint(p, size);
    proto_raw(p, bytes, size);
}

void proto_string(struct proto *p, uint32_t field, const char *text)
{
    proto_bytes(p, field, text, strlen(text));
}

void proto_open(struct proto *p, uint32_t field)
{
    static const uint8_t length[5];
    assert_true(p->depth < PROTO_MAX_DEPTH);
    proto_tag(p, field, 2);
    p->open[p->depth++] = p->size;
    proto_raw(p, length, sizeof length);
}

void proto_close(struct proto *p)
{
    size_t at = p->open[--p->depth];
    size_t length = p->size - at - 5;
    for (size_t i = 0; i < 5; i++) {
        p->data[at + i] = (uint8_t)((length >> (7 * i) & 127) | (i < 4 ? 128 : 0));
    }
}

void proto_end(struct proto *p)
{
    while (p->depth > 0) {
        proto_close(p);
    }
}

void proto_opset(struct proto *p, uint32_t field, const char *domain, int64_t version)
{
    proto_open(p, field);
    proto_string(p, 1, domain);
    proto_int(p, 2, version);
    proto_close(p);
}

void proto_model(struct proto *p, int64_t ir_version, int64_t opset)
{
    proto_init(p);
    proto_int(p, MODEL_IR, ir_version);
    proto_opset(p, MODEL_OPSET, "", opset);
    proto_open(p, MODEL_GRAPH);
    proto_string(p, GRAPH_NAME, "g");
}

void proto_names(struct proto *p, uint32_t field, const char *names)
{
    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        proto_bytes(p, field, names, length);
        names += length + (names[length] == ',');
    }
}

void proto_node_open(struct proto *p, uint32_t field, const char *op_type, const char *inputs,
                     const char *outputs)
{
    proto_open(p, field);
    proto_names(p, NODE_INPUT, inputs);
    proto_names(p, NODE_OUTPUT, outputs);
    proto_string(p, NODE_OP, op_type);
}

void proto_node(struct proto *p, const char *op_type, const char *inputs, const char *outputs)
{
    proto_node_open(p, GRAPH_NODE, op_type, inputs, outputs);
    proto_close(p);
}

void proto_value(struct proto *p, uint32_t field, const char *name, enum onr_dtype dtype,
                 size_t rank, const int64_t *dims)
{
    proto_open(p, field);
    proto_string(p, 1, name);
    proto_open(p, 2);
    proto_open(p, 1);
    proto_int(p, 1, dtype);
    proto_open(p, 2);
    for (size_t i = 0; i < rank; i++) {
        proto_open(p, 1);
        if (dims[i] >= 0) {
            proto_int(p, 1, dims[i]);
        } else {
            char symbol[32];
            (void)snprintf(symbol, sizeof symbol, "s%lld", -(long long)dims[i]);
            proto_string(p, 2, symbol);
        }
        proto_close(p);
    }
    for (int i = 0; i < 4; i++) {
        proto_close(p);
    }
}

void proto_tensor_open(struct proto *p, uint32_t field, const char *name, enum onr_dtype dtype,
                       size_t rank, const int64_t *dims)
{
    proto_open(p, field);
    for (size_t i = 0; i < rank; i++) {
        proto_int(p, TENSOR_DIMS, dims[i]);
    }
    proto_int(p, TENSOR_TYPE, dtype);
    proto_string(p, TENSOR_NAME, name);
}

void proto_tensor(struct proto *p, uint32_t field, const char *name, enum onr_dtype dtype,
                  size_t rank, const int64_t *dims, const void *data, size_t size)
{
    proto_tensor_open(p, field, name, dtype, rank, dims);
    proto_bytes(p, TENSOR_RAW, data, size);
    proto_close(p);
}

void proto_attr_int(struct proto *p, const char *name, int64_t value)
{
    proto_open(p, NODE_ATTR);
    proto_string(p, ATTR_NAME, name);
    proto_int(p, ATTR_I, value);
    proto_int(p, ATTR_TYPE, 2);
    proto_close(p);
}

void proto_entry(struct proto *p, uint32_t field, const char *key, const char *value)
{
    proto_open(p, field);
    proto_string(p, 1, key);
    proto_string(p, 2, value);
    proto_close(p);
}

void proto_good_model(struct proto *p)
{
    const int64_t dims[] = {2};
    proto_model(p, 8, 17);
    proto_value(p, GRAPH_INPUT, "x", ONR_FLOAT, 1, dims);
    proto_node(p, "Relu", "x", "y");
    proto_value(p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, dims);
    proto_end(p);
}
