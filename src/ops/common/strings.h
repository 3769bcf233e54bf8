/* SPDX-License-Identifier: Apache-2.0 */
/* What operators on string tensors share: order of strings, UTF-8, messages about choices. */
#ifndef ONR_OPS_COMMON_STRINGS_H
#define ONR_OPS_COMMON_STRINGS_H

#include "graph/op_def.h"

/* Larger than any code point. */
#define ONR_UTF8_INVALID 0x110000u
#define ONR_UTF8_BYTES   4

/* Order of the bytes: below, equal to or above 0. Code points of valid UTF-8 have the same order. */
int onr_string_compare(struct onr_string a, struct onr_string b);

/*
 * The code point at *at < end, which moves on behind it. A byte that begins none counts for itself
 * and gives ONR_UTF8_INVALID plus its value.
 */
uint32_t onr_utf8_next(const char **at, const char *end);

/* Writes what onr_utf8_next gave and returns the number of bytes. */
size_t onr_utf8_put(uint32_t code, char out[ONR_UTF8_BYTES]);

#endif
