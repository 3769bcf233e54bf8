/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Y = A * W + bias with weights that are stored in another form: W is made in float32 for some
 * columns of Y at a time, and multiplied with all rows of A.
 */
#ifndef ONR_OPS_CONTRIB_BLOCK_PRODUCT_H
#define ONR_OPS_CONTRIB_BLOCK_PRODUCT_H

#include "graph/op_def.h"
#include "kernels/kernels.h"

/*
 * Writes W for the columns [begin, end) of Y: column j is w[(j - begin) * stride + p], or, when the
 * product's is_row_major is set, w[p * stride + (j - begin)].
 */
typedef void (*onr_block_fill_fn)(const void *arg, size_t begin, size_t end, float *w,
                                  size_t stride);

/* The fields up to `fill` are set by the caller of onr_block_product_plan. */
struct onr_block_product {
    enum onr_dtype dtype; /* of A, bias and Y: float32, float16 or bfloat16 */
    size_t m, n, k;
    bool is_row_major;
    size_t k_room;      /* steps of k that fill writes, at least k */
    size_t column_step; /* fill writes whole multiples of it, a power of two, from begin on */
    onr_block_fill_fn fill;

    const struct onr_gemm_f32 *kernel;
    size_t chunk; /* columns that are made at once */
    size_t grain;
    size_t bias_bytes, gemm_bytes, weight_bytes, worker_bytes;
};

/* Plans the product and its workspace. Error: ONR_ERR_LIMIT. */
enum onr_status onr_block_product_plan(struct onr_block_product *product,
                                       const struct onr_kernels *kernels,
                                       struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* arg is handed to fill; bias may be NULL. workspace: 64-byte aligned. */
void onr_block_product_run(const struct onr_block_product *product, const void *arg, const void *a,
                           const void *bias, void *y, const struct onr_run_ctx *ctx);

#endif
