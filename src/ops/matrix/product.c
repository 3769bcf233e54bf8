/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batched products in float32 and the half types: work is cut into items (part of the rows,
 * matrix, panel), panels running fastest, so that a worker's share is few long runs of panels. Other
 * types: product_plain.c; packing of constants: product_pack.c.
 */
#include "ops/matrix/product.h"

#include "base/size.h"
#include "ops/common/float_io.h"
#include "ops/matrix/product_items.h"
#include "ops/matrix/product_plain.h"

/* Multiply-adds below which a second thread costs more than it brings. */
#define SERIAL_MACS 131072.0

/* Rows from which on a thread computes whole rows of C rather than whole columns: for so many, reading
 * all of a packed B costs nothing beside the product. In turn a thread finds in its own caches the rows
 * that it has made itself, and rows can be cut into equal parts where a few panels cannot. */
#define PART_ROWS 32

/* Panels of a float32 block of C that is then converted to half precision. */
#define HALF_PANELS 8

static bool is_half(enum onr_dtype dtype)
{
    return dtype == ONR_FLOAT16 || dtype == ONR_BFLOAT16;
}

/* The job for one matrix of the batch, without pointers to data. */
static struct onr_gemm_f32_job make_job(const struct onr_product *p)
{
    return (struct onr_gemm_f32_job){
        .kernel = p->kernel,
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .a = {NULL, p->dtype, p->a_row_stride, p->a_column_stride},
        .b = {NULL, p->dtype, p->b_row_stride, p->b_column_stride},
        .b_packed = p->packed,
        .last = p->last,
        .c_stride = p->y_row_stride,
        .scale = p->alpha,
        .activation = p->activation,
        .is_b_hot = p->is_b_hot,
        .is_backward = p->is_backward,
        .is_c_cold = onr_gemm_f32_is_cold(p->batch_count * p->m * p->n),
    };
}

size_t onr_product_row_parts(const struct onr_product *product, unsigned thread_count)
{
    if (product->packed == NULL || product->batch_count > 1) {
        return 1;
    }
    size_t parts = thread_count;
    while (parts > 1 && (thread_count % parts > 0 || product->m < parts * PART_ROWS)) {
        parts--;
    }
    return parts;
}

static size_t count_row_splits(const struct onr_product *p, unsigned thread_count)
{
    size_t items = p->batch_count * p->panels;
    size_t parts = onr_product_row_parts(p, thread_count);
    if (parts > 1 || items >= 4 * (size_t)thread_count || items % thread_count == 0) {
        return parts;
    }
    size_t tiles = (p->m + p->kernel->rows - 1) / p->kernel->rows;
    return tiles < thread_count ? (tiles == 0 ? 1 : tiles) : thread_count;
}

static void plan_tiles(struct onr_product *p, const struct onr_product_state *state,
                       unsigned thread_count)
{
    p->packed = state->packed.data;
    p->last = state->packed.last;
    p->kernel =
        p->packed != NULL ? state->packed.kernel : onr_gemm_f32_choose(&state->kernels->gemm, p->n);
    p->panels = onr_gemm_f32_panels(p->kernel, p->n);
    p->row_splits = count_row_splits(p, thread_count);
    double macs = (double)p->m / (double)p->row_splits * (double)p->k * (double)p->kernel->columns;
    p->grain = macs >= SERIAL_MACS ? 1 : (size_t)(SERIAL_MACS / (macs + 1.0)) + 1;
    struct onr_gemm_f32_job job = make_job(p);
    p->gemm_bytes = onr_gemm_f32_workspace(&job);
    size_t block_rows = p->m < ONR_GEMM_MC ? p->m : ONR_GEMM_MC;
    size_t block = is_half(p->dtype) ? block_rows * HALF_PANELS * p->kernel->columns : 0;
    p->worker_bytes = p->gemm_bytes + onr_size_align(block * sizeof(float), ONR_MEM_ALIGN);
    if (p->bias == ONR_PRODUCT_COLUMN_BIAS || p->bias == ONR_PRODUCT_SCALAR_BIAS) {
        p->bias_bytes = onr_size_align(p->n * sizeof(float), ONR_MEM_ALIGN);
    } else if (p->bias == ONR_PRODUCT_ROW_BIAS) {
        p->bias_bytes = onr_size_align(p->m * sizeof(float), ONR_MEM_ALIGN);
    }
}

static void swap_sizes(size_t *a, size_t *b)
{
    size_t other = *a;
    *a = *b;
    *b = other;
}

/* One column of float32 is computed as a row: Y' = B' A', of which tiles are full. */
static void turn_column(struct onr_product *p)
{
    p->is_turned = true;
    swap_sizes(&p->m, &p->n);
    swap_sizes(&p->a_row_stride, &p->b_column_stride);
    swap_sizes(&p->a_column_stride, &p->b_row_stride);
    if (p->bias == ONR_PRODUCT_ROW_BIAS) {
        p->bias = ONR_PRODUCT_COLUMN_BIAS;
    } else if (p->bias == ONR_PRODUCT_COLUMN_BIAS) {
        p->bias = ONR_PRODUCT_ROW_BIAS;
    }
}

