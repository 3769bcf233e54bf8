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
 *
 * There are fewer masks than scores, so that less is computed also where nothing is fused then; sums
 * of masks that are constant are computed once.
 */
#include "graph/op_def.h"
#include "graph/passes/attention_masking.h"
#include "graph/passes/insert.h"

#include <math.h>
#include <string.h>

#define LOW_MASK (-1e36) /* e^x is 0 at or below this, where another score is usual */

#define WINDOWS_RANK 5 /* of scores when batches are apart from windows: attention_masking.h */

/* A new node, to stand before the one of this index. */
struct added {
    struct onr_node node;
    uint32_t before;
    struct added *next;
};

struct writer {
    struct onr_graph *graph;
    struct onr_pass_ctx *ctx;
    struct onr_fuser fuser; /* knows no users */
    const bool *is_score;   /* [value_count at first] values from which a Softmax is computed */
    uint32_t at;            /* index of the node that is looked at */
    struct added *first, **end;
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

/* ---- new nodes ---- */

/* Gives the node another operator, that of `like`, and other inputs. */
static enum onr_status turn(struct writer *w, struct onr_node *node, const struct onr_node *like,
                            uint32_t first, uint32_t second)
{
    const uint32_t ids[] = {first, second};
    node->op_type = like->op_type;
    node->domain = like->domain;
    node->version = like->version;
    node->op = like->op;
    node->attrs = like->attrs;
    node->attr_count = like->attr_count;
    node->inputs = onr_arena_copy(w->graph->arena, ids, sizeof ids);
    node->input_count = 2;
    return node->inputs != NULL ? ONR_OK : onr_fail_memory(w->ctx->err, "node");
}

/* A value of the type and shape of another one. */
static enum onr_status add_value(struct writer *w, const char *name, uint32_t like, uint32_t *id)
{
    struct onr_graph *graph = w->graph;
    const struct onr_fact fact =
        onr_fact_of(graph->values[like].fact.dtype, &graph->values[like].fact.shape);
    ONR_TRY(onr_graph_add_value(graph, name, id, w->ctx->err));
    graph->values[*id].fact = fact;
    graph->values[*id].use_count = 1;
    return ONR_OK;
}

/* Folding gives back constants that nothing needs any more. */
static void note_use(struct onr_graph *graph, uint32_t value)
{
    if (graph->values[value].fold != NULL) {
        graph->values[value].fold->use_count++;
    }
}

/* Adds a node like this one with other inputs; its result, *made, has the shape of the first. */
static enum onr_status add_node(struct writer *w, const struct onr_node *like, uint32_t first,
                                uint32_t second, const char *suffix, uint32_t *made)
{
    struct onr_graph *graph = w->graph;
    struct added *added = ONR_ARENA_NEW(graph->arena, struct added);
    bool is_folded = false;
    uint32_t id = ONR_NO_VALUE;
    char *name =
        onr_arena_printf(graph->arena, "%s.%s", graph->values[like->outputs[0]].name, suffix);
    if (name == NULL || added == NULL) {
        return onr_fail_memory(w->ctx->err, "node");
    }
    added->node = *like;
    added->before = w->at;
    ONR_TRY(turn(w, &added->node, like, first, second));
    ONR_TRY(add_value(w, name, first, &id));
    added->node.name = name;
    added->node.outputs = onr_arena_copy(graph->arena, &id, sizeof id);
    if (added->node.outputs == NULL) {
        return onr_fail_memory(w->ctx->err, "node");
    }
    const struct onr_fact *inputs[] = {onr_fuse_fact(&w->fuser, first),
                                       onr_fuse_fact(&w->fuser, second)};
    struct onr_fact fact = graph->values[id].fact;
    note_use(graph, first);
    note_use(graph, second);
    *made = id;
    ONR_TRY(onr_fold_node(graph, &added->node, inputs, &fact, &is_folded, w->ctx));
    if (!is_folded) {
        *w->end = added;
        w->end = &added->next;
    }
    return ONR_OK;
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
    ONR_TRY(add_node(w, node, sum.scores, number, "scaled", &sum.scores));
    if (!is_kept) {
        ONR_TRY(add_node(w, node, sum.mask, number, "mask", &sum.mask));
    }
    return turn(w, node, sum.node, sum.scores, sum.mask);
}

static bool is_constant(const struct writer *w, uint32_t value)
{
    return w->graph->values[value].constant != NULL && !w->graph->values[value].is_input;
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
            ONR_TRY(add_node(w, node, sum.mask, mask, "mask", &mask));
            return turn(w, node, sum.node, sum.scores, mask);
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
            uint32_t scaled = ONR_NO_VALUE;
            ONR_TRY(add_node(w, node, product->inputs[0], factor, "queries", &scaled));
            return turn(w, node, product, scaled, product->inputs[1]);
        }
    }
    return ONR_OK;
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
    static const char *const names[] = {"Add", "Mul", "Div", "Where", "Reshape", "Cast"};
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
        scale_first, mask_once, scale_queries};
    for (w->at = 0; w->at < w->graph->node_count; w->at++) {
        struct onr_node *node = &w->graph->nodes[w->at];
        bool is_score = !node->is_dead && makes_score(node, w->is_score);
        for (size_t i = 0; i < sizeof rules / sizeof *rules && is_score; i++) {
            ONR_TRY(rules[i](w, node));
        }
    }
    return ONR_OK;
}

/* Puts new nodes in their places. */
static enum onr_status place(struct writer *w)
{
    uint32_t count = 0;
    struct onr_node *nodes = onr_insert_begin(w->graph, &count);
    const struct added *added = w->first;
    for (uint32_t n = 0; n < count; n++) {
        for (; added != NULL && added->before == n; added = added->next) {
            ONR_TRY(onr_insert_node(w->graph, &added->node, w->ctx->err));
        }
        ONR_TRY(onr_insert_node(w->graph, &nodes[n], w->ctx->err));
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
    struct writer w = {
        .graph = graph, .ctx = ctx, .fuser.graph = graph, .is_score = is_score, .end = &w.first};
    enum onr_status status = make_plain(&w);
    onr_mem_free(mem, is_score, bytes);
    ONR_TRY(status);
    if (w.first != NULL) {
        ONR_TRY(place(&w));
    }
    return onr_pass_bodies(graph, onr_pass_plain_scores, ctx);
}
