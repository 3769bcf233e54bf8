/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that are multiplied by one of several matrices each, as those of experts: rows of the same
 * matrix are brought together, so that there is one product per matrix. The products are cut into
 * chunks of columns, with the groups running fastest, so that each thread has its share of all.
 */
#ifndef ONR_OPS_MATRIX_ROW_GROUPS_H
#define ONR_OPS_MATRIX_ROW_GROUPS_H

#include "base/parallel.h"
#include "kernels/kernels.h"

#include <stdint.h>

struct onr_row_groups {
    size_t *begin;  /* [count + 1]: where the rows of a group stand among those of all */
    size_t *active; /* [count]: groups that have rows */
    size_t active_count;
};

/* A product that is computed at once: [row, row + rows) of all, columns [first, first + columns). */
struct onr_group_item {
    size_t group;
    size_t row, rows;
    size_t first, columns;
};

/* Fills in the groups: row i of `rows`, which is of group[i] < count, comes to place[i]. Those of a
 * group keep their order. */
void onr_group_rows(struct onr_row_groups *groups, size_t count, const uint32_t *group, size_t rows,
                    size_t *place);

/* Columns of a chunk of n, in whole panels. */
size_t onr_group_chunk(const struct onr_gemm_f32 *kernel, size_t n, unsigned thread_count);

struct onr_group_item onr_group_item_at(const struct onr_row_groups *groups, size_t n, size_t chunk,
                                        size_t item);

/* Runs fn over all items of the product of the groups by k x n matrices. */
void onr_group_for(const struct onr_parallel *parallel, const struct onr_row_groups *groups,
                   size_t count, size_t n, size_t k, size_t chunk, onr_task_fn fn, void *arg);

#endif
