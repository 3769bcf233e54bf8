/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation of contiguous rows. */
#include "ops/norm/norm_rows.h"

#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"

#include <inttypes.h>

enum onr_status onr_row_param_check(const struct onr_fact *x, const struct onr_fact *param,
                                    const char *name, struct onr_error *err)
{
    if (param == NULL || x->shape.rank == ONR_RANK_UNKNOWN || param->shape.rank < 0) {
        return ONR_OK;
    }
    int lead = x->shape.rank - param->shape.rank;
    for (int i = 0; i < param->shape.rank; i++) {
        int64_t dim = param->shape.dim[i];
        int64_t into = lead + i >= 0 ? x->shape.dim[lead + i] : 1;
        if (dim >= 0 && dim != 1 && (lead < 0 || (into >= 0 && dim != into))) {
            char given[ONR_SHAPE_TEXT_BYTES];
            char wanted[ONR_SHAPE_TEXT_BYTES];
            return onr_fail(err, ONR_ERR_SHAPE, "%s of shape %s cannot be broadcast to %s", name,
                            onr_shape_text(&param->shape, given),
                            onr_shape_text(&x->shape, wanted));
        }
    }
    return ONR_OK;
}

static void append_dim(struct onr_index_group *group, int64_t dim, size_t stride)
{
    group->dim[group->rank] = (size_t)dim;
    group->stride[group->rank] = stride;
    group->count *= (size_t)dim;
    group->rank++;
}

enum onr_status onr_row_param_init(struct onr_row_param *row_param, const struct onr_shape *x,
                                   int axis, const struct onr_fact *param,
                                   const struct onr_plan_ctx *ctx)
{
    struct onr_row_places places = {.rows.count = 1, .cols.count = 1};
    *row_param = (struct onr_row_param){.dtype = ONR_UNDEFINED};
    if (param == NULL) {
        return ONR_OK;
    }
    int64_t strides[ONR_MAX_RANK];
    int lead = x->rank - param->shape.rank;
    bool is_shared = true;
    onr_shape_strides(&param->shape, strides);
    row_param->dtype = param->dtype;
    for (int i = 0; i < x->rank; i++) {
        bool is_broadcast = i < lead || param->shape.dim[i - lead] == 1;
        size_t stride = is_broadcast ? 0 : (size_t)strides[i - lead];
        append_dim(i < axis ? &places.rows : &places.cols, x->dim[i], stride);
        is_shared = is_shared && (x->dim[i] == 1 || is_broadcast == (i < axis));
    }
    if (is_shared) {
        return ONR_OK;
    }
    row_param->places = onr_arena_copy(ctx->arena, &places, sizeof places);
    return row_param->places != NULL ? ONR_OK
                                     : onr_fail_memory(ctx->err, "the plan of a normalization");
}

/* The most rows that are done together, and the most numbers of them, which stay in L1. */
#define MOST_ROWS    8
#define MOST_NUMBERS 4096

/* Rows of scratch of one worker. */
enum { ROW_X, ROW_SKIP, ROW_SCALE, ROW_BIAS, ROW_SKIP_BIAS, ROW_Y, SCRATCH_ROWS };

enum onr_status onr_norm_rows_plan(struct onr_norm_rows *norm, const struct onr_shape *x, int axis,
                                   struct onr_plan_ctx *ctx)
{
    norm->rows = (size_t)onr_shape_range(x, 0, axis);
    norm->count = (size_t)onr_shape_range(x, axis, x->rank);
    norm->is_double = norm->dtype == ONR_DOUBLE || norm->y_dtype == ONR_DOUBLE;
    size_t bytes = 0;
    if (!onr_size_mul(norm->count > 0 ? norm->count : 1, SCRATCH_ROWS * sizeof(double), &bytes) ||
        !onr_size_mul(onr_size_align(bytes, 64), ctx->thread_count, &ctx->workspace_bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "rows of %zu elements are too long", norm->count);
    }
    norm->worker_bytes = onr_size_align(bytes, ONR_MEM_ALIGN);
    return ONR_OK;
}

