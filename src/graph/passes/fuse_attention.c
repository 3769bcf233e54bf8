/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention from what exporters write for it:
 *
 *   s = scale * Q K'             by MatMul; the scale by Mul or Div of Q, K, K' or the product
 *   p = Softmax(s + mask)        over the last axis, with or without a mask
 *   p = Where(IsNaN(p), 0, p)    where queries that see nothing are to give zeros
 *   y = p V                      by MatMul
 *
 * One node of onnxrun.AttentionChain takes their place. It has the broadcasting of these operators,
 * so nothing needs to be known of dimensions that only a run tells, and it reads and writes heads
 * where they lie: Transpose of [0, 2, 1, 3] before and after goes as well.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#include <math.h>
#include <string.h>

#define DEPTH 6 /* nodes between the product and Softmax, at most */

struct operand {
    uint32_t value;
    bool by_rows; /* [batch, rows, heads, width] */
};

struct attention {
    struct operand q, k, v;
    uint32_t mask; /* or ONR_NO_VALUE */
    double scale;
    bool empty_is_zero;
    bool y_by_rows;
    struct onr_node *last;
};

static const struct onr_fact *fact_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &fuser->graph->values[value].fact;
}

/* ---- nodes that change nothing but scale, type or order ---- */

/* The value before a Cast to the type that it has, or ONR_NO_VALUE. */
static uint32_t before_cast(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *cast = onr_fuse_producer(fuser, value, "Cast");
    bool is_same =
        cast != NULL && fact_of(fuser, cast->inputs[0])->dtype == fact_of(fuser, value)->dtype;
    return is_same ? cast->inputs[0] : ONR_NO_VALUE;
}

/* The value that this one is a multiple of, or ONR_NO_VALUE. */
static uint32_t before_scale(const struct onr_fuser *fuser, uint32_t value, double *scale)
{
    double number = 0;
    uint32_t other = ONR_NO_VALUE;
    const struct onr_node *node = onr_fuse_producer(fuser, value, "Mul");
    if (node != NULL && onr_fuse_number_operand(fuser, node, &other, &number)) {
        *scale *= number;
        return other;
    }
    node = onr_fuse_producer(fuser, value, "Div");
    if (node != NULL && onr_fuse_number(fuser, node->inputs[1], &number) && number != 0) {
        *scale /= number;
        return node->inputs[0];
    }
    return ONR_NO_VALUE;
}

static uint32_t before_step(const struct onr_fuser *fuser, uint32_t value, double *scale)
{
    uint32_t before = before_scale(fuser, value, scale);
    return before != ONR_NO_VALUE ? before : before_cast(fuser, value);
}

static uint32_t unscaled(const struct onr_fuser *fuser, uint32_t value, double *scale)
{
    uint32_t before = before_scale(fuser, value, scale);
    return before != ONR_NO_VALUE ? before : value;
}

static bool has_perm(const struct onr_node *node, size_t rank, const int64_t *perm)
{
    size_t count = 0;
    const int64_t *found = onr_attr_ints(node, "perm", &count);
    return count == rank && memcmp(found, perm, rank * sizeof *perm) == 0;
}

static const int64_t swap_heads[] = {0, 2, 1, 3};

static struct operand operand_of(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *transpose = onr_fuse_producer(fuser, value, "Transpose");
    if (transpose != NULL && has_perm(transpose, 4, swap_heads)) {
        return (struct operand){transpose->inputs[0], true};
    }
    return (struct operand){value, false};
}

/* ---- keys ---- */

static bool has_same_dim(const struct onr_fact *a, int a_axis, const struct onr_fact *b, int b_axis)
{
    int64_t dim = a->shape.dim[a_axis];
    return dim != ONR_DIM_UNKNOWN && dim == b->shape.dim[b_axis];
}

/* The input of a Concat that gives the element of a list that is this far from its end, when it
 * gives nothing else. */
static uint32_t piece_of(const struct onr_fuser *fuser, uint32_t list, uint32_t from_end)
{
    const struct onr_node *concat = onr_fuse_producer(fuser, list, "Concat");
    if (concat == NULL || from_end > concat->input_count) {
        return ONR_NO_VALUE;
    }
    for (uint32_t i = concat->input_count - from_end; i < concat->input_count; i++) {
        const struct onr_shape *shape = &fact_of(fuser, concat->inputs[i])->shape;
        if (shape->rank != 1 || shape->dim[0] != 1) {
            return ONR_NO_VALUE;
        }
    }
    return concat->inputs[concat->input_count - from_end];
}

/* Whether axes of the results of two Reshape are equal, counted from their ends: as far as known,
 * or because both shapes have the same value there. */
