/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resize, modes linear and cubic: one pass for each two neighbouring axes that change, and for each
 * one that is alone. A pass sees [outer, H, W, inner]. Along W it samples (inner 1) or blends blocks
 * of inner elements; the rows that come out of that are kept as long as the window along H needs
 * them, so that each row is sampled once, and blended. Complex numbers are pairs of inner elements.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/image/real_io.h"
#include "ops/image/resize.h"

#include <string.h>

struct pass {
    struct onr_resize_map height, width; /* without index: does not change */
    size_t outer, inner;
    enum onr_dtype from, to; /* of what is read and written */
    size_t source_count;     /* elements of a row that is read */
    size_t row_count;        /* and of one that is written */
    bool blends_first; /* rows as they stand in x, then the width: less work when rows get fewer */
    size_t grain;
};

struct onr_resize_blend {
    enum onr_dtype real; /* FLOAT or DOUBLE: what passes compute in and hand to each other */
    float extrapolation;
    size_t real_bytes;
    int pass_count;
    struct pass pass[ONR_MAX_RANK];
    size_t count;        /* of elements of y */
    size_t between;      /* bytes of a tensor between passes; there are two */
    size_t worker_bytes; /* scratch */
    size_t held_bytes;   /* parts of it: which rows are held, */
    size_t row_bytes;    /* one row */
    size_t most_taps;    /* rows of a window, and pointers and weights of a blend */
};

struct job {
    const struct onr_resize_blend *plan;
    const struct pass *pass;
    const struct onr_kernels *kernels;
    const void *x;
    void *y;
    char *scratch;
};

/* What is blended: [most_taps] each. */
struct operands {
    const void **rows;
    char *weights;
};

/* A worker's scratch, cut up. */
struct bench {
    size_t *held;                 /* [height.taps] row + 1 that stands in the slot, or 0 */
    char *slots;                  /* [height.taps] rows */
    char *source;                 /* a row as it is read */
    char *target;                 /* a row before it is written */
    struct operands rows, blocks; /* along the height and the width */
};

/* The parts of a worker's scratch, each at a multiple of 64 bytes. */
static enum onr_status plan_scratch(struct onr_resize_blend *p, struct onr_plan_ctx *ctx)
{
    size_t widest = 0;
    size_t slots = 1;
    for (int i = 0; i < p->pass_count; i++) {
        const struct pass *pass = &p->pass[i];
        widest = onr_size_max(widest, onr_size_max(pass->source_count, pass->row_count));
        slots = onr_size_max(slots, pass->height.taps);
        p->most_taps =
            onr_size_max(p->most_taps, onr_size_max(pass->height.taps, pass->width.taps));
    }
    size_t bytes = 0;
    size_t total = 0;
    p->held_bytes = onr_size_align(p->most_taps * sizeof(double), ONR_MEM_ALIGN);
    bool fits = widest < ONR_SIZE_LIMIT / 16 && slots < ONR_SIZE_LIMIT / 16;
    p->row_bytes = fits ? onr_size_align(widest * p->real_bytes, ONR_MEM_ALIGN) : 0;
    fits = fits && onr_size_mul(slots + 2, p->row_bytes, &bytes) &&
           onr_size_add(bytes, 5 * p->held_bytes, &p->worker_bytes) &&
           onr_size_mul(p->worker_bytes, ctx->thread_count, &bytes) &&
           onr_size_add(bytes, 2 * p->between, &total) && total <= ONR_SIZE_LIMIT;
    if (!fits) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "rows of %zu elements are too large to resize",
                        widest);
    }
    ctx->workspace_bytes = total;
    return ONR_OK;
}

