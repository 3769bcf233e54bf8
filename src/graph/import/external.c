/* SPDX-License-Identifier: Apache-2.0 */
/* The list of mapped external files. */
#include "graph/import/external.h"

#include <string.h>

void onr_external_files_init(struct onr_external_files *files, struct onr_mem *mem)
{
    *files = (struct onr_external_files){.mem = mem};
    onr_strmap_init(&files->index, mem);
}

void onr_external_files_free(struct onr_external_files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        struct onr_external_file *item = &files->items[i];
        onr_file_unmap(&item->file);
        onr_mem_free(files->mem, item->location, strlen(item->location) + 1);
    }
    onr_mem_free(files->mem, files->items, files->capacity * sizeof *files->items);
    onr_strmap_free(&files->index);
    onr_external_files_init(files, files->mem);
}

static enum onr_status grow(struct onr_external_files *files, struct onr_error *err)
{
    if (files->count == ONR_MAX_EXTERNAL_FILES) {
        return onr_fail(err, ONR_ERR_LIMIT, "weights are in more than %d external files",
                        ONR_MAX_EXTERNAL_FILES);
    }
    if (files->count < files->capacity) {
        return ONR_OK;
    }
    uint32_t capacity = files->capacity != 0 ? files->capacity * 2 : 8;
    struct onr_external_file *items = onr_mem_alloc(files->mem, capacity * sizeof *items);
    if (items == NULL) {
        return onr_fail_memory(err, "external files");
    }
    if (files->count > 0) {
        memcpy(items, files->items, files->count * sizeof *items);
    }
    onr_mem_free(files->mem, files->items, files->capacity * sizeof *items);
    files->items = items;
    files->capacity = capacity;
    return ONR_OK;
}

enum onr_status onr_external_files_open(struct onr_external_files *files, const char *model_path,
                                        const char *location, const struct onr_file **file,
                                        struct onr_error *err)
{
    uint32_t index = onr_strmap_get(&files->index, location);
    if (index != ONR_STRMAP_NONE) {
        *file = &files->items[index].file;
        return ONR_OK;
    }
    ONR_TRY(grow(files, err));
    size_t bytes = strlen(location) + 1;
    char *copy = onr_mem_alloc(files->mem, bytes);
    if (copy == NULL) {
        return onr_fail_memory(err, "external files");
    }
    memcpy(copy, location, bytes);
    struct onr_external_file *item = &files->items[files->count];
    *item = (struct onr_external_file){.location = copy};
    enum onr_status status = onr_file_map_beside(model_path, location, &item->file, err);
    if (status == ONR_OK && !onr_strmap_put(&files->index, copy, files->count)) {
        onr_file_unmap(&item->file);
        status = onr_fail_memory(err, "external files");
    }
    if (status != ONR_OK) {
        onr_mem_free(files->mem, copy, bytes);
        return status;
    }
    files->count++;
    *file = &item->file;
    return ONR_OK;
}
