/* SPDX-License-Identifier: Apache-2.0 */
/* The POSIX side of os.h: the only file of the library with system headers. */
#define _GNU_SOURCE
#include "base/cgroup.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Maps an open descriptor and closes it; label names the file in messages. */
static enum onr_status map_descriptor(int descriptor, const char *label, struct onr_file *file,
                                      struct onr_error *err)
{
    struct stat info;
    *file = (struct onr_file){0};
    enum onr_status status = ONR_OK;
    if (fstat(descriptor, &info) != 0) {
        status = onr_fail(err, ONR_ERR_IO, "%s: %s", label, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        status = onr_fail(err, ONR_ERR_IO, "%s: not a regular file", label);
    } else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED) {
            status = onr_fail(err, ONR_ERR_IO, "%s: cannot map: %s", label, strerror(errno));
        } else {
            *file = (struct onr_file){.data = data, .size = (size_t)info.st_size};
        }
    }
    (void)close(descriptor);
    return status;
}

enum onr_status onr_file_map(const char *path, struct onr_file *file, struct onr_error *err)
{
    *file = (struct onr_file){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return onr_fail(err, ONR_ERR_IO, "%s: %s", path, strerror(errno));
    }
    return map_descriptor(descriptor, path, file, err);
}

/* ---- files beside the model ---- */

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

/* True for a relative name that does not climb: checked for both kinds of separators, as models
 * come from both kinds of systems. */
static bool is_location_inside(const char *location)
{
    if (is_separator(location[0]) || strstr(location, "://") != NULL ||
        (location[0] != '\0' && location[1] == ':')) {
        return false;
    }
    for (const char *part = location;; part++) {
        size_t length = strcspn(part, "/\\");
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            return false;
        }
        part += length;
        if (*part == '\0') {
            return true;
        }
    }
}

/* The folder part of path, "." when it has none; false when it does not fit. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= PATH_MAX) {
        return false;
    }
    memcpy(folder, slash == NULL ? "." : path, length);
    folder[length] = '\0';
    return true;
}

/* Opens name beneath folder, following no link in any component; -1 with errno when that fails. */
static int open_beneath(const char *folder, const char *name)
{
    int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (parent >= 0) {
        name += strspn(name, "/");
        size_t length = strcspn(name, "/");
        bool is_last = name[length + strspn(name + length, "/")] == '\0';
        char part[NAME_MAX + 1];
        if (length > NAME_MAX) {
            (void)close(parent);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, name, length);
        part[length] = '\0';
        int flags = is_last ? O_NONBLOCK | O_NOCTTY : O_DIRECTORY;
        int child = openat(parent, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
        int saved = errno;
        (void)close(parent);
        errno = saved;
        if (is_last) {
            return child;
        }
        parent = child;
        name += length;
    }
    return -1;
}

/*
 * Opens a location that leads through links, when its target lies beneath the model's folder, or in
 * the very folder where the model file itself lies after its own links: the cache of Hugging Face
 * keeps all files as links into one folder. The target is opened without following links, so a link
 * that is changed meanwhile cannot lead outside. -1 with errno; EXDEV when the target lies outside.
 */
static int open_linked(const char *model_path, const char *folder, const char *location)
{
    char path[PATH_MAX];
    char target[PATH_MAX];
    char home[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, location);
    if (length < 0 || length >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (realpath(path, target) == NULL || realpath(folder, home) == NULL) {
        return -1;
    }
    size_t home_length = strcmp(home, "/") == 0 ? 0 : strlen(home);
    if (strncmp(target, home, home_length) == 0 && target[home_length] == '/') {
        return open_beneath(home, target + home_length + 1);
    }
    const char *slash = strrchr(target, '/');
    size_t folder_length = (size_t)(slash - target);
    if (realpath(model_path, path) == NULL || !folder_of(path, home) ||
        folder_length != strlen(home) || strncmp(target, home, folder_length) != 0) {
        errno = EXDEV;
        return -1;
    }
    return open_beneath(home, slash + 1);
}

enum onr_status onr_file_map_beside(const char *model_path, const char *location,
                                    struct onr_file *file, struct onr_error *err)
{
    *file = (struct onr_file){0};
    char folder[PATH_MAX];
    if (!is_location_inside(location)) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "external file \"%.128s\" is outside the model's folder", location);
    }
    if (location[strspn(location, "./")] == '\0') {
        return onr_fail(err, ONR_ERR_MODEL, "external file \"%.128s\" is no file name", location);
    }
    int descriptor = -1;
    errno = ENAMETOOLONG;
    if (folder_of(model_path, folder)) {
        descriptor = open_beneath(folder, location);
        /* A link gives ELOOP as the last component and ENOTDIR (ELOOP on some systems) before it.
         */
        if (descriptor < 0 && (errno == ELOOP || errno == ENOTDIR || errno == EMLINK)) {
            descriptor = open_linked(model_path, folder, location);
        }
    }
    if (descriptor < 0 && errno == EXDEV) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "external file \"%.128s\" is a link to outside the model's folder",
                        location);
    }
    if (descriptor < 0) {
        return onr_fail(err, ONR_ERR_IO, "external file \"%.128s\": %s", location, strerror(errno));
    }
    return map_descriptor(descriptor, location, file, err);
}

