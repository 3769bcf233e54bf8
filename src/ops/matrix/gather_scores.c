/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatherScores (onnxrun), version 1: what the pass fuse_gather_scores makes of attention's scores by
 * relative position, of which indices pick a few, as in DeBERTa.
 *
 * Y = GatherElements(A op(Tile(B, repeats)), Expand(index, shape)) with axis = -1:
 *     Y[l.., i, j] = sum_k A[l.., i, k] * B[l.., k, index[l.., i, j]]
 *
 * Shapes    A: [l.., m, k]; B: [l.., k, e], with transB [l.., e, k]; index: [l.., i, j] -> Y: that,
 *           with the l.. of shape. l.. are one dimension or more, of the same number in each, and
 *           broadcast. repeats: as many integers, of which all but the first are 1; shape: those of
 *           Expand, which leave the last two dimensions of index as they are. Both may be absent.
 * Types     float32; index: int32, int64; repeats and shape: int64.
 * Attrs     transB: int, default 0.
 * Edge      negative indices count from the end; those out of range are an error at run time.
 *           k = 0 -> zeros.
 * Aliasing  none.
 *
 * Of the scores of a block of rows only the panels between the least and the largest index are
 * computed, and they stay in the cache. Nothing is repeated or expanded in memory.
 */
#include "ops/common/axes.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"
#include "ops/common/workspace.h"
#include "ops/matrix/matmul.h"
#include "ops/movement/expand.h"
#include "ops/movement/gather_elements.h"
#include "ops/reduce/reduce_walk.h"

#include <inttypes.h>

enum { A, B, INDEX, REPEATS, SHAPE };

#define BLOCK_BYTES ((size_t)1 << 17) /* of scores: they stay in L2 beside panels of B */
#define BLOCK_ROWS  64
#define INDICES     256 /* that are read at a time */

static enum onr_status check_ranks(const struct onr_infer_ctx *ctx, int rank)
{
    if (rank < 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "a has rank %d, expected 3 or more", rank);
    }
    ONR_TRY(onr_check_rank(ctx, B, rank));
    return onr_check_rank(ctx, INDEX, rank);
}

/* B as repeats make it, and index as shape does. */
static enum onr_status operand_shapes(struct onr_infer_ctx *ctx, struct onr_shape *tiled,
                                      struct onr_shape *expanded)
{
    const struct onr_shape *b = &ctx->inputs[B]->shape;
    const struct onr_shape *index = &ctx->inputs[INDEX]->shape;
    ONR_TRY(onr_tile_part(ctx, REPEATS, b, tiled));
    ONR_TRY(onr_expand_part(ctx, SHAPE, index, expanded));
    for (int d = 1; d < tiled->rank; d++) {
        if (tiled->dim[d] >= 0 && b->dim[d] >= 0 && tiled->dim[d] != b->dim[d]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "b is repeated along dimension %d", d);
        }
    }
    if (expanded->rank != ONR_RANK_UNKNOWN && expanded->rank != index->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "index is expanded to rank %d, expected %d",
                              expanded->rank, index->rank);
    }
    for (int d = index->rank - 2; d < expanded->rank; d++) {
        if (expanded->dim[d] >= 0 && index->dim[d] >= 0 && expanded->dim[d] != index->dim[d]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "index is expanded along dimension %d", d);
        }
    }
    return ONR_OK;
}

static enum onr_status gather_scores_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    struct onr_shape tiled;
    struct onr_shape expanded;
    struct onr_shape scores;
    if (a->rank == ONR_RANK_UNKNOWN || ctx->inputs[B]->shape.rank == ONR_RANK_UNKNOWN ||
        ctx->inputs[INDEX]->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(check_ranks(ctx, a->rank));
    ONR_TRY(operand_shapes(ctx, &tiled, &expanded));
    ctx->outputs[0].shape = expanded;
    if (tiled.rank == ONR_RANK_UNKNOWN || expanded.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_matmul_shape(ctx->node, a, &tiled, &scores, ctx->err));
    return onr_check_elements(ctx, scores.rank - 1, &scores, &expanded);
}

