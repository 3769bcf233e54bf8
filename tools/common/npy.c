/* SPDX-License-Identifier: Apache-2.0 */
/* Reading .npy files. */
#include "common/npy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct npy_type npy_types[] = {
    {"b1", ONNXRUN_BOOL, 1},      {"i1", ONNXRUN_INT8, 1},        {"u1", ONNXRUN_UINT8, 1},
    {"i2", ONNXRUN_INT16, 2},     {"u2", ONNXRUN_UINT16, 2},      {"i4", ONNXRUN_INT32, 4},
    {"u4", ONNXRUN_UINT32, 4},    {"i8", ONNXRUN_INT64, 8},       {"u8", ONNXRUN_UINT64, 8},
    {"f2", ONNXRUN_FLOAT16, 2},   {"f4", ONNXRUN_FLOAT, 4},       {"f8", ONNXRUN_DOUBLE, 8},
    {"c8", ONNXRUN_COMPLEX64, 4}, {"c16", ONNXRUN_COMPLEX128, 8}, {"V2", ONNXRUN_BFLOAT16, 2},
};

const struct npy_type *npy_type_of(onnxrun_dtype dtype)
{
    for (size_t i = 0; i < sizeof npy_types / sizeof npy_types[0]; i++) {
        if (npy_types[i].dtype == dtype) {
            return &npy_types[i];
        }
    }
    return NULL;
}

struct npy_header {
    const struct npy_type *type;
    bool is_swapped;
    bool is_fortran;
    size_t rank;
    int64_t dims[ONNXRUN_MAX_RANK];
};

/* ---- the header: a Python dictionary of three entries ---- */

struct reader {
    const char *at;
    const char *end;
    onnxrun_error *error;
};

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n')) {
        reader->at++;
    }
}

static bool take(struct reader *reader, const char *token)
{
    size_t length = strlen(token);
    skip_space(reader);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, token, length) != 0) {
        return false;
    }
    reader->at += length;
    return true;
}

static onnxrun_status fail_header(struct reader *reader, const char *expected)
{
    return tool_fail(reader->error, ONNXRUN_ERR_PARSE, "npy header: expected %s", expected);
}

/* A quoted string without escapes into text; false when it is none or does not fit. */
static bool take_string(struct reader *reader, char *text, size_t capacity)
{
    skip_space(reader);
    if (reader->at == reader->end || (*reader->at != '\'' && *reader->at != '"')) {
        return false;
    }
    char quote = *reader->at;
    const char *start = reader->at + 1;
    const char *close = memchr(start, quote, (size_t)(reader->end - start));
    if (close == NULL || (size_t)(close - start) >= capacity) {
        return false;
    }
    memcpy(text, start, (size_t)(close - start));
    text[close - start] = '\0';
    reader->at = close + 1;
    return true;
}

static onnxrun_status read_type(struct reader *reader, struct npy_header *header)
{
    char text[16];
    if (!take_string(reader, text, sizeof text)) {
        bool is_structure = reader->at < reader->end && *reader->at == '[';
        return is_structure ? tool_fail(reader->error, ONNXRUN_ERR_UNSUPPORTED,
                                        "npy: structured types are not supported")
                            : fail_header(reader, "a type such as '<f4' after 'descr'");
    }
    for (size_t i = 0; i < sizeof npy_types / sizeof npy_types[0]; i++) {
        if (text[0] != '\0' && strchr("<>|=", text[0]) != NULL &&
            strcmp(text + 1, npy_types[i].code) == 0) {
            header->type = &npy_types[i];
            header->is_swapped = text[0] == '>';
            return ONNXRUN_OK;
        }
    }
    return tool_fail(reader->error, ONNXRUN_ERR_UNSUPPORTED,
                     "npy: elements of type '%s' are not supported", text);
}

