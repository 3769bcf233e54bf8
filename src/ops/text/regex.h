/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions in the syntax of RE2, matched against whole strings of UTF-8 in time
 * proportional to the length of the string times that of the program: all ways to match are followed
 * at once, so no pattern can make it slow.
 *
 * Understood: literals . [classes] | ( ) (?: ) (?P<name> ) (?<name> ) * + ? {n,m} and their lazy
 * forms, flags (?imsU-imsU), ^ $ \A \z \b \B, \d \s \w and their complements, [[:alpha:]] and the
 * like, \a \f \n \r \t \v \123 \x7F \x{10FFFF} \Q...\E. As in RE2 there are no back references and no
 * look-around. Classes of Unicode properties (\pL) and single bytes (\C) are refused as not supported.
 */
#ifndef ONR_OPS_TEXT_REGEX_H
#define ONR_OPS_TEXT_REGEX_H

#include "base/arena.h"
#include "base/dtype.h"
#include "base/error.h"

/* Most instructions of a program, and most levels of groups. */
#define ONR_REGEX_MAX_SIZE  32768
#define ONR_REGEX_MAX_DEPTH 1000

enum onr_regex_op {
    ONR_REGEX_LITERAL, /* the code point x */
    ONR_REGEX_ANY,
    ONR_REGEX_NOT_NEWLINE,
    ONR_REGEX_CLASS,  /* one of ranges [x, x + y) */
    ONR_REGEX_SPLIT,  /* go on both x and y instructions further */
    ONR_REGEX_JUMP,   /* go on x instructions further */
    ONR_REGEX_ASSERT, /* x: enum onr_regex_place */
    ONR_REGEX_MATCH,
};

enum onr_regex_place {
    ONR_PLACE_TEXT_BEGIN,
    ONR_PLACE_TEXT_END,
    ONR_PLACE_LINE_BEGIN,
    ONR_PLACE_LINE_END,
    ONR_PLACE_WORD_EDGE,
    ONR_PLACE_NO_WORD_EDGE,
};

struct onr_regex_instruction {
    uint8_t op;
    bool is_folded;  /* case does not matter */
    bool is_negated; /* of a class */
    int32_t x;
    int32_t y;
};

struct onr_regex_range {
    uint32_t first;
    uint32_t last;
};

struct onr_regex {
    struct onr_regex_instruction *code; /* [size], ends with ONR_REGEX_MATCH */
    size_t size;
    struct onr_regex_range *ranges;
    size_t range_count;
};

/*
 * Compiles a pattern. Errors: ONR_ERR_MODEL for bad syntax, ONR_ERR_UNSUPPORTED, ONR_ERR_LIMIT,
 * ONR_ERR_MEMORY.
 */
enum onr_status onr_regex_compile(struct onr_string pattern, struct onr_arena *arena,
                                  struct onr_regex *regex, struct onr_error *err) ONR_MUST_USE;

/* Bytes of scratch that a match needs. */
size_t onr_regex_scratch(const struct onr_regex *regex);

/* True when the whole text matches. scratch is aligned for size_t. */
bool onr_regex_matches(const struct onr_regex *regex, struct onr_string text, void *scratch);

#endif
