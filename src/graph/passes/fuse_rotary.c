/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotary embeddings from what exporters write for them, with factors and summands in any order:
 *
 *   y = x * cos + turned * sin                    (x1, x2): halves of x, or every second element
 *   turned = Concat(Neg(x2), x1)
 *
 *   y = Concat(x1 * cos - x2 * sin, x2 * cos + x1 * sin)
 *
 * Parts of x are made by Slice or Split. Every second element is put back by Unsqueeze, Concat and
 * Reshape in place of Concat. Before x, a part of a larger row and a Transpose of rows and heads are
 * left out; behind y, a Concat with the elements that do not turn is.
 *
 * One node of onnxrun.RotaryChain takes their place. It has the broadcasting of Mul, and tables with
 * a number for each element, so that nothing needs to be known of where these come from.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#include <string.h>

static const struct onr_fact *fact_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &fuser->graph->values[value].fact;
}

/* The last dimension, or -1. */
static int64_t width_of(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_shape *shape = &fact_of(fuser, value)->shape;
    return shape->rank > 0 && shape->dim[shape->rank - 1] >= 0 ? shape->dim[shape->rank - 1] : -1;
}

static bool is_last_axis(const struct onr_fuser *fuser, uint32_t value, int64_t axis)
{
    int rank = fact_of(fuser, value)->shape.rank;
    return axis == -1 || (rank > 0 && axis == rank - 1);
}

/* Elements start, start + step, ... of each row of a value. */
struct cut {
    uint32_t from;
    int64_t start;
    int64_t step;
    int64_t width;
};

/* The only number of a list that is an input or, in early versions, an attribute. */
static bool only_int(const struct onr_fuser *fuser, const struct onr_node *node, const char *name,
                     uint32_t input, int64_t *number)
{
    size_t count = 0;
    const int64_t *ints = onr_attr_ints(node, name, &count);
    if (ints != NULL && count == 1) {
        *number = ints[0];
        return true;
    }
    return onr_fuse_int(fuser, node, input, 0, number) &&
           onr_shape_count(&fact_of(fuser, node->inputs[input])->shape) == 1;
}

static bool read_slice(const struct onr_fuser *fuser, const struct onr_node *node, struct cut *cut)
{
    int64_t axis = 0;
    int64_t whole = width_of(fuser, node->inputs[0]);
    bool has_axis = only_int(fuser, node, "axes", 3, &axis) &&
                    is_last_axis(fuser, node->inputs[0], axis) && whole >= 0;
    if (!has_axis || !only_int(fuser, node, "starts", 1, &cut->start) ||
        (onr_fuse_has_input(node, 4) && !only_int(fuser, node, "steps", 4, &cut->step))) {
        return false;
    }
    cut->start += cut->start < 0 ? whole : 0;
    return cut->step > 0 && cut->start >= 0 && cut->start < whole;
}

static bool read_split(const struct onr_fuser *fuser, const struct onr_node *node, uint32_t value,
                       struct cut *cut)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] == value) {
            return is_last_axis(fuser, node->inputs[0], onr_attr_int(node, "axis", 0));
        }
        int64_t width = node->outputs[i] != ONR_NO_VALUE ? width_of(fuser, node->outputs[i]) : -1;
        if (width < 0) {
            return false;
        }
        cut->start += width;
    }
    return false;
}

static bool read_cut(const struct onr_fuser *fuser, uint32_t value, struct cut *cut)
{
    *cut = (struct cut){.step = 1, .width = width_of(fuser, value)};
    const struct onr_node *slice = onr_fuse_producer(fuser, value, "Slice");
    const struct onr_node *node = slice != NULL ? slice : onr_fuse_producer(fuser, value, "Split");
    if (node == NULL || cut->width <= 0) {
        return false;
    }
    cut->from = node->inputs[0];
    return slice != NULL ? read_slice(fuser, node, cut) : read_split(fuser, node, value, cut);
}

