/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/matrix/row_groups.h"

#include <string.h>

/* Multiply-adds below which a second thread costs more than it brings. */
#define SERIAL_MACS 131072.0

void onr_group_rows(struct onr_row_groups *groups, size_t count, const uint32_t *group, size_t rows,
                    size_t *place)
{
    size_t *begin = groups->begin;
    memset(begin, 0, (count + 1) * sizeof *begin);
    for (size_t i = 0; i < rows; i++) {
        begin[group[i]]++;
    }
    size_t end = 0;
    groups->active_count = 0;
    for (size_t g = 0; g < count; g++) {
        if (begin[g] > 0) {
            groups->active[groups->active_count++] = g;
        }
        end += begin[g];
        begin[g] = end;
    }
    begin[count] = end;
    for (size_t i = rows; i-- > 0;) { /* from behind: begin[g] moves from end to begin */
        place[i] = --begin[group[i]];
    }
}

size_t onr_group_chunk(const struct onr_gemm_f32 *kernel, size_t n, unsigned thread_count)
{
    size_t share = 4 * (size_t)thread_count;
    return kernel->columns * ((onr_gemm_f32_panels(kernel, n) + share - 1) / share);
}

struct onr_group_item onr_group_item_at(const struct onr_row_groups *groups, size_t n, size_t chunk,
                                        size_t item)
{
    size_t group = groups->active[item % groups->active_count];
    size_t first = item / groups->active_count * chunk;
    return (struct onr_group_item){
        .group = group,
        .row = groups->begin[group],
        .rows = groups->begin[group + 1] - groups->begin[group],
        .first = first,
        .columns = n - first < chunk ? n - first : chunk,
    };
}

void onr_group_for(const struct onr_parallel *parallel, const struct onr_row_groups *groups,
                   size_t count, size_t n, size_t k, size_t chunk, onr_task_fn fn, void *arg)
{
    size_t active = groups->active_count;
    if (n == 0 || active == 0) {
        return;
    }
    double rows = (double)groups->begin[count] / (double)active;
    double macs = (rows + 1.0) * (double)k * (double)chunk;
    size_t grain = macs >= SERIAL_MACS ? 1 : (size_t)(SERIAL_MACS / (macs + 1.0)) + 1;
    onr_parallel_for(parallel, (n + chunk - 1) / chunk * active, grain, fn, arg);
}
