/* SPDX-License-Identifier: Apache-2.0 */
/* Products and softmax of attention and integer quantisation against plain loops, on each instruction set. */
#include "base/half.h"
#include "kernels/kernels.h"
#include "support/exact.h"
#include "support/test.h"

#include <float.h>
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

static void check_packing(const struct onr_kernels *kernels, size_t keys, size_t head,
                          size_t columns)
{
    static float y[(70 + 48) * STRIDE];
    static float k[70 * STRIDE];
    test_random(5, sizeof k / sizeof k[0], k);
    memset(y, 0xff, sizeof y);
    kernels->attention.pack_keys_f32(keys, head, (struct onr_rows_f32){k + 1, STRIDE}, 0.3f,
                                     columns, y);
    for (size_t i = 0; i < (keys + columns - 1) / columns * columns * head; i++) {
        size_t key = i / (columns * head) * columns + i % columns;
        key = key < keys ? key : keys - 1;
        float want = k[1 + key * STRIDE + i / columns % head] * 0.3f;
        assert_true(y[i] == want);
    }
    kernels->attention.pack_values_f32(keys, head, (struct onr_rows_f32){k + 1, STRIDE}, columns,
                                       y);
    for (size_t i = 0; i < (head + columns - 1) / columns * columns * keys; i++) {
        size_t column = i / (columns * keys) * columns + i % columns;
        float want = column < head ? k[1 + i / columns % keys * STRIDE + column] : 0;
        assert_true(y[i] == want);
    }
}

static void operands_are_packed_into_panels(void **state)
{
    (void)state;
    static const size_t keys[] = {1, 3, 4, 16, 17, 32, 37, 64, 70};
    static const size_t columns[] = {16, 32, 48};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < 9 * 3 * 8; i++) {
            check_packing(&kernels, keys[i % 9], widths[i / 27], columns[i / 9 % 3]);
        }
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
        }
    }
}

static void check_rows(const struct onr_kernels *kernels, size_t rows, size_t width)
{
    static const struct onr_softmax_row_f32 states[] = {
        {1, 0.5},          {-INFINITY, 0}, {3, 7}, {0, 1}, {2, 1e30}, {0, (double)INFINITY},
        {NAN, (double)NAN}};
    float y[8 * STRIDE];
    memset(y, 0, sizeof y);
    kernels->attention.divide_rows_f32(rows, width, states, -2.0f,
                                       (struct onr_rows_f32){a + 1, STRIDE - 1}, y, STRIDE);
    for (size_t i = 0; i < sizeof y / sizeof y[0]; i++) {
        size_t r = i / STRIDE;
        double sum = r < rows ? states[r].sum : 0;
        float factor = r == 1 ? -2.0f : (float)(1.0 / sum);
        float want =
            r < rows && i % STRIDE < width ? a[1 + r * (STRIDE - 1) + i % STRIDE] * factor : 0.0f;
        assert_true(y[i] == want || (y[i] != y[i] && want != want));
    }
}

