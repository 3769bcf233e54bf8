/* SPDX-License-Identifier: Apache-2.0 */
/* Interpolation kernels against plain loops in double, on each instruction set. */
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>

#define MOST      131
#define MOST_TAPS 9

static const size_t sizes[] = {0, 1, 15, 16, 17, MOST};
#define SIZE_COUNT (sizeof sizes / sizeof sizes[0])

struct data {
    float x[MOST_TAPS][MOST];
    double wide[MOST_TAPS][MOST];
    float weight[MOST_TAPS * MOST];
    double wide_weight[MOST_TAPS * MOST];
    int32_t index[MOST_TAPS * MOST];
};

/* Numbers, indices, and weights of which some are 0 and stand at an infinity. */
static void fill(struct data *data)
{
    test_random(3, MOST_TAPS * MOST, data->weight);
    test_random(4, MOST_TAPS * MOST, &data->x[0][0]);
    data->x[0][7] = INFINITY;
    for (size_t i = 0; i < MOST_TAPS * MOST; i++) {
        data->index[i] = (int32_t)(i * 37 % MOST);
        data->weight[i] = data->index[i] == 7 ? 0 : data->weight[i];
        data->wide_weight[i] = (double)data->weight[i];
        data->wide[i / MOST][i % MOST] = (double)data->x[i / MOST][i % MOST];
    }
}

static double sampled(const struct data *data, size_t taps, size_t stride, size_t i)
{
    double sum = 0;
    for (size_t t = 0; t < taps; t++) {
        double weight = data->wide_weight[t * stride + i];
        sum += weight != 0 ? weight * data->wide[0][data->index[t * stride + i]] : 0;
    }
    return sum;
}

static void check_samples(const struct onr_kernels *kernels, const struct data *data, size_t count)
{
    for (size_t taps = 0; taps <= MOST_TAPS; taps++) {
        for (int add = 0; add < 2; add++) {
            float y[MOST];
            double wide[MOST];
            for (size_t i = 0; i < count; i++) {
                y[i] = 0.5f;
                wide[i] = 0.5;
            }
            kernels->image.sample_f32(count, taps, MOST, data->index, data->weight, data->x[0], y,
                                      add != 0);
            kernels->image.sample_f64(count, taps, MOST, data->index, data->wide_weight,
                                      data->wide[0], wide, add != 0);
            for (size_t i = 0; i < count; i++) {
                double want = sampled(data, taps, MOST, i) + (add != 0 ? 0.5 : 0);
                assert_true(fabs((double)y[i] - want) < 1e-5);
                assert_true(fabs(wide[i] - want) < 1e-13);
            }
        }
    }
}

static void check_blends(const struct onr_kernels *kernels, const struct data *data, size_t count)
{
    const float *rows[MOST_TAPS];
    const double *wide_rows[MOST_TAPS];
    for (size_t t = 0; t < MOST_TAPS; t++) {
        rows[t] = data->x[(t + 1) % MOST_TAPS];
        wide_rows[t] = data->wide[(t + 1) % MOST_TAPS];
    }
    for (size_t taps = 0; taps < MOST_TAPS; taps++) {
        float y[MOST];
        double wide[MOST];
        kernels->image.blend_f32(count, taps, data->weight, rows, y);
        kernels->image.blend_f64(count, taps, data->wide_weight, wide_rows, wide);
        for (size_t i = 0; i < count; i++) {
            double want = 0;
            for (size_t t = 0; t < taps; t++) {
                want += data->wide_weight[t] * wide_rows[t][i];
            }
            assert_true(fabs((double)y[i] - want) < 1e-5);
            assert_true(fabs(wide[i] - want) < 1e-13);
        }
    }
}

static void check_pick(const struct onr_kernels *kernels, const struct data *data, size_t count)
{
    uint32_t x[MOST];
    uint32_t y[MOST];
    for (uint32_t i = 0; i < MOST; i++) {
        x[i] = i * 2654435761u;
    }
    kernels->image.pick_32(count, data->index, x, y);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(y[i], x[data->index[i]]);
    }
}

static void interpolation_agrees(void **state)
{
    (void)state;
    static struct data data;
    fill(&data);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            check_samples(&kernels, &data, sizes[i]);
            check_blends(&kernels, &data, sizes[i]);
            check_pick(&kernels, &data, sizes[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpolation_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
