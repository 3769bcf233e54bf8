/* SPDX-License-Identifier: Apache-2.0 */
/* Reading attributes of a node whose attributes were checked against its row. */
#include "graph/op_def.h"

#include <string.h>

/* The attribute when it is there and of this kind. */
static const struct onr_attr *find_attr(const struct onr_node *node, const char *name,
                                        enum onr_attr_kind kind)
{
    const struct onr_attr *attr = onr_node_attr(node, name);
    return attr != NULL && attr->kind == kind ? attr : NULL;
}

int64_t onr_attr_int(const struct onr_node *node, const char *name, int64_t fallback)
{
    const struct onr_attr *attr = find_attr(node, name, ONR_ATTR_INT);
    return attr != NULL ? attr->as.i : fallback;
}

float onr_attr_float(const struct onr_node *node, const char *name, float fallback)
{
    const struct onr_attr *attr = find_attr(node, name, ONR_ATTR_FLOAT);
    return attr != NULL ? attr->as.f : fallback;
}

struct onr_string onr_attr_string(const struct onr_node *node, const char *name,
                                  const char *fallback)
{
    const struct onr_attr *attr = find_attr(node, name, ONR_ATTR_STRING);
    if (attr != NULL) {
        return attr->as.s;
    }
    return (struct onr_string){.data = fallback, .length = strlen(fallback)};
}

bool onr_string_is(struct onr_string string, const char *text)
{
    size_t length = strlen(text);
    return string.length == length && (length == 0 || memcmp(string.data, text, length) == 0);
}

const int64_t *onr_attr_ints(const struct onr_node *node, const char *name, size_t *count)
{
    const struct onr_attr *attr = find_attr(node, name, ONR_ATTR_INTS);
    *count = attr != NULL ? attr->count : 0;
    return attr != NULL ? attr->as.ints : NULL;
}

const float *onr_attr_floats(const struct onr_node *node, const char *name, size_t *count)
{
    const struct onr_attr *attr = find_attr(node, name, ONR_ATTR_FLOATS);
    *count = attr != NULL ? attr->count : 0;
    return attr != NULL ? attr->as.floats : NULL;
}

const struct onr_string *onr_attr_strings(const struct onr_node *node, const char *name,
                                          size_t *count)
{
    const struct onr_attr *attr = find_attr(node, name, ONR_ATTR_STRINGS);
    *count = attr != NULL ? attr->count : 0;
    return attr != NULL ? attr->as.strings : NULL;
}
