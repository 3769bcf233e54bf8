/* SPDX-License-Identifier: Apache-2.0 */
/* Which scale belongs to which element of a quantised tensor: one for all, one per index of an
 * axis, or one per block along an axis. */
#ifndef ONR_OPS_QUANT_QUANT_LAYOUT_H
#define ONR_OPS_QUANT_QUANT_LAYOUT_H

#include "ops/common/axes.h"

/* Elements whose scales are equal, or lie side by side as they do. */
struct onr_quant_segment {
    size_t first;
    size_t count;
    size_t scale; /* index of the scale of the first element */
};

struct onr_quant_layout {
    bool is_blocked;
    bool is_vector; /* each element of a segment has a scale of its own */
    size_t segments;
    size_t segment; /* most elements of one */
    size_t total;
    struct onr_axis_view view; /* size 0 when there is one scale for all */
    size_t block;
};

/* Checks the shapes of scale and zero point against x (input 0 of ctx) as far as they are known. */
enum onr_status onr_quant_check(struct onr_infer_ctx *ctx) ONR_MUST_USE;

/* For the known shapes of x and scale and the attributes axis and block_size. */
enum onr_status onr_quant_layout_init(struct onr_quant_layout *layout,
                                      const struct onr_plan_ctx *ctx) ONR_MUST_USE;

struct onr_quant_segment onr_quant_segment_at(const struct onr_quant_layout *layout, size_t index);

#endif
