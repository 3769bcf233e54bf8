/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf as bytes: the fields of a message one by one, and messages put together from fields. What
 * is not understood can so be copied as it is.
 */
#ifndef ONNXRUN_TOOLS_WIRE_H
#define ONNXRUN_TOOLS_WIRE_H

#include "common/tool.h"

/* Bytes that belong to someone else. */
struct wire_span {
    const uint8_t *data;
    size_t size;
};

struct wire_field {
    uint32_t number;
    struct wire_span whole; /* with its tag, to be copied */
    struct wire_span value; /* of a message, string, bytes or packed field; else NULL */
    uint64_t integer;       /* of a varint field */
};

/* Takes the next field from the front of a message. False at its end, or where it is no protobuf. */
bool wire_next(struct wire_span *message, struct wire_field *field);

/* Takes an integer from the front of a packed field. False at its end. */
bool wire_take_int(struct wire_span *packed, uint64_t *integer);

/* The first field of this number; false when there is none. */
bool wire_find(struct wire_span message, uint32_t number, struct wire_field *field);

/* The value of the first field of this number; empty when there is none. */
struct wire_span wire_value(struct wire_span message, uint32_t number);

/* Order of names: below, equal to or above 0. */
int wire_compare(struct wire_span a, struct wire_span b);
bool wire_is(struct wire_span name, const char *text);

static inline struct wire_span wire_text(const char *text)
{
    return (struct wire_span){(const uint8_t *)text, __builtin_strlen(text)};
}

/* A message in the making; zeroed at first. */
struct wire_out {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* Appends a varint field, a float field, a field of bytes, and bytes as they are. */
void wire_put_int(struct wire_out *out, uint32_t number, uint64_t integer);
void wire_put_float(struct wire_out *out, uint32_t number, float real);
void wire_put(struct wire_out *out, uint32_t number, struct wire_span value);
void wire_put_raw(struct wire_out *out, struct wire_span bytes);

/* Appends to a packed field: an integer, and a number of `size` bytes with these bits. */
void wire_put_varint(struct wire_out *out, uint64_t integer);
void wire_put_fixed(struct wire_out *out, uint64_t bits, size_t size);

/* Appends tag and length of a field of bytes that are to follow. */
void wire_put_head(struct wire_out *out, uint32_t number, size_t size);

/* Appends a message that was made, which is freed. */
void wire_put_message(struct wire_out *out, uint32_t number, struct wire_out *message);

static inline struct wire_span wire_span_of(const struct wire_out *out)
{
    return (struct wire_span){out->data, out->size};
}

void wire_free(struct wire_out *out);

#endif
