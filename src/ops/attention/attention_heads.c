/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of attention. */
#include "ops/attention/attention_heads.h"

#include "ops/common/axes.h"
#include "ops/common/float_io.h"

#include <string.h>

struct onr_head_strides onr_head_strides_of(const struct onr_shape *shape, int64_t heads)
{
    int64_t strides[ONR_MAX_RANK];
    onr_shape_strides(shape, strides);
    if (shape->rank == 4) {
        return (struct onr_head_strides){(size_t)strides[0], (size_t)strides[1],
                                         (size_t)strides[2]};
    }
    return (struct onr_head_strides){
        (size_t)strides[0], heads > 0 ? (size_t)(shape->dim[2] / heads) : 0, (size_t)strides[1]};
}

struct present_job {
    const struct onr_present *present;
    const char *past;
    const char *added;
    char *out;
};

static const char *row_of(const struct present_job *job, size_t b, size_t n, size_t j)
{
    const struct onr_present *p = job->present;
    size_t element = onr_dtype_size(p->dtype);
    if (j >= p->past && j < p->past + p->added) {
        return job->added + onr_head_offset(&p->strides, b, n, j - p->past) * element;
    }
    if (p->beam_of != NULL && j < p->past) {
        b = b - b % p->beams + (size_t)p->beam_of[b * p->beam_stride + j];
    }
    return job->past + onr_head_offset(&p->past_strides, b, n, j) * element;
}

/* Items are heads of a batch. */
static void write_heads(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct present_job *job = arg;
    const struct onr_present *p = job->present;
    size_t row_bytes = p->width * onr_dtype_size(p->dtype);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        char *out = job->out + item * p->rows * row_bytes;
        for (size_t j = 0; j < p->rows; j++, out += row_bytes) {
            memcpy(out, row_of(job, item / p->heads, item % p->heads, j), row_bytes);
        }
    }
}

void onr_present_write(const struct onr_present *present, const void *past, const void *added,
                       void *out, const struct onr_run_ctx *ctx)
{
    struct present_job job = {present, past, added, out};
    if (out != NULL && present->width > 0) {
        onr_parallel_for(ctx->parallel, present->batch * present->heads,
                         onr_grain(present->rows * present->width), write_heads, &job);
    }
}

struct bias_job {
    const struct onr_biased_heads *heads;
    const char *x;
    const char *bias;
    char *y;
    char *scratch;
};

/* Items are rows of a batch. */
static void add_bias(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct bias_job *job = arg;
    const struct onr_biased_heads *h = job->heads;
    float *head = (void *)(job->scratch + worker * h->worker_bytes);
    float *bias = head + h->width;
    for (size_t item = begin; item < end; item++) {
        size_t b = item / h->rows;
        size_t row = item % h->rows;
        for (size_t n = 0; n < h->heads; n++) {
            onr_float_gather(h->dtype, job->x, onr_head_offset(&h->strides, b, n, row), 1, h->width,
                             head);
            onr_float_gather(h->dtype, job->bias, h->first + n * h->width, 1, h->width, bias);
            for (size_t i = 0; i < h->width; i++) {
                head[i] += bias[i];
            }
            onr_float_scatter(h->dtype, head, (item * h->heads + n) * h->width, 1, h->width,
                              job->y);
        }
    }
}

void onr_biased_heads_write(const struct onr_biased_heads *heads, const void *x, const void *bias,
                            void *y, void *scratch, const struct onr_run_ctx *ctx)
{
    struct bias_job job = {heads, x, bias, y, scratch};
    onr_parallel_for(ctx->parallel, heads->batch * heads->rows,
                     onr_grain(heads->heads * heads->width), add_bias, &job);
}
