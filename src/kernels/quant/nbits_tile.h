/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of sums of products of codes over vectors of AVX-512 or AVX2, whichever the file that
 * includes this is compiled for. It brings a function that multiplies bytes.
 */
#ifndef ONR_KERNELS_QUANT_NBITS_TILE_H
#define ONR_KERNELS_QUANT_NBITS_TILE_H

#include "kernels/gemm/gemm_unroll.h"
#include "kernels/quant/nbits.h"

#include <immintrin.h>
#include <string.h>

/* VECTORS hold 16 columns; MOST_ROWS rows of sums fit the registers. */
#ifdef __AVX512F__
#    define VECTORS   1
#    define MOST_ROWS 8
typedef __m512i ints;
typedef __m512 floats;

#    define load_ints(data)       _mm512_loadu_si512(data)
#    define load_floats(data)     _mm512_loadu_ps(data)
#    define set_ints(value)       _mm512_set1_epi32(value)
#    define set_floats(value)     _mm512_set1_ps(value)
#    define multiply_ints(a, b)   _mm512_mullo_epi32(a, b)
#    define scale_floats(a, b)    _mm512_mul_ps(a, b)
#    define to_floats(value)      _mm512_cvtepi32_ps(value)
#    define to_ints(value)        _mm512_cvttps_epi32(value)
#    define add_scaled(a, b, sum) fuse(to_floats(a), b, sum)
#    define store_floats(to, x)   _mm512_storeu_ps(to, x)
#    define fuse(a, b, sum)       _mm512_fmadd_ps(a, b, sum)
#else
#    define VECTORS   2
#    define MOST_ROWS 2
typedef __m256i ints;
typedef __m256 floats;

#    define load_ints(data)       _mm256_loadu_si256((const __m256i *)(const void *)(data))
#    define load_floats(data)     _mm256_loadu_ps(data)
#    define set_ints(value)       _mm256_set1_epi32(value)
#    define set_floats(value)     _mm256_set1_ps(value)
#    define multiply_ints(a, b)   _mm256_mullo_epi32(a, b)
#    define scale_floats(a, b)    _mm256_mul_ps(a, b)
#    define to_floats(value)      _mm256_cvtepi32_ps(value)
#    define to_ints(value)        _mm256_cvttps_epi32(value)
#    define add_scaled(a, b, sum) fuse(to_floats(a), b, sum)
#    define store_floats(to, x)   _mm256_storeu_ps(to, x)
#    define fuse(a, b, sum)       _mm256_fmadd_ps(a, b, sum)
#endif
typedef uint32_t words_32 __attribute__((vector_size(sizeof(ints))));

/* Adds to sum, lane by lane, the products of the fields of a word of weights with 32 / bits codes. */
typedef ints (*add_word_fn)(unsigned bits, ints sum, ints word, const int8_t *codes);

/* Four codes in each lane. */
ONR_INLINE ints spread_codes(const int8_t *codes)
{
    int32_t word;
    memcpy(&word, codes, sizeof word);
    return set_ints(word);
}

/* Rows [first, first + rows) of y; bits, rows and add_word are constants where it is inlined. */
ONR_INLINE void dot_tile(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *a,
                         unsigned bits, size_t rows, size_t first, add_word_fn add_word, float *y)
{
    const size_t lanes = ONR_NBITS_COLUMNS / VECTORS;
    const size_t size = panel->block_bytes * 8 / bits;
    const uint8_t *packed = panel->packed;
    floats total[MOST_ROWS][VECTORS];
    ONR_UNROLL
    for (size_t i = 0; i < rows * VECTORS; i++) {
        total[i / VECTORS][i % VECTORS] = set_floats(0.0f);
    }
    for (size_t b = 0; b < panel->blocks; b++) {
        const size_t at = first * panel->blocks + b;
        const int8_t *codes = a->codes + at * size;
        ints sum[MOST_ROWS][VECTORS];
        ONR_UNROLL
        for (size_t v = 0; v < VECTORS; v++) {
            floats zero = panel->zeros != NULL
                              ? load_floats(panel->zeros + b * ONR_NBITS_COLUMNS + v * lanes)
                              : set_floats(panel->zero);
            ONR_UNROLL
            for (size_t r = 0; r < rows; r++) {
                sum[r][v] =
                    multiply_ints(to_ints(zero), set_ints(-a->sums[at + r * panel->blocks]));
            }
        }
        for (size_t u = 0; u < panel->block_bytes / 4; u++) {
            ONR_UNROLL
            for (size_t v = 0; v < VECTORS; v++, packed += 4 * lanes) {
                ints word = load_ints(packed);
                ONR_UNROLL
                for (size_t r = 0; r < rows; r++) {
                    sum[r][v] = add_word(bits, sum[r][v], word,
                                         codes + r * panel->blocks * size + u * (32 / bits));
                }
            }
        }
        ONR_UNROLL
        for (size_t v = 0; v < VECTORS; v++) {
            floats scale = load_floats(panel->scales + b * ONR_NBITS_COLUMNS + v * lanes);
            ONR_UNROLL
            for (size_t r = 0; r < rows; r++) {
                floats row_scale = set_floats(a->scales[at + r * panel->blocks]);
                total[r][v] = add_scaled(sum[r][v], scale_floats(scale, row_scale), total[r][v]);
            }
        }
    }
    ONR_UNROLL
    for (size_t i = 0; i < rows * VECTORS; i++) {
        store_floats(y + i * lanes, total[i / VECTORS][i % VECTORS]);
    }
}

