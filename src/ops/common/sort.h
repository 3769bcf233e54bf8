/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting of item numbers, without recursion or allocation, and search in what is sorted. */
#ifndef ONR_OPS_COMMON_SORT_H
#define ONR_OPS_COMMON_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Below, equal to or above 0 as item a comes before, with or after item b. */
typedef int (*onr_compare_fn)(const void *arg, int64_t a, int64_t b);

/* The same of item a and what is sought. */
typedef int (*onr_seek_fn)(const void *arg, int64_t a);

/*
 * Writes the numbers 0 .. count-1 to order, sorted by compare; equal items stay in the order of
 * their numbers. spare has room for count numbers too.
 */
void onr_sort(size_t count, int64_t *order, int64_t *spare, onr_compare_fn compare,
              const void *arg);

/* The last item of order for which seek gives 0, or -1. */
int64_t onr_sorted_find(size_t count, const int64_t *order, onr_seek_fn seek, const void *arg);

#endif
