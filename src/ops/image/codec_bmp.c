/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BMP with a header of 40 bytes or more: palettes of 1, 4 and 8 bits, and 16, 24 and 32 bits, all
 * without compression. Transparency is left out.
 */
#include "ops/image/codec.h"

#define HEADER_BYTES 54 /* of the file, and the least of the image */
#define BITFIELDS    3  /* masks of the colours follow */

struct bitmap {
    size_t width, height, stride;
    bool is_top_down;
    unsigned bits;          /* of a pixel */
    uint32_t mask[3];       /* red, green, blue */
    const uint8_t *colours; /* [colour_count] of 4 bytes: blue, green, red, unused */
    size_t colour_count;
    const uint8_t *pixels;
};

static uint32_t read_u16(const uint8_t *data)
{
    return (uint32_t)data[0] | (uint32_t)data[1] << 8;
}

static uint32_t read_u32(const uint8_t *data)
{
    return read_u16(data) | read_u16(data + 2) << 16;
}

/* Reads how colours are stored; the image header has header_bytes. */
static bool read_colours(const struct onr_picture *picture, size_t header_bytes,
                         struct bitmap *bitmap)
{
    const uint8_t *data = picture->data;
    uint32_t compression = read_u32(data + 30);
    uint32_t used = read_u32(data + 46);
    size_t at = 14 + header_bytes;
    unsigned bits = bitmap->bits;
    if (bits <= 8) {
        bitmap->colour_count = used > 0 && used < 1u << bits ? used : (size_t)1 << bits;
        if (at > picture->size || bitmap->colour_count > (picture->size - at) / 4) {
            return false;
        }
        bitmap->colours = data + at;
        return compression == 0;
    }
    for (size_t i = 0; i < 3; i++) {
        unsigned width = bits == 16 ? 5 : 8;
        bitmap->mask[i] = ((1u << width) - 1) << width * (2 - i);
        if (compression == BITFIELDS) {
            if (picture->size < HEADER_BYTES + 12) {
                return false;
            }
            bitmap->mask[i] = read_u32(data + HEADER_BYTES + 4 * i);
        }
    }
    return compression == 0 || (compression == BITFIELDS && bits != 24);
}

static bool read_header(const struct onr_picture *picture, struct bitmap *bitmap)
{
    const uint8_t *data = picture->data;
    if (picture->size < HEADER_BYTES) {
        return false;
    }
    size_t pixels_at = read_u32(data + 10);
    size_t header_bytes = read_u32(data + 14);
    int64_t width = (int32_t)read_u32(data + 18);
    int64_t height = (int32_t)read_u32(data + 22);
    bitmap->is_top_down = height < 0;
    bitmap->width = width > 0 ? (size_t)width : 0;
    bitmap->height = (size_t)(height < 0 ? -height : height);
    bitmap->bits = read_u16(data + 28);
    unsigned bits = bitmap->bits;
    if (header_bytes < 40 ||
        (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)) {
        return false;
    }
    bitmap->stride = (bitmap->width * bits + 31) / 32 * 4;
    if (bitmap->width == 0 || bitmap->height == 0 || pixels_at > picture->size ||
        bitmap->height > (picture->size - pixels_at) / bitmap->stride) {
        return false;
    }
    bitmap->pixels = data + pixels_at;
    return read_colours(picture, header_bytes, bitmap);
}

/* The bits of the mask, stretched to 8. */
static uint8_t pick(uint32_t pixel, uint32_t mask)
{
    if (mask == 0) {
        return 0;
    }
    unsigned shift = (unsigned)__builtin_ctz(mask);
    uint64_t most = mask >> shift;
    return (uint8_t)(((pixel & mask) >> shift) * (uint64_t)255 / most);
}

static bool write_pixel(const struct bitmap *bitmap, const uint8_t *row, size_t x, uint8_t *rgb)
{
    if (bitmap->bits <= 8) {
        size_t bit = x * bitmap->bits;
        unsigned shift = 8 - bitmap->bits - (unsigned)(bit % 8);
        size_t index = (unsigned)row[bit / 8] >> shift & ((1u << bitmap->bits) - 1);
        const uint8_t *colour = bitmap->colours + 4 * index;
        for (size_t i = 0; i < 3 && index < bitmap->colour_count; i++) {
            rgb[i] = colour[2 - i];
        }
        return index < bitmap->colour_count;
    }
    const uint8_t *at = row + x * (bitmap->bits / 8);
    uint32_t pixel = read_u16(at);
    if (bitmap->bits > 16) {
        pixel |= (uint32_t)at[2] << 16 | (bitmap->bits == 32 ? (uint32_t)at[3] << 24 : 0);
    }
    for (size_t i = 0; i < 3; i++) {
        rgb[i] = pick(pixel, bitmap->mask[i]);
    }
    return true;
}

bool onr_decode_bmp(const struct onr_picture *picture)
{
    struct bitmap bitmap = {.width = 0};
    if (!read_header(picture, &bitmap)) {
        return false;
    }
    uint8_t *rgb = picture->room(picture->arg, bitmap.height, bitmap.width);
    for (size_t y = 0; y < bitmap.height && rgb != NULL; y++) {
        size_t from = bitmap.is_top_down ? y : bitmap.height - 1 - y;
        const uint8_t *row = bitmap.pixels + from * bitmap.stride;
        for (size_t x = 0; x < bitmap.width; x++) {
            if (!write_pixel(&bitmap, row, x, rgb + (y * bitmap.width + x) * 3)) {
                return false;
            }
        }
    }
    return rgb != NULL;
}
