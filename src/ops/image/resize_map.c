/* SPDX-License-Identifier: Apache-2.0 */
/* Resize: for each output along one axis, the inputs that it is made of and their weights. */
#include "base/size.h"
#include "ops/image/real_io.h"
#include "ops/image/resize.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The place x in the input of output o. */
static double original(const struct onr_resize_how *how, const struct onr_resize_axis *axis,
                       int64_t o)
{
    double x = (double)o;
    double last = (double)(axis->in - 1);
    switch (how->coordinates) {
    case ONR_COORD_HALF_PIXEL_SYMMETRIC: {
        double offset = (double)axis->in / 2 * (1 - (double)axis->out / axis->length);
        return offset + (x + 0.5) / axis->scale - 0.5;
    }
    case ONR_COORD_PYTORCH_HALF_PIXEL:
        return axis->out == 1 ? 0 : (x + 0.5) / axis->scale - 0.5;
    case ONR_COORD_ALIGN_CORNERS:
        return axis->out == 1 || axis->length == 1 ? 0 : x * last / (axis->length - 1);
    case ONR_COORD_ASYMMETRIC:
        return x / axis->scale;
    case ONR_COORD_TF_CROP_AND_RESIZE:
        if (axis->out == 1) {
            return (axis->begin + axis->end) * last / 2;
        }
        return axis->begin * last + x * (axis->end - axis->begin) * last / (double)(axis->out - 1);
    case ONR_COORD_TF_HALF_PIXEL_FOR_NN:
        return (x + 0.5) / axis->scale;
    default: /* half_pixel */
        return (x + 0.5) / axis->scale - 0.5;
    }
}

/* Scales are float32, so that places are known to float32: 3 / 0.33333334f means 9. */
static double round_place(enum onr_resize_rounding rounding, double scale, double place)
{
    double x = (double)(float)place;
    switch (rounding) {
    case ONR_ROUND_PREFER_CEIL:
        return floor(x + 0.5);
    case ONR_ROUND_FLOOR:
        return floor(x);
    case ONR_ROUND_CEIL:
        return ceil(x);
    case ONR_ROUND_OUTWARD:
        return scale < 1 ? ceil(x) : floor(x);
    default:
        return ceil(x - 0.5);
    }
}

static int32_t clamp(double place, size_t in)
{
    double last = (double)(in - 1);
    return (int32_t)(place > 0 ? (place < last ? place : last) : 0);
}

