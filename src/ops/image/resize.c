/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resize (ai.onnx), versions 10, 11-12, 13-17, 18, 19+; Upsample (ai.onnx), versions 1-6, 7-8, 9.
 *                                              https://onnx.ai/onnx/operators/onnx__Resize.html
 *
 * y[o] = sum of x around the place p(o), weighted by distance (linear, cubic), or the x next to it
 * (nearest), along each axis by itself. p follows from coordinate_transformation_mode, see
 * resize_map.c.
 *
 * Shapes    x: any rank. Extents of y: floor(extent * scale) computed in float32, or sizes, of all
 *           axes or those in `axes`.
 * Types     All but the 8-bit floats and narrower ones. Interpolated are numbers (in float32: float
 *           types of up to 32 bits and complex64; else in float64, integers rounded to nearest even
 *           and saturated); strings can only be picked (nearest).
 * Attrs     As in the specification; also tf_half_pixel_for_nn, which was there until 12. Resize 10
 *           and Upsample are asymmetric and round down, or up where an axis shrinks.
 * Edge      roi and the region of interest do not change the shape. Positions beyond the edge take
 *           the edge, or do not count with exclude_outside. pytorch_half_pixel maps a single output
 *           to 0. An align_corners output is as long as scale * extent, which may be a fraction.
 * Aliasing  none.
 */
#include "ops/image/resize.h"

#include "ops/common/contents.h"

struct resize_plan {
    struct onr_resize_nearest *nearest; /* one of the two */
    struct onr_resize_blend *blend;
};

static enum onr_status resize_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    struct onr_resize_inputs inputs = {.node = ctx->node, .inputs = ctx->inputs};
    struct onr_resize_how how;
    struct onr_resize_axes axes;
    ONR_TRY(onr_resize_read(ctx->node, &how, ctx->err));
    if (how.mode != ONR_RESIZE_NEAREST && x->dtype == ONR_STRING) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "strings cannot be interpolated");
    }
    if (onr_resize_has(&inputs, 3)) {
        ONR_TRY(onr_infer_sints(ctx, 3, &inputs.sizes, &inputs.size_count));
    }
    if (x->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_resize_axes(&inputs, &how, &axes, &ctx->needs, ctx->err));
    onr_infer_unknown_dims(ctx, axes.rank);
    for (int d = 0; d < axes.rank; d++) {
        ctx->outputs[0].shape.dim[d] = axes.axis[d].out;
    }
    return ONR_OK;
}

/* The sizes again, as infer has had them. */
static enum onr_status read_sizes(struct onr_plan_ctx *ctx, struct onr_resize_inputs *inputs)
{
    const struct onr_fact *fact = ctx->inputs[3];
    inputs->size_count = (size_t)onr_shape_count(&fact->shape);
    struct onr_sint *sizes = ONR_ARENA_ARRAY(ctx->arena, inputs->size_count, struct onr_sint);
    if (sizes == NULL) {
        return onr_fail_memory(ctx->err, "sizes of Resize");
    }
    for (size_t i = 0; i < inputs->size_count; i++) {
        sizes[i].value =
            fact->data != NULL ? onr_fact_int(fact, (int64_t)i) : fact->contents[i].value;
    }
    inputs->sizes = sizes;
    return ONR_OK;
}

static enum onr_status resize_plan(struct onr_plan_ctx *ctx)
{
    struct onr_resize_inputs inputs = {.node = ctx->node, .inputs = ctx->inputs};
    struct onr_resize_how how;
    struct onr_resize_axes axes;
    uint32_t needs = 0;
    struct resize_plan *plan = ONR_ARENA_NEW(ctx->arena, struct resize_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Resize");
    }
    ctx->plan = plan;
    ONR_TRY(onr_resize_read(ctx->node, &how, ctx->err));
    if (onr_resize_has(&inputs, 3)) {
        ONR_TRY(read_sizes(ctx, &inputs));
    }
    ONR_TRY(onr_resize_axes(&inputs, &how, &axes, &needs, ctx->err));
    if (needs != 0) {
        return onr_fail(ctx->err, ONR_ERR_INTERNAL, "scales or roi are not known in plan");
    }
    if (how.mode == ONR_RESIZE_NEAREST) {
        return onr_resize_nearest_plan(&how, &axes, &plan->nearest, ctx);
    }
    return onr_resize_blend_plan(&how, &axes, &plan->blend, ctx);
}

