/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the compiler of regular expressions share. */
#ifndef ONR_OPS_TEXT_REGEX_PARSE_H
#define ONR_OPS_TEXT_REGEX_PARSE_H

#include "ops/text/regex.h"

#include <stdbool.h>

/* No atom that a repetition could repeat. */
#define ONR_REGEX_NO_ATOM SIZE_MAX

/* What (?imsU) switches. */
struct onr_regex_flags {
    bool is_folded;
    bool is_multiline;
    bool dot_takes_newline;
};

struct onr_regex_group;

struct onr_regex_parser {
    struct onr_arena *arena;
    struct onr_error *err;
    const char *begin; /* of the pattern */
    const char *at;
    const char *end;
    struct onr_regex *regex; /* whose arrays have room for: */
    size_t code_capacity;
    size_t range_capacity;
    struct onr_regex_flags flags;
    struct onr_regex_group *groups; /* [depth] around the current one */
    size_t depth;
    size_t group_capacity;
    size_t start;       /* of the current alternative */
    size_t last_jump;   /* one more than the last jump to the end of the group; 0: none */
    size_t atom;        /* start of what a repetition repeats, or ONR_REGEX_NO_ATOM */
    bool is_repetition; /* the last token was one */
};

/* ONR_ERR_MODEL with the place in the pattern. */
enum onr_status onr_regex_fail(const struct onr_regex_parser *p, const char *what);

/* Appends an instruction, or puts it before instruction `at`. */
enum onr_status onr_regex_emit(struct onr_regex_parser *p,
                               struct onr_regex_instruction in) ONR_MUST_USE;
enum onr_status onr_regex_insert(struct onr_regex_parser *p, size_t at,
                                 struct onr_regex_instruction in) ONR_MUST_USE;

/* The next code point, which is there; fails when it is no UTF-8. */
enum onr_status onr_regex_next(struct onr_regex_parser *p, uint32_t *code) ONR_MUST_USE;

/* A class in brackets, behind the first of them. */
enum onr_status onr_regex_class(struct onr_regex_parser *p) ONR_MUST_USE;

/* True when the letter behind a backslash names a class (d, s, w, D, S, W), which is appended. */
enum onr_status onr_regex_class_escape(struct onr_regex_parser *p, char letter,
                                       bool *is_class) ONR_MUST_USE;

/* The code point that the escape behind a backslash stands for. */
enum onr_status onr_regex_escape(struct onr_regex_parser *p, uint32_t *code) ONR_MUST_USE;

/* True when the rest of the pattern begins with this text. */
bool onr_regex_looking_at(const struct onr_regex_parser *p, const char *text);

/* Behind a ( and behind a ) of a group, and behind a | between alternatives. */
enum onr_status onr_regex_open_group(struct onr_regex_parser *p) ONR_MUST_USE;
enum onr_status onr_regex_close_group(struct onr_regex_parser *p) ONR_MUST_USE;
enum onr_status onr_regex_end_alternative(struct onr_regex_parser *p) ONR_MUST_USE;

/* Lets the alternatives of the current group go on behind it. */
void onr_regex_join(struct onr_regex_parser *p);

#endif