/* The filter at distance x from its centre; a is the free coefficient of the cubic one. */
static double filter(enum onr_resize_mode mode, double a, double x)
{
    x = fabs(x);
    if (mode == ONR_RESIZE_LINEAR) {
        return x < 1 ? 1 - x : 0;
    }
    if (x <= 1) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* How far the filter reaches to the left of the input next to the place (0, -1, ...). */
static double reach(const struct onr_resize_how *how, double shrink)
{
    return floor(-(how->mode == ONR_RESIZE_LINEAR ? 1.0 : 2.0) / shrink) + 1;
}

/* Fills the taps of one output. weights: [taps]. */
static void weigh(const struct onr_resize_how *how, const struct onr_resize_map *map, double place,
                  double shrink, double *weights, double *first)
{
    double base = ceil(place) - 1; /* the place is base + (0, 1] */
    double start = reach(how, shrink);
    double total = 0;
    *first = base + start;
    for (size_t t = 0; t < map->taps; t++) {
        double at = *first + (double)t;
        bool is_inside = at >= 0 && at < (double)map->in;
        double weight = filter(how->mode, how->cubic_a, (at - place) * shrink);
        weights[t] = is_inside || !how->excludes_outside ? weight : 0;
        total += weights[t];
    }
    bool has_unit_sum = shrink == 1 && !how->excludes_outside;
    for (size_t t = 0; t < map->taps && !has_unit_sum && total != 0; t++) {
        weights[t] /= total;
    }
}

struct tables {
    int32_t *index;
    float *f32; /* one of the two */
    double *f64;
    bool *is_outside;
    double *taps; /* [taps] of one output */
};

static void fill_output(const struct onr_resize_how *how, const struct onr_resize_axis *axis,
                        const struct onr_resize_map *map, double shrink, size_t o,
                        struct tables *to)
{
    double place = original(how, axis, (int64_t)o);
    if (to->is_outside != NULL) {
        to->is_outside[o] = !(place >= 0 && place <= (double)(axis->in - 1));
    }
    if (how->mode == ONR_RESIZE_NEAREST) {
        to->index[o] = clamp(round_place(how->rounding, axis->scale, place), map->in);
        return;
    }
    double first = 0;
    weigh(how, map, place, shrink, to->taps, &first);
    for (size_t t = 0; t < map->taps; t++) {
        size_t at = map->is_tap_major ? t * map->out + o : o * map->taps + t;
        to->index[at] = clamp(first + (double)t, map->in);
        if (to->f32 != NULL) {
            to->f32[at] = (float)to->taps[t];
        } else {
            to->f64[at] = to->taps[t];
        }
    }
}

bool onr_resize_changes(const struct onr_resize_how *how, const struct onr_resize_axis *axis)
{
    if (axis->in != axis->out) {
        return true;
    }
    if (axis->scale == 1 && how->coordinates != ONR_COORD_TF_CROP_AND_RESIZE &&
        how->coordinates != ONR_COORD_TF_HALF_PIXEL_FOR_NN) {
        return false;
    }
    for (int64_t o = 0; o < axis->out; o++) {
        double place = original(how, axis, o);
        if (how->mode == ONR_RESIZE_NEAREST) {
            place = place >= 0 && place <= (double)(axis->in - 1)
                        ? round_place(how->rounding, axis->scale, place)
                        : -1;
        }
        if (place != (double)o) {
            return true;
        }
    }
    return how->mode != ONR_RESIZE_NEAREST && how->is_antialiased && axis->scale < 1;
}

enum onr_status onr_resize_map_make(const struct onr_resize_how *how,
                                    const struct onr_resize_axis *axis, enum onr_dtype real,
                                    bool is_tap_major, struct onr_resize_map *map,
                                    struct onr_plan_ctx *ctx)
{
    *map = (struct onr_resize_map){
        .in = (size_t)axis->in, .out = (size_t)axis->out, .taps = 1, .is_tap_major = is_tap_major};
    if (axis->out == 0 || !onr_resize_changes(how, axis)) {
        return ONR_OK;
    }
    bool is_nearest = how->mode == ONR_RESIZE_NEAREST;
    double shrink = how->is_antialiased && axis->scale < 1 ? axis->scale : 1;
    double reached = is_nearest ? 0.5 : reach(how, shrink);
    if (axis->in > INT32_MAX || reached < -0x1p30) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "dimension of %" PRId64 " is too large", axis->in);
    }
    map->taps = is_nearest ? 1 : (size_t)(2 - 2 * reached);
    size_t count = 0;
    if (!onr_size_mul(map->out, map->taps, &count)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "dimension of %" PRId64 " is too large",
                        axis->out);
    }
    struct tables to = {.index = ONR_ARENA_ARRAY(ctx->arena, count, int32_t)};
    bool can_be_outside = how->coordinates == ONR_COORD_TF_CROP_AND_RESIZE;
    to.f32 = !is_nearest && real == ONR_FLOAT ? ONR_ARENA_ARRAY(ctx->arena, count, float) : NULL;
    to.f64 = !is_nearest && real == ONR_DOUBLE ? ONR_ARENA_ARRAY(ctx->arena, count, double) : NULL;
    to.is_outside = can_be_outside ? ONR_ARENA_ARRAY(ctx->arena, map->out, bool) : NULL;
    to.taps = ONR_ARENA_ARRAY(ctx->arena, map->taps, double);
    if (to.index == NULL || (!is_nearest && to.f32 == NULL && to.f64 == NULL) ||
        (can_be_outside && to.is_outside == NULL) || to.taps == NULL) {
        return onr_fail_memory(ctx->err, "tables of a resized axis");
    }
    for (size_t o = 0; o < map->out; o++) {
        fill_output(how, axis, map, shrink, o, &to);
    }
    map->index = to.index;
    map->weight = to.f32 != NULL ? (const void *)to.f32 : (const void *)to.f64;
    map->is_outside = to.is_outside;
    return ONR_OK;
}

void onr_resize_outside(const struct onr_kernels *kernels, enum onr_dtype dtype, float value,
                        void *out)
{
    double number = (double)value;
    if (dtype == ONR_COMPLEX64 || dtype == ONR_COMPLEX128 || dtype == ONR_STRING) {
        /* the real part; of strings all bytes are 0: the empty one */
        const double pair[2] = {dtype == ONR_COMPLEX128 ? number : 0, 0};
        const float small[2] = {value, 0};
        memcpy(out, dtype == ONR_COMPLEX64 ? (const void *)small : (const void *)pair,
               onr_dtype_size(dtype));
        return;
    }
    const void *real = onr_real_of(dtype) == ONR_FLOAT ? (const void *)&value : &number;
    if (onr_real_of(dtype) == dtype) {
        memcpy(out, real, onr_dtype_size(dtype));
    }
    onr_real_write(kernels, dtype, real, 0, 1, out);
}
