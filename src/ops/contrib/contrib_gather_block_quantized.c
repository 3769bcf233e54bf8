/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatherBlockQuantized (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GatherBlockQuantized
 *
 * output = Gather(data, indices) along gather_axis, with elements (q - zero_point) * scale; scales and
 * zero points are those of blocks of block_size elements along quantize_axis
 *
 * Shapes    data: d, rank r >= 1; indices: any -> output: d with dimension gather_axis replaced by the
 *           shape of indices. scales: d, but ceil(d / block_size) along quantize_axis; for floats any
 *           other dimension may be 1. zero_points: as scales. With uint8 data and bits < 8 the last
 *           dimensions of data and zero_points are in bytes, 8 / bits elements each, low bits first.
 * Types     data: uint4, int4, uint8, floats of 8 and 4 bits. indices: int32, int64. scales, output:
 *           float32, float16, bfloat16.
 * Attrs     gather_axis: int, default 0; 0 for uint8. quantize_axis: int, default 1. block_size: int,
 *           default 128; a power of two of 16 or more, or, for floats, 0: all of the axis. bits: int,
 *           default 4; 2, 4 or 8, for uint8 alone.
 * Edge      Without zero points they are 0, for uint8 2^(bits - 1). Indices from -s to s - 1 are valid
 *           along a dimension of s; what others ask for is 0.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* Elements that are converted at once. */
#define CHUNK 256

enum { DATA, INDICES, SCALES, ZEROS };

#define FLOAT_TYPES ((ONR_DTYPES_FLOAT8 & ~ONR_BIT(FLOAT8E8M0)) | ONR_BIT(FLOAT4E2M1))

struct gather_attrs {
    bool is_float;
    unsigned packed; /* elements in a byte of data */
    unsigned bits;
    int64_t block; /* 0: all of the axis */
    int gather_axis, quantize_axis;
};

static enum onr_status read_attrs(const struct onr_node *node, const struct onr_fact *data,
                                  struct gather_attrs *attrs, struct onr_error *err)
{
    int64_t bits = onr_attr_int(node, "bits", 4);
    int64_t block = onr_attr_int(node, "block_size", 128);
    bool is_bytes = data->dtype == ONR_UINT8;
    attrs->is_float = onr_dtypes_has(FLOAT_TYPES, data->dtype);
    if (is_bytes && bits != 2 && bits != 4 && bits != 8) {
        return onr_fail(err, ONR_ERR_MODEL, "attribute bits is %" PRId64 ", expected 2, 4 or 8",
                        bits);
    }
    if ((block < 16 || (block & (block - 1)) != 0) && !(block == 0 && attrs->is_float)) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "attribute block_size is %" PRId64 ", expected a power of two from 16 on",
                        block);
    }
    attrs->bits = is_bytes ? (unsigned)bits : 8;
    attrs->packed = 8 / attrs->bits;
    attrs->block = block;
    ONR_TRY(onr_axis_check(onr_attr_int(node, "gather_axis", 0), data->shape.rank,
                           &attrs->gather_axis, err));
    ONR_TRY(onr_axis_check(onr_attr_int(node, "quantize_axis", 1), data->shape.rank,
                           &attrs->quantize_axis, err));
    if (is_bytes && attrs->gather_axis != 0) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "attribute gather_axis is %d, expected 0 for uint8 data",
                        attrs->gather_axis);
    }
    if (attrs->packed > 1 && attrs->gather_axis == attrs->quantize_axis) {
        return onr_fail(err, ONR_ERR_MODEL, "gather_axis and quantize_axis are both %d",
                        attrs->gather_axis);
    }
    return ONR_OK;
}

/* The shape of data in elements; false when a dimension is too large. */
static bool unpacked_shape(const struct gather_attrs *attrs, const struct onr_shape *data,
                           struct onr_shape *result)
{
    int last = data->rank - 1;
    *result = *data;
    if (data->dim[last] >= 0) {
        return onr_int_mul(data->dim[last], attrs->packed, &result->dim[last]);
    }
    result->dim[last] = attrs->packed > 1 ? ONR_DIM_UNKNOWN : data->dim[last];
    return true;
}

/* Scales or zero points (input `index`) against the shape of data in elements. */
static enum onr_status check_blocks(struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                    const struct gather_attrs *attrs, const struct onr_shape *data)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    bool fits = shape->rank == data->rank;
    for (int i = 0; fits && i < data->rank; i++) {
        int64_t want = data->dim[i];
        if (i == attrs->quantize_axis && want >= 0) {
            want = attrs->block == 0 ? 1 : want / attrs->block + (want % attrs->block != 0);
        } else if (attrs->is_float && shape->dim[i] == 1) {
            continue;
        }
        if (index == ZEROS && i == data->rank - 1 && want >= 0) {
            want = want / attrs->packed + (want % attrs->packed != 0);
        }
        fits = want < 0 || shape->dim[i] < 0 || want == shape->dim[i];
    }
    if (!fits) {
        char got[ONR_SHAPE_TEXT_BYTES];
        char of[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s of shape %s do not fit %s elements", name,
                              onr_shape_text(shape, got), onr_shape_text(data, of));
    }
    return ONR_OK;
}

