/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SwiGLU (ai.onnx), version 28. https://onnx.ai/onnx/operators/onnx__SwiGLU.html
 *
 * y[i] = a[i] sigmoid(alpha a[i]) b[i]
 *
 * Shapes    a, b, y: any, all the same; nothing is broadcast.
 * Types     float, double, float16, bfloat16; the half types compute in float and round once.
 * Attrs     alpha: float, default 1.
 * Aliasing  y may share storage with a or b.
 */
#include "kernels/kernels.h"
#include "ops/common/float_io.h"
#include "ops/elementwise/unary.h"

/* Elements that are computed at a time. */
#define BLOCK ((size_t)256)

static enum onr_status swi_glu_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    const struct onr_shape *b = &ctx->inputs[1]->shape;
    bool fits = a->rank == b->rank || a->rank == ONR_RANK_UNKNOWN || b->rank == ONR_RANK_UNKNOWN;
    for (int d = 0; fits && d < a->rank && d < b->rank; d++) {
        fits = a->dim[d] < 0 || b->dim[d] < 0 || a->dim[d] == b->dim[d];
    }
    if (!fits) {
        char left[ONR_SHAPE_TEXT_BYTES];
        char right[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "a has shape %s and b %s, expected the same",
                              onr_shape_text(a, left), onr_shape_text(b, right));
    }
    return onr_infer_same_shape(ctx);
}

/* Swish for the type that is computed in. */
static enum onr_status swi_glu_prepare(struct onr_prepare_ctx *ctx)
{
    struct onr_unary_args args = {.a = onr_attr_float(ctx->node, "alpha", 1.0f)};
    ONR_TRY(onr_unary_bind(ctx, ONR_UNARY_SWISH, args));
    struct onr_unary_state *state = ctx->state;
    bool is_double = ctx->inputs[0]->dtype == ONR_DOUBLE;
    const onr_unary_fn *swish =
        &ctx->kernels->unary.rows[ONR_UNARY_SWISH][is_double ? ONR_DOUBLE : ONR_FLOAT];
    state->function = *swish;
    ctx->told.kernel = onr_kernel_at(ctx->kernels, swish);
    return ONR_OK;
}

struct swi_glu_job {
    const struct onr_unary_state *swish;
    enum onr_dtype dtype;
    const void *a, *b;
    void *y;
};

static void f64_block(const struct swi_glu_job *job, size_t first, size_t count)
{
    double gate[BLOCK];
    const double *b = (const double *)job->b + first;
    double *y = (double *)job->y + first;
    job->swish->function(count, (const double *)job->a + first, gate, job->swish->args);
    for (size_t i = 0; i < count; i++) {
        y[i] = gate[i] * b[i];
    }
}

static void f32_block(const struct swi_glu_job *job, size_t first, size_t count)
{
    float gate[BLOCK];
    float buffer[BLOCK];
    const float *a = onr_float_read(job->dtype, job->a, first, count, buffer);
    job->swish->function(count, a, gate, job->swish->args);
    const float *b = onr_float_read(job->dtype, job->b, first, count, buffer);
    for (size_t i = 0; i < count; i++) {
        gate[i] *= b[i];
    }
    onr_float_scatter(job->dtype, gate, first, 1, count, job->y);
}

static void swi_glu_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct swi_glu_job *job = arg;
    (void)worker;
    for (size_t first = begin; first < end; first += BLOCK) {
        size_t count = end - first < BLOCK ? end - first : BLOCK;
        if (job->dtype == ONR_DOUBLE) {
            f64_block(job, first, count);
        } else {
            f32_block(job, first, count);
        }
    }
}

static enum onr_status swi_glu_run(struct onr_run_ctx *ctx)
{
    struct swi_glu_job job = {
        .swish = ctx->state,
        .dtype = ctx->inputs[0]->dtype,
        .a = ctx->inputs[0]->data,
        .b = ctx->inputs[1]->data,
        .y = ctx->outputs[0]->data,
    };
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->outputs[0]), ONR_UNARY_GRAIN,
                     swi_glu_range, &job);
    return ONR_OK;
}

static const struct onr_param_spec specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_attr_spec attrs[] = {{"alpha", ONR_ATTR_FLOAT, false}, {.name = NULL}};

extern const struct onr_op_def onr_ops_swi_glu[];
const struct onr_op_def onr_ops_swi_glu[] = {
    {.domain = "",
     .name = "SwiGLU",
     .since_version = 28,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .traits = ONR_TRAIT_INPLACE,
     .infer = swi_glu_infer,
     .prepare = swi_glu_prepare,
     .run = swi_glu_run},
    {.name = NULL},
};
