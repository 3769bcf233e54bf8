/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of messages are not known when they begin: they are padded to five bytes and filled in at
 * the end. */
#include "graph/import/wire_skeleton.h"

#include "base/size.h"

#include <string.h>

#define TAG_BYTES    5
#define LENGTH_BYTES 5 /* of a message: 35 bits */
#define VARINT_BYTES 10

/* Makes room for bytes more. */
static bool reserve(struct onr_wire_skeleton *out, size_t bytes)
{
    if (out->capacity - out->size >= bytes) {
        return true;
    }
    size_t capacity = out->capacity * 2 < 4096 ? 4096 : out->capacity * 2;
    while (capacity - out->size < bytes) {
        capacity *= 2;
    }
    uint8_t *bigger = onr_mem_alloc(out->mem, capacity);
    if (bigger == NULL) {
        return false;
    }
    if (out->size > 0) {
        memcpy(bigger, out->data, out->size);
    }
    onr_mem_free(out->mem, out->data, out->capacity);
    out->data = bigger;
    out->capacity = capacity;
    return true;
}

static void put_varint(struct onr_wire_skeleton *out, uint64_t value)
{
    for (; value > 127; value >>= 7) {
        out->data[out->size++] = (uint8_t)(value | 128);
    }
    out->data[out->size++] = (uint8_t)value;
}

bool onr_skeleton_put(struct onr_wire_skeleton *out, uint32_t tag, const void *bytes, size_t length)
{
    if (length > ONR_SIZE_LIMIT || !reserve(out, length + TAG_BYTES + VARINT_BYTES)) {
        return false;
    }
    put_varint(out, tag);
    if ((tag & 7) == 2) {
        put_varint(out, length);
    }
    if (length > 0) {
        memcpy(out->data + out->size, bytes, length);
    }
    out->size += length;
    return true;
}

bool onr_skeleton_open(struct onr_wire_skeleton *out, uint32_t tag, size_t *length_at)
{
    if (!reserve(out, TAG_BYTES + LENGTH_BYTES)) {
        return false;
    }
    put_varint(out, tag);
    *length_at = out->size;
    out->size += LENGTH_BYTES;
    return true;
}

void onr_skeleton_close(struct onr_wire_skeleton *out, size_t length_at)
{
    uint64_t length = out->size - length_at - LENGTH_BYTES;
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        unsigned more = i < LENGTH_BYTES - 1 ? 128 : 0;
        out->data[length_at + i] = (uint8_t)((length >> (7 * i) & 127) | more);
    }
}

void onr_skeleton_free(struct onr_wire_skeleton *out)
{
    onr_mem_free(out->mem, out->data, out->capacity);
    *out = (struct onr_wire_skeleton){.mem = out->mem};
}
