/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions of double to integers that are defined for every argument: NaN is 0, the rest is cut
 * towards 0 and held in the type's range. */
#ifndef ONR_KERNELS_ELEMENTWISE_NUMBER_H
#define ONR_KERNELS_ELEMENTWISE_NUMBER_H

#include <stdint.h>

/* `over` is the power of two that follows the largest number, exact in double; NaN fails both
 * tests. */
#define ONR_DOUBLE_TO_SIGNED(name, type, over, lowest, highest)                                    \
    static inline type onr_double_to_##name(double v)                                              \
    {                                                                                              \
        if (v >= -(over) && v < (over)) {                                                          \
            return (type)v;                                                                        \
        }                                                                                          \
        return v >= (over) ? (highest) : (v < 0.0 ? (lowest) : 0);                                 \
    }

#define ONR_DOUBLE_TO_UNSIGNED(name, type, over, highest)                                          \
    static inline type onr_double_to_##name(double v)                                              \
    {                                                                                              \
        if (v > -1.0 && v < (over)) {                                                              \
            return (type)v;                                                                        \
        }                                                                                          \
        return v >= (over) ? (highest) : 0;                                                        \
    }

ONR_DOUBLE_TO_SIGNED(i8, int8_t, 0x1p7, INT8_MIN, INT8_MAX)
ONR_DOUBLE_TO_SIGNED(i16, int16_t, 0x1p15, INT16_MIN, INT16_MAX)
ONR_DOUBLE_TO_SIGNED(i32, int32_t, 0x1p31, INT32_MIN, INT32_MAX)
ONR_DOUBLE_TO_SIGNED(i64, int64_t, 0x1p63, INT64_MIN, INT64_MAX)
ONR_DOUBLE_TO_UNSIGNED(u8, uint8_t, 0x1p8, UINT8_MAX)
ONR_DOUBLE_TO_UNSIGNED(u16, uint16_t, 0x1p16, UINT16_MAX)
ONR_DOUBLE_TO_UNSIGNED(u32, uint32_t, 0x1p32, UINT32_MAX)
ONR_DOUBLE_TO_UNSIGNED(u64, uint64_t, 0x1p64, UINT64_MAX)

#undef ONR_DOUBLE_TO_SIGNED
#undef ONR_DOUBLE_TO_UNSIGNED

#endif
