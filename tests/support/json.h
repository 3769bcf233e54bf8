/* SPDX-License-Identifier: Apache-2.0 */
/* A validator for JSON texts (RFC 8259), UTF-8 included. */
#ifndef ONR_TESTS_SUPPORT_JSON_H
#define ONR_TESTS_SUPPORT_JSON_H

#include <stdbool.h>

/* True when text is one JSON value and nothing else but white space. Depth up to 128. */
bool json_is_valid(const char *text);

#endif
