/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of quantised products and their parameters. */
#include "ops/quant/integer_shape.h"

#include <inttypes.h>

struct onr_integer_view onr_integer_view(const struct onr_shape *shape, bool is_left)
{
    if (shape->rank == 1) {
        return is_left ? (struct onr_integer_view){0, 1, shape->dim[0]}
                       : (struct onr_integer_view){0, shape->dim[0], 1};
    }
    return (struct onr_integer_view){shape->rank - 2, shape->dim[shape->rank - 2],
                                     shape->dim[shape->rank - 1]};
}

int64_t onr_integer_batch_dim(const struct onr_shape *shape, int own_rank, int rank, int axis)
{
    return axis < rank - own_rank ? 1 : shape->dim[axis - (rank - own_rank)];
}

enum onr_status onr_integer_infer(struct onr_infer_ctx *ctx, uint32_t a, uint32_t b,
                                  struct onr_shape *y)
{
    const struct onr_shape *a_shape = &ctx->inputs[a]->shape;
    const struct onr_shape *b_shape = &ctx->inputs[b]->shape;
    y->rank = ONR_RANK_UNKNOWN;
    if (a_shape->rank == 0 || b_shape->rank == 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "an input is a scalar, expected rank 1 or more");
    }
    if (a_shape->rank < 0 || b_shape->rank < 0) {
        return ONR_OK;
    }
    struct onr_integer_view left = onr_integer_view(a_shape, true);
    struct onr_integer_view right = onr_integer_view(b_shape, false);
    if (left.columns >= 0 && right.rows >= 0 && left.columns != right.rows) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "inner dimensions differ: %" PRId64 " and %" PRId64, left.columns,
                              right.rows);
    }
    struct onr_shape shape = {.rank = left.batch_rank > right.batch_rank ? left.batch_rank
                                                                         : right.batch_rank};
    for (int i = 0; i < shape.rank; i++) {
        int64_t from_a = onr_integer_batch_dim(a_shape, left.batch_rank, shape.rank, i);
        int64_t from_b = onr_integer_batch_dim(b_shape, right.batch_rank, shape.rank, i);
        if (!onr_dim_broadcast(from_a, from_b, &shape.dim[i])) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "batch dimension %d does not broadcast: %" PRId64 " and %" PRId64,
                                  i, from_a, from_b);
        }
    }
    if (a_shape->rank > 1) {
        shape.dim[shape.rank++] = left.rows;
    }
    if (b_shape->rank > 1) {
        shape.dim[shape.rank++] = right.columns;
    }
    *y = shape;
    return ONR_OK;
}

/* True for [batch..., rows, 1] or [batch..., 1, columns]: the other dimension is `single`. */
static bool is_full(const struct onr_shape *shape, const struct onr_shape *of, int single)
{
    bool fits = shape->rank == of->rank && of->rank >= 2;
    for (int i = 0; fits && i < shape->rank; i++) {
        int64_t dim = i == single ? 1 : of->dim[i];
        fits = dim < 0 || shape->dim[i] == dim;
    }
    return fits;
}

enum onr_status onr_integer_check(struct onr_infer_ctx *ctx, uint32_t index,
                                  enum onr_integer_per per, const struct onr_shape *of)
{
    if (!onr_infer_has_input(ctx, index) || !onr_fact_is_shaped(ctx->inputs[index])) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (onr_shape_count(shape) == 1 || (per != ONR_PER_TENSOR && of->rank < 0)) {
        return ONR_OK;
    }
    bool fits = false;
    if (per != ONR_PER_TENSOR && of->rank > 0) {
        struct onr_integer_view view = onr_integer_view(of, per == ONR_PER_ROW);
        int64_t want = per == ONR_PER_ROW ? view.rows : view.columns;
        fits = (shape->rank == 1 && (want < 0 || shape->dim[0] == want)) ||
               is_full(shape, of, of->rank - (per == ONR_PER_ROW ? 1 : 2));
    }
    if (!fits) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %u has shape %s, expected one element%s",
                              (unsigned)index, onr_shape_text(shape, text),
                              per == ONR_PER_TENSOR ? ""
                              : per == ONR_PER_ROW  ? " or one for each row"
                                                    : " or one for each column");
    }
    return ONR_OK;
}

enum onr_status onr_integer_check_vector(struct onr_infer_ctx *ctx, uint32_t index, int64_t count)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (shape->rank != 1 || (shape->dim[0] >= 0 && count >= 0 && shape->dim[0] != count)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %u has shape %s, expected [%" PRId64 "]",
                              (unsigned)index, onr_shape_text(shape, text), count);
    }
    return ONR_OK;
}