static enum onr_status gather_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *indices = &ctx->inputs[INDICES]->shape;
    struct gather_attrs attrs = {0};
    struct onr_shape data;
    if (ctx->inputs[DATA]->shape.rank < 0 || ctx->inputs[DATA]->dtype == ONR_UNDEFINED) {
        return ONR_OK;
    }
    ONR_TRY(read_attrs(ctx->node, ctx->inputs[DATA], &attrs, ctx->err));
    if (!unpacked_shape(&attrs, &ctx->inputs[DATA]->shape, &data)) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "the last dimension of data is too large");
    }
    if (attrs.is_float && onr_infer_has_input(ctx, ZEROS)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "data of floats have no zero points");
    }
    ONR_TRY(check_blocks(ctx, SCALES, "scales", &attrs, &data));
    ONR_TRY(check_blocks(ctx, ZEROS, "zero_points", &attrs, &data));
    if (indices->rank < 0) {
        return ONR_OK;
    }
    struct onr_shape *y = &ctx->outputs[0].shape;
    if (indices->rank + data.rank - 1 > ONR_MAX_RANK) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "output has rank %d, at most %d are supported",
                              indices->rank + data.rank - 1, ONR_MAX_RANK);
    }
    y->rank = 0;
    for (int i = 0; i < data.rank; i++) {
        for (int j = 0; i == attrs.gather_axis && j < indices->rank; j++) {
            y->dim[y->rank++] = indices->dim[j];
        }
        if (i != attrs.gather_axis) {
            y->dim[y->rank++] = data.dim[i];
        }
    }
    return ONR_OK;
}

struct gather_plan {
    struct gather_attrs attrs;
    enum onr_dtype data_dtype, scale_dtype;
    struct onr_shape data;     /* in elements */
    struct onr_axis_view view; /* of data around gather_axis */
    size_t indices;
    size_t row;                         /* elements of data that lie side by side in the output */
    int64_t scale_stride[ONR_MAX_RANK]; /* 0 where the dimension is broadcast */
    int64_t zero_stride[ONR_MAX_RANK];  /* in bytes; that of the last dimension is not used */
};

static enum onr_status gather_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *scales = &ctx->inputs[SCALES]->shape;
    const struct onr_fact *zeros = onr_plan_input(ctx, ZEROS);
    struct gather_plan *plan = ONR_ARENA_NEW(ctx->arena, struct gather_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of GatherBlockQuantized");
    }
    ctx->plan = plan;
    ONR_TRY(read_attrs(ctx->node, ctx->inputs[DATA], &plan->attrs, ctx->err));
    if (!unpacked_shape(&plan->attrs, &ctx->inputs[DATA]->shape, &plan->data)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the last dimension of data is too large");
    }
    plan->data_dtype = ctx->inputs[DATA]->dtype;
    plan->scale_dtype = ctx->inputs[SCALES]->dtype;
    plan->view = onr_axis_view(&plan->data, plan->attrs.gather_axis);
    plan->indices =
        (size_t)onr_shape_range(&ctx->inputs[INDICES]->shape, 0, ctx->inputs[INDICES]->shape.rank);
    bool is_last = plan->attrs.gather_axis == plan->data.rank - 1;
    plan->row = is_last ? 1 : (size_t)plan->data.dim[plan->data.rank - 1];
    onr_shape_strides(scales, plan->scale_stride);
    for (int i = 0; i < scales->rank; i++) {
        plan->scale_stride[i] = scales->dim[i] == 1 ? 0 : plan->scale_stride[i];
    }
    if (zeros != NULL) {
        onr_shape_strides(&zeros->shape, plan->zero_stride);
    }
    if (plan->attrs.block == 0) {
        plan->attrs.block = onr_int_max(plan->data.dim[plan->attrs.quantize_axis], 1);
    }
    return ONR_OK;
}

struct gather_job {
    const struct gather_plan *plan;
    const struct onr_kernels *kernels;
    const struct onr_tensor *indices;
    const uint8_t *data;
    const void *scales;
    const uint8_t *zeros; /* or NULL */
    void *y;
};

