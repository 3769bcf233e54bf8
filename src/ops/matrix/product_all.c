/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several products as one: the items of all of them, one behind the other, are shared out. Threads
 * do not always run equally fast, so where it does not matter to the tiles, the last quarter of each
 * thread's items is kept back for whoever comes to it first.
 */
#include "base/size.h"
#include "ops/matrix/product_items.h"

void onr_product_plan_all(struct onr_product *products, const struct onr_product_state *states,
                          size_t count, unsigned thread_count, size_t *workspace_bytes)
{
    struct onr_product most = {.grain = 1};
    size_t panels = 0;
    size_t parts = thread_count;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        onr_product_plan(&products[i], &states[i], thread_count, &bytes);
        most.worker_bytes = onr_size_max(most.worker_bytes, products[i].worker_bytes);
        most.row_splits = onr_size_max(most.row_splits, products[i].row_splits);
        most.grain = onr_size_max(most.grain, products[i].grain);
        panels += onr_product_item_count(&products[i]);
        if (products[i].panels > 0) {
            parts = onr_size_min(parts, onr_product_row_parts(&products[i], thread_count));
        }
    }
    /* Together they may be enough for all threads where one of them was not. */
    bool is_enough = panels >= 4 * (size_t)thread_count || panels % thread_count == 0;
    for (size_t i = 0; i < count; i++) {
        products[i].worker_bytes = most.worker_bytes;
        products[i].row_splits = parts > 1 || is_enough ? parts : most.row_splits;
        products[i].grain = most.grain;
        products[i].bias_bytes = 0; /* a bias of floats is read where it is */
    }
    *workspace_bytes = most.worker_bytes * thread_count;
}

/* Whether the threads read B of these in ranges of panels, each from front to back. */
static bool is_stream(const struct onr_product *products, size_t count)
{
    const float *end = products[0].packed;
    for (size_t i = 0; i < count; i++) {
        const struct onr_product *p = &products[i];
        if (p->packed == NULL || p->packed != end || p->dtype != ONR_FLOAT || p->batch_count != 1) {
            return false;
        }
        end += p->panels * p->k * p->kernel->columns;
    }
    return true;
}

/* Panels that a tile spans. */
static size_t tile_panels(const struct onr_product *p)
{
    size_t wide = onr_gemm_f32_wide_panels(p->kernel, p->m);
    return wide > 0 ? wide : 1;
}

/* How many of a thread's items are kept back: none where there are few tiles. */
static size_t count_kept_back(const struct onr_product *p, size_t items)
{
    size_t tile = tile_panels(p);
    return items / p->grain < 4 * tile ? 0 : items - items * 3 / 4 / tile * tile;
}

void onr_product_link(struct onr_product *products, size_t count, struct onr_plan_ctx *ctx)
{
    if (!is_stream(products, count)) {
        return;
    }
    struct onr_product *first = &products[0];
    bool is_copied = false;
    size_t panels = 0;
    for (size_t i = 0; i < count; i++) {
        products[i].is_prefetched = ctx->next_stream != NULL;
        is_copied = is_copied || products[i].gemm_bytes > 0; /* A, once for each run of panels */
        panels += products[i].panels;
    }
    size_t items = panels * first->row_splits;
    first->is_stream = true;
    first->kept_back =
        is_copied || ctx->thread_count == 1 ? 0 : count_kept_back(first, items / ctx->thread_count);
    if (ctx->next_stream != NULL) {
        *ctx->next_stream =
            (struct onr_stream){.data = first->packed,
                                .pieces = items,
                                .round = panels,
                                .piece_bytes = onr_product_panel_floats(first) * sizeof(float)};
    }
    /* A panel of one tile leaves no time for it. */
    ctx->next_stream = first->m / first->row_splits > first->kernel->rows ? &first->next : NULL;
}

/*
 * The items of all tasks, for one part of the rows after the other, are cut into parts of about equal
 * length. Each thread does a part, but for the items that are kept back at its end: those it takes step
 * by step, and then those that other threads have not come to.
 */
struct sharing {
    const struct onr_product_task *tasks;
    size_t round; /* items of one part of the rows */
    size_t item_count;
    size_t parts;
    size_t tile; /* parts and steps begin at multiples of this */
    size_t kept_back;
    size_t step;
    struct onr_counter taken[ONR_MAX_THREADS]; /* steps of each part */
};

