/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binarizer, Scaler, Imputer (ai.onnx.ml), version 1.
 *                                       https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html
 *
 * Binarizer  y = 1 if x > threshold, else 0
 * Scaler     y = (x - offset) * scale
 * Imputer    y = imputed_value if x == replaced_value, else x
 *
 * Shapes    any -> the same. The lists have one number, or one per feature, the last axis of x.
 * Types     x: float32, float64, int32, int64. y: float32 of Scaler, else as x. Binarizer and Scaler
 *           compute in float64, Imputer compares in the type of x.
 * Attrs     threshold: float, default 0. offset, scale: floats; default 0 and 1. Imputer: for floats
 *           imputed_value_floats and replaced_value_float (default 0), for integers
 *           imputed_value_int64s and replaced_value_int64 (default 0).
 * Edge      NaN is not above a threshold. A replaced value NaN is any NaN.
 * Aliasing  y may share storage with x where their types are alike.
 */
#include "ops/common/axes.h"
#include "ops/ml/ml.h"

#include <inttypes.h>

/* What happens to each element; count 0 stands for the default, 1 for all features. */
struct map {
    size_t features;
    double threshold;
    const float *offsets, *scales, *floats;
    const int64_t *ints;
    size_t offset_count, scale_count, value_count;
    double replaced_float;
    int64_t replaced_int;
};

struct job {
    const struct map *map;
    const struct onr_kernels *kernels;
    const struct onr_tensor *x;
    const struct onr_tensor *y;
};

/* Fails unless the list fits the features of input 0. */
static enum onr_status check_list(const struct onr_infer_ctx *ctx, const char *name, size_t count)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t features = x->rank > 0 ? x->dim[x->rank - 1] : 1;
    if (count <= 1 || x->rank == ONR_RANK_UNKNOWN || features < 0 || (uint64_t)features == count) {
        return ONR_OK;
    }
    return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%zu numbers in %s for %" PRId64 " features", count,
                          name, features);
}

static struct map *new_map(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct map *map = ONR_ARENA_NEW(ctx->arena, struct map);
    if (map == NULL) {
        (void)onr_fail_memory(ctx->err, "the plan of a map of features");
        return NULL;
    }
    ctx->plan = map;
    map->features = x->rank > 0 ? (size_t)x->dim[x->rank - 1] : 1;
    return map;
}

static enum onr_status map_run(struct onr_run_ctx *ctx, onr_task_fn range)
{
    struct job job = {ctx->plan, ctx->kernels, ctx->inputs[0], ctx->outputs[0]};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(job.x), onr_grain(4), range, &job);
    return ONR_OK;
}

#define BLOCK 128

static enum onr_status binarizer_plan(struct onr_plan_ctx *ctx)
{
    struct map *map = new_map(ctx);
    if (map != NULL) {
        map->threshold = (double)onr_attr_float(ctx->node, "threshold", 0.0f);
    }
    return map != NULL ? ONR_OK : ONR_ERR_MEMORY;
}

static void binarize_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    size_t bytes = onr_dtype_size(job->y->dtype);
    const struct onr_narrowing how = {.is_saturated = true};
    (void)worker;
    for (size_t i = begin; i < end; i += BLOCK) {
        double buffer[BLOCK];
        uint8_t bits[BLOCK];
        size_t count = end - i < BLOCK ? end - i : BLOCK;
        const double *x = onr_ml_read(job->kernels, job->x, i, count, buffer);
        for (size_t k = 0; k < count; k++) {
            bits[k] = x[k] > job->map->threshold;
        }
        onr_convert(job->kernels, ONR_UINT8, job->y->dtype, &how, count, bits,
                    (char *)job->y->data + i * bytes);
    }
}

static enum onr_status binarizer_run(struct onr_run_ctx *ctx)
{
    return map_run(ctx, binarize_range);
}

static enum onr_status scaler_infer(struct onr_infer_ctx *ctx)
{
    size_t offsets = 0;
    size_t scales = 0;
    (void)onr_attr_floats(ctx->node, "offset", &offsets);
    (void)onr_attr_floats(ctx->node, "scale", &scales);
    ONR_TRY(check_list(ctx, "offset", offsets));
    ONR_TRY(check_list(ctx, "scale", scales));
    return onr_infer_same_shape(ctx);
}

static enum onr_status scaler_plan(struct onr_plan_ctx *ctx)
{
    struct map *map = new_map(ctx);
    if (map != NULL) {
        map->offsets = onr_attr_floats(ctx->node, "offset", &map->offset_count);
        map->scales = onr_attr_floats(ctx->node, "scale", &map->scale_count);
    }
    return map != NULL ? ONR_OK : ONR_ERR_MEMORY;
}

static double number_for(const float *list, size_t count, size_t feature, double fallback)
{
    return count == 0 ? fallback : (double)list[count == 1 ? 0 : feature];
}

static void scale_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct map *map = job->map;
    float *y = job->y->data;
    (void)worker;
    for (size_t i = begin; i < end; i += BLOCK) {
        double buffer[BLOCK];
        size_t count = end - i < BLOCK ? end - i : BLOCK;
        const double *x = onr_ml_read(job->kernels, job->x, i, count, buffer);
        for (size_t k = 0; k < count; k++) {
            size_t feature = (i + k) % map->features;
            double offset = number_for(map->offsets, map->offset_count, feature, 0);
            y[i + k] =
                (float)((x[k] - offset) * number_for(map->scales, map->scale_count, feature, 1));
        }
    }
}

