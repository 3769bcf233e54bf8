/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OneHotEncoder (ai.onnx.ml), version 1.
 *                                https://onnx.ai/onnx/operators/onnx_aionnxml_OneHotEncoder.html
 *
 * y[.., k] = 1 where category k is x[..], else 0
 *
 * Shapes    any -> the same with the number of categories behind.
 * Types     x: string with cats_strings; int64, int32, float32, float64 with cats_int64s: floats are
 *           cut off as Cast does. y: float32.
 * Attrs     one of cats_strings, cats_int64s. zeros: int, default 1: what is no category gives zeros;
 *           0: it is an error (ONR_ERR_VALUE).
 * Edge      The last of equal categories counts.
 * Aliasing  none.
 */
#include "ops/common/contents.h"
#include "ops/ml/keys.h"

#include <string.h>

struct categories {
    struct onr_ml_keys keys;
    bool is_strict;
};

static enum onr_status read_categories(const struct onr_node *node, struct onr_ml_keys *keys,
                                       struct onr_error *err)
{
    size_t ints = 0;
    size_t strings = 0;
    const void *int_data = onr_attr_ints(node, "cats_int64s", &ints);
    const void *string_data = onr_attr_strings(node, "cats_strings", &strings);
    if ((ints > 0) == (strings > 0)) {
        return onr_fail(err, ONR_ERR_MODEL, "expected one of cats_int64s and cats_strings");
    }
    *keys = (struct onr_ml_keys){.dtype = ints > 0 ? ONR_INT64 : ONR_STRING,
                                 .data = ints > 0 ? int_data : string_data,
                                 .count = ints + strings};
    return ONR_OK;
}

static enum onr_status one_hot_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    struct onr_ml_keys keys;
    ONR_TRY(read_categories(ctx->node, &keys, ctx->err));
    if (x->dtype != ONR_UNDEFINED && (x->dtype == ONR_STRING) != (keys.dtype == ONR_STRING)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input is %s, but the categories are %s",
                              onr_dtype_name(x->dtype), onr_dtype_name(keys.dtype));
    }
    if (x->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_max_rank(ctx->err, (size_t)x->shape.rank + 1));
    ctx->outputs[0].shape = x->shape;
    ctx->outputs[0].shape.dim[ctx->outputs[0].shape.rank++] = (int64_t)keys.count;
    return ONR_OK;
}

static enum onr_status one_hot_prepare(struct onr_prepare_ctx *ctx)
{
    struct categories *state = ONR_ARENA_NEW(ctx->arena, struct categories);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "the categories of OneHotEncoder");
    }
    ctx->state = state;
    state->is_strict = onr_attr_int(ctx->node, "zeros", 1) == 0;
    ONR_TRY(read_categories(ctx->node, &state->keys, ctx->err));
    return onr_ml_sort_keys(ctx, &state->keys);
}

static enum onr_status one_hot_run(struct onr_run_ctx *ctx)
{
    const struct categories *state = ctx->state;
    const struct onr_ml_keys *keys = &state->keys;
    const struct onr_tensor *x = ctx->inputs[0];
    float *y = ctx->outputs[0]->data;
    size_t count = (size_t)onr_tensor_count(x);
    size_t bytes = onr_dtype_size(x->dtype);
    const struct onr_narrowing how = {.is_saturated = true};
    if (count > 0) {
        memset(y, 0, onr_tensor_bytes(ctx->outputs[0]));
    }
    for (size_t i = 0; i < count; i++) {
        const char *element = (const char *)x->data + i * bytes;
        int64_t number = 0;
        if (x->dtype != ONR_STRING) {
            onr_convert(ctx->kernels, x->dtype, ONR_INT64, &how, 1, element, &number);
        }
        int64_t key =
            onr_ml_find_key(keys, x->dtype != ONR_STRING ? (const void *)&number : element, 0);
        if (key >= 0) {
            y[i * keys->count + (size_t)key] = 1;
        } else if (state->is_strict) {
            return onr_fail(ctx->err, ONR_ERR_VALUE, "element %zu is no category, and zeros is 0",
                            i);
        }
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"cats_int64s", ONR_ATTR_INTS, false},
                                             {"cats_strings", ONR_ATTR_STRINGS, false},
                                             {"zeros", ONR_ATTR_INT, false},
                                             {0}};
static const struct onr_param_spec x_specs[] = {{ONR_ML_DTYPES | ONR_BIT(STRING), 0}, {0}};

extern const struct onr_op_def onr_ops_one_hot_encoder[];
const struct onr_op_def onr_ops_one_hot_encoder[] = {
    {.domain = "ai.onnx.ml",
     .name = "OneHotEncoder",
     .since_version = 1,
     .last_version = ONR_ML_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = x_specs,
     .output_specs = onr_ml_score_specs,
     .infer = one_hot_infer,
     .prepare = one_hot_prepare,
     .run = one_hot_run},
    {.name = NULL},
};
