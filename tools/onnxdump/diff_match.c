/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which node of one model is which of the other. Names help, but exporters number them and optimisers
 * make new ones, so that it is mostly told by what a node does with what: from values that are known
 * to be the same forwards to the nodes that use them, and from nodes that are the same backwards to
 * those that feed them. Rules are tried from the strictest on, and after each that finds something
 * again from the strictest.
 */
#include "onnxdump/diff.h"

#include <stdlib.h>
#include <string.h>

#define TELLING_ELEMENTS 16 /* a weight of fewer may be anything */

struct match {
    struct diff_side *a;
    struct diff_side *b;
};

/* ---- values ---- */

static void pair_values(const struct match *m, uint32_t x, uint32_t y)
{
    if (x != ONNXRUN_NO_VALUE && y != ONNXRUN_NO_VALUE && m->a->values[x].other == DIFF_NONE &&
        m->b->values[y].other == DIFF_NONE) {
        m->a->values[x].other = y;
        m->b->values[y].other = x;
    }
}

static bool has_same_content(const struct diff_value *x, const struct diff_value *y)
{
    return x->weight != NULL && y->weight != NULL && x->content == y->content;
}

/* As diff_is_same, without names. */
static bool is_known_same(const struct diff_side *a, uint32_t x, const struct diff_side *b,
                          uint32_t y)
{
    if (x == ONNXRUN_NO_VALUE || y == ONNXRUN_NO_VALUE) {
        return x == y;
    }
    return a->values[x].other == y || has_same_content(&a->values[x], &b->values[y]);
}

bool diff_is_same(const struct diff_side *a, uint32_t x, const struct diff_side *b, uint32_t y)
{
    if (is_known_same(a, x, b, y)) {
        return true;
    }
    return x != ONNXRUN_NO_VALUE && y != ONNXRUN_NO_VALUE && a->values[x].other == DIFF_NONE &&
           b->values[y].other == DIFF_NONE && a->values[x].weight == NULL &&
           b->values[y].weight == NULL && strcmp(a->values[x].name, b->values[y].name) == 0;
}

/* ---- weights ---- */

static int compare_content(const void *left, const void *right)
{
    const struct diff_value *const *a = left, *const *b = right;
    if ((*a)->content != (*b)->content) {
        return (*a)->content < (*b)->content ? -1 : 1;
    }
    return *a < *b ? -1 : *a > *b;
}

/* Two weights, or with them the Constant nodes that hold them. */
static void pair_contents(const struct match *m, uint32_t x, uint32_t y)
{
    uint32_t node = m->a->values[x].producer, other = m->b->values[y].producer;
    pair_values(m, x, y);
    if (node != DIFF_NONE && other != DIFF_NONE && m->a->values[x].other == y) {
        m->a->nodes[node].other = other;
        m->b->nodes[other].other = node;
    }
}

/* Pairs weights of one content, which may have other names, in the order in which they are listed. */
static void pair_by_content(const struct match *m)
{
    struct diff_side *sides[] = {m->a, m->b};
    const struct diff_value **lists[2];
    size_t counts[2] = {0, 0}, at[2] = {0, 0};
    for (size_t s = 0; s < 2; s++) {
        lists[s] = tool_alloc(sides[s]->info.value_count, sizeof *lists[s]);
        for (uint32_t i = 0; i < sides[s]->info.value_count; i++) {
            const struct diff_value *value = &sides[s]->values[i];
            if (value->weight != NULL && value->other == DIFF_NONE) {
                lists[s][counts[s]++] = value;
            }
        }
        if (counts[s] > 0) {
            qsort(lists[s], counts[s], sizeof *lists[s], compare_content);
        }
    }
    while (at[0] < counts[0] && at[1] < counts[1]) {
        const struct diff_value *x = lists[0][at[0]], *y = lists[1][at[1]];
        if (x->content == y->content) {
            pair_contents(m, (uint32_t)(x - m->a->values), (uint32_t)(y - m->b->values));
        }
        at[0] += x->content <= y->content;
        at[1] += y->content <= x->content;
    }
    free(lists[0]);
    free(lists[1]);
}

static void pair_by_name(const struct match *m, bool needs_content)
{
    for (uint32_t i = 0; i < m->a->info.value_count; i++) {
        const struct diff_value *value = &m->a->values[i];
        bool is_eligible = needs_content ? value->weight != NULL : value->is_weight;
        uint32_t other = is_eligible ? diff_find(&m->b->value_names, value->name) : DIFF_NONE;
        if (other == DIFF_NONE) {
            continue;
        }
        if (needs_content && has_same_content(value, &m->b->values[other])) {
            pair_contents(m, i, other);
        } else if (!needs_content && m->b->values[other].is_weight) {
            pair_values(m, i, other);
        }
    }
}

/* ---- nodes ---- */

enum node_rule {
    ALL_INPUTS_AND_ATTRIBUTES, /* the same */
    ALL_INPUTS,
    FEEDS_SAME_AND_ATTRIBUTES, /* it feeds nodes that are the same, at the same place */
    SOME_INPUT_AND_ATTRIBUTES,
    SAME_LABEL,
    FEEDS_SAME,
    NODE_RULES
};

