/* SPDX-License-Identifier: Apache-2.0 */
/* A loop of float32 multiply-adds that touches no memory: what the processor can do at most. */
#ifndef ONNXRUN_TOOLS_FMA_LOOP_H
#define ONNXRUN_TOOLS_FMA_LOOP_H

/* Floating-point operations of one step. */
#define FMA_LOOP_FLOPS (12.0 * 16 * 2)

/* Runs `steps` steps with the vectors of an instruction set that the processor has: "avx512", "avx2"
 * or another name for the least. */
void fma_loop(const char *isa, unsigned steps);

#endif
