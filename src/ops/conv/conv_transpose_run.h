/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ConvTranspose: how a transposed convolution of known shape is computed. */
#ifndef ONR_OPS_CONV_CONV_TRANSPOSE_RUN_H
#define ONR_OPS_CONV_CONV_TRANSPOSE_RUN_H

#include "kernels/kernels.h"
#include "ops/conv/conv_operands.h"

/* The fields up to `window` are set by the caller of onr_conv_transpose_plan. */
struct onr_conv_transpose {
    enum onr_dtype dtype;
    bool has_bias;
    size_t batch, groups;
    size_t in_channels, out_channels; /* of a group */
    struct onr_window window;         /* slides over Y: its `in` is Y, its `out` X */

    size_t inputs, outputs; /* elements of one plane of X and Y */
    size_t taps;
    const struct onr_gemm_f32 *kernel;
    size_t block_channels; /* output channels of an item */
    size_t blocks;         /* items per image and group */
    size_t gemm_bytes, worker_bytes;
    struct onr_conv_halves halves;
    size_t scratch_at; /* in the workspace */
};

enum onr_status onr_conv_transpose_plan(struct onr_conv_transpose *conv,
                                        const struct onr_kernels *kernels, unsigned thread_count,
                                        size_t *workspace_bytes,
                                        struct onr_error *err) ONR_MUST_USE;
void onr_conv_transpose_run(const struct onr_conv_transpose *conv, const struct onr_run_ctx *ctx);

#endif
