/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of elements that are not neighbours, for elements of 1, 2, 4, 8 and 16 bytes. Strides are
 * in elements and may be negative or 0; pointers need no alignment; source and target do not
 * overlap.
 */
#ifndef ONR_KERNELS_MOVE_MOVE_H
#define ONR_KERNELS_MOVE_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* dst[i * dst_stride] = src[i * src_stride] for i < count. */
typedef void (*onr_copy_strided_fn)(size_t count, void *dst, int64_t dst_stride, const void *src,
                                    int64_t src_stride);

/* dst[r * dst_stride + c] = src[c * src_stride + r] for r < rows, c < cols. */
typedef void (*onr_transpose_fn)(size_t rows, size_t cols, void *dst, int64_t dst_stride,
                                 const void *src, int64_t src_stride);

/* The rows of the table for elements of 4 bytes, for kernels that are not handed the table. */
void onr_transpose_words__scalar(size_t rows, size_t cols, void *dst, int64_t dst_stride,
                                 const void *src, int64_t src_stride);
void onr_transpose_words__avx2(size_t rows, size_t cols, void *dst, int64_t dst_stride,
                               const void *src, int64_t src_stride);
void onr_transpose_words__avx512(size_t rows, size_t cols, void *dst, int64_t dst_stride,
                                 const void *src, int64_t src_stride);

/*
 * dst[i] = src[at(i) * stride + i * step] for i < count, where at(i) is index[i], counted from the
 * end of dim when it is negative. Returns false, and copies nothing, when an index is not in [-dim,
 * dim). The indices are read twice, so few of them at a time are best.
 */
typedef bool (*onr_gather_fn)(size_t count, void *dst, const void *src, int64_t step,
                              const int64_t *index, int64_t dim, int64_t stride);

/* Indexed by onr_move_size_index(). */
struct onr_move_kernels {
    onr_copy_strided_fn copy_strided[5];
    onr_transpose_fn transpose[5];
    onr_gather_fn gather[5];
};

/* log2 of an element size of 1, 2, 4, 8 or 16 bytes. */
static inline unsigned onr_move_size_index(size_t element_bytes)
{
    return (unsigned)__builtin_ctzl(element_bytes);
}

#endif
