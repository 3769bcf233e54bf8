/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on the terminal that tells how far work is which takes longer than a second. A thread of
 * its own draws it, so that it goes on during one long call. Nothing is drawn unless stderr is a
 * terminal (escape_has_colors: NO_COLOR and TERM=dumb turn it off); nothing is left when it ends.
 *
 *     struct progress progress;
 *     progress_begin(&progress, "loading", path);
 *     ... progress_set(&progress, done, total) ...
 *     progress_end(&progress);
 */
#ifndef ONNXRUN_TOOLS_PROGRESS_H
#define ONNXRUN_TOOLS_PROGRESS_H

#include "common/tool.h"

#include <pthread.h>

#define PROGRESS_SUBJECT_BYTES 48

struct progress {
    bool is_running; /* there is a thread */
    bool is_shown;   /* the line is on the terminal */
    bool is_hidden;  /* until the next progress_set */
    bool has_ended;
    const char *what;
    char subject[PROGRESS_SUBJECT_BYTES];
    size_t done;
    size_t total; /* 0: unknown */
    size_t failed;
    double begin;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
};

/* "loading bert.onnx  3 s", of a long subject its end. what is borrowed until the end. */
void progress_begin(struct progress *progress, const char *what, const char *subject);

/* "[####....] 12/24  testing  3 s", and how many of them failed, if any. */
void progress_set(struct progress *progress, size_t done, size_t total, size_t failed);

/* Before anything else is printed: takes the line away until the next progress_set. */
void progress_hide(struct progress *progress);

/* Takes the line away for good. */
void progress_end(struct progress *progress);

#endif
