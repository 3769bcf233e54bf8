/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, attributes and labels of ai.onnx.ml. */
#include "ops/ml/ml.h"

#include "ops/common/float_io.h"

#include <inttypes.h>
#include <stdio.h>

enum onr_status onr_ml_rows(const struct onr_infer_ctx *ctx, int64_t *rows, int64_t *features)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    *rows = ONR_DIM_UNKNOWN;
    *features = ONR_DIM_UNKNOWN;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank != 1 && x->rank != 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected 1 or 2", x->rank);
    }
    *rows = x->rank == 2 ? x->dim[0] : 1;
    *features = x->dim[x->rank - 1];
    return ONR_OK;
}

void onr_ml_known_rows(const struct onr_shape *shape, size_t *rows, size_t *features)
{
    *rows = shape->rank == 2 ? (size_t)shape->dim[0] : 1;
    *features = (size_t)shape->dim[shape->rank - 1];
}

const double *onr_ml_read(const struct onr_kernels *kernels, const struct onr_tensor *x,
                          size_t first, size_t count, double *buffer)
{
    if (count == 0) {
        return buffer;
    }
    const char *from = (const char *)x->data + first * onr_dtype_size(x->dtype);
    if (x->dtype == ONR_DOUBLE) {
        return (const double *)(const void *)from;
    }
    const struct onr_narrowing exact = {.is_saturated = true};
    onr_convert(kernels, x->dtype, ONR_DOUBLE, &exact, count, from, buffer);
    return buffer;
}

void *onr_ml_tensor(struct onr_arena *arena, const struct onr_constant *tensor)
{
    size_t count = (size_t)onr_constant_count(tensor);
    void *out = onr_arena_array(arena, count, onr_dtype_size(tensor->dtype));
    if (out != NULL) {
        onr_constant_copy(tensor, out);
    }
    return out;
}

const struct onr_constant *onr_ml_attr_tensor(const struct onr_node *node, const char *name)
{
    const struct onr_attr *attr = onr_node_attr(node, name);
    return attr != NULL && attr->kind == ONR_ATTR_TENSOR ? attr->as.tensor : NULL;
}

enum onr_status onr_ml_numbers(struct onr_prepare_ctx *ctx, const char *name, bool is_tensor,
                               struct onr_ml_numbers *numbers)
{
    char tensor_name[64];
    (void)snprintf(tensor_name, sizeof tensor_name, "%s%s", name, is_tensor ? "" : "_as_tensor");
    const struct onr_constant *tensor = onr_ml_attr_tensor(ctx->node, tensor_name);
    size_t count = 0;
    const void *data = onr_attr_floats(ctx->node, name, &count);
    enum onr_dtype dtype = ONR_FLOAT;
    *numbers = (struct onr_ml_numbers){.count = 0};
    if (tensor != NULL) {
        if (count > 0 || !onr_can_convert(tensor->dtype)) {
            return onr_fail(ctx->err, ONR_ERR_MODEL, "attribute %s %s", tensor_name,
                            count > 0 ? "is given twice" : "does not hold numbers");
        }
        dtype = tensor->dtype;
        count = (size_t)onr_constant_count(tensor);
        data = onr_ml_tensor(ctx->arena, tensor);
    }
    if (count == 0) {
        return ONR_OK;
    }
    double *values = ONR_ARENA_ARRAY(ctx->arena, count, double);
    if (values == NULL || data == NULL) {
        return onr_fail_memory(ctx->err, "numbers of an attribute");
    }
    const struct onr_narrowing exact = {.is_saturated = true};
    onr_convert(ctx->kernels, dtype, ONR_DOUBLE, &exact, count, data, values);
    *numbers = (struct onr_ml_numbers){values, count};
    return ONR_OK;
}

