/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TopK (ai.onnx), versions 1-9, 10, 11+.          https://onnx.ai/onnx/operators/onnx__TopK.html
 *
 * The k largest (or smallest) elements along axis and their indices, best first.
 *
 * Shapes    x: [d0..dr-1]. values, indices: the same with d(axis) = k. K: one element, rank 0 or 1.
 * Types     x, values: all numeric types. K, indices: int64.
 * Attrs     axis: int, default -1, range [-rank, rank-1]. k (before 10): int. largest, sorted
 *           (11+): int, default 1; the result is sorted in any case.
 * Edge      Of equal elements the one with the lower index comes first; 0 and -0 are equal. NaN
 *           counts as the largest element. 0 <= k <= d(axis).
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/workspace.h"
#include "ops/reduce/order_keys.h"

#include <inttypes.h>
#include <string.h>

/* Most elements that are turned into keys at a time. */
#define MAX_BLOCK 256
/* Fewer in a block than this, and looking at the blocks first does not pay. */
#define MIN_BLOCK 16
/* Blocks per wanted element: the k-th best of the best of this many times k blocks is nearly as good
 * as the k-th best element. */
#define BLOCKS_PER_K 4

struct candidate {
    uint64_t key; /* larger is better */
    size_t index;
};

struct top_k_plan {
    struct onr_axis_view view;
    enum onr_dtype dtype;
    size_t k;
    uint64_t flip;      /* of the keys, so that the wanted elements have the largest */
    size_t block;       /* elements */
    size_t best_count;  /* blocks, when their best are looked at first, else 0 */
    size_t best_offset; /* of the best key of each block within the memory of a worker */
    size_t worker_bytes;
};

static enum onr_status check_k(struct onr_infer_ctx *ctx, int64_t k, int64_t dim)
{
    if (k < 0 || (dim >= 0 && k > dim)) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE,
                              "k is %" PRId64 ", expected 0 to %" PRId64 " (the dimension)", k,
                              dim >= 0 ? dim : INT64_MAX);
    }
    return ONR_OK;
}

static enum onr_status top_k_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t k = onr_attr_int(ctx->node, "k", ONR_DIM_UNKNOWN);
    bool is_known = ctx->node->input_count == 1;
    if (!is_known) {
        const int64_t *values = NULL;
        size_t count = 0;
        ONR_TRY(onr_infer_ints(ctx, 1, &values, &count));
        if (values != NULL && count != 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "K has %zu elements, expected 1", count);
        }
        is_known = values != NULL;
        k = is_known ? values[0] : ONR_DIM_UNKNOWN;
    }
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->rank, &axis, ctx->err));
    if (is_known) {
        ONR_TRY(check_k(ctx, k, x->dim[axis]));
    }
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = *x;
        ctx->outputs[i].shape.dim[axis] = k;
    }
    return ONR_OK;
}

static void choose_blocks(struct top_k_plan *plan)
{
    size_t size = plan->k > 0 ? plan->view.size / BLOCKS_PER_K / plan->k : 0;
    plan->block = MAX_BLOCK;
    if (size >= MIN_BLOCK) {
        plan->block = size < MAX_BLOCK ? size / MIN_BLOCK * MIN_BLOCK : MAX_BLOCK;
        plan->best_count = (plan->view.size + plan->block - 1) / plan->block;
    }
}

static enum onr_status top_k_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->shape.rank, &axis, ctx->err));
    struct top_k_plan *plan = ONR_ARENA_NEW(ctx->arena, struct top_k_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a selection");
    }
    plan->view = onr_axis_view(&x->shape, axis);
    plan->dtype = x->dtype;
    plan->k = (size_t)ctx->outputs[0].shape.dim[axis];
    plan->flip = onr_attr_int(ctx->node, "largest", 1) != 0 ? 0 : UINT64_MAX;
    choose_blocks(plan);
    struct onr_workspace space = {0};
    struct onr_workspace workers = {0};
    (void)onr_workspace_add(&space, plan->k, sizeof(struct candidate));
    plan->best_offset = onr_workspace_add(&space, plan->best_count, sizeof(uint64_t));
    ONR_TRY(onr_workspace_finish(&space, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&workers, ctx->thread_count, plan->worker_bytes);
    ctx->plan = plan;
    return onr_workspace_finish(&workers, &ctx->workspace_bytes, ctx->err);
}

static bool is_worse(struct candidate a, struct candidate b)
{
    return a.key < b.key || (a.key == b.key && a.index > b.index);
}

