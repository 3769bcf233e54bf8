/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NhwcMaxPool (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * y[n, o, c] = max of x[n, o * stride - pad + t * dilation, c] over all taps t that fall on x, see
 * MaxPool
 *
 * Shapes    x: [N, spatial..., C] -> y: [N, out..., C]; 1 to 3 spatial dimensions.
 * Types     int8, uint8.
 * Attrs     kernel_shape: ints. strides, dilations: ints, default 1. pads: ints, default 0.
 *           auto_pad: NOTSET (default), VALID, SAME_UPPER, SAME_LOWER. ceil_mode: int, default 0.
 * Edge      A window on padding only gives the lowest value.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/conv/spatial.h"

#include <string.h>

static enum onr_status nhwc_pool_infer(struct onr_infer_ctx *ctx)
{
    struct onr_spatial spatial;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "x has rank %d, expected at least 3", x->rank);
    }
    ONR_TRY(onr_spatial_read(ctx->node, x->rank - 2, NULL, &spatial, ctx->err));
    struct onr_shape *y = &ctx->outputs[0].shape;
    *y = *x;
    for (int d = 0; d < spatial.rank; d++) {
        ONR_TRY(onr_spatial_output(&spatial, d, x->dim[1 + d], &y->dim[1 + d], ctx->err));
    }
    return ONR_OK;
}

struct nhwc_pool_plan {
    struct onr_window window;
    size_t channels;
    uint8_t sign; /* bit that makes the order of the type that of uint8 */
};

static enum onr_status nhwc_pool_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape x = onr_move_channels(&ctx->inputs[0]->shape, true);
    struct onr_spatial spatial;
    struct nhwc_pool_plan *plan = ONR_ARENA_NEW(ctx->arena, struct nhwc_pool_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of NhwcMaxPool");
    }
    ctx->plan = plan;
    plan->channels = (size_t)x.dim[1];
    plan->sign = ctx->inputs[0]->dtype == ONR_INT8 ? 0x80 : 0;
    ONR_TRY(onr_spatial_read(ctx->node, x.rank - 2, NULL, &spatial, ctx->err));
    return onr_spatial_window(&spatial, &x, &plan->window, ctx->err);
}

struct nhwc_pool_job {
    const struct nhwc_pool_plan *plan;
    const uint8_t *x;
    uint8_t *y;
};

/* Raises y to x where that is larger; both with the sign turned. */
static void raise(size_t count, uint8_t sign, const uint8_t *x, uint8_t *y)
{
    for (size_t c = 0; c < count; c++) {
        uint8_t value = x[c] ^ sign;
        y[c] = value > y[c] ? value : y[c];
    }
}

/* The inputs that output o of dimension d sees: every dilation-th of [*begin, *end). */
static void find_range(const struct onr_window *w, int d, int64_t o, int64_t *begin, int64_t *end)
{
    int64_t first = o * w->stride[d] - w->pad[d];
    int64_t behind = first + (w->kernel[d] - 1) * w->dilation[d] + 1;
    int64_t skipped = first < 0 ? (-first + w->dilation[d] - 1) / w->dilation[d] : 0;
    *begin = first + skipped * w->dilation[d];
    *end = onr_int_min(behind, w->in[d]);
}

/* One output position, all channels. */
static void pool_position(const struct nhwc_pool_plan *plan, const uint8_t *image, int64_t out,
                          uint8_t *y)
{
    const struct onr_window *w = &plan->window;
    int64_t begin[3], end[3];
    for (int d = 2; d >= 0; d--) {
        find_range(w, d, out % w->out[d], &begin[d], &end[d]);
        out /= w->out[d];
    }
    memset(y, 0, plan->channels);
    for (int64_t i = begin[0]; i < end[0]; i += w->dilation[0]) {
        for (int64_t j = begin[1]; j < end[1]; j += w->dilation[1]) {
            const uint8_t *row = image + (size_t)((i * w->in[1] + j) * w->in[2]) * plan->channels;
            for (int64_t k = begin[2]; k < end[2]; k += w->dilation[2]) {
                raise(plan->channels, plan->sign, row + (size_t)k * plan->channels, y);
            }
        }
    }
    for (size_t c = 0; c < plan->channels; c++) {
        y[c] ^= plan->sign;
    }
}

/* Items are output positions of all images. */
static void nhwc_pool_positions(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct nhwc_pool_job *job = arg;
    const struct nhwc_pool_plan *plan = job->plan;
    const struct onr_window *w = &plan->window;
    size_t inputs = (size_t)(w->in[0] * w->in[1] * w->in[2]);
    size_t outputs = (size_t)(w->out[0] * w->out[1] * w->out[2]);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        pool_position(plan, job->x + item / outputs * inputs * plan->channels,
                      (int64_t)(item % outputs), job->y + item * plan->channels);
    }
}

static enum onr_status nhwc_pool_run(struct onr_run_ctx *ctx)
{
    const struct nhwc_pool_plan *plan = ctx->plan;
    const struct onr_window *w = &plan->window;
    struct nhwc_pool_job job = {plan, ctx->inputs[0]->data, ctx->outputs[0]->data};
    const struct onr_shape *y = &ctx->outputs[0]->shape;
    size_t taps = 1; /* at most */
    for (int d = 0; d < 3; d++) {
        taps *= (size_t)onr_int_min(w->kernel[d], w->in[d]);
    }
    if (plan->channels > 0) {
        onr_parallel_for(ctx->parallel, (size_t)onr_shape_range(y, 0, y->rank - 1),
                         onr_grain(taps * (plan->channels / 16 + 8)), nhwc_pool_positions, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"auto_pad", ONR_ATTR_STRING, false},
                                             {"ceil_mode", ONR_ATTR_INT, false},
                                             {"dilations", ONR_ATTR_INTS, false},
                                             {"kernel_shape", ONR_ATTR_INTS, true},
                                             {"pads", ONR_ATTR_INTS, false},
                                             {"strides", ONR_ATTR_INTS, false},
                                             {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_BIT(INT8) | ONR_BIT(UINT8), 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_nhwc_max_pool[];
const struct onr_op_def onr_ops_contrib_nhwc_max_pool[] = {
    {.domain = "com.microsoft",
     .name = "NhwcMaxPool",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = nhwc_pool_infer,
     .plan = nhwc_pool_plan,
     .run = nhwc_pool_run},
    {.name = NULL},
};
