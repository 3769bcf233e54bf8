/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about element types, and the packed form of those narrower than a byte. */
#include "base/dtype.h"

#include "base/size.h"

#include <string.h>

struct dtype_info {
    const char *name;
    uint8_t file_bits;
    uint8_t size;
};

static const struct dtype_info dtype_infos[ONR_DTYPE_COUNT] = {
#define ONR_DTYPE_INFO(name, number, text, bits, bytes) {text, bits, bytes},
    ONR_DTYPE_LIST(ONR_DTYPE_INFO)
#undef ONR_DTYPE_INFO
};

_Static_assert(sizeof(struct onr_string) == 16, "the size in ONR_DTYPE_LIST");

const char *onr_dtype_name(enum onr_dtype dtype)
{
    return dtype_infos[dtype].name;
}

size_t onr_dtype_size(enum onr_dtype dtype)
{
    return dtype_infos[dtype].size;
}

unsigned onr_dtype_file_bits(enum onr_dtype dtype)
{
    return dtype_infos[dtype].file_bits;
}

bool onr_dtype_file_bytes(enum onr_dtype dtype, int64_t count, size_t *bytes)
{
    size_t bits = 0;
    if (count < 0 || !onr_size_mul((size_t)count, dtype_infos[dtype].file_bits, &bits)) {
        return false;
    }
    *bytes = bits / 8 + (bits % 8 != 0);
    return true;
}

void onr_dtype_unpack(enum onr_dtype dtype, size_t count, const uint8_t *packed, uint8_t *bytes)
{
    unsigned bits = dtype_infos[dtype].file_bits;
    unsigned mask = (1u << bits) - 1;
    unsigned sign = dtype == ONR_INT4 || dtype == ONR_INT2 ? 1u << (bits - 1) : 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = packed + i * bits / 8;
        unsigned shift = (unsigned)(i * bits % 8);
        unsigned code = (unsigned)from[0] >> shift;
        if (shift + bits > 8) {
            code |= (unsigned)from[1] << (8 - shift);
        }
        bytes[i] = (uint8_t)(((code & mask) ^ sign) - sign);
    }
}

void onr_dtype_pack(enum onr_dtype dtype, size_t count, const uint8_t *bytes, uint8_t *packed)
{
    unsigned bits = dtype_infos[dtype].file_bits;
    unsigned mask = (1u << bits) - 1;
    if (count == 0) {
        return;
    }
    memset(packed, 0, count * bits / 8 + (count * bits % 8 != 0));
    for (size_t i = 0; i < count; i++) {
        uint8_t *to = packed + i * bits / 8;
        unsigned shifted = (bytes[i] & mask) << (i * bits % 8);
        to[0] = (uint8_t)(to[0] | shifted);
        if (shifted > UINT8_MAX) {
            to[1] = (uint8_t)(shifted >> 8);
        }
    }
}
