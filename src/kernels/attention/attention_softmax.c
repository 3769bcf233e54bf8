/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of scores of attention: caps, masks and softmax, in portable C on lanes.
 */
#include "kernels/attention/attention.h"
#include "kernels/conv/lanes.h"
#include "kernels/elementwise/vmath.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_attention_softmax)(struct onr_kernels *kernels);

/* Rows that are done together: the last steps of a maximum wait for each other, those of four do not. Each
 * row is summed in the same order in whatever company. */
#define ROWS 4

static inline __attribute__((always_inline)) float larger(float a, float b)
{
    return a > b ? a : b;
}

#if ONR_LANES > 4
/* lane[l] = larger(lane[l], lane[l + count]) for l < count. */
static inline __attribute__((always_inline)) void fold_max(size_t count, float *lane)
{
    ONR_IVDEP
    for (size_t l = 0; l < count; l++) {
        lane[l] = larger(lane[l], lane[l + count]);
    }
}
#endif

static inline __attribute__((always_inline)) float lanes_max(onr_lanes v)
{
    float lane[ONR_LANES];
    onr_store(lane, v);
#if ONR_LANES == 16
    fold_max(8, lane);
#endif
#if ONR_LANES >= 8
    fold_max(4, lane);
#endif
    return larger(larger(lane[0], lane[1]), larger(lane[2], lane[3]));
}

/* Adds the last elements of a mask, and fills up their lanes with -inf. */
static void end_row(size_t whole, size_t count, const float *mask, float *x)
{
    for (size_t i = whole; mask != NULL && i < count; i++) {
        x[i] += mask[i];
    }
    onr_store(x + count, -INFINITY - (onr_lanes){0});
}

/* Adds masks, and returns for each row the largest of -inf and its numbers: a NaN reaches the sum by
 * itself. */
static inline __attribute__((always_inline)) void rows_max(size_t rows,
                                                           const struct onr_softmax_f32 *b,
                                                           size_t row, float *max)
{
    onr_lanes lane[ROWS];
    size_t whole = b->count - b->count % ONR_LANES;
    for (size_t r = 0; r < rows; r++) {
        float *x = b->scores + (row + r) * b->stride;
        const float *mask = b->masks != NULL ? b->masks[row + r] : NULL;
        lane[r] = -INFINITY - (onr_lanes){0};
        for (size_t i = 0; mask != NULL && i < whole; i += ONR_LANES) {
            onr_store(x + i, onr_load(x + i) + onr_load(mask + i));
            lane[r] = onr_larger(onr_load(x + i), lane[r]);
        }
        for (size_t i = 0; mask == NULL && i < whole; i += ONR_LANES) {
            lane[r] = onr_larger(onr_load(x + i), lane[r]);
        }
        if (whole < b->count) {
            end_row(whole, b->count, mask, x);
            lane[r] = onr_larger(onr_load(x + whole), lane[r]);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        max[r] = lanes_max(lane[r]);
    }
}

#if ONR_LANES == 16
/* e^x for x <= 0 and NaN, as 2^t, t = x / ln 2: 2^(t - floor t), its exponent raised by floor t. Both
 * steps are single instructions, right for -inf, and no work for the multipliers. Error 1.1 ulp, and
 * |x| 2^-24 of the result. */
static inline __attribute__((always_inline)) onr_lanes exp_negative(onr_lanes x)
{
    __m512 t = _mm512_mul_ps(x, _mm512_set1_ps(1.442695041f));
    __m512 f = _mm512_reduce_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    __m512 p = _mm512_set1_ps(2.16129149e-4f); /* 2^f, 0 <= f < 1; exact for 0 */
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.24678470e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.67545155e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.54852821e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.40229309e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.93147063e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, t);
}

/* x[i] = e^(x[i] - shift) for whole rows; sum gets their sums. */
static inline __attribute__((always_inline)) void rows_exp(size_t rows,
                                                           const struct onr_softmax_f32 *b,
                                                           size_t row, const float *shift,
                                                           float *sum)
{
    for (size_t r = 0; r < rows; r++) {
        float *x = b->scores + (row + r) * b->stride;
        onr_lanes lane = {0};
        for (size_t i = 0; i < b->count; i += ONR_LANES) {
            onr_lanes y = exp_negative(onr_load(x + i) - shift[r]);
            onr_store(x + i, y);
            lane += y;
        }
        sum[r] = onr_lanes_sum(lane);
    }
}
#else
/* x[l] = e^(x[l] - shift) for some rows and all lanes l, which are added to lane. */
static inline __attribute__((always_inline)) void exp_step(size_t rows, float *x, size_t stride,
                                                           const float *shift,
                                                           float (*lane)[ONR_LANES])
{
    ONR_IVDEP
    for (size_t l = 0; l < ONR_LANES; l++) { /* all of four are read before one is written */
        float a = onr_vexp_negative(x[l] - shift[0]);
        float b = rows > 1 ? onr_vexp_negative(x[stride + l] - shift[1]) : 0;
        float c = rows > 2 ? onr_vexp_negative(x[2 * stride + l] - shift[2]) : 0;
        float d = rows > 3 ? onr_vexp_negative(x[3 * stride + l] - shift[3]) : 0;
        x[l] = a;
        lane[0][l] += a;
        if (rows == ROWS) {
            x[stride + l] = b;
            x[2 * stride + l] = c;
            x[3 * stride + l] = d;
            lane[1][l] += b;
            lane[2][l] += c;
            lane[3][l] += d;
        }
    }
}

