/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatherMatMul (onnxrun), version 1: what the pass fuse_gather_matmul makes of a product with
 * matrices that are picked by index, as those of experts.
 *
 * Y = A B[index]                       Y[l.., i, j] = sum_k A[l.., i, k] * B[index[l..], k, j]
 * Y = B[index] A, with left            Y[l.., j, 0] = sum_k B[index[l..], j, k] * A[l.., k, 0]
 *
 * Shapes    A: [l.., m, k], with left [l.., k, 1]; B: [e, k, n], with left [e, n, k]; index: [l..],
 *           with tuples [l.., 1] -> Y: [l.., m, n], with left [l.., n, 1]. The dimensions l of A and
 *           index broadcast.
 * Types     float32; index: int32, int64.
 * Attrs     left, tuples: int, default 0.
 * Edge      negative indices count from the end; those out of range are an error at run time.
 *           k = 0 -> zeros.
 * Aliasing  none.
 *
 * The matrices that are picked are never copied: it is the rows of A that are brought together by
 * matrix. A row gets the same bits whatever others there are.
 */
#include "ops/common/axes.h"
#include "ops/common/broadcast.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"
#include "ops/common/workspace.h"
#include "ops/matrix/matmul.h"
#include "ops/matrix/row_groups.h"

#include <inttypes.h>

enum { A, B, INDEX };

static bool is_left(const struct onr_node *node)
{
    return onr_attr_int(node, "left", 0) != 0;
}

/* The dimensions of index that matrices are picked for. */
static int index_rank(const struct onr_node *node, const struct onr_shape *index)
{
    return index->rank - (onr_attr_int(node, "tuples", 0) != 0 ? 1 : 0);
}

static int64_t last_dim(const struct onr_shape *shape)
{
    return shape->rank > 0 ? shape->dim[shape->rank - 1] : ONR_DIM_UNKNOWN;
}

static enum onr_status check_inputs(const struct onr_infer_ctx *ctx)
{
    const struct onr_shape *index = &ctx->inputs[INDEX]->shape;
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    const int64_t any[3] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    ONR_TRY(onr_check_dims(ctx, B, "b", 3, any));
    int64_t columns = last_dim(index);
    if (index->rank == 0 && index_rank(ctx->node, index) < 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "index has rank 0, expected 1 or more");
    }
    if (index_rank(ctx->node, index) < index->rank && columns >= 0 && columns != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "index has tuples of %" PRId64 ", expected 1",
                              columns);
    }
    if (a->rank != ONR_RANK_UNKNOWN && a->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "a has rank %d, expected 2 or more", a->rank);
    }
    columns = last_dim(a);
    if (is_left(ctx->node) && columns >= 0 && columns != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "a has %" PRId64 " columns, expected 1", columns);
    }
    return ONR_OK;
}

static enum onr_status gather_matmul_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    const struct onr_shape *b = &ctx->inputs[B]->shape;
    const struct onr_shape *index = &ctx->inputs[INDEX]->shape;
    const struct onr_node plain = {.attr_count = 0};
    ONR_TRY(check_inputs(ctx));
    if (b->rank == ONR_RANK_UNKNOWN || index->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct onr_shape picked = *index;
    picked.rank = index_rank(ctx->node, index);
    ONR_TRY(onr_check_max_rank(ctx->err, (size_t)picked.rank + 2));
    picked.dim[picked.rank++] = b->dim[1];
    picked.dim[picked.rank++] = b->dim[2];
    bool left = is_left(ctx->node);
    return onr_matmul_shape(&plain, left ? &picked : a, left ? a : &picked, &ctx->outputs[0].shape,
                            ctx->err);
}

static enum onr_status gather_matmul_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *b = ctx->constants[B];
    if (b == NULL) {
        return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
    }
    int turned = is_left(ctx->node);
    size_t columns = (size_t)b->shape.dim[2];
    return onr_product_prepare(ctx, b, (size_t)b->shape.dim[0], (size_t)b->shape.dim[1 + turned],
                               (size_t)b->shape.dim[2 - turned], turned ? 1 : columns,
                               turned ? columns : 1);
}

struct gather_matmul {
    struct onr_gemm_f32_job gemm;   /* of a chunk, without pointers to operands */
    size_t matrices, matrix_floats; /* of B as it is read */
    size_t count;                   /* indices; 0 when Y is empty */
    size_t m, n, k;
    size_t chunk;
    const struct onr_broadcast *loops;       /* over what A and index have for each of them */
    size_t a_at, y_at, group_at, scratch_at; /* in the workspace, behind the tables of numbers */
    size_t gemm_bytes;
};

