/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: one direction after the other, or each on a thread of its own; in each, the inputs of a chunk
 * of steps are projected by one product, then the steps follow each other. A backward direction goes
 * through the steps from the last to the first; a sequence takes part in the steps that it has, so
 * that each starts at its own end.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/index.h"
#include "ops/recurrent/recurrent_cells.h"
#include "ops/recurrent/recurrent_weights.h"

#include <string.h>

struct walk {
    const struct onr_run_ctx *ctx;
    const struct onr_recurrent_state *state;
    const struct onr_recurrent_plan *plan;
    size_t wide_bytes;
    char *shared; /* blocks of all directions; those of this one are in the workspace of ctx */
    unsigned direction;
    size_t step;           /* that is computed */
    const char *projected; /* of this step */
    float x_scale;         /* of the integers that stand for X, when weights are quantised */
    bool has_peepholes;
    void (*cell)(const struct onr_cell *cell);
    bool is_last_half; /* after the cell the step is done */
};

static const struct onr_tensor *input_of(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->input_count ? ctx->inputs[index] : NULL;
}

static struct onr_tensor *output_of(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->output_count ? ctx->outputs[index] : NULL;
}

static char *block(const struct walk *w, enum onr_recurrent_block which)
{
    return (which <= ONR_BLOCK_R ? w->shared : (char *)w->ctx->workspace) + w->plan->block[which];
}

/* out[i] = element first + i of the tensor, in the type that is computed in. */
static void load(const struct walk *w, const struct onr_tensor *tensor, size_t first, size_t count,
                 void *out)
{
    if (w->plan->wide == ONR_DOUBLE) {
        onr_double_gather(tensor->dtype, tensor->data, first, 1, count, out);
    } else {
        onr_float_gather(tensor->dtype, tensor->data, first, 1, count, out);
    }
}

static void store(const struct walk *w, const void *values, struct onr_tensor *tensor, size_t first,
                  size_t count)
{
    if (w->plan->wide == ONR_DOUBLE) {
        onr_double_scatter(tensor->dtype, values, first, 1, count, tensor->data);
    } else {
        onr_float_scatter(tensor->dtype, values, first, 1, count, tensor->data);
    }
}

/* Steps that sequence b has. */
static size_t length_of(const struct walk *w, size_t b)
{
    const struct onr_tensor *lengths = input_of(w->ctx, 4);
    return lengths != NULL ? (size_t)((const int32_t *)lengths->data)[b] : w->plan->dims.steps;
}

static bool is_backward(const struct walk *w)
{
    return w->direction == 1 || w->state->config.is_reverse;
}

/* Row (direction, b) of initial_h, Y_h and their like, in elements. */
static size_t state_row(const struct walk *w, size_t b)
{
    const struct onr_recurrent_config *config = &w->state->config;
    size_t row = config->is_batch_first ? b * config->directions + w->direction
                                        : w->direction * w->plan->dims.batch + b;
    return row * w->plan->dims.hidden;
}

static size_t output_row(const struct walk *w, size_t step, size_t b)
{
    const struct onr_recurrent_config *config = &w->state->config;
    const struct onr_recurrent_dims *d = &w->plan->dims;
    size_t row = config->is_batch_first ? (b * d->steps + step) * config->directions + w->direction
                                        : (step * config->directions + w->direction) * d->batch + b;
    return row * d->hidden;
}

/* Reads or clears the state that the sequences start from. */
static void load_state(const struct walk *w, uint32_t input, enum onr_recurrent_block which)
{
    const struct onr_tensor *initial = input_of(w->ctx, input);
    size_t hidden = w->plan->dims.hidden;
    for (size_t b = 0; b < w->plan->dims.batch; b++) {
        char *row = block(w, which) + b * hidden * w->wide_bytes;
        if (initial != NULL) {
            load(w, initial, state_row(w, b), hidden, row);
        } else {
            memset(row, 0, hidden * w->wide_bytes);
        }
    }
}

