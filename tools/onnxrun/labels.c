/* SPDX-License-Identifier: Apache-2.0 */
/* Logits as classes. */
#include "onnxrun/labels.h"

#include "common/element.h"
#include "common/escape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

onnxrun_status labels_load(const char *path, struct labels *labels, onnxrun_error *error)
{
    onnxrun_status status = file_read(path, &labels->text, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    /* One byte more to end the last line. */
    labels->text.data = tool_resize(labels->text.data, labels->text.size + 1, 1);
    labels->text.data[labels->text.size] = '\0';
    char *text = (char *)labels->text.data, *rest = NULL;
    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        labels->names = tool_resize(labels->names, labels->count + 1, sizeof *labels->names);
        labels->names[labels->count++] = line;
    }
    return labels->count > 0 ? ONNXRUN_OK
                             : tool_fail(error, ONNXRUN_ERR_MODEL, "\"%s\" has no labels", path);
}

void labels_free(struct labels *labels)
{
    free(labels->names);
    file_free(&labels->text);
    *labels = (struct labels){.count = 0};
}

struct class_score {
    size_t index;
    double score;
};

static int compare_score(const void *left, const void *right)
{
    const struct class_score *a = left, *b = right;
    if (a->score != b->score) {
        return a->score < b->score ? 1 : -1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static void print_row(FILE *out, const struct labels *labels, size_t top,
                      const struct class_score *scores, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += exp(scores[i].score - scores[0].score);
    }
    for (size_t i = 0; i < top && i < count; i++) {
        double probability = exp(scores[i].score - scores[0].score) / sum;
        fprintf(out, "  %6.2f%%  ", 100 * probability);
        if (labels->names != NULL) {
            escape_name(out, labels->names[scores[i].index]);
        } else {
            fprintf(out, "%zu", scores[i].index);
        }
        fputc('\n', out);
    }
}

onnxrun_status labels_print(FILE *out, const struct labels *labels, size_t top,
                            const onnxrun_tensor *logits, onnxrun_error *error)
{
    size_t rank = onnxrun_tensor_rank(logits);
    onnxrun_dtype dtype = onnxrun_tensor_dtype(logits);
    size_t count = rank > 0 ? (size_t)onnxrun_tensor_dims(logits)[rank - 1] : 0;
    if (!element_is_float(dtype) || count == 0) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "this output has no logits in its last axis");
    }
    if (labels->names != NULL && labels->count != count) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                         "the output has %zu classes, the label file names %zu", count,
                         labels->count);
    }
    struct class_score *scores = tool_alloc(count, sizeof *scores);
    size_t rows = onnxrun_tensor_count(logits) / count;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < count; i++) {
            struct number number = element_get(dtype, onnxrun_tensor_data(logits), row * count + i);
            double score = number_real(&number);
            scores[i] = (struct class_score){i, isnan(score) ? -(double)INFINITY : score};
        }
        qsort(scores, count, sizeof *scores, compare_score);
        if (rows > 1) {
            fprintf(out, "row %zu\n", row);
        }
        print_row(out, labels, top, scores, count);
    }
    free(scores);
    return ONNXRUN_OK;
}
