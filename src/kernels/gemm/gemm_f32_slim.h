/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the GEMM family: a shape of AVX2 that wider instruction sets use as well. */
#ifndef ONR_KERNELS_GEMM_GEMM_F32_SLIM_H
#define ONR_KERNELS_GEMM_GEMM_F32_SLIM_H

#include "kernels/gemm/gemm.h"

/* 8 x 4, for onr_gemm_kernels.slim. Its sums go in the order of all tiles. */
extern const struct onr_gemm_f32 onr_gemm_f32_slim__avx2;

#endif