/* Writes the state that the sequences end in; 0 for one that has no steps. */
static void store_state(const struct walk *w, uint32_t output, enum onr_recurrent_block which)
{
    struct onr_tensor *last = output_of(w->ctx, output);
    size_t hidden = w->plan->dims.hidden;
    for (size_t b = 0; last != NULL && b < w->plan->dims.batch; b++) {
        char *row = block(w, which) + b * hidden * w->wide_bytes;
        if (input_of(w->ctx, 4) != NULL && length_of(w, b) == 0) {
            memset(row, 0, hidden * w->wide_bytes);
        }
        store(w, row, last, state_row(w, b), hidden);
    }
}

/* bias += the other bias, and 0 stays in hidden_bias; but the bias of the hidden gate of a GRU
 * whose reset comes last stays apart. */
static void load_bias(const struct walk *w)
{
    const struct onr_recurrent_config *config = &w->state->config;
    const struct onr_tensor *b = input_of(w->ctx, 3);
    size_t hidden = w->plan->dims.hidden;
    size_t all = config->gates * hidden;
    size_t apart = config->is_linear_before_reset ? hidden : 0;
    char *bias = block(w, ONR_BLOCK_BIAS);
    char *hidden_bias = block(w, ONR_BLOCK_HIDDEN_BIAS);
    if (b == NULL) {
        memset(bias, 0, all * w->wide_bytes);
        memset(hidden_bias, 0, all * w->wide_bytes);
        return;
    }
    load(w, b, 2 * all * w->direction, all, bias);
    load(w, b, 2 * all * w->direction + all, all, hidden_bias);
    w->ctx->kernels->binary.rows[ONR_BINARY_ADD][w->plan->wide](all - apart, bias, 1, hidden_bias,
                                                                1, bias);
    memset(hidden_bias, 0, (all - apart) * w->wide_bytes);
}

static void load_peepholes(struct walk *w)
{
    size_t count = 3 * w->plan->dims.hidden;
    const struct onr_tensor *p =
        w->state->config.kind == ONR_CELL_LSTM ? input_of(w->ctx, 7) : NULL;
    w->has_peepholes = p != NULL;
    if (p != NULL) {
        load(w, p, count * w->direction, count, block(w, ONR_BLOCK_PEEPHOLES));
    }
}

/* X, W or R where it is read from. */
static const void *operand(const struct walk *w, uint32_t input)
{
    static const enum onr_recurrent_block blocks[] = {ONR_BLOCK_X, ONR_BLOCK_W, ONR_BLOCK_R};
    return w->plan->is_copied[input] ? block(w, blocks[input]) : w->ctx->inputs[input]->data;
}

/* y = a * (part of the weights) */
static void multiply(const struct walk *w, const struct onr_product *planned,
                     enum onr_recurrent_part part, const void *a, const void *bias, void *y)
{
    const struct onr_recurrent_config *config = &w->state->config;
    struct onr_recurrent_view view = onr_recurrent_view(config, &w->plan->dims, w->direction, part);
    struct onr_product product = *planned;
    struct onr_product_operands operands = {.a = a, .c = bias, .y = y};
    product.is_backward = part != ONR_PART_INPUT && w->step % 2 == 1; /* from where R was left */
    product.packed = w->state->part[w->direction][part].packed.data;
    if (product.packed == NULL && view.k > 0) {
        operands.b = (const char *)operand(w, view.input) + view.first * w->wide_bytes;
    }
    onr_product_run(&product, &operands, w->ctx);
}

static void write_output(const struct walk *w, size_t b, const void *h)
{
    struct onr_tensor *y = output_of(w->ctx, 0);
    size_t hidden = w->plan->dims.hidden;
    size_t first = output_row(w, w->step, b);
    if (y == NULL) {
        return;
    }
    if (h != NULL) {
        store(w, h, y, first, hidden);
    } else if (hidden > 0) { /* zero bits are 0 in every float type */
        size_t bytes = onr_dtype_size(y->dtype);
        memset((char *)y->data + first * bytes, 0, hidden * bytes);
    }
}

