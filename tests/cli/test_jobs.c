/* SPDX-License-Identifier: Apache-2.0 */
#include "onnxrun/jobs.h"
#include "support/test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* In place of the real one: what a case does follows from its name. */
void case_run(const struct test_case *test, const struct case_settings *settings,
              struct case_result *result)
{
    (void)settings;
    *result = (struct case_result){.verdict = VERDICT_PASSED, .max_error = 0.5};
    if (strcmp(test->name, "crash") == 0) {
        (void)raise(SIGKILL);
    } else if (strcmp(test->name, "hang") == 0) {
        (void)pause();
    } else if (strcmp(test->name, "exit") == 0) {
        _exit(3);
    }
}

static size_t most_done, most_ended;

static void count_progress(void *user, size_t done, size_t ended)
{
    (void)user;
    assert_true(done >= most_done && ended >= most_ended && done <= ended);
    most_done = done;
    most_ended = ended;
}

static void a_case_that_dies_fails_alone(void **state)
{
    (void)state;
    static char names[][8] = {"good", "crash", "hang", "exit", "good", "good"};
    struct test_case items[6] = {{.name = NULL}};
    struct case_result results[6];
    for (size_t i = 0; i < 6; i++) {
        items[i].name = names[i];
    }
    const struct test_cases cases = {items, 6};
    for (size_t job_count = 1; job_count <= 8; job_count += 3) {
        const struct job_settings settings = {.job_count = job_count, .timeout_seconds = 0.2};
        most_done = most_ended = 0;
        memset(results, 0, sizeof results);
        jobs_run(&cases, &settings, results, count_progress, NULL);
        assert_int_equal(most_done, 6);
        for (size_t i = 0; i < 6; i++) {
            bool is_good = strcmp(names[i], "good") == 0;
            assert_int_equal(results[i].verdict, is_good ? VERDICT_PASSED : VERDICT_FAILED);
        }
        assert_true(results[5].max_error == 0.5);
        assert_string_equal(results[1].message, "crashed: SIGKILL");
        assert_string_equal(results[2].message, "timed out after 0.2 s");
        assert_string_equal(results[3].message, "ended early with exit status 3");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_that_dies_fails_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
