/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention from what exporters write for it:
 *
 *   s = scale * Q K'               by MatMul or Einsum; the scale by Mul or Div of Q, K, K' or s
 *   s = cap * Tanh(s / cap)        softcap
 *   s = s + mask                   or Where(flags, number, s); up to two of both, in any order
 *   p = Softmax(s)                 over the last axis; perhaps with sinks, a column that is joined
 *                                  to s before and cut off after it
 *   p = Where(IsNaN(p), 0, p)      where queries that see nothing are to give zeros
 *   y = p V                        by MatMul or Einsum
 *
 * Reshape may take batches and heads apart and put them together on the way: attention_regroup.h.
 *
 * A mask that Trilu makes, so that each query sees the keys up to its own, becomes an attribute: it is
 * never built, nor read.
 *
 * One node of onnxrun.AttentionChain takes their place. It has the broadcasting of these operators,
 * so nothing needs to be known of dimensions that only a run tells, and it reads heads where they
 * lie (attention_view.h), also those that several heads of Q share. A Transpose behind goes as well.
 */
#include "graph/op_def.h"
#include "graph/passes/attention_causal.h"
#include "graph/passes/attention_masking.h"
#include "graph/passes/attention_regroup.h"
#include "graph/passes/attention_sinks.h"

#include <math.h>
#include <string.h>

#define MASKS 2

struct attention {
    struct onr_attention_product scores, values;
    struct onr_attention_view q, k, v;
    struct onr_masking masks[MASKS]; /* that is applied last comes first */
    int mask_count;
    struct onr_regroup regroup;
    int64_t right;  /* query i sees keys up to i + right; -1: all */
    uint32_t sinks; /* or ONR_NO_VALUE */
    double scale;
    double softcap; /* 0: none */
    bool empty_is_zero;
    char y_order[ONR_VIEW_AXES + 1];
    struct onr_node *last;
};

/* ---- from Softmax back to the scores ---- */

/* Notes the mask that an Add or Where applies; the scores without it are returned, or
 * ONR_NO_VALUE. */
static uint32_t take_mask(const struct onr_fuser *fuser, uint32_t value, struct attention *found)
{
    struct onr_masking mask;
    uint32_t scores = onr_before_windows(fuser, value, &mask);
    scores = scores == ONR_NO_VALUE ? onr_before_mask(fuser, value, &mask) : scores;
    bool is_inside = found->scale != 1 || found->softcap != 0; /* it would be scaled as well */
    if (scores == ONR_NO_VALUE || found->mask_count == MASKS || is_inside) {
        return ONR_NO_VALUE;
    }
    found->masks[found->mask_count++] = mask;
    return scores;
}

/* The value before a factor or Tanh, which is noted, or ONR_NO_VALUE. */
static uint32_t before_scale(const struct onr_fuser *fuser, uint32_t value, struct attention *found)
{
    uint32_t before = onr_fuse_before_scale(fuser, value, &found->scale);
    const struct onr_node *tanh = onr_fuse_producer(fuser, value, "Tanh");
    if (tanh == NULL) {
        return before;
    }
    if (found->softcap != 0 || !(found->scale > 0)) {
        return ONR_NO_VALUE;
    }
    found->softcap = found->scale;
    return tanh->inputs[0];
}

/* Finds the product whose scaled and masked elements the value has; nothing else uses these. */
static bool find_scores(const struct onr_fuser *fuser, uint32_t value, struct attention *found)
{
    uint32_t at = value;
    bool is_single = true;
    for (int i = 0; i < ONR_SCORES_DEPTH && is_single; i++) {
        if (onr_attention_scores(fuser, value, &found->scores)) {
            found->scale *= found->scores.scale;
            return true;
        }
        struct onr_masking mask;
        bool is_masked = onr_fuse_producer(fuser, value, "Add") != NULL ||
                         onr_fuse_producer(fuser, value, "Where") != NULL ||
                         onr_before_windows(fuser, value, &mask) != ONR_NO_VALUE;
        at = value;
        bool is_regrouped = onr_before_regroup(fuser, value) != ONR_NO_VALUE;
        value = is_regrouped ? onr_regroup_scores(fuser, value, &found->regroup)
                : is_masked  ? take_mask(fuser, value, found)
                             : before_scale(fuser, value, found);
        if (value == ONR_NO_VALUE) {
            return onr_fuse_miss(fuser, "AttentionChain", at,
                                 "scores: a product of Q and K', scaled, capped, and with two "
                                 "masks at most");
        }
        bool is_lowered = is_masked && found->masks[found->mask_count - 1].adds;
        is_single = is_regrouped || is_lowered || onr_fuse_use_count(fuser, value) == 1;
    }
    return onr_fuse_miss(fuser, "AttentionChain", value, "scores: used once, near their product");
}

