/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FeatureVectorizer, ArrayFeatureExtractor (ai.onnx.ml), version 1.
 *                            https://onnx.ai/onnx/operators/onnx_aionnxml_FeatureVectorizer.html
 *
 * FeatureVectorizer      y = the rows of all inputs behind each other, each cut off or filled up with
 *                        zeros to the width that inputdimensions says.
 * ArrayFeatureExtractor  z[.., j] = x[.., indices[j]]
 *
 * Shapes    FeatureVectorizer: [N, C..] or [C] each -> [N, sum of widths]. ArrayFeatureExtractor: x:
 *           [.., C], indices: any -> [.., count of indices], [1, count] for rank 1.
 * Types     FeatureVectorizer: float32, float64, int32, int64, all alike -> float32.
 *           ArrayFeatureExtractor: these and string; indices int64.
 * Attrs     inputdimensions: ints, one per input, default their own widths.
 * Edge      Negative indices count from the end.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"
#include "ops/ml/ml.h"

#include <inttypes.h>

/* Numbers in one row of an input, which may be unknown. */
static int64_t width_of(const struct onr_shape *shape)
{
    return shape->rank == ONR_RANK_UNKNOWN
               ? ONR_DIM_UNKNOWN
               : onr_dim_range(shape, shape->rank > 1 ? 1 : 0, shape->rank);
}

static enum onr_status check_width_list(const struct onr_infer_ctx *ctx, const int64_t **widths)
{
    size_t count = 0;
    *widths = onr_attr_ints(ctx->node, "inputdimensions", &count);
    if (count == 0) {
        *widths = NULL;
        return ONR_OK;
    }
    if (count != ctx->node->input_count) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "inputdimensions has %zu entries for %u inputs",
                              count, ctx->node->input_count);
    }
    for (size_t i = 0; i < count; i++) {
        if ((*widths)[i] < 0 || (*widths)[i] > INT32_MAX) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "inputdimensions[%zu] is %" PRId64, i,
                                  (*widths)[i]);
        }
    }
    return ONR_OK;
}

static enum onr_status vectorizer_infer(struct onr_infer_ctx *ctx)
{
    const int64_t *widths = NULL;
    int64_t rows = ONR_DIM_UNKNOWN;
    int64_t sum = 0;
    ONR_TRY(check_width_list(ctx, &widths));
    for (uint32_t i = 0; i < ctx->node->input_count; i++) {
        if (!onr_infer_has_input(ctx, i)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %u is left out", i);
        }
        const struct onr_shape *shape = &ctx->inputs[i]->shape;
        int64_t here = shape->rank > 1 ? shape->dim[0] : 1;
        if (shape->rank == 0) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %u is a scalar", i);
        }
        if (shape->rank > 0 && rows >= 0 && here >= 0 && here != rows) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "input %u has %" PRId64 " rows, others have %" PRId64, i, here,
                                  rows);
        }
        rows = shape->rank > 0 && rows < 0 ? here : rows;
        int64_t width = widths != NULL ? widths[i] : width_of(shape);
        if (sum < 0 || width < 0) {
            sum = ONR_DIM_UNKNOWN;
        } else if (!onr_int_add(sum, width, &sum)) {
            return onr_infer_fail(ctx, ONR_ERR_LIMIT, "the rows of the inputs are too long");
        }
    }
    ctx->outputs[0].shape = (struct onr_shape){.rank = 2, .dim = {rows, sum}};
    return ONR_OK;
}

struct vectorizer {
    const int64_t *widths; /* or NULL */
};

