/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that name one of a few ways. */
#include "ops/image/choice.h"

#include <string.h>

#define LIST_BYTES 256

enum onr_status onr_choice(const struct onr_node *node, const char *attr, const char *const *names,
                           int *chosen, struct onr_error *err)
{
    struct onr_string text = onr_attr_string(node, attr, names[0]);
    char list[LIST_BYTES] = "";
    size_t used = 0;
    for (int i = 0; names[i] != NULL; i++) {
        if (onr_string_is(text, names[i])) {
            *chosen = i;
            return ONR_OK;
        }
        size_t length = strlen(names[i]);
        if (used + length + 3 < LIST_BYTES) {
            memcpy(list + used, i > 0 ? ", " : "", i > 0 ? 2 : 0);
            used += i > 0 ? 2 : 0;
            memcpy(list + used, names[i], length);
            used += length;
        }
    }
    return onr_fail(err, ONR_ERR_MODEL, "attribute %s is \"%.*s\", expected %s", attr,
                    (int)(text.length < 32 ? text.length : 32), text.data, list);
}
