/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status texts and the fixed-size error message; names from files are escaped here and nowhere
 * else.
 */
#include "base/error.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *onr_status_text(enum onr_status status)
{
    switch (status) {
#define ONR_STATUS_CASE(name, number, text)                                                        \
    case ONR_ERR_##name:                                                                           \
        return text;
        ONR_STATUS_LIST(ONR_STATUS_CASE)
#undef ONR_STATUS_CASE
    }
    return "unknown status";
}

void onr_error_clear(struct onr_error *err)
{
    err->status = ONR_OK;
    err->message[0] = '\0';
}

/* printf into raw; a UTF-8 sequence at the cut is dropped whole. */
static void __attribute__((format(printf, 2, 0)))
format_raw(char raw[ONR_MESSAGE_BYTES], const char *format, va_list args)
{
    if (vsnprintf(raw, ONR_MESSAGE_BYTES, format, args) < ONR_MESSAGE_BYTES) {
        return;
    }
    size_t end = ONR_MESSAGE_BYTES - 1;
    for (int i = 0; i < 3 && ((unsigned char)raw[end - 1] & 0xc0) == 0x80; i++) {
        end--;
    }
    end -= ((unsigned char)raw[end - 1] & 0xc0) == 0xc0;
    raw[end] = '\0';
}

/* Appends text to dst (capacity bytes, *used filled), control bytes and what is no UTF-8 as \xNN;
 * stops when it is full. */
static void append_escaped(char *dst, size_t capacity, size_t *used, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t left = strlen(text);
    while (left > 0) {
        unsigned char c = (unsigned char)*text;
        size_t length = onr_utf8_length((const uint8_t *)text, left);
        bool is_plain = length > 0 && c >= 0x20 && c != 0x7f;
        if (*used + (is_plain ? length : 4) >= capacity) {
            break;
        }
        if (is_plain) {
            memcpy(dst + *used, text, length);
        } else {
            const char escape[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
            memcpy(dst + *used, escape, sizeof escape);
        }
        *used += is_plain ? length : 4;
        text += is_plain ? length : 1;
        left -= is_plain ? length : 1;
    }
    dst[*used] = '\0';
}

enum onr_status onr_fail(struct onr_error *err, enum onr_status status, const char *format, ...)
{
    char raw[ONR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    format_raw(raw, format, args);
    va_end(args);
    size_t used = 0;
    err->status = status;
    append_escaped(err->message, sizeof err->message, &used, raw);
    return status;
}

enum onr_status onr_fail_memory(struct onr_error *err, const char *what)
{
    return onr_fail(err, ONR_ERR_MEMORY, "out of memory: %s", what);
}

void onr_error_prefix(struct onr_error *err, const char *format, ...)
{
    char raw[ONR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    format_raw(raw, format, args);
    va_end(args);
    char old[ONR_MESSAGE_BYTES];
    memcpy(old, err->message, sizeof old);
    size_t used = 0;
    append_escaped(err->message, sizeof err->message, &used, raw);
    append_escaped(err->message, sizeof err->message, &used, old);
}
