/* SPDX-License-Identifier: Apache-2.0 */
/* How many processors the control groups of Linux leave to this process. */
#ifndef ONR_BASE_CGROUP_H
#define ONR_BASE_CGROUP_H

/*
 * What the quotas of the process's own group and of those above it allow, rounded up; 0 when there
 * is no quota. root is put before the paths /proc and /sys: "" but in tests.
 */
unsigned onr_cgroup_threads(const char *root);

#endif
