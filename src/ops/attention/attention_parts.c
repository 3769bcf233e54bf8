/* SPDX-License-Identifier: Apache-2.0 */
/* What the forms of attention share: which keys a query sees, masks, and keys and values as floats. */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/attention/attention_core.h"
#include "ops/common/float_io.h"

#include <math.h>

struct onr_key_range onr_attention_range(const struct onr_attention *attention,
                                         const struct onr_attention_data *data, size_t b, size_t i)
{
    int64_t end = (int64_t)(data->limit != NULL ? data->limit[b] : attention->keys);
    int64_t offset = data->offset != NULL ? data->offset[b] : (int64_t)attention->past;
    int64_t at = offset + (int64_t)i;
    int64_t begin = 0;
    if (attention->is_causal) {
        end = onr_int_min(end, at + 1);
    }
    if (attention->window_right >= 0 && attention->window_right < INT32_MAX) {
        end = onr_int_min(end, at + attention->window_right + 1);
    }
    if (attention->window_left >= 0 && attention->window_left < INT32_MAX) {
        begin = onr_int_max(0, at - attention->window_left);
    }
    end = onr_int_max(end, 0);
    return (struct onr_key_range){(size_t)onr_int_min(begin, end), (size_t)end};
}

/* An element of a mask as a number. */
static double mask_number(enum onr_dtype dtype, const void *data, size_t at)
{
    double value = 0;
    switch (dtype) {
    case ONR_BOOL:
    case ONR_UINT8:
        return ((const uint8_t *)data)[at];
    case ONR_INT8:
        return ((const int8_t *)data)[at];
    case ONR_UINT16:
        return ((const uint16_t *)data)[at];
    case ONR_INT16:
        return ((const int16_t *)data)[at];
    case ONR_UINT32:
        return ((const uint32_t *)data)[at];
    case ONR_INT32:
        return ((const int32_t *)data)[at];
    case ONR_UINT64:
        return (double)((const uint64_t *)data)[at];
    case ONR_INT64:
        return (double)((const int64_t *)data)[at];
    default:
        onr_double_gather(dtype, data, at, 1, 1, &value);
        return value;
    }
}

double onr_attention_masked(const struct onr_attention_mask *mask, const void *data, size_t row,
                            size_t key, double score)
{
    if (key >= mask->keys) {
        return score + (double)-INFINITY;
    }
    double value = mask_number(mask->dtype, data, row + key);
    if (!mask->is_flag) {
        return score + value;
    }
    double hidden = mask->replaces ? mask->fill : score + mask->fill;
    return (value > 0) == mask->is_inverted ? hidden : score;
}

struct onr_gemm_matrix onr_attention_matrix(const struct onr_attention_operand *operand, size_t b,
                                            size_t kv, size_t past, size_t j)
{
    const struct onr_head_strides *from = j < past ? &operand->past_strides : &operand->strides;
    const char *data = j < past ? operand->past : operand->data;
    size_t first = onr_head_offset(from, b, kv, j < past ? j : j - past);
    return (struct onr_gemm_matrix){
        .data = data + first * onr_dtype_size(operand->dtype),
        .dtype = operand->dtype,
        .row_stride = from->row,
        .column_stride = 1,
    };
}

struct onr_rows_f32 onr_attention_rows(const struct onr_attention_operand *operand, size_t b,
                                       size_t kv, size_t past, size_t j, size_t *count,
                                       float *buffer)
{
    struct onr_gemm_matrix rows = onr_attention_matrix(operand, b, kv, past, j);
    if (j<past && * count> past - j) {
        *count = past - j;
    }
    if (operand->dtype == ONR_FLOAT) {
        return (struct onr_rows_f32){rows.data, rows.row_stride};
    }
    for (size_t i = 0; i < *count; i++) {
        onr_float_gather(operand->dtype, rows.data, i * rows.row_stride, 1, operand->width,
                         buffer + i * operand->width);
    }
    return (struct onr_rows_f32){buffer, operand->width};
}

void onr_attention_add_mask(const struct onr_attention_mask *mask, const void *data, size_t row,
                            struct onr_key_range keys, float *scores)
{
    size_t covered = keys.end < mask->keys ? keys.end : mask->keys;
    size_t count = covered > keys.begin ? covered - keys.begin : 0;
    size_t j = 0;
    if (mask->dtype == ONR_FLOAT) {
        const float *values = (const float *)data + row + keys.begin;
        for (; j < count; j++) {
            scores[j] += values[j];
        }
    } else if (mask->dtype == ONR_BOOL) {
        const uint8_t *flags = (const uint8_t *)data + row + keys.begin;
        /* -inf hides even where the score is no number */
        bool replaces = mask->replaces || mask->fill == (double)-INFINITY;
        float fill = (float)mask->fill;
        for (; j < count; j++) {
            float hidden = replaces ? fill : scores[j] + fill;
            scores[j] = (flags[j] != 0) == mask->is_inverted ? hidden : scores[j];
        }
    }
    for (; j < keys.end - keys.begin; j++) {
        scores[j] = (float)onr_attention_masked(mask, data, row, keys.begin + j, (double)scores[j]);
    }
}

void onr_attention_add_masks(const struct onr_attention *attention,
                             const struct onr_attention_data *data, size_t b, size_t n, size_t i,
                             struct onr_key_range keys, float *scores)
{
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (attention->masks[m].dtype != ONR_UNDEFINED) {
            struct onr_attention_mask mask = attention->masks[m];
            size_t row = onr_mask_row(&mask, data, b, n, i);
            onr_attention_add_mask(&mask, data->masks[m], row, keys, scores);
        }
    }
}
