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
 *           accuracy_level: 4 rounds A to 8 bits, the others compute in float32.
 *           weight_prepacked: 0.
 * Edge      Without zero points they are 2^(bits - 1). What B holds beyond K is not used.
 * Numerics  At accuracy_level 4 a block of a row of A becomes round(127 * a / max |a|), and sums
 *           over a block are exact. As in ONNX Runtime this is done where block_size is at most 256
 *           (with 2 bits 32 to 128), there is no g_idx, and zero points are packed or left out.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/contrib/block_product.h"
#include "ops/contrib/nbits_int8.h"
#include "ops/contrib/nbits_row.h"

#include <inttypes.h>

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };

/* Weights that were packed at load. */
struct nbits_state {
    const struct onr_kernels *kernels;
    void *packed; /* all panels, or NULL */
    size_t bytes;
};

struct nbits_plan {
    struct onr_nbits_weights weights; /* without pointers */
    size_t panel_bytes;
    bool is_int8;
    bool is_row; /* one row in float32, whose products are not worth making the weights for */
    struct onr_nbits_int8 int8;
    struct onr_block_product product; /* in float32 */
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

static struct onr_nbits_weights describe(const struct onr_node *node, enum onr_dtype dtype,
                                         const enum onr_dtype *zeros)
{
    struct onr_nbits_weights weights = {
        .bits = (unsigned)onr_attr_int(node, "bits", 4),
        .block_size = (size_t)attr(node, "block_size"),
        .n = (size_t)attr(node, "N"),
        .dtype = dtype,
        .has_zeros = zeros != NULL,
        .has_packed_zeros = zeros != NULL && *zeros == ONR_UINT8,
    };
    weights.block_bytes = weights.block_size * weights.bits / 8;
    weights.blocks = ((size_t)attr(node, "K") + weights.block_size - 1) / weights.block_size;
    weights.column_bytes = weights.blocks * weights.block_bytes;
    return weights;
}

struct pack_job {
    struct onr_nbits_weights weights;
    size_t panel_bytes;
    char *packed;
};

/* Items are panels. */
static void pack_panels(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct pack_job *job = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        onr_nbits_pack(&job->weights, i, job->packed + i * job->panel_bytes);
    }
}

/* Packs the weights if all that they consist of is constant. */
static enum onr_status nbits_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *const *constants = ctx->constants;
    uint32_t count = ctx->node->input_count;
    bool has_zeros = count > ZEROS && ctx->inputs[ZEROS] != NULL;
    struct nbits_state *state = ONR_ARENA_NEW(ctx->arena, struct nbits_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "the state of MatMulNBits");
    }
    state->kernels = ctx->kernels;
    ctx->state = state;
    if (constants[B] == NULL || constants[SCALES] == NULL ||
        (has_zeros && constants[ZEROS] == NULL) ||
        (count > GROUPS && ctx->inputs[GROUPS] != NULL)) {
        return ONR_OK;
    }
    struct onr_nbits_weights weights =
        describe(ctx->node, constants[SCALES]->dtype, has_zeros ? &constants[ZEROS]->dtype : NULL);
    weights.b = constants[B]->data;
    weights.scales = constants[SCALES]->data;
    weights.zeros = has_zeros ? constants[ZEROS]->data : NULL;
    struct pack_job job = {.weights = weights};
    if (!onr_nbits_panel_bytes(&weights, &job.panel_bytes) ||
        !onr_size_mul(onr_nbits_panels(&weights), job.panel_bytes, &state->bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "packed weights are too large");
    }
    job.packed = onr_mem_alloc(ctx->mem, state->bytes);
    if (job.packed == NULL || !onr_backlog_add(ctx->backlog, onr_nbits_panels(&weights),
                                               job.panel_bytes, pack_panels, &job, sizeof job)) {
        onr_mem_free(ctx->mem, job.packed, state->bytes);
        return onr_fail_memory(ctx->err, "packed weights");
    }
    state->packed = job.packed;
    ctx->consumed |= 1u << B | 1u << SCALES | (has_zeros ? 1u << ZEROS : 0);
    return ONR_OK;
}

static void nbits_release(struct onr_mem *mem, void *state)
{
    struct nbits_state *nbits = state;
    if (nbits != NULL) {
        onr_mem_free(mem, nbits->packed, nbits->bytes);
        nbits->packed = NULL;
    }
}

struct nbits_job {
    const struct nbits_plan *plan;
    const struct onr_kernels *kernels;
    struct onr_nbits_weights weights;
    const char *packed;    /* or NULL */
    const int32_t *groups; /* or NULL */
};

/* Weights that are not packed. */
static void fill_columns(const void *arg, size_t begin, size_t end, float *w, size_t stride)
{
    const struct nbits_job *job = arg;
    onr_nbits_fill(&job->weights, job->groups, job->plan->product.k, begin, end, w, stride);
}

