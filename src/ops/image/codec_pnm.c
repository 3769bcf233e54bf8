/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Portable bitmaps, graymaps and pixmaps, P1 to P6: numbers as text or bytes, scaled from their
 * largest value to 255.
 */
#include "ops/image/codec.h"

struct source {
    const uint8_t *data;
    size_t size, at;
};

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void skip_space(struct source *source)
{
    bool is_comment = false;
    for (; source->at < source->size; source->at++) {
        uint8_t byte = source->data[source->at];
        is_comment = is_comment ? byte != '\n' && byte != '\r' : byte == '#';
        if (!is_comment && !is_space(byte)) {
            return;
        }
    }
}

/* A number in digits (at most so many), after white space and comments. */
static bool read_number(struct source *source, int digits, uint32_t *number)
{
    int count = 0;
    *number = 0;
    skip_space(source);
    while (source->at < source->size && count < digits && source->data[source->at] >= '0' &&
           source->data[source->at] <= '9') {
        *number = *number * 10 + (uint32_t)(source->data[source->at++] - '0');
        count++;
    }
    return count > 0;
}

/* How numbers are stored: '1' to '6' of the first line. */
struct form {
    bool is_text, is_bitmap;
    size_t colours; /* of a pixel: 1 or 3 */
    uint32_t largest;
    size_t width, height;
};

static bool read_header(struct source *source, struct form *form)
{
    uint32_t width = 0;
    uint32_t height = 0;
    unsigned kind = source->size > 2 ? source->data[1] - (unsigned)'0' : 0;
    source->at = 2;
    form->is_text = kind <= 3;
    form->is_bitmap = kind == 1 || kind == 4;
    form->colours = kind == 3 || kind == 6 ? 3 : 1;
    form->largest = 1;
    if (kind < 1 || kind > 6 || !read_number(source, 9, &width) ||
        !read_number(source, 9, &height) ||
        (!form->is_bitmap && !read_number(source, 5, &form->largest))) {
        return false;
    }
    source->at += form->is_text ? 0 : 1; /* one white space before bytes */
    form->width = width;
    form->height = height;
    return form->largest >= 1 && form->largest <= UINT16_MAX;
}

/* Number x of a row, from 0 to form->largest. */
static bool read_value(struct source *source, const struct form *form, size_t x, uint32_t *value)
{
    if (form->is_text) {
        return read_number(source, form->is_bitmap ? 1 : 5, value);
    }
    size_t bytes = form->is_bitmap       ? (x % 8 == 7 || x + 1 == form->width)
                   : form->largest > 255 ? 2
                                         : 1;
    if (source->at >= source->size || bytes > source->size - source->at) {
        return false;
    }
    *value = source->data[source->at];
    if (form->is_bitmap) {
        *value = *value >> (7 - x % 8) & 1;
    } else if (bytes == 2) {
        *value = *value << 8 | source->data[source->at + 1];
    }
    source->at += bytes;
    return true;
}

bool onr_decode_pnm(const struct onr_picture *picture)
{
    struct source source = {picture->data, picture->size, 0};
    struct form form;
    if (!read_header(&source, &form)) {
        return false;
    }
    uint8_t *rgb = picture->room(picture->arg, form.height, form.width);
    size_t row_values = form.width * form.colours;
    for (size_t i = 0; rgb != NULL && i < form.height * row_values; i++) {
        uint32_t value = 0;
        if (!read_value(&source, &form, i % row_values, &value) || value > form.largest) {
            return false;
        }
        value = form.is_bitmap ? 1 - value : value; /* 1 is black */
        uint8_t byte = (uint8_t)((value * 255 + form.largest / 2) / form.largest);
        for (size_t k = 0; k < 3 / form.colours; k++) {
            rgb[i * (3 / form.colours) + k] = byte;
        }
    }
    return rgb != NULL;
}
