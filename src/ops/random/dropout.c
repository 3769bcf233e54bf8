/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dropout (ai.onnx), all versions.                 https://onnx.ai/onnx/operators/onnx__Dropout.html
 *
 * Inference   y = x, mask = 1.
 * Training    mask = 0 with probability ratio, else 1; y = x * mask / (1 - ratio).
 *
 * Versions  Training: 12+ when the input training_mode is true, before 7 unless the attribute is_test is set, never
 *           from 7 to 11.
 * Shapes    x -> y and mask of the same. ratio, training_mode: one element.
 * Types     x with y, ratio: floats and (22+) floats of 8 bits. mask: that of x (before 10) or bool.
 * Attrs     ratio (before 12): float, default 0.5. seed (12+): int; see ops/random/draw.h. is_test (before 7).
 *           consumed_inputs (1): ignored.
 * Inputs    12+: ratio, 0.5 when absent, in [0, 1); training_mode, false when absent.
 * Edge      what is dropped is multiplied by 0: infinity and NaN give NaN.
 * Aliasing  y may share storage with x; from 7 to 11 it is a view of x.
 */
#include "kernels/kernels.h"
#include "ops/common/copy.h"
#include "ops/random/draw.h"

#include <inttypes.h>

#define PIECE 256

static const struct onr_narrowing how = {.is_saturated = true};

static enum onr_status check_scalar(const struct onr_infer_ctx *ctx, uint32_t index,
                                    const char *name)
{
    if (!onr_infer_has_input(ctx, index) || !onr_fact_is_shaped(ctx->inputs[index])) {
        return ONR_OK;
    }
    int64_t count = onr_shape_count(&ctx->inputs[index]->shape);
    return count == 1
               ? ONR_OK
               : onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                "%s has %" PRId64 " elements, expected a scalar", name, count);
}

static enum onr_status check_ratio(double ratio, enum onr_status status, struct onr_error *err)
{
    return ratio >= 0 && ratio < 1
               ? ONR_OK
               : onr_fail(err, status, "ratio is %g, expected at least 0 and less than 1", ratio);
}

static double attr_ratio(const struct onr_node *node)
{
    return (double)onr_attr_float(node, "ratio", 0.5f);
}

/* True when training does not depend on an input. */
static bool always_trains(const struct onr_node *node)
{
    return node->version < 7 && onr_attr_int(node, "is_test", 0) == 0;
}

static enum onr_status dropout_infer(struct onr_infer_ctx *ctx)
{
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = ctx->inputs[0]->shape;
    }
    if (always_trains(ctx->node)) {
        ONR_TRY(check_ratio(attr_ratio(ctx->node), ONR_ERR_MODEL, ctx->err));
    }
    ONR_TRY(check_scalar(ctx, 1, "ratio"));
    return check_scalar(ctx, 2, "training_mode");
}

struct dropout_plan {
    struct onr_draw_seed seed;
    bool is_training; /* whatever the inputs say */
    double ratio;     /* unless there is an input */
};

static enum onr_status dropout_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    struct dropout_plan *plan = ONR_ARENA_NEW(ctx->arena, struct dropout_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Dropout");
    }
    plan->seed = onr_draw_seed(node);
    plan->is_training = always_trains(node);
    plan->ratio = attr_ratio(node);
    ctx->plan = plan;
    return ONR_OK;
}

struct dropout_task {
    const struct onr_kernels *kernels;
    const struct onr_tensor *x;
    const struct onr_tensor *y;
    const struct onr_tensor *mask; /* may be NULL */
    struct onr_draws draws;
    double ratio;
};

static char *element_at(const struct onr_tensor *tensor, size_t index)
{
    return (char *)tensor->data + index * onr_dtype_size(tensor->dtype);
}

static void drop_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct dropout_task *task = arg;
    enum onr_dtype dtype = task->x->dtype;
    double scale = 1.0 / (1.0 - task->ratio);
    double kept[PIECE];
    double piece[PIECE];
    (void)worker;
    for (size_t first = begin; first < end; first += PIECE) {
        size_t count = end - first < PIECE ? end - first : PIECE;
        onr_draw_uniform(&task->draws, first, count, kept);
        onr_convert(task->kernels, dtype, ONR_DOUBLE, &how, count, element_at(task->x, first),
                    piece);
        for (size_t i = 0; i < count; i++) {
            kept[i] = kept[i] < task->ratio ? 0.0 : 1.0;
            piece[i] *= kept[i] * scale;
        }
        onr_convert(task->kernels, ONR_DOUBLE, dtype, &how, count, piece,
                    element_at(task->y, first));
        if (task->mask != NULL) {
            onr_convert(task->kernels, ONR_DOUBLE, task->mask->dtype, &how, count, kept,
                        element_at(task->mask, first));
        }
    }
}

