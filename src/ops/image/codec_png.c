/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PNG through libpng. 16 bits are cut to 8, transparency is left out, gamma is not corrected. All that
 * the library allocates belongs to its reader, so that an error, which it leaves by longjmp, frees
 * everything with it.
 */
#include "ops/image/codec.h"

#include <png.h>
#include <string.h>

/* Most bytes that one chunk beside the image, and how many of these chunks, may keep in memory. */
#define CHUNK_BYTES ((png_alloc_size_t)8 << 20)
#define CHUNK_COUNT 64

struct source {
    const uint8_t *next;
    size_t left;
};

static void leave(png_structp png, png_const_charp message)
{
    (void)message;
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t count)
{
    struct source *source = png_get_io_ptr(png);
    if (count > source->left) {
        png_error(png, "the data ends");
    }
    memcpy(out, source->next, count);
    source->next += count;
    source->left -= count;
}

static bool read_image(png_structp png, png_infop info, struct source *source,
                       const struct onr_picture *picture)
{
    png_set_read_fn(png, source, read_bytes);
    png_set_chunk_malloc_max(png, CHUNK_BYTES);
    png_set_chunk_cache_max(png, CHUNK_COUNT);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t height = png_get_image_height(png, info);
    size_t stride = png_get_rowbytes(png, info);
    if (stride != (size_t)png_get_image_width(png, info) * 3) {
        return false;
    }
    uint8_t *rgb = picture->room(picture->arg, height, stride / 3);
    for (int pass = 0; pass < passes && rgb != NULL; pass++) {
        for (size_t y = 0; y < height; y++) {
            png_read_row(png, rgb + y * stride, NULL);
        }
    }
    if (rgb != NULL) {
        png_read_end(png, NULL);
    }
    return rgb != NULL;
}

bool onr_decode_png(const struct onr_picture *picture)
{
    struct source source = {picture->data, picture->size};
    volatile bool is_done = false;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, leave, ignore);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info != NULL && setjmp(png_jmpbuf(png)) == 0) {
        is_done = read_image(png, info, &source, picture);
    }
    png_destroy_read_struct(png != NULL ? &png : NULL, info != NULL ? &info : NULL, NULL);
    return is_done;
}