/* The cell of the sequences [begin, end). */
static void cell_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct walk *w = arg;
    const struct onr_recurrent_config *config = &w->state->config;
    size_t row = w->plan->dims.hidden * w->wide_bytes;
    (void)worker;
    for (size_t b = begin; b < end; b++) {
        if (w->step >= length_of(w, b)) {
            if (w->is_last_half) {
                write_output(w, b, NULL);
            }
            continue;
        }
        struct onr_cell cell = {
            .kernels = w->ctx->kernels,
            .config = config,
            .function = config->function[w->direction],
            .wide = w->plan->wide,
            .hidden = w->plan->dims.hidden,
            .projected = config->is_quantized ? block(w, ONR_BLOCK_BIAS)
                                              : w->projected + b * config->gates * row,
            .sums = block(w, ONR_BLOCK_SUMS) + b * config->gates * row,
            .h = block(w, ONR_BLOCK_H) + b * row,
            .c = config->kind == ONR_CELL_LSTM ? block(w, ONR_BLOCK_C) + b * row : NULL,
            .spare = block(w, ONR_BLOCK_SPARE) + b * row,
            .peepholes = w->has_peepholes ? block(w, ONR_BLOCK_PEEPHOLES) : NULL,
        };
        w->cell(&cell);
        if (w->is_last_half) {
            write_output(w, b, cell.h);
        }
    }
}

static void run_cells(struct walk *w, void (*cell)(const struct onr_cell *), bool is_last_half)
{
    w->cell = cell;
    w->is_last_half = is_last_half;
    size_t work = 16 * w->state->config.gates * w->plan->dims.hidden;
    onr_parallel_for(w->ctx->parallel, w->plan->dims.batch, onr_grain(work), cell_range, w);
}

/* sums = H R^T + projected, with H quantised anew; the cell adds the bias. */
static void sum_quantized(struct walk *w)
{
    const struct onr_recurrent_dims *d = &w->plan->dims;
    struct onr_recurrent_integers integers = onr_recurrent_integers(w->ctx, 2);
    float *steps = (float *)(void *)block(w, ONR_BLOCK_ROUNDED);
    float *sums = (float *)(void *)block(w, ONR_BLOCK_SUMS);
    float scale = onr_recurrent_quantize(d->batch * d->hidden,
                                         (const float *)(void *)block(w, ONR_BLOCK_H), steps);
    multiply(w, &w->plan->product[ONR_PART_RECURRENT], ONR_PART_RECURRENT, steps, NULL, sums);
    onr_recurrent_scale(&integers, w->direction, scale, d->batch, sums,
                        (const float *)(const void *)w->projected);
}

static void run_step(struct walk *w)
{
    const struct onr_recurrent_config *config = &w->state->config;
    const struct onr_recurrent_plan *plan = w->plan;
    char *sums = block(w, ONR_BLOCK_SUMS);
    if (config->is_quantized) {
        sum_quantized(w);
    } else {
        multiply(w, &plan->product[ONR_PART_RECURRENT], ONR_PART_RECURRENT, block(w, ONR_BLOCK_H),
                 block(w, ONR_BLOCK_HIDDEN_BIAS), sums);
    }
    if (config->kind != ONR_CELL_GRU) {
        run_cells(w, config->kind == ONR_CELL_LSTM ? onr_cell_lstm : onr_cell_rnn, true);
        return;
    }
    run_cells(w, onr_cell_gru_gates, false);
    if (onr_recurrent_has_part(config, ONR_PART_HIDDEN)) {
        multiply(w, &plan->product[ONR_PART_HIDDEN], ONR_PART_HIDDEN, block(w, ONR_BLOCK_SPARE),
                 NULL, sums + 2 * plan->dims.hidden * w->wide_bytes);
    }
    run_cells(w, onr_cell_gru_state, true);
}

/* The inputs of `count` steps times W^T, with the bias; quantised ones without. */
static void project(const struct walk *w, const void *x, size_t count)
{
    const struct onr_recurrent_plan *plan = w->plan;
    bool is_quantized = w->state->config.is_quantized;
    char *projected = block(w, ONR_BLOCK_PROJECTED);
    multiply(w, count == plan->chunk ? &plan->product[ONR_PART_INPUT] : &plan->rest, ONR_PART_INPUT,
             x, block(w, is_quantized ? ONR_BLOCK_HIDDEN_BIAS : ONR_BLOCK_BIAS), projected);
    if (is_quantized) {
        struct onr_recurrent_integers integers = onr_recurrent_integers(w->ctx, 1);
        onr_recurrent_scale(&integers, w->direction, w->x_scale, count * plan->dims.batch,
                            (float *)(void *)projected, NULL);
    }
}

