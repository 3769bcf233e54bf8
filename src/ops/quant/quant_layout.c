/* SPDX-License-Identifier: Apache-2.0 */
/* Granularity of quantised tensors. */
#include "ops/quant/quant_layout.h"

#include <inttypes.h>

/* Elements that are taken at once when one scale serves all. */
#define PIECE 4096

static bool is_single(const struct onr_shape *scale)
{
    return scale->rank == 0 || (scale->rank == 1 && scale->dim[0] == 1);
}

static enum onr_status fail_scale(struct onr_infer_ctx *ctx)
{
    char x[ONR_SHAPE_TEXT_BYTES];
    char scale[ONR_SHAPE_TEXT_BYTES];
    return onr_infer_fail(ctx, ONR_ERR_SHAPE, "scale of shape %s does not fit input of shape %s",
                          onr_shape_text(&ctx->inputs[1]->shape, scale),
                          onr_shape_text(&ctx->inputs[0]->shape, x));
}

static enum onr_status check_blocks(struct onr_infer_ctx *ctx, int axis, int64_t block)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *scale = &ctx->inputs[1]->shape;
    if (scale->rank != x->rank) {
        return fail_scale(ctx);
    }
    for (int i = 0; i < x->rank; i++) {
        int64_t want = x->dim[i];
        if (i == axis && want >= 0) {
            want = want / block + (want % block != 0);
        }
        if (want >= 0 && scale->dim[i] >= 0 && want != scale->dim[i]) {
            return fail_scale(ctx);
        }
    }
    return ONR_OK;
}

static enum onr_status check_zero_point(struct onr_infer_ctx *ctx)
{
    if (!onr_infer_has_input(ctx, 2) || ctx->inputs[2]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *scale = &ctx->inputs[1]->shape;
    const struct onr_shape *zero = &ctx->inputs[2]->shape;
    bool fits = scale->rank == zero->rank || (is_single(scale) && is_single(zero));
    for (int i = 0; fits && scale->rank == zero->rank && i < scale->rank; i++) {
        fits = scale->dim[i] < 0 || zero->dim[i] < 0 || scale->dim[i] == zero->dim[i];
    }
    if (!fits) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "zero point has shape %s, expected that of the scale",
                              onr_shape_text(zero, text));
    }
    return ONR_OK;
}

enum onr_status onr_quant_check(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *scale = &ctx->inputs[1]->shape;
    int64_t block = onr_attr_int(ctx->node, "block_size", 0);
    int axis = 0;
    if (block < 0) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "block_size is %" PRId64 ", expected 0 or more",
                              block);
    }
    if (x->rank < 0 || scale->rank < 0) {
        return ONR_OK;
    }
    ONR_TRY(check_zero_point(ctx));
    if (block == 0 && is_single(scale)) {
        return ONR_OK;
    }
    if (block == 0 && scale->rank != 1) {
        return fail_scale(ctx);
    }
    int64_t given = x->rank == 1 ? 0 : onr_attr_int(ctx->node, "axis", 1);
    ONR_TRY(onr_axis_check(given, x->rank, &axis, ctx->err));
    if (block > 0) {
        return check_blocks(ctx, axis, block);
    }
    if (scale->dim[0] >= 0 && x->dim[axis] >= 0 && scale->dim[0] != x->dim[axis]) {
        return fail_scale(ctx);
    }
    return ONR_OK;
}

enum onr_status onr_quant_layout_init(struct onr_quant_layout *layout,
                                      const struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t block = onr_attr_int(ctx->node, "block_size", 0);
    *layout = (struct onr_quant_layout){.total = (size_t)onr_shape_range(x, 0, x->rank)};
    if (block == 0 && is_single(&ctx->inputs[1]->shape)) {
        layout->segment = PIECE;
        layout->segments = (layout->total + PIECE - 1) / PIECE;
        return ONR_OK;
    }
    int axis = 0;
    int64_t given = x->rank == 1 ? 0 : onr_attr_int(ctx->node, "axis", 1);
    ONR_TRY(onr_axis_check(given, x->rank, &axis, ctx->err));
    struct onr_axis_view view = onr_axis_view(x, axis);
    layout->view = view;
    layout->is_blocked = block > 0;
    layout->block = (size_t)block;
    layout->is_vector = layout->is_blocked == (view.inner > 1);
    if (view.inner > 1) {
        layout->segments = view.outer * view.size;
        layout->segment = view.inner;
    } else if (!layout->is_blocked) {
        layout->segments = view.outer;
        layout->segment = view.size;
    } else {
        layout->segments =
            view.outer * (view.size / layout->block + (view.size % layout->block != 0));
        layout->segment = layout->block < view.size ? layout->block : view.size;
    }
    layout->segments = layout->total > 0 ? layout->segments : 0;
    return ONR_OK;
}

struct onr_quant_segment onr_quant_segment_at(const struct onr_quant_layout *layout, size_t index)
{
    struct onr_axis_view view = layout->view;
    if (view.size == 0) {
        size_t first = index * PIECE;
        size_t rest = layout->total - first;
        return (struct onr_quant_segment){first, rest < PIECE ? rest : PIECE, 0};
    }
    if (!layout->is_blocked) {
        size_t scale = view.inner > 1 ? index % view.size : 0;
        return (struct onr_quant_segment){index * layout->segment, layout->segment, scale};
    }
    size_t blocks = view.size / layout->block + (view.size % layout->block != 0);
    if (view.inner > 1) {
        size_t row = index / view.size * blocks + index % view.size / layout->block;
        return (struct onr_quant_segment){index * view.inner, view.inner, row * view.inner};
    }
    size_t begin = index % blocks * layout->block;
    size_t rest = view.size - begin;
    return (struct onr_quant_segment){index / blocks * view.size + begin,
                                      rest < layout->block ? rest : layout->block, index};
}
