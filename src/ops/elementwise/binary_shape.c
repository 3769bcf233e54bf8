/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and loops of operators of two inputs, with the one-way broadcasting of operator sets 1
 * to 6. */
#include "ops/common/contents.h"
#include "ops/elementwise/binary.h"

#include <inttypes.h>
#include <string.h>

const struct onr_attr_spec onr_binary_old_attrs[] = {{"axis", ONR_ATTR_INT, false},
                                                     {"broadcast", ONR_ATTR_INT, false},
                                                     {"consumed_inputs", ONR_ATTR_INTS, false},
                                                     {0}};

static bool is_prelu(const struct onr_node *node)
{
    return strcmp(node->op_type, "PRelu") == 0;
}

static bool is_one_way(const struct onr_node *node)
{
    return node->version < 7 || is_prelu(node);
}

/* The dimension of a where the first one of b stands. PRelu has no attributes: before version 7 a
 * slope of rank 1 is per channel. */
static int64_t one_way_axis(const struct onr_node *node, const struct onr_shape *a,
                            const struct onr_shape *b)
{
    int64_t suffix = a->rank - b->rank;
    if (is_prelu(node)) {
        return node->version < 7 && b->rank == 1 && a->rank > 1 ? 1 : suffix;
    }
    return onr_attr_int(node, "axis", suffix);
}

/* b with ones around it, in as many dimensions as a has; the axis has been checked. */
static struct onr_shape align_one_way(const struct onr_shape *a, const struct onr_shape *b,
                                      int axis)
{
    struct onr_shape aligned = {.rank = a->rank};
    for (int i = 0; i < a->rank; i++) {
        bool is_covered = i >= axis && i < axis + b->rank;
        aligned.dim[i] = is_covered ? b->dim[i - axis] : 1;
    }
    return aligned;
}

static enum onr_status fail_one_way(struct onr_infer_ctx *ctx, int64_t axis)
{
    char left[ONR_SHAPE_TEXT_BYTES];
    char right[ONR_SHAPE_TEXT_BYTES];
    return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                          "input 1 of shape %s does not fit input 0 of shape %s at axis %" PRId64,
                          onr_shape_text(&ctx->inputs[1]->shape, right),
                          onr_shape_text(&ctx->inputs[0]->shape, left), axis);
}

static enum onr_status infer_one_way(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    const struct onr_shape *b = &ctx->inputs[1]->shape;
    ctx->outputs[0].shape = *a;
    if (a->rank == ONR_RANK_UNKNOWN || b->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    int64_t axis = one_way_axis(ctx->node, a, b);
    if (axis < 0 || axis > a->rank - b->rank) {
        return fail_one_way(ctx, axis);
    }
    bool is_broadcast =
        strcmp(ctx->node->op_type, "PRelu") == 0 || onr_attr_int(ctx->node, "broadcast", 0) != 0;
    struct onr_shape aligned = align_one_way(a, b, (int)axis);
    for (int i = 0; i < a->rank; i++) {
        int64_t dim = 0;
        bool fits = onr_dim_broadcast(a->dim[i], aligned.dim[i], &dim) &&
                    (a->dim[i] < 0 || dim == a->dim[i]);
        bool is_same = a->dim[i] < 0 || aligned.dim[i] < 0 || a->dim[i] == aligned.dim[i];
        if (!(is_broadcast ? fits : is_same)) {
            return fail_one_way(ctx, axis);
        }
    }
    return ONR_OK;
}

enum onr_status onr_binary_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(is_one_way(ctx->node) ? infer_one_way(ctx) : onr_infer_broadcast(ctx));
    if (strcmp(ctx->node->op_type, "Equal") == 0) {
        onr_contents_equal(ctx);
    } else {
        onr_contents_combine(ctx);
    }
    return ONR_OK;
}

enum onr_status onr_binary_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    const struct onr_shape *b = &ctx->inputs[1]->shape;
    struct onr_shape aligned = *b;
    if (is_one_way(ctx->node)) {
        aligned = align_one_way(a, b, (int)one_way_axis(ctx->node, a, b));
    }
    const struct onr_shape *inputs[] = {a, &aligned};
    ctx->plan = onr_broadcast_plan(ctx->arena, &ctx->outputs[0].shape, inputs, 2);
    return ctx->plan != NULL ? ONR_OK : onr_fail_memory(ctx->err, "loops of a node");
}
