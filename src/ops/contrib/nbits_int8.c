/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds all rows, then multiplies blocks of them with one panel after the other. */
#include "ops/contrib/nbits_int8.h"

#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <string.h>

#define COLUMNS ONR_NBITS_COLUMNS

/* Rows whose codes stay in the cache with a panel, and of which a buffer holds the sums. */
#define BLOCK_ROWS 128
#define CHUNK_ROWS 16

enum onr_status onr_nbits_int8_plan(struct onr_nbits_int8 *product,
                                    const struct onr_nbits_weights *weights, size_t m, size_t k,
                                    size_t panel_bytes, struct onr_plan_ctx *ctx)
{
    struct onr_workspace space = {0};
    size_t row_bytes = k * sizeof(float);
    size_t blocks = 0;
    *product = (struct onr_nbits_int8){.m = m, .k = k, .panel_bytes = panel_bytes};
    product->size = weights->blocks * weights->block_size;
    product->worker_bytes =
        onr_size_align(panel_bytes > row_bytes ? panel_bytes : row_bytes, ONR_MEM_ALIGN);
    space.is_too_large = !onr_size_mul(m, weights->blocks, &blocks);
    onr_workspace_add(&space, m, product->size);
    product->scales_at = onr_workspace_add(&space, blocks, sizeof(float));
    product->sums_at = onr_workspace_add(&space, blocks, sizeof(int32_t));
    product->workers_at = onr_workspace_add(&space, ctx->thread_count, product->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct int8_job {
    const struct onr_nbits_int8 *product;
    const struct onr_nbits_weights *weights;
    const struct onr_nbits_kernels *kernels;
    const char *packed; /* or NULL */
    const void *a;
    const void *bias; /* or NULL */
    void *y;
    int8_t *codes;
    float *scales;
    int32_t *sums;
    char *workers;
};

/* Items are rows of A. */
static void round_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct int8_job *job = arg;
    const struct onr_nbits_int8 *p = job->product;
    const struct onr_nbits_weights *w = job->weights;
    float *buffer = (void *)(job->workers + worker * p->worker_bytes);
    for (size_t row = begin; row < end; row++) {
        const float *a = onr_float_read(w->dtype, job->a, row * p->k, p->k, buffer);
        for (size_t b = 0; b < w->blocks; b++) {
            size_t first = b * w->block_size;
            size_t count = p->k - first < w->block_size ? p->k - first : w->block_size;
            size_t at = row * w->blocks + b;
            job->kernels->quantize(w->bits, w->block_size, count, a + first,
                                   job->codes + row * p->size + first, job->scales + at,
                                   job->sums + at);
        }
    }
}

static struct onr_nbits_panel find_panel(const struct int8_job *job, size_t index, void *scratch)
{
    if (job->packed != NULL) {
        size_t bytes = 0;
        (void)onr_nbits_panel_bytes(job->weights, &bytes);
        return onr_nbits_panel_at(job->weights, job->packed + index * bytes);
    }
    onr_nbits_pack(job->weights, index, scratch);
    return onr_nbits_panel_at(job->weights, scratch);
}

/* Rows [first, end) of the columns of one panel. */
static void multiply_panel(const struct int8_job *job, const struct onr_nbits_panel *panel,
                           size_t column, size_t first, size_t end)
{
    const struct onr_nbits_weights *w = job->weights;
    size_t columns = w->n - column < COLUMNS ? w->n - column : COLUMNS;
    float bias[COLUMNS] = {0};
    float y[CHUNK_ROWS * COLUMNS];
    if (job->bias != NULL) {
        onr_float_gather(w->dtype, job->bias, column, 1, columns, bias);
    }
    for (size_t row = first; row < end; row += CHUNK_ROWS) {
        size_t rows = end - row < CHUNK_ROWS ? end - row : CHUNK_ROWS;
        struct onr_nbits_rows codes = {
            .codes = job->codes + row * job->product->size,
            .scales = job->scales + row * w->blocks,
            .sums = job->sums + row * w->blocks,
        };
        job->kernels->dot(panel, &codes, rows, y);
        for (size_t r = 0; r < rows; r++) {
            for (size_t c = 0; c < columns; c++) {
                y[r * COLUMNS + c] += bias[c];
            }
            onr_float_scatter(w->dtype, y + r * COLUMNS, (row + r) * w->n + column, 1, columns,
                              job->y);
        }
    }
}

/* Items are panels for each block of rows. */
static void multiply_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct int8_job *job = arg;
    const struct onr_nbits_int8 *p = job->product;
    const size_t panels = onr_nbits_panels(job->weights);
    for (size_t item = begin; item < end; item++) {
        size_t index = item % panels;
        size_t row = item / panels * BLOCK_ROWS;
        size_t row_end = p->m - row < BLOCK_ROWS ? p->m : row + BLOCK_ROWS;
        struct onr_nbits_panel panel =
            find_panel(job, index, job->workers + worker * p->worker_bytes);
        multiply_panel(job, &panel, index * COLUMNS, row, row_end);
    }
}

void onr_nbits_int8_run(const struct onr_nbits_int8 *product,
                        const struct onr_nbits_weights *weights, const void *packed, const void *a,
                        const void *bias, void *y, const struct onr_run_ctx *ctx)
{
    char *workspace = ctx->workspace;
    struct int8_job job = {
        .product = product,
        .weights = weights,
        .kernels = &ctx->kernels->nbits,
        .packed = packed,
        .a = a,
        .bias = bias,
        .y = y,
        .codes = (int8_t *)workspace,
        .scales = (void *)(workspace + product->scales_at),
        .sums = (void *)(workspace + product->sums_at),
        .workers = workspace + product->workers_at,
    };
    size_t rows = product->m < BLOCK_ROWS ? product->m : BLOCK_ROWS;
    size_t blocks = (product->m + BLOCK_ROWS - 1) / BLOCK_ROWS;
    onr_parallel_for(ctx->parallel, product->m, onr_grain(product->k), round_rows, &job);
    onr_parallel_for(ctx->parallel, blocks * onr_nbits_panels(weights),
                     onr_grain(rows * product->k * COLUMNS / 8), multiply_range, &job);
}
