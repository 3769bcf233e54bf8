/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf's wire format, read and written. */
#include "common/wire.h"

#include <stdlib.h>
#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

/* ---- reading ---- */

static void skip(struct wire_span *span, size_t count)
{
    span->data += count;
    span->size -= count;
}

bool wire_take_int(struct wire_span *span, uint64_t *integer)
{
    *integer = 0;
    for (size_t i = 0; i < 10 && i < span->size; i++) {
        *integer |= (uint64_t)(span->data[i] & 127) << (7 * i);
        if (span->data[i] < 128) {
            skip(span, i + 1);
            return true;
        }
    }
    return false;
}

bool wire_next(struct wire_span *message, struct wire_field *field)
{
    struct wire_span rest = *message;
    uint64_t tag, size = 0;
    *field = (struct wire_field){.whole = *message};
    if (message->size == 0 || !wire_take_int(&rest, &tag)) {
        return false;
    }
    field->number = (uint32_t)(tag >> 3);
    switch (tag & 7) {
    case WIRE_VARINT:
        if (!wire_take_int(&rest, &field->integer)) {
            return false;
        }
        break;
    case WIRE_BYTES:
        if (!wire_take_int(&rest, &size)) {
            return false;
        }
        break;
    case WIRE_64BIT:
        size = 8;
        break;
    case WIRE_32BIT:
        size = 4;
        break;
    default:
        return false;
    }
    if (size > rest.size) {
        return false;
    }
    if ((tag & 7) == WIRE_BYTES) {
        field->value = (struct wire_span){rest.data, (size_t)size};
    }
    skip(&rest, (size_t)size);
    field->whole.size = message->size - rest.size;
    *message = rest;
    return true;
}

bool wire_find(struct wire_span message, uint32_t number, struct wire_field *field)
{
    while (wire_next(&message, field)) {
        if (field->number == number) {
            return true;
        }
    }
    return false;
}

struct wire_span wire_value(struct wire_span message, uint32_t number)
{
    struct wire_field field;
    return wire_find(message, number, &field) ? field.value : (struct wire_span){NULL, 0};
}

int wire_compare(struct wire_span a, struct wire_span b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

bool wire_is(struct wire_span name, const char *text)
{
    return wire_compare(name, wire_text(text)) == 0;
}

/* ---- writing ---- */

void wire_put_raw(struct wire_out *out, struct wire_span bytes)
{
    if (bytes.size == 0) {
        return;
    }
    if (bytes.size > out->capacity - out->size) {
        out->capacity = 2 * out->capacity + bytes.size;
        out->data = tool_resize(out->data, out->capacity, 1);
    }
    memcpy(out->data + out->size, bytes.data, bytes.size);
    out->size += bytes.size;
}

void wire_put_varint(struct wire_out *out, uint64_t integer)
{
    uint8_t bytes[10];
    size_t count = 0;
    for (; integer > 127; integer >>= 7) {
        bytes[count++] = (uint8_t)(integer | 128);
    }
    bytes[count++] = (uint8_t)integer;
    wire_put_raw(out, (struct wire_span){bytes, count});
}

void wire_put_int(struct wire_out *out, uint32_t number, uint64_t integer)
{
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_VARINT);
    wire_put_varint(out, integer);
}

void wire_put_fixed(struct wire_out *out, uint64_t bits, size_t size)
{
    uint8_t bytes[sizeof bits];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(bits >> (8 * i));
    }
    wire_put_raw(out, (struct wire_span){bytes, size});
}

void wire_put_float(struct wire_out *out, uint32_t number, float real)
{
    uint32_t bits;
    memcpy(&bits, &real, sizeof bits);
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_32BIT);
    wire_put_fixed(out, bits, sizeof bits);
}

void wire_put_head(struct wire_out *out, uint32_t number, size_t size)
{
    wire_put_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
    wire_put_varint(out, size);
}

void wire_put(struct wire_out *out, uint32_t number, struct wire_span value)
{
    wire_put_head(out, number, value.size);
    wire_put_raw(out, value);
}

void wire_put_message(struct wire_out *out, uint32_t number, struct wire_out *message)
{
    wire_put(out, number, wire_span_of(message));
    wire_free(message);
}

void wire_free(struct wire_out *out)
{
    free(out->data);
    *out = (struct wire_out){.data = NULL};
}
