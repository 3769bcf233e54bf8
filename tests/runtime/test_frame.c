/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and their steps: what needs no step, what shares storage, what is computed early. */
#include "api/handles.h"
#include "runtime/frame.h"
#include "support/session_test.h"

#include <string.h>

#define X2 test_f32(SHAPE(2), (float[]){1, -2})

/* The plan of the first segment for the inputs of the last run. */
static const struct onr_plan *plan_of(const struct session_test *t)
{
    const struct onr_plan *plan = NULL;
    struct onr_error err;
    assert_int_equal(onr_frame_plan(t->session->frame, &plan, &err), ONR_OK);
    return plan;
}

static const struct onr_plan_value *value_of(const struct session_test *t, const char *name)
{
    const struct onr_graph *graph = t->model->graph;
    const struct onr_plan *plan = plan_of(t);
    for (uint32_t i = 0; i < graph->value_count; i++) {
        if (strcmp(graph->values[i].name, name) == 0 && plan->values[i] != NULL) {
            return plan->values[i];
        }
    }
    fail_msg("no value \"%s\"", name);
    return NULL;
}

static void begin(struct session_test *t, const char *text)
{
    session_test_begin(t, text);
    session_test_in(t, "x", X2);
}

static void views_need_no_step_and_share_storage(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [n]; init int64 s [3] = 1, 1, -1; init int64 first [1] = 0;"
              "a = Neg(x); b = Reshape(a, s); c = Squeeze(b, first); y = Exp(c); z = Abs(a);"
              "out float y [1, n]; out float z [n];");
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){1, 2}));
    session_test_run(&t);
    assert_int_equal(plan_of(&t)->step_count, 3);
    assert_int_equal(value_of(&t, "b")->offset, value_of(&t, "a")->offset);
    assert_int_equal(value_of(&t, "c")->offset, value_of(&t, "a")->offset);
    /* a is read after c was: y must not be written over it. */
    assert_int_not_equal(value_of(&t, "y")->offset, value_of(&t, "a")->offset);
    session_test_end(&t);
}

static void storage_is_reused_in_place_at_the_last_use_only(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [n]; a = Neg(x); b = Abs(a); c = Neg(b); y = Add(b, c);"
              "out float y [n];");
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){0, 0}));
    session_test_run(&t);
    assert_int_equal(value_of(&t, "b")->offset, value_of(&t, "a")->offset);
    assert_int_not_equal(value_of(&t, "c")->offset, value_of(&t, "b")->offset);
    assert_int_equal(value_of(&t, "y")->offset, value_of(&t, "b")->offset);
    assert_int_equal(plan_of(&t)->memory.slab_bytes, 128);
    session_test_end(&t);
}

static void storage_read_twice_by_one_node_is_not_overwritten(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [n]; init int64 s [2] = -1, 1; a = Neg(x); b = Reshape(a, s);"
              "y = Mul(a, b); out float y;");
    session_test_out(&t, "y", test_f32(SHAPE(2, 2), (float[]){1, -2, -2, 4}));
    session_test_run(&t);
    session_test_end(&t);
}

static void outputs_are_not_overwritten_by_later_nodes(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [n]; a = Neg(x); b = Abs(a); y = Neg(b); out float a [n];"
              "out float b [n]; out float y [n];");
    session_test_out(&t, "a", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_out(&t, "b", test_f32(SHAPE(2), (float[]){1, 2}));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, -2}));
    session_test_run(&t);
    session_test_end(&t);
}

/* An int64 is as large as two floats, but the output of one element must not change it. */
static void storage_of_another_element_size_is_not_reused(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [1, n]; in int64 k; a = Neg(k); y = Trilu(x, a); out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(1, 2), (float[]){1, 2}));
    session_test_in(&t, "k", test_i64(SCALAR, (int64_t[]){-1}));
    session_test_out(&t, "y", test_f32(SHAPE(1, 2), (float[]){0, 2}));
    session_test_run(&t);
    assert_int_not_equal(value_of(&t, "y")->offset, value_of(&t, "a")->offset);
    session_test_end(&t);
}

