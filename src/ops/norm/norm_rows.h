/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisation of contiguous rows with scale and bias: the engine of LayerNormalization,
 * RMSNormalization and their forms with a residual input.
 */
#ifndef ONR_OPS_NORM_NORM_ROWS_H
#define ONR_OPS_NORM_NORM_ROWS_H

#include "graph/op_def.h"
#include "kernels/kernels.h"
#include "ops/reduce/reduce_walk.h"

/* Where the elements of rows of scale or bias lie. */
struct onr_row_places {
    struct onr_index_group rows; /* offset of row r: onr_index_group_offset(rows, r) */
    struct onr_index_group cols; /* and of its element i */
};

/* How scale or bias is broadcast over rows. */
struct onr_row_param {
    enum onr_dtype dtype;                /* ONR_UNDEFINED: absent */
    const struct onr_row_places *places; /* NULL: the same contiguous row for all rows */
};

struct onr_norm_rows {
    enum onr_dtype dtype; /* of x and skip */
    enum onr_dtype y_dtype;
    enum onr_dtype stat_dtype; /* of mean and inverse_std */
    bool is_rms;
    bool is_double; /* computed in double, else in float */
    double epsilon;
    size_t rows;
    size_t count;     /* elements of a row */
    size_t skip_rows; /* row r is added to row r % skip_rows of skip; 0: no skip */
    struct onr_row_param scale;
    struct onr_row_param bias;
    struct onr_row_param skip_bias; /* added to x + skip */
    size_t worker_bytes;
};

struct onr_norm_tensors {
    const void *x;
    const void *skip; /* this and the next two may be NULL */
    const void *bias;
    const void *skip_bias;
    const void *scale;
    void *y;
    void *mean; /* this and the next two may be NULL */
    void *inverse_std;
    void *sum; /* of x, skip and skip_bias, of x's type */
};

/*
 * Checks that scale or bias can be broadcast to x (unidirectionally) as far as their shapes are
 * known. Error: ONR_ERR_SHAPE naming the parameter.
 */
enum onr_status onr_row_param_check(const struct onr_fact *x, const struct onr_fact *param,
                                    const char *name, struct onr_error *err) ONR_MUST_USE;

/* param is NULL when it is absent. The row is the dims of x from axis on. Error: ONR_ERR_MEMORY */
enum onr_status onr_row_param_init(struct onr_row_param *row_param, const struct onr_shape *x,
                                   int axis, const struct onr_fact *param,
                                   const struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* Fills rows and count from x and axis, and worker_bytes; the other fields are set before. */
enum onr_status onr_norm_rows_plan(struct onr_norm_rows *norm, const struct onr_shape *x, int axis,
                                   struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* y may share storage with x or skip. */
void onr_norm_rows_run(const struct onr_norm_rows *norm, const struct onr_norm_tensors *tensors,
                       const struct onr_run_ctx *ctx);

#endif
