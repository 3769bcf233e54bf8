/* SPDX-License-Identifier: Apache-2.0 */
/* An order on the slices of a tensor along one axis, for Unique. */
#ifndef ONR_OPS_MOVEMENT_UNIQUE_ORDER_H
#define ONR_OPS_MOVEMENT_UNIQUE_ORDER_H

#include "base/dtype.h"

/* A tensor as [outer, count, inner] elements: item i is [:, i, :]. */
struct onr_items {
    enum onr_dtype dtype;
    size_t element_bytes;
    size_t count;
    size_t outer;
    size_t inner;
    const void *data;
};

/*
 * Below, equal to or above 0, as item a comes before, with or after item b: by the first element
 * that differs; NaN after all numbers and with itself, complex numbers by real part first, strings
 * by bytes.
 */
int onr_items_compare(const struct onr_items *items, int64_t a, int64_t b);

/*
 * order [count] := the items in ascending order, equal ones as they come. spare: [count] scratch.
 */
void onr_items_sort(const struct onr_items *items, int64_t *order, int64_t *spare);

#endif
