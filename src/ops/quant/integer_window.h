/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of quantised planes:
 *
 *     s[m,o] = B[m] + sum over c, t of (w[m,c,t] - w_zero[m]) * (x[c, o * stride - pad + t *
 *              dilation] - x_zero)                                                  (wrapping)
 *     y = s, or saturate(rint(s * (x_scale * w_scale[m] / y_scale)) + y_zero)
 *
 * Positions outside x count as x_zero.
 */
#ifndef ONR_OPS_QUANT_INTEGER_WINDOW_H
#define ONR_OPS_QUANT_INTEGER_WINDOW_H

#include "graph/op_def.h"
#include "kernels/kernels.h"

/* The fields up to `has_w_zeros` are set by the caller of onr_integer_conv_plan. */
struct onr_integer_conv {
    enum onr_dtype x_dtype, w_dtype, y_dtype;
    size_t batch, groups;
    size_t in_channels, out_channels; /* of a group */
    struct onr_window window;
    bool is_channels_last;
    bool has_w_scales, has_w_zeros; /* one for each output channel */

    size_t inputs, outputs; /* elements of one plane of x and y */
    size_t k;               /* in_channels * taps */
    size_t width;           /* most outputs that are made at once */
    size_t pieces;          /* of that width in a plane */
    size_t worker_bytes;
};

struct onr_integer_conv_operands {
    const uint8_t *x, *w;
    const void *x_zero, *w_zero;              /* NULL: 0 */
    const float *x_scale, *w_scale, *y_scale; /* not read when y is int32 */
    const void *y_zero;
    const int32_t *bias; /* or NULL */
    void *y;
};

/* Error: ONR_ERR_LIMIT. */
enum onr_status onr_integer_conv_plan(struct onr_integer_conv *conv,
                                      struct onr_plan_ctx *ctx) ONR_MUST_USE;

void onr_integer_conv_run(const struct onr_integer_conv *conv,
                          const struct onr_integer_conv_operands *operands,
                          const struct onr_run_ctx *ctx);

#endif
