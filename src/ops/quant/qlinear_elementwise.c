/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QLinearSigmoid, QLinearLeakyRelu, QLinearAdd, QLinearMul, QLinearWhere (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * With x = (X - X_zero_point) * X_scale, and y, a, b likewise, halves to even:
 * Sigmoid    Y = saturate(rint(1 / (1 + e^-x) / Y_scale) + Y_zero_point)
 * LeakyRelu  Y = saturate(rint((x < 0 ? alpha * x : x) / Y_scale) + Y_zero_point)
 * Where      Z = saturate(rint((condition ? x : y) / z_scale) + z_zero_point)
 * Add        C = saturate(rint((a + b) / C_scale + C_zero_point))
 * Mul        C = saturate(rint((a * b) / C_scale + C_zero_point))
 *
 * Inputs    X, X_scale, X_zero_point?, Y_scale, Y_zero_point?
 *           A, A_scale, A_zero_point?, B, B_scale, B_zero_point?, C_scale, C_zero_point?
 *           condition, X, x_scale, x_zero_point, Y, y_scale, y_zero_point, z_scale, z_zero_point
 * Shapes    Y as X; C and Z: what A and B, or condition, X and Y, broadcast to. Scales and zero
 *           points: one element.
 * Types     int8 or uint8, the same everywhere. condition: bool. Scales: float32.
 * Attrs     alpha (LeakyRelu): float, default 0.01.
 * Edge      A NaN becomes the least integer.
 * Aliasing  the output may share storage with any input of the same number of bytes.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/broadcast.h"
#include "ops/common/check_dims.h"
#include "ops/elementwise/binary.h"
#include "ops/quant/byte_scale.h"

#include <math.h>

/* ---- one input ---- */

enum { X, X_SCALE, X_ZERO, Y_SCALE, Y_ZERO };

static enum onr_status unary_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_byte_scale_check(ctx, X_SCALE, X_ZERO));
    ONR_TRY(onr_byte_scale_check(ctx, Y_SCALE, Y_ZERO));
    return onr_infer_same_shape(ctx);
}

static enum onr_status leaky_relu_plan(struct onr_plan_ctx *ctx)
{
    float *alpha = ONR_ARENA_NEW(ctx->arena, float);
    if (alpha == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a node");
    }
    *alpha = onr_attr_float(ctx->node, "alpha", 0.01f);
    ctx->plan = alpha;
    return ONR_OK;
}

struct unary_job {
    const uint8_t *x;
    uint8_t *y;
    uint8_t table[256];
};

static void look_up_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct unary_job *job = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        job->y[i] = job->table[job->x[i]];
    }
}

/* Y has values[X], quantised; values are overwritten. */
static void run_unary(const struct onr_run_ctx *ctx, float values[256])
{
    struct unary_job job = {.x = ctx->inputs[X]->data, .y = ctx->outputs[0]->data};
    struct onr_byte_scale y = onr_byte_scale_read(ctx, ctx->inputs[X]->dtype, Y_SCALE, Y_ZERO);
    onr_byte_table(&y, ctx->kernels, values, job.table);
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->inputs[X]), onr_grain(1),
                     look_up_range, &job);
}

static enum onr_status sigmoid_run(struct onr_run_ctx *ctx)
{
    struct onr_byte_scale x = onr_byte_scale_read(ctx, ctx->inputs[X]->dtype, X_SCALE, X_ZERO);
    float values[256];
    onr_byte_values(&x, values);
    for (int i = 0; i < 256; i++) {
        values[i] = (float)(1.0 / (1.0 + exp(-(double)values[i])));
    }
    run_unary(ctx, values);
    return ONR_OK;
}

static enum onr_status leaky_relu_run(struct onr_run_ctx *ctx)
{
    struct onr_byte_scale x = onr_byte_scale_read(ctx, ctx->inputs[X]->dtype, X_SCALE, X_ZERO);
    float alpha = *(const float *)ctx->plan;
    float values[256];
    onr_byte_values(&x, values);
    for (int i = 0; i < 256; i++) {
        values[i] = values[i] < 0.0f ? alpha * values[i] : values[i];
    }
    run_unary(ctx, values);
    return ONR_OK;
}

/* ---- several inputs ---- */

static enum onr_status plan_loops(struct onr_plan_ctx *ctx, const uint32_t *inputs, size_t count)
{
    const struct onr_shape *shapes[ONR_CURSOR_INPUTS];
    for (size_t i = 0; i < count; i++) {
        shapes[i] = &ctx->inputs[inputs[i]]->shape;
    }
    ctx->plan = onr_broadcast_plan(ctx->arena, &ctx->outputs[0].shape, shapes, count);
    return ctx->plan != NULL ? ONR_OK : onr_fail_memory(ctx->err, "loops of a node");
}

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, C_SCALE, C_ZERO };

