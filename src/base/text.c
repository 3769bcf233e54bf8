/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text buffer. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void onr_text_init(struct onr_text *text, struct onr_mem *mem)
{
    *text = (struct onr_text){.mem = mem};
}

void onr_text_free(struct onr_text *text)
{
    onr_mem_free(text->mem, text->data, text->capacity);
    onr_text_init(text, text->mem);
}

/* Room for extra more bytes and the terminator. */
static bool reserve(struct onr_text *text, size_t extra)
{
    if (text->has_failed) {
        return false;
    }
    size_t need = text->length + extra + 1;
    if (need <= text->capacity) {
        return true;
    }
    size_t capacity = text->capacity * 2 > need ? text->capacity * 2 : need + 256;
    char *data = onr_mem_alloc(text->mem, capacity);
    if (data == NULL) {
        text->has_failed = true;
        return false;
    }
    if (text->length > 0) {
        memcpy(data, text->data, text->length);
    }
    data[text->length] = '\0';
    onr_mem_free(text->mem, text->data, text->capacity);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void onr_text_add(struct onr_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0 && reserve(text, (size_t)length)) {
        (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

size_t onr_utf8_length(const uint8_t *bytes, size_t available)
{
    static const unsigned lowest[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned first = bytes[0];
    size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || length > available) {
        return 0;
    }
    unsigned code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (bytes[i] & 0x3f);
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return code >= lowest[length] && code <= 0x10ffff && !is_surrogate ? length : 0;
}

/* The character of a valid sequence of length bytes. */
static unsigned utf8_character(const unsigned char *bytes, size_t length)
{
    unsigned character = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        character = character << 6 | (bytes[i] & 0x3f);
    }
    return character;
}

/* Control characters, and those that change the direction of what follows on a terminal. */
static bool is_unsafe(unsigned character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
           (character >= 0x200e && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

void onr_text_add_name(struct onr_text *text, const char *name)
{
    const unsigned char *p = (const unsigned char *)name;
    size_t length = strlen(name);
    for (size_t i = 0; i < length;) {
        size_t step = onr_utf8_length(p + i, length - i);
        if (step > 0 && !is_unsafe(utf8_character(p + i, step))) {
            onr_text_add(text, "%.*s", (int)step, name + i);
            i += step;
            continue;
        }
        for (size_t end = i + (step > 0 ? step : 1); i < end; i++) {
            onr_text_add(text, "\\x%02x", p[i]);
        }
    }
}

void onr_text_add_json(struct onr_text *text, const char *bytes, size_t length)
{
    const unsigned char *p = (const unsigned char *)bytes;
    onr_text_add(text, "\"");
    for (size_t i = 0; i < length;) {
        size_t step = onr_utf8_length(p + i, length - i);
        if (step == 0) {
            onr_text_add(text, "\\ufffd");
            step = 1;
        } else if (p[i] == '"' || p[i] == '\\') {
            onr_text_add(text, "\\%c", p[i]);
        } else if (is_unsafe(utf8_character(p + i, step))) {
            onr_text_add(text, "\\u%04x", utf8_character(p + i, step));
        } else {
            onr_text_add(text, "%.*s", (int)step, bytes + i);
        }
        i += step;
    }
    onr_text_add(text, "\"");
}

void onr_text_add_json_string(struct onr_text *text, const char *string)
{
    if (string == NULL) {
        onr_text_add(text, "null");
        return;
    }
    onr_text_add_json(text, string, strlen(string));
}
