/* SPDX-License-Identifier: Apache-2.0 */
/* Stages as text and JSON, and the table of operators. */
#include "support/json.h"
#include "support/model_text.h"
#include "support/test.h"

#include <onnxrun/inspect.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char path[] = "onnxrun_test_inspect.onnx";

static int write_model(void **state)
{
    (void)state;
    model_text_write(path,
                     "in float x [batch, 2]; in bool c []; init float w [2, 2] = 1, 2, 3, 4;"
                     "init int64 s [1] = -1; w2 = Neg(w); a = MatMul(x, w2); b = Reshape(a, s);"
                     "y = If(c) then_branch={t = Neg(b); out float t;} else_branch={out float b;};"
                     "out float y;");
    return 0;
}

static int remove_model(void **state)
{
    (void)state;
    return remove(path);
}

static void every_stage_is_shown(void **state)
{
    (void)state;
    static const char *const wanted[] = {"MatMul", "float[batch", "MatMul",
                                         "slab",   "infer_facts", "weights: "};
    onnxrun_dim dims[] = {{"batch", 5}};
    onnxrun_error error;
    for (int stage = 0; stage < 6; stage++) {
        char *text = NULL;
        if (onnxrun_describe(path, (onnxrun_stage)stage, ONNXRUN_FORMAT_TEXT, dims, 1, &text,
                             &error) != ONNXRUN_OK) {
            fail_msg("stage %d: %s", stage, error.message);
        }
        assert_contains(text, wanted[stage]);
        onnxrun_text_free(text);
        assert_int_equal(onnxrun_describe(path, (onnxrun_stage)stage, ONNXRUN_FORMAT_JSON, dims, 1,
                                          &text, &error),
                         ONNXRUN_OK);
        if (!json_is_valid(text)) {
            fail_msg("stage %d: no JSON:\n%s", stage, text);
        }
        onnxrun_text_free(text);
    }
    onnxrun_text_free(NULL);
}

static void plans_follow_the_dims(void **state)
{
    (void)state;
    char *small = NULL;
    char *large = NULL;
    onnxrun_dim dim = {"batch", 1000};
    assert_int_equal(
        onnxrun_describe(path, ONNXRUN_STAGE_PLAN, ONNXRUN_FORMAT_TEXT, NULL, 0, &small, NULL),
        ONNXRUN_OK);
    assert_int_equal(
        onnxrun_describe(path, ONNXRUN_STAGE_PLAN, ONNXRUN_FORMAT_TEXT, &dim, 1, &large, NULL),
        ONNXRUN_OK);
    assert_string_not_equal(small, large);
    assert_non_null(strstr(large, "1000"));
    onnxrun_text_free(small);
    onnxrun_text_free(large);
}

static void describe_fails(onnxrun_stage stage, const char *file, const onnxrun_dim *dims,
                           onnxrun_status status, const char *message)
{
    onnxrun_error error;
    char *text = (char *)&error;
    size_t dim_count = dims != NULL ? 1 : 0;
    assert_int_equal(
        onnxrun_describe(file, stage, ONNXRUN_FORMAT_TEXT, dims, dim_count, &text, &error), status);
    assert_null(text);
    assert_contains(error.message, message);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    onnxrun_dim negative = {"batch", -2}, unknown = {"other", 3};
    describe_fails((onnxrun_stage)6, path, NULL, ONNXRUN_ERR_ARGUMENT, "describe: 6 is no stage");
    describe_fails((onnxrun_stage)-1, path, NULL, ONNXRUN_ERR_ARGUMENT, "describe: -1 is no stage");
    describe_fails(ONNXRUN_STAGE_MODEL, "/no/such/file", NULL, ONNXRUN_ERR_IO, "/no/such/file");
    describe_fails(ONNXRUN_STAGE_PLAN, path, &negative, ONNXRUN_ERR_ARGUMENT,
                   "dimension \"batch\" is -2, expected >= 0");
    describe_fails(ONNXRUN_STAGE_PLAN, path, &unknown, ONNXRUN_ERR_ARGUMENT,
                   "no input has a dimension \"other\"");
}

/* The stage MODEL shows models that cannot run, too. */
static void models_that_cannot_run_are_shown(void **state)
{
    (void)state;
    static const char file[] = "onnxrun_test_inspect_foo.onnx";
    char *text = NULL;
    model_text_write(file, "in float x; y = Foo(x); out float y;");
    assert_int_equal(
        onnxrun_describe(file, ONNXRUN_STAGE_MODEL, ONNXRUN_FORMAT_TEXT, NULL, 0, &text, NULL),
        ONNXRUN_OK);
    assert_non_null(strstr(text, "Foo"));
    onnxrun_text_free(text);
    describe_fails(ONNXRUN_STAGE_GRAPH, file, NULL, ONNXRUN_ERR_UNSUPPORTED, "Foo-17");
    assert_int_equal(remove(file), 0);
}

static void check_unsupported(const char *file, onnxrun_format format, const char *expected)
{
    char *text = NULL;
    onnxrun_error error;
    assert_int_equal(onnxrun_describe(file, ONNXRUN_STAGE_PASSES, format, NULL, 0, &text, &error),
                     ONNXRUN_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "Foo-17 at node \"a\" and 1 more; com.microsoft.Bar-1"));
    assert_non_null(text);
    assert_contains(text, expected);
    assert_true(format != ONNXRUN_FORMAT_JSON || json_is_valid(text));
    onnxrun_text_free(text);
}

static void passes_tell_all_nodes_that_are_not_supported(void **state)
{
    (void)state;
    static const char file[] = "onnxrun_test_inspect_missing.onnx";
    model_text_write(file, "in float x; a = Foo(x); b = com.microsoft:Bar(a); y = Foo(b);"
                           "out float y;");
    check_unsupported(file, ONNXRUN_FORMAT_TEXT,
                      "not supported\n  Foo-17 at 2 nodes\n      \"a\"\n      \"y\"\n"
                      "  com.microsoft.Bar-1 at 1 node\n      \"b\"\n");
    check_unsupported(file, ONNXRUN_FORMAT_JSON, "\"nodes\": [\"a\", \"y\"]");
    assert_int_equal(remove(file), 0);
}

static void operators_are_listed(void **state)
{
    (void)state;
    onnxrun_op_info info;
    onnxrun_error error;
    bool has_matmul = false;
    size_t count = onnxrun_op_count();
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(onnxrun_op_at(i, &info, &error), ONNXRUN_OK);
        assert_true(info.since_version <= info.last_version && info.name[0] != '\0');
        has_matmul = has_matmul || strcmp(info.name, "MatMul") == 0;
    }
    assert_true(has_matmul);
    assert_int_equal(onnxrun_op_at(count, &info, &error), ONNXRUN_ERR_ARGUMENT);
    assert_non_null(strstr(error.message, "does not exist, there are "));
    assert_int_equal(onnxrun_op_at(SIZE_MAX, &info, NULL), ONNXRUN_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_is_shown),
        cmocka_unit_test(plans_follow_the_dims),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(models_that_cannot_run_are_shown),
        cmocka_unit_test(passes_tell_all_nodes_that_are_not_supported),
        cmocka_unit_test(operators_are_listed),
    };
    return cmocka_run_group_tests(tests, write_model, remove_model);
}
