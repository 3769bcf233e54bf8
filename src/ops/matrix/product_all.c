/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several products as one: the items of all of them, one behind the other, are shared out. Threads
 * do not always run equally fast, so where it does not matter to the tiles, the last quarter of each
 * thread's items is kept back for whoever comes to it first, the very last in slices of their rows.
 */
#include "base/size.h"
#include "ops/matrix/product_items.h"

/* Slices of the rows of a tile of panels. */
#define MOST_SLICES 8

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
 * by step, and then those that other threads have not come to. The last steps are slices of the rows of
 * the last tile of panels.
 */
struct sharing {
    const struct onr_product_task *tasks;
    size_t round; /* items of one part of the rows */
    size_t item_count;
    size_t parts;
    size_t tile; /* parts and steps begin at multiples of this */
    size_t kept_back;
    size_t step;
    size_t whole_steps, slices;                /* of each part */
    struct onr_counter taken[ONR_MAX_THREADS]; /* steps of each part, slices last */
};

static size_t part_begin(const struct sharing *s, size_t part)
{
    return part == s->parts ? s->item_count : s->item_count * part / s->parts / s->tile * s->tile;
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

/* What a thread takes at a time: items [begin, end), or one of some slices of their rows. */
struct step {
    size_t begin, end;
    size_t slice, slices;
    bool is_prefetched;
};

/* The first of so many rows that a slice has: slices end where tiles do. */
static size_t slice_begin(const struct onr_product *p, size_t rows, size_t slice, size_t slices)
{
    size_t tiles = onr_size_max(onr_size_divide_up(rows, p->kernel->rows), 1);
    return rows * (tiles * slice / slices) / tiles;
}

static void run_step(const struct sharing *s, size_t part, const struct step *step, unsigned worker)
{
    bool is_prefetched = step->is_prefetched;
    for (size_t begin = step->begin, end = 0; begin < step->end; begin = end) {
        const struct onr_product_task *task = s->tasks;
        size_t item = begin % s->round;
        size_t count = onr_product_item_count(task->product);
        while (item >= count) {
            item -= count;
            count = onr_product_item_count((++task)->product);
        }
        end = onr_size_min(step->end, begin + count - item);
        const struct onr_product *p = task->product;
        size_t split = begin / s->round;
        size_t first = p->m * split / p->row_splits;
        size_t rows = p->m * (split + 1) / p->row_splits - first;
        struct onr_product_range range = {
            .row_begin = first + slice_begin(p, rows, step->slice, step->slices),
            .row_end = first + slice_begin(p, rows, step->slice + 1, step->slices),
            .begin = item,
            .end = item + end - begin,
            .after = find_panel(s, end, part),
            .is_prefetched = is_prefetched};
        onr_product_run_items(task, &range, worker);
        is_prefetched = s->tasks->product->is_stream;
    }
}

/* Step `index` of the items of a part that were kept back. */
static struct step find_step(const struct sharing *s, size_t part, size_t index)
{
    size_t end = part_begin(s, part + 1);
    if (index >= s->whole_steps) {
        return (struct step){.begin = end - s->tile,
                             .end = end,
                             .slice = index - s->whole_steps,
                             .slices = s->slices};
    }
    size_t begin = end - s->kept_back + index * s->step;
    return (struct step){
        .begin = begin, .end = onr_size_min(begin + s->step, end - s->tile), .slices = 1};
}

/* Takes steps of a part as long as there are any; expected: one that has been prefetched. */
static void run_steps(struct sharing *s, size_t part, size_t expected, unsigned worker)
{
    size_t index = onr_counter_take(&s->taken[part]);
    while (index < s->whole_steps + s->slices) {
        struct step step = find_step(s, part, index);
        step.is_prefetched = index == expected;
        run_step(s, part, &step, worker);
        expected = index + 1;
        index = onr_counter_take(&s->taken[part]);
    }
}

static void run_parts(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct sharing *s = arg;
    for (size_t part = begin; part < end; part++) {
        struct step own = {.begin = part_begin(s, part),
                           .end = part_begin(s, part + 1) - s->kept_back,
                           .slices = 1,
                           .is_prefetched = s->tasks->product->is_prefetched};
        run_step(s, part, &own, worker);
    }
    for (size_t i = 0; i < s->parts && s->kept_back > 0; i++) {
        run_steps(s, (begin + i) % s->parts, i == 0 ? 0 : SIZE_MAX, worker);
    }
}

/* Slices have two tiles or more. */
static size_t count_slices(const struct onr_product *p)
{
    size_t tiles = onr_size_divide_up(p->m / p->row_splits, p->kernel->rows);
    return onr_size_max(onr_size_min(tiles / 2, MOST_SLICES), 1);
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
        s.whole_steps = onr_size_divide_up(s.kept_back - s.tile, s.step);
        s.slices = count_slices(first);
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
