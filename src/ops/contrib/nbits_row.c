/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over blocks of k and adds these up as kernels/gemm does. */
#include "ops/contrib/nbits_row.h"

#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"

#define COLUMNS ONR_NBITS_COLUMNS

struct row_job {
    const struct onr_nbits_weights *weights;
    const struct onr_nbits_kernels *kernels;
    const char *packed;
    size_t panel_bytes;
    size_t k;
    const float *a;
    const void *bias; /* or NULL */
    void *y;
};

/* Items are panels. */
static void multiply_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct row_job *job = arg;
    const struct onr_nbits_weights *w = job->weights;
    const size_t blocks = onr_gemm_k_blocks(job->k);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        struct onr_nbits_panel panel = onr_nbits_panel_at(w, job->packed + item * job->panel_bytes);
        size_t column = item * COLUMNS;
        size_t count = w->n - column < COLUMNS ? w->n - column : COLUMNS;
        float y[COLUMNS] = {0};
        if (job->bias != NULL) {
            onr_float_gather(w->dtype, job->bias, column, 1, count, y);
        }
        for (size_t i = 0; i < blocks; i++) {
            float sum[COLUMNS];
            size_t first = onr_gemm_k_begin(job->k, blocks, i);
            size_t last = onr_gemm_k_begin(job->k, blocks, i + 1);
            job->kernels->multiply(&panel, first, last, job->a + first, sum);
            for (size_t c = 0; c < COLUMNS; c++) {
                y[c] += sum[c];
            }
        }
        onr_float_scatter(w->dtype, y, column, 1, count, job->y);
    }
}

void onr_nbits_row_run(const struct onr_nbits_weights *weights, const void *packed, size_t k,
                       const void *a, const void *bias, void *y, const struct onr_run_ctx *ctx)
{
    struct row_job job = {
        .weights = weights,
        .kernels = &ctx->kernels->nbits,
        .packed = packed,
        .k = k,
        .a = onr_float_read(weights->dtype, a, 0, k, ctx->workspace),
        .bias = bias,
        .y = y,
    };
    (void)onr_nbits_panel_bytes(weights, &job.panel_bytes); /* was checked when it was packed */
    onr_parallel_for(ctx->parallel, onr_nbits_panels(weights), onr_grain(k * COLUMNS),
                     multiply_range, &job);
}
