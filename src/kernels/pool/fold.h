/* SPDX-License-Identifier: Apache-2.0 */
/* Inside pooling: elements at several taps become one, for many outputs at once. */
#ifndef ONR_KERNELS_POOL_FOLD_H
#define ONR_KERNELS_POOL_FOLD_H

#include "kernels/conv/lanes.h"
#include "kernels/gemm/gemm_unroll.h"

#include <stdbool.h>
#include <stdint.h>

/* The larger; NaN when one is. */
static inline float onr_larger_or_nan(float a, float b)
{
    return a > b || a != a ? a : b;
}

/* y[i] = op of y[i] (unless this is the first group) and element i * stride of n taps, i < count; with
 * a scale, times scale[i] * row_scale. */
struct onr_fold_group {
    const float *tap[3];
    int64_t n, stride, count;
    bool is_first;
    const float *scale; /* or NULL */
    float row_scale;
    float *y;
};

enum onr_fold_op {
    ONR_FOLD_MAX, /* of numbers */
    ONR_FOLD_MAX_OR_NAN,
    ONR_FOLD_SUM,
};

/* Any group, one output after another. */
ONR_INLINE void onr_fold_any(const struct onr_fold_group *g, enum onr_fold_op op)
{
    for (int64_t i = 0; i < g->count; i++) {
        float v = g->is_first ? g->tap[0][i * g->stride] : g->y[i];
        for (int64_t t = g->is_first ? 1 : 0; t < g->n; t++) {
            float next = g->tap[t][i * g->stride];
            v = op == ONR_FOLD_SUM ? v + next : onr_larger_or_nan(v, next);
        }
        g->y[i] = g->scale != NULL ? v * (g->scale[i] * g->row_scale) : v;
    }
}

/* Outputs [i, i + ONR_LANES) of a first group of two or three taps. All but g and i are constants
 * where this is inlined. */
ONR_INLINE void onr_fold_lanes(const struct onr_fold_group *g, enum onr_fold_op op, int64_t n,
                               int64_t stride, int64_t i)
{
    onr_lanes tap[3];
    ONR_UNROLL
    for (int64_t t = 0; t < n; t++) {
        const float *x = g->tap[t] + i * stride;
        tap[t] = stride == 2 ? onr_load_even(x) : onr_load(x);
    }
    onr_lanes v = op == ONR_FOLD_SUM ? tap[0] + tap[1] : onr_larger(tap[0], tap[1]);
    if (n == 3) {
        v = op == ONR_FOLD_SUM ? v + tap[2] : onr_larger(v, tap[2]);
    }
    if (op == ONR_FOLD_SUM && g->scale != NULL) {
        v *= onr_load(g->scale + i) * g->row_scale;
    }
    onr_store(g->y + i, v);
}

/* What is left behind whole vectors is done with the vector that ends there. */
ONR_INLINE void onr_fold_vectors(const struct onr_fold_group *g, enum onr_fold_op op, int64_t n,
                                 int64_t stride)
{
    const struct onr_fold_group own = *g; /* which what is stored cannot change */
    int64_t i = 0;
    for (; i + ONR_LANES <= own.count; i += ONR_LANES) {
        onr_fold_lanes(&own, op, n, stride, i);
    }
    if (i < own.count) {
        onr_fold_lanes(&own, op, n, stride, own.count - ONR_LANES);
    }
}

/* Groups of two or three taps with strides of 1 and 2, which are most, have loops of their own. */
ONR_INLINE void onr_fold_inline(const struct onr_fold_group *g, enum onr_fold_op op)
{
    if (!g->is_first || g->n < 2 || g->stride > 2 || g->count < ONR_LANES) {
        onr_fold_any(g, op);
    } else if (g->n == 2 && g->stride == 1) {
        onr_fold_vectors(g, op, 2, 1);
    } else if (g->n == 2) {
        onr_fold_vectors(g, op, 2, 2);
    } else if (g->stride == 1) {
        onr_fold_vectors(g, op, 3, 1);
    } else {
        onr_fold_vectors(g, op, 3, 2);
    }
}

static void onr_fold_max(const struct onr_fold_group *g)
{
    onr_fold_inline(g, ONR_FOLD_MAX);
}

/* Planes with a NaN are few. */
static void onr_fold_max_or_nan(const struct onr_fold_group *g)
{
    onr_fold_any(g, ONR_FOLD_MAX_OR_NAN);
}

static void onr_fold_sum(const struct onr_fold_group *g)
{
    onr_fold_inline(g, ONR_FOLD_SUM);
}

#endif
