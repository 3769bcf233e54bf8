/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of matrices into the form that tiles read, converted to float32 on the way. */
#include "kernels/gemm/gemm_f32_pack.h"

#include "base/half.h"

#include <string.h>

static uint16_t load_u16(const unsigned char *data)
{
    uint16_t bits;
    memcpy(&bits, data, sizeof(bits));
    return bits;
}

/* y[i] = element first + i * stride, for data at any alignment. */
static void load_floats(const struct onr_gemm_matrix *matrix, size_t first, size_t stride,
                        size_t count, float *y)
{
    const unsigned char *data = matrix->data;
    if (matrix->dtype == ONR_FLOAT16) {
        for (size_t i = 0; i < count; i++) {
            y[i] = onr_half_to_float(load_u16(data + 2 * (first + i * stride)));
        }
    } else if (matrix->dtype == ONR_BFLOAT16) {
        for (size_t i = 0; i < count; i++) {
            y[i] = onr_bfloat16_to_float(load_u16(data + 2 * (first + i * stride)));
        }
    } else if (stride == 1) {
        memcpy(y, data + 4 * first, count * sizeof(float));
    } else {
        for (size_t i = 0; i < count; i++) {
            memcpy(y + i, data + 4 * (first + i * stride), sizeof(float));
        }
    }
}

/* Columns that lie one after another: each is read in runs of 16 steps and scattered over the
 * panel. */
static void pack_piece_by_columns(const struct onr_gemm_matrix *b, size_t k_begin, size_t k,
                                  size_t column, size_t count, size_t width, float *piece)
{
    float run[16];
    for (size_t p = 0; p < k; p += 16) {
        size_t steps = k - p < 16 ? k - p : 16;
        for (size_t j = 0; j < count; j++) {
            load_floats(b, (k_begin + p) * b->row_stride + (column + j) * b->column_stride,
                        b->row_stride, steps, run);
            for (size_t s = 0; s < steps; s++) {
                piece[(p + s) * width + j] = run[s];
            }
        }
    }
}

void onr_gemm_f32_pack_piece(const struct onr_gemm_matrix *b, size_t k_begin, size_t k,
                             size_t column, size_t count, size_t width, float *piece)
{
    if (b->column_stride != 1) {
        pack_piece_by_columns(b, k_begin, k, column, count, width, piece);
    } else {
        for (size_t p = 0; p < k; p++) {
            load_floats(b, (k_begin + p) * b->row_stride + column, 1, count, piece + p * width);
        }
    }
    for (size_t p = 0; p < k && count < width; p++) {
        memset(piece + p * width + count, 0, (width - count) * sizeof(float));
    }
}

void onr_gemm_f32_copy_rows(const struct onr_gemm_matrix *a, size_t row, size_t rows,
                            size_t k_begin, size_t k, float *copy, size_t copy_stride)
{
    if (a->column_stride == 1) {
        for (size_t i = 0; i < rows; i++) {
            load_floats(a, (row + i) * a->row_stride + k_begin, 1, k, copy + i * copy_stride);
        }
        return;
    }
    float run[ONR_GEMM_MC];
    for (size_t p = 0; p < k; p++) {
        load_floats(a, row * a->row_stride + (k_begin + p) * a->column_stride, a->row_stride, rows,
                    run);
        for (size_t i = 0; i < rows; i++) {
            copy[i * copy_stride + p] = run[i];
        }
    }
}

void onr_gemm_f32_pack(const struct onr_gemm_f32 *kernel, size_t k, size_t n,
                       const struct onr_gemm_matrix *b, size_t begin, size_t end, float *packed)
{
    size_t width = kernel->columns;
    for (size_t panel = begin; panel < end; panel++) {
        size_t column = panel * width;
        size_t count = n - column < width ? n - column : width;
        onr_gemm_f32_pack_piece(b, 0, k, column, count, width, packed + panel * k * width);
    }
}