void onr_file_unmap(struct onr_file *file)
{
    if (file->data != NULL) {
        (void)munmap((void *)(uintptr_t)file->data, file->size);
    }
    *file = (struct onr_file){0};
}

/* Gives advice about the whole pages within [data, data + size). */
static void advise_pages(uintptr_t data, size_t size, int advice)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (data + page - 1) & ~(page - 1);
    uintptr_t end = (data + size) & ~(page - 1);
    if (begin < end) {
        (void)madvise((void *)begin, end - begin, advice);
    }
}

void onr_file_drop(const uint8_t *data, size_t size)
{
    advise_pages((uintptr_t)data, size, MADV_DONTNEED);
}

void onr_os_prefer_large_pages(void *block, size_t bytes)
{
    advise_pages((uintptr_t)block, bytes, MADV_HUGEPAGE);
}

double onr_os_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

long onr_os_process_id(void)
{
    return (long)getpid();
}

void onr_os_yield(void)
{
    (void)sched_yield();
}

uint64_t onr_os_random_key(void)
{
    uint64_t key = 0;
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key) {
        struct timespec now;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        key = ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid();
    }
    return key;
}

unsigned onr_os_default_threads(void)
{
    const char *wanted = getenv("OMP_NUM_THREADS");
    if (wanted != NULL) {
        char *end = NULL;
        unsigned long count = strtoul(wanted, &end, 10);
        if (end != wanted && count > 0 && count < UINT16_MAX) {
            return (unsigned)count;
        }
    }
    cpu_set_t mask;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned processors = online > 0 && online < UINT16_MAX ? (unsigned)online : 1;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) { /* fails beyond 1024 processors */
        processors = (unsigned)CPU_COUNT(&mask);
    }
    unsigned quota = onr_cgroup_threads("");
    return quota != 0 && quota < processors ? quota : processors;
}

const char *onr_os_environment(const char *name)
{
    return getenv(name);
}

/* ---- threads ---- */

bool onr_os_thread_start(struct onr_os_thread *thread, void *(*fn)(void *arg), void *arg)
{
    static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t blocked;
    sigset_t before;
    pthread_t made;
    (void)sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own_faults / sizeof own_faults[0]; i++) {
        (void)sigdelset(&blocked, own_faults[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    bool is_started = pthread_create(&made, NULL, fn, arg) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started) {
        thread->handle = (uintptr_t)made;
    }
    return is_started;
}

void onr_os_thread_join(struct onr_os_thread *thread)
{
    (void)pthread_join((pthread_t)thread->handle, NULL);
}

void onr_os_sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void onr_os_wake(_Atomic uint32_t *word, unsigned count)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
