/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells are written in calls of the elementwise kernels on rows of hidden numbers: these are
 * vectorised, exist for float and double, and rows are short enough to stay in L1 between calls.
 */
#include "ops/recurrent/recurrent_cells.h"

#include <string.h>

static char *gate(const struct onr_cell *cell, const void *row, size_t index)
{
    return (char *)(uintptr_t)row + index * cell->hidden * onr_dtype_size(cell->wide);
}

/* y = a op b */
static void combine(const struct onr_cell *cell, enum onr_binary_op op, const void *a,
                    const void *b, void *y)
{
    cell->kernels->binary.rows[op][cell->wide](cell->hidden, a, 1, b, 1, y);
}

/* y = y op number */
static void combine_number(const struct onr_cell *cell, enum onr_binary_op op, float number,
                           void *y)
{
    double wide = (double)number;
    const void *b = cell->wide == ONR_DOUBLE ? (const void *)&wide : (const void *)&number;
    cell->kernels->binary.rows[op][cell->wide](cell->hidden, y, 1, b, 0, y);
}

/* y = 1 - x */
static void complement(const struct onr_cell *cell, const void *x, void *y)
{
    const float one = 1.0f;
    const double wide_one = 1.0;
    const void *a = cell->wide == ONR_DOUBLE ? (const void *)&wide_one : (const void *)&one;
    cell->kernels->binary.rows[ONR_BINARY_SUB][cell->wide](cell->hidden, a, 0, x, 1, y);
}

/* y = function(y) */
static void apply(const struct onr_cell *cell, const struct onr_cell_function *f, void *y)
{
    if (f->inner != 1.0f) {
        combine_number(cell, ONR_BINARY_MUL, f->inner, y);
    }
    if (f->fraction != NULL) {
        cell->kernels->unary.fraction(cell->hidden, y, y, f->fraction);
    } else if (f->has_function) {
        cell->kernels->unary.rows[f->op][cell->wide](cell->hidden, y, y, f->args);
    }
    if (f->scale != 1.0f) {
        combine_number(cell, ONR_BINARY_MUL, f->scale, y);
    }
    if (f->shift != 0.0f) {
        combine_number(cell, ONR_BINARY_ADD, f->shift, y);
    }
}

/* y = function(y held in the clip range) */
static void activate(const struct onr_cell *cell, unsigned function, void *y)
{
    if (cell->config->has_clip) {
        float high = cell->config->clip;
        float low = -high;
        double wide_high = (double)high;
        double wide_low = -wide_high;
        bool is_wide = cell->wide == ONR_DOUBLE;
        cell->kernels->binary.clip[cell->wide](
            cell->hidden, y, is_wide ? (const void *)&wide_low : (const void *)&low,
            is_wide ? (const void *)&wide_high : (const void *)&high, y);
    }
    apply(cell, &cell->function[function], y);
}

/* Adds the projected input to `count` gates of the sums from number `first` on. */
static void add_input(const struct onr_cell *cell, size_t first, size_t count)
{
    cell->kernels->binary.rows[ONR_BINARY_ADD][cell->wide](
        count * cell->hidden, gate(cell, cell->sums, first), 1, gate(cell, cell->projected, first),
        1, gate(cell, cell->sums, first));
}

void onr_cell_rnn(const struct onr_cell *cell)
{
    add_input(cell, 0, 1);
    activate(cell, 0, cell->sums);
    memcpy(cell->h, cell->sums, cell->hidden * onr_dtype_size(cell->wide));
}

/* y += peephole * c */
static void add_peephole(const struct onr_cell *cell, size_t index, void *y)
{
    if (cell->peepholes != NULL) {
        combine(cell, ONR_BINARY_MUL, gate(cell, cell->peepholes, index), cell->c, cell->spare);
        combine(cell, ONR_BINARY_ADD, y, cell->spare, y);
    }
}

void onr_cell_lstm(const struct onr_cell *cell)
{
    void *input = gate(cell, cell->sums, 0);
    void *output = gate(cell, cell->sums, 1);
    void *forget = gate(cell, cell->sums, 2);
    void *fresh = gate(cell, cell->sums, 3);
    add_input(cell, 0, 4);
    add_peephole(cell, 0, input);
    activate(cell, 0, input);
    if (cell->config->is_coupled) {
        complement(cell, input, forget);
    } else {
        add_peephole(cell, 2, forget);
        activate(cell, 0, forget);
    }
    activate(cell, 1, fresh);
    combine(cell, ONR_BINARY_MUL, forget, cell->c, cell->c);
    combine(cell, ONR_BINARY_MUL, input, fresh, fresh);
    combine(cell, ONR_BINARY_ADD, cell->c, fresh, cell->c);
    add_peephole(cell, 1, output);
    activate(cell, 0, output);
    memcpy(cell->spare, cell->c, cell->hidden * onr_dtype_size(cell->wide));
    apply(cell, &cell->function[2], cell->spare);
    combine(cell, ONR_BINARY_MUL, output, cell->spare, cell->h);
}

void onr_cell_gru_gates(const struct onr_cell *cell)
{
    void *update = gate(cell, cell->sums, 0);
    void *reset = gate(cell, cell->sums, 1);
    add_input(cell, 0, 2);
    activate(cell, 0, update);
    activate(cell, 0, reset);
    if (cell->config->is_linear_before_reset) {
        void *hidden = gate(cell, cell->sums, 2);
        combine(cell, ONR_BINARY_MUL, reset, hidden, hidden);
    } else {
        combine(cell, ONR_BINARY_MUL, reset, cell->h, cell->spare);
    }
}

void onr_cell_gru_state(const struct onr_cell *cell)
{
    void *update = gate(cell, cell->sums, 0);
    void *hidden = gate(cell, cell->sums, 2);
    add_input(cell, 2, 1);
    activate(cell, 1, hidden);
    combine(cell, ONR_BINARY_MUL, update, cell->h, cell->h);
    complement(cell, update, update);
    combine(cell, ONR_BINARY_MUL, update, hidden, hidden);
    combine(cell, ONR_BINARY_ADD, cell->h, hidden, cell->h);
}
