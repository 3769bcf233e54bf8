/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles of AVX-512: 8 x 48 (24 accumulators for 3 loads of B and 8 of A per step), 14 x 32 and 12 x
 * 16 where they waste fewer columns. Row and vector counts are constants where these functions are
 * inlined, and the loops over them are unrolled whole, so that the accumulators are registers.
 */
#include "kernels/gemm/gemm_f32_slim.h"
#include "kernels/gemm/gemm_target.h"
#include "kernels/gemm/gemm_turned.h"
#include "kernels/kernels.h"

#include <immintrin.h>
#include <stdint.h>

void onr_fill_gemm__avx512(struct onr_kernels *kernels);

#define LANES 16

/* From how many on tiles store their sums in a shorter way if they can: code for smaller ones, which are
 * the last of their columns or rows, would take more room than it is worth. */
#define PLAIN_VECTORS 18

/* Stores vectors of a row, from a column on, with all that is added to them. */
ONR_INLINE void store(const struct onr_gemm_target *to, size_t column, size_t vectors,
                      const __m512 *sum)
{
    __m512 scale = _mm512_set1_ps(to->scale);
    __m512 low = _mm512_set1_ps(to->low);
    __m512 row_bias = _mm512_set1_ps(*to->row_bias);
    ONR_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        size_t j = column + v * LANES;
        __m512 both = _mm512_add_ps(row_bias, _mm512_loadu_ps(to->column_bias + j));
        __m512 start = _mm512_add_ps(_mm512_loadu_ps(to->base + j), both);
        _mm512_storeu_ps(to->c + j, _mm512_max_ps(low, _mm512_fmadd_ps(scale, sum[v], start)));
    }
}

/* One step of k: a row of B times the rows' elements of A. */
ONR_INLINE void step(__m512 (*sum)[3], const float *a, size_t a_stride, const float *b, size_t rows,
                     size_t vectors)
{
    __m512 row[3];
    ONR_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        row[v] = _mm512_loadu_ps(b + v * LANES);
    }
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        __m512 x = _mm512_set1_ps(a[i * a_stride]);
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            ONR_ADD_PRODUCT(sum[i][v], x, row[v]);
        }
    }
}

/* Asks for some lines of what comes next. Returns what comes after them. */
ONR_INLINE const char *prefetch_next(const struct onr_gemm_f32_tile *t, const char *next)
{
    for (size_t l = 0; l < t->next_lines && next < t->next_end; l++, next += 64) {
        _mm_prefetch(next, _MM_HINT_T1);
    }
    return next;
}

ONR_INLINE void tile(const struct onr_gemm_f32_tile *t, size_t rows, size_t vectors)
{
    __m512 sum[ONR_GEMM_MAX_ROWS][3];
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            sum[i][v] = _mm512_setzero_ps();
        }
    }
    const float *a = t->a;
    const float *b = t->b;
    const char *next = t->next;
    size_t k = t->k;
    /* Where a step is one vector of each row, a loop shows no more than steps side by side. */
    for (size_t p = 0; vectors == 1 && k > 0; k--, p++) {
        next = p % 4 == 0 ? prefetch_next(t, next) : next;
        step(sum, a, t->a_stride, b, rows, vectors);
        a++;
        b += t->b_stride;
    }
    /* A loop until the lines of C are asked for, and one after it, by the same code. */
    for (int part = 0; part < 2; part++) {
        size_t left = part == 0 && vectors > 1 ? t->late_steps : 0;
        for (; k >= left + 4; k -= 4) {
            next = prefetch_next(t, next);
            ONR_UNROLL
            for (size_t p = 0; p < 4; p++) {
                step(sum, a, t->a_stride, b, rows, vectors);
                a++;
                b += t->b_stride;
            }
        }
        if (left > 0) {
            onr_gemm_prefetch_target(t, rows, vectors * LANES);
        }
    }
    for (; k > 0; k--) {
        step(sum, a, t->a_stride, b, rows, vectors);
        a++;
        b += t->b_stride;
    }
    if (rows * vectors >= PLAIN_VECTORS && onr_gemm_is_plain(t)) {
        onr_gemm_store_plain(t, rows, vectors, sum[0], 3);
        return;
    }
    struct onr_gemm_target to = onr_gemm_first_row(t);
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        store(&to, 0, vectors, sum[i]);
        onr_gemm_next_row(&to);
    }
}

