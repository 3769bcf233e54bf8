/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles of AVX2: 6 x 16, 12 accumulators for 2 loads of B and 6 of A per step. Row counts are
 * constants where these functions are inlined, and the loops over them are unrolled whole, so that
 * the accumulators are registers.
 */
#include "kernels/gemm/gemm_f32_slim.h"
#include "kernels/gemm/gemm_target.h"
#include "kernels/gemm/gemm_turned.h"
#include "kernels/kernels.h"

#include <immintrin.h>
#include <stdint.h>

void onr_fill_gemm__avx2(struct onr_kernels *kernels);

#define LANES   8
#define VECTORS 2
#define REACH   3 /* rows that one pointer reaches: an address is p, p + stride or p + 2 * stride */

/* Stores vectors of a row, from a column on, with all that is added to them. */
ONR_INLINE void store(const struct onr_gemm_target *to, size_t column, const __m256 *sum)
{
    __m256 scale = _mm256_set1_ps(to->scale);
    __m256 low = _mm256_set1_ps(to->low);
    __m256 row_bias = _mm256_set1_ps(*to->row_bias);
    ONR_UNROLL
    for (size_t v = 0; v < VECTORS; v++) {
        size_t j = column + v * LANES;
        __m256 both = _mm256_add_ps(row_bias, _mm256_loadu_ps(to->column_bias + j));
        __m256 start = _mm256_add_ps(_mm256_loadu_ps(to->base + j), both);
        _mm256_storeu_ps(to->c + j, _mm256_max_ps(low, _mm256_fmadd_ps(scale, sum[v], start)));
    }
}

/* One step of k: a row of B times the rows' elements of A, of which a[0] reaches the first rows. */
ONR_INLINE void step(__m256 (*sum)[VECTORS], const float *const *a, size_t a_stride, const float *b,
                     size_t rows)
{
    __m256 row[VECTORS] = {_mm256_loadu_ps(b), _mm256_loadu_ps(b + LANES)};
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        __m256 x = _mm256_set1_ps(a[i / REACH][i % REACH * a_stride]);
        ONR_UNROLL
        for (size_t v = 0; v < VECTORS; v++) {
            ONR_ADD_PRODUCT(sum[i][v], x, row[v]);
        }
    }
}

ONR_INLINE void clear(__m256 (*sum)[VECTORS], size_t count)
{
    ONR_UNROLL
    for (size_t s = 0; s < count; s++) {
        sum[s][0] = _mm256_setzero_ps();
        sum[s][1] = _mm256_setzero_ps();
    }
}

ONR_INLINE void tile(const struct onr_gemm_f32_tile *t, size_t rows)
{
    __m256 sum[6][VECTORS];
    clear(sum, rows);
    const float *a[2] = {t->a, rows > REACH ? t->a + REACH * t->a_stride : t->a};
    ONR_OWN_POINTER(a[1]);
    const float *b = t->b;
    const char *next = t->next;
    size_t k = t->k;
    /* A loop until the lines of C are asked for, and one after it, by the same code. */
    for (int part = 0; part < 2; part++) {
        size_t left = part == 0 ? t->late_steps : 0;
        for (; k >= left + 4; k -= 4) {
            for (size_t l = 0; l < t->next_lines && next < t->next_end; l++, next += 64) {
                _mm_prefetch(next, _MM_HINT_T1);
            }
            ONR_UNROLL
            for (size_t p = 0; p < 4; p++) {
                step(sum, a, t->a_stride, b, rows);
                a[0]++;
                a[1]++;
                b += t->b_stride;
            }
        }
        if (left > 0) {
            onr_gemm_prefetch_target(t, rows, VECTORS * LANES);
        }
    }
    for (; k > 0; k--) {
        step(sum, a, t->a_stride, b, rows);
        a[0]++;
        a[1]++;
        b += t->b_stride;
    }
    if (rows > REACH && onr_gemm_is_plain(t)) {
        onr_gemm_store_plain(t, rows, VECTORS, sum[0], VECTORS);
        return;
    }
    struct onr_gemm_target to = onr_gemm_first_row(t);
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        store(&to, 0, sum[i]);
        onr_gemm_next_row(&to);
    }
}

/* Steps of k of some rows, from a and b on, of several panels; ahead: as of tiles. */
ONR_INLINE void add_steps(const struct onr_gemm_f32_tile *t, size_t rows, size_t panels,
                          size_t ahead, size_t steps, const float *a, const float *b,
                          __m256 (*sum)[VECTORS])
{
    for (size_t p = 0; p < steps; p++) {
        ONR_UNROLL
        for (size_t q = 0; q < panels; q++) {
            const float *row = b + q * t->panel_stride;
            if (ahead != 0) {
                _mm_prefetch((const char *)((uintptr_t)row + ahead), _MM_HINT_T1);
            }
            if (rows == REACH) {
                ONR_OWN_POINTER(a); /* to load A again: there is no register for all of it */
            }
            step(sum + q * rows, &a, t->a_stride, row, rows);
        }
        a++;
        b += t->b_stride;
    }
}

