/* SPDX-License-Identifier: Apache-2.0 */
/* Spatial attributes: read, checked, and turned into windows. */
#include "ops/conv/spatial.h"

#include "base/size.h"
#include "ops/common/check_dims.h"

#include <inttypes.h>

/* Largest extent, step and padding that is accepted: products of two fit an int64. */
#define LARGEST INT32_MAX

enum onr_status onr_spatial_list(const struct onr_node *node, const char *name, size_t count,
                                 int64_t lowest, int64_t fallback, int64_t *values,
                                 struct onr_error *err)
{
    size_t length = 0;
    const int64_t *list = onr_attr_ints(node, name, &length);
    if (list != NULL && length != count) {
        return onr_fail(err, ONR_ERR_MODEL, "attribute %s has %zu numbers, expected %zu", name,
                        length, count);
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = list != NULL ? list[i] : fallback;
        if (list != NULL && (list[i] < lowest || list[i] > LARGEST)) {
            return onr_fail(err, ONR_ERR_MODEL,
                            "attribute %s[%zu] is %" PRId64 ", expected %" PRId64 " to %d", name, i,
                            list[i], lowest, LARGEST);
        }
    }
    return ONR_OK;
}

static enum onr_status read_auto_pad(const struct onr_node *node, struct onr_spatial *spatial,
                                     struct onr_error *err)
{
    static const char *const names[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", NULL};
    size_t choice = 0;
    ONR_TRY(onr_check_attr_choice(node, "auto_pad", names, &choice, err));
    spatial->auto_pad = (enum onr_auto_pad)choice;
    return ONR_OK;
}

static enum onr_status read_kernel(const struct onr_node *node, const int64_t *weights,
                                   struct onr_spatial *spatial, struct onr_error *err)
{
    if (weights == NULL && onr_node_attr(node, "kernel_shape") == NULL) {
        return onr_fail(err, ONR_ERR_MODEL, "attribute kernel_shape is missing");
    }
    ONR_TRY(onr_spatial_list(node, "kernel_shape", (size_t)spatial->rank, 1, ONR_DIM_UNKNOWN,
                             spatial->kernel, err));
    for (int d = 0; weights != NULL && d < spatial->rank; d++) {
        int64_t extent = spatial->kernel[d];
        if (weights[d] >= 0 && extent >= 0 && extent != weights[d]) {
            return onr_fail(err, ONR_ERR_SHAPE,
                            "attribute kernel_shape[%d] is %" PRId64 ", the weights have %" PRId64,
                            d, extent, weights[d]);
        }
        if (weights[d] == 0 || weights[d] > LARGEST) {
            return onr_fail(err, ONR_ERR_SHAPE,
                            "spatial dimension %d of the weights is %" PRId64 ", expected 1 to %d",
                            d, weights[d], LARGEST);
        }
        spatial->kernel[d] = weights[d] >= 0 ? weights[d] : extent;
    }
    return ONR_OK;
}

enum onr_status onr_spatial_read(const struct onr_node *node, int rank, const int64_t *kernel,
                                 struct onr_spatial *spatial, struct onr_error *err)
{
    if (rank < 1 || rank > ONR_SPATIAL_MAX) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "%d spatial dimensions, supported are 1 to %d",
                        rank, ONR_SPATIAL_MAX);
    }
    int64_t pads[2 * ONR_SPATIAL_MAX];
    size_t count = (size_t)rank;
    *spatial = (struct onr_spatial){.rank = rank};
    spatial->is_ceil = onr_attr_int(node, "ceil_mode", 0) != 0;
    ONR_TRY(read_auto_pad(node, spatial, err));
    ONR_TRY(read_kernel(node, kernel, spatial, err));
    ONR_TRY(onr_spatial_list(node, "strides", count, 1, 1, spatial->stride, err));
    ONR_TRY(onr_spatial_list(node, "dilations", count, 1, 1, spatial->dilation, err));
    ONR_TRY(onr_spatial_list(node, "pads", 2 * count, 0, 0, pads, err));
    for (int d = 0; d < rank && spatial->auto_pad == ONR_PAD_EXPLICIT; d++) {
        spatial->pad[d] = pads[d];
        spatial->pad_end[d] = pads[rank + d];
    }
    return ONR_OK;
}

