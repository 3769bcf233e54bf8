/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies a function of rows along one axis of a float tensor: gathers rows that are not
 * contiguous, converts half types to float32 and back, and splits the rows over threads.
 */
#ifndef ONR_OPS_COMMON_ROW_MAP_H
#define ONR_OPS_COMMON_ROW_MAP_H

#include "kernels/softmax/softmax.h"
#include "ops/common/axes.h"

struct onr_row_map {
    enum onr_dtype dtype;
    struct onr_axis_view view;
    size_t lanes;        /* adjacent rows that are gathered together */
    size_t worker_bytes; /* of scratch */
};

/* Plans a map along the axis of view. Error: ONR_ERR_LIMIT when the scratch is too large. */
enum onr_status onr_row_map_plan(struct onr_row_map *map, enum onr_dtype dtype,
                                 struct onr_axis_view view, struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* y = function of each row of x, input and output 0 of ctx, which may share storage. f64 is for
 * DOUBLE. */
void onr_row_map_run(const struct onr_row_map *map, onr_row_f32_fn f32, onr_row_f64_fn f64,
                     struct onr_run_ctx *ctx);

#endif