/* The pass over axes first and last (the same, or neighbours); sizes are those of now. */
static enum onr_status add_pass(const struct onr_resize_how *how, struct onr_resize_axes *axes,
                                int first, int last, size_t lanes, struct onr_resize_blend *p,
                                struct onr_plan_ctx *ctx)
{
    struct pass *pass = &p->pass[p->pass_count++];
    pass->outer = 1;
    pass->inner = lanes;
    for (int d = 0; d < axes->rank; d++) {
        pass->outer *= d < first ? (size_t)axes->axis[d].in : 1;
        pass->inner *= d > last ? (size_t)axes->axis[d].in : 1;
    }
    pass->height = (struct onr_resize_map){.in = 1, .out = 1, .taps = 1};
    pass->width = pass->height;
    /* an axis that is alone is a height, unless rows would have one element */
    bool is_wide = first != last || pass->inner == 1;
    if (is_wide) {
        ONR_TRY(onr_resize_map_make(how, &axes->axis[last], p->real, pass->inner == 1, &pass->width,
                                    ctx));
    }
    if (first != last || !is_wide) {
        ONR_TRY(onr_resize_map_make(how, &axes->axis[first], p->real, false, &pass->height, ctx));
    }
    axes->axis[first].in = axes->axis[first].out;
    axes->axis[last].in = axes->axis[last].out;
    pass->source_count = pass->width.in * pass->inner;
    pass->row_count = pass->width.out * pass->inner;
    pass->grain = onr_grain(2 * pass->row_count * (pass->height.taps + pass->width.taps));
    pass->from = p->real;
    pass->to = p->real;
    return ONR_OK;
}

static enum onr_status add_passes(const struct onr_resize_how *how, struct onr_resize_axes *axes,
                                  size_t lanes, struct onr_resize_blend *p,
                                  struct onr_plan_ctx *ctx)
{
    bool changes[ONR_MAX_RANK];
    for (int d = 0; d < axes->rank; d++) {
        changes[d] = onr_resize_changes(how, &axes->axis[d]);
    }
    for (int last = axes->rank - 1; last >= 0; last--) {
        if (!changes[last]) {
            continue;
        }
        int first = last > 0 && changes[last - 1] ? last - 1 : last;
        ONR_TRY(add_pass(how, axes, first, last, lanes, p, ctx));
        size_t elements = lanes;
        for (int d = 0; d < axes->rank; d++) {
            if (!onr_size_mul(elements, (size_t)axes->axis[d].in, &elements) ||
                elements > ONR_SIZE_LIMIT / 16) {
                return onr_fail(ctx->err, ONR_ERR_LIMIT, "a partly resized tensor is too large");
            }
        }
        p->between =
            onr_size_max(p->between, onr_size_align(elements * p->real_bytes, ONR_MEM_ALIGN));
        last = first;
    }
    return ONR_OK;
}

/* The type of the numbers that an element is made of, and how many they are. */
static enum onr_dtype part_of(enum onr_dtype dtype, size_t *lanes)
{
    *lanes = dtype == ONR_COMPLEX64 || dtype == ONR_COMPLEX128 ? 2 : 1;
    return dtype == ONR_COMPLEX64 ? ONR_FLOAT : dtype == ONR_COMPLEX128 ? ONR_DOUBLE : dtype;
}

enum onr_status onr_resize_blend_plan(const struct onr_resize_how *how,
                                      const struct onr_resize_axes *axes,
                                      struct onr_resize_blend **plan, struct onr_plan_ctx *ctx)
{
    struct onr_resize_blend *p = ONR_ARENA_NEW(ctx->arena, struct onr_resize_blend);
    struct onr_resize_axes now = *axes;
    size_t lanes = 1;
    if (p == NULL) {
        return onr_fail_memory(ctx->err, "plan of Resize");
    }
    *plan = p;
    enum onr_dtype part = part_of(ctx->inputs[0]->dtype, &lanes);
    p->count = (size_t)onr_shape_count(&ctx->outputs[0].shape);
    p->real = onr_real_of(part);
    p->real_bytes = onr_dtype_size(p->real);
    ctx->told.kernel =
        p->real == ONR_FLOAT ? ONR_KERNEL_AT(image.sample_f32) : ONR_KERNEL_AT(image.sample_f64);
    p->extrapolation = how->extrapolation;
    if (p->count == 0) {
        return ONR_OK;
    }
    ONR_TRY(add_passes(how, &now, lanes, p, ctx));
    if (p->pass_count > 0) {
        p->pass[0].from = part;
        p->pass[p->pass_count - 1].to = part;
        p->between = p->pass_count > 1 ? p->between : 0;
    }
    for (int i = 0; i < p->pass_count; i++) {
        struct pass *pass = &p->pass[i];
        pass->blends_first = pass->from == p->real &&
                             (pass->width.index == NULL || pass->height.out < pass->height.in);
    }
    return plan_scratch(p, ctx);
}

