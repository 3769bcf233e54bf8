/* SPDX-License-Identifier: Apache-2.0 */
#include "common/value_file.h"

#include "common/file.h"
#include "common/source.h"

#include <stdlib.h>
#include <string.h>

static bool is_kept(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("_.-~", byte) != NULL);
}

char *value_file_path(const char *folder, const char *name, const char *suffix)
{
    static const char digits[] = "0123456789ABCDEF";
    char *quoted = tool_alloc(3 * strlen(name) + 1, 1);
    char *at = quoted;
    for (; *name != '\0'; name++) {
        unsigned char byte = (unsigned char)*name;
        if (is_kept(*name)) {
            *at++ = *name;
        } else {
            *at++ = '%';
            *at++ = digits[byte >> 4];
            *at++ = digits[byte & 15];
        }
    }
    char *path = tool_printf("%s/%s%s", folder, quoted, suffix);
    free(quoted);
    return path;
}

onnxrun_status value_file_read(const char *folder, const char *name, onnxrun_kind kind,
                               onnxrun_tensor **tensor, onnxrun_error *error)
{
    static const char *const suffixes[] = {".npy", ".pb"};
    const onnxrun_value_info info = {.name = name, .kind = kind};
    onnxrun_status status = ONNXRUN_OK;
    *tensor = NULL;
    for (size_t i = 0; i < 2 && *tensor == NULL && status == ONNXRUN_OK; i++) {
        char *path = value_file_path(folder, name, suffixes[i]);
        bool is_readable = i == 1 || kind == ONNXRUN_KIND_TENSOR; /* .npy holds tensors alone */
        if (is_readable && file_exists(path)) {
            status = source_load(path, &info, tensor, error);
            if (status != ONNXRUN_OK) {
                (void)tool_prefix(error, "%s: ", path);
            }
        }
        free(path);
    }
    return status;
}