ONR_INLINE void dot_rows(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                         unsigned bits, size_t tile_rows, size_t row_count, add_word_fn add_word,
                         float *y)
{
    size_t r = 0;
    for (; r + tile_rows <= row_count; r += tile_rows) {
        dot_tile(panel, rows, bits, tile_rows, r, add_word, y + r * ONR_NBITS_COLUMNS);
    }
    for (; r < row_count; r++) {
        dot_tile(panel, rows, bits, 1, r, add_word, y + r * ONR_NBITS_COLUMNS);
    }
}

ONR_INLINE void dot_bits(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                         size_t tile_rows, size_t row_count, add_word_fn add_word, float *y)
{
    if (panel->bits == 2) {
        dot_rows(panel, rows, 2, tile_rows, row_count, add_word, y);
    } else if (panel->bits == 4) {
        dot_rows(panel, rows, 4, tile_rows, row_count, add_word, y);
    } else {
        dot_rows(panel, rows, 8, tile_rows, row_count, add_word, y);
    }
}

/* The scales and zero points of a block, for the lanes from `column` on. */
ONR_INLINE void load_block(const struct onr_nbits_panel *panel, size_t b, size_t column,
                           floats *scale, floats *zero)
{
    *scale = load_floats(panel->scales + b * ONR_NBITS_COLUMNS + column);
    *zero = panel->zeros != NULL ? load_floats(panel->zeros + b * ONR_NBITS_COLUMNS + column)
                                 : set_floats(panel->zero);
}

/* Adds the product of weight i of a word. */
ONR_INLINE floats multiply_weight(unsigned bits, ints word, size_t i, floats scale, floats zero,
                                  float a, floats sum)
{
    const words_32 mask = (words_32)set_ints((1 << bits) - 1);
    ints code = (ints)((words_32)word >> (uint32_t)(i * bits) & mask);
    return fuse(set_floats(a), (to_floats(code) - zero) * scale, sum);
}

/* The lanes from `column` on. */
ONR_INLINE floats multiply_lanes(const struct onr_nbits_panel *panel, unsigned bits, size_t column,
                                 size_t begin, size_t end, const float *a)
{
    const size_t count = 32 / bits; /* in a word */
    const size_t words = panel->block_bytes / 4;
    size_t b = begin / count / words;
    size_t next = begin / count; /* word at which a block begins */
    floats sum = set_floats(0.0f);
    floats scale = sum;
    floats zero = sum;
    for (size_t k = begin; k < end;) {
        size_t at = k / count;
        size_t first = k - at * count;
        size_t last = end - at * count < count ? end - at * count : count;
        ints word = load_ints(panel->packed + (at * ONR_NBITS_COLUMNS + column) * 4);
        if (at == next) {
            load_block(panel, b, column, &scale, &zero);
            b++;
            next = b * words;
        }
        if (first == 0 && last == count) {
            ONR_UNROLL
            for (size_t i = 0; i < count; i++) {
                sum = multiply_weight(bits, word, i, scale, zero, a[k - begin + i], sum);
            }
        } else {
            for (size_t i = first; i < last; i++) {
                sum = multiply_weight(bits, word, i, scale, zero, a[k - begin + i - first], sum);
            }
        }
        k += last - first;
    }
    return sum;
}

ONR_INLINE void multiply_bits(const struct onr_nbits_panel *panel, size_t begin, size_t end,
                              const float *a, float *y)
{
    for (size_t c = 0; c < ONR_NBITS_COLUMNS; c += ONR_NBITS_COLUMNS / VECTORS) {
        floats sum;
        if (panel->bits == 2) {
            sum = multiply_lanes(panel, 2, c, begin, end, a);
        } else if (panel->bits == 4) {
            sum = multiply_lanes(panel, 4, c, begin, end, a);
        } else {
            sum = multiply_lanes(panel, 8, c, begin, end, a);
        }
        store_floats(y + c, sum);
    }
}

#endif