/* The same for whole rows, in groups of lanes; sum gets their sums. */
static inline __attribute__((always_inline)) void rows_exp(size_t rows,
                                                           const struct onr_softmax_f32 *b,
                                                           size_t row, const float *shift,
                                                           float *sum)
{
    float lane[ROWS][ONR_LANES] = {{0}};
    for (size_t i = 0; i < b->count; i += ONR_LANES) {
        exp_step(rows, b->scores + row * b->stride + i, b->stride, shift, lane);
    }
    for (size_t r = 0; r < rows; r++) {
        sum[r] = onr_lanes_sum(onr_load(lane[r]));
    }
}
#endif

/* Takes the sum of a block into the state of a row, and scales down what was summed before: with a
 * maximum of -inf nothing was but zeros, or NaN, which stay what they are. */
static inline void add_sum(struct onr_softmax_row_f32 *row, float max, float sum, size_t width,
                           float *y)
{
    if (row->max != -INFINITY && (max != row->max || max == INFINITY)) {
        float factor = onr_vexp_negative(row->max - max);
        for (size_t i = 0; i < width; i++) {
            y[i] *= factor;
        }
        row->sum *= (double)factor;
    }
    row->max = max;
    row->sum += (double)sum;
}

static inline __attribute__((always_inline)) void softmax_rows(size_t rows,
                                                               const struct onr_softmax_f32 *b,
                                                               size_t row)
{
    float max[ROWS];
    float shift[ROWS];
    float sum[ROWS];
    rows_max(rows, b, row, max);
    for (size_t r = 0; r < rows; r++) {
        max[r] = larger(max[r], b->rows[row + r].max);
        shift[r] = max[r] == -INFINITY ? 0.0f : max[r];
    }
    rows_exp(rows, b, row, shift, sum);
    for (size_t r = 0; r < rows; r++) {
        add_sum(&b->rows[row + r], max[r], sum[r], b->width, b->y + (row + r) * b->y_stride);
    }
}

static void softmax_step_f32(const struct onr_softmax_f32 *block)
{
    size_t row = 0;
    for (; row + ROWS <= block->row_count; row += ROWS) {
        softmax_rows(ROWS, block, row);
    }
    for (; row < block->row_count; row++) {
        softmax_rows(1, block, row);
    }
}

/* Elements that are looked at together. */
#define CHUNK 32

static size_t last_above_f32(size_t count, const float *x, float limit)
{
    while (count > 0) {
        size_t size = (count - 1) % CHUNK + 1;
        const float *chunk = x + count - size;
        int32_t any = 0;
        for (size_t i = 0; i < size; i++) {
            any |= !(chunk[i] <= limit);
        }
        if (any != 0) {
            break;
        }
        count -= size;
    }
    return count;
}

static size_t last_set_u8(size_t count, const uint8_t *x)
{
    while (count > 0) {
        size_t size = (count - 1) % CHUNK + 1;
        uint8_t any = 0;
        for (size_t i = count - size; i < count; i++) {
            any |= x[i];
        }
        if (any != 0) {
            break;
        }
        count -= size;
    }
    return count;
}

static size_t run_between_f32(size_t count, const float *x, float low, float high)
{
    size_t i = 0;
    int32_t any = 0;
    for (; i + CHUNK <= count; i += CHUNK) {
        for (size_t l = i; l < i + CHUNK; l++) {
            any |= !((x[l] >= low) & (x[l] <= high));
        }
        if (any != 0) {
            break;
        }
    }
    while (i < count && x[i] >= low && x[i] <= high) {
        i++;
    }
    return i;
}

static size_t run_alike_u8(size_t count, const uint8_t *x, bool is_set)
{
    size_t i = 0;
    uint8_t any = 0;
    for (; i + CHUNK <= count; i += CHUNK) {
        for (size_t l = i; l < i + CHUNK; l++) {
            any |= (x[l] != 0) != is_set;
        }
        if (any != 0) {
            break;
        }
    }
    while (i < count && (x[i] != 0) == is_set) {
        i++;
    }
    return i;
}

static void softcap_f32(size_t count, float cap, float *x)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = cap * onr_vtanh(x[i] / cap);
    }
}

void ONR_KERNEL(onr_fill_attention_softmax)(struct onr_kernels *kernels)
{
    struct onr_attention_kernels *own = &kernels->attention;
    own->softmax_step_f32 = softmax_step_f32;
    own->last_above_f32 = last_above_f32;
    own->last_set_u8 = last_set_u8;
    own->run_between_f32 = run_between_f32;
    own->run_alike_u8 = run_alike_u8;
    own->softcap_f32 = softcap_f32;
}
