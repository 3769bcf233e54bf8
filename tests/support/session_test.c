/* SPDX-License-Identifier: Apache-2.0 */
/* The harness for tests of whole models. */
#include "support/session_test.h"

#include <string.h>

onnxrun_status session_test_load(struct session_test *t, const char *text,
                                 const onnxrun_model_options *options)
{
    *t = (struct session_test){.model = NULL};
    model_text(&t->file, text);
    onnxrun_status status =
        onnxrun_model_load_memory(t->file.data, t->file.size, options, &t->model, &t->error);
    if (status == ONNXRUN_OK) {
        onnxrun_session_options given = ONNXRUN_SESSION_OPTIONS_INIT;
        given.threads = 2;
        status = onnxrun_session_create(t->model, &given, &t->session, &t->error);
    }
    return status;
}

void session_test_begin(struct session_test *t, const char *text)
{
    if (session_test_load(t, text, NULL) != ONNXRUN_OK) {
        fail_msg("%s", t->error.message);
    }
}

void session_test_restart(struct session_test *t, const onnxrun_session_options *options)
{
    onnxrun_session_free(t->session);
    assert_int_equal(onnxrun_session_create(t->model, options, &t->session, &t->error), ONNXRUN_OK);
}

void session_test_end(struct session_test *t)
{
    for (size_t i = 0; i < t->input_count; i++) {
        onnxrun_tensor_free(t->inputs[i].tensor);
    }
    onnxrun_session_free(t->session);
    onnxrun_model_free(t->model);
    proto_free(&t->file);
}

void session_test_in(struct session_test *t, const char *name, const struct onr_tensor *tensor)
{
    size_t i = 0;
    while (i < t->input_count && strcmp(t->inputs[i].name, name) != 0) {
        i++;
    }
    assert_true(i < SESSION_TEST_MAX);
    if (i < t->input_count) {
        onnxrun_tensor_free(t->inputs[i].tensor);
    } else {
        t->input_count++;
    }
    t->inputs[i].name = name;
    onnxrun_status status = onnxrun_tensor_wrap(
        (onnxrun_dtype)tensor->dtype, (size_t)tensor->shape.rank, tensor->shape.dim, tensor->data,
        onr_tensor_bytes(tensor), &t->inputs[i].tensor, &t->error);
    assert_int_equal(status, ONNXRUN_OK);
}

void session_test_out(struct session_test *t, const char *name, const struct onr_tensor *wanted)
{
    size_t i = 0;
    while (i < t->output_count && strcmp(t->outputs[i].name, name) != 0) {
        i++;
    }
    assert_true(i < SESSION_TEST_MAX);
    t->output_count += i == t->output_count;
    t->outputs[i] = (onnxrun_binding){.name = name};
    t->wanted[i] = wanted;
}

struct onr_tensor session_test_result(const struct session_test *t, size_t index)
{
    onnxrun_tensor *tensor = t->outputs[index].tensor;
    struct onr_tensor result = {.dtype = (enum onr_dtype)onnxrun_tensor_dtype(tensor),
                                .shape.rank = (int)onnxrun_tensor_rank(tensor),
                                .data = onnxrun_tensor_mutable_data(tensor)};
    memcpy(result.shape.dim, onnxrun_tensor_dims(tensor),
           onnxrun_tensor_rank(tensor) * sizeof(int64_t));
    return result;
}

static onnxrun_status run(struct session_test *t)
{
    for (size_t i = 0; i < t->output_count; i++) {
        t->outputs[i].tensor = NULL;
    }
    return onnxrun_session_run(t->session, t->inputs, t->input_count, t->outputs, t->output_count,
                               &t->error);
}

void session_test_run(struct session_test *t)
{
    if (run(t) != ONNXRUN_OK) {
        fail_msg("%s", t->error.message);
    }
    assert_string_equal(t->error.message, "");
    for (size_t i = 0; i < t->output_count; i++) {
        if (t->wanted[i] != NULL) {
            struct onr_tensor got = session_test_result(t, i);
            assert_tensor_close(&got, t->wanted[i], 0, 0);
        }
    }
}

void session_test_fails(struct session_test *t, onnxrun_status status, const char *text)
{
    onnxrun_status got = run(t);
    if (got != status || t->error.status != status || strstr(t->error.message, text) == NULL) {
        fail_msg("got status %d \"%s\", expected %d \"...%s...\"", (int)got, t->error.message,
                 (int)status, text);
    }
}

uint64_t session_test_allocs(const struct session_test *t)
{
    onnxrun_session_stats stats = {.struct_size = sizeof stats};
    onnxrun_session_get_stats(t->session, &stats);
    return stats.alloc_count;
}

void session_test_refused(const char *text, onnxrun_status status, const char *message)
{
    struct session_test t;
    onnxrun_status got = session_test_load(&t, text, NULL);
    if (got != status || t.error.status != status || strstr(t.error.message, message) == NULL) {
        fail_msg("got status %d \"%s\", expected %d \"...%s...\"", (int)got, t.error.message,
                 (int)status, message);
    }
    session_test_end(&t);
}
