/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scores of an attention, written in an order that fuse_attention reads:
 *
 *   (s + mask) / c          ->  s / c + mask / c       c: one number; also with Mul. A mask of zeros
 *                                                      and numbers so low that their keys weigh
 *                                                      nothing stays as it is
 *   (s + mask) + mask2      ->  s + (mask + mask2)     of the same shape, constant or for windows,
 *                                                      where s is larger
 *   MatMul(q, k) * t        ->  MatMul(q * t, k)       t: constants for each head or query, no wider
 *                                                      than the scores
 *   s * b + c * (1 - b)     ->  Where(b, s, c)         b: zeros and ones, constant or a part of that
 *   Max(s + mask, c)        ->  s + Max(mask, c)       c: the lowest number of float32, to which a
 *                                                      score of usual size adds nothing
 *
 * There are fewer masks than scores, so that less is computed also where nothing is fused then; sums
 * of masks that are constant are computed once.
 */
#include "graph/op_def.h"
#include "graph/passes/attention_masking.h"
#include "graph/passes/attention_regroup.h"
#include "graph/passes/insert.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LOW_MASK (-1e36) /* e^x is 0 at or below this, where another score is usual */

#define WINDOWS_RANK 5 /* of scores when batches are apart from windows: attention_masking.h */

struct writer {
    struct onr_inserter insert;
    struct onr_fuser fuser; /* knows no users */
    const bool *is_score;   /* [value_count at first] values from which a Softmax is computed */
};

/* The two operands of a sum, scores and a mask. */
struct sum {
    const struct onr_node *node;
    uint32_t scores, mask;
};

static const struct onr_shape *shape_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &onr_fuse_fact(fuser, value)->shape;
}

static bool has_shape_of(const struct onr_fuser *fuser, uint32_t value, uint32_t other)
{
    int rank = shape_of(fuser, value)->rank;
    bool is_same = rank >= 0 && rank == shape_of(fuser, other)->rank;
    for (int i = 0; i < rank && is_same; i++) {
        is_same = onr_fuse_same_dim(fuser, value, i, other, i);
    }
    return is_same;
}

/* Whether value = scores + mask, with the shape of the scores, and nothing else needs it. */
static bool is_sum(const struct onr_fuser *fuser, uint32_t value, uint32_t operand, struct sum *sum)
{
    sum->node = onr_fuse_producer(fuser, value, "Add");
    if (sum->node == NULL || onr_fuse_use_count(fuser, value) != 1) {
        return false;
    }
    sum->scores = sum->node->inputs[operand];
    sum->mask = sum->node->inputs[1 - operand];
    return has_shape_of(fuser, value, sum->scores) && !has_shape_of(fuser, value, sum->mask);
}

/* Zeros where keys are seen, and numbers that hide keys, also when they are scaled, and no more then
 * than now. */
static bool is_all_or_nothing(const struct onr_fuser *fuser, uint32_t mask, double scale)
{
    const struct onr_node *where = onr_fuse_producer(fuser, mask, "Where");
    double numbers[2] = {0};
    return where != NULL && onr_fuse_number(fuser, where->inputs[1], &numbers[0]) &&
           onr_fuse_number(fuser, where->inputs[2], &numbers[1]) && scale <= 1 &&
           fmax(numbers[0], numbers[1]) == 0 && fmin(numbers[0], numbers[1]) * scale <= LOW_MASK;
}

/* ---- rules ---- */

static enum onr_status scale_first(struct writer *w, struct onr_node *node)
{
    struct sum sum = {NULL, ONR_NO_VALUE, ONR_NO_VALUE};
    double scale = 1;
    uint32_t masked = onr_fuse_before_scale(&w->fuser, node->outputs[0], &scale);
    if (masked == ONR_NO_VALUE || !isfinite(scale) || !(scale > 0) ||
        !(is_sum(&w->fuser, masked, 0, &sum) || is_sum(&w->fuser, masked, 1, &sum)) ||
        !onr_leads_to_scores(&w->fuser, sum.scores)) {
        return ONR_OK;
    }
    uint32_t number = onr_fuse_other(node, masked);
    bool is_kept = is_all_or_nothing(&w->fuser, sum.mask, scale);
    if (!is_kept && shape_of(&w->fuser, number)->rank > shape_of(&w->fuser, sum.mask)->rank) {
        return ONR_OK; /* a number of higher rank adds dimensions */
    }
    uint32_t inputs[] = {sum.scores, sum.mask};
    for (size_t i = 0; i < (is_kept ? 1 : 2); i++) {
        const uint32_t scaled[] = {inputs[i], number};
        ONR_TRY(
            onr_insert_before(&w->insert, node, scaled, i == 0 ? "scaled" : "mask", &inputs[i]));
    }
    return onr_insert_instead(&w->insert, node, sum.node, inputs);
}

