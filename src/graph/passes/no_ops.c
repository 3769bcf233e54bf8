/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes whose first output equals an input, by what is known of types, shapes and constants, go:
 *
 *   Identity; Cast and CastLike to the own type; Dropout in inference; operators that give their
 *   input another shape (Reshape, Flatten, Squeeze, Unsqueeze), when that is the shape it has, or
 *   had before other such operators
 *   Expand, Tile, Slice, Pad, Concat and Split that leave all elements where they are
 *   x * 1, x / 1, x - 0, x + -0, of integers also x + 0: x + 0 would make 0 of -0
 *   Transpose by the identity, alone or as a pair; other pairs become one Transpose
 *
 * A Reshape to a shape that does not depend on its input reads past shape changes before it,
 * Transposes and Gathers among them (past_views.c). An operator that broadcasts reads past an Expand to
 * the shape of another operand.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"
#include "graph/passes/past_expand.h"
#include "graph/passes/past_views.h"
#include "graph/passes/replace.h"

#include <math.h>
#include <string.h>

struct cleaner {
    struct onr_graph *graph;
    struct onr_fuser fuser; /* to look at producers and constants; knows no users */
    struct onr_error *err;
};

typedef uint32_t (*source_fn)(const struct cleaner *c, const struct onr_node *node);

static const struct onr_fact *fact_of(const struct cleaner *c, uint32_t value)
{
    return &c->graph->values[value].fact;
}

/* True when the value has the type and shape of the node's first output. */
static bool is_like_output(const struct cleaner *c, const struct onr_node *node, uint32_t value)
{
    const struct onr_fact *from = fact_of(c, value);
    const struct onr_fact *to = fact_of(c, node->outputs[0]);
    return onr_fact_is_tensor(from) && onr_fact_is_tensor(to) && from->dtype != ONR_UNDEFINED &&
           from->dtype == to->dtype && from->shape.rank >= 0 &&
           onr_shape_equal(&from->shape, &to->shape);
}

/* The integers of a constant input, for which test must hold; true also when it is absent. */
static bool all_ints(const struct cleaner *c, const struct onr_node *node, uint32_t index,
                     bool (*test)(int64_t))
{
    if (!onr_fuse_has_input(node, index)) {
        return true;
    }
    const struct onr_fact *fact = fact_of(c, node->inputs[index]);
    if (fact->data == NULL || !onr_dtypes_has(ONR_DTYPES_INDEX, fact->dtype)) {
        return false;
    }
    int64_t count = onr_shape_range(&fact->shape, 0, fact->shape.rank);
    for (int64_t i = 0; i < count; i++) {
        if (!test(onr_fact_int(fact, i))) {
            return false;
        }
    }
    return true;
}

static bool is_zero(int64_t number)
{
    return number == 0;
}

static bool is_positive(int64_t number)
{
    return number > 0;
}

/* ---- the input that a node's first output equals, or ONR_NO_VALUE ---- */

static uint32_t source_of_identity(const struct cleaner *c, const struct onr_node *node)
{
    (void)c;
    return node->inputs[0];
}

static uint32_t source_of_cast(const struct cleaner *c, const struct onr_node *node)
{
    enum onr_dtype from = fact_of(c, node->inputs[0])->dtype;
    enum onr_dtype to = fact_of(c, node->outputs[0])->dtype;
    return from == to && from != ONR_UNDEFINED ? node->inputs[0] : ONR_NO_VALUE;
}

static uint32_t source_of_dropout(const struct cleaner *c, const struct onr_node *node)
{
    bool is_inference = (node->op->traits & ONR_TRAIT_VIEW) != 0;
    if (node->version < 7) {
        is_inference = onr_attr_int(node, "is_test", 0) != 0;
    } else if (node->version >= 12) {
        const struct onr_fact *mode =
            onr_fuse_has_input(node, 2) ? fact_of(c, node->inputs[2]) : NULL;
        is_inference = mode == NULL || (mode->data != NULL && onr_fact_int(mode, 0) == 0);
    }
    return is_inference ? node->inputs[0] : ONR_NO_VALUE;
}

/* Of operators that can only leave elements out or repeat them. */
static uint32_t source_of_same_shape(const struct cleaner *c, const struct onr_node *node)
{
    return is_like_output(c, node, node->inputs[0]) ? node->inputs[0] : ONR_NO_VALUE;
}

/* Of operators that give it another shape, also when they only take back such changes before. */
static uint32_t source_of_view(const struct cleaner *c, const struct onr_node *node)
{
    uint32_t source = node->inputs[0];
    while (source != ONR_NO_VALUE && !is_like_output(c, node, source)) {
        source = onr_before_view(&c->fuser, source);
    }
    return source;
}

static uint32_t source_of_slice(const struct cleaner *c, const struct onr_node *node)
{
    return all_ints(c, node, 4, is_positive) ? source_of_same_shape(c, node) : ONR_NO_VALUE;
}

