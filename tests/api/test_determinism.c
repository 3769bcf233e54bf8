/* SPDX-License-Identifier: Apache-2.0 */
/* Whole models give the same bits for any number of threads and in every run, without allocations
 * from the second run on. */
#include "support/test.h"

#include <onnxrun/onnxrun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUES 16

static const char *const models[] = {
    "bert_eager__ts17",           "bert_sdpa__dyn18",  "gpt2_sdpa__ts14",
    "vit_eager__dyn23",           "transformer__ts17", "cross_attention__dyn23",
    "multihead_attention__dyn18",
};

struct answers {
    size_t count;
    size_t bytes[MAX_VALUES];
    void *data[MAX_VALUES];
};

static onnxrun_tensor *read_tensor(const char *folder, size_t index)
{
    char path[512];
    onnxrun_error error;
    onnxrun_tensor *tensor = NULL;
    (void)snprintf(path, sizeof path, "%s/test_data_set_0/input_%zu.pb", folder, index);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(stream);
    void *bytes = malloc(size);
    rewind(stream);
    assert_int_equal(fread(bytes, 1, size, stream), size);
    (void)fclose(stream);
    if (onnxrun_tensor_parse(bytes, size, &tensor, &error) != ONNXRUN_OK) {
        fail_msg("%s: %s", path, error.message);
    }
    free(bytes);
    return tensor;
}

/* Keeps the outputs of the first run, compares those of later ones with them. */
static void check(struct answers *answers, const onnxrun_binding *outputs, size_t count,
                  const char *what, unsigned threads)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes = onnxrun_tensor_bytes(outputs[i].tensor);
        const void *data = onnxrun_tensor_data(outputs[i].tensor);
        if (answers->count == i) {
            answers->data[i] = malloc(bytes);
            answers->bytes[i] = bytes;
            memcpy(answers->data[i], data, bytes);
            answers->count++;
        } else if (bytes != answers->bytes[i] || memcmp(answers->data[i], data, bytes) != 0) {
            fail_msg("%s: output %zu differs with %u threads", what, i, threads);
        }
    }
}

static uint64_t allocations(const onnxrun_session *session)
{
    onnxrun_session_stats stats = {.struct_size = sizeof stats};
    onnxrun_session_get_stats(session, &stats);
    return stats.alloc_count;
}

static void run_with(const onnxrun_model *model, const onnxrun_binding *inputs,
                     struct answers *answers, const char *what, unsigned threads)
{
    onnxrun_error error;
    onnxrun_session *session = NULL;
    onnxrun_binding outputs[MAX_VALUES];
    size_t output_count = onnxrun_model_output_count(model);
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.threads = threads;
    assert_true(output_count <= MAX_VALUES);
    for (size_t i = 0; i < output_count; i++) {
        onnxrun_value_info info;
        (void)onnxrun_model_output_info(model, i, &info, NULL);
        outputs[i] = (onnxrun_binding){info.name, NULL};
    }
    assert_int_equal(onnxrun_session_create(model, &options, &session, &error), ONNXRUN_OK);
    uint64_t allocs = 0;
    for (int run = 0; run < 3; run++) {
        if (onnxrun_session_run(session, inputs, onnxrun_model_input_count(model), outputs,
                                output_count, &error) != ONNXRUN_OK) {
            fail_msg("%s: %s", what, error.message);
        }
        check(answers, outputs, output_count, what, threads);
        assert_true(run == 0 || allocations(session) == allocs);
        allocs = allocations(session);
    }
    onnxrun_session_free(session);
}

static void a_model_gives_the_same_bits(void **state)
{
    static const unsigned threads[] = {1, 2, 3, 4, 8};
    const char *name = *state;
    char folder[384];
    char path[512];
    onnxrun_error error;
    onnxrun_model *model = NULL;
    onnxrun_binding inputs[MAX_VALUES];
    struct answers answers = {.count = 0};
    (void)snprintf(folder, sizeof folder, "%s/%s", ONR_TEST_MODELS, name);
    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (onnxrun_model_load(path, NULL, &model, &error) != ONNXRUN_OK) {
        fail_msg("%s: %s", name, error.message);
    }
    size_t input_count = onnxrun_model_input_count(model);
    assert_true(input_count <= MAX_VALUES);
    for (size_t i = 0; i < input_count; i++) {
        onnxrun_value_info info;
        (void)onnxrun_model_input_info(model, i, &info, NULL);
        inputs[i] = (onnxrun_binding){info.name, read_tensor(folder, i)};
    }
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        run_with(model, inputs, &answers, name, threads[i]);
    }
    for (size_t i = 0; i < input_count; i++) {
        onnxrun_tensor_free(inputs[i].tensor);
    }
    for (size_t i = 0; i < answers.count; i++) {
        free(answers.data[i]);
    }
    onnxrun_model_free(model);
}

int main(void)
{
    enum { COUNT = sizeof models / sizeof models[0] };
    struct CMUnitTest tests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        tests[i] = (struct CMUnitTest){.name = models[i],
                                       .test_func = a_model_gives_the_same_bits,
                                       .initial_state = (void *)(uintptr_t)models[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
