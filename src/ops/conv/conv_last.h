/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ConvLast: how a convolution of known shape, whose channels stand last, is computed. */
#ifndef ONR_OPS_CONV_CONV_LAST_H
#define ONR_OPS_CONV_CONV_LAST_H

#include "kernels/kernels.h"

#define ONR_LAST_PIECE                                                                             \
    16 /* floats that are copied at a time, so that some behind rows are touched */

/* The order in which weights are read: panels of `columns` filters, [panels][taps][channels][columns],
 * zeros behind the last filter; of planes [panels][channels][taps][columns]. */
struct onr_last_layout {
    const struct onr_gemm_f32 *kernel; /* of the product; NULL: sums over taps, one panel of all */
    size_t filters, channels, taps, columns, panels;
    bool is_planes; /* X has its channels in front */
};

static inline size_t onr_last_panel_floats(const struct onr_last_layout *layout)
{
    return layout->taps * layout->channels * layout->columns;
}

struct onr_last_order {
    const struct onr_last_layout *layout;
    const char *from; /* floats at any address */
    void *const *to;
};

/* Brings the weights of panels [begin, end) into their order. */
void onr_last_order_panels(void *task, size_t begin, size_t end, unsigned worker);

struct onr_last_plan {
    struct onr_last_layout layout;
    const float *weights; /* constant ones, in their order; or NULL */
    struct onr_window window;
    struct onr_activation activation;
    bool has_bias;
    bool is_plain; /* rows of the product are those of X */
    size_t images, inputs, outputs, channels;
    size_t unit; /* sums: outputs of an item, a row or 1 */
    /* The product: blocks of rows by groups of panels, and its scratch. */
    size_t blocks, splits, stride, grain;
    size_t weights_at, gemm_bytes, worker_bytes, scratch_at;
};

/* The product, without pointers to data but the constant weights. */
struct onr_gemm_f32_job onr_last_job(const struct onr_last_plan *plan);

struct onr_last_task {
    const struct onr_last_plan *plan;
    const struct onr_kernels *kernels;
    const float *x, *w, *bias;
    float *y;
    char *scratch;
};

/* Items [begin, end) of sums over taps: rows of outputs or outputs, counted over all images. */
void onr_last_run_sums(void *task, size_t begin, size_t end, unsigned worker);

/* Items [begin, end) of a product: groups of panels of blocks of rows. */
void onr_last_run_products(void *task, size_t begin, size_t end, unsigned worker);

#endif
