/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the matrix of a convolution, row by row, in runs that stay in one row of the output. */
#include "kernels/conv/conv.h"

#include <string.h>

/* A position in the output and the tap of a matrix row. */
struct place {
    int64_t o[3];
    int64_t t[3];
};

/* Splits a flat index into three coordinates. */
static void split(int64_t index, const int64_t dims[3], int64_t place[3])
{
    place[2] = index % dims[2];
    index /= dims[2];
    place[1] = index % dims[1];
    place[0] = index / dims[1];
}

/* Inputs that dimension d sees at this place; outside [0, in) it is padding. */
static int64_t input_at(const struct onr_window *w, const struct place *place, int d)
{
    return place->o[d] * w->stride[d] + place->t[d] * w->dilation[d] - w->pad[d];
}

/* y[i] = the input of outputs o[2] + i, i < count, of one row of the output. */
static void copy_run(const struct onr_window *w, const float *x, const struct place *place,
                     int64_t count, float *y)
{
    int64_t z = input_at(w, place, 0);
    int64_t row = input_at(w, place, 1);
    int64_t begin;
    int64_t end;
    onr_window_range(w, 2, place->t[2], &begin, &end);
    begin = begin > place->o[2] ? begin - place->o[2] : 0;
    end = end > place->o[2] ? end - place->o[2] : 0;
    end = end < count ? end : count;
    if (z < 0 || z >= w->in[0] || row < 0 || row >= w->in[1] || begin >= end) {
        memset(y, 0, (size_t)count * sizeof(float));
        return;
    }
    const float *source = x + (z * w->in[1] + row) * w->in[2];
    int64_t first = input_at(w, place, 2) + begin * w->stride[2];
    memset(y, 0, (size_t)begin * sizeof(float));
    if (w->stride[2] == 1) {
        memcpy(y + begin, source + first, (size_t)(end - begin) * sizeof(float));
    } else {
        for (int64_t i = begin; i < end; i++) {
            y[i] = source[first + (i - begin) * w->stride[2]];
        }
    }
    memset(y + end, 0, (size_t)(count - end) * sizeof(float));
}

void onr_im2col_f32(const struct onr_window *window, const float *x, size_t k_begin, size_t k,
                    size_t column, size_t count, size_t width, float *piece)
{
    const struct onr_window *w = window;
    int64_t taps = w->kernel[0] * w->kernel[1] * w->kernel[2];
    int64_t plane = w->in[0] * w->in[1] * w->in[2];
    for (size_t p = 0; p < k; p++) {
        struct place place;
        int64_t row = (int64_t)(k_begin + p);
        float *y = piece + p * width;
        split(row % taps, w->kernel, place.t);
        split((int64_t)column, w->out, place.o);
        for (size_t done = 0; done < count;) {
            int64_t left = (int64_t)(count - done);
            int64_t run = w->out[2] - place.o[2];
            run = run < left ? run : left;
            copy_run(w, x + row / taps * plane, &place, run, y + done);
            done += (size_t)run;
            split((int64_t)(column + done), w->out, place.o);
        }
        memset(y + count, 0, (width - count) * sizeof(float));
    }
}
