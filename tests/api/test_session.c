/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: what callers may bind, what is refused and how, sessions in threads. */
#include "base/parallel.h"
#include "support/session_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define X2 test_f32(SHAPE(2), (float[]){1, -2})

static const char sum_source[] = "in float x [n, 3]; in float y [n, 3]; s = Add(x, y);"
                                 "out float s [n, 3];";

static void bindings_are_checked(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, sum_source);
    session_test_in(&t, "x", test_f32(SHAPE(2, 3), NULL));
    session_test_fails(&t, ONNXRUN_ERR_ARGUMENT, "input \"y\" is missing; it is float[n, 3]");
    session_test_in(&t, "y", test_f32(SHAPE(2, 3), NULL));
    session_test_in(&t, "z", test_f32(SHAPE(2, 3), NULL));
    session_test_fails(&t, ONNXRUN_ERR_ARGUMENT,
                       "the model has no input \"z\"; its inputs are: x, y");
    t.inputs[2].name = "x";
    session_test_fails(&t, ONNXRUN_ERR_ARGUMENT, "input \"x\" is given twice");
    t.inputs[2].name = NULL;
    session_test_fails(&t, ONNXRUN_ERR_ARGUMENT, "input binding 2 has no name");
    t.inputs[2].name = "x";
    onnxrun_tensor_free(t.inputs[2].tensor);
    t.inputs[2].tensor = NULL;
    session_test_fails(&t, ONNXRUN_ERR_ARGUMENT, "input \"x\" has no tensor");
    t.input_count = 2;
    session_test_out(&t, "t", NULL);
    session_test_fails(&t, ONNXRUN_ERR_ARGUMENT,
                       "the model has no output \"t\"; its outputs are: s");
    t.outputs[0].name = NULL;
    onnxrun_status status = onnxrun_session_run(t.session, t.inputs, 2, t.outputs, 1, &t.error);
    assert_int_equal(status, ONNXRUN_ERR_ARGUMENT);
    t.output_count = 0;
    session_test_out(&t, "s", test_f32(SHAPE(2, 3), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

static void types_and_shapes_are_checked(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, sum_source);
    session_test_out(&t, "s", NULL);
    session_test_in(&t, "y", test_f32(SHAPE(2, 3), NULL));
    session_test_in(&t, "x", test_i64(SHAPE(2, 3), NULL));
    session_test_fails(&t, ONNXRUN_ERR_ARGUMENT, "input \"x\" has type int64, expected float");
    session_test_in(&t, "x", test_f32(SHAPE(6), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "input \"x\" has shape 6 of rank 1, expected rank 2");
    session_test_in(&t, "x", test_f32(SHAPE(2, 4), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "input \"x\": dimension 1 is 4, expected 3");
    session_test_in(&t, "x", test_f32(SHAPE(5, 3), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE,
                       "input \"y\": dimension 0 (n) is 2, but input \"x\" has 5 for it");
    session_test_in(&t, "x", test_f32(SHAPE(2, 3), NULL));
    session_test_run(&t);
    session_test_end(&t);
    session_test_begin(&t, "in float x [n, n]; y = Neg(x); out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(2, 3), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE,
                       "input \"x\": dimension 0 (n) is 2, but input \"x\" has 3 for it");
    session_test_end(&t);
}

static void shapes_that_do_not_fit_name_the_node(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x; in float y; s = MatMul(x, y); out float s;");
    session_test_out(&t, "s", NULL);
    session_test_in(&t, "x", test_f32(SHAPE(2, 3), NULL));
    session_test_in(&t, "y", test_f32(SHAPE(2, 3), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "plan: node \"s\" (MatMul-17): ");
    session_test_in(&t, "y", test_f32(SHAPE(3, 1), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

static void an_input_without_elements_may_be_null(void **state)
{
    (void)state;
    struct session_test t;
    struct onr_tensor none = *test_tensor(ONR_DOUBLE, SHAPE(2, 0), NULL);
    none.data = NULL; /* the sanitizers of clang see NULL + 0 */
    session_test_begin(&t, "in double x [2, n]; t = Transpose(x); y = MatMul(x, t);"
                           "out double y [2, 2];");
    session_test_in(&t, "x", &none);
    session_test_out(&t, "y", test_tensor(ONR_DOUBLE, SHAPE(2, 2), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

static void values_without_elements_are_no_null_to_operators(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [2, n]; init int64 pads [4] = 0, 1, 0, 1; t = Neg(x);"
                           "y = Pad(t, pads); out float y [2, m];");
    session_test_in(&t, "x", test_f32(SHAPE(2, 0), NULL));
    session_test_out(&t, "y", test_f32(SHAPE(2, 2), NULL)); /* Pad steps from t */
    session_test_run(&t);
    session_test_end(&t);
}

static void an_input_with_a_default_may_be_left_out(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; in float w [k]; init float w [2] = 10, 20;"
                           "y = Add(x, w); out float y;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){11, 18}));
    session_test_run(&t);
    session_test_in(&t, "w", test_f32(SHAPE(2), (float[]){3, 4}));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){4, 2}));
    session_test_run(&t);
    session_test_in(&t, "w", test_f32(SHAPE(1), (float[]){5}));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){6, 3}));
    session_test_run(&t);
    onnxrun_tensor_free(t.inputs[1].tensor);
    t.input_count = 1;
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){11, 18}));
    session_test_run(&t);
    session_test_end(&t);
}

/* The declared dimension is a symbol, so a longer value may take the place of the default. */
static void a_default_may_be_overridden_by_another_shape(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [3]; in float w [k]; init float w [2] = 10, 20;"
                           "y = Add(x, w); out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(3), NULL));
    session_test_out(&t, "y", test_f32(SHAPE(3), (float[]){1, 2, 3}));
    session_test_in(&t, "w", test_f32(SHAPE(3), (float[]){1, 2, 3}));
    session_test_run(&t);
    onnxrun_tensor_free(t.inputs[1].tensor);
    t.input_count = 1;
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "does not broadcast");
    session_test_end(&t);
}

