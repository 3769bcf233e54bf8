/* SPDX-License-Identifier: Apache-2.0 */
/* Panels of weights of 2, 4 and 8 bits against plain loops in double, on each instruction set. */
#include "kernels/kernels.h"
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS ONR_NBITS_COLUMNS
#define ROWS    19

static void *allocate(size_t bytes)
{
    void *block = malloc(bytes + 1);
    assert_non_null(block);
    return block;
}

/* Weight i of column c. */
static unsigned code_at(const struct onr_nbits_panel *panel, size_t i, size_t c)
{
    size_t fields = 8 / panel->bits;
    size_t byte = i / fields;
    return (unsigned)(panel->packed[(byte / 4 * COLUMNS + c) * 4 + byte % 4] >>
                      (i % fields * panel->bits)) &
           ((1u << panel->bits) - 1);
}

static double zero_at(const struct onr_nbits_panel *panel, size_t b, size_t c)
{
    return panel->zeros != NULL ? (double)panel->zeros[b * COLUMNS + c] : (double)panel->zero;
}

static void check_weights(const struct onr_kernels *kernels, const struct onr_nbits_panel *panel,
                          size_t size)
{
    const size_t stride = COLUMNS + 3;
    const size_t count = panel->blocks * size;
    float *w = allocate(count * stride * sizeof *w);
    kernels->nbits.dequantize(panel, w, stride);
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            size_t b = i / size;
            double want = ((double)code_at(panel, i, c) - zero_at(panel, b, c)) *
                          (double)panel->scales[b * COLUMNS + c];
            assert_true(fabs((double)w[i * stride + c] - want) <= 1e-6 * fabs(want));
        }
    }
    free(w);
}

/* One row against the tiles of GEMM, bit for bit; k may end anywhere. */
static void check_multiply(const struct onr_kernels *kernels, const struct onr_nbits_panel *panel,
                           size_t k, const float *a)
{
    const struct onr_gemm_f32 *kernel = onr_gemm_f32_choose(&kernels->gemm, COLUMNS);
    size_t blocks = onr_gemm_k_blocks(k);
    float want[3 * COLUMNS];
    float y[COLUMNS] = {0};
    float *w =
        allocate((panel->blocks + 1) * panel->block_bytes * 8 / panel->bits * COLUMNS * sizeof *w);
    struct onr_gemm_f32_job job = {
        .kernel = kernel,
        .m = 3,
        .n = COLUMNS,
        .k = k,
        .a = {a, ONR_FLOAT, k, 1},
        .b = {w, ONR_FLOAT, COLUMNS, 1},
        .c = want,
        .c_stride = COLUMNS,
        .scale = 1.0f,
    };
    void *workspace = allocate(onr_gemm_f32_workspace(&job) + 64);
    kernels->nbits.dequantize(panel, w, COLUMNS);
    onr_gemm_f32_run(&job, 0, 3, 0, onr_gemm_f32_panels(kernel, COLUMNS),
                     (void *)(((uintptr_t)workspace + 63) & ~(uintptr_t)63));
    for (size_t i = 0; i < blocks; i++) {
        float sum[COLUMNS];
        size_t begin = onr_gemm_k_begin(k, blocks, i);
        kernels->nbits.multiply(panel, begin, onr_gemm_k_begin(k, blocks, i + 1), a + begin, sum);
        for (size_t c = 0; c < COLUMNS; c++) {
            y[c] += sum[c];
        }
    }
    assert_memory_equal(y, want, sizeof y);
    free(w);
    free(workspace);
}

typedef void (*dot_fn)(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                       size_t row_count, float *y);

/* The products against a loop in double, and those of each row alone. */
static void check_dot(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                      size_t size, dot_fn dot)
{
    const size_t fields = 8 / panel->bits;
    float y[ROWS * COLUMNS];
    dot(panel, rows, ROWS, y);
    for (size_t r = 0; r < ROWS; r++) {
        double want[COLUMNS] = {0};
        double most[COLUMNS] = {0};
        float alone[COLUMNS];
        for (size_t i = 0; i < panel->blocks * size; i++) {
            size_t b = i / size;
            size_t word = i % size / (4 * fields) * 4 * fields;
            size_t at = b * size + word + i % fields * 4 + i / fields % 4;
            double a = (double)rows->codes[r * panel->blocks * size + at] *
                       (double)rows->scales[r * panel->blocks + b];
            for (size_t c = 0; c < COLUMNS; c++) {
                double w = ((double)code_at(panel, i, c) - zero_at(panel, b, c)) *
                           (double)panel->scales[b * COLUMNS + c];
                want[c] += a * w;
                most[c] += fabs(a * w);
            }
        }
        struct onr_nbits_rows row = {rows->codes + r * panel->blocks * size,
                                     rows->scales + r * panel->blocks,
                                     rows->sums + r * panel->blocks};
        dot(panel, &row, 1, alone);
        assert_memory_equal(alone, y + r * COLUMNS, sizeof alone);
        for (size_t c = 0; c < COLUMNS; c++) {
            assert_true(fabs((double)alone[c] - want[c]) <= 1e-6 * most[c]);
        }
    }
}