/* rows x (panels * 16): two accumulators per row and panel. */
ONR_INLINE void wide(const struct onr_gemm_f32_tile *t, size_t rows, size_t panels)
{
    __m256 sum[6][VECTORS];
    clear(sum, rows * panels);
    add_steps(t, rows, panels, t->ahead, t->k, t->a, t->b, sum);
    struct onr_gemm_target to = onr_gemm_first_row(t);
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        ONR_UNROLL
        for (size_t q = 0; q < panels; q++) {
            store(&to, q * VECTORS * LANES, sum[q * rows + i]);
        }
        onr_gemm_next_row(&to);
    }
}

/* Steps of k that two rows go over before the two others do: so few that L1 still has B, and so many that
 * loading and storing the sums does not count. */
#define PASS_STEPS  16
#define PASS_ROWS   2
#define PASS_PANELS 3
#define PASS_SUMS   (PASS_ROWS * PASS_PANELS)

/* Adds steps of k to the sums of two rows, which lie in memory. */
ONR_INLINE void add_pass(const struct onr_gemm_f32_tile *t, size_t ahead, size_t steps,
                         const float *a, const float *b, __m256 (*sums)[VECTORS])
{
    __m256 sum[PASS_SUMS][VECTORS];
    ONR_UNROLL
    for (size_t s = 0; s < PASS_SUMS; s++) {
        sum[s][0] = sums[s][0];
        sum[s][1] = sums[s][1];
    }
    add_steps(t, PASS_ROWS, PASS_PANELS, ahead, steps, a, b, sum);
    ONR_UNROLL
    for (size_t s = 0; s < PASS_SUMS; s++) {
        sums[s][0] = sum[s][0];
        sums[s][1] = sum[s][1];
    }
}

/* 4 x (3 * 16), more sums than there are registers. Memory is read the fastest in several streams, so
 * that one panel at a time would be slower: B is read from memory for two rows, and for the other
 * two from L1. */
static void wide_4x3(const struct onr_gemm_f32_tile *t)
{
    __m256 sums[2][PASS_SUMS][VECTORS];
    clear(sums[0], PASS_SUMS);
    clear(sums[1], PASS_SUMS);
    for (size_t p = 0; p < t->k; p += PASS_STEPS) {
        size_t steps = t->k - p < PASS_STEPS ? t->k - p : PASS_STEPS;
        for (size_t pass = 0; pass < 2; pass++) {
            add_pass(t, pass == 0 ? t->ahead : 0, steps, t->a + pass * PASS_ROWS * t->a_stride + p,
                     t->b + p * t->b_stride, sums[pass]);
        }
    }
    struct onr_gemm_target to = onr_gemm_first_row(t);
    for (size_t i = 0; i < 2 * PASS_ROWS; i++) {
        for (size_t q = 0; q < PASS_PANELS; q++) {
            store(&to, q * VECTORS * LANES, sums[i / PASS_ROWS][q * PASS_ROWS + i % PASS_ROWS]);
        }
        onr_gemm_next_row(&to);
    }
}

ONR_INLINE __m256d low_pairs(__m256 x, __m256 y)
{
    return _mm256_castps_pd(_mm256_unpacklo_ps(x, y));
}

ONR_INLINE __m256d high_pairs(__m256 x, __m256 y)
{
    return _mm256_castps_pd(_mm256_unpackhi_ps(x, y));
}

/* Four numbers of each of 8 rows: y[p] = number p of each. */
ONR_INLINE void turn(const float *b, size_t b_stride, __m256 *y)
{
    __m256 row[4];
    ONR_UNROLL
    for (size_t i = 0; i < 4; i++) {
        const float *x = b + i * b_stride;
        row[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x)),
                                      _mm_loadu_ps(x + 4 * b_stride), 1);
    }
    __m256d low = low_pairs(row[0], row[1]);
    __m256d more_low = low_pairs(row[2], row[3]);
    __m256d high = high_pairs(row[0], row[1]);
    __m256d more_high = high_pairs(row[2], row[3]);
    y[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, more_low));
    y[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, more_low));
    y[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high, more_high));
    y[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high, more_high));
}