/* ---- from Softmax on to the values ---- */

/* The product of probabilities and V. */
static bool find_values(const struct onr_fuser *fuser, uint32_t p, struct attention *found)
{
    if (found->sinks != ONR_NO_VALUE) {
        p = onr_after_sinks(fuser, p);
    }
    const struct onr_node *guard = p != ONR_NO_VALUE ? onr_guard_of(fuser, p) : NULL;
    p = guard != NULL ? guard->outputs[0] : p;
    found->empty_is_zero = guard != NULL;
    uint32_t p3 =
        p != ONR_NO_VALUE ? onr_regroup_probabilities(fuser, p, &found->regroup) : ONR_NO_VALUE;
    p = p3 != ONR_NO_VALUE ? p3 : p;
    if (p == ONR_NO_VALUE || !onr_attention_values(fuser, p, &found->values)) {
        return false;
    }
    found->last = found->values.node;
    memcpy(found->y_order, found->values.y_order, sizeof found->y_order);
    return true;
}

/* The result after a Transpose, in which the elements of heads lie side by side. */
static bool find_result(const struct onr_fuser *fuser, struct attention *found)
{
    struct onr_node *transpose = onr_fuse_user(fuser, found->last->outputs[0], "Transpose");
    size_t count = 0;
    const int64_t *perm = transpose != NULL ? onr_attr_ints(transpose, "perm", &count) : NULL;
    int rank = onr_fuse_fact(fuser, found->last->outputs[0])->shape.rank;
    char order[ONR_VIEW_AXES + 1];
    memcpy(order, found->y_order, sizeof order);
    if (perm != NULL && rank == (int)count && count == strlen(order) &&
        order[perm[count - 1]] == 'h') {
        for (size_t i = 0; i < count; i++) {
            found->y_order[i] = order[perm[i]];
        }
        found->last = transpose;
    }
    return found->y_order[strlen(found->y_order) - 1] == 'h';
}

/* ---- operands ---- */

/* Operands with batches and heads apart as in a value split, or ONR_NO_VALUE: as in the products. */
static bool find_operands(const struct onr_fuser *fuser, uint32_t split, struct attention *found)
{
    bool is_merged = split == ONR_NO_VALUE && strchr(found->scores.a_order, 'm') != NULL;
    uint32_t ways = ONR_VIEW_GROUPS | (is_merged ? ONR_VIEW_MERGED : 0);
    const struct onr_attention_product *s = &found->scores;
    const struct onr_attention_product *v = &found->values;
    for (int i = 0; i < 2; i++) {
        bool is_found =
            onr_attention_view(fuser, s->a, s->a_order,
                               (ways & ~(uint32_t)ONR_VIEW_GROUPS) | ONR_VIEW_SCALES, split,
                               &found->q) &&
            onr_attention_view(fuser, s->b, s->b_order, ways | ONR_VIEW_SCALES, split, &found->k) &&
            onr_attention_view(fuser, v->b, v->b_order, ways, split, &found->v);
        if (!is_found || found->k.groups == found->v.groups) {
            found->scale *= is_found ? found->q.scale * found->k.scale : 1;
            return is_found;
        }
        ways &= ~(uint32_t)ONR_VIEW_GROUPS;
    }
    return false;
}

static struct onr_node *producer_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &fuser->graph->nodes[fuser->graph->values[value].producer];
}