static enum onr_status vectorizer_plan(struct onr_plan_ctx *ctx)
{
    struct vectorizer *plan = ONR_ARENA_NEW(ctx->arena, struct vectorizer);
    size_t count = 0;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of FeatureVectorizer");
    }
    plan->widths = onr_attr_ints(ctx->node, "inputdimensions", &count);
    plan->widths = count > 0 ? plan->widths : NULL;
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status vectorizer_run(struct onr_run_ctx *ctx)
{
    const struct vectorizer *plan = ctx->plan;
    const struct onr_narrowing how = {.is_saturated = true};
    const struct onr_tensor *y = ctx->outputs[0];
    size_t rows = (size_t)y->shape.dim[0];
    size_t stride = (size_t)y->shape.dim[1];
    size_t at = 0;
    if (onr_tensor_count(y) == 0) {
        return ONR_OK;
    }
    memset(y->data, 0, onr_tensor_bytes(y));
    for (uint32_t i = 0; i < ctx->input_count; i++) {
        const struct onr_tensor *x = ctx->inputs[i];
        size_t own = (size_t)width_of(&x->shape);
        size_t width = plan->widths != NULL ? (size_t)plan->widths[i] : own;
        size_t count = own < width ? own : width;
        for (size_t row = 0; row < rows && count > 0; row++) {
            onr_convert(ctx->kernels, x->dtype, ONR_FLOAT, &how, count,
                        (const char *)x->data + row * own * onr_dtype_size(x->dtype),
                        (float *)y->data + row * stride + at);
        }
        at += width;
    }
    return ONR_OK;
}

static enum onr_status extractor_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    struct onr_shape *z = &ctx->outputs[0].shape;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank == 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input is a scalar, expected rank 1 or more");
    }
    *z = *x;
    if (x->rank == 1) {
        *z = (struct onr_shape){.rank = 2, .dim = {1}};
    }
    z->dim[z->rank - 1] = indices->rank == ONR_RANK_UNKNOWN
                              ? ONR_DIM_UNKNOWN
                              : onr_dim_range(indices, 0, indices->rank);
    return ONR_OK;
}

struct extract_job {
    const struct onr_tensor *x;
    const struct onr_tensor *indices;
    char *z;
    size_t features, count;
};

static void extract_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct extract_job *job = arg;
    size_t bytes = onr_dtype_size(job->x->dtype);
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        const char *x = (const char *)job->x->data + row * job->features * bytes;
        char *z = job->z + row * job->count * bytes;
        for (size_t j = 0; j < job->count; j++) {
            int64_t index = onr_index_wrap(onr_index_at(job->indices, j), (int64_t)job->features);
            onr_copy_element(z + j * bytes, x + (size_t)index * bytes, bytes);
        }
    }
}

static enum onr_status extractor_run(struct onr_run_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct extract_job job = {.x = ctx->inputs[0],
                              .indices = ctx->inputs[1],
                              .z = ctx->outputs[0]->data,
                              .features = (size_t)x->dim[x->rank - 1],
                              .count = (size_t)onr_tensor_count(ctx->inputs[1])};
    size_t rows = (size_t)onr_shape_range(x, 0, x->rank - 1);
    ONR_TRY(onr_check_indices(ctx->err, job.indices, (int64_t)job.features));
    if (job.count > 0) {
        onr_parallel_for(ctx->parallel, rows, onr_grain(2 * job.count), extract_range, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec vectorizer_attrs[] = {{"inputdimensions", ONR_ATTR_INTS, false},
                                                        {0}};
static const struct onr_param_spec vectorizer_inputs[] = {{ONR_ML_DTYPES, 1}, {0}};
static const struct onr_param_spec vectorizer_outputs[] = {{ONR_BIT(FLOAT), 0}, {0}};
static const struct onr_param_spec extractor_specs[] = {
    {ONR_ML_DTYPES | ONR_BIT(STRING), 1}, {ONR_BIT(INT64), 0}, {0}};

extern const struct onr_op_def onr_ops_feature_vectorizer[];
const struct onr_op_def onr_ops_feature_vectorizer[] = {
    {.domain = "ai.onnx.ml",
     .name = "FeatureVectorizer",
     .since_version = 1,
     .last_version = ONR_ML_LATEST,
     .inputs = {1, ONR_VARIADIC},
     .outputs = {1, 1},
     .attrs = vectorizer_attrs,
     .input_specs = vectorizer_inputs,
     .output_specs = vectorizer_outputs,
     .infer = vectorizer_infer,
     .plan = vectorizer_plan,
     .run = vectorizer_run},
    {.domain = "ai.onnx.ml",
     .name = "ArrayFeatureExtractor",
     .since_version = 1,
     .last_version = ONR_ML_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = extractor_specs,
     .output_specs = extractor_specs,
     .infer = extractor_infer,
     .run = extractor_run},
    {.name = NULL},
};
