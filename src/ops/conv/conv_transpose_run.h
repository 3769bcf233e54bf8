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
    /* W with its channels last, [groups][out_channels][taps][in_channels], or NULL: it is no constant */
    const float *weights;

    size_t inputs, outputs; /* elements of one plane of X and Y */
    size_t taps;
    const struct onr_gemm_f32 *kernel;
    size_t panels; /* of X, for each image and group, and their floats */
    size_t packed_floats;
    size_t blocks; /* of output channels, as well */
    size_t gemm_bytes, column_bytes, worker_bytes;
    struct onr_conv_halves halves;
    size_t packed_at, scratch_at; /* in the workspace */
};

/* The weights of one node, to be turned. */
struct onr_conv_transpose_order {
    size_t groups, in_channels, columns; /* columns: out_channels * taps of a group */
    const char *from;                    /* floats at any address */
    void *const *to;
};

/* Columns that are turned together. */
#define ONR_CONV_TRANSPOSE_COLUMNS 16

/* Turns blocks of columns [begin, end), counted over groups. */
void onr_conv_transpose_order(void *order, size_t begin, size_t end, unsigned worker);

enum onr_status onr_conv_transpose_plan(struct onr_conv_transpose *conv,
                                        const struct onr_kernels *kernels,
                                        struct onr_plan_ctx *ctx) ONR_MUST_USE;
void onr_conv_transpose_run(const struct onr_conv_transpose *conv, const struct onr_run_ctx *ctx);

#endif
