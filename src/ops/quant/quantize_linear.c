/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuantizeLinear, DequantizeLinear (ai.onnx), versions 10-12, 13-20, 21-22, 23+.
 * https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
 * QuantizeLinear, DequantizeLinear (com.microsoft), version 1: as version 13 of ai.onnx.
 *
 * Quantize    y = saturate(rint(x / scale) + zero_point), halves to even; for types of 8-bit and
 *             4-bit floats y = x / scale + zero_point converted as Cast does
 * Dequantize  y = (x - zero_point) * scale
 *
 * Shapes    y as x. scale, zero_point: one element; [d(axis)]; or, with block_size, as x but
 *           ceil(d(axis) / block_size) along axis.
 * Types     All of the schema; computed in float32. Quantize: y has the type of zero_point, else
 *           output_dtype, else uint8. Dequantize: y has output_dtype, else the type of scale.
 *           com.microsoft: integers of 4, 8 and 16 bits, Dequantize also int32; float32, float16.
 * Attrs     axis: int, default 1, ignored for rank 1. block_size: int, default 0. output_dtype:
 *           int. saturate: int, default 1, for floats of 8 bits. precision: accepted, float32 is
 *           the least used.
 * Edge      A scale of 0 gives infinities, which saturate; NaN becomes the least integer.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/quant/quant_layout.h"

#include <inttypes.h>

/* Elements that are converted at once. */
#define CHUNK 256

struct quant_plan {
    struct onr_quant_layout layout;
    enum onr_dtype x_dtype;
    enum onr_dtype scale_dtype;
    enum onr_dtype zero_dtype; /* ONR_UNDEFINED: there is none */
    enum onr_dtype y_dtype;
    bool is_quantize;
    bool is_saturated;
    float low; /* range of an integer y */
    float high;
};

static enum onr_status infer_type(struct onr_infer_ctx *ctx, enum onr_dtype otherwise,
                                  onr_dtypes allowed)
{
    int64_t given = onr_attr_int(ctx->node, "output_dtype", 0);
    enum onr_dtype dtype = given != 0 ? (enum onr_dtype)given : otherwise;
    if (given != 0 &&
        (!onr_dtype_is_valid(given) || !onr_dtypes_has(allowed, (enum onr_dtype)given))) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "output_dtype %" PRId64 " is not allowed", given);
    }
    ctx->outputs[0].dtype = dtype;
    ONR_TRY(onr_infer_same_shape(ctx));
    return onr_quant_check(ctx);
}

#define SMALL_TYPES                                                                                \
    ((ONR_DTYPES_FLOAT8 & ~ONR_BIT(FLOAT8E8M0)) | ONR_DTYPES_NARROW | ONR_BIT(INT8) |              \
     ONR_BIT(UINT8) | ONR_BIT(INT16) | ONR_BIT(UINT16))
#define REAL_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static enum onr_status quantize_infer(struct onr_infer_ctx *ctx)
{
    if (onr_infer_has_input(ctx, 2)) {
        int64_t given = onr_attr_int(ctx->node, "output_dtype", 0);
        enum onr_dtype zero = ctx->inputs[2]->dtype;
        if (given != 0 && zero != ONR_UNDEFINED && given != (int64_t)zero) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "output_dtype %" PRId64 " differs from the zero point's", given);
        }
        return infer_type(ctx, zero, SMALL_TYPES);
    }
    return infer_type(ctx, ONR_UINT8, SMALL_TYPES);
}

static enum onr_status dequantize_infer(struct onr_infer_ctx *ctx)
{
    return infer_type(ctx, ctx->inputs[1]->dtype, REAL_TYPES);
}

/* Bits and sign of an integer type; 0 bits for the floats. */
static void set_range(struct quant_plan *plan)
{
    unsigned bits = onr_dtype_file_bits(plan->y_dtype);
    onr_dtypes is_signed = ONR_DTYPES_SINT | ONR_BIT(INT4) | ONR_BIT(INT2);
    float span = (float)((uint32_t)1 << bits);
    plan->low = onr_dtypes_has(is_signed, plan->y_dtype) ? -span / 2 : 0;
    plan->high = plan->low + span - 1;
}

static enum onr_status plan_quant(struct onr_plan_ctx *ctx, bool is_quantize)
{
    const struct onr_fact *zero = onr_plan_input(ctx, 2);
    struct quant_plan *plan = ONR_ARENA_NEW(ctx->arena, struct quant_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a quantization");
    }
    ctx->plan = plan;
    plan->x_dtype = ctx->inputs[0]->dtype;
    plan->scale_dtype = ctx->inputs[1]->dtype;
    plan->zero_dtype = zero != NULL ? zero->dtype : ONR_UNDEFINED;
    plan->y_dtype = ctx->outputs[0].dtype;
    plan->is_quantize = is_quantize;
    plan->is_saturated = onr_attr_int(ctx->node, "saturate", 1) != 0;
    if (is_quantize) {
        set_range(plan);
    }
    return onr_quant_layout_init(&plan->layout, ctx);
}