static bool has_same_end(const struct onr_fuser *fuser, const struct onr_node *a, int a_end,
                         const struct onr_node *b, int b_end)
{
    const struct onr_fact *a_fact = fact_of(fuser, a->outputs[0]);
    const struct onr_fact *b_fact = fact_of(fuser, b->outputs[0]);
    if (has_same_dim(a_fact, a_fact->shape.rank - a_end, b_fact, b_fact->shape.rank - b_end)) {
        return true;
    }
    if (a->input_count < 2 || b->input_count < 2) {
        return false;
    }
    uint32_t piece = piece_of(fuser, a->inputs[1], (uint32_t)a_end);
    return piece != ONR_NO_VALUE && piece == piece_of(fuser, b->inputs[1], (uint32_t)b_end);
}

/* Keys [b, n, t, h] that go through [b * n, t, h] and [b * n, h, t] to [b, n, h, t]. The elements
 * are as many, so that one dimension need not be known. */
static uint32_t flattened_keys(const struct onr_fuser *fuser, uint32_t value)
{
    static const int64_t swap_last[] = {0, 2, 1};
    const struct onr_node *split = onr_fuse_producer(fuser, value, "Reshape");
    const struct onr_node *transpose =
        split != NULL ? onr_fuse_producer(fuser, split->inputs[0], "Transpose") : NULL;
    const struct onr_node *flat =
        transpose != NULL ? onr_fuse_producer(fuser, transpose->inputs[0], "Reshape") : NULL;
    if (flat == NULL || !has_perm(transpose, 3, swap_last)) {
        return ONR_NO_VALUE;
    }
    const struct onr_fact *k = fact_of(fuser, flat->inputs[0]);
    const struct onr_fact *y = fact_of(fuser, value);
    if (k->shape.rank != 4 || y->shape.rank != 4 ||
        fact_of(fuser, flat->outputs[0])->shape.rank != 3 ||
        !has_same_end(fuser, split, 1, flat, 2) || !has_same_end(fuser, split, 2, flat, 1)) {
        return ONR_NO_VALUE;
    }
    int known = has_same_dim(k, 0, y, 0) + has_same_dim(k, 1, y, 1) + has_same_dim(k, 2, y, 3) +
                has_same_dim(k, 3, y, 2);
    return known >= 3 ? flat->inputs[0] : ONR_NO_VALUE;
}

/* The keys [b, n, t, h] or [b, t, n, h] whose transposition [b, n, h, t] the value is. */
static bool find_keys(const struct onr_fuser *fuser, uint32_t value, struct attention *found)
{
    static const int64_t swap_last[] = {0, 1, 3, 2};
    static const int64_t from_rows[] = {0, 2, 3, 1};
    value = unscaled(fuser, value, &found->scale);
    const struct onr_node *transpose = onr_fuse_producer(fuser, value, "Transpose");
    if (transpose != NULL && has_perm(transpose, 4, from_rows)) {
        found->k = (struct operand){transpose->inputs[0], true};
        return true;
    }
    bool is_swapped = transpose != NULL && has_perm(transpose, 4, swap_last);
    uint32_t keys = is_swapped ? transpose->inputs[0] : flattened_keys(fuser, value);
    if (keys != ONR_NO_VALUE) {
        found->k = operand_of(fuser, unscaled(fuser, keys, &found->scale));
    }
    return keys != ONR_NO_VALUE;
}

/* ---- scores ---- */

/* Whether the value is a product of matrices, up to its scale. */
static bool is_scores(const struct onr_fuser *fuser, uint32_t value)
{
    double scale = 1;
    for (int i = 0; i < DEPTH && value != ONR_NO_VALUE; i++) {
        if (onr_fuse_producer(fuser, value, "MatMul") != NULL) {
            return true;
        }
        value = before_step(fuser, value, &scale);
    }
    return false;
}

/* Takes the mask off the sum; the other operand is returned, or ONR_NO_VALUE. */
static uint32_t take_mask(const struct onr_fuser *fuser, const struct onr_node *sum,
                          struct attention *found)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (is_scores(fuser, sum->inputs[i])) {
            found->mask = sum->inputs[1 - i];
            return sum->inputs[i];
        }
    }
    return ONR_NO_VALUE;
}

/* The product of Q and K' whose scaled and masked elements the value has. */
static const struct onr_node *find_product(const struct onr_fuser *fuser, uint32_t value,
                                           struct attention *found)
{
    for (int i = 0; i < DEPTH && value != ONR_NO_VALUE; i++) {
        if (fuser->graph->values[value].use_count != 1) {
            return NULL;
        }
        const struct onr_node *product = onr_fuse_producer(fuser, value, "MatMul");
        if (product != NULL) {
            return product;
        }
        const struct onr_node *sum = onr_fuse_producer(fuser, value, "Add");
        bool may_be_masked = found->mask == ONR_NO_VALUE && found->scale == 1;
        if (sum != NULL) {
            value = may_be_masked ? take_mask(fuser, sum, found) : ONR_NO_VALUE;
        } else {
            value = before_step(fuser, value, &found->scale);
        }
    }
    return NULL;
}

/* ---- values ---- */

