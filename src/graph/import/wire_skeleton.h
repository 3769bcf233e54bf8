/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer that the wire scan writes: protobuf with canonical tags and references in place of
 * weights. */
#ifndef ONR_GRAPH_IMPORT_WIRE_SKELETON_H
#define ONR_GRAPH_IMPORT_WIRE_SKELETON_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct onr_wire_skeleton {
    struct onr_mem *mem;
    uint8_t *data;
    size_t size;
    size_t capacity;
    uint64_t parse_bytes; /* heap that unpacking may take: the limit in force */
};

/* Appends a field: tag, length when the wire type has one, bytes. False when memory is out. */
bool onr_skeleton_put(struct onr_wire_skeleton *out, uint32_t tag, const void *bytes,
                      size_t length);

/* Begins a message. *length_at is handed to onr_skeleton_close when all its fields are in. */
bool onr_skeleton_open(struct onr_wire_skeleton *out, uint32_t tag, size_t *length_at);
void onr_skeleton_close(struct onr_wire_skeleton *out, size_t length_at);

void onr_skeleton_free(struct onr_wire_skeleton *out);

#endif
