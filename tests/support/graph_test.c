/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "support/graph_test.h"

#include "support/session_test.h"

#include <math.h>
#include <onnxrun/inspect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file has no name any more when something can fail, so that nothing stays of it. */
static char *describe(const char *model, onnxrun_stage stage)
{
    char name[] = "/tmp/onnxrun-graph-XXXXXX", path[32];
    int descriptor = mkstemp(name);
    assert_true(descriptor >= 0);
    (void)unlink(name);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    model_text_write(path, model);
    char *printed = NULL;
    onnxrun_error error;
    if (onnxrun_describe(path, stage, ONNXRUN_FORMAT_TEXT, NULL, 0, &printed, &error) !=
        ONNXRUN_OK) {
        fail_msg("%s", error.message);
    }
    (void)close(descriptor);
    return printed;
}

char *graph_test_text(const char *model)
{
    return describe(model, ONNXRUN_STAGE_GRAPH);
}

char *graph_test_explain(const char *model)
{
    return describe(model, ONNXRUN_STAGE_PASSES);
}

void graph_test_explains(const char *model, const char *expected)
{
    char *text = graph_test_explain(model);
    assert_contains(text, expected);
    onnxrun_text_free(text);
}

void graph_test_nodes(const char *model, const char *expected)
{
    char *printed = graph_test_text(model);
    char found[256] = "";
    for (const char *at = strstr(printed, "\n  "); at != NULL; at = strstr(at + 1, "\n  ")) {
        char name[64];
        const char *equals = strstr(at, " = ");
        if (equals != NULL && equals < strchr(at + 1, '\n') &&
            sscanf(equals, " = %63[A-Za-z0-9.]", name) == 1 &&
            (name[0] <= 'Z' || strchr(name, '.') != NULL)) {
            (void)snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s",
                           found[0] != '\0' ? " " : "", name);
        }
    }
    onnxrun_text_free(printed);
    assert_string_equal(found, expected);
}

size_t graph_test_run(const char *model, bool no_fusion, const float x[8], void *y, size_t capacity)
{
    bool yes[] = {true};
    struct session_test t;
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    options.no_fusion = no_fusion;
    assert_int_equal(session_test_load(&t, model, &options), ONNXRUN_OK);
    session_test_in(&t, "x", test_f32(SHAPE(2, 4), x));
    if (strstr(model, "in bool c;") != NULL) {
        session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, yes));
    }
    session_test_out(&t, "y", NULL);
    if (onnxrun_session_run(t.session, t.inputs, t.input_count, t.outputs, 1, &t.error) !=
        ONNXRUN_OK) {
        fail_msg("%s", t.error.message);
    }
    struct onr_tensor result = session_test_result(&t, 0);
    size_t bytes = onr_tensor_bytes(&result);
    assert_true(bytes <= capacity);
    memcpy(y, result.data, bytes);
    session_test_end(&t);
    return bytes;
}

void graph_test_results(const char *model, float error)
{
    static const float x[] = {-3, -1.5f, -0.25f, 0, 0.5f, 1, 2.75f, 6};
    float fused[6144], plain[6144];
    size_t bytes = graph_test_run(model, false, x, fused, sizeof fused);
    assert_int_equal(graph_test_run(model, true, x, plain, sizeof plain), bytes);
    if (error <= 0) {
        assert_memory_equal(fused, plain, bytes);
        return;
    }
    for (size_t i = 0; i < bytes / sizeof(float); i++) {
        float difference = fabsf(fused[i] - plain[i]);
        assert_true(difference <= error * fmaxf(1, fabsf(plain[i])) ||
                    (isnan(fused[i]) && isnan(plain[i])));
    }
}

void graph_test_fused(const char *model, const char *expected, float error)
{
    graph_test_nodes(model, expected);
    graph_test_results(model, error);
}