/* Operands of products of rank 3, batches and heads of which can be taken apart. */
static bool find_split_operands(const struct onr_fuser *fuser, struct attention *found)
{
    const struct onr_regroup *regroup = &found->regroup;
    uint32_t y3 = found->values.node->outputs[0];
    double scale = found->scale;
    if (strcmp(found->y_order, "msh") != 0 || !onr_regroup_result(fuser, y3, &found->regroup) ||
        !find_operands(fuser, regroup->s4 != ONR_NO_VALUE ? regroup->s4 : regroup->y4, found) ||
        !onr_regroup_holds(fuser, regroup) ||
        !onr_fuse_goes(fuser, producer_of(fuser, regroup->y4), found->scores.node->outputs[0])) {
        found->scale = scale;
        return false;
    }
    found->last = producer_of(fuser, regroup->y4);
    memcpy(found->y_order, "bnsh", 5);
    return true;
}

/* Takes causal masks off the others, save where a later one may give what they hide a score again. */
static void take_causal(const struct onr_fuser *fuser, uint32_t scores, struct attention *found)
{
    int kept = 0;
    int64_t last = 0;
    bool is_only = found->mask_count == 1;
    bool is_final = true;
    for (int m = 0; m < found->mask_count; m++) {
        struct onr_masking mask = found->masks[m];
        if (is_final && onr_attention_causal(fuser, &mask, scores, is_only, &last)) {
            found->right = found->right < 0 || last < found->right ? last : found->right;
        } else {
            found->masks[kept++] = mask;
            is_final = is_final && !mask.is_flag;
        }
    }
    found->mask_count = kept;
}

/* ---- the node ---- */

/* Numbers are kept as floats, which must not lose anything that the graph has. */
static bool is_kept(double number, enum onr_dtype dtype)
{
    return dtype == ONR_FLOAT || (double)(float)number == number;
}

static bool are_kept(const struct onr_fuser *fuser, const struct attention *found,
                     enum onr_dtype dtype)
{
    bool is_each = isfinite(found->scale) && isfinite(found->softcap) &&
                   is_kept(found->scale, dtype) && is_kept(found->softcap, dtype);
    for (int m = 0; m < found->mask_count; m++) {
        const struct onr_shape *shape = &onr_fuse_fact(fuser, found->masks[m].value)->shape;
        is_each = is_each && is_kept(found->masks[m].fill, dtype) && shape->rank >= 0 &&
                  shape->rank <= (int)strlen(found->y_order) + (found->masks[m].repeats ? 1 : 0);
    }
    return is_each && (found->sinks == ONR_NO_VALUE || dtype == ONR_FLOAT);
}

static void add_view(struct onr_fused *fused, const char *name, const char *part_name,
                     const struct onr_attention_view *view)
{
    char order[ONR_VIEW_AXES + 1];
    memcpy(order, view->order, sizeof order);
    char *merged = strchr(order, 'm');
    if (merged != NULL) {
        *merged = 'n';
    }
    if (strcmp(order, "bnsh") != 0) {
        onr_fused_string(fused, name, order);
    }
    if (part_name != NULL && (strpbrk(order, "px") != NULL || view->part[ONR_VIEW_WIDTH] > 0)) {
        onr_fused_ints(fused, part_name, view->part, 5);
    }
}

static void add_masks(struct onr_fused *fused, const struct attention *found)
{
    static const char *const fills[] = {"fill", "fill2"};
    static const char *const hides[] = {"hides", "hides2"};
    int64_t merged = 0;
    int64_t repeats = 0;
    int64_t adds = 0;
    for (int m = 0; m < found->mask_count; m++) {
        const struct onr_masking *mask = &found->masks[found->mask_count - 1 - m];
        fused->inputs[fused->input_count++] = mask->value;
        if (mask->is_flag && mask->fill != (double)-INFINITY) {
            onr_fused_float(fused, fills[m], (float)mask->fill);
        }
        if (mask->is_flag && mask->hides) {
            onr_fused_int(fused, hides[m], 1);
        }
        merged |= mask->is_merged ? INT64_C(1) << m : 0;
        repeats |= mask->repeats ? INT64_C(1) << m : 0;
        adds |= mask->adds ? INT64_C(1) << m : 0;
    }
    if (adds != 0) {
        onr_fused_int(fused, "adds", adds);
    }
    if (repeats != 0) {
        onr_fused_int(fused, "repeats", repeats);
    }
    if (merged != 0 && strlen(found->y_order) == 4) {
        onr_fused_int(fused, "merged", merged);
    }
    if (found->sinks != ONR_NO_VALUE) {
        while (fused->input_count < 3 + MASKS) {
            fused->inputs[fused->input_count++] = ONR_NO_VALUE;
        }
        fused->inputs[fused->input_count++] = found->sinks;
    }
}

