/* SPDX-License-Identifier: Apache-2.0 */
/* Elements and accumulators of reductions. */
#include "ops/reduce/reduce_value.h"

#include "base/half.h"
#include "ops/common/float_io.h"

#include <math.h>

enum onr_reduce_domain onr_reduce_domain_of(enum onr_dtype dtype, enum onr_reduce_finish finish)
{
    if (onr_is_float32_or_less(dtype)) {
        return ONR_REDUCE_F32;
    }
    if (dtype == ONR_DOUBLE || (finish != ONR_FINISH_NONE && finish != ONR_FINISH_MEAN)) {
        return ONR_REDUCE_F64;
    }
    return onr_dtypes_has(ONR_DTYPES_SINT, dtype) ? ONR_REDUCE_I64 : ONR_REDUCE_U64;
}

bool onr_reduce_is_direct(const struct onr_reduce_value *value)
{
    return value->dtype == ONR_FLOAT ||
           (onr_dtype_size(value->dtype) == 8 &&
            (value->domain != ONR_REDUCE_F64 || value->dtype == ONR_DOUBLE));
}

#define CONVERT(tag, type, target)                                                                 \
    case ONR_##tag:                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            (target)[i] = ((const type *)data)[first + i];                                         \
        }                                                                                          \
        break;

static const void *read_f64(enum onr_dtype dtype, const void *data, size_t first, size_t count,
                            double *buffer)
{
    switch (dtype) {
        CONVERT(INT8, int8_t, buffer)
        CONVERT(INT16, int16_t, buffer)
        CONVERT(INT32, int32_t, buffer)
        CONVERT(UINT8, uint8_t, buffer)
        CONVERT(UINT16, uint16_t, buffer)
        CONVERT(UINT32, uint32_t, buffer)
    case ONR_INT64:
        for (size_t i = 0; i < count; i++) {
            buffer[i] = (double)((const int64_t *)data)[first + i];
        }
        break;
    case ONR_UINT64:
        for (size_t i = 0; i < count; i++) {
            buffer[i] = (double)((const uint64_t *)data)[first + i];
        }
        break;
    default:
        return (const double *)data + first;
    }
    return buffer;
}

static const void *read_i64(enum onr_dtype dtype, const void *data, size_t first, size_t count,
                            int64_t *buffer)
{
    switch (dtype) {
        CONVERT(INT8, int8_t, buffer)
        CONVERT(INT16, int16_t, buffer)
        CONVERT(INT32, int32_t, buffer)
    default:
        return (const int64_t *)data + first;
    }
    return buffer;
}

static const void *read_u64(enum onr_dtype dtype, const void *data, size_t first, size_t count,
                            uint64_t *buffer)
{
    switch (dtype) {
        CONVERT(BOOL, uint8_t, buffer)
        CONVERT(UINT8, uint8_t, buffer)
        CONVERT(UINT16, uint16_t, buffer)
        CONVERT(UINT32, uint32_t, buffer)
    default:
        return (const uint64_t *)data + first;
    }
    return buffer;
}

const void *onr_reduce_read(const struct onr_reduce_value *value, const void *data, size_t first,
                            size_t count, union onr_reduce_chunk *buffer)
{
    switch (value->domain) {
    case ONR_REDUCE_F32:
        return onr_float_read(value->dtype, data, first, count, buffer->f32);
    case ONR_REDUCE_F64:
        return read_f64(value->dtype, data, first, count, buffer->f64);
    case ONR_REDUCE_I64:
        return read_i64(value->dtype, data, first, count, buffer->i64);
    default:
        return read_u64(value->dtype, data, first, count, buffer->u64);
    }
}

/* The value of an integer type nearest to value after cutting; 0 for NaN. */
static int64_t cut_signed(double value, unsigned bits)
{
    double limit = ldexp(1.0, (int)bits - 1);
    int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
    if (value != value) {
        return 0;
    }
    return value >= limit ? max : value < -limit ? -max - 1 : (int64_t)value;
}

static uint64_t cut_unsigned(double value, unsigned bits)
{
    if (!(value > 0)) {
        return 0;
    }
    return value >= ldexp(1.0, (int)bits) ? UINT64_MAX >> (64 - bits) : (uint64_t)value;
}

