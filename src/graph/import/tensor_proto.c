/* SPDX-License-Identifier: Apache-2.0 */
/* One tensor, sequence or optional through the same scan and checks as the tensors of a model. */
#include "graph/import/tensor_proto.h"

#include "base/sequence.h"
#include "graph/import/import_tensor.h"
#include "graph/import/wire.h"

#include <string.h>

#define MAX_NAME_BYTES 65536

/* Reads a varint at *at; false when it has no end. */
static bool read_varint(const uint8_t *data, size_t size, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < size; shift += 7) {
        uint8_t byte = data[(*at)++];
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            return true;
        }
    }
    return false;
}

bool onr_tensor_is_sequence(const uint8_t *data, size_t size)
{
    bool has_name = false;
    bool has_tensor = false;
    for (size_t at = 0; at < size;) {
        uint64_t tag = 0;
        uint64_t length = 0;
        if (!read_varint(data, size, &at, &tag)) {
            return false;
        }
        unsigned wire_type = tag & 7;
        bool is_message = wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
        bool is_number = wire_type == PROTOBUF_C_WIRE_TYPE_VARINT;
        if (tag >> 3 > 7 || (!is_message && !is_number) || (tag >> 3 == 1 && is_number) ||
            !read_varint(data, size, &at, &length) || (is_message && length > size - at)) {
            return false;
        }
        at += is_message ? (size_t)length : 0;
        has_name = has_name || tag >> 3 == 1;
        has_tensor = has_tensor || tag >> 3 == 3;
    }
    return has_name || has_tensor;
}

static enum onr_status parse(const uint8_t *data, struct onr_arena *arena,
                             const Onnx__TensorProto *proto, struct onr_constant *constant,
                             const char **name, struct onr_error *err)
{
    const struct onr_tensor_source source = {.data = data, .arena = arena, .is_copied = true};
    const char *own_name = proto->name != NULL ? proto->name : "";
    *name = onr_arena_string(arena, own_name, strlen(own_name));
    if (*name == NULL) {
        return onr_fail_memory(err, "tensor");
    }
    return onr_import_tensor(&source, proto, constant, err);
}

enum onr_status onr_tensor_parse(const uint8_t *data, size_t size, struct onr_arena *arena,
                                 struct onr_mem *mem, struct onr_constant *constant,
                                 const char **name, struct onr_error *err)
{
    const struct onr_wire_limits limits = {.name_bytes = MAX_NAME_BYTES};
    if (size == 0) {
        return onr_fail(err, ONR_ERR_PARSE, "the tensor file is empty");
    }
    if (onr_tensor_is_sequence(data, size)) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED,
                        "this is a sequence or an optional, expected a tensor");
    }
    struct onr_wire_message message;
    enum onr_status status =
        onr_wire_read(&onnx__tensor_proto__descriptor, data, size, &limits, mem, &message, err);
    if (status == ONR_OK) {
        status = parse(data, arena, (const Onnx__TensorProto *)message.root, constant, name, err);
    }
    onr_wire_close(&message);
    return status;
}

/* ---- sequences and optionals ---- */

static enum onr_status parse_tensors(const uint8_t *data, struct onr_arena *arena,
                                     Onnx__TensorProto *const *protos, size_t count,
                                     struct onr_parsed_value *value, struct onr_error *err)
{
    value->items = ONR_ARENA_ARRAY(arena, count, struct onr_constant);
    value->count = count;
    if (value->items == NULL) {
        return onr_fail_memory(err, "sequence");
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        ONR_TRY(parse(data, arena, protos[i], &value->items[i], &name, err));
        if (i > 0 && value->items[i].dtype != value->dtype) {
            return onr_fail(err, ONR_ERR_MODEL,
                            "tensor %zu of the sequence has type %s, expected %s", i,
                            onr_dtype_name(value->items[i].dtype), onr_dtype_name(value->dtype));
        }
        value->dtype = value->items[i].dtype;
    }
    return ONR_OK;
}

static enum onr_status parse_sequence(const uint8_t *data, struct onr_arena *arena,
                                      const Onnx__SequenceProto *proto,
                                      struct onr_parsed_value *value, struct onr_error *err)
{
    if (proto->n_sparse_tensor_values + proto->n_sequence_values + proto->n_map_values +
            proto->n_optional_values >
        0) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "a sequence of something else than tensors");
    }
    if (proto->n_tensor_values > (size_t)ONR_MAX_SEQUENCE) {
        return onr_fail(err, ONR_ERR_LIMIT, "a sequence of %zu tensors", proto->n_tensor_values);
    }
    value->kind = ONR_KIND_SEQUENCE;
    return parse_tensors(data, arena, proto->tensor_values, proto->n_tensor_values, value, err);
}

static enum onr_status parse_optional(const uint8_t *data, struct onr_arena *arena,
                                      enum onr_kind kind, const Onnx__OptionalProto *proto,
                                      struct onr_parsed_value *value, struct onr_error *err)
{
    if (proto->sparse_tensor_value != NULL || proto->map_value != NULL ||
        proto->optional_value != NULL ||
        (kind == ONR_KIND_TENSOR ? proto->sequence_value != NULL : proto->tensor_value != NULL)) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "the optional has an element of another kind");
    }
    if (proto->tensor_value != NULL) {
        value->kind = ONR_KIND_TENSOR;
        return parse_tensors(data, arena, &proto->tensor_value, 1, value, err);
    }
    if (proto->sequence_value != NULL) {
        return parse_sequence(data, arena, proto->sequence_value, value, err);
    }
    value->kind = ONR_KIND_NONE;
    return ONR_OK;
}

enum onr_status onr_value_parse(const struct onr_fact *type, const uint8_t *data, size_t size,
                                struct onr_arena *arena, struct onr_mem *mem,
                                struct onr_parsed_value *value, struct onr_error *err)
{
    const struct onr_wire_limits limits = {.name_bytes = MAX_NAME_BYTES};
    *value = (struct onr_parsed_value){.kind = type->kind};
    if (onr_fact_is_tensor(type)) {
        const char *name = NULL;
        value->items = ONR_ARENA_NEW(arena, struct onr_constant);
        value->count = 1;
        return value->items != NULL
                   ? onr_tensor_parse(data, size, arena, mem, value->items, &name, err)
                   : onr_fail_memory(err, "tensor");
    }
    struct onr_wire_message message;
    enum onr_status status = onr_wire_read(type->is_optional ? &onnx__optional_proto__descriptor
                                                             : &onnx__sequence_proto__descriptor,
                                           data, size, &limits, mem, &message, err);
    if (status == ONR_OK && type->is_optional) {
        const Onnx__OptionalProto *proto = (const Onnx__OptionalProto *)message.root;
        status = parse_optional(data, arena, type->kind, proto, value, err);
    } else if (status == ONR_OK) {
        const Onnx__SequenceProto *proto = (const Onnx__SequenceProto *)message.root;
        status = parse_sequence(data, arena, proto, value, err);
    }
    onr_wire_close(&message);
    return status;
}
