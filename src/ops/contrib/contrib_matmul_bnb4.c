/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMulBnb4 (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulBnb4
 *
 * W[n, k] = table[q[n * K + k]] * absmax[(n * K + k) / block_size];  Y = A * W^T, or A * W
 *
 * Shapes    A: [..., K] -> Y: [..., N]; with transB = 0 A: [..., N] -> Y: [..., K]. B: [ceil(N * K /
 *           2)], high nibble first. absmax: [ceil(N * K / block_size)].
 * Types     A, absmax, Y: float32, float16, bfloat16, computed in float32. B: uint8.
 * Attrs     N, K: int. block_size: a power of two of 16 or more. quant_type: 0 (FP4) or 1 (NF4).
 *           transB: int, default 1. training_mode: accepted.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/float_io.h"
#include "ops/contrib/block_product.h"

#include <inttypes.h>

/* What the 16 codes stand for: https://arxiv.org/abs/2305.14314, appendix E, and bitsandbytes. */
static const float tables[2][16] = {
    {0.0f, 5.208333333e-03f, 0.66666667f, 1.0f, 0.33333333f, 0.5f, 0.16666667f, 0.25f, 0.0f,
     -5.208333333e-03f, -0.66666667f, -1.0f, -0.33333333f, -0.5f, -0.16666667f, -0.25f},
    {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
     -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
     0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
     0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f},
};

static int64_t attr(const struct onr_node *node, const char *name)
{
    return onr_attr_int(node, name, 0);
}

static enum onr_status check_attrs(struct onr_infer_ctx *ctx)
{
    const char *const names[] = {"K", "N"};
    int64_t block = attr(ctx->node, "block_size");
    int64_t type = attr(ctx->node, "quant_type");
    for (int i = 0; i < 2; i++) {
        int64_t size = attr(ctx->node, names[i]);
        if (size < 1 || size > INT32_MAX) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "attribute %s is %" PRId64 ", expected 1 to %d", names[i], size,
                                  INT32_MAX);
        }
    }
    if (block < 16 || block > INT32_MAX || (block & (block - 1)) != 0) {
        return onr_infer_fail(
            ctx, ONR_ERR_MODEL,
            "attribute block_size is %" PRId64 ", expected a power of two from 16 on", block);
    }
    if (type != 0 && type != 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "attribute quant_type is %" PRId64 ", expected 0 (FP4) or 1 (NF4)",
                              type);
    }
    return ONR_OK;
}

static enum onr_status check_count(struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                   int64_t want)
{
    if (!onr_fact_is_shaped(ctx->inputs[index])) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (onr_shape_count(shape) != want) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%s has shape %s, expected %" PRId64 " elements in all", name,
                              onr_shape_text(shape, text), want);
    }
    return ONR_OK;
}

static enum onr_status bnb4_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    ONR_TRY(check_attrs(ctx));
    int64_t n = attr(ctx->node, "N");
    int64_t k = attr(ctx->node, "K");
    int64_t block = attr(ctx->node, "block_size");
    bool is_transposed = onr_attr_int(ctx->node, "transB", 1) != 0;
    ONR_TRY(check_count(ctx, 1, "B", (n * k + 1) / 2));
    ONR_TRY(check_count(ctx, 2, "absmax", (n * k + block - 1) / block));
    if (a->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    int64_t summed = is_transposed ? k : n;
    if (a->rank < 1 || (a->dim[a->rank - 1] >= 0 && a->dim[a->rank - 1] != summed)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "A has shape %s, expected [..., %" PRId64 "]",
                              onr_shape_text(a, text), summed);
    }
    ctx->outputs[0].shape = *a;
    ctx->outputs[0].shape.dim[a->rank - 1] = is_transposed ? n : k;
    return ONR_OK;
}

/* The state is the kernel table, for plan. */
static enum onr_status bnb4_prepare(struct onr_prepare_ctx *ctx)
{
    ctx->state = (void *)(uintptr_t)ctx->kernels;
    return ONR_OK;
}

struct bnb4_plan {
    struct onr_block_product product;
    const float *table;
    size_t block_size;
};

