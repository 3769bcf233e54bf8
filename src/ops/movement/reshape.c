/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reshape, Flatten (ai.onnx)                     https://onnx.ai/onnx/operators/onnx__Reshape.html
 *
 * y = the elements of x, in order, in another shape.
 *
 * Shapes    Reshape: as `shape` lists; 0 copies the dimension of x at the same place (unless
 *           allowzero, 14+), one -1 takes what is left. Flatten: [prod(dims before axis), prod(dims
 *           from axis)].
 * Types     all.
 * Attrs     Reshape 1-4: shape (an input from 5 on); 14+: allowzero (default 0). Flatten: axis,
 *           default 1, in [0, rank], from 11 on also negative.
 * Edge      Symbols -1 is found by cancelling equal symbols: [batch, seq, 768] to [0, -1, 12, 64] keeps
 *           batch and seq. -1 beside a dimension of 0 is what the graph has there for any
 *           others, as 12 in [batch, seq, 768] to [0, 0, -1, 64]; else it has no answer: refused.
 * Aliasing  y is a view of x.
 */
#include "ops/movement/reshape.h"

#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>

/* Replaces 0 by the dimension of x; leaves -1 (stored as ONR_DIM_UNKNOWN) to its caller. */
static enum onr_status read_target(struct onr_infer_ctx *ctx, const struct onr_sint *ints,
                                   size_t count, struct onr_shape *y, int *free_axis)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    bool is_zero_kept = onr_attr_int(ctx->node, "allowzero", 0) != 0;
    ONR_TRY(onr_check_max_rank(ctx->err, count));
    y->rank = (int)count;
    for (int i = 0; i < y->rank; i++) {
        y->dim[i] = ints[i].dim == 0 ? ints[i].value : ints[i].dim;
        if (ints[i].dim != 0 || ints[i].value > 0) {
            continue;
        }
        if (ints[i].value == -1 && *free_axis < 0) {
            *free_axis = i;
        } else if (ints[i].value < 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE,
                                  "shape has %" PRId64 " at %d, expected at most one -1",
                                  ints[i].value, i);
        } else if (!is_zero_kept && x->rank != ONR_RANK_UNKNOWN) {
            if (i >= x->rank) {
                return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                      "shape has 0 at %d, but the input has rank %d", i, x->rank);
            }
            y->dim[i] = x->dim[i];
        } else if (!is_zero_kept) {
            y->dim[i] = ONR_DIM_UNKNOWN;
        }
    }
    return ONR_OK;
}

/* A product of dimensions, after symbols that both sides share were cancelled. */
struct factors {
    int64_t number;   /* of no use unless it is complete */
    int64_t symbol;   /* the only one, or 0 */
    bool is_complete; /* no unknown dimension and at most one symbol */
};

/* The product of a's dims except those at skip and those that cancel with a dim of b (except at
 * b_skip). */
static struct factors left_over(const struct onr_shape *a, int a_skip, const struct onr_shape *b,
                                int b_skip)
{
    struct factors rest = {.number = 1, .is_complete = true};
    bool is_used[ONR_MAX_RANK] = {false};
    for (int i = 0; i < a->rank; i++) {
        bool is_symbol = onr_dim_is_symbol(a->dim[i]);
        int match = b->rank;
        if (i == a_skip) {
            continue;
        }
        for (int k = 0; is_symbol && k < b->rank; k++) {
            if (k != b_skip && !is_used[k] && onr_dim_is_symbol(b->dim[k]) &&
                onr_dim_base(b->dim[k]) == onr_dim_base(a->dim[i])) {
                match = k;
                break;
            }
        }
        rest.number = onr_dim_mul(rest.number, is_symbol ? onr_dim_factor(a->dim[i]) : a->dim[i]);
        if (match < b->rank) {
            is_used[match] = true;
        } else if (a->dim[i] < 0) {
            rest.is_complete &= is_symbol && rest.symbol == 0;
            rest.symbol = is_symbol ? onr_dim_base(a->dim[i]) : a->dim[i];
        }
    }
    return rest;
}

static enum onr_status fail_counts(struct onr_infer_ctx *ctx, const struct onr_shape *y)
{
    char from[ONR_SHAPE_TEXT_BYTES];
    char to[ONR_SHAPE_TEXT_BYTES];
    return onr_infer_fail(ctx, ONR_ERR_SHAPE, "cannot reshape %s to %s",
                          onr_shape_text(&ctx->inputs[0]->shape, from), onr_shape_text(y, to));
}

/* What the dimension is for all numbers in place of the symbols that the graph was loaded with, or
 * -1: a number, or a dimension of x. */
static int64_t dim_of_graph(const struct onr_infer_ctx *ctx, const struct onr_shape *y, int axis)
{
    const struct onr_value *values = ctx->graph->values;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    if (ctx->node->outputs[0] >= ctx->graph->value_count ||
        ctx->node->inputs[0] >= ctx->graph->value_count) {
        return -1; /* an output that nobody needs */
    }
    const struct onr_shape *any_x = &values[ctx->node->inputs[0]].fact.shape;
    const struct onr_shape *any_y = &values[ctx->node->outputs[0]].fact.shape;
    int64_t dim = any_y->rank == y->rank ? any_y->dim[axis] : -1;
    for (int i = 0; onr_dim_is_symbol(dim) && any_x->rank == x->rank && i < x->rank; i++) {
        dim = any_x->dim[i] == dim ? x->dim[i] : dim;
    }
    return dim >= 0 ? dim : -1;
}