void onr_product_plan(struct onr_product *product, const struct onr_product_state *state,
                      unsigned thread_count, size_t *workspace_bytes)
{
    product->batch_count = 1;
    for (int d = 0; d < product->batch_rank; d++) {
        product->batch_count *= product->batch[d].count;
    }
    if (product->batch_count == 0 || product->m == 0 || product->n == 0 ||
        !onr_product_has_tiles(product->dtype)) {
        *workspace_bytes = 0;
        return;
    }
    if (product->n == 1 && product->m > 1 && product->y_row_stride == 1 &&
        product->dtype == ONR_FLOAT && state->packed.data == NULL) {
        turn_column(product);
    }
    plan_tiles(product, state, thread_count);
    *workspace_bytes = product->bias_bytes + product->worker_bytes * thread_count;
}

void onr_product_tell(const struct onr_product *product, struct onr_plan_ctx *ctx)
{
    struct onr_told *told = &ctx->told;
    if (!onr_product_has_tiles(product->dtype)) {
        told->kernel =
            onr_kernel_at(ctx->kernels, onr_product_plain_fn(ctx->kernels, product->dtype));
    } else if (product->kernel != NULL) { /* else there is nothing to compute */
        struct onr_gemm_f32_job job = make_job(product);
        bool is_packed = job.b_packed != NULL;
        bool has_rows = onr_gemm_f32_has_rows(&job.b);
        size_t wide = is_packed || has_rows ? onr_gemm_f32_wide_panels(job.kernel, job.m) : 0;
        told->kernel = ONR_KERNEL_AT(gemm.f32);
        told->tiles = job.kernel;
        told->rows = (uint32_t)job.m;
        told->panels = job.n / job.kernel->columns >= wide ? wide : 0;
        bool is_turned = onr_gemm_f32_is_turned(&job, job.m, job.k) && job.n >= job.kernel->columns;
        told->way = is_packed                               ? "B packed at load"
                    : has_rows && job.m <= job.kernel->rows ? "B read in place"
                    : is_turned                             ? "B read transposed"
                                                            : "B copied in pieces";
    }
}

struct onr_product_offsets onr_product_find(const struct onr_product *product, size_t batch)
{
    struct onr_product_offsets offsets = {0};
    for (int d = product->batch_rank - 1; d >= 0; d--) {
        const struct onr_product_dim *dim = &product->batch[d];
        size_t index = batch % dim->count;
        batch /= dim->count;
        offsets.a += index * dim->a;
        offsets.b += index * dim->b;
        offsets.y += index * dim->y;
    }
    if (product->is_turned) {
        swap_sizes(&offsets.a, &offsets.b);
    }
    return offsets;
}

/* y[i] = beta * element first + i of c. */
static void load_scaled(enum onr_dtype dtype, const void *c, size_t first, size_t count, float beta,
                        float *y)
{
    onr_float_gather(dtype, c, first, 1, count, y);
    for (size_t i = 0; i < count; i++) {
        y[i] *= beta;
    }
}

/* Part of one matrix of the batch, and where a worker computes it. */
struct part {
    size_t batch;
    size_t row_begin, row_end;
    size_t panel_begin, panel_end;
    size_t column_begin, column_end; /* of these panels */
    float *c;                        /* its first element */
    size_t c_stride;
    size_t y_offset; /* elements of Y before the part, for operands laid out as Y */
    char *scratch;   /* of the worker */
    const struct onr_product_range *range;
};

static void set_panels(struct part *part, const struct onr_product *p, size_t begin, size_t end)
{
    part->panel_begin = begin;
    part->panel_end = end;
    part->column_begin = begin * p->kernel->columns;
    part->column_end = end * p->kernel->columns < p->n ? end * p->kernel->columns : p->n;
}

/* Lets the product be added to C, or to beta * C that is computed into the part. */
static void set_full_bias(struct onr_gemm_f32_job *job, const struct onr_product_task *task,
                          const struct part *part)
{
    const struct onr_product *p = task->product;
    if (p->dtype == ONR_FLOAT && p->beta == 1.0f) {
        job->addend =
            (const float *)task->operands->c + part->row_begin * p->n + part->column_begin;
        job->addend_stride = p->n;
        return;
    }
    job->accumulate = true;
    for (size_t i = part->row_begin; i < part->row_end; i++) {
        load_scaled(p->dtype, task->operands->c, i * p->n + part->column_begin,
                    part->column_end - part->column_begin, p->beta,
                    part->c + (i - part->row_begin) * part->c_stride);
    }
}

static void set_operands(struct onr_gemm_f32_job *job, const struct onr_product_task *task,
                         size_t batch)
{
    const struct onr_product *p = task->product;
    if (p->k == 0) {
        return;
    }
    struct onr_product_offsets offsets = onr_product_find(p, batch);
    const char *a = p->is_turned ? task->operands->b : task->operands->a;
    const char *b = p->is_turned ? task->operands->a : task->operands->b;
    job->a.data = a + offsets.a * onr_dtype_size(p->dtype);
    if (p->packed != NULL) {
        size_t matrix = offsets.b / (p->k * p->n);
        job->b_packed = p->packed + matrix * p->panels * p->k * p->kernel->columns;
    } else {
        job->b.data = b + offsets.b * onr_dtype_size(p->dtype);
    }
}

