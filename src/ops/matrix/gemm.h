/* SPDX-License-Identifier: Apache-2.0 */
/* What Gemm shares with FusedGemm: the functions of its row. ctx->plan is a struct onr_product.
 * QGemm shares its shapes. */
#ifndef ONR_OPS_MATRIX_GEMM_H
#define ONR_OPS_MATRIX_GEMM_H

#include "ops/matrix/product.h"

enum onr_status onr_gemm_infer(struct onr_infer_ctx *ctx);

/* The same where A, B and C are inputs a, b and c. */
enum onr_status onr_gemm_infer_of(struct onr_infer_ctx *ctx, uint32_t a_index, uint32_t b_index,
                                  uint32_t c_index) ONR_MUST_USE;

enum onr_status onr_gemm_prepare(struct onr_prepare_ctx *ctx);
/* activation: applied to Y. */
enum onr_status onr_gemm_plan_with(struct onr_plan_ctx *ctx,
                                   const struct onr_activation *activation) ONR_MUST_USE;

enum onr_status onr_gemm_run(struct onr_run_ctx *ctx);

#endif
