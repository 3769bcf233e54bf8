/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deformable convolution as products: a worker gathers what all taps of all channels read at a block
 * of points, and multiplies these columns with the weights of each group.
 */
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/conv/deform_conv.h"
#include "ops/image/real_io.h"

#include <string.h>

struct onr_gemm_f32_job onr_deform_product(const struct onr_deform *deform, size_t count)
{
    return (struct onr_gemm_f32_job){
        .kernel = deform->kernel,
        .m = deform->out_channels,
        .n = count,
        .k = deform->k,
        .a = {NULL, deform->dtype, deform->k, 1},
        .b = {NULL, ONR_FLOAT, deform->points, 1},
        .c_stride = onr_deform_is_half(deform) ? deform->points : deform->outputs,
        .scale = 1.0f,
    };
}

struct job {
    const struct onr_deform *deform;
    const struct onr_kernels *kernels;
    const struct onr_tensor *w;
    const struct onr_tensor *offset;
    const struct onr_tensor *mask; /* or NULL */
    const struct onr_tensor *y;
    const void *x; /* as numbers of type real */
    const void *b; /* likewise, or NULL */
    char *workspace;
};

/* A block of points of one image. */
struct block {
    size_t image, first, count;
    char *scratch;
};

/* Where the points are without kernel and offset: base[d * points + i]. */
static void find_base(const struct onr_deform *deform, const struct block *block)
{
    double *base = (double *)(void *)(block->scratch + deform->base_at);
    for (size_t i = 0; i < block->count; i++) {
        size_t rest = block->first + i;
        for (int d = deform->spatial.rank - 1; d >= 0; d--) {
            int64_t o = (int64_t)(rest % (size_t)deform->out[d]);
            rest /= (size_t)deform->out[d];
            base[(size_t)d * deform->points + i] =
                (double)(o * deform->spatial.stride[d] - deform->spatial.pad[d]);
        }
    }
}

/* Sets the places that tap t reads in an offset group. */
static void find_places(const struct job *job, const struct block *block, size_t group, size_t tap)
{
    const struct onr_deform *deform = job->deform;
    const double *base = (const double *)(const void *)(block->scratch + deform->base_at);
    size_t rank = (size_t)deform->spatial.rank;
    size_t row = ((block->image * deform->offset_groups + group) * deform->taps + tap) * rank;
    size_t rest = tap;
    for (size_t d = rank; d-- > 0;) {
        double *place = onr_sampler_places(&deform->sampler, block->scratch, (int)d);
        int64_t t = (int64_t)(rest % (size_t)deform->spatial.kernel[d]);
        rest /= (size_t)deform->spatial.kernel[d];
        double shift = (double)(t * deform->spatial.dilation[d]);
        onr_double_gather(deform->dtype, job->offset->data,
                          (row + d) * deform->outputs + block->first, 1, block->count, place);
        for (size_t i = 0; i < block->count; i++) {
            place[i] += base[d * deform->points + i] + shift;
        }
    }
    onr_sampler_turn(&deform->sampler, block->count, block->scratch);
}

/* Fills the columns: row channel * taps + tap has what that tap reads at each point. */
static void gather(const struct job *job, const struct block *block)
{
    const struct onr_deform *deform = job->deform;
    size_t bytes = onr_dtype_size(deform->real);
    size_t share = deform->channels / deform->offset_groups;
    char *columns = block->scratch + deform->columns_at;
    double *factor = (double *)(void *)(block->scratch + deform->factor_at);
    if (deform->inputs == 0) {
        memset(columns, 0, deform->channels * deform->taps * deform->points * bytes);
        return;
    }
    find_base(deform, block);
    for (size_t item = 0; item < deform->offset_groups * deform->taps && share > 0; item++) {
        size_t group = item / deform->taps;
        size_t tap = item % deform->taps;
        find_places(job, block, group, tap);
        if (job->mask != NULL) {
            size_t row = (block->image * deform->offset_groups + group) * deform->taps + tap;
            onr_double_gather(deform->dtype, job->mask->data, row * deform->outputs + block->first,
                              1, block->count, factor);
        }
        for (size_t c = group * share; c < (group + 1) * share; c++) {
            size_t plane = block->image * deform->channels + c;
            onr_sampler_sample(
                &deform->sampler, job->kernels, block->count, job->mask != NULL ? factor : NULL,
                c > group * share, (const char *)job->x + plane * deform->inputs * bytes,
                columns + (c * deform->taps + tap) * deform->points * bytes, block->scratch);
        }
    }
}

