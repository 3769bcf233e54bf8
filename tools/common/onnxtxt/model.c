/* SPDX-License-Identifier: Apache-2.0 */
/* The model: "<ir_version: 10, opset_import: ["" : 21]>", the graph, then functions. */
#include "common/onnxtxt/parts.h"
#include "common/onnxtxt/read.h"

#include <stdlib.h>

/* Fields of ModelProto, FunctionProto and OperatorSetIdProto. */
enum {
    MODEL_GRAPH = 7,
    MODEL_FUNCTION = 25,
    FUNCTION_NAME = 1,
    FUNCTION_INPUT = 4,
    FUNCTION_OUTPUT = 5,
    FUNCTION_ATTRIBUTE = 6,
    FUNCTION_NODE = 7,
    FUNCTION_DEFAULT = 11,
    FUNCTION_VALUE = 12,
    OPSET_DOMAIN = 1,
    OPSET_VERSION = 2
};

enum content { CONTENT_INT, CONTENT_STRING, CONTENT_OPSETS, CONTENT_ENTRIES };

/* What may stand in the head of a model, and in that of a function: the field there, 0 for none. */
static const struct key {
    const char *word;
    enum content content;
    uint32_t model;
    uint32_t function;
} keys[] = {
    {"ir_version", CONTENT_INT, 1, 0},          {"opset_import", CONTENT_OPSETS, 8, 9},
    {"producer_name", CONTENT_STRING, 2, 0},    {"producer_version", CONTENT_STRING, 3, 0},
    {"domain", CONTENT_STRING, 4, 10},          {"model_version", CONTENT_INT, 5, 0},
    {"doc_string", CONTENT_STRING, 6, 8},       {"overload", CONTENT_STRING, 0, 13},
    {"metadata_props", CONTENT_ENTRIES, 14, 0},
};

/* ---- heads ---- */

/* "["" : 21, "com.microsoft" : 1]" */
static bool take_opsets(struct txt *txt, uint32_t field, struct wire_out *out)
{
    if (!txt_want(txt, "[") || txt_take(txt, ']')) {
        return txt->status == ONNXRUN_OK;
    }
    do {
        struct wire_span domain;
        int64_t version;
        if (!txt_string(txt, &domain) || !txt_want(txt, ":") || !txt_int(txt, &version)) {
            return false;
        }
        struct wire_out opset = {.data = NULL};
        wire_put(&opset, OPSET_DOMAIN, domain);
        wire_put_int(&opset, OPSET_VERSION, (uint64_t)version);
        wire_put_message(out, field, &opset);
    } while (txt_take(txt, ','));
    return txt_want(txt, "]");
}

static bool take_content(struct txt *txt, enum content content, uint32_t field,
                         struct wire_out *out)
{
    struct wire_span string;
    int64_t integer;
    bool is_good = true;
    switch (content) {
    case CONTENT_INT:
        is_good = txt_int(txt, &integer);
        if (is_good) {
            wire_put_int(out, field, (uint64_t)integer);
        }
        return is_good;
    case CONTENT_STRING:
        is_good = txt_string(txt, &string);
        if (is_good) {
            wire_put(out, field, string);
        }
        return is_good;
    case CONTENT_OPSETS:
        return take_opsets(txt, field, out);
    case CONTENT_ENTRIES:
        return txt_want(txt, "[") && txt_entries(txt, field, out);
    }
    return false;
}

static bool take_property(struct txt *txt, bool is_model, struct wire_out *out)
{
    struct wire_span word = txt_peek_word(txt);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint32_t field = is_model ? keys[i].model : keys[i].function;
        if (field != 0 && wire_is(word, keys[i].word)) {
            txt_skip_word(txt, word);
            return txt_want(txt, ":") && take_content(txt, keys[i].content, field, out);
        }
    }
    return txt_expected(txt, is_model ? "a property of a model, such as ir_version"
                                      : "a property of a function, such as opset_import");
}

/* "<key: value, ...>" when < comes next. */
static bool take_head(struct txt *txt, bool is_model, struct wire_out *out)
{
    if (!txt_take(txt, '<')) {
        return true;
    }
    do {
        if (!take_property(txt, is_model, out)) {
            return false;
        }
    } while (txt_take(txt, ','));
    return txt_want(txt, ">");
}

/* ---- functions ---- */

/* "<axis, alpha: float = 1.0>": attributes without and with a default. */
static bool take_parameters(struct txt *txt, struct wire_out *out)
{
    struct wire_span name;
    if (!txt_take(txt, '<')) {
        return true;
    }
    do {
        if (!txt_name(txt, &name, "the name of an attribute")) {
            return false;
        }
        int next = txt_peek(txt);
        if (next != ':' && next != '=') {
            wire_put(out, FUNCTION_ATTRIBUTE, name);
        } else if (!txt_attribute(txt, name, FUNCTION_DEFAULT, out)) {
            return false;
        }
    } while (txt_take(txt, ','));
    return txt_want(txt, ">");
}

/* "(x, float[N] y)": names, whose types are kept beside them. */
static bool take_signature(struct txt *txt, uint32_t field, struct wire_out *out)
{
    if (!txt_want(txt, "(") || txt_take(txt, ')')) {
        return txt->status == ONNXRUN_OK;
    }
    bool is_good = true;
    do {
        struct txt_value value;
        is_good = txt_value(txt, &value);
        if (is_good) {
            wire_put(out, field, value.name);
        }
        if (is_good && value.has_type) {
            txt_put_value(out, FUNCTION_VALUE, &value);
        }
        txt_type_free(&value.type);
    } while (is_good && txt_take(txt, ','));
    return is_good && txt_want(txt, ")");
}

static bool take_function(struct txt *txt, struct wire_out *out)
{
    struct wire_span name;
    if (!take_head(txt, false, out) || !txt_name(txt, &name, "the name of a function")) {
        return false;
    }
    wire_put(out, FUNCTION_NAME, name);
    return take_parameters(txt, out) && take_signature(txt, FUNCTION_INPUT, out) &&
           txt_want(txt, "=>") && take_signature(txt, FUNCTION_OUTPUT, out) &&
           txt_values(txt, FUNCTION_VALUE, 0, out) && txt_nodes(txt, FUNCTION_NODE, out);
}

/* ---- the model ---- */

static bool take_model(struct txt *txt, struct wire_out *model)
{
    struct wire_out graph = {.data = NULL};
    struct wire_span name;
    bool is_good = take_head(txt, true, model) && txt_name(txt, &name, "the name of the graph") &&
                   txt_graph(txt, name, &graph);
    wire_put_message(model, MODEL_GRAPH, &graph);
    while (is_good && txt_peek(txt) >= 0) {
        struct wire_out function = {.data = NULL};
        is_good = take_function(txt, &function);
        wire_put_message(model, MODEL_FUNCTION, &function);
    }
    return is_good;
}

onnxrun_status onnxtxt_read(struct wire_span text, const char *name, struct wire_out *model,
                            bool *has_external, onnxrun_error *error)
{
    const char *begin = text.size > 0 ? (const char *)text.data : "";
    struct txt txt = {.name = name,
                      .begin = begin,
                      .at = begin,
                      .end = begin + text.size,
                      .status = ONNXRUN_OK,
                      .error = error};
    *model = (struct wire_out){.data = NULL};
    if (!take_model(&txt, model)) {
        wire_free(model);
    }
    *has_external = txt.has_external;
    free(txt.strings);
    return txt.status;
}
