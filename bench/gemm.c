/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GFLOP/s and GB/s of the float32 matrix products with packed B, for each thread count.
 *
 *     bench_gemm [threads [lowest isa [m n k [copies of B]]]]
 *
 * With 0 threads, one and two; without m, n and k, the shapes of Transformer models.
 *
 * Instruction sets from the lowest on take turns, sample by sample. Before each sample, what the
 * machine can do is measured on the same threads: by a loop of register-only multiply-adds, and one
 * that reads memory. The limit is the longer of FLOP / rate of the one and, for weights that do not
 * stay in the caches, bytes of B / rate of the other. Printed are the fastest of the samples, and
 * the fastest limit in relation to them, for other programs may share the machine.
 */
#include "common/fma_loop.h"

#include "base/os.h"
#include "base/parallel.h"
#include "kernels/kernels.h"

#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 61

#define MAX_COPIES 48

#define LARGE_PAGE ((size_t)2 << 20)

struct shape {
    size_t m, n, k;
    size_t copies; /* different B that take turns; 1: it stays in the caches as far as it fits */
};

static const struct shape shapes[] = {
    {128, 768, 768, 1},   {128, 3072, 768, 1}, {128, 768, 3072, 1},  {512, 768, 768, 1},
    {512, 3072, 768, 1},  {512, 768, 3072, 1}, {384, 384, 384, 1},   {384, 1536, 384, 1},
    {384, 4096, 1024, 1}, {32, 768, 768, 1},   {16, 384, 384, 1},    {16, 3072, 768, 1},
    {1, 3072, 768, 12},   {1, 768, 3072, 12},  {1, 768, 768, 48},    {1, 4096, 4096, 4},
    {2, 3072, 768, 12},   {3, 3072, 768, 12},  {4, 3072, 768, 12},   {4, 768, 3072, 12},
    {4, 4096, 4096, 4},   {5, 3072, 768, 12},  {6, 3072, 768, 12},   {8, 3072, 768, 12},
    {12, 3072, 768, 12},  {16, 3072, 768, 12}, {24, 3072, 768, 12},  {32, 3072, 768, 12},
    {16, 768, 3072, 12},  {32, 768, 3072, 12}, {128, 3072, 768, 12}, {128, 768, 3072, 12},
};

struct work {
    struct onr_gemm_f32_job job;
    float *packed[MAX_COPIES];
    size_t copies, turn;
    size_t packed_floats;
    char *workspace; /* [threads][workspace_bytes] */
    size_t workspace_bytes;
};

static void run_panels(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct work *work = arg;
    onr_gemm_f32_run(&work->job, 0, work->job.m, begin, end,
                     work->workspace + worker * work->workspace_bytes);
}

#define CANARY_STEPS 30000u
#define CANARY_FLOPS (CANARY_STEPS * FMA_LOOP_FLOPS)

static void run_canary(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)arg;
    (void)begin;
    (void)end;
    (void)worker;
    fma_loop(onr_isa_name(onr_cpu_isa()), CANARY_STEPS);
}

static volatile float read_sink[ONR_MAX_THREADS];

/* Reads a part of memory in 8 streams, asking for lines some time ahead: the fastest way found. */
__attribute__((target("avx2"))) static void read_floats(void *arg, size_t begin, size_t end,
                                                        unsigned worker)
{
    const float *x = (const float *)arg + begin;
    size_t stream = (end - begin) / 8 & ~(size_t)15;
    __m256 sum[8] = {0};
    for (size_t i = 0; i < stream; i += 16) {
#pragma GCC unroll 8
        for (size_t s = 0; s < 8; s++) {
            _mm_prefetch((const char *)((uintptr_t)(x + s * stream + i) + 2048), _MM_HINT_T1);
            sum[s] = _mm256_add_ps(sum[s], _mm256_loadu_ps(x + s * stream + i));
            sum[s] = _mm256_add_ps(sum[s], _mm256_loadu_ps(x + s * stream + i + 8));
        }
    }
    for (int s = 1; s < 8; s++) {
        sum[0] = _mm256_add_ps(sum[0], sum[s]);
    }
    read_sink[worker] = _mm256_cvtss_f32(sum[0]);
}

static double fastest(const double *seconds)
{
    double best = seconds[0];
    for (int i = 1; i < SAMPLES; i++) {
        best = seconds[i] < best ? seconds[i] : best;
    }
    return best;
}

/* As the library's allocator does it. */
static void *allocate(size_t bytes)
{
    size_t align = bytes < LARGE_PAGE ? 64 : LARGE_PAGE;
    void *block = aligned_alloc(align, (bytes + 63) / 64 * 64);
    if (block == NULL) {
        abort();
    }
    if (bytes >= LARGE_PAGE) {
        onr_os_prefer_large_pages(block, bytes);
    }
    return block;
}

static float *random_floats(size_t count)
{
    float *values = allocate(count * sizeof(float));
    unsigned state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / 0x1p23f - 1.0f;
    }
    return values;
}

