/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops around the tiles: blocks of k, blocks of rows that fit L2 with a panel, panels, tiles.
 * While the tiles of one panel run, each prefetches its share of the next panel's piece into L2.
 */
#include "kernels/gemm/gemm_f32_pack.h"

#include <stdint.h>
#include <string.h>

#define LINE_FLOATS 16 /* floats in a cache line */
#define LINE_BYTES  64

/* How far ahead of its reading a tile prefetches its own piece of B. */
#define NEAR_BYTES 8192

/* Rows of A that are this far apart fall into the same set of an L1 cache, which has room for so
 * many. */
#define ALIAS_FLOATS 1024
#define ALIAS_ROWS   8

/* A block of work: rows x k steps, for which A has been copied if it must be. */
struct block {
    const struct onr_gemm_f32_job *job;
    size_t row, rows; /* of C */
    size_t k_begin, k;
    const float *a; /* first row, first step */
    size_t a_stride;
    float *piece;       /* scratch for a piece of B */
    const float *after; /* the first piece of the block that follows, or NULL */
    bool is_first;      /* no block came before */
};

/* A piece of a panel of B. */
struct piece {
    size_t column, count; /* of C; count <= kernel->columns */
    const float *b;
    size_t b_stride;
    const float *next; /* the piece that is read after this, or NULL */
    bool is_cold;      /* has not been prefetched */
};

const struct onr_gemm_f32 *onr_gemm_f32_choose(const struct onr_gemm_kernels *kernels, size_t n)
{
    const struct onr_gemm_f32 *best = kernels->f32[0];
    for (size_t i = 1; i < ONR_GEMM_MAX_SHAPES && kernels->f32[i] != NULL; i++) {
        const struct onr_gemm_f32 *kernel = kernels->f32[i];
        if (onr_gemm_f32_panels(kernel, n) * kernel->columns <
            onr_gemm_f32_panels(best, n) * best->columns) {
            best = kernel;
        }
    }
    return best;
}

static bool must_copy_a(const struct onr_gemm_f32_job *job)
{
    return job->a.dtype != ONR_FLOAT || job->a.column_stride != 1 ||
           (job->a.row_stride % ALIAS_FLOATS == 0 && job->m > ALIAS_ROWS &&
            job->kernel->rows > ALIAS_ROWS);
}

/* Row stride of a copy of A: odd in cache lines, so that the rows of a tile spread over all sets.
 */
