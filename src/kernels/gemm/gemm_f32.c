/* SPDX-License-Identifier: Apache-2.0 */
/* The loops around the tiles: blocks of k, blocks of rows that fit L2 with a panel, panels. */
#include "kernels/gemm/gemm_f32_block.h"
#include "kernels/gemm/gemm_f32_pack.h"

#include <stdint.h>

/* Rows of A that are this far apart fall into the same set of an L1 cache, which has room for so
 * many. */
#define ALIAS_FLOATS 1024
#define ALIAS_ROWS   8

const float onr_gemm_zeros[ONR_GEMM_WIDE_PANELS * ONR_GEMM_MAX_COLUMNS];

const struct onr_gemm_f32 *onr_gemm_f32_choose(const struct onr_gemm_kernels *kernels, size_t n)
{
    const struct onr_gemm_f32 *best = kernels->f32[0];
    for (size_t i = 1; i < ONR_GEMM_MAX_SHAPES && kernels->f32[i] != NULL; i++) {
        const struct onr_gemm_f32 *kernel = kernels->f32[i];
        if (onr_gemm_f32_panels(kernel, n) * kernel->cost <
            onr_gemm_f32_panels(best, n) * best->cost) {
            best = kernel;
        }
    }
    return best;
}

/* The fastest shape for the columns that whole panels leave; kernel if there are none. */
static const struct onr_gemm_f32 *choose_last(const struct onr_gemm_kernels *kernels,
                                              const struct onr_gemm_f32 *kernel, size_t n)
{
    const struct onr_gemm_f32 *slim = kernels->slim;
    size_t rest = n % kernel->columns;
    if (rest == 0) {
        return kernel;
    }
    return slim != NULL && rest <= slim->columns ? slim : onr_gemm_f32_choose(kernels, rest);
}

const struct onr_gemm_f32 *onr_gemm_f32_choose_last(const struct onr_gemm_kernels *kernels,
                                                    const struct onr_gemm_f32 *kernel, size_t n,
                                                    size_t k)
{
    const struct onr_gemm_f32 *last = choose_last(kernels, kernel, n);
    bool is_copied = kernel->rows > ALIAS_ROWS;
    return k % ALIAS_FLOATS == 0 && !is_copied && last->rows > ALIAS_ROWS ? kernel : last;
}

const struct onr_gemm_f32 *onr_gemm_f32_choose_two(const struct onr_gemm_kernels *kernels, size_t n,
                                                   const struct onr_gemm_f32 **last)
{
    const struct onr_gemm_f32 *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < ONR_GEMM_MAX_SHAPES && kernels->f32[i] != NULL; i++) {
        const struct onr_gemm_f32 *kernel = kernels->f32[i];
        const struct onr_gemm_f32 *end = choose_last(kernels, kernel, n);
        size_t cost =
            n / kernel->columns * kernel->cost + (n % kernel->columns > 0 ? end->cost : 0);
        if (cost < least) {
            least = cost;
            best = kernel;
            *last = end;
        }
    }
    return best;
}

static bool must_copy_a(const struct onr_gemm_f32_job *job)
{
    if (job->line_rows > 0) {
        return false;
    }
    return job->a.dtype != ONR_FLOAT || job->a.column_stride != 1 ||
           (job->a.row_stride % ALIAS_FLOATS == 0 && job->m > ALIAS_ROWS &&
            job->kernel->rows > ALIAS_ROWS);
}

/* Row stride of a copy of A: odd in cache lines, so that the rows of a tile spread over all sets.
 */
static size_t copy_stride(size_t k)
{
    size_t lines = (k + ONR_GEMM_LINE_FLOATS - 1) / ONR_GEMM_LINE_FLOATS;
    return (lines | 1) * ONR_GEMM_LINE_FLOATS;
}

static size_t longest_block(size_t k)
{
    size_t blocks = onr_gemm_k_blocks(k);
    return (k + blocks - 1) / blocks;
}

static size_t copy_floats(const struct onr_gemm_f32_job *job)
{
    size_t rows = job->m < ONR_GEMM_MC ? job->m : ONR_GEMM_MC;
    return must_copy_a(job) ? rows * copy_stride(longest_block(job->k)) : 0;
}

