/* SPDX-License-Identifier: Apache-2.0 */
/* Models in textual syntax on their way to the library. */
#include "common/model_file.h"

#include "common/onnxtxt/read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN_BYTES 256

/* The first byte of a protobuf message is a tag, and those of '<' and '#' are of groups, which ONNX
 * has not; a space, tab or line break before them is no tag of ModelProto either. */
static bool begins_like_text(const char *path)
{
    char begin[BEGIN_BYTES];
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return false;
    }
    FILE *stream = fopen(path, "rb");
    size_t size = stream != NULL ? fread(begin, 1, sizeof begin, stream) : 0;
    size_t at = 0;
    while (at < size && strchr(" \t\r\n", begin[at]) != NULL && begin[at] != '\0') {
        at++;
    }
    if (stream != NULL) {
        (void)fclose(stream);
    }
    return at < size && (begin[at] == '<' || begin[at] == '#');
}

static bool is_text(const char *path)
{
    static const char ending[] = ".onnxtxt";
    size_t length = strlen(path);
    bool has_ending =
        length >= sizeof ending && strcmp(path + length - (sizeof ending - 1), ending) == 0;
    return (has_ending && file_exists(path)) || begins_like_text(path);
}

/* Weights in other files are found beside the file that refers to them. */
static char *temporary_base(const char *path, bool has_external)
{
    const char *folder = getenv("TMPDIR");
    return has_external
               ? tool_printf("%s.tmp", path)
               : tool_printf("%s/onnxtxt-%ld", folder != NULL ? folder : "/tmp", (long)getpid());
}

onnxrun_status model_file_open(struct model_file *file, const char *path, onnxrun_error *error)
{
    struct file_bytes text;
    struct wire_out model;
    bool has_external;
    *file = (struct model_file){.path = path};
    if (!is_text(path)) {
        return ONNXRUN_OK;
    }
    onnxrun_status status = file_read(path, &text, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    status =
        onnxtxt_read((struct wire_span){text.data, text.size}, path, &model, &has_external, error);
    file_free(&text);
    if (status != ONNXRUN_OK) {
        return status;
    }
    file->base = temporary_base(path, has_external);
    status = file_draft_open(&file->draft, file->base, error);
    if (status == ONNXRUN_OK && file->draft.temporary.path == NULL) {
        status = tool_fail(error, ONNXRUN_ERR_IO,
                           "cannot make an ONNX file of \"%s\": \"%s\" is a device or a pipe", path,
                           file->base);
    } else if (status == ONNXRUN_OK) {
        file->path = file->draft.temporary.path;
        status = file_draft_write(&file->draft, -1, model.data, model.size, error);
    } else {
        free(file->base);
        file->base = NULL;
    }
    wire_free(&model);
    return status;
}

void model_file_close(struct model_file *file)
{
    onnxrun_error ignored;
    if (file->base != NULL) {
        (void)file_draft_close(&file->draft, -1, &ignored);
        free(file->base);
    }
    *file = (struct model_file){.path = NULL};
}