static bool is_constant(const struct writer *w, uint32_t value)
{
    return w->fuser.graph->values[value].constant != NULL &&
           !w->fuser.graph->values[value].is_input;
}

static enum onr_status mask_once(struct writer *w, struct onr_node *node)
{
    struct sum sum = {NULL, ONR_NO_VALUE, ONR_NO_VALUE};
    for (uint32_t i = 0; i < 4 && onr_fuse_is(node, "Add"); i++) {
        uint32_t mask = node->inputs[1 - i % 2];
        if (is_sum(&w->fuser, node->inputs[i % 2], i / 2, &sum) &&
            has_shape_of(&w->fuser, sum.mask, mask) &&
            (shape_of(&w->fuser, sum.scores)->rank == WINDOWS_RANK ||
             (is_constant(w, mask) && is_constant(w, sum.mask)))) {
            const uint32_t masks[] = {sum.mask, mask};
            uint32_t inputs[] = {sum.scores, mask};
            ONR_TRY(onr_insert_before(&w->insert, node, masks, "mask", &inputs[1]));
            return onr_insert_instead(&w->insert, node, sum.node, inputs);
        }
    }
    return ONR_OK;
}

/* Whether the value has numbers for heads or queries alone: one column, other dimensions as in q or
 * 1. */
static bool is_column_for(const struct onr_fuser *fuser, uint32_t value, uint32_t q)
{
    const struct onr_shape *t = shape_of(fuser, value);
    const struct onr_shape *x = shape_of(fuser, q);
    bool is_column = fuser->graph->values[value].constant != NULL &&
                     !fuser->graph->values[value].is_input && t->rank >= 2 && t->rank <= x->rank &&
                     t->dim[t->rank - 1] == 1;
    for (int i = 2; is_column && i <= t->rank; i++) {
        is_column = t->dim[t->rank - i] == 1 || t->dim[t->rank - i] == x->dim[x->rank - i];
    }
    return is_column;
}

static enum onr_status scale_queries(struct writer *w, struct onr_node *node)
{
    for (uint32_t i = 0; i < 2 && onr_fuse_is(node, "Mul"); i++) {
        uint32_t scores = node->inputs[i];
        uint32_t factor = node->inputs[1 - i];
        const struct onr_node *product = onr_fuse_producer(&w->fuser, scores, "MatMul");
        if (product == NULL || onr_fuse_use_count(&w->fuser, scores) != 1) {
            continue;
        }
        const struct onr_shape *q = shape_of(&w->fuser, product->inputs[0]);
        const struct onr_shape *s = shape_of(&w->fuser, scores);
        int last = q->rank - 1;
        if (last > 0 && s->rank == q->rank && q->dim[last] > 0 &&
            (s->dim[last] < 0 || q->dim[last] <= s->dim[last]) && is_constant(w, factor) &&
            is_column_for(&w->fuser, factor, product->inputs[0])) {
            const uint32_t queries[] = {product->inputs[0], factor};
            uint32_t inputs[] = {product->inputs[0], product->inputs[1]};
            ONR_TRY(onr_insert_before(&w->insert, node, queries, "queries", &inputs[0]));
            return onr_insert_instead(&w->insert, node, product, inputs);
        }
    }
    return ONR_OK;
}

