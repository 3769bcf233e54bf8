/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product of quantised matrices and what becomes of its sums:
 *
 *     s[i,j] = C[i,j] + sum_p (A[i,p] - a_zero[i]) * (B[p,j] - b_zero[j])              (wrapping)
 *     Y[i,j] = s                                                                       int32
 *            = alpha * a_scale[i] * b_scale[j] * s + bias[j]                           float types
 *            = saturate(rint(alpha * a_scale[i] * b_scale[j] / y_scale[i] * s) + y_zero[i])
 *
 * A and B are int8 or uint8, or floats of 8 bits, which are summed in float32; Y may be of these
 * types too. Or A and B are int16 or uint16, without zero points and C, and Y is int32.
 */
#ifndef ONR_OPS_QUANT_INTEGER_PRODUCT_H
#define ONR_OPS_QUANT_INTEGER_PRODUCT_H

#include "kernels/kernels.h"
#include "ops/quant/integer_shape.h"
#include "ops/reduce/reduce_walk.h"

/* The parameter of row or column i of matrix number m is element m * matrix + i * step. */
struct onr_integer_steps {
    size_t step;
    size_t matrix;
};

/* Filled by onr_integer_plan, but for what is optional. */
struct onr_integer_product {
    size_t m, n, k;
    size_t a_row_stride, a_column_stride;
    enum onr_dtype a_dtype, b_dtype, y_dtype;
    struct onr_integer_steps a_zero, b_zero;
    struct onr_index_group a_batch; /* number of the matrix of A for each matrix of Y */
    struct onr_index_group b_batch;
    size_t worker_bytes;

    /* Set by the caller afterwards, unless Y is int32: */
    enum onr_dtype scale_dtype; /* of scales and bias: float32, float16 or bfloat16 */
    struct onr_integer_steps a_scale, b_scale, y_scale, y_zero;
    float alpha;
    size_t c_row_step, c_column_step; /* of the int32 matrix C */
};

struct onr_integer_operands {
    const void *a, *b;
    const void *a_zero, *b_zero; /* NULL: 0 */
    const void *a_scale, *b_scale;
    const void *y_scale; /* NULL: 1 */
    const void *y_zero;  /* NULL: 0 */
    const int32_t *c;    /* or NULL */
    const void *bias;    /* or NULL */
    void *y;
};

/* The steps of a parameter that onr_integer_check has passed; param NULL: it is absent. rows: the
 * rows or columns of its matrices. */
struct onr_integer_steps onr_integer_steps(const struct onr_fact *param, size_t rows);

/*
 * Plans the product of inputs a and b with the zero points a_zero and b_zero (input indices), and
 * its workspace. Error: ONR_ERR_LIMIT, ONR_ERR_MEMORY.
 */
enum onr_status onr_integer_plan(struct onr_integer_product *product, struct onr_plan_ctx *ctx,
                                 const uint32_t a_and_zero[2],
                                 const uint32_t b_and_zero[2]) ONR_MUST_USE;

/* The workspace of a product whose fields are set. Error: ONR_ERR_LIMIT. */
enum onr_status onr_integer_workspace(struct onr_integer_product *product,
                                      struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* workspace: workspace_bytes from the plan. */
void onr_integer_product_run(const struct onr_integer_product *product,
                             const struct onr_integer_operands *operands, void *workspace,
                             const struct onr_run_ctx *ctx);

#endif
