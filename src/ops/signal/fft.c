/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage of factor r turns s interleaved transforms of length n into s * r of length n / r
 * (Stockham's self-sorting order, so that no stage permutes):
 *
 *     y[q + s (r p + j)] = e^(-2 pi i p j / n) sum_k e^(-2 pi i j k / r) x[q + s (p + k n / r)]
 */
#include "ops/signal/fft.h"

#include "base/size.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Largest prime factor that is transformed by its definition. */
#define MAX_FACTOR 31

/* Longest transform: tables and scratch stay far below ONR_SIZE_LIMIT. */
#define MAX_LENGTH ((size_t)1 << 32)

/* One stage: from x to y. */
struct stage {
    const struct onr_fft *fft;
    size_t factor;
    size_t length; /* n / r */
    size_t step;   /* s */
    const double *x_re;
    const double *x_im;
    double *y_re;
    double *y_im;
};

/* The factors of n, 4 where it goes; false when one is too large. */
static bool find_factors(struct onr_fft *fft, size_t n)
{
    fft->stage_count = 0;
    while (n % 4 == 0) {
        fft->factor[fft->stage_count++] = 4;
        n /= 4;
    }
    for (unsigned char factor = 2; factor <= MAX_FACTOR && n > 1; factor++) {
        while (n % factor == 0) {
            fft->factor[fft->stage_count++] = factor;
            n /= factor;
        }
    }
    return n == 1;
}

/* cos and sin of pi * numerator / denominator, the angle brought below a turn first. */
static void unit_circle(double numerator, double denominator, double *cosine, double *sine)
{
    double turn = fmod(numerator / denominator, 2.0);
    *cosine = cos(PI * turn);
    *sine = sin(PI * turn);
}

static enum onr_status plan_factors(struct onr_fft *fft, struct onr_arena *arena,
                                    struct onr_error *err)
{
    double *cosine = ONR_ARENA_ARRAY(arena, fft->n, double);
    double *sine = ONR_ARENA_ARRAY(arena, fft->n, double);
    if (cosine == NULL || sine == NULL) {
        return onr_fail_memory(err, "the tables of a Fourier transform");
    }
    for (size_t j = 0; j < fft->n; j++) {
        unit_circle(2.0 * (double)j, (double)fft->n, &cosine[j], &sine[j]);
    }
    fft->cosine = cosine;
    fft->sine = sine;
    return ONR_OK;
}

/* The chirp, with j^2 taken modulo 2 n so that its angle stays exact. */
static void fill_chirp(size_t n, double *re, double *im)
{
    size_t square = 0;
    for (size_t j = 0; j < n; j++) {
        unit_circle((double)square, (double)n, &re[j], &im[j]);
        im[j] = -im[j];
        square = (square + 2 * j + 1) % (2 * n);
    }
}

static enum onr_status plan_convolution(struct onr_fft *fft, struct onr_arena *arena,
                                        struct onr_error *err)
{
    size_t n = fft->n;
    size_t m = 1;
    while (m < 2 * n - 1) {
        m *= 2;
    }
    struct onr_fft *power = ONR_ARENA_NEW(arena, struct onr_fft);
    double *chirp = ONR_ARENA_ARRAY(arena, 2 * n, double);
    double *filter = ONR_ARENA_ARRAY(arena, 2 * m, double);
    double *scratch = ONR_ARENA_ARRAY(arena, 2 * m, double);
    if (power == NULL || chirp == NULL || filter == NULL || scratch == NULL) {
        return onr_fail_memory(err, "the tables of a Fourier transform");
    }
    *power = (struct onr_fft){.n = m};
    (void)find_factors(power, m);
    ONR_TRY(plan_factors(power, arena, err));
    fill_chirp(n, chirp, chirp + n);
    for (size_t j = 0; j < n; j++) {
        size_t mirror = j == 0 ? 0 : m - j;
        filter[j] = filter[mirror] = chirp[j] / (double)m;
        filter[m + j] = filter[m + mirror] = -chirp[n + j] / (double)m;
    }
    onr_fft_run(power, filter, filter + m, scratch);
    fft->power = power;
    fft->chirp_re = chirp;
    fft->chirp_im = chirp + n;
    fft->filter_re = filter;
    fft->filter_im = filter + m;
    return ONR_OK;
}

enum onr_status onr_fft_plan(struct onr_fft *fft, size_t n, struct onr_arena *arena,
                             struct onr_error *err)
{
    if (n == 0 || n > MAX_LENGTH) {
        return onr_fail(err, ONR_ERR_LIMIT, "a Fourier transform of length %zu, expected 1 to %zu",
                        n, MAX_LENGTH);
    }
    *fft = (struct onr_fft){.n = n};
    return find_factors(fft, n) ? plan_factors(fft, arena, err) : plan_convolution(fft, arena, err);
}

size_t onr_fft_scratch(const struct onr_fft *fft)
{
    return fft->power != NULL ? 4 * fft->power->n : 2 * fft->n;
}

static void run_stage_4(const struct stage *s)
{
    const struct onr_fft *fft = s->fft;
    size_t quarter = s->step * s->length;
    for (size_t p = 0; p < s->length; p++) {
        double c[4], d[4]; /* e^(-2 pi i p j / n) = c[j] - i d[j] */
        for (size_t j = 0; j < 4; j++) {
            c[j] = fft->cosine[p * j * s->step];
            d[j] = fft->sine[p * j * s->step];
        }
        const double *x_re = s->x_re + p * s->step;
        const double *x_im = s->x_im + p * s->step;
        double *y_re = s->y_re + 4 * p * s->step;
        double *y_im = s->y_im + 4 * p * s->step;
        for (size_t q = 0; q < s->step; q++) {
            double sum_re = x_re[q] + x_re[q + 2 * quarter];
            double sum_im = x_im[q] + x_im[q + 2 * quarter];
            double dif_re = x_re[q] - x_re[q + 2 * quarter];
            double dif_im = x_im[q] - x_im[q + 2 * quarter];
            double odd_re = x_re[q + quarter] + x_re[q + 3 * quarter];
            double odd_im = x_im[q + quarter] + x_im[q + 3 * quarter];
            double turn_re = x_im[q + quarter] - x_im[q + 3 * quarter]; /* -i (x1 - x3) */
            double turn_im = x_re[q + 3 * quarter] - x_re[q + quarter];
            double b_re[4] = {sum_re + odd_re, dif_re + turn_re, sum_re - odd_re, dif_re - turn_re};
            double b_im[4] = {sum_im + odd_im, dif_im + turn_im, sum_im - odd_im, dif_im - turn_im};
            for (size_t j = 0; j < 4; j++) {
                y_re[q + j * s->step] = b_re[j] * c[j] + b_im[j] * d[j];
                y_im[q + j * s->step] = b_im[j] * c[j] - b_re[j] * d[j];
            }
        }
    }
}

/* Output j of the butterflies at p of a stage of any factor. */
static void run_output(const struct stage *s, size_t p, size_t j)
{
    const struct onr_fft *fft = s->fft;
    size_t span = s->step * s->length;
    size_t turn = fft->n / s->factor;
    double *y_re = s->y_re + s->step * (s->factor * p + j);
    double *y_im = s->y_im + s->step * (s->factor * p + j);
    for (size_t k = 0; k < s->factor; k++) {
        /* Both angles in one: p j s / n + j k / r of a turn. */
        size_t angle = (p * j * s->step + j * k % s->factor * turn) % fft->n;
        double c = fft->cosine[angle];
        double d = fft->sine[angle];
        const double *x_re = s->x_re + s->step * p + k * span;
        const double *x_im = s->x_im + s->step * p + k * span;
        for (size_t q = 0; q < s->step; q++) {
            double re = x_re[q] * c + x_im[q] * d;
            double im = x_im[q] * c - x_re[q] * d;
            y_re[q] = k == 0 ? re : y_re[q] + re;
            y_im[q] = k == 0 ? im : y_im[q] + im;
        }
    }
}

static void run_stage(const struct stage *s)
{
    for (size_t p = 0; p < s->length; p++) {
        for (size_t j = 0; j < s->factor; j++) {
            run_output(s, p, j);
        }
    }
}

static void run_factors(const struct onr_fft *fft, double *re, double *im, double *scratch)
{
    struct stage s = {
        .fft = fft, .length = fft->n, .step = 1, .y_re = scratch, .y_im = scratch + fft->n};
    double *x_re = re;
    double *x_im = im;
    for (unsigned i = 0; i < fft->stage_count; i++) {
        s.factor = fft->factor[i];
        s.length /= s.factor;
        s.x_re = x_re;
        s.x_im = x_im;
        if (s.factor == 4) {
            run_stage_4(&s);
        } else {
            run_stage(&s);
        }
        s.step *= s.factor;
        double *last_re = x_re;
        double *last_im = x_im;
        x_re = s.y_re;
        x_im = s.y_im;
        s.y_re = last_re;
        s.y_im = last_im;
    }
    if (x_re != re) {
        memcpy(re, x_re, fft->n * sizeof *re);
        memcpy(im, x_im, fft->n * sizeof *im);
    }
}

/* z = a * b of complex numbers, in two parts. */
static void multiply(double *re, double *im, double b_re, double b_im)
{
    double product = *re * b_re - *im * b_im;
    *im = *re * b_im + *im * b_re;
    *re = product;
}

static void run_convolution(const struct onr_fft *fft, double *re, double *im, double *scratch)
{
    size_t m = fft->power->n;
    double *a_re = scratch;
    double *a_im = scratch + m;
    memset(a_re, 0, 2 * m * sizeof *a_re);
    for (size_t j = 0; j < fft->n; j++) {
        a_re[j] = re[j];
        a_im[j] = im[j];
        multiply(&a_re[j], &a_im[j], fft->chirp_re[j], fft->chirp_im[j]);
    }
    run_factors(fft->power, a_re, a_im, scratch + 2 * m);
    for (size_t j = 0; j < m; j++) {
        multiply(&a_re[j], &a_im[j], fft->filter_re[j], fft->filter_im[j]);
    }
    run_factors(fft->power, a_im, a_re, scratch + 2 * m); /* the inverse: parts exchanged */
    for (size_t j = 0; j < fft->n; j++) {
        re[j] = a_re[j];
        im[j] = a_im[j];
        multiply(&re[j], &im[j], fft->chirp_re[j], fft->chirp_im[j]);
    }
}

void onr_fft_run(const struct onr_fft *fft, double *re, double *im, double *scratch)
{
    if (fft->power != NULL) {
        run_convolution(fft, re, im, scratch);
    } else {
        run_factors(fft, re, im, scratch);
    }
}
