/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ConvLast: how a convolution of known shape, whose channels stand last, is computed. */
#ifndef ONR_OPS_CONV_CONV_LAST_H
#define ONR_OPS_CONV_CONV_LAST_H

#include "kernels/kernels.h"

#define ONR_LAST_PIECE                                                                             \
    16 /* floats that are copied at a time, so that some behind rows are touched */

/* The order in which weights are read: panels of `columns` filters of a group, the last of
 * last_columns, [groups][panels][taps][channels][columns], zeros behind the last filter; of planes
 * [panels][channels][taps][columns]. Depthwise ones are one group of one panel. */
struct onr_last_layout {
    const struct onr_gemm_f32 *kernel; /* of the product; NULL: sums over taps */
    const struct onr_gemm_f32 *last_kernel;
    size_t groups;
    size_t filters, channels, taps; /* of a group */
    size_t columns, last_columns, panels;
    bool is_planes; /* X has its channels in front */
};

/* Where the weights of a panel begin; those of group `groups` are behind the last. */
static inline size_t onr_last_panel_at(const struct onr_last_layout *l, size_t group, size_t panel)
{
    size_t columns = group * ((l->panels - 1) * l->columns + l->last_columns) + panel * l->columns;
    return l->taps * l->channels * columns;
}

struct onr_last_order {
    const struct onr_last_layout *layout;
    const char *from; /* floats at any address */
    void *const *to;
};

/* Brings the weights of panels [begin, end), counted over groups, into their order. */
void onr_last_order_panels(void *task, size_t begin, size_t end, unsigned worker);

enum onr_last_way {
    ONR_LAST_SUMS,   /* over taps, in vectors of channels */
    ONR_LAST_ROWS,   /* a product of rows, each with all that a window sees: of X, or copied */
    ONR_LAST_STRIPS, /* a product of rows that are pieces of X, or of a padded copy of a part of it */
};

/* Boxes of outputs, for each of which the rows of X that it sees are copied unless there is no padding;
 * the rows of a product are pieces of these. */
struct onr_last_strips {
    bool is_in_place;
    size_t row_boxes, column_boxes; /* that a slice of an output is cut into */
    size_t rows, columns;           /* of X, most that a box sees */
    size_t pixel, line, plane;      /* from one place of X, or its copy, to the next */
    /* The left side of a product: pieces of `run` floats, of `pieces` for each row of taps. */
    size_t run, pieces;
};

struct onr_last_plan {
    struct onr_last_layout layout;
    const float *weights; /* constant ones, in their order; or NULL */
    struct onr_window window;
    struct onr_activation activation;
    bool has_bias, has_addend;
    enum onr_last_way way;
    size_t images, inputs, outputs, channels;
    size_t unit; /* sums: outputs of an item, a row or 1 */
    struct onr_last_strips strips;
    /* Products: blocks of rows, of a group or of all, by groups of panels, and its scratch. */
    size_t blocks, splits, items, stride, grain;
    size_t weights_at, gemm_bytes, copied_floats, worker_bytes, scratch_at;
};

/* The product, without pointers to data. */
struct onr_gemm_f32_job onr_last_job(const struct onr_last_plan *plan);

/* Whether a convolution of one group or several, with its window and layout, is one of strips; plans it
 * then. */
bool onr_last_plan_strips(struct onr_last_plan *plan, unsigned thread_count);

struct onr_last_task {
    const struct onr_last_plan *plan;
    const struct onr_kernels *kernels;
    const float *x, *w, *bias, *addend;
    float *y;
    char *scratch;
};

/* Adds the addend to elements [first, first + count) of Y, and applies the activation. */
void onr_last_finish(const struct onr_last_task *task, size_t first, size_t count);

/* Items [begin, end) of sums over taps: rows of outputs or outputs, counted over all images. */
void onr_last_run_sums(void *task, size_t begin, size_t end, unsigned worker);

/* Items [begin, end) of a product of rows: groups of panels of blocks of rows. */
void onr_last_run_products(void *task, size_t begin, size_t end, unsigned worker);

/* Items [begin, end) of a product of strips: groups of panels of boxes. */
void onr_last_run_strips(void *task, size_t begin, size_t end, unsigned worker);

#endif
