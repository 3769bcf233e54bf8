/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes: "axis = 1", "axes: ints = [0, 1]", "value = float[2] {1, 2}", "body = g (...) => ...",
 * "alpha: float = @alpha". */
#include "common/onnxtxt/parts.h"

/* Numbers of AttributeProto.AttributeType; a list is 5 above its elements, of types 1. */
enum kind {
    KIND_NONE = 0,
    KIND_FLOAT = 1,
    KIND_INT = 2,
    KIND_STRING = 3,
    KIND_TENSOR = 4,
    KIND_GRAPH = 5,
    KIND_FLOATS = 6,
    KIND_GRAPHS = 10,
    KIND_TYPE = 13,
    KIND_TYPES = 14
};

/* Fields of AttributeProto. */
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_KIND = 20, ATTRIBUTE_REFERENCE = 21 };

/* By kind; the syntax has no sparse tensors. The field is that of the value or of the list. */
static const struct {
    const char *word;
    uint32_t field;
} kinds[] = {{"", 0},        {"float", 2},  {"int", 3},  {"string", 4},      {"tensor", 5},
             {"graph", 6},   {"floats", 7}, {"ints", 8}, {"strings", 9},     {"tensors", 10},
             {"graphs", 11}, {"", 0},       {"", 0},     {"type_proto", 14}, {"type_protos", 15}};

/* One value. */
struct value {
    enum kind kind;
    const char *from;
    float real;
    int64_t integer;
    struct wire_span string;
    struct wire_out message; /* of a tensor, graph or type */
};

static bool is_list(enum kind kind)
{
    return (kind >= KIND_FLOATS && kind <= KIND_GRAPHS) || kind == KIND_TYPES;
}

static enum kind element_of(enum kind kind)
{
    return !is_list(kind) ? kind : kind == KIND_TYPES ? KIND_TYPE : (enum kind)(kind - 5);
}

static enum kind list_of(enum kind element)
{
    return element == KIND_TYPE ? KIND_TYPES : (enum kind)(element + 5);
}

/* ---- one value ---- */

static bool take_number(struct txt *txt, enum kind wanted, struct value *value)
{
    struct txt_number number;
    if (!txt_number(txt, &number)) {
        return false;
    }
    if (number.is_real || wanted == KIND_FLOAT) {
        value->kind = KIND_FLOAT;
        return txt_to_float(txt, &number, &value->real);
    }
    value->kind = KIND_INT;
    return txt_to_int(txt, &number, INT64_MIN, INT64_MAX, "int64", &value->integer);
}

static bool take_graph(struct txt *txt, struct wire_span name, struct value *value)
{
    value->kind = KIND_GRAPH;
    return txt_graph(txt, name, &value->message);
}

/* A tensor or, when nothing follows, a type. */
static bool take_typed(struct txt *txt, enum kind wanted, struct value *value)
{
    struct txt_type type;
    struct wire_span name = {NULL, 0};
    bool is_good = txt_type(txt, &type);
    int next = txt_peek(txt);
    bool is_tensor =
        wanted == KIND_TENSOR || next == '{' || next == '=' || next == '[' || txt_has_name(txt);
    value->kind = is_tensor ? KIND_TENSOR : KIND_TYPE;
    if (is_good && is_tensor) {
        is_good = !txt_has_name(txt) || txt_name(txt, &name, "the name of a tensor");
        (void)(is_good && txt_take(txt, '='));
        is_good = is_good && txt_tensor(txt, &type, name, &value->message);
    } else if (is_good) {
        wire_put_raw(&value->message, wire_span_of(&type.proto));
    }
    txt_type_free(&type);
    return is_good;
}

/* A string, or the name of a graph. */
static bool take_quoted(struct txt *txt, enum kind wanted, struct value *value)
{
    value->kind = KIND_STRING;
    if (!txt_string(txt, &value->string)) {
        return false;
    }
    bool is_graph = wanted == KIND_GRAPH || (wanted == KIND_NONE && txt_peek(txt) == '(');
    return !is_graph || take_graph(txt, value->string, value);
}

