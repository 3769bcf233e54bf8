/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/attention_causal.h"

#include "graph/op_def.h"

#include <math.h>

#define DEPTH    8       /* nodes on the way back to Trilu, at most */
#define LOW_MASK (-1e38) /* e^x is 0 at or below this, where another score is usual */

/* One side of the diagonal: elements (i, j) with j - i > last, or the others. */
struct side {
    const struct onr_fuser *fuser;
    uint32_t scores;
    bool is_above;
    bool has_last; /* a Trilu was met, and says what the diagonal is */
    int64_t last;
};

/* Whether the value has a row for each query and a column for each key. */
static bool has_all_scores(const struct side *s, uint32_t value)
{
    int rank = onr_fuse_fact(s->fuser, value)->shape.rank;
    int scores_rank = onr_fuse_fact(s->fuser, s->scores)->shape.rank;
    return rank >= 2 && scores_rank >= 2 &&
           onr_fuse_same_dim(s->fuser, value, rank - 2, s->scores, scores_rank - 2) &&
           onr_fuse_same_dim(s->fuser, value, rank - 1, s->scores, scores_rank - 1);
}

/* The number that all elements of a value are. */
static bool uniform_number(const struct onr_fuser *fuser, uint32_t value, double *number)
{
    const struct onr_node *expand = onr_fuse_producer(fuser, value, "Expand");
    const struct onr_node *filled = onr_fuse_producer(fuser, value, "ConstantOfShape");
    const struct onr_attr *fill = filled != NULL ? onr_node_attr(filled, "value") : NULL;
    float element = 0;
    if (filled == NULL) {
        return onr_fuse_number(fuser, expand != NULL ? expand->inputs[0] : value, number);
    }
    if (fill != NULL && fill->as.tensor->dtype != ONR_FLOAT) {
        return false;
    }
    if (fill != NULL) {
        onr_constant_copy(fill->as.tensor, &element);
    }
    *number = (double)element;
    return true;
}

static bool trilu_number(struct side *s, const struct onr_node *trilu, double *number)
{
    bool is_upper = onr_attr_int(trilu, "upper", 1) != 0;
    int64_t k = 0;
    if (onr_fuse_has_input(trilu, 1) && !onr_fuse_int(s->fuser, trilu, 1, 0, &k)) {
        return false;
    }
    if (k < INT32_MIN || k >= INT32_MAX || (s->has_last && s->last != k - is_upper)) {
        return false;
    }
    s->has_last = true;
    s->last = k - is_upper;
    *number = 0;
    return s->is_above != is_upper || uniform_number(s->fuser, trilu->inputs[0], number);
}

/* The number that a value is on this side. */
static bool side_number(struct side *s, uint32_t value, int depth, double *number)
{
    const struct onr_node *node = onr_fuse_any_producer(s->fuser, value);
    double other = 0;
    if (onr_fuse_number(s->fuser, value, number)) {
        return true;
    }
    if (node == NULL || depth == 0 || !has_all_scores(s, value)) {
        return false;
    }
    if (onr_fuse_is(node, "Trilu")) {
        return trilu_number(s, node, number);
    }
    if (onr_fuse_is(node, "Unsqueeze") || onr_fuse_is(node, "Expand")) {
        return side_number(s, node->inputs[0], depth - 1, number);
    }
    bool is_equal = onr_fuse_is(node, "Equal");
    if ((!is_equal && !onr_fuse_is(node, "Where") && !onr_fuse_is(node, "Not")) ||
        !side_number(s, node->inputs[0], depth - 1, number)) {
        return false;
    }
    if (node->input_count == 3) {
        return side_number(s, node->inputs[*number != 0 ? 1 : 2], depth - 1, number);
    }
    if (is_equal && !side_number(s, node->inputs[1], depth - 1, &other)) {
        return false;
    }
    *number = *number == other; /* not: equal to 0 */
    return true;
}

bool onr_attention_causal(const struct onr_fuser *fuser, const struct onr_masking *mask,
                          uint32_t scores, bool is_only, int64_t *last)
{
    struct side side = {.fuser = fuser, .scores = scores};
    double below = 0;
    double above = 0;
    if (!side_number(&side, mask->value, DEPTH, &below)) {
        return false;
    }
    side.is_above = true;
    if (!side_number(&side, mask->value, DEPTH, &above) || !side.has_last || side.last < 0) {
        return false;
    }
    *last = side.last;
    double hidden = mask->is_flag ? mask->fill : above;
    bool is_split =
        mask->is_flag ? (below != 0) != mask->hides && (above != 0) == mask->hides : below == 0;
    return is_split && hidden <= LOW_MASK && (is_only || isinf(hidden));
}