static void a_run_writes_into_the_caller_s_tensors(void **state)
{
    (void)state;
    struct session_test t;
    float data[2] = {0};
    session_test_begin(&t, "in float x [n]; y = Neg(x); z = Abs(x); out float y; out float z;");
    session_test_in(&t, "x", X2);
    onnxrun_binding out[] = {{"z", NULL}, {"y", NULL}};
    assert_int_equal(
        onnxrun_tensor_wrap(ONNXRUN_FLOAT, SHAPE(2), data, sizeof data, &out[1].tensor, NULL),
        ONNXRUN_OK);
    onnxrun_tensor *own = out[1].tensor;
    assert_int_equal(onnxrun_session_run(t.session, t.inputs, 1, out, 2, NULL), ONNXRUN_OK);
    assert_ptr_equal(out[1].tensor, own);
    assert_true(data[0] == -1 && data[1] == 2);
    session_test_in(&t, "x", test_f32(SHAPE(3), NULL));
    onnxrun_status status = onnxrun_session_run(t.session, t.inputs, 1, out, 2, &t.error);
    assert_int_equal(status, ONNXRUN_ERR_SHAPE);
    assert_string_equal(t.error.message, "output \"y\" is float 3, the given tensor is float 2");
    onnxrun_tensor_free(own);
    session_test_end(&t);
}

/* Outputs of an earlier run, handed back under whatever name, are replaced. */
static void outputs_of_an_earlier_run_may_be_handed_back(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; y = Neg(x); z = Abs(x); out float y; out float z;");
    onnxrun_binding out[] = {{"y", NULL}, {"z", NULL}};
    for (int64_t length = 1; length < 100; length *= 3) {
        session_test_in(&t, "x", test_tensor(ONR_FLOAT, 1, &length, NULL));
        assert_int_equal(onnxrun_session_run(t.session, t.inputs, 1, out, 2, NULL), ONNXRUN_OK);
        assert_int_equal(onnxrun_tensor_count(out[0].tensor), length);
        assert_int_equal(onnxrun_tensor_count(out[1].tensor), length);
        out[0].name = length % 2 != 0 ? "z" : "y";
        out[1].name = length % 2 != 0 ? "y" : "z";
    }
    onnxrun_binding in = {"x", out[0].tensor};
    assert_int_equal(onnxrun_session_run(t.session, &in, 1, NULL, 0, &t.error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_non_null(strstr(t.error.message, "input \"x\" is an output tensor of this session"));
    session_test_end(&t);
}

static void a_product_with_a_scalar_is_refused_when_its_branch_runs(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in bool c; in float x [2, 2]; init float w = 3;"
                           "y = If(c) then_branch={a = Neg(x); out float a;}"
                           "else_branch={b = MatMul(x, w); out float b;}; out float y;");
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){true}));
    session_test_in(&t, "x", test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}));
    session_test_out(&t, "y", test_f32(SHAPE(2, 2), (float[]){-1, -2, -3, -4}));
    session_test_run(&t);
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){false}));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "input 1 has rank 0, expected 1 or more");
    session_test_end(&t);
}

