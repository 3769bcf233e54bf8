/* SPDX-License-Identifier: Apache-2.0 */
/* Random operators in sessions: what their numbers depend on, and what not. */
#include "support/session_test.h"

#include <string.h>

#define COUNT 5001
#define BYTES (COUNT * sizeof(float))

static const char free_model[] = "a = RandomNormal() shape=[5001]; b = RandomNormal() shape=[5001];"
                                 "out float a [5001]; out float b [5001];";
static const char seeded_model[] =
    "a = RandomNormal() shape=[5001] seed=3.0; b = RandomNormal() shape=[5001] seed=3.0;"
    "out float a [5001]; out float b [5001];";

struct numbers {
    float a[COUNT];
    float b[COUNT];
};

static void begin(struct session_test *t, const char *model)
{
    session_test_begin(t, model);
    session_test_out(t, "a", NULL);
    session_test_out(t, "b", NULL);
}

/* The numbers of the next run. */
static void draw(struct session_test *t, struct numbers *numbers)
{
    session_test_run(t);
    memcpy(numbers->a, session_test_result(t, 0).data, BYTES);
    memcpy(numbers->b, session_test_result(t, 1).data, BYTES);
}

static void restart(struct session_test *t, uint64_t seed, uint32_t threads)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.seed = seed;
    options.threads = threads;
    session_test_restart(t, &options);
}

static bool same(const float *x, const float *y)
{
    return memcmp(x, y, BYTES) == 0;
}

static void a_seed_repeats_a_session_run_by_run_on_any_number_of_threads(void **state)
{
    (void)state;
    static struct numbers first;
    static struct numbers second;
    static struct numbers again;
    struct session_test t;
    begin(&t, free_model);
    restart(&t, 7, 1);
    draw(&t, &first);
    draw(&t, &second);
    assert_false(same(first.a, first.b));
    assert_false(same(first.a, second.a));
    for (uint32_t threads = 1; threads <= 5; threads++) {
        restart(&t, 7, threads);
        draw(&t, &again);
        assert_true(same(again.a, first.a) && same(again.b, first.b));
        draw(&t, &again);
        assert_true(same(again.a, second.a) && same(again.b, second.b));
    }
    restart(&t, 8, 1);
    draw(&t, &again);
    assert_false(same(again.a, first.a));
    session_test_end(&t);
}

static void sessions_without_a_seed_differ(void **state)
{
    (void)state;
    static struct numbers first;
    static struct numbers second;
    struct session_test t;
    begin(&t, free_model);
    draw(&t, &first);
    restart(&t, 0, 2);
    draw(&t, &second);
    assert_false(same(first.a, second.a));
    session_test_end(&t);
}

static void the_seed_of_a_node_stands_above_that_of_the_session(void **state)
{
    (void)state;
    static struct numbers first;
    static struct numbers second;
    static struct numbers again;
    struct session_test t;
    begin(&t, seeded_model);
    draw(&t, &first);
    draw(&t, &second);
    assert_true(same(first.a, first.b));
    assert_false(same(first.a, second.a));
    restart(&t, 9, 1);
    draw(&t, &again);
    assert_true(same(again.a, first.a));
    session_test_end(&t);
}

/* The body draws once in each iteration. */
static void iterations_of_a_loop_draw_other_numbers(void **state)
{
    (void)state;
    struct session_test t;
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    float first[4];
    options.seed = 1;
    session_test_begin(&t,
                       "in int64 m; in bool k; y = Loop(m, k) body={in int64 i; in bool c;"
                       "r = RandomUniform() shape=[]; out bool c; out float r;}; out float y [n];");
    session_test_restart(&t, &options);
    session_test_in(&t, "m", test_i64(SCALAR, (int64_t[]){4}));
    session_test_in(&t, "k", test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1}));
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    memcpy(first, session_test_result(&t, 0).data, sizeof first);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            assert_true(first[i] < first[k] || first[i] > first[k]);
        }
    }
    session_test_restart(&t, &options);
    session_test_run(&t);
    assert_memory_equal(first, session_test_result(&t, 0).data, sizeof first);
    session_test_end(&t);
}

static void random_numbers_allocate_nothing_from_the_second_run_on(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, free_model);
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_true(session_test_allocs(&t) == allocs);
    session_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_repeats_a_session_run_by_run_on_any_number_of_threads),
        cmocka_unit_test(sessions_without_a_seed_differ),
        cmocka_unit_test(the_seed_of_a_node_stands_above_that_of_the_session),
        cmocka_unit_test_teardown(iterations_of_a_loop_draw_other_numbers, test_tensors_free),
        cmocka_unit_test(random_numbers_allocate_nothing_from_the_second_run_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