/* SAME: as many outputs as strides fit into the input, and the padding that this takes. */
static void pad_same(struct onr_spatial *s, int d, int64_t in, int64_t extent, int64_t *out)
{
    *out = in / s->stride[d] + (in % s->stride[d] != 0);
    int64_t total = *out == 0 ? 0 : (*out - 1) * s->stride[d] + extent - in;
    total = onr_int_max(total, 0);
    s->pad[d] = s->auto_pad == ONR_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    s->pad_end[d] = total - s->pad[d];
}

enum onr_status onr_spatial_output(struct onr_spatial *spatial, int d, int64_t in, int64_t *out,
                                   struct onr_error *err)
{
    struct onr_spatial *s = spatial;
    *out = ONR_DIM_UNKNOWN;
    if (s->kernel[d] < 0) {
        return ONR_OK;
    }
    int64_t extent = (s->kernel[d] - 1) * s->dilation[d] + 1;
    bool is_same = s->auto_pad == ONR_PAD_SAME_UPPER || s->auto_pad == ONR_PAD_SAME_LOWER;
    if (in < 0) {
        bool keeps = is_same || s->pad[d] + s->pad_end[d] == extent - 1;
        *out = keeps && s->stride[d] == 1 ? in : ONR_DIM_UNKNOWN;
        return ONR_OK;
    }
    if (in > INT64_MAX / 4) {
        return onr_fail(err, ONR_ERR_LIMIT, "spatial dimension %d is too large: %" PRId64, d, in);
    }
    if (is_same) {
        pad_same(s, d, in, extent, out);
        return ONR_OK;
    }
    int64_t room = in + s->pad[d] + s->pad_end[d] - extent;
    if (room < 0) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "window of %" PRId64 " is larger than spatial dimension %d, %" PRId64
                        " with padding",
                        extent, d, room + extent);
    }
    *out = room / s->stride[d] + 1;
    /* Rounded up, but the last window must begin on the input or the padding before it. */
    if (s->is_ceil && s->auto_pad == ONR_PAD_EXPLICIT && room % s->stride[d] != 0 &&
        *out * s->stride[d] < in + s->pad[d]) {
        *out += 1;
    }
    return ONR_OK;
}

enum onr_status onr_spatial_window(struct onr_spatial *spatial, const struct onr_shape *x,
                                   struct onr_window *window, struct onr_error *err)
{
    *window = (struct onr_window){.in = {1, 1, 1},
                                  .out = {1, 1, 1},
                                  .kernel = {1, 1, 1},
                                  .stride = {1, 1, 1},
                                  .dilation = {1, 1, 1}};
    for (int d = 0; d < spatial->rank; d++) {
        int w = ONR_SPATIAL_MAX - spatial->rank + d;
        window->in[w] = x->dim[2 + d];
        ONR_TRY(onr_spatial_output(spatial, d, window->in[w], &window->out[w], err));
        window->kernel[w] = spatial->kernel[d];
        window->stride[w] = spatial->stride[d];
        window->dilation[w] = spatial->dilation[d];
        window->pad[w] = spatial->pad[d];
        window->pad_end[w] = spatial->pad_end[d];
    }
    return ONR_OK;
}

struct onr_shape onr_move_channels(const struct onr_shape *shape, bool to_front)
{
    struct onr_shape moved = *shape;
    int last = shape->rank - 1;
    for (int d = 1; d <= last; d++) {
        int from = to_front ? (d == 1 ? last : d - 1) : (d == last ? 1 : d + 1);
        moved.dim[d] = shape->dim[from];
    }
    return moved;
}

enum onr_status onr_conv_check_bias(struct onr_infer_ctx *ctx, int64_t channels)
{
    if (!onr_infer_has_input(ctx, 2) || ctx->inputs[2]->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    const struct onr_shape *b = &ctx->inputs[2]->shape;
    if (b->rank != 1 || (b->dim[0] >= 0 && channels >= 0 && b->dim[0] != channels)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "b has shape %s, expected one number for each of "
                              "the %" PRId64 " output channels",
                              onr_shape_text(b, text), channels);
    }
    return ONR_OK;
}