/* Where(IsNaN(p), 0, p) and nothing else that uses p, or NULL. */
static const struct onr_node *find_guard(const struct onr_fuser *fuser, uint32_t p)
{
    double zero = 1;
    const struct onr_node *guard =
        fuser->user[p] != ONR_NO_VALUE ? &fuser->graph->nodes[fuser->user[p]] : NULL;
    if (fuser->graph->values[p].use_count != 2 || guard == NULL || !onr_fuse_is(guard, "Where") ||
        guard->inputs[2] != p || !onr_fuse_number(fuser, guard->inputs[1], &zero) || zero != 0) {
        return NULL;
    }
    const struct onr_node *is_nan = onr_fuse_producer(fuser, guard->inputs[0], "IsNaN");
    return is_nan != NULL && is_nan->inputs[0] == p ? guard : NULL;
}

/* The product of p and V, and the Transpose behind it. */
static bool find_values(const struct onr_fuser *fuser, uint32_t p, struct attention *found)
{
    const struct onr_node *guard = find_guard(fuser, p);
    found->empty_is_zero = guard != NULL;
    p = guard != NULL ? guard->outputs[0] : p;
    for (const struct onr_node *cast = onr_fuse_user(fuser, p, "Cast");
         cast != NULL && before_cast(fuser, cast->outputs[0]) == p;
         cast = onr_fuse_user(fuser, p, "Cast")) {
        p = cast->outputs[0];
    }
    struct onr_node *product = onr_fuse_user(fuser, p, "MatMul");
    if (product == NULL || product->inputs[0] != p) {
        return false;
    }
    found->v = operand_of(fuser, product->inputs[1]);
    struct onr_node *transpose = onr_fuse_user(fuser, product->outputs[0], "Transpose");
    found->y_by_rows = transpose != NULL && has_perm(transpose, 4, swap_heads);
    found->last = found->y_by_rows ? transpose : product;
    return true;
}

/* ---- the node ---- */

/* The scale is kept as a float, which must not lose anything that the graph has. */
static bool is_kept(double scale, enum onr_dtype dtype)
{
    return isfinite(scale) && (dtype == ONR_FLOAT || (double)(float)scale == scale);
}

static bool is_over_last_axis(const struct onr_fuser *fuser, const struct onr_node *softmax)
{
    const struct onr_fact *x = fact_of(fuser, softmax->inputs[0]);
    int64_t axis = onr_attr_int(softmax, "axis", softmax->version >= 13 ? -1 : 1);
    return x->shape.rank == 4 && (x->dtype == ONR_FLOAT || x->dtype == ONR_DOUBLE) &&
           (axis == -1 || axis == 3);
}

static void add_flag(struct onr_fused *fused, const char *name, bool is_set)
{
    if (is_set) {
        fused->attrs[fused->attr_count++] =
            (struct onr_attr){.name = name, .kind = ONR_ATTR_INT, .count = 1, .as.i = 1};
    }
}

static void set_node(const struct attention *found, struct onr_fused *fused)
{
    *fused = (struct onr_fused){
        .last = found->last,
        .op_type = "AttentionChain",
        .domain = "onnxrun",
        .version = 1,
        .inputs = {found->q.value, found->k.value, found->v.value, found->mask},
        .input_count = found->mask != ONR_NO_VALUE ? 4 : 3,
        .attrs =
            {{.name = "scale", .kind = ONR_ATTR_FLOAT, .count = 1, .as.f = (float)found->scale}},
        .attr_count = 1,
    };
    add_flag(fused, "q_by_rows", found->q.by_rows);
    add_flag(fused, "k_by_rows", found->k.by_rows);
    add_flag(fused, "v_by_rows", found->v.by_rows);
    add_flag(fused, "y_by_rows", found->y_by_rows);
    add_flag(fused, "empty_is_zero", found->empty_is_zero);
}

static bool match_attention(const struct onr_fuser *fuser, const struct onr_node *softmax,
                            struct onr_fused *fused)
{
    struct attention found = {.mask = ONR_NO_VALUE, .scale = 1};
    if (!is_over_last_axis(fuser, softmax) || !find_values(fuser, softmax->outputs[0], &found)) {
        return false;
    }
    const struct onr_node *product = find_product(fuser, softmax->inputs[0], &found);
    if (product == NULL || !find_keys(fuser, product->inputs[1], &found)) {
        return false;
    }
    found.q = operand_of(fuser, unscaled(fuser, product->inputs[0], &found.scale));
    if (fact_of(fuser, found.q.value)->shape.rank != 4 ||
        fact_of(fuser, found.k.value)->shape.rank != 4 ||
        fact_of(fuser, found.v.value)->shape.rank != 4 ||
        !is_kept(found.scale, fact_of(fuser, softmax->inputs[0])->dtype)) {
        return false;
    }
    set_node(&found, fused);
    return true;
}

enum onr_status onr_pass_fuse_attention(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Softmax", match_attention}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
