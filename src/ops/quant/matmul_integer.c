/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMulInteger (ai.onnx), version 10+.
 * https://onnx.ai/onnx/operators/onnx__MatMulInteger.html
 *
 * Y[i,j] = sum_p (A[i,p] - a_zero_point) * (B[p,j] - b_zero_point)
 *
 * Shapes    A: [batch..., m, k], B: [batch..., k, n] -> Y: [batch..., m, n] with numpy's rules for
 *           batches and vectors. a_zero_point: one element, [m] or [batch..., m, 1]. b_zero_point:
 *           one element, [n] or [batch..., 1, n].
 * Types     A, B: int8, uint8, each with its zero point. Y: int32, wrapping.
 * Edge      k = 0 gives zeros.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/norm/norm_rows.h"

#include <inttypes.h>
#include <string.h>

/* An operand seen as [batch..., rows, columns]; vectors get a row or column of 1. */
struct integer_operand {
    int batch_rank;
    int64_t rows;
    int64_t columns;
};

static struct integer_operand view_operand(const struct onr_shape *shape, bool is_left)
{
    if (shape->rank == 1) {
        return is_left ? (struct integer_operand){0, 1, shape->dim[0]}
                       : (struct integer_operand){0, shape->dim[0], 1};
    }
    return (struct integer_operand){shape->rank - 2, shape->dim[shape->rank - 2],
                                    shape->dim[shape->rank - 1]};
}

static int64_t batch_dim(const struct onr_shape *shape, int own_rank, int rank, int axis)
{
    return axis < rank - own_rank ? 1 : shape->dim[axis - (rank - own_rank)];
}

/* A zero point has one element, or one per row (of a) or column (of b) of the matrices. */
static enum onr_status check_zero(struct onr_infer_ctx *ctx, uint32_t index, int64_t want)
{
    if (!onr_infer_has_input(ctx, index) || !onr_fact_is_shaped(ctx->inputs[index])) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    const struct onr_shape *of = &ctx->inputs[index - 2]->shape;
    int64_t count = onr_shape_count(shape);
    bool is_vector = shape->rank == 1 && (want < 0 || count == want);
    bool is_full = shape->rank == of->rank && of->rank >= 2;
    for (int i = 0; is_full && i < shape->rank; i++) {
        bool is_summed = i == shape->rank - (index == 2 ? 1 : 2);
        int64_t dim = is_summed ? 1 : of->dim[i];
        is_full = dim < 0 || shape->dim[i] == dim;
    }
    if (count != 1 && !is_vector && !is_full) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "zero point of shape %s does not fit input %u",
                              onr_shape_text(shape, text), (unsigned)index - 2);
    }
    return ONR_OK;
}

static enum onr_status integer_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a_shape = &ctx->inputs[0]->shape;
    const struct onr_shape *b_shape = &ctx->inputs[1]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    if (a_shape->rank < 0 || b_shape->rank < 0) {
        return ONR_OK;
    }
    if (a_shape->rank == 0 || b_shape->rank == 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "an input is a scalar, expected rank 1 or more");
    }
    struct integer_operand a = view_operand(a_shape, true);
    struct integer_operand b = view_operand(b_shape, false);
    if (a.columns >= 0 && b.rows >= 0 && a.columns != b.rows) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "inner dimensions differ: %" PRId64 " and %" PRId64, a.columns,
                              b.rows);
    }
    ONR_TRY(check_zero(ctx, 2, a.rows));
    ONR_TRY(check_zero(ctx, 3, b.columns));
    struct onr_shape shape = {.rank = a.batch_rank > b.batch_rank ? a.batch_rank : b.batch_rank};
    for (int i = 0; i < shape.rank; i++) {
        int64_t from_a = batch_dim(a_shape, a.batch_rank, shape.rank, i);
        int64_t from_b = batch_dim(b_shape, b.batch_rank, shape.rank, i);
        if (!onr_dim_broadcast(from_a, from_b, &shape.dim[i])) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "batch dimension %d does not broadcast: %" PRId64 " and %" PRId64,
                                  i, from_a, from_b);
        }
    }
    if (a_shape->rank > 1) {
        shape.dim[shape.rank++] = a.rows;
    }
    if (b_shape->rank > 1) {
        shape.dim[shape.rank++] = b.columns;
    }
    *y = shape;
    return ONR_OK;
}

/* Zero point of row or column i of matrix number `matrix`: at i * step + matrix * matrix_step. */
struct zero_steps {
    size_t step;
    size_t matrix;
};

struct integer_plan {
    size_t m, n, k;
    bool is_a_signed, is_b_signed;
    struct zero_steps a_zero, b_zero;
    struct onr_index_group a_batch; /* number of the matrix of A for each matrix of Y */
    struct onr_index_group b_batch;
};

static void plan_zero(struct zero_steps *steps, const struct onr_fact *zero, size_t rows)
{
    if (zero != NULL && onr_shape_count(&zero->shape) != 1) {
        steps->step = 1;
        steps->matrix = zero->shape.rank > 1 ? rows : 0;
    }
}

