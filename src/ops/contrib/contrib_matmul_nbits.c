/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMulNBits (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
 *
 * Y[..., n] = bias[n] + sum_k A[..., k] * (q[n, k] - zero_point[n, g]) * scale[n, g], where g is
 * k / block_size, or g_idx[k] if given
 *
 * Shapes    A: [..., K] -> Y: [..., N]. B: [N, G, block_size * bits / 8], G = ceil(K / block_size).
 *           scales: [N, G] or [N * G]. zero_points: uint8, [N, ceil(G * bits / 8)], packed as B, or
 *           of A's type, [N, G]; each also flat. g_idx: [K] (may be padded to G * block_size).
 *           bias: [N].
 * Types     A, scales, bias, Y: float32, float16, bfloat16, computed in float32.
 * Attrs     N, K: int. bits: 2, 4 (default) or 8. block_size: a power of two of 16 or more.
 *           accuracy_level: accepted; what is computed is level 1, float32, always.
 *           weight_prepacked: 0.
 * Edge      Without zero points they are 2^(bits - 1). What B holds beyond K is not used.
 * Numerics  Up to FEW_ROWS rows of A are multiplied with weights that are taken apart on the way, in
 *           an order of its own; more rows by the tiles of MatMul.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/contrib/block_product.h"
#include "ops/norm/norm_rows.h"

#include <inttypes.h>

/* Rows of A up to which reading the weights is the work. */
#define FEW_ROWS 2

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };

struct nbits_plan {
    struct onr_block_product product;
    unsigned bits;
    size_t block_size, block_bytes, blocks;
    enum onr_dtype dtype; /* of A and the scales */
    bool has_packed_zeros;
    bool is_few;
    size_t split_bytes;  /* in front of the workspace: A, split */
    size_t worker_bytes; /* scales and zero points of a row of weights */
};

static int64_t attr(const struct onr_node *node, const char *name)
{
    return onr_attr_int(node, name, 0);
}

static enum onr_status check_attrs(struct onr_infer_ctx *ctx)
{
    int64_t bits = onr_attr_int(ctx->node, "bits", 4);
    int64_t block = attr(ctx->node, "block_size");
    if (bits != 2 && bits != 4 && bits != 8) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED,
                              "attribute bits is %" PRId64 ", supported are 2, 4 and 8", bits);
    }
    if (block < 16 || block > INT32_MAX || (block & (block - 1)) != 0) {
        return onr_infer_fail(
            ctx, ONR_ERR_MODEL,
            "attribute block_size is %" PRId64 ", expected a power of two from 16 on", block);
    }
    if (attr(ctx->node, "weight_prepacked") != 0) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "weights packed for a GPU");
    }
    const char *const names[] = {"K", "N"};
    for (int i = 0; i < 2; i++) {
        int64_t size = attr(ctx->node, names[i]);
        if (size < 1 || size > INT32_MAX) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "attribute %s is %" PRId64 ", expected 1 to %d", names[i], size,
                                  INT32_MAX);
        }
    }
    return ONR_OK;
}

/* An input, if there is one, has one of two numbers of elements. */
static enum onr_status check_count(struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                   int64_t want, int64_t or_want)
{
    if (!onr_infer_has_input(ctx, index) || !onr_fact_is_shaped(ctx->inputs[index])) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    int64_t count = onr_shape_count(shape);
    if (count != want && count != or_want) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%s has shape %s, expected %" PRId64 " elements in all", name,
                              onr_shape_text(shape, text), want);
    }
    return ONR_OK;
}

static enum onr_status nbits_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    ONR_TRY(check_attrs(ctx));
    int64_t k = attr(ctx->node, "K");
    int64_t n = attr(ctx->node, "N");
    int64_t bits = onr_attr_int(ctx->node, "bits", 4);
    int64_t block = attr(ctx->node, "block_size");
    int64_t blocks = (k + block - 1) / block;
    bool is_packed = onr_infer_has_input(ctx, ZEROS) && ctx->inputs[ZEROS]->dtype == ONR_UINT8;
    int64_t zeros = is_packed ? n * ((blocks * bits + 7) / 8) : n * blocks;
    int64_t weights = 0;
    if (!onr_int_mul(n, blocks * (block * bits / 8), &weights)) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "the weights are too large");
    }
    ONR_TRY(check_count(ctx, B, "B", weights, weights));
    ONR_TRY(check_count(ctx, SCALES, "scales", n * blocks, n * blocks));
    ONR_TRY(check_count(ctx, ZEROS, "zero_points", zeros, zeros));
    ONR_TRY(check_count(ctx, GROUPS, "g_idx", k, blocks * block));
    ONR_TRY(check_count(ctx, BIAS, "bias", n, n));
    if (onr_infer_has_input(ctx, ZEROS) && !is_packed && ctx->inputs[A]->dtype != ONR_UNDEFINED &&
        ctx->inputs[ZEROS]->dtype != ctx->inputs[A]->dtype) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "zero_points are %s, expected uint8 or %s",
                              onr_dtype_name(ctx->inputs[ZEROS]->dtype),
                              onr_dtype_name(ctx->inputs[A]->dtype));
    }
    if (a->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (a->rank < 1 || (a->dim[a->rank - 1] >= 0 && a->dim[a->rank - 1] != k)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "A has shape %s, expected [..., %" PRId64 "]",
                              onr_shape_text(a, text), k);
    }
    ctx->outputs[0].shape = *a;
    ctx->outputs[0].shape.dim[a->rank - 1] = n;
    return ONR_OK;
}

