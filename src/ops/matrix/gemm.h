/* SPDX-License-Identifier: Apache-2.0 */
/* What Gemm shares with FusedGemm: the functions of its row. ctx->plan is a struct onr_product. */
#ifndef ONR_OPS_MATRIX_GEMM_H
#define ONR_OPS_MATRIX_GEMM_H

#include "ops/matrix/product.h"

enum onr_status onr_gemm_infer(struct onr_infer_ctx *ctx);
enum onr_status onr_gemm_prepare(struct onr_prepare_ctx *ctx);
enum onr_status onr_gemm_plan(struct onr_plan_ctx *ctx);
enum onr_status onr_gemm_run(struct onr_run_ctx *ctx);

#endif