struct gather_scores {
    struct onr_gemm_f32_job gemm;       /* of a block, without pointers to operands */
    size_t batch;                       /* matrices of Y; 0 when Y is empty */
    size_t rows, columns;               /* of each */
    size_t block_rows, blocks;          /* that it is computed in */
    struct onr_index_group matrices[3]; /* of A, B and index, in the order of those of Y */
    size_t index_rows;                  /* of all its matrices */
    size_t a_floats;                    /* of a matrix of A */
    size_t b_matrices, b_floats;        /* of B, and of each of them as it is read */
    size_t scores_at, scratch_at;       /* in the workspace, behind the bounds of rows of index */
    size_t scores_bytes;                /* of each worker, as gemm_bytes */
    size_t gemm_bytes;
};

/* The matrices of an operand, of which the first dimension is repeated. */
static struct onr_index_group find_matrices(const struct onr_shape *y,
                                            const struct onr_shape *operand, int64_t repeats)
{
    struct onr_index_group group = {.rank = y->rank - 2,
                                    .count = (size_t)onr_shape_range(y, 0, y->rank - 2)};
    size_t matrices = 1;
    for (int d = group.rank - 1; d >= 0; d--) {
        int64_t dim = d == 0 ? operand->dim[d] * repeats : operand->dim[d];
        group.dim[d] = (size_t)y->dim[d];
        group.stride[d] = dim == 1 ? 0 : matrices;
        matrices *= (size_t)dim;
    }
    return group;
}

static enum onr_status plan_batch(struct onr_plan_ctx *ctx, struct gather_scores *plan)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    const struct onr_fact *list = onr_plan_input(ctx, REPEATS);
    ONR_TRY(onr_check_planned(ctx, REPEATS));
    for (uint32_t i = A; i <= INDEX; i++) {
        int64_t repeats = i == B && list != NULL ? onr_plan_int(list, 0) : 1;
        plan->matrices[i] = find_matrices(y, &ctx->inputs[i]->shape, repeats);
    }
    plan->batch = plan->matrices[A].count;
    plan->index_rows = (size_t)onr_shape_range(&ctx->inputs[INDEX]->shape, 0, y->rank - 1);
    plan->b_matrices = (size_t)onr_shape_range(&ctx->inputs[B]->shape, 0, y->rank - 2);
    return ONR_OK;
}

static enum onr_status plan_product(struct onr_plan_ctx *ctx, struct gather_scores *plan)
{
    const struct onr_product_state *state = ctx->state;
    const struct onr_gemm_f32 *kernel = state->packed.kernel;
    struct onr_product product;
    ONR_TRY(onr_matmul_product(ctx, &ctx->outputs[0].shape, &product));
    kernel = kernel != NULL ? kernel : onr_gemm_f32_choose(&state->kernels->gemm, product.n);
    size_t panels = onr_gemm_f32_panels(kernel, product.n);
    size_t width = (panels > 0 ? panels : 1) * kernel->columns;
    size_t fitting = BLOCK_BYTES / (width * sizeof(float)) / kernel->rows * kernel->rows;
    size_t most = fitting < kernel->rows ? kernel->rows : fitting;
    most = most < BLOCK_ROWS ? most : BLOCK_ROWS;
    plan->block_rows = plan->rows < most ? plan->rows : most;
    plan->blocks = onr_size_divide_up(plan->rows, plan->block_rows);
    plan->gemm = (struct onr_gemm_f32_job){
        .kernel = kernel,
        .m = plan->block_rows,
        .n = product.n,
        .k = product.k,
        .a = {NULL, ONR_FLOAT, product.a_row_stride, product.a_column_stride},
        .b = {NULL, ONR_FLOAT, product.b_row_stride, product.b_column_stride},
        .b_packed = state->packed.data,
        .last = state->packed.last,
        .c_stride = width,
        .scale = 1.0f,
    };
    plan->a_floats = (size_t)ctx->inputs[A]->shape.dim[ctx->inputs[A]->shape.rank - 2] * product.k;
    plan->b_floats = product.k * (plan->gemm.b_packed != NULL ? width : product.n);
    plan->gemm_bytes = onr_gemm_f32_workspace(&plan->gemm);
    ctx->told.kernel = ONR_KERNEL_AT(gemm.f32);
    ctx->told.tiles = kernel;
    ctx->told.way = "panels that index asks for";
    return ONR_OK;
}

