/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sampling at run-time places: each axis by itself first, then the products of the axes, in chunks of
 * taps, so that scratch stays small for any rank.
 */
#include "ops/image/sampler.h"

#include <math.h>

#define MAX_CHUNK 64
/* Elements beyond the edge from where on all taps are outside. */
#define FAR   4
#define CUBIC (-0.75) /* the coefficient of Keys' kernel */

enum onr_status onr_sampler_plan(struct onr_sampler *sampler, struct onr_workspace *space,
                                 struct onr_error *err)
{
    static const size_t axis_taps[] = {
        [ONR_SAMPLER_LINEAR] = 2, [ONR_SAMPLER_NEAREST] = 1, [ONR_SAMPLER_CUBIC] = 4};
    size_t elements = sampler->lanes;
    sampler->axis_taps = axis_taps[sampler->mode];
    sampler->taps = 1;
    for (int d = 0; d < sampler->rank; d++) {
        sampler->taps *= sampler->axis_taps;
        if (!onr_size_mul(elements, (size_t)sampler->extent[d], &elements) ||
            elements > INT32_MAX) {
            return onr_fail(err, ONR_ERR_LIMIT,
                            "a channel has more than 2^31 - 1 elements to sample from");
        }
    }
    sampler->chunk = sampler->taps < MAX_CHUNK ? sampler->taps : MAX_CHUNK;
    sampler->block = sampler->taps <= 4 ? 256 : 64;
    size_t places = (size_t)sampler->rank * sampler->block;
    size_t cells = sampler->chunk * sampler->block * sampler->lanes;
    sampler->place_at = onr_workspace_add(space, places, sizeof(double));
    sampler->axis_index_at = onr_workspace_add(space, places * sampler->axis_taps, sizeof(int32_t));
    sampler->axis_weight_at = onr_workspace_add(space, places * sampler->axis_taps, sizeof(double));
    sampler->index_at = onr_workspace_add(space, cells, sizeof(int32_t));
    sampler->weight_at = onr_workspace_add(space, cells, onr_dtype_size(sampler->real));
    return ONR_OK;
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double reflect(double x, double low, double high)
{
    double span = high - low;
    if (x >= low && x <= high) {
        return x;
    }
    if (!(span > 0)) {
        return low;
    }
    double past = fmod(fabs(x - low), 2 * span);
    return low + (past <= span ? past : 2 * span - past);
}

/* Mirrors x at the edges of an axis. */
static double mirror(const struct onr_sampler *sampler, int64_t extent, double x)
{
    double half = sampler->is_aligned ? 0 : 0.5;
    return reflect(x, -half, (double)(extent - 1) + half);
}

/* The place that is read for place x: never far from the axis, and a number. */
static double settle(const struct onr_sampler *sampler, int64_t extent, double x)
{
    double half = sampler->is_aligned ? 0 : 0.5;
    double last = (double)(extent - 1);
    if (sampler->mode == ONR_SAMPLER_NEAREST) {
        x = rint(x);
    }
    bool is_kept = sampler->keeps_places && sampler->mode == ONR_SAMPLER_CUBIC;
    if (sampler->padding == ONR_SAMPLER_BORDER && !is_kept && (x < -half || x > last + half)) {
        x = clamp(x, 0, last);
    } else if (sampler->padding == ONR_SAMPLER_REFLECTION) {
        x = mirror(sampler, extent, x);
    }
    if (x != x) {
        return sampler->padding == ONR_SAMPLER_ZEROS ? -FAR : 0;
    }
    return clamp(x, -FAR, last + FAR);
}

/* The element that stands at i, or -1 for none. */
static int64_t element_at(const struct onr_sampler *sampler, int64_t extent, int64_t i)
{
    if (i >= 0 && i < extent) {
        return i;
    }
    if (sampler->padding == ONR_SAMPLER_ZEROS) {
        return -1;
    }
    if (sampler->padding == ONR_SAMPLER_REFLECTION) {
        i = (int64_t)mirror(sampler, extent, (double)i);
    }
    return onr_int_max(0, onr_int_min(i, extent - 1));
}

static double cubic_near(double t)
{
    return ((CUBIC + 2) * t - (CUBIC + 3)) * t * t + 1;
}

static double cubic_far(double t)
{
    return ((CUBIC * t - 5 * CUBIC) * t + 8 * CUBIC) * t - 4 * CUBIC;
}

/* The weights of the elements around a place that is `past` the one below, and where they begin. */
static int64_t weigh(enum onr_sampler_mode mode, double past, double weight[4])
{
    switch (mode) {
    case ONR_SAMPLER_NEAREST:
        weight[0] = 1;
        return 0;
    case ONR_SAMPLER_LINEAR:
        weight[0] = 1 - past;
        weight[1] = past;
        return 0;
    default: /* CUBIC */
        weight[0] = cubic_far(past + 1);
        weight[1] = cubic_near(past);
        weight[2] = cubic_near(1 - past);
        weight[3] = cubic_far(2 - past);
        return -1;
    }
}

/* Tap k of place i along axis d is number ((d * axis_taps) + k) * block + i of the tables. */
void onr_sampler_turn(const struct onr_sampler *sampler, size_t count, void *scratch)
{
    int32_t *index = (void *)((char *)scratch + sampler->axis_index_at);
    double *weight = (void *)((char *)scratch + sampler->axis_weight_at);
    size_t taps = sampler->axis_taps;
    int64_t stride = 1;
    for (int d = sampler->rank - 1; d >= 0; d--) {
        const double *place = onr_sampler_places(sampler, scratch, d);
        int64_t extent = sampler->extent[d];
        for (size_t i = 0; i < count; i++) {
            double x = settle(sampler, extent, place[i]);
            double below = floor(x);
            double weights[4];
            int64_t first = (int64_t)below + weigh(sampler->mode, x - below, weights);
            for (size_t k = 0; k < taps; k++) {
                size_t cell = ((size_t)d * taps + k) * sampler->block + i;
                int64_t at = element_at(sampler, extent, first + (int64_t)k);
                index[cell] = at < 0 ? 0 : (int32_t)(at * stride);
                weight[cell] = at < 0 ? 0 : weights[k];
            }
        }
        stride *= extent;
    }
}

/* The tables of the axes for one tap of the points: tap t is its digits to the base axis_taps. */
static void pick_axes(const struct onr_sampler *sampler, size_t t, const void *scratch,
                      const int32_t *index[ONR_MAX_RANK], const double *weight[ONR_MAX_RANK])
{
    const int32_t *axis_index = (const void *)((const char *)scratch + sampler->axis_index_at);
    const double *axis_weight = (const void *)((const char *)scratch + sampler->axis_weight_at);
    for (int d = sampler->rank - 1; d >= 0; d--) {
        size_t row = ((size_t)d * sampler->axis_taps + t % sampler->axis_taps) * sampler->block;
        index[d] = axis_index + row;
        weight[d] = axis_weight + row;
        t /= sampler->axis_taps;
    }
}

static void set_weight(enum onr_dtype real, void *weights, size_t i, double value)
{
    if (real == ONR_FLOAT) {
        ((float *)weights)[i] = (float)value;
    } else {
        ((double *)weights)[i] = value;
    }
}

/* Fills the tables of the points with taps [first, first + taps). */
static void fill(const struct onr_sampler *sampler, size_t count, const double *factor,
                 size_t first, size_t taps, void *scratch)
{
    int32_t *index = (void *)((char *)scratch + sampler->index_at);
    void *weight = (char *)scratch + sampler->weight_at;
    size_t lanes = sampler->lanes;
    for (size_t t = 0; t < taps; t++) {
        const int32_t *axis_index[ONR_MAX_RANK];
        const double *axis_weight[ONR_MAX_RANK];
        pick_axes(sampler, first + t, scratch, axis_index, axis_weight);
        for (size_t i = 0; i < count; i++) {
            int32_t at = 0;
            double product = factor != NULL ? factor[i] : 1;
            for (int d = 0; d < sampler->rank; d++) {
                at += axis_index[d][i];
                product = axis_weight[d][i] != 0 ? product * axis_weight[d][i] : 0;
            }
            for (size_t lane = 0; lane < lanes; lane++) {
                size_t cell = (t * sampler->block + i) * lanes + lane;
                index[cell] = at * (int32_t)lanes + (int32_t)lane;
                set_weight(sampler->real, weight, cell, product);
            }
        }
    }
}

const int32_t *onr_sampler_nearest(const struct onr_sampler *sampler, size_t count, void *scratch)
{
    int32_t *index = (void *)((char *)scratch + sampler->index_at);
    const int32_t *axis_index[ONR_MAX_RANK];
    const double *axis_weight[ONR_MAX_RANK];
    pick_axes(sampler, 0, scratch, axis_index, axis_weight);
    for (size_t i = 0; i < count; i++) {
        int32_t at = 0;
        bool is_inside = true;
        for (int d = 0; d < sampler->rank; d++) {
            at += axis_index[d][i];
            is_inside = is_inside && axis_weight[d][i] != 0;
        }
        index[i] = is_inside ? at : -1;
    }
    return index;
}

void onr_sampler_sample(const struct onr_sampler *sampler, const struct onr_kernels *kernels,
                        size_t count, const double *factor, bool is_same, const void *x, void *y,
                        void *scratch)
{
    const int32_t *index = (const void *)((char *)scratch + sampler->index_at);
    const void *weight = (char *)scratch + sampler->weight_at;
    size_t stride = sampler->block * sampler->lanes;
    for (size_t first = 0; first < sampler->taps; first += sampler->chunk) {
        if (!is_same || sampler->chunk < sampler->taps) {
            fill(sampler, count, factor, first, sampler->chunk, scratch);
        }
        if (sampler->real == ONR_FLOAT) {
            kernels->image.sample_f32(count * sampler->lanes, sampler->chunk, stride, index, weight,
                                      x, y, first > 0);
        } else {
            kernels->image.sample_f64(count * sampler->lanes, sampler->chunk, stride, index, weight,
                                      x, y, first > 0);
        }
    }
}