/* Whether the two values are x1 and x2 of the same x. */
static bool are_pairs(const struct onr_fuser *fuser, uint32_t x1, uint32_t x2, struct cut *cut)
{
    struct cut second;
    if (!read_cut(fuser, x1, cut) || !read_cut(fuser, x2, &second) || cut->from != second.from ||
        cut->start != 0 || cut->width != second.width || cut->step != second.step ||
        width_of(fuser, cut->from) != 2 * cut->width) {
        return false;
    }
    return cut->step == 1 ? second.start == cut->width : cut->step == 2 && second.start == 1;
}

/* ---- joining ---- */

/* Two parts that are put together along the last axis. */
struct join {
    uint32_t first;
    uint32_t second;
    bool is_interleaved;
    struct onr_node *last;
};

/* Whether Reshape gives rows of pairs the dimensions of the parts, twice as wide. */
static bool flattens_pairs(const struct onr_fuser *fuser, const struct onr_node *reshape,
                           uint32_t part)
{
    int rank = fact_of(fuser, part)->shape.rank;
    uint32_t y = reshape->outputs[0];
    return rank > 0 && fact_of(fuser, y)->shape.rank == rank &&
           onr_fuse_same_dims(fuser, part, y, rank - 1) &&
           width_of(fuser, y) == 2 * width_of(fuser, part);
}

/* The part before Unsqueeze makes it an element of a pair, or ONR_NO_VALUE. */
static uint32_t before_stack(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *node = onr_fuse_producer(fuser, value, "Unsqueeze");
    int64_t axis = 0;
    return node != NULL && only_int(fuser, node, "axes", 1, &axis) &&
                   is_last_axis(fuser, value, axis)
               ? node->inputs[0]
               : ONR_NO_VALUE;
}

/* What the part is joined with; false unless nothing else uses it. */
static bool find_join(const struct onr_fuser *fuser, uint32_t part, struct join *join)
{
    struct onr_node *stacked = onr_fuse_user(fuser, part, "Unsqueeze");
    join->is_interleaved = stacked != NULL;
    struct onr_node *node =
        onr_fuse_user(fuser, stacked != NULL ? stacked->outputs[0] : part, "Concat");
    if (node == NULL || node->input_count != 2 ||
        !is_last_axis(fuser, node->inputs[0], onr_attr_int(node, "axis", 1))) {
        return false;
    }
    join->first = node->inputs[0];
    join->second = node->inputs[1];
    join->last = node;
    if (stacked != NULL) {
        join->first = before_stack(fuser, join->first);
        join->second = before_stack(fuser, join->second);
        join->last = onr_fuse_user(fuser, node->outputs[0], "Reshape");
        return join->first != ONR_NO_VALUE && join->second != ONR_NO_VALUE && join->last != NULL &&
               flattens_pairs(fuser, join->last, part);
    }
    return true;
}

/* ---- matching ---- */

#define OP "RotaryChain"

struct rotary {
    const struct onr_fuser *fuser;
    uint32_t x, cos, sin;
    bool x_interleaved, y_interleaved, pair_tables, x_by_rows;
    int64_t first;
    int64_t width;
    struct onr_node *last;
};

/* The other factor of a product with x that is used once, or ONR_NO_VALUE. */
static uint32_t factor_of(const struct onr_fuser *fuser, uint32_t value, uint32_t x)
{
    const struct onr_node *node = onr_fuse_producer(fuser, value, "Mul");
    bool is_product = node != NULL && fuser->graph->values[value].use_count == 1 &&
                      (node->inputs[0] == x || node->inputs[1] == x);
    return is_product ? onr_fuse_other(node, x) : ONR_NO_VALUE;
}

/* Whether a table has the same rows for all heads. */
static bool is_for_all_heads(const struct rotary *r, uint32_t value)
{
    const struct onr_shape *shape = &fact_of(r->fuser, value)->shape;
    return shape->rank <= 4 && (shape->rank < 3 || shape->dim[shape->rank - 3] == 1);
}