static void rows_are_divided_by_their_sums(void **state)
{
    (void)state;
    test_random(1, sizeof a / sizeof a[0], a);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < 6 * 8; i++) {
            check_rows(&kernels, counts[i % 6], widths[i / 6]);
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

#define SCORES 320

/* Two blocks of some rows, the second with a mask, against the softmax of both; y is scaled down when
 * the maximum grows, but from -inf. */
static void check_softmax_steps(const struct onr_kernels *kernels, size_t rows, size_t first,
                                size_t count)
{
    static float x[7 * SCORES], mask[7 * SCORES], weights[7 * SCORES];
    float y[7 * 2];
    const float *masks[7];
    struct onr_softmax_row_f32 row[7];
    test_random(3, rows * SCORES, x);
    test_random(4, rows * SCORES, mask);
    for (size_t r = 0; r < rows; r++) {
        masks[r] = mask + r * SCORES + first;
        row[r] = (struct onr_softmax_row_f32){.max = -INFINITY};
        y[2 * r] = y[2 * r + 1] = (float)(r + 1);
        x[r * SCORES + count - 1] = 5;
        mask[r * SCORES + count - 1] = 2 + (float)r;
    }
    memcpy(weights, x, sizeof x);
    struct onr_softmax_f32 block = {.row_count = rows,
                                    .count = first,
                                    .scores = weights,
                                    .stride = SCORES,
                                    .rows = row,
                                    .y = y,
                                    .y_stride = 2};
    kernels->attention.softmax_step_f32(&block);
    double old_max = (double)row[rows - 1].max;
    memcpy(weights, x, sizeof x);
    block.count = count - first;
    block.scores += first;
    block.masks = masks;
    block.width = 2;
    kernels->attention.softmax_step_f32(&block);
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        double max = 7 + (double)r;
        for (size_t i = 0; i < count; i++) {
            size_t at = r * SCORES + i;
            double score = (double)x[at] + (i >= first ? (double)mask[at] : 0.0);
            sum += exp(score - max);
            if (i >= first) {
                assert_near(weights[at], exp(score - max));
            }
        }
        assert_true((double)row[r].max == max && fabs(row[r].sum - sum) < 1e-5 * sum);
    }
    double factor = first > 0 ? exp(old_max - 6 - (double)rows) : 1;
    assert_near(y[2 * rows - 2], (double)rows * factor);
    assert_near(y[2 * rows - 1], (double)rows * factor);
}

static void softmax_goes_on_from_block_to_block(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t first = 0; first < 130; first += 43) {
            for (size_t rows = 1; rows < 8; rows++) {
                check_softmax_steps(&kernels, rows, first, first + 1);
                check_softmax_steps(&kernels, rows, first, 171 + first);
            }
        }
        struct onr_softmax_row_f32 row = {.max = -INFINITY};
        float x[2 + ONR_SOFTMAX_ROOM] = {-INFINITY, -INFINITY};
        float y = 7;
        struct onr_softmax_f32 block = {
            .row_count = 1, .count = 2, .scores = x, .rows = &row, .y = &y, .width = 1};
        kernels.attention.softmax_step_f32(&block);
        assert_true(x[0] == 0 && row.sum == 0 && row.max == -INFINITY && y == 7);
        x[0] = NAN;
        kernels.attention.softmax_step_f32(&block);
        assert_true(row.sum != row.sum);
    }
}

/* Every n-th float below 0 as a score of a row whose maximum is 0: exact to 2 units, and to what rounding
 * the quotient of the score and ln 2 costs. */
static void weights_are_exact_to_two_units(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        float x[256 + ONR_SOFTMAX_ROOM], weights[256 + ONR_SOFTMAX_ROOM];
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        uint32_t bits = 0x80000001u;
        while (onr_float_from_bits(bits) > -87.0f) {
            x[0] = 0;
            for (size_t i = 1; i < 256; i++, bits += 10007) {
                float next = onr_float_from_bits(bits);
                x[i] = next > -87.0f ? next : -87.0f;
            }
            memcpy(weights, x, sizeof x);
            struct onr_softmax_row_f32 row = {.max = -INFINITY};
            kernels.attention.softmax_step_f32(&(struct onr_softmax_f32){
                .row_count = 1, .count = 256, .scores = weights, .rows = &row, .y = weights});
            for (size_t i = 0; i < 256; i++) {
                double want = exp((double)x[i]);
                double most = 2 * ulp_of(want) + 1.25 * fabs((double)x[i]) * 0x1p-24 * want;
                assert_true(fabs((double)weights[i] - want) <= most);
            }
            assert_true(weights[0] == 1);
        }
    }
}