static enum onr_status resize_run(struct onr_run_ctx *ctx)
{
    const struct resize_plan *plan = ctx->plan;
    if (onr_tensor_count(ctx->outputs[0]) == 0) {
        return ONR_OK;
    }
    if (plan->nearest != NULL) {
        onr_resize_nearest_run(plan->nearest, ctx);
    } else {
        onr_resize_blend_run(plan->blend, ctx);
    }
    return ONR_OK;
}

static const struct onr_attr_spec upsample_attrs_1[] = {{"mode", ONR_ATTR_STRING, false},
                                                        {"height_scale", ONR_ATTR_FLOAT, true},
                                                        {"width_scale", ONR_ATTR_FLOAT, true},
                                                        {.name = NULL}};
static const struct onr_attr_spec upsample_attrs_7[] = {
    {"mode", ONR_ATTR_STRING, false}, {"scales", ONR_ATTR_FLOATS, true}, {.name = NULL}};
static const struct onr_attr_spec resize_attrs_10[] = {{"mode", ONR_ATTR_STRING, false},
                                                       {.name = NULL}};
static const struct onr_attr_spec resize_attrs_11[] = {
    {"mode", ONR_ATTR_STRING, false},
    {"coordinate_transformation_mode", ONR_ATTR_STRING, false},
    {"cubic_coeff_a", ONR_ATTR_FLOAT, false},
    {"exclude_outside", ONR_ATTR_INT, false},
    {"extrapolation_value", ONR_ATTR_FLOAT, false},
    {"nearest_mode", ONR_ATTR_STRING, false},
    {.name = NULL}};
static const struct onr_attr_spec resize_attrs_18[] = {
    {"antialias", ONR_ATTR_INT, false},
    {"axes", ONR_ATTR_INTS, false},
    {"mode", ONR_ATTR_STRING, false},
    {"coordinate_transformation_mode", ONR_ATTR_STRING, false},
    {"cubic_coeff_a", ONR_ATTR_FLOAT, false},
    {"exclude_outside", ONR_ATTR_INT, false},
    {"extrapolation_value", ONR_ATTR_FLOAT, false},
    {"keep_aspect_ratio_policy", ONR_ATTR_STRING, false},
    {"nearest_mode", ONR_ATTR_STRING, false},
    {.name = NULL}};

#define OTHERS (ONR_DTYPES_INT | ONR_DTYPES_COMPLEX | ONR_BIT(BOOL) | ONR_BIT(STRING))
#define ANY    (OTHERS | (ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16)))
#define ANY_13 (OTHERS | ONR_DTYPES_FLOAT)
#define FLOATS (ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16))

static const struct onr_param_spec scales_specs[] = {{ANY, 1}, {ONR_BIT(FLOAT), 0}, {0}};
static const struct onr_param_spec specs_11[] = {
    {ANY, 1}, {FLOATS, 0}, {ONR_BIT(FLOAT), 0}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec specs_13[] = {
    {ANY_13, 1}, {FLOATS, 0}, {ONR_BIT(FLOAT), 0}, {ONR_BIT(INT64), 0}, {0}};

#define ROW(op, since, last, fewest, most, attributes, specs)                                      \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (since), .last_version = (last),              \
        .inputs = {(fewest), (most)}, .outputs = {1, 1}, .attrs = (attributes),                    \
        .input_specs = (specs), .output_specs = (specs), .infer = resize_infer,                    \
        .plan = resize_plan, .run = resize_run                                                     \
    }

extern const struct onr_op_def onr_ops_resize[];
const struct onr_op_def onr_ops_resize[] = {
    ROW("Upsample", 1, 6, 1, 1, upsample_attrs_1, scales_specs),
    ROW("Upsample", 7, 8, 1, 1, upsample_attrs_7, scales_specs),
    ROW("Upsample", 9, 9, 2, 2, resize_attrs_10, scales_specs),
    ROW("Resize", 10, 10, 2, 2, resize_attrs_10, scales_specs),
    ROW("Resize", 11, 12, 3, 4, resize_attrs_11, specs_11),
    ROW("Resize", 13, 17, 1, 4, resize_attrs_11, specs_13),
    ROW("Resize", 18, ONR_OPSET_LATEST, 1, 4, resize_attrs_18, specs_13),
    {.name = NULL},
};