static struct bench cut_scratch(const struct job *job, unsigned worker)
{
    const struct onr_resize_blend *plan = job->plan;
    char *at = job->scratch + worker * plan->worker_bytes;
    struct bench bench = {.held = (void *)at};
    at += plan->held_bytes;
    bench.rows = (struct operands){(void *)at, at + plan->held_bytes};
    at += 2 * plan->held_bytes;
    bench.blocks = (struct operands){(void *)at, at + plan->held_bytes};
    at += 2 * plan->held_bytes;
    bench.source = at;
    at += plan->row_bytes;
    bench.target = at;
    bench.slots = at + plan->row_bytes;
    return bench;
}

/* y = the blend of the first `taps` operands. */
static void blend(const struct job *job, size_t count, size_t taps, const struct operands *from,
                  void *y)
{
    const struct onr_image_kernels *kernels = &job->kernels->image;
    if (job->plan->real == ONR_FLOAT) {
        kernels->blend_f32(count, taps, (const float *)(const void *)from->weights,
                           (const float *const *)(const void *)from->rows, y);
    } else {
        kernels->blend_f64(count, taps, (const double *)(const void *)from->weights,
                           (const double *const *)(const void *)from->rows, y);
    }
}

/* y[o] = blend of blocks of x, for rows whose elements are blocks. */
static void blend_blocks(const struct job *job, const struct bench *bench, const char *x, char *y)
{
    const struct onr_resize_map *map = &job->pass->width;
    size_t bytes = job->plan->real_bytes;
    size_t block = job->pass->inner * bytes;
    for (size_t o = 0; o < map->out; o++) {
        for (size_t t = 0; t < map->taps; t++) {
            bench->blocks.rows[t] = x + (size_t)map->index[o * map->taps + t] * block;
        }
        memcpy(bench->blocks.weights, (const char *)map->weight + o * map->taps * bytes,
               map->taps * bytes);
        blend(job, job->pass->inner, map->taps, &bench->blocks, y + o * block);
    }
}

/* Resizes the width of a row. */
static void widen_row(const struct job *job, const struct bench *bench, const void *x, void *to)
{
    const struct onr_resize_map *map = &job->pass->width;
    const struct onr_image_kernels *kernels = &job->kernels->image;
    if (!map->is_tap_major) {
        blend_blocks(job, bench, x, to);
    } else if (job->plan->real == ONR_FLOAT) {
        kernels->sample_f32(map->out, map->taps, map->out, map->index, map->weight, x, to, false);
    } else {
        kernels->sample_f64(map->out, map->taps, map->out, map->index, map->weight, x, to, false);
    }
}

/* Row `row` of the input after the width was resized; it may lie in the input. */
static const void *make_row(const struct job *job, const struct bench *bench, size_t row, void *to)
{
    const struct pass *pass = job->pass;
    bool is_same = pass->width.index == NULL;
    const void *x = onr_real_read(job->kernels, pass->from, job->x, row * pass->source_count,
                                  pass->source_count, is_same ? to : bench->source);
    if (is_same) {
        return x;
    }
    widen_row(job, bench, x, to);
    return to;
}

/* What the window along the height sees: rows that are kept from one output row to the next. */
static const void *hold_row(const struct job *job, const struct bench *bench, size_t plane,
                            size_t row)
{
    const struct pass *pass = job->pass;
    size_t absolute = plane * pass->height.in + row;
    if (pass->blends_first) {
        return (const char *)job->x + absolute * pass->source_count * job->plan->real_bytes;
    }
    size_t slot = row % pass->height.taps;
    char *to = bench->slots + slot * job->plan->row_bytes;
    if (bench->held[slot] != absolute + 1) {
        make_row(job, bench, absolute, to);
        bench->held[slot] = absolute + 1;
    }
    return to;
}

