/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of matrices into the form that tiles read, converted to float32 on the way. */
#include "kernels/gemm/gemm_f32_pack.h"

#include "base/half.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#    include <emmintrin.h>
#endif

/* Columns that are transposed together: a line of what is written, and as many streams as the
 * machine follows by itself. */
#define STRIP 16

/* Rows of a panel lie too far apart for the machine to guess the next: it is asked for this much
 * ahead. */
#define ROWS_AHEAD 16

static uint16_t load_u16(const unsigned char *data)
{
    uint16_t bits;
    memcpy(&bits, data, sizeof(bits));
    return bits;
}

/* y[i] = element first + i * stride, for data at any alignment. */
static void load_floats(const struct onr_gemm_matrix *matrix, size_t first, size_t stride,
                        size_t count, float *y)
{
    const unsigned char *data = matrix->data;
    if (matrix->dtype == ONR_FLOAT16) {
        for (size_t i = 0; i < count; i++) {
            y[i] = onr_half_to_float(load_u16(data + 2 * (first + i * stride)));
        }
    } else if (matrix->dtype == ONR_BFLOAT16) {
        for (size_t i = 0; i < count; i++) {
            y[i] = onr_bfloat16_to_float(load_u16(data + 2 * (first + i * stride)));
        }
    } else if (stride == 1) {
        memcpy(y, data + 4 * first, count * sizeof(float));
    } else {
        for (size_t i = 0; i < count; i++) {
            memcpy(y + i, data + 4 * (first + i * stride), sizeof(float));
        }
    }
}

/* Columns that lie one after another: each is read in runs of 16 steps and scattered over the
 * panel. */
static void pack_piece_by_columns(const struct onr_gemm_matrix *b, size_t k_begin, size_t k,
                                  size_t column, size_t count, size_t width, float *piece)
{
    float run[16];
    for (size_t p = 0; p < k; p += 16) {
        size_t steps = k - p < 16 ? k - p : 16;
        for (size_t j = 0; j < count; j++) {
            load_floats(b, (k_begin + p) * b->row_stride + (column + j) * b->column_stride,
                        b->row_stride, steps, run);
            for (size_t s = 0; s < steps; s++) {
                piece[(p + s) * width + j] = run[s];
            }
        }
    }
}

/* Floats whose rows follow each other: element (i, 0) is the first of a line. */
static bool is_transposed(const struct onr_gemm_matrix *matrix)
{
    return matrix->dtype == ONR_FLOAT && matrix->row_stride == 1;
}

/* y[i * y_stride + j] = element (row + i, column + j) of floats that lie transposed. */
static void transpose_floats(const struct onr_gemm_f32 *kernel,
                             const struct onr_gemm_matrix *matrix, size_t row, size_t rows,
                             size_t column, size_t columns, float *y, size_t y_stride)
{
    const char *first = (const char *)matrix->data + 4 * (column * matrix->column_stride + row);
    kernel->transpose(rows, columns, y, (int64_t)y_stride, first, (int64_t)matrix->column_stride);
}

/* Rows of a whole panel, whose length the compiler knows: a call of memcpy costs more than the copy.
 */
static inline void copy_whole_rows(const struct onr_gemm_matrix *b, size_t first, size_t k,
                                   size_t width, float *piece)
{
    const char *x = (const char *)b->data + 4 * first;
    for (size_t p = 0; p < k; p++) {
        uintptr_t ahead = (uintptr_t)x + 4 * (p + ROWS_AHEAD) * b->row_stride;
        for (size_t i = 0; i < width; i += 16) {
            __builtin_prefetch((const void *)(ahead + 4 * i));
        }
        memcpy(piece + p * width, x + 4 * p * b->row_stride, width * sizeof(float));
    }
}

static void pack_piece_by_rows(const struct onr_gemm_matrix *b, size_t k_begin, size_t k,
                               size_t column, size_t count, size_t width, float *piece)
{
    size_t first = k_begin * b->row_stride + column;
    bool is_whole = count == width && b->dtype == ONR_FLOAT;
    if (is_whole && width == 48) {
        copy_whole_rows(b, first, k, 48, piece);
    } else if (is_whole && width == 32) {
        copy_whole_rows(b, first, k, 32, piece);
    } else if (is_whole && width == 16) {
        copy_whole_rows(b, first, k, 16, piece);
    } else {
        for (size_t p = 0; p < k; p++) {
            load_floats(b, first + p * b->row_stride, 1, count, piece + p * width);
        }
    }
}

