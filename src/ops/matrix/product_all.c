/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several products as one: the items of all of them, one behind the other, are shared out. Threads
 * do not always run equally fast, so where it does not matter to the tiles, the last quarter of the
 * items is kept back for whoever has done its part.
 */
#include "ops/matrix/product_items.h"

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void onr_product_plan_all(struct onr_product *products, const struct onr_product_state *states,
                          size_t count, unsigned thread_count, size_t *workspace_bytes)
{
    struct onr_product most = {.grain = 1};
    size_t panels = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        onr_product_plan(&products[i], &states[i], thread_count, &bytes);
        most.worker_bytes = larger(most.worker_bytes, products[i].worker_bytes);
        most.row_splits = larger(most.row_splits, products[i].row_splits);
        most.grain = larger(most.grain, products[i].grain);
        panels += products[i].panels * products[i].batch_count;
    }
    /* Together they may be enough for all threads where one of them was not. */
    bool is_enough = panels >= 4 * (size_t)thread_count || panels % thread_count == 0;
    for (size_t i = 0; i < count; i++) {
        products[i].worker_bytes = most.worker_bytes;
        products[i].row_splits = is_enough ? 1 : most.row_splits;
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
        if (p->packed == NULL || p->packed != end || p->dtype != ONR_FLOAT || p->batch_count != 1 ||
            p->row_splits != 1) {
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

/* How many of the panels are kept back: none where threads would not get whole tiles. */
static size_t count_kept_back(const struct onr_product *p, size_t panels, size_t thread_count)
{
    size_t tiles = thread_count * tile_panels(p); /* of all threads, side by side */
    if (thread_count == 1 || panels / p->grain < 4 * tiles) {
        return 0;
    }
    return panels - panels * 3 / 4 / tiles * tiles;
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
    first->is_stream = true;
    first->kept_back = is_copied ? 0 : count_kept_back(first, panels, ctx->thread_count);
    if (ctx->next_stream != NULL) {
        *ctx->next_stream =
            (struct onr_stream){.data = first->packed,
                                .pieces = panels - first->kept_back,
                                .piece_bytes = onr_product_panel_floats(first) * sizeof(float)};
    }
    /* A panel of one tile leaves no time for it. */
    ctx->next_stream = first->m > first->kernel->rows ? &first->next : NULL;
}

/* Items [0, bulk) are cut into parts, the others into steps. */
struct sharing {
    const struct onr_product_task *tasks;
    size_t task_count;
    size_t item_count;
    size_t parts;
    size_t bulk;
    size_t step;
    struct onr_counter taken; /* steps */
};

/* The first item of this step. */
static size_t step_begin(const struct sharing *s, size_t step)
{
    size_t begin = s->bulk + step * s->step;
    return begin < s->item_count ? begin : s->item_count;
}

/* Where the panel of an item lies, or behind the last what is read after these products: the threads
 * share that in the same way. NULL when it is not known. */
static const void *find_panel(const struct sharing *s, size_t item, size_t part)
{
    const struct onr_product *first = s->tasks->product;
    const struct onr_stream *next = &first->next;
    if (item < s->item_count) {
        return first->is_stream ? first->packed + item * onr_product_panel_floats(first) : NULL;
    }
    return next->data == NULL
               ? NULL
               : (const char *)next->data + next->pieces * part / s->parts * next->piece_bytes;
}

/* Items [begin, end); ahead is for the whole of them. */
static void run_range(const struct sharing *s, size_t begin, size_t end,
                      const struct onr_product_ahead *ahead, unsigned worker)
{
    size_t first = 0;
    for (size_t i = 0; i < s->task_count && first < end; i++) {
        size_t after = first + onr_product_item_count(s->tasks[i].product);
        size_t from = larger(begin, first);
        size_t to = end < after ? end : after;
        if (from < to) {
            struct onr_product_ahead own = {.after = to < end ? find_panel(s, to, 0) : ahead->after,
                                            .is_prefetched = from > begin
                                                                 ? s->tasks->product->is_stream
                                                                 : ahead->is_prefetched};
            onr_product_run_items(&s->tasks[i], from - first, to - first, &own, worker);
        }
        first = after;
    }
}

/* Does its parts, then steps as long as there are any. Threads take those in turns as long as they
 * run equally fast: so it is known what to prefetch, or that nobody has. */
static void run_parts(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct sharing *s = arg;
    size_t guess = begin;
    struct onr_product_ahead ahead = {.after = find_panel(s, step_begin(s, guess), begin),
                                      .is_prefetched = s->tasks->product->is_prefetched};
    run_range(s, s->bulk * begin / s->parts, s->bulk * end / s->parts, &ahead, worker);
    size_t step = onr_counter_take(&s->taken);
    while (step_begin(s, step) < s->item_count) {
        ahead.is_prefetched = step == guess && ahead.after != NULL;
        guess = step + s->parts;
        ahead.after = find_panel(s, step_begin(s, guess), begin);
        run_range(s, step_begin(s, step), step_begin(s, step + 1), &ahead, worker);
        step = onr_counter_take(&s->taken);
    }
}

void onr_product_share_items(const struct onr_product_task *tasks, size_t count,
                             const struct onr_parallel *parallel)
{
    const struct onr_product *first = tasks[0].product;
    struct sharing s = {.tasks = tasks, .task_count = count};
    for (size_t i = 0; i < count; i++) {
        s.item_count += onr_product_item_count(tasks[i].product);
    }
    s.parts = s.item_count / first->grain;
    s.parts = s.parts < parallel->thread_count ? larger(s.parts, 1) : parallel->thread_count;
    s.bulk = s.parts > 1 ? s.item_count - first->kept_back : s.item_count;
    size_t tile = first->is_stream ? tile_panels(first) : 1;
    s.step = larger((s.item_count - s.bulk) / (4 * s.parts * tile), 1) * tile;
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
