/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of attention as numpy arrays, which Python code makes and rows of a run fill. */
#include "context.h"

#include <string.h>

bool core_weights_begin(struct core_weights *weights, const onnxrun_attention_row *row)
{
    size_t heads = weights->is_mean ? 1 : row->head_count;
    core_weights_end(weights);
    weights->array = PyObject_CallFunction(
        weights->maker, "ssnnnn", row->name, row->output_name, (Py_ssize_t)row->batch_count,
        (Py_ssize_t)row->head_count, (Py_ssize_t)row->query_count, (Py_ssize_t)row->key_count);
    if (weights->array == NULL) {
        return false;
    }
    weights->count++;
    weights->data = core_array_floats(weights->array,
                                      row->batch_count * heads * row->query_count * row->key_count);
    return weights->data != NULL;
}

void core_weights_end(struct core_weights *weights)
{
    Py_CLEAR(weights->array);
    weights->data = NULL;
}

static void take_means(const onnxrun_attention_row *row, float *out)
{
    for (size_t j = 0; j < row->key_count; j++) {
        double sum = 0;
        for (size_t n = 0; n < row->head_count; n++) {
            sum += (double)row->weights[n * row->key_count + j];
        }
        out[j] = (float)(sum / (double)row->head_count);
    }
}

void core_weights_take(const struct core_weights *weights, const onnxrun_attention_row *row)
{
    size_t keys = row->key_count;
    size_t query = row->batch * row->query_count + row->query;
    if (weights->is_mean) {
        take_means(row, weights->data + query * keys);
        return;
    }
    for (size_t n = 0; n < row->head_count && keys > 0; n++) {
        size_t at = (row->batch * row->head_count + n) * row->query_count + row->query;
        memcpy(weights->data + at * keys, row->weights + n * keys, keys * sizeof(float));
    }
}