static void fill_panels(const void *arg, size_t begin, size_t end, float *w, size_t stride)
{
    const struct nbits_job *job = arg;
    for (size_t j = begin; j < end; j += ONR_NBITS_COLUMNS) {
        const char *packed = job->packed + j / ONR_NBITS_COLUMNS * job->plan->panel_bytes;
        struct onr_nbits_panel panel = onr_nbits_panel_at(&job->weights, packed);
        job->kernels->nbits.dequantize(&panel, w + j - begin, stride);
    }
}

static bool rounds_activations(const struct onr_plan_ctx *ctx,
                               const struct onr_nbits_weights *weights)
{
    size_t least = weights->bits == 2 ? 32 : 16;
    size_t most = weights->bits == 2 ? 128 : ONR_NBITS_INT8_BLOCK;
    return attr(ctx->node, "accuracy_level") == 4 && onr_plan_input(ctx, GROUPS) == NULL &&
           weights->has_packed_zeros == weights->has_zeros && weights->block_size >= least &&
           weights->block_size <= most;
}

static enum onr_status nbits_plan(struct onr_plan_ctx *ctx)
{
    const struct nbits_state *state = ctx->state;
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    const struct onr_fact *zeros = onr_plan_input(ctx, ZEROS);
    struct nbits_plan *plan = ONR_ARENA_NEW(ctx->arena, struct nbits_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of MatMulNBits");
    }
    ctx->plan = plan;
    plan->weights =
        describe(ctx->node, ctx->inputs[A]->dtype, zeros != NULL ? &zeros->dtype : NULL);
    if (!onr_nbits_panel_bytes(&plan->weights, &plan->panel_bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the weights are too large");
    }
    size_t m = (size_t)onr_shape_range(a, 0, a->rank - 1);
    size_t k = (size_t)attr(ctx->node, "K");
    ctx->flops = 2 * (uint64_t)m * plan->weights.n * k;
    plan->is_int8 = rounds_activations(ctx, &plan->weights);
    if (plan->is_int8) {
        ctx->told.kernel = ONR_KERNEL_AT(nbits.dot);
        ctx->told.way = "activations rounded to int8 by blocks, sums of a block in int32";
        return onr_nbits_int8_plan(&plan->int8, &plan->weights, m, k,
                                   state->packed == NULL ? plan->panel_bytes : 0, ctx);
    }
    plan->is_row = m == 1 && state->packed != NULL;
    plan->product = (struct onr_block_product){
        .dtype = plan->weights.dtype,
        .m = m,
        .n = plan->weights.n,
        .k = k,
        .is_row_major = true,
        .k_room = plan->weights.blocks * plan->weights.block_size,
        .column_step = ONR_NBITS_COLUMNS,
        .fill = state->packed != NULL ? fill_panels : fill_columns,
    };
    if (plan->is_row) {
        ctx->told.kernel = ONR_KERNEL_AT(nbits.multiply);
        ctx->told.way = "weights widened while they are read";
        ctx->workspace_bytes = k * sizeof(float);
        return ONR_OK;
    }
    return onr_block_product_plan(&plan->product, state->kernels, ctx);
}

static enum onr_status check_groups(const struct nbits_job *job, size_t k, struct onr_error *err)
{
    for (size_t i = 0; i < k && job->groups != NULL; i++) {
        if (job->groups[i] < 0 || (size_t)job->groups[i] >= job->weights.blocks) {
            return onr_fail(err, ONR_ERR_VALUE, "g_idx[%zu] is %" PRId32 ", expected 0 to %zu", i,
                            job->groups[i], job->weights.blocks - 1);
        }
    }
    return ONR_OK;
}

static enum onr_status nbits_run(struct onr_run_ctx *ctx)
{
    const struct nbits_plan *plan = ctx->plan;
    const struct nbits_state *state = ctx->state;
    const void *a = ctx->inputs[A]->data;
    const void *bias = onr_input_data(ctx, BIAS);
    void *y = ctx->outputs[0]->data;
    struct nbits_job job = {
        .plan = plan,
        .kernels = ctx->kernels,
        .weights = plan->weights,
        .packed = state->packed,
        .groups = onr_input_data(ctx, GROUPS),
    };
    if (job.packed == NULL) {
        job.weights.b = ctx->inputs[B]->data;
        job.weights.scales = ctx->inputs[SCALES]->data;
        job.weights.zeros = onr_input_data(ctx, ZEROS);
    }
    ONR_TRY(check_groups(&job, plan->product.k, ctx->err));
    if (plan->is_int8) {
        onr_nbits_int8_run(&plan->int8, &job.weights, job.packed, a, bias, y, ctx);
    } else if (plan->is_row) {
        onr_nbits_row_run(&job.weights, job.packed, plan->product.k, a, bias, y, ctx);
    } else {
        onr_block_product_run(&plan->product, &job, a, bias, y, ctx);
    }
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
     .run = nbits_run,
     .release = nbits_release},
    {.name = NULL},
};
