/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of files is guarded by a flag that a thread holds only while it blocks the signals: so
 * none can come in that very thread, and a handler in another one may wait for the flag. It keeps
 * the flag, so that no file is made or renamed behind it.
 */
#include "common/interrupt.h"

#include "common/escape.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

static atomic_flag is_held = ATOMIC_FLAG_INIT;
static sigset_t mask_before; /* of the thread that has the flag */
static struct interrupt_file *files;
static pid_t owner; /* of the files; not children made by fork */
static char line[64];
static size_t line_length;

static sigset_t caught(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)sigaddset(&set, signals[i]);
    }
    return set;
}

/* Calls nothing but functions that POSIX lets a handler call. */
static void hold(void)
{
    const struct timespec moment = {.tv_nsec = 100000};
    while (atomic_flag_test_and_set(&is_held)) {
        (void)nanosleep(&moment, NULL);
    }
}

static void die(int number)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t set = caught();
    (void)sigaction(number, &standard, NULL);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    (void)raise(number);
    _exit(128 + number); /* the first process of a container does not die of it */
}

static void on_signal(int number)
{
    if (getpid() == owner) {
        hold();
        for (const struct interrupt_file *file = files; file != NULL; file = file->next) {
            (void)unlink(file->path);
        }
        ssize_t written = write(STDERR_FILENO, line, line_length);
        (void)written;
    }
    die(number);
}

void interrupt_begin(const char *name)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_mask = caught()};
    struct sigaction before;
    /* What the terminal shows of Ctrl-C, and a line about progress, are written over. */
    int length = snprintf(line, sizeof line, "%s%s: interrupted\n",
                          escape_has_colors(stderr) ? "\r\033[K" : "", name);
    line_length = length > 0 ? (size_t)length : 0;
    owner = getpid();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void)sigaction(signals[i], &action, NULL);
        }
    }
}

void interrupt_begin_child(void)
{
    interrupt_pause();
    owner = getpid();
    files = NULL;
    line_length = 0;
    interrupt_resume();
}

void interrupt_pause(void)
{
    sigset_t set = caught(), before;
    (void)pthread_sigmask(SIG_BLOCK, &set, &before);
    hold();
    mask_before = before;
}

void interrupt_resume(void)
{
    sigset_t before = mask_before;
    atomic_flag_clear(&is_held);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void interrupt_add(struct interrupt_file *file)
{
    file->next = files;
    files = file;
}

void interrupt_remove(struct interrupt_file *file)
{
    struct interrupt_file **at = &files;
    while (*at != NULL && *at != file) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = file->next;
    }
}