/* Pads of the same length could cut on one side what they add on the other. */
static uint32_t source_of_pad(const struct cleaner *c, const struct onr_node *node)
{
    size_t count = 0;
    const int64_t *pads = onr_attr_ints(node, node->version < 2 ? "paddings" : "pads", &count);
    for (size_t i = 0; i < count; i++) {
        if (pads[i] != 0) {
            return ONR_NO_VALUE;
        }
    }
    return all_ints(c, node, 1, is_zero) ? source_of_same_shape(c, node) : ONR_NO_VALUE;
}

/* There is one input, or all but one are empty. */
static uint32_t source_of_concat(const struct cleaner *c, const struct onr_node *node)
{
    uint32_t source = ONR_NO_VALUE;
    int axis = 0;
    if (node->input_count == 1) {
        return node->inputs[0];
    }
    if (!onr_axis_normalize(onr_attr_int(node, "axis", 1), fact_of(c, node->outputs[0])->shape.rank,
                            &axis)) {
        return ONR_NO_VALUE;
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (!onr_fuse_has_input(node, i)) {
            return ONR_NO_VALUE;
        }
        const struct onr_shape *shape = &fact_of(c, node->inputs[i])->shape;
        if (shape->rank > axis && shape->dim[axis] == 0) {
            continue;
        }
        if (source != ONR_NO_VALUE) {
            return ONR_NO_VALUE;
        }
        source = node->inputs[i];
    }
    return source != ONR_NO_VALUE && is_like_output(c, node, source) ? source : ONR_NO_VALUE;
}

/* True for a constant of one number that does not add dimensions to the other operand. */
static bool is_number(const struct cleaner *c, uint32_t value, uint32_t other, double *number)
{
    const struct onr_fact *fact = fact_of(c, value);
    int rank = fact->shape.rank;
    if (!onr_fact_is_constant(fact) || (rank > 0 && fact_of(c, other)->shape.rank < rank) ||
        onr_shape_range(&fact->shape, 0, rank) != 1) {
        return false;
    }
    bool is_int = onr_dtypes_has(ONR_DTYPES_INT, fact->dtype);
    *number = is_int ? (double)onr_fact_int(fact, 0) : 0;
    return is_int || onr_fuse_number(&c->fuser, value, number);
}

static uint32_t source_of_quotient(const struct cleaner *c, const struct onr_node *node)
{
    double number = 0;
    return is_number(c, node->inputs[1], node->inputs[0], &number) && number == 1 ? node->inputs[0]
                                                                                  : ONR_NO_VALUE;
}

static uint32_t source_of_product(const struct cleaner *c, const struct onr_node *node)
{
    double number = 0;
    return is_number(c, node->inputs[0], node->inputs[1], &number) && number == 1
               ? node->inputs[1]
               : source_of_quotient(c, node);
}

static uint32_t source_of_difference(const struct cleaner *c, const struct onr_node *node)
{
    double number = 0;
    return is_number(c, node->inputs[1], node->inputs[0], &number) && number == 0 &&
                   !signbit(number)
               ? node->inputs[0]
               : ONR_NO_VALUE;
}

static uint32_t source_of_sum(const struct cleaner *c, const struct onr_node *node)
{
    bool is_int = onr_dtypes_has(ONR_DTYPES_INT, fact_of(c, node->outputs[0])->dtype);
    for (uint32_t i = 0; i < 2; i++) {
        double number = 0;
        if (is_number(c, node->inputs[i], node->inputs[1 - i], &number) && number == 0 &&
            (is_int || signbit(number))) {
            return node->inputs[1 - i];
        }
    }
    return ONR_NO_VALUE;
}

static const struct {
    const char *op_type;
    source_fn source;
} no_ops[] = {
    {"Identity", source_of_identity}, {"Cast", source_of_cast},
    {"CastLike", source_of_cast},     {"Dropout", source_of_dropout},
    {"Reshape", source_of_view},      {"Flatten", source_of_view},
    {"Squeeze", source_of_view},      {"Unsqueeze", source_of_view},
    {"Expand", source_of_same_shape}, {"Tile", source_of_same_shape},
    {"Slice", source_of_slice},       {"Pad", source_of_pad},
    {"Concat", source_of_concat},     {"Split", source_of_same_shape},
    {"Mul", source_of_product},       {"Div", source_of_quotient},
    {"Sub", source_of_difference},    {"Add", source_of_sum},
};

static uint32_t source_of(const struct cleaner *c, const struct onr_node *node)
{
    for (size_t i = 0; i < sizeof no_ops / sizeof no_ops[0]; i++) {
        if (onr_fuse_is(node, no_ops[i].op_type)) {
            return no_ops[i].source(c, node);
        }
    }
    return ONR_NO_VALUE;
}

/* ---- Transpose ---- */

