/* SPDX-License-Identifier: Apache-2.0 */
/* The cells: what happens to one sequence of the batch in one time step, after the products. */
#ifndef ONR_OPS_RECURRENT_RECURRENT_CELLS_H
#define ONR_OPS_RECURRENT_RECURRENT_CELLS_H

#include "ops/recurrent/recurrent.h"

/* Rows of one sequence, in the type that is computed in. */
struct onr_cell {
    const struct onr_kernels *kernels;
    const struct onr_recurrent_config *config;
    const struct onr_cell_function *function; /* of the direction */
    enum onr_dtype wide;
    size_t hidden;
    const void *projected; /* [gates * hidden] */
    void *sums;            /* [gates * hidden]; becomes the gates */
    void *h;               /* [hidden] the state before, and after */
    void *c;               /* [hidden] LSTM */
    void *spare;           /* [hidden]; GRU: the state times the reset gate, between the halves */
    const void *peepholes; /* [3 * hidden] or NULL */
};

void onr_cell_rnn(const struct onr_cell *cell);
void onr_cell_lstm(const struct onr_cell *cell);

/*
 * GRU in two halves, between which, unless linear_before_reset, H R^T of the hidden gate is
 * computed from spare and put into the last third of sums.
 */
void onr_cell_gru_gates(const struct onr_cell *cell);
void onr_cell_gru_state(const struct onr_cell *cell);

#endif