static double finish_float(const struct onr_reduce_value *value, double result, double shift)
{
    switch (value->finish) {
    case ONR_FINISH_MEAN:
        return result / (double)value->reduced_count;
    case ONR_FINISH_SQRT:
        return sqrt(result);
    case ONR_FINISH_LOG:
    case ONR_FINISH_LOG_SUM_EXP:
        return log(result) + shift;
    default:
        return result;
    }
}

/* The bits of an integer result, which is stored cut to its width. */
static uint64_t finish_int(const struct onr_reduce_value *value, union onr_accumulator acc,
                           double shift)
{
    bool is_signed = onr_dtypes_has(ONR_DTYPES_SINT, value->dtype);
    unsigned bits = 8 * (unsigned)onr_dtype_size(value->dtype);
    if (value->domain == ONR_REDUCE_F64) {
        double result = finish_float(value, acc.f, shift);
        return is_signed ? (uint64_t)cut_signed(result, bits) : cut_unsigned(result, bits);
    }
    if (value->finish != ONR_FINISH_MEAN) {
        return acc.u;
    }
    if (value->reduced_count == 0) {
        return 0;
    }
    return is_signed ? (uint64_t)(acc.i / (int64_t)value->reduced_count)
                     : acc.u / value->reduced_count;
}

void onr_reduce_store(const struct onr_reduce_value *value, union onr_accumulator acc, double shift,
                      void *data, size_t index)
{
    switch (value->dtype) {
    case ONR_FLOAT:
        ((float *)data)[index] = (float)finish_float(value, acc.f, shift);
        return;
    case ONR_DOUBLE:
        ((double *)data)[index] = finish_float(value, acc.f, shift);
        return;
    case ONR_FLOAT16:
        ((uint16_t *)data)[index] = onr_double_to_half(finish_float(value, acc.f, shift));
        return;
    case ONR_BFLOAT16:
        ((uint16_t *)data)[index] = onr_double_to_bfloat16(finish_float(value, acc.f, shift));
        return;
    default:
        break;
    }
    uint64_t bits = finish_int(value, acc, shift);
    switch (onr_dtype_size(value->dtype)) {
    case 1:
        ((uint8_t *)data)[index] = (uint8_t)bits;
        break;
    case 2:
        ((uint16_t *)data)[index] = (uint16_t)bits;
        break;
    case 4:
        ((uint32_t *)data)[index] = (uint32_t)bits;
        break;
    default:
        ((uint64_t *)data)[index] = bits;
        break;
    }
}

void onr_reduce_store_all(const struct onr_reduce_value *value, size_t count,
                          const union onr_accumulator *acc, const double *shift, void *data,
                          size_t first)
{
    bool is_mean = value->finish == ONR_FINISH_MEAN;
    if (value->dtype != ONR_FLOAT || (value->finish != ONR_FINISH_NONE && !is_mean)) {
        for (size_t i = 0; i < count; i++) {
            onr_reduce_store(value, acc[i], shift[i], data, first + i);
        }
        return;
    }
    float *y = (float *)data + first;
    double divisor = is_mean ? (double)value->reduced_count : 1;
    for (size_t i = 0; i < count; i++) {
        y[i] = (float)(acc[i].f / divisor);
    }
}

union onr_accumulator onr_reduce_identity(const struct onr_reduce_value *value,
                                          enum onr_reduction reduction)
{
    bool is_float = value->domain == ONR_REDUCE_F32 || value->domain == ONR_REDUCE_F64;
    bool is_max = reduction == ONR_REDUCE_MAX;
    unsigned bits = 8 * (unsigned)onr_dtype_size(value->dtype);
    if (reduction == ONR_REDUCE_PROD) {
        return is_float ? (union onr_accumulator){.f = 1} : (union onr_accumulator){.u = 1};
    }
    if (reduction != ONR_REDUCE_MAX && reduction != ONR_REDUCE_MIN) {
        return is_float ? (union onr_accumulator){.f = 0} : (union onr_accumulator){.u = 0};
    }
    if (is_float) {
        return (union onr_accumulator){.f = is_max ? (double)-INFINITY : (double)INFINITY};
    }
    if (value->domain == ONR_REDUCE_I64) {
        int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
        return (union onr_accumulator){.i = is_max ? -max - 1 : max};
    }
    uint64_t max = value->dtype == ONR_BOOL ? 1 : UINT64_MAX >> (64 - bits);
    return (union onr_accumulator){.u = is_max ? 0 : max};
}