static void read_values(const struct gather_job *job, enum onr_dtype dtype, const uint8_t *data,
                        size_t first, size_t count, float *values)
{
    const struct gather_attrs *attrs = &job->plan->attrs;
    struct onr_narrowing how = {.is_saturated = true, .round_mode = ONR_ROUND_NEAREST};
    if (attrs->packed == 1) {
        onr_convert(job->kernels, dtype, ONR_FLOAT, &how, count, data + first, values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = first + i;
        unsigned shift = (unsigned)(at % attrs->packed) * attrs->bits;
        values[i] =
            (float)(((unsigned)data[at / attrs->packed] >> shift) & ((1u << attrs->bits) - 1));
    }
}

/* Where an element's scale and zero point are. */
struct block_place {
    size_t scale;
    size_t zero_row; /* byte at which the last dimension begins */
    size_t zero;     /* element in it */
    size_t rest;     /* elements of the last dimension that share them, from this one on */
};

/* Of the element at `position` of data. */
static struct block_place find_block(const struct gather_plan *plan, size_t position)
{
    struct block_place place = {0, 0, 0, 1};
    int last = plan->data.rank - 1;
    for (int i = last; i >= 0; i--) {
        int64_t size = plan->data.dim[i];
        int64_t at = (int64_t)(position % (size_t)size);
        int64_t step = 1;
        position /= (size_t)size;
        if (i == plan->attrs.quantize_axis) {
            step = plan->attrs.block;
        }
        place.scale += (size_t)(at / step * plan->scale_stride[i]);
        if (i == last) {
            place.zero = (size_t)(at / step);
            int64_t end = plan->scale_stride[i] == 0 ? size : (at / step + 1) * step;
            place.rest = (size_t)(onr_int_min(end, size) - at);
        } else {
            place.zero_row += (size_t)(at / step * plan->zero_stride[i]);
        }
    }
    return place;
}

/* Elements [first, first + count) of data, which lie in one row, to the output at `to`. */
static void dequantize_row(const struct gather_job *job, size_t first, size_t count, size_t to)
{
    const struct gather_plan *plan = job->plan;
    float values[CHUNK];
    for (size_t done = 0; done < count;) {
        struct block_place place = find_block(plan, first + done);
        size_t run = place.rest < count - done ? place.rest : count - done;
        run = run < CHUNK ? run : CHUNK;
        float scale = 0.0f;
        float zero = plan->data_dtype == ONR_UINT8 ? (float)(1u << (plan->attrs.bits - 1)) : 0.0f;
        onr_float_gather(plan->scale_dtype, job->scales, place.scale, 1, 1, &scale);
        if (job->zeros != NULL) {
            read_values(job, plan->data_dtype, job->zeros + place.zero_row, place.zero, 1, &zero);
        }
        read_values(job, plan->data_dtype, job->data, first + done, run, values);
        for (size_t i = 0; i < run; i++) {
            values[i] = (values[i] - zero) * scale;
        }
        onr_float_scatter(plan->scale_dtype, values, to + done, 1, run, job->y);
        done += run;
    }
}

/* Items are slices of the output: an index for each position before gather_axis. */
static void gather_slices(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gather_job *job = arg;
    const struct gather_plan *plan = job->plan;
    size_t inner = plan->view.inner;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int64_t index = onr_index_at(job->indices, item % plan->indices);
        index = onr_index_wrap(index, (int64_t)plan->view.size);
        if (index < 0 || index >= (int64_t)plan->view.size) {
            memset((char *)job->y + item * inner * onr_dtype_size(plan->scale_dtype), 0,
                   inner * onr_dtype_size(plan->scale_dtype));
            continue;
        }
        size_t first = (item / plan->indices * plan->view.size + (size_t)index) * inner;
        for (size_t i = 0; i < inner; i += plan->row) {
            dequantize_row(job, first + i, plan->row, item * inner + i);
        }
    }
}

static enum onr_status gather_run(struct onr_run_ctx *ctx)
{
    const struct gather_plan *plan = ctx->plan;
    struct gather_job job = {
        .plan = plan,
        .kernels = ctx->kernels,
        .indices = ctx->inputs[INDICES],
        .data = ctx->inputs[DATA]->data,
        .scales = ctx->inputs[SCALES]->data,
        .zeros = onr_input_data(ctx, ZEROS),
        .y = ctx->outputs[0]->data,
    };
    if (plan->view.inner > 0) {
        onr_parallel_for(ctx->parallel, plan->view.outer * plan->indices,
                         onr_grain(plan->view.inner), gather_slices, &job);
    }
    return ONR_OK;
}

#define DATA_TYPES (ONR_BIT(UINT8) | ONR_BIT(UINT4) | ONR_BIT(INT4) | FLOAT_TYPES)
#define REAL_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec attrs[] = {{"bits", ONR_ATTR_INT, false},
                                             {"block_size", ONR_ATTR_INT, false},
                                             {"gather_axis", ONR_ATTR_INT, false},
                                             {"quantize_axis", ONR_ATTR_INT, false},
                                             {.name = NULL}};
static const struct onr_param_spec inputs[] = {
    {DATA_TYPES, 1}, {ONR_DTYPES_INDEX, 0}, {REAL_TYPES, 2}, {DATA_TYPES, 1}, {0, 0}};
static const struct onr_param_spec outputs[] = {{REAL_TYPES, 2}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_gather_block_quantized[];
const struct onr_op_def onr_ops_contrib_gather_block_quantized[] = {
    {.domain = "com.microsoft",
     .name = "GatherBlockQuantized",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 4},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = gather_infer,
     .plan = gather_plan,
     .run = gather_run},
    {.name = NULL},
};
