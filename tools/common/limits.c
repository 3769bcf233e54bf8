/* SPDX-License-Identifier: Apache-2.0 */
#include "common/limits.h"

#include "common/fma_loop.h"

#include <immintrin.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#define LOOP_STEPS 50000u /* some 0.2 ms */
#define PARTS      8      /* of a block; one is read at a time */

struct limits_thread {
    struct limits *limits;
    float *block;
    size_t part; /* to be read next: the one whose lines left the caches first */
    thrd_t handle;
    double begin;
    double end;
};

struct limits {
    size_t block_floats;
    unsigned count; /* threads of the present sample */
    const char *isa;
    void (*task)(struct limits_thread *);
    atomic_uint ready;
    unsigned max_threads;
    struct limits_thread threads[LIMITS_MAX_THREADS];
};

static void task_flops(struct limits_thread *thread)
{
    fma_loop(thread->limits->isa, LOOP_STEPS);
}

/* Adds up a part of the block, from several places at once. */
static void task_bytes(struct limits_thread *thread)
{
    size_t part_floats = thread->limits->block_floats / PARTS;
    const float *stream = thread->block + thread->part * part_floats;
    size_t length = part_floats / LIMITS_STREAMS;
    thread->part = (thread->part + 1) % PARTS;
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (size_t i = 0; i < length; i += 16) {
        for (size_t j = 0; j < LIMITS_STREAMS; j++) {
            for (size_t lane = 0; lane < 4; lane++) {
                sum[lane] = _mm_add_ps(sum[lane], _mm_load_ps(stream + j * length + i + lane * 4));
            }
        }
    }
    sum[0] = _mm_add_ps(_mm_add_ps(sum[0], sum[1]), _mm_add_ps(sum[2], sum[3]));
    volatile float sink = _mm_cvtss_f32(sum[0]);
    (void)sink;
}

static int run_thread(void *arg)
{
    struct limits_thread *thread = arg;
    struct limits *limits = thread->limits;
    atomic_fetch_add(&limits->ready, 1);
    while (atomic_load(&limits->ready) < limits->count) {
        thrd_yield();
    }
    thread->begin = tool_seconds();
    limits->task(thread);
    thread->end = tool_seconds();
    return 0;
}

/* Seconds from the first start to the last end of a task on all threads. */
static double measure(struct limits *limits, unsigned threads, void (*task)(struct limits_thread *))
{
    limits->count = threads < limits->max_threads ? threads : limits->max_threads;
    limits->task = task;
    atomic_store(&limits->ready, 0);
    for (unsigned i = 1; i < limits->count; i++) {
        struct limits_thread *thread = &limits->threads[i];
        if (thrd_create(&thread->handle, run_thread, thread) != thrd_success) {
            tool_error("cannot start a thread");
            exit(EXIT_CODE_RUN);
        }
    }
    run_thread(&limits->threads[0]);
    double begin = limits->threads[0].begin;
    double end = limits->threads[0].end;
    for (unsigned i = 1; i < limits->count; i++) {
        struct limits_thread *thread = &limits->threads[i];
        thrd_join(thread->handle, NULL);
        begin = thread->begin < begin ? thread->begin : begin;
        end = thread->end > end ? thread->end : end;
    }
    return end - begin;
}

double limits_sample_gflops(struct limits *limits, const char *isa, unsigned threads)
{
    limits->isa = isa;
    double seconds = measure(limits, threads, task_flops);
    return limits->count * LOOP_STEPS * FMA_LOOP_FLOPS / seconds * 1e-9;
}

double limits_sample_gbytes(struct limits *limits, unsigned threads)
{
    double seconds = measure(limits, threads, task_bytes);
    double bytes = (double)(limits->count * (limits->block_floats / PARTS) * sizeof(float));
    return bytes / seconds * 1e-9;
}

struct limits *limits_open(unsigned max_threads, size_t block_bytes)
{
    struct limits *limits = tool_alloc(1, sizeof *limits);
    limits->max_threads = max_threads < LIMITS_MAX_THREADS ? max_threads : LIMITS_MAX_THREADS;
    limits->block_floats = block_bytes / sizeof(float);
    for (unsigned i = 0; i < limits->max_threads; i++) {
        float *block = aligned_alloc(4096, block_bytes);
        if (block == NULL) {
            tool_error("out of memory");
            exit(EXIT_CODE_RUN);
        }
        memset(block, 0, block_bytes); /* so that it has pages of its own */
        limits->threads[i].limits = limits;
        limits->threads[i].block = block;
    }
    return limits;
}

void limits_close(struct limits *limits)
{
    for (unsigned i = 0; i < limits->max_threads; i++) {
        free(limits->threads[i].block);
    }
    free(limits);
}