/* Asks for what a panel's stream will read some steps later. It may lie behind the panel. */
ONR_INLINE void prefetch_ahead(const float *b, size_t ahead, size_t vectors)
{
    ONR_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        _mm_prefetch((const char *)((uintptr_t)b + ahead + v * LANES * sizeof(float)), _MM_HINT_T1);
    }
}

/* rows x (panels * 48): one accumulator per row, panel and vector. */
ONR_INLINE void wide(const struct onr_gemm_f32_tile *t, size_t rows, size_t panels, size_t vectors)
{
    __m512 sum[8][3];
    ONR_UNROLL
    for (size_t s = 0; s < rows * panels; s++) {
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            sum[s][v] = _mm512_setzero_ps();
        }
    }
    const float *b = t->b;
    for (size_t p = 0; p < t->k; p++) {
        ONR_UNROLL
        for (size_t q = 0; q < panels; q++) {
            if (t->ahead != 0) {
                prefetch_ahead(b + q * t->panel_stride, t->ahead, vectors);
            }
            step(sum + q * rows, t->a + p, t->a_stride, b + q * t->panel_stride, rows, vectors);
        }
        b += t->b_stride;
    }
    struct onr_gemm_target to = onr_gemm_first_row(t);
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        ONR_UNROLL
        for (size_t q = 0; q < panels; q++) {
            store(&to, q * vectors * LANES, vectors, sum[q * rows + i]);
        }
        onr_gemm_next_row(&to);
    }
}

/* x[i] and y[i] -> the numbers of x and y in turns, within each 128 bits. */
ONR_INLINE __m512d low_pairs(__m512 x, __m512 y)
{
    return _mm512_castps_pd(_mm512_unpacklo_ps(x, y));
}

ONR_INLINE __m512d high_pairs(__m512 x, __m512 y)
{
    return _mm512_castps_pd(_mm512_unpackhi_ps(x, y));
}