/* The least and the largest index of a row, counted from the start. */
struct bounds {
    size_t low, high;
};

static enum onr_status plan_workspace(struct onr_plan_ctx *ctx, struct gather_scores *plan)
{
    struct onr_workspace space = {0};
    plan->scores_bytes = plan->block_rows * plan->gemm.c_stride * sizeof(float);
    (void)onr_workspace_add(&space, plan->index_rows, sizeof(struct bounds));
    plan->scores_at = onr_workspace_add(&space, ctx->thread_count, plan->scores_bytes);
    plan->scratch_at = onr_workspace_add(&space, ctx->thread_count, plan->gemm_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status gather_scores_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct gather_scores *plan = ONR_ARENA_NEW(ctx->arena, struct gather_scores);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of GatherScores");
    }
    ctx->plan = plan;
    plan->rows = (size_t)y->dim[y->rank - 2];
    plan->columns = (size_t)y->dim[y->rank - 1];
    if (onr_shape_count(y) == 0) {
        return ONR_OK;
    }
    ONR_TRY(plan_batch(ctx, plan));
    ONR_TRY(plan_product(ctx, plan));
    ctx->flops = 2 * (uint64_t)onr_shape_count(y) * plan->gemm.k;
    return plan_workspace(ctx, plan);
}

struct scores_job {
    const struct onr_run_ctx *ctx;
    struct bounds *bounds;                 /* [index_rows] */
    bool is_out_of_range[ONR_MAX_THREADS]; /* an index that the worker met */
};

/* The bounds of rows [begin, end) of index. */
static void find_bounds(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct scores_job *job = arg;
    const struct gather_scores *plan = job->ctx->plan;
    int64_t dim = (int64_t)plan->gemm.n;
    int64_t buffer[INDICES];
    for (size_t row = begin; row < end; row++) {
        int64_t low = INT64_MAX;
        int64_t high = INT64_MIN;
        for (size_t i = 0; i < plan->columns; i += INDICES) {
            size_t count = plan->columns - i < INDICES ? plan->columns - i : INDICES;
            const int64_t *index =
                onr_index_read(job->ctx->inputs[INDEX], row * plan->columns + i, count, buffer);
            for (size_t j = 0; j < count; j++) {
                int64_t at = onr_index_wrap(index[j], dim);
                low = at < low ? at : low;
                high = at > high ? at : high;
            }
        }
        if (low < 0 || high >= dim) {
            job->is_out_of_range[worker] = true;
        }
        job->bounds[row] = (struct bounds){(size_t)low, (size_t)high};
    }
}

/* The panels, from low up to high, that rows with these bounds ask for. */
static struct bounds find_panels(const struct bounds *row, size_t count, size_t columns)
{
    struct bounds all = row[0];
    for (size_t i = 1; i < count; i++) {
        all.low = row[i].low < all.low ? row[i].low : all.low;
        all.high = row[i].high > all.high ? row[i].high : all.high;
    }
    return (struct bounds){all.low / columns, all.high / columns + 1};
}

/* y[j] = scores[index[j]] */
static void pick_row(const struct onr_run_ctx *ctx, const float *scores, size_t index_row, float *y)
{
    const struct gather_scores *plan = ctx->plan;
    onr_gather_fn gather = ctx->kernels->move.gather[onr_move_size_index(sizeof(float))];
    int64_t buffer[INDICES];
    for (size_t j = 0; j < plan->columns; j += INDICES) {
        size_t count = plan->columns - j < INDICES ? plan->columns - j : INDICES;
        const int64_t *index =
            onr_index_read(ctx->inputs[INDEX], index_row * plan->columns + j, count, buffer);
        (void)gather(count, y + j, scores, 0, index, (int64_t)plan->gemm.n, 1);
    }
}

