/* SPDX-License-Identifier: Apache-2.0 */
/* A fast hash of 64 bits, not against those who look for collisions. */
#ifndef ONNXRUN_TOOLS_HASH_H
#define ONNXRUN_TOOLS_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_SEED UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_number(uint64_t hash, uint64_t number)
{
    hash = (hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Eight bytes at a time: pieces of data give the hash of the whole when they have such a length. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint64_t word;
    for (; count >= sizeof word; count -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = hash_number(hash, word);
    }
    if (count == 0) {
        return hash;
    }
    for (word = count; count > 0; count--) {
        word = word << 8 | at[count - 1];
    }
    return hash_number(hash, word);
}

static inline uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash_bytes(hash, text, strlen(text));
}

#endif
