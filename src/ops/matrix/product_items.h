/* SPDX-License-Identifier: Apache-2.0 */
/* The items that a product of float32 or a half type is cut into (product.c), for those that run
 * items of several products. */
#ifndef ONR_OPS_MATRIX_PRODUCT_ITEMS_H
#define ONR_OPS_MATRIX_PRODUCT_ITEMS_H

#include "ops/matrix/product.h"

struct onr_product_task {
    const struct onr_product *product;
    const struct onr_product_operands *operands;
    const float *bias;  /* [n], [m] or NULL */
    const void *after;  /* what the worker reads behind these items, or NULL */
    bool is_prefetched; /* the first panel of these items is */
    char *scratch;      /* of all workers */
};

static inline size_t onr_product_item_count(const struct onr_product *product)
{
    return product->batch_count * product->row_splits * product->panels;
}

/* Where the range of items that begins at `item` of `count` begins in the weights that are read after
 * this product, for the threads share those in the same way; NULL when that is not known. */
static inline const void *onr_product_find_next(const struct onr_product *product, size_t item,
                                                size_t count)
{
    const struct onr_stream *next = &product->next;
    if (next->data == NULL) {
        return NULL;
    }
    return (const char *)next->data + next->pieces * item / count * next->piece_bytes;
}

/* Computes the items [begin, end). */
void onr_product_run_items(const struct onr_product_task *task, size_t begin, size_t end,
                           unsigned worker);

#endif
