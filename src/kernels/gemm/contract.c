/* SPDX-License-Identifier: Apache-2.0 */
/* Plain matrix products in portable C: four steps of k per pass over a row of C. */
#include "kernels/gemm/contract.h"

#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <stdint.h>

void ONR_KERNEL(onr_fill_contract)(struct onr_kernels *kernels);

#define DEFINE_CONTRACT(name, type)                                                                \
    static void name##_row(const struct onr_contract *job, size_t i)                               \
    {                                                                                              \
        const type *a = job->k > 0 ? (const type *)job->a + i * job->a_row_stride : NULL;          \
        type *restrict c = (type *)job->c + i * job->c_stride;                                     \
        size_t step = job->b_row_stride;                                                           \
        size_t stride = job->b_column_stride;                                                      \
        size_t p = 0;                                                                              \
        for (size_t j = 0; j < job->n; j++) {                                                      \
            c[j] = 0;                                                                              \
        }                                                                                          \
        for (; p + 4 <= job->k; p += 4) {                                                          \
            const type *x = a + p * job->a_column_stride;                                          \
            const type *b = (const type *)job->b + p * step;                                       \
            type x0 = x[0], x1 = x[job->a_column_stride];                                          \
            type x2 = x[2 * job->a_column_stride], x3 = x[3 * job->a_column_stride];               \
            for (size_t j = 0; j < job->n; j++, b += stride) {                                     \
                c[j] = c[j] + x0 * b[0] + x1 * b[step] + x2 * b[2 * step] + x3 * b[3 * step];      \
            }                                                                                      \
        }                                                                                          \
        for (; p < job->k; p++) {                                                                  \
            const type *b = (const type *)job->b + p * step;                                       \
            type x = a[p * job->a_column_stride];                                                  \
            for (size_t j = 0; j < job->n; j++) {                                                  \
                c[j] += x * b[j * stride];                                                         \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void name(const struct onr_contract *job)                                               \
    {                                                                                              \
        for (size_t i = 0; i < job->m; i++) {                                                      \
            name##_row(job, i);                                                                    \
        }                                                                                          \
    }

DEFINE_CONTRACT(contract_f64, double)
DEFINE_CONTRACT(contract_u32, uint32_t)
DEFINE_CONTRACT(contract_u64, uint64_t)

void ONR_KERNEL(onr_fill_contract)(struct onr_kernels *kernels)
{
    kernels->contract = (struct onr_contract_kernels){
        .f64 = contract_f64,
        .u32 = contract_u32,
        .u64 = contract_u64,
    };
}
