/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ImageDecoder: one function per format of encoded images. */
#ifndef ONR_OPS_IMAGE_CODEC_H
#define ONR_OPS_IMAGE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An encoded image, and where its pixels go. */
struct onr_picture {
    const uint8_t *data;
    size_t size;
    void *arg;
    /* Room for the pixels: 3 bytes each, red, green, blue, by rows. NULL: they are not wanted. */
    uint8_t *(*room)(void *arg, size_t height, size_t width);
    /* Memory that need not be freed; NULL: there is none. */
    void *(*scratch)(void *arg, size_t bytes);
};

/* Asks for room once and fills it; false when the data is broken or there is no room. */
typedef bool (*onr_decode_fn)(const struct onr_picture *picture);

bool onr_decode_bmp(const struct onr_picture *picture);
bool onr_decode_jpeg(const struct onr_picture *picture);
bool onr_decode_png(const struct onr_picture *picture);
bool onr_decode_pnm(const struct onr_picture *picture);
bool onr_decode_tiff(const struct onr_picture *picture);
bool onr_decode_webp(const struct onr_picture *picture);

#endif