static enum onr_status plan_loops(struct onr_plan_ctx *ctx, struct gather_matmul *plan)
{
    struct onr_shape y = ctx->outputs[0].shape;
    struct onr_shape a = ctx->inputs[A]->shape;
    struct onr_shape index = ctx->inputs[INDEX]->shape;
    const struct onr_shape *shapes[] = {&a, &index};
    y.rank -= 2;
    a.rank -= 2;
    index.rank = index_rank(ctx->node, &index);
    plan->loops = onr_broadcast_plan(ctx->arena, &y, shapes, 2);
    plan->count = (size_t)onr_shape_count(&y);
    return plan->loops != NULL ? ONR_OK : onr_fail_memory(ctx->err, "plan of GatherMatMul");
}

static void plan_product(struct onr_plan_ctx *ctx, struct gather_matmul *plan)
{
    const struct onr_product_state *state = ctx->state;
    const struct onr_gemm_f32 *kernel = state->packed.kernel;
    bool left = is_left(ctx->node);
    kernel = kernel != NULL ? kernel : onr_gemm_f32_choose(&state->kernels->gemm, plan->n);
    plan->chunk = onr_group_chunk(kernel, plan->n, ctx->thread_count);
    plan->gemm = (struct onr_gemm_f32_job){
        .kernel = kernel,
        .m = plan->count * plan->m,
        .n = plan->chunk,
        .k = plan->k,
        .a = {NULL, ONR_FLOAT, plan->k, 1},
        .b = {NULL, ONR_FLOAT, left ? 1 : plan->n, left ? plan->k : 1},
        .b_packed = state->packed.data,
        .last = state->packed.last,
        .c_stride = plan->n,
        .scale = 1.0f,
    };
    bool is_packed = plan->gemm.b_packed != NULL;
    plan->matrix_floats =
        plan->k * (is_packed ? onr_gemm_f32_panels(kernel, plan->n) * kernel->columns : plan->n);
    plan->gemm_bytes = onr_gemm_f32_workspace(&plan->gemm);
    ctx->told.kernel = ONR_KERNEL_AT(gemm.f32);
    ctx->told.tiles = kernel;
    ctx->told.way = "rows gathered by matrix";
}

/* As Y is not empty, m and n times the number of indices are no more than its elements. */
static enum onr_status plan_workspace(struct onr_plan_ctx *ctx, struct gather_matmul *plan)
{
    struct onr_workspace space = {.is_too_large = plan->matrices >= UINT32_MAX ||
                                                  plan->k > ONR_SIZE_LIMIT / sizeof(float)};
    size_t rows = plan->count * plan->m;
    (void)onr_workspace_add(&space, plan->count + 2 * plan->matrices + 1, sizeof(size_t));
    plan->a_at = onr_workspace_add(&space, rows, plan->k * sizeof(float));
    plan->y_at = onr_workspace_add(&space, rows, plan->n * sizeof(float));
    plan->group_at = onr_workspace_add(&space, plan->count, sizeof(uint32_t));
    plan->scratch_at = onr_workspace_add(&space, ctx->thread_count, plan->gemm_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status gather_matmul_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    const struct onr_shape *b = &ctx->inputs[B]->shape;
    uint64_t elements = (uint64_t)onr_shape_count(&ctx->outputs[0].shape);
    int turned = is_left(ctx->node);
    struct gather_matmul *plan = ONR_ARENA_NEW(ctx->arena, struct gather_matmul);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of GatherMatMul");
    }
    ctx->plan = plan;
    plan->matrices = (size_t)b->dim[0];
    if (elements == 0) {
        return ONR_OK;
    }
    plan->k = (size_t)b->dim[1 + turned];
    plan->n = (size_t)b->dim[2 - turned];
    plan->m = (size_t)a->dim[a->rank - 2 + turned];
    ctx->flops = 2 * elements * plan->k;
    ONR_TRY(plan_loops(ctx, plan));
    plan_product(ctx, plan);
    return plan_workspace(ctx, plan);
}

struct gather_job {
    const struct gather_matmul *plan;
    struct onr_row_groups groups;
    size_t *place; /* [count]: where the rows of an index stand among those of all matrices */
    const float *a, *b;
    float *y;
    float *a_rows, *y_rows; /* [count, m, k] and [count, m, n], by matrix */
    char *scratch;
};

