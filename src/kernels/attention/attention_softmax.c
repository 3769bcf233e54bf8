/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of scores of attention: caps, masks and softmax, in portable C on lanes. Compiled with
 * -ffp-contract=fast.
 */
#include "kernels/attention/attention.h"
#include "kernels/conv/lanes.h"
#include "kernels/elementwise/vmath.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_attention_softmax)(struct onr_kernels *kernels);

/* Elements that are done together: two vectors. */
#define LANES (2 * ONR_LANES)

_Static_assert(LANES <= ONR_SOFTMAX_ROOM, "room behind the scores of a row");

static inline __attribute__((always_inline)) float larger(float a, float b)
{
    return a > b ? a : b;
}

/* lane[l] = larger(lane[l], lane[l + count]) for l < count. */
static inline __attribute__((always_inline)) void fold_max(size_t count, float *lane)
{
    ONR_IVDEP
    for (size_t l = 0; l < count; l++) {
        lane[l] = larger(lane[l], lane[l + count]);
    }
}

static inline __attribute__((always_inline)) void max_step(const float *x, float *lane)
{
    ONR_UNROLL_LANES
    for (size_t l = 0; l < LANES; l++) {
        lane[l] = larger(x[l], lane[l]);
    }
}

/* The same for x + mask, which becomes x. */
static inline __attribute__((always_inline)) void mask_step(float *x, const float *mask,
                                                            float *lane)
{
    ONR_IVDEP
    ONR_UNROLL_LANES
    for (size_t l = 0; l < LANES; l++) {
        x[l] += mask[l];
        lane[l] = larger(x[l], lane[l]);
    }
}

/* Adds the mask, fills up the last lanes with -inf, and returns the largest of -inf and the numbers
 * in x: a NaN reaches the sum by itself. */
static float row_max(size_t count, float *x, const float *mask)
{
    float lane[LANES];
    size_t whole = count - count % LANES;
    for (size_t l = 0; l < LANES; l++) {
        lane[l] = -INFINITY;
    }
    for (size_t i = 0; mask != NULL && i < whole; i += LANES) {
        mask_step(x + i, mask + i, lane);
    }
    for (size_t i = 0; mask == NULL && i < whole; i += LANES) {
        max_step(x + i, lane);
    }
    if (whole < count) {
        for (size_t i = whole; mask != NULL && i < count; i++) {
            x[i] += mask[i];
        }
        for (size_t l = 0; l < LANES; l++) {
            x[count + l] = -INFINITY;
        }
        max_step(x + whole, lane);
    }
#if ONR_LANES == 16
    fold_max(16, lane);
#endif
#if ONR_LANES >= 8
    fold_max(8, lane);
#endif
    fold_max(4, lane);
    return larger(larger(lane[0], lane[1]), larger(lane[2], lane[3]));
}

/* x[i] = e^(x[i] - shift), for whole groups of lanes; returns their sum. */
static float row_exp(size_t count, float shift, float *x)
{
    float lane[LANES] = {0};
    for (size_t i = 0; i < count; i += LANES) {
        ONR_IVDEP
        ONR_UNROLL_LANES
        for (size_t l = 0; l < LANES; l++) {
            x[i + l] = onr_vexp_negative(x[i + l] - shift);
            lane[l] += x[i + l];
        }
    }
    return onr_lanes_sum(onr_load(lane) + onr_load(lane + ONR_LANES));
}

static void softmax_step_f32(size_t count, float *scores, const float *mask,
                             struct onr_softmax_row_f32 *row, size_t width, float *y)
{
    float max = larger(row_max(count, scores, mask), row->max);
    float sum = row_exp(count, max == -INFINITY ? 0.0f : max, scores);
    if (max != row->max || max == INFINITY) {
        float factor = onr_vexp_negative(row->max - max);
        for (size_t i = 0; i < width; i++) {
            y[i] *= factor;
        }
        row->sum *= (double)factor;
        row->max = max;
    }
    row->sum += (double)sum;
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
    own->softcap_f32 = softcap_f32;
}
