/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine can do at most: float32 multiply-adds and bytes read from memory per second.
 *
 *     bench_limits            a table: each instruction set and thread count up to the default
 *     bench_limits THREADS    answers requests on the standard input, one per line:
 *                             "flops" with GFLOP/s of a short loop of multiply-adds, "bytes" with
 *                             GB/s of reading some megabytes, "isa" with the instruction set
 *
 * The threads start together and the last to finish counts. The short loop also is the canary of
 * side_by_side.py and gate.py: it is slower whenever something else uses the processors.
 */
#include "fma_loop.h"

#include "base/os.h"
#include "kernels/cpu.h"

#include <immintrin.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#define MAX_THREADS   64
#define TABLE_SAMPLES 101
#define LOOP_STEPS    50000u             /* some 0.2 ms */
#define BLOCK_FLOATS  ((size_t)64 << 20) /* 256 MB per thread: more than caches hold */
#define PARTS         8                  /* of a block; one is read at a time, some 2 ms */
#define STREAMS       8                  /* one sequential stream leaves a third of the speed */

struct thread {
    struct team *team;
    float *block; /* [BLOCK_FLOATS] */
    size_t part;  /* to be read next: the one whose lines left the caches first */
    thrd_t handle;
    double begin;
    double end;
};

struct team {
    unsigned count;
    enum onr_isa isa;
    void (*task)(struct thread *);
    atomic_uint ready;
    struct thread threads[MAX_THREADS];
};

static void task_flops(struct thread *thread)
{
    fma_loop(thread->team->isa, LOOP_STEPS);
}

/* Adds up a part of the block, from 8 places at once. */
static void task_bytes(struct thread *thread)
{
    const float *stream = thread->block + thread->part * (BLOCK_FLOATS / PARTS);
    size_t length = BLOCK_FLOATS / PARTS / STREAMS;
    thread->part = (thread->part + 1) % PARTS;
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (size_t i = 0; i < length; i += 16) {
        for (size_t j = 0; j < STREAMS; j++) {
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
    struct thread *thread = arg;
    struct team *team = thread->team;
    atomic_fetch_add(&team->ready, 1);
    while (atomic_load(&team->ready) < team->count) {
        onr_os_yield();
    }
    thread->begin = onr_os_seconds();
    team->task(thread);
    thread->end = onr_os_seconds();
    return 0;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_limits: %s\n", what);
    exit(1);
}

/* Seconds from the first start to the last end of a task on all threads. */
static double measure(struct team *team, void (*task)(struct thread *))
{
    team->task = task;
    atomic_store(&team->ready, 0);
    for (unsigned i = 1; i < team->count; i++) {
        if (thrd_create(&team->threads[i].handle, run_thread, &team->threads[i]) != thrd_success) {
            fail("cannot start a thread");
        }
    }
    run_thread(&team->threads[0]);
    for (unsigned i = 1; i < team->count; i++) {
        thrd_join(team->threads[i].handle, NULL);
    }
    double begin = team->threads[0].begin;
    double end = team->threads[0].end;
    for (unsigned i = 1; i < team->count; i++) {
        begin = team->threads[i].begin < begin ? team->threads[i].begin : begin;
        end = team->threads[i].end > end ? team->threads[i].end : end;
    }
    return end - begin;
}

static double measure_gflops(struct team *team)
{
    return team->count * LOOP_STEPS * FMA_LOOP_FLOPS / measure(team, task_flops) * 1e-9;
}

static double measure_gbytes(struct team *team)
{
    double bytes = (double)(team->count * (BLOCK_FLOATS / PARTS) * sizeof(float));
    return bytes / measure(team, task_bytes) * 1e-9;
}

/* Each thread's block, written so that it has pages of its own. */
static void allocate_blocks(struct team *team)
{
    for (unsigned i = 0; i < team->count; i++) {
        float *block = aligned_alloc(4096, BLOCK_FLOATS * sizeof(float));
        if (block == NULL) {
            fail("not enough memory");
        }
        memset(block, 0, BLOCK_FLOATS * sizeof(float));
        team->threads[i].block = block;
    }
}

static double best_of(struct team *team, double (*measure_rate)(struct team *))
{
    double best = 0;
    for (int i = 0; i < TABLE_SAMPLES; i++) {
        double rate = measure_rate(team);
        best = rate > best ? rate : best;
    }
    return best;
}

static void print_table(struct team *team, unsigned max_threads)
{
    printf("| threads | limit | best of %d |\n|---:|---|---:|\n", TABLE_SAMPLES);
    for (team->count = 1; team->count <= max_threads; team->count++) {
        for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
            team->isa = (enum onr_isa)isa;
            printf("| %u | float32, %s | %.1f GFLOP/s |\n", team->count,
                   isa == 0 ? "SSE" : onr_isa_name(team->isa), best_of(team, measure_gflops));
        }
        printf("| %u | read, %d streams per thread | %.1f GB/s |\n", team->count, STREAMS,
               best_of(team, measure_gbytes));
    }
}

static void serve(struct team *team)
{
    char request[16];
    while (fgets(request, sizeof request, stdin) != NULL) {
        if (strcmp(request, "flops\n") == 0) {
            printf("%.3f\n", measure_gflops(team));
        } else if (strcmp(request, "bytes\n") == 0) {
            printf("%.3f\n", measure_gbytes(team));
        } else if (strcmp(request, "isa\n") == 0) {
            printf("%s\n", onr_isa_name(team->isa));
        } else {
            fail("requests are \"flops\", \"bytes\" and \"isa\"");
        }
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static struct team team;
    unsigned long threads = argc > 1 ? strtoul(argv[1], NULL, 10) : onr_os_default_threads();
    if (threads < 1 || threads > MAX_THREADS) {
        fail("usage: bench_limits [THREADS], 1 to 64");
    }
    team.isa = onr_cpu_isa();
    team.count = (unsigned)threads;
    for (unsigned i = 0; i < team.count; i++) {
        team.threads[i].team = &team;
    }
    allocate_blocks(&team);
    if (argc > 1) {
        serve(&team);
    } else {
        print_table(&team, team.count);
    }
    for (unsigned i = 0; i < threads; i++) {
        free(team.threads[i].block);
    }
    return 0;
}
