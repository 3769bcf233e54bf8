/* SPDX-License-Identifier: Apache-2.0 */
/* The items that a product of float32 or a half type is cut into (product.c), for those that run
 * items of several products. */
#ifndef ONR_OPS_MATRIX_PRODUCT_ITEMS_H
#define ONR_OPS_MATRIX_PRODUCT_ITEMS_H

#include "ops/matrix/product.h"

struct onr_product_task {
    const struct onr_product *product;
    const struct onr_product_operands *operands;
    const float *bias; /* [n], [m] or NULL */
    char *scratch;     /* of all workers */
};

/* Some rows of the items [begin, end), and what a worker reads around them. */
struct onr_product_range {
    size_t row_begin, row_end;
    size_t begin, end;
    const void *after;  /* behind them, to be prefetched, or NULL */
    bool is_prefetched; /* their first panel is */
};

/* Items of one part of the rows. */
static inline size_t onr_product_item_count(const struct onr_product *product)
{
    return product->batch_count * product->panels;
}

/* Parts that rows are cut into first, before panels are shared out; 1: panels alone are. */
size_t onr_product_row_parts(const struct onr_product *product, unsigned thread_count);

void onr_product_run_items(const struct onr_product_task *task,
                           const struct onr_product_range *range, unsigned worker);

/* Computes all items of the tasks, of which the first says how they are shared out. */
void onr_product_share_items(const struct onr_product_task *tasks, size_t count,
                             const struct onr_parallel *parallel);

#endif
