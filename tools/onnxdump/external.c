/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External data of tensors. The library has checked where they lie when it read the model; what is
 * checked here is that nothing is read past the end of a file. Functions that call themselves go as
 * deep as messages nest, which the library limits.
 */
#include "onnxdump/external.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Field numbers of TensorProto and StringStringEntryProto. */
enum {
    TENSOR_DIMS = 1,
    TENSOR_DTYPE = 2,
    TENSOR_RAW_DATA = 9,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2
};

enum external_message external_message_of(enum external_message message, uint32_t number)
{
    static const struct {
        enum external_message message;
        uint32_t number;
        enum external_message is;
    } fields[] = {
        {EXTERNAL_MODEL, 25, EXTERNAL_FUNCTION},     {EXTERNAL_FUNCTION, 7, EXTERNAL_NODE},
        {EXTERNAL_FUNCTION, 11, EXTERNAL_ATTRIBUTE}, {EXTERNAL_MODEL, 7, EXTERNAL_GRAPH},
        {EXTERNAL_GRAPH, 1, EXTERNAL_NODE},          {EXTERNAL_GRAPH, 5, EXTERNAL_TENSOR},
        {EXTERNAL_GRAPH, 15, EXTERNAL_SPARSE},       {EXTERNAL_NODE, 5, EXTERNAL_ATTRIBUTE},
        {EXTERNAL_ATTRIBUTE, 5, EXTERNAL_TENSOR},    {EXTERNAL_ATTRIBUTE, 6, EXTERNAL_GRAPH},
        {EXTERNAL_ATTRIBUTE, 10, EXTERNAL_TENSOR},   {EXTERNAL_ATTRIBUTE, 11, EXTERNAL_GRAPH},
        {EXTERNAL_ATTRIBUTE, 22, EXTERNAL_SPARSE},   {EXTERNAL_ATTRIBUTE, 23, EXTERNAL_SPARSE},
        {EXTERNAL_SPARSE, 1, EXTERNAL_TENSOR},       {EXTERNAL_SPARSE, 2, EXTERNAL_TENSOR},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].message == message && fields[i].number == number) {
            return fields[i].is;
        }
    }
    return EXTERNAL_NONE;
}

/* ---- one tensor ---- */

static bool is_external(struct wire_span tensor)
{
    struct wire_field location;
    return wire_find(tensor, TENSOR_LOCATION, &location) && location.integer == 1;
}

/* The entry of external_data with this key; empty when there is none. */
static struct wire_span entry_of(struct wire_span tensor, const char *key)
{
    struct wire_field field;
    while (wire_next(&tensor, &field)) {
        if (field.number == TENSOR_EXTERNAL && wire_is(wire_value(field.value, ENTRY_KEY), key)) {
            return wire_value(field.value, ENTRY_VALUE);
        }
    }
    return (struct wire_span){NULL, 0};
}

static int64_t entry_number(struct wire_span tensor, const char *key, int64_t fallback)
{
    struct wire_span text = entry_of(tensor, key);
    char digits[24];
    int64_t number;
    (void)snprintf(digits, sizeof digits, "%.*s", (int)(text.size < 23 ? text.size : 23),
                   text.size > 0 ? (const char *)text.data : "");
    return tool_parse_int(digits, 0, INT64_MAX, &number) ? number : fallback;
}

/* The path of the file that holds the data. */
static char *data_path(struct wire_span tensor, const char *model_path)
{
    struct wire_span location = entry_of(tensor, "location");
    const char *slash = strrchr(model_path, '/');
    int folder = slash != NULL ? (int)(slash + 1 - model_path) : 0;
    return tool_printf("%.*s%.*s", folder, model_path, (int)location.size,
                       location.size > 0 ? (const char *)location.data : "");
}

