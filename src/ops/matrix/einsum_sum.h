/* SPDX-License-Identifier: Apache-2.0 */
/* Inside Einsum: sums of products of any number of inputs, element by element. */
#ifndef ONR_OPS_MATRIX_EINSUM_SUM_H
#define ONR_OPS_MATRIX_EINSUM_SUM_H

#include "ops/matrix/einsum_parse.h"

struct onr_einsum_axis {
    size_t size;
    size_t stride[ONR_EINSUM_OPERANDS]; /* of each input, in elements */
};

struct onr_einsum_sum {
    enum onr_dtype dtype;
    uint32_t operand_count;
    size_t output_count; /* elements of Y */
    int output_rank; /* the first axes, outermost first, are those of Y; the others are summed over
                      */
    int rank;
    struct onr_einsum_axis axes[ONR_MAX_RANK + ONR_EINSUM_LABELS];
};

void onr_einsum_sum(const struct onr_einsum_sum *sum, const struct onr_run_ctx *ctx);

#endif