/* Whether the value has but zeros and ones: a constant, or a part of one. */
static bool is_binary(const struct onr_fuser *fuser, uint32_t value)
{
    static const char *const parts[] = {"Slice", "Unsqueeze", "Squeeze", "Reshape"};
    const struct onr_node *node = onr_fuse_any_producer(fuser, value);
    for (size_t i = 0; node != NULL && i < sizeof parts / sizeof *parts; i++) {
        if (onr_fuse_is(node, parts[i])) {
            value = node->inputs[0];
            node = onr_fuse_any_producer(fuser, value);
            i = (size_t)-1;
        }
    }
    const struct onr_value *v = &fuser->graph->values[value];
    const struct onr_constant *constant = v->is_input ? NULL : v->constant;
    bool is_each = constant != NULL && constant->dtype == ONR_FLOAT;
    int64_t count = is_each ? onr_constant_count(constant) : 0;
    for (int64_t i = 0; i < count && is_each; i++) {
        float number; /* in the file it may lie anywhere */
        memcpy(&number, (const char *)constant->data + (size_t)i * sizeof number, sizeof number);
        is_each = number == 0 || number == 1;
    }
    return is_each;
}

/* Reads value = number * (1 - flags). */
static bool read_rest(const struct onr_fuser *fuser, uint32_t value, uint32_t *number,
                      uint32_t *flags)
{
    const struct onr_node *product = onr_fuse_producer(fuser, value, "Mul");
    double one = 0;
    double fill = 0;
    uint32_t difference = ONR_NO_VALUE;
    if (product == NULL || !onr_fuse_number_operand(fuser, product, &difference, &fill)) {
        return false;
    }
    const struct onr_node *sub = onr_fuse_producer(fuser, difference, "Sub");
    *number = onr_fuse_other(product, difference);
    *flags = sub != NULL ? sub->inputs[1] : ONR_NO_VALUE;
    return sub != NULL && onr_fuse_number(fuser, sub->inputs[0], &one) && one == 1 &&
           isfinite(fill) && shape_of(fuser, *number)->rank <= shape_of(fuser, *flags)->rank &&
           shape_of(fuser, sub->inputs[0])->rank <= shape_of(fuser, *flags)->rank;
}

/* Turns the sum into Where(Cast(flags), scores, number). */
static enum onr_status set_choice(struct writer *w, struct onr_node *node, uint32_t flags,
                                  uint32_t scores, uint32_t number)
{
    const struct onr_registry *registry = w->insert.ctx->registry;
    struct onr_attr *to = ONR_ARENA_NEW(w->fuser.graph->arena, struct onr_attr);
    if (to == NULL) {
        return onr_fail_memory(w->insert.ctx->err, "node");
    }
    *to = (struct onr_attr){
        .name = "to", .kind = ONR_ATTR_INT, .count = 1, .as.i = (int64_t)ONR_BOOL};
    const struct onr_node cast = {.op_type = "Cast",
                                  .domain = "",
                                  .version = 13,
                                  .input_count = 1,
                                  .attrs = to,
                                  .attr_count = 1,
                                  .op = registry->find("", "Cast", 13)};
    const struct onr_node where = {.op_type = "Where",
                                   .domain = "",
                                   .version = 16,
                                   .input_count = 3,
                                   .op = registry->find("", "Where", 16)};
    uint32_t inputs[] = {flags, scores, number};
    if (cast.op == NULL || where.op == NULL) {
        return ONR_OK;
    }
    ONR_TRY(onr_insert_before(&w->insert, &cast, &flags, "seen", &inputs[0]));
    return onr_insert_instead(&w->insert, node, &where, inputs);
}

static enum onr_status choose(struct writer *w, struct onr_node *node)
{
    for (uint32_t i = 0; i < 2 && onr_fuse_is(node, "Add"); i++) {
        const struct onr_node *kept = onr_fuse_producer(&w->fuser, node->inputs[i], "Mul");
        uint32_t number = ONR_NO_VALUE;
        uint32_t flags = ONR_NO_VALUE;
        if (kept == NULL || onr_fuse_use_count(&w->fuser, node->inputs[i]) != 1 ||
            !read_rest(&w->fuser, node->inputs[1 - i], &number, &flags) ||
            (kept->inputs[0] != flags && kept->inputs[1] != flags)) {
            continue;
        }
        uint32_t scores = onr_fuse_other(kept, flags);
        if (scores != flags && onr_leads_to_scores(&w->fuser, scores) &&
            is_binary(&w->fuser, flags)) {
            return set_choice(w, node, flags, scores, number);
        }
    }
    return ONR_OK;
}

