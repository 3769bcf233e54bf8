/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of recurrent operators. */
#include "base/size.h"
#include "ops/common/contents.h"
#include "ops/recurrent/recurrent.h"

#include <inttypes.h>

#define OLD_FLOATS (ONR_BIT(FLOAT16) | ONR_BIT(FLOAT) | ONR_BIT(DOUBLE))
#define INPUT_SPECS(floats)                                                                        \
    {                                                                                              \
        {(floats), 1}, {(floats), 1}, {(floats), 1}, {(floats), 1}, {ONR_BIT(INT32), 0},           \
            {(floats), 1}, {0},                                                                    \
    }
const struct onr_param_spec onr_recurrent_inputs[] = INPUT_SPECS(OLD_FLOATS);
const struct onr_param_spec onr_recurrent_inputs_22[] = INPUT_SPECS(ONR_DTYPES_FLOAT);
const struct onr_param_spec onr_recurrent_outputs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

/* Dimensions that inputs have in common: where one is not known, ONR_DIM_UNKNOWN or a symbol. */
struct dims {
    int64_t steps, batch, input, hidden;
    int64_t directions;
};

static const char *const input_names[] = {"X",         "W",         "R", "B", "sequence_lens",
                                          "initial_h", "initial_c", "P"};

/* *known is the value that both have; a number takes the place of what is no number. */
static enum onr_status unify(struct onr_infer_ctx *ctx, uint32_t index, int axis, int64_t *known)
{
    int64_t dim = ctx->inputs[index]->shape.dim[axis];
    if (*known >= 0 && dim >= 0 && *known != dim) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%s has %" PRId64 " at dimension %d, expected %" PRId64,
                              input_names[index], dim, axis, *known);
    }
    if (*known < 0 && dim != ONR_DIM_UNKNOWN) {
        *known = dim;
    }
    return ONR_OK;
}

/* Unifies the dimensions of an input with those given; a dimension that is NULL is not looked at.
 */
static enum onr_status check_input(struct onr_infer_ctx *ctx, uint32_t index, int rank,
                                   int64_t *const *known)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (shape->rank != rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has rank %d, expected %d", input_names[index],
                              shape->rank, rank);
    }
    for (int axis = 0; axis < rank; axis++) {
        if (known[axis] != NULL) {
            ONR_TRY(unify(ctx, index, axis, known[axis]));
        }
    }
    return ONR_OK;
}

/* Checks a dimension that holds `blocks` blocks of the hidden size. */
static enum onr_status check_blocks(struct onr_infer_ctx *ctx, uint32_t index, int axis,
                                    int64_t blocks, int64_t *hidden)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank <= axis) {
        return ONR_OK;
    }
    int64_t dim = ctx->inputs[index]->shape.dim[axis];
    if (dim < 0) {
        return ONR_OK;
    }
    if (dim % blocks != 0 || (*hidden >= 0 && dim / blocks != *hidden)) {
        if (*hidden < 0) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "%s has %" PRId64 " at dimension %d, expected a multiple of "
                                  "%" PRId64,
                                  input_names[index], dim, axis, blocks);
        }
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%s has %" PRId64 " at dimension %d, expected %" PRId64
                              " times hidden size %" PRId64,
                              input_names[index], dim, axis, blocks, *hidden);
    }
    *hidden = dim / blocks;
    return ONR_OK;
}

static enum onr_status find_dims(struct onr_infer_ctx *ctx,
                                 const struct onr_recurrent_config *config, struct dims *d)
{
    bool is_swapped = config->is_batch_first;
    int64_t gates = config->gates;
    int gate_axis = config->is_quantized ? 2 : 1;
    int input_axis = config->is_quantized ? 1 : 2;
    int64_t *x[] = {is_swapped ? &d->batch : &d->steps, is_swapped ? &d->steps : &d->batch,
                    &d->input};
    int64_t *w[3] = {&d->directions, NULL, NULL};
    int64_t *r[3] = {&d->directions, NULL, NULL};
    int64_t *list[] = {&d->directions, NULL};
    int64_t *lengths[] = {&d->batch};
    int64_t *state[] = {is_swapped ? &d->batch : &d->directions,
                        is_swapped ? &d->directions : &d->batch, &d->hidden};
    w[input_axis] = &d->input;
    r[input_axis] = &d->hidden;
    ONR_TRY(check_input(ctx, 0, 3, x));
    ONR_TRY(check_input(ctx, 1, 3, w));
    ONR_TRY(check_input(ctx, 2, 3, r));
    ONR_TRY(check_blocks(ctx, 1, gate_axis, gates, &d->hidden));
    ONR_TRY(check_blocks(ctx, 2, gate_axis, gates, &d->hidden));
    ONR_TRY(check_input(ctx, 3, 2, list));
    ONR_TRY(check_blocks(ctx, 3, 1, 2 * gates, &d->hidden));
    ONR_TRY(check_input(ctx, 4, 1, lengths));
    ONR_TRY(check_input(ctx, 5, 3, state));
    if (config->kind == ONR_CELL_LSTM) {
        ONR_TRY(check_input(ctx, 6, 3, state));
        ONR_TRY(check_input(ctx, 7, 2, list));
        ONR_TRY(check_blocks(ctx, 7, 1, 3, &d->hidden));
    }
    return ONR_OK;
}