ONR_INLINE void add_turned(size_t rows, const float *a, size_t a_stride, const float *b,
                           size_t b_stride, float *sums, size_t stride)
{
    for (size_t j = 0; j < ONR_GEMM_STRIP; j += LANES) {
        __m256 y[LANES];
        turn(b + j * b_stride, b_stride, y);
        turn(b + j * b_stride + 4, b_stride, y + 4);
        for (size_t i = 0; i < rows; i++) {
            __m256 sum = _mm256_loadu_ps(sums + i * stride + j);
            ONR_UNROLL
            for (size_t p = 0; p < LANES; p++) {
                sum = _mm256_fmadd_ps(_mm256_set1_ps(a[i * a_stride + p]), y[p], sum);
            }
            _mm256_storeu_ps(sums + i * stride + j, sum);
        }
    }
}

static void turned(size_t rows, size_t columns, size_t k, const float *a, size_t a_stride,
                   const float *b, size_t b_stride, float *sums)
{
    onr_gemm_turned_loop(rows, columns, k, a, a_stride, b, b_stride, sums, LANES, add_turned);
}

#define TILE(rows)                                                                                 \
    static void tile_##rows(const struct onr_gemm_f32_tile *t)                                     \
    {                                                                                              \
        tile(t, rows);                                                                             \
    }
#define WIDE(rows, panels)                                                                         \
    static void wide_##rows##x##panels(const struct onr_gemm_f32_tile *t)                          \
    {                                                                                              \
        wide(t, rows, panels);                                                                     \
    }
/* clang-format off */
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
WIDE(1, 6) WIDE(2, 3) WIDE(3, 2)
    /* clang-format on */

    static const struct onr_gemm_f32 gemm_6x16 = {
        .rows = 6,
        .columns = 16,
        .cost = 16,
        .tile = {NULL, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6},
        .wide = {NULL, wide_1x6, wide_2x3, wide_3x2, wide_4x3},
        .wide_panels = {0, 6, 3, 2, PASS_PANELS},
        .turned = turned,
        .turned_rows = 3,
        .transpose = onr_transpose_words__avx2,
};

/* 8 x 4 for the few columns that whole panels leave, in vectors of 128 bits. */
#define SLIM_ROWS 8

/* What a tile has fewer rows is its last row once more, which is not stored. */
static __attribute__((noinline)) void slim(const struct onr_gemm_f32_tile *t, size_t rows)
{
    __m128 sum[SLIM_ROWS];
    __m128 kept[SLIM_ROWS]; /* in memory: the rows that are stored go through a loop */
    const float *a[SLIM_ROWS];
    const float *b = t->b;
    for (size_t i = 0; i < SLIM_ROWS; i++) {
        a[i] = t->a + (i < rows ? i : rows - 1) * t->a_stride;
    }
    ONR_UNROLL
    for (size_t i = 0; i < SLIM_ROWS; i++) {
        sum[i] = _mm_setzero_ps();
    }
    for (size_t p = 0; p < t->k; p++, b += t->b_stride) {
        __m128 y = _mm_loadu_ps(b);
        ONR_UNROLL
        for (size_t i = 0; i < SLIM_ROWS; i++) {
            sum[i] = _mm_fmadd_ps(_mm_set1_ps(a[i][p]), y, sum[i]);
        }
    }
    ONR_UNROLL
    for (size_t i = 0; i < SLIM_ROWS; i++) {
        kept[i] = sum[i];
    }
    struct onr_gemm_target to = onr_gemm_first_row(t);
    for (size_t i = 0; i < rows; i++) {
        __m128 bias = _mm_add_ps(_mm_set1_ps(*to.row_bias), _mm_loadu_ps(to.column_bias));
        __m128 start = _mm_add_ps(_mm_loadu_ps(to.base), bias);
        __m128 value = _mm_fmadd_ps(_mm_set1_ps(to.scale), kept[i], start);
        _mm_storeu_ps(to.c, _mm_max_ps(_mm_set1_ps(to.low), value));
        onr_gemm_next_row(&to);
    }
}

#define SLIM(rows)                                                                                 \
    static void slim_##rows(const struct onr_gemm_f32_tile *t)                                     \
    {                                                                                              \
        slim(t, rows);                                                                             \
    }
/* clang-format off */
SLIM(1) SLIM(2) SLIM(3) SLIM(4) SLIM(5) SLIM(6) SLIM(7) SLIM(8)
    /* clang-format on */

    const struct onr_gemm_f32 onr_gemm_f32_slim__avx2 = {
        .rows = SLIM_ROWS,
        .columns = 4,
        .cost = 9,
        .tile = {NULL, slim_1, slim_2, slim_3, slim_4, slim_5, slim_6, slim_7, slim_8},
        .transpose = onr_transpose_words__avx2,
};

void onr_fill_gemm__avx2(struct onr_kernels *kernels)
{
    kernels->gemm =
        (struct onr_gemm_kernels){.f32 = {&gemm_6x16}, .slim = &onr_gemm_f32_slim__avx2};
}
