/* SPDX-License-Identifier: Apache-2.0 */
/* Poolings in portable C: for each output, the taps that fall on the plane. */
#include "kernels/pool/pool.h"

#include "base/half.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <math.h>

void ONR_KERNEL(onr_fill_pool)(struct onr_kernels *kernels);

/* The inputs that one output sees: first, first + step, ... (count of them) in each dimension. */
struct view {
    int64_t first[3];
    int64_t count[3];
};

/* Taps of output o in dimension d whose input lies in [low, high). */
static int64_t tap_range(const struct onr_window *w, int d, int64_t o, int64_t low, int64_t high,
                         int64_t *first)
{
    int64_t start = o * w->stride[d] - w->pad[d];
    int64_t begin = start >= low ? 0 : (low - start + w->dilation[d] - 1) / w->dilation[d];
    int64_t end = start >= high ? 0 : (high - 1 - start) / w->dilation[d] + 1;
    end = end < w->kernel[d] ? end : w->kernel[d];
    *first = start + begin * w->dilation[d];
    return end > begin ? end - begin : 0;
}

static struct view find_view(const struct onr_window *w, int64_t output)
{
    struct view view;
    int64_t o[3] = {output / w->out[2] / w->out[1], output / w->out[2] % w->out[1],
                    output % w->out[2]};
    for (int d = 0; d < 3; d++) {
        view.count[d] = tap_range(w, d, o[d], 0, w->in[d], &view.first[d]);
    }
    return view;
}

/* What an average is divided by. */
static double count_positions(const struct onr_window *w, bool counts_padding, int64_t output,
                              const struct view *view)
{
    int64_t o[3] = {output / w->out[2] / w->out[1], output / w->out[2] % w->out[1],
                    output % w->out[2]};
    double count = 1.0;
    for (int d = 0; d < 3; d++) {
        int64_t first;
        int64_t taps = counts_padding
                           ? tap_range(w, d, o[d], -w->pad[d], w->in[d] + w->pad_end[d], &first)
                           : view->count[d];
        count *= (double)taps;
    }
    return count;
}

/* Element of x at the given tap of a view. */
static int64_t position(const struct onr_window *w, const struct view *view, int64_t a, int64_t b,
                        int64_t c)
{
    int64_t z = view->first[0] + a * w->dilation[0];
    int64_t y = view->first[1] + b * w->dilation[1];
    return (z * w->in[1] + y) * w->in[2] + view->first[2] + c * w->dilation[2];
}

/* Runs the body with `at` = each position of the view, in order. */
#define FOR_EACH_POSITION(w, view, at, body)                                                       \
    for (int64_t a_ = 0; a_ < (view).count[0]; a_++) {                                             \
        for (int64_t b_ = 0; b_ < (view).count[1]; b_++) {                                         \
            for (int64_t c_ = 0; c_ < (view).count[2]; c_++) {                                     \
                int64_t at = position(w, &(view), a_, b_, c_);                                     \
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
            struct view view = find_view(w, o);                                                    \
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

#define DEFINE_SUM_POOLS(name, type, load, store)                                                  \
    static void average_##name(const struct onr_window *w, bool counts_padding, const void *x,     \
                               void *y)                                                            \
    {                                                                                              \
        const type *in = x;                                                                        \
        type *out = y;                                                                             \
        int64_t outputs = w->out[0] * w->out[1] * w->out[2];                                       \
        for (int64_t o = 0; o < outputs; o++) {                                                    \
            struct view view = find_view(w, o);                                                    \
            double sum = 0.0;                                                                      \
            double count = count_positions(w, counts_padding, o, &view);                           \
            FOR_EACH_POSITION(w, view, at, { sum += (double)load(in[at]); })                       \
            out[o] = store(count > 0.0 ? sum / count : 0.0);                                       \
        }                                                                                          \
    }                                                                                              \
    static void lp_##name(const struct onr_window *w, double p, const void *x, void *y)            \
    {                                                                                              \
        const type *in = x;                                                                        \
        type *out = y;                                                                             \
        int64_t outputs = w->out[0] * w->out[1] * w->out[2];                                       \
        for (int64_t o = 0; o < outputs; o++) {                                                    \
            struct view view = find_view(w, o);                                                    \
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

DEFINE_SUM_POOLS(f32, float, SAME, TO_FLOAT)
DEFINE_SUM_POOLS(f64, double, SAME, SAME)
DEFINE_SUM_POOLS(f16, uint16_t, onr_half_to_float, TO_HALF)
DEFINE_SUM_POOLS(bf16, uint16_t, onr_bfloat16_to_float, TO_BFLOAT16)

void ONR_KERNEL(onr_fill_pool)(struct onr_kernels *kernels)
{
    kernels->pool = (struct onr_pool_kernels){
        .max = {[ONR_FLOAT] = max_f32,
                [ONR_DOUBLE] = max_f64,
                [ONR_FLOAT16] = max_f16,
                [ONR_BFLOAT16] = max_bf16,
                [ONR_INT8] = max_i8,
                [ONR_UINT8] = max_u8},
        .average = {[ONR_FLOAT] = average_f32,
                    [ONR_DOUBLE] = average_f64,
                    [ONR_FLOAT16] = average_f16,
                    [ONR_BFLOAT16] = average_bf16},
        .lp = {[ONR_FLOAT] = lp_f32,
               [ONR_DOUBLE] = lp_f64,
               [ONR_FLOAT16] = lp_f16,
               [ONR_BFLOAT16] = lp_bf16},
    };
}
