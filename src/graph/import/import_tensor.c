/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorProto to a constant: the one place that decides where the data of a tensor is and whether
 * it is all there, for initializers, attributes, bodies, functions and test data alike.
 */
#include "graph/import/import_tensor.h"

#include "base/size.h"
#include "graph/import/wire.h"

#include <string.h>

#define MAX_LOCATION_BYTES 4096

/* What external_data says. */
struct location {
    const char *name;
    uint64_t offset;
    uint64_t length;
    bool has_offset;
    bool has_length;
};

enum onr_status onr_import_dims(size_t rank, const int64_t *dims, struct onr_shape *shape,
                                struct onr_error *err)
{
    if (rank > ONR_MAX_RANK) {
        return onr_fail(err, ONR_ERR_LIMIT, "rank %zu is above the limit of %d", rank,
                        ONR_MAX_RANK);
    }
    *shape = (struct onr_shape){.rank = (int)rank};
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] < 0) {
            return onr_fail(err, ONR_ERR_MODEL, "dimension %zu is %lld", i, (long long)dims[i]);
        }
        shape->dim[i] = dims[i];
    }
    if (onr_shape_count(shape) < 0) {
        return onr_fail(err, ONR_ERR_MODEL, "the product of the dimensions overflows");
    }
    return ONR_OK;
}

/* Decimal digits only, up to INT64_MAX: strtoull would take signs and spaces. */
static bool parse_decimal(const char *text, uint64_t *value)
{
    *value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || *value > (uint64_t)INT64_MAX / 10) {
            return false;
        }
        *value = *value * 10 + (uint64_t)(*p - '0');
    }
    return text[0] != '\0' && *value <= (uint64_t)INT64_MAX;
}

static enum onr_status read_location(const Onnx__TensorProto *proto, struct location *location,
                                     struct onr_error *err)
{
    *location = (struct location){0};
    for (size_t i = 0; i < proto->n_external_data; i++) {
        const char *key = proto->external_data[i]->key;
        const char *value = proto->external_data[i]->value;
        bool is_offset = key != NULL && strcmp(key, "offset") == 0;
        bool is_length = key != NULL && strcmp(key, "length") == 0;
        bool is_name = key != NULL && strcmp(key, "location") == 0;
        if ((is_offset && location->has_offset) || (is_length && location->has_length) ||
            (is_name && location->name != NULL)) {
            return onr_fail(err, ONR_ERR_MODEL, "external_data has %s twice", key);
        }
        if (is_name) {
            location->name = value != NULL ? value : "";
        } else if (is_offset || is_length) {
            uint64_t *number = is_offset ? &location->offset : &location->length;
            location->has_offset |= is_offset;
            location->has_length |= is_length;
            if (value == NULL || !parse_decimal(value, number)) {
                return onr_fail(err, ONR_ERR_MODEL, "external %s \"%.32s\" is no decimal number",
                                key, value != NULL ? value : "");
            }
        }
    }
    return ONR_OK;
}

static enum onr_status check_location(const struct onr_tensor_source *source,
                                      const struct location *location, struct onr_error *err)
{
    if (location->name == NULL || location->name[0] == '\0') {
        return onr_fail(err, ONR_ERR_MODEL, "external data without a location");
    }
    if (strlen(location->name) > MAX_LOCATION_BYTES) {
        return onr_fail(err, ONR_ERR_MODEL, "the location of external data is longer than %d bytes",
                        MAX_LOCATION_BYTES);
    }
    if (strstr(location->name, "_ORT_MEM_ADDR_") != NULL) {
        return onr_fail(err, ONR_ERR_MODEL, "external data at a memory address");
    }
    if (source->path == NULL || source->files == NULL) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "external data \"%.128s\", but this input is not a model file with a "
                        "folder; load the model by its path",
                        location->name);
    }
    return ONR_OK;
}

static enum onr_status read_external(const struct onr_tensor_source *source,
                                     const Onnx__TensorProto *proto, struct onr_constant *constant,
                                     struct onr_error *err)
{
    struct location location;
    const struct onr_file *file = NULL;
    ONR_TRY(read_location(proto, &location, err));
    ONR_TRY(check_location(source, &location, err));
    ONR_TRY(onr_external_files_open(source->files, source->path, location.name, &file, err));
    if (location.has_length && location.length != constant->bytes) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "external length is %llu bytes, dtype and shape need %zu",
                        (unsigned long long)location.length, constant->bytes);
    }
    if (constant->bytes > file->size || location.offset > file->size - constant->bytes) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "%zu bytes at offset %llu lie past the end of \"%.128s\" (%zu bytes)",
                        constant->bytes, (unsigned long long)location.offset, location.name,
                        file->size);
    }
    constant->data = file->data != NULL ? file->data + location.offset : NULL;
    constant->is_mapped = true;
    constant->location = onr_arena_string(source->arena, location.name, strlen(location.name));
    return constant->location != NULL ? ONR_OK : onr_fail_memory(err, "external data");
}

