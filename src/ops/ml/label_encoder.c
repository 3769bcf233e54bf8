/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LabelEncoder (ai.onnx.ml), versions 1, 2-3, 4+; CategoryMapper, version 1.
 *                                 https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html
 *
 * y[i] = values[k] where keys[k] == x[i], or the default when there is no such k
 *
 * Shapes    any -> the same.
 * Types     x as the keys, y as the values. Version 1 and CategoryMapper: string to int64 or back.
 *           2: string, int64, float32. 4: these, int32, int16, float64.
 * Attrs     version 1: classes_strings, whose places are the integers. CategoryMapper: cats_strings
 *           and cats_int64s. 2: one each of keys_strings, keys_int64s, keys_floats and of values_*. 4:
 *           also keys_tensor and values_tensor. default_string ("_Unused"), default_int64 (-1),
 *           default_float (-0), default_tensor (one element) are for values of their type.
 * Edge      The last of equal keys counts. A NaN finds any NaN.
 * Aliasing  none. The characters of y are those of the attributes.
 */
#include "ops/common/axes.h"
#include "ops/common/index.h"
#include "ops/ml/keys.h"

/* A list that an attribute gives: keys or values. */
struct list {
    enum onr_dtype dtype;
    size_t count;
    const void *data; /* in memory form; unset for a tensor, and for the places of version 1 */
    const struct onr_constant *tensor;
};

struct encoder {
    struct onr_ml_keys keys;
    const void *values; /* [keys.count] */
    enum onr_dtype dtype;
    size_t element_bytes;
    union {
        struct onr_string s;
        int64_t i;
        float f;
        unsigned char bytes[16];
    } fallback;
};

/* The list that prefix_strings, prefix_int64s, prefix_floats or prefix_tensor is. */
static enum onr_status read_list(const struct onr_node *node, const char *const names[4],
                                 struct list *list, struct onr_error *err)
{
    struct list found[4] = {{.dtype = ONR_STRING}, {.dtype = ONR_INT64}, {.dtype = ONR_FLOAT}};
    found[0].data = onr_attr_strings(node, names[0], &found[0].count);
    found[1].data = onr_attr_ints(node, names[1], &found[1].count);
    found[2].data = onr_attr_floats(node, names[2], &found[2].count);
    found[3].tensor = onr_ml_attr_tensor(node, names[3]);
    if (found[3].tensor != NULL) {
        found[3].dtype = found[3].tensor->dtype;
        found[3].count = (size_t)onr_constant_count(found[3].tensor);
    }
    size_t lists = 0;
    for (int i = 0; i < 4; i++) {
        if (found[i].count > 0) {
            *list = found[i];
            lists++;
        }
    }
    if (lists != 1 || !onr_dtypes_has(ONR_ML_KEY_DTYPES, list->dtype)) {
        return onr_fail(err, ONR_ERR_MODEL, "expected one of %s, %s, %s and %s", names[0], names[1],
                        names[2], names[3]);
    }
    return ONR_OK;
}

/* Keys and values of version 2 on. */
static enum onr_status read_pairs(const struct onr_node *node, struct list *keys,
                                  struct list *values, struct onr_error *err)
{
    static const char *const key_names[] = {"keys_strings", "keys_int64s", "keys_floats",
                                            "keys_tensor"};
    static const char *const value_names[] = {"values_strings", "values_int64s", "values_floats",
                                              "values_tensor"};
    ONR_TRY(read_list(node, key_names, keys, err));
    return read_list(node, value_names, values, err);
}

/* Strings and integers that belong together, of which x tells the direction. */
static enum onr_status read_classes(const struct onr_node *node, enum onr_dtype x,
                                    struct list *keys, struct list *values, struct onr_error *err)
{
    bool is_mapper = node->op_type[0] == 'C';
    struct list strings = {.dtype = ONR_STRING};
    struct list ints = {.dtype = ONR_INT64};
    strings.data =
        onr_attr_strings(node, is_mapper ? "cats_strings" : "classes_strings", &strings.count);
    ints.count = strings.count;
    if (is_mapper) {
        ints.data = onr_attr_ints(node, "cats_int64s", &ints.count);
    }
    if (strings.count == 0) {
        return onr_fail(err, ONR_ERR_MODEL, "%s is empty",
                        is_mapper ? "cats_strings" : "classes_strings");
    }
    *keys = x == ONR_STRING ? strings : ints;
    *values = x == ONR_STRING ? ints : strings;
    return ONR_OK;
}

