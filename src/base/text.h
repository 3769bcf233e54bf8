/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text buffer in which each stage prints itself. Running out of memory is remembered, not
 * reported at each call. */
#ifndef ONR_BASE_TEXT_H
#define ONR_BASE_TEXT_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct onr_text {
    struct onr_mem *mem;
    char *data; /* terminated; NULL while empty */
    size_t length;
    size_t capacity;
    bool has_failed; /* memory ran out; what follows was dropped */
};

void onr_text_init(struct onr_text *text, struct onr_mem *mem);
void onr_text_free(struct onr_text *text);

/* printf at the end. */
void onr_text_add(struct onr_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A name from a file; control characters (C0, DEL, C1), those that reorder text, and bytes that are
 * no UTF-8 as \xNN. */
void onr_text_add_name(struct onr_text *text, const char *name);

/* Length (1 to 4) of the UTF-8 sequence at bytes [available], available > 0; 0 when there is none.
 */
size_t onr_utf8_length(const uint8_t *bytes, size_t available);

/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void onr_text_add_json(struct onr_text *text, const char *bytes, size_t length);

/* The same of a terminated string; null for NULL. */
void onr_text_add_json_string(struct onr_text *text, const char *string);

#endif
