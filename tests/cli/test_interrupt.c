/* SPDX-License-Identifier: Apache-2.0 */
/* Each test makes a child that gets a signal while a file is open. */
#include "common/file.h"

#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "interrupt_XXXXXX";
static const char *const names[] = {"a.npy", "b.npy"};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink("stderr");
    (void)unlink(names[0]);
    (void)unlink(names[1]);
    return chdir("..") == 0 ? rmdir(folder) : -1;
}

/* Runs the child, which is to end by itself, and returns its status; its stderr goes to a file. */
static int status_of(void (*child)(void))
{
    int status = 0;
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0) {
        int descriptor = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)dup2(descriptor, STDERR_FILENO);
        tool_begin("onnxrun");
        child();
        _exit(0);
    }
    while (waitpid(process, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return status;
}

static void assert_stderr(const char *want)
{
    struct file_bytes bytes;
    onnxrun_error error;
    assert_int_equal(file_read("stderr", &bytes, &error), ONNXRUN_OK);
    assert_int_equal(bytes.size, strlen(want));
    assert_memory_equal(bytes.data, want, bytes.size);
    file_free(&bytes);
    assert_int_equal(unlink("stderr"), 0);
}

/* rmdir of a folder that has files fails. */
static void assert_no_files(void)
{
    char path[4096];
    assert_non_null(getcwd(path, sizeof path));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chdir(path), 0);
}

static void open_both(struct file_draft drafts[2])
{
    onnxrun_error error;
    for (size_t i = 0; i < 2; i++) {
        if (file_draft_open(&drafts[i], names[i], &error) != ONNXRUN_OK ||
            file_draft_write(&drafts[i], 0, "half", 4, &error) != ONNXRUN_OK) {
            _exit(1);
        }
    }
}

static void interrupted(void)
{
    struct file_draft drafts[2];
    open_both(drafts);
    (void)raise(SIGINT);
}

static void terminated(void)
{
    struct file_draft drafts[2];
    open_both(drafts);
    (void)raise(SIGTERM);
}

static void files_that_are_open_go_and_one_line_says_so(void **state)
{
    (void)state;
    int status = status_of(interrupted);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    assert_stderr("onnxrun: interrupted\n");
    assert_no_files();
    status = status_of(terminated);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_stderr("onnxrun: interrupted\n");
    assert_no_files();
}

static void close_one(void)
{
    struct file_draft drafts[2];
    onnxrun_error error;
    open_both(drafts);
    (void)file_draft_close(&drafts[1], 4, &error);
    (void)raise(SIGINT);
}

static void files_that_are_closed_stay(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(status_of(close_one)));
    assert_stderr("onnxrun: interrupted\n");
    assert_int_equal(unlink(names[1]), 0);
    assert_no_files();
}

static void fork_in_between(void)
{
    struct file_draft drafts[2];
    onnxrun_error error;
    open_both(drafts);
    pid_t process = fork();
    if (process == 0) {
        (void)raise(SIGINT);
    }
    (void)waitpid(process, NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        if (file_draft_close(&drafts[i], 4, &error) != ONNXRUN_OK) {
            _exit(1);
        }
    }
}

static void a_child_owns_no_files_and_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(status_of(fork_in_between), 0);
    assert_stderr("");
    assert_int_equal(unlink(names[0]), 0);
    assert_int_equal(unlink(names[1]), 0);
    assert_no_files();
}

static void fork_and_begin(void)
{
    struct file_draft draft, other;
    onnxrun_error error;
    bool is_open = file_draft_open(&draft, names[0], &error) == ONNXRUN_OK;
    pid_t process = is_open ? fork() : -1;
    if (process == 0) {
        interrupt_begin_child();
        if (file_draft_open(&other, names[1], &error) == ONNXRUN_OK) {
            (void)raise(SIGINT);
        }
    }
    int status = 0;
    bool is_good = process > 0 && waitpid(process, &status, 0) == process && WIFSIGNALED(status);
    if (!is_good || file_draft_close(&draft, 0, &error) != ONNXRUN_OK) {
        _exit(1);
    }
}

static void a_child_that_begins_anew_removes_its_own_files(void **state)
{
    (void)state;
    assert_int_equal(status_of(fork_and_begin), 0);
    assert_stderr("");
    assert_int_equal(unlink(names[0]), 0);
    assert_no_files();
}

static void ignoring(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
    tool_begin("onnxrun");
    (void)raise(SIGINT);
    (void)raise(SIGHUP);
}

static void a_signal_that_was_ignored_stays_so(void **state)
{
    (void)state;
    /* status_of has begun once: what it set is set aside first. */
    assert_int_equal(status_of(ignoring), 0);
    assert_stderr("");
}

static void *signal_process(void *argument)
{
    const struct timespec moment = {.tv_nsec = 1000000 * (1 + *(const int *)argument)};
    (void)nanosleep(&moment, NULL);
    (void)kill(getpid(), SIGINT);
    return NULL;
}

static int delay; /* milliseconds that the next child is given */

/* Files are made and named on this thread while the signal comes to either. */
static void busy(void)
{
    pthread_t thread;
    onnxrun_error error;
    if (pthread_create(&thread, NULL, signal_process, &delay) != 0) {
        _exit(1);
    }
    for (;;) {
        struct file_draft draft;
        if (file_draft_open(&draft, names[0], &error) != ONNXRUN_OK ||
            file_draft_close(&draft, delay % 2 == 0 ? 4 : -1, &error) != ONNXRUN_OK) {
            _exit(1);
        }
    }
}

static void a_signal_at_any_moment_leaves_whole_files_alone(void **state)
{
    (void)state;
    for (delay = 0; delay < 40; delay++) {
        int status = status_of(busy);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGINT);
        assert_stderr("onnxrun: interrupted\n");
        (void)unlink(names[0]);
        assert_no_files();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_open_go_and_one_line_says_so),
        cmocka_unit_test(files_that_are_closed_stay),
        cmocka_unit_test(a_child_owns_no_files_and_says_nothing),
        cmocka_unit_test(a_child_that_begins_anew_removes_its_own_files),
        cmocka_unit_test(a_signal_that_was_ignored_stays_so),
        cmocka_unit_test(a_signal_at_any_moment_leaves_whole_files_alone),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
