/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MelWeightMatrix (ai.onnx), version 17.
 * https://onnx.ai/onnx/operators/onnx__MelWeightMatrix.html
 *
 * Column i holds a triangle over the spectrogram bins b[i] .. b[i+2], with its top at b[i+1]:
 *
 *   b[i] = floor((dft_length + 1) * hertz(low + i * (high - low) / (num_mel_bins + 2)) /
 *                sample_rate)
 *   low = mel(lower_edge_hertz), high = mel(upper_edge_hertz)
 *   mel(f) = 2595 log10(1 + f / 700), hertz its inverse
 *
 * Shapes    five scalars -> [dft_length / 2 + 1, num_mel_bins].
 * Types     the first three int32 or int64, the edges any float type; output_datatype: any integer
 *           or float type. Computed in double; integers are cut off.
 * Attrs     output_datatype: default float.
 * Edge      A triangle whose lower side is empty is 1 at its top. Bins beyond the spectrogram are
 *           refused, as are edges below 0 or in the wrong order.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/common/scalar.h"

#include <inttypes.h>
#include <math.h>

struct mel_plan {
    int64_t mel_bins;
    int64_t dft_length;
    int64_t sample_rate;
};

static enum onr_status mel_infer(struct onr_infer_ctx *ctx)
{
    static const char *const names[] = {"num_mel_bins", "dft_length", "sample_rate",
                                        "lower_edge_hertz", "upper_edge_hertz"};
    int64_t value[3];
    bool is_known[3];
    onr_infer_unknown_dims(ctx, 2);
    ONR_TRY(onr_infer_dtype_attr(ctx, "output_datatype", ONR_FLOAT, ONR_DTYPES_NUMERIC,
                                 &ctx->outputs[0].dtype));
    for (uint32_t i = 0; i < 3; i++) {
        ONR_TRY(onr_infer_scalar(ctx, i, names[i], 1, &value[i], &is_known[i]));
        if (value[i] < 1) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE, "%s is %" PRId64 ", expected at least 1",
                                  names[i], value[i]);
        }
    }
    for (uint32_t i = 3; i < 5; i++) {
        const struct onr_fact *edge = ctx->inputs[i];
        if (onr_fact_is_shaped(edge) && onr_shape_count(&edge->shape) != 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "%s has %" PRId64 " elements, expected a scalar", names[i],
                                  onr_shape_count(&edge->shape));
        }
    }
    ctx->outputs[0].shape.dim[0] = is_known[1] ? value[1] / 2 + 1 : ONR_DIM_UNKNOWN;
    ctx->outputs[0].shape.dim[1] = is_known[0] ? value[0] : ONR_DIM_UNKNOWN;
    return ONR_OK;
}

static enum onr_status mel_plan(struct onr_plan_ctx *ctx)
{
    struct mel_plan *plan = ONR_ARENA_NEW(ctx->arena, struct mel_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of MelWeightMatrix");
    }
    *plan = (struct mel_plan){.mel_bins = onr_plan_scalar(ctx, 0, 1),
                              .dft_length = onr_plan_scalar(ctx, 1, 1),
                              .sample_rate = onr_plan_scalar(ctx, 2, 1)};
    ctx->plan = plan;
    return ONR_OK;
}

static double mel_of_hertz(double hertz)
{
    return 2595.0 * log10(1.0 + hertz / 700.0);
}

/* b[i]: the spectrogram bin of an edge of a triangle. */
static double bin_of(const struct mel_plan *plan, double low, double high, int64_t i)
{
    double mel = low + (double)i * ((high - low) / (double)(plan->mel_bins + 2));
    double hertz = 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
    return floor(((double)plan->dft_length + 1.0) * hertz / (double)plan->sample_rate);
}

/* The weight of spectrogram bin `bin` in the triangle from left over top to right. */
static double weight_at(double bin, double left, double top, double right)
{
    if (bin < left || bin > right) {
        return 0.0;
    }
    if (bin >= top && right > top) {
        return (right - bin) / (right - top);
    }
    if (left == top) {
        return bin == top ? 1.0 : 0.0;
    }
    return bin <= top ? (bin - left) / (top - left) : 0.0;
}

static enum onr_status mel_run(struct onr_run_ctx *ctx)
{
    const struct mel_plan *plan = ctx->plan;
    const struct onr_narrowing how = {.is_saturated = true};
    struct onr_tensor *y = ctx->outputs[0];
    double lower = 0;
    double upper = 0;
    onr_double_gather(ctx->inputs[3]->dtype, ctx->inputs[3]->data, 0, 1, 1, &lower);
    onr_double_gather(ctx->inputs[4]->dtype, ctx->inputs[4]->data, 0, 1, 1, &upper);
    if (!(lower >= 0.0 && upper >= lower && upper < HUGE_VAL)) {
        return onr_fail(ctx->err, ONR_ERR_VALUE,
                        "the edges are %g and %g hertz, expected 0 <= lower <= upper", lower,
                        upper);
    }
    double low = mel_of_hertz(lower);
    double high = mel_of_hertz(upper);
    size_t bins = (size_t)y->shape.dim[0];
    double last = bin_of(plan, low, high, plan->mel_bins + 1);
    if (last > (double)bins) {
        return onr_fail(ctx->err, ONR_ERR_VALUE,
                        "upper_edge_hertz is %g, which is bin %g of %zu (above half the "
                        "sample rate %" PRId64 ")",
                        upper, last, bins, plan->sample_rate);
    }
    size_t columns = (size_t)plan->mel_bins;
    for (size_t i = 0; i < columns; i++) {
        double left = bin_of(plan, low, high, (int64_t)i);
        double top = bin_of(plan, low, high, (int64_t)i + 1);
        double right = bin_of(plan, low, high, (int64_t)i + 2);
        for (size_t j = 0; j < bins; j++) {
            double weight = weight_at((double)j, left, top, right);
            onr_convert(ctx->kernels, ONR_DOUBLE, y->dtype, &how, 1, &weight,
                        (char *)y->data + (j * columns + i) * onr_dtype_size(y->dtype));
        }
    }
    return ONR_OK;
}

static const struct onr_attr_spec mel_attrs[] = {{"output_datatype", ONR_ATTR_INT, false},
                                                 {.name = NULL}};
static const struct onr_param_spec mel_inputs[] = {{ONR_DTYPES_INDEX, 1}, {ONR_DTYPES_INDEX, 1},
                                                   {ONR_DTYPES_INDEX, 1}, {ONR_DTYPES_FLOAT, 2},
                                                   {ONR_DTYPES_FLOAT, 2}, {0}};
static const struct onr_param_spec mel_outputs[] = {{ONR_DTYPES_NUMERIC, 0}, {0}};

extern const struct onr_op_def onr_ops_mel_weight_matrix[];
const struct onr_op_def onr_ops_mel_weight_matrix[] = {
    {.domain = "",
     .name = "MelWeightMatrix",
     .since_version = 17,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {5, 5},
     .outputs = {1, 1},
     .attrs = mel_attrs,
     .input_specs = mel_inputs,
     .output_specs = mel_outputs,
     .infer = mel_infer,
     .plan = mel_plan,
     .run = mel_run},
    {.name = NULL},
};
