/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels over rows (reductions, softmax, normalisation) against plain loops in double, on each
 * instruction set. */
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* Nothing, one, around the 32 lanes of a sum, a prime, and more than a block of 1024. */
static const size_t sizes[] = {0, 1, 31, 32, 33, 127, 1024, 2053};
#define SIZE_COUNT (sizeof sizes / sizeof sizes[0])
#define MOST       2053

static void assert_close(double got, double want, double tolerance)
{
    if (fabs(got - want) > tolerance * (1 + fabs(want)) || (got != got) != (want != want)) {
        fail_msg("got %.9g, expected %.9g", got, want);
    }
}

/* Calls check for all instruction sets, sizes and two alignments. */
typedef void (*check_fn)(const struct onr_kernels *kernels, size_t count, const float *x);

static void for_all(check_fn check)
{
    static float storage[MOST + 1];
    test_random(11, MOST + 1, storage);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            check(&kernels, sizes[i], storage + i % 2);
        }
    }
}

static double combine(enum onr_reduction reduction, double acc, double v)
{
    switch (reduction) {
    case ONR_REDUCE_SUM:
        return acc + v;
    case ONR_REDUCE_SUM_SQUARE:
        return acc + v * v;
    case ONR_REDUCE_SUM_ABS:
        return acc + fabs(v);
    case ONR_REDUCE_PROD:
        return acc * v;
    case ONR_REDUCE_MAX:
        return v > acc ? v : acc;
    default:
        return v < acc ? v : acc;
    }
}

static void check_reductions(const struct onr_kernels *kernels, size_t count, const float *x)
{
    for (int r = 0; r < ONR_REDUCTION_COUNT; r++) {
        double want = 0.5;
        double got = 0.5;
        double columns[MOST];
        for (size_t i = 0; i < count; i++) {
            want = combine((enum onr_reduction)r, want, (double)x[i]);
            columns[i] = 0.25;
        }
        kernels->reduce.row[ONR_REDUCE_F32][r](count, x, &got);
        assert_close(got, want, 1e-6);
        kernels->reduce.columns[ONR_REDUCE_F32][r](1, 0, count, x, columns);
        for (size_t i = 0; i < count; i++) {
            assert_close(columns[i], combine((enum onr_reduction)r, 0.25, (double)x[i]), 1e-12);
        }
    }
}

static void reductions_agree(void **state)
{
    (void)state;
    for_all(check_reductions);
}

/* None, fewer than 8 rows, 8, and more, that lie a little further apart than they are long. */
static void check_columns(const struct onr_kernels *kernels, size_t count, const float *x)
{
    size_t stride = count / 20 + 2;
    size_t width = stride - 1;
    double columns[MOST];
    for (size_t rows = 0; rows < 20 && rows * stride <= count; rows++) {
        for (int r = 0; r < ONR_REDUCTION_COUNT; r++) {
            for (size_t j = 0; j < width; j++) {
                columns[j] = 0.25;
            }
            kernels->reduce.columns[ONR_REDUCE_F32][r](rows, stride, width, x, columns);
            for (size_t j = 0; j < width; j++) {
                double want = 0.25;
                for (size_t k = 0; k < rows; k++) {
                    want = combine((enum onr_reduction)r, want, (double)x[k * stride + j]);
                }
                assert_close(columns[j], want, 1e-6);
            }
        }
    }
}

static void columns_of_many_rows_agree(void **state)
{
    (void)state;
    for_all(check_columns);
}

static void check_nan(const struct onr_kernels *kernels, size_t count, const float *x)
{
    static const enum onr_reduction both[] = {ONR_REDUCE_MAX, ONR_REDUCE_MIN};
    float copy[MOST];
    for (size_t at = 0; at < count; at += 30) {
        for (int i = 0; i < 4; i++) {
            double acc = 0;
            for (size_t k = 0; k < count; k++) {
                copy[k] = x[k];
            }
            copy[at] = i / 2 == 0 ? NAN : -NAN;
            kernels->reduce.row[ONR_REDUCE_F32][both[i % 2]](count, copy, &acc);
            assert_true(acc != acc);
        }
    }
}

static void nan_of_either_sign_reaches_the_extremes(void **state)
{
    (void)state;
    for_all(check_nan);
}

static void check_nan_in_columns(const struct onr_kernels *kernels, size_t count, const float *x)
{
    enum { ROWS = 11, WIDTH = 37 };
    float copy[ROWS * WIDTH];
    double columns[WIDTH];
    for (size_t at = 0; at < ROWS * WIDTH && count == MOST; at++) {
        for (int is_max = 0; is_max < 2; is_max++) {
            enum onr_reduction reduction = is_max != 0 ? ONR_REDUCE_MAX : ONR_REDUCE_MIN;
            memcpy(copy, x, sizeof copy);
            memset(columns, 0, sizeof columns);
            copy[at] = at % 2 == 0 ? NAN : -NAN;
            kernels->reduce.columns[ONR_REDUCE_F32][reduction](ROWS, WIDTH, WIDTH, copy, columns);
            for (size_t j = 0; j < WIDTH; j++) {
                assert_true((columns[j] != columns[j]) == (j == at % WIDTH));
            }
        }
    }
}

