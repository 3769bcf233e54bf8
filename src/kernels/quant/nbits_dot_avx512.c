/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of products of codes with AVX-512, whose dot products of bytes (VNNI) not every machine has:
 * without them as with AVX2.
 */
#include "kernels/kernels.h"
#include "kernels/quant/nbits_tile.h"

void onr_fill_nbits_dot__avx512(struct onr_kernels *kernels);

typedef uint16_t words __attribute__((vector_size(64)));

/* Bytes with the bits [first, first + width) of those of word. */
ONR_INLINE ints field_of(ints word, unsigned first, unsigned width)
{
    ints mask = _mm512_set1_epi8((char)((1 << width) - 1));
    return _mm512_and_si512((ints)((words)word >> (uint16_t)first), mask);
}

ONR_INLINE ints add_word(unsigned bits, ints sum, ints word, const int8_t *codes)
{
    const unsigned width = bits < 4 ? bits : 4;
    ints low = _mm512_maddubs_epi16(field_of(word, 0, width), spread_codes(codes));
    if (bits == 8) {
        ints high = _mm512_maddubs_epi16(field_of(word, 4, 4), spread_codes(codes));
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(high, _mm512_set1_epi16(16)));
    }
    ONR_UNROLL
    for (unsigned f = 1; f < 8 / bits; f++) {
        ints field = field_of(word, f * bits, width);
        low = _mm512_add_epi16(low, _mm512_maddubs_epi16(field, spread_codes(codes + f * 4)));
    }
    return _mm512_add_epi32(sum, _mm512_madd_epi16(low, _mm512_set1_epi16(1)));
}

static void dot_plain(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                      size_t row_count, float *y)
{
    dot_bits(panel, rows, 4, row_count, add_word, y);
}

#define VNNI __attribute__((target("avx512vnni")))

VNNI ONR_INLINE ints add_word_vnni(unsigned bits, ints sum, ints word, const int8_t *codes)
{
    ONR_UNROLL
    for (unsigned f = 0; f < 8 / bits; f++) {
        ints field = bits == 8 ? word : field_of(word, f * bits, bits);
        sum = _mm512_dpbusd_epi32(sum, field, spread_codes(codes + f * 4));
    }
    return sum;
}

VNNI static void dot_vnni(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                          size_t row_count, float *y)
{
    dot_bits(panel, rows, MOST_ROWS, row_count, add_word_vnni, y);
}

static void multiply(const struct onr_nbits_panel *panel, size_t begin, size_t end, const float *a,
                     float *y)
{
    multiply_bits(panel, begin, end, a, y);
}

void onr_fill_nbits_dot__avx512(struct onr_kernels *kernels)
{
    kernels->nbits.dot = onr_cpu_has_vnni() ? dot_vnni : dot_plain;
    kernels->nbits.dot_plain = dot_plain;
    kernels->nbits.multiply = multiply;
}