/* Bits of an element in a file. */
static uint64_t element_bits(uint64_t dtype)
{
    switch (dtype) {
    case ONNXRUN_UINT4:
    case ONNXRUN_INT4:
    case ONNXRUN_FLOAT4E2M1:
        return 4;
    case ONNXRUN_UINT2:
    case ONNXRUN_INT2:
        return 2;
    case ONNXRUN_FLOAT6E2M3:
    case ONNXRUN_FLOAT6E3M2:
        return 6;
    default:
        return dtype <= ONNXRUN_FLOAT6E3M2 ? 8 * onnxrun_dtype_size((onnxrun_dtype)dtype) : 0;
    }
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* Bytes of the data when the file does not tell: what dtype and dims need. */
static int64_t needed_bytes(struct wire_span tensor)
{
    uint64_t bits = 1, dim;
    struct wire_field field;
    while (wire_next(&tensor, &field)) {
        if (field.number == TENSOR_DTYPE) {
            bits = multiply(bits, element_bits(field.integer));
        } else if (field.number == TENSOR_DIMS && field.value.data == NULL) {
            bits = multiply(bits, field.integer);
        }
        while (field.number == TENSOR_DIMS && wire_take_int(&field.value, &dim)) {
            bits = multiply(bits, dim);
        }
    }
    return (int64_t)(bits / 8 + (bits % 8 != 0));
}

static bool read_at(const char *path, int64_t offset, int64_t length, void *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    errno = 0;
    bool is_read = fseeko(file, offset, SEEK_SET) == 0 &&
                   fread(bytes, 1, (size_t)length, file) == (size_t)length;
    (void)fclose(file);
    return is_read;
}

/* The tensor with its data as raw_data. */
static onnxrun_status embed_tensor(struct wire_span tensor, const char *model_path,
                                   struct wire_out *out, onnxrun_error *error)
{
    struct wire_field field;
    onnxrun_status status = ONNXRUN_OK;
    int64_t offset = entry_number(tensor, "offset", 0);
    int64_t length = entry_number(tensor, "length", needed_bytes(tensor));
    char *path = data_path(tensor, model_path);
    uint8_t *data = length <= INT32_MAX ? tool_alloc((size_t)length, 1) : NULL;
    if (data == NULL) {
        status = tool_fail(error, ONNXRUN_ERR_LIMIT,
                           "a weight of %" PRId64 " bytes is too large for a protobuf file; in the "
                           "folder of the model it can stay in a file of its own",
                           length);
    } else if (!read_at(path, offset, length, data)) {
        status = tool_fail(error, ONNXRUN_ERR_IO,
                           "cannot read %" PRId64 " bytes at offset %" PRId64 " of \"%s\": %s",
                           length, offset, path, errno != 0 ? strerror(errno) : "end of file");
    } else {
        while (wire_next(&tensor, &field)) {
            if (field.number != TENSOR_EXTERNAL && field.number != TENSOR_LOCATION) {
                wire_put_raw(out, field.whole);
            }
        }
        wire_put(out, TENSOR_RAW_DATA, (struct wire_span){data, (size_t)length});
    }
    free(data);
    free(path);
    return status;
}

/* ---- messages ---- */

bool external_any(enum external_message message, struct wire_span bytes, const char *model_path,
                  bool (*test)(const char *path, const void *user), const void *user)
{
    struct wire_field field;
    if (message == EXTERNAL_NONE || (message == EXTERNAL_TENSOR && !is_external(bytes))) {
        return false;
    }
    if (message == EXTERNAL_TENSOR) {
        char *path = data_path(bytes, model_path);
        bool is_true = test == NULL || test(path, user);
        free(path);
        return is_true;
    }
    while (wire_next(&bytes, &field)) {
        if (external_any(external_message_of(message, field.number), field.value, model_path, test,
                         user)) {
            return true;
        }
    }
    return false;
}

onnxrun_status external_embed(enum external_message message, struct wire_span bytes,
                              const char *model_path, struct wire_out *out, onnxrun_error *error)
{
    struct wire_field field;
    onnxrun_status status = ONNXRUN_OK;
    if (message == EXTERNAL_TENSOR && is_external(bytes)) {
        return embed_tensor(bytes, model_path, out, error);
    }
    while (status == ONNXRUN_OK && wire_next(&bytes, &field)) {
        enum external_message inner = external_message_of(message, field.number);
        if (!external_any(inner, field.value, model_path, NULL, NULL)) {
            wire_put_raw(out, field.whole);
            continue;
        }
        struct wire_out value = {.data = NULL};
        status = external_embed(inner, field.value, model_path, &value, error);
        wire_put_message(out, field.number, &value);
    }
    return status;
}