/* A block of rows, from this one on, of a matrix of Y. */
static void compute_block(const struct scores_job *job, size_t matrix, size_t row, unsigned worker)
{
    const struct onr_run_ctx *ctx = job->ctx;
    const struct gather_scores *plan = ctx->plan;
    char *space = ctx->workspace;
    float *scores = (void *)(space + plan->scores_at + worker * plan->scores_bytes);
    float *y = (float *)ctx->outputs[0]->data + (matrix * plan->rows + row) * plan->columns;
    size_t index_row = onr_index_group_offset(&plan->matrices[INDEX], matrix) * plan->rows + row;
    size_t b =
        onr_index_group_offset(&plan->matrices[B], matrix) % plan->b_matrices * plan->b_floats;
    struct onr_gemm_f32_job gemm = plan->gemm;
    gemm.m = plan->rows - row < plan->block_rows ? plan->rows - row : plan->block_rows;
    struct bounds panels = find_panels(job->bounds + index_row, gemm.m, gemm.kernel->columns);
    gemm.c = scores;
    if (gemm.k > 0) {
        gemm.a.data = (const float *)ctx->inputs[A]->data +
                      onr_index_group_offset(&plan->matrices[A], matrix) * plan->a_floats +
                      row * gemm.k;
    }
    if (gemm.b_packed != NULL) {
        gemm.b_packed += b;
    } else if (gemm.k > 0) {
        gemm.b.data = (const float *)ctx->inputs[B]->data + b;
    }
    onr_gemm_f32_run(&gemm, 0, gemm.m, panels.low, panels.high,
                     space + plan->scratch_at + worker * plan->gemm_bytes);
    for (size_t i = 0; i < gemm.m; i++) {
        pick_row(ctx, scores + i * gemm.c_stride, index_row + i, y + i * plan->columns);
    }
}

static void compute_blocks(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct scores_job *job = arg;
    const struct gather_scores *plan = job->ctx->plan;
    for (size_t item = begin; item < end; item++) {
        compute_block(job, item / plan->blocks, item % plan->blocks * plan->block_rows, worker);
    }
}

static enum onr_status gather_scores_run(struct onr_run_ctx *ctx)
{
    const struct gather_scores *plan = ctx->plan;
    struct scores_job job = {.ctx = ctx, .bounds = ctx->workspace};
    if (plan->batch == 0) {
        return ONR_OK;
    }
    onr_parallel_for(ctx->parallel, plan->index_rows, onr_grain(plan->columns), find_bounds, &job);
    for (size_t i = 0; i < ONR_MAX_THREADS; i++) {
        if (job.is_out_of_range[i]) {
            return onr_check_indices(ctx->err, ctx->inputs[INDEX], (int64_t)plan->gemm.n);
        }
    }
    onr_parallel_for(ctx->parallel, plan->batch * plan->blocks, 1, compute_blocks, &job);
    return ONR_OK;
}

static const struct onr_param_spec inputs[] = {{ONR_BIT(FLOAT), 1},   {ONR_BIT(FLOAT), 1},
                                               {ONR_DTYPES_INDEX, 0}, {ONR_BIT(INT64), 0},
                                               {ONR_BIT(INT64), 0},   {0}};
static const struct onr_param_spec outputs[] = {{ONR_BIT(FLOAT), 1}, {0}};
static const struct onr_attr_spec attrs[] = {{"transB", ONR_ATTR_INT, false}, {.name = NULL}};

extern const struct onr_op_def onr_ops_gather_scores[];
const struct onr_op_def onr_ops_gather_scores[] = {
    {.domain = "onnxrun",
     .name = "GatherScores",
     .since_version = 1,
     .last_version = 1,
     .inputs = {3, 5},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = gather_scores_infer,
     .prepare = onr_matmul_prepare,
     .plan = gather_scores_plan,
     .run = gather_scores_run},
    {.name = NULL},
};