/* Goes back from x to what is before it. */
static void find_source(struct rotary *r)
{
    struct cut cut;
    for (;;) {
        const struct onr_node *node = onr_fuse_producer(r->fuser, r->x, "Transpose");
        size_t count = 0;
        const int64_t *perm = node != NULL ? onr_attr_ints(node, "perm", &count) : NULL;
        if (read_cut(r->fuser, r->x, &cut) && cut.step == 1) {
            r->x = cut.from;
            r->first += cut.start;
        } else if (!r->x_by_rows && count == 4 && perm[0] == 0 && perm[1] == 2 && perm[2] == 1 &&
                   perm[3] == 3 && is_for_all_heads(r, r->cos) && is_for_all_heads(r, r->sin)) {
            r->x = node->inputs[0];
            r->x_by_rows = true;
        } else {
            return;
        }
    }
}

/* Takes in the elements behind x that do not turn. */
static void find_rest(struct rotary *r)
{
    struct cut cut;
    struct cut rest;
    struct onr_node *node = onr_fuse_user(r->fuser, r->last->outputs[0], "Concat");
    if (node != NULL && node->input_count == 2 && node->inputs[0] == r->last->outputs[0] &&
        is_last_axis(r->fuser, node->inputs[0], onr_attr_int(node, "axis", 1)) &&
        read_cut(r->fuser, r->x, &cut) && read_cut(r->fuser, node->inputs[1], &rest) &&
        cut.from == rest.from && cut.step == 1 && rest.step == 1 &&
        rest.start == cut.start + cut.width) {
        r->first = cut.start;
        r->width = cut.width + rest.width;
        r->x = cut.from;
        r->last = node;
    }
}

static void add_flag(struct onr_fused *fused, const char *name, int64_t number)
{
    if (number != 0) {
        onr_fused_int(fused, name, number);
    }
}

/* Whether a table can have a number for each element or pair that turns, or one for all. */
static bool is_table(const struct rotary *r, uint32_t value, int64_t turned)
{
    int64_t width = width_of(r->fuser, value);
    return fact_of(r->fuser, value)->dtype == ONR_FLOAT &&
           fact_of(r->fuser, value)->shape.rank > 0 &&
           (width < 0 || width == 1 || width == (r->pair_tables ? turned / 2 : turned));
}

/* The node for what has been found, unless the tables are not as they should be. */
static bool finish(struct rotary *r, struct onr_fused *fused)
{
    int64_t turned = width_of(r->fuser, r->x);
    bool has_cos = is_table(r, r->cos, turned);
    if (!has_cos || !is_table(r, r->sin, turned)) {
        return onr_fuse_miss(r->fuser, OP, has_cos ? r->sin : r->cos,
                             "a table of float with a number for each element that turns");
    }
    r->width = turned;
    find_rest(r);
    find_source(r);
    fused->last = r->last;
    fused->op_type = OP;
    fused->domain = "onnxrun";
    fused->version = 1;
    fused->inputs[0] = r->x;
    fused->inputs[1] = r->cos;
    fused->inputs[2] = r->sin;
    fused->input_count = 3;
    add_flag(fused, "first", r->first);
    add_flag(fused, "width", r->width != width_of(r->fuser, r->x) ? r->width : 0);
    add_flag(fused, "turned", r->width != turned ? turned : 0);
    add_flag(fused, "pair_tables", r->pair_tables);
    add_flag(fused, "x_by_rows", r->x_by_rows);
    add_flag(fused, "x_interleaved", r->x_interleaved);
    add_flag(fused, "y_interleaved", r->y_interleaved);
    return true;
}

