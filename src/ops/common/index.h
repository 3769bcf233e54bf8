/* SPDX-License-Identifier: Apache-2.0 */
/* Index tensors of int32 or int64, and integers that are known when a node is planned. */
#ifndef ONR_OPS_COMMON_INDEX_H
#define ONR_OPS_COMMON_INDEX_H

#include "graph/op_def.h"

#include <string.h>

#define ONR_INDEX_CHUNK 64 /* indices, or tuples of them, that are looked at together */

/* Element i of an int32 or int64 tensor. */
static inline int64_t onr_index_at(const struct onr_tensor *indices, size_t i)
{
    return indices->dtype == ONR_INT32 ? ((const int32_t *)indices->data)[i]
                                       : ((const int64_t *)indices->data)[i];
}

/* count elements from `first` on, as int64: in place or in buffer. */
static inline const int64_t *onr_index_read(const struct onr_tensor *indices, size_t first,
                                            size_t count, int64_t *buffer)
{
    if (indices->dtype == ONR_INT64) {
        return (const int64_t *)indices->data + first;
    }
    for (size_t i = 0; i < count; i++) {
        buffer[i] = ((const int32_t *)indices->data)[first + i];
    }
    return buffer;
}

/* An index in [-dim, dim), counted from the start. */
static inline int64_t onr_index_wrap(int64_t index, int64_t dim)
{
    return index < 0 ? index + dim : index;
}

/* Fails with ONR_ERR_VALUE unless every index is in [-dim, dim). */
enum onr_status onr_check_indices(struct onr_error *err, const struct onr_tensor *indices,
                                  int64_t dim) ONR_MUST_USE;

/*
 * Fails with ONR_ERR_VALUE unless each k-tuple of indices is within dims[0 .. k), negative ones
 * included.
 */
enum onr_status onr_check_index_tuples(struct onr_error *err, const struct onr_tensor *indices,
                                       const int64_t *dims, size_t k) ONR_MUST_USE;

/*
 * Fails with ONR_ERR_INTERNAL when the integers in input `index`, if there is one, are not known in
 * plan.
 */
enum onr_status onr_check_planned(const struct onr_plan_ctx *ctx, uint32_t index) ONR_MUST_USE;

/* Integer i of an input that has passed onr_check_planned. */
int64_t onr_plan_int(const struct onr_fact *fact, int64_t i);

/* Copies one element of 1, 2, 4, 8 or 16 bytes. */
static inline void onr_copy_element(void *dst, const void *src, size_t bytes)
{
    switch (bytes) {
    case 1:
        memcpy(dst, src, 1);
        break;
    case 2:
        memcpy(dst, src, 2);
        break;
    case 4:
        memcpy(dst, src, 4);
        break;
    case 8:
        memcpy(dst, src, 8);
        break;
    default:
        memcpy(dst, src, 16);
        break;
    }
}

#endif