static void nan_in_a_row_reaches_the_extremes_of_its_column(void **state)
{
    (void)state;
    for_all(check_nan_in_columns);
}

/* The rule of ArgMax and ArgMin, element by element. */
static size_t plain_arg(size_t count, const float *x, bool is_max, bool is_last)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        float a = x[best];
        float v = x[i];
        bool is_better = a == a && (v != v || (is_max ? v > a : v < a));
        bool is_equal = v == a || (v != v && a != a);
        best = is_better || (is_last && is_equal) ? i : best;
    }
    return best;
}

static void assert_args(const struct onr_kernels *kernels, size_t count, const float *x)
{
    for (int i = 0; i < 4; i++) {
        bool is_max = i / 2 == 0;
        bool is_last = i % 2 != 0;
        onr_arg_f32_fn arg = is_max ? kernels->reduce.arg_max_f32 : kernels->reduce.arg_min_f32;
        assert_int_equal(arg(count, x, is_last), plain_arg(count, x, is_max, is_last));
    }
}

static void check_args(const struct onr_kernels *kernels, size_t count, const float *x)
{
    static const float specials[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, -NAN, 2.0f, -2.0f};
    float copy[MOST];
    if (count == 0) {
        return;
    }
    assert_args(kernels, count, x);
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        memcpy(copy, x, count * sizeof *copy);
        copy[count / 2] = specials[i]; /* once, then twice, then everywhere, with either zero */
        assert_args(kernels, count, copy);
        copy[count - 1] = specials[i];
        copy[count / 3] = specials[i];
        assert_args(kernels, count, copy);
        for (size_t k = 0; k < count; k++) {
            copy[k] = specials[k % 7 == 3 && i == 0 ? 1 : i];
        }
        assert_args(kernels, count, copy);
    }
}

static void the_best_is_found_where_the_plain_rule_finds_it(void **state)
{
    (void)state;
    for_all(check_args);
}

/* Keys order as the elements, flipped the other way round, and the picked ones are the large. */
static void check_keys(const struct onr_kernels *kernels, size_t count, const float *x)
{
    static const float specials[] = {-INFINITY, -0.0f, 0.0f, INFINITY, NAN, -NAN, 1e-40f, -1e-40f};
    float copy[MOST] = {0};
    uint64_t keys[MOST];
    uint64_t flipped[MOST];
    uint16_t picked[MOST];
    for (size_t i = 0; i < count; i++) {
        copy[i] = i % 5 == 0 ? specials[i / 5 % 8] : x[i];
    }
    kernels->order.keys_f32(count, copy, 0, keys);
    kernels->order.keys_f32(count, copy, UINT64_MAX, flipped);
    for (size_t i = 1; i < count; i++) {
        float a = copy[i - 1];
        float b = copy[i];
        assert_true((keys[i - 1] < keys[i]) == (a == a && (b != b || a < b)));
        assert_true((keys[i - 1] == keys[i]) == (a == b || (a != a && b != b)));
        assert_true(flipped[i] == (keys[i] ^ UINT64_MAX));
    }
    uint64_t most = 0;
    size_t found = 0;
    uint64_t least = count > 0 ? keys[count / 2] : 0;
    size_t picked_count = kernels->order.pick(count, keys, least, picked);
    for (size_t i = 0; i < count; i++) {
        most = keys[i] > most ? keys[i] : most;
        if (keys[i] >= least) {
            assert_true(found < picked_count && picked[found] == i);
            found++;
        }
    }
    assert_int_equal(picked_count, found);
    assert_true(kernels->order.max(count, keys) == most);
    flipped[0] = UINT64_MAX;
    assert_true(kernels->order.max(1, flipped) == UINT64_MAX);
}

static void keys_order_as_floats_do(void **state)
{
    (void)state;
    for_all(check_keys);
}

static void integers_wrap(void **state)
{
    (void)state;
    struct onr_kernels kernels;
    onr_kernels_init(&kernels, onr_cpu_isa());
    const int64_t x[] = {INT64_MAX, 1, INT64_MIN};
    int64_t acc = 0;
    kernels.reduce.row[ONR_REDUCE_I64][ONR_REDUCE_SUM](2, x, &acc);
    assert_true(acc == INT64_MIN);
    acc = 0;
    kernels.reduce.row[ONR_REDUCE_I64][ONR_REDUCE_SUM_ABS](1, x + 2, &acc);
    assert_true(acc == INT64_MIN);
    acc = 0;
    kernels.reduce.row[ONR_REDUCE_I64][ONR_REDUCE_MIN](3, x, &acc);
    assert_true(acc == INT64_MIN);
    uint64_t most = 0;
    kernels.reduce.row[ONR_REDUCE_U64][ONR_REDUCE_MAX](3, x, &most);
    assert_true(most == (uint64_t)INT64_MIN);
}

