/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of nodes by module, those that are alike in modules that differ in a number as one. */
#ifndef ONNXRUN_TOOLS_DIFF_GROUPS_H
#define ONNXRUN_TOOLS_DIFF_GROUPS_H

#include "onnxdump/diff.h"

struct diff_group {
    const char *module;
    const char *last; /* module, of those alike */
    size_t count;     /* modules */
    size_t first;     /* change */
    char *lines;      /* what changed, ready to be printed */
};

struct diff_groups {
    struct diff_group *items; /* [count] in the order of their first changes */
    size_t count;
};

/* The modules' names are borrowed from the changes. */
struct diff_groups diff_groups_make(const struct diff_changes *changes);
void diff_groups_free(struct diff_groups *groups);

void diff_group_print(FILE *out, const struct diff_group *group);

#endif
