/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors: "{1, 2, 3}", or the file that holds them: ["location": "weights", "offset": "0"]. */
#include "common/onnxtxt/parts.h"

#include <inttypes.h>
#include <string.h>

/* Fields of TensorProto and of an entry of its external_data. */
enum {
    TENSOR_DTYPE = 2,
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    STRING_DATA = 6,
    INT64_DATA = 7,
    TENSOR_NAME = 8,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11,
    EXTERNAL_DATA = 13,
    DATA_LOCATION = 14,
    LOCATION_EXTERNAL = 1,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2
};

/* How elements of a type are kept: the field, and of int32_data the range of an element and how
 * many stand in one value. Floating-point types of up to 16 bits stand in the text as their codes. */
struct form {
    uint32_t field;
    int64_t low;
    int64_t high;
    unsigned bits; /* of an element, when a value holds several; else 0 */
};

static const struct form forms[] = {
    [ONNXRUN_FLOAT] = {FLOAT_DATA, 0, 0, 0},
    [ONNXRUN_UINT8] = {INT32_DATA, 0, UINT8_MAX, 0},
    [ONNXRUN_INT8] = {INT32_DATA, INT8_MIN, INT8_MAX, 0},
    [ONNXRUN_UINT16] = {INT32_DATA, 0, UINT16_MAX, 0},
    [ONNXRUN_INT16] = {INT32_DATA, INT16_MIN, INT16_MAX, 0},
    [ONNXRUN_INT32] = {INT32_DATA, INT32_MIN, INT32_MAX, 0},
    [ONNXRUN_INT64] = {INT64_DATA, INT64_MIN, INT64_MAX, 0},
    [ONNXRUN_STRING] = {STRING_DATA, 0, 0, 0},
    [ONNXRUN_BOOL] = {INT32_DATA, 0, 1, 0},
    [ONNXRUN_FLOAT16] = {INT32_DATA, 0, UINT16_MAX, 0},
    [ONNXRUN_DOUBLE] = {DOUBLE_DATA, 0, 0, 0},
    [ONNXRUN_UINT32] = {UINT64_DATA, 0, UINT32_MAX, 0},
    [ONNXRUN_UINT64] = {UINT64_DATA, 0, -1, 0},
    [ONNXRUN_COMPLEX64] = {FLOAT_DATA, 0, 0, 0},
    [ONNXRUN_COMPLEX128] = {DOUBLE_DATA, 0, 0, 0},
    [ONNXRUN_BFLOAT16] = {INT32_DATA, 0, UINT16_MAX, 0},
    [ONNXRUN_FLOAT8E4M3FN] = {INT32_DATA, 0, UINT8_MAX, 0},
    [ONNXRUN_FLOAT8E4M3FNUZ] = {INT32_DATA, 0, UINT8_MAX, 0},
    [ONNXRUN_FLOAT8E5M2] = {INT32_DATA, 0, UINT8_MAX, 0},
    [ONNXRUN_FLOAT8E5M2FNUZ] = {INT32_DATA, 0, UINT8_MAX, 0},
    [ONNXRUN_UINT4] = {INT32_DATA, 0, 15, 4},
    [ONNXRUN_INT4] = {INT32_DATA, -8, 7, 4},
    [ONNXRUN_FLOAT4E2M1] = {INT32_DATA, 0, 15, 4},
    [ONNXRUN_FLOAT8E8M0] = {INT32_DATA, 0, UINT8_MAX, 0},
    [ONNXRUN_UINT2] = {INT32_DATA, 0, 3, 2},
    [ONNXRUN_INT2] = {INT32_DATA, -2, 1, 2},
    [ONNXRUN_FLOAT6E2M3] = {INT32_DATA, 0, 63, 0},
    [ONNXRUN_FLOAT6E3M2] = {INT32_DATA, 0, 63, 0},
};

/* Elements on their way into a packed field. */
struct elements {
    const struct form *form;
    const char *dtype_name;
    struct wire_out packed;
    uint64_t count;
    unsigned pending;      /* elements that wait for their value to be full, */
    unsigned pending_bits; /* and how many bits they have so far */
};

static void end_value(struct elements *elements)
{
    if (elements->pending_bits > 0) {
        wire_put_varint(&elements->packed, elements->pending);
        elements->pending = elements->pending_bits = 0;
    }
}

static void put_integer(struct elements *elements, int64_t value)
{
    unsigned bits = elements->form->bits;
    if (bits == 0) {
        wire_put_varint(&elements->packed, (uint64_t)value);
        return;
    }
    unsigned code = (unsigned)((uint64_t)value & ((1u << bits) - 1));
    elements->pending |= code << elements->pending_bits;
    elements->pending_bits += bits;
    if (elements->pending_bits == 8) {
        end_value(elements);
    }
}