static void check_panel(const struct onr_kernels *kernels, unsigned bits, size_t size,
                        size_t blocks, bool has_zeros)
{
    struct onr_nbits_panel panel = {.bits = bits,
                                    .block_bytes = size * bits / 8,
                                    .blocks = blocks,
                                    .zero = (float)(1u << (bits - 1))};
    /* Of their exact sizes, so that sanitizers see what is read beyond. */
    uint8_t *packed = allocate(blocks * panel.block_bytes * COLUMNS);
    float *scales = allocate(blocks * COLUMNS * sizeof *scales);
    float *zeros = allocate(blocks * COLUMNS * sizeof *zeros);
    float *a = allocate(ROWS * blocks * size * sizeof *a);
    int8_t *codes = allocate(ROWS * blocks * size);
    float *row_scales = allocate(ROWS * blocks * sizeof *row_scales);
    int32_t *sums = allocate(ROWS * blocks * sizeof *sums);
    for (size_t i = 0; i < blocks * panel.block_bytes * COLUMNS; i++) {
        packed[i] = i % 5 == 0 ? 255 : (uint8_t)(i * 167 + 13);
    }
    for (size_t i = 0; i < blocks * COLUMNS; i++) {
        zeros[i] = (float)(i * 7 % (1u << bits));
    }
    test_random(2 + bits, blocks * COLUMNS, scales);
    test_random(1 + bits, ROWS * blocks * size, a);
    for (size_t i = 0; i < size && blocks > 0; i++) {
        a[i] = i % 2 == 0 ? 3.0f : -3.0f; /* codes of 127 and -127 throughout */
    }
    for (size_t i = 0; i < ROWS * blocks; i++) {
        kernels->nbits.quantize(bits, size, size, a + i * size, codes + i * size, row_scales + i,
                                sums + i);
    }
    struct onr_nbits_rows rows = {codes, row_scales, sums};
    panel.packed = packed;
    panel.scales = scales;
    panel.zeros = has_zeros ? zeros : NULL;
    check_weights(kernels, &panel, size);
    for (size_t k = 1; k <= blocks * size; k += k + 3) {
        check_multiply(kernels, &panel, k, a);
    }
    check_multiply(kernels, &panel, blocks * size, a);
    check_dot(&panel, &rows, size, kernels->nbits.dot);
    check_dot(&panel, &rows, size, kernels->nbits.dot_plain);
    free(packed);
    free(scales);
    free(zeros);
    free(a);
    free(codes);
    free(row_scales);
    free(sums);
}

static void panels_are_dequantised_and_multiplied(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (unsigned bits = 2; bits <= 8; bits *= 2) {
            for (size_t size = 16; size <= ONR_NBITS_INT8_BLOCK; size *= 2) {
                for (size_t blocks = 0; blocks <= 5; blocks++) {
                    check_panel(&kernels, bits, size, blocks, false);
                    check_panel(&kernels, bits, size, blocks, true);
                }
            }
        }
    }
}

static void check_block(const struct onr_kernels *kernels, unsigned bits, size_t count,
                        const float *a)
{
    const size_t size = 64;
    const size_t fields = 8 / bits;
    int8_t codes[64];
    float scale = -1;
    int32_t sum = -1;
    int32_t total = 0;
    float max = 0;
    for (size_t i = 0; i < count; i++) {
        max = fabsf(a[i]) > max ? fabsf(a[i]) : max;
    }
    kernels->nbits.quantize(bits, size, count, a, codes, &scale, &sum);
    assert_true(scale == max / 127);
    for (size_t i = 0; i < size; i++) {
        int code = codes[i / (4 * fields) * 4 * fields + i % fields * 4 + i / fields % 4];
        float x = i < count ? a[i] : 0;
        assert_int_equal(code, max > 0 ? (int)rintf(x * fminf(127 / max, FLT_MAX)) : 0);
        assert_in_range(code + 127, 0, 254);
        total += code;
    }
    assert_int_equal(sum, total);
}

static void activations_are_rounded_to_even(void **state)
{
    (void)state;
    float a[64];
    float halves[4] = {127, 2.5f, -3.5f, 0.5f};
    float tiny[3] = {0x1p-149f, -0x3p-149f, 0};
    float odd[3];
    test_random(5, 64, a);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (unsigned bits = 2; bits <= 8; bits *= 2) {
            check_block(&kernels, bits, 64, a);
            check_block(&kernels, bits, 37, a);
            check_block(&kernels, bits, 4, halves);
            check_block(&kernels, bits, 3, tiny);
            check_block(&kernels, bits, 0, NULL);
            for (int k = 0; k < 2; k++) {
                int8_t codes[64] = {1};
                float scale = 0;
                int32_t sum = 1;
                memcpy(odd, (float[]){1, k == 0 ? NAN : -INFINITY, 2}, sizeof odd);
                kernels.nbits.quantize(bits, 64, 3, odd, codes, &scale, &sum);
                assert_true(k == 0 ? isnan(scale) : isinf(scale));
                assert_int_equal(sum, 0);
                assert_int_equal(codes[0], 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panels_are_dequantised_and_multiplied),
        cmocka_unit_test(activations_are_rounded_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
