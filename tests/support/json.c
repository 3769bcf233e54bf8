/* SPDX-License-Identifier: Apache-2.0 */
#include "support/json.h"

#include "base/text.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define MAX_DEPTH 128

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\n\r");
}

/* Each function returns the end of what it reads, or NULL. */
static const char *read_value(const char *p, int depth);

static const char *read_escape(const char *p)
{
    if (*p != 'u') {
        return *p != '\0' && strchr("\"\\/bfnrt", *p) != NULL ? p + 1 : NULL;
    }
    for (int i = 1; i <= 4; i++) {
        if (!isxdigit((unsigned char)p[i])) {
            return NULL;
        }
    }
    return p + 5;
}

static const char *read_string(const char *p)
{
    if (*p++ != '"') {
        return NULL;
    }
    while (p != NULL && *p != '"') {
        /* the end of the string ends a sequence, too */
        size_t length = onr_utf8_length((const uint8_t *)p, 4);
        if (length == 0 || (unsigned char)*p < 0x20) {
            return NULL;
        }
        p = *p == '\\' ? read_escape(p + 1) : p + length;
    }
    return p != NULL ? p + 1 : NULL;
}

static const char *read_digits(const char *p)
{
    size_t length = strspn(p, "0123456789");
    return length > 0 ? p + length : NULL;
}

static const char *read_number(const char *p)
{
    p += *p == '-';
    const char *end = *p == '0' ? p + 1 : read_digits(p);
    if (end != NULL && *end == '.') {
        end = read_digits(end + 1);
    }
    if (end != NULL && (*end == 'e' || *end == 'E')) {
        end++;
        end += *end == '-' || *end == '+';
        end = read_digits(end);
    }
    return end;
}

/* An object (with keys) or an array, whose first character p points to. */
static const char *read_members(const char *p, char close, int depth)
{
    p = skip_space(p + 1);
    if (*p == close) {
        return p + 1;
    }
    while (depth < MAX_DEPTH) {
        if (close == '}') {
            p = read_string(skip_space(p));
            if (p == NULL || *(p = skip_space(p)) != ':') {
                return NULL;
            }
            p++;
        }
        p = read_value(p, depth + 1);
        if (p == NULL) {
            return NULL;
        }
        p = skip_space(p);
        if (*p != ',') {
            return *p == close ? p + 1 : NULL;
        }
        p++;
    }
    return NULL;
}

static const char *read_value(const char *p, int depth)
{
    static const char *const words[] = {"true", "false", "null"};
    p = skip_space(p);
    for (size_t i = 0; i < 3; i++) {
        if (strncmp(p, words[i], strlen(words[i])) == 0) {
            return p + strlen(words[i]);
        }
    }
    switch (*p) {
    case '{':
        return read_members(p, '}', depth);
    case '[':
        return read_members(p, ']', depth);
    case '"':
        return read_string(p);
    default:
        return read_number(p);
    }
}

bool json_is_valid(const char *text)
{
    const char *end = read_value(text, 0);
    return end != NULL && *skip_space(end) == '\0';
}