enum onr_status onr_ml_read_labels(const struct onr_node *node, const char *ints_name,
                                   struct onr_ml_labels *labels, struct onr_error *err)
{
    size_t ints = 0;
    size_t strings = 0;
    *labels = (struct onr_ml_labels){.ints = onr_attr_ints(node, ints_name, &ints)};
    labels->strings = onr_attr_strings(node, "classlabels_strings", &strings);
    if ((ints > 0) == (strings > 0)) {
        return onr_fail(err, ONR_ERR_MODEL, "expected one of %s and classlabels_strings",
                        ints_name);
    }
    labels->strings = strings > 0 ? labels->strings : NULL;
    labels->count = ints + strings;
    return ONR_OK;
}

enum onr_status onr_ml_infer_classes(struct onr_infer_ctx *ctx, const struct onr_ml_labels *labels,
                                     int64_t scores)
{
    int64_t rows = 0;
    int64_t features = 0;
    ONR_TRY(onr_ml_rows(ctx, &rows, &features));
    ctx->outputs[0].dtype = labels->strings != NULL ? ONR_STRING : ONR_INT64;
    ctx->outputs[0].shape = (struct onr_shape){.rank = 1, .dim = {rows}};
    if (ctx->node->output_count > 1) {
        ctx->outputs[1].shape = (struct onr_shape){.rank = 2, .dim = {rows, scores}};
    }
    return ONR_OK;
}

size_t onr_ml_top_class(size_t count, const double *scores)
{
    size_t top = 0;
    for (size_t i = 1; i < count; i++) {
        top = scores[i] > scores[top] ? i : top;
    }
    return count == 1 && !(scores[0] > 0) ? ONR_ML_NO_CLASS : top;
}

enum onr_status onr_ml_infer_scores(struct onr_infer_ctx *ctx, size_t scores)
{
    int64_t rows = 0;
    int64_t features = 0;
    ONR_TRY(onr_ml_rows(ctx, &rows, &features));
    ctx->outputs[0].shape = (struct onr_shape){.rank = 2, .dim = {rows, (int64_t)scores}};
    return ONR_OK;
}

const struct onr_param_spec onr_ml_x_specs[] = {{ONR_ML_DTYPES, 0}, {0}};
const struct onr_param_spec onr_ml_score_specs[] = {{ONR_BIT(FLOAT), 0}, {0}};
const struct onr_param_spec onr_ml_label_specs[] = {
    {ONR_BIT(INT64) | ONR_BIT(STRING), 0}, {ONR_BIT(FLOAT), 0}, {0}};

enum onr_status onr_ml_plan_workers(struct onr_plan_ctx *ctx, const struct onr_workspace *worker,
                                    size_t *worker_bytes)
{
    struct onr_workspace space = {.used = 0};
    ONR_TRY(onr_workspace_finish(worker, worker_bytes, ctx->err));
    onr_workspace_add(&space, *worker_bytes, ctx->thread_count);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct onr_ml_job onr_ml_job_of(const struct onr_run_ctx *ctx, const struct onr_ml_labels *labels)
{
    bool is_classifier = labels->count > 0;
    const struct onr_tensor *second = ctx->output_count > 1 ? ctx->outputs[1] : NULL;
    return (struct onr_ml_job){.plan = ctx->plan,
                               .kernels = ctx->kernels,
                               .x = ctx->inputs[0],
                               .labels = labels,
                               .label = is_classifier ? ctx->outputs[0] : NULL,
                               .scores = is_classifier ? second : ctx->outputs[0],
                               .workspace = ctx->workspace};
}

static void put_label(const struct onr_ml_job *job, size_t row, size_t which)
{
    const struct onr_ml_labels *labels = job->labels;
    if (labels->strings != NULL) {
        struct onr_string none = {.data = "", .length = 0};
        ((struct onr_string *)job->label->data)[row] =
            which == ONR_ML_NO_CLASS ? none : labels->strings[which];
    } else {
        ((int64_t *)job->label->data)[row] = which == ONR_ML_NO_CLASS ? 0 : labels->ints[which];
    }
}

void onr_ml_store(const struct onr_ml_job *job, size_t row, size_t which, size_t count,
                  const double *scores)
{
    if (job->label != NULL) {
        put_label(job, row, which);
    }
    if (job->scores != NULL) {
        onr_double_scatter(job->scores->dtype, scores, row * count, 1, count, job->scores->data);
    }
}
