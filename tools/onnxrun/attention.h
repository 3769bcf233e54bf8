/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of attention in .npy files, written row by row while a model runs. One file has those of
 * all attentions, float32 [attentions, batch, heads, queries, keys], or without heads when their
 * mean is asked for. A folder gets a file for each attention, without the first axis, named NUMBER_NODE
 * as common/value_file.h does it.
 */
#ifndef ONNXRUN_TOOLS_ATTENTION_H
#define ONNXRUN_TOOLS_ATTENTION_H

#include "common/file.h"

struct attention_files {
    const char *path; /* a folder when it ends with "/" or is one; NULL: weights are not wanted */
    bool is_mean;     /* over heads */
    /* the rest is 0 at first */
    bool is_folder;
    bool is_open;
    struct file_draft draft;
    char *file_path;     /* in a folder */
    char *first_name;    /* of the first attention of the file, for messages */
    size_t count;        /* attentions so far */
    size_t in_file;      /* of them in this file */
    int64_t dims[5];     /* of the file; dims[0] is in_file in the end */
    int64_t layer_bytes; /* of one attention */
    double *sums;        /* [keys], and the row made of them */
    float *row;
    onnxrun_error error; /* why the run was ended, if it was */
};

/* For on_attention of the session's options; user is the struct. */
int attention_tell(void *user, const onnxrun_attention_row *row);

/* After the run, also if path is NULL: completes the file, or gives it up unless the run had status
 * OK, which is returned otherwise. Errors: of the files; VALUE: there was no attention. */
onnxrun_status attention_end(struct attention_files *files, onnxrun_status status, bool no_fusion,
                             onnxrun_error *error);

#endif