static bool can_pair(const struct match *m, uint32_t x, uint32_t y)
{
    const struct diff_node *a = &m->a->nodes[x], *b = &m->b->nodes[y];
    return a->other == DIFF_NONE && b->other == DIFF_NONE &&
           strcmp(a->info.op_type, b->info.op_type) == 0 &&
           strcmp(a->info.domain, b->info.domain) == 0;
}

static void pair_nodes(const struct match *m, uint32_t x, uint32_t y)
{
    struct diff_node *a = &m->a->nodes[x], *b = &m->b->nodes[y];
    a->other = y;
    b->other = x;
    for (uint32_t i = 0; i < a->info.output_count && i < b->info.output_count; i++) {
        pair_values(m, a->info.outputs[i], b->info.outputs[i]);
    }
    /* Weights that are left have another name and another content. */
    for (uint32_t i = 0; i < a->input_count && i < b->input_count; i++) {
        uint32_t v = a->inputs[i], w = b->inputs[i];
        if (v != ONNXRUN_NO_VALUE && w != ONNXRUN_NO_VALUE && m->a->values[v].is_weight &&
            m->b->values[w].is_weight) {
            pair_values(m, v, w);
        }
    }
}

static bool has_same_inputs(const struct match *m, uint32_t x, uint32_t y)
{
    const struct diff_node *a = &m->a->nodes[x], *b = &m->b->nodes[y];
    bool is_same = a->input_count == b->input_count;
    for (uint32_t i = 0; is_same && i < a->input_count; i++) {
        is_same = is_known_same(m->a, a->inputs[i], m->b, b->inputs[i]);
    }
    return is_same;
}

static bool fits(const struct match *m, enum node_rule rule, uint32_t x, uint32_t y)
{
    bool has_attributes = m->a->nodes[x].attributes == m->b->nodes[y].attributes;
    switch (rule) {
    case ALL_INPUTS_AND_ATTRIBUTES:
        return has_attributes && has_same_inputs(m, x, y);
    case ALL_INPUTS:
        return has_same_inputs(m, x, y);
    case FEEDS_SAME_AND_ATTRIBUTES:
    case SOME_INPUT_AND_ATTRIBUTES:
        return has_attributes;
    default:
        return true;
    }
}

static uint32_t use_count(const struct diff_side *side, uint32_t value)
{
    return side->values[value + 1].first_use - side->values[value].first_use;
}

/* Whether it takes no more than this input to tell a node: a weight of some size that no other node
 * of either model uses. */
static bool is_telling(const struct match *m, uint32_t x, uint32_t y)
{
    onnxrun_weight_info info;
    if (m->a->values[x].weight == NULL || use_count(m->a, x) != 1 || use_count(m->b, y) != 1) {
        return false;
    }
    onnxrun_weight_get_info(m->a->model, m->a->values[x].weight, &info);
    return info.count >= TELLING_ELEMENTS;
}

/* Whether one of two nodes has a namesake in the other model. */
static bool has_namesake(const struct match *m, uint32_t x, uint32_t y)
{
    uint32_t of_x = diff_find(&m->b->node_names, diff_node_label(m->a, x));
    uint32_t of_y = diff_find(&m->a->node_names, diff_node_label(m->b, y));
    return (of_x != DIFF_NONE && of_x != y) || (of_y != DIFF_NONE && of_y != x);
}

/* The node of the second model that uses the same value at the same place and fits best: the one of
 * the same label, or else the first. */
static uint32_t find_by_input(const struct match *m, enum node_rule rule, uint32_t x,
                              uint32_t input)
{
    uint32_t found = DIFF_NONE, value = m->a->nodes[x].inputs[input];
    uint32_t same = value != ONNXRUN_NO_VALUE ? m->a->values[value].other : DIFF_NONE;
    if (same == DIFF_NONE) {
        return DIFF_NONE;
    }
    bool is_weak = rule == SOME_INPUT_AND_ATTRIBUTES && !is_telling(m, value, same);
    const char *label = diff_node_label(m->a, x);
    for (uint32_t u = m->b->values[same].first_use; u < m->b->values[same + 1].first_use; u++) {
        uint32_t y = m->b->uses[u].node;
        if (m->b->uses[u].input == input && can_pair(m, x, y) && fits(m, rule, x, y) &&
            !(is_weak && has_namesake(m, x, y))) {
            if (strcmp(diff_node_label(m->b, y), label) == 0) {
                return y;
            }
            found = found == DIFF_NONE ? y : found;
        }
    }
    return found;
}

