/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes for test cases: each sends its result through a pipe of its own. */
#include "onnxrun/jobs.h"

#include "common/interrupt.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
    pid_t process; /* 0: free */
    int pipe;
    size_t index; /* of the case */
    double deadline;
    bool is_late;
};

struct jobs {
    const struct test_cases *cases;
    const struct job_settings *settings;
    struct case_result *results;
    bool *has_ended; /* [cases->count] */
    struct job *items;
    struct pollfd *polls;
    size_t next;  /* case to start */
    size_t ended; /* cases that ended */
    size_t done;  /* cases before which all have ended */
};

static const char *signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGSEGV, "SIGSEGV"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"},
                 {SIGBUS, "SIGBUS"},   {SIGILL, "SIGILL"},   {SIGKILL, "SIGKILL"},
                 {SIGTERM, "SIGTERM"}, {SIGTRAP, "SIGTRAP"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return "a signal";
}

static void fail_result(struct case_result *result, const char *message)
{
    *result = (struct case_result){.verdict = VERDICT_FAILED};
    (void)snprintf(result->message, sizeof result->message, "%s", message);
}

/* The child's life: run the case, send the result, end without running the parent's exit handlers.
 */
__attribute__((noreturn)) static void run_child(const struct jobs *jobs, size_t index, int out)
{
    struct case_result result;
    interrupt_begin_child();
    case_run(&jobs->cases->items[index], &jobs->settings->test, &result);
    ssize_t written = write(out, &result, sizeof result);
    _exit(written == (ssize_t)sizeof result ? EXIT_CODE_OK : EXIT_CODE_RUN);
}

static void end_case(struct jobs *jobs, size_t index)
{
    jobs->has_ended[index] = true;
    jobs->ended++;
    while (jobs->done < jobs->cases->count && jobs->has_ended[jobs->done]) {
        jobs->done++;
    }
}

static void start_job(struct jobs *jobs, struct job *job)
{
    int ends[2];
    size_t index = jobs->next++;
    if (pipe(ends) != 0) {
        fail_result(&jobs->results[index], "cannot make a pipe");
        end_case(jobs, index);
        return;
    }
    (void)fflush(NULL);
    pid_t process = fork();
    if (process == 0) {
        (void)close(ends[0]);
        run_child(jobs, index, ends[1]);
    }
    (void)close(ends[1]);
    if (process < 0) {
        (void)close(ends[0]);
        fail_result(&jobs->results[index], "cannot start a process");
        end_case(jobs, index);
        return;
    }
    *job = (struct job){.process = process, .pipe = ends[0], .index = index};
    job->deadline = tool_seconds() + jobs->settings->timeout_seconds;
}

/* Takes the result of a child that has ended or written. */
static void finish_job(struct jobs *jobs, struct job *job)
{
    struct case_result *result = &jobs->results[job->index];
    int status = 0;
    char message[128];
    ssize_t got = read(job->pipe, result, sizeof *result);
    (void)close(job->pipe);
    while (waitpid(job->process, &status, 0) < 0 && errno == EINTR) {
    }
    if (got != (ssize_t)sizeof *result) {
        if (job->is_late) {
            (void)snprintf(message, sizeof message, "timed out after %g s",
                           jobs->settings->timeout_seconds);
        } else if (WIFSIGNALED(status)) {
            (void)snprintf(message, sizeof message, "crashed: %s", signal_name(WTERMSIG(status)));
        } else {
            (void)snprintf(message, sizeof message, "ended early with exit status %d",
                           WEXITSTATUS(status));
        }
        fail_result(result, message);
    }
    job->process = 0;
    end_case(jobs, job->index);
}

/* Milliseconds until the first deadline. */
static int wait_time(const struct jobs *jobs)
{
    double first = tool_seconds() + 3600;
    for (size_t i = 0; i < jobs->settings->job_count; i++) {
        if (jobs->items[i].process != 0 && jobs->items[i].deadline < first) {
            first = jobs->items[i].deadline;
        }
    }
    return (int)fmax(0, 1e3 * (first - tool_seconds()) + 1);
}

/* Waits until a child writes, ends, or is late; late ones are killed and end then. */
static void wait_jobs(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->settings->job_count; i++) {
        bool is_used = jobs->items[i].process != 0;
        jobs->polls[i] =
            (struct pollfd){.fd = is_used ? jobs->items[i].pipe : -1, .events = POLLIN};
    }
    int ready = poll(jobs->polls, (nfds_t)jobs->settings->job_count, wait_time(jobs));
    for (size_t i = 0; i < jobs->settings->job_count; i++) {
        struct job *job = &jobs->items[i];
        if (job->process == 0) {
            continue;
        }
        if (ready > 0 && jobs->polls[i].revents != 0) {
            finish_job(jobs, job);
        } else if (!job->is_late && tool_seconds() > job->deadline) {
            job->is_late = true;
            job->deadline += 3600;
            (void)kill(job->process, SIGKILL);
        }
    }
}

void jobs_run(const struct test_cases *cases, const struct job_settings *settings,
              struct case_result *results, jobs_progress_fn progress, void *user)
{
    struct jobs jobs = {.cases = cases, .settings = settings, .results = results};
    jobs.has_ended = tool_alloc(cases->count, sizeof *jobs.has_ended);
    jobs.items = tool_alloc(settings->job_count, sizeof *jobs.items);
    jobs.polls = tool_alloc(settings->job_count, sizeof *jobs.polls);
    while (jobs.ended < cases->count) {
        for (size_t i = 0; i < settings->job_count; i++) {
            if (jobs.items[i].process == 0 && jobs.next < cases->count) {
                start_job(&jobs, &jobs.items[i]);
            }
        }
        if (jobs.ended < jobs.next) {
            wait_jobs(&jobs);
        }
        progress(user, jobs.done, jobs.ended);
    }
    free(jobs.has_ended);
    free(jobs.items);
    free(jobs.polls);
}
