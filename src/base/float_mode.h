/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floating-point environment of a thread: rounding, traps, and whether denormal numbers count as
 * zero. Arithmetic on denormals is up to a hundred times slower on some processors.
 *
 *     uint64_t saved = onr_float_mode();
 *     onr_float_mode_set(ONR_FLOAT_MODE_FLUSH);
 *     ...
 *     onr_float_mode_set(saved);
 */
#ifndef ONR_BASE_FLOAT_MODE_H
#define ONR_BASE_FLOAT_MODE_H

#include <stdint.h>

/* DEFAULT rounds to nearest, without traps, as IEEE 754 says; FLUSH also takes denormals for zero. */
#if defined(__SSE__)
#    define ONR_FLOAT_MODE_DEFAULT UINT64_C(0x1f80)
#    define ONR_FLOAT_MODE_FLUSH   UINT64_C(0x9fc0)
#    define ONR_FLOAT_MODE_FLAGS   UINT64_C(0x3f) /* exceptions that have been: no part of the mode */
#elif defined(__aarch64__)
#    define ONR_FLOAT_MODE_DEFAULT UINT64_C(0)
#    define ONR_FLOAT_MODE_FLUSH   (UINT64_C(1) << 24)
#    define ONR_FLOAT_MODE_FLAGS   UINT64_C(0)
#else
#    define ONR_FLOAT_MODE_DEFAULT UINT64_C(0)
#    define ONR_FLOAT_MODE_FLUSH   UINT64_C(0)
#    define ONR_FLOAT_MODE_FLAGS   UINT64_C(0)
#endif

/* The environment of this thread. */
static inline uint64_t onr_float_mode(void)
{
#if defined(__SSE__)
    return __builtin_ia32_stmxcsr();
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
#else
    return 0;
#endif
}

/* Sets it to one of the modes above, or to one that onr_float_mode has returned. */
static inline void onr_float_mode_set(uint64_t mode)
{
#if defined(__SSE__)
    __builtin_ia32_ldmxcsr((unsigned)mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

#endif
