/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of two arguments for integers, bool and strings. What does not depend on the sign is
 * done once per width. Arithmetic is unsigned and at least 32 bits wide, then cut off: the same as
 * wrapping in the type.
 */
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/binary_loop.h"
#include "kernels/kernels.h"

#include <string.h>

void ONR_KERNEL(onr_fill_binary_int)(struct onr_kernels *kernels);

/* The type and its sibling of the other sign; wide is unsigned and not narrower than unsigned int.
 */
#define BINARY_WIDTH(name, type, wide)                                                             \
    BINARY(add_##name, type, type, (wide)x + (wide)y)                                              \
    BINARY(mul_##name, type, type, (wide)x *((wide)y))                                             \
    BINARY(sub_##name, type, type, (wide)x - (wide)y)                                              \
    BINARY(and_##name, type, type, (x)&y)                                                          \
    BINARY(or_##name, type, type, x | y)                                                           \
    BINARY(xor_##name, type, type, x ^ y)                                                          \
    BINARY(equal_##name, type, uint8_t, x == y)                                                    \
    BINARY(shift_left_##name, type, type, y < sizeof(type) * 8 ? (wide)x << y : 0)                 \
    BINARY(shift_right_##name, type, type, y < sizeof(type) * 8 ? (wide)x >> y : 0)

#define BINARY_ORDER(name, type, lowest, highest)                                                  \
    BINARY(max_##name, type, type, x > y ? x : y)                                                  \
    BINARY(min_##name, type, type, x < y ? x : y)                                                  \
    BINARY(less_##name, type, uint8_t, x < y)                                                      \
    BINARY(less_equal_##name, type, uint8_t, x <= y)                                               \
    static void clip_##name(size_t count, const void *x, const void *low, const void *high,        \
                            void *out)                                                             \
    {                                                                                              \
        const type *xs = x;                                                                        \
        const type lo = low != NULL ? *(const type *)low : (lowest);                               \
        const type hi = high != NULL ? *(const type *)high : (highest);                            \
        type *zs = out;                                                                            \
        ONR_IVDEP                                                                                  \
        for (size_t i = 0; i < count; i++) {                                                       \
            type raised = xs[i] < lo ? lo : xs[i];                                                 \
            zs[i] = raised > hi ? hi : raised;                                                     \
        }                                                                                          \
    }

/* Division by -1 is negation, which may wrap; the instruction would trap. A shift by a negative number or by the width
 * and more leaves the sign; what >> does to negative numbers, the compiler chooses. */
#define BINARY_SIGNED(name, type, wide, lowest, highest)                                           \
    BINARY_ORDER(name, type, lowest, highest)                                                      \
    static inline type divide_##name(type x, type y)                                               \
    {                                                                                              \
        if (y == 0) {                                                                              \
            return 0;                                                                              \
        }                                                                                          \
        return (type)(y == -1 ? (type)(0 - (wide)x) : x / y);                                      \
    }                                                                                              \
    static inline type remainder_##name(type x, type y)                                            \
    {                                                                                              \
        return (type)(y == 0 || y == -1 ? 0 : x % y);                                              \
    }                                                                                              \
    static inline type modulo_##name(type x, type y)                                               \
    {                                                                                              \
        type r = remainder_##name(x, y);                                                           \
        return (type)(r != 0 && (r < 0) != (y < 0) ? r + y : r);                                   \
    }                                                                                              \
    static inline type shift_##name(type x, type y)                                                \
    {                                                                                              \
        const unsigned last = sizeof(type) * 8 - 1;                                                \
        unsigned n = (wide)y < last ? (unsigned)y : last;                                          \
        return (type)(x < 0 ? ~(~x >> n) : x >> n);                                                \
    }                                                                                              \
    BINARY(div_##name, type, type, divide_##name(x, y))                                            \
    BINARY(fmod_##name, type, type, remainder_##name(x, y))                                        \
    BINARY(mod_##name, type, type, modulo_##name(x, y))                                            \
    BINARY(shift_right_##name, type, type, shift_##name(x, y))                                     \
    BINARY(prelu_##name, type, type, x < 0 ? (wide)x * (wide)y : (wide)x)

#define BINARY_UNSIGNED(name, type, highest)                                                       \
    BINARY_ORDER(name, type, 0, highest)                                                           \
    BINARY(div_##name, type, type, y == 0 ? 0 : x / y)                                             \
    BINARY(mod_##name, type, type, y == 0 ? 0 : x % y)                                             \
    BINARY(prelu_##name, type, type, ((void)y, x))

BINARY_WIDTH(w8, uint8_t, uint32_t)
BINARY_WIDTH(w16, uint16_t, uint32_t)
BINARY_WIDTH(w32, uint32_t, uint32_t)
BINARY_WIDTH(w64, uint64_t, uint64_t)
BINARY_SIGNED(i8, int8_t, uint32_t, INT8_MIN, INT8_MAX)
BINARY_SIGNED(i16, int16_t, uint32_t, INT16_MIN, INT16_MAX)
BINARY_SIGNED(i32, int32_t, uint32_t, INT32_MIN, INT32_MAX)
BINARY_SIGNED(i64, int64_t, uint64_t, INT64_MIN, INT64_MAX)
BINARY_UNSIGNED(u8, uint8_t, UINT8_MAX)
BINARY_UNSIGNED(u16, uint16_t, UINT16_MAX)
BINARY_UNSIGNED(u32, uint32_t, UINT32_MAX)
BINARY_UNSIGNED(u64, uint64_t, UINT64_MAX)

static inline int is_same_string(struct onr_string x, struct onr_string y)
{
    return x.length == y.length && (x.length == 0 || memcmp(x.data, y.data, x.length) == 0);
}

BINARY(equal_string, struct onr_string, uint8_t, is_same_string(x, y))

#define FILL(op, dtype, function) binary->rows[ONR_BINARY_##op][ONR_##dtype] = function;

#define FILL_WIDTH(dtype, name)                                                                    \
    FILL(ADD, dtype, add_##name)                                                                   \
    FILL(MUL, dtype, mul_##name)                                                                   \
    FILL(SUB, dtype, sub_##name)                                                                   \
    FILL(AND, dtype, and_##name)                                                                   \
    FILL(OR, dtype, or_##name)                                                                     \
    FILL(XOR, dtype, xor_##name)                                                                   \
    FILL(EQUAL, dtype, equal_##name)

#define FILL_SHIFT(dtype, left, right)                                                             \
    FILL(SHIFT_LEFT, dtype, shift_left_##left)                                                     \
    FILL(SHIFT_RIGHT, dtype, shift_right_##right)

/* The remainders of unsigned numbers are the same. */
#define FILL_ORDER(dtype, name, remainder)                                                         \
    FILL(DIV, dtype, div_##name)                                                                   \
    FILL(MOD, dtype, mod_##name)                                                                   \
    FILL(FMOD, dtype, remainder)                                                                   \
    FILL(MAX, dtype, max_##name)                                                                   \
    FILL(MIN, dtype, min_##name)                                                                   \
    FILL(PRELU, dtype, prelu_##name)                                                               \
    FILL(LESS, dtype, less_##name)                                                                 \
    FILL(LESS_EQUAL, dtype, less_equal_##name)                                                     \
    binary->clip[ONR_##dtype] = clip_##name;

static void fill_widths(struct onr_binary_kernels *binary)
{
    FILL_WIDTH(INT8, w8)
    FILL_WIDTH(UINT8, w8)
    FILL_WIDTH(INT16, w16)
    FILL_WIDTH(UINT16, w16)
    FILL_WIDTH(INT32, w32)
    FILL_WIDTH(UINT32, w32)
    FILL_WIDTH(INT64, w64)
    FILL_WIDTH(UINT64, w64)
    FILL_SHIFT(INT8, w8, i8)
    FILL_SHIFT(UINT8, w8, w8)
    FILL_SHIFT(INT16, w16, i16)
    FILL_SHIFT(UINT16, w16, w16)
    FILL_SHIFT(INT32, w32, i32)
    FILL_SHIFT(UINT32, w32, w32)
    FILL_SHIFT(INT64, w64, i64)
    FILL_SHIFT(UINT64, w64, w64)
    FILL(AND, BOOL, and_w8)
    FILL(OR, BOOL, or_w8)
    FILL(XOR, BOOL, xor_w8)
    FILL(EQUAL, BOOL, equal_w8)
    FILL(EQUAL, STRING, equal_string)
}

void ONR_KERNEL(onr_fill_binary_int)(struct onr_kernels *kernels)
{
    struct onr_binary_kernels *binary = &kernels->binary;
    fill_widths(binary);
    FILL_ORDER(INT8, i8, fmod_i8)
    FILL_ORDER(INT16, i16, fmod_i16)
    FILL_ORDER(INT32, i32, fmod_i32)
    FILL_ORDER(INT64, i64, fmod_i64)
    FILL_ORDER(UINT8, u8, mod_u8)
    FILL_ORDER(UINT16, u16, mod_u16)
    FILL_ORDER(UINT32, u32, mod_u32)
    FILL_ORDER(UINT64, u64, mod_u64)
}