static bool take_any(struct txt *txt, enum kind wanted, struct value *value)
{
    int next = txt_peek(txt);
    struct wire_span word = txt_peek_word(txt);
    if (next == '"') {
        return take_quoted(txt, wanted, value);
    }
    if (next == '-' || (next >= '0' && next <= '9')) {
        return take_number(txt, wanted, value);
    }
    if (word.size == 0) {
        return txt_expected(txt, "the value of an attribute");
    }
    if (wanted != KIND_GRAPH && txt_has_type(txt)) {
        return take_typed(txt, wanted, value);
    }
    if (wanted != KIND_GRAPH && txt_is_real_word(word)) {
        return take_number(txt, wanted, value);
    }
    txt_skip_word(txt, word);
    return take_graph(txt, word, value);
}

/* value->message is freed by the caller. */
static bool take_value(struct txt *txt, enum kind wanted, struct value *value)
{
    (void)txt_peek(txt);
    *value = (struct value){.from = txt->at};
    return take_any(txt, wanted, value) &&
           (wanted == KIND_NONE || wanted == value->kind ||
            txt_fail(txt, value->from, "got a value of kind %s, expected %s",
                     kinds[value->kind].word, kinds[wanted].word));
}

static void put_value(struct wire_out *out, uint32_t field, const struct value *value)
{
    switch (value->kind) {
    case KIND_FLOAT:
        wire_put_float(out, field, value->real);
        break;
    case KIND_INT:
        wire_put_int(out, field, (uint64_t)value->integer);
        break;
    case KIND_STRING:
        wire_put(out, field, value->string);
        break;
    default:
        wire_put(out, field, wire_span_of(&value->message));
        break;
    }
}

/* ---- attributes ---- */

/* ": ints", or nothing. */
static bool take_kind(struct txt *txt, enum kind *kind)
{
    *kind = KIND_NONE;
    if (!txt_take(txt, ':')) {
        return true;
    }
    struct wire_span word = txt_peek_word(txt);
    for (size_t i = 1; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (word.size > 0 && wire_is(word, kinds[i].word)) {
            *kind = (enum kind)i;
            txt_skip_word(txt, word);
            return true;
        }
    }
    return txt_expected(txt, "a kind of attribute, such as int or floats");
}

/* "1, 2]"; the first value gives the kind when there is no other. */
static bool take_list(struct txt *txt, enum kind *kind, struct wire_out *out)
{
    if (txt_take(txt, ']')) {
        return is_list(*kind) ||
               txt_fail(txt, txt->at,
                        "an empty list, expected a kind before it, such as \": ints\"");
    }
    bool is_good = true;
    do {
        struct value value;
        is_good = take_value(txt, element_of(*kind), &value);
        if (is_good) {
            *kind = list_of(value.kind);
            put_value(out, kinds[*kind].field, &value);
        }
        wire_free(&value.message);
    } while (is_good && txt_take(txt, ','));
    return is_good && txt_want(txt, "]");
}

static bool take_content(struct txt *txt, enum kind *kind, struct wire_out *out)
{
    struct wire_span name;
    struct value value;
    if (txt_take(txt, '@')) {
        bool is_named = txt_name(txt, &name, "the name of an attribute of the function");
        if (is_named) {
            wire_put(out, ATTRIBUTE_REFERENCE, name);
        }
        return is_named;
    }
    if (txt_take(txt, '[')) {
        return take_list(txt, kind, out);
    }
    bool is_good = take_value(txt, *kind, &value);
    if (is_good) {
        *kind = value.kind;
        put_value(out, kinds[*kind].field, &value);
    }
    wire_free(&value.message);
    return is_good;
}

bool txt_attribute(struct txt *txt, struct wire_span name, uint32_t field, struct wire_out *out)
{
    struct wire_out message = {.data = NULL};
    enum kind kind;
    wire_put(&message, ATTRIBUTE_NAME, name);
    bool is_good =
        take_kind(txt, &kind) && txt_want(txt, "=") && take_content(txt, &kind, &message);
    if (kind != KIND_NONE) {
        wire_put_int(&message, ATTRIBUTE_KIND, (uint64_t)kind);
    }
    wire_put_message(out, field, &message);
    return is_good;
}

bool txt_attributes(struct txt *txt, uint32_t field, struct wire_out *out)
{
    struct wire_span name;
    if (!txt_take(txt, '<')) {
        return true;
    }
    do {
        if (!txt_name(txt, &name, "the name of an attribute") ||
            !txt_attribute(txt, name, field, out)) {
            return false;
        }
    } while (txt_take(txt, ','));
    return txt_want(txt, ">");
}
