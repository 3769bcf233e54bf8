/* SPDX-License-Identifier: Apache-2.0 */
/* WebP through libwebp; transparency is left out. */
#include "ops/image/codec.h"

#include <webp/decode.h>

bool onr_decode_webp(const struct onr_picture *picture)
{
    int width = 0;
    int height = 0;
    if (WebPGetInfo(picture->data, picture->size, &width, &height) == 0) {
        return false;
    }
    size_t stride = (size_t)width * 3;
    uint8_t *rgb = picture->room(picture->arg, (size_t)height, (size_t)width);
    return rgb != NULL && WebPDecodeRGBInto(picture->data, picture->size, rgb,
                                            stride * (size_t)height, (int)stride) != NULL;
}
