/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resize, mode nearest: y is made row by row. A row lies along the last axis that changes, and what
 * follows that axis is copied in blocks. Rows that come from the same row of x are copied from the
 * one before.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/index.h"
#include "ops/image/resize.h"

struct onr_resize_nearest {
    int rank; /* of the dims before the row axis */
    struct onr_resize_map outer[ONR_MAX_RANK];
    size_t stride[ONR_MAX_RANK]; /* of x, in rows */
    struct onr_resize_map row;
    size_t rows;        /* of y */
    size_t block_bytes; /* copied per index of the row axis */
    size_t block_elements;
    size_t element_bytes;
    size_t grain;
    enum onr_dtype dtype;
    float extrapolation;
};

struct job {
    const struct onr_resize_nearest *plan;
    const struct onr_kernels *kernels;
    const char *x;
    char *y;
    char outside[16]; /* the element where x has none */
};

enum onr_status onr_resize_nearest_plan(const struct onr_resize_how *how,
                                        const struct onr_resize_axes *axes,
                                        struct onr_resize_nearest **plan, struct onr_plan_ctx *ctx)
{
    struct onr_resize_nearest *p = ONR_ARENA_NEW(ctx->arena, struct onr_resize_nearest);
    if (p == NULL) {
        return onr_fail_memory(ctx->err, "plan of Resize");
    }
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    int last = 0;
    for (int d = 0; d < axes->rank; d++) {
        ONR_TRY(onr_resize_map_make(how, &axes->axis[d], ONR_FLOAT, true, &p->outer[d], ctx));
        last = p->outer[d].index != NULL ? d : last;
    }
    p->rank = last;
    p->row = axes->rank > 0 ? p->outer[last] : (struct onr_resize_map){.in = 1, .out = 1};
    p->rows = (size_t)onr_shape_range(y, 0, last);
    p->element_bytes = onr_dtype_size(ctx->inputs[0]->dtype);
    p->block_elements = axes->rank > 0 ? (size_t)onr_shape_range(x, last + 1, x->rank) : 1;
    p->block_bytes = p->block_elements * p->element_bytes;
    ctx->told.kernel =
        p->block_bytes == 4 && p->row.index != NULL ? ONR_KERNEL_AT(image.pick_32) : 0;
    p->dtype = ctx->inputs[0]->dtype;
    p->extrapolation = how->extrapolation;
    size_t stride = 1;
    for (int d = last - 1; d >= 0; d--) {
        p->stride[d] = stride;
        stride *= p->outer[d].in;
    }
    p->grain = onr_grain(p->row.out * (p->row.index != NULL ? 1 : p->block_elements));
    *plan = p;
    return ONR_OK;
}

/* The row of x that row `row` of y comes from; *is_outside when it comes from none. */
static size_t source_row(const struct onr_resize_nearest *plan, size_t row, bool *is_outside)
{
    size_t source = 0;
    *is_outside = false;
    for (int d = plan->rank - 1; d >= 0; d--) {
        const struct onr_resize_map *map = &plan->outer[d];
        size_t o = row % map->out;
        row /= map->out;
        source += plan->stride[d] * (map->index != NULL ? (size_t)map->index[o] : o);
        *is_outside = *is_outside || (map->is_outside != NULL && map->is_outside[o]);
    }
    return source;
}

static void copy_row(const struct job *job, const char *x, char *y)
{
    const struct onr_resize_nearest *plan = job->plan;
    const struct onr_resize_map *map = &plan->row;
    size_t bytes = plan->block_bytes;
    if (map->index == NULL) {
        memcpy(y, x, map->out * bytes);
        return;
    }
    if (bytes == 4) {
        job->kernels->image.pick_32(map->out, map->index, (const void *)x, (void *)y);
        return;
    }
    bool is_small = bytes == 1 || bytes == 2 || bytes == 8 || bytes == 16;
    for (size_t o = 0; o < map->out; o++) {
        const char *from = x + (size_t)map->index[o] * bytes;
        if (is_small) {
            onr_copy_element(y + o * bytes, from, bytes);
        } else {
            memcpy(y + o * bytes, from, bytes);
        }
    }
}

static void fill_blocks(const struct job *job, char *y, size_t blocks)
{
    const struct onr_resize_nearest *plan = job->plan;
    for (size_t i = 0; i < blocks * plan->block_elements; i++) {
        memcpy(y + i * plan->element_bytes, job->outside, plan->element_bytes);
    }
}

static void nearest_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct job *job = arg;
    const struct onr_resize_nearest *plan = job->plan;
    const struct onr_resize_map *map = &plan->row;
    size_t before = SIZE_MAX;
    for (size_t row = begin; row < end; row++) {
        bool is_outside = false;
        size_t source = source_row(plan, row, &is_outside);
        char *y = job->y + row * map->out * plan->block_bytes;
        if (is_outside) {
            fill_blocks(job, y, map->out);
            before = SIZE_MAX;
            continue;
        }
        if (source == before) {
            memcpy(y, y - map->out * plan->block_bytes, map->out * plan->block_bytes);
            continue;
        }
        copy_row(job, job->x + source * map->in * plan->block_bytes, y);
        for (size_t o = 0; map->is_outside != NULL && o < map->out; o++) {
            if (map->is_outside[o]) {
                fill_blocks(job, y + o * plan->block_bytes, 1);
            }
        }
        before = source;
    }
}

void onr_resize_nearest_run(const struct onr_resize_nearest *plan, const struct onr_run_ctx *ctx)
{
    if (plan->row.out * plan->block_bytes == 0 || plan->rows == 0) {
        return;
    }
    struct job job = {.plan = plan,
                      .kernels = ctx->kernels,
                      .x = ctx->inputs[0]->data,
                      .y = ctx->outputs[0]->data};
    onr_resize_outside(ctx->kernels, plan->dtype, plan->extrapolation, job.outside);
    onr_parallel_for(ctx->parallel, plan->rows, plan->grain, nearest_rows, &job);
}