static const uint32_t binary_operands[] = {A, B};

static enum onr_status binary_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_check_present(ctx, B));
    ONR_TRY(onr_byte_scale_check(ctx, A_SCALE, A_ZERO));
    ONR_TRY(onr_byte_scale_check(ctx, B_SCALE, B_ZERO));
    ONR_TRY(onr_byte_scale_check(ctx, C_SCALE, C_ZERO));
    return onr_infer_broadcast_of(ctx, binary_operands, 2);
}

static enum onr_status binary_plan(struct onr_plan_ctx *ctx)
{
    return plan_loops(ctx, binary_operands, 2);
}

struct binary_job {
    const struct onr_broadcast *loops;
    const struct onr_quant_kernels *kernels;
    const uint8_t *a, *b;
    uint8_t *c;
    bool is_product;
    float scale; /* of a product */
    float zero;
    struct onr_byte_range range; /* with a zero of 0 */
    float a_values[256];         /* for each byte: of a sum, in units of C */
    float b_values[256];
};

/* values[i] = a combined with b, with the zero point of C, for count <= ONR_SCALE_CHUNK. */
static void combine(const struct binary_job *job, size_t count, const uint8_t *a, size_t a_step,
                    const uint8_t *b, size_t b_step, float *values)
{
    for (size_t i = 0; i < count; i++) {
        float x = job->a_values[a[i * a_step]];
        float y = job->b_values[b[i * b_step]];
        values[i] = (job->is_product ? x * y * job->scale : x + y) + job->zero;
    }
}

static void combine_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct binary_job *job = arg;
    const struct onr_broadcast *loops = job->loops;
    struct onr_cursor cursor;
    float values[ONR_SCALE_CHUNK];
    (void)worker;
    onr_cursor_seek(loops, begin, &cursor);
    while (begin < end) {
        size_t limit = end - begin < ONR_SCALE_CHUNK ? end - begin : ONR_SCALE_CHUNK;
        size_t run = onr_cursor_run(loops, &cursor, limit);
        combine(job, run, job->a + cursor.offset[0], loops->stride[0][0], job->b + cursor.offset[1],
                loops->stride[1][0], values);
        onr_bytes_from_floats(job->kernels, run, values, &job->range, job->c + begin, 1);
        onr_cursor_advance(loops, run, &cursor);
        begin += run;
    }
}

static enum onr_status run_binary(struct onr_run_ctx *ctx, bool is_product)
{
    enum onr_dtype dtype = ctx->inputs[A]->dtype;
    struct onr_byte_scale a = onr_byte_scale_read(ctx, dtype, A_SCALE, A_ZERO);
    struct onr_byte_scale b = onr_byte_scale_read(ctx, dtype, B_SCALE, B_ZERO);
    struct onr_byte_scale c = onr_byte_scale_read(ctx, dtype, C_SCALE, C_ZERO);
    struct binary_job job = {.loops = ctx->plan,
                             .kernels = &ctx->kernels->quant,
                             .a = ctx->inputs[A]->data,
                             .b = ctx->inputs[B]->data,
                             .c = ctx->outputs[0]->data,
                             .is_product = is_product,
                             .scale = a.scale * b.scale / c.scale,
                             .zero = c.zero,
                             .range = onr_byte_range(dtype, NULL, 0)};
    a.scale = is_product ? 1.0f : a.scale / c.scale;
    b.scale = is_product ? 1.0f : b.scale / c.scale;
    onr_byte_values(&a, job.a_values);
    onr_byte_values(&b, job.b_values);
    onr_parallel_for(ctx->parallel, job.loops->count, ONR_BINARY_GRAIN, combine_range, &job);
    return ONR_OK;
}

static enum onr_status add_run(struct onr_run_ctx *ctx)
{
    return run_binary(ctx, false);
}

static enum onr_status mul_run(struct onr_run_ctx *ctx)
{
    return run_binary(ctx, true);
}

enum { CONDITION, IF_TRUE, IF_FALSE = 4, RESULT = 6 };

static const uint32_t where_operands[] = {CONDITION, IF_TRUE, IF_FALSE};

static enum onr_status where_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_byte_scale_check(ctx, IF_TRUE + 1, IF_TRUE + 2));
    ONR_TRY(onr_byte_scale_check(ctx, IF_FALSE + 1, IF_FALSE + 2));
    ONR_TRY(onr_byte_scale_check(ctx, RESULT + 1, RESULT + 2));
    return onr_infer_broadcast_of(ctx, where_operands, 3);
}

static enum onr_status where_plan(struct onr_plan_ctx *ctx)
{
    return plan_loops(ctx, where_operands, 3);
}

struct where_job {
    const struct onr_broadcast *loops;
    const uint8_t *condition, *x, *y;
    uint8_t *z;
    uint8_t x_table[256], y_table[256];
};

