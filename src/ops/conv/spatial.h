/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attributes that convolutions and poolings share: kernel_shape, strides, dilations, pads,
 * auto_pad and ceil_mode; and the output extents that follow.
 */
#ifndef ONR_OPS_CONV_SPATIAL_H
#define ONR_OPS_CONV_SPATIAL_H

#include "graph/op_def.h"
#include "kernels/conv/conv.h"

#define ONR_SPATIAL_MAX 3 /* spatial dimensions that are supported */

enum onr_auto_pad {
    ONR_PAD_EXPLICIT, /* "NOTSET": as pads says */
    ONR_PAD_VALID,
    ONR_PAD_SAME_UPPER, /* what is odd goes behind */
    ONR_PAD_SAME_LOWER,
};

/* Entry d belongs to spatial dimension d of `rank`. */
struct onr_spatial {
    int rank;
    enum onr_auto_pad auto_pad;
    bool is_ceil;
    int64_t kernel[ONR_SPATIAL_MAX], stride[ONR_SPATIAL_MAX], dilation[ONR_SPATIAL_MAX];
    int64_t pad[ONR_SPATIAL_MAX], pad_end[ONR_SPATIAL_MAX];
};

/*
 * Reads and checks the attributes for `rank` spatial dimensions. kernel: the extents of the weights
 * (entries may be unknown), which kernel_shape, when given, must equal; NULL: kernel_shape is
 * required. Errors: ONR_ERR_MODEL, ONR_ERR_UNSUPPORTED for a rank other than 1 to 3.
 */
enum onr_status onr_spatial_read(const struct onr_node *node, int rank, const int64_t *kernel,
                                 struct onr_spatial *spatial, struct onr_error *err) ONR_MUST_USE;

/* Reads a list of `count` numbers from `lowest` to INT32_MAX, or sets all to the fallback when it
 * is absent. */
enum onr_status onr_spatial_list(const struct onr_node *node, const char *name, size_t count,
                                 int64_t lowest, int64_t fallback, int64_t *values,
                                 struct onr_error *err) ONR_MUST_USE;

/*
 * Output extent of dimension d for input extent `in`, which may be unknown or a symbol (then it may
 * stay unknown). Resolves auto_pad into pad and pad_end. Error: ONR_ERR_SHAPE when the window does
 * not fit.
 */
enum onr_status onr_spatial_output(struct onr_spatial *spatial, int d, int64_t in, int64_t *out,
                                   struct onr_error *err) ONR_MUST_USE;

/* The window for an input [N, C, spatial...] of known shape. Same errors. */
enum onr_status onr_spatial_window(struct onr_spatial *spatial, const struct onr_shape *x,
                                   struct onr_window *window, struct onr_error *err) ONR_MUST_USE;

/* The shape [N, spatial..., C] as [N, C, spatial...], or back. */
struct onr_shape onr_move_channels(const struct onr_shape *shape, bool to_front);

/* Checks that input 2, when there is one, is [channels] (which may be unknown). Error:
 * ONR_ERR_SHAPE. */
enum onr_status onr_conv_check_bias(struct onr_infer_ctx *ctx, int64_t channels) ONR_MUST_USE;

#endif
