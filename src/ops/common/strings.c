/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and UTF-8. */
#include "ops/common/strings.h"

#include "base/text.h"

#include <string.h>

int onr_string_compare(struct onr_string a, struct onr_string b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

uint32_t onr_utf8_next(const char **at, const char *end)
{
    const uint8_t *bytes = (const uint8_t *)*at;
    size_t length = onr_utf8_length(bytes, (size_t)(end - *at));
    *at += length > 0 ? length : 1;
    switch (length) {
    case 0:
        return ONR_UTF8_INVALID + bytes[0];
    case 1:
        return bytes[0];
    case 2:
        return (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu);
    case 3:
        return (bytes[0] & 0xfu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
    default:
        return (bytes[0] & 0x7u) << 18 | (bytes[1] & 0x3fu) << 12 | (bytes[2] & 0x3fu) << 6 |
               (bytes[3] & 0x3fu);
    }
}

size_t onr_utf8_put(uint32_t code, char out[ONR_UTF8_BYTES])
{
    if (code < 0x80 || code >= ONR_UTF8_INVALID) {
        out[0] = (char)(code & 0xffu);
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80u | (code & 0x3fu));
        code >>= 6;
    }
    out[0] = (char)((0xf00u >> length & 0xf0u) | code);
    return length;
}
