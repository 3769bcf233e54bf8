/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles over one piece: what each reads, writes, prefetches, and how its values are finished. While
 * the tiles of one piece run, each prefetches its share of the next piece into L2.
 */
#include "kernels/gemm/gemm_f32_block.h"

#include "kernels/gemm/gemm_target.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LINE_BYTES 64

/* How far ahead of its reading a tile prefetches its own piece of B. Where a step reads this many
 * columns for each row, the steps that a machine works on at a time reach far enough, and asking for
 * more slows down the machine's own prefetching. */
#define NEAR_BYTES   8192
#define FAST_COLUMNS 8

/* How many steps of k before its end a tile asks for the lines that it will store, if they are not in L2:
 * so late that they stay in L1 until then, which what is asked for as a long tile begins does not, and so
 * early that they are there. A tile of fewer steps asks as it begins. */
#define LATE_STEPS 64

/* How far ahead wide tiles prefetch: bytes of each panel for one row of A (with more there are too
 * few streams for this to help), rows of a B that is not packed. */
#define WIDE_BYTES 2048
#define WIDE_ROWS  16

/* C is not added to by the block of k that comes first. */
static bool is_first(const struct onr_gemm_block *block)
{
    return !block->job->accumulate && block->k_begin == 0;
}

/* f and factor are applied by the block of k that comes last. */
static bool is_last(const struct onr_gemm_block *block)
{
    return block->k_begin + block->k == block->job->k;
}

/* Whether that is left to do for what a tile has stored. */
static bool must_finish(const struct onr_gemm_block *block)
{
    const struct onr_gemm_f32_job *job = block->job;
    bool has_function = !onr_activation_is_none(&job->activation) && !job->activation.is_relu;
    return is_last(block) && (has_function || job->factor != NULL);
}

/* Where a row of a piece lies in C, or in a matrix beside C. */
static size_t find_place(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece,
                         size_t row, size_t stride)
{
    const struct onr_gemm_f32_job *job = block->job;
    return (block->row + row - job->c_row) * stride + piece->column - job->c_column;
}

static struct onr_gemm_f32_tile make_tile(const struct onr_gemm_block *block,
                                          const struct onr_gemm_piece *piece)
{
    const struct onr_gemm_f32_job *job = block->job;
    bool has_bias = is_first(block) && job->column_bias != NULL;
    bool has_base = !is_first(block) || job->addend != NULL;
    size_t base_stride = is_first(block) ? job->addend_stride : job->c_stride;
    size_t late_steps = block->k < LATE_STEPS ? block->k : LATE_STEPS;
    return (struct onr_gemm_f32_tile){
        .k = block->k,
        .a_stride = block->a_stride,
        .b = piece->b,
        .b_stride = piece->b_stride,
        .c_stride = job->c_stride,
        .base = onr_gemm_zeros,
        .base_stride = has_base ? base_stride : 0,
        .column_bias = has_bias ? job->column_bias + piece->column : onr_gemm_zeros,
        .row_bias = onr_gemm_zeros,
        .scale = job->scale,
        .low = job->activation.is_relu && is_last(block) ? 0.0f : -INFINITY,
        .late_steps = job->is_c_cold ? late_steps : 0,
    };
}

/* Where a row of the block lies in A. */
static size_t find_row(const struct onr_gemm_block *block, size_t row)
{
    const struct onr_gemm_f32_job *job = block->job;
    if (job->line_rows == 0) {
        return row * block->a_stride;
    }
    return row / job->line_rows * job->line_stride + row % job->line_rows * block->a_stride;
}

