/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads quotas of both versions of control groups: cpu.max of the unified hierarchy, cpu.cfs_* of
 * the controller's own. In a container the group's name may be one of the host, of which no folder
 * is to be seen; then the mounted root is the container's group.
 */
#define _POSIX_C_SOURCE 200809L
#include "base/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of folder/name of the file system below root; empty when there is none. */
static void read_line(const char *folder, const char *name, char *line, int line_bytes)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = length > 0 && length < PATH_MAX ? fopen(path, "re") : NULL;
    line[0] = '\0';
    if (stream != NULL) {
        if (fgets(line, line_bytes, stream) == NULL) {
            line[0] = '\0';
        }
        (void)fclose(stream);
    }
}

/* Processors that the quota in this folder of a cgroup file system allows, or UINT_MAX. */
static unsigned quota_threads(const char *folder, bool is_unified)
{
    char line[128];
    char *end = line;
    read_line(folder, is_unified ? "cpu.max" : "cpu.cfs_quota_us", line, sizeof line);
    long quota = strtol(line, &end, 10); /* "max" and -1 say that there is none */
    if (!is_unified) {
        read_line(folder, "cpu.cfs_period_us", line, sizeof line);
        end = line;
    }
    long period = strtol(end, NULL, 10);
    if (quota <= 0 || period <= 0) {
        return UINT_MAX;
    }
    long threads = quota / period + (quota % period != 0);
    return threads < UINT16_MAX ? (unsigned)threads : UINT16_MAX;
}

/* The least quota of the folder below mount and of all those above it. */
static unsigned least_quota(const char *mount, const char *folder, bool is_unified)
{
    char path[PATH_MAX];
    unsigned least = UINT_MAX;
    int length = snprintf(path, sizeof path, "%s%s", mount, folder);
    if (length < 0 || length >= PATH_MAX) {
        return least;
    }
    for (size_t end = (size_t)length; end >= strlen(mount); end--) {
        if (end == (size_t)length || path[end] == '/') {
            path[end] = '\0';
            unsigned threads = quota_threads(path, is_unified);
            least = threads < least ? threads : least;
        }
    }
    return least;
}

/* True when the list of names, separated by commas, has "cpu". */
static bool has_cpu(const char *names)
{
    for (const char *name = names;; name++) {
        size_t length = strcspn(name, ",");
        if (length == 3 && memcmp(name, "cpu", 3) == 0) {
            return true;
        }
        name += length;
        if (*name == '\0') {
            return false;
        }
    }
}

unsigned onr_cgroup_threads(const char *root)
{
    char path[PATH_MAX];
    char line[PATH_MAX];
    unsigned least = UINT_MAX;
    int length = snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *stream = length > 0 && length < PATH_MAX ? fopen(path, "re") : NULL;
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        /* number:controllers:folder, without controllers in the unified hierarchy */
        char *names = strchr(line, ':');
        char *folder = names != NULL ? strchr(names + 1, ':') : NULL;
        if (folder == NULL) {
            continue;
        }
        *folder++ = '\0';
        folder[strcspn(folder, "\n")] = '\0';
        bool is_unified = names[1] == '\0';
        if (is_unified || has_cpu(names + 1)) {
            (void)snprintf(path, sizeof path, "%s/sys/fs/cgroup%s", root, is_unified ? "" : "/cpu");
            unsigned threads = least_quota(path, folder, is_unified);
            least = threads < least ? threads : least;
        }
    }
    if (stream != NULL) {
        (void)fclose(stream);
    }
    return least != UINT_MAX ? least : 0;
}
