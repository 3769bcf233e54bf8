/* SPDX-License-Identifier: Apache-2.0 */
/* Names from files, escaped. */
#include "common/escape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Decodes the UTF-8 character at bytes; its length (1 to 4), or 0 when it is none. */
static size_t decode(const unsigned char *bytes, size_t available, uint32_t *code)
{
    static const uint32_t lowest[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = bytes[0];
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > available) {
        return 0;
    }
    *code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (bytes[i] & 0x3f);
    }
    bool is_surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code >= lowest[length] && *code <= 0x10ffff && !is_surrogate ? length : 0;
}

/* Control characters, and those that change the direction of what follows. */
static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void escape_print(FILE *out, const char *bytes, size_t length)
{
    const unsigned char *p = (const unsigned char *)bytes;
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t step = decode(p + i, length - i, &code);
        if (step > 0 && !is_unsafe(code)) {
            (void)fwrite(p + i, 1, step, out);
            i += step;
            continue;
        }
        for (size_t end = i + (step > 0 ? step : 1); i < end; i++) {
            fprintf(out, "\\x%02x", p[i]);
        }
    }
}

void escape_name(FILE *out, const char *name)
{
    escape_print(out, name, strlen(name));
}

void escape_json(FILE *out, const char *bytes, size_t length)
{
    const unsigned char *p = (const unsigned char *)bytes;
    fputc('"', out);
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t step = decode(p + i, length - i, &code);
        if (step == 0) {
            fputs("\\ufffd", out);
        } else if (code == '"' || code == '\\') {
            fprintf(out, "\\%c", (char)code);
        } else if (code < 0x10000 && is_unsafe(code)) {
            fprintf(out, "\\u%04x", (unsigned)code);
        } else {
            (void)fwrite(p + i, 1, step, out);
        }
        i += step > 0 ? step : 1;
    }
    fputc('"', out);
}

bool escape_has_colors(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(out)) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}
