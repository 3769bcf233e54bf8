/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and graphs: "g (float[N] x) => (float[N] y) <float[1] w = {2}> { y = Mul (x, w) }". */
#include "common/onnxtxt/parts.h"

/* Fields of NodeProto and GraphProto. */
enum {
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
    NODE_OVERLOAD = 8,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_WEIGHT = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_VALUE = 13
};

/* ---- nodes ---- */

/* "x, , y": a name may be missing before a comma, and the last comma may follow the last name. */
static bool take_names(struct txt *txt, uint32_t field, struct wire_out *out)
{
    do {
        struct wire_span name = {NULL, 0};
        if (!txt_has_name(txt) && txt_peek(txt) != ',') {
            return true;
        }
        if (txt_has_name(txt) && !txt_name(txt, &name, "the name of a value")) {
            return false;
        }
        wire_put(out, field, name);
    } while (txt_take(txt, ','));
    return true;
}

/* "[name]" */
static bool take_label(struct txt *txt, struct wire_out *node)
{
    struct wire_span name;
    if (!txt_take(txt, '[') || txt_take(txt, ']')) {
        return true;
    }
    if (!txt_name(txt, &name, "the name of a node")) {
        return false;
    }
    wire_put(node, NODE_NAME, name);
    return txt_want(txt, "]");
}

/* "com.microsoft.Gelu:overload" */
static bool take_operator(struct txt *txt, struct wire_out *node)
{
    struct wire_span domain, op_type, overload;
    if (!txt_operator(txt, &domain, &op_type)) {
        return false;
    }
    wire_put(node, NODE_TYPE, op_type);
    if (domain.size > 0) {
        wire_put(node, NODE_DOMAIN, domain);
    }
    if (!txt_take(txt, ':')) {
        return true;
    }
    bool is_good = txt_name(txt, &overload, "the overload of a function");
    if (is_good) {
        wire_put(node, NODE_OVERLOAD, overload);
    }
    return is_good;
}

/* Attributes stand before the inputs or behind them. */
static bool take_node(struct txt *txt, struct wire_out *node)
{
    if (!take_label(txt, node) || !take_names(txt, NODE_OUTPUT, node) || !txt_want(txt, "=") ||
        !take_operator(txt, node)) {
        return false;
    }
    bool is_first = txt_peek(txt) == '<';
    return txt_attributes(txt, NODE_ATTRIBUTE, node) && txt_want(txt, "(") &&
           take_names(txt, NODE_INPUT, node) && txt_want(txt, ")") &&
           (is_first || txt_attributes(txt, NODE_ATTRIBUTE, node));
}

bool txt_nodes(struct txt *txt, uint32_t field, struct wire_out *out)
{
    bool is_good = txt_want(txt, "{");
    while (is_good && !txt_take(txt, '}')) {
        struct wire_out node = {.data = NULL};
        is_good = take_node(txt, &node);
        wire_put_message(out, field, &node);
    }
    return is_good;
}

/* ---- values ---- */

/* A value, or a weight of this name; an input can be both. */
static bool take_value(struct txt *txt, uint32_t values, uint32_t tensors, bool is_input,
                       struct wire_out *out)
{
    struct txt_value value;
    bool is_good = txt_value(txt, &value);
    bool is_weight = is_good && tensors != 0 && txt_take(txt, '=');
    if (is_good && (is_input || !is_weight)) {
        txt_put_value(out, values, &value);
    }
    if (is_weight) {
        struct wire_out tensor = {.data = NULL};
        is_good = txt_tensor(txt, &value.type, value.name, &tensor);
        wire_put_message(out, tensors, &tensor);
    }
    txt_type_free(&value.type);
    return is_good;
}

/* Values with commas between them, up to what closes the list. */
static bool take_values(struct txt *txt, uint32_t values, uint32_t tensors, bool are_inputs,
                        const char *closing, struct wire_out *out)
{
    do {
        if (!take_value(txt, values, tensors, are_inputs, out)) {
            return false;
        }
    } while (txt_take(txt, ','));
    return txt_want(txt, closing);
}

bool txt_values(struct txt *txt, uint32_t values, uint32_t tensors, struct wire_out *out)
{
    return !txt_take(txt, '<') || txt_take(txt, '>') ||
           take_values(txt, values, tensors, false, ">", out);
}

/* "(float[N] x, float y)" */
static bool take_signature(struct txt *txt, uint32_t values, uint32_t tensors, struct wire_out *out)
{
    return txt_want(txt, "(") &&
           (txt_take(txt, ')') || take_values(txt, values, tensors, true, ")", out));
}

/* Goes as deep as txt_enter allows. */
bool txt_graph(struct txt *txt, struct wire_span name, struct wire_out *out)
{
    if (!txt_enter(txt)) {
        return false;
    }
    wire_put(out, GRAPH_NAME, name);
    bool is_good = take_signature(txt, GRAPH_INPUT, GRAPH_WEIGHT, out) && txt_want(txt, "=>") &&
                   take_signature(txt, GRAPH_OUTPUT, 0, out) &&
                   txt_values(txt, GRAPH_VALUE, GRAPH_WEIGHT, out) &&
                   txt_nodes(txt, GRAPH_NODE, out);
    txt->depth--;
    return is_good;
}
