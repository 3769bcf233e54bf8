/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map from names to numbers with a hash that is keyed per process, so that a file cannot make it
 * slow.
 *
 *     struct onr_strmap names;
 *     onr_strmap_init(&names, mem);
 *     if (!onr_strmap_put(&names, "x", 7)) ... out of memory
 *     uint32_t id = onr_strmap_get(&names, "x");      -> 7; ONR_STRMAP_NONE when absent
 *     onr_strmap_free(&names);
 */
#ifndef ONR_BASE_STRMAP_H
#define ONR_BASE_STRMAP_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ONR_STRMAP_NONE UINT32_MAX

struct onr_strmap_entry {
    const char *key; /* borrowed; NULL: free */
    uint32_t value;
    uint32_t hash;
};

struct onr_strmap {
    struct onr_mem *mem;
    struct onr_strmap_entry *entries; /* [capacity], a power of two, open addressing */
    size_t capacity;
    size_t count;
    uint64_t hash_key;
};

void onr_strmap_init(struct onr_strmap *map, struct onr_mem *mem);
void onr_strmap_free(struct onr_strmap *map);

/* Sets key (borrowed until the map is freed) to value, replacing an older one; false when memory is
 * out. */
bool onr_strmap_put(struct onr_strmap *map, const char *key, uint32_t value);

uint32_t onr_strmap_get(const struct onr_strmap *map, const char *key);

#endif
