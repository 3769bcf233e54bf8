/* SPDX-License-Identifier: Apache-2.0 */
/* Input sources: files, literals, generated numbers. */
#include "common/source.h"

#include "common/element.h"
#include "common/file.h"
#include "common/literal.h"
#include "common/npy.h"
#include "common/npz.h"

#include <string.h>

/* Integers of `random` lie below this: small enough for most vocabularies. */
#define RANDOM_INTEGERS 100

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);
    return length > suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

bool source_is_generated(const char *source)
{
    return strcmp(source, "zeros") == 0 || strcmp(source, "ones") == 0 ||
           strcmp(source, "arange") == 0 || strcmp(source, "random") == 0 ||
           strcmp(source, "auto") == 0 || strncmp(source, "random:", 7) == 0;
}

/* ---- files ---- */

static onnxrun_status load_npz(const char *source, const char *colon, onnxrun_tensor **tensor,
                               onnxrun_error *error)
{
    char path[4096];
    struct file_bytes archive, member;
    size_t length = (size_t)(colon - source);
    if (length >= sizeof path) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "the file name is too long");
    }
    memcpy(path, source, length);
    path[length] = '\0';
    onnxrun_status status = file_read(path, &archive, error);
    if (status == ONNXRUN_OK) {
        status = npz_member(archive.data, archive.size, colon + 1, &member, error);
        file_free(&archive);
    }
    if (status == ONNXRUN_OK) {
        status = npy_parse(member.data, member.size, tensor, error);
        file_free(&member);
    }
    return status;
}

static onnxrun_status load_npy(const char *path, onnxrun_tensor **tensor, onnxrun_error *error)
{
    struct file_bytes bytes;
    onnxrun_status status = file_read(path, &bytes, error);
    if (status == ONNXRUN_OK) {
        status = npy_parse(bytes.data, bytes.size, tensor, error);
        file_free(&bytes);
    }
    return status;
}

static onnxrun_status load_pb(const char *path, onnxrun_kind kind, onnxrun_tensor **tensor,
                              onnxrun_error *error)
{
    struct file_bytes bytes;
    onnxrun_status status = file_read(path, &bytes, error);
    if (status == ONNXRUN_OK) {
        status = onnxrun_value_parse(kind, bytes.data, bytes.size, tensor, error);
        file_free(&bytes);
    }
    return status;
}

static bool is_sequence_kind(onnxrun_kind kind)
{
    return kind == ONNXRUN_KIND_SEQUENCE || kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE;
}

onnxrun_status source_load(const char *source, const onnxrun_value_info *info,
                           onnxrun_tensor **tensor, onnxrun_error *error)
{
    onnxrun_dtype dtype = info->dtype;
    const char *npz = strstr(source, ".npz:");
    onnxrun_status status;
    *tensor = NULL;
    if (is_sequence_kind(info->kind)) {
        return ends_with(source, ".pb") ? load_pb(source, info->kind, tensor, error)
                                        : tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                                                    "a sequence can only come from a FILE.pb");
    }
    if (source[0] != '[' && source[0] != '"' && npz != NULL) {
        status = load_npz(source, npz + 4, tensor, error);
    } else if (ends_with(source, ".npy")) {
        status = load_npy(source, tensor, error);
    } else if (ends_with(source, ".pb")) {
        status = load_pb(source, info->kind, tensor, error);
    } else if (literal_is_likely(source)) {
        return literal_parse(source, dtype, tensor, error);
    } else {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                         "\"%.100s\" is no FILE.npy, FILE.npz:MEMBER, FILE.pb, [literal], zeros, "
                         "ones, arange or random[:SEED]",
                         source);
    }
    if (status == ONNXRUN_OK && *tensor != NULL && dtype != ONNXRUN_UNDEFINED) {
        status = element_convert(tensor, dtype, error);
        if (status != ONNXRUN_OK) {
            onnxrun_tensor_free(*tensor);
            *tensor = NULL;
        }
    }
    return status;
}

/* ---- generated ---- */

/* Number index of the sequence with this seed (splitmix64). */
static uint64_t random_bits(uint64_t seed, uint64_t index)
{
    uint64_t z = seed * 0xd1342543de82ef95u + (index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static struct number random_number(onnxrun_dtype dtype, uint64_t seed, uint64_t index)
{
    uint64_t bits = random_bits(seed, index);
    if (!element_is_integer(dtype)) {
        return number_of_real((double)(bits >> 40) * 0x1p-23 - 1);
    }
    bool fits = element_holds_int(dtype, RANDOM_INTEGERS - 1);
    return number_of_int((int64_t)(bits % (fits ? RANDOM_INTEGERS : 2)));
}

/* 'z', 'o', 'a' or 'r', and the seed. */
static onnxrun_status generator(const char *source, onnxrun_dtype dtype, char *kind, uint64_t *seed,
                                onnxrun_error *error)
{
    int64_t number = 0;
    *kind = source[0];
    if (strcmp(source, "auto") == 0) {
        *kind = element_is_integer(dtype) ? 'o' : 'r';
    } else if (strncmp(source, "random:", 7) == 0 &&
               !tool_parse_int(source + 7, 0, INT64_MAX, &number)) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "\"%.50s\" is no seed (a number >= 0)",
                         source + 7);
    }
    *seed = (uint64_t)number;
    return ONNXRUN_OK;
}

onnxrun_status source_generate(const char *source, onnxrun_dtype dtype, size_t rank,
                               const int64_t *dims, onnxrun_tensor **tensor, onnxrun_error *error)
{
    char kind = 'z';
    uint64_t seed = 0;
    onnxrun_status status = generator(source, dtype, &kind, &seed, error);
    *tensor = NULL;
    if (status == ONNXRUN_OK) {
        status = onnxrun_tensor_create(dtype, rank, dims, tensor, error);
    }
    if (status != ONNXRUN_OK || kind == 'z' || dtype == ONNXRUN_STRING) {
        return status;
    }
    size_t count = onnxrun_tensor_count(*tensor);
    for (size_t i = 0; i < count; i++) {
        struct number number = kind == 'r'   ? random_number(dtype, seed, i)
                               : kind == 'o' ? number_of_int(1)
                                             : number_of_int((int64_t)i);
        if (element_set(dtype, onnxrun_tensor_mutable_data(*tensor), i, &number) ==
            ELEMENT_IMPOSSIBLE) {
            onnxrun_tensor_free(*tensor);
            *tensor = NULL;
            return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "element %zu of %s does not fit into %s",
                             i, source, onnxrun_dtype_name(dtype));
        }
    }
    return ONNXRUN_OK;
}
