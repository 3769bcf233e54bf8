/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Einsum (ai.onnx), all versions. https://onnx.ai/onnx/operators/onnx__Einsum.html
 *
 * Y[output labels] = sum over all other labels of the product of the inputs at their labels
 *
 * Shapes    each input: one dimension per label of its term; dimensions of the same label are equal
 *           or 1. An ellipsis stands for leading, middle or trailing dimensions that broadcast. ->
 *           Y: by the term behind "->", or without it the ellipsis and the labels that occur once,
 *           A-Z before a-z.
 * Types     float16, bfloat16 (28+), float32, float64, all integers (which wrap around). The half types are summed in
 *           float32.
 * Attrs     equation: string, required.
 * Edge      a label twice in a term takes the diagonal; empty sums are 0.
 * Aliasing  none.
 *
 * Two inputs run as a batched matrix product where labels can be merged into its three extents; all
 * else is summed element by element (einsum_sum.c).
 */
#include "ops/matrix/einsum_parse.h"
#include "ops/matrix/einsum_sum.h"
#include "ops/matrix/product.h"

struct einsum_plan {
    bool is_product;
    bool is_swapped; /* input 1 is the left side */
    struct onr_product product;
    struct onr_product_dim batch[ONR_MAX_RANK];
    struct onr_einsum_sum sum;
};

/* Element strides of the labels in one tensor; 0 where it lacks the label or repeats along it. */
typedef size_t label_strides[ONR_EINSUM_LABELS];

/* Labels that run together as one extent of the product. */
struct extent {
    size_t size;
    size_t a, b, y; /* strides */
};