static bool take_real(struct txt *txt, const struct txt_number *number, struct elements *elements)
{
    float value;
    double wide;
    uint32_t bits;
    uint64_t wide_bits;
    if (elements->form->field == FLOAT_DATA) {
        if (!txt_to_float(txt, number, &value)) {
            return false;
        }
        memcpy(&bits, &value, sizeof bits);
        wire_put_fixed(&elements->packed, bits, sizeof bits);
        return true;
    }
    if (!txt_to_double(txt, number, &wide)) {
        return false;
    }
    memcpy(&wide_bits, &wide, sizeof wide_bits);
    wire_put_fixed(&elements->packed, wide_bits, sizeof wide_bits);
    return true;
}

static bool take_element(struct txt *txt, struct elements *elements, struct wire_out *out)
{
    const struct form *form = elements->form;
    struct wire_span string;
    struct txt_number number;
    int64_t value;
    uint64_t above;
    elements->count++;
    if (form->field == STRING_DATA) {
        bool is_good = txt_string(txt, &string);
        if (is_good) {
            wire_put(out, STRING_DATA, string);
        }
        return is_good;
    }
    if (!txt_number(txt, &number)) {
        return false;
    }
    switch (form->field) {
    case UINT64_DATA:
        if (!txt_to_uint(txt, &number, (uint64_t)form->high, elements->dtype_name, &above)) {
            return false;
        }
        wire_put_varint(&elements->packed, above);
        return true;
    case INT32_DATA:
    case INT64_DATA:
        if (!txt_to_int(txt, &number, form->low, form->high, elements->dtype_name, &value)) {
            return false;
        }
        put_integer(elements, value);
        return true;
    default:
        return take_real(txt, &number, elements);
    }
}

static bool take_elements(struct txt *txt, const struct txt_type *type, struct wire_out *out)
{
    bool is_complex = type->dtype == ONNXRUN_COMPLEX64 || type->dtype == ONNXRUN_COMPLEX128;
    struct elements elements = {.form = &forms[type->dtype],
                                .dtype_name = onnxrun_dtype_name(type->dtype)};
    bool is_good = true, is_more = txt_peek(txt) != '}';
    while (is_good && is_more) {
        is_good = take_element(txt, &elements, out);
        is_more = is_good && txt_take(txt, ',');
    }
    is_good = is_good && txt_want(txt, "}");
    end_value(&elements);
    if (elements.packed.size > 0) {
        wire_put(out, elements.form->field, wire_span_of(&elements.packed));
    }
    wire_free(&elements.packed);
    uint64_t parts = is_complex ? 2 : 1;
    if (is_good && (elements.count % parts != 0 || elements.count / parts != type->count)) {
        return txt_fail(txt, type->from,
                        "got %" PRIu64 " numbers or strings for the tensor that begins here, "
                        "expected %" PRIu64 "%s",
                        elements.count, type->count, is_complex ? " pairs" : "");
    }
    return is_good;
}

bool txt_entries(struct txt *txt, uint32_t field, struct wire_out *out)
{
    if (txt_take(txt, ']')) {
        return true;
    }
    do {
        struct wire_span key, value;
        if (!txt_string(txt, &key) || !txt_want(txt, ":") || !txt_string(txt, &value)) {
            return false;
        }
        struct wire_out entry = {.data = NULL};
        wire_put(&entry, ENTRY_KEY, key);
        wire_put(&entry, ENTRY_VALUE, value);
        wire_put_message(out, field, &entry);
    } while (txt_take(txt, ','));
    return txt_want(txt, "]");
}

bool txt_tensor(struct txt *txt, const struct txt_type *type, struct wire_span name,
                struct wire_out *out)
{
    if (type->dtype == ONNXRUN_UNDEFINED || !type->is_fixed || type->count == UINT64_MAX) {
        return txt_fail(txt, type->from != NULL ? type->from : txt->at,
                        "expected the type of a tensor with numbers >= 0 for its dimensions");
    }
    wire_put_raw(out, wire_span_of(&type->dims));
    wire_put_int(out, TENSOR_DTYPE, (uint64_t)type->dtype);
    if (name.size > 0) {
        wire_put(out, TENSOR_NAME, name);
    }
    if (txt_take(txt, '[')) {
        txt->has_external = true;
        wire_put_int(out, DATA_LOCATION, LOCATION_EXTERNAL);
        return txt_entries(txt, EXTERNAL_DATA, out);
    }
    return txt_take(txt, '{') ? take_elements(txt, type, out)
                              : txt_expected(txt, "'{' or '[' and the elements");
}
