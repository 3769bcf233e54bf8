/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies between two strided views of the same extents: what Transpose, Slice, Expand, Tile,
 * Concat, Split and the like come down to. Made when a node is planned, run on several threads.
 */
#ifndef ONR_OPS_COMMON_COPY_H
#define ONR_OPS_COMMON_COPY_H

#include "base/parallel.h"
#include "base/shape.h"
#include "kernels/kernels.h"

#define ONR_COPY_MAX_RANK (2 * ONR_MAX_RANK)

/*
 * dst[sum i_d * dst_stride_d] = src[sum i_d * src_stride_d] over all index tuples i. Strides are in
 * elements; those of the source may be 0 or negative.
 */
struct onr_copy {
    int rank;
    int64_t dim[ONR_COPY_MAX_RANK];
    int64_t dst_stride[ONR_COPY_MAX_RANK];
    int64_t src_stride[ONR_COPY_MAX_RANK];
    size_t element_bytes;
};

/* Appends a dimension, outermost first. At most ONR_COPY_MAX_RANK. */
void onr_copy_add(struct onr_copy *copy, int64_t dim, int64_t dst_stride, int64_t src_stride);

/*
 * Brings the dimensions that were added into the form that runs fastest: without those of extent 1,
 * neighbours that are contiguous in both views merged, few neighbours made one larger element, and
 * the innermost two chosen for the kernels.
 */
void onr_copy_finish(struct onr_copy *copy);

/* Copies. dst and src point to the elements with all indices 0 and do not overlap. */
void onr_copy_run(const struct onr_copy *copy, const struct onr_kernels *kernels,
                  const struct onr_parallel *parallel, void *dst, const void *src);

/* Copies bytes on several threads, unless they are in place already; bytes may be 0. */
void onr_copy_bytes(const struct onr_parallel *parallel, void *dst, const void *src, size_t bytes);

/* dst[i] = *element for i < count. */
void onr_fill(const struct onr_kernels *kernels, const struct onr_parallel *parallel, void *dst,
              size_t count, const void *element, size_t element_bytes);

#endif
