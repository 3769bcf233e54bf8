/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisation of groups of channels: the engine of GroupNormalization, InstanceNormalization and
 * of GroupNorm and SkipGroupNorm of com.microsoft.
 */
#ifndef ONR_OPS_NORM_GROUP_ROWS_H
#define ONR_OPS_NORM_GROUP_ROWS_H

#include "graph/op_def.h"
#include "kernels/kernels.h"

/* What is added to x. */
enum onr_group_skip {
    ONR_GROUP_NO_SKIP,
    ONR_GROUP_CHANNEL_SKIP, /* [N,C]: one number per channel */
    ONR_GROUP_FULL_SKIP,    /* of x's shape */
};

/* The fields up to `skip` are set by the caller of onr_group_norm_plan. DOUBLE has channels first,
 * no skip and no activation. */
struct onr_group_norm {
    enum onr_dtype dtype;       /* of x, skip and y */
    enum onr_dtype param_dtype; /* of scale and bias */
    double epsilon;
    size_t batch;
    size_t groups;
    size_t group_channels; /* channels of a group */
    size_t inner;          /* elements of a channel */
    bool is_per_group;     /* scale and bias are given per group, not per channel */
    bool is_channels_last;
    bool is_activated; /* y = v sigmoid(v) of the normalised v */
    enum onr_group_skip skip;
    size_t worker_bytes;
};

struct onr_group_tensors {
    const void *x;
    const void *scale;
    const void *bias;
    const void *skip;      /* this and the next may be NULL */
    const void *skip_bias; /* [C], added to x + skip; of x's type */
    void *y;
    void *sum; /* of x, skip and skip_bias; may be NULL */
};

/* Fills worker_bytes and asks for the workspace. Error: ONR_ERR_LIMIT when groups are too large. */
enum onr_status onr_group_norm_plan(struct onr_group_norm *norm,
                                    struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* y may share storage with any input of its size. */
void onr_group_norm_run(const struct onr_group_norm *norm, const struct onr_group_tensors *tensors,
                        const struct onr_run_ctx *ctx);

#endif