static enum onr_status read_lists(const struct onr_node *node, enum onr_dtype x, struct list *keys,
                                  struct list *values, struct onr_error *err)
{
    bool is_pairs = node->version >= 2 && node->op_type[0] != 'C';
    ONR_TRY(is_pairs ? read_pairs(node, keys, values, err)
                     : read_classes(node, x, keys, values, err));
    if (keys->count != values->count) {
        return onr_fail(err, ONR_ERR_MODEL, "%zu keys, but %zu values", keys->count, values->count);
    }
    return ONR_OK;
}

static enum onr_status encoder_infer(struct onr_infer_ctx *ctx)
{
    enum onr_dtype x = ctx->inputs[0]->dtype;
    struct list keys = {.count = 0};
    struct list values = {.count = 0};
    ONR_TRY(read_lists(ctx->node, x, &keys, &values, ctx->err));
    if (x != ONR_UNDEFINED && x != keys.dtype) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input is %s, but the keys are %s",
                              onr_dtype_name(x), onr_dtype_name(keys.dtype));
    }
    const struct onr_constant *fallback = onr_ml_attr_tensor(ctx->node, "default_tensor");
    if (fallback != NULL &&
        (fallback->dtype != values.dtype || onr_constant_count(fallback) != 1)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "default_tensor is no single %s",
                              onr_dtype_name(values.dtype));
    }
    if (x != ONR_UNDEFINED) {
        ctx->outputs[0].dtype = values.dtype;
    }
    return onr_infer_same_shape(ctx);
}

/* The list in memory form. */
static enum onr_status load(struct onr_prepare_ctx *ctx, const struct list *list, const void **data)
{
    *data = list->data;
    if (list->tensor != NULL) {
        *data = onr_ml_tensor(ctx->arena, list->tensor);
    } else if (list->data == NULL) {
        int64_t *places = ONR_ARENA_ARRAY(ctx->arena, list->count, int64_t);
        for (size_t i = 0; i < list->count && places != NULL; i++) {
            places[i] = (int64_t)i;
        }
        *data = places;
    }
    return *data != NULL ? ONR_OK : onr_fail_memory(ctx->err, "the keys of an encoder");
}

static void read_fallback(const struct onr_node *node, struct encoder *encoder)
{
    const struct onr_constant *tensor = onr_ml_attr_tensor(node, "default_tensor");
    if (tensor != NULL) {
        onr_constant_copy(tensor, &encoder->fallback);
    } else if (encoder->dtype == ONR_STRING) {
        encoder->fallback.s = onr_attr_string(node, "default_string", "_Unused");
    } else if (encoder->dtype == ONR_FLOAT) {
        encoder->fallback.f = onr_attr_float(node, "default_float", -0.0f);
    } else if (encoder->dtype == ONR_DOUBLE) {
        memcpy(&encoder->fallback, &(double){-0.0}, sizeof(double));
    } else {
        /* narrower integers: -1 has all bits set, too */
        encoder->fallback.i =
            encoder->dtype == ONR_INT64 ? onr_attr_int(node, "default_int64", -1) : -1;
    }
}

static enum onr_status encoder_prepare(struct onr_prepare_ctx *ctx)
{
    struct encoder *encoder = ONR_ARENA_NEW(ctx->arena, struct encoder);
    struct list keys = {.count = 0};
    struct list values = {.count = 0};
    if (encoder == NULL) {
        return onr_fail_memory(ctx->err, "an encoder");
    }
    ctx->state = encoder;
    ONR_TRY(read_lists(ctx->node, ctx->inputs[0]->dtype, &keys, &values, ctx->err));
    encoder->keys = (struct onr_ml_keys){.dtype = keys.dtype, .count = keys.count};
    encoder->dtype = values.dtype;
    encoder->element_bytes = onr_dtype_size(values.dtype);
    ONR_TRY(load(ctx, &keys, &encoder->keys.data));
    ONR_TRY(load(ctx, &values, &encoder->values));
    read_fallback(ctx->node, encoder);
    return onr_ml_sort_keys(ctx, &encoder->keys);
}