static void gather_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gather_job *job = arg;
    size_t floats = job->plan->m * job->plan->k;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        memcpy(job->a_rows + job->place[i] * floats,
               job->a + onr_broadcast_offset(job->plan->loops, 0, i) * floats,
               floats * sizeof *job->a);
    }
}

static void scatter_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gather_job *job = arg;
    size_t floats = job->plan->m * job->plan->n;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        memcpy(job->y + i * floats, job->y_rows + job->place[i] * floats, floats * sizeof *job->y);
    }
}

static void multiply_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gather_job *job = arg;
    const struct gather_matmul *plan = job->plan;
    for (size_t i = begin; i < end; i++) {
        struct onr_group_item item = onr_group_item_at(&job->groups, plan->n, plan->chunk, i);
        struct onr_gemm_f32_job gemm = plan->gemm;
        size_t matrix = item.group * plan->matrix_floats;
        gemm.m = item.rows * plan->m;
        gemm.n = item.columns;
        gemm.a.data = job->a_rows + item.row * plan->m * plan->k;
        gemm.c = job->y_rows + item.row * plan->m * plan->n + item.first;
        if (gemm.b_packed != NULL) {
            gemm.b_packed += matrix + item.first * plan->k;
        } else if (plan->k > 0) {
            gemm.b.data = job->b + matrix + item.first * gemm.b.column_stride;
        }
        onr_gemm_f32_run(&gemm, 0, gemm.m, 0, onr_gemm_f32_panels(gemm.kernel, gemm.n),
                         job->scratch + worker * plan->gemm_bytes);
    }
}

static enum onr_status gather_matmul_run(struct onr_run_ctx *ctx)
{
    const struct gather_matmul *plan = ctx->plan;
    const struct onr_tensor *index = ctx->inputs[INDEX];
    char *space = ctx->workspace;
    size_t *numbers = ctx->workspace;
    uint32_t *group = (void *)(space + plan->group_at);
    ONR_TRY(onr_check_indices(ctx->err, index, (int64_t)plan->matrices));
    if (plan->count == 0) {
        return ONR_OK;
    }
    struct gather_job job = {
        .plan = plan,
        .groups = {.begin = numbers, .active = numbers + plan->matrices + 1},
        .place = numbers + 2 * plan->matrices + 1,
        .a = ctx->inputs[A]->data,
        .b = plan->gemm.b_packed == NULL ? ctx->inputs[B]->data : NULL,
        .y = ctx->outputs[0]->data,
        .a_rows = (void *)(space + plan->a_at),
        .y_rows = (void *)(space + plan->y_at),
        .scratch = space + plan->scratch_at,
    };
    for (size_t i = 0; i < plan->count; i++) {
        int64_t at = onr_index_at(index, onr_broadcast_offset(plan->loops, 1, i));
        group[i] = (uint32_t)onr_index_wrap(at, (int64_t)plan->matrices);
    }
    onr_group_rows(&job.groups, plan->matrices, group, plan->count, job.place);
    size_t grain = onr_grain(plan->m * (plan->n + plan->k));
    if (plan->k > 0) {
        onr_parallel_for(ctx->parallel, plan->count, grain, gather_rows, &job);
    }
    onr_group_for(ctx->parallel, &job.groups, plan->matrices, plan->n, plan->m * plan->k,
                  plan->chunk, multiply_items, &job);
    onr_parallel_for(ctx->parallel, plan->count, grain, scatter_rows, &job);
    return ONR_OK;
}

static const struct onr_param_spec inputs[] = {
    {ONR_BIT(FLOAT), 1}, {ONR_BIT(FLOAT), 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_param_spec outputs[] = {{ONR_BIT(FLOAT), 1}, {0}};
static const struct onr_attr_spec attrs[] = {
    {"left", ONR_ATTR_INT, false}, {"tuples", ONR_ATTR_INT, false}, {.name = NULL}};

extern const struct onr_op_def onr_ops_gather_matmul[];
const struct onr_op_def onr_ops_gather_matmul[] = {
    {.domain = "onnxrun",
     .name = "GatherMatMul",
     .since_version = 1,
     .last_version = 1,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = gather_matmul_infer,
     .prepare = gather_matmul_prepare,
     .plan = gather_matmul_plan,
     .run = gather_matmul_run},
    {.name = NULL},
};