static void plan_batch(struct onr_index_group *group, const struct onr_shape *shape, int own_rank,
                       const struct onr_shape *y, int rank)
{
    size_t stride = 1;
    *group = (struct onr_index_group){.rank = rank, .count = 1};
    for (int i = rank - 1; i >= 0; i--) {
        size_t dim = (size_t)batch_dim(shape, own_rank, rank, i);
        group->dim[i] = (size_t)y->dim[i];
        group->stride[i] = dim == 1 ? 0 : stride;
        group->count *= group->dim[i];
        stride *= dim;
    }
}

static enum onr_status integer_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *a_fact = ctx->inputs[0];
    const struct onr_fact *b_fact = ctx->inputs[1];
    struct integer_operand a = view_operand(&a_fact->shape, true);
    struct integer_operand b = view_operand(&b_fact->shape, false);
    struct integer_plan *plan = ONR_ARENA_NEW(ctx->arena, struct integer_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a matrix product");
    }
    ctx->plan = plan;
    plan->m = (size_t)a.rows;
    plan->k = (size_t)a.columns;
    plan->n = (size_t)b.columns;
    plan->is_a_signed = a_fact->dtype == ONR_INT8;
    plan->is_b_signed = b_fact->dtype == ONR_INT8;
    plan_zero(&plan->a_zero, onr_plan_input(ctx, 2), plan->m);
    plan_zero(&plan->b_zero, onr_plan_input(ctx, 3), plan->n);
    int rank = a.batch_rank > b.batch_rank ? a.batch_rank : b.batch_rank;
    plan_batch(&plan->a_batch, &a_fact->shape, a.batch_rank, &ctx->outputs[0].shape, rank);
    plan_batch(&plan->b_batch, &b_fact->shape, b.batch_rank, &ctx->outputs[0].shape, rank);
    return ONR_OK;
}

struct integer_job {
    const struct integer_plan *plan;
    const struct onr_quant_kernels *kernels;
    const uint8_t *a, *b;
    const uint8_t *a_zero, *b_zero; /* NULL: 0 */
    int32_t *y;
};

static int32_t byte_value(const uint8_t *data, size_t at, bool is_signed)
{
    return data == NULL ? 0 : is_signed ? (int32_t)(int8_t)data[at] : (int32_t)data[at];
}

/* Items are rows of Y. */
static void multiply_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct integer_job *job = arg;
    const struct integer_plan *plan = job->plan;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t row = item % plan->m;
        size_t a_matrix = onr_index_group_offset(&plan->a_batch, item / plan->m);
        size_t b_matrix = onr_index_group_offset(&plan->b_batch, item / plan->m);
        size_t zero_at = a_matrix * plan->a_zero.matrix + row * plan->a_zero.step;
        int32_t a_zero = byte_value(job->a_zero, zero_at, plan->is_a_signed);
        int32_t *y = job->y + item * plan->n;
        uint32_t sum = 0;
        memset(y, 0, plan->n * sizeof *y);
        for (size_t p = 0; p < plan->k; p++) {
            size_t at = (a_matrix * plan->m + row) * plan->k + p;
            int32_t a = byte_value(job->a, at, plan->is_a_signed) - a_zero;
            const uint8_t *b = job->b + (b_matrix * plan->k + p) * plan->n;
            sum += (uint32_t)a;
            if (plan->is_b_signed) {
                job->kernels->add_product_s8(plan->n, a, (const int8_t *)b, y);
            } else {
                job->kernels->add_product_u8(plan->n, a, b, y);
            }
        }
        for (size_t j = 0; j < plan->n && job->b_zero != NULL; j++) {
            int32_t zero =
                byte_value(job->b_zero, b_matrix * plan->b_zero.matrix + j * plan->b_zero.step,
                           plan->is_b_signed);
            y[j] = (int32_t)((uint32_t)y[j] - sum * (uint32_t)zero);
        }
    }
}

static enum onr_status integer_run(struct onr_run_ctx *ctx)
{
    const struct integer_plan *plan = ctx->plan;
    struct integer_job job = {
        .plan = plan,
        .kernels = &ctx->kernels->quant,
        .a = ctx->inputs[0]->data,
        .b = ctx->inputs[1]->data,
        .a_zero = onr_input_data(ctx, 2),
        .b_zero = onr_input_data(ctx, 3),
        .y = ctx->outputs[0]->data,
    };
    if (plan->n > 0) {
        size_t grain = 16384 / (plan->n * (plan->k + 1)) + 1;
        onr_parallel_for(ctx->parallel, plan->a_batch.count * plan->m, grain, multiply_rows, &job);
    }
    return ONR_OK;
}

#define BYTE_TYPES (ONR_BIT(INT8) | ONR_BIT(UINT8))

static const struct onr_param_spec integer_inputs[] = {
    {BYTE_TYPES, 1}, {BYTE_TYPES, 2}, {BYTE_TYPES, 1}, {BYTE_TYPES, 2}, {0, 0}};
static const struct onr_param_spec integer_outputs[] = {{ONR_BIT(INT32), 0}, {0, 0}};

extern const struct onr_op_def onr_ops_matmul_integer[];
const struct onr_op_def onr_ops_matmul_integer[] = {
    {.domain = "",
     .name = "MatMulInteger",
     .since_version = 10,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 4},
     .outputs = {1, 1},
     .input_specs = integer_inputs,
     .output_specs = integer_outputs,
     .infer = integer_infer,
     .plan = integer_plan,
     .run = integer_run},
    {.name = NULL},
};
