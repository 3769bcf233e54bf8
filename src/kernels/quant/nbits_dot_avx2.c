/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of products of codes with AVX2. vpmaddubsw multiplies bytes and adds pairs in 16 bits: with
 * 4 bits at most 2 * 15 * 127, so that up to 8 of them fit; weights of 8 bits are taken in halves.
 */
#include "kernels/kernels.h"
#include "kernels/quant/nbits_tile.h"

void onr_fill_nbits_dot__avx2(struct onr_kernels *kernels);

ONR_INLINE ints add_word(unsigned bits, ints sum, ints word, const int8_t *codes)
{
    const unsigned width = bits < 4 ? bits : 4;
    const ints mask = _mm256_set1_epi8((char)((1 << width) - 1));
    ints low = _mm256_maddubs_epi16(_mm256_and_si256(word, mask), spread_codes(codes));
    if (bits == 8) {
        ints high = _mm256_and_si256(_mm256_srli_epi16(word, 4), mask);
        high = _mm256_maddubs_epi16(high, spread_codes(codes));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(high, _mm256_set1_epi16(16)));
    }
    ONR_UNROLL
    for (unsigned f = 1; f < 8 / bits; f++) {
        ints field = _mm256_and_si256(_mm256_srli_epi16(word, (int)(f * bits)), mask);
        field = _mm256_maddubs_epi16(field, spread_codes(codes + f * 4));
        low = _mm256_add_epi16(low, field);
    }
    return _mm256_add_epi32(sum, _mm256_madd_epi16(low, _mm256_set1_epi16(1)));
}

static void dot(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                size_t row_count, float *y)
{
    dot_bits(panel, rows, MOST_ROWS, row_count, add_word, y);
}

static void multiply(const struct onr_nbits_panel *panel, size_t begin, size_t end, const float *a,
                     float *y)
{
    multiply_bits(panel, begin, end, a, y);
}

void onr_fill_nbits_dot__avx2(struct onr_kernels *kernels)
{
    kernels->nbits.dot = kernels->nbits.dot_plain = dot;
    kernels->nbits.multiply = multiply;
}
