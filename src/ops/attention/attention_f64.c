/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in double, one query at a time; for float64 and for a softmax that is asked for in
 * float64. */
#include "ops/attention/attention_core.h"
#include "ops/common/float_io.h"

#include <math.h>
#include <string.h>

struct row_scratch {
    double *scores; /* [keys] */
    double *q;      /* [head] */
    double *k;      /* [head] */
    double *v;      /* [v_head] */
    double *y;      /* [v_head] */
};

/* Row j of k or v, which lies in past or in the new part. */
static void read_row(enum onr_dtype dtype, const struct onr_head_strides *past_strides,
                     const void *past, size_t past_count, const struct onr_head_strides *strides,
                     const void *data, size_t b, size_t kv, size_t j, size_t width, double *row)
{
    if (j < past_count) {
        onr_double_gather(dtype, past, onr_head_offset(past_strides, b, kv, j), 1, width, row);
    } else {
        onr_double_gather(dtype, data, onr_head_offset(strides, b, kv, j - past_count), 1, width,
                          row);
    }
}

static void emit(const struct onr_attention *a, const struct onr_attention_data *d, size_t b,
                 size_t n, size_t i, enum onr_scores_output stage, const double *scores)
{
    if (a->scores_output == stage && d->scores != NULL) {
        onr_double_scatter(a->scores_dtype, scores,
                           onr_head_offset(&a->scores, b, n, i - d->scores_from), 1, a->keys,
                           d->scores);
    }
}

static void compute_scores(const struct onr_attention *a, const struct onr_attention_data *d,
                           size_t b, size_t n, size_t i, const struct row_scratch *s)
{
    size_t kv = n / (a->heads / a->kv_heads);
    onr_double_gather(a->q_dtype, d->q, onr_head_offset(&a->q, b, n, i), 1, a->head, s->q);
    for (size_t j = 0; j < a->keys; j++) {
        double sum = 0;
        read_row(a->k_dtype, &a->past_k, d->past_k, a->past, &a->k, d->k, b, kv, j, a->head, s->k);
        for (size_t h = 0; h < a->head; h++) {
            sum += s->q[h] * s->k[h];
        }
        s->scores[j] = sum * a->scale;
    }
}

/* Softcap and masks; keys that are not seen get -inf. */
static void bias_scores(const struct onr_attention *a, const struct onr_attention_data *d, size_t b,
                        size_t n, size_t i, double *scores)
{
    struct onr_key_range seen = onr_attention_range(a, d, b, i);
    emit(a, d, b, n, i, ONR_SCORES_RAW, scores);
    for (size_t j = 0; j < a->keys && a->softcap > 0; j++) {
        scores[j] = a->softcap * tanh(scores[j] / a->softcap);
    }
    emit(a, d, b, n, i, ONR_SCORES_CAPPED, scores);
    for (size_t j = 0; j < a->keys; j++) {
        for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
            struct onr_attention_mask mask = a->masks[m];
            if (mask.dtype != ONR_UNDEFINED) {
                size_t first = onr_mask_row(&mask, d, b, n, i);
                scores[j] = onr_attention_masked(&mask, d->masks[m], first, j, scores[j]);
            }
        }
        if (j < seen.begin || j >= seen.end) {
            scores[j] = a->hidden;
        }
    }
    emit(a, d, b, n, i, ONR_SCORES_MASKED, scores);
    for (size_t j = 0; j < a->keys; j++) {
        if (j < seen.begin || j >= seen.end) {
            scores[j] = (double)-INFINITY;
        }
    }
}

static void softmax(const struct onr_attention *a, const float *sink, double *scores)
{
    double max = sink != NULL ? (double)*sink : (double)-INFINITY;
    double empty = a->empty_is_nan ? (double)NAN : 0;
    double sum = 0;
    for (size_t j = 0; j < a->keys; j++) {
        max = scores[j] > max || scores[j] != scores[j] ? scores[j] : max;
    }
    for (size_t j = 0; j < a->keys; j++) {
        scores[j] = max == (double)-INFINITY ? empty : exp(scores[j] - max);
        sum += scores[j];
    }
    sum += sink != NULL && max != (double)-INFINITY ? exp((double)*sink - max) : 0;
    for (size_t j = 0; j < a->keys && sum != 0; j++) {
        scores[j] /= sum;
    }
}

static void compute_values(const struct onr_attention *a, const struct onr_attention_data *d,
                           size_t b, size_t n, size_t i, const struct row_scratch *s)
{
    size_t kv = n / (a->heads / a->kv_heads);
    memset(s->y, 0, a->v_head * sizeof(double));
    for (size_t j = 0; j < a->keys; j++) {
        if (s->scores[j] == 0) {
            continue;
        }
        read_row(a->v_dtype, &a->past_v, d->past_v, a->past, &a->v, d->v, b, kv, j, a->v_head,
                 s->v);
        for (size_t h = 0; h < a->v_head; h++) {
            s->y[h] += s->scores[j] * s->v[h];
        }
    }
    onr_double_scatter(a->y_dtype, s->y, onr_head_offset(&a->y, b, n, i), 1, a->v_head, d->y);
}

void onr_attention_rows_f64(const struct onr_attention *attention,
                            const struct onr_attention_data *data, size_t b, size_t n, size_t begin,
                            size_t end, double *scratch)
{
    struct row_scratch s = {.scores = scratch};
    s.q = s.scores + attention->keys;
    s.k = s.q + attention->head;
    s.v = s.k + attention->head;
    s.y = s.v + attention->v_head;
    for (size_t i = begin; i < end; i++) {
        compute_scores(attention, data, b, n, i, &s);
        bias_scores(attention, data, b, n, i, s.scores);
        softmax(attention, data->sinks != NULL ? data->sinks + n : NULL, s.scores);
        emit(attention, data, b, n, i, ONR_SCORES_SOFTMAX, s.scores);
        if (data->y != NULL) {
            compute_values(attention, data, b, n, i, &s);
        }
    }
}
