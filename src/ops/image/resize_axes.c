/* SPDX-License-Identifier: Apache-2.0 */
/* Resize: attributes, and what scales, sizes and regions of interest mean for each dimension. */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/image/resize.h"

#include <inttypes.h>
#include <math.h>

#define LARGEST 0x1p46 /* extent of an output */

static bool is_upsample(const struct onr_node *node)
{
    return node->op_type[0] == 'U';
}

/* Upsample, and Resize as long as it had scales alone. */
static enum onr_status read_old(const struct onr_node *node, struct onr_resize_how *how,
                                struct onr_error *err)
{
    static const char *const modes[] = {"nearest", "linear", NULL};
    static const char *const first_modes[] = {"nearest", "bilinear", NULL};
    size_t mode = 0;
    ONR_TRY(onr_check_attr_choice(
        node, "mode", is_upsample(node) && node->version < 7 ? first_modes : modes, &mode, err));
    how->mode = (enum onr_resize_mode)mode;
    how->coordinates = ONR_COORD_ASYMMETRIC;
    how->rounding = ONR_ROUND_OUTWARD;
    return ONR_OK;
}

enum onr_status onr_resize_read(const struct onr_node *node, struct onr_resize_how *how,
                                struct onr_error *err)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const coordinates[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",   "align_corners",
        "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn", NULL};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil", NULL};
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};
    size_t mode = 0, coordinate = 0, rounding = 0, policy = 0;
    *how = (struct onr_resize_how){.mode = ONR_RESIZE_NEAREST};
    if (is_upsample(node) || node->version < 11) {
        return read_old(node, how, err);
    }
    ONR_TRY(onr_check_attr_choice(node, "mode", modes, &mode, err));
    ONR_TRY(onr_check_attr_choice(node, "coordinate_transformation_mode", coordinates, &coordinate,
                                  err));
    ONR_TRY(onr_check_attr_choice(node, "nearest_mode", roundings, &rounding, err));
    ONR_TRY(onr_check_attr_choice(node, "keep_aspect_ratio_policy", policies, &policy, err));
    how->mode = (enum onr_resize_mode)mode;
    how->coordinates = (enum onr_resize_coordinates)coordinate;
    how->rounding = (enum onr_resize_rounding)rounding;
    how->policy = (enum onr_resize_policy)policy;
    how->cubic_a = (double)onr_attr_float(node, "cubic_coeff_a", -0.75f);
    how->excludes_outside = onr_attr_int(node, "exclude_outside", 0) != 0;
    how->is_antialiased = onr_attr_int(node, "antialias", 0) != 0;
    how->extrapolation = onr_attr_float(node, "extrapolation_value", 0);
    if (how->is_antialiased && how->mode == ONR_RESIZE_NEAREST) {
        return onr_fail(err, ONR_ERR_MODEL, "attribute antialias needs mode linear or cubic");
    }
    return ONR_OK;
}

/* The scales as an input of this node, or 0 when they are attributes. */
static uint32_t scales_input(const struct onr_node *node)
{
    if (is_upsample(node) && node->version < 9) {
        return 0;
    }
    return is_upsample(node) || node->version < 11 ? 1 : 2;
}

bool onr_resize_has(const struct onr_resize_inputs *inputs, uint32_t index)
{
    if (index >= inputs->node->input_count || inputs->inputs[index] == NULL) {
        return false;
    }
    const struct onr_fact *fact = inputs->inputs[index];
    return fact->shape.rank == ONR_RANK_UNKNOWN || !onr_shape_is_known(&fact->shape) ||
           onr_shape_count(&fact->shape) != 0;
}

/* The dimensions that scales, sizes and roi speak of, in their order. */
static enum onr_status read_axes(const struct onr_node *node, int rank, int *list, size_t *count,
                                 struct onr_error *err)
{
    size_t given = 0;
    const int64_t *axes = onr_attr_ints(node, "axes", &given);
    uint32_t mask = 0;
    *count = axes != NULL ? given : (size_t)rank;
    ONR_TRY(onr_axes_mask(axes, given, rank, &mask, err));
    for (size_t i = 0; i < *count; i++) {
        list[i] = (int)i;
        if (axes != NULL) {
            ONR_TRY(onr_axis_check(axes[i], rank, &list[i], err));
        }
    }
    return ONR_OK;
}