static enum onr_status fill_free_axis(struct onr_infer_ctx *ctx, struct onr_shape *y, int free_axis)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct factors in = left_over(x, -1, y, free_axis);
    struct factors out = left_over(y, free_axis, x, -1);
    if (!in.is_complete || !out.is_complete || out.symbol != 0) {
        return ONR_OK;
    }
    if (out.number == 0 && in.number == 0 && in.symbol == 0 &&
        dim_of_graph(ctx, y, free_axis) >= 0) {
        y->dim[free_axis] = dim_of_graph(ctx, y, free_axis);
        return ONR_OK;
    }
    if (out.number <= 0 || in.number % out.number != 0) {
        return in.symbol == 0 || out.number <= 0 ? fail_counts(ctx, y) : ONR_OK;
    }
    y->dim[free_axis] =
        in.symbol == 0 ? in.number / out.number : onr_dim_mul(in.number / out.number, in.symbol);
    return ONR_OK;
}

static enum onr_status reshape_to(struct onr_infer_ctx *ctx, const struct onr_sint *ints,
                                  size_t count)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape y = {.rank = 0};
    int free_axis = -1;
    ONR_TRY(read_target(ctx, ints, count, &y, &free_axis));
    if (free_axis >= 0) {
        ONR_TRY(fill_free_axis(ctx, &y, free_axis));
    } else if (onr_fact_is_shaped(ctx->inputs[0]) && onr_shape_is_known(&y) &&
               onr_shape_count(x) != onr_shape_count(&y)) {
        return fail_counts(ctx, &y);
    }
    ctx->outputs[0].shape = y;
    onr_contents_forward(ctx);
    return ONR_OK;
}

static enum onr_status reshape_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_sint *ints = NULL;
    size_t count = 0;
    ONR_TRY(onr_infer_sints(ctx, 1, &ints, &count));
    if (ints != NULL) {
        return reshape_to(ctx, ints, count);
    }
    int64_t rank = onr_list_length(ctx, 1);
    if (rank >= 0) {
        ONR_TRY(onr_check_max_rank(ctx->err, (size_t)rank));
        onr_infer_unknown_dims(ctx, (int)rank);
    }
    return ONR_OK;
}

enum onr_status onr_reshape_part(struct onr_infer_ctx *ctx, uint32_t list,
                                 const struct onr_shape *x, bool is_output, struct onr_shape *y)
{
    *y = *x;
    if (!onr_infer_has_input(ctx, list)) {
        return ONR_OK;
    }
    uint32_t output = is_output ? ctx->node->outputs[0] : ONR_NO_VALUE;
    return onr_infer_part(ctx, reshape_infer, list, x, output, y);
}

static enum onr_status reshape_attr_infer(struct onr_infer_ctx *ctx)
{
    struct onr_sint target[ONR_MAX_RANK];
    size_t count = 0;
    const int64_t *ints = onr_attr_ints(ctx->node, "shape", &count);
    ONR_TRY(onr_check_max_rank(ctx->err, count));
    for (size_t i = 0; i < count; i++) {
        target[i] = onr_sint_of(ints[i]);
    }
    return reshape_to(ctx, target, count);
}

static enum onr_status flatten_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t axis = onr_attr_int(ctx->node, "axis", 1);
    onr_infer_unknown_dims(ctx, 2);
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    int split = x->rank;
    if (axis != x->rank) {
        ONR_TRY(onr_check_axis(ctx->err, axis, x->rank, &split));
    }
    ctx->outputs[0].shape.dim[0] = onr_dim_range(x, 0, split);
    ctx->outputs[0].shape.dim[1] = onr_dim_range(x, split, x->rank);
    return ONR_OK;
}

static enum onr_status reshape_run(struct onr_run_ctx *ctx)
{
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec reshape_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec shape_attrs[] = {{"shape", ONR_ATTR_INTS, true}, {0}};
static const struct onr_attr_spec allowzero_attrs[] = {{"allowzero", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};

#define RESHAPE_ROW(first, last, input_count, specs, attr_specs, infer_fn)                         \
    {                                                                                              \
        .domain = "", .name = "Reshape", .since_version = (first), .last_version = (last),         \
        .inputs = {(input_count), (input_count)}, .outputs = {1, 1}, .attrs = (attr_specs),        \
        .input_specs = (specs), .output_specs = any_specs, .traits = ONR_TRAIT_VIEW,               \
        .infer = (infer_fn), .run = reshape_run                                                    \
    }

extern const struct onr_op_def onr_ops_reshape[];
const struct onr_op_def onr_ops_reshape[] = {
    RESHAPE_ROW(1, 4, 1, any_specs, shape_attrs, reshape_attr_infer),
    RESHAPE_ROW(5, 13, 2, reshape_inputs, NULL, reshape_infer),
    RESHAPE_ROW(14, ONR_OPSET_LATEST, 2, reshape_inputs, allowzero_attrs, reshape_infer),
    {.domain = "",
     .name = "Flatten",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = axis_attrs,
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW,
     .infer = flatten_infer,
     .run = reshape_run},
    {.name = NULL},
};
