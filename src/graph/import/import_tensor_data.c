/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed data fields of TensorProto: which one belongs to an element type, how many values it must
 * have, and the range of each value. The result is what raw_data would have been (strings: struct
 * onr_string).
 */
#include "graph/import/import_tensor.h"

#include <string.h>

enum field { FIELD_FLOAT, FIELD_INT32, FIELD_INT64, FIELD_STRING, FIELD_DOUBLE, FIELD_UINT64 };
#define FIELD_COUNT 6

static const char *const field_names[FIELD_COUNT] = {
    "float_data", "int32_data", "int64_data", "string_data", "double_data", "uint64_data",
};

static size_t field_size(const Onnx__TensorProto *proto, enum field field)
{
    const size_t sizes[FIELD_COUNT] = {proto->n_float_data,  proto->n_int32_data,
                                       proto->n_int64_data,  proto->n_string_data,
                                       proto->n_double_data, proto->n_uint64_data};
    return sizes[field];
}

bool onr_import_has_typed_data(const Onnx__TensorProto *proto)
{
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (field_size(proto, (enum field)field) > 0) {
            return true;
        }
    }
    return false;
}

static enum field field_of(enum onr_dtype dtype)
{
    switch (dtype) {
    case ONR_FLOAT:
    case ONR_COMPLEX64:
        return FIELD_FLOAT;
    case ONR_DOUBLE:
    case ONR_COMPLEX128:
        return FIELD_DOUBLE;
    case ONR_INT64:
        return FIELD_INT64;
    case ONR_UINT32:
    case ONR_UINT64:
        return FIELD_UINT64;
    case ONR_STRING:
        return FIELD_STRING;
    default:
        return FIELD_INT32;
    }
}

/* Values in the field for count elements: two for a complex number, one for each byte of types of 4
 * and 2 bits. */
static size_t values_of(enum onr_dtype dtype, size_t count)
{
    unsigned bits = onr_dtype_file_bits(dtype);
    if (dtype == ONR_COMPLEX64 || dtype == ONR_COMPLEX128) {
        return count * 2;
    }
    return bits == 4 || bits == 2 ? count / (8 / bits) + (count % (8 / bits) != 0) : count;
}

/* Range of the values in int32_data that hold elements of this type. */
static void int32_range(enum onr_dtype dtype, int32_t *low, int32_t *high)
{
    switch (dtype) {
    case ONR_INT32:
        *low = INT32_MIN;
        *high = INT32_MAX;
        return;
    case ONR_INT16:
        *low = INT16_MIN;
        *high = INT16_MAX;
        return;
    case ONR_INT8:
        *low = INT8_MIN;
        *high = INT8_MAX;
        return;
    case ONR_BOOL:
        *low = 0;
        *high = 1;
        return;
    default:
        *low = 0;
        *high = onr_dtype_file_bits(dtype) == 16 ? UINT16_MAX : UINT8_MAX;
    }
    if (onr_dtypes_has(ONR_DTYPES_NARROW, dtype)) {
        *low = INT8_MIN; /* writers with a signed byte sign-extend it */
    }
}

static enum onr_status copy_int32(const Onnx__TensorProto *proto, enum onr_dtype dtype,
                                  uint8_t *out, struct onr_error *err)
{
    int32_t low = 0;
    int32_t high = 0;
    int32_range(dtype, &low, &high);
    size_t bytes = onr_dtype_file_bits(dtype) < 8 ? 1 : onr_dtype_size(dtype);
    for (size_t i = 0; i < proto->n_int32_data; i++) {
        int32_t value = proto->int32_data[i];
        if (value < low || value > high) {
            return onr_fail(err, ONR_ERR_MODEL, "int32_data[%zu] is %d, out of range for %s", i,
                            value, onr_dtype_name(dtype));
        }
        /* Little-endian: the low bytes come first. */
        memcpy(out + i * bytes, &value, bytes);
    }
    return ONR_OK;
}

