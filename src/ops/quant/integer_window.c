/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution of quantised planes as products: the inputs that a piece of a plane of y sees are
 * gathered as a matrix [channels and taps][outputs] of bytes, padding included, and multiplied with
 * the rows of the weights.
 */
#include "ops/quant/integer_window.h"

#include "base/size.h"
#include "ops/quant/integer_row.h"

#include <string.h>

/* Most outputs of a piece, and most bytes of its matrix where that is possible. */
#define WIDTH        256
#define MATRIX_BYTES 262144

enum onr_status onr_integer_conv_plan(struct onr_integer_conv *conv, struct onr_plan_ctx *ctx)
{
    const struct onr_window *w = &conv->window;
    conv->inputs = (size_t)(w->in[0] * w->in[1] * w->in[2]);
    conv->outputs = (size_t)(w->out[0] * w->out[1] * w->out[2]);
    size_t taps = (size_t)(w->kernel[0] * w->kernel[1] * w->kernel[2]);
    conv->k = conv->in_channels * taps;
    conv->width = conv->k < MATRIX_BYTES / WIDTH ? WIDTH : MATRIX_BYTES / (conv->k + 1) + 1;
    conv->width = conv->width < conv->outputs ? conv->width : conv->outputs;
    conv->pieces = conv->width > 0 ? (conv->outputs + conv->width - 1) / conv->width : 0;
    size_t bytes = 0;
    if (!onr_size_mul(conv->k, conv->width, &bytes) || bytes > ONR_SIZE_LIMIT / ONR_MAX_THREADS) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "windows of %zu inputs are too large", conv->k);
    }
    conv->worker_bytes = onr_size_align(conv->width * sizeof(int32_t), ONR_MEM_ALIGN) +
                         onr_size_align(bytes, ONR_MEM_ALIGN);
    ctx->workspace_bytes = conv->worker_bytes * ctx->thread_count;
    return ONR_OK;
}

struct conv_job {
    const struct onr_integer_conv *conv;
    const struct onr_integer_conv_operands *operands;
    const struct onr_quant_kernels *kernels;
    char *workspace;
};

/* Outputs [first, first + count) of one group of one item of the batch. */
struct piece {
    size_t batch, group;
    size_t first, count;
    uint8_t *matrix; /* [k][count] */
    int32_t *sums;   /* [count] */
};

/* Inputs that tap t[3] of a channel sees from the outputs of the piece. */
static void gather_tap(const struct onr_window *w, const struct piece *piece, const int64_t t[3],
                       const uint8_t *x, size_t step, uint8_t padding, uint8_t *row)
{
    int64_t o[3];
    o[2] = (int64_t)piece->first % w->out[2];
    o[1] = (int64_t)piece->first / w->out[2] % w->out[1];
    o[0] = (int64_t)piece->first / w->out[2] / w->out[1];
    for (size_t j = 0; j < piece->count; j++) {
        int64_t at = 0;
        bool is_inside = true;
        for (int d = 0; d < 3; d++) {
            int64_t i = o[d] * w->stride[d] - w->pad[d] + t[d] * w->dilation[d];
            is_inside = is_inside && i >= 0 && i < w->in[d];
            at = is_inside ? at * w->in[d] + i : 0;
        }
        row[j] = is_inside ? x[(size_t)at * step] : padding;
        for (int d = 2; d >= 0 && ++o[d] == w->out[d] && d > 0; d--) {
            o[d] = 0;
        }
    }
}

static void gather(const struct conv_job *job, const struct piece *piece)
{
    const struct onr_integer_conv *c = job->conv;
    const struct onr_window *w = &c->window;
    size_t channels = c->groups * c->in_channels;
    size_t channel_step = c->is_channels_last ? 1 : c->inputs;
    size_t step = c->is_channels_last ? channels : 1;
    uint8_t padding = job->operands->x_zero != NULL ? *(const uint8_t *)job->operands->x_zero : 0;
    uint8_t *row = piece->matrix;
    for (size_t i = 0; i < c->in_channels; i++) {
        size_t channel = piece->group * c->in_channels + i;
        size_t first = piece->batch * channels * c->inputs + channel * channel_step;
        const uint8_t *x = c->inputs > 0 ? job->operands->x + first : NULL;
        int64_t t[3];
        for (t[0] = 0; t[0] < w->kernel[0]; t[0]++) {
            for (t[1] = 0; t[1] < w->kernel[1]; t[1]++) {
                for (t[2] = 0; t[2] < w->kernel[2]; t[2]++) {
                    gather_tap(w, piece, t, x, step, padding, row);
                    row += piece->count;
                }
            }
        }
    }
}