static size_t copy_stride(size_t k)
{
    size_t lines = (k + LINE_FLOATS - 1) / LINE_FLOATS;
    return (lines | 1) * LINE_FLOATS;
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
    piece = (piece + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS;
    return (copy_floats(job) + piece) * sizeof(float);
}

/* C is not added to by the block of k that comes first. */
static bool is_first(const struct block *block)
{
    return !block->job->accumulate && block->k_begin == 0;
}

/* f and factor are applied after the last block of k. */
static bool must_finish(const struct block *block)
{
    const struct onr_gemm_f32_job *job = block->job;
    return block->k_begin + block->k == job->k &&
           (!onr_activation_is_none(&job->activation) || job->factor != NULL);
}

/* Where a row of a piece lies in C, or in a matrix beside C. */
static size_t find_place(const struct block *block, const struct piece *piece, size_t row,
                         size_t stride)
{
    const struct onr_gemm_f32_job *job = block->job;
    return (block->row + row - job->c_row) * stride + piece->column - job->c_column;
}

static struct onr_gemm_f32_tile make_tile(const struct block *block, const struct piece *piece)
{
    const struct onr_gemm_f32_job *job = block->job;
    bool has_bias = is_first(block) && job->column_bias != NULL;
    return (struct onr_gemm_f32_tile){
        .k = block->k,
        .a_stride = block->a_stride,
        .b = piece->b,
        .b_stride = piece->b_stride,
        .panel_stride = job->k * job->kernel->columns,
        .c_stride = job->c_stride,
        .base_stride = is_first(block) ? job->addend_stride : job->c_stride,
        .column_bias = has_bias ? job->column_bias + piece->column : NULL,
        .scale = job->scale,
    };
}

static void place_tile(struct onr_gemm_f32_tile *tile, const struct block *block,
                       const struct piece *piece, size_t row)
{
    const struct onr_gemm_f32_job *job = block->job;
    /* An A without columns may be NULL. */
    tile->a = block->k > 0 ? block->a + row * block->a_stride : block->a;
    tile->c = job->c + find_place(block, piece, row, job->c_stride);
    if (!is_first(block)) {
        tile->base = tile->c;
        return;
    }
    if (job->addend != NULL) {
        tile->base = job->addend + find_place(block, piece, row, job->addend_stride);
    }
    if (job->row_bias != NULL) {
        tile->row_bias = job->row_bias + block->row + row;
    }
}

/* c = y times the row's factors, if there are any. c may be y. */
static void store_finished(const struct block *block, const struct piece *piece, size_t row,
                           const float *y, size_t count, float *c)
{
    const struct onr_gemm_f32_job *job = block->job;
    if (job->factor != NULL && must_finish(block)) {
        const float *factor = job->factor + find_place(block, piece, row, job->factor_stride);
        for (size_t j = 0; j < count; j++) {
            c[j] = y[j] * factor[j];
        }
    } else if (c != y) {
        memcpy(c, y, count * sizeof(float));
    }
}

/* Gives a tile that reads whole rows of bias and base zeros behind the columns that there are. */
static void pad_tile(struct onr_gemm_f32_tile *tile, size_t rows, size_t columns, size_t count,
                     float *bias)
{
    if (tile->column_bias != NULL) {
        memcpy(bias, tile->column_bias, count * sizeof(float));
        memset(bias + count, 0, (columns - count) * sizeof(float));
        tile->column_bias = bias;
    }
    if (tile->base != NULL) {
        memset(tile->c, 0, rows * columns * sizeof(float));
        for (size_t i = 0; i < rows; i++) {
            memcpy(tile->c + i * columns, tile->base + i * tile->base_stride,
                   count * sizeof(float));
        }
        tile->base = tile->c;
        tile->base_stride = columns;
    }
}

/* Runs a tile in a buffer: one of fewer columns than the kernel writes, or one whose values are
 * finished there, where all of them stand in one row. */
static void run_tile_beside(const struct block *block, const struct piece *piece,
                            const struct onr_gemm_f32_tile *tile, size_t row, size_t rows)
{
    const struct onr_gemm_f32_job *job = block->job;
    size_t columns = job->kernel->columns;
    float c[ONR_GEMM_MAX_ROWS * ONR_GEMM_MAX_COLUMNS];
    float bias[ONR_GEMM_MAX_COLUMNS];
    struct onr_gemm_f32_tile inner = *tile;
    inner.c = c;
    inner.c_stride = columns;
    if (piece->count < columns) {
        pad_tile(&inner, rows, columns, piece->count, bias);
    }
    job->kernel->tile[rows](&inner);
    if (must_finish(block)) {
        onr_activation_apply(&job->activation, rows * columns, c);
    }
    for (size_t i = 0; i < rows; i++) {
        store_finished(block, piece, row + i, c + i * columns, piece->count,
                       tile->c + i * tile->c_stride);
    }
}

/* Finishes the long rows of a wide tile where they are. */
static void finish_rows(const struct block *block, const struct piece *piece, size_t count,
                        const struct onr_gemm_f32_tile *tile)
{
    for (size_t i = 0; i < block->rows; i++) {
        float *c = tile->c + i * tile->c_stride;
        onr_activation_apply(&block->job->activation, count, c);
        store_finished(block, piece, i, c, count, c);
    }
}

/* Lets a tile prefetch these lines while it computes, some every 4 steps. There may be nothing. */
static void prefetch_lines(struct onr_gemm_f32_tile *tile, uintptr_t from, size_t lines)
{
    if (tile->k >= 4) {
        tile->next = (const char *)from;
        tile->next_end = (const char *)(from + lines * LINE_BYTES);
        tile->next_lines = (lines + tile->k / 4 - 1) / (tile->k / 4);
    }
}

/*
 * What tile t of `tiles` prefetches of a packed B: its share of the next piece, so that memory is
 * read all the time. But the first tile of a piece that nobody has prefetched asks for what it will
 * read itself; a piece of one tile always is such, for one tile is too short to ask for a whole
 * piece that comes in time.
 */
static void set_prefetch(struct onr_gemm_f32_tile *tile, const struct block *block,
                         const struct piece *piece, size_t t, size_t tiles)
{
    size_t lines = tile->k * piece->b_stride / LINE_FLOATS;
    size_t cold_tiles = tiles == 1 || piece->is_cold ? 1 : 0;
    tile->next = NULL;
    tile->next_end = NULL;
    if (block->job->b_packed != NULL && t < cold_tiles) {
        prefetch_lines(tile, (uintptr_t)piece->b + NEAR_BYTES, lines);
    } else if (piece->next != NULL && t >= cold_tiles) {
        size_t share = (lines + tiles - cold_tiles - 1) / (tiles - cold_tiles);
        size_t begin = share * (t - cold_tiles);
        prefetch_lines(tile, (uintptr_t)piece->next + begin * LINE_BYTES, share);
    }
}

/* All rows of the block for one piece. The rows are cut evenly: the last tile is no shorter than
 * the others. */
static void run_piece(const struct block *block, const struct piece *piece)
{
    const struct onr_gemm_f32 *kernel = block->job->kernel;
    struct onr_gemm_f32_tile tile = make_tile(block, piece);
    size_t tiles = (block->rows + kernel->rows - 1) / kernel->rows;
    for (size_t t = 0; t < tiles; t++) {
        size_t row = block->rows * t / tiles;
        size_t rows = block->rows * (t + 1) / tiles - row;
        place_tile(&tile, block, piece, row);
        set_prefetch(&tile, block, piece, t, tiles);
        if (piece->count < kernel->columns || must_finish(block)) {
            run_tile_beside(block, piece, &tile, row, rows);
        } else {
            kernel->tile[rows](&tile);
        }
    }
}

/* The piece of a panel: where it lies packed, or in B itself when one row of tiles reads it once,
 * or copied. */
static struct piece find_piece(const struct block *block, size_t panel, size_t p_end)
{
    const struct onr_gemm_f32_job *job = block->job;
    const struct onr_gemm_f32 *kernel = job->kernel;
    struct piece piece = {.column = panel * kernel->columns, .b_stride = kernel->columns};
    size_t left = job->n - piece.column;
    piece.count = left < kernel->columns ? left : kernel->columns;
    if (job->b_packed != NULL) {
        piece.b = job->b_packed + (panel * job->k + block->k_begin) * kernel->columns;
        piece.next = panel + 1 < p_end ? piece.b + job->k * kernel->columns : block->after;
    } else if (block->rows <= kernel->rows && piece.count == kernel->columns &&
               job->b.dtype == ONR_FLOAT && job->b.column_stride == 1 && job->b.data != NULL) {
        piece.b = (const float *)job->b.data + block->k_begin * job->b.row_stride + piece.column;
        piece.b_stride = job->b.row_stride;
    } else {
        onr_gemm_f32_pack_piece(&job->b, block->k_begin, block->k, piece.column, piece.count,
                                kernel->columns, block->piece);
        piece.b = block->piece;
    }
    return piece;
}

/* Few rows, packed B: tiles over several panels, each a stream of its own. Returns the first panel
 * left. */
static size_t run_wide(const struct block *block, size_t p_begin, size_t p_end)
{
    const struct onr_gemm_f32_job *job = block->job;
    const struct onr_gemm_f32 *kernel = job->kernel;
    if (job->b_packed == NULL || block->rows > ONR_GEMM_WIDE_ROWS ||
        kernel->wide[block->rows] == NULL) {
        return p_begin;
    }
    size_t step = kernel->wide_panels[block->rows];
    size_t whole = job->n / kernel->columns;
    size_t panel = p_begin;
    for (; panel + step <= p_end && panel + step <= whole; panel += step) {
        struct piece piece = find_piece(block, panel, panel);
        struct onr_gemm_f32_tile tile = make_tile(block, &piece);
        place_tile(&tile, block, &piece, 0);
        kernel->wide[block->rows](&tile);
        if (must_finish(block)) {
            finish_rows(block, &piece, step * kernel->columns, &tile);
        }
    }
    return panel;
}

static void run_block(const struct block *block, size_t p_begin, size_t p_end)
{
    for (size_t panel = run_wide(block, p_begin, p_end); panel < p_end; panel++) {
        struct piece piece = find_piece(block, panel, p_end);
        piece.is_cold = block->is_first && panel == p_begin;
        run_piece(block, &piece);
    }
}

/* Sets where A is read for a block, after copying it when tiles cannot read it in place. */
static void set_a(struct block *block, float *copy)
{
    const struct onr_gemm_f32_job *job = block->job;
    if (block->k == 0) {
        block->a = job->c; /* is not read, but A of no columns may be NULL, which has no rows */
        return;
    }
    if (copy != NULL) {
        block->a = copy;
        block->a_stride = copy_stride(block->k);
        onr_gemm_f32_copy_rows(&job->a, block->row, block->rows, block->k_begin, block->k, copy,
                               block->a_stride);
    } else {
        block->a = (const float *)job->a.data + block->row * job->a.row_stride + block->k_begin;
        block->a_stride = job->a.row_stride;
    }
}

/* The first piece of packed panels for the steps of k from k_begin on. */
static const float *first_piece(const struct onr_gemm_f32_job *job, size_t panel, size_t k_begin)
{
    if (job->b_packed == NULL || k_begin == job->k) {
        return NULL;
    }
    return job->b_packed + (panel * job->k + k_begin) * job->kernel->columns;
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
    size_t row_blocks = (m + limit - 1) / limit;
    size_t k_blocks = onr_gemm_k_blocks(job->k);
    size_t copied = copy_floats(job);
    /* A workspace of no bytes may be NULL, to which C forbids to add even 0. */
    struct block block = {.job = job,
                          .piece = copied > 0 ? (float *)workspace + copied : workspace};
    for (size_t kb = 0; kb < k_blocks; kb++) {
        block.k_begin = onr_gemm_k_begin(job->k, k_blocks, kb);
        block.k = onr_gemm_k_begin(job->k, k_blocks, kb + 1) - block.k_begin;
        for (size_t mb = 0; mb < row_blocks; mb++) {
            block.row = m_begin + m * mb / row_blocks;
            block.rows = m_begin + m * (mb + 1) / row_blocks - block.row;
            size_t k_after = mb + 1 < row_blocks ? block.k_begin : block.k_begin + block.k;
            block.after = first_piece(job, p_begin, k_after);
            block.is_first = kb == 0 && mb == 0;
            set_a(&block, is_copied ? workspace : NULL);
            run_block(&block, p_begin, p_end);
        }
    }
}