/* The axes that a Transpose puts in order; their count, or -1 when it is not known. */
static int read_order(const struct cleaner *c, const struct onr_node *node,
                      int64_t order[ONR_MAX_RANK])
{
    size_t count = 0;
    const int64_t *perm = onr_attr_ints(node, "perm", &count);
    int rank = perm != NULL ? (int)count : fact_of(c, node->inputs[0])->shape.rank;
    if (rank > ONR_MAX_RANK || (perm != NULL && fact_of(c, node->inputs[0])->shape.rank != rank)) {
        return -1;
    }
    for (int i = 0; i < rank; i++) {
        order[i] = perm != NULL ? perm[i] : rank - 1 - i;
        if (order[i] < 0 || order[i] >= rank) {
            return -1; /* what was not inferred was not checked either */
        }
    }
    return rank;
}

static bool is_in_order(const int64_t *order, int rank)
{
    int i = 0;
    while (i < rank && order[i] == i) {
        i++;
    }
    return i == rank;
}

/* Has the Transpose read what another one reads. */
static enum onr_status combine(const struct cleaner *c, struct onr_node *node,
                               const struct onr_node *before, const int64_t *order, int rank)
{
    struct onr_attr *attr = ONR_ARENA_NEW(c->graph->arena, struct onr_attr);
    int64_t *perm = onr_arena_copy(c->graph->arena, order, (size_t)rank * sizeof *perm);
    if (attr == NULL || perm == NULL) {
        return onr_fail_memory(c->err, "attribute of a node");
    }
    *attr = (struct onr_attr){
        .name = "perm", .kind = ONR_ATTR_INTS, .count = (size_t)rank, .as.ints = perm};
    node->attrs = attr;
    node->attr_count = 1;
    node->inputs[0] = before->inputs[0];
    c->graph->values[before->inputs[0]].use_count++;
    return ONR_OK;
}

static enum onr_status clean_transpose(const struct cleaner *c, struct onr_node *node,
                                       uint32_t *source)
{
    int64_t order[ONR_MAX_RANK];
    int64_t first[ONR_MAX_RANK];
    int rank = read_order(c, node, order);
    if (rank >= 0 && is_in_order(order, rank)) {
        *source = node->inputs[0];
        return ONR_OK;
    }
    const struct onr_node *before = onr_fuse_producer(&c->fuser, node->inputs[0], "Transpose");
    if (rank < 0 || before == NULL || read_order(c, before, first) != rank) {
        return ONR_OK;
    }
    for (int i = 0; i < rank; i++) {
        order[i] = first[order[i]];
    }
    if (is_in_order(order, rank)) {
        *source = before->inputs[0];
        return ONR_OK;
    }
    /* When others need the inner result too, reading it costs no more than reading its input. */
    return c->graph->values[node->inputs[0]].use_count == 1 ? combine(c, node, before, order, rank)
                                                            : ONR_OK;
}

/* Other outputs, such as the mask of Dropout, must not be needed. */
static bool has_one_result(const struct onr_graph *graph, const struct onr_node *node)
{
    for (uint32_t i = 1; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE && graph->values[node->outputs[i]].use_count > 0) {
            return false;
        }
    }
    return node->output_count > 0 && node->outputs[0] != ONR_NO_VALUE;
}

static enum onr_status clean_node(const struct cleaner *c, struct onr_node *node, uint32_t *same)
{
    onr_same_inputs(same, node);
    if (node->is_dead || !has_one_result(c->graph, node) || !onr_fuse_has_input(node, 0)) {
        return ONR_OK;
    }
    uint32_t source = ONR_NO_VALUE;
    if (onr_fuse_is(node, "Transpose")) {
        ONR_TRY(clean_transpose(c, node, &source));
    } else {
        if (onr_fuse_is(node, "Reshape")) {
            onr_read_past_views(&c->fuser, node);
        }
        onr_read_past_expands(&c->fuser, node);
        source = source_of(c, node);
    }
    if (source != ONR_NO_VALUE) {
        struct onr_value *values = c->graph->values;
        values[source].use_count += values[node->outputs[0]].use_count;
        values[source].use_count -= source == node->inputs[0] ? 1 : 0;
        same[node->outputs[0]] = source;
        node->is_dead = true;
    }
    return ONR_OK;
}

enum onr_status onr_pass_no_ops(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    const struct cleaner cleaner = {.graph = graph, .fuser.graph = graph, .err = ctx->err};
    uint32_t *same = onr_same_begin(graph, ctx);
    if (same == NULL) {
        return onr_fail_memory(ctx->err, "marks of the pass no_ops");
    }
    enum onr_status status = ONR_OK;
    for (uint32_t n = 0; status == ONR_OK && n < graph->node_count; n++) {
        status = clean_node(&cleaner, &graph->nodes[n], same);
    }
    onr_same_end(graph, same, ctx);
    ONR_TRY(status);
    return onr_pass_bodies(graph, onr_pass_no_ops, ctx);
}