void onr_gemm_f32_pack_piece(const struct onr_gemm_f32 *kernel, const struct onr_gemm_matrix *b,
                             size_t k_begin, size_t k, size_t column, size_t count, float *piece)
{
    size_t width = kernel->columns;
    if (k == 0) {
        return; /* a B without rows may be NULL, to which C forbids to add even 0 */
    }
    if (b->column_stride == 1) {
        pack_piece_by_rows(b, k_begin, k, column, count, width, piece);
    } else if (is_transposed(b)) {
        for (size_t j = 0; j < count; j += STRIP) {
            transpose_floats(kernel, b, k_begin, k, column + j,
                             count - j < STRIP ? count - j : STRIP, piece + j, width);
        }
    } else {
        pack_piece_by_columns(b, k_begin, k, column, count, width, piece);
    }
    for (size_t p = 0; p < k && count < width; p++) {
        memset(piece + p * width + count, 0, (width - count) * sizeof(float));
    }
}

void onr_gemm_f32_copy_rows(const struct onr_gemm_f32 *kernel, const struct onr_gemm_matrix *a,
                            size_t row, size_t rows, size_t k_begin, size_t k, float *copy,
                            size_t copy_stride)
{
    if (a->column_stride == 1) {
        for (size_t i = 0; i < rows; i++) {
            load_floats(a, (row + i) * a->row_stride + k_begin, 1, k, copy + i * copy_stride);
        }
        return;
    }
    if (is_transposed(a)) {
        transpose_floats(kernel, a, row, rows, k_begin, k, copy, copy_stride);
        return;
    }
    float run[ONR_GEMM_MC];
    for (size_t p = 0; p < k; p++) {
        load_floats(a, row * a->row_stride + (k_begin + p) * a->column_stride, a->row_stride, rows,
                    run);
        for (size_t i = 0; i < rows; i++) {
            copy[i * copy_stride + p] = run[i];
        }
    }
}

void onr_gemm_f32_pack(const struct onr_gemm_f32 *kernel, size_t k, size_t n,
                       const struct onr_gemm_matrix *b, size_t begin, size_t end, float *packed)
{
    size_t width = kernel->columns;
    for (size_t panel = begin; panel < end; panel++) {
        size_t column = panel * width;
        size_t count = n - column < width ? n - column : width;
        onr_gemm_f32_pack_piece(kernel, b, 0, k, column, count, packed + panel * k * width);
    }
}

/* A line of floats at x, which lie anywhere, to y, without reading y first. */
static inline void stream_line(float *y, const char *x)
{
#if defined(__SSE2__)
    for (size_t i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(x + 16 * i));
        _mm_stream_si128((__m128i *)(void *)(y + 4 * i), part);
    }
#else
    memcpy(y, x, 64);
#endif
}

/* Waits for what was streamed, so that other threads see it once they are told that it is there. */
static void end_stream(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

/* Row by row, so that b is read in one stream, to as many streams as there are panels. */
static void pack_rows(const struct onr_gemm_f32 *kernel, const struct onr_gemm_f32 *last, size_t k,
                      size_t n, const struct onr_gemm_matrix *b, size_t begin, size_t end,
                      float *packed)
{
    size_t width = kernel->columns;
    bool has_lines = b->dtype == ONR_FLOAT && width % 16 == 0;
    size_t whole = has_lines ? n / width * width : 0;
    for (size_t p = begin; p < end; p++) {
        float *row = packed + p * width;
        const char *x = (const char *)b->data + 4 * p * b->row_stride;
        for (size_t column = 0; column < whole; column += width) {
            for (size_t j = 0; j < width; j += 16) {
                stream_line(row + column * k + j, x + 4 * (column + j));
            }
        }
        for (size_t column = whole; column + width <= n; column += width) {
            onr_gemm_f32_pack_piece(kernel, b, p, 1, column, width, row + column * k);
        }
        if (n % width > 0) {
            onr_gemm_f32_pack_piece(last, b, p, 1, n - n % width, n % width,
                                    packed + (n - n % width) * k + p * last->columns);
        }
    }
    end_stream();
}

void onr_gemm_f32_pack_weights(const struct onr_gemm_f32 *kernel, const struct onr_gemm_f32 *last,
                               size_t k, size_t n, const struct onr_gemm_matrix *b, size_t begin,
                               size_t end, float *packed)
{
    size_t shares = onr_gemm_f32_panels(kernel, n);
    if (b->column_stride == 1) {
        pack_rows(kernel, last, k, n, b, k * begin / shares, k * end / shares, packed);
        return;
    }
    size_t whole = n / kernel->columns;
    onr_gemm_f32_pack(kernel, k, n, b, begin, end < whole ? end : whole, packed);
    if (whole < end) {
        size_t column = whole * kernel->columns;
        onr_gemm_f32_pack_piece(last, b, 0, k, column, n - column, packed + column * k);
    }
}