/* s[m,o] in piece->sums. */
static void sum_channel(const struct conv_job *job, const struct piece *piece, size_t m)
{
    const struct onr_integer_conv *c = job->conv;
    const struct onr_integer_conv_operands *in = job->operands;
    struct onr_integer_factors factors = {
        .k = c->k,
        .n = piece->count,
        .a = c->k > 0 ? in->w + m * c->k : NULL,
        .a_step = 1,
        .is_a_signed = c->w_dtype == ONR_INT8,
        .a_zero = onr_byte_at(in->w_zero, c->has_w_zeros ? m : 0, c->w_dtype == ONR_INT8),
        .b = piece->matrix,
        .b_stride = piece->count,
        .is_b_signed = c->x_dtype == ONR_INT8,
    };
    uint32_t sum = onr_integer_row(job->kernels, &factors, piece->sums);
    uint32_t x_zero = (uint32_t)onr_byte_at(in->x_zero, 0, c->x_dtype == ONR_INT8);
    uint32_t base = (in->bias != NULL ? (uint32_t)in->bias[m] : 0) - sum * x_zero;
    for (size_t j = 0; j < piece->count; j++) {
        piece->sums[j] = (int32_t)((uint32_t)piece->sums[j] + base);
    }
}

static void store_channel(const struct conv_job *job, const struct piece *piece, size_t m)
{
    const struct onr_integer_conv *c = job->conv;
    const struct onr_integer_conv_operands *in = job->operands;
    size_t channels = c->groups * c->out_channels;
    size_t step = c->is_channels_last ? channels : 1;
    size_t at = piece->batch * channels * c->outputs +
                (c->is_channels_last ? piece->first * channels + m : m * c->outputs + piece->first);
    if (c->y_dtype == ONR_INT32) {
        int32_t *y = (int32_t *)in->y + at;
        for (size_t j = 0; j < piece->count; j++) {
            y[j * step] = piece->sums[j];
        }
        return;
    }
    float scale = in->x_scale[0] * in->w_scale[c->has_w_scales ? m : 0] / in->y_scale[0];
    struct onr_byte_range range = onr_byte_range(c->y_dtype, in->y_zero, 0);
    float values[ONR_SCALE_CHUNK];
    for (size_t first = 0; first < piece->count; first += ONR_SCALE_CHUNK) {
        size_t rest = piece->count - first;
        size_t count = rest < ONR_SCALE_CHUNK ? rest : ONR_SCALE_CHUNK;
        for (size_t j = 0; j < count; j++) {
            values[j] = (float)piece->sums[first + j] * scale;
        }
        onr_bytes_from_floats(job->kernels, count, values, &range,
                              (uint8_t *)in->y + at + first * step, step);
    }
}

/* Items are pieces: of a plane, of a group, of the batch. */
static void make_pieces(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct conv_job *job = arg;
    const struct onr_integer_conv *c = job->conv;
    char *scratch = job->workspace + worker * c->worker_bytes;
    size_t sums_bytes = onr_size_align(c->width * sizeof(int32_t), ONR_MEM_ALIGN);
    for (size_t item = begin; item < end; item++) {
        struct piece piece = {.batch = item / c->pieces / c->groups,
                              .group = item / c->pieces % c->groups,
                              .first = item % c->pieces * c->width,
                              .matrix = (uint8_t *)scratch + sums_bytes,
                              .sums = (int32_t *)(void *)scratch};
        size_t rest = c->outputs - piece.first;
        piece.count = rest < c->width ? rest : c->width;
        gather(job, &piece);
        for (size_t i = 0; i < c->out_channels; i++) {
            sum_channel(job, &piece, piece.group * c->out_channels + i);
            store_channel(job, &piece, piece.group * c->out_channels + i);
        }
    }
}

void onr_integer_conv_run(const struct onr_integer_conv *conv,
                          const struct onr_integer_conv_operands *operands,
                          const struct onr_run_ctx *ctx)
{
    struct conv_job job = {.conv = conv,
                           .operands = operands,
                           .kernels = &ctx->kernels->quant,
                           .workspace = ctx->workspace};
    size_t items = conv->batch * conv->groups * conv->pieces;
    size_t work = conv->width * (conv->k + 1) * (conv->out_channels + 1);
    onr_parallel_for(ctx->parallel, items, 16384 / (work + 1) + 1, make_pieces, &job);
}