struct norm_job {
    const struct onr_norm_rows *norm;
    const struct onr_norm_tensors *tensors;
    const struct onr_norm_kernels *kernels;
    char *workspace;
};

static size_t place_of(const struct onr_row_places *places, size_t row, size_t i)
{
    return onr_index_group_offset(&places->rows, row) + onr_index_group_offset(&places->cols, i);
}

/* The row of a parameter in float: in place, from scratch where it already is, or converted into
 * it. */
static const float *param_f32(const struct onr_row_param *param, const void *data, size_t row,
                              size_t count, bool is_first, float *scratch)
{
    if (param->dtype == ONR_UNDEFINED) {
        return NULL;
    }
    if (param->places == NULL && (param->dtype == ONR_FLOAT || is_first)) {
        return onr_float_read(param->dtype, data, 0, count, scratch);
    }
    for (size_t i = 0; i < count && param->places != NULL; i++) {
        size_t at = place_of(param->places, row, i);
        onr_float_gather(param->dtype, data, at, 1, 1, &scratch[i]);
    }
    return scratch;
}

static const double *param_f64(const struct onr_row_param *param, const void *data, size_t row,
                               size_t count, bool is_first, double *scratch)
{
    if (param->dtype == ONR_UNDEFINED) {
        return NULL;
    }
    if (param->places == NULL && param->dtype == ONR_DOUBLE) {
        return data;
    }
    if (param->places == NULL && is_first) {
        onr_double_gather(param->dtype, data, 0, 1, count, scratch);
    }
    for (size_t i = 0; i < count && param->places != NULL; i++) {
        size_t at = place_of(param->places, row, i);
        onr_double_gather(param->dtype, data, at, 1, 1, &scratch[i]);
    }
    return scratch;
}

static bool param_is_plain(const struct onr_row_param *param)
{
    return param->dtype == ONR_UNDEFINED || (param->dtype == ONR_FLOAT && param->places == NULL);
}

static void store_stats(const struct norm_job *job, size_t row, struct onr_norm_stats stats)
{
    enum onr_dtype dtype = job->norm->stat_dtype;
    if (job->tensors->mean != NULL) {
        onr_double_scatter(dtype, &stats.mean, row, 1, 1, job->tensors->mean);
    }
    if (job->tensors->inverse_std != NULL) {
        onr_double_scatter(dtype, &stats.inverse_std, row, 1, 1, job->tensors->inverse_std);
    }
}

/* x + skip + bias of one row, also stored as output when that is wanted. */
static const float *add_skip_f32(const struct norm_job *job, size_t row, const float *x,
                                 const float *bias, float *scratch)
{
    const struct onr_norm_rows *norm = job->norm;
    size_t count = norm->count;
    float *sum = scratch + ROW_X * count;
    const float *skip =
        onr_float_read(norm->dtype, job->tensors->skip, row % norm->skip_rows * count, count,
                       scratch + ROW_SKIP * count);
    for (size_t i = 0; i < count; i++) {
        sum[i] = x[i] + skip[i] + (bias != NULL ? bias[i] : 0.0f);
    }
    if (job->tensors->sum != NULL) {
        onr_float_write(norm->dtype, sum, row * count, count, job->tensors->sum);
    }
    return sum;
}

static const double *add_skip_f64(const struct norm_job *job, size_t row, const double *x,
                                  const double *bias, double *scratch)
{
    const struct onr_norm_rows *norm = job->norm;
    size_t count = norm->count;
    double *sum = scratch + ROW_X * count;
    double *skip = scratch + ROW_SKIP * count;
    onr_double_gather(norm->dtype, job->tensors->skip, row % norm->skip_rows * count, 1, count,
                      skip);
    for (size_t i = 0; i < count; i++) {
        sum[i] = x[i] + skip[i] + (bias != NULL ? bias[i] : 0.0);
    }
    if (job->tensors->sum != NULL) {
        onr_double_scatter(norm->dtype, sum, row * count, 1, count, job->tensors->sum);
    }
    return sum;
}

/* Rows that are done together, where they are read and written in place, with parameters that all of
 * them share. */
