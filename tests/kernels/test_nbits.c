/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of weights of 2, 4 and 8 bits against plain loops in double, on each instruction set. */
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1024

static unsigned code_at(const struct onr_nbits_row *row, size_t i)
{
    size_t fields = 8 / row->bits;
    return (unsigned)(row->packed[i / fields] >> (i % fields * row->bits)) &
           ((1u << row->bits) - 1);
}

static void check_row(const struct onr_kernels *kernels, unsigned bits, size_t block, size_t blocks)
{
    float a[MOST];
    float scales[MOST];
    float zeros[MOST];
    size_t count = block * blocks;
    struct onr_nbits_row row = {.bits = bits,
                                .block_bytes = block * bits / 8,
                                .blocks = blocks,
                                .scales = scales,
                                .zeros = zeros};
    /* Of their exact sizes, so that sanitizers see what is read and written beyond. */
    uint8_t *packed = malloc(blocks * row.block_bytes + 1);
    float *split = malloc((count + 1) * sizeof *split);
    float *w = malloc((count + 1) * sizeof *w);
    assert_true(packed != NULL && split != NULL && w != NULL);
    test_random(1 + bits, count, a);
    test_random(2 + bits, blocks, scales);
    test_random(3 + bits, blocks, zeros);
    for (size_t i = 0; i < blocks * row.block_bytes; i++) {
        packed[i] = (uint8_t)(i * 167 + 13);
    }
    row.packed = packed;
    double want = 0;
    double size = 0;
    kernels->nbits.dequantize(&row, w);
    for (size_t i = 0; i < count; i++) {
        size_t b = i / block;
        double weight = ((double)code_at(&row, i) - (double)zeros[b]) * (double)scales[b];
        size_t fields = 8 / bits;
        split[b * block + i % block % fields * row.block_bytes + i % block / fields] = a[i];
        assert_true(fabs((double)w[i] - weight) <= 1e-6 * fabs(weight));
        want += weight * (double)a[i];
        size += fabs(weight * (double)a[i]);
    }
    assert_true(fabs((double)kernels->nbits.dot(&row, split) - want) <= 1e-6 * size);
    free(packed);
    free(split);
    free(w);
}

static void rows_are_dequantised_and_multiplied(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (unsigned bits = 2; bits <= 8; bits *= 2) {
            for (size_t block = 16; block <= 256; block *= 2) {
                for (size_t blocks = 0; blocks <= 3; blocks++) {
                    check_row(&kernels, bits, block, blocks);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_dequantised_and_multiplied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
