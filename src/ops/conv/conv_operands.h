/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of Conv and ConvTranspose, and float32 copies of those in half precision. */
#ifndef ONR_OPS_CONV_CONV_OPERANDS_H
#define ONR_OPS_CONV_CONV_OPERANDS_H

#include "graph/op_def.h"
#include "ops/common/workspace.h"

struct onr_conv_operands {
    const void *x, *w, *b; /* b may be NULL */
    const float *addend;   /* of Conv of float32, or NULL */
    void *y;
};

/* Elements of the operands in half precision; b is 0 when there is none. */
struct onr_conv_halves {
    enum onr_dtype dtype; /* ONR_UNDEFINED: they are in a type that is computed as it is */
    size_t x, w, b, y;
};

/* The inputs 0, 1 and, with a bias, 2, and the output of a run. */
struct onr_conv_operands onr_conv_operands(const struct onr_run_ctx *ctx, bool has_bias);

/* Adds the copies to an empty workspace; nothing for other types than half precision. */
void onr_conv_halves_plan(const struct onr_conv_halves *halves, struct onr_workspace *space);

/* Copies x, w and b as floats to the workspace of a run, and points the operands there. */
void onr_conv_widen(const struct onr_conv_halves *halves, void *workspace,
                    struct onr_conv_operands *operands);

#endif