static size_t rows_together(const struct onr_norm_rows *norm)
{
    bool is_plain = norm->dtype == ONR_FLOAT && norm->y_dtype == ONR_FLOAT &&
                    norm->skip_rows == 0 && param_is_plain(&norm->scale) &&
                    param_is_plain(&norm->bias);
    size_t rows = is_plain ? MOST_NUMBERS / (norm->count + 1) : 1;
    return rows > MOST_ROWS ? MOST_ROWS : rows > 1 ? rows : 1;
}

static void norm_range_f32(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct norm_job *job = arg;
    const struct onr_norm_rows *norm = job->norm;
    const struct onr_norm_tensors *t = job->tensors;
    size_t count = norm->count;
    float *scratch = (void *)(job->workspace + worker * norm->worker_bytes);
    onr_norm_rows_f32_fn normalize = norm->is_rms ? job->kernels->rms_f32 : job->kernels->layer_f32;
    size_t most = rows_together(norm);
    size_t rows = 0;
    for (size_t row = begin; row < end; row += rows) {
        struct onr_norm_stats stats[MOST_ROWS];
        bool is_first = row == begin;
        size_t first = row * count;
        const float *x = onr_float_read(norm->dtype, t->x, first, count, scratch + ROW_X * count);
        const float *scale =
            param_f32(&norm->scale, t->scale, row, count, is_first, scratch + ROW_SCALE * count);
        const float *bias =
            param_f32(&norm->bias, t->bias, row, count, is_first, scratch + ROW_BIAS * count);
        if (norm->skip_rows != 0) {
            const float *skip_bias = param_f32(&norm->skip_bias, t->skip_bias, row, count, is_first,
                                               scratch + ROW_SKIP_BIAS * count);
            x = add_skip_f32(job, row, x, skip_bias, scratch);
        }
        float *y = onr_float_place(norm->y_dtype, t->y, first, scratch + ROW_Y * count);
        rows = end - row < most ? end - row : most;
        normalize(rows, count, x, scale, bias, norm->epsilon, y, stats);
        for (size_t r = 0; r < rows; r++) {
            store_stats(job, row + r, stats[r]);
        }
        onr_float_write(norm->y_dtype, y, first, count, t->y);
    }
}

static void norm_range_f64(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct norm_job *job = arg;
    const struct onr_norm_rows *norm = job->norm;
    const struct onr_norm_tensors *t = job->tensors;
    size_t count = norm->count;
    double *scratch = (void *)(job->workspace + worker * norm->worker_bytes);
    onr_norm_row_f64_fn normalize = norm->is_rms ? job->kernels->rms_f64 : job->kernels->layer_f64;
    for (size_t row = begin; row < end; row++) {
        bool is_first = row == begin;
        double *x = scratch + ROW_X * count;
        double *y = scratch + ROW_Y * count;
        onr_double_gather(norm->dtype, t->x, row * count, 1, count, x);
        const double *scale =
            param_f64(&norm->scale, t->scale, row, count, is_first, scratch + ROW_SCALE * count);
        const double *bias =
            param_f64(&norm->bias, t->bias, row, count, is_first, scratch + ROW_BIAS * count);
        if (norm->skip_rows != 0) {
            const double *skip_bias = param_f64(&norm->skip_bias, t->skip_bias, row, count,
                                                is_first, scratch + ROW_SKIP_BIAS * count);
            add_skip_f64(job, row, x, skip_bias, scratch);
        }
        store_stats(job, row, normalize(count, x, scale, bias, norm->epsilon, y));
        onr_double_scatter(norm->y_dtype, y, row * count, 1, count, t->y);
    }
}

void onr_norm_rows_run(const struct onr_norm_rows *norm, const struct onr_norm_tensors *tensors,
                       const struct onr_run_ctx *ctx)
{
    struct norm_job job = {norm, tensors, &ctx->kernels->norm, ctx->workspace};
    onr_parallel_for(ctx->parallel, norm->rows, onr_grain(norm->count * 4),
                     norm->is_double ? norm_range_f64 : norm_range_f32, &job);
}
