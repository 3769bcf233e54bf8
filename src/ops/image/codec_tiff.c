/* SPDX-License-Identifier: Apache-2.0 */
/* TIFF through libtiff: the first image of a file, in all forms that its RGBA interface takes. */
#include "ops/image/codec.h"

#include <string.h>
#include <tiffio.h>

/* Most bytes that the library may ask for at a time. */
#define MAX_BYTES ((tmsize_t)1 << 28)

struct source {
    const uint8_t *data;
    toff_t size, at;
};

static tmsize_t read_bytes(thandle_t handle, void *out, tmsize_t count)
{
    struct source *source = handle;
    toff_t left = source->at < source->size ? source->size - source->at : 0;
    toff_t wanted = count > 0 ? (toff_t)count : 0;
    size_t length = (size_t)(wanted < left ? wanted : left);
    if (length > 0) {
        memcpy(out, source->data + source->at, length);
    }
    source->at += length;
    return (tmsize_t)length;
}

static tmsize_t write_nothing(thandle_t handle, void *data, tmsize_t count)
{
    (void)handle;
    (void)data;
    (void)count;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence)
{
    struct source *source = handle;
    source->at = whence == SEEK_SET   ? offset
                 : whence == SEEK_CUR ? source->at + offset
                                      : source->size + offset;
    return source->at;
}

static int close_source(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle)
{
    return ((const struct source *)handle)->size;
}

/* Takes messages, so that the library does not print them. */
static int ignore(TIFF *tiff, void *arg, const char *module, const char *format, va_list list)
{
    (void)tiff;
    (void)arg;
    (void)module;
    (void)format;
    (void)list;
    return 1;
}

static bool read_image(TIFF *tiff, const struct onr_picture *picture)
{
    uint32_t width = 0;
    uint32_t height = 0;
    char why_not[1024];
    if (TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) != 1 ||
        TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) != 1 ||
        TIFFRGBAImageOK(tiff, why_not) == 0) {
        return false;
    }
    uint8_t *rgb = picture->room(picture->arg, height, width);
    size_t count = (size_t)width * height;
    uint32_t *pixels = rgb != NULL ? picture->scratch(picture->arg, count * sizeof *pixels) : NULL;
    if (pixels == NULL ||
        TIFFReadRGBAImageOriented(tiff, width, height, pixels, ORIENTATION_TOPLEFT, 1) == 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        rgb[3 * i] = (uint8_t)TIFFGetR(pixels[i]);
        rgb[3 * i + 1] = (uint8_t)TIFFGetG(pixels[i]);
        rgb[3 * i + 2] = (uint8_t)TIFFGetB(pixels[i]);
    }
    return true;
}

bool onr_decode_tiff(const struct onr_picture *picture)
{
    struct source source = {picture->data, picture->size, 0};
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    bool is_done = false;
    if (options == NULL) {
        return false;
    }
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, MAX_BYTES);
    TIFFOpenOptionsSetErrorHandlerExtR(options, ignore, NULL);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore, NULL);
    TIFF *tiff = TIFFClientOpenExt("", "rm", &source, read_bytes, write_nothing, seek, close_source,
                                   size_of, NULL, NULL, options);
    if (tiff != NULL) {
        is_done = read_image(tiff, picture);
        TIFFClose(tiff);
    }
    TIFFOpenOptionsFree(options);
    return is_done;
}