static size_t part_begin(const struct sharing *s, size_t part)
{
    return part == s->parts ? s->item_count : s->item_count * part / s->parts / s->tile * s->tile;
}

/* The first item of a step of a part. */
static size_t step_begin(const struct sharing *s, size_t part, size_t step)
{
    size_t end = part_begin(s, part + 1);
    return onr_size_min(end - s->kept_back + step * s->step, end);
}

/* Where the panel of an item lies, or behind the end of the part what the thread that does this part
 * of all products reads after these. NULL when it is not known. */
static const void *find_panel(const struct sharing *s, size_t item, size_t part)
{
    const struct onr_product *first = s->tasks->product;
    const struct onr_stream *next = &first->next;
    if (item < part_begin(s, part + 1)) {
        return first->is_stream ? first->packed + item % s->round * onr_product_panel_floats(first)
                                : NULL;
    }
    return next->data == NULL ? NULL
                              : (const char *)next->data + next->pieces * part / s->parts %
                                                               next->round * next->piece_bytes;
}

/* Items [begin, end) of a part. */
static void run_range(const struct sharing *s, size_t part, size_t begin, size_t end,
                      bool is_prefetched, unsigned worker)
{
    while (begin < end) {
        const struct onr_product_task *task = s->tasks;
        size_t item = begin % s->round;
        size_t count = onr_product_item_count(task->product);
        while (item >= count) {
            item -= count;
            count = onr_product_item_count((++task)->product);
        }
        size_t to = onr_size_min(end, begin + count - item);
        struct onr_product_ahead ahead = {.after = find_panel(s, to, part),
                                          .is_prefetched = is_prefetched};
        onr_product_run_items(task, begin / s->round, item, item + to - begin, &ahead, worker);
        is_prefetched = s->tasks->product->is_stream;
        begin = to;
    }
}

/* Takes steps of a part as long as there are any; expected: one that has been prefetched. */
static void run_steps(struct sharing *s, size_t part, size_t expected, unsigned worker)
{
    size_t end = part_begin(s, part + 1);
    size_t step = onr_counter_take(&s->taken[part]);
    for (size_t begin; (begin = step_begin(s, part, step)) < end;) {
        run_range(s, part, begin, step_begin(s, part, step + 1), step == expected, worker);
        expected = step + 1;
        step = onr_counter_take(&s->taken[part]);
    }
}

static void run_parts(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct sharing *s = arg;
    for (size_t part = begin; part < end; part++) {
        run_range(s, part, part_begin(s, part), step_begin(s, part, 0),
                  s->tasks->product->is_prefetched, worker);
    }
    for (size_t i = 0; i < s->parts && s->kept_back > 0; i++) {
        run_steps(s, (begin + i) % s->parts, i == 0 ? 0 : SIZE_MAX, worker);
    }
}

void onr_product_share_items(const struct onr_product_task *tasks, size_t count,
                             const struct onr_parallel *parallel)
{
    const struct onr_product *first = tasks[0].product;
    struct sharing s = {.tasks = tasks, .tile = 1};
    size_t splits = 1;
    for (size_t i = 0; i < count; i++) {
        s.round += onr_product_item_count(tasks[i].product);
        splits = onr_size_max(splits, tasks[i].product->row_splits);
    }
    s.item_count = s.round * splits;
    s.parts = s.item_count / first->grain;
    s.parts = s.parts < parallel->thread_count ? onr_size_max(s.parts, 1) : parallel->thread_count;
    if (s.parts > 1 && first->kept_back > 0) {
        s.tile = tile_panels(first);
        s.kept_back = first->kept_back;
        s.step = onr_size_max(s.kept_back / (4 * s.tile), 1) * s.tile;
    }
    onr_parallel_for(parallel, s.parts, 1, run_parts, &s);
}

void onr_product_run_all(const struct onr_product *products,
                         const struct onr_product_operands *operands, size_t count,
                         const struct onr_run_ctx *ctx)
{
    struct onr_product_task tasks[ONR_MAX_PRODUCTS];
    for (size_t i = 0; i < count; i++) {
        tasks[i] = (struct onr_product_task){.product = &products[i],
                                             .operands = &operands[i],
                                             .bias = operands[i].c,
                                             .scratch = ctx->workspace};
    }
    onr_product_share_items(tasks, count, ctx->parallel);
}
