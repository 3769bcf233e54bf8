/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows come query by query, and a file wants them head by head: each is written where it belongs. How
 * many attentions there are is known in the end, so the header is written last.
 */
#include "onnxrun/attention.h"

#include "common/npy.h"
#include "common/value_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_BYTES 256 /* enough for any 5 dimensions */

/* ---- files ---- */

/* Of the node, or of its output where the file gives it none. */
static const char *name_of(const onnxrun_attention_row *row)
{
    return row->name[0] != '\0' ? row->name : row->output_name;
}

/* "FOLDER/003_NAME.npy" */
static char *path_in_folder(const struct attention_files *files, const onnxrun_attention_row *row)
{
    char *name = tool_printf("%03zu_%s", row->index, name_of(row));
    char *path = value_file_path(files->path, name, ".npy");
    free(name);
    return path;
}

static onnxrun_status find_folder(struct attention_files *files, onnxrun_error *error)
{
    struct stat info;
    size_t length = strlen(files->path);
    files->is_folder =
        files->path[length - 1] == '/' || (stat(files->path, &info) == 0 && S_ISDIR(info.st_mode));
    return files->is_folder ? file_make_folder(files->path, error) : ONNXRUN_OK;
}

/* Sizes of an attention in the file: batch, heads, queries, keys. */
static void row_dims(const struct attention_files *files, const onnxrun_attention_row *row,
                     int64_t dims[4])
{
    dims[0] = (int64_t)row->batch_count;
    dims[1] = files->is_mean ? 1 : (int64_t)row->head_count;
    dims[2] = (int64_t)row->query_count;
    dims[3] = (int64_t)row->key_count;
}

static onnxrun_status open_file(struct attention_files *files, const onnxrun_attention_row *row,
                                onnxrun_error *error)
{
    files->file_path = files->is_folder ? path_in_folder(files, row) : NULL;
    files->first_name = tool_printf("%s", name_of(row));
    files->in_file = 0;
    row_dims(files, row, files->dims + 1);
    files->layer_bytes = (int64_t)sizeof(float);
    for (int i = 1; i < 5; i++) {
        if (__builtin_mul_overflow(files->layer_bytes, files->dims[i], &files->layer_bytes)) {
            return tool_fail(error, ONNXRUN_ERR_LIMIT, "weights of attention are too large");
        }
    }
    onnxrun_status status =
        file_draft_open(&files->draft, files->is_folder ? files->file_path : files->path, error);
    files->is_open = status == ONNXRUN_OK;
    files->sums = tool_alloc(row->key_count, sizeof *files->sums);
    files->row = tool_alloc(row->key_count, sizeof *files->row);
    return status;
}

static onnxrun_status close_file(struct attention_files *files, bool is_good, onnxrun_error *error)
{
    char header[NPY_HEADER_BYTES];
    int64_t dims[5];
    int64_t size = -1;
    size_t rank = 0;
    onnxrun_status status = ONNXRUN_OK;
    files->dims[0] = (int64_t)files->in_file;
    for (int i = files->is_folder ? 1 : 0; i < 5; i++) {
        if (i != 2 || !files->is_mean) {
            dims[rank++] = files->dims[i];
        }
    }
    if (files->is_open && is_good) {
        size_t length = npy_header(header, ONNXRUN_FLOAT, rank, dims, HEADER_BYTES);
        status = file_draft_write(&files->draft, 0, header, length, error);
        size = HEADER_BYTES + (int64_t)files->in_file * files->layer_bytes;
    }
    if (files->is_open) {
        onnxrun_status closed =
            file_draft_close(&files->draft, status == ONNXRUN_OK ? size : -1, error);
        status = status == ONNXRUN_OK ? closed : status;
    }
    files->is_open = false;
    free(files->file_path);
    free(files->first_name);
    free(files->sums);
    free(files->row);
    files->file_path = files->first_name = NULL;
    files->sums = NULL;
    files->row = NULL;
    return status;
}

/* ---- rows ---- */