/* Transposes the 4 x 4 numbers of 4 rows in each 128 bits: quad[i] has number i of each row. */
ONR_INLINE void turn_quads(const __m512 *row, __m512 *quad)
{
    __m512d x = low_pairs(row[0], row[1]);
    __m512d y = low_pairs(row[2], row[3]);
    quad[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
    quad[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
    x = high_pairs(row[0], row[1]);
    y = high_pairs(row[2], row[3]);
    quad[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
    quad[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
}

/* Transposes the 4 x 4 blocks of 128 bits of 4 vectors, each 4 after the one before. */
ONR_INLINE void turn_blocks(const __m512 *x, __m512 *y)
{
    __m512 even = _mm512_shuffle_f32x4(x[0], x[4], 0x88);
    __m512 odd = _mm512_shuffle_f32x4(x[0], x[4], 0xdd);
    __m512 more_even = _mm512_shuffle_f32x4(x[8], x[12], 0x88);
    __m512 more_odd = _mm512_shuffle_f32x4(x[8], x[12], 0xdd);
    y[0] = _mm512_shuffle_f32x4(even, more_even, 0x88);
    y[4] = _mm512_shuffle_f32x4(odd, more_odd, 0x88);
    y[8] = _mm512_shuffle_f32x4(even, more_even, 0xdd);
    y[12] = _mm512_shuffle_f32x4(odd, more_odd, 0xdd);
}

/* y[p] = number p of each of 16 rows. */
ONR_INLINE void turn(const float *b, size_t b_stride, __m512 *y)
{
    __m512 quad[LANES];
    ONR_UNROLL
    for (size_t i = 0; i < LANES; i += 4) {
        const float *x = b + i * b_stride;
        __m512 row[4] = {_mm512_loadu_ps(x), _mm512_loadu_ps(x + b_stride),
                         _mm512_loadu_ps(x + 2 * b_stride), _mm512_loadu_ps(x + 3 * b_stride)};
        turn_quads(row, quad + i);
    }
    ONR_UNROLL
    for (size_t i = 0; i < 4; i++) {
        turn_blocks(quad + i, y + i);
    }
}

ONR_INLINE void add_turned(size_t rows, const float *a, size_t a_stride, const float *b,
                           size_t b_stride, float *sums, size_t stride)
{
    __m512 y[LANES];
    turn(b, b_stride, y);
    for (size_t i = 0; i < rows; i++) {
        __m512 sum = _mm512_loadu_ps(sums + i * stride);
        ONR_UNROLL
        for (size_t p = 0; p < LANES; p++) {
            sum = _mm512_fmadd_ps(_mm512_set1_ps(a[i * a_stride + p]), y[p], sum);
        }
        _mm512_storeu_ps(sums + i * stride, sum);
    }
}

static void turned(size_t rows, size_t columns, size_t k, const float *a, size_t a_stride,
                   const float *b, size_t b_stride, float *sums)
{
    onr_gemm_turned_loop(rows, columns, k, a, a_stride, b, b_stride, sums, LANES, add_turned);
}

#define TILE(rows, vectors)                                                                        \
    static void tile_##rows##x##vectors(const struct onr_gemm_f32_tile *t)                         \
    {                                                                                              \
        tile(t, rows, vectors);                                                                    \
    }
#define WIDE(rows, panels, vectors)                                                                \
    static void wide_##rows##x##panels##x##vectors(const struct onr_gemm_f32_tile *t)              \
    {                                                                                              \
        wide(t, rows, panels, vectors);                                                            \
    }
/* clang-format off */
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2) TILE(7, 2) TILE(8, 2)
TILE(9, 2) TILE(10, 2) TILE(11, 2) TILE(12, 2) TILE(13, 2) TILE(14, 2)
TILE(1, 3) TILE(2, 3) TILE(3, 3) TILE(4, 3) TILE(5, 3) TILE(6, 3) TILE(7, 3) TILE(8, 3)
WIDE(1, 8, 2) WIDE(2, 4, 2) WIDE(3, 2, 2) WIDE(4, 2, 2)
WIDE(1, 8, 3) WIDE(2, 4, 3) WIDE(3, 2, 3) WIDE(4, 2, 3)
    /* clang-format on */

    static const struct onr_gemm_f32 gemm_8x48 = {
        .rows = 8,
        .columns = 48,
        .cost = 48,
        .tile = {NULL, tile_1x3, tile_2x3, tile_3x3, tile_4x3, tile_5x3, tile_6x3, tile_7x3,
                 tile_8x3},
        .wide = {NULL, wide_1x8x3, wide_2x4x3, wide_3x2x3, wide_4x2x3},
        .wide_panels = {0, 8, 4, 2, 2},
        .turned = turned,
        .turned_rows = ONR_GEMM_TURNED_ROWS,
        .transpose = onr_transpose_words__avx512,
};

static const struct onr_gemm_f32 gemm_14x32 = {
    .rows = 14,
    .columns = 32,
    .cost = 34,
    .tile = {NULL, tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2, tile_6x2, tile_7x2, tile_8x2,
             tile_9x2, tile_10x2, tile_11x2, tile_12x2, tile_13x2, tile_14x2},
    .wide = {NULL, wide_1x8x2, wide_2x4x2, wide_3x2x2, wide_4x2x2},
    .wide_panels = {0, 8, 4, 2, 2},
    .turned = turned,
    .turned_rows = ONR_GEMM_TURNED_ROWS,
    .transpose = onr_transpose_words__avx512,
};

static const struct onr_gemm_f32 gemm_12x16 = {
    .rows = 12,
    .columns = 16,
    .cost = 23,
    .tile = {NULL, tile_1x1, tile_2x1, tile_3x1, tile_4x1, tile_5x1, tile_6x1, tile_7x1, tile_8x1,
             tile_9x1, tile_10x1, tile_11x1, tile_12x1},
    .turned = turned,
    .turned_rows = ONR_GEMM_TURNED_ROWS,
    .transpose = onr_transpose_words__avx512,
};

void onr_fill_gemm__avx512(struct onr_kernels *kernels)
{
    kernels->gemm = (struct onr_gemm_kernels){.f32 = {&gemm_8x48, &gemm_14x32, &gemm_12x16},
                                              .slim = &onr_gemm_f32_slim__avx2};
}
