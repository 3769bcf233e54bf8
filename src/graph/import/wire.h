/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pass over raw protobuf bytes that comes before protobuf-c sees any of them.
 *
 * It checks the wire format against the generated descriptors, enforces the limits, and writes a
 * skeleton: the same message without what import does not read (unknown fields, documentation of
 * nodes, training graphs, metadata of nodes unless it is asked for) and without weights. Every TensorProto.raw_data is replaced by a
 * reference to where its bytes lie, so that a skeleton has kilobytes where its file has gigabytes,
 * and weight bytes are never touched. As all raw_data fields are replaced, no file can make up a
 * reference.
 */
#ifndef ONR_GRAPH_IMPORT_WIRE_H
#define ONR_GRAPH_IMPORT_WIRE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/mem.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Deepest nesting of messages; the limit of other protobuf implementations. */
#define ONR_WIRE_MAX_DEPTH 100

struct onr_wire_limits {
    uint64_t parse_bytes; /* heap that protobuf-c may take; 0: 64 MiB or 16 times the bytes without
                             weights */
    uint32_t name_bytes;  /* one string field */
    bool keeps_metadata;  /* of nodes */
};

/* Bytes [offset, offset + size) of the scanned input. */
struct onr_wire_span {
    uint64_t offset;
    uint64_t size;
};

struct onr_wire_skeleton;

/* The message that was read: an arena of its own under the limit parse_bytes. Must not be moved. */
struct onr_wire_message {
    struct onr_mem *mem; /* pays for the budget */
    bool is_memory_out;  /* mem had no more, before the limit was reached */
    struct onr_mem budget;
    struct onr_arena arena;
    ProtobufCMessage *root;
};

/*
 * Scans data [size] as a message of type root. Iterative; time and memory are linear in what is not
 * weights. Errors: ONR_ERR_PARSE with the byte offset, ONR_ERR_LIMIT, ONR_ERR_MEMORY; the skeleton
 * is then empty.
 */
enum onr_status onr_wire_scan(const ProtobufCMessageDescriptor *root, const uint8_t *data,
                              size_t size, const struct onr_wire_limits *limits,
                              struct onr_mem *mem, struct onr_wire_skeleton *skeleton,
                              struct onr_error *err) ONR_MUST_USE;

/*
 * Scans data and has protobuf-c unpack the skeleton. mem pays for both. Free with onr_wire_close in
 * any case. Errors: as onr_wire_scan.
 */
enum onr_status onr_wire_read(const ProtobufCMessageDescriptor *root, const uint8_t *data,
                              size_t size, const struct onr_wire_limits *limits,
                              struct onr_mem *mem, struct onr_wire_message *message,
                              struct onr_error *err) ONR_MUST_USE;

void onr_wire_close(struct onr_wire_message *message);

/* Where the raw_data of a TensorProto from a skeleton lies. */
struct onr_wire_span onr_wire_payload(const ProtobufCBinaryData *raw_data);

/* What the bytes look like when they are no ONNX model, as "a zip archive"; NULL when nothing is
 * known. */
const char *onr_wire_guess(const uint8_t *data, size_t size);

#endif
