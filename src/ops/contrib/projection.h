/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries, keys and values that an attention projects together: input [..., Din] * weights
 * [Din, W] + bias [W], which are the inputs 0, 1 and 2, the last optional.
 */
#ifndef ONR_OPS_CONTRIB_PROJECTION_H
#define ONR_OPS_CONTRIB_PROJECTION_H

#include "ops/matrix/product.h"

/* Packs constant weights. */
enum onr_status onr_projection_prepare(struct onr_prepare_ctx *ctx) ONR_MUST_USE;

/* Plans the product; *bytes is the workspace that it needs, in front of all else. */
void onr_projection_plan(struct onr_product *product, const struct onr_plan_ctx *ctx,
                         size_t *bytes);

/* Writes the product to qkv: [..., W]. */
void onr_projection_run(const struct onr_product *product, void *qkv,
                        const struct onr_run_ctx *ctx);

#endif