static enum onr_status quantize_plan(struct onr_plan_ctx *ctx)
{
    return plan_quant(ctx, true);
}

static enum onr_status dequantize_plan(struct onr_plan_ctx *ctx)
{
    return plan_quant(ctx, false);
}

struct quant_job {
    const struct quant_plan *plan;
    const struct onr_kernels *kernels;
    const char *x;
    const char *scale;
    const char *zero;
    char *y;
};

struct quant_chunk {
    float values[CHUNK];
    float scale[CHUNK];
    float zero[CHUNK];
};

static void read_floats(const struct quant_job *job, enum onr_dtype dtype, const char *data,
                        size_t first, size_t count, float *out)
{
    struct onr_narrowing how = {.is_saturated = true, .round_mode = ONR_ROUND_UP};
    onr_convert(job->kernels, dtype, ONR_FLOAT, &how, count, data + first * onr_dtype_size(dtype),
                out);
}

static void write_floats(const struct quant_job *job, size_t first, size_t count,
                         const float *values)
{
    enum onr_dtype dtype = job->plan->y_dtype;
    struct onr_narrowing how = {.is_saturated = job->plan->is_saturated,
                                .round_mode = ONR_ROUND_NEAREST};
    onr_convert(job->kernels, ONR_FLOAT, dtype, &how, count, values,
                job->y + first * onr_dtype_size(dtype));
}

static void compute_chunk(const struct quant_job *job, size_t count, struct quant_chunk *chunk)
{
    const struct quant_plan *plan = job->plan;
    size_t step = plan->layout.is_vector ? 1 : 0;
    onr_dtypes floats = ONR_DTYPES_FLOAT8 | ONR_DTYPES_FINITE_FLOAT;
    if (!plan->is_quantize) {
        job->kernels->quant.dequantize_f32(count, chunk->values, chunk->scale, chunk->zero, step,
                                           chunk->values);
    } else if (!onr_dtypes_has(floats, plan->y_dtype)) {
        job->kernels->quant.quantize_f32(count, chunk->values, chunk->scale, chunk->zero, step,
                                         plan->low, plan->high, chunk->values);
    } else {
        for (size_t i = 0; i < count; i++) {
            chunk->values[i] = chunk->values[i] / chunk->scale[i * step] + chunk->zero[i * step];
        }
    }
}

static void convert_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct quant_job *job = arg;
    const struct quant_plan *plan = job->plan;
    struct quant_chunk chunk = {.zero = {0}};
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        struct onr_quant_segment segment = onr_quant_segment_at(&plan->layout, item);
        for (size_t done = 0; done < segment.count; done += CHUNK) {
            size_t rest = segment.count - done;
            size_t count = rest < CHUNK ? rest : CHUNK;
            size_t scales = plan->layout.is_vector ? count : 1;
            size_t at = segment.scale + (plan->layout.is_vector ? done : 0);
            read_floats(job, plan->x_dtype, job->x, segment.first + done, count, chunk.values);
            read_floats(job, plan->scale_dtype, job->scale, at, scales, chunk.scale);
            if (plan->zero_dtype != ONR_UNDEFINED) {
                read_floats(job, plan->zero_dtype, job->zero, at, scales, chunk.zero);
            }
            compute_chunk(job, count, &chunk);
            write_floats(job, segment.first + done, count, chunk.values);
        }
    }
}

static enum onr_status quant_run(struct onr_run_ctx *ctx)
{
    const struct quant_plan *plan = ctx->plan;
    struct quant_job job = {
        .plan = plan,
        .kernels = ctx->kernels,
        .x = ctx->inputs[0]->data,
        .scale = ctx->inputs[1]->data,
        .zero = onr_input_data(ctx, 2),
        .y = ctx->outputs[0]->data,
    };
    onr_parallel_for(ctx->parallel, plan->layout.segments, onr_grain(plan->layout.segment),
                     convert_range, &job);
    return ONR_OK;
}

static const struct onr_attr_spec attrs_13[] = {{"axis", ONR_ATTR_INT, false}, {NULL, 0, false}};
static const struct onr_attr_spec quantize_attrs_19[] = {
    {"axis", ONR_ATTR_INT, false}, {"saturate", ONR_ATTR_INT, false}, {NULL, 0, false}};
