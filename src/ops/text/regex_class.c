/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of characters and escapes in regular expressions. */
#include "ops/common/strings.h"
#include "ops/text/regex_parse.h"

#include <string.h>

#define LAST_CODE 0x10ffffu

/* A class with a name: ranges in ascending order, ended by one that is all 0. */
struct named_class {
    const char *name;
    struct onr_regex_range ranges[5];
};

static const struct named_class named_classes[] = {
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
    {"ascii", {{0, 0x7f}}},
    {"blank", {{'\t', '\t'}, {' ', ' '}}},
    {"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
    {"d", {{'0', '9'}}},
    {"digit", {{'0', '9'}}},
    {"graph", {{'!', '~'}}},
    {"lower", {{'a', 'z'}}},
    {"print", {{' ', '~'}}},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
    {"space", {{'\t', '\r'}, {' ', ' '}}},
    {"upper", {{'A', 'Z'}}},
    {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

static const struct named_class *find_class(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof named_classes / sizeof named_classes[0]; i++) {
        if (strlen(named_classes[i].name) == length &&
            memcmp(named_classes[i].name, name, length) == 0) {
            return &named_classes[i];
        }
    }
    return NULL;
}

static enum onr_status add_range(struct onr_regex_parser *p, uint32_t first, uint32_t last)
{
    struct onr_regex *regex = p->regex;
    if (regex->range_count == p->range_capacity) {
        size_t capacity = 2 * p->range_capacity + 16;
        struct onr_regex_range *ranges =
            ONR_ARENA_ARRAY(p->arena, capacity, struct onr_regex_range);
        if (ranges == NULL || capacity > INT32_MAX / 2) {
            return onr_fail_memory(p->err, "classes of a pattern");
        }
        if (regex->range_count > 0) {
            memcpy(ranges, regex->ranges, regex->range_count * sizeof *ranges);
        }
        regex->ranges = ranges;
        p->range_capacity = capacity;
    }
    regex->ranges[regex->range_count++] = (struct onr_regex_range){first, last};
    return ONR_OK;
}

static enum onr_status add_named(struct onr_regex_parser *p, const struct named_class *named,
                                 bool is_negated)
{
    uint32_t next = 0; /* behind the last range */
    for (const struct onr_regex_range *r = named->ranges; r->last != 0; r++) {
        if (!is_negated) {
            ONR_TRY(add_range(p, r->first, r->last));
        } else if (r->first > next) {
            ONR_TRY(add_range(p, next, r->first - 1));
        }
        next = r->last + 1;
    }
    return is_negated ? add_range(p, next, LAST_CODE) : ONR_OK;
}

/* Appends the instruction of a class whose ranges are those from `first` on. */
static enum onr_status emit_class(struct onr_regex_parser *p, size_t first, bool is_negated)
{
    return onr_regex_emit(
        p, (struct onr_regex_instruction){.op = ONR_REGEX_CLASS,
                                          .is_folded = p->flags.is_folded,
                                          .is_negated = is_negated,
                                          .x = (int32_t)first,
                                          .y = (int32_t)(p->regex->range_count - first)});
}

/* The class that a letter names, in lower case or for its complement in upper case; or NULL. */
static const struct named_class *letter_class(char letter)
{
    char lower = (char)(letter | 0x20);
    return lower == 'd' || lower == 's' || lower == 'w' ? find_class(&lower, 1) : NULL;
}

static bool is_complement(char letter)
{
    return (letter & 0x20) == 0;
}

enum onr_status onr_regex_class_escape(struct onr_regex_parser *p, char letter, bool *is_class)
{
    const struct named_class *named = letter_class(letter);
    size_t first = p->regex->range_count;
    *is_class = named != NULL;
    if (named == NULL) {
        return ONR_OK;
    }
    ONR_TRY(add_named(p, named, is_complement(letter)));
    return emit_class(p, first, false);
}

static int hex_digit(char c)
{
    int letter = (c | 0x20) - 'a';
    return c >= '0' && c <= '9' ? c - '0' : letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/* Behind \x: two digits, or any number in braces. */
static enum onr_status hex_escape(struct onr_regex_parser *p, uint32_t *code)
{
    bool has_brace = p->at < p->end && *p->at == '{';
    size_t digits = 0;
    *code = 0;
    p->at += has_brace;
    for (; p->at < p->end && hex_digit(*p->at) >= 0 && (has_brace || digits < 2); p->at++) {
        *code = *code * 16 + (uint32_t)hex_digit(*p->at);
        digits++;
        if (*code > LAST_CODE) {
            return onr_regex_fail(p, "a character beyond 10FFFF");
        }
    }
    bool is_closed = !has_brace || (p->at < p->end && *p->at++ == '}');
    return is_closed && digits >= (has_brace ? 1u : 2u) ? ONR_OK
                                                        : onr_regex_fail(p, "digits behind \\x");
}

static enum onr_status octal_escape(struct onr_regex_parser *p, uint32_t *code)
{
    size_t digits = 0;
    *code = 0;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '7' && digits < 3; p->at++) {
        *code = *code * 8 + (uint32_t)(*p->at - '0');
        digits++;
    }
    bool is_reference = digits == 1 && *code != 0;
    return is_reference ? onr_regex_fail(p, "a back reference") : ONR_OK;
}

enum onr_status onr_regex_escape(struct onr_regex_parser *p, uint32_t *code)
{
    static const char letters[] = "afnrtv";
    static const char codes[] = "\a\f\n\r\t\v";
    if (p->at == p->end) {
        return onr_regex_fail(p, "a backslash at the end");
    }
    char c = *p->at;
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    if (c >= '0' && c <= '7') {
        return octal_escape(p, code);
    }
    p->at++;
    if (letter != NULL) {
        *code = (uint32_t)codes[letter - letters];
        return ONR_OK;
    }
    if (c == 'x') {
        return hex_escape(p, code);
    }
    if (c == 'p' || c == 'P' || c == 'C') {
        return onr_fail(p->err, ONR_ERR_UNSUPPORTED, "pattern: \\%c is not supported", c);
    }
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter || c == '8' || c == '9' || (unsigned char)c >= 0x80) {
        return onr_regex_fail(p, "an escape that does not exist");
    }
    *code = (uint32_t)c;
    return ONR_OK;
}

/* [:name:] or [:^name:], behind the bracket; nothing when it is no such name. */
static enum onr_status posix_class(struct onr_regex_parser *p, bool *is_class)
{
    *is_class = false;
    if (p->end - p->at < 2 || *p->at != ':') {
        return ONR_OK;
    }
    const char *name = p->at + 1;
    bool is_negated = name < p->end && *name == '^';
    name += is_negated;
    const char *stop = name;
    while (stop < p->end && *stop >= 'a' && *stop <= 'z') {
        stop++;
    }
    if (p->end - stop < 2 || stop[0] != ':' || stop[1] != ']') {
        return ONR_OK;
    }
    const struct named_class *named = find_class(name, (size_t)(stop - name));
    if (named == NULL || named->name[1] == '\0') {
        return onr_regex_fail(p, "a class that does not exist");
    }
    p->at = stop + 2;
    *is_class = true;
    return add_named(p, named, is_negated);
}

/* One end of a range in a class. */
static enum onr_status class_code(struct onr_regex_parser *p, uint32_t *code)
{
    if (p->at < p->end && *p->at == '\\') {
        p->at++;
        return onr_regex_escape(p, code);
    }
    return p->at < p->end ? onr_regex_next(p, code) : onr_regex_fail(p, "missing ]");
}

/* A character, a range or a class within a class. */
static enum onr_status class_item(struct onr_regex_parser *p)
{
    uint32_t first = 0;
    uint32_t last = 0;
    bool is_class = false;
    if (*p->at == '[') {
        p->at++;
        ONR_TRY(posix_class(p, &is_class));
        p->at -= is_class ? 0 : 1;
    } else if (*p->at == '\\' && p->end - p->at > 1 && letter_class(p->at[1]) != NULL) {
        char letter = p->at[1];
        p->at += 2;
        is_class = true;
        ONR_TRY(add_named(p, letter_class(letter), is_complement(letter)));
    }
    if (is_class) {
        return ONR_OK;
    }
    ONR_TRY(class_code(p, &first));
    last = first;
    if (p->end - p->at > 1 && p->at[0] == '-' && p->at[1] != ']') {
        p->at++;
        ONR_TRY(class_code(p, &last));
    }
    return first <= last ? add_range(p, first, last)
                         : onr_regex_fail(p, "a range that ends before it begins");
}

enum onr_status onr_regex_class(struct onr_regex_parser *p)
{
    size_t first = p->regex->range_count;
    bool is_negated = p->at < p->end && *p->at == '^';
    p->at += is_negated;
    for (bool is_first = true; p->at < p->end; is_first = false) {
        if (*p->at == ']' && !is_first) {
            p->at++;
            return emit_class(p, first, is_negated);
        }
        ONR_TRY(class_item(p));
    }
    return onr_regex_fail(p, "missing ]");
}