static bool pair_by_inputs(const struct match *m, enum node_rule rule)
{
    bool has_found = false;
    for (uint32_t x = 0; x < m->a->info.node_count; x++) {
        const struct diff_node *node = &m->a->nodes[x];
        uint32_t found = DIFF_NONE;
        for (uint32_t i = 0;
             i < node->input_count && node->other == DIFF_NONE && found == DIFF_NONE; i++) {
            found = find_by_input(m, rule, x, i);
        }
        if (found != DIFF_NONE) {
            pair_nodes(m, x, found);
            has_found = true;
        }
    }
    return has_found;
}

/* The nodes that compute two values that are used alike. */
static bool pair_producers(const struct match *m, enum node_rule rule, uint32_t v, uint32_t w)
{
    uint32_t x = v != ONNXRUN_NO_VALUE ? m->a->values[v].producer : DIFF_NONE;
    uint32_t y = w != ONNXRUN_NO_VALUE ? m->b->values[w].producer : DIFF_NONE;
    if (x == DIFF_NONE || y == DIFF_NONE || !can_pair(m, x, y) || !fits(m, rule, x, y)) {
        return false;
    }
    pair_nodes(m, x, y);
    return true;
}

static bool pair_by_uses(const struct match *m, enum node_rule rule)
{
    bool has_found = false;
    const onnxrun_graph_info *a = &m->a->info, *b = &m->b->info;
    for (uint32_t i = 0; i < a->output_count; i++) {
        for (uint32_t j = 0; j < b->output_count; j++) {
            if (diff_is_one_output(m->a, i, m->b, j)) {
                has_found = pair_producers(m, rule, a->outputs[i], b->outputs[j]) || has_found;
            }
        }
    }
    for (uint32_t x = a->node_count; x-- > 0;) {
        const struct diff_node *node = &m->a->nodes[x];
        const struct diff_node *other = node->other != DIFF_NONE ? &m->b->nodes[node->other] : NULL;
        for (uint32_t i = 0; other != NULL && i < node->input_count && i < other->input_count;
             i++) {
            has_found = pair_producers(m, rule, node->inputs[i], other->inputs[i]) || has_found;
        }
    }
    return has_found;
}

static bool pair_by_labels(const struct match *m)
{
    bool has_found = false;
    for (uint32_t x = 0; x < m->a->info.node_count; x++) {
        const char *label = diff_node_label(m->a, x);
        uint32_t y = label[0] != '\0' ? diff_find(&m->b->node_names, label) : DIFF_NONE;
        if (y != DIFF_NONE && can_pair(m, x, y)) {
            pair_nodes(m, x, y);
            has_found = true;
        }
    }
    return has_found;
}

static bool apply(const struct match *m, enum node_rule rule)
{
    switch (rule) {
    case FEEDS_SAME_AND_ATTRIBUTES:
    case FEEDS_SAME:
        return pair_by_uses(m, rule);
    case SAME_LABEL:
        return pair_by_labels(m);
    default:
        return pair_by_inputs(m, rule);
    }
}

static void match_all(const struct match *m)
{
    pair_by_name(m, true);
    pair_by_content(m);
    pair_by_name(m, false);
    for (unsigned rule = 0; rule < NODE_RULES;) {
        rule = apply(m, (enum node_rule)rule) && rule > 0 ? 0 : rule + 1;
    }
}

void diff_match(struct diff_side *a, struct diff_side *b)
{
    const struct match m = {a, b};
    for (uint32_t i = 0; i < a->info.input_count; i++) {
        for (uint32_t j = 0; j < b->info.input_count; j++) {
            uint32_t x = a->info.inputs[i], y = b->info.inputs[j];
            if (strcmp(a->values[x].name, b->values[y].name) == 0) {
                pair_values(&m, x, y);
            }
        }
    }
    match_all(&m);
}

/* ---- bodies ---- */

bool diff_find_body(const struct diff_side *side, uint32_t node, const char *attribute,
                    struct diff_body *body)
{
    body->outer = side;
    for (uint32_t i = 0; i < side->nodes[node].info.body_count; i++) {
        (void)onnxrun_node_body(side->graph, node, i, &body->info, NULL);
        if (strcmp(body->info.attribute, attribute) == 0) {
            return true;
        }
    }
    return false;
}

bool diff_is_one_output(const struct diff_side *a, uint32_t i, const struct diff_side *b,
                        uint32_t j)
{
    return a->is_body ? i == j : strcmp(a->info.output_names[i], b->info.output_names[j]) == 0;
}

void diff_match_bodies(struct diff_side *a, const struct diff_body *body_a, struct diff_side *b,
                       const struct diff_body *body_b)
{
    const struct match m = {a, b};
    for (uint32_t i = 0; i < a->info.input_count && i < b->info.input_count; i++) {
        pair_values(&m, a->info.inputs[i], b->info.inputs[i]);
    }
    for (uint32_t i = 0; i < body_a->info.capture_count; i++) {
        for (uint32_t j = 0; j < body_b->info.capture_count; j++) {
            if (diff_is_same(body_a->outer, body_a->info.captures[i], body_b->outer,
                             body_b->info.captures[j])) {
                pair_values(&m, body_a->info.inputs[i], body_b->info.inputs[j]);
            }
        }
    }
    match_all(&m);
}