static void set_node(const struct attention *found, struct onr_fused *fused)
{
    struct onr_attention_view y = {.groups = 1};
    memcpy(y.order, found->y_order, sizeof y.order);
    *fused = (struct onr_fused){
        .last = found->last,
        .op_type = "AttentionChain",
        .domain = "onnxrun",
        .version = 1,
        .inputs = {found->q.value, found->k.value, found->v.value},
        .input_count = 3,
    };
    onr_fused_float(fused, "scale", (float)found->scale);
    if (found->softcap != 0) {
        onr_fused_float(fused, "softcap", (float)found->softcap);
    }
    add_view(fused, "q", "q_part", &found->q);
    add_view(fused, "k", "k_part", &found->k);
    add_view(fused, "v", "v_part", &found->v);
    add_view(fused, "y", NULL, &y);
    if (found->k.groups > 1) {
        onr_fused_int(fused, "groups", found->k.groups);
    }
    if (found->empty_is_zero) {
        onr_fused_int(fused, "empty_is_zero", 1);
    }
    if (found->right >= 0) {
        onr_fused_int(fused, "right", found->right);
    }
    add_masks(fused, found);
}

/* Whether nothing but what is fused uses the scores, also where a maximum is subtracted first. */
static bool is_used_once(const struct onr_fuser *fuser, uint32_t x, uint32_t shifted,
                         uint32_t scores)
{
    return onr_fuse_use_count(fuser, shifted) == (shifted != x ? 2 : 1) &&
           (scores == shifted || onr_fuse_use_count(fuser, scores) == 1);
}

static bool match_attention(const struct onr_fuser *fuser, const struct onr_node *softmax,
                            struct onr_fused *fused)
{
    static const char *const name = "AttentionChain";
    const uint32_t none = ONR_NO_VALUE;
    struct attention found = {
        .sinks = none, .scale = 1, .right = -1, .regroup = {none, none, none, none, none, none}};
    uint32_t x = softmax->inputs[0];
    enum onr_dtype dtype = onr_fuse_fact(fuser, x)->dtype;
    int64_t axis = onr_attr_int(softmax, "axis", softmax->version >= 13 ? -1 : 1);
    uint32_t shifted = onr_before_shift(fuser, x);
    uint32_t scores = onr_before_sinks(fuser, shifted, &found.sinks);
    if ((dtype != ONR_FLOAT && dtype != ONR_DOUBLE) || !onr_fuse_is_last_axis(fuser, x, axis)) {
        return false;
    }
    if (!find_values(fuser, softmax->outputs[0], &found)) {
        bool is_shared = onr_fuse_use_count(fuser, softmax->outputs[0]) > 1 &&
                         onr_leads_to_scores(fuser, scores);
        return is_shared && onr_fuse_miss(fuser, name, softmax->outputs[0],
                                          "probabilities: used by their product with V alone");
    }
    if (!is_used_once(fuser, x, shifted, scores)) {
        return onr_fuse_miss(fuser, name, x, "scores: used by Softmax alone");
    }
    if (!find_scores(fuser, scores, &found)) {
        return false;
    }
    if (!find_split_operands(fuser, &found)) {
        if (found.regroup.s4 != none || found.regroup.p3 != none) {
            return onr_fuse_miss(fuser, name, scores,
                                 "batches and heads: apart as they were before they became one "
                                 "axis, the same for scores, operands and result, and needed for "
                                 "these alone");
        }
        if (strlen(found.scores.a_order) != strlen(found.values.b_order) ||
            !find_operands(fuser, none, &found)) {
            return onr_fuse_miss(fuser, name, found.scores.b,
                                 "keys: transposed by a node, of as many dimensions as Q and V");
        }
    }
    if (!find_result(fuser, &found)) {
        return false;
    }
    if (!are_kept(fuser, &found, dtype)) {
        return onr_fuse_miss(fuser, name, x,
                             "numbers that are exact in float, masks of no more dimensions");
    }
    take_causal(fuser, scores, &found);
    set_node(&found, fused);
    return true;
}

enum onr_status onr_pass_fuse_attention(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Softmax", match_attention}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
