/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the resize family: what is to be done along each axis, and the two ways to do it. */
#ifndef ONR_OPS_IMAGE_RESIZE_H
#define ONR_OPS_IMAGE_RESIZE_H

#include "graph/op_def.h"
#include "kernels/kernels.h"

enum onr_resize_mode { ONR_RESIZE_NEAREST, ONR_RESIZE_LINEAR, ONR_RESIZE_CUBIC };

enum onr_resize_coordinates {
    ONR_COORD_HALF_PIXEL,
    ONR_COORD_HALF_PIXEL_SYMMETRIC,
    ONR_COORD_PYTORCH_HALF_PIXEL,
    ONR_COORD_ALIGN_CORNERS,
    ONR_COORD_ASYMMETRIC,
    ONR_COORD_TF_CROP_AND_RESIZE,
    ONR_COORD_TF_HALF_PIXEL_FOR_NN,
};

enum onr_resize_rounding {
    ONR_ROUND_PREFER_FLOOR,
    ONR_ROUND_PREFER_CEIL,
    ONR_ROUND_FLOOR,
    ONR_ROUND_CEIL,
    ONR_ROUND_OUTWARD, /* before operator set 11: floor, but ceil when an axis shrinks */
};

enum onr_resize_policy { ONR_POLICY_STRETCH, ONR_POLICY_NOT_LARGER, ONR_POLICY_NOT_SMALLER };

/* The attributes. */
struct onr_resize_how {
    enum onr_resize_mode mode;
    enum onr_resize_coordinates coordinates;
    enum onr_resize_rounding rounding;
    enum onr_resize_policy policy;
    double cubic_a;
    bool excludes_outside;
    bool is_antialiased;
    float extrapolation; /* of positions outside the input, with TF_CROP_AND_RESIZE */
};

/* One dimension. */
struct onr_resize_axis {
    int64_t in, out;   /* may be unknown or symbols in infer */
    double scale;      /* 0: not known */
    double length;     /* of the output as the scale gives it, fractional */
    double begin, end; /* region of interest, 0 to 1 */
};

/* The dimensions of a tensor. */
struct onr_resize_axes {
    int rank;
    struct onr_resize_axis axis[ONR_MAX_RANK];
};

/* Where the outputs of one axis come from. NULL pointers stand for an axis that does not change. */
struct onr_resize_map {
    size_t in, out, taps;
    const int32_t *index;   /* within [0, in) */
    const void *weight;     /* float or double; NULL for nearest */
    const bool *is_outside; /* [out]: gets the extrapolation value; NULL: none is */
    bool is_tap_major;      /* entry (o, t) is at t * out + o, else at o * taps + t */
};

/* Reads and checks the attributes. Error: ONR_ERR_MODEL. */
enum onr_status onr_resize_read(const struct onr_node *node, struct onr_resize_how *how,
                                struct onr_error *err) ONR_MUST_USE;

/*
 * The dimensions by attributes and inputs, for infer and for plan (ctx of the one that calls).
 * *needs gets the inputs that are wanted and not known. Errors: ONR_ERR_SHAPE, ONR_ERR_VALUE, ...
 */
struct onr_resize_inputs {
    const struct onr_node *node;
    const struct onr_fact *const *inputs;
    const struct onr_sint *sizes; /* [size_count] or NULL when not known */
    size_t size_count;
};
enum onr_status onr_resize_axes(const struct onr_resize_inputs *inputs,
                                const struct onr_resize_how *how, struct onr_resize_axes *axes,
                                uint32_t *needs, struct onr_error *err) ONR_MUST_USE;

/* True when input `index` is there and not known to be empty. */
bool onr_resize_has(const struct onr_resize_inputs *inputs, uint32_t index);

/* False when output o along the axis is input o, for all o. */
bool onr_resize_changes(const struct onr_resize_how *how, const struct onr_resize_axis *axis);

/*
 * The map of one axis with in > 0 and out > 0; real is the type of the weights. index stays NULL
 * when each output is the input at its place. Errors: ONR_ERR_MEMORY, ONR_ERR_LIMIT.
 */
enum onr_status onr_resize_map_make(const struct onr_resize_how *how,
                                    const struct onr_resize_axis *axis, enum onr_dtype real,
                                    bool is_tap_major, struct onr_resize_map *map,
                                    struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* Element `extrapolation` in the type of the tensor; out has 16 bytes. */
void onr_resize_outside(const struct onr_kernels *kernels, enum onr_dtype dtype, float value,
                        void *out);

struct onr_resize_nearest;
struct onr_resize_blend;

/* Mode nearest: elements are copied. Any type. */
enum onr_status onr_resize_nearest_plan(const struct onr_resize_how *how,
                                        const struct onr_resize_axes *axes,
                                        struct onr_resize_nearest **plan,
                                        struct onr_plan_ctx *ctx) ONR_MUST_USE;
void onr_resize_nearest_run(const struct onr_resize_nearest *plan, const struct onr_run_ctx *ctx);

/* The other modes: passes over one axis or two neighbouring ones. */
enum onr_status onr_resize_blend_plan(const struct onr_resize_how *how,
                                      const struct onr_resize_axes *axes,
                                      struct onr_resize_blend **plan,
                                      struct onr_plan_ctx *ctx) ONR_MUST_USE;
void onr_resize_blend_run(const struct onr_resize_blend *plan, const struct onr_run_ctx *ctx);

#endif