static void run_direction(struct walk *w)
{
    const struct onr_recurrent_plan *plan = w->plan;
    const struct onr_recurrent_config *config = &w->state->config;
    size_t x_step = plan->dims.input * (config->is_batch_first ? 1 : plan->dims.batch);
    size_t projected_step = plan->dims.batch * config->gates * plan->dims.hidden * w->wide_bytes;
    for (size_t done = 0; done < plan->dims.steps; done += plan->chunk) {
        size_t left = plan->dims.steps - done;
        size_t count = left < plan->chunk ? left : plan->chunk;
        size_t first = is_backward(w) ? left - count : done;
        const char *x = operand(w, 0);
        x = x_step > 0 && x != NULL ? x + first * x_step * w->wide_bytes : NULL;
        project(w, x, count);
        for (size_t i = 0; i < count; i++) {
            size_t at = is_backward(w) ? count - 1 - i : i;
            w->step = first + at;
            w->projected = block(w, ONR_BLOCK_PROJECTED) + at * projected_step;
            run_step(w);
        }
    }
}

/* Elements of the steps that some sequence has; X of an operator with quantised weights is
 * [steps, batch, input]. */
static size_t used_inputs(const struct walk *w)
{
    size_t longest = 0;
    for (size_t b = 0; b < w->plan->dims.batch; b++) {
        longest = length_of(w, b) > longest ? length_of(w, b) : longest;
    }
    return longest * w->plan->dims.batch * w->plan->dims.input;
}

/* Fills the blocks that stand for X, W and R. */
static void copy_operands(struct walk *w)
{
    static const enum onr_recurrent_block blocks[] = {ONR_BLOCK_X, ONR_BLOCK_W, ONR_BLOCK_R};
    bool is_quantized = w->state->config.is_quantized;
    for (uint32_t i = 0; i < 3; i++) {
        const struct onr_tensor *tensor = w->ctx->inputs[i];
        if (!w->plan->is_copied[i] || onr_tensor_count(tensor) == 0) {
            continue;
        }
        if (i > 0 && is_quantized) {
            struct onr_recurrent_integers integers = onr_recurrent_integers(w->ctx, i);
            onr_recurrent_centre(&integers, (float *)(void *)block(w, blocks[i]));
            continue;
        }
        load(w, tensor, 0, (size_t)onr_tensor_count(tensor), block(w, blocks[i]));
    }
    if (is_quantized) {
        float *x = (float *)(void *)block(w, ONR_BLOCK_X);
        w->x_scale = onr_recurrent_quantize(used_inputs(w), x, x);
    }
}

/* The directions [begin, end). */
static void run_directions(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct walk w = *(const struct walk *)arg;
    struct onr_run_ctx ctx = *w.ctx;
    (void)worker;
    w.ctx = &ctx;
    for (size_t d = begin; d < end; d++) {
        w.direction = (unsigned)d;
        ctx.workspace = w.shared + w.plan->shared_bytes + d * w.plan->direction_bytes;
        load_bias(&w);
        load_peepholes(&w);
        load_state(&w, 5, ONR_BLOCK_H);
        if (w.state->config.kind == ONR_CELL_LSTM) {
            load_state(&w, 6, ONR_BLOCK_C);
        }
        run_direction(&w);
        store_state(&w, 1, ONR_BLOCK_H);
        if (w.state->config.kind == ONR_CELL_LSTM) {
            store_state(&w, 2, ONR_BLOCK_C);
        }
    }
}

enum onr_status onr_recurrent_run(struct onr_run_ctx *ctx)
{
    const struct onr_recurrent_plan *plan = ctx->plan;
    struct walk w = {.ctx = ctx,
                     .state = ctx->state,
                     .plan = plan,
                     .shared = ctx->workspace,
                     .wide_bytes = onr_dtype_size(plan->wide)};
    size_t directions = w.state->config.directions;
    ONR_TRY(onr_recurrent_check_lengths(ctx));
    if (plan->dims.batch == 0 || plan->dims.hidden == 0) {
        return ONR_OK;
    }
    copy_operands(&w);
    onr_parallel_for(ctx->parallel, directions, plan->direction_bytes > 0 ? 1 : directions,
                     run_directions, &w);
    return ONR_OK;
}
