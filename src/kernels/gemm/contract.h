/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products of the element types that need no speed of their own: float64, and 32- and 64-bit
 * integers, which wrap around (the same bits for signed and unsigned).
 */
#ifndef ONR_KERNELS_GEMM_CONTRACT_H
#define ONR_KERNELS_GEMM_CONTRACT_H

#include <stddef.h>

/*
 * C[i,j] = sum_p A[i,p] * B[p,j], p ascending. Strides in elements; a, b and c are aligned for the
 * type, c does not overlap the others. k = 0 gives zeros.
 */
struct onr_contract {
    size_t m, n, k;
    const void *a;
    size_t a_row_stride, a_column_stride;
    const void *b;
    size_t b_row_stride, b_column_stride;
    void *c;
    size_t c_stride;
};

typedef void (*onr_contract_fn)(const struct onr_contract *job);

struct onr_contract_kernels {
    onr_contract_fn f64;
    onr_contract_fn u32; /* and int32 */
    onr_contract_fn u64; /* and int64 */
};

#endif
