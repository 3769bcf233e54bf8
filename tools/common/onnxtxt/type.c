/* SPDX-License-Identifier: Apache-2.0 */
/* Types: "float" (a scalar), "float[]" (of any rank), "float[2, N, ?]", "seq(float[N])",
 * "map(int64, float)", "optional(seq(float))", "sparse_tensor(float[2])". */
#include "common/onnxtxt/parts.h"

/* Fields of TypeProto and of what it holds; an element type is field 1 of each. */
enum {
    TYPE_TENSOR = 1,
    TYPE_SEQUENCE = 4,
    TYPE_MAP = 5,
    TYPE_SPARSE = 8,
    TYPE_OPTIONAL = 9,
    ELEMENT_TYPE = 1,
    TENSOR_SHAPE = 2,
    MAP_VALUE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_NAME = 2,
    TENSOR_DIMS = 1,
    VALUE_NAME = 1,
    VALUE_TYPE = 2
};

static const struct {
    const char *word;
    uint32_t field;
} wrappers[] = {{"seq", TYPE_SEQUENCE},
                {"map", TYPE_MAP},
                {"optional", TYPE_OPTIONAL},
                {"sparse_tensor", TYPE_SPARSE}};

static onnxrun_dtype dtype_of(struct wire_span word)
{
    for (int i = ONNXRUN_UNDEFINED + 1; i <= ONNXRUN_FLOAT6E3M2; i++) {
        if (wire_is(word, onnxrun_dtype_name((onnxrun_dtype)i))) {
            return (onnxrun_dtype)i;
        }
    }
    return ONNXRUN_UNDEFINED;
}

static uint32_t wrapper_of(struct wire_span word)
{
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        if (wire_is(word, wrappers[i].word)) {
            return wrappers[i].field;
        }
    }
    return 0;
}

bool txt_has_type(struct txt *txt)
{
    struct wire_span word = txt_peek_word(txt);
    return word.size > 0 && (dtype_of(word) != ONNXRUN_UNDEFINED || wrapper_of(word) != 0);
}

/* ---- shapes ---- */

static bool take_number(struct txt *txt, struct txt_type *type, struct wire_out *dim)
{
    int64_t value;
    if (!txt_int(txt, &value)) {
        return false;
    }
    wire_put_int(dim, DIM_VALUE, (uint64_t)value);
    wire_put_int(&type->dims, TENSOR_DIMS, (uint64_t)value);
    bool fits = value >= 0 && !__builtin_mul_overflow(type->count, (uint64_t)value, &type->count);
    type->count = fits ? type->count : UINT64_MAX;
    return true;
}

static bool take_dim(struct txt *txt, struct txt_type *type, struct wire_out *shape)
{
    struct wire_out dim = {.data = NULL};
    struct wire_span name;
    bool is_good = true;
    if (txt_take(txt, '?')) {
        type->is_fixed = false;
    } else if (txt_has_name(txt)) {
        type->is_fixed = false;
        is_good = txt_name(txt, &name, "the name of a dimension");
        if (is_good) {
            wire_put(&dim, DIM_NAME, name);
        }
    } else {
        int next = txt_peek(txt);
        is_good = (next == '-' || (next >= '0' && next <= '9'))
                      ? take_number(txt, type, &dim)
                      : txt_expected(txt, "a dimension: a number, a name or '?'");
    }
    wire_put_message(shape, SHAPE_DIM, &dim);
    return is_good;
}