/* float6: one value for each element, packed here into one stream of bits. */
static enum onr_status copy_float6(const Onnx__TensorProto *proto, enum onr_dtype dtype,
                                   uint8_t *out, struct onr_error *err)
{
    for (size_t first = 0; first < proto->n_int32_data; first += 4) {
        uint8_t codes[4] = {0};
        size_t left = proto->n_int32_data - first;
        size_t count = left < 4 ? left : 4;
        for (size_t i = 0; i < count; i++) {
            int32_t value = proto->int32_data[first + i];
            if (value < 0 || value > 63) {
                return onr_fail(err, ONR_ERR_MODEL, "int32_data[%zu] is %d, out of range for %s",
                                first + i, value, onr_dtype_name(dtype));
            }
            codes[i] = (uint8_t)value;
        }
        onr_dtype_pack(dtype, count, codes, out + first / 4 * 3);
    }
    return ONR_OK;
}

static enum onr_status copy_uint64(const Onnx__TensorProto *proto, enum onr_dtype dtype,
                                   uint8_t *out, struct onr_error *err)
{
    size_t bytes = onr_dtype_size(dtype);
    for (size_t i = 0; i < proto->n_uint64_data; i++) {
        uint64_t value = proto->uint64_data[i];
        if (dtype == ONR_UINT32 && value > UINT32_MAX) {
            return onr_fail(err, ONR_ERR_MODEL, "uint64_data[%zu] is out of range for uint32", i);
        }
        memcpy(out + i * bytes, &value, bytes);
    }
    return ONR_OK;
}

static enum onr_status copy_strings(struct onr_arena *arena, const Onnx__TensorProto *proto,
                                    struct onr_string *out, struct onr_error *err)
{
    for (size_t i = 0; i < proto->n_string_data; i++) {
        const ProtobufCBinaryData *text = &proto->string_data[i];
        out[i].data = onr_arena_string(arena, (const char *)text->data, text->len);
        out[i].length = text->len;
        if (out[i].data == NULL) {
            return onr_fail_memory(err, "string tensor");
        }
    }
    return ONR_OK;
}

static enum onr_status copy_field(struct onr_arena *arena, const Onnx__TensorProto *proto,
                                  struct onr_constant *constant, void *out, struct onr_error *err)
{
    enum onr_dtype dtype = constant->dtype;
    switch (field_of(dtype)) {
    case FIELD_FLOAT:
        memcpy(out, proto->float_data, proto->n_float_data * sizeof(float));
        return ONR_OK;
    case FIELD_DOUBLE:
        memcpy(out, proto->double_data, proto->n_double_data * sizeof(double));
        return ONR_OK;
    case FIELD_INT64:
        memcpy(out, proto->int64_data, proto->n_int64_data * sizeof(int64_t));
        return ONR_OK;
    case FIELD_UINT64:
        return copy_uint64(proto, dtype, out, err);
    case FIELD_STRING:
        return copy_strings(arena, proto, out, err);
    case FIELD_INT32:
        break;
    }
    return dtype == ONR_FLOAT6E2M3 || dtype == ONR_FLOAT6E3M2 ? copy_float6(proto, dtype, out, err)
                                                              : copy_int32(proto, dtype, out, err);
}

enum onr_status onr_import_typed_data(struct onr_arena *arena, const Onnx__TensorProto *proto,
                                      size_t count, struct onr_constant *constant,
                                      struct onr_error *err)
{
    enum field want = field_of(constant->dtype);
    size_t values = values_of(constant->dtype, count);
    for (int field = 0; field < FIELD_COUNT; field++) {
        size_t got = field_size(proto, (enum field)field);
        size_t expected = field == (int)want ? values : 0;
        if (got != expected) {
            return onr_fail(err, ONR_ERR_MODEL, "%s has %zu values, %s[%zu] needs %zu",
                            field_names[field], got, onr_dtype_name(constant->dtype), count,
                            expected);
        }
    }
    constant->bytes =
        constant->dtype == ONR_STRING ? count * sizeof(struct onr_string) : constant->bytes;
    void *out = onr_arena_alloc(arena, constant->bytes);
    if (out == NULL) {
        return onr_fail_memory(err, "tensor data");
    }
    constant->data = out;
    return values > 0 ? copy_field(arena, proto, constant, out, err) : ONR_OK;
}