static void choose_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct where_job *job = arg;
    const struct onr_broadcast *loops = job->loops;
    struct onr_cursor cursor;
    (void)worker;
    onr_cursor_seek(loops, begin, &cursor);
    while (begin < end) {
        size_t run = onr_cursor_run(loops, &cursor, end - begin);
        const uint8_t *condition = job->condition + cursor.offset[0];
        const uint8_t *x = job->x + cursor.offset[1];
        const uint8_t *y = job->y + cursor.offset[2];
        for (size_t i = 0; i < run; i++) {
            uint8_t if_true = job->x_table[x[i * loops->stride[1][0]]];
            uint8_t if_false = job->y_table[y[i * loops->stride[2][0]]];
            job->z[begin + i] = condition[i * loops->stride[0][0]] != 0 ? if_true : if_false;
        }
        onr_cursor_advance(loops, run, &cursor);
        begin += run;
    }
}

static enum onr_status where_run(struct onr_run_ctx *ctx)
{
    enum onr_dtype dtype = ctx->inputs[IF_TRUE]->dtype;
    struct onr_byte_scale x = onr_byte_scale_read(ctx, dtype, IF_TRUE + 1, IF_TRUE + 2);
    struct onr_byte_scale y = onr_byte_scale_read(ctx, dtype, IF_FALSE + 1, IF_FALSE + 2);
    struct onr_byte_scale z = onr_byte_scale_read(ctx, dtype, RESULT + 1, RESULT + 2);
    struct where_job job = {.loops = ctx->plan,
                            .condition = ctx->inputs[CONDITION]->data,
                            .x = ctx->inputs[IF_TRUE]->data,
                            .y = ctx->inputs[IF_FALSE]->data,
                            .z = ctx->outputs[0]->data};
    onr_byte_rescale(&x, &z, ctx->kernels, job.x_table);
    onr_byte_rescale(&y, &z, ctx->kernels, job.y_table);
    onr_parallel_for(ctx->parallel, job.loops->count, ONR_BINARY_GRAIN, choose_range, &job);
    return ONR_OK;
}

#define BYTES ONR_BYTE_DTYPES
#define SCALE ONR_BIT(FLOAT)

static const struct onr_attr_spec alpha_attrs[] = {{"alpha", ONR_ATTR_FLOAT, false},
                                                   {NULL, 0, false}};
static const struct onr_param_spec unary_inputs[] = {{BYTES, 1}, {SCALE, 0}, {BYTES, 1},
                                                     {SCALE, 0}, {BYTES, 1}, {0, 0}};
static const struct onr_param_spec binary_inputs[] = {{BYTES, 1}, {SCALE, 0}, {BYTES, 1},
                                                      {BYTES, 1}, {SCALE, 0}, {BYTES, 1},
                                                      {SCALE, 0}, {BYTES, 1}, {0, 0}};
static const struct onr_param_spec where_inputs[] = {
    {ONR_BIT(BOOL), 0}, {BYTES, 1}, {SCALE, 0}, {BYTES, 1}, {BYTES, 1},
    {SCALE, 0},         {BYTES, 1}, {SCALE, 0}, {BYTES, 1}, {0, 0}};
static const struct onr_param_spec outputs[] = {{BYTES, 1}, {0, 0}};

#define ROW(op, least, most, attributes, specs, infer_fn, plan_fn, run_fn)                         \
    {                                                                                              \
        .domain = "com.microsoft", .name = (op), .since_version = 1,                               \
        .last_version = ONR_CONTRIB_LATEST, .inputs = {(least), (most)}, .outputs = {1, 1},        \
        .attrs = (attributes), .input_specs = (specs), .output_specs = outputs,                    \
        .traits = ONR_TRAIT_INPLACE, .infer = (infer_fn), .plan = (plan_fn), .run = (run_fn),      \
        .kernel = ONR_KERNEL_AT(quant.quantize_f32),                                               \
    }

extern const struct onr_op_def onr_ops_qlinear_elementwise[];
const struct onr_op_def onr_ops_qlinear_elementwise[] = {
    ROW("QLinearSigmoid", 2, 5, NULL, unary_inputs, unary_infer, NULL, sigmoid_run),
    ROW("QLinearLeakyRelu", 2, 5, alpha_attrs, unary_inputs, unary_infer, leaky_relu_plan,
        leaky_relu_run),
    ROW("QLinearAdd", 2, 8, NULL, binary_inputs, binary_infer, binary_plan, add_run),
    ROW("QLinearMul", 2, 8, NULL, binary_inputs, binary_infer, binary_plan, mul_run),
    ROW("QLinearWhere", 9, 9, NULL, where_inputs, where_infer, where_plan, where_run),
    {.name = NULL},
};