static void weights_of_a_wrong_shape_are_not_packed_for_a_branch(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t,
                       "in bool c; in float x [1, 1, 2]; init float w [1, 3, 2] = 1, 1, 1, 1, 1, 1;"
                       "init float r [3, 1] = 1, 1, 1; y = If(c) then_branch={a = Neg(x);"
                       "out float a;} else_branch={b = GRU(x, w, r) hidden_size=1;"
                       "out float b;}; out float y;");
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){true}));
    session_test_in(&t, "x", test_f32(SHAPE(1, 1, 2), (float[]){1, 2}));
    session_test_out(&t, "y", test_f32(SHAPE(1, 1, 2), (float[]){-1, -2}));
    session_test_run(&t);
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){false}));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "R has");
    session_test_end(&t);
}

/* Where chose its kernel by a type that was not known behind the error. */
static void nodes_behind_one_that_is_refused_do_not_refuse_the_model(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t,
                       "in bool c; in float x [2]; init float w [3] = 1, 2, 3; y = If(c)"
                       "then_branch={a = Neg(x); out float a;}"
                       "else_branch={p = Add(x, w); n = Neg(p); b = Where(c, n, p); out float b;};"
                       "out float y;");
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){true}));
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_run(&t);
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){false}));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "input 1 of shape 3 does not broadcast with shape 2");
    session_test_end(&t);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct session_test t;
    onnxrun_session *session = NULL;
    session_test_begin(&t, sum_source);
    onnxrun_session_options options = {.struct_size = 4};
    assert_int_equal(onnxrun_session_create(t.model, &options, &session, &t.error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(t.error.message, "session options: struct_size is 4, expected 80");
    assert_null(session);
    options = (onnxrun_session_options)ONNXRUN_SESSION_OPTIONS_INIT;
    options.memory_bytes = 10;
    assert_int_equal(onnxrun_session_create(t.model, &options, &session, &t.error),
                     ONNXRUN_ERR_MEMORY);
    assert_null(session);
    onnxrun_session_stats stats = {.struct_size = 8};
    onnxrun_session_get_stats(t.session, &stats);
    assert_null(stats.isa);
    stats.struct_size = sizeof stats;
    onnxrun_session_get_stats(t.session, &stats);
    assert_non_null(stats.isa);
    assert_true(stats.live_bytes > 0 && stats.peak_bytes >= stats.live_bytes);
    session_test_end(&t);
    onnxrun_session_free(NULL);
}

/* Stops when the count is down to zero. */
static int count_down(void *user)
{
    int *count = user;
    return (*count)-- == 0;
}

static void a_run_can_be_stopped_before_each_node_and_in_bodies(void **state)
{
    (void)state;
    struct session_test t;
    int count = 1;
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.should_stop = count_down;
    options.stop_user = &count;
    session_test_begin(&t, "in float x [2]; in bool c; y = Neg(x);"
                           "r = If(c) then_branch={a = Abs(y); b = Exp(a); out float b;}"
                           "else_branch={b = Log(y); out float b;}; out float r;");
    session_test_restart(&t, &options);
    session_test_in(&t, "x", X2);
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){true}));
    session_test_out(&t, "r", NULL);
    for (int stop_at = 0; stop_at < 4; stop_at++) {
        count = stop_at;
        session_test_fails(&t, ONNXRUN_ERR_CANCELLED, "the run was cancelled");
    }
    count = 4;
    session_test_run(&t);
    assert_int_equal(count, 0);
    session_test_end(&t);
}

struct seen {
    char text[512];
    uint64_t flops;
    uint64_t read_bytes;
    uint64_t written_bytes;
    double end;
};

/* Writes down what it is told. */
static void note_step(void *user, const onnxrun_step *step)
{
    struct seen *seen = user;
    size_t used = strlen(seen->text);
    assert_int_equal(step->struct_size, sizeof *step);
    assert_true(step->begin <= step->end && step->end >= seen->end);
    seen->end = step->end;
    seen->flops += step->flops;
    seen->read_bytes += step->read_bytes;
    seen->written_bytes += step->written_bytes;
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%" PRIu32 " %s%s %s(%zu:%zu); ",
                   step->depth, step->domain, step->op_type, step->output_name, step->output_count,
                   step->outputs[step->output_count - 1] == NULL
                       ? 0
                       : onnxrun_tensor_count(step->outputs[step->output_count - 1]));
}