/* The state is the kernel table, for plan. */
static enum onr_status nbits_prepare(struct onr_prepare_ctx *ctx)
{
    ctx->state = (void *)(uintptr_t)ctx->kernels;
    return ONR_OK;
}

struct nbits_job {
    const struct nbits_plan *plan;
    const struct onr_kernels *kernels;
    const uint8_t *b;
    const void *scales;
    const void *zeros;     /* or NULL */
    const int32_t *groups; /* or NULL */
    const void *bias;      /* or NULL */
    const float *a;        /* [m][blocks][block_size], split */
    void *y;
    char *workspace; /* of the workers, after A */
};

static uint8_t field_at(const uint8_t *packed, size_t i, unsigned bits)
{
    size_t fields = 8 / bits;
    return (uint8_t)(((unsigned)packed[i / fields] >> (i % fields * bits)) & ((1u << bits) - 1));
}

/* The zero points [first, first + count) of row n. */
static void read_zeros(const struct nbits_job *job, size_t n, size_t first, size_t count,
                       float *zeros)
{
    const struct nbits_plan *p = job->plan;
    if (job->zeros != NULL && !p->has_packed_zeros) {
        onr_float_gather(p->dtype, job->zeros, n * p->blocks + first, 1, count, zeros);
        return;
    }
    size_t row_bytes = (p->blocks * p->bits + 7) / 8;
    const uint8_t *row = job->zeros != NULL ? (const uint8_t *)job->zeros + n * row_bytes : NULL;
    for (size_t i = 0; i < count; i++) {
        zeros[i] =
            row != NULL ? (float)field_at(row, first + i, p->bits) : (float)(1u << (p->bits - 1));
    }
}

/* Row n of the weights; buffer: [2 * blocks]. */
static struct onr_nbits_row read_row(const struct nbits_job *job, size_t n, float *buffer)
{
    const struct nbits_plan *p = job->plan;
    read_zeros(job, n, 0, p->blocks, buffer);
    return (struct onr_nbits_row){
        .bits = p->bits,
        .block_bytes = p->block_bytes,
        .blocks = p->blocks,
        .packed = job->b + n * p->blocks * p->block_bytes,
        .scales =
            onr_float_read(p->dtype, job->scales, n * p->blocks, p->blocks, buffer + p->blocks),
        .zeros = buffer,
    };
}

/* Weights whose groups are not blocks. */
static void dequantize_groups(const struct nbits_job *job, size_t n, float *w)
{
    const struct nbits_plan *p = job->plan;
    const uint8_t *row = job->b + n * p->blocks * p->block_bytes;
    for (size_t i = 0; i < p->product.k; i++) {
        size_t group = (size_t)job->groups[i];
        float zero = 0.0f;
        float scale = 0.0f;
        read_zeros(job, n, group, 1, &zero);
        onr_float_gather(p->dtype, job->scales, n * p->blocks + group, 1, 1, &scale);
        w[i] = ((float)field_at(row, i, p->bits) - zero) * scale;
    }
}

static void fill_rows(const void *arg, size_t begin, size_t end, float *w, size_t stride)
{
    const struct nbits_job *job = arg;
    for (size_t n = begin; n < end; n++, w += stride) {
        if (job->groups != NULL) {
            dequantize_groups(job, n, w);
        } else {
            /* The last of what a column of W has room for is not needed yet: see nbits_plan. */
            struct onr_nbits_row row =
                read_row(job, n, w + job->plan->blocks * job->plan->block_size);
            job->kernels->nbits.dequantize(&row, w);
        }
    }
}

/* Items are columns of Y. */
static void dot_columns(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct nbits_job *job = arg;
    const struct nbits_plan *p = job->plan;
    float *buffer = (float *)(void *)(job->workspace + worker * p->worker_bytes);
    for (size_t n = begin; n < end; n++) {
        struct onr_nbits_row row = read_row(job, n, buffer);
        float bias = 0.0f;
        if (job->bias != NULL) {
            onr_float_gather(p->dtype, job->bias, n, 1, 1, &bias);
        }
        for (size_t i = 0; i < p->product.m; i++) {
            const float *a = job->a + i * p->blocks * p->block_size;
            float y = job->kernels->nbits.dot(&row, a) + bias;
            onr_float_scatter(p->dtype, &y, i * p->product.n + n, 1, 1, job->y);
        }
    }
}

/* A with zeros behind each row, and its blocks split as the kernel reads them. */
static void split_rows(const struct nbits_plan *p, const void *a, float *split)
{
    size_t fields = 8 / p->bits;
    for (size_t row = 0; row < p->product.m; row++) {
        for (size_t i = 0; i < p->blocks * p->block_size; i++) {
            size_t in_block = i % p->block_size;
            size_t to = i - in_block + in_block % fields * p->block_bytes + in_block / fields;
            float value = 0.0f;
            if (i < p->product.k) {
                onr_float_gather(p->dtype, a, row * p->product.k + i, 1, 1, &value);
            }
            split[row * p->blocks * p->block_size + to] = value;
        }
    }
}

