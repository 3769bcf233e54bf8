/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values between the elements of a plane of 1 to 14 axes, at places that are known only at run time:
 * GridSample and DeformConv. Along each axis a place reads 1, 2 or 4 elements; their products are the
 * taps of a point, which the sample kernel sums for a block of points at a time.
 */
#ifndef ONR_OPS_IMAGE_SAMPLER_H
#define ONR_OPS_IMAGE_SAMPLER_H

#include "base/shape.h"
#include "kernels/kernels.h"
#include "ops/common/workspace.h"

enum onr_sampler_mode { ONR_SAMPLER_LINEAR, ONR_SAMPLER_NEAREST, ONR_SAMPLER_CUBIC };

/* What stands beyond the edge: nothing, the edge, or the plane in a mirror. */
enum onr_sampler_padding { ONR_SAMPLER_ZEROS, ONR_SAMPLER_BORDER, ONR_SAMPLER_REFLECTION };

struct onr_sampler {
    enum onr_sampler_mode mode;
    enum onr_sampler_padding padding;
    bool is_aligned; /* the edge is the middle of the last element, not half an element further */
    /* CUBIC with BORDER: a place beyond the edge stays, and only what it reads there is the edge */
    bool keeps_places;
    enum onr_dtype real; /* FLOAT or DOUBLE: of elements and weights */
    size_t lanes;        /* numbers of an element, which are neighbours: 2 for complex ones */
    int rank;
    int64_t extent[ONR_MAX_RANK];
    /* set by onr_sampler_plan */
    size_t block;     /* most points at a time */
    size_t axis_taps; /* elements along one axis */
    size_t taps;      /* of a point */
    size_t chunk;     /* of these that fit into the scratch */
    size_t place_at, axis_index_at, axis_weight_at, index_at, weight_at; /* in the scratch */
};

/*
 * Completes the sampler and appends its scratch for one worker to `space`. Error: ONR_ERR_LIMIT when
 * elements cannot be counted in 31 bits.
 */
enum onr_status onr_sampler_plan(struct onr_sampler *sampler, struct onr_workspace *space,
                                 struct onr_error *err) ONR_MUST_USE;

/* Where the caller writes the places of a block along axis d, in elements: double[block]. */
static inline double *onr_sampler_places(const struct onr_sampler *sampler, void *scratch, int d)
{
    return (double *)(void *)((char *)scratch + sampler->place_at) + (size_t)d * sampler->block;
}

/* Prepares onr_sampler_sample for `count` places. NaN is beyond the edge, or the first element. */
void onr_sampler_turn(const struct onr_sampler *sampler, size_t count, void *scratch);

/*
 * The element of the plane that each place is next to, or -1 for none. For NEAREST; after
 * onr_sampler_turn. Valid until the next one.
 */
const int32_t *onr_sampler_nearest(const struct onr_sampler *sampler, size_t count, void *scratch);

/*
 * y[i] = factor[i] * value of plane x at place i; factor NULL: 1. The plane has at least one element.
 * is_same: places and factors are those of the previous call.
 */
void onr_sampler_sample(const struct onr_sampler *sampler, const struct onr_kernels *kernels,
                        size_t count, const double *factor, bool is_same, const void *x, void *y,
                        void *scratch);

#endif
