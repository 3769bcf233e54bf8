/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GFLOP/s of the float32 matrix products with packed B, for each instruction set and thread count.
 *
 *     bench_gemm [threads]
 *
 * Instruction sets take turns, sample by sample, and each sample is put in relation to a loop of
 * register-only multiply-adds that runs just before it on the same threads; so a busy machine
 * lowers both. Printed are medians.
 */
#include "fma_loop.h"

#include "base/os.h"
#include "base/parallel.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>

#define SAMPLES 31

struct shape {
    size_t m, n, k;
};

static const struct shape shapes[] = {
    {128, 768, 768},  {128, 3072, 768}, {128, 768, 3072}, {512, 768, 768},   {512, 3072, 768},
    {512, 768, 3072}, {384, 384, 384},  {384, 1536, 384}, {384, 4096, 1024}, {32, 768, 768},
    {16, 3072, 768},  {16, 768, 3072},  {4, 3072, 768},   {1, 3072, 768},    {1, 768, 3072},
};

struct work {
    struct onr_gemm_f32_job job;
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
    fma_loop(onr_cpu_isa(), CANARY_STEPS);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, SAMPLES, sizeof(double), compare);
    return values[SAMPLES / 2];
}

static void *allocate(size_t bytes)
{
    void *block = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (block == NULL) {
        abort();
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
    float *packed = allocate(panels * s->k * kernel->columns * sizeof(float));
    struct onr_gemm_matrix matrix_b = {b, ONR_FLOAT, s->n, 1};
    onr_gemm_f32_pack(kernel, s->k, s->n, &matrix_b, 0, panels, packed);
    struct work work = {.job = {.kernel = kernel,
                                .m = s->m,
                                .n = s->n,
                                .k = s->k,
                                .a = {a, ONR_FLOAT, s->k, 1},
                                .b_packed = packed,
                                .c = c,
                                .c_stride = s->n,
                                .scale = 1.0f}};
    work.workspace_bytes = onr_gemm_f32_workspace(&work.job);
    work.workspace = allocate(work.workspace_bytes * threads + 64);
    return work;
}

/* Seconds of one run, and of the canary before it. */
static double sample(struct work *work, const struct onr_parallel *parallel, double *canary)
{
    double start = onr_os_seconds();
    onr_parallel_for(parallel, parallel->thread_count, 1, run_canary, NULL);
    double middle = onr_os_seconds();
    onr_parallel_for(parallel, onr_gemm_f32_panels(work->job.kernel, work->job.n), 1, run_panels,
                     work);
    *canary = middle - start;
    return onr_os_seconds() - middle;
}

static void bench_shape(const struct onr_kernels *kernels, const struct shape *s,
                        const struct onr_parallel *parallel)
{
    static double rate[ONR_ISA_COUNT][SAMPLES];
    static double share[ONR_ISA_COUNT][SAMPLES];
    float *a = random_floats(s->m * s->k);
    float *b = random_floats(s->k * s->n);
    float *c = allocate(s->m * s->n * sizeof(float));
    double flops = 2.0 * (double)s->m * (double)s->n * (double)s->k;
    struct work work[ONR_ISA_COUNT];
    int isa_count = (int)onr_cpu_isa() + 1;
    for (int isa = 0; isa < isa_count; isa++) {
        work[isa] = make_work(&kernels[isa], s, a, b, c, parallel->thread_count);
    }
    for (int i = -3; i < SAMPLES; i++) {
        for (int isa = 0; isa < isa_count; isa++) {
            double canary;
            double seconds = sample(&work[isa], parallel, &canary);
            if (i >= 0) {
                rate[isa][i] = flops / seconds * 1e-9;
                share[isa][i] = flops / seconds / (CANARY_FLOPS * parallel->thread_count / canary);
            }
        }
    }
    printf("%4zu x %4zu x %4zu  %u threads", s->m, s->n, s->k, parallel->thread_count);
    for (int isa = 0; isa < isa_count; isa++) {
        printf("  %s %2zux%-2zu %6.1f GF %3.0f %%", onr_isa_name((enum onr_isa)isa),
               work[isa].job.kernel->rows, work[isa].job.kernel->columns, median(rate[isa]),
               100 * median(share[isa]));
        free((void *)(uintptr_t)work[isa].job.b_packed);
        free(work[isa].workspace);
    }
    printf("\n");
    free(a);
    free(b);
    free(c);
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
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    for (unsigned t = threads != 0 ? threads : 1; t <= (threads != 0 ? threads : 2); t++) {
        struct onr_parallel parallel;
        if (onr_parallel_init(&parallel, t, &mem, &err) != ONR_OK) {
            return 1;
        }
        for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
            bench_shape(kernels, &shapes[i], &parallel);
        }
        onr_parallel_free(&parallel);
    }
    return 0;
}
