/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unique (ai.onnx)                               https://onnx.ai/onnx/operators/onnx__Unique.html
 * Unique (com.microsoft), version 1: of a list, as its elements first occur, without indices.
 *
 * y = the slices of x along `axis` (or the elements of x) without repetitions; indices of the first
 * of each in x; for each slice of x its place in y; and how often each occurs.
 *
 * Shapes    y: that of x with u at axis, else [u]; indices and counts [u]; inverse_indices [dim at
 *           axis or count].
 * Types     all; the other outputs int64.
 * Attrs     axis, optional; sorted, default 1: in ascending order, else as they first occur.
 * Edge      NaN equals NaN and comes last. Slices compare element by element.
 */
#include "ops/common/contents.h"
#include "ops/common/index.h"
#include "ops/movement/unique_order.h"

static enum onr_status unique_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int axis = 0;
    for (uint32_t i = 1; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = (struct onr_shape){.rank = 1, .dim = {ONR_DIM_UNKNOWN}};
    }
    if (onr_node_attr(ctx->node, "axis") == NULL) {
        onr_infer_unknown_dims(ctx, 1);
    } else if (x->rank != ONR_RANK_UNKNOWN) {
        ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
        *y = *x;
        y->dim[axis] = ONR_DIM_UNKNOWN;
    }
    return ONR_OK;
}

static enum onr_status contrib_unique_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_check_rank(ctx, 0, 1));
    ONR_TRY(unique_infer(ctx));
    if (ctx->node->output_count > 1) {
        ctx->outputs[1].shape = ctx->inputs[0]->shape;
    }
    return ONR_OK;
}

struct unique_plan {
    struct onr_items items;
    int axis; /* -1: none */
    bool is_sorted;
};

/* Arrays of [items.count] in the workspace. */
struct unique_work {
    int64_t *order; /* items in ascending order */
    int64_t *group; /* of each item */
    int64_t *first; /* item of each group */
    int64_t *count; /* items of each group */
    int64_t *spare;
};
#define WORK_ARRAYS 5

static enum onr_status unique_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct unique_plan *plan = ONR_ARENA_NEW(ctx->arena, struct unique_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Unique");
    }
    plan->axis = -1;
    bool is_contrib = ctx->node->domain[0] != '\0';
    plan->is_sorted = onr_attr_int(ctx->node, "sorted", is_contrib ? 0 : 1) != 0;
    plan->items = (struct onr_items){.dtype = ctx->inputs[0]->dtype,
                                     .element_bytes = onr_dtype_size(ctx->inputs[0]->dtype),
                                     .count = (size_t)onr_shape_count(x),
                                     .outer = 1,
                                     .inner = 1};
    if (onr_node_attr(ctx->node, "axis") != NULL) {
        ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &plan->axis));
        plan->items.count = (size_t)x->dim[plan->axis];
        plan->items.outer = (size_t)onr_shape_range(x, 0, plan->axis);
        plan->items.inner = (size_t)onr_shape_range(x, plan->axis + 1, x->rank);
    }
    ctx->workspace_bytes = WORK_ARRAYS * plan->items.count * sizeof(int64_t);
    ctx->plan = plan;
    return ONR_OK;
}

/* Numbers the groups of equal neighbours in order; an item that comes first in its group is the
 * first in x, since the order is stable. Returns the number of groups. */
static size_t number_groups(const struct onr_items *items, const struct unique_work *work)
{
    size_t groups = 0;
    for (size_t i = 0; i < items->count; i++) {
        int64_t item = work->order[i];
        if (i == 0 || onr_items_compare(items, work->order[i - 1], item) != 0) {
            work->first[groups] = item;
            work->count[groups++] = 0;
        }
        work->group[item] = (int64_t)groups - 1;
        work->count[groups - 1]++;
    }
    return groups;
}

