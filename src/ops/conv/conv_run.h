/* SPDX-License-Identifier: Apache-2.0 */
/* Inside Conv: how a convolution of known shape is computed. */
#ifndef ONR_OPS_CONV_CONV_RUN_H
#define ONR_OPS_CONV_CONV_RUN_H

#include "graph/op_def.h"
#include "kernels/kernels.h"

enum onr_conv_way {
    ONR_CONV_PLANES,  /* filter by filter: float64, and groups of one or two outputs (depthwise) */
    ONR_CONV_IM2COL,  /* a product per group; its right side is made piece by piece */
    ONR_CONV_PRODUCT, /* a kernel of 1: the input itself is the right side */
};

/* The fields up to `window` are set by the caller of onr_conv_plan. */
struct onr_conv {
    enum onr_dtype dtype;
    bool has_bias;
    size_t batch, groups;
    size_t in_channels, out_channels; /* of a group */
    struct onr_window window;

    enum onr_conv_way way;
    size_t inputs, outputs; /* elements of one plane of X and Y */
    size_t taps;            /* elements of one plane of W */
    size_t k;               /* in_channels * taps */
    const struct onr_gemm_f32 *kernel;
    size_t panels, chunk_panels, chunks; /* panels of Y, panels of an item, items per matrix */
    size_t row_splits;
    size_t grain;
    size_t gemm_bytes, worker_bytes;
    size_t x_bytes, w_bytes, b_bytes, y_bytes; /* float32 copies of half precision operands */
};

void onr_conv_plan(struct onr_conv *conv, const struct onr_kernels *kernels, unsigned thread_count,
                   size_t *workspace_bytes);
void onr_conv_run(const struct onr_conv *conv, const struct onr_run_ctx *ctx);

/* The functions of the row of Conv, for its fused forms. ctx->plan is a struct onr_conv. */
enum onr_status onr_conv_infer(struct onr_infer_ctx *ctx);
enum onr_status onr_conv_prepare(struct onr_prepare_ctx *ctx);
enum onr_status onr_conv_make(struct onr_plan_ctx *ctx);

#endif