/* "[2, N]" and its element type as field of out. */
static bool take_tensor(struct txt *txt, struct txt_type *type, uint32_t field,
                        struct wire_out *out)
{
    struct wire_out tensor = {.data = NULL}, shape = {.data = NULL};
    bool is_good = true;
    type->is_fixed = true;
    type->count = 1;
    wire_put_int(&tensor, ELEMENT_TYPE, (uint64_t)type->dtype);
    if (txt_take(txt, '[')) {
        type->is_fixed = txt_peek(txt) != ']';
        bool has_shape = type->is_fixed;
        while (has_shape && is_good) {
            is_good = take_dim(txt, type, &shape);
            has_shape = is_good && txt_take(txt, ',');
        }
        is_good = is_good && txt_want(txt, "]");
    }
    if (shape.size > 0 || type->is_fixed) {
        wire_put_message(&tensor, TENSOR_SHAPE, &shape);
    }
    wire_free(&shape);
    wire_put_message(out, field, &tensor);
    return is_good;
}

/* ---- types ---- */

static bool take_element(struct txt *txt, uint32_t field, struct wire_out *out)
{
    struct txt_type element = {.dtype = ONNXRUN_UNDEFINED};
    bool is_good = txt_type(txt, &element);
    wire_put(out, field, wire_span_of(&element.proto));
    txt_type_free(&element);
    return is_good;
}

static bool take_dtype(struct txt *txt, onnxrun_dtype *dtype)
{
    struct wire_span word = txt_peek_word(txt);
    *dtype = dtype_of(word);
    if (*dtype == ONNXRUN_UNDEFINED) {
        return txt_expected(txt, "a type of elements, such as float");
    }
    txt_skip_word(txt, word);
    return true;
}

/* "(...)" behind one of the wrappers. Goes as deep as txt_enter allows. */
static bool take_wrapped(struct txt *txt, uint32_t field, struct wire_out *out)
{
    struct wire_out inner = {.data = NULL};
    onnxrun_dtype dtype = ONNXRUN_UNDEFINED;
    if (!txt_enter(txt)) {
        return false;
    }
    bool is_good = txt_want(txt, "(");
    if (is_good && field == TYPE_SPARSE) {
        struct txt_type tensor = {.dtype = ONNXRUN_UNDEFINED};
        is_good = take_dtype(txt, &tensor.dtype) && take_tensor(txt, &tensor, TYPE_SPARSE, out);
        txt_type_free(&tensor);
    } else if (is_good) {
        uint32_t element = ELEMENT_TYPE;
        if (field == TYPE_MAP) {
            is_good = take_dtype(txt, &dtype) && txt_want(txt, ",");
            wire_put_int(&inner, ELEMENT_TYPE, (uint64_t)dtype);
            element = MAP_VALUE;
        }
        is_good = is_good && take_element(txt, element, &inner);
        wire_put(out, field, wire_span_of(&inner));
    }
    wire_free(&inner);
    txt->depth--;
    return is_good && txt_want(txt, ")");
}

bool txt_type(struct txt *txt, struct txt_type *type)
{
    struct wire_span word = txt_peek_word(txt);
    *type = (struct txt_type){.from = txt->at, .dtype = dtype_of(word)};
    uint32_t wrapper = wrapper_of(word);
    if (type->dtype == ONNXRUN_UNDEFINED && wrapper == 0) {
        return txt_expected(txt, "a type");
    }
    txt_skip_word(txt, word);
    return wrapper != 0 ? take_wrapped(txt, wrapper, &type->proto)
                        : take_tensor(txt, type, TYPE_TENSOR, &type->proto);
}

void txt_type_free(struct txt_type *type)
{
    wire_free(&type->proto);
    wire_free(&type->dims);
}

/* ---- values ---- */

bool txt_value(struct txt *txt, struct txt_value *value)
{
    *value = (struct txt_value){.has_type = txt_has_type(txt)};
    return (!value->has_type || txt_type(txt, &value->type)) &&
           txt_name(txt, &value->name, "the name of a value");
}

void txt_put_value(struct wire_out *out, uint32_t field, const struct txt_value *value)
{
    struct wire_out message = {.data = NULL};
    wire_put(&message, VALUE_NAME, value->name);
    if (value->has_type) {
        wire_put(&message, VALUE_TYPE, wire_span_of(&value->type.proto));
    }
    wire_put_message(out, field, &message);
}