size_t onr_gemm_f32_workspace(const struct onr_gemm_f32_job *job)
{
    size_t piece = job->b_packed == NULL ? longest_block(job->k) * job->kernel->columns : 0;
    piece = (piece + ONR_GEMM_LINE_FLOATS - 1) / ONR_GEMM_LINE_FLOATS * ONR_GEMM_LINE_FLOATS;
    return (copy_floats(job) + piece) * sizeof(float);
}

/* B is not packed, but tiles could read its rows where they are. */
static bool is_read_in_place(const struct onr_gemm_f32_job *job)
{
    return onr_gemm_f32_has_rows(&job->b) && job->b.data != NULL;
}

/* The shape of a panel. */
static const struct onr_gemm_f32 *panel_kernel(const struct onr_gemm_f32_job *job, size_t panel)
{
    bool is_last =
        job->b_packed != NULL && job->last != NULL && (panel + 1) * job->kernel->columns > job->n;
    return is_last ? job->last : job->kernel;
}

/* Where the piece of a panel of packed B begins. */
static const float *packed_piece(const struct onr_gemm_f32_job *job, size_t panel, size_t k_begin)
{
    return job->b_packed + panel * job->k * job->kernel->columns +
           k_begin * panel_kernel(job, panel)->columns;
}

/* The piece of a panel: where it lies packed, or in B itself when one row of tiles reads it once,
 * or copied. */
static struct onr_gemm_piece find_piece(const struct onr_gemm_block *block, size_t panel,
                                        size_t p_end)
{
    const struct onr_gemm_f32_job *job = block->job;
    const struct onr_gemm_f32 *kernel = job->kernel;
    struct onr_gemm_piece piece = {.kernel = panel_kernel(job, panel),
                                   .column = panel * kernel->columns};
    piece.b_stride = piece.kernel->columns;
    size_t left = job->n - piece.column;
    piece.count = left < kernel->columns ? left : kernel->columns;
    if (job->b_packed != NULL) {
        piece.b = packed_piece(job, panel, block->k_begin);
        piece.next =
            panel + 1 < p_end ? packed_piece(job, panel + 1, block->k_begin) : block->after;
    } else if (block->rows <= kernel->rows && piece.count == kernel->columns &&
               is_read_in_place(job)) {
        piece.b = (const float *)job->b.data + block->k_begin * job->b.row_stride + piece.column;
        piece.b_stride = job->b.row_stride;
    } else {
        onr_gemm_f32_pack_piece(kernel, &job->b, block->k_begin, block->k, piece.column,
                                piece.count, block->piece);
        piece.b = block->piece;
    }
    return piece;
}

/* Few rows, B packed or read in place: tiles over several panels, each a stream of its own. Returns
 * the first panel left. */
static size_t run_wide(const struct onr_gemm_block *block, size_t p_begin, size_t p_end)
{
    const struct onr_gemm_f32_job *job = block->job;
    const struct onr_gemm_f32 *kernel = job->kernel;
    size_t step = onr_gemm_f32_wide_panels(kernel, block->rows);
    if (step == 0 || job->line_rows > 0 || (job->b_packed == NULL && !is_read_in_place(job))) {
        return p_begin;
    }
    size_t whole = job->n / kernel->columns;
    size_t panel = p_begin;
    for (; panel + step <= p_end && panel + step <= whole; panel += step) {
        struct onr_gemm_piece piece = find_piece(block, panel, panel);
        onr_gemm_f32_run_wide(block, &piece);
    }
    return panel;
}

/* Few rows, B transposed: packing it would cost more than the product. Runs whole panels, and returns
 * the first one left. */
static size_t run_turned(const struct onr_gemm_block *block, size_t p_begin, size_t p_end)
{
    const struct onr_gemm_f32_job *job = block->job;
    const struct onr_gemm_f32 *kernel = job->kernel;
    const struct onr_gemm_matrix *b = &job->b;
    size_t panel = p_begin;
    if (!onr_gemm_f32_is_turned(job, block->rows, block->k)) {
        return panel;
    }
    for (; panel < p_end && (panel + 1) * kernel->columns <= job->n; panel++) {
        struct onr_gemm_piece piece = {.kernel = kernel,
                                       .column = panel * kernel->columns,
                                       .count = kernel->columns,
                                       .b_stride = b->column_stride};
        piece.b = (const float *)b->data + piece.column * piece.b_stride + block->k_begin;
        onr_gemm_f32_run_turned(block, &piece);
    }
    return panel;
}