static void a_run_tells_of_each_step(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen = {.text = ""};
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.on_step = note_step;
    options.step_user = &seen;
    session_test_begin(&t, "in float x [2]; in bool c; a, b = Split(x) axis=0;"
                           "r = If(c) then_branch={e = Exp(a); out float e;}"
                           "else_branch={l = Log(b); out float l;}; out float r;");
    session_test_restart(&t, &options);
    session_test_in(&t, "x", X2);
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){true}));
    session_test_out(&t, "r", NULL);
    session_test_run(&t);
    assert_string_equal(seen.text, "0 Split a(2:1); 1 Exp e(1:1); 0 If r(1:1); ");
    session_test_end(&t);
}

static void a_step_tells_what_it_costs(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen = {.text = ""};
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.on_step = note_step;
    options.step_user = &seen;
    session_test_begin(&t, "in float x [5, 2]; in int64 i [3]; y = Gather(x, i);"
                           "t = Transpose(y); z = MatMul(y, t); out float z;");
    session_test_restart(&t, &options);
    session_test_in(&t, "x", test_f32(SHAPE(5, 2), NULL));
    session_test_in(&t, "i", test_i64(SHAPE(3), (int64_t[]){4, 0, 0}));
    session_test_out(&t, "z", NULL);
    session_test_run(&t);
    /* y and z, the product with what stands between them; of x three rows are read */
    assert_true(seen.flops == 2 * 3 * 3 * 2);
    assert_true(seen.written_bytes >= (6 + 9) * sizeof(float));
    assert_true(seen.read_bytes >= 6 * sizeof(float) + 3 * sizeof(int64_t));
    assert_true(seen.read_bytes < (10 + 6 + 12) * sizeof(float) + 3 * sizeof(int64_t));
    session_test_end(&t);
}

struct shared {
    onnxrun_session *sessions[2];
    onnxrun_binding inputs[2];
    float sums[2];
};

static void run_shared(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct shared *shared = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        for (int k = 0; k < 200; k++) {
            onnxrun_binding out = {"y", NULL};
            if (onnxrun_session_run(shared->sessions[i], &shared->inputs[i], 1, &out, 1, NULL) ==
                ONNXRUN_OK) {
                shared->sums[i] += *(const float *)onnxrun_tensor_data(out.tensor);
            }
        }
    }
}

static void sessions_of_one_model_run_in_two_threads(void **state)
{
    (void)state;
    struct session_test t;
    struct shared shared = {.sums = {0}};
    float values[2] = {1, 2};
    session_test_begin(&t, "in float x [n]; init float w [1, 1] = 3; init int64 s [2] = 1, 1;"
                           "a = Reshape(x, s); b = MatMul(a, w); y = Neg(b); out float y;");
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.threads = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(onnxrun_session_create(t.model, &options, &shared.sessions[i], NULL),
                         ONNXRUN_OK);
        shared.inputs[i].name = "x";
        (void)onnxrun_tensor_wrap(ONNXRUN_FLOAT, SHAPE(1), &values[i], sizeof(float),
                                  &shared.inputs[i].tensor, NULL);
    }
    struct onr_parallel two;
    struct onr_mem mem;
    struct onr_error err;
    onr_mem_init(&mem, NULL, 0);
    assert_int_equal(onr_parallel_init(&two, 2, &mem, &err), ONR_OK);
    onr_parallel_for(&two, 2, 1, run_shared, &shared);
    onr_parallel_free(&two);
    for (int i = 0; i < 2; i++) {
        assert_true(shared.sums[i] == -600 * values[i]);
        onnxrun_session_free(shared.sessions[i]);
        onnxrun_tensor_free(shared.inputs[i].tensor);
    }
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(bindings_are_checked),
        TEST(types_and_shapes_are_checked),
        TEST(shapes_that_do_not_fit_name_the_node),
        TEST(an_input_without_elements_may_be_null),
        TEST(values_without_elements_are_no_null_to_operators),
        TEST(an_input_with_a_default_may_be_left_out),
        TEST(a_default_may_be_overridden_by_another_shape),
        TEST(a_run_writes_into_the_caller_s_tensors),
        TEST(outputs_of_an_earlier_run_may_be_handed_back),
        TEST(a_product_with_a_scalar_is_refused_when_its_branch_runs),
        TEST(weights_of_a_wrong_shape_are_not_packed_for_a_branch),
        TEST(nodes_behind_one_that_is_refused_do_not_refuse_the_model),
        TEST(options_are_checked),
        TEST(a_run_can_be_stopped_before_each_node_and_in_bodies),
        TEST(a_run_tells_of_each_step),
        TEST(a_step_tells_what_it_costs),
        TEST(sessions_of_one_model_run_in_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
