/* SPDX-License-Identifier: Apache-2.0 */
/* Products with weights that are made in pieces. */
#include "ops/contrib/block_product.h"

#include "base/size.h"
#include "ops/common/float_io.h"

/* Floats of W that are made at once, where a panel has fewer. */
#define CHUNK_FLOATS 131072

/* Multiply-adds below which a second thread costs more than it brings. */
#define SERIAL_MACS 131072.0

static size_t chunk_stride(const struct onr_block_product *p)
{
    return p->is_row_major ? p->chunk : p->k_room;
}

static struct onr_gemm_f32_job make_job(const struct onr_block_product *p, size_t columns)
{
    return (struct onr_gemm_f32_job){
        .kernel = p->kernel,
        .m = p->m,
        .n = columns,
        .k = p->k,
        .a = {NULL, p->dtype, p->k, 1},
        .b = {NULL, ONR_FLOAT, p->is_row_major ? chunk_stride(p) : 1,
              p->is_row_major ? 1 : chunk_stride(p)},
        .scale = 1.0f,
    };
}

enum onr_status onr_block_product_plan(struct onr_block_product *product,
                                       const struct onr_kernels *kernels, struct onr_plan_ctx *ctx)
{
    struct onr_block_product *p = product;
    p->kernel = onr_gemm_f32_choose(&kernels->gemm, p->n);
    ctx->told.kernel = ONR_KERNEL_AT(gemm.f32);
    ctx->told.tiles = p->kernel;
    ctx->told.way = "chunks of weights widened to float";
    size_t panel = p->kernel->columns * (p->k + 1);
    size_t panels = panel < CHUNK_FLOATS ? CHUNK_FLOATS / panel : 1;
    size_t share = 4 * (size_t)ctx->thread_count; /* so that all threads have work */
    size_t most = (onr_gemm_f32_panels(p->kernel, p->n) + share - 1) / share;
    p->chunk = p->kernel->columns * (panels < most ? panels : most);
    while (p->chunk % p->column_step != 0) {
        p->chunk += p->kernel->columns;
    }
    if (!onr_size_mul(p->chunk, p->k_room, &p->weight_bytes) ||
        !onr_size_mul(p->weight_bytes, sizeof(float), &p->weight_bytes) ||
        p->weight_bytes > ONR_SIZE_LIMIT / ONR_MAX_THREADS) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "rows of %zu weights are too long", p->k);
    }
    struct onr_gemm_f32_job job = make_job(p, p->chunk);
    bool is_half = p->dtype != ONR_FLOAT;
    size_t rows = p->m < ONR_GEMM_MC ? p->m : ONR_GEMM_MC;
    p->weight_bytes = onr_size_align(p->weight_bytes, ONR_MEM_ALIGN);
    p->gemm_bytes = onr_gemm_f32_workspace(&job);
    p->bias_bytes = is_half ? onr_size_align(p->n * sizeof(float), ONR_MEM_ALIGN) : 0;
    p->worker_bytes =
        p->weight_bytes + p->gemm_bytes +
        (is_half ? onr_size_align(rows * p->chunk * sizeof(float), ONR_MEM_ALIGN) : 0);
    ctx->workspace_bytes = p->bias_bytes + p->worker_bytes * ctx->thread_count;
    double macs = ((double)p->m + 1.0) * (double)p->k * (double)p->chunk;
    p->grain = macs >= SERIAL_MACS ? 1 : (size_t)(SERIAL_MACS / (macs + 1.0)) + 1;
    return ONR_OK;
}

struct block_job {
    const struct onr_block_product *product;
    const void *arg;
    const void *a;
    const float *bias; /* or NULL */
    void *y;
    char *workspace; /* of the workers */
};

/* Multiplies in blocks of rows, which are converted from scratch. */
static void multiply_half(const struct block_job *job, struct onr_gemm_f32_job *gemm, size_t first,
                          char *scratch)
{
    const struct onr_block_product *p = job->product;
    size_t panels = onr_gemm_f32_panels(p->kernel, gemm->n);
    gemm->c = (float *)(void *)(scratch + p->gemm_bytes);
    gemm->c_stride = p->chunk;
    for (size_t row = 0; row < p->m; row += ONR_GEMM_MC) {
        size_t end = p->m - row < ONR_GEMM_MC ? p->m : row + ONR_GEMM_MC;
        gemm->c_row = row;
        onr_gemm_f32_run(gemm, row, end, 0, panels, scratch);
        for (size_t i = row; i < end; i++) {
            onr_float_write(p->dtype, gemm->c + (i - row) * p->chunk, i * p->n + first, gemm->n,
                            job->y);
        }
    }
}

/* Items are chunks of columns. */
static void multiply_chunks(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct block_job *job = arg;
    const struct onr_block_product *p = job->product;
    char *scratch = job->workspace + worker * p->worker_bytes;
    float *w = (float *)(void *)scratch;
    scratch += p->weight_bytes;
    for (size_t item = begin; item < end; item++) {
        size_t first = item * p->chunk;
        size_t columns = p->n - first < p->chunk ? p->n - first : p->chunk;
        struct onr_gemm_f32_job gemm = make_job(p, columns);
        p->fill(job->arg, first, first + columns, w, chunk_stride(p));
        gemm.a.data = job->a;
        gemm.b.data = w;
        gemm.column_bias = job->bias != NULL ? job->bias + first : NULL;
        if (p->dtype != ONR_FLOAT) {
            multiply_half(job, &gemm, first, scratch);
        } else {
            gemm.c = (float *)job->y + first;
            gemm.c_stride = p->n;
            onr_gemm_f32_run(&gemm, 0, p->m, 0, onr_gemm_f32_panels(p->kernel, columns), scratch);
        }
    }
}

void onr_block_product_run(const struct onr_block_product *product, const void *arg, const void *a,
                           const void *bias, void *y, const struct onr_run_ctx *ctx)
{
    const struct onr_block_product *p = product;
    if (p->m == 0 || p->n == 0) {
        return;
    }
    struct block_job job = {.product = p,
                            .arg = arg,
                            .a = a,
                            .y = y,
                            .workspace = (char *)ctx->workspace + p->bias_bytes};
    if (bias != NULL) {
        job.bias = onr_float_read(p->dtype, bias, 0, p->n, ctx->workspace);
    }
    size_t chunks = (p->n + p->chunk - 1) / p->chunk;
    onr_parallel_for(ctx->parallel, chunks, p->grain, multiply_chunks, &job);
}