static enum onr_status nbits_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    const struct onr_fact *zeros = onr_plan_input(ctx, ZEROS);
    struct nbits_plan *plan = ONR_ARENA_NEW(ctx->arena, struct nbits_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of MatMulNBits");
    }
    ctx->plan = plan;
    size_t k = (size_t)attr(ctx->node, "K");
    plan->bits = (unsigned)onr_attr_int(ctx->node, "bits", 4);
    plan->block_size = (size_t)attr(ctx->node, "block_size");
    plan->block_bytes = plan->block_size * plan->bits / 8;
    plan->blocks = (k + plan->block_size - 1) / plan->block_size;
    plan->dtype = ctx->inputs[A]->dtype;
    plan->has_packed_zeros = zeros != NULL && zeros->dtype == ONR_UINT8;
    plan->product = (struct onr_block_product){
        .dtype = plan->dtype,
        .m = (size_t)onr_shape_range(a, 0, a->rank - 1),
        .n = (size_t)attr(ctx->node, "N"),
        .k = k,
        /* behind the weights of a column its scales and zero points are put, while it is made */
        .k_stride = plan->blocks * (plan->block_size + 2),
        .fill = fill_rows,
    };
    ctx->flops = 2 * (uint64_t)plan->product.m * plan->product.n * k;
    plan->is_few = plan->product.m <= FEW_ROWS && onr_plan_input(ctx, GROUPS) == NULL;
    if (!plan->is_few) {
        return onr_block_product_plan(&plan->product, ctx->state, ctx);
    }
    size_t row_bytes = plan->blocks * plan->block_size * sizeof(float);
    plan->split_bytes = onr_size_align(plan->product.m * row_bytes, ONR_MEM_ALIGN);
    plan->worker_bytes = onr_size_align(2 * plan->blocks * sizeof(float), ONR_MEM_ALIGN);
    ctx->workspace_bytes = plan->split_bytes + plan->worker_bytes * ctx->thread_count;
    return ONR_OK;
}

static enum onr_status check_groups(const struct nbits_job *job, struct onr_error *err)
{
    for (size_t i = 0; i < job->plan->product.k && job->groups != NULL; i++) {
        if (job->groups[i] < 0 || (size_t)job->groups[i] >= job->plan->blocks) {
            return onr_fail(err, ONR_ERR_VALUE, "g_idx[%zu] is %" PRId32 ", expected 0 to %zu", i,
                            job->groups[i], job->plan->blocks - 1);
        }
    }
    return ONR_OK;
}

static enum onr_status nbits_run(struct onr_run_ctx *ctx)
{
    const struct nbits_plan *plan = ctx->plan;
    struct nbits_job job = {
        .plan = plan,
        .kernels = ctx->kernels,
        .b = ctx->inputs[B]->data,
        .scales = ctx->inputs[SCALES]->data,
        .zeros = onr_input_data(ctx, ZEROS),
        .groups = onr_input_data(ctx, GROUPS),
        .bias = onr_input_data(ctx, BIAS),
        .a = ctx->workspace,
        .y = ctx->outputs[0]->data,
        .workspace = (char *)ctx->workspace + plan->split_bytes,
    };
    ONR_TRY(check_groups(&job, ctx->err));
    if (!plan->is_few) {
        onr_block_product_run(&plan->product, &job, ctx->inputs[A]->data, job.bias, job.y, ctx);
        return ONR_OK;
    }
    split_rows(plan, ctx->inputs[A]->data, ctx->workspace);
    onr_parallel_for(ctx->parallel, plan->product.n, onr_grain(plan->product.k), dot_columns, &job);
    return ONR_OK;
}

#define REAL_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec attrs[] = {{"K", ONR_ATTR_INT, true},
                                             {"N", ONR_ATTR_INT, true},
                                             {"bits", ONR_ATTR_INT, false},
                                             {"block_size", ONR_ATTR_INT, true},
                                             {"accuracy_level", ONR_ATTR_INT, false},
                                             {"weight_prepacked", ONR_ATTR_INT, false},
                                             {.name = NULL}};
static const struct onr_param_spec inputs[] = {
    {REAL_TYPES, 1},     {ONR_BIT(UINT8), 0}, {REAL_TYPES, 1}, {REAL_TYPES | ONR_BIT(UINT8), 0},
    {ONR_BIT(INT32), 0}, {REAL_TYPES, 1},     {0, 0}};
static const struct onr_param_spec outputs[] = {{REAL_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_matmul_nbits[];
const struct onr_op_def onr_ops_contrib_matmul_nbits[] = {
    {.domain = "com.microsoft",
     .name = "MatMulNBits",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 6},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = nbits_infer,
     .prepare = nbits_prepare,
     .plan = nbits_plan,
     .run = nbits_run},
    {.name = NULL},
};