static void shape_chains_leave_no_step(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t,
          "in float x [n]; init int64 zero = 0; init int64 axes [1] = 0; init int64 one [1] = 1;"
          "a = Neg(x); s = Shape(a); n = Gather(s, zero); u = Unsqueeze(n, axes);"
          "c = Concat(one, u) axis=0; b = Reshape(a, c); y = Neg(b); out float y;");
    session_test_out(&t, "y", test_f32(SHAPE(1, 2), (float[]){1, -2}));
    session_test_run(&t);
    assert_int_equal(plan_of(&t)->step_count, 2);
    session_test_in(&t, "x", test_f32(SHAPE(3), (float[]){1, 2, 3}));
    session_test_out(&t, "y", test_f32(SHAPE(1, 3), (float[]){1, 2, 3}));
    session_test_run(&t);
    assert_int_equal(plan_of(&t)->step_count, 2);
    session_test_end(&t);
}

static void constants_are_folded_at_load(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [n]; init float w [2] = 3, 4; a = Neg(w); b = Abs(a); c = Mul(b, b);"
              "y = Add(x, c); out float y [n];");
    assert_int_equal(t.model->graph->node_count, 1);
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){10, 14}));
    session_test_run(&t);
    session_test_end(&t);
}

static void zero_sized_values_need_no_step(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [n, 3]; a = Neg(x); b = Transpose(a) perm=[1, 0]; y = Abs(b);"
              "out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(0, 3), NULL));
    session_test_out(&t, "y", test_f32(SHAPE(3, 0), NULL));
    session_test_run(&t);
    assert_int_equal(plan_of(&t)->step_count, 0);
    session_test_end(&t);
}

static const struct onr_plan *run_with_length(struct session_test *t, int64_t length)
{
    session_test_in(t, "x", test_tensor(ONR_FLOAT, 1, &length, NULL));
    session_test_run(t);
    return plan_of(t);
}

/* One more evicts the one that was not used for longest, and the next takes that one's memory. */
static void plans_are_kept_for_the_shapes_used_last(void **state)
{
    (void)state;
    struct session_test t;
    const struct onr_plan *plans[ONR_MAX_ROOT_PLANS + 1];
    begin(&t, "in float x [n]; a = Exp(x); y = Neg(a); out float y [n];");
    session_test_out(&t, "y", NULL);
    for (int64_t length = 1; length <= ONR_MAX_ROOT_PLANS; length++) {
        plans[length] = run_with_length(&t, length);
    }
    uint64_t allocs = session_test_allocs(&t);
    assert_ptr_equal(run_with_length(&t, 1), plans[1]);
    assert_ptr_equal(run_with_length(&t, 2), plans[2]);
    assert_int_equal(session_test_allocs(&t), allocs);
    run_with_length(&t, ONR_MAX_ROOT_PLANS + 1);
    assert_ptr_equal(run_with_length(&t, 1), plans[1]);
    assert_ptr_equal(run_with_length(&t, 2), plans[2]);
    assert_ptr_equal(run_with_length(&t, 4), plans[4]);
    assert_ptr_equal(run_with_length(&t, 3), plans[3]);
    assert_ptr_equal(run_with_length(&t, 5), plans[5]);
    session_test_end(&t);
}

static void shapes_that_cannot_be_planned_evict_no_plan(void **state)
{
    (void)state;
    struct session_test t;
    const struct onr_plan *plans[ONR_MAX_ROOT_PLANS + 1];
    begin(&t, "in float x [n]; init int64 s [2] = 2, -1; a = Exp(x); y = Reshape(a, s);"
              "out float y;");
    session_test_out(&t, "y", NULL);
    for (int64_t i = 1; i <= ONR_MAX_ROOT_PLANS; i++) {
        plans[i] = run_with_length(&t, 2 * i);
    }
    for (int64_t i = 1; i <= ONR_MAX_ROOT_PLANS; i++) {
        session_test_in(&t, "x", test_tensor(ONR_FLOAT, 1, (int64_t[]){2 * i + 1}, NULL));
        session_test_fails(&t, ONNXRUN_ERR_SHAPE, "cannot reshape");
        assert_ptr_equal(run_with_length(&t, 2 * i), plans[i]);
    }
    session_test_end(&t);
}

