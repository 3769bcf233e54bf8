/* SPDX-License-Identifier: Apache-2.0 */
/* Inside Conv: the outputs of all images side by side, as columns of one product per group. */
#ifndef ONR_OPS_CONV_CONV_IMAGES_H
#define ONR_OPS_CONV_CONV_IMAGES_H

#include "ops/conv/conv_run.h"

/* Columns that are outputs of one image. */
struct onr_conv_piece {
    size_t image, output; /* of the first */
    size_t count;
};

/* The first piece of columns [column, end), column < end. */
static inline struct onr_conv_piece onr_conv_piece(const struct onr_conv *conv, size_t column,
                                                   size_t end)
{
    struct onr_conv_piece piece = {column / conv->outputs, column % conv->outputs, end - column};
    size_t left = conv->outputs - piece.output;
    piece.count = piece.count < left ? piece.count : left;
    return piece;
}

/* Columns of a group that are computed together, in panels of the kernel; what these leave, in one of
 * the last kernel. */
struct onr_conv_columns {
    const struct onr_conv_task *task;
    size_t group;
    size_t begin, end;
};

/* The kernel of the panel that begins with column `first`. */
static inline const struct onr_gemm_f32 *onr_conv_kernel_at(const struct onr_conv_columns *columns,
                                                            size_t first)
{
    const struct onr_conv *conv = columns->task->conv;
    return columns->end - first >= conv->kernel->columns ? conv->kernel : conv->last_kernel;
}

/* Plans how up to most_panels panels are made, and what scratch that takes; false: out of range. */
bool onr_conv_plan_panels(struct onr_conv *conv, size_t *bytes);

/* Makes them. packed: float[panels][k][columns], without gaps. */
void onr_conv_make_panels(const struct onr_conv_columns *columns, char *scratch, float *packed);

#endif
