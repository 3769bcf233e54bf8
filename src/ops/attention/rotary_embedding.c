/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RotaryEmbedding (ai.onnx), version 23+.
 * https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html
 * RotaryEmbedding (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Pairs (a, b) of the first r elements of each head turn by the angle of their position:
 * a' = cos a - sin b, b' = sin a + cos b. Pairs are the halves of the r elements, or neighbours
 * (interleaved).
 *
 * Inputs    ai.onnx: X, cos_cache, sin_cache, position_ids?. com.microsoft: X, position_ids,
 *           cos_cache, sin_cache.
 * Shapes    X, Y: [B,N,S,H] or [B,S,N*H]. caches: [max,r/2] with position_ids [B,S] (com.microsoft
 *           also one number p: row s has position p + s), [B|1,S,r/2] without.
 * Types     float32, float16, bfloat16 (computed in float32). position_ids: int64.
 * Attrs     interleaved: int, default 0. num_heads: int, for rank 3 (com.microsoft: else H is twice
 *           the width of the cache). rotary_embedding_dim: int, r, default 0 (H).
 *           com.microsoft: scale and is_packed_batching change nothing here, as in ONNX Runtime.
 * Edge      Positions are checked when the operator runs.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/attention/attention_heads.h"
#include "ops/attention/rotary.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"

#include <inttypes.h>
#include <string.h>

/* Where the two spellings have their inputs. */
struct rotary_inputs {
    uint32_t cos;
    uint32_t sin;
    uint32_t positions;
    bool is_contrib;
};

static const struct rotary_inputs standard_inputs = {.cos = 1, .sin = 2, .positions = 3};
static const struct rotary_inputs contrib_inputs = {
    .cos = 2, .sin = 3, .positions = 1, .is_contrib = true};

/* Sizes; what is not known yet is negative. */
struct rotary_dims {
    int64_t batch, heads, rows, head, rotated;
};

static void read_dims(const struct onr_node *node, const struct onr_shape *x,
                      const struct onr_shape *cache, bool is_contrib, struct rotary_dims *d)
{
    int64_t width = cache->rank > 0 ? cache->dim[cache->rank - 1] : ONR_DIM_UNKNOWN;
    d->batch = x->dim[0];
    d->rows = x->dim[x->rank - 2];
    d->rotated = onr_attr_int(node, "rotary_embedding_dim", 0);
    if (x->rank == 4) {
        d->heads = x->dim[1];
        d->head = x->dim[3];
    } else {
        d->heads = onr_attr_int(node, "num_heads", 0);
        d->head = ONR_DIM_UNKNOWN;
        if (d->heads == 0 && is_contrib && width > 0 && x->dim[2] >= 0) {
            d->head = 2 * width;
            d->heads = x->dim[2] % d->head == 0 ? x->dim[2] / d->head : 0;
        } else if (d->heads > 0 && x->dim[2] >= 0) {
            d->head = x->dim[2] % d->heads == 0 ? x->dim[2] / d->heads : 0;
        }
    }
    d->rotated = d->rotated == 0 ? d->head : d->rotated;
}

static enum onr_status check_dims(struct onr_infer_ctx *ctx, const struct rotary_dims *d,
                                  const struct onr_shape *x)
{
    if (x->rank == 3 && (d->heads < 0 || (d->heads == 0 && x->dim[2] >= 0))) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "attribute \"num_heads\" is needed for rank 3 and must divide the "
                              "last dimension");
    }
    if (x->rank == 3 && d->head == 0 && x->dim[2] != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%" PRId64 " is not a multiple of %" PRId64 " heads", x->dim[2],
                              d->heads);
    }
    if (d->rotated >= 0 && (d->rotated % 2 != 0 || (d->head >= 0 && d->rotated > d->head))) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "rotary dimension is %" PRId64 ", expected an even number up to the "
                              "head size %" PRId64,
                              d->rotated, d->head);
    }
    return ONR_OK;
}

/* One dimension of an input against what it should be. */
static enum onr_status check_dim(struct onr_infer_ctx *ctx, uint32_t input, int axis, int64_t want)
{
    int64_t dim = ctx->inputs[input]->shape.dim[axis];
    if (dim >= 0 && want >= 0 && dim != want) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "input %u: dimension %d is %" PRId64 ", expected %" PRId64,
                              (unsigned)input, axis, dim, want);
    }
    return ONR_OK;
}

