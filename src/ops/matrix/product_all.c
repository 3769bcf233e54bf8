/* SPDX-License-Identifier: Apache-2.0 */
/* Several products as one: the items of all of them, one behind the other, are shared out. */
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

void onr_product_link(struct onr_product *products, size_t count, struct onr_plan_ctx *ctx)
{
    if (!is_stream(products, count)) {
        return;
    }
    const struct onr_gemm_f32 *kernel = products[0].kernel;
    struct onr_stream stream = {.data = products[0].packed,
                                .piece_bytes = products[0].k * kernel->columns * sizeof(float)};
    for (size_t i = 0; i < count; i++) {
        products[i].is_prefetched = ctx->next_stream != NULL;
        stream.pieces += products[i].panels;
    }
    if (ctx->next_stream != NULL) {
        *ctx->next_stream = stream;
    }
    /* A panel of one tile leaves no time for it. */
    ctx->next_stream = products[0].m > kernel->rows ? &products[0].next : NULL;
}

struct all_task {
    const struct onr_product *products;
    const struct onr_product_operands *operands;
    size_t count;
    size_t item_count;
    char *scratch;
};

static void run_all_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct all_task *all = arg;
    size_t first = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct onr_product *product = &all->products[i];
        size_t items = onr_product_item_count(product);
        size_t from = larger(begin, first);
        size_t to = end < first + items ? end : first + items;
        if (from < to) {
            const struct onr_product_task task = {
                .product = product,
                .operands = &all->operands[i],
                .bias = all->operands[i].c,
                .after = to < end ? product[1].packed
                                  : onr_product_find_next(all->products, begin, all->item_count),
                .is_prefetched = begin < first || product->is_prefetched,
                .scratch = all->scratch};
            onr_product_run_items(&task, from - first, to - first, worker);
        }
        first += items;
    }
}

void onr_product_run_all(const struct onr_product *products,
                         const struct onr_product_operands *operands, size_t count,
                         const struct onr_run_ctx *ctx)
{
    struct all_task all = {
        .products = products, .operands = operands, .count = count, .scratch = ctx->workspace};
    for (size_t i = 0; i < count; i++) {
        all.item_count += onr_product_item_count(&products[i]);
    }
    onr_parallel_for(ctx->parallel, all.item_count, products[0].grain, run_all_items, &all);
}