static void place_tile(struct onr_gemm_f32_tile *tile, const struct onr_gemm_block *block,
                       const struct onr_gemm_piece *piece, size_t row)
{
    const struct onr_gemm_f32_job *job = block->job;
    /* An A without columns may be NULL. */
    tile->a = block->k > 0 ? block->a + find_row(block, row) : block->a;
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

/* Gives a tile that reads whole rows of bias and base zeros behind the columns that there are. */
static void pad_tile(struct onr_gemm_f32_tile *tile, size_t rows, size_t columns, size_t count,
                     float *bias)
{
    if (tile->column_bias != onr_gemm_zeros) {
        memcpy(bias, tile->column_bias, count * sizeof(float));
        memset(bias + count, 0, (columns - count) * sizeof(float));
        tile->column_bias = bias;
    }
    if (tile->base != onr_gemm_zeros) {
        memset(tile->c, 0, rows * columns * sizeof(float));
        for (size_t i = 0; i < rows; i++) {
            memcpy(tile->c + i * columns, tile->base + i * tile->base_stride,
                   count * sizeof(float));
        }
        tile->base = tile->c;
        tile->base_stride = columns;
    }
}

/* Runs a tile of fewer columns than the kernel writes, in a buffer. */
static void run_narrow_tile(const struct onr_gemm_f32 *kernel, const struct onr_gemm_f32_tile *tile,
                            size_t rows, size_t count)
{
    float c[ONR_GEMM_MAX_ROWS * ONR_GEMM_MAX_COLUMNS];
    float bias[ONR_GEMM_MAX_COLUMNS];
    struct onr_gemm_f32_tile inner = *tile;
    inner.c = c;
    inner.c_stride = kernel->columns;
    pad_tile(&inner, rows, kernel->columns, count, bias);
    kernel->tile[rows](&inner);
    for (size_t i = 0; i < rows; i++) {
        memcpy(tile->c + i * tile->c_stride, c + i * kernel->columns, count * sizeof(float));
    }
}

/* Applies f and factor to rows that a tile has just stored: they are in L1, or still on their way there,
 * from where only vectors as wide as the tile's are read at once. */
static void finish_rows(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece,
                        size_t row, size_t rows, size_t count)
{
    const struct onr_gemm_f32_job *job = block->job;
    for (size_t i = row; i < row + rows; i++) {
        float *c = job->c + find_place(block, piece, i, job->c_stride);
        if (!job->activation.is_relu) {
            onr_activation_apply(&job->activation, count, c);
        }
        if (job->factor != NULL) {
            const float *factor = job->factor + find_place(block, piece, i, job->factor_stride);
            job->multiply(count, c, 1, factor, 1, c);
        }
    }
}

/* Runs a tile of whole panels in a buffer, where its rows lie one behind the other, so that f is called
 * once: the steps of f of a single row wait for each other. */
static void run_last_tile(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece,
                          struct onr_gemm_f32_tile *tile, size_t row, size_t rows)
{
    float buffer[ONR_GEMM_MAX_ROWS * ONR_GEMM_MAX_COLUMNS];
    const struct onr_gemm_f32_job *job = block->job;
    size_t columns = piece->kernel->columns;
    float *c = tile->c;
    tile->c = buffer;
    tile->c_stride = columns;
    piece->kernel->tile[rows](tile);
    tile->c = c;
    tile->c_stride = job->c_stride;
    if (tile->late_steps > 0) {
        onr_gemm_prefetch_target(tile, rows, columns);
    }
    onr_activation_apply(&job->activation, rows * columns, buffer);
    for (size_t i = 0; i < rows; i++) {
        const float *x = buffer + i * columns;
        float *y = c + i * job->c_stride;
        if (job->factor != NULL) {
            job->multiply(columns, x, 1,
                          job->factor + find_place(block, piece, row + i, job->factor_stride), 1,
                          y);
        } else {
            memcpy(y, x, columns * sizeof *y);
        }
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

/* Rows of A that follow those of the tile, to be read by the next, if they are all there is between
 * them. Behind the last is the A of the next product, where there are several. */
static bool prefetch_rows(struct onr_gemm_f32_tile *tile, const struct onr_gemm_block *block,
                          size_t rows)
{
    const struct onr_gemm_f32_job *job = block->job;
    if (!job->is_a_cold || tile->a_stride != block->k) {
        return false;
    }
    size_t lines = (rows * tile->k + ONR_GEMM_LINE_FLOATS - 1) / ONR_GEMM_LINE_FLOATS;
    prefetch_lines(tile, (uintptr_t)tile->a + rows * tile->k * sizeof(float), lines);
    return true;
}

/*
 * What tile t of `tiles` prefetches of a packed B: its share of the next piece, so that memory is
 * read all the time. But the first tile of a piece that nobody has prefetched asks for what it will
 * read itself; a piece of one tile always is such, for one tile is too short to ask for a whole
 * piece that comes in time.
 */
static void set_prefetch(struct onr_gemm_f32_tile *tile, const struct onr_gemm_block *block,
                         const struct onr_gemm_piece *piece, size_t t, size_t tiles)
{
    size_t lines = tile->k * piece->b_stride / ONR_GEMM_LINE_FLOATS;
    size_t cold_tiles = tiles == 1 || piece->is_cold ? 1 : 0;
    tile->next = NULL;
    tile->next_end = NULL;
    if (block->job->is_b_hot) {
        return;
    }
    bool is_fast = piece->b_stride >= FAST_COLUMNS * (block->rows / tiles);
    if (block->job->b_packed != NULL && t < cold_tiles && !is_fast) {
        prefetch_lines(tile, (uintptr_t)piece->b + NEAR_BYTES, lines);
    } else if (piece->next != NULL && t >= cold_tiles) {
        size_t share = (lines + tiles - cold_tiles - 1) / (tiles - cold_tiles);
        size_t begin = share * (t - cold_tiles);
        prefetch_lines(tile, (uintptr_t)piece->next + begin * LINE_BYTES, share);
    }
}

/* Tells a wide tile how its panels lie: behind each other when packed, else beside each other. */
static void set_panels(struct onr_gemm_f32_tile *tile, const struct onr_gemm_block *block)
{
    const struct onr_gemm_f32_job *job = block->job;
    if (job->b_packed != NULL) {
        tile->panel_stride = job->k * job->kernel->columns;
        tile->ahead = block->rows == 1 && !job->is_b_hot ? WIDE_BYTES : 0;
    } else {
        tile->panel_stride = job->kernel->columns;
        tile->ahead = WIDE_ROWS * tile->b_stride * sizeof(float);
    }
}

void onr_gemm_f32_run_wide(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece)
{
    const struct onr_gemm_f32 *kernel = block->job->kernel;
    struct onr_gemm_f32_tile tile = make_tile(block, piece);
    set_panels(&tile, block);
    place_tile(&tile, block, piece, 0);
    kernel->wide[block->rows](&tile);
    if (must_finish(block)) {
        finish_rows(block, piece, 0, block->rows,
                    kernel->wide_panels[block->rows] * kernel->columns);
    }
}

/* The sums are stored, with all that is added to them, as the product by a 1. */
void onr_gemm_f32_run_turned(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece)
{
    static const float one = 1.0f;
    const struct onr_gemm_f32 *kernel = block->job->kernel;
    kernel->turned(block->rows, kernel->columns, block->k, block->a, block->a_stride, piece->b,
                   piece->b_stride, block->piece);
    struct onr_gemm_f32_tile tile = make_tile(block, piece);
    tile.k = 1;
    for (size_t row = 0; row < block->rows; row++) {
        place_tile(&tile, block, piece, row);
        tile.a = &one;
        tile.b = block->piece + row * kernel->columns;
        kernel->tile[1](&tile);
        if (must_finish(block)) {
            finish_rows(block, piece, row, 1, piece->count);
        }
    }
}

/* Tile t of `tiles`: some rows, which lie in one line. */
static void run_tile(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece,
                     struct onr_gemm_f32_tile *tile, size_t row, size_t rows, size_t t,
                     size_t tiles)
{
    const struct onr_gemm_f32_job *job = block->job;
    const struct onr_gemm_f32 *kernel = piece->kernel;
    place_tile(tile, block, piece, row);
    if (!piece->is_first || !prefetch_rows(tile, block, rows)) {
        set_prefetch(tile, block, piece, t, tiles);
    }
    bool must = must_finish(block);
    if (must && rows > 1 && job->activation.is_by_blocks && piece->count == kernel->columns) {
        run_last_tile(block, piece, tile, row, rows);
        return;
    }
    if (piece->count < kernel->columns) {
        run_narrow_tile(kernel, tile, rows, piece->count);
    } else {
        kernel->tile[rows](tile);
    }
    if (must) {
        finish_rows(block, piece, row, rows, piece->count);
    }
}

/* The rows, or those of each line, are cut evenly: the last tile is no shorter than the others. */
void onr_gemm_f32_run_piece(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece)
{
    const struct onr_gemm_f32 *kernel = piece->kernel;
    struct onr_gemm_f32_tile tile = make_tile(block, piece);
    size_t line_rows = block->job->line_rows > 0 ? block->job->line_rows : block->rows;
    size_t line_tiles = (line_rows + kernel->rows - 1) / kernel->rows;
    size_t tiles = block->rows / line_rows * line_tiles;
    for (size_t t = 0, line = 0; t < tiles; line += line_rows) {
        for (size_t i = 0; i < line_tiles; i++, t++) {
            size_t begin = line_rows * i / line_tiles;
            size_t end = line_rows * (i + 1) / line_tiles;
            run_tile(block, piece, &tile, line + begin, end - begin, t, tiles);
        }
    }
}
