/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the GEMM family: tiles are written as loops with constant counts that the compiler unrolls
 * whole. */
#ifndef ONR_KERNELS_GEMM_GEMM_UNROLL_H
#define ONR_KERNELS_GEMM_GEMM_UNROLL_H

#define ONR_INLINE static inline __attribute__((always_inline))

#ifdef __clang__
#    define ONR_UNROLL _Pragma("clang loop unroll(full)")
#elif defined __SANITIZE_ADDRESS__
#    define ONR_UNROLL /* gcc warns of loops that the sanitizer's checks hide from it */
#else
#    define ONR_UNROLL _Pragma("GCC unroll 16")
#endif

/* sum += x * y, vectors. Compilers that are free to choose between the forms of this instruction let
 * sums wander from register to register over several steps, and run out of them. */
#define ONR_ADD_PRODUCT(sum, x, y) __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y))

/* Keeps a pointer in a register of its own: to the compiler it is no sum of other values. */
#define ONR_OWN_POINTER(pointer) __asm__("" : "+r"(pointer))

#endif