static bool take_dim(struct reader *reader, int64_t *dim)
{
    skip_space(reader);
    const char *start = reader->at;
    *dim = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (__builtin_mul_overflow(*dim, (int64_t)10, dim) ||
            __builtin_add_overflow(*dim, (int64_t)(*reader->at - '0'), dim)) {
            return false;
        }
    }
    return reader->at > start;
}

static onnxrun_status read_shape(struct reader *reader, struct npy_header *header)
{
    bool has_comma = false;
    if (!take(reader, "(")) {
        return fail_header(reader, "a tuple after 'shape'");
    }
    while (!take(reader, ")")) {
        if (header->rank > 0 && !has_comma) {
            return fail_header(reader, "',' or ')' in the shape");
        }
        if (header->rank == ONNXRUN_MAX_RANK) {
            return tool_fail(reader->error, ONNXRUN_ERR_UNSUPPORTED, "npy: more than %d dimensions",
                             ONNXRUN_MAX_RANK);
        }
        if (!take_dim(reader, &header->dims[header->rank])) {
            return fail_header(reader, "a number of at most 63 bits in the shape");
        }
        header->rank++;
        has_comma = take(reader, ",");
    }
    return header->rank == 1 && !has_comma ? fail_header(reader, "',' in a shape of one dimension")
                                           : ONNXRUN_OK;
}

static onnxrun_status read_entry(struct reader *reader, struct npy_header *header, unsigned *seen)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    char key[16];
    size_t index = 0;
    if (!take_string(reader, key, sizeof key) || !take(reader, ":")) {
        return fail_header(reader, "a key and ':'");
    }
    while (index < 3 && strcmp(key, keys[index]) != 0) {
        index++;
    }
    if (index == 3 || (*seen >> index & 1) != 0) {
        return fail_header(reader, "'descr', 'fortran_order' and 'shape', each once");
    }
    *seen |= 1u << index;
    if (index == 0) {
        return read_type(reader, header);
    }
    if (index == 2) {
        return read_shape(reader, header);
    }
    header->is_fortran = take(reader, "True");
    return header->is_fortran || take(reader, "False")
               ? ONNXRUN_OK
               : fail_header(reader, "True or False after 'fortran_order'");
}

static onnxrun_status read_header(struct reader *reader, struct npy_header *header)
{
    unsigned seen = 0;
    bool has_comma = true;
    if (!take(reader, "{")) {
        return fail_header(reader, "'{'");
    }
    while (!take(reader, "}")) {
        if (!has_comma) {
            return fail_header(reader, "',' or '}'");
        }
        onnxrun_status status = read_entry(reader, header, &seen);
        if (status != ONNXRUN_OK) {
            return status;
        }
        has_comma = take(reader, ",");
    }
    skip_space(reader);
    return seen == 7 && reader->at == reader->end
               ? ONNXRUN_OK
               : fail_header(reader, "'descr', 'fortran_order' and 'shape', then the end");
}

/* Finds the header text in a file; the data follow its end. */
static onnxrun_status find_header(const uint8_t *bytes, size_t size, struct reader *reader)
{
    if (size < 10 || memcmp(bytes, NPY_MAGIC, NPY_MAGIC_BYTES) != 0) {
        return tool_fail(reader->error, ONNXRUN_ERR_PARSE, "this is no npy file");
    }
    unsigned version = bytes[6];
    size_t start = version == 1 ? 10 : 12;
    if (version < 1 || version > 3 || bytes[7] != 0 || size < start) {
        return tool_fail(reader->error, ONNXRUN_ERR_PARSE, "npy version %u.%u is not known",
                         version, bytes[7]);
    }
    size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (version > 1) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    }
    if (length > size - start || length > NPY_MAX_HEADER) {
        return tool_fail(reader->error, ONNXRUN_ERR_PARSE,
                         "npy header: %zu bytes, but %zu remain (at most %d are read)", length,
                         size - start, NPY_MAX_HEADER);
    }
    reader->at = (const char *)bytes + start;
    reader->end = reader->at + length;
    return ONNXRUN_OK;
}

