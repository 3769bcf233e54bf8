/* SPDX-License-Identifier: Apache-2.0 */
/* Inside Conv: how a convolution of known shape is computed. */
#ifndef ONR_OPS_CONV_CONV_RUN_H
#define ONR_OPS_CONV_CONV_RUN_H

#include "kernels/kernels.h"
#include "ops/conv/conv_operands.h"

enum onr_conv_way {
    ONR_CONV_PLANES,  /* filter by filter, tap by tap: float64 */
    ONR_CONV_ABREAST, /* depthwise over small planes: channels side by side */
    ONR_CONV_DIRECT,  /* groups of few outputs (depthwise): sums over patches */
    ONR_CONV_PANELS,  /* a product per group; panels of its right side are made from patches */
    ONR_CONV_PRODUCT, /* a kernel of 1: the input itself is the right side */
    ONR_CONV_IMAGES,  /* a product per group, whose columns are the outputs of all images */
    ONR_CONV_POINT,   /* a kernel of 1 over planes of 1: images are rows of the left side */
};

/* The fields up to `window` are set by the caller of onr_conv_plan. */
struct onr_conv {
    enum onr_dtype dtype;
    bool has_bias;
    size_t batch, groups;
    size_t in_channels, out_channels; /* of a group */
    struct onr_window window;

    enum onr_conv_way way;
    bool is_plain;          /* a kernel of 1 that moves by 1 */
    size_t inputs, outputs; /* elements of one plane of X and Y */
    size_t taps;            /* elements of one plane of W */
    size_t k;               /* in_channels * taps */
    size_t items;           /* that a group of an image is cut into: of panels, or of rows of Y */
    size_t grain;
    /* Products. A worker makes a patch for most_panels at a time. */
    const struct onr_gemm_f32 *kernel;
    const struct onr_gemm_f32 *last_kernel; /* of the last panel, which may be narrower */
    size_t panels, most_panels, row_splits;
    size_t packed_panels; /* that are made before they are multiplied */
    bool is_turned;       /* they are made from runs of taps, not of outputs */
    size_t lanes;         /* abreast: channels of an item */
    /* Images side by side. An item is some rows and columns of a group. */
    size_t columns; /* batch * outputs */
    size_t column_splits;
    size_t part_rows; /* that are multiplied and copied together */
    size_t channels;  /* of which panels are made at a time */
    bool is_in_place; /* from X, not from patches */
    /* Direct. An item is some rows of Y, or a piece of one. */
    bool is_small, is_by_lines; /* no patch: inputs are read where they lie */
    size_t item_rows, row_pieces, piece_columns;
    /* Scratch of a worker: of the product, panel or sums, offsets of taps, patch. */
    size_t gemm_bytes, panel_bytes, offset_bytes, worker_bytes;
    struct onr_conv_halves halves;
    size_t scratch_at; /* in the workspace */
    /* What is done to Y while it lies in a cache, of float32; for the caller to set. The addend, of
     * the shape of Y, is input 3. */
    bool has_addend;
    struct onr_activation activation;
};

enum onr_status onr_conv_plan(struct onr_conv *conv, const struct onr_kernels *kernels,
                              unsigned thread_count, size_t *workspace_bytes,
                              struct onr_error *err) ONR_MUST_USE;
/* Tells how the convolution that was planned is computed. */
void onr_conv_tell(const struct onr_conv *conv, struct onr_told *told);
void onr_conv_run(const struct onr_conv *conv, const struct onr_run_ctx *ctx);

/* What a worker computes with: operands in float32 (float64 where the way is by planes). */
struct onr_conv_task {
    const struct onr_conv *conv;
    const struct onr_kernels *kernels;
    struct onr_conv_operands data;
    char *scratch; /* of all workers */
};

/* Inside: the ways that need patches. Plans set what is theirs; false: out of range. */
bool onr_conv_plan_direct(struct onr_conv *conv, const struct onr_kernels *kernels,
                          unsigned thread_count);
bool onr_conv_plan_product(struct onr_conv *conv, const struct onr_kernels *kernels,
                           unsigned thread_count);
bool onr_conv_is_abreast(const struct onr_conv *conv, const struct onr_kernels *kernels);
void onr_conv_plan_abreast(struct onr_conv *conv, const struct onr_kernels *kernels);
/* False also where images are not better side by side. */
bool onr_conv_plan_images(struct onr_conv *conv, const struct onr_kernels *kernels,
                          unsigned thread_count);
void onr_conv_plan_points(struct onr_conv *conv, const struct onr_kernels *kernels);

/* Adds the addend to elements [first, first + count) of Y, and applies the activation. */
void onr_conv_finish(const struct onr_conv_task *task, size_t first, size_t count);

/* Whether panels are made by onr_conv_pack_turned: outputs are one below the other, so that their inputs
 * are not side by side, but those of a row's taps are. */
bool onr_conv_is_turned(const struct onr_window *window);

/* Steps [0, k) of `count` columns of a panel, transposed from pieces of a patch. */
void onr_conv_pack_turned(const struct onr_conv *conv, const float *inputs, const size_t *offsets,
                          size_t k, const struct onr_patch_block *blocks, size_t count,
                          size_t width, float *columns);

/* Items of all matrices, as tasks of onr_parallel_for. */
void onr_conv_run_direct(void *task, size_t begin, size_t end, unsigned worker);
void onr_conv_run_abreast(void *task, size_t begin, size_t end, unsigned worker);
void onr_conv_run_products(void *task, size_t begin, size_t end, unsigned worker);
void onr_conv_run_images(void *task, size_t begin, size_t end, unsigned worker);
void onr_conv_run_points(void *task, size_t begin, size_t end, unsigned worker);

/* The functions of the row of Conv, for its fused forms. ctx->plan is a struct onr_conv. */
enum onr_status onr_conv_infer(struct onr_infer_ctx *ctx);
enum onr_status onr_conv_prepare(struct onr_prepare_ctx *ctx);
enum onr_status onr_conv_make(struct onr_plan_ctx *ctx);

#endif
