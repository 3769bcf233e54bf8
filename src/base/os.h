/* SPDX-License-Identifier: Apache-2.0 */
/* What the operating system is asked for: mapped files, time, environment, processors, threads. */
#ifndef ONR_BASE_OS_H
#define ONR_BASE_OS_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file mapped read-only. It must not change while it is mapped: a truncated one ends the process
 * when a page behind its new end is touched.
 */
struct onr_file {
    const uint8_t *data; /* NULL when size is 0 */
    size_t size;
};

/* Maps the regular file at path. Errors: ONR_ERR_IO with path and reason. */
enum onr_status onr_file_map(const char *path, struct onr_file *file,
                             struct onr_error *err) ONR_MUST_USE;

/*
 * Maps the regular file `location` beneath the folder that holds model_path. Names that are
 * absolute, have a component "..", or lead outside through a link are refused with ONR_ERR_MODEL;
 * what cannot be opened with ONR_ERR_IO. A link is followed only to a target in the folder where
 * the model file itself really lies.
 */
enum onr_status onr_file_map_beside(const char *model_path, const char *location,
                                    struct onr_file *file, struct onr_error *err) ONR_MUST_USE;

void onr_file_unmap(struct onr_file *file);

/* Tells the system that the mapped bytes are not needed soon; they stay readable. */
void onr_file_drop(const uint8_t *data, size_t size);

/*
 * Asks for large pages behind a block that will be filled soon, which makes its first touch
 * cheaper.
 */
void onr_os_prefer_large_pages(void *block, size_t bytes);

/* Monotonic time in seconds. */
double onr_os_seconds(void);

long onr_os_process_id(void);

/* Lets another thread run. */
void onr_os_yield(void);

/* A value that differs from process to process, to key hash tables with. */
uint64_t onr_os_random_key(void);

/*
 * OMP_NUM_THREADS when it is a number, else the processors of the affinity mask within the cgroup's
 * quota.
 */
unsigned onr_os_default_threads(void);

struct onr_os_thread {
    uintptr_t handle;
};

/*
 * Starts a thread that calls fn(arg). Signals for the process are not delivered to it. False when
 * the system refuses.
 */
bool onr_os_thread_start(struct onr_os_thread *thread, void *(*fn)(void *arg), void *arg);

/* Waits until the thread has ended. */
void onr_os_thread_join(struct onr_os_thread *thread);

/* Sleeps until onr_os_wake, unless *word differs from value already; may also return for nothing. */
void onr_os_sleep_while(_Atomic uint32_t *word, uint32_t value);

/* Wakes at most count threads that sleep on the word. */
void onr_os_wake(_Atomic uint32_t *word, unsigned count);

/* The environment variable, or NULL. */
const char *onr_os_environment(const char *name);

#endif