/* An attention that goes into the same file must have the same sizes. */
static onnxrun_status check_dims(const struct attention_files *files,
                                 const onnxrun_attention_row *row, onnxrun_error *error)
{
    int64_t dims[4];
    const int64_t *want = files->dims + 1;
    row_dims(files, row, dims);
    if (memcmp(dims, want, sizeof dims) == 0) {
        return ONNXRUN_OK;
    }
    return tool_fail(
        error, ONNXRUN_ERR_SHAPE,
        "attention \"%.200s\" has %lld queries and %lld keys in %lld heads and a batch "
        "of %lld, but \"%.200s\" before it %lld and %lld in %lld and %lld: one file "
        "cannot hold both; with a folder, --attention %.200s/, each gets its own",
        name_of(row), (long long)dims[2], (long long)dims[3], (long long)dims[1],
        (long long)dims[0], files->first_name, (long long)want[2], (long long)want[3],
        (long long)want[1], (long long)want[0], files->path);
}

static onnxrun_status begin_attention(struct attention_files *files,
                                      const onnxrun_attention_row *row, onnxrun_error *error)
{
    onnxrun_status status = ONNXRUN_OK;
    if (files->count == 0) {
        status = find_folder(files, error);
    } else if (files->is_folder) {
        status = close_file(files, true, error);
    }
    if (status == ONNXRUN_OK) {
        status = files->is_open ? check_dims(files, row, error) : open_file(files, row, error);
    }
    files->count++;
    files->in_file++;
    return status;
}

/* The mean over heads. */
static const float *mean_row(struct attention_files *files, const onnxrun_attention_row *row)
{
    memset(files->sums, 0, row->key_count * sizeof *files->sums);
    for (size_t n = 0; n < row->head_count; n++) {
        for (size_t j = 0; j < row->key_count; j++) {
            files->sums[j] += (double)row->weights[n * row->key_count + j];
        }
    }
    for (size_t j = 0; j < row->key_count; j++) {
        files->row[j] = (float)(files->sums[j] / (double)row->head_count);
    }
    return files->row;
}

static onnxrun_status write_row(struct attention_files *files, const onnxrun_attention_row *row,
                                onnxrun_error *error)
{
    onnxrun_status status = ONNXRUN_OK;
    int64_t bytes = (int64_t)(row->key_count * sizeof(float));
    int64_t heads = files->dims[2];
    const float *weights = files->is_mean ? mean_row(files, row) : row->weights;
    for (int64_t n = 0; n < heads && status == ONNXRUN_OK; n++) {
        int64_t index = ((int64_t)row->batch * heads + n) * files->dims[3] + (int64_t)row->query;
        int64_t at = HEADER_BYTES + (int64_t)(files->in_file - 1) * files->layer_bytes;
        status = file_draft_write(&files->draft, at + index * bytes, weights + n * files->dims[4],
                                  (size_t)bytes, error);
    }
    return status;
}

int attention_tell(void *user, const onnxrun_attention_row *row)
{
    struct attention_files *files = user;
    onnxrun_status status = ONNXRUN_OK;
    if (row->index == files->count) {
        status = begin_attention(files, row, &files->error);
    }
    if (status == ONNXRUN_OK) {
        status = write_row(files, row, &files->error);
    }
    return status != ONNXRUN_OK;
}

onnxrun_status attention_end(struct attention_files *files, onnxrun_status status, bool no_fusion,
                             onnxrun_error *error)
{
    if (files->error.status != ONNXRUN_OK) { /* that is why the run was cancelled */
        *error = files->error;
        status = error->status;
    }
    if (status == ONNXRUN_OK && files->path != NULL && files->count == 0) {
        return tool_fail(error, ONNXRUN_ERR_VALUE,
                         "--attention: no operation of the model is an attention%s",
                         no_fusion ? ": with --no-fusion the nodes of one stay apart"
                                   : " ('onnxdump MODEL --explain' says what kept the nodes of one "
                                     "apart)");
    }
    onnxrun_status ended = close_file(files, status == ONNXRUN_OK, error);
    return status == ONNXRUN_OK ? ended : status;
}
