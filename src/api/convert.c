/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses, types and errors between the public header and the inside, which must agree in number.
 */
#include "api/handles.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SAME(public_name, internal_name)                                                           \
    _Static_assert((int)(public_name) == (int)(internal_name), #public_name)

SAME(ONNXRUN_OK, ONR_OK);
SAME(ONNXRUN_ERR_ARGUMENT, ONR_ERR_ARGUMENT);
SAME(ONNXRUN_ERR_IO, ONR_ERR_IO);
SAME(ONNXRUN_ERR_PARSE, ONR_ERR_PARSE);
SAME(ONNXRUN_ERR_MODEL, ONR_ERR_MODEL);
SAME(ONNXRUN_ERR_UNSUPPORTED, ONR_ERR_UNSUPPORTED);
SAME(ONNXRUN_ERR_SHAPE, ONR_ERR_SHAPE);
SAME(ONNXRUN_ERR_VALUE, ONR_ERR_VALUE);
SAME(ONNXRUN_ERR_MEMORY, ONR_ERR_MEMORY);
SAME(ONNXRUN_ERR_LIMIT, ONR_ERR_LIMIT);
SAME(ONNXRUN_ERR_CANCELLED, ONR_ERR_CANCELLED);
SAME(ONNXRUN_ERR_INTERNAL, ONR_ERR_INTERNAL);

#define ONR_DTYPE_SAME(name, number, text, bits, bytes) SAME(ONNXRUN_##name, ONR_##name);
ONR_DTYPE_LIST(ONR_DTYPE_SAME)
#undef ONR_DTYPE_SAME

SAME(ONNXRUN_MAX_RANK, ONR_MAX_RANK);
SAME(sizeof(onnxrun_string), sizeof(struct onr_string));
_Static_assert(sizeof(((onnxrun_error *)0)->message) == ONR_MESSAGE_BYTES, "message size");

onnxrun_status onr_api_result(enum onr_status status, const struct onr_error *err,
                              onnxrun_error *error)
{
    if (error != NULL) {
        error->status = (onnxrun_status)status;
        if (status == ONR_OK) {
            error->message[0] = '\0';
        } else {
            memcpy(error->message, err->message, sizeof error->message);
        }
    }
    return (onnxrun_status)status;
}

onnxrun_status onr_api_fail(onnxrun_error *error, onnxrun_status status, const char *format, ...)
{
    char text[ONR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct onr_error err;
    (void)onr_fail(&err, (enum onr_status)status, "%s", text);
    return onr_api_result((enum onr_status)status, &err, error);
}

/* printf at the end of out, whose first *used bytes are filled; cut to fit. */
static void __attribute__((format(printf, 3, 4)))
append(char out[ONR_INFO_TEXT_BYTES], size_t *used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(out + *used, ONR_INFO_TEXT_BYTES - *used, format, args);
    va_end(args);
    size_t end = *used + (wrote > 0 ? (size_t)wrote : 0);
    *used = end < ONR_INFO_TEXT_BYTES ? end : ONR_INFO_TEXT_BYTES - 1;
}

const char *onr_info_text(const onnxrun_value_info *info, char out[ONR_INFO_TEXT_BYTES])
{
    static const char *const kinds[] = {"", "sequence of ", "optional ", "optional sequence of ",
                                        ""};
    size_t used = 0;
    append(out, &used, "%s%s", kinds[info->kind], onnxrun_dtype_name(info->dtype));
    for (int i = 0; i < info->rank; i++) {
        append(out, &used, "%s", i == 0 ? "[" : ", ");
        if (info->dims[i] >= 0) {
            append(out, &used, "%" PRId64, info->dims[i]);
        } else {
            append(out, &used, "%.64s", info->symbols[i] != NULL ? info->symbols[i] : "?");
        }
    }
    append(out, &used, "%s", info->rank > 0 ? "]" : info->rank == 0 ? " scalar" : "");
    return out;
}

const char *onr_info_names(const onnxrun_value_info *infos, size_t count,
                           char out[ONR_INFO_TEXT_BYTES])
{
    size_t used = 0;
    append(out, &used, "%s", count == 0 ? "none" : "");
    for (size_t i = 0; i < count; i++) {
        append(out, &used, "%s%.64s", i > 0 ? ", " : "", infos[i].name);
    }
    return out;
}

const char *onnxrun_status_text(onnxrun_status status)
{
    return onr_status_text((enum onr_status)status);
}

uint32_t onnxrun_version(void)
{
    return (uint32_t)ONNXRUN_VERSION_MAJOR << 16 | (uint32_t)ONNXRUN_VERSION_MINOR << 8 |
           (uint32_t)ONNXRUN_VERSION_PATCH;
}

const char *onnxrun_dtype_name(onnxrun_dtype dtype)
{
    bool is_valid = onr_dtype_is_valid((int64_t)dtype);
    return onr_dtype_name(is_valid ? (enum onr_dtype)dtype : ONR_UNDEFINED);
}

size_t onnxrun_dtype_size(onnxrun_dtype dtype)
{
    return onr_dtype_is_valid((int64_t)dtype) ? onr_dtype_size((enum onr_dtype)dtype) : 0;
}
