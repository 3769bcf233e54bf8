/* SPDX-License-Identifier: Apache-2.0 */
/* For files that are compiled once per instruction set: ONR_KERNEL(name) is the symbol name__ISA.
 */
#ifndef ONR_KERNELS_KERNEL_H
#define ONR_KERNELS_KERNEL_H

#define ONR_KERNEL_PASTE(name, isa)  name##__##isa
#define ONR_KERNEL_EXPAND(name, isa) ONR_KERNEL_PASTE(name, isa)
#define ONR_KERNEL(name)             ONR_KERNEL_EXPAND(name, ONR_ISA)

/* Before a loop that reads and writes only element i in round i: vectorise it also when the output
 * is one of the inputs. */
#if defined(__GNUC__) && !defined(__clang__)
#    define ONR_IVDEP _Pragma("GCC ivdep")
#else
#    define ONR_IVDEP
#endif

/* Before a loop over the lanes of an accumulator: unrolled, so that the lanes stay in registers. */
#if defined(__GNUC__) && !defined(__clang__)
#    define ONR_UNROLL_LANES _Pragma("GCC unroll 8")
#else
#    define ONR_UNROLL_LANES
#endif

#endif