static void run_part(const struct onr_product_task *task, const struct part *part)
{
    const struct onr_product *p = task->product;
    struct onr_gemm_f32_job job = make_job(p);
    set_operands(&job, task, part->batch);
    job.c = part->c;
    job.c_stride = part->c_stride;
    job.c_row = part->row_begin;
    job.c_column = part->column_begin;
    if (p->has_addend) {
        job.addend = task->operands->addend + part->y_offset;
        job.addend_stride = p->y_row_stride;
    }
    if (p->multiply != NULL) {
        job.factor = task->operands->factor + part->y_offset;
        job.factor_stride = p->y_row_stride;
        job.multiply = p->multiply;
    }
    if (p->bias == ONR_PRODUCT_FULL_BIAS) {
        set_full_bias(&job, task, part);
    } else if (p->bias == ONR_PRODUCT_ROW_BIAS) {
        job.row_bias = task->bias;
    } else {
        job.column_bias = task->bias;
    }
    job.after = part->range->after;
    job.is_prefetched = part->range->is_prefetched;
    onr_gemm_f32_run(&job, part->row_begin, part->row_end, part->panel_begin, part->panel_end,
                     part->scratch);
}

/* Computes blocks of the part as floats in scratch, and converts them. */
static void run_part_half(const struct onr_product_task *task, const struct part *part)
{
    const struct onr_product *p = task->product;
    size_t y = onr_product_find(p, part->batch).y;
    struct part block = *part;
    block.c = (float *)(void *)(part->scratch + p->gemm_bytes);
    block.c_stride = HALF_PANELS * p->kernel->columns;
    for (size_t row = part->row_begin; row < part->row_end; row = block.row_end) {
        size_t rows_left = part->row_end - row;
        block.row_begin = row;
        block.row_end = row + (rows_left < ONR_GEMM_MC ? rows_left : ONR_GEMM_MC);
        for (size_t q = part->panel_begin; q < part->panel_end; q = block.panel_end) {
            size_t left = part->panel_end - q;
            set_panels(&block, p, q, q + (left < HALF_PANELS ? left : HALF_PANELS));
            run_part(task, &block);
            for (size_t i = row; i < block.row_end; i++) {
                onr_float_write(p->dtype, block.c + (i - row) * block.c_stride,
                                y + i * p->y_row_stride + block.column_begin,
                                block.column_end - block.column_begin, task->operands->y);
            }
        }
    }
}

void onr_product_run_items(const struct onr_product_task *task,
                           const struct onr_product_range *range, unsigned worker)
{
    const struct onr_product *p = task->product;
    struct part part = {.row_begin = range->row_begin,
                        .row_end = range->row_end,
                        .c_stride = p->y_row_stride,
                        .scratch = task->scratch + worker * p->worker_bytes,
                        .range = range};
    for (size_t item = range->begin; item < range->end; item += part.panel_end - part.panel_begin) {
        size_t panel = item % p->panels;
        size_t left = p->panels - panel;
        part.batch = item / p->panels;
        set_panels(&part, p, panel, panel + (left < range->end - item ? left : range->end - item));
        if (is_half(p->dtype)) {
            run_part_half(task, &part);
        } else {
            size_t row = onr_product_find(p, part.batch).y + part.row_begin * p->y_row_stride;
            part.y_offset = row + part.column_begin;
            part.c = (float *)task->operands->y + part.y_offset;
            run_part(task, &part);
        }
    }
}

/* The bias as floats, times beta; in place when it is that already. */
static const float *load_bias(const struct onr_product *p, const void *c, float *buffer)
{
    if (p->bias == ONR_PRODUCT_NO_BIAS || p->bias == ONR_PRODUCT_FULL_BIAS) {
        return NULL;
    }
    if (p->bias == ONR_PRODUCT_SCALAR_BIAS) {
        for (size_t j = 0; j < p->n; j++) {
            load_scaled(p->dtype, c, 0, 1, p->beta, buffer + j);
        }
        return buffer;
    }
    if (p->dtype == ONR_FLOAT && p->beta == 1.0f) {
        return c;
    }
    load_scaled(p->dtype, c, 0, p->bias == ONR_PRODUCT_ROW_BIAS ? p->m : p->n, p->beta, buffer);
    return buffer;
}

void onr_product_run(const struct onr_product *product, const struct onr_product_operands *operands,
                     const struct onr_run_ctx *ctx)
{
    if (product->batch_count == 0 || product->m == 0 || product->n == 0) {
        return;
    }
    if (!onr_product_has_tiles(product->dtype)) {
        onr_product_run_plain(product, operands, ctx);
        return;
    }
    struct onr_product_task task = {.product = product,
                                    .operands = operands,
                                    .bias = load_bias(product, operands->c, ctx->workspace),
                                    .scratch = (char *)ctx->workspace + product->bias_bytes};
    onr_product_share_items(&task, 1, ctx->parallel);
}