/* Where it is little beside the constants, and beside what the session may allocate. */
static void memory_of_plans_is_taken_with_the_session(void **state)
{
    (void)state;
    static const onnxrun_session_options options[] = {
        ONNXRUN_SESSION_OPTIONS_INIT,
        {.struct_size = sizeof(onnxrun_session_options), .memory_bytes = 512 << 10}};
    struct session_test t;
    session_test_begin(&t, "in float x [n]; init float w [3000000] = 1, 2, ...; c = Cast(x) to=7;"
                           "y = Gather(w, c); out float y [n];");
    for (size_t i = 0; i < 2; i++) {
        session_test_restart(&t, &options[i]);
        run_with_length(&t, ONR_MAX_ROOT_PLANS + 2);
        uint64_t allocs = session_test_allocs(&t);
        for (int64_t length = 1; length <= ONR_MAX_ROOT_PLANS; length++) {
            run_with_length(&t, length);
        }
        assert_true((session_test_allocs(&t) == allocs) == (i == 0));
    }
    session_test_end(&t);
}

/* Runs each plan twice in a row with different data, more plans than are kept, and all again. */
static void views_of_inputs_are_those_of_the_present_run(void **state)
{
    (void)state;
    enum { LENGTHS = ONR_MAX_ROOT_PLANS + 1 };
    struct session_test t;
    begin(&t, "in float x [n]; init int64 s [2] = 1, -1; v = Reshape(x, s); a = Abs(v);"
              "y = Add(a, v); out float y [1, n];");
    for (int run = 0; run < 4 * LENGTHS; run++) {
        int64_t length = run / 2 % LENGTHS + 1;
        float x[LENGTHS];
        float y[LENGTHS];
        for (int i = 0; i < LENGTHS; i++) {
            x[i] = (float)(run + i);
            y[i] = 2 * x[i];
        }
        session_test_in(&t, "x", test_f32(SHAPE(length), x));
        session_test_out(&t, "y", test_f32(SHAPE(1, length), y));
        session_test_run(&t);
    }
    session_test_end(&t);
}

static void many_shapes_do_not_let_the_heap_grow(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "in float x [n]; a = Exp(x); y = Neg(a); out float y [n];");
    for (int64_t length = 1; length <= 3 * ONR_MAX_ROOT_PLANS; length++) {
        run_with_length(&t, 3 * ONR_MAX_ROOT_PLANS + 1 - length);
    }
    size_t live_bytes = t.session->mem.live_bytes;
    for (int64_t length = 1; length <= 3 * ONR_MAX_ROOT_PLANS; length++) {
        run_with_length(&t, length);
    }
    assert_int_equal(t.session->mem.live_bytes, live_bytes);
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(views_need_no_step_and_share_storage),
        TEST(storage_is_reused_in_place_at_the_last_use_only),
        TEST(storage_read_twice_by_one_node_is_not_overwritten),
        TEST(outputs_are_not_overwritten_by_later_nodes),
        TEST(storage_of_another_element_size_is_not_reused),
        TEST(shape_chains_leave_no_step),
        TEST(constants_are_folded_at_load),
        TEST(zero_sized_values_need_no_step),
        TEST(plans_are_kept_for_the_shapes_used_last),
        TEST(shapes_that_cannot_be_planned_evict_no_plan),
        TEST(memory_of_plans_is_taken_with_the_session),
        TEST(views_of_inputs_are_those_of_the_present_run),
        TEST(many_shapes_do_not_let_the_heap_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