/* Renumbers the groups as they first occur. */
static void restore_occurrence(const struct onr_items *items, struct unique_work *work)
{
    int64_t *count = work->order; /* the order is not needed any more */
    size_t next = 0;
    for (size_t i = 0; i < items->count; i++) {
        int64_t group = work->group[i];
        if (work->first[group] == (int64_t)i) {
            work->spare[group] = (int64_t)next;
            count[next++] = work->count[group];
        }
        work->group[i] = work->spare[group];
    }
    for (size_t i = items->count; i-- > 0;) {
        work->first[work->group[i]] = (int64_t)i;
    }
    work->count = count;
}

static enum onr_status put_list(struct onr_run_ctx *ctx, uint32_t index, const int64_t *list,
                                size_t count)
{
    if (index >= ctx->output_count || ctx->outputs[index] == NULL) {
        return ONR_OK;
    }
    struct onr_shape shape = {.rank = 1, .dim = {(int64_t)count}};
    ONR_TRY(ctx->host->alloc_output(ctx, index, &shape));
    if (count > 0) {
        memcpy(ctx->outputs[index]->data, list, count * sizeof *list);
    }
    return ONR_OK;
}

static enum onr_status put_items(struct onr_run_ctx *ctx, const int64_t *first, size_t groups)
{
    const struct unique_plan *plan = ctx->plan;
    const struct onr_items *items = &plan->items;
    size_t block = items->inner * items->element_bytes;
    struct onr_shape shape = {.rank = 1, .dim = {(int64_t)groups}};
    if (plan->axis >= 0) {
        shape = ctx->inputs[0]->shape;
        shape.dim[plan->axis] = (int64_t)groups;
    }
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &shape));
    if (onr_shape_count(&shape) == 0) {
        return ONR_OK;
    }
    char *to = ctx->outputs[0]->data;
    for (size_t outer = 0; outer < items->outer; outer++) {
        for (size_t g = 0; g < groups; g++) {
            size_t row = outer * items->count + (size_t)first[g];
            memcpy(to, (const char *)ctx->inputs[0]->data + row * block, block);
            to += block;
        }
    }
    return ONR_OK;
}

/* Finds the groups and returns their number. */
static size_t find_groups(const struct onr_run_ctx *ctx, struct unique_work *work)
{
    const struct unique_plan *plan = ctx->plan;
    struct onr_items items = plan->items;
    int64_t *space = ctx->workspace;
    size_t n = items.count;
    *work = (struct unique_work){0};
    if (n == 0) {
        return 0;
    }
    items.data = ctx->inputs[0]->data;
    *work = (struct unique_work){
        space, space + n, space + 2 * n, space + 3 * n, space + 4 * n,
    };
    onr_items_sort(&items, work->order, work->spare);
    size_t groups = number_groups(&items, work);
    if (!plan->is_sorted) {
        restore_occurrence(&items, work);
    }
    return groups;
}

static enum onr_status contrib_unique_run(struct onr_run_ctx *ctx)
{
    const struct unique_plan *plan = ctx->plan;
    struct unique_work work;
    size_t groups = find_groups(ctx, &work);
    ONR_TRY(put_items(ctx, work.first, groups));
    ONR_TRY(put_list(ctx, 1, work.group, plan->items.count));
    return put_list(ctx, 2, work.count, groups);
}

static enum onr_status unique_run(struct onr_run_ctx *ctx)
{
    const struct unique_plan *plan = ctx->plan;
    struct unique_work work;
    size_t groups = find_groups(ctx, &work);
    ONR_TRY(put_items(ctx, work.first, groups));
    ONR_TRY(put_list(ctx, 1, work.first, groups));
    ONR_TRY(put_list(ctx, 2, work.group, plan->items.count));
    return put_list(ctx, 3, work.count, groups);
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec unique_outputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec unique_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"sorted", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_unique[];
const struct onr_op_def onr_ops_unique[] = {
    {.domain = "",
     .name = "Unique",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 4},
     .attrs = unique_attrs,
     .input_specs = any_specs,
     .output_specs = unique_outputs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = unique_infer,
     .plan = unique_make_plan,
     .run = unique_run},
    {.domain = "com.microsoft",
     .name = "Unique",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 3},
     .input_specs = any_specs,
     .output_specs = unique_outputs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = contrib_unique_infer,
     .plan = unique_make_plan,
     .run = contrib_unique_run},
    {.name = NULL},
};
