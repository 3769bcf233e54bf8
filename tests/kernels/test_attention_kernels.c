/* SPDX-License-Identifier: Apache-2.0 */
/* Products and softmax of attention and integer quantisation against plain loops, on each instruction set. */
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* Around vectors of 4, 8 and 16 and around tiles of four of them. */
static const size_t widths[] = {0, 1, 3, 16, 17, 61, 64, 65};
static const size_t counts[] = {0, 1, 2, 4, 5, 7};
#define STRIDE 67

static float a[8 * STRIDE];
static float b[8 * STRIDE];

static void assert_near(float got, double want)
{
    if (!(fabs((double)got - want) <= 1e-5)) {
        fail_msg("got %.9g, expected %.9g", (double)got, want);
    }
}

static void check_scores(const struct onr_kernels *kernels, size_t rows, size_t keys, size_t head)
{
    float scores[8 * 8];
    kernels->attention.scores_f32(rows, keys, head, (struct onr_rows_f32){a + 1, STRIDE},
                                  (struct onr_rows_f32){b + 1, STRIDE}, scores, 8);
    for (size_t i = 0; i < rows * keys; i++) {
        double want = 0;
        for (size_t h = 0; h < head; h++) {
            want += (double)a[1 + i / keys * STRIDE + h] * (double)b[1 + i % keys * STRIDE + h];
        }
        assert_near(scores[i / keys * 8 + i % keys], want);
    }
}

static void check_values(const struct onr_kernels *kernels, size_t rows, size_t keys, size_t width)
{
    float y[8 * STRIDE];
    memset(y, 0, sizeof y);
    kernels->attention.values_f32(rows, keys, width, (struct onr_rows_f32){a + 1, STRIDE},
                                  (struct onr_rows_f32){b + 1, STRIDE}, y, STRIDE);
    for (size_t i = 0; i < rows * STRIDE; i++) {
        double want = 0;
        for (size_t j = 0; j < keys && i % STRIDE < width; j++) {
            want += (double)a[1 + i / STRIDE * STRIDE + j] * (double)b[1 + j * STRIDE + i % STRIDE];
        }
        assert_near(y[i], want); /* what lies beside the columns stays 0 */
    }
}

static void check_packing(const struct onr_kernels *kernels, size_t keys, size_t head)
{
    float y[8 * STRIDE + 32 * STRIDE];
    kernels->attention.pack_keys_f32(keys, head, (struct onr_rows_f32){b + 1, STRIDE}, 6, y);
    for (size_t i = 0; i < (keys + 5) / 6 * 6 * head; i++) {
        size_t key = i / (6 * head) * 6 + i % 6;
        float want = key < keys ? b[1 + key * STRIDE + i / 6 % head] : 0;
        assert_true(y[i] == want);
    }
}

static void products_agree(void **state)
{
    (void)state;
    test_random(1, sizeof a / sizeof a[0], a);
    test_random(2, sizeof b / sizeof b[0], b);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < 6 * 6 * 8; i++) {
            check_scores(&kernels, counts[i % 6], counts[i / 6 % 6], widths[i / 36]);
            check_values(&kernels, counts[i % 6], counts[i / 6 % 6], widths[i / 36]);
            check_packing(&kernels, counts[i % 6], widths[i / 36]);
        }
    }
}

static void softcap_bounds_everything_but_nan(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        float x[] = {0, 1, -100, INFINITY, NAN};
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        kernels.attention.softcap_f32(5, 2, x);
        assert_near(x[1], 2 * tanh(0.5));
        assert_near(x[2], -2);
        assert_near(x[3], 2);
        assert_true(x[4] != x[4]);
    }
}

/* Two blocks of a row, the second with a mask, against the softmax of both; y is scaled down when the
 * maximum grows. */
static void check_softmax_steps(const struct onr_kernels *kernels, size_t first, size_t count)
{
    float x[300];
    float mask[300];
    float weights[300 + ONR_SOFTMAX_ROOM];
    float y[2] = {1, 2};
    struct onr_softmax_row_f32 row = {.max = -INFINITY};
    test_random(3, count, x);
    test_random(4, count, mask);
    x[count - 1] = 5;
    mask[count - 1] = 2;
    memcpy(weights, x, sizeof x);
    kernels->attention.softmax_step_f32(first, weights, NULL, &row, 0, NULL);
    double old_max = (double)row.max;
    memcpy(weights, x, sizeof x);
    kernels->attention.softmax_step_f32(count - first, weights + first, mask + first, &row, 2, y);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double score = (double)x[i] + (i >= first ? (double)mask[i] : 0.0);
        sum += exp(score - 7);
        if (i >= first) {
            assert_near(weights[i], exp(score - 7));
        }
    }
    assert_true(row.max == 7 && fabs(row.sum - sum) < 1e-5 * sum);
    assert_near(y[0], first > 0 ? exp(old_max - 7) : 0);
    assert_near(y[1], first > 0 ? 2 * exp(old_max - 7) : 0);
}

static void softmax_goes_on_from_block_to_block(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t first = 0; first < 130; first += 43) {
            check_softmax_steps(&kernels, first, first + 1);
            check_softmax_steps(&kernels, first, 171 + first);
        }
        struct onr_softmax_row_f32 row = {.max = -INFINITY};
        float x[2 + ONR_SOFTMAX_ROOM] = {-INFINITY, -INFINITY};
        float y = 7;
        kernels.attention.softmax_step_f32(2, x, NULL, &row, 1, &y);
        assert_true(x[0] == 0 && row.sum == 0 && row.max == -INFINITY && y == 7);
        x[0] = NAN;
        kernels.attention.softmax_step_f32(2, x, NULL, &row, 1, &y);
        assert_true(row.sum != row.sum);
    }
}

static void the_last_visible_key_is_found(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        float x[100];
        uint8_t flags[100] = {0};
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < 100; i++) {
            x[i] = -2;
        }
        assert_int_equal(kernels.attention.last_above_f32(100, x, -2), 0);
        assert_int_equal(kernels.attention.last_set_u8(100, flags), 0);
        for (size_t i = 0; i < 100; i += 9) {
            x[i] = i % 2 == 0 ? NAN : 0;
            flags[i] = 1;
            size_t above = kernels.attention.last_above_f32(100, x, -2);
            size_t set = kernels.attention.last_set_u8(100, flags);
            assert_true(above > i && above <= i + 32 && set > i && set <= i + 32);
        }
    }
}

static void quantisation_rounds_half_to_even(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        float x[37];
        float y[37];
        const float scale = 2;
        const float zero = 1;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int i = 0; i < 37; i++) {
            x[i] = (float)(i - 18) * 1.5f;
        }
        kernels.quant.quantize_f32(37, x, &scale, &zero, 0, -8, 7, y);
        for (int i = 0; i < 37; i++) {
            double want = nearbyint((double)x[i] / 2) + 1;
            assert_near(y[i], want < -8 ? -8 : want > 7 ? 7 : want);
        }
        float extremes[] = {NAN, INFINITY, -INFINITY, 1e30f};
        kernels.quant.quantize_f32(4, extremes, &scale, &zero, 0, -8, 7, extremes);
        assert_true(extremes[0] == -8 && extremes[1] == 7 && extremes[2] == -8 && extremes[3] == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_agree),
        cmocka_unit_test(softcap_bounds_everything_but_nan),
        cmocka_unit_test(softmax_goes_on_from_block_to_block),
        cmocka_unit_test(the_last_visible_key_is_found),
        cmocka_unit_test(quantisation_rounds_half_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
