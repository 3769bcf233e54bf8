/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clip (ai.onnx), versions 1-10 and 11+.      https://onnx.ai/onnx/operators/onnx__Clip.html
 *
 * y[i] = min(max(x[i], low), high)
 *
 * Shapes    x: any -> y: same. low, high (11+): one element each.
 * Types     1-10: float types; 11+: every numeric type. float16 and bfloat16 are computed in float.
 * Attrs     1-10: min, max: float, default the lowest and the largest finite float.
 * Inputs    11+: min, max, each optional; no bound when absent.
 * Edge      NaN stays NaN, a bound that is NaN does not bind, and max wins when it is below min.
 * Aliasing  y may share storage with x.
 */
#include "base/half.h"
#include "kernels/kernels.h"
#include "ops/elementwise/unary.h"

#include <float.h>
#include <inttypes.h>

struct clip_state {
    onr_clip_fn clip;
    size_t bytes; /* of one element */
    /* The bounds of versions 1 to 10: low, high. */
    float narrow[2];
    double wide[2];
    uint16_t half[2];
    const void *bounds[2]; /* in one of these; NULL from version 11 on */
};

static enum onr_status clip_infer(struct onr_infer_ctx *ctx)
{
    for (uint32_t i = 1; i < 3; i++) {
        const struct onr_fact *bound = onr_infer_has_input(ctx, i) ? ctx->inputs[i] : NULL;
        if (bound != NULL && onr_fact_is_shaped(bound) && onr_shape_count(&bound->shape) != 1) {
            char text[ONR_SHAPE_TEXT_BYTES];
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "input %" PRIu32 " has shape %s, expected one element", i,
                                  onr_shape_text(&bound->shape, text));
        }
    }
    return onr_infer_same_shape(ctx);
}

static void set_bound(struct clip_state *state, enum onr_dtype dtype, int index, float value)
{
    state->narrow[index] = value;
    state->wide[index] = (double)value;
    state->half[index] =
        dtype == ONR_BFLOAT16 ? onr_float_to_bfloat16(value) : onr_float_to_half(value);
    switch (dtype) {
    case ONR_DOUBLE:
        state->bounds[index] = &state->wide[index];
        break;
    case ONR_FLOAT16:
    case ONR_BFLOAT16:
        state->bounds[index] = &state->half[index];
        break;
    default:
        state->bounds[index] = &state->narrow[index];
        break;
    }
}

static enum onr_status clip_prepare(struct onr_prepare_ctx *ctx)
{
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    struct clip_state *state = ONR_ARENA_NEW(ctx->arena, struct clip_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a node");
    }
    state->clip = ctx->kernels->binary.clip[dtype];
    state->bytes = onr_dtype_size(dtype);
    if (ctx->node->version < 11) {
        set_bound(state, dtype, 0, onr_attr_float(ctx->node, "min", -FLT_MAX));
        set_bound(state, dtype, 1, onr_attr_float(ctx->node, "max", FLT_MAX));
    }
    ctx->told.kernel = onr_kernel_at(ctx->kernels, &ctx->kernels->binary.clip[dtype]);
    ctx->state = state;
    return ONR_OK;
}

struct clip_job {
    const struct clip_state *state;
    const void *bounds[2];
    const char *x;
    char *y;
};

static void clip_task(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct clip_job *job = arg;
    size_t bytes = job->state->bytes;
    (void)worker;
    job->state->clip(end - begin, job->x + begin * bytes, job->bounds[0], job->bounds[1],
                     job->y + begin * bytes);
}

static enum onr_status clip_run(struct onr_run_ctx *ctx)
{
    struct clip_job job = {
        .state = ctx->state, .x = ctx->inputs[0]->data, .y = ctx->outputs[0]->data};
    for (uint32_t i = 0; i < 2; i++) {
        bool is_input = i + 1 < ctx->input_count && ctx->inputs[i + 1] != NULL;
        job.bounds[i] = is_input ? ctx->inputs[i + 1]->data : job.state->bounds[i];
    }
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->outputs[0]), ONR_UNARY_GRAIN,
                     clip_task, &job);
    return ONR_OK;
}

static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec numeric_specs[] = {{ONR_DTYPES_NUMERIC, 1}, {0}};
static const struct onr_attr_spec old_attrs[] = {{"consumed_inputs", ONR_ATTR_INTS, false},
                                                 {"max", ONR_ATTR_FLOAT, false},
                                                 {"min", ONR_ATTR_FLOAT, false},
                                                 {0}};

#define CLIP(since, last, input_max, specs)                                                        \
    .domain = "", .name = "Clip", .since_version = (since), .last_version = (last),                \
    .inputs = {1, input_max}, .outputs = {1, 1}, .input_specs = (specs), .output_specs = (specs),  \
    .traits = ONR_TRAIT_INPLACE, .infer = clip_infer, .prepare = clip_prepare, .run = clip_run

const struct onr_op_def onr_ops_clip[] = {
    {CLIP(1, 10, 1, float_specs), .attrs = old_attrs},
    {CLIP(11, ONR_OPSET_LATEST, 3, numeric_specs)},
    {.name = NULL},
};