/* Whether nothing but scales stands between the value and a product of Q and K'. */
static bool is_unmasked(const struct onr_fuser *fuser, uint32_t value)
{
    struct onr_attention_product product;
    double scale = 1;
    for (int i = 0; i < ONR_SCORES_DEPTH && value != ONR_NO_VALUE; i++) {
        if (onr_attention_scores(fuser, value, &product)) {
            return true;
        }
        uint32_t apart = onr_before_regroup(fuser, value);
        value = apart != ONR_NO_VALUE ? apart : onr_fuse_before_scale(fuser, value, &scale);
    }
    return false;
}

/* Of two masks the lowest number may be added twice, which gives -inf. */
static enum onr_status lift_mask(struct writer *w, struct onr_node *node)
{
    const struct onr_fuser *fuser = &w->fuser;
    struct sum sum = {NULL, ONR_NO_VALUE, ONR_NO_VALUE};
    uint32_t masked = ONR_NO_VALUE;
    double lowest = 0;
    if (!onr_fuse_is(node, "Max") || node->input_count != 2 ||
        !onr_fuse_number_operand(fuser, node, &masked, &lowest) || !(lowest <= (double)-FLT_MAX) ||
        onr_fuse_fact(fuser, masked)->dtype != ONR_FLOAT ||
        !(is_sum(fuser, masked, 0, &sum) || is_sum(fuser, masked, 1, &sum)) ||
        !is_unmasked(fuser, sum.scores)) {
        return ONR_OK;
    }
    const uint32_t lifted[] = {sum.mask, onr_fuse_other(node, masked)};
    uint32_t inputs[] = {sum.scores, ONR_NO_VALUE};
    if (shape_of(fuser, lifted[1])->rank > shape_of(fuser, sum.mask)->rank) {
        return ONR_OK;
    }
    ONR_TRY(onr_insert_before(&w->insert, node, lifted, "mask", &inputs[1]));
    return onr_insert_instead(&w->insert, node, sum.node, inputs);
}

/* ---- the graph ---- */

static bool makes_score(const struct onr_node *node, const bool *is_score)
{
    return node->output_count == 1 && node->outputs[0] != ONR_NO_VALUE &&
           is_score[node->outputs[0]];
}

/* Marks what a Softmax is computed from, up to products. */
static void mark_scores(const struct onr_graph *graph, bool *is_score)
{
    static const char *const names[] = {"Add", "Mul", "Div", "Where", "Max", "Reshape", "Cast"};
    for (uint32_t n = graph->node_count; n-- > 0;) {
        const struct onr_node *node = &graph->nodes[n];
        bool is_read = onr_fuse_is(node, "Softmax");
        for (size_t i = 0; i < sizeof names / sizeof *names && !is_read; i++) {
            is_read = onr_fuse_is(node, names[i]) && makes_score(node, is_score);
        }
        for (uint32_t i = 0; is_read && !node->is_dead && i < node->input_count; i++) {
            if (node->inputs[i] != ONR_NO_VALUE) {
                is_score[node->inputs[i]] = true;
            }
        }
    }
}

static enum onr_status make_plain(struct writer *w)
{
    static enum onr_status (*const rules[])(struct writer *, struct onr_node *) = {
        choose, scale_first, mask_once, scale_queries, lift_mask};
    struct onr_graph *graph = w->insert.graph;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        bool is_score = !graph->nodes[n].is_dead && makes_score(&graph->nodes[n], w->is_score);
        w->insert.at = n;
        for (size_t i = 0; i < sizeof rules / sizeof *rules && is_score; i++) {
            ONR_TRY(rules[i](w, &graph->nodes[n]));
        }
    }
    return ONR_OK;
}

enum onr_status onr_pass_plain_scores(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    struct onr_mem *mem = ctx->eval->mem;
    size_t bytes = graph->value_count * sizeof(bool);
    bool *is_score = onr_mem_alloc(mem, bytes);
    if (is_score == NULL) {
        return onr_fail_memory(ctx->err, "marks of the pass plain_scores");
    }
    memset(is_score, 0, bytes);
    mark_scores(graph, is_score);
    struct writer w = {.fuser.graph = graph, .is_score = is_score};
    onr_insert_start(&w.insert, graph, ctx);
    enum onr_status status = make_plain(&w);
    onr_mem_free(mem, is_score, bytes);
    ONR_TRY(status);
    ONR_TRY(onr_insert_place(&w.insert));
    return onr_pass_bodies(graph, onr_pass_plain_scores, ctx);
}
