/* SPDX-License-Identifier: Apache-2.0 */
/* Maps rows along one axis. */
#include "ops/common/row_map.h"

#include "base/size.h"
#include "ops/common/float_io.h"

/* Sixteen floats are a cache line: a gather of as many columns reads every line once. */
#define LANES 16
/* Gather fewer columns when their rows would leave the cache anyway. */
#define SCRATCH_ELEMENTS 65536

enum onr_status onr_row_map_plan(struct onr_row_map *map, enum onr_dtype dtype,
                                 struct onr_axis_view view, struct onr_plan_ctx *ctx)
{
    *map = (struct onr_row_map){.dtype = dtype, .view = view, .lanes = 1};
    bool is_direct = view.inner == 1 && (dtype == ONR_FLOAT || dtype == ONR_DOUBLE);
    if (is_direct || view.size == 0) {
        return ONR_OK;
    }
    while (map->lanes < LANES && map->lanes < view.inner &&
           2 * map->lanes * view.size <= SCRATCH_ELEMENTS) {
        map->lanes *= 2;
    }
    size_t element = dtype == ONR_DOUBLE ? sizeof(double) : sizeof(float);
    size_t total = 0;
    if (!onr_size_mul(view.size, map->lanes * element, &map->worker_bytes) ||
        !onr_size_mul(onr_size_align(map->worker_bytes, 64), ctx->thread_count, &total)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "rows of %zu elements are too long", view.size);
    }
    map->worker_bytes = onr_size_align(map->worker_bytes, 64);
    ctx->workspace_bytes = total;
    return ONR_OK;
}

struct row_job {
    const struct onr_row_map *map;
    onr_row_f32_fn f32;
    onr_row_f64_fn f64;
    const void *x;
    void *y;
    char *workspace;
};

static void map_direct(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct row_job *job = arg;
    size_t count = job->map->view.size;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        if (job->map->dtype == ONR_DOUBLE) {
            job->f64(count, (const double *)job->x + row * count, (double *)job->y + row * count);
        } else {
            job->f32(count, (const float *)job->x + row * count, (float *)job->y + row * count);
        }
    }
}

static void map_rows_f64(const struct row_job *job, size_t first, size_t lanes, double *scratch)
{
    struct onr_axis_view view = job->map->view;
    for (size_t l = 0; l < lanes; l++) {
        const double *x = (const double *)job->x + first + l;
        for (size_t i = 0; i < view.size; i++) {
            scratch[l * view.size + i] = x[i * view.inner];
        }
    }
    for (size_t l = 0; l < lanes; l++) {
        double *row = scratch + l * view.size;
        double *y = (double *)job->y + first + l;
        job->f64(view.size, row, row);
        for (size_t i = 0; i < view.size; i++) {
            y[i * view.inner] = row[i];
        }
    }
}

static void map_rows_f32(const struct row_job *job, size_t first, size_t lanes, float *scratch)
{
    struct onr_axis_view view = job->map->view;
    enum onr_dtype dtype = job->map->dtype;
    for (size_t l = 0; l < lanes; l++) {
        float *row = scratch + l * view.size;
        onr_float_gather(dtype, job->x, first + l, view.inner, view.size, row);
    }
    for (size_t l = 0; l < lanes; l++) {
        float *row = scratch + l * view.size;
        job->f32(view.size, row, row);
        onr_float_scatter(dtype, row, first + l, view.inner, view.size, job->y);
    }
}

/* Items are groups of `lanes` columns of one outer index. */
static void map_gathered(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct row_job *job = arg;
    const struct onr_row_map *map = job->map;
    size_t groups = (map->view.inner + map->lanes - 1) / map->lanes;
    void *scratch = job->workspace + worker * map->worker_bytes;
    for (size_t item = begin; item < end; item++) {
        size_t column = item % groups * map->lanes;
        size_t rest = map->view.inner - column;
        size_t first = item / groups * map->view.size * map->view.inner + column;
        if (map->dtype == ONR_DOUBLE) {
            map_rows_f64(job, first, rest < map->lanes ? rest : map->lanes, scratch);
        } else {
            map_rows_f32(job, first, rest < map->lanes ? rest : map->lanes, scratch);
        }
    }
}

void onr_row_map_run(const struct onr_row_map *map, onr_row_f32_fn f32, onr_row_f64_fn f64,
                     struct onr_run_ctx *ctx)
{
    struct row_job job = {map,           f32, f64, ctx->inputs[0]->data, ctx->outputs[0]->data,
                          ctx->workspace};
    struct onr_axis_view view = map->view;
    if (view.size == 0 || view.outer == 0 || view.inner == 0) {
        return;
    }
    size_t grain = onr_grain(view.size * map->lanes * 8);
    if (map->worker_bytes == 0) {
        onr_parallel_for(ctx->parallel, view.outer, grain, map_direct, &job);
    } else {
        size_t groups = (view.inner + map->lanes - 1) / map->lanes;
        onr_parallel_for(ctx->parallel, view.outer * groups, grain, map_gathered, &job);
    }
}
