/* SPDX-License-Identifier: Apache-2.0 */
/* Words of ONNX's textual syntax. */
#include "onnxdump/onnxtxt.h"

#include "common/element.h"
#include "common/escape.h"
#include "common/small_float.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

/* The characters that are kept stand there as they are. */
static void put_quoted(const char *bytes, size_t length, const char *kept)
{
    size_t begin = 0;
    fputc('"', stdout);
    for (size_t i = 0; i <= length; i++) {
        bool is_special = i == length || bytes[i] == '"' || bytes[i] == '\\' ||
                          (bytes[i] != '\0' && strchr(kept, bytes[i]) != NULL);
        if (!is_special) {
            continue;
        }
        escape_print(stdout, bytes + begin, i - begin);
        if (i < length && (bytes[i] == '"' || bytes[i] == '\\')) {
            fputc('\\', stdout);
        }
        if (i < length) {
            fputc(bytes[i], stdout);
        }
        begin = i + 1;
    }
    fputc('"', stdout);
}

void onnxtxt_quoted(const char *bytes, size_t length)
{
    put_quoted(bytes, length, "\n\t");
}

static bool is_identifier(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return name[0] != '\0' && strchr(letters, name[0]) != NULL &&
           name[strspn(name, others)] == '\0';
}

void onnxtxt_name(const char *name)
{
    if (is_identifier(name)) {
        fputs(name, stdout);
    } else {
        put_quoted(name, strlen(name), "");
    }
}

void onnxtxt_real(double number, bool is_double)
{
    char digits[40];
    (void)snprintf(digits, sizeof digits, is_double ? "%.17g" : "%.9g", number);
    fputs(isnan(number) ? "nan" : digits, stdout);
    fputs(isfinite(number) && strpbrk(digits, ".e") == NULL ? ".0" : "", stdout);
}

/* ---- types ---- */

static void put_shape(const onnxrun_value_info *info)
{
    if (info->rank == 0) {
        return;
    }
    fputc('[', stdout);
    for (int32_t i = 0; i < info->rank; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        if (info->dims[i] >= 0) {
            printf("%" PRId64, info->dims[i]);
        } else if (info->symbols[i] != NULL) {
            onnxtxt_name(info->symbols[i]);
        } else {
            fputc('?', stdout);
        }
    }
    fputc(']', stdout);
}

bool onnxtxt_type(const onnxrun_value_info *info)
{
    static const char *const before[] = {"", "seq(", "optional(", "optional(seq("};
    static const char *const after[] = {"", ")", ")", "))"};
    if (info->kind == ONNXRUN_KIND_OTHER || info->dtype == ONNXRUN_UNDEFINED) {
        return false;
    }
    printf("%s%s", before[info->kind], onnxrun_dtype_name(info->dtype));
    put_shape(info);
    fputs(after[info->kind], stdout);
    return true;
}

/* ---- elements ---- */

static void put_element(onnxrun_dtype dtype, const void *data, size_t index)
{
    if (small_float_is(dtype)) { /* stands there as its code */
        bool is_wide = onnxrun_dtype_size(dtype) == 2;
        printf("%u", is_wide ? ((const uint16_t *)data)[index] : ((const uint8_t *)data)[index]);
        return;
    }
    if (dtype == ONNXRUN_STRING) {
        const onnxrun_string *string = (const onnxrun_string *)data + index;
        onnxtxt_quoted(string->data, string->length);
        return;
    }
    struct number number = element_get(dtype, data, index);
    bool is_double = dtype == ONNXRUN_DOUBLE || dtype == ONNXRUN_COMPLEX128;
    if (number.kind == NUMBER_INT) {
        printf("%" PRId64, number.integer);
    } else if (number.kind == NUMBER_UINT) {
        printf("%" PRIu64, number.above);
    } else {
        onnxtxt_real(number.real, is_double);
    }
    if (element_is_complex(dtype)) {
        fputs(", ", stdout);
        onnxtxt_real(number.imaginary, is_double);
    }
}

void onnxtxt_elements(const onnxrun_weight *weight, const onnxrun_weight_info *info, void *piece)
{
    fputc('{', stdout);
    for (size_t begin = 0; begin < info->count; begin += VIEW_PIECE_ELEMENTS) {
        size_t count = view_piece(info->count, begin);
        (void)onnxrun_weight_read(weight, begin, count, piece, NULL);
        for (size_t i = 0; i < count; i++) {
            fputs(begin + i > 0 ? ", " : "", stdout);
            put_element(info->dtype, piece, i);
        }
    }
    fputc('}', stdout);
}

void onnxtxt_weight_type(const onnxrun_weight_info *info)
{
    fputs(onnxrun_dtype_name(info->dtype), stdout);
    for (uint32_t i = 0; i < info->rank; i++) {
        printf("%s%" PRId64, i > 0 ? ", " : "[", info->dims[i]);
    }
    fputs(info->rank > 0 ? "]" : "", stdout);
}
