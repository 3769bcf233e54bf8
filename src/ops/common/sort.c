/* SPDX-License-Identifier: Apache-2.0 */
/* A merge sort from the bottom up, and binary search. */
#include "ops/common/sort.h"

#include <stdbool.h>
#include <string.h>

/* Merges the sorted runs [begin, middle) and [middle, end) of from into to. */
static void merge_runs(const int64_t *from, int64_t *to, size_t begin, size_t middle, size_t end,
                       onr_compare_fn compare, const void *arg)
{
    size_t left = begin;
    size_t right = middle;
    for (size_t i = begin; i < end; i++) {
        bool takes_left =
            left < middle && (right == end || compare(arg, from[left], from[right]) <= 0);
        to[i] = takes_left ? from[left++] : from[right++];
    }
}

void onr_sort(size_t count, int64_t *order, int64_t *spare, onr_compare_fn compare, const void *arg)
{
    int64_t *from = order;
    int64_t *to = spare;
    for (size_t i = 0; i < count; i++) {
        order[i] = (int64_t)i;
    }
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            size_t middle = begin + width < count ? begin + width : count;
            size_t end = begin + 2 * width < count ? begin + 2 * width : count;
            merge_runs(from, to, begin, middle, end, compare, arg);
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order) {
        memcpy(order, from, count * sizeof *order);
    }
}

int64_t onr_sorted_find(size_t count, const int64_t *order, onr_seek_fn seek, const void *arg)
{
    size_t begin = 0; /* items before are not above what is sought, items from end on are */
    size_t end = count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (seek(arg, order[middle]) <= 0) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin > 0 && seek(arg, order[begin - 1]) == 0 ? order[begin - 1] : -1;
}
