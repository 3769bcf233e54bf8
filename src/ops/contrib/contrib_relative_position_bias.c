/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RelativePositionBias (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * output[0, h, i, j] = bias of head h for the bucket of distance j - i, as in T5
 *
 * Buckets   Those of distances 0, -1, -2, ... (is_bidirectional: the first half of all, the others
 *           for 1, 2, ...; else distances above 0 count as 0). The first half of them holds one
 *           distance each, the second half grows with the logarithm up to max_distance, and the last
 *           one holds all beyond.
 * Shapes    bias_table: [buckets,heads], whose memory is that of [heads,buckets]; query_length and
 *           key_length: scalars S -> output [1,heads,S,S].
 * Types     float32, float16, bfloat16; the lengths int64.
 * Attrs     is_bidirectional: int, default 0. max_distance: int, required.
 * Edge      Lengths that differ are refused, as ONNX Runtime does.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/index.h"
#include "ops/common/scalar.h"

#include <inttypes.h>
#include <math.h>

enum { TABLE, QUERY_LENGTH, KEY_LENGTH };

/* The buckets of distances to one side. */
struct buckets {
    int64_t count;
    int64_t exact; /* of these hold one distance each */
    int64_t max_distance;
};

static struct buckets buckets_of(const struct onr_node *node, int64_t all)
{
    bool is_bidirectional = onr_attr_int(node, "is_bidirectional", 0) != 0;
    struct buckets buckets = {.count = is_bidirectional ? all / 2 : all};
    buckets.exact = buckets.count / 2;
    buckets.max_distance = onr_attr_int(node, "max_distance", 0);
    return buckets;
}

static enum onr_status check_lengths(struct onr_infer_ctx *ctx, int64_t *length)
{
    int64_t query = 0, key = 0;
    bool is_query_known, is_key_known;
    ONR_TRY(onr_infer_scalar(ctx, QUERY_LENGTH, "query_length", 0, &query, &is_query_known));
    ONR_TRY(onr_infer_scalar(ctx, KEY_LENGTH, "key_length", 0, &key, &is_key_known));
    *length = is_query_known ? query : is_key_known ? key : ONR_DIM_UNKNOWN;
    if (is_query_known && is_key_known && query != key) {
        return onr_infer_fail(
            ctx, ONR_ERR_UNSUPPORTED,
            "query_length %" PRId64 " and key_length %" PRId64 ", expected equal ones", query, key);
    }
    if ((is_query_known || is_key_known) && (*length < 0 || *length > INT32_MAX)) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE,
                              "the length is %" PRId64 ", expected 0 to %" PRId32, *length,
                              INT32_MAX);
    }
    return ONR_OK;
}

static enum onr_status relative_bias_infer(struct onr_infer_ctx *ctx)
{
    const int64_t any[2] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    int64_t length;
    ONR_TRY(onr_check_dims(ctx, TABLE, "bias_table", 2, any));
    ONR_TRY(check_lengths(ctx, &length));
    int64_t all = onr_known_dim(ctx, TABLE, 0);
    struct buckets buckets = buckets_of(ctx->node, all);
    if (all >= 0 && buckets.exact < 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%" PRId64 " buckets, expected 2 for each side",
                              all);
    }
    if (buckets.max_distance > INT32_MAX || buckets.max_distance <= onr_int_max(buckets.exact, 0)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "attribute max_distance is %" PRId64 ", expected %" PRId64
                              " to %" PRId32,
                              buckets.max_distance, onr_int_max(buckets.exact, 0) + 1, INT32_MAX);
    }
    ctx->outputs[0].shape =
        (struct onr_shape){.rank = 4, .dim = {1, onr_known_dim(ctx, TABLE, 1), length, length}};
    return ONR_OK;
}

/* The bucket of a distance >= 0 to one side, in float32 as the models are trained. */
static size_t bucket_of(const struct buckets *buckets, int64_t distance)
{
    if (distance < buckets->exact) {
        return (size_t)distance;
    }
    float exact = (float)buckets->exact;
    float part = logf((float)distance / exact) / logf((float)buckets->max_distance / exact);
    float beyond = part * (float)(buckets->count - buckets->exact);
    float last = (float)(buckets->count - 1 - buckets->exact);
    return (size_t)(buckets->exact + (int64_t)(beyond < last ? beyond : last));
}

struct relative_bias_plan {
    size_t heads;
    size_t length;
    size_t all; /* buckets */
    size_t element_bytes;
    size_t *bucket; /* [2 length - 1]: of distance i - (length - 1) */
};

static enum onr_status relative_bias_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    int64_t all = ctx->inputs[TABLE]->shape.dim[0];
    int64_t length = y->dim[2];
    struct buckets buckets = buckets_of(ctx->node, all);
    bool is_bidirectional = buckets.count < all;
    struct relative_bias_plan *plan = ONR_ARENA_NEW(ctx->arena, struct relative_bias_plan);
    size_t *bucket = ONR_ARENA_ARRAY(ctx->arena, (size_t)length * 2 + 1, size_t);
    if (plan == NULL || bucket == NULL) {
        return onr_fail_memory(ctx->err, "plan of RelativePositionBias");
    }
    for (int64_t i = 0; i + 1 < 2 * length; i++) {
        int64_t distance = i - (length - 1);
        bucket[i] = bucket_of(&buckets, distance < 0 ? -distance : is_bidirectional ? distance : 0);
        bucket[i] += distance > 0 && is_bidirectional ? (size_t)buckets.count : 0;
    }
    *plan = (struct relative_bias_plan){.heads = (size_t)y->dim[1],
                                        .length = (size_t)length,
                                        .all = (size_t)all,
                                        .element_bytes = onr_dtype_size(ctx->inputs[TABLE]->dtype),
                                        .bucket = bucket};
    ctx->plan = plan;
    return ONR_OK;
}

struct relative_bias_job {
    const struct relative_bias_plan *plan;
    const char *table;
    char *y;
};

/* Items are rows of all heads. */
static void relative_bias_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct relative_bias_job *job = arg;
    const struct relative_bias_plan *plan = job->plan;
    size_t bytes = plan->element_bytes;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        const size_t *bucket = plan->bucket + (plan->length - 1 - row % plan->length);
        const char *table = job->table + row / plan->length * plan->all * bytes;
        char *y = job->y + row * plan->length * bytes;
        for (size_t i = 0; i < plan->length; i++) {
            onr_copy_element(y + i * bytes, table + bucket[i] * bytes, bytes);
        }
    }
}

static enum onr_status relative_bias_run(struct onr_run_ctx *ctx)
{
    const struct relative_bias_plan *plan = ctx->plan;
    struct relative_bias_job job = {plan, ctx->inputs[TABLE]->data, ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, plan->heads * plan->length, onr_grain(plan->length),
                     relative_bias_rows, &job);
    return ONR_OK;
}

#define TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec attrs[] = {{"is_bidirectional", ONR_ATTR_INT, false},
                                             {"max_distance", ONR_ATTR_INT, true},
                                             {.name = NULL}};
static const struct onr_param_spec inputs[] = {{TYPES, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec outputs[] = {{TYPES, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_relative_position_bias[];
const struct onr_op_def onr_ops_contrib_relative_position_bias[] = {
    {.domain = "com.microsoft",
     .name = "RelativePositionBias",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = relative_bias_infer,
     .plan = relative_bias_plan,
     .run = relative_bias_run},
    {.name = NULL},
};