/* y = x * cos + turned * sin, from Neg(x2) on */
static bool match_neg(const struct onr_fuser *fuser, const struct onr_node *neg,
                      struct onr_fused *fused)
{
    struct join join;
    struct cut cut;
    if (!find_join(fuser, neg->outputs[0], &join) || join.first != neg->outputs[0] ||
        !are_pairs(fuser, join.second, neg->inputs[0], &cut) ||
        cut.step != (join.is_interleaved ? 2 : 1)) {
        return false;
    }
    uint32_t turned = join.last->outputs[0];
    const struct onr_node *product = onr_fuse_user(fuser, turned, "Mul");
    if (product == NULL) {
        return onr_fuse_miss(fuser, OP, turned, "used by one Mul, with the sines");
    }
    struct onr_node *sum = onr_fuse_user(fuser, product->outputs[0], "Add");
    if (sum == NULL) {
        return onr_fuse_miss(fuser, OP, product->outputs[0],
                             "used by one Add, of the product with the cosines");
    }
    uint32_t other = onr_fuse_other(sum, product->outputs[0]);
    struct rotary r = {.fuser = fuser,
                       .x = cut.from,
                       .cos = factor_of(fuser, other, cut.from),
                       .sin = onr_fuse_other(product, turned),
                       .x_interleaved = join.is_interleaved,
                       .y_interleaved = join.is_interleaved,
                       .last = sum};
    if (r.cos == ONR_NO_VALUE) {
        return onr_fuse_miss(fuser, OP, other, "the product of the cosines and what is turned");
    }
    return finish(&r, fused);
}

/* Reads x1 * cos - x2 * sin from its two products; the order of factors is not known. */
static bool read_turn(const struct onr_fuser *fuser, const struct onr_node *a,
                      const struct onr_node *b, struct cut *cut, uint32_t part[2], struct rotary *r)
{
    for (uint32_t i = 0; i < 4; i++) {
        part[0] = a->inputs[i / 2];
        part[1] = b->inputs[i % 2];
        if (are_pairs(fuser, part[0], part[1], cut)) {
            r->cos = onr_fuse_other(a, part[0]);
            r->sin = onr_fuse_other(b, part[1]);
            r->x = cut->from;
            r->x_interleaved = cut->step == 2;
            return true;
        }
    }
    return false;
}

/* y = Concat(x1 * cos - x2 * sin, x2 * cos + x1 * sin), from the difference on */
static bool match_sub(const struct onr_fuser *fuser, const struct onr_node *difference,
                      struct onr_fused *fused)
{
    struct rotary r = {.fuser = fuser, .pair_tables = true};
    struct join join;
    struct cut cut;
    uint32_t part[2];
    const struct onr_node *a = onr_fuse_producer(fuser, difference->inputs[0], "Mul");
    const struct onr_node *b = onr_fuse_producer(fuser, difference->inputs[1], "Mul");
    if (a == NULL || b == NULL || !read_turn(fuser, a, b, &cut, part, &r)) {
        return false;
    }
    if (!find_join(fuser, difference->outputs[0], &join)) {
        return onr_fuse_miss(fuser, OP, difference->outputs[0],
                             "used by one Concat, with the other half of the pairs");
    }
    const struct onr_node *sum = onr_fuse_producer(fuser, join.second, "Add");
    bool is_turn = false;
    for (uint32_t i = 0; sum != NULL && i < 2; i++) {
        is_turn = is_turn || (factor_of(fuser, sum->inputs[i], part[1]) == r.cos &&
                              factor_of(fuser, sum->inputs[1 - i], part[0]) == r.sin);
    }
    if (!is_turn || join.first != difference->outputs[0] ||
        fuser->graph->values[join.second].use_count != 1) {
        return onr_fuse_miss(fuser, OP, join.second,
                             "x2 * cos + x1 * sin, behind x1 * cos - x2 * sin");
    }
    r.y_interleaved = join.is_interleaved;
    r.last = join.last;
    return finish(&r, fused);
}

enum onr_status onr_pass_fuse_rotary(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {
        {"Neg", match_neg}, {"Sub", match_sub}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
