/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BiasGelu, FastGelu, Gelu (com.microsoft).
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * y[i] = gelu(x[i] + bias[i mod d])
 *
 * BiasGelu and Gelu: gelu(v) = v/2 (1 + erf(v / sqrt 2)).
 * FastGelu: gelu(v) = v/2 (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))).
 *
 * Shapes    x: [..., d]; bias (required by BiasGelu, optional in FastGelu): [d] -> y: same as x.
 * Types     float, double, float16, bfloat16; the half types round the sum and compute in float.
 * Aliasing  y may share storage with x.
 */
#include "kernels/kernels.h"
#include "ops/elementwise/unary.h"

#include <string.h>

struct contrib_gelu_state {
    const struct onr_unary_state *gelu;
    onr_binary_fn add;
};

static enum onr_status contrib_gelu_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    if (onr_infer_has_input(ctx, 1) && x->rank != ONR_RANK_UNKNOWN) {
        const struct onr_shape *bias = &ctx->inputs[1]->shape;
        int64_t last = x->rank > 0 ? x->dim[x->rank - 1] : 1;
        bool is_known = last >= 0 && bias->rank == 1 && bias->dim[0] >= 0;
        if ((bias->rank != ONR_RANK_UNKNOWN && bias->rank != 1) || x->rank == 0 ||
            (is_known && bias->dim[0] != last)) {
            char left[ONR_SHAPE_TEXT_BYTES];
            char right[ONR_SHAPE_TEXT_BYTES];
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "bias has shape %s, expected the last dimension of %s",
                                  onr_shape_text(bias, right), onr_shape_text(x, left));
        }
    }
    return onr_infer_same_shape(ctx);
}

static enum onr_status contrib_gelu_prepare(struct onr_prepare_ctx *ctx)
{
    bool is_fast = strcmp(ctx->node->op_type, "FastGelu") == 0;
    ONR_TRY(onr_unary_bind(ctx, is_fast ? ONR_UNARY_GELU_TANH : ONR_UNARY_GELU,
                           (struct onr_unary_args){0}));
    struct contrib_gelu_state *state = ONR_ARENA_NEW(ctx->arena, struct contrib_gelu_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a node");
    }
    state->gelu = ctx->state;
    state->add = ctx->kernels->binary.rows[ONR_BINARY_ADD][ctx->inputs[0]->dtype];
    ctx->state = state;
    return ONR_OK;
}

/* Rows of x; without a bias the whole tensor counts as rows of one element. */
struct contrib_gelu_job {
    const struct contrib_gelu_state *state;
    size_t row_count;
    size_t row_bytes;
    size_t row_length;
    const void *bias;
    const char *x;
    char *y;
};

static void contrib_gelu_task(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct contrib_gelu_job *job = arg;
    const struct onr_unary_state *gelu = job->state->gelu;
    (void)worker;
    if (job->bias == NULL) {
        gelu->function((end - begin) * job->row_length, job->x + begin * job->row_bytes,
                       job->y + begin * job->row_bytes, gelu->args);
        return;
    }
    for (size_t row = begin; row < end; row++) {
        char *y = job->y + row * job->row_bytes;
        job->state->add(job->row_length, job->x + row * job->row_bytes, 1, job->bias, 1, y);
        gelu->function(job->row_length, y, y, gelu->args);
    }
}

static enum onr_status contrib_gelu_run(struct onr_run_ctx *ctx)
{
    const struct contrib_gelu_state *state = ctx->state;
    size_t count = (size_t)onr_tensor_count(ctx->outputs[0]);
    bool has_bias = ctx->input_count > 1 && ctx->inputs[1] != NULL;
    if (count == 0) {
        return ONR_OK;
    }
    struct contrib_gelu_job job = {
        .state = state,
        .row_length = has_bias ? (size_t)ctx->inputs[1]->shape.dim[0] : 1,
        .bias = has_bias ? ctx->inputs[1]->data : NULL,
        .x = ctx->inputs[0]->data,
        .y = ctx->outputs[0]->data,
    };
    job.row_count = count / job.row_length;
    job.row_bytes = job.row_length * state->gelu->input_bytes;
    size_t grain = (ONR_UNARY_GRAIN + job.row_length - 1) / job.row_length;
    onr_parallel_for(ctx->parallel, job.row_count, grain, contrib_gelu_task, &job);
    return ONR_OK;
}

static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

#define CONTRIB_GELU(text, input_min, input_max)                                                   \
    {                                                                                              \
        .domain = "com.microsoft", .name = (text), .since_version = 1,                             \
        .last_version = ONR_CONTRIB_LATEST, .inputs = {input_min, input_max}, .outputs = {1, 1},   \
        .input_specs = float_specs, .output_specs = float_specs, .traits = ONR_TRAIT_INPLACE,      \
        .infer = contrib_gelu_infer, .prepare = contrib_gelu_prepare, .run = contrib_gelu_run      \
    }

const struct onr_op_def onr_ops_contrib_gelu[] = {
    CONTRIB_GELU("BiasGelu", 2, 2),
    CONTRIB_GELU("FastGelu", 1, 2),
    CONTRIB_GELU("Gelu", 1, 1),
    {.name = NULL},
};