/* Moves the item at `at` down until its children are better: the worst of a heap is at its root. */
static void sift_down(struct candidate *heap, size_t count, size_t at)
{
    struct candidate item = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && is_worse(heap[child + 1], heap[child])) {
            child++;
        }
        if (!is_worse(heap[child], item)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

struct top_k_job {
    const struct top_k_plan *plan;
    const struct onr_order_kernels *kernels;
    const char *x;
    char *values;
    int64_t *indices;
    char *workspace;
};

/* The best that one row has shown so far. */
struct selection {
    const struct top_k_job *job;
    size_t first; /* element of x that the row begins with */
    struct candidate *heap;
    size_t count;   /* in the heap, which is one from k on */
    uint64_t least; /* keys below it are known not to count */
};

static void offer(struct selection *row, uint64_t key, size_t index)
{
    size_t k = row->job->plan->k;
    struct candidate item = {key, index};
    if (row->count < k) {
        row->heap[row->count++] = item;
        for (size_t at = k / 2; row->count == k && at > 0; at--) {
            sift_down(row->heap, k, at - 1);
        }
    } else if (is_worse(row->heap[0], item)) {
        row->heap[0] = item;
        sift_down(row->heap, k, 0);
    }
    if (row->count == k && row->heap[0].key > row->least) {
        row->least = row->heap[0].key;
    }
}

/* Writes the keys of a block and returns how many they are. */
static size_t read_block(const struct selection *row, size_t block, uint64_t *keys)
{
    const struct top_k_plan *plan = row->job->plan;
    size_t begin = block * plan->block;
    size_t rest = plan->view.size - begin;
    size_t count = rest < plan->block ? rest : plan->block;
    onr_order_keys(row->job->kernels, plan->dtype, row->job->x,
                   row->first + begin * plan->view.inner, plan->view.inner, count, plan->flip,
                   keys);
    return count;
}

/*
 * Writes the best key of each block and leaves the k-th best of them as the least that counts: at
 * least k elements have that key or a better one, and few more do.
 */
static void look_at_blocks(struct selection *row, uint64_t *best)
{
    const struct top_k_plan *plan = row->job->plan;
    uint64_t keys[MAX_BLOCK];
    for (size_t b = 0; b < plan->best_count; b++) {
        size_t count = read_block(row, b, keys);
        best[b] = row->job->kernels->max(count, keys);
        offer(row, best[b], b);
    }
    row->count = 0;
}

/* Leaves the k best of one row in the heap, best first. */
static void select_row(struct selection *row, uint64_t *best)
{
    const struct top_k_plan *plan = row->job->plan;
    uint64_t keys[MAX_BLOCK];
    uint16_t picked[MAX_BLOCK];
    size_t blocks = (plan->view.size + plan->block - 1) / plan->block;
    if (plan->best_count > 0) {
        look_at_blocks(row, best);
    }
    for (size_t b = 0; b < blocks; b++) {
        if (plan->best_count > 0 && best[b] < row->least) {
            continue;
        }
        size_t count = read_block(row, b, keys);
        size_t found = row->job->kernels->pick(count, keys, row->least, picked);
        for (size_t i = 0; i < found; i++) {
            offer(row, keys[picked[i]], b * plan->block + picked[i]);
        }
    }
    for (size_t count = plan->k; count > 1; count--) {
        struct candidate worst = row->heap[0];
        row->heap[0] = row->heap[count - 1];
        row->heap[count - 1] = worst;
        sift_down(row->heap, count - 1, 0);
    }
}

static void select_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct top_k_job *job = arg;
    const struct top_k_plan *plan = job->plan;
    struct onr_axis_view view = plan->view;
    size_t element = onr_dtype_size(plan->dtype);
    char *memory = job->workspace + worker * plan->worker_bytes;
    for (size_t item = begin; item < end; item++) {
        size_t outer = item / view.inner;
        size_t column = item % view.inner;
        struct selection row = {.job = job,
                                .first = outer * view.size * view.inner + column,
                                .heap = (struct candidate *)(void *)memory};
        select_row(&row, (uint64_t *)(void *)(memory + plan->best_offset));
        for (size_t i = 0; i < plan->k; i++) {
            size_t to = (outer * plan->k + i) * view.inner + column;
            size_t from = row.first + row.heap[i].index * view.inner;
            memcpy(job->values + to * element, job->x + from * element, element);
            job->indices[to] = (int64_t)row.heap[i].index;
        }
    }
}

static enum onr_status top_k_run(struct onr_run_ctx *ctx)
{
    const struct top_k_plan *plan = ctx->plan;
    struct top_k_job job = {.plan = plan,
                            .kernels = &ctx->kernels->order,
                            .x = ctx->inputs[0]->data,
                            .values = ctx->outputs[0]->data,
                            .indices = ctx->outputs[1]->data,
                            .workspace = ctx->workspace};
    if (plan->k > 0) {
        onr_parallel_for(ctx->parallel, plan->view.outer * plan->view.inner,
                         onr_grain(plan->view.size * 4), select_range, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs_1[] = {
    {"axis", ONR_ATTR_INT, false}, {"k", ONR_ATTR_INT, true}, {NULL, 0, false}};
static const struct onr_attr_spec attrs_10[] = {{"axis", ONR_ATTR_INT, false}, {NULL, 0, false}};
static const struct onr_attr_spec attrs_11[] = {
    {"axis", ONR_ATTR_INT, false},
    {"largest", ONR_ATTR_INT, false},
    {"sorted", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec top_k_inputs[] = {
    {ONR_DTYPES_NUMERIC, 1}, {ONR_BIT(INT64), 0}, {0, 0}};
static const struct onr_param_spec top_k_outputs[] = {
    {ONR_DTYPES_NUMERIC, 1}, {ONR_BIT(INT64), 0}, {0, 0}};

#define TOP_K_ROW(since, last, input_count, attributes)                                            \
    {                                                                                              \
        .domain = "", .name = "TopK", .since_version = (since), .last_version = (last),            \
        .inputs = {(input_count), (input_count)}, .outputs = {2, 2}, .attrs = (attributes),        \
        .input_specs = top_k_inputs, .output_specs = top_k_outputs, .infer = top_k_infer,          \
        .plan = top_k_plan, .run = top_k_run, .kernel = ONR_KERNEL_AT(order.max),                  \
    }

extern const struct onr_op_def onr_ops_top_k[];
const struct onr_op_def onr_ops_top_k[] = {
    TOP_K_ROW(1, 9, 1, attrs_1),
    TOP_K_ROW(10, 10, 2, attrs_10),
    TOP_K_ROW(11, ONR_OPSET_LATEST, 2, attrs_11),
    {.name = NULL},
};
