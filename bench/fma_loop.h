/* SPDX-License-Identifier: Apache-2.0 */
/* A loop of float32 multiply-adds that touches no memory: what the processor can do at most. */
#ifndef ONR_BENCH_FMA_LOOP_H
#define ONR_BENCH_FMA_LOOP_H

#include "kernels/cpu.h"

/* Floating-point operations of one step. */
#define FMA_LOOP_FLOPS (12.0 * 16 * 2)

/* Runs `steps` steps with the vectors of that instruction set, at most that of the processor. */
void fma_loop(enum onr_isa isa, unsigned steps);

#endif
