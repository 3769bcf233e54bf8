/* SPDX-License-Identifier: Apache-2.0 */
/* One TensorProto through the same scan and checks as the tensors of a model. */
#include "graph/import/tensor_proto.h"

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
                        "this is a sequence or optional, which are not supported as inputs");
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