static enum onr_status einsum_infer(struct onr_infer_ctx *ctx)
{
    struct onr_einsum einsum;
    for (uint32_t i = 0; i < ctx->node->input_count; i++) {
        if (ctx->inputs[i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %u is empty", (unsigned)i);
        }
        if (ctx->inputs[i]->shape.rank == ONR_RANK_UNKNOWN) {
            return ONR_OK;
        }
    }
    ONR_TRY(onr_einsum_parse(ctx->node, ctx->inputs, &einsum, ctx->err));
    struct onr_shape *y = &ctx->outputs[0].shape;
    y->rank = einsum.output.rank;
    for (int d = 0; d < y->rank; d++) {
        y->dim[d] = einsum.dim[einsum.output.label[d]];
    }
    return ONR_OK;
}

static enum onr_status einsum_prepare(struct onr_prepare_ctx *ctx)
{
    return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
}

/* dims: of the tensor; sums the strides of a repeated label. */
static void find_strides(const struct onr_einsum_term *term, const struct onr_shape *shape,
                         label_strides strides)
{
    size_t stride = 1;
    for (int label = 0; label < ONR_EINSUM_LABELS; label++) {
        strides[label] = 0;
    }
    for (int d = term->rank - 1; d >= 0; d--) {
        if (shape->dim[d] != 1) {
            strides[term->label[d]] += stride;
        }
        stride *= (size_t)shape->dim[d];
    }
}

/* Adds an outer label to an extent; false when its strides do not continue those of the extent. */
static bool merge(struct extent *extent, size_t size, size_t a, size_t b, size_t y)
{
    bool is_first = extent->size == 1;
    if (!is_first && (a != extent->a * extent->size || b != extent->b * extent->size ||
                      y != extent->y * extent->size)) {
        return false;
    }
    if (is_first) {
        *extent = (struct extent){.size = 1, .a = a, .b = b, .y = y};
    }
    extent->size *= size;
    return true;
}

/*
 * Deals the output labels, from the last one on, to rows (in A only), columns (in B only) and batch
 * (in both, or not to be merged with the rest).
 */
static void deal_output(const struct onr_einsum *e, const label_strides a, const label_strides b,
                        const label_strides y, struct extent *rows, struct extent *columns,
                        struct einsum_plan *plan)
{
    for (int d = e->output.rank - 1; d >= 0; d--) {
        int l = e->output.label[d];
        size_t size = (size_t)e->dim[l];
        struct extent *extent = a[l] == 0 ? columns : rows;
        bool is_batch = a[l] != 0 && b[l] != 0;
        if (size != 1 && (is_batch || !merge(extent, size, a[l], b[l], y[l]))) {
            plan->batch[plan->product.batch_rank++] =
                (struct onr_product_dim){.count = size, .a = a[l], .b = b[l], .y = y[l]};
        }
    }
}

/* Merges the summed labels; false when that cannot be, or one is in one input only. */
static bool merge_sums(const struct onr_einsum *e, const struct onr_einsum_term *term,
                       const label_strides a, const label_strides b, const label_strides y,
                       struct extent *steps)
{
    bool is_done[ONR_EINSUM_LABELS] = {false};
    for (int label = 0; label < ONR_EINSUM_LABELS; label++) {
        if (e->dim[label] != 1 && y[label] == 0 && (a[label] == 0 || b[label] == 0)) {
            return false;
        }
    }
    for (int d = term->rank - 1; d >= 0; d--) {
        int l = term->label[d];
        if (e->dim[l] != 1 && y[l] == 0 && !is_done[l] &&
            !merge(steps, (size_t)e->dim[l], a[l], b[l], 0)) {
            return false;
        }
        is_done[l] = true;
    }
    return true;
}

/* Makes the product of two inputs, when there is one whose columns follow each other in Y. */
static bool make_product(const struct onr_einsum *e, const struct onr_plan_ctx *ctx,
                         struct einsum_plan *plan)
{
    label_strides strides[2];
    label_strides y;
    struct onr_product *p = &plan->product;
    if (e->operand_count != 2 || !onr_dtypes_has(ONR_PRODUCT_DTYPES, ctx->inputs[0]->dtype) ||
        onr_shape_count(&ctx->outputs[0].shape) == 0 ||
        onr_shape_count(&ctx->inputs[0]->shape) == 0 ||
        onr_shape_count(&ctx->inputs[1]->shape) == 0) {
        return false;
    }
    find_strides(&e->operands[0], &ctx->inputs[0]->shape, strides[0]);
    find_strides(&e->operands[1], &ctx->inputs[1]->shape, strides[1]);
    find_strides(&e->output, &ctx->outputs[0].shape, y);
    for (int d = 0; d < e->output.rank; d++) { /* the last label that counts decides who is B */
        int l = e->output.label[d];
        if (e->dim[l] != 1) {
            plan->is_swapped = strides[1][l] == 0;
        }
    }
    size_t *a = strides[plan->is_swapped ? 1 : 0];
    size_t *b = strides[plan->is_swapped ? 0 : 1];
    struct extent rows = {.size = 1};
    struct extent columns = {.size = 1};
    struct extent steps = {.size = 1};
    *p = (struct onr_product){
        .dtype = ctx->inputs[0]->dtype, .batch = plan->batch, .alpha = 1.0f, .beta = 1.0f};
    if (!merge_sums(e, &e->operands[plan->is_swapped ? 1 : 0], a, b, y, &steps)) {
        return false;
    }
    deal_output(e, a, b, y, &rows, &columns, plan);
    p->m = rows.size;
    p->n = columns.size;
    p->k = steps.size;
    p->a_row_stride = rows.a;
    p->a_column_stride = steps.size == 1 ? 1 : steps.a;
    p->b_row_stride = steps.b;
    p->b_column_stride = columns.size == 1 ? 1 : columns.b;
    p->y_row_stride = rows.size == 1 ? columns.size : rows.y;
    return columns.size == 1 || columns.y == 1;
}

static void make_sum(const struct onr_einsum *e, const struct onr_plan_ctx *ctx,
                     struct onr_einsum_sum *sum)
{
    label_strides strides[ONR_EINSUM_OPERANDS];
    label_strides y;
    *sum =
        (struct onr_einsum_sum){.dtype = ctx->inputs[0]->dtype, .operand_count = e->operand_count};
    find_strides(&e->output, &ctx->outputs[0].shape, y);
    for (uint32_t i = 0; i < e->operand_count; i++) {
        find_strides(&e->operands[i], &ctx->inputs[i]->shape, strides[i]);
    }
    sum->output_count = (size_t)onr_shape_count(&ctx->outputs[0].shape);
    for (int d = 0; d < e->output.rank; d++) {
        struct onr_einsum_axis *axis = &sum->axes[sum->output_rank++];
        axis->size = (size_t)e->dim[e->output.label[d]];
        for (uint32_t i = 0; i < e->operand_count; i++) {
            axis->stride[i] = strides[i][e->output.label[d]];
        }
    }
    sum->rank = sum->output_rank;
    for (int label = 0; label < ONR_EINSUM_LABELS; label++) {
        if (e->dim[label] == 1 || y[label] != 0) {
            continue;
        }
        struct onr_einsum_axis *axis = &sum->axes[sum->rank++];
        axis->size = (size_t)e->dim[label];
        for (uint32_t i = 0; i < e->operand_count; i++) {
            axis->stride[i] = strides[i][label];
        }
    }
}

static enum onr_status einsum_plan(struct onr_plan_ctx *ctx)
{
    struct onr_einsum einsum;
    struct einsum_plan *plan = ONR_ARENA_NEW(ctx->arena, struct einsum_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Einsum");
    }
    ONR_TRY(onr_einsum_parse(ctx->node, ctx->inputs, &einsum, ctx->err));
    plan->is_product = make_product(&einsum, ctx, plan);
    if (plan->is_product) {
        onr_product_plan(&plan->product, ctx->state, ctx->thread_count, &ctx->workspace_bytes);
        onr_product_tell(&plan->product, ctx);
        ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) * plan->product.k;
    } else {
        make_sum(&einsum, ctx, &plan->sum);
    }
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status einsum_run(struct onr_run_ctx *ctx)
{
    const struct einsum_plan *plan = ctx->plan;
    if (!plan->is_product) {
        onr_einsum_sum(&plan->sum, ctx);
        return ONR_OK;
    }
    struct onr_product_operands operands = {
        .a = ctx->inputs[plan->is_swapped ? 1 : 0]->data,
        .b = ctx->inputs[plan->is_swapped ? 0 : 1]->data,
        .y = ctx->outputs[0]->data,
    };
    onr_product_run(&plan->product, &operands, ctx);
    return ONR_OK;
}

static const struct onr_param_spec specs[] = {{ONR_DTYPES_NUMERIC, 1}, {0}};
static const struct onr_attr_spec attrs[] = {{"equation", ONR_ATTR_STRING, true}, {.name = NULL}};

extern const struct onr_op_def onr_ops_einsum[];
const struct onr_op_def onr_ops_einsum[] = {
    {.domain = "",
     .name = "Einsum",
     .since_version = 12,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, ONR_VARIADIC},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = einsum_infer,
     .prepare = einsum_prepare,
     .plan = einsum_plan,
     .run = einsum_run},
    {.name = NULL},
};