struct bnb4_job {
    const struct bnb4_plan *plan;
    const uint8_t *b;
    const void *absmax;
};

/* Weights [first, first + count) of all N * K. */
static void dequantize(const struct bnb4_job *job, size_t first, size_t count, float *w)
{
    const struct bnb4_plan *plan = job->plan;
    float scale = 0.0f;
    for (size_t i = 0; i < count; i++) {
        size_t at = first + i;
        if (i == 0 || at % plan->block_size == 0) {
            onr_float_gather(plan->product.dtype, job->absmax, at / plan->block_size, 1, 1, &scale);
        }
        uint8_t pair = job->b[at / 2];
        w[i] = plan->table[at % 2 == 0 ? pair >> 4 : pair & 15] * scale;
    }
}

static void fill_rows(const void *arg, size_t begin, size_t end, float *w, size_t stride)
{
    const struct bnb4_job *job = arg;
    size_t k = job->plan->product.k;
    for (size_t n = begin; n < end; n++, w += stride) {
        dequantize(job, n * k, k, w);
    }
}

static void fill_columns(const void *arg, size_t begin, size_t end, float *w, size_t stride)
{
    const struct bnb4_job *job = arg;
    const struct onr_block_product *product = &job->plan->product;
    for (size_t row = 0; row < product->k; row++, w += stride) {
        dequantize(job, row * product->n + begin, end - begin, w);
    }
}

static enum onr_status bnb4_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    struct bnb4_plan *plan = ONR_ARENA_NEW(ctx->arena, struct bnb4_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of MatMulBnb4");
    }
    bool is_transposed = onr_attr_int(ctx->node, "transB", 1) != 0;
    size_t n = (size_t)attr(ctx->node, "N");
    size_t k = (size_t)attr(ctx->node, "K");
    ctx->plan = plan;
    plan->table = tables[attr(ctx->node, "quant_type")];
    plan->block_size = (size_t)attr(ctx->node, "block_size");
    plan->product = (struct onr_block_product){
        .dtype = ctx->inputs[0]->dtype,
        .m = (size_t)onr_shape_range(a, 0, a->rank - 1),
        .n = is_transposed ? n : k,
        .k = is_transposed ? k : n,
        .is_row_major = !is_transposed,
        .k_room = is_transposed ? k : n,
        .column_step = 1,
        .fill = is_transposed ? fill_rows : fill_columns,
    };
    ctx->flops = 2 * (uint64_t)plan->product.m * n * k;
    return onr_block_product_plan(&plan->product, ctx->state, ctx);
}

static enum onr_status bnb4_run(struct onr_run_ctx *ctx)
{
    const struct bnb4_plan *plan = ctx->plan;
    struct bnb4_job job = {.plan = plan, .b = ctx->inputs[1]->data, .absmax = ctx->inputs[2]->data};
    onr_block_product_run(&plan->product, &job, ctx->inputs[0]->data, NULL, ctx->outputs[0]->data,
                          ctx);
    return ONR_OK;
}

#define REAL_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec attrs[] = {{"K", ONR_ATTR_INT, true},
                                             {"N", ONR_ATTR_INT, true},
                                             {"block_size", ONR_ATTR_INT, true},
                                             {"quant_type", ONR_ATTR_INT, true},
                                             {"training_mode", ONR_ATTR_INT, false},
                                             {"transB", ONR_ATTR_INT, false},
                                             {.name = NULL}};
static const struct onr_param_spec inputs[] = {
    {REAL_TYPES, 1}, {ONR_BIT(UINT8), 0}, {REAL_TYPES, 1}, {0, 0}};
static const struct onr_param_spec outputs[] = {{REAL_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_matmul_bnb4[];
const struct onr_op_def onr_ops_contrib_matmul_bnb4[] = {
    {.domain = "com.microsoft",
     .name = "MatMulBnb4",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = bnb4_infer,
     .prepare = bnb4_prepare,
     .plan = bnb4_plan,
     .run = bnb4_run},
    {.name = NULL},
};