static enum onr_status check_caches(struct onr_infer_ctx *ctx, const struct rotary_inputs *in,
                                    const struct rotary_dims *d)
{
    bool has_positions = onr_infer_has_input(ctx, in->positions);
    const uint32_t caches[] = {in->cos, in->sin};
    for (int i = 0; i < 2; i++) {
        int rank = ctx->inputs[caches[i]]->shape.rank;
        int want = has_positions ? 2 : 3;
        if (rank < 0) {
            continue;
        }
        if (rank != want) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %u has rank %d, expected %d",
                                  (unsigned)caches[i], rank, want);
        }
        ONR_TRY(check_dim(ctx, caches[i], rank - 1, d->rotated >= 0 ? d->rotated / 2 : -1));
        if (rank == 3) {
            const struct onr_shape *cos = &ctx->inputs[in->cos]->shape;
            bool is_shared = cos->rank == 3 && cos->dim[0] == 1;
            ONR_TRY(check_dim(ctx, caches[i], 0, is_shared ? 1 : d->batch));
            ONR_TRY(check_dim(ctx, caches[i], 1, d->rows));
        } else {
            ONR_TRY(check_dim(ctx, caches[i], 0,
                              ctx->inputs[in->cos]->shape.rank == 2
                                  ? ctx->inputs[in->cos]->shape.dim[0]
                                  : ONR_DIM_UNKNOWN));
        }
    }
    if (!has_positions || ctx->inputs[in->positions]->shape.rank < 0) {
        return ONR_OK;
    }
    int rank = ctx->inputs[in->positions]->shape.rank;
    if (in->is_contrib && rank < 2) {
        return rank == 1 ? check_dim(ctx, in->positions, 0, 1) : ONR_OK;
    }
    if (rank != 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "position_ids has rank %d, expected 2", rank);
    }
    ONR_TRY(check_dim(ctx, in->positions, 0, d->batch));
    return check_dim(ctx, in->positions, 1, d->rows);
}

static enum onr_status infer_form(struct onr_infer_ctx *ctx, const struct rotary_inputs *in)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    ONR_TRY(onr_infer_same_shape(ctx));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank != 3 && x->rank != 4) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected 3 or 4", x->rank);
    }
    struct rotary_dims d;
    read_dims(ctx->node, x, &ctx->inputs[in->cos]->shape, in->is_contrib, &d);
    ONR_TRY(check_dims(ctx, &d, x));
    return check_caches(ctx, in, &d);
}

static enum onr_status standard_infer(struct onr_infer_ctx *ctx)
{
    return infer_form(ctx, &standard_inputs);
}

static enum onr_status contrib_infer(struct onr_infer_ctx *ctx)
{
    return infer_form(ctx, &contrib_inputs);
}

struct rotary_plan {
    enum onr_dtype dtype;
    bool is_interleaved;
    bool is_start;  /* position_ids holds one number: the position of row 0 */
    bool is_shared; /* one row of the caches for all of the batch */
    size_t batch, heads, rows, head;
    size_t half; /* pairs that turn */
    size_t cache_rows;
    struct onr_head_strides strides;
    size_t worker_bytes;
};

static enum onr_status plan_form(struct onr_plan_ctx *ctx, const struct rotary_inputs *in)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *cache = &ctx->inputs[in->cos]->shape;
    const struct onr_fact *positions = onr_plan_input(ctx, in->positions);
    struct rotary_dims d;
    read_dims(ctx->node, x, cache, in->is_contrib, &d);
    struct rotary_plan *plan = ONR_ARENA_NEW(ctx->arena, struct rotary_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a rotary embedding");
    }
    *plan = (struct rotary_plan){
        .dtype = ctx->inputs[0]->dtype,
        .is_interleaved = onr_attr_int(ctx->node, "interleaved", 0) != 0,
        .is_start = positions != NULL && positions->shape.rank < 2,
        .batch = (size_t)d.batch,
        .heads = (size_t)d.heads,
        .rows = (size_t)d.rows,
        .head = (size_t)d.head,
        .half = (size_t)d.rotated / 2,
        .cache_rows = (size_t)cache->dim[0],
        .is_shared = positions == NULL && cache->dim[0] == 1,
        .strides = onr_head_strides_of(x, d.heads),
    };
    ctx->plan = plan;
    plan->worker_bytes = onr_size_align((3 * plan->head + 1) * sizeof(float), ONR_MEM_ALIGN);
    if (!onr_size_mul(plan->worker_bytes, ctx->thread_count, &ctx->workspace_bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "heads of %zu elements are too large", plan->head);
    }
    return ONR_OK;
}

static enum onr_status standard_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &standard_inputs);
}

static enum onr_status contrib_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &contrib_inputs);
}

struct rotary_job {
    const struct rotary_plan *plan;
    const void *x;
    const void *cos;
    const void *sin;
    const int64_t *positions; /* NULL: the caches have a row for each row of x */
    void *y;
    char *workspace;
};

static size_t cache_row(const struct rotary_job *job, size_t b, size_t s)
{
    const struct rotary_plan *plan = job->plan;
    if (job->positions == NULL) {
        return (plan->is_shared ? 0 : b) * plan->rows + s;
    }
    return plan->is_start ? (size_t)job->positions[0] + s
                          : (size_t)job->positions[b * plan->rows + s];
}

