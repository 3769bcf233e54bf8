/* SPDX-License-Identifier: Apache-2.0 */
/* Poolings in portable C: for each output, the taps that fall on the plane. */
#include "kernels/pool/pool.h"

#include "base/half.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/pool/taps.h"

#include <math.h>

void ONR_KERNEL(onr_fill_pool)(struct onr_kernels *kernels);

/* The taps on the plane of output number `output`. */
static struct onr_taps find_taps(const struct onr_window *w, int64_t output)
{
    int64_t row = output / w->out[2];
    return onr_find_taps(w, row / w->out[1], row % w->out[1], output % w->out[2]);
}

/* What an average is divided by. */
static double count_positions(const struct onr_window *w, bool counts_padding, int64_t output,
                              const struct onr_taps *view)
{
    int64_t o[3] = {output / w->out[2] / w->out[1], output / w->out[2] % w->out[1],
                    output % w->out[2]};
    double count = 1.0;
    for (int d = 0; d < 3; d++) {
        int64_t first;
        int64_t taps = counts_padding
                           ? onr_tap_range(w, d, o[d], -w->pad[d], w->in[d] + w->pad_end[d], &first)
                           : view->count[d];
        count *= (double)taps;
    }
    return count;
}

/* Runs the body with `at` = each position of the view, in order. */
#define FOR_EACH_POSITION(w, view, at, body)                                                       \
    for (int64_t a_ = 0; a_ < (view).count[0]; a_++) {                                             \
        for (int64_t b_ = 0; b_ < (view).count[1]; b_++) {                                         \
            for (int64_t c_ = 0; c_ < (view).count[2]; c_++) {                                     \
                int64_t at = onr_tap_position(w, &(view), a_, b_, c_);                             \
                body                                                                               \
            }                                                                                      \
        }                                                                                          \
    }

static double power(double x, double p)
{
    if (p == 1.0) {
        return fabs(x);
    }
    return p == 2.0 ? x * x : pow(fabs(x), p);
}

static double root(double x, double p)
{
    if (p == 1.0) {
        return x;
    }
    return p == 2.0 ? sqrt(x) : pow(x, 1.0 / p);
}

#define DEFINE_MAX_POOL(name, type, number, load, store, lowest)                                   \
    static void max_##name(const struct onr_window *w, const void *x, void *y, int64_t *index)     \
    {                                                                                              \
        const type *in = x;                                                                        \
        type *out = y;                                                                             \
        int64_t outputs = w->out[0] * w->out[1] * w->out[2];                                       \
        for (int64_t o = 0; o < outputs; o++) {                                                    \
            struct onr_taps view = find_taps(w, o);                                                \
            number best = (lowest);                                                                \
            int64_t found = -1;                                                                    \
            FOR_EACH_POSITION(w, view, at, {                                                       \
                number value = load(in[at]);                                                       \
                if (found < 0 || value > best || (value != value && best == best)) {               \
                    best = value;                                                                  \
                    found = at;                                                                    \
                }                                                                                  \
            })                                                                                     \
            out[o] = (type)store(best);                                                            \
            if (index != NULL) {                                                                   \
                index[o] = found < 0 ? 0 : found;                                                  \
            }                                                                                      \
        }                                                                                          \
    }

#define DEFINE_AVERAGE_POOL(name, type, load, store)                                               \
    static void average_##name(const struct onr_window *w, bool counts_padding, const void *x,     \
                               void *y)                                                            \
    {                                                                                              \
        const type *in = x;                                                                        \
        type *out = y;                                                                             \
        int64_t outputs = w->out[0] * w->out[1] * w->out[2];                                       \
        for (int64_t o = 0; o < outputs; o++) {                                                    \
            struct onr_taps view = find_taps(w, o);                                                \
            double sum = 0.0;                                                                      \
            double count = count_positions(w, counts_padding, o, &view);                           \
            FOR_EACH_POSITION(w, view, at, { sum += (double)load(in[at]); })                       \
            out[o] = store(count > 0.0 ? sum / count : 0.0);                                       \
        }                                                                                          \
    }

#define DEFINE_LP_POOL(name, type, load, store)                                                    \
    static void lp_##name(const struct onr_window *w, double p, const void *x, void *y)            \
    {                                                                                              \
        const type *in = x;                                                                        \
        type *out = y;                                                                             \
        int64_t outputs = w->out[0] * w->out[1] * w->out[2];                                       \
        for (int64_t o = 0; o < outputs; o++) {                                                    \
            struct onr_taps view = find_taps(w, o);                                                \
            double sum = 0.0;                                                                      \
            FOR_EACH_POSITION(w, view, at, { sum += power((double)load(in[at]), p); })             \
            out[o] = store(root(sum, p));                                                          \
        }                                                                                          \
    }

#define SAME(x)        (x)
#define TO_FLOAT(x)    ((float)(x))
#define TO_HALF(x)     onr_float_to_half((float)(x))
#define TO_BFLOAT16(x) onr_float_to_bfloat16((float)(x))

DEFINE_MAX_POOL(f32, float, float, SAME, SAME, -INFINITY)
DEFINE_MAX_POOL(f64, double, double, SAME, SAME, (double)-INFINITY)
DEFINE_MAX_POOL(f16, uint16_t, float, onr_half_to_float, onr_float_to_half, -INFINITY)
DEFINE_MAX_POOL(bf16, uint16_t, float, onr_bfloat16_to_float, onr_float_to_bfloat16, -INFINITY)
DEFINE_MAX_POOL(i8, int8_t, int, SAME, SAME, INT8_MIN)
DEFINE_MAX_POOL(u8, uint8_t, int, SAME, SAME, 0)

DEFINE_AVERAGE_POOL(f64, double, SAME, SAME)
DEFINE_AVERAGE_POOL(f16, uint16_t, onr_half_to_float, TO_HALF)
DEFINE_AVERAGE_POOL(bf16, uint16_t, onr_bfloat16_to_float, TO_BFLOAT16)

DEFINE_LP_POOL(f32, float, SAME, TO_FLOAT)
DEFINE_LP_POOL(f64, double, SAME, SAME)
DEFINE_LP_POOL(f16, uint16_t, onr_half_to_float, TO_HALF)
DEFINE_LP_POOL(bf16, uint16_t, onr_bfloat16_to_float, TO_BFLOAT16)

void ONR_KERNEL(onr_fill_pool)(struct onr_kernels *kernels)
{
    struct onr_pool_kernels *pool = &kernels->pool;
    pool->max[ONR_FLOAT] = max_f32;
    pool->max[ONR_DOUBLE] = max_f64;
    pool->max[ONR_FLOAT16] = max_f16;
    pool->max[ONR_BFLOAT16] = max_bf16;
    pool->max[ONR_INT8] = max_i8;
    pool->max[ONR_UINT8] = max_u8;
    pool->average[ONR_DOUBLE] = average_f64;
    pool->average[ONR_FLOAT16] = average_f16;
    pool->average[ONR_BFLOAT16] = average_bf16;
    pool->lp[ONR_FLOAT] = lp_f32;
    pool->lp[ONR_DOUBLE] = lp_f64;
    pool->lp[ONR_FLOAT16] = lp_f16;
    pool->lp[ONR_BFLOAT16] = lp_bf16;
}