struct job {
    const struct encoder *encoder;
    const void *x;
    char *y;
};

static void encode_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct encoder *encoder = job->encoder;
    size_t bytes = encoder->element_bytes;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        int64_t key = onr_ml_find_key(&encoder->keys, job->x, i);
        const void *value = key < 0 ? (const void *)&encoder->fallback
                                    : (const char *)encoder->values + (size_t)key * bytes;
        onr_copy_element(job->y + i * bytes, value, bytes);
    }
}

static enum onr_status encoder_run(struct onr_run_ctx *ctx)
{
    struct job job = {ctx->state, ctx->inputs[0]->data, ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->inputs[0]), onr_grain(64),
                     encode_range, &job);
    return ONR_OK;
}

#define STRING_OR_INT (ONR_BIT(STRING) | ONR_BIT(INT64))
#define DEFAULT_ATTRS                                                                              \
    {"default_int64", ONR_ATTR_INT, false},                                                        \
    {                                                                                              \
        "default_string", ONR_ATTR_STRING, false                                                   \
    }
#define PAIR_ATTRS                                                                                 \
    DEFAULT_ATTRS, {"default_float", ONR_ATTR_FLOAT, false},                                       \
        {"keys_floats", ONR_ATTR_FLOATS, false}, {"keys_int64s", ONR_ATTR_INTS, false},            \
        {"keys_strings", ONR_ATTR_STRINGS, false}, {"values_floats", ONR_ATTR_FLOATS, false},      \
        {"values_int64s", ONR_ATTR_INTS, false},                                                   \
    {                                                                                              \
        "values_strings", ONR_ATTR_STRINGS, false                                                  \
    }

static const struct onr_attr_spec attrs_1[] = {
    DEFAULT_ATTRS, {"classes_strings", ONR_ATTR_STRINGS, false}, {0}};
static const struct onr_attr_spec mapper_attrs[] = {DEFAULT_ATTRS,
                                                    {"cats_int64s", ONR_ATTR_INTS, false},
                                                    {"cats_strings", ONR_ATTR_STRINGS, false},
                                                    {0}};
static const struct onr_attr_spec attrs_2[] = {PAIR_ATTRS, {0}};
static const struct onr_attr_spec attrs_4[] = {PAIR_ATTRS,
                                               {"default_tensor", ONR_ATTR_TENSOR, false},
                                               {"keys_tensor", ONR_ATTR_TENSOR, false},
                                               {"values_tensor", ONR_ATTR_TENSOR, false},
                                               {0}};
static const struct onr_param_spec specs_1[] = {{STRING_OR_INT, 0}, {0}};
static const struct onr_param_spec specs_2[] = {{STRING_OR_INT | ONR_BIT(FLOAT), 0}, {0}};
static const struct onr_param_spec specs_4[] = {{ONR_ML_KEY_DTYPES, 0}, {0}};

#define ROW(op, since, last, attributes, specs)                                                    \
    {                                                                                              \
        .domain = "ai.onnx.ml", .name = (op), .since_version = (since), .last_version = (last),    \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = (attributes), .input_specs = (specs),        \
        .output_specs = (specs), .infer = encoder_infer, .prepare = encoder_prepare,               \
        .run = encoder_run                                                                         \
    }

extern const struct onr_op_def onr_ops_label_encoder[];
const struct onr_op_def onr_ops_label_encoder[] = {
    ROW("LabelEncoder", 1, 1, attrs_1, specs_1),
    ROW("LabelEncoder", 2, 3, attrs_2, specs_2),
    ROW("LabelEncoder", 4, ONR_ML_LATEST, attrs_4, specs_4),
    ROW("CategoryMapper", 1, ONR_ML_LATEST, mapper_attrs, specs_1),
    {.name = NULL},
};