static enum onr_status apply_scale(struct onr_resize_axis *axis, float scale, size_t place,
                                   struct onr_error *err)
{
    if (!(scale > 0) || isinf(scale)) {
        return onr_fail(err, ONR_ERR_VALUE, "scales[%zu] is %g, expected a number above 0", place,
                        (double)scale);
    }
    axis->scale = (double)scale;
    if (axis->in < 0) {
        axis->out = scale == 1.0f ? axis->in : ONR_DIM_UNKNOWN;
        return ONR_OK;
    }
    float out = floorf((float)axis->in * scale);
    if (!((double)out < LARGEST)) {
        return onr_fail(err, ONR_ERR_LIMIT, "dimension %" PRId64 " times scale %g is too large",
                        axis->in, (double)scale);
    }
    axis->out = (int64_t)out;
    axis->length = axis->scale * (double)axis->in;
    return ONR_OK;
}

/* The scales of Upsample before it took them as an input. */
static const float *attr_scales(const struct onr_node *node, float fixed[4], size_t *count)
{
    if (node->version >= 7) {
        return onr_attr_floats(node, "scales", count);
    }
    fixed[0] = fixed[1] = 1;
    fixed[2] = onr_attr_float(node, "height_scale", 1);
    fixed[3] = onr_attr_float(node, "width_scale", 1);
    *count = 4;
    return fixed;
}

static enum onr_status apply_scales(const struct onr_resize_inputs *inputs, const int *list,
                                    size_t wanted, struct onr_resize_axes *axes, uint32_t *needs,
                                    struct onr_error *err)
{
    float fixed[4];
    size_t count = 0;
    uint32_t input = scales_input(inputs->node);
    const float *scales;
    if (input == 0) {
        scales = attr_scales(inputs->node, fixed, &count);
    } else {
        const struct onr_fact *fact = inputs->inputs[input];
        scales = fact->data;
        for (size_t i = 0; i < wanted; i++) {
            axes->axis[list[i]].out = ONR_DIM_UNKNOWN;
        }
        *needs |= scales == NULL ? 1u << input : 0;
        if (!onr_fact_is_shaped(fact)) {
            return ONR_OK;
        }
        count = (size_t)onr_shape_count(&fact->shape);
    }
    if (count != wanted) {
        return onr_fail(err, ONR_ERR_SHAPE, "scales has %zu numbers, expected %zu", count, wanted);
    }
    for (size_t i = 0; i < wanted && scales != NULL; i++) {
        ONR_TRY(apply_scale(&axes->axis[list[i]], scales[i], i, err));
    }
    return ONR_OK;
}