static void check_softmax(const struct onr_kernels *kernels, size_t count, const float *x)
{
    float soft[MOST];
    float logs[MOST] = {0};
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        logs[i] = 80 * x[i];
        sum += exp((double)(80 * x[i]));
    }
    kernels->softmax.softmax_f32(count, logs, soft);
    kernels->softmax.log_softmax_f32(count, logs, logs); /* in place */
    for (size_t i = 0; i < count; i++) {
        assert_close((double)soft[i], exp((double)(80 * x[i])) / sum, 2e-6);
        assert_close((double)logs[i], (double)(80 * x[i]) - log(sum), 2e-6);
    }
}

static void check_scale_add(const struct onr_kernels *kernels, size_t count, const float *x)
{
    float y[MOST];
    memcpy(y, x, count * sizeof *y);
    kernels->softmax.scale_add_f32(count, y, 0.3f, x, y); /* in place */
    for (size_t i = 0; i < count; i++) {
        float product = 0.3f * x[i];
        assert_true(y[i] == product + x[i]);
    }
}

static void scale_add_rounds_twice(void **state)
{
    (void)state;
    for_all(check_scale_add);
}

static void softmax_agrees(void **state)
{
    (void)state;
    for_all(check_softmax);
}

static void check_norm(const struct onr_kernels *kernels, size_t count, const float *x)
{
    float y[MOST];
    double mean = 0;
    double square = 0;
    double variance = 0;
    for (size_t i = 0; i < count; i++) {
        mean += (double)x[i] / (double)count;
        square += (double)x[i] * (double)x[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)count;
    }
    if (count == 0) {
        return;
    }
    struct onr_norm_stats stats;
    kernels->norm.layer_f32(1, count, x, x, x, 0.01, y, &stats);
    assert_close(stats.mean, mean, 1e-6);
    assert_close(stats.inverse_std, 1 / sqrt(variance + 0.01), 1e-5);
    for (size_t i = 0; i < count; i++) {
        double v = (double)x[i];
        assert_close((double)y[i], (v - mean) / sqrt(variance + 0.01) * v + v, 1e-5);
    }
    kernels->norm.rms_f32(1, count, x, NULL, NULL, 0.01, y, &stats);
    for (size_t i = 0; i < count; i++) {
        assert_close((double)y[i], (double)x[i] / sqrt(square + 0.01), 1e-5);
    }
}

static void norms_agree(void **state)
{
    (void)state;
    for_all(check_norm);
}

/* A row's bits are the same with others as alone. */
static void check_rows(const struct onr_kernels *kernels, size_t rows, size_t count)
{
    float x[300], together[300], alone[300];
    struct onr_norm_stats stats[4], own;
    onr_norm_rows_f32_fn normalize[] = {kernels->norm.layer_f32, kernels->norm.rms_f32};
    test_random(count, rows * count, x);
    for (int f = 0; f < 2; f++) {
        normalize[f](rows, count, x, x, NULL, 0.01, together, stats);
        for (size_t r = 0; r < rows; r++) {
            normalize[f](1, count, x + r * count, x, NULL, 0.01, alone, &own);
            assert_memory_equal(alone, together + r * count, count * sizeof *alone);
            assert_memory_equal(&own, &stats[r], sizeof own);
        }
    }
    normalize[0](rows, count, x, x, NULL, 0.01, together, stats);
    memcpy(alone, x, sizeof alone);
    normalize[0](rows, count, alone, x, NULL, 0.01, alone, stats); /* in place */
    assert_memory_equal(alone, together, rows * count * sizeof *alone);
}

static void rows_are_normalised_together_as_alone(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        check_rows(&kernels, 4, 75);
        check_rows(&kernels, 3, 32);
        check_rows(&kernels, 2, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions_agree),
        cmocka_unit_test(columns_of_many_rows_agree),
        cmocka_unit_test(nan_of_either_sign_reaches_the_extremes),
        cmocka_unit_test(nan_in_a_row_reaches_the_extremes_of_its_column),
        cmocka_unit_test(the_best_is_found_where_the_plain_rule_finds_it),
        cmocka_unit_test(keys_order_as_floats_do),
        cmocka_unit_test(integers_wrap),
        cmocka_unit_test(softmax_agrees),
        cmocka_unit_test(scale_add_rounds_twice),
        cmocka_unit_test(norms_agree),
        cmocka_unit_test(rows_are_normalised_together_as_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