static void run_block(const struct onr_gemm_block *block, size_t p_begin, size_t p_end)
{
    size_t panel = run_wide(block, p_begin, p_end);
    for (panel = run_turned(block, panel, p_end); panel < p_end; panel++) {
        struct onr_gemm_piece piece = find_piece(block, panel, p_end);
        piece.is_first = panel == p_begin;
        piece.is_cold = block->is_first && piece.is_first;
        onr_gemm_f32_run_piece(block, &piece);
    }
}

/* The same from the last panel to the first, in groups as wide as a tile: B that is read over and over
 * is read from the end where it was left, of which a cache still has the most. */
static void run_block_backward(const struct onr_gemm_block *block, size_t p_begin, size_t p_end)
{
    size_t step = onr_gemm_f32_wide_panels(block->job->kernel, block->rows);
    step = step > 0 ? step : 1;
    while (p_begin < p_end) {
        size_t rest = (p_end - p_begin) % step;
        size_t begin = p_end - (rest > 0 ? rest : step);
        run_block(block, begin, p_end);
        p_end = begin;
    }
}

/* Sets where A is read for a block, after copying it when tiles cannot read it in place. */
static void set_a(struct onr_gemm_block *block, float *copy)
{
    const struct onr_gemm_f32_job *job = block->job;
    if (block->k == 0) {
        block->a = job->c; /* is not read, but A of no columns may be NULL, which has no rows */
        return;
    }
    if (copy != NULL) {
        block->a = copy;
        block->a_stride = copy_stride(block->k);
        onr_gemm_f32_copy_rows(job->kernel, &job->a, block->row, block->rows, block->k_begin,
                               block->k, copy, block->a_stride);
    } else {
        block->a = (const float *)job->a.data + block->row * job->a.row_stride + block->k_begin;
        block->a_stride = job->a.row_stride;
    }
}

/* The first piece of packed panels for the steps of k from k_begin on; behind the last, what is read
 * after this product. */
static const float *first_piece(const struct onr_gemm_f32_job *job, size_t panel, size_t k_begin)
{
    if (job->b_packed == NULL) {
        return NULL;
    }
    if (k_begin == job->k) {
        return job->after;
    }
    return packed_piece(job, panel, k_begin);
}

void onr_gemm_f32_run(const struct onr_gemm_f32_job *job, size_t m_begin, size_t m_end,
                      size_t p_begin, size_t p_end, void *workspace)
{
    if (m_begin >= m_end || p_begin >= p_end) {
        return;
    }
    bool is_copied = must_copy_a(job);
    size_t m = m_end - m_begin;
    /* Where each block of rows would pack B again, there is one block. */
    size_t limit = is_copied || job->b_packed != NULL ? ONR_GEMM_MC : m;
    limit = job->line_rows > 0 ? ONR_GEMM_LINED_ROWS : limit;
    size_t row_blocks = (m + limit - 1) / limit;
    size_t k_blocks = onr_gemm_k_blocks(job->k);
    size_t copied = copy_floats(job);
    /* A workspace of no bytes may be NULL, to which C forbids to add even 0. */
    struct onr_gemm_block block = {.job = job,
                                   .piece = copied > 0 ? (float *)workspace + copied : workspace};
    for (size_t kb = 0; kb < k_blocks; kb++) {
        block.k_begin = onr_gemm_k_begin(job->k, k_blocks, kb);
        block.k = onr_gemm_k_begin(job->k, k_blocks, kb + 1) - block.k_begin;
        for (size_t mb = 0; mb < row_blocks; mb++) {
            block.row = m_begin + m * mb / row_blocks;
            block.rows = m_begin + m * (mb + 1) / row_blocks - block.row;
            size_t k_after = mb + 1 < row_blocks ? block.k_begin : block.k_begin + block.k;
            block.after = first_piece(job, p_begin, k_after);
            block.is_first = kb == 0 && mb == 0 && !job->is_prefetched;
            set_a(&block, is_copied ? workspace : NULL);
            if (job->is_backward) {
                run_block_backward(&block, p_begin, p_end);
            } else {
                run_block(&block, p_begin, p_end);
            }
        }
    }
}