enum onr_status onr_recurrent_infer(struct onr_infer_ctx *ctx, enum onr_cell_kind kind)
{
    struct onr_recurrent_config config;
    ONR_TRY(onr_recurrent_configure(&config, kind, ctx->node, ctx->err));
    struct dims d = {.steps = ONR_DIM_UNKNOWN,
                     .batch = ONR_DIM_UNKNOWN,
                     .input = ONR_DIM_UNKNOWN,
                     .hidden = onr_attr_int(ctx->node, "hidden_size", ONR_DIM_UNKNOWN),
                     .directions = config.directions};
    if (d.hidden < 0 && onr_node_attr(ctx->node, "hidden_size") != NULL) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "hidden_size is %" PRId64, d.hidden);
    }
    ONR_TRY(find_dims(ctx, &config, &d));
    struct onr_shape all = {.rank = 4, .dim = {d.steps, d.directions, d.batch, d.hidden}};
    struct onr_shape last = {.rank = 3, .dim = {d.directions, d.batch, d.hidden}};
    if (config.is_batch_first) {
        all = (struct onr_shape){.rank = 4, .dim = {d.batch, d.steps, d.directions, d.hidden}};
        last = (struct onr_shape){.rank = 3, .dim = {d.batch, d.directions, d.hidden}};
    }
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = i == 0 ? all : last;
    }
    return ONR_OK;
}

struct onr_recurrent_dims onr_recurrent_dims(const struct onr_recurrent_config *config,
                                             const struct onr_shape *x, const struct onr_shape *r)
{
    return (struct onr_recurrent_dims){
        .steps = (size_t)x->dim[config->is_batch_first ? 1 : 0],
        .batch = (size_t)x->dim[config->is_batch_first ? 0 : 1],
        .input = (size_t)x->dim[2],
        .hidden = (size_t)r->dim[config->is_quantized ? 1 : 2],
    };
}

bool onr_recurrent_has_part(const struct onr_recurrent_config *config, enum onr_recurrent_part part)
{
    return part != ONR_PART_HIDDEN ||
           (config->kind == ONR_CELL_GRU && !config->is_linear_before_reset);
}

struct onr_recurrent_view onr_recurrent_view(const struct onr_recurrent_config *config,
                                             const struct onr_recurrent_dims *dims,
                                             unsigned direction, enum onr_recurrent_part part)
{
    size_t all = config->gates * dims->hidden;
    bool is_split = onr_recurrent_has_part(config, ONR_PART_HIDDEN);
    struct onr_recurrent_view view = {.input = part == ONR_PART_INPUT ? 1 : 2};
    view.k = part == ONR_PART_INPUT ? dims->input : dims->hidden;
    view.n = part == ONR_PART_INPUT || !is_split ? all
             : part == ONR_PART_RECURRENT        ? 2 * dims->hidden
                                                 : dims->hidden;
    view.row_stride = config->is_quantized ? all : 1;
    view.column_stride = config->is_quantized ? 1 : view.k;
    view.first = direction * all * view.k;
    view.first += part == ONR_PART_HIDDEN ? 2 * dims->hidden * view.column_stride : 0;
    return view;
}

enum onr_status onr_recurrent_check_lengths(const struct onr_run_ctx *ctx)
{
    const struct onr_recurrent_plan *plan = ctx->plan;
    const int32_t *lengths = onr_input_data(ctx, 4);
    for (size_t b = 0; lengths != NULL && b < plan->dims.batch; b++) {
        if (lengths[b] < 0 || (size_t)lengths[b] > plan->dims.steps) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "sequence_lens[%zu] is %" PRId32 ", expected 0 to %zu", b, lengths[b],
                            plan->dims.steps);
        }
    }
    return ONR_OK;
}
