/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire scan. One loop over fields with an explicit stack of open messages; each field that
 * import reads is copied to the skeleton, with a canonical tag and with lengths of messages padded
 * to five bytes, which are filled in when the message ends.
 *
 * protobuf-c alone is not fit for hostile bytes: it recurses without a limit, merges repeated
 * messages in quadratic time, takes 160 bytes of heap for a byte of input, shifts out of range on
 * wide tags, and cuts strings at NUL. Whatever leads there is refused here.
 */
#include "graph/import/wire.h"

#include "onnx.pb-c.h"

#include "base/size.h"
#include "base/text.h"
#include "graph/import/wire_skeleton.h"

#include <stdbool.h>
#include <string.h>

#define FIELD_HEAP        32 /* protobuf-c's record of one field while it parses a message */
#define MIN_PARSE_BYTES   ((uint64_t)64 << 20)
#define PARSE_BYTES_RATIO 16
#define ONEOF_BIT         ((uint64_t)1 << 63)
#define NODE_METADATA     9 /* NodeProto.metadata_props */

/* A message whose end has not been reached. */
struct frame {
    const ProtobufCMessageDescriptor *message;
    size_t end;       /* of the input */
    size_t length_at; /* where its length goes in the skeleton */
    uint64_t seen;    /* bit i: fields[i], which may come once, has come */
};

struct scan {
    const uint8_t *data;
    size_t at;
    const struct onr_wire_limits *limits;
    struct onr_wire_skeleton *out;
    struct onr_error *err;
    uint64_t heap;    /* estimate of what unpacking the skeleton takes */
    uint64_t payload; /* bytes of raw_data */
    struct frame frames[ONR_WIRE_MAX_DEPTH];
    int depth;
};

/* Fields that import does not read. */
static const struct {
    const ProtobufCMessageDescriptor *message;
    uint32_t number;
} unread_fields[] = {
    {&onnx__model_proto__descriptor, 20},     {&onnx__model_proto__descriptor, 26},
    {&onnx__graph_proto__descriptor, 14},     {&onnx__graph_proto__descriptor, 16},
    {&onnx__node_proto__descriptor, 6},       {&onnx__node_proto__descriptor, 10},
    {&onnx__value_info_proto__descriptor, 3}, {&onnx__value_info_proto__descriptor, 4},
    {&onnx__tensor_proto__descriptor, 12},    {&onnx__tensor_proto__descriptor, 16},
    {&onnx__function_proto__descriptor, 8},   {&onnx__function_proto__descriptor, 12},
    {&onnx__function_proto__descriptor, 14},  {&onnx__attribute_proto__descriptor, 13},
};

