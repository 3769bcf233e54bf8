/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upper and lower case of letters of all scripts, one code point for one, by the rules of Unicode
 * that hold for every language. A letter whose other case is several letters (the German sharp s)
 * stays as it is, and so does everything that is no letter.
 */
#ifndef ONR_OPS_TEXT_LETTER_CASE_H
#define ONR_OPS_TEXT_LETTER_CASE_H

#include <stdint.h>

uint32_t onr_to_lower(uint32_t code);
uint32_t onr_to_upper(uint32_t code);

#endif
