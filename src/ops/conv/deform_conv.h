/* SPDX-License-Identifier: Apache-2.0 */
/* Inside DeformConv: how a deformable convolution of known shapes is computed. */
#ifndef ONR_OPS_CONV_DEFORM_CONV_H
#define ONR_OPS_CONV_DEFORM_CONV_H

#include "ops/conv/spatial.h"
#include "ops/image/sampler.h"

enum onr_deform_input {
    ONR_DEFORM_X,
    ONR_DEFORM_W,
    ONR_DEFORM_OFFSET,
    ONR_DEFORM_B,
    ONR_DEFORM_MASK,
};

struct onr_deform {
    enum onr_dtype dtype;
    enum onr_dtype real; /* FLOAT or DOUBLE: of the sums */
    struct onr_sampler sampler;
    struct onr_spatial spatial;
    int64_t out[ONR_SPATIAL_MAX];
    size_t batch, channels, groups, offset_groups;
    size_t out_channels; /* of a group */
    size_t taps;
    size_t k; /* of a product: channels of a group times taps */
    size_t inputs, outputs;
    size_t points, blocks; /* points that are computed at a time; blocks of an image */
    const struct onr_gemm_f32 *kernel;
    /* in the scratch of a worker, after that of the sampler */
    size_t base_at, factor_at, columns_at, tile_at, gemm_at, worker_bytes;
    /* in the workspace, before that of the workers */
    size_t x_at, bias_at, worker_at;
};

/* True when the sums are of another type than the tensors. */
static inline bool onr_deform_is_half(const struct onr_deform *deform)
{
    return deform->dtype != deform->real;
}

/* The product of one group for `count` points, without pointers to data. */
struct onr_gemm_f32_job onr_deform_product(const struct onr_deform *deform, size_t count);

/* ctx->plan is a struct onr_deform. */
enum onr_status onr_deform_run(struct onr_run_ctx *ctx);

#endif
