/* SPDX-License-Identifier: Apache-2.0 */
/* Selection between two operands: the same for all types of one size, which are only copied. */
#include "kernels/elementwise/binary.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_select)(struct onr_kernels *kernels);

/* The elements are of another type than these words; the attribute tells the compiler. */
typedef uint16_t __attribute__((may_alias)) word16;
typedef uint32_t __attribute__((may_alias)) word32;
typedef uint64_t __attribute__((may_alias)) word64;
typedef struct {
    uint64_t half[2];
} __attribute__((may_alias)) word128;

#define SELECT(name, type)                                                                         \
    static void copy_##name(size_t count, const type *x, size_t step, type *z)                     \
    {                                                                                              \
        const type first = x[0];                                                                   \
        ONR_IVDEP                                                                                  \
        for (size_t i = 0; i < count; i++) {                                                       \
            z[i] = step != 0 ? x[i] : first;                                                       \
        }                                                                                          \
    }                                                                                              \
    static void select_##name(size_t count, const void *condition, size_t condition_step,          \
                              const void *a, size_t a_step, const void *b, size_t b_step,          \
                              void *out)                                                           \
    {                                                                                              \
        const uint8_t *c = condition;                                                              \
        const type *x = a;                                                                         \
        const type *y = b;                                                                         \
        type *z = out;                                                                             \
        if (count == 0) {                                                                          \
            return;                                                                                \
        }                                                                                          \
        const type x0 = x[0];                                                                      \
        const type y0 = y[0];                                                                      \
        if (condition_step == 0) {                                                                 \
            copy_##name(count, c[0] != 0 ? x : y, c[0] != 0 ? a_step : b_step, z);                 \
        } else if (a_step != 0 && b_step != 0) {                                                   \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                z[i] = c[i] != 0 ? x[i] : y[i];                                                    \
            }                                                                                      \
        } else if (a_step != 0) {                                                                  \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                z[i] = c[i] != 0 ? x[i] : y0;                                                      \
            }                                                                                      \
        } else if (b_step != 0) {                                                                  \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                z[i] = c[i] != 0 ? x0 : y[i];                                                      \
            }                                                                                      \
        } else {                                                                                   \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                z[i] = c[i] != 0 ? x0 : y0;                                                        \
            }                                                                                      \
        }                                                                                          \
    }

SELECT(8, uint8_t)
SELECT(16, word16)
SELECT(32, word32)
SELECT(64, word64)
SELECT(128, word128)

void ONR_KERNEL(onr_fill_select)(struct onr_kernels *kernels)
{
    onr_select_fn *select = kernels->binary.select;
    select[0] = select_8;
    select[1] = select_16;
    select[2] = select_32;
    select[3] = select_64;
    select[4] = select_128;
}