/* Sets the places that lie outside of the input. */
static void extrapolate(const struct job *job, size_t o, char *y)
{
    const struct pass *pass = job->pass;
    const bool *outside = pass->width.is_outside;
    bool is_row = pass->height.is_outside != NULL && pass->height.is_outside[o];
    for (size_t w = 0; w < pass->width.out && (is_row || outside != NULL); w++) {
        for (size_t i = 0; i < pass->inner && (is_row || outside[w]); i++) {
            size_t at = w * pass->inner + i;
            if (job->plan->real == ONR_FLOAT) {
                ((float *)(void *)y)[at] = job->plan->extrapolation;
            } else {
                ((double *)(void *)y)[at] = (double)job->plan->extrapolation;
            }
        }
    }
}

static bool is_zero(const char *weight, enum onr_dtype real)
{
    uint32_t narrow = 0;
    uint64_t wide = 0;
    if (real == ONR_FLOAT) {
        memcpy(&narrow, weight, sizeof narrow);
        return narrow == 0;
    }
    memcpy(&wide, weight, sizeof wide);
    return wide == 0;
}

static void blend_row(const struct job *job, const struct bench *bench, size_t plane, size_t o,
                      void *to)
{
    const struct onr_resize_map *map = &job->pass->height;
    size_t bytes = job->plan->real_bytes;
    size_t taps = 0;
    for (size_t t = 0; t < map->taps; t++) {
        const char *weight = (const char *)map->weight + (o * map->taps + t) * bytes;
        if (!is_zero(weight, job->plan->real)) {
            size_t row = (size_t)map->index[o * map->taps + t];
            bench->rows.rows[taps] = hold_row(job, bench, plane, row);
            memcpy(bench->rows.weights + taps * bytes, weight, bytes);
            taps++;
        }
    }
    if (job->pass->blends_first && job->pass->width.index != NULL) {
        blend(job, job->pass->source_count, taps, &bench->rows, bench->source);
        widen_row(job, bench, bench->source, to);
    } else {
        blend(job, job->pass->row_count, taps, &bench->rows, to);
    }
}

static void blend_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct pass *pass = job->pass;
    struct bench bench = cut_scratch(job, worker);
    memset(bench.held, 0, job->plan->held_bytes);
    for (size_t i = begin; i < end; i++) {
        size_t plane = i / pass->height.out;
        size_t o = i % pass->height.out;
        size_t first = i * pass->row_count;
        char *to = onr_real_place(pass->to, job->y, first, bench.target);
        if (pass->height.index == NULL) {
            make_row(job, &bench, i, to);
        } else {
            blend_row(job, &bench, plane, o, to);
        }
        extrapolate(job, o, to);
        onr_real_write(job->kernels, pass->to, to, first, pass->row_count, job->y);
    }
}

/* Nothing changes: y is x. */
static void copy_all(const struct onr_run_ctx *ctx)
{
    size_t bytes = onr_tensor_bytes(ctx->outputs[0]);
    if (bytes > 0) {
        memcpy(ctx->outputs[0]->data, ctx->inputs[0]->data, bytes);
    }
}

void onr_resize_blend_run(const struct onr_resize_blend *plan, const struct onr_run_ctx *ctx)
{
    if (plan->pass_count == 0) {
        copy_all(ctx);
        return;
    }
    char *between = ctx->workspace;
    struct job job = {.plan = plan,
                      .kernels = ctx->kernels,
                      .x = ctx->inputs[0]->data,
                      .scratch = between + 2 * plan->between};
    for (int i = 0; i < plan->pass_count; i++) {
        bool is_last = i == plan->pass_count - 1;
        job.pass = &plan->pass[i];
        job.y = is_last ? ctx->outputs[0]->data : between + (size_t)(i % 2) * plan->between;
        onr_parallel_for(ctx->parallel, job.pass->outer * job.pass->height.out, job.pass->grain,
                         blend_rows, &job);
        job.x = job.y;
    }
}