/* ---- the data ---- */

/* Checks that exactly the bytes of the shape follow. */
static onnxrun_status check_size(const struct npy_header *header, size_t available,
                                 onnxrun_error *error)
{
    size_t need = onnxrun_dtype_size(header->type->dtype);
    bool is_empty = false, is_too_large = false;
    for (size_t i = 0; i < header->rank; i++) {
        is_empty = is_empty || header->dims[i] == 0;
    }
    for (size_t i = 0; !is_empty && i < header->rank; i++) {
        is_too_large = is_too_large || __builtin_mul_overflow(need, (size_t)header->dims[i], &need);
    }
    need = is_empty ? 0 : need;
    if (is_too_large || need != available) {
        return tool_fail(
            error, ONNXRUN_ERR_PARSE, "npy: the shape takes %s%zu bytes, the file has %zu",
            is_too_large ? "more than " : "", is_too_large ? SIZE_MAX : need, available);
    }
    return ONNXRUN_OK;
}

static void reverse_units(uint8_t *data, size_t bytes, size_t unit)
{
    for (size_t start = 0; start + unit <= bytes; start += unit) {
        for (size_t i = 0; i < unit / 2; i++) {
            uint8_t low = data[start + i];
            data[start + i] = data[start + unit - 1 - i];
            data[start + unit - 1 - i] = low;
        }
    }
}

/* Copies count elements from Fortran to C order: an odometer over the indices of the C order. */
static void copy_fortran(const struct npy_header *header, const uint8_t *from, uint8_t *to,
                         size_t count)
{
    size_t size = onnxrun_dtype_size(header->type->dtype);
    size_t index[ONNXRUN_MAX_RANK] = {0}, stride[ONNXRUN_MAX_RANK] = {0};
    size_t offset = 0, step = 1;
    for (size_t i = 0; i < header->rank; i++) {
        stride[i] = step;
        step *= (size_t)header->dims[i];
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(to + i * size, from + offset * size, size);
        for (size_t axis = header->rank; axis-- > 0;) {
            offset += stride[axis];
            if (++index[axis] < (size_t)header->dims[axis]) {
                break;
            }
            offset -= stride[axis] * index[axis];
            index[axis] = 0;
        }
    }
}

static void read_data(const struct npy_header *header, const uint8_t *from, onnxrun_tensor *tensor)
{
    uint8_t *to = onnxrun_tensor_mutable_data(tensor);
    size_t bytes = onnxrun_tensor_bytes(tensor);
    if (bytes == 0) {
        return;
    }
    if (header->is_fortran) {
        copy_fortran(header, from, to, onnxrun_tensor_count(tensor));
    } else {
        memcpy(to, from, bytes);
    }
    if (header->is_swapped) {
        reverse_units(to, bytes, header->type->unit);
    }
    if (header->type->dtype == ONNXRUN_BOOL) {
        for (size_t i = 0; i < bytes; i++) {
            to[i] = to[i] != 0;
        }
    }
}

onnxrun_status npy_parse(const uint8_t *bytes, size_t size, onnxrun_tensor **tensor,
                         onnxrun_error *error)
{
    struct npy_header header = {.rank = 0};
    struct reader reader = {.error = error};
    *tensor = NULL;
    onnxrun_status status = find_header(bytes, size, &reader);
    const char *data = reader.end;
    if (status == ONNXRUN_OK) {
        status = read_header(&reader, &header);
    }
    if (status == ONNXRUN_OK) {
        status = check_size(&header, size - (size_t)(data - (const char *)bytes), error);
    }
    if (status == ONNXRUN_OK) {
        status = onnxrun_tensor_create(header.type->dtype, header.rank, header.dims, tensor, error);
    }
    if (status == ONNXRUN_OK) {
        read_data(&header, (const uint8_t *)data, *tensor);
    }
    return status;
}
