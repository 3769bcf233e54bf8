/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text and back, for Cast. Independent of the process's locale. */
#ifndef ONR_OPS_ELEMENTWISE_CAST_STRING_H
#define ONR_OPS_ELEMENTWISE_CAST_STRING_H

#include "base/dtype.h"
#include "base/error.h"

/* Longest text of a number. */
#define ONR_NUMBER_TEXT_BYTES 40

/*
 * Writes a float as numpy does and returns the length: the shortest digits that give the number of
 * this type back; "1.0", "0.0001", but "9e-05" below 1e-4 and "1e+16" from 1e16 on; "nan", "inf",
 * "-inf".
 */
size_t onr_format_float(double value, enum onr_dtype dtype, char out[ONR_NUMBER_TEXT_BYTES]);

size_t onr_format_int(int64_t value, char out[ONR_NUMBER_TEXT_BYTES]);
size_t onr_format_uint(uint64_t value, char out[ONR_NUMBER_TEXT_BYTES]);

/*
 * Reads a decimal number, or inf and nan in any case, with blanks around it; false when text is
 * none.
 */
bool onr_parse_float(struct onr_string text, double *value);

/* Reads decimal digits with an optional sign, modulo 2^64; false when there is anything else. */
bool onr_parse_int(struct onr_string text, uint64_t *value);

/* Reads true and false, in any case, as 1 and 0; false when text is neither. */
bool onr_parse_bool(struct onr_string text, double *value);

#endif