/* In each lane of vectors, and NaN beside it. */
static void scores_far_below_the_maximum_weigh_nothing(void **state)
{
    (void)state;
    static const float far[] = {-INFINITY, -FLT_MAX, -1e30f, -200, -105};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t f = 0; f < sizeof far / sizeof far[0]; f++) {
            for (size_t at = 1; at < 40; at++) {
                float x[40 + ONR_SOFTMAX_ROOM] = {0};
                struct onr_softmax_row_f32 row = {.max = -INFINITY};
                x[at] = far[f];
                x[40 - at] = at == 20 ? far[f] : NAN;
                kernels.attention.softmax_step_f32(&(struct onr_softmax_f32){
                    .row_count = 1, .count = 40, .scores = x, .rows = &row, .y = x});
                assert_true(x[0] == 1 && x[at] == 0);
                assert_true(at == 20 || (x[40 - at] != x[40 - at] && row.sum != row.sum));
            }
        }
    }
}

/* In whatever company, and behind whatever number of whole vectors that are hidden. */
static void a_row_is_summed_alike_in_any_block(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        static float x[7 * SCORES], own[SCORES];
        struct onr_softmax_row_f32 rows[7];
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        test_random(6, sizeof x / sizeof x[0], x);
        for (size_t i = 0; i < 7 * SCORES; i++) {
            x[i] = i % SCORES < 48 ? -INFINITY : 4 * x[i];
        }
        struct onr_softmax_row_f32 row = {.max = -INFINITY};
        memcpy(own, x + 2 * SCORES + 48, (SCORES - 48) * sizeof(float));
        kernels.attention.softmax_step_f32(
            &(struct onr_softmax_f32){1, 201, own, 0, NULL, &row, own, 0, 0});
        for (size_t r = 0; r < 7; r++) {
            rows[r] = (struct onr_softmax_row_f32){.max = -INFINITY};
        }
        kernels.attention.softmax_step_f32(
            &(struct onr_softmax_f32){7, 249, x, SCORES, NULL, rows, x, 0, 0});
        assert_true(row.sum == rows[2].sum && row.max == rows[2].max);
        assert_memory_equal(own, x + 2 * SCORES + 48, 201 * sizeof(float));
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

static void runs_of_a_mask_end_at_the_first_other_element(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        float x[100] = {0};
        uint8_t flags[100];
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        const struct onr_attention_kernels *own = &kernels.attention;
        memset(flags, 2, sizeof flags);
        assert_int_equal(own->run_between_f32(0, NULL, 0, 0), 0);
        assert_int_equal(own->run_alike_u8(0, NULL, true), 0);
        x[1] = -0.0f;
        for (size_t i = 0; i <= 100; i++) {
            assert_int_equal(own->run_between_f32(i, x, 0, 0), i);
            assert_int_equal(own->run_alike_u8(i, flags, true), i);
            assert_int_equal(own->run_alike_u8(i, flags, false), 0);
        }
        for (size_t i = 100; i-- > 0;) {
            x[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? 1e-45f : -INFINITY;
            flags[i] = 0;
            assert_int_equal(own->run_between_f32(100, x, 0, 0), i);
            assert_int_equal(own->run_alike_u8(100, flags, true), i);
        }
        for (size_t i = 0; i < 100; i++) {
            x[i] = i < 70 ? -INFINITY : -1e37f;
        }
        assert_int_equal(own->run_between_f32(100, x, -INFINITY, -1e38f), 70);
        assert_int_equal(own->run_alike_u8(100, flags, false), 100);
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
        cmocka_unit_test(operands_are_packed_into_panels),
        cmocka_unit_test(rows_are_divided_by_their_sums),
        cmocka_unit_test(softcap_bounds_everything_but_nan),
        cmocka_unit_test(softmax_goes_on_from_block_to_block),
        cmocka_unit_test(weights_are_exact_to_two_units),
        cmocka_unit_test(scores_far_below_the_maximum_weigh_nothing),
        cmocka_unit_test(a_row_is_summed_alike_in_any_block),
        cmocka_unit_test(the_last_visible_key_is_found),
        cmocka_unit_test(runs_of_a_mask_end_at_the_first_other_element),
        cmocka_unit_test(quantisation_rounds_half_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
