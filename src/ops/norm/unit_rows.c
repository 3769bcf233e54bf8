/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UnitRows (onnxrun): rows of length 1, which fuse_norm makes of Transpose, ReduceL2, Clip and Div.
 *
 * y = t / max(sqrt(sum t^2), floor), t = x with its dimensions permuted; the sum over the last one
 *
 * Shapes    x: [d0..dr-1], r > 0. y: the same, permuted.
 * Types     float32; sums in float32 lanes and float64 blocks, as in ReduceL2.
 * Attrs     floor: float, default 0. perm: ints as of Transpose, the last dimension stays; default: all
 *           stay.
 * Edge      A row with NaN is NaN. Zeros are divided by floor.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/movement/transpose.h"
#include "ops/reduce/reduce_walk.h"

#include <math.h>

/* Rows that a thread takes at a time, of those that lie evenly apart. */
#define BLOCK 16

static enum onr_status read_perm(const struct onr_node *node, int rank, int *perm,
                                 struct onr_error *err)
{
    size_t count = 0;
    if (rank == 0) {
        return onr_fail(err, ONR_ERR_SHAPE, "x has rank 0, expected 1 or more");
    }
    if (onr_attr_ints(node, "perm", &count) == NULL) {
        for (int i = 0; i < rank; i++) {
            perm[i] = i;
        }
        return ONR_OK;
    }
    ONR_TRY(onr_read_perm(node, rank, perm, err));
    return perm[rank - 1] == rank - 1
               ? ONR_OK
               : onr_fail(err, ONR_ERR_VALUE, "perm moves the last dimension to another place");
}

static enum onr_status unit_rows_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int perm[ONR_MAX_RANK];
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(read_perm(ctx->node, x->rank, perm, ctx->err));
    ctx->outputs[0].shape.rank = x->rank;
    for (int i = 0; i < x->rank; i++) {
        ctx->outputs[0].shape.dim[i] = x->dim[perm[i]];
    }
    return ONR_OK;
}

struct plan {
    struct onr_index_group outer; /* of x, in the order of y */
    size_t rows, stride;          /* in the last dimension but one, and from one to the next */
    size_t count;                 /* elements of a row */
    size_t blocks;                /* of these rows */
    float floor;
};

static enum onr_status unit_rows_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t strides[ONR_MAX_RANK];
    int perm[ONR_MAX_RANK];
    ONR_TRY(read_perm(ctx->node, x->rank, perm, ctx->err));
    struct plan *plan = ONR_ARENA_NEW(ctx->arena, struct plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    onr_shape_strides(x, strides);
    *plan = (struct plan){.outer.count = 1,
                          .rows = 1,
                          .count = (size_t)x->dim[x->rank - 1],
                          .floor = onr_attr_float(ctx->node, "floor", 0.0f)};
    for (int i = 0; i < x->rank - 2; i++) {
        plan->outer.dim[i] = (size_t)x->dim[perm[i]];
        plan->outer.stride[i] = (size_t)strides[perm[i]];
        plan->outer.count *= plan->outer.dim[i];
        plan->outer.rank++;
    }
    if (x->rank > 1) {
        plan->rows = (size_t)x->dim[perm[x->rank - 2]];
        plan->stride = (size_t)strides[perm[x->rank - 2]];
    }
    plan->blocks = onr_size_divide_up(plan->rows, BLOCK);
    ctx->plan = plan;
    return ONR_OK;
}

struct job {
    const struct plan *plan;
    onr_reduce_row_fn sum_square;
    onr_binary_fn divide;
    const float *x;
    float *y;
};

/* Items are blocks of rows. The sums of some are found before these are divided, so that nothing waits
 * for their roots. */
static void do_blocks(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct plan *plan = job->plan;
    float norms[BLOCK];
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t outer = item / plan->blocks;
        size_t row = item % plan->blocks * BLOCK;
        size_t rows = plan->rows - row < BLOCK ? plan->rows - row : BLOCK;
        const float *x = job->x + onr_index_group_offset(&plan->outer, outer) + row * plan->stride;
        float *y = job->y + (outer * plan->rows + row) * plan->count;
        for (size_t r = 0; r < rows; r++) {
            double sum = 0;
            job->sum_square(plan->count, x + r * plan->stride, &sum);
            float norm = (float)sqrt(sum);
            norms[r] = norm < plan->floor ? plan->floor : norm;
        }
        for (size_t r = 0; r < rows; r++) {
            job->divide(plan->count, x + r * plan->stride, 1, &norms[r], 0, y + r * plan->count);
        }
    }
}

static enum onr_status unit_rows_run(struct onr_run_ctx *ctx)
{
    const struct plan *plan = ctx->plan;
    const struct onr_kernels *kernels = ctx->kernels;
    struct job job = {.plan = plan,
                      .sum_square = kernels->reduce.row[ONR_REDUCE_F32][ONR_REDUCE_SUM_SQUARE],
                      .divide = kernels->binary.rows[ONR_BINARY_DIV][ONR_FLOAT],
                      .x = ctx->inputs[0]->data,
                      .y = ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, plan->outer.count * plan->blocks,
                     onr_grain(BLOCK * plan->count * 2), do_blocks, &job);
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {
    {"floor", ONR_ATTR_FLOAT, false}, {"perm", ONR_ATTR_INTS, false}, {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_BIT(FLOAT), 1}, {0}};

extern const struct onr_op_def onr_ops_unit_rows[];
const struct onr_op_def onr_ops_unit_rows[] = {
    {.domain = "onnxrun",
     .name = "UnitRows",
     .since_version = 1,
     .last_version = 1,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = unit_rows_infer,
     .plan = unit_rows_plan,
     .run = unit_rows_run,
     .kernel = ONR_KERNEL_AT(reduce.row[ONR_REDUCE_F32][ONR_REDUCE_SUM_SQUARE])},
    {.name = NULL},
};
