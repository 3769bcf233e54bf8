/* SPDX-License-Identifier: Apache-2.0 */
/* The files with weights beside a model, each mapped once. */
#ifndef ONR_GRAPH_IMPORT_EXTERNAL_H
#define ONR_GRAPH_IMPORT_EXTERNAL_H

#include "base/os.h"
#include "base/strmap.h"

/* Most files that a model may spread its weights over. */
#define ONR_MAX_EXTERNAL_FILES 4096

struct onr_external_file {
    char *location; /* as the model spells it; owned */
    struct onr_file file;
};

/* Owned by the caller of import and kept as long as the graph: constants point into the files. */
struct onr_external_files {
    struct onr_mem *mem;
    struct onr_external_file *items; /* [count] */
    uint32_t count;
    uint32_t capacity;
    struct onr_strmap index; /* of items by location */
};

void onr_external_files_init(struct onr_external_files *files, struct onr_mem *mem);

/* Unmaps all files. */
void onr_external_files_free(struct onr_external_files *files);

/* The file at location beside model_path, mapped when it is new. Errors: as onr_file_map_beside,
 * ONR_ERR_LIMIT. */
enum onr_status onr_external_files_open(struct onr_external_files *files, const char *model_path,
                                        const char *location, const struct onr_file **file,
                                        struct onr_error *err) ONR_MUST_USE;

#endif