/* Items are rows of a batch; all heads of one share cosines and sines. */
static void rotate_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct rotary_job *job = arg;
    const struct rotary_plan *plan = job->plan;
    float *buffer = (void *)(job->workspace + worker * plan->worker_bytes);
    for (size_t item = begin; item < end; item++) {
        size_t b = item / plan->rows;
        size_t s = item % plan->rows;
        size_t at = cache_row(job, b, s) * plan->half;
        const float *cos =
            onr_float_read(plan->dtype, job->cos, at, plan->half, buffer + plan->head);
        const float *sin =
            onr_float_read(plan->dtype, job->sin, at, plan->half, buffer + 2 * plan->head);
        for (size_t n = 0; n < plan->heads; n++) {
            size_t first = onr_head_offset(&plan->strides, b, n, s);
            const float *x = onr_float_read(plan->dtype, job->x, first, plan->head, buffer);
            float *y = onr_float_place(plan->dtype, job->y, first, buffer);
            onr_rotate(plan->half, plan->is_interleaved, cos, sin, x, y);
            if (x != y) {
                memcpy(y + 2 * plan->half, x + 2 * plan->half,
                       (plan->head - 2 * plan->half) * sizeof(float));
            }
            onr_float_write(plan->dtype, y, first, plan->head, job->y);
        }
    }
}

static enum onr_status check_positions(const struct onr_run_ctx *ctx, const struct rotary_job *job)
{
    const struct rotary_plan *plan = job->plan;
    size_t count = plan->is_start ? 1 : plan->batch * plan->rows;
    size_t reach = plan->is_start ? plan->rows : 1; /* rows from each position on */
    for (size_t i = 0; i < count && plan->batch * plan->rows > 0; i++) {
        int64_t position = job->positions[i];
        if (position < 0 || reach > plan->cache_rows ||
            (uint64_t)position > plan->cache_rows - reach) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "position_ids[%zu] is %" PRId64 ", the cache has %zu rows", i, position,
                            plan->cache_rows);
        }
    }
    return ONR_OK;
}

static enum onr_status run_form(struct onr_run_ctx *ctx, const struct rotary_inputs *in)
{
    const struct rotary_plan *plan = ctx->plan;
    struct rotary_job job = {
        .plan = plan,
        .x = ctx->inputs[0]->data,
        .cos = ctx->inputs[in->cos]->data,
        .sin = ctx->inputs[in->sin]->data,
        .positions = onr_input_data(ctx, in->positions),
        .y = ctx->outputs[0]->data,
        .workspace = ctx->workspace,
    };
    if (job.positions != NULL) {
        ONR_TRY(check_positions(ctx, &job));
    }
    onr_parallel_for(ctx->parallel, plan->batch * plan->rows, onr_grain(plan->heads * plan->head),
                     rotate_range, &job);
    return ONR_OK;
}

static enum onr_status standard_run(struct onr_run_ctx *ctx)
{
    return run_form(ctx, &standard_inputs);
}

static enum onr_status contrib_run(struct onr_run_ctx *ctx)
{
    return run_form(ctx, &contrib_inputs);
}

#define ROTARY_DTYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec standard_attrs[] = {
    {"interleaved", ONR_ATTR_INT, false},
    {"num_heads", ONR_ATTR_INT, false},
    {"rotary_embedding_dim", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_attr_spec contrib_attrs[] = {
    {"interleaved", ONR_ATTR_INT, false}, {"is_packed_batching", ONR_ATTR_INT, false},
    {"num_heads", ONR_ATTR_INT, false},   {"rotary_embedding_dim", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},     {NULL, 0, false},
};
static const struct onr_param_spec standard_specs[] = {
    {ROTARY_DTYPES, 1}, {ROTARY_DTYPES, 1}, {ROTARY_DTYPES, 1}, {ONR_BIT(INT64), 0}, {0, 0}};
static const struct onr_param_spec contrib_specs[] = {
    {ROTARY_DTYPES, 1}, {ONR_BIT(INT64), 0}, {ROTARY_DTYPES, 1}, {ROTARY_DTYPES, 1}, {0, 0}};
static const struct onr_param_spec rotary_outputs[] = {{ROTARY_DTYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_rotary_embedding[];
const struct onr_op_def onr_ops_rotary_embedding[] = {
    {.domain = "",
     .name = "RotaryEmbedding",
     .since_version = 23,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {3, 4},
     .outputs = {1, 1},
     .attrs = standard_attrs,
     .input_specs = standard_specs,
     .output_specs = rotary_outputs,
     .infer = standard_infer,
     .plan = standard_plan,
     .run = standard_run},
    {.domain = "com.microsoft",
     .name = "RotaryEmbedding",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {4, 4},
     .outputs = {1, 1},
     .attrs = contrib_attrs,
     .input_specs = contrib_specs,
     .output_specs = rotary_outputs,
     .infer = contrib_infer,
     .plan = contrib_plan,
     .run = contrib_run},
    {.name = NULL},
};
