/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a regular expression in one pass. Jumps are relative, so that what a repetition repeats
 * can be copied and moved as it is.
 */
#include "ops/common/strings.h"
#include "ops/text/regex_parse.h"

#include <string.h>

#define MAX_REPEAT 1000
#define NO_LIMIT   SIZE_MAX

enum onr_status onr_regex_fail(const struct onr_regex_parser *p, const char *what)
{
    return onr_fail(p->err, ONR_ERR_MODEL, "pattern at byte %zu: %s", (size_t)(p->at - p->begin),
                    what);
}

/* Makes room for `more` instructions. */
static enum onr_status reserve(struct onr_regex_parser *p, size_t more)
{
    struct onr_regex *regex = p->regex;
    if (more > ONR_REGEX_MAX_SIZE - regex->size) {
        return onr_fail(p->err, ONR_ERR_LIMIT, "the pattern takes more than %d instructions",
                        ONR_REGEX_MAX_SIZE);
    }
    if (regex->size + more <= p->code_capacity) {
        return ONR_OK;
    }
    size_t capacity = 2 * (regex->size + more) + 32;
    struct onr_regex_instruction *code =
        ONR_ARENA_ARRAY(p->arena, capacity, struct onr_regex_instruction);
    if (code == NULL) {
        return onr_fail_memory(p->err, "a pattern");
    }
    if (regex->size > 0) {
        memcpy(code, regex->code, regex->size * sizeof *code);
    }
    regex->code = code;
    p->code_capacity = capacity;
    return ONR_OK;
}

enum onr_status onr_regex_emit(struct onr_regex_parser *p, struct onr_regex_instruction in)
{
    ONR_TRY(reserve(p, 1));
    p->regex->code[p->regex->size++] = in;
    return ONR_OK;
}

enum onr_status onr_regex_insert(struct onr_regex_parser *p, size_t at,
                                 struct onr_regex_instruction in)
{
    ONR_TRY(reserve(p, 1));
    struct onr_regex_instruction *code = p->regex->code + at;
    memmove(code + 1, code, (p->regex->size - at) * sizeof *code);
    *code = in;
    p->regex->size++;
    return ONR_OK;
}

enum onr_status onr_regex_next(struct onr_regex_parser *p, uint32_t *code)
{
    *code = onr_utf8_next(&p->at, p->end);
    return *code < ONR_UTF8_INVALID ? ONR_OK : onr_regex_fail(p, "no UTF-8");
}

static enum onr_status emit_literal(struct onr_regex_parser *p, uint32_t code)
{
    p->atom = p->regex->size;
    return onr_regex_emit(p, (struct onr_regex_instruction){.op = ONR_REGEX_LITERAL,
                                                            .is_folded = p->flags.is_folded,
                                                            .x = (int32_t)code});
}

static enum onr_status emit_place(struct onr_regex_parser *p, enum onr_regex_place place)
{
    p->atom = p->regex->size;
    return onr_regex_emit(
        p, (struct onr_regex_instruction){.op = ONR_REGEX_ASSERT, .x = (int32_t)place});
}

static enum onr_status emit_split(struct onr_regex_parser *p, int32_t x, int32_t y)
{
    return onr_regex_emit(p, (struct onr_regex_instruction){.op = ONR_REGEX_SPLIT, .x = x, .y = y});
}

/* Appends a copy of `length` instructions from `from` on. */
static enum onr_status emit_copy(struct onr_regex_parser *p, size_t from, size_t length)
{
    ONR_TRY(reserve(p, length));
    struct onr_regex_instruction *code = p->regex->code;
    memcpy(code + p->regex->size, code + from, length * sizeof *code);
    p->regex->size += length;
    return ONR_OK;
}

/* Repeats the last atom min to max times; it becomes an atom that cannot be repeated at once. */
static enum onr_status repeat_atom(struct onr_regex_parser *p, size_t min, size_t max)
{
    size_t atom = p->atom;
    size_t length = p->regex->size - atom;
    for (size_t i = 1; i < min; i++) {
        ONR_TRY(emit_copy(p, atom, length));
    }
    if (max == NO_LIMIT && min > 0) {
        return emit_split(p, -(int32_t)length, 1);
    }
    if (max == 0) {
        p->regex->size = atom;
        return ONR_OK;
    }
    size_t optional = max == NO_LIMIT ? 1 : max - min;
    bool is_loop = max == NO_LIMIT;
    struct onr_regex_instruction split = {
        .op = ONR_REGEX_SPLIT, .x = 1, .y = (int32_t)length + 1 + is_loop};
    for (size_t i = 0; i < optional; i++) {
        if (min == 0 && i == 0) {
            ONR_TRY(onr_regex_insert(p, atom, split));
        } else {
            ONR_TRY(onr_regex_emit(p, split));
            ONR_TRY(emit_copy(p, min == 0 ? atom + 1 : atom, length));
        }
    }
    return is_loop ? onr_regex_emit(p, (struct onr_regex_instruction){.op = ONR_REGEX_JUMP,
                                                                      .x = -(int32_t)length - 1})
                   : ONR_OK;
}

static bool read_number(struct onr_regex_parser *p, size_t *number)
{
    const char *first = p->at;
    *number = 0;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
        *number = *number > MAX_REPEAT ? *number : *number * 10 + (size_t)(*p->at - '0');
    }
    return p->at > first;
}

