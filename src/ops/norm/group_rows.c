/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation of groups of channels. */
#include "ops/norm/group_rows.h"

#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

/* A group whose numbers do not stand side by side, or that is added up, is computed in scratch. */
static bool is_gathered(const struct onr_group_norm *norm)
{
    return norm->is_channels_last || norm->skip != ONR_GROUP_NO_SKIP;
}

enum onr_status onr_group_norm_plan(struct onr_group_norm *norm, struct onr_plan_ctx *ctx)
{
    struct onr_workspace worker = {0};
    struct onr_workspace space = {0};
    size_t channels = norm->group_channels + 1; /* and a row of skip */
    if (norm->dtype != ONR_DOUBLE && (norm->dtype != ONR_FLOAT || is_gathered(norm))) {
        size_t count = 0;
        worker.is_too_large = !onr_size_mul(channels, norm->inner, &count);
        (void)onr_workspace_add(&worker, count, sizeof(float));
    }
    ONR_TRY(onr_workspace_finish(&worker, &norm->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, norm->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct group_job {
    const struct onr_group_norm *norm;
    const struct onr_group_tensors *tensors;
    const struct onr_kernels *kernels;
    char *workspace;
};

/* Scale and bias of channel c of a group. */
static void read_affine(const struct group_job *job, size_t group, size_t c, double affine[2])
{
    const struct onr_group_norm *norm = job->norm;
    size_t at = norm->is_per_group ? group : group * norm->group_channels + c;
    onr_double_gather(norm->param_dtype, job->tensors->scale, at, 1, 1, &affine[0]);
    onr_double_gather(norm->param_dtype, job->tensors->bias, at, 1, 1, &affine[1]);
}

/* Where the numbers of a channel stand: first, first + stride, ... */
struct channel {
    size_t first;
    size_t stride;
};

static struct channel channel_at(const struct onr_group_norm *norm, size_t row, size_t c)
{
    size_t channels = norm->groups * norm->group_channels;
    size_t number = row * norm->group_channels + c; /* counted over the whole batch */
    if (!norm->is_channels_last) {
        return (struct channel){.first = number * norm->inner, .stride = 1};
    }
    size_t image = number / channels;
    return (struct channel){.first = image * norm->inner * channels + number % channels,
                            .stride = channels};
}

/* v += skip + bias for channel c of a group; spare has room for a channel. */
static void add_skip(const struct group_job *job, size_t row, size_t c, float *v, float *spare)
{
    const struct onr_group_norm *norm = job->norm;
    const struct onr_group_tensors *t = job->tensors;
    struct channel at = channel_at(norm, row, c);
    size_t number = row * norm->group_channels + c;
    bool is_full = norm->skip == ONR_GROUP_FULL_SKIP;
    float bias = 0;
    if (is_full) {
        onr_float_gather(norm->dtype, t->skip, at.first, at.stride, norm->inner, spare);
    } else {
        onr_float_gather(norm->dtype, t->skip, number, 1, 1, spare);
    }
    if (t->skip_bias != NULL) {
        number %= norm->groups * norm->group_channels;
        onr_float_gather(norm->dtype, t->skip_bias, number, 1, 1, &bias);
    }
    for (size_t i = 0; i < norm->inner; i++) {
        v[i] = v[i] + spare[is_full ? i : 0] + bias;
    }
    if (t->sum != NULL) {
        onr_float_scatter(norm->dtype, v, at.first, at.stride, norm->inner, t->sum);
    }
}

/* The numbers of a group, channel by channel: in place, or in scratch. */
static const float *load_group(const struct group_job *job, size_t row, float *scratch)
{
    const struct onr_group_norm *norm = job->norm;
    size_t count = norm->group_channels * norm->inner;
    if (!is_gathered(norm)) {
        return onr_float_read(norm->dtype, job->tensors->x, row * count, count, scratch);
    }
    for (size_t c = 0; c < norm->group_channels; c++) {
        struct channel at = channel_at(norm, row, c);
        float *v = scratch + c * norm->inner;
        onr_float_gather(norm->dtype, job->tensors->x, at.first, at.stride, norm->inner, v);
        if (norm->skip != ONR_GROUP_NO_SKIP) {
            add_skip(job, row, c, v, scratch + count);
        }
    }
    return scratch;
}

static void store_group(const struct group_job *job, size_t row, const float *y)
{
    const struct onr_group_norm *norm = job->norm;
    size_t count = norm->group_channels * norm->inner;
    if (!norm->is_channels_last) {
        onr_float_write(norm->dtype, y, row * count, count, job->tensors->y);
        return;
    }
    for (size_t c = 0; c < norm->group_channels; c++) {
        struct channel at = channel_at(norm, row, c);
        onr_float_scatter(norm->dtype, y + c * norm->inner, at.first, at.stride, norm->inner,
                          job->tensors->y);
    }
}

static void norm_group_f32(const struct group_job *job, size_t row, float *scratch)
{
    const struct onr_group_norm *norm = job->norm;
    const struct onr_norm_kernels *kernels = &job->kernels->norm;
    const struct onr_unary_args swish = {.a = 1};
    size_t count = norm->group_channels * norm->inner;
    const float *x = load_group(job, row, scratch);
    float *y = norm->is_channels_last
                   ? scratch
                   : onr_float_place(norm->dtype, job->tensors->y, row * count, scratch);
    struct onr_norm_stats stats = kernels->stats_f32(count, x, norm->epsilon);
    for (size_t c = 0; c < norm->group_channels; c++) {
        double affine[2];
        float *channel = y + c * norm->inner;
        read_affine(job, row % norm->groups, c, affine);
        kernels->affine_f32(norm->inner, x + c * norm->inner, (float)stats.mean,
                            (float)(stats.inverse_std * affine[0]), (float)affine[1], channel);
        if (norm->is_activated) {
            job->kernels->unary.rows[ONR_UNARY_SWISH][ONR_FLOAT](norm->inner, channel, channel,
                                                                 swish);
        }
    }
    store_group(job, row, y);
}

static void norm_group_f64(const struct group_job *job, size_t row)
{
    const struct onr_group_norm *norm = job->norm;
    const struct onr_norm_kernels *kernels = &job->kernels->norm;
    size_t count = norm->group_channels * norm->inner;
    const double *x = (const double *)job->tensors->x + row * count;
    double *y = (double *)job->tensors->y + row * count;
    struct onr_norm_stats stats = kernels->stats_f64(count, x, norm->epsilon);
    for (size_t c = 0; c < norm->group_channels; c++) {
        double affine[2];
        read_affine(job, row % norm->groups, c, affine);
        kernels->affine_f64(norm->inner, x + c * norm->inner, stats.mean,
                            stats.inverse_std * affine[0], affine[1], y + c * norm->inner);
    }
}

static void norm_groups(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct group_job *job = arg;
    float *scratch = (void *)(job->workspace + worker * job->norm->worker_bytes);
    for (size_t row = begin; row < end; row++) {
        if (job->norm->dtype == ONR_DOUBLE) {
            norm_group_f64(job, row);
        } else {
            norm_group_f32(job, row, scratch);
        }
    }
}

void onr_group_norm_run(const struct onr_group_norm *norm, const struct onr_group_tensors *tensors,
                        const struct onr_run_ctx *ctx)
{
    struct group_job job = {norm, tensors, ctx->kernels, ctx->workspace};
    size_t count = norm->group_channels * norm->inner;
    if (count > 0) {
        onr_parallel_for(ctx->parallel, norm->batch * norm->groups, onr_grain(count * 4),
                         norm_groups, &job);
    }
}
