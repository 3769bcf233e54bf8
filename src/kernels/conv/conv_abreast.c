/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions of channels that stand side by side, as many as a vector has lanes: windows
 * of any kind are summed alike. Neighbours in a row share the weights that are loaded.
 */
#include "kernels/conv/conv.h"
#include "kernels/conv/lanes.h"
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_abreast)(struct onr_kernels *kernels);

#if ONR_LANES > 4

/* Most outputs that are summed together: enough that no sum waits for itself. */
#    define MOST 7

/* Columns of windows whose rows are summed together; narrower ones gain nothing. */
#    define WIDE 5

/* Outputs from y on. The count is a constant where this is inlined, so that the sums are registers. */
ONR_INLINE void tile(const struct onr_conv_abreast *job, const float *x, float *y, size_t count)
{
    const size_t *offsets = job->offsets;
    const float *w = job->w;
    const size_t k = job->k;
    const size_t step = job->x_step;
    onr_lanes sum[MOST];
    ONR_UNROLL
    for (size_t i = 0; i < count; i++) {
        sum[i] = onr_load(job->bias);
    }
    for (size_t p = 0; p < k; p++, w += ONR_LANES) {
        onr_lanes weight = onr_load(w);
        const float *from = x + offsets[p];
        ONR_UNROLL
        for (size_t i = 0; i < count; i++) {
            sum[i] = onr_fused(weight, onr_load(from + i * step), sum[i]);
        }
    }
    ONR_UNROLL
    for (size_t i = 0; i < count; i++) {
        onr_store(y + i * ONR_LANES, sum[i]);
    }
}

/* The same where the taps of a row of the window are neighbours, as outputs are: what is loaded serves
 * all taps that see it. */
ONR_INLINE void tile_of_rows(const struct onr_conv_abreast *job, const float *x, float *y,
                             size_t count)
{
    const size_t *offsets = job->offsets;
    const float *w = job->w;
    const size_t k = job->k;
    onr_lanes sum[MOST];
    ONR_UNROLL
    for (size_t i = 0; i < count; i++) {
        sum[i] = onr_load(job->bias);
    }
    for (size_t p = 0; p < k; p += WIDE, w += WIDE * ONR_LANES) {
        const float *from = x + offsets[p];
        onr_lanes weight[WIDE];
        ONR_UNROLL
        for (size_t t = 0; t < WIDE; t++) {
            weight[t] = onr_load(w + t * ONR_LANES);
        }
        ONR_UNROLL
        for (size_t c = 0; c < count + WIDE - 1; c++) {
            onr_lanes in = onr_load(from + c * ONR_LANES);
            ONR_UNROLL
            for (size_t t = 0; t < WIDE; t++) {
                if (c >= t && c - t < count) {
                    sum[c - t] = onr_fused(weight[t], in, sum[c - t]);
                }
            }
        }
    }
    ONR_UNROLL
    for (size_t i = 0; i < count; i++) {
        onr_store(y + i * ONR_LANES, sum[i]);
    }
}

typedef void (*tile_fn)(const struct onr_conv_abreast *job, const float *x, float *y);

#    define TILE(count)                                                                            \
        static void tile_##count(const struct onr_conv_abreast *job, const float *x, float *y)     \
        {                                                                                          \
            if (job->wide == WIDE && (count) > 1) {                                                \
                tile_of_rows(job, x, y, count);                                                    \
            } else {                                                                               \
                tile(job, x, y, count);                                                            \
            }                                                                                      \
        }
TILE(1)
TILE(4)
TILE(7)

/* Outputs of a tile for rows of so many: as few as possible are done twice. */
static size_t choose_count(size_t count)
{
    size_t by_4 = (count + 3) / 4 * 4;
    size_t by_7 = (count + 6) / 7 * 7;
    return count < 4 ? 1 : count >= 7 && by_7 <= by_4 ? 7 : 4;
}

/* The last outputs of a row are done once more, with what is left. */
static void abreast(const struct onr_conv_abreast *job)
{
    size_t step = choose_count(job->count);
    tile_fn run = step == 7 ? tile_7 : step == 4 ? tile_4 : tile_1;
    for (size_t row = 0; row < job->rows; row++) {
        const float *x = job->x + row * job->x_line;
        float *y = job->y + row * job->count * ONR_LANES;
        for (size_t i = 0; i < job->count; i += step) {
            i = i + step <= job->count ? i : job->count - step;
            run(job, x + i * job->x_step, y + i * ONR_LANES);
        }
    }
}

#endif

void ONR_KERNEL(onr_fill_conv_abreast)(struct onr_kernels *kernels)
{
#if ONR_LANES > 4
    kernels->conv.abreast = abreast;
#else
    kernels->conv.abreast = NULL;
#endif
    kernels->conv.abreast_lanes = ONR_LANES;
}