/* {n}, {n,} or {n,m} at the current place; what looks otherwise is literal text. */
static bool read_counts(struct onr_regex_parser *p, size_t *min, size_t *max)
{
    const char *back = p->at++;
    bool is_count = read_number(p, min);
    *max = *min;
    if (is_count && p->at < p->end && *p->at == ',') {
        p->at++;
        if (!read_number(p, max)) {
            *max = NO_LIMIT;
        }
    }
    is_count = is_count && p->at < p->end && *p->at == '}';
    p->at = is_count ? p->at + 1 : back;
    return is_count;
}

static enum onr_status parse_repetition(struct onr_regex_parser *p)
{
    size_t min = *p->at == '+' ? 1 : 0;
    size_t max = *p->at == '?' ? 1 : NO_LIMIT;
    if (*p->at != '{') {
        p->at++;
    } else if (!read_counts(p, &min, &max)) {
        p->at++;
        p->is_repetition = false;
        return emit_literal(p, '{');
    }
    if (min > MAX_REPEAT || (max != NO_LIMIT && (max > MAX_REPEAT || max < min))) {
        return onr_regex_fail(p, "a repetition out of range");
    }
    if (p->is_repetition) {
        return onr_regex_fail(p, "a repetition of a repetition");
    }
    if (p->atom == ONR_REGEX_NO_ATOM) {
        return onr_regex_fail(p, "a repetition of nothing");
    }
    if (p->at < p->end && *p->at == '?') { /* the lazy form matches the same strings */
        p->at++;
    }
    p->is_repetition = true;
    return repeat_atom(p, min, max);
}

/* Behind \Q: literal text up to \E or the end. */
static enum onr_status parse_quoted(struct onr_regex_parser *p)
{
    while (p->at < p->end && !onr_regex_looking_at(p, "\\E")) {
        uint32_t code = 0;
        ONR_TRY(onr_regex_next(p, &code));
        ONR_TRY(emit_literal(p, code));
    }
    p->at += p->at < p->end ? 2 : 0;
    return ONR_OK;
}

/* Behind a backslash. */
static enum onr_status parse_escape(struct onr_regex_parser *p)
{
    uint32_t code = 0;
    bool is_class = false;
    switch (p->at < p->end ? *p->at : '\0') {
    case 'A':
        p->at++;
        return emit_place(p, ONR_PLACE_TEXT_BEGIN);
    case 'z':
        p->at++;
        return emit_place(p, ONR_PLACE_TEXT_END);
    case 'b':
        p->at++;
        return emit_place(p, ONR_PLACE_WORD_EDGE);
    case 'B':
        p->at++;
        return emit_place(p, ONR_PLACE_NO_WORD_EDGE);
    case 'Q':
        p->at++;
        return parse_quoted(p);
    default:
        break;
    }
    if (p->at < p->end) {
        size_t atom = p->regex->size;
        ONR_TRY(onr_regex_class_escape(p, *p->at, &is_class));
        if (is_class) {
            p->at++;
            p->atom = atom;
            return ONR_OK;
        }
    }
    ONR_TRY(onr_regex_escape(p, &code));
    return emit_literal(p, code);
}

static enum onr_status parse_token(struct onr_regex_parser *p)
{
    uint32_t code = 0;
    ONR_TRY(onr_regex_next(p, &code));
    switch (code) {
    case '(':
        return onr_regex_open_group(p);
    case ')':
        return onr_regex_close_group(p);
    case '|':
        return onr_regex_end_alternative(p);
    case '[':
        p->atom = p->regex->size;
        return onr_regex_class(p);
    case '.':
        p->atom = p->regex->size;
        return onr_regex_emit(p, (struct onr_regex_instruction){.op = p->flags.dot_takes_newline
                                                                          ? ONR_REGEX_ANY
                                                                          : ONR_REGEX_NOT_NEWLINE});
    case '^':
        return emit_place(p, p->flags.is_multiline ? ONR_PLACE_LINE_BEGIN : ONR_PLACE_TEXT_BEGIN);
    case '$':
        return emit_place(p, p->flags.is_multiline ? ONR_PLACE_LINE_END : ONR_PLACE_TEXT_END);
    case '\\':
        return parse_escape(p);
    default:
        return emit_literal(p, code);
    }
}

enum onr_status onr_regex_compile(struct onr_string pattern, struct onr_arena *arena,
                                  struct onr_regex *regex, struct onr_error *err)
{
    const char *begin = pattern.length > 0 ? pattern.data : "";
    struct onr_regex_parser p = {.arena = arena,
                                 .err = err,
                                 .begin = begin,
                                 .at = begin,
                                 .end = begin + pattern.length,
                                 .regex = regex,
                                 .atom = ONR_REGEX_NO_ATOM};
    *regex = (struct onr_regex){.size = 0};
    while (p.at < p.end) {
        if (*p.at == '*' || *p.at == '+' || *p.at == '?' || *p.at == '{') {
            ONR_TRY(parse_repetition(&p));
        } else {
            p.is_repetition = false;
            ONR_TRY(parse_token(&p));
        }
    }
    if (p.depth > 0) {
        return onr_regex_fail(&p, "missing )");
    }
    onr_regex_join(&p);
    return onr_regex_emit(&p, (struct onr_regex_instruction){.op = ONR_REGEX_MATCH});
}
