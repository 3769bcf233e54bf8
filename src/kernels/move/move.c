/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of elements that are not neighbours, in portable C: memcpy of a constant size is one load
 * and store, whatever type and alignment the elements have. */
#include "kernels/move/move.h"

#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/move/words.h"

#include <string.h>

void ONR_KERNEL(onr_fill_move)(struct onr_kernels *kernels);

static bool are_within(size_t count, const int64_t *index, int64_t dim)
{
    uint64_t half = (uint64_t)dim;
    int is_out = 0;
    for (size_t i = 0; i < count; i++) {
        is_out |= (uint64_t)index[i] + half >= 2 * half;
    }
    return is_out == 0;
}

/*
 * The transpose goes through tiles of one cache line each way: a line of the source is read once
 * and whole, also when the lines of a column share a cache set, as they do when the stride is a
 * power of two.
 */
#define DEFINE_MOVE(bytes, tile)                                                                   \
    static void copy_strided_##bytes(size_t count, void *dst, int64_t dst_stride, const void *src, \
                                     int64_t src_stride)                                           \
    {                                                                                              \
        char *y = dst;                                                                             \
        const char *x = src;                                                                       \
        for (int64_t i = 0; i < (int64_t)count; i++) {                                             \
            memcpy(y + i * dst_stride * (bytes), x + i * src_stride * (bytes), (bytes));           \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static inline void transpose_tile_##bytes(size_t rows, size_t cols, char *y, int64_t y_stride, \
                                              const char *x, int64_t x_stride)                     \
    {                                                                                              \
        char lines[(tile) * (tile) * (bytes)];                                                     \
        for (size_t c = 0; c < cols; c++) {                                                        \
            memcpy(lines + c * (tile) * (bytes), x + (int64_t)c * x_stride, rows * (bytes));       \
        }                                                                                          \
        for (size_t r = 0; r < rows; r++) {                                                        \
            for (size_t c = 0; c < cols; c++) {                                                    \
                memcpy(y + (int64_t)r * y_stride + (int64_t)(c * (bytes)),                         \
                       lines + (c * (tile) + r) * (bytes), (bytes));                               \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void transpose_##bytes(size_t rows, size_t cols, void *dst, int64_t dst_stride,         \
                                  const void *src, int64_t src_stride)                             \
    {                                                                                              \
        int64_t y_stride = dst_stride * (bytes);                                                   \
        int64_t x_stride = src_stride * (bytes);                                                   \
        for (size_t r = 0; r < rows; r += (tile)) {                                                \
            for (size_t c = 0; c < cols; c += (tile)) {                                            \
                char *y = (char *)dst + (int64_t)r * y_stride + (int64_t)(c * (bytes));            \
                const char *x =                                                                    \
                    (const char *)src + (int64_t)c * x_stride + (int64_t)(r * (bytes));            \
                if (rows - r >= (tile) && cols - c >= (tile)) {                                    \
                    transpose_tile_##bytes((tile), (tile), y, y_stride, x, x_stride);              \
                } else {                                                                           \
                    size_t height = rows - r < (tile) ? rows - r : (tile);                         \
                    size_t width = cols - c < (tile) ? cols - c : (tile);                          \
                    transpose_tile_##bytes(height, width, y, y_stride, x, x_stride);               \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static bool gather_##bytes(size_t count, void *dst, const void *src, int64_t step,             \
                               const int64_t *index, int64_t dim, int64_t stride)                  \
    {                                                                                              \
        char *y = dst;                                                                             \
        const char *x = src;                                                                       \
        if (!are_within(count, index, dim)) {                                                      \
            return false;                                                                          \
        }                                                                                          \
        for (size_t i = 0; i < count; i++) {                                                       \
            int64_t at = index[i] < 0 ? index[i] + dim : index[i];                                 \
            memcpy(y + i * (bytes), x + (at * stride + (int64_t)i * step) * (bytes), (bytes));     \
        }                                                                                          \
        return true;                                                                               \
    }

DEFINE_MOVE(1, 64)
DEFINE_MOVE(2, 32)
DEFINE_MOVE(4, 16)
DEFINE_MOVE(8, 8)
DEFINE_MOVE(16, 8)

/* Two to four interleaved streams, for which tiles would be mostly empty. */
static bool transpose_streams(size_t rows, size_t cols, onr_word *y, int64_t y_stride,
                              const onr_word *x, int64_t x_stride)
{
    int64_t height = (int64_t)rows;
    int64_t width = (int64_t)cols;
    if (x_stride == height && rows == 3) {
        onr_take_apart_3(width, y, y_stride, x);
    } else if (x_stride == height && rows == 2) {
        onr_take_apart_2(width, y, y_stride, x);
    } else if (x_stride == height && rows == 4) {
        onr_take_apart_4(width, y, y_stride, x);
    } else if (y_stride == width && cols == 3) {
        onr_put_together_3(height, y, x, x_stride);
    } else if (y_stride == width && cols == 2) {
        onr_put_together_2(height, y, x, x_stride);
    } else if (y_stride == width && cols == 4) {
        onr_put_together_4(height, y, x, x_stride);
    } else {
        return false;
    }
    return true;
}

/*
 * Tiles in registers, two beside each other, so that a line of the source is read once; what is
 * left over goes as other sizes do. The lines of a strip lie in as many streams as there are
 * columns, more than the machine follows by itself: they are asked for ahead, also beyond the last
 * row, where the next block of a larger transpose starts.
 */
void ONR_KERNEL(onr_transpose_words)(size_t rows, size_t cols, void *dst, int64_t dst_stride,
                                     const void *src, int64_t src_stride)
{
    onr_word *y = dst;
    const onr_word *x = src;
    if (transpose_streams(rows, cols, y, dst_stride, x, src_stride)) {
        return;
    }
    size_t whole_rows = rows / 4 * 4;
    size_t whole_cols = cols / 8 * 8;
    for (size_t top = 0; top < whole_rows; top += 16) {
        size_t bottom = whole_rows - top < 16 ? whole_rows : top + 16;
        for (size_t c = 0; c < whole_cols; c += 8) {
            for (size_t r = top; r < bottom; r += 4) {
                onr_transpose_4x8(y + (int64_t)r * dst_stride + (int64_t)c, dst_stride,
                                  x + (int64_t)c * src_stride + (int64_t)r, src_stride);
            }
            onr_prefetch_rows(x + (int64_t)c * src_stride + (int64_t)top, src_stride);
        }
    }
    transpose_4(rows, cols - whole_cols, y + whole_cols, dst_stride,
                x + (int64_t)whole_cols * src_stride, src_stride);
    transpose_4(rows - whole_rows, whole_cols, y + (int64_t)whole_rows * dst_stride, dst_stride,
                x + whole_rows, src_stride);
}

void ONR_KERNEL(onr_fill_move)(struct onr_kernels *kernels)
{
    kernels->move = (struct onr_move_kernels){
        .copy_strided = {copy_strided_1, copy_strided_2, copy_strided_4, copy_strided_8,
                         copy_strided_16},
        .transpose = {transpose_1, transpose_2, ONR_KERNEL(onr_transpose_words), transpose_8,
                      transpose_16},
        .gather = {gather_1, gather_2, gather_4, gather_8, gather_16},
    };
}