static const struct onr_attr_spec quantize_attrs_21[] = {
    {"axis", ONR_ATTR_INT, false},         {"block_size", ONR_ATTR_INT, false},
    {"output_dtype", ONR_ATTR_INT, false}, {"precision", ONR_ATTR_INT, false},
    {"saturate", ONR_ATTR_INT, false},     {NULL, 0, false}};
static const struct onr_attr_spec dequantize_attrs_21[] = {{"axis", ONR_ATTR_INT, false},
                                                           {"block_size", ONR_ATTR_INT, false},
                                                           {"output_dtype", ONR_ATTR_INT, false},
                                                           {NULL, 0, false}};

#define SCALE_TYPES (REAL_TYPES | ONR_BIT(FLOAT8E8M0))

static const struct onr_param_spec quantize_inputs[] = {
    {REAL_TYPES | ONR_BIT(INT32), 0}, {SCALE_TYPES | ONR_BIT(INT32), 0}, {SMALL_TYPES, 0}, {0, 0}};
static const struct onr_param_spec quantize_outputs[] = {{SMALL_TYPES, 0}, {0, 0}};
static const struct onr_param_spec dequantize_inputs[] = {
    {SMALL_TYPES | ONR_BIT(INT32), 1}, {SCALE_TYPES, 0}, {SMALL_TYPES | ONR_BIT(INT32), 1}, {0, 0}};
static const struct onr_param_spec dequantize_outputs[] = {{REAL_TYPES, 0}, {0, 0}};

#define CONTRIB_INTEGERS                                                                           \
    (ONR_BIT(INT4) | ONR_BIT(UINT4) | ONR_BIT(INT8) | ONR_BIT(UINT8) | ONR_BIT(INT16) |            \
     ONR_BIT(UINT16))
#define CONTRIB_REALS (ONR_BIT(FLOAT) | ONR_BIT(FLOAT16))

static const struct onr_param_spec contrib_quantize_inputs[] = {
    {CONTRIB_REALS, 1}, {CONTRIB_REALS, 1}, {CONTRIB_INTEGERS, 0}, {0, 0}};
static const struct onr_param_spec contrib_dequantize_inputs[] = {
    {CONTRIB_INTEGERS | ONR_BIT(INT32), 1},
    {CONTRIB_REALS, 0},
    {CONTRIB_INTEGERS | ONR_BIT(INT32), 1},
    {0, 0}};

#define QUANTIZE_ROW(of, since, last, attributes, specs)                                           \
    {                                                                                              \
        .domain = (of), .name = "QuantizeLinear", .since_version = (since),                        \
        .last_version = (last), .inputs = {2, 3}, .outputs = {1, 1}, .attrs = (attributes),        \
        .input_specs = (specs), .output_specs = quantize_outputs, .infer = quantize_infer,         \
        .plan = quantize_plan, .run = quant_run, .kernel = ONR_KERNEL_AT(quant.quantize_f32),      \
    }
#define DEQUANTIZE_ROW(of, since, last, attributes, specs)                                         \
    {                                                                                              \
        .domain = (of), .name = "DequantizeLinear", .since_version = (since),                      \
        .last_version = (last), .inputs = {2, 3}, .outputs = {1, 1}, .attrs = (attributes),        \
        .input_specs = (specs), .output_specs = dequantize_outputs, .infer = dequantize_infer,     \
        .plan = dequantize_plan, .run = quant_run, .kernel = ONR_KERNEL_AT(quant.dequantize_f32),  \
    }

extern const struct onr_op_def onr_ops_quantize_linear[];
const struct onr_op_def onr_ops_quantize_linear[] = {
    QUANTIZE_ROW("", 10, 12, NULL, quantize_inputs),
    QUANTIZE_ROW("", 13, 18, attrs_13, quantize_inputs),
    QUANTIZE_ROW("", 19, 20, quantize_attrs_19, quantize_inputs),
    QUANTIZE_ROW("", 21, ONR_OPSET_LATEST, quantize_attrs_21, quantize_inputs),
    DEQUANTIZE_ROW("", 10, 12, NULL, dequantize_inputs),
    DEQUANTIZE_ROW("", 13, 20, attrs_13, dequantize_inputs),
    DEQUANTIZE_ROW("", 21, ONR_OPSET_LATEST, dequantize_attrs_21, dequantize_inputs),
    QUANTIZE_ROW("com.microsoft", 1, ONR_CONTRIB_LATEST, attrs_13, contrib_quantize_inputs),
    DEQUANTIZE_ROW("com.microsoft", 1, ONR_CONTRIB_LATEST, attrs_13, contrib_dequantize_inputs),
    {.name = NULL},
};
