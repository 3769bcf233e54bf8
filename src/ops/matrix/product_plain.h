/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the product family: types without tiles. */
#ifndef ONR_OPS_MATRIX_PRODUCT_PLAIN_H
#define ONR_OPS_MATRIX_PRODUCT_PLAIN_H

#include "ops/matrix/product.h"

struct onr_product_offsets onr_product_find(const struct onr_product *product, size_t batch);

/* The entry of the table that onr_product_run_plain calls for this type. */
const onr_contract_fn *onr_product_plain_fn(const struct onr_kernels *kernels,
                                            enum onr_dtype dtype);

/* onr_product_run for float64 and integers. */
void onr_product_run_plain(const struct onr_product *product,
                           const struct onr_product_operands *operands,
                           const struct onr_run_ctx *ctx);

#endif
