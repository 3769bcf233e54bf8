/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the text: spaces, names, strings, numbers, and where they stand. */
#include "common/onnxtxt/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN_BYTES 40 /* most that messages quote */

/* Not those of the locale. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ---- messages ---- */

bool txt_fail(struct txt *txt, const char *at, const char *format, ...)
{
    char message[400];
    size_t line = 1, column = 1;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    for (const char *p = txt->begin; p < at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    txt->status = tool_fail(txt->error, ONNXRUN_ERR_PARSE, "%.200s, line %zu, column %zu: %s",
                            txt->name, line, column, message);
    return false;
}

/* The end of the word that begins at `at`, or of one character. */
static const char *word_end(const struct txt *txt, const char *at)
{
    while (at < txt->end && (is_letter(*at) || is_digit(*at))) {
        at++;
    }
    return at;
}

bool txt_expected(struct txt *txt, const char *expected)
{
    if (txt_peek(txt) < 0) {
        return txt_fail(txt, txt->at, "the text ends, expected %s", expected);
    }
    const char *end = word_end(txt, txt->at);
    int length =
        end == txt->at ? 1 : (int)(end - txt->at < SHOWN_BYTES ? end - txt->at : SHOWN_BYTES);
    return txt_fail(txt, txt->at, "got '%.*s', expected %s", length, txt->at, expected);
}

bool txt_enter(struct txt *txt)
{
    if (txt->depth >= TXT_MAX_DEPTH) {
        (void)txt_fail(txt, txt->at, "bodies or types nest deeper than %d", TXT_MAX_DEPTH);
        txt->status = txt->error->status = ONNXRUN_ERR_LIMIT;
        return false;
    }
    txt->depth++;
    return true;
}

/* ---- characters ---- */

int txt_peek(struct txt *txt)
{
    while (txt->at < txt->end && (is_space(*txt->at) || *txt->at == '#')) {
        if (*txt->at == '#') {
            const char *line_end = memchr(txt->at, '\n', (size_t)(txt->end - txt->at));
            txt->at = line_end != NULL ? line_end : txt->end;
        } else {
            txt->at++;
        }
    }
    return txt->at < txt->end ? (unsigned char)*txt->at : -1;
}

bool txt_take(struct txt *txt, char character)
{
    bool is_next = txt_peek(txt) == (unsigned char)character;
    txt->at += is_next;
    return is_next;
}

bool txt_want(struct txt *txt, const char *characters)
{
    size_t length = strlen(characters);
    (void)txt_peek(txt);
    if ((size_t)(txt->end - txt->at) >= length && memcmp(txt->at, characters, length) == 0) {
        txt->at += length;
        return true;
    }
    char expected[16];
    (void)snprintf(expected, sizeof expected, "'%s'", characters);
    return txt_expected(txt, expected);
}

/* ---- names ---- */

struct wire_span txt_peek_word(struct txt *txt)
{
    (void)txt_peek(txt);
    bool is_word = txt->at < txt->end && is_letter(*txt->at);
    const char *end = is_word ? word_end(txt, txt->at) : txt->at;
    return (struct wire_span){(const uint8_t *)txt->at, (size_t)(end - txt->at)};
}

void txt_skip_word(struct txt *txt, struct wire_span word)
{
    txt->at += word.size;
}

bool txt_word(struct txt *txt, struct wire_span *word, const char *expected)
{
    *word = txt_peek_word(txt);
    txt_skip_word(txt, *word);
    return word->size > 0 || txt_expected(txt, expected);
}

/* The value of the hexadecimal digit that escape_print writes, or -1. */
static int hex_digit(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands between from and txt->at without its backslashes; "\x1b" is that byte. */
static struct wire_span unescape(struct txt *txt, const char *from)
{
    if (txt->strings == NULL) {
        txt->strings = tool_alloc((size_t)(txt->end - txt->begin), 1);
    }
    struct wire_span string = {txt->strings + txt->string_bytes, 0};
    for (const char *p = from; p < txt->at; p++) {
        bool is_escape = *p == '\\';
        p += is_escape;
        bool is_byte = is_escape && *p == 'x' && txt->at - p > 2 && hex_digit(p[1]) >= 0 &&
                       hex_digit(p[2]) >= 0;
        int byte = is_byte ? 16 * hex_digit(p[1]) + hex_digit(p[2]) : *p;
        txt->strings[txt->string_bytes++] = (uint8_t)byte;
        p += is_byte ? 2 : 0;
    }
    string.size = (size_t)(txt->strings + txt->string_bytes - string.data);
    return string;
}

bool txt_string(struct txt *txt, struct wire_span *string)
{
    bool has_escapes = false;
    if (!txt_take(txt, '"')) {
        return txt_expected(txt, "a string in quotes");
    }
    const char *quote = txt->at - 1;
    while (txt->at < txt->end && *txt->at != '"') {
        bool is_escape = *txt->at == '\\';
        has_escapes = has_escapes || is_escape;
        txt->at += is_escape ? 2 : 1;
    }
    if (txt->at >= txt->end) {
        txt->at = txt->end;
        return txt_fail(txt, quote, "the string that begins here has no end");
    }
    *string = has_escapes
                  ? unescape(txt, quote + 1)
                  : (struct wire_span){(const uint8_t *)quote + 1, (size_t)(txt->at - quote - 1)};
    txt->at++;
    return true;
}

bool txt_has_name(struct txt *txt)
{
    int next = txt_peek(txt);
    return next == '"' || (next >= 0 && is_letter((char)next));
}

bool txt_name(struct txt *txt, struct wire_span *name, const char *expected)
{
    return txt_peek(txt) == '"' ? txt_string(txt, name) : txt_word(txt, name, expected);
}

bool txt_operator(struct txt *txt, struct wire_span *domain, struct wire_span *op_type)
{
    struct wire_span word = txt_peek_word(txt);
    const char *from = txt->at, *point = NULL;
    *domain = (struct wire_span){NULL, 0};
    if (word.size == 0) {
        return txt_expected(txt, "an operator");
    }
    /* Domains may have letters that identifiers have not. */
    for (; txt->at < txt->end &&
           (*txt->at == '.' || *txt->at == '-' || is_digit(*txt->at) || is_letter(*txt->at));
         txt->at++) {
        point = *txt->at == '.' ? txt->at : point;
    }
    const char *type = point != NULL ? point + 1 : from;
    if (type == txt->at) {
        return txt_expected(txt, "an operator behind its domain");
    }
    if (point != NULL) {
        *domain = (struct wire_span){(const uint8_t *)from, (size_t)(point - from)};
    }
    *op_type = (struct wire_span){(const uint8_t *)type, (size_t)(txt->at - type)};
    return true;
}

/* ---- numbers ---- */

bool txt_is_real_word(struct wire_span word)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (word.size == strlen(words[i]) &&
            strncasecmp((const char *)word.data, words[i], word.size) == 0) {
            return true;
        }
    }
    return false;
}

