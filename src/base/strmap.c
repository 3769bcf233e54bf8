/* SPDX-License-Identifier: Apache-2.0 */
/* Open-addressing string map; the hash multiplies 8 bytes at a time by a random odd number. */
#include "base/strmap.h"

#include "base/os.h"

#include <string.h>

void onr_strmap_init(struct onr_strmap *map, struct onr_mem *mem)
{
    *map = (struct onr_strmap){.mem = mem, .hash_key = onr_os_random_key()};
}

void onr_strmap_free(struct onr_strmap *map)
{
    onr_mem_free(map->mem, map->entries, map->capacity * sizeof *map->entries);
    map->entries = NULL;
    map->capacity = 0;
    map->count = 0;
}

static uint32_t hash_string(uint64_t key, const char *text)
{
    const uint64_t factor = key | 1;
    size_t length = strlen(text);
    uint64_t hash = key ^ (length * 0x9e3779b97f4a7c15u);
    for (size_t i = 0; i < length; i += 8) {
        uint64_t part = 0;
        memcpy(&part, text + i, length - i < 8 ? length - i : 8);
        hash = (hash ^ part) * factor;
        hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return (uint32_t)(hash ^ (hash >> 32));
}

/* The entry of key, or the free one where it belongs. The table is never full. */
static struct onr_strmap_entry *find_entry(const struct onr_strmap *map, const char *key,
                                           uint32_t hash)
{
    size_t index = hash & (map->capacity - 1);
    while (map->entries[index].key != NULL &&
           (map->entries[index].hash != hash || strcmp(map->entries[index].key, key) != 0)) {
        index = (index + 1) & (map->capacity - 1);
    }
    return &map->entries[index];
}

/* Keys are known to differ, so that finding a place does not look at them. */
static void place(struct onr_strmap *map, const struct onr_strmap_entry *entry)
{
    size_t index = entry->hash & (map->capacity - 1);
    while (map->entries[index].key != NULL) {
        index = (index + 1) & (map->capacity - 1);
    }
    map->entries[index] = *entry;
}

static bool grow(struct onr_strmap *map)
{
    struct onr_strmap bigger = *map;
    bigger.capacity = map->capacity != 0 ? map->capacity * 2 : 16;
    bigger.entries = onr_mem_calloc(map->mem, bigger.capacity * sizeof *bigger.entries);
    if (bigger.entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key != NULL) {
            place(&bigger, &map->entries[i]);
        }
    }
    onr_mem_free(map->mem, map->entries, map->capacity * sizeof *map->entries);
    *map = bigger;
    return true;
}

bool onr_strmap_put(struct onr_strmap *map, const char *key, uint32_t value)
{
    if (map->count * 2 >= map->capacity && !grow(map)) {
        return false;
    }
    uint32_t hash = hash_string(map->hash_key, key);
    struct onr_strmap_entry *entry = find_entry(map, key, hash);
    if (entry->key == NULL) {
        entry->key = key;
        entry->hash = hash;
        map->count++;
    }
    entry->value = value;
    return true;
}

uint32_t onr_strmap_get(const struct onr_strmap *map, const char *key)
{
    if (map->capacity == 0) {
        return ONR_STRMAP_NONE;
    }
    const struct onr_strmap_entry *entry = find_entry(map, key, hash_string(map->hash_key, key));
    return entry->key != NULL ? entry->value : ONR_STRMAP_NONE;
}