static struct work make_work(const struct onr_kernels *kernels, const struct shape *s,
                             const float *a, const float *b, float *c, unsigned threads)
{
    const struct onr_gemm_f32 *kernel = onr_gemm_f32_choose(&kernels->gemm, s->n);
    size_t panels = onr_gemm_f32_panels(kernel, s->n);
    struct onr_gemm_matrix matrix_b = {b, ONR_FLOAT, s->n, 1};
    struct work work = {.job = {.kernel = kernel,
                                .m = s->m,
                                .n = s->n,
                                .k = s->k,
                                .a = {a, ONR_FLOAT, s->k, 1},
                                .c = c,
                                .c_stride = s->n,
                                .scale = 1.0f},
                        .copies = s->copies,
                        .packed_floats = panels * s->k * kernel->columns};
    for (size_t i = 0; i < s->copies; i++) {
        work.packed[i] = allocate(work.packed_floats * sizeof(float));
        onr_gemm_f32_pack(kernel, s->k, s->n, &matrix_b, 0, panels, work.packed[i]);
    }
    work.job.b_packed = work.packed[0];
    work.workspace_bytes = onr_gemm_f32_workspace(&work.job);
    work.workspace = allocate(work.workspace_bytes * threads + 64);
    return work;
}

static void free_work(struct work *work)
{
    for (size_t i = 0; i < work->copies; i++) {
        free(work->packed[i]);
    }
    free(work->workspace);
}

/* Seconds of one run, and of what the machine would need at least. */
static double sample(struct work *work, const struct onr_parallel *parallel, double *limit)
{
    const struct onr_gemm_f32_job *job = &work->job;
    double flops = 2.0 * (double)job->m * (double)job->n * (double)job->k;
    double start = onr_os_seconds();
    onr_parallel_for(parallel, parallel->thread_count, 1, run_canary, NULL);
    double seconds = onr_os_seconds() - start;
    *limit = flops / (CANARY_FLOPS * parallel->thread_count / seconds);
    if (work->copies > 1) {
        start = onr_os_seconds();
        onr_parallel_for(parallel, work->packed_floats, 1, read_floats,
                         work->packed[work->turn++ % work->copies]);
        seconds = onr_os_seconds() - start;
        *limit = seconds > *limit ? seconds : *limit;
        work->job.b_packed = work->packed[work->turn++ % work->copies];
    }
    start = onr_os_seconds();
    onr_parallel_for(parallel, onr_gemm_f32_panels(job->kernel, job->n), 1, run_panels, work);
    return onr_os_seconds() - start;
}

static void bench_shape(const struct onr_kernels *kernels, const struct shape *s,
                        const struct onr_parallel *parallel, int first_isa)
{
    static double seconds[ONR_ISA_COUNT][SAMPLES];
    static double limit[ONR_ISA_COUNT][SAMPLES];
    float *a = random_floats(s->m * s->k);
    float *b = random_floats(s->k * s->n);
    float *c = allocate(s->m * s->n * sizeof(float));
    struct work work[ONR_ISA_COUNT];
    int isa_count = (int)onr_cpu_isa() + 1;
    for (int isa = first_isa; isa < isa_count; isa++) {
        work[isa] = make_work(&kernels[isa], s, a, b, c, parallel->thread_count);
    }
    for (int i = -3; i < SAMPLES; i++) {
        for (int isa = first_isa; isa < isa_count; isa++) {
            int sample_index = i < 0 ? 0 : i;
            seconds[isa][sample_index] = sample(&work[isa], parallel, &limit[isa][sample_index]);
        }
    }
    printf("%4zu x %4zu x %4zu%s  %u threads", s->m, s->n, s->k, s->copies > 1 ? " cold" : "     ",
           parallel->thread_count);
    for (int isa = first_isa; isa < isa_count; isa++) {
        double time = fastest(seconds[isa]);
        printf("  %s %2zux%-2zu %6.1f GF %5.1f GB/s %3.0f %%", onr_isa_name((enum onr_isa)isa),
               work[isa].job.kernel->rows, work[isa].job.kernel->columns,
               2e-9 * (double)s->m * (double)s->n * (double)s->k / time,
               4e-9 * (double)work[isa].packed_floats / time, 100 * fastest(limit[isa]) / time);
        free_work(&work[isa]);
    }
    printf("\n");
    free(a);
    free(b);
    free(c);
}

static void bench_shapes(const struct onr_kernels *kernels, int argc, char **argv,
                         const struct onr_parallel *parallel, int first_isa)
{
    if (argc > 5) {
        struct shape shape = {strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
                              strtoul(argv[5], NULL, 10),
                              argc > 6 ? strtoul(argv[6], NULL, 10) : 1};
        shape.copies = shape.copies < MAX_COPIES ? shape.copies : MAX_COPIES;
        bench_shape(kernels, &shape, parallel, first_isa);
        return;
    }
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        bench_shape(kernels, &shapes[i], parallel, first_isa);
    }
}

int main(int argc, char **argv)
{
    struct onr_kernels kernels[ONR_ISA_COUNT];
    struct onr_mem mem;
    struct onr_error err;
    onr_mem_init(&mem, NULL, 0);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels[isa], (enum onr_isa)isa);
    }
    int first_isa = 0;
    while (argc > 2 && first_isa < (int)onr_cpu_isa() &&
           strcmp(onr_isa_name((enum onr_isa)first_isa), argv[2]) != 0) {
        first_isa++;
    }
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    for (unsigned t = threads != 0 ? threads : 1; t <= (threads != 0 ? threads : 2); t++) {
        struct onr_parallel parallel;
        if (onr_parallel_init(&parallel, t, &mem, &err) != ONR_OK) {
            return 1;
        }
        onr_parallel_open(&parallel); /* as in a run: threads stay awake */
        bench_shapes(kernels, argc, argv, &parallel, first_isa);
        onr_parallel_close(&parallel);
        onr_parallel_free(&parallel);
    }
    return 0;
}