static void skip_digits(struct txt *txt)
{
    while (txt->at < txt->end && is_digit(*txt->at)) {
        txt->at++;
    }
}

/* "12", "1.", "1.5e-3"; where it starts there is a digit. */
static void skip_number(struct txt *txt, bool *is_real)
{
    skip_digits(txt);
    if (txt->at < txt->end && *txt->at == '.') {
        *is_real = true;
        txt->at++;
        skip_digits(txt);
    }
    if (txt->at < txt->end && (*txt->at == 'e' || *txt->at == 'E')) {
        *is_real = true;
        txt->at++;
        txt->at += txt->at < txt->end && (*txt->at == '+' || *txt->at == '-');
        skip_digits(txt);
    }
}

bool txt_number(struct txt *txt, struct txt_number *number)
{
    bool is_negative = txt_take(txt, '-');
    struct wire_span word = txt_peek_word(txt);
    number->is_real = txt_is_real_word(word);
    number->from = txt->at;
    if (number->is_real) {
        txt_skip_word(txt, word);
    } else if (txt->at < txt->end && is_digit(*txt->at)) {
        skip_number(txt, &number->is_real);
    } else {
        return txt_expected(txt, "a number");
    }
    size_t length = (size_t)(txt->at - number->from);
    if (length + 2 > sizeof number->text) {
        return txt_fail(txt, number->from, "a number of %zu characters, expected at most %zu",
                        length, sizeof number->text - 2);
    }
    number->text[0] = '-';
    memcpy(number->text + is_negative, number->from, length);
    number->text[is_negative + length] = '\0';
    return true;
}

/* "got 300, expected -128 to 127 for int8". */
static bool fail_number(struct txt *txt, const struct txt_number *number, const char *expected)
{
    return txt_fail(txt, number->from, "got %.40s, expected %s", number->text, expected);
}

bool txt_to_int(struct txt *txt, const struct txt_number *number, int64_t low, int64_t high,
                const char *what, int64_t *value)
{
    errno = 0;
    *value = number->is_real ? 0 : strtoll(number->text, NULL, 10);
    if (!number->is_real && errno == 0 && *value >= low && *value <= high) {
        return true;
    }
    char expected[100];
    (void)snprintf(expected, sizeof expected, "an integer from %" PRId64 " to %" PRId64 " (%s)",
                   low, high, what);
    return fail_number(txt, number, expected);
}

bool txt_to_uint(struct txt *txt, const struct txt_number *number, uint64_t high, const char *what,
                 uint64_t *value)
{
    errno = 0;
    bool is_negative = number->text[0] == '-';
    *value = number->is_real || is_negative ? 0 : strtoull(number->text, NULL, 10);
    if (!number->is_real && !is_negative && errno == 0 && *value <= high) {
        return true;
    }
    char expected[100];
    (void)snprintf(expected, sizeof expected, "an integer from 0 to %" PRIu64 " (%s)", high, what);
    return fail_number(txt, number, expected);
}

/* Whether strtod took all of the text up to `end`, unlike "1e", and made a number of it that is finite,
 * unless it is one of the words. */
static bool is_good(const struct txt_number *number, const char *end, double value)
{
    bool is_word = strpbrk(number->text, "nN") != NULL;
    return *end == '\0' && end != number->text && (is_word || isfinite(value));
}

bool txt_to_float(struct txt *txt, const struct txt_number *number, float *value)
{
    char *end;
    *value = strtof(number->text, &end);
    return is_good(number, end, (double)*value) ||
           fail_number(txt, number, "a number in the range of float");
}

bool txt_to_double(struct txt *txt, const struct txt_number *number, double *value)
{
    char *end;
    *value = strtod(number->text, &end);
    return is_good(number, end, *value) ||
           fail_number(txt, number, "a number in the range of double");
}

bool txt_int(struct txt *txt, int64_t *value)
{
    struct txt_number number;
    return txt_number(txt, &number) &&
           txt_to_int(txt, &number, INT64_MIN, INT64_MAX, "int64", value);
}
