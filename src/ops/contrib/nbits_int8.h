/* SPDX-License-Identifier: Apache-2.0 */
/* MatMulNBits with activations that are rounded to 8 bits: sums of products of whole numbers. */
#ifndef ONR_OPS_CONTRIB_NBITS_INT8_H
#define ONR_OPS_CONTRIB_NBITS_INT8_H

#include "graph/op_def.h"
#include "ops/contrib/nbits_weights.h"

struct onr_nbits_int8 {
    size_t m, k;
    size_t size;         /* codes of a row */
    size_t panel_bytes;  /* of the workspace of a worker: a panel that is not packed yet, or 0 */
    size_t worker_bytes; /* that, or the activations of a row as float32, if that is more */
    size_t scales_at, sums_at, workers_at; /* in the workspace, which begins with the codes */
};

/* Plans the product of m rows of k; panel_bytes: of weights that run packs, else 0. Error:
 * ONR_ERR_LIMIT. */
enum onr_status onr_nbits_int8_plan(struct onr_nbits_int8 *product,
                                    const struct onr_nbits_weights *weights, size_t m, size_t k,
                                    size_t panel_bytes, struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* packed: all panels, or NULL to pack them on the way. a, y: of weights->dtype; bias may be NULL. */
void onr_nbits_int8_run(const struct onr_nbits_int8 *product,
                        const struct onr_nbits_weights *weights, const void *packed, const void *a,
                        const void *bias, void *y, const struct onr_run_ctx *ctx);

#endif
