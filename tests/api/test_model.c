/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: the signature, options, limits, and what is refused. */
#include "support/session_test.h"

#include <stdio.h>
#include <string.h>

static void the_signature_is_as_declared(void **state)
{
    (void)state;
    struct session_test t;
    onnxrun_value_info info;
    session_test_begin(&t, "in float x [n, 3, ?]; in int64 w [2]; init int64 w [2] = 1, 2;"
                           "y = Neg(x); z = Neg(w); out float y [n, k, 7]; out int64 z;");
    assert_int_equal(onnxrun_model_input_count(t.model), 2);
    assert_int_equal(onnxrun_model_output_count(t.model), 2);
    assert_int_equal(onnxrun_model_input_info(t.model, 0, &info, NULL), ONNXRUN_OK);
    assert_string_equal(info.name, "x");
    assert_int_equal(info.dtype, ONNXRUN_FLOAT);
    assert_int_equal(info.rank, 3);
    assert_true(info.dims[0] == -1 && info.dims[1] == 3 && info.dims[2] == -1);
    assert_string_equal(info.symbols[0], "n");
    assert_true(info.symbols[1] == NULL && info.symbols[2] == NULL);
    assert_false(info.is_optional);
    assert_int_equal(onnxrun_model_input_info(t.model, 1, &info, NULL), ONNXRUN_OK);
    assert_true(info.is_optional && info.dims[0] == 2);
    assert_int_equal(onnxrun_model_output_info(t.model, 0, &info, NULL), ONNXRUN_OK);
    assert_string_equal(info.symbols[1], "k");
    assert_int_equal(info.dims[2], 7);
    assert_int_equal(onnxrun_model_output_info(t.model, 1, &info, NULL), ONNXRUN_OK);
    assert_int_equal(info.rank, -1);
    assert_int_equal(onnxrun_model_input_info(t.model, 2, &info, &t.error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(t.error.message, "input 2 does not exist, there are 2");
    assert_int_equal(onnxrun_model_output_info(t.model, SIZE_MAX, &info, NULL),
                     ONNXRUN_ERR_ARGUMENT);
    session_test_end(&t);
}

static void the_model_says_where_it_comes_from(void **state)
{
    (void)state;
    struct proto p;
    onnxrun_model *model = NULL;
    onnxrun_error error;
    const char *key = NULL, *value = NULL;
    model_text(&p, "in float x [2]; y = Neg(x); out float y [2];");
    proto_string(&p, 2, "maker");
    proto_string(&p, 3, "1.2");
    proto_string(&p, 6, "what it is for");
    proto_entry(&p, MODEL_METADATA, "k", "v");
    assert_int_equal(onnxrun_model_load_memory(p.data, p.size, NULL, &model, NULL), ONNXRUN_OK);
    onnxrun_model_info info = {.struct_size = sizeof info};
    onnxrun_model_get_info(model, &info);
    assert_string_equal(info.producer_name, "maker");
    assert_string_equal(info.producer_version, "1.2");
    assert_string_equal(info.description, "what it is for");
    assert_string_equal(info.domain, "");
    assert_string_equal(info.graph_description, "");
    assert_true(info.ir_version > 0 && info.graph_name != NULL);
    assert_int_equal(info.metadata_count, 1);
    assert_int_equal(onnxrun_model_metadata(model, 0, &key, &value, NULL), ONNXRUN_OK);
    assert_string_equal(key, "k");
    assert_string_equal(value, "v");
    assert_int_equal(onnxrun_model_metadata(model, 1, &key, &value, &error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "metadata 1 does not exist, there are 1");
    onnxrun_model_free(model);
    proto_free(&p);
}

/* Fails unless loading gives this status and exact message. */
static void load_gives(const void *bytes, size_t size, const onnxrun_model_options *options,
                       onnxrun_status status, const char *message)
{
    onnxrun_error error;
    onnxrun_model *model = (onnxrun_model *)(uintptr_t)&error;
    assert_int_equal(onnxrun_model_load_memory(bytes, size, options, &model, &error), status);
    assert_int_equal(error.status, status);
    assert_string_equal(error.message, message);
    assert_null(model);
    assert_int_equal(onnxrun_model_load_memory(bytes, size, options, &model, NULL), status);
}

static void *no_memory(void *user, size_t bytes, size_t align)
{
    (void)user;
    (void)bytes;
    (void)align;
    return NULL;
}

static void options_are_checked(void **state)
{
    (void)state;
    struct proto file;
    char message[128];
    proto_good_model(&file);
    onnxrun_model_options options = {.struct_size = 3};
    (void)snprintf(message, sizeof message, "model options: struct_size is 3, expected %zu",
                   sizeof options);
    load_gives(file.data, file.size, &options, ONNXRUN_ERR_ARGUMENT, message);
    options = (onnxrun_model_options)ONNXRUN_MODEL_OPTIONS_INIT;
    options.allocator.alloc = no_memory;
    load_gives(file.data, file.size, &options, ONNXRUN_ERR_ARGUMENT,
               "model options: allocator has one of alloc and free, expected both");
    options = (onnxrun_model_options)ONNXRUN_MODEL_OPTIONS_INIT;
    options.limits.memory_bytes = 100;
    load_gives(file.data, file.size, &options, ONNXRUN_ERR_MEMORY, "out of memory: model");
    load_gives(NULL, 5, NULL, ONNXRUN_ERR_ARGUMENT, "model: bytes is NULL");
    proto_free(&file);
}

static void limits_are_kept(void **state)
{
    (void)state;
    struct session_test t;
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    static const char source[] = "in float x [n]; a = Neg(x); y = Abs(a); out float y;";
    options.limits.file_bytes = 20;
    assert_int_equal(session_test_load(&t, source, &options), ONNXRUN_ERR_LIMIT);
    session_test_end(&t);
    options.limits = (onnxrun_limits){.node_count = 1};
    assert_int_equal(session_test_load(&t, source, &options), ONNXRUN_ERR_LIMIT);
    session_test_end(&t);
    options.limits = (onnxrun_limits){.name_bytes = 2};
    assert_int_equal(session_test_load(&t, source, &options), ONNXRUN_ERR_LIMIT);
    session_test_end(&t);
    options.limits = (onnxrun_limits){.memory_bytes = 20000};
    assert_int_equal(session_test_load(&t, source, &options), ONNXRUN_ERR_MEMORY);
    session_test_end(&t);
}

/* What is too large to be folded is computed in each run. */
static void folding_stays_within_its_limit(void **state)
{
    (void)state;
    struct session_test t;
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    options.limits.fold_bytes = 100;
    assert_int_equal(session_test_load(&t,
                                       "in float x [n]; init int64 s [1] = 26; init float w = 3;"
                                       "a = Expand(w, s); b = Neg(w); c = Add(a, b);"
                                       "y = Add(x, c); out float y;",
                                       &options),
                     ONNXRUN_OK);
    session_test_in(&t, "x", test_f32(SHAPE(26), NULL));
    session_test_out(&t, "y", test_f32(SHAPE(26), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

static void all_that_is_missing_is_listed_at_once(void **state)
{
    (void)state;
    session_test_refused("in float x [n]; in string s [n]; a = Foo(x); b = com.microsoft:Bar(a);"
                         "c = Foo(b); d = Neg(s); e = Add(x, c); out float e; out string d;",
                         ONNXRUN_ERR_UNSUPPORTED,
                         "load: not supported: Foo-17 at node \"a\" and 1 more; "
                         "com.microsoft.Bar-1 at node \"b\"; "
                         "Neg-17 (input 0 of type string) at node \"d\"");
    session_test_refused(
        "in bool c; in float x; y = If(c) then_branch={a = Foo(x); out float a;}"
        "else_branch={b = Foo(x); d = Goo(b); out float d;}; out float y;",
        ONNXRUN_ERR_UNSUPPORTED,
        "load: not supported: Foo-17 at node \"a\" and 1 more; Goo-17 at node \"d\"");
}

/* Names of nodes are cut before operators are left out. */
static void names_of_nodes_make_room_for_operators(void **state)
{
    (void)state;
    char source[16384] = "in float x;";
    size_t used = strlen(source);
    for (int i = 0; i < 40; i++) {
        used +=
            (size_t)snprintf(source + used, sizeof source - used,
                             "a_value_with_a_name_of_more_than_forty_bytes%02d = Missing%02d(x);"
                             "out float a_value_with_a_name_of_more_than_forty_bytes%02d;",
                             i, i, i);
    }
    session_test_refused(source, ONNXRUN_ERR_UNSUPPORTED,
                         "load: not supported: Missing00-17 at node \"a_value_with\"; ");
    session_test_refused(source, ONNXRUN_ERR_UNSUPPORTED,
                         "; Missing39-17 at node \"a_value_with\"");
}

/* A list that is too long for one message says how many there are. */
static void a_long_list_of_what_is_missing_is_cut(void **state)
{
    (void)state;
    char source[16384] = "in float x;";
    size_t used = strlen(source);
    for (int i = 0; i < 200; i++) {
        used +=
            (size_t)snprintf(source + used, sizeof source - used,
                             "a%03d = AnOperatorThatIsMissing%03d(x); out float a%03d;", i, i, i);
    }
    session_test_refused(source, ONNXRUN_ERR_UNSUPPORTED,
                         "load: 200 operators are not supported: AnOperatorThatIsMissing000-17");
    session_test_refused(source, ONNXRUN_ERR_UNSUPPORTED, " more");
}

static void errors_of_a_model_name_the_node(void **state)
{
    (void)state;
    session_test_refused("in float x; y = Neg(x) alpha=1; out float y;", ONNXRUN_ERR_MODEL,
                         "load: node \"y\" (Neg-17): attribute \"alpha\" is not known");
    session_test_refused("in float x; y = Neg(x, x); out float y;", ONNXRUN_ERR_MODEL,
                         "load: node \"y\" (Neg-17): 2 inputs, expected 1 to 1");
    session_test_refused("in float x; y = Add(x, _); out float y;", ONNXRUN_ERR_MODEL,
                         "load: node \"y\" (Add-17): 1 inputs, expected 2 to 2");
    session_test_refused("in float x; y = Add(_, x); out float y;", ONNXRUN_ERR_MODEL,
                         "load: node \"y\" (Add-17): required input 0 is empty");
    session_test_refused("in float x; _, y = Dropout(x); out bool y;", ONNXRUN_ERR_MODEL,
                         "load: node \"y\" (Dropout-17): required output 0 is empty");
    session_test_refused("in float x; in int64 i; y = Add(x, i); out float y;", ONNXRUN_ERR_MODEL,
                         "load: node \"y\" (Add-17): input 1 has type int64, expected float");
    session_test_refused("in float x [2, 3]; in float z [2, 3]; y = MatMul(x, z); out float y;",
                         ONNXRUN_ERR_SHAPE, "load: node \"y\" (MatMul-17): ");
    session_test_refused("in float x; y = Softmax(x) axis=1.5; out float y;", ONNXRUN_ERR_MODEL,
                         "attribute \"axis\" has type 1, expected 2");
    session_test_refused(
        "in bool c; in float x; y = If(c) then_branch={out float x;}; out float y;",
        ONNXRUN_ERR_MODEL, "attribute \"else_branch\" is missing");
}

static void files_are_loaded_and_refused(void **state)
{
    (void)state;
    static const char path[] = "onnxrun_test_model.onnx";
    onnxrun_error error;
    onnxrun_model *model = NULL;
    model_text_write(path, "in float x; y = Neg(x); out float y;");
    assert_int_equal(onnxrun_model_load(path, NULL, &model, &error), ONNXRUN_OK);
    assert_string_equal(error.message, "");
    onnxrun_model_free(model);
    assert_int_equal(remove(path), 0);
    assert_int_equal(onnxrun_model_load(path, NULL, &model, &error), ONNXRUN_ERR_IO);
    assert_non_null(strstr(error.message, path));
    assert_non_null(strstr(error.message, "No such file"));
    assert_int_equal(onnxrun_model_load("/", NULL, &model, &error), ONNXRUN_ERR_IO);
    assert_int_equal(onnxrun_model_load(NULL, NULL, &model, &error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "model: path is NULL");
    assert_int_equal(onnxrun_model_load_memory("", 0, NULL, &model, &error), ONNXRUN_ERR_PARSE);
    onnxrun_model_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(the_signature_is_as_declared),
        TEST(the_model_says_where_it_comes_from),
        TEST(options_are_checked),
        TEST(limits_are_kept),
        TEST(folding_stays_within_its_limit),
        TEST(all_that_is_missing_is_listed_at_once),
        TEST(names_of_nodes_make_room_for_operators),
        TEST(a_long_list_of_what_is_missing_is_cut),
        TEST(errors_of_a_model_name_the_node),
        TEST(files_are_loaded_and_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