static void multiply_f64(const struct job *job, const struct block *block, size_t group, size_t at)
{
    const struct onr_deform *deform = job->deform;
    double *y = (double *)job->y->data + at;
    const double *columns = (const double *)(const void *)(block->scratch + deform->columns_at);
    struct onr_contract product = {
        .m = deform->out_channels,
        .n = block->count,
        .k = deform->k,
        .a = (const double *)job->w->data + group * deform->out_channels * deform->k,
        .a_row_stride = deform->k,
        .a_column_stride = 1,
        .b = columns + group * deform->k * deform->points,
        .b_row_stride = deform->points,
        .b_column_stride = 1,
        .c = y,
        .c_stride = deform->outputs,
    };
    job->kernels->contract.f64(&product);
    for (size_t m = 0; m < deform->out_channels && job->b != NULL; m++) {
        double b = ((const double *)job->b)[group * deform->out_channels + m];
        for (size_t i = 0; i < block->count; i++) {
            y[m * deform->outputs + i] += b;
        }
    }
}

static void multiply_f32(const struct job *job, const struct block *block, size_t group, size_t at)
{
    const struct onr_deform *deform = job->deform;
    const float *columns = (const float *)(const void *)(block->scratch + deform->columns_at);
    size_t row = group * deform->out_channels;
    struct onr_gemm_f32_job product = onr_deform_product(deform, block->count);
    product.a.data = (const char *)job->w->data + row * deform->k * onr_dtype_size(deform->dtype);
    product.b.data = columns + group * deform->k * deform->points;
    product.row_bias = job->b != NULL ? (const float *)job->b + row : NULL;
    product.c = onr_deform_is_half(deform) ? (float *)(void *)(block->scratch + deform->tile_at)
                                           : (float *)job->y->data + at;
    onr_gemm_f32_run(&product, 0, deform->out_channels, 0,
                     onr_gemm_f32_panels(deform->kernel, block->count),
                     block->scratch + deform->gemm_at);
    for (size_t m = 0; m < deform->out_channels && onr_deform_is_half(deform); m++) {
        onr_float_write(deform->dtype, product.c + m * deform->points, at + m * deform->outputs,
                        block->count, job->y->data);
    }
}

static void deform_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct onr_deform *deform = job->deform;
    for (size_t item = begin; item < end; item++) {
        struct block block = {.image = item / deform->blocks,
                              .first = item % deform->blocks * deform->points,
                              .scratch = job->workspace + deform->worker_at +
                                         worker * deform->worker_bytes};
        size_t rest = deform->outputs - block.first;
        block.count = rest < deform->points ? rest : deform->points;
        gather(job, &block);
        for (size_t group = 0; group < deform->groups; group++) {
            size_t plane = (block.image * deform->groups + group) * deform->out_channels;
            size_t at = plane * deform->outputs + block.first;
            if (deform->real == ONR_DOUBLE) {
                multiply_f64(job, &block, group, at);
            } else {
                multiply_f32(job, &block, group, at);
            }
        }
    }
}

static const struct onr_tensor *optional_input(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->input_count ? ctx->inputs[index] : NULL;
}

enum onr_status onr_deform_run(struct onr_run_ctx *ctx)
{
    const struct onr_deform *deform = ctx->plan;
    const struct onr_tensor *x = ctx->inputs[ONR_DEFORM_X];
    const struct onr_tensor *b = optional_input(ctx, ONR_DEFORM_B);
    char *workspace = ctx->workspace;
    struct job job = {.deform = deform,
                      .kernels = ctx->kernels,
                      .w = ctx->inputs[ONR_DEFORM_W],
                      .offset = ctx->inputs[ONR_DEFORM_OFFSET],
                      .mask = optional_input(ctx, ONR_DEFORM_MASK),
                      .y = ctx->outputs[0],
                      .x = x->data,
                      .b = b != NULL ? b->data : NULL,
                      .workspace = workspace};
    if (onr_tensor_count(job.y) == 0) {
        return ONR_OK;
    }
    if (onr_deform_is_half(deform)) {
        size_t count = (size_t)onr_tensor_count(x);
        job.x =
            onr_real_read(ctx->kernels, deform->dtype, x->data, 0, count, workspace + deform->x_at);
        if (b != NULL) {
            job.b = onr_real_read(ctx->kernels, deform->dtype, b->data, 0,
                                  (size_t)onr_tensor_count(b), workspace + deform->bias_at);
        }
    }
    size_t work =
        deform->points * (deform->k * deform->out_channels + deform->channels) * deform->taps;
    onr_parallel_for(ctx->parallel, deform->batch * deform->blocks, onr_grain(work), deform_range,
                     &job);
    return ONR_OK;
}
