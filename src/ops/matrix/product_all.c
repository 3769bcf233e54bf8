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

struct all_task {
    const struct onr_product *products;
    const struct onr_product_operands *operands;
    size_t count;
    char *scratch;
};

static void run_all_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct all_task *all = arg;
    size_t first = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct onr_product_task task = {.product = &all->products[i],
                                              .operands = &all->operands[i],
                                              .bias = all->operands[i].c,
                                              .scratch = all->scratch};
        size_t items = onr_product_item_count(task.product);
        size_t from = larger(begin, first);
        size_t to = end < first + items ? end : first + items;
        if (from < to) {
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
    size_t items = 0;
    for (size_t i = 0; i < count; i++) {
        items += onr_product_item_count(&products[i]);
    }
    onr_parallel_for(ctx->parallel, items, products[0].grain, run_all_items, &all);
}
