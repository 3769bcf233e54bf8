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

#endif
