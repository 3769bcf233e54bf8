/* SPDX-License-Identifier: Apache-2.0 */
/* Test cases in child processes, several at a time, so that a crash or an endless loop ends only
 * its own case. */
#ifndef ONNXRUN_TOOLS_JOBS_H
#define ONNXRUN_TOOLS_JOBS_H

#include "onnxrun/cases.h"

struct job_settings {
    struct case_settings test;
    size_t job_count;       /* processes at a time */
    double timeout_seconds; /* of one case */
};

/* Called when results [0, done) are known that were not before, and with each case that ends. */
typedef void (*jobs_progress_fn)(void *user, size_t done, size_t ended);

/*
 * Runs all cases; results [cases->count] in their order. A case whose process dies or takes too
 * long has failed, with a message that says so.
 */
void jobs_run(const struct test_cases *cases, const struct job_settings *settings,
              struct case_result *results, jobs_progress_fn progress, void *user);

#endif