static bool is_unread(const struct scan *scan, const ProtobufCMessageDescriptor *message,
                      uint32_t number)
{
    if (message == &onnx__node_proto__descriptor && number == NODE_METADATA) {
        return !scan->limits->keeps_metadata;
    }
    for (size_t i = 0; i < sizeof unread_fields / sizeof unread_fields[0]; i++) {
        if (unread_fields[i].message == message && unread_fields[i].number == number) {
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

#define scan_fail(scan, offset, ...)                                                               \
    (onr_fail((scan)->err, ONR_ERR_PARSE, __VA_ARGS__), scan_at((scan), (offset)))

/* Puts where it was in front of the message. */
static enum onr_status scan_at(struct scan *scan, size_t offset)
{
    const struct frame *top = &scan->frames[scan->depth - 1];
    onr_error_prefix(scan->err, "byte %zu, in %s: ", offset, top->message->short_name);
    return ONR_ERR_PARSE;
}

/* A varint of at most max_bytes that ends before `end`. */
static enum onr_status read_varint(struct scan *scan, size_t end, size_t max_bytes, uint64_t *value)
{
    uint64_t result = 0;
    size_t start = scan->at;
    for (size_t i = 0; i < max_bytes && scan->at < end; i++) {
        uint8_t byte = scan->data[scan->at++];
        result |= (uint64_t)(byte & 127) << (7 * i);
        if (byte < 128) {
            *value = result;
            return ONR_OK;
        }
    }
    return scan_fail(scan, start, "a number has no end within %zu bytes", max_bytes);
}

/* Moves over a value of this wire type; [*begin, *begin + *length) are its bytes without a length
 * prefix. */
static enum onr_status read_value(struct scan *scan, size_t end, unsigned wire_type, size_t *begin,
                                  size_t *length)
{
    uint64_t number = 0;
    size_t start = scan->at;
    *begin = start;
    switch (wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        ONR_TRY(read_varint(scan, end, 10, &number));
        *length = scan->at - start;
        return ONR_OK;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        number = 8;
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        number = 4;
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        ONR_TRY(read_varint(scan, end, 10, &number));
        break;
    default:
        return scan_fail(scan, start, "wire type %u is not used by protobuf of today", wire_type);
    }
    *begin = scan->at;
    if (number > end - scan->at) {
        return scan_fail(scan, start, "%llu bytes are announced, %zu are left",
                         (unsigned long long)number, end - scan->at);
    }
    *length = (size_t)number;
    scan->at += *length;
    return ONR_OK;
}

/* The wire type of one value of this type. */
static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        break;
    }
    return PROTOBUF_C_WIRE_TYPE_VARINT;
}

/* Map values (metadata, paths) and documentation may be long; names may not. */
static enum onr_status check_string(struct scan *scan, const ProtobufCFieldDescriptor *field,
                                    size_t begin, size_t length)
{
    const struct frame *top = &scan->frames[scan->depth - 1];
    bool is_map_value =
        top->message == &onnx__string_string_entry_proto__descriptor && field->id == 2;
    bool is_text = is_map_value || strcmp(field->name, "doc_string") == 0;
    if (length > scan->limits->name_bytes && !is_text) {
        return onr_fail(scan->err, ONR_ERR_LIMIT,
                        "byte %zu: %s.%s has %zu bytes, the limit name_bytes is %u", begin,
                        top->message->short_name, field->name, length, scan->limits->name_bytes);
    }
    for (size_t i = 0; i < length;) {
        size_t step = onr_utf8_length(scan->data + begin + i, length - i);
        if (step == 0 || scan->data[begin + i] == 0) {
            return scan_fail(scan, begin + i, "%s is not UTF-8 without NUL", field->name);
        }
        i += step;
    }
    return ONR_OK;
}

/* Checks the values of a packed field and counts them. */
static enum onr_status check_packed(struct scan *scan, const ProtobufCFieldDescriptor *field,
                                    size_t begin, size_t length, size_t *count)
{
    unsigned wire_type = wire_type_of(field->type);
    if (wire_type != PROTOBUF_C_WIRE_TYPE_VARINT) {
        size_t bytes = wire_type == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
        *count = length / bytes;
        return length % bytes == 0
                   ? ONR_OK
                   : scan_fail(scan, begin, "%zu bytes of %s are no multiple of %zu", length,
                               field->name, bytes);
    }
    *count = 0;
    size_t run = 0;
    for (size_t i = begin; i < begin + length; i++) {
        bool is_last = scan->data[i] < 128;
        run = is_last ? 0 : run + 1;
        *count += is_last;
        if (run >= 10) {
            break;
        }
    }
    return run == 0 ? ONR_OK : scan_fail(scan, begin, "a number in %s has no end", field->name);
}

/* ---- fields ---- */

static enum onr_status put_field(struct scan *scan, uint32_t tag, const void *bytes, size_t length)
{
    return onr_skeleton_put(scan->out, tag, bytes, length)
               ? ONR_OK
               : onr_fail_memory(scan->err, "model skeleton");
}

static enum onr_status put_reference(struct scan *scan, uint32_t tag, size_t offset, size_t size)
{
    const uint64_t span[2] = {offset, size};
    scan->payload += size;
    scan->heap += FIELD_HEAP + sizeof span;
    return put_field(scan, tag, span, sizeof span);
}

struct onr_wire_span onr_wire_payload(const ProtobufCBinaryData *raw_data)
{
    uint64_t span[2];
    memcpy(span, raw_data->data, sizeof span);
    return (struct onr_wire_span){.offset = span[0], .size = span[1]};
}

/* Refuses a second value of a message, string or bytes field that is not repeated: parsers differ
 * in what they make of it, and merging takes quadratic time. A number may come again; the last one
 * counts. */
static enum onr_status check_single(struct scan *scan, const ProtobufCFieldDescriptor *field,
                                    size_t offset)
{
    struct frame *top = &scan->frames[scan->depth - 1];
    if (field->label == PROTOBUF_C_LABEL_REPEATED ||
        wire_type_of(field->type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        return ONR_OK;
    }
    bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    uint64_t bit = is_oneof ? ONEOF_BIT : (uint64_t)1 << (field - top->message->fields);
    if ((top->seen & bit) != 0) {
        return scan_fail(scan, offset, "duplicate %s", field->name);
    }
    top->seen |= bit;
    return ONR_OK;
}

/* Compares the estimate with the limit, which by default grows with the bytes that have been read.
 */
static enum onr_status check_heap(struct scan *scan)
{
    uint64_t limit = scan->limits->parse_bytes;
    if (limit == 0) {
        limit = PARSE_BYTES_RATIO * (scan->at - scan->payload);
        limit = limit > MIN_PARSE_BYTES ? limit : MIN_PARSE_BYTES;
    }
    scan->out->parse_bytes = limit;
    if (scan->heap > limit) {
        return onr_fail(
            scan->err, ONR_ERR_LIMIT,
            "byte %zu: parsing takes %llu bytes of memory, the limit parse_bytes is %llu", scan->at,
            (unsigned long long)scan->heap, (unsigned long long)limit);
    }
    return ONR_OK;
}

static enum onr_status open_message(struct scan *scan, const ProtobufCFieldDescriptor *field,
                                    uint32_t tag, size_t begin, size_t length)
{
    if (scan->depth == ONR_WIRE_MAX_DEPTH) {
        return onr_fail(scan->err, ONR_ERR_LIMIT, "byte %zu: messages nest deeper than %d", begin,
                        ONR_WIRE_MAX_DEPTH);
    }
    const ProtobufCMessageDescriptor *message = field->descriptor;
    ONR_TRY(check_heap(scan));
    size_t length_at = 0;
    if (!onr_skeleton_open(scan->out, tag, &length_at)) {
        return onr_fail_memory(scan->err, "model skeleton");
    }
    scan->frames[scan->depth++] =
        (struct frame){.message = message, .end = begin + length, .length_at = length_at};
    scan->heap += FIELD_HEAP + onr_size_align(message->sizeof_message, 64) + sizeof(void *);
    scan->at = begin;
    return ONR_OK;
}

static void close_message(struct scan *scan)
{
    const struct frame *top = &scan->frames[--scan->depth];
    if (scan->depth > 0) {
        onr_skeleton_close(scan->out, top->length_at);
    }
}

/* A field that import reads, whose value has been moved over. */
static enum onr_status take_field(struct scan *scan, const ProtobufCFieldDescriptor *field,
                                  uint32_t tag, size_t begin, size_t length)
{
    const struct frame *top = &scan->frames[scan->depth - 1];
    size_t count = 1;
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return open_message(scan, field, tag, begin, length);
    case PROTOBUF_C_TYPE_BYTES:
        if (top->message == &onnx__tensor_proto__descriptor && field->id == 9) {
            return put_reference(scan, tag, begin, length);
        }
        break;
    case PROTOBUF_C_TYPE_STRING:
        ONR_TRY(check_string(scan, field, begin, length));
        break;
    default:
        if ((tag & 7) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            ONR_TRY(check_packed(scan, field, begin, length, &count));
        }
        scan->heap += FIELD_HEAP + (uint64_t)count * 8;
        return put_field(scan, tag, scan->data + begin, length);
    }
    scan->heap += FIELD_HEAP + sizeof(ProtobufCBinaryData) + onr_size_align(length + 1, 16);
    return put_field(scan, tag, scan->data + begin, length);
}

static enum onr_status scan_field(struct scan *scan)
{
    const struct frame *top = &scan->frames[scan->depth - 1];
    size_t start = scan->at;
    uint64_t tag = 0;
    ONR_TRY(read_varint(scan, top->end, 5, &tag));
    if (tag > UINT32_MAX || tag >> 3 == 0) {
        return scan_fail(scan, start, "%llu is no field number", (unsigned long long)(tag >> 3));
    }
    unsigned wire_type = tag & 7;
    uint32_t number = (uint32_t)(tag >> 3);
    size_t begin = 0;
    size_t length = 0;
    ONR_TRY(read_value(scan, top->end, wire_type, &begin, &length));
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(top->message, number);
    if (field == NULL || is_unread(scan, top->message, number)) {
        return ONR_OK;
    }
    bool is_packed = wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
                     field->label == PROTOBUF_C_LABEL_REPEATED;
    if (wire_type != wire_type_of(field->type) && !is_packed) {
        return scan_fail(scan, start, "%s has wire type %u", field->name, wire_type);
    }
    ONR_TRY(check_single(scan, field, start));
    return take_field(scan, field, (uint32_t)tag, begin, length);
}

static enum onr_status scan_message(struct scan *scan)
{
    while (scan->depth > 0) {
        if (scan->at == scan->frames[scan->depth - 1].end) {
            close_message(scan);
        } else {
            ONR_TRY(scan_field(scan));
        }
    }
    return check_heap(scan);
}

enum onr_status onr_wire_scan(const ProtobufCMessageDescriptor *root, const uint8_t *data,
                              size_t size, const struct onr_wire_limits *limits,
                              struct onr_mem *mem, struct onr_wire_skeleton *skeleton,
                              struct onr_error *err)
{
    *skeleton = (struct onr_wire_skeleton){.mem = mem};
    struct scan scan = {.data = data, .limits = limits, .out = skeleton, .err = err, .depth = 1};
    scan.frames[0] = (struct frame){.message = root, .end = size};
    enum onr_status status = scan_message(&scan);
    if (status != ONR_OK) {
        onr_skeleton_free(skeleton);
    }
    return status;
}
