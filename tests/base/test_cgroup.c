/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/cgroup.h"
#include "support/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[] = "/tmp/onnxrun_cgroup_XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s%s", root, name);
    return path;
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* A folder below root with what a process sees of its cgroups. */
static void write_cgroup(const char *folder, const char *name, const char *text)
{
    char path[128];
    char *slash = path;
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(length > 0 && (size_t)length < sizeof path);
    while ((slash = strchr(slash, '/')) != NULL) {
        *slash = '\0';
        (void)mkdir(path_of(path), 0700);
        *slash++ = '/';
    }
    FILE *stream = fopen(path_of(path), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, strlen(text), stream), strlen(text));
    assert_int_equal(fclose(stream), 0);
}

static unsigned cgroup_threads(const char *process)
{
    write_cgroup("/proc/self", "cgroup", process);
    return onr_cgroup_threads(root);
}

static void the_least_quota_of_the_cgroups_counts(void **state)
{
    (void)state;
    assert_int_equal(onr_cgroup_threads(path_of("none")), 0);
    assert_int_equal(cgroup_threads("0::/a/b\n"), 0);
    write_cgroup("/sys/fs/cgroup/a", "cpu.max", "350000 100000\n");
    assert_int_equal(cgroup_threads("0::/a/b\n"), 4);
    write_cgroup("/sys/fs/cgroup/a/b", "cpu.max", "max 100000\n");
    assert_int_equal(cgroup_threads("0::/a/b\n"), 4);
    write_cgroup("/sys/fs/cgroup/a/b", "cpu.max", "50000 100000\n");
    assert_int_equal(cgroup_threads("0::/a/b\n"), 1);
    assert_int_equal(cgroup_threads("0::/a\n"), 4);
    assert_int_equal(cgroup_threads("0::/\n"), 0);
    write_cgroup("/sys/fs/cgroup", "cpu.max", "200000 100000\n"); /* of a container */
    assert_int_equal(cgroup_threads("0::/\n"), 2);
    assert_int_equal(cgroup_threads("0::/not/here\n"), 2);
    assert_int_equal(cgroup_threads("nonsense\n"), 0);
    /* The first version: one hierarchy for each controller. */
    write_cgroup("/sys/fs/cgroup/cpu/j", "cpu.cfs_quota_us", "-1\n");
    write_cgroup("/sys/fs/cgroup/cpu/j", "cpu.cfs_period_us", "100000\n");
    assert_int_equal(cgroup_threads("4:memory:/j\n3:cpu,cpuacct:/j\n"), 0);
    write_cgroup("/sys/fs/cgroup/cpu/j", "cpu.cfs_quota_us", "250000\n");
    assert_int_equal(cgroup_threads("4:memory:/j\n3:cpu,cpuacct:/j\n"), 3);
    assert_int_equal(cgroup_threads("3:cpuset:/j\n"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_quota_of_the_cgroups_counts),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