/* Brings the sizes to one scale, so that the aspect ratio stays. */
static void keep_aspect(enum onr_resize_policy policy, const int *list, size_t count,
                        struct onr_resize_axes *axes)
{
    double scale = -1;
    for (size_t i = 0; i < count; i++) {
        const struct onr_resize_axis *axis = &axes->axis[list[i]];
        if (axis->in < 0 || axis->out < 0) {
            scale = (double)NAN;
        } else if (axis->in > 0) {
            double own = (double)axis->out / (double)axis->in;
            bool is_better = policy == ONR_POLICY_NOT_LARGER ? own < scale : own > scale;
            scale = scale < 0 || is_better ? own : scale;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct onr_resize_axis *axis = &axes->axis[list[i]];
        double length = scale * (double)axis->in;
        bool is_known = axis->in >= 0 && length >= 0 && length < LARGEST;
        axis->scale = scale;
        axis->length = length;
        axis->out = is_known ? (int64_t)floor(length + 0.5) : ONR_DIM_UNKNOWN;
    }
}

static enum onr_status apply_sizes(const struct onr_resize_inputs *inputs,
                                   const struct onr_resize_how *how, const int *list, size_t count,
                                   struct onr_resize_axes *axes, struct onr_error *err)
{
    const struct onr_sint *sizes = inputs->sizes;
    if (onr_fact_is_shaped(inputs->inputs[3]) && inputs->size_count != count) {
        return onr_fail(err, ONR_ERR_SHAPE, "sizes has %zu numbers, expected %zu",
                        inputs->size_count, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct onr_resize_axis *axis = &axes->axis[list[i]];
        axis->out = sizes == NULL ? ONR_DIM_UNKNOWN : sizes[i].dim != 0 ? sizes[i].dim : 0;
        if (sizes == NULL || sizes[i].dim != 0) {
            continue;
        }
        axis->out = sizes[i].value;
        if (axis->out < 0 || (double)axis->out >= LARGEST) {
            return onr_fail(err, ONR_ERR_VALUE, "sizes[%zu] is %" PRId64 ", expected at least 0", i,
                            axis->out);
        }
        axis->scale = axis->in > 0 ? (double)axis->out / (double)axis->in : 0;
        axis->length = (double)axis->out;
    }
    if (how->policy != ONR_POLICY_STRETCH) {
        keep_aspect(how->policy, list, count, axes);
    }
    return ONR_OK;
}

static enum onr_status apply_roi(const struct onr_resize_inputs *inputs, const int *list,
                                 size_t count, struct onr_resize_axes *axes, uint32_t *needs,
                                 struct onr_error *err)
{
    if (!onr_resize_has(inputs, 1)) {
        return onr_fail(err, ONR_ERR_MODEL, "tf_crop_and_resize needs the input roi");
    }
    const struct onr_fact *roi = inputs->inputs[1];
    if (!onr_fact_is_shaped(roi) || roi->data == NULL) {
        *needs |= 1u << 1;
        return ONR_OK;
    }
    if ((uint64_t)onr_shape_count(&roi->shape) != 2 * count) {
        return onr_fail(err, ONR_ERR_SHAPE, "roi has %" PRId64 " numbers, expected %zu",
                        onr_shape_count(&roi->shape), 2 * count);
    }
    for (size_t i = 0; i < count; i++) {
        struct onr_resize_axis *axis = &axes->axis[list[i]];
        onr_double_gather(roi->dtype, roi->data, i, 1, 1, &axis->begin);
        onr_double_gather(roi->dtype, roi->data, count + i, 1, 1, &axis->end);
        if (!(fabs(axis->begin) < LARGEST) || !(fabs(axis->end) < LARGEST)) {
            return onr_fail(err, ONR_ERR_VALUE, "roi of dimension %d is %g to %g", list[i],
                            axis->begin, axis->end);
        }
    }
    return ONR_OK;
}

static enum onr_status check_filled(const struct onr_resize_axes *axes, struct onr_error *err)
{
    for (int d = 0; d < axes->rank; d++) {
        const struct onr_resize_axis *axis = &axes->axis[d];
        if (axis->in == 0 && axis->out > 0) {
            return onr_fail(err, ONR_ERR_SHAPE, "dimension %d is empty, cannot become %" PRId64, d,
                            axis->out);
        }
    }
    return ONR_OK;
}

enum onr_status onr_resize_axes(const struct onr_resize_inputs *inputs,
                                const struct onr_resize_how *how, struct onr_resize_axes *axes,
                                uint32_t *needs, struct onr_error *err)
{
    const struct onr_shape *x = &inputs->inputs[0]->shape;
    int list[ONR_MAX_RANK];
    size_t count = 0;
    uint32_t scales = scales_input(inputs->node);
    bool has_scales = scales == 0 || onr_resize_has(inputs, scales);
    bool has_sizes = onr_resize_has(inputs, 3);
    axes->rank = x->rank;
    for (int d = 0; d < x->rank; d++) {
        axes->axis[d] = (struct onr_resize_axis){
            .in = x->dim[d], .out = x->dim[d], .scale = 1, .length = (double)x->dim[d], .end = 1};
    }
    ONR_TRY(read_axes(inputs->node, x->rank, list, &count, err));
    if (has_scales == has_sizes && (!has_sizes || (onr_fact_is_shaped(inputs->inputs[scales]) &&
                                                   onr_fact_is_shaped(inputs->inputs[3])))) {
        return onr_fail(err, ONR_ERR_MODEL, "%s of scales and sizes given, expected one",
                        has_sizes ? "both" : "none");
    }
    if (has_sizes) {
        ONR_TRY(apply_sizes(inputs, how, list, count, axes, err));
    } else {
        ONR_TRY(apply_scales(inputs, list, count, axes, needs, err));
    }
    if (how->coordinates == ONR_COORD_TF_CROP_AND_RESIZE) {
        ONR_TRY(apply_roi(inputs, list, count, axes, needs, err));
    }
    return check_filled(axes, err);
}
