/* SPDX-License-Identifier: Apache-2.0 */
/* Checked integer arithmetic: every size that comes from a file or a caller goes through here. */
#ifndef ONR_BASE_SIZE_H
#define ONR_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Largest size that this engine gives to one object; far below SIZE_MAX, so that sums of two fit.
 */
#define ONR_SIZE_LIMIT ((size_t)1 << 46)

/* *result = a + b; false when the sum does not fit. */
static inline bool onr_size_add(size_t a, size_t b, size_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

/* *result = a * b; false when the product does not fit. */
static inline bool onr_size_mul(size_t a, size_t b, size_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

/* *result = a + b; false when the sum does not fit. */
static inline bool onr_int_add(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

/* *result = a * b; false when the product does not fit. */
static inline bool onr_int_mul(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

/* Rounds up to a multiple of align (a power of two). The argument is at most ONR_SIZE_LIMIT. */
static inline size_t onr_size_align(size_t size, size_t align)
{
    return (size + align - 1) & ~(align - 1);
}

/* a / b, rounded up; b > 0, and the sum of both fits. */
static inline size_t onr_size_divide_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static inline size_t onr_size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t onr_size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline int64_t onr_int_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t onr_int_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