static enum onr_status scaler_run(struct onr_run_ctx *ctx)
{
    return map_run(ctx, scale_range);
}

static bool is_float(enum onr_dtype dtype)
{
    return dtype == ONR_FLOAT || dtype == ONR_DOUBLE;
}

static enum onr_status imputer_infer(struct onr_infer_ctx *ctx)
{
    enum onr_dtype x = ctx->inputs[0]->dtype;
    size_t floats = 0;
    size_t ints = 0;
    (void)onr_attr_floats(ctx->node, "imputed_value_floats", &floats);
    const int64_t *values = onr_attr_ints(ctx->node, "imputed_value_int64s", &ints);
    if ((floats > 0) == (ints > 0)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "expected one of imputed_value_floats and imputed_value_int64s");
    }
    if (x != ONR_UNDEFINED && is_float(x) != (floats > 0)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input is %s, but imputed values are %s",
                              onr_dtype_name(x), floats > 0 ? "floats" : "integers");
    }
    for (size_t i = 0; i < ints && x == ONR_INT32; i++) {
        if (values[i] < INT32_MIN || values[i] > INT32_MAX) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "imputed_value_int64s[%zu] is %" PRId64 ", which is no int32", i,
                                  values[i]);
        }
    }
    ONR_TRY(check_list(ctx, "the imputed values", floats + ints));
    return onr_infer_same_shape(ctx);
}

static enum onr_status imputer_plan(struct onr_plan_ctx *ctx)
{
    struct map *map = new_map(ctx);
    size_t floats = 0;
    size_t ints = 0;
    if (map == NULL) {
        return ONR_ERR_MEMORY;
    }
    map->floats = onr_attr_floats(ctx->node, "imputed_value_floats", &floats);
    map->ints = onr_attr_ints(ctx->node, "imputed_value_int64s", &ints);
    map->value_count = floats + ints;
    map->replaced_float = (double)onr_attr_float(ctx->node, "replaced_value_float", 0.0f);
    map->replaced_int = onr_attr_int(ctx->node, "replaced_value_int64", 0);
    return ONR_OK;
}

static double impute_float(const struct map *map, size_t k, double x)
{
    bool is_replaced =
        x == map->replaced_float || (x != x && map->replaced_float != map->replaced_float);
    return is_replaced ? (double)map->floats[k] : x;
}

static int64_t impute_int(const struct map *map, size_t k, int64_t x)
{
    return x == map->replaced_int ? map->ints[k] : x;
}

static void impute_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct map *map = job->map;
    const void *x = job->x->data;
    void *y = job->y->data;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        size_t k = map->value_count == 1 ? 0 : i % map->features;
        switch (job->x->dtype) {
        case ONR_FLOAT:
            ((float *)y)[i] = (float)impute_float(map, k, (double)((const float *)x)[i]);
            break;
        case ONR_DOUBLE:
            ((double *)y)[i] = impute_float(map, k, ((const double *)x)[i]);
            break;
        case ONR_INT32:
            ((int32_t *)y)[i] = (int32_t)impute_int(map, k, ((const int32_t *)x)[i]);
            break;
        default:
            ((int64_t *)y)[i] = impute_int(map, k, ((const int64_t *)x)[i]);
            break;
        }
    }
}

static enum onr_status imputer_run(struct onr_run_ctx *ctx)
{
    return map_run(ctx, impute_range);
}

static const struct onr_attr_spec binarizer_attrs[] = {{"threshold", ONR_ATTR_FLOAT, false}, {0}};
static const struct onr_attr_spec scaler_attrs[] = {
    {"offset", ONR_ATTR_FLOATS, false}, {"scale", ONR_ATTR_FLOATS, false}, {0}};
static const struct onr_attr_spec imputer_attrs[] = {
    {"imputed_value_floats", ONR_ATTR_FLOATS, false},
    {"imputed_value_int64s", ONR_ATTR_INTS, false},
    {"replaced_value_float", ONR_ATTR_FLOAT, false},
    {"replaced_value_int64", ONR_ATTR_INT, false},
    {0}};
static const struct onr_param_spec x_specs[] = {{ONR_ML_DTYPES, 1}, {0}};
static const struct onr_param_spec float_specs[] = {{ONR_BIT(FLOAT), 0}, {0}};

#define ROW(op, attributes, outs, flags, infer_function, plan_function, run_function)              \
    {                                                                                              \
        .domain = "ai.onnx.ml", .name = (op), .since_version = 1, .last_version = ONR_ML_LATEST,   \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = (attributes), .input_specs = x_specs,        \
        .output_specs = (outs), .traits = (flags), .infer = (infer_function),                      \
        .plan = (plan_function), .run = (run_function)                                             \
    }

extern const struct onr_op_def onr_ops_feature_map[];
const struct onr_op_def onr_ops_feature_map[] = {
    ROW("Binarizer", binarizer_attrs, x_specs, ONR_TRAIT_INPLACE, onr_infer_same_shape,
        binarizer_plan, binarizer_run),
    ROW("Scaler", scaler_attrs, float_specs, 0, scaler_infer, scaler_plan, scaler_run),
    ROW("Imputer", imputer_attrs, x_specs, ONR_TRAIT_INPLACE, imputer_infer, imputer_plan,
        imputer_run),
    {.name = NULL},
};