static void keep_all(const struct onr_run_ctx *ctx, const struct onr_tensor *mask)
{
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    if (mask != NULL) {
        double one = 1;
        double element = 0;
        onr_convert(ctx->kernels, ONR_DOUBLE, mask->dtype, &how, 1, &one, &element);
        onr_fill(ctx->kernels, ctx->parallel, mask->data, (size_t)onr_tensor_count(mask), &element,
                 onr_dtype_size(mask->dtype));
    }
}

static enum onr_status dropout_run(struct onr_run_ctx *ctx)
{
    const struct dropout_plan *plan = ctx->plan;
    const struct onr_tensor *ratio = ctx->input_count > 1 ? ctx->inputs[1] : NULL;
    const struct onr_tensor *mode = ctx->input_count > 2 ? ctx->inputs[2] : NULL;
    struct dropout_task task = {.kernels = ctx->kernels,
                                .x = ctx->inputs[0],
                                .y = ctx->outputs[0],
                                .mask = ctx->output_count > 1 ? ctx->outputs[1] : NULL,
                                .draws = onr_draws_of(&plan->seed, &ctx->random),
                                .ratio = plan->ratio};
    if (!plan->is_training && (mode == NULL || *(const uint8_t *)mode->data == 0)) {
        keep_all(ctx, task.mask);
        return ONR_OK;
    }
    if (ratio != NULL) {
        onr_convert(ctx->kernels, ratio->dtype, ONR_DOUBLE, &how, 1, ratio->data, &task.ratio);
        ONR_TRY(check_ratio(task.ratio, ONR_ERR_VALUE, ctx->err));
    }
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(task.x), PIECE, drop_range, &task);
    return ONR_OK;
}

#define FLOAT8_TYPES (ONR_DTYPES_FLOAT8 & ~ONR_BIT(FLOAT8E8M0))

static const struct onr_attr_spec dropout_attrs_1[] = {{"consumed_inputs", ONR_ATTR_INTS, false},
                                                       {"is_test", ONR_ATTR_INT, false},
                                                       {"ratio", ONR_ATTR_FLOAT, false},
                                                       {.name = NULL}};
static const struct onr_attr_spec dropout_attrs_12[] = {{"seed", ONR_ATTR_INT, false},
                                                        {.name = NULL}};
static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec mask_specs[] = {
    {ONR_DTYPES_FLOAT | FLOAT8_TYPES, 1}, {ONR_BIT(BOOL), 0}, {0}};
static const struct onr_param_spec dropout_inputs[] = {{ONR_DTYPES_FLOAT | FLOAT8_TYPES, 1},
                                                       {ONR_DTYPES_FLOAT | FLOAT8_TYPES, 0},
                                                       {ONR_BIT(BOOL), 0},
                                                       {0}};

#define DROPOUT_ROW(since, last, most_inputs, attributes, in, out, trait_bits)                     \
    {                                                                                              \
        .domain = "", .name = "Dropout", .since_version = (since), .last_version = (last),         \
        .inputs = {1, (most_inputs)}, .outputs = {1, 2}, .attrs = (attributes),                    \
        .input_specs = (in), .output_specs = (out), .traits = (trait_bits),                        \
        .infer = dropout_infer, .plan = dropout_plan, .run = dropout_run,                          \
    }

/* Each version has one of the first attributes less. */
extern const struct onr_op_def onr_ops_dropout[];
const struct onr_op_def onr_ops_dropout[] = {
    DROPOUT_ROW(1, 5, 1, dropout_attrs_1, float_specs, float_specs,
                ONR_TRAIT_IMPURE | ONR_TRAIT_INPLACE),
    DROPOUT_ROW(6, 6, 1, dropout_attrs_1 + 1, float_specs, float_specs,
                ONR_TRAIT_IMPURE | ONR_TRAIT_INPLACE),
    DROPOUT_ROW(7, 9, 1, dropout_attrs_1 + 2, float_specs, float_specs, ONR_TRAIT_VIEW),
    DROPOUT_ROW(10, 11, 1, dropout_attrs_1 + 2, float_specs, mask_specs, ONR_TRAIT_VIEW),
    DROPOUT_ROW(12, ONR_OPSET_LATEST, 3, dropout_attrs_12, dropout_inputs, mask_specs,
                ONR_TRAIT_IMPURE | ONR_TRAIT_INPLACE),
    {.name = NULL},
};