static enum onr_status read_raw(const struct onr_tensor_source *source,
                                const Onnx__TensorProto *proto, struct onr_constant *constant,
                                struct onr_error *err)
{
    struct onr_wire_span span = onr_wire_payload(&proto->raw_data);
    if (span.size != constant->bytes) {
        return onr_fail(err, ONR_ERR_MODEL, "raw_data has %llu bytes, dtype and shape need %zu",
                        (unsigned long long)span.size, constant->bytes);
    }
    constant->data = source->data + span.offset;
    constant->is_mapped = source->path != NULL;
    if (source->is_copied) {
        constant->data = onr_arena_copy(source->arena, constant->data, constant->bytes);
        constant->is_mapped = false;
    }
    return constant->data != NULL ? ONR_OK : onr_fail_memory(err, "tensor data");
}

/* Kernels and readers take a bool for 0 or 1; masks are small, so looking is cheap. */
static enum onr_status check_bools(const struct onr_constant *constant, struct onr_error *err)
{
    const uint8_t *values = constant->data;
    for (size_t i = 0; i < constant->bytes; i++) {
        if (values[i] > 1) {
            return onr_fail(err, ONR_ERR_MODEL, "bool element %zu is %d", i, values[i]);
        }
    }
    return ONR_OK;
}

static enum onr_status check_head(const Onnx__TensorProto *proto, struct onr_constant *constant,
                                  struct onr_error *err)
{
    if (!proto->has_data_type || !onr_dtype_is_valid(proto->data_type)) {
        return onr_fail(err, ONR_ERR_MODEL, "data_type %d is none", proto->data_type);
    }
    if (proto->segment != NULL) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "tensors in segments are not supported");
    }
    *constant = (struct onr_constant){.dtype = (enum onr_dtype)proto->data_type};
    ONR_TRY(onr_import_dims(proto->n_dims, proto->dims, &constant->shape, err));
    size_t memory_bytes = 0;
    if (!onr_dtype_file_bytes(constant->dtype, onr_shape_count(&constant->shape),
                              &constant->bytes) ||
        !onr_shape_bytes(&constant->shape, constant->dtype, &memory_bytes) ||
        memory_bytes > ONR_SIZE_LIMIT) {
        return onr_fail(err, ONR_ERR_LIMIT, "the tensor is too large");
    }
    return ONR_OK;
}

static enum onr_status read_data(const struct onr_tensor_source *source,
                                 const Onnx__TensorProto *proto, struct onr_constant *constant,
                                 struct onr_error *err)
{
    bool is_external = proto->has_data_location &&
                       proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    bool has_typed = onr_import_has_typed_data(proto);
    bool has_raw = proto->has_raw_data && onr_wire_payload(&proto->raw_data).size > 0;
    if (proto->has_data_location && (proto->data_location < 0 || proto->data_location > 1)) {
        return onr_fail(err, ONR_ERR_MODEL, "data_location %d is none", proto->data_location);
    }
    if ((is_external && has_typed) || (is_external && has_raw) || (has_typed && has_raw)) {
        return onr_fail(err, ONR_ERR_MODEL, "data is given in two places");
    }
    if (constant->dtype == ONR_STRING && (is_external || has_raw)) {
        return onr_fail(err, ONR_ERR_MODEL, "strings must be in string_data");
    }
    if (is_external) {
        return read_external(source, proto, constant, err);
    }
    if (has_raw || (proto->has_raw_data && !has_typed && constant->dtype != ONR_STRING)) {
        return read_raw(source, proto, constant, err);
    }
    size_t count = (size_t)onr_constant_count(constant);
    return onr_import_typed_data(source->arena, proto, count, constant, err);
}

enum onr_status onr_import_tensor(const struct onr_tensor_source *source,
                                  const Onnx__TensorProto *proto, struct onr_constant *constant,
                                  struct onr_error *err)
{
    enum onr_status status = check_head(proto, constant, err);
    if (status == ONR_OK) {
        status = read_data(source, proto, constant, err);
    }
    if (status == ONR_OK && constant->dtype == ONR_BOOL) {
        status = check_bools(constant, err);
    }
    if (status != ONR_OK) {
        onr_error_prefix(err, "tensor \"%.128s\": ", proto->name != NULL ? proto->name : "");
    }
    return status;
}
