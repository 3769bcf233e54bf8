/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine can do at most: float32 multiply-adds and bytes read from memory per second.
 * The threads of a sample start together and the last to finish counts; the best of several samples
 * is the limit.
 */
#ifndef ONNXRUN_TOOLS_LIMITS_H
#define ONNXRUN_TOOLS_LIMITS_H

#include "common/tool.h"

/* Streams that each thread reads at a time: one sequential stream leaves a third of the speed. */
#define LIMITS_STREAMS 8

/* Threads that can be asked for. */
#define LIMITS_MAX_THREADS 64

struct limits;

/* Threads take turns on blocks of their own of this size, which should be more than caches hold.
 * Ends the command when there is no memory. */
struct limits *limits_open(unsigned max_threads, size_t block_bytes);
void limits_close(struct limits *limits);

/* One sample, of 0.2 ms: GFLOP/s of a short loop with the vectors of this instruction set ("avx512",
 * "avx2" or another name for the least), which the processor must have. */
double limits_sample_gflops(struct limits *limits, const char *isa, unsigned threads);

/* One sample: GB/s of reading an eighth of the blocks. */
double limits_sample_gbytes(struct limits *limits, unsigned threads);

#endif
