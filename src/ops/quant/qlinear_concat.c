/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QLinearConcat (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = saturate(rint((X - x_zero_point) * x_scale / Y_scale) + Y_zero_point) of the inputs X one
 * after the other along `axis`, halves to even
 *
 * Inputs    Y_scale, Y_zero_point, and for each part X, x_scale, x_zero_point
 * Shapes    as Concat; scales and zero points: one element.
 * Types     X, Y and zero points: int8 or uint8, all the same. Scales: float32.
 * Attrs     axis: int, required; negative ones count from the end.
 * Edge      inputs with no elements add nothing.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/movement/concat.h"
#include "ops/quant/byte_scale.h"

#include <inttypes.h>

enum { Y_SCALE, Y_ZERO, FIRST };
/* Inputs of a part: the tensor, its scale and its zero point. */
#define PART 3

static enum onr_status check_type(struct onr_infer_ctx *ctx, uint32_t index, enum onr_dtype want)
{
    if (!onr_infer_has_input(ctx, index)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is missing", index);
    }
    enum onr_dtype got = ctx->inputs[index]->dtype;
    if (got != ONR_UNDEFINED && want != ONR_UNDEFINED && got != want) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " has type %s, expected %s",
                              index, onr_dtype_name(got), onr_dtype_name(want));
    }
    return ONR_OK;
}

static enum onr_status concat_infer(struct onr_infer_ctx *ctx)
{
    enum onr_dtype dtype = ctx->inputs[Y_ZERO]->dtype;
    if ((ctx->node->input_count - FIRST) % PART != 0) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "got %" PRIu32 " inputs, expected 2 and 3 for each part",
                              ctx->node->input_count);
    }
    ONR_TRY(onr_byte_scale_check(ctx, Y_SCALE, Y_ZERO));
    for (uint32_t i = FIRST; i < ctx->node->input_count; i += PART) {
        ONR_TRY(check_type(ctx, i, dtype));
        ONR_TRY(check_type(ctx, i + 1, ONR_FLOAT));
        ONR_TRY(check_type(ctx, i + 2, dtype));
        ONR_TRY(onr_byte_scale_check(ctx, i + 1, i + 2));
    }
    return onr_concat_infer(ctx, FIRST, PART);
}

/* Rows of all parts follow each other in the rows of Y. */
struct concat_plan {
    size_t y_row;
    int axis;
};

static enum onr_status concat_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct concat_plan *plan = ONR_ARENA_NEW(ctx->arena, struct concat_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a concatenation");
    }
    ctx->plan = plan;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", 0), y->rank, &plan->axis, ctx->err));
    plan->y_row = (size_t)onr_shape_range(y, plan->axis, y->rank);
    return ONR_OK;
}

struct part_job {
    const uint8_t *x;
    uint8_t *y; /* where the part begins in the first row */
    size_t row, y_row;
    uint8_t table[256];
};

/* Items are elements of the part. */
static void convert_part(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct part_job *job = arg;
    (void)worker;
    while (begin < end) {
        size_t column = begin % job->row;
        size_t rest = job->row - column;
        size_t count = rest < end - begin ? rest : end - begin;
        const uint8_t *x = job->x + begin;
        uint8_t *y = job->y + begin / job->row * job->y_row + column;
        for (size_t i = 0; i < count; i++) {
            y[i] = job->table[x[i]];
        }
        begin += count;
    }
}

static enum onr_status concat_run(struct onr_run_ctx *ctx)
{
    const struct concat_plan *plan = ctx->plan;
    enum onr_dtype dtype = ctx->outputs[0]->dtype;
    struct onr_byte_scale to = onr_byte_scale_read(ctx, dtype, Y_SCALE, Y_ZERO);
    struct part_job job = {.y = ctx->outputs[0]->data, .y_row = plan->y_row};
    for (uint32_t i = FIRST; i < ctx->input_count; i += PART) {
        const struct onr_tensor *x = ctx->inputs[i];
        struct onr_byte_scale from = onr_byte_scale_read(ctx, dtype, i + 1, i + 2);
        size_t count = (size_t)onr_tensor_count(x);
        if (count == 0) {
            continue;
        }
        onr_byte_rescale(&from, &to, ctx->kernels, job.table);
        job.x = x->data;
        job.row = (size_t)onr_shape_range(&x->shape, plan->axis, x->shape.rank);
        onr_parallel_for(ctx->parallel, count, onr_grain(1), convert_part, &job);
        job.y += job.row;
    }
    return ONR_OK;
}

#define BYTES ONR_BYTE_DTYPES
#define SCALE ONR_BIT(FLOAT)

static const struct onr_attr_spec concat_attrs[] = {{"axis", ONR_ATTR_INT, true}, {NULL, 0, false}};
static const struct onr_param_spec concat_inputs[] = {
    {SCALE, 0}, {BYTES, 1}, {BYTES | SCALE, 0}, {0, 0}};
static const struct onr_param_spec concat_outputs[] = {{BYTES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_qlinear_concat[];
const struct onr_op_def onr_ops_qlinear_concat[] = {
    {.domain = "com.microsoft",
     .name = "QLinearConcat",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {5, ONR_VARIADIC},
     .outputs = {1, 1},
     .attrs = concat_attrs,
     .input_specs = concat_inputs,
     .output_specs = concat_outputs,
     .infer = concat_infer,
     .plan = concat_plan,
     .run = concat_run,
     .kernel = ONR_KERNEL_AT(quant.quantize_f32)},
    {.name = NULL},
};
