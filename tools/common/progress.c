/* SPDX-License-Identifier: Apache-2.0 */
#include "common/progress.h"

#include "common/escape.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds before the line is drawn first, and until it is drawn again. */
#define FIRST_SECONDS 1.0
#define NEXT_SECONDS  0.2

#define BAR_CELLS 30

/* ---- drawing; the mutex is held ---- */

/* At once and without the lock of stderr, which a child made by fork could find taken for ever. */
static void write_line(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0) {
            return;
        }
        text += written;
        length -= (size_t)written;
    }
}

static void print_bar(FILE *out, size_t done, size_t total)
{
    size_t filled = done < total ? done * BAR_CELLS / total : BAR_CELLS;
    fputc('[', out);
    for (size_t i = 0; i < BAR_CELLS; i++) {
        fputc(i < filled ? '#' : '.', out);
    }
    fprintf(out, "] %zu/%zu  ", done, total);
}

static void draw(struct progress *progress)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        return;
    }
    fputc('\r', out);
    if (progress->total > 0) {
        print_bar(out, progress->done, progress->total);
    }
    fprintf(out, "%s%s", progress->what, progress->subject[0] != '\0' ? " " : "");
    escape_name(out, progress->subject);
    fprintf(out, "  %.0f s", tool_seconds() - progress->begin);
    if (progress->failed > 0) {
        fprintf(out, "  %zu failed", progress->failed);
    }
    fputs("\033[K", out);
    if (fclose(out) == 0) {
        write_line(text, length);
        progress->is_shown = true;
    }
    free(text);
}

static void hide(struct progress *progress)
{
    if (progress->is_shown) {
        write_line("\r\033[K", 4);
        progress->is_shown = false;
    }
}

/* ---- the thread ---- */

static void wait_for(struct progress *progress, double seconds)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    long nanoseconds = until.tv_nsec + (long)(1e9 * seconds);
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    while (!progress->has_ended &&
           pthread_cond_timedwait(&progress->ended, &progress->mutex, &until) == 0) {
    }
}

static void *run(void *argument)
{
    struct progress *progress = argument;
    (void)pthread_mutex_lock(&progress->mutex);
    wait_for(progress, FIRST_SECONDS);
    while (!progress->has_ended) {
        if (!progress->is_hidden) {
            draw(progress);
        }
        wait_for(progress, NEXT_SECONDS);
    }
    hide(progress);
    (void)pthread_mutex_unlock(&progress->mutex);
    return NULL;
}

static bool start(struct progress *progress)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool is_made = pthread_cond_init(&progress->ended, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!is_made) {
        return false;
    }
    (void)pthread_mutex_init(&progress->mutex, NULL);
    if (pthread_create(&progress->thread, NULL, run, progress) != 0) {
        (void)pthread_mutex_destroy(&progress->mutex);
        (void)pthread_cond_destroy(&progress->ended);
        return false;
    }
    return true;
}

/* ---- what is called ---- */

void progress_begin(struct progress *progress, const char *what, const char *subject)
{
    size_t length = strlen(subject), room = sizeof progress->subject - 1;
    *progress = (struct progress){.what = what, .begin = tool_seconds()};
    if (!escape_has_colors(stderr)) {
        return;
    }
    if (length <= room) {
        memcpy(progress->subject, subject, length);
    } else {
        (void)snprintf(progress->subject, sizeof progress->subject, "...%s",
                       subject + length - room + 3);
    }
    progress->is_running = start(progress);
}

void progress_set(struct progress *progress, size_t done, size_t total, size_t failed)
{
    if (progress->is_running) {
        (void)pthread_mutex_lock(&progress->mutex);
        progress->done = done;
        progress->total = total;
        progress->failed = failed;
        progress->is_hidden = false;
        (void)pthread_mutex_unlock(&progress->mutex);
    }
}

void progress_hide(struct progress *progress)
{
    if (progress->is_running) {
        (void)pthread_mutex_lock(&progress->mutex);
        hide(progress);
        progress->is_hidden = true;
        (void)pthread_mutex_unlock(&progress->mutex);
    }
}

void progress_end(struct progress *progress)
{
    if (!progress->is_running) {
        return;
    }
    (void)pthread_mutex_lock(&progress->mutex);
    progress->has_ended = true;
    (void)pthread_cond_signal(&progress->ended);
    (void)pthread_mutex_unlock(&progress->mutex);
    (void)pthread_join(progress->thread, NULL);
    (void)pthread_mutex_destroy(&progress->mutex);
    (void)pthread_cond_destroy(&progress->ended);
    progress->is_running = false;
}
