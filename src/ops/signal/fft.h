/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The discrete Fourier transform of one complex signal of any length, in double precision:
 *
 *     X[k] = sum_n x[n] e^(-2 pi i k n / N)
 *
 * Lengths whose prime factors are small are transformed factor by factor; others as a convolution
 * of a power of two (Bluestein). Real and imaginary parts are separate arrays. Exchanging the two
 * arrays on the way in and out gives the inverse transform times N.
 */
#ifndef ONR_OPS_SIGNAL_FFT_H
#define ONR_OPS_SIGNAL_FFT_H

#include "base/arena.h"
#include "base/error.h"

#define ONR_FFT_MAX_STAGES 63

struct onr_fft {
    size_t n;                                 /* at least 1 */
    unsigned stage_count;                     /* factors; their product is n */
    unsigned char factor[ONR_FFT_MAX_STAGES]; /* [stage_count] */
    const double *cosine;                     /* [n] cos(2 pi j / n) */
    const double *sine;                       /* [n] sin(2 pi j / n) */
    const struct onr_fft *power;              /* of two, for the convolution; NULL: factors */
    const double *chirp_re;                   /* [n] e^(-pi i j^2 / n) */
    const double *chirp_im;
    const double *filter_re; /* [power->n] transform of the conjugate chirp, over power->n */
    const double *filter_im;
};

/* Makes the tables in the arena. Errors: ONR_ERR_LIMIT (n is 0 or too large), ONR_ERR_MEMORY. */
enum onr_status onr_fft_plan(struct onr_fft *fft, size_t n, struct onr_arena *arena,
                             struct onr_error *err) ONR_MUST_USE;

/* Doubles of scratch that onr_fft_run needs. */
size_t onr_fft_scratch(const struct onr_fft *fft);

/* Transforms re and im ([n] each) in place. */
void onr_fft_run(const struct onr_fft *fft, double *re, double *im, double *scratch);

#endif
