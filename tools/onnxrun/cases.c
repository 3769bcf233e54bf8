/* SPDX-License-Identifier: Apache-2.0 */
/* Finding test cases. */
#include "onnxrun/cases.h"

#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Folders to look at; a stack, so that deep trees cost no recursion. */
struct folders {
    char **paths;
    size_t count;
};

static void push(struct folders *folders, char *path)
{
    folders->paths = tool_resize(folders->paths, folders->count + 1, sizeof *folders->paths);
    folders->paths[folders->count++] = path;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The part of path below root, or the last part of root when they are the same. */
static char *name_below(const char *root, const char *path)
{
    size_t length = strlen(root);
    if (path[length] != '\0') {
        const char *rest = path + length;
        return tool_printf("%s", rest + strspn(rest, "/"));
    }
    while (length > 1 && root[length - 1] == '/') {
        length--;
    }
    size_t start = length;
    while (start > 0 && root[start - 1] != '/') {
        start--;
    }
    return tool_printf("%.*s", (int)(length - start), root + start);
}

static void add_case(struct test_cases *cases, char *name, char *model, bool is_light)
{
    cases->items = tool_resize(cases->items, cases->count + 1, sizeof *cases->items);
    cases->items[cases->count++] = (struct test_case){name, model, is_light};
}

/* Adds folder/file, a light model, when its expected output is there. */
static void add_light(struct test_cases *cases, const char *root, const char *folder,
                      const char *file)
{
    size_t length = strlen(file);
    if (!starts_with(file, "light_") || length < 5 || strcmp(file + length - 5, ".onnx") != 0) {
        return;
    }
    char *stem = tool_printf("%s/%.*s", folder, (int)(length - 5), file);
    char *output = tool_printf("%s_output_0.pb", stem);
    if (file_exists(output)) {
        add_case(cases, name_below(root, stem), tool_printf("%s/%s", folder, file), true);
    }
    free(output);
    free(stem);
}

/* The first that is there is taken. */
static const char *const model_names[] = {"model.onnx", "model.onnxtxt"};

/* Looks at one folder: adds its cases, and its subfolders to the stack unless it is a case itself.
 */
static bool scan_folder(struct test_cases *cases, const char *root, const char *folder,
                        struct folders *folders)
{
    const char *model = NULL;
    bool has_data = false;
    size_t before = folders->count;
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return false;
    }
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (strcmp(entry->d_name, model_names[0]) == 0) {
            model = model_names[0];
        } else if (model == NULL && strcmp(entry->d_name, model_names[1]) == 0) {
            model = model_names[1];
        }
        add_light(cases, root, folder, entry->d_name);
        char *path = tool_printf("%s/%s", folder, entry->d_name);
        if (!is_folder(path)) {
            free(path);
        } else if (starts_with(entry->d_name, "test_data_set_")) {
            has_data = true;
            free(path);
        } else {
            push(folders, path);
        }
    }
    (void)closedir(stream);
    if (model != NULL && has_data) {
        add_case(cases, name_below(root, folder), tool_printf("%s/%s", folder, model), false);
        while (folders->count > before) {
            free(folders->paths[--folders->count]);
        }
    }
    return true;
}

static int compare_name(const void *left, const void *right)
{
    const struct test_case *a = left, *b = right;
    return strcmp(a->name, b->name);
}

onnxrun_status cases_find(struct test_cases *cases, const char *path, onnxrun_error *error)
{
    struct folders folders = {NULL, 0};
    size_t first = cases->count;
    onnxrun_status status = ONNXRUN_OK;
    push(&folders, tool_printf("%s", path));
    for (bool is_root = true; folders.count > 0; is_root = false) {
        char *folder = folders.paths[--folders.count];
        if (!scan_folder(cases, path, folder, &folders) && is_root) {
            status = tool_fail(error, ONNXRUN_ERR_IO, "cannot read the folder \"%s\": %s", path,
                               strerror(errno));
        }
        free(folder);
    }
    free(folders.paths);
    if (cases->count > first) {
        qsort(cases->items + first, cases->count - first, sizeof *cases->items, compare_name);
    }
    return status;
}

static void free_case(struct test_case *test)
{
    free(test->name);
    free(test->model);
}

void cases_filter(struct test_cases *cases, const char *pattern)
{
    size_t kept = 0;
    for (size_t i = 0; i < cases->count; i++) {
        const char *slash = strrchr(cases->items[i].name, '/');
        if (fnmatch(pattern, cases->items[i].name, 0) == 0 ||
            (slash != NULL && fnmatch(pattern, slash + 1, 0) == 0)) {
            cases->items[kept++] = cases->items[i];
        } else {
            free_case(&cases->items[i]);
        }
    }
    cases->count = kept;
}

void cases_free(struct test_cases *cases)
{
    for (size_t i = 0; i < cases->count; i++) {
        free_case(&cases->items[i]);
    }
    free(cases->items);
    *cases = (struct test_cases){NULL, 0};
}
