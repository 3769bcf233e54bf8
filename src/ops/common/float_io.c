/* SPDX-License-Identifier: Apache-2.0 */
/* Float tensors of any width as float. */
#include "ops/common/float_io.h"

#include "base/half.h"

void onr_float_gather(enum onr_dtype dtype, const void *data, size_t first, size_t stride,
                      size_t count, float *out)
{
    if (count == 0) {
        return;
    }
    if (dtype == ONR_FLOAT) {
        const float *values = (const float *)data + first;
        for (size_t i = 0; i < count; i++) {
            out[i] = values[i * stride];
        }
    } else if (dtype == ONR_FLOAT16) {
        const uint16_t *values = (const uint16_t *)data + first;
        for (size_t i = 0; i < count; i++) {
            out[i] = onr_half_to_float(values[i * stride]);
        }
    } else {
        const uint16_t *values = (const uint16_t *)data + first;
        for (size_t i = 0; i < count; i++) {
            out[i] = onr_bfloat16_to_float(values[i * stride]);
        }
    }
}

void onr_float_scatter(enum onr_dtype dtype, const float *values, size_t first, size_t stride,
                       size_t count, void *data)
{
    if (dtype == ONR_FLOAT) {
        float *out = (float *)data + first;
        for (size_t i = 0; i < count; i++) {
            out[i * stride] = values[i];
        }
    } else if (dtype == ONR_FLOAT16) {
        uint16_t *out = (uint16_t *)data + first;
        for (size_t i = 0; i < count; i++) {
            out[i * stride] = onr_float_to_half(values[i]);
        }
    } else {
        uint16_t *out = (uint16_t *)data + first;
        for (size_t i = 0; i < count; i++) {
            out[i * stride] = onr_float_to_bfloat16(values[i]);
        }
    }
}

const float *onr_float_read(enum onr_dtype dtype, const void *data, size_t first, size_t count,
                            float *buffer)
{
    if (dtype == ONR_FLOAT && count > 0) {
        return (const float *)data + first;
    }
    onr_float_gather(dtype, data, first, 1, count, buffer);
    return buffer;
}

float *onr_float_place(enum onr_dtype dtype, void *data, size_t first, float *buffer)
{
    return dtype == ONR_FLOAT && data != NULL ? (float *)data + first : buffer;
}

void onr_float_write(enum onr_dtype dtype, const float *values, size_t first, size_t count,
                     void *data)
{
    if (count == 0) {
        return;
    }
    if (dtype != ONR_FLOAT || values != (const float *)data + first) {
        onr_float_scatter(dtype, values, first, 1, count, data);
    }
}

void onr_double_gather(enum onr_dtype dtype, const void *data, size_t first, size_t stride,
                       size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = first + i * stride;
        if (dtype == ONR_DOUBLE) {
            out[i] = ((const double *)data)[at];
        } else {
            float value;
            onr_float_gather(dtype, data, at, 1, 1, &value);
            out[i] = (double)value;
        }
    }
}

void onr_double_scatter(enum onr_dtype dtype, const double *values, size_t first, size_t stride,
                        size_t count, void *data)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = first + i * stride;
        if (dtype == ONR_DOUBLE) {
            ((double *)data)[at] = values[i];
        } else if (dtype == ONR_FLOAT) {
            ((float *)data)[at] = (float)values[i];
        } else if (dtype == ONR_FLOAT16) {
            ((uint16_t *)data)[at] = onr_double_to_half(values[i]);
        } else {
            ((uint16_t *)data)[at] = onr_double_to_bfloat16(values[i]);
        }
    }
}
