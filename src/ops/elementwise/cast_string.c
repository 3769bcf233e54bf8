/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text and back. The C library does the rounding; digits are taken out of and put into
 * its text, so that its decimal separator does not matter. */
#include "ops/elementwise/cast_string.h"

#include "base/half.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIGITS 17

/* The decimal digits of a positive number, d.ddd * 10^exponent. */
struct decimal {
    char digits[MAX_DIGITS + 1];
    int count;
    int exponent;
};

static bool gives_back(double read, double value, enum onr_dtype dtype)
{
    switch (dtype) {
    case ONR_DOUBLE:
        return read == value;
    case ONR_FLOAT16:
        return onr_double_to_half(read) == onr_double_to_half(value);
    case ONR_BFLOAT16:
        return onr_double_to_bfloat16(read) == onr_double_to_bfloat16(value);
    default:
        return (float)read == (float)value;
    }
}

static struct decimal shortest_digits(double value, enum onr_dtype dtype)
{
    struct decimal decimal = {.count = 0};
    char text[64];
    for (int precision = 0; precision < MAX_DIGITS; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        if (gives_back(strtod(text, NULL), value, dtype)) {
            break;
        }
    }
    const char *at = text;
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9' && decimal.count < MAX_DIGITS) {
            decimal.digits[decimal.count++] = *at;
        }
    }
    decimal.exponent = *at == 'e' ? (int)strtol(at + 1, NULL, 10) : 0;
    return decimal;
}

/* Digits with a point after `whole` of them, which may be negative or beyond the last. */
static size_t put_positional(const struct decimal *decimal, char *out)
{
    size_t length = 0;
    int whole = decimal->exponent + 1;
    if (whole <= 0) {
        out[length++] = '0';
    }
    for (int i = 0; i < whole; i++) {
        out[length++] = i < decimal->count ? decimal->digits[i] : '0';
    }
    out[length++] = '.';
    for (int i = whole; i < 0; i++) {
        out[length++] = '0';
    }
    for (int i = whole > 0 ? whole : 0; i < decimal->count; i++) {
        out[length++] = decimal->digits[i];
    }
    if (out[length - 1] == '.') {
        out[length++] = '0';
    }
    return length;
}

static size_t put_scientific(const struct decimal *decimal, char *out)
{
    size_t length = 0;
    out[length++] = decimal->digits[0];
    if (decimal->count > 1) {
        out[length++] = '.';
        memcpy(out + length, decimal->digits + 1, (size_t)decimal->count - 1);
        length += (size_t)decimal->count - 1;
    }
    return length + (size_t)snprintf(out + length, 8, "e%+03d", decimal->exponent);
}

size_t onr_format_float(double value, enum onr_dtype dtype, char out[ONR_NUMBER_TEXT_BYTES])
{
    double magnitude = fabs(value);
    size_t length = 0;
    if (isnan(value)) {
        memcpy(out, "nan", 3);
        return 3;
    }
    if (signbit(value)) {
        out[length++] = '-';
    }
    if (isinf(value)) {
        memcpy(out + length, "inf", 3);
        return length + 3;
    }
    struct decimal decimal = shortest_digits(magnitude, dtype);
    bool is_positional = magnitude == 0.0 || (magnitude >= 1e-4 && magnitude < 1e16);
    return length + (is_positional ? put_positional(&decimal, out + length)
                                   : put_scientific(&decimal, out + length));
}

size_t onr_format_int(int64_t value, char out[ONR_NUMBER_TEXT_BYTES])
{
    return (size_t)snprintf(out, ONR_NUMBER_TEXT_BYTES, "%" PRId64, value);
}

size_t onr_format_uint(uint64_t value, char out[ONR_NUMBER_TEXT_BYTES])
{
    return (size_t)snprintf(out, ONR_NUMBER_TEXT_BYTES, "%" PRIu64, value);
}

static struct onr_string trim(struct onr_string text)
{
    while (text.length > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && strchr(" \t\r\n", text.data[text.length - 1]) != NULL) {
        text.length--;
    }
    return text;
}

/* word is in lower case. */
static bool is_word(const char *text, size_t length, const char *word)
{
    if (length != strlen(word)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
}

static bool parse_special(struct onr_string text, double *value)
{
    bool is_signed = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+');
    double sign = is_signed && text.data[0] == '-' ? -1.0 : 1.0;
    const char *word = text.data + is_signed;
    size_t length = text.length - is_signed;
    if (is_word(word, length, "inf") || is_word(word, length, "infinity")) {
        *value = sign * (double)INFINITY;
        return true;
    }
    *value = (double)NAN;
    return is_word(word, length, "nan");
}

bool onr_parse_float(struct onr_string text, double *value)
{
    char copy[512];
    size_t used = 0;
    text = trim(text);
    if (text.length == 0 || text.data[0] == '\0') {
        return false;
    }
    const char *point = localeconv()->decimal_point;
    size_t point_length = strlen(point);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (used + point_length + 1 >= sizeof copy) {
            return false;
        }
        if (c == '.') {
            memcpy(copy + used, point, point_length);
            used += point_length;
        } else if (c != '\0' && strchr("0123456789+-eE", c) != NULL) {
            copy[used++] = c;
        } else {
            return parse_special(text, value);
        }
    }
    copy[used] = '\0';
    char *end = NULL;
    *value = strtod(copy, &end);
    return end == copy + used;
}

bool onr_parse_int(struct onr_string text, uint64_t *value)
{
    text = trim(text);
    bool is_signed = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+');
    uint64_t number = 0;
    for (size_t i = is_signed; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    *value = is_signed && text.data[0] == '-' ? 0 - number : number;
    return text.length > (size_t)is_signed;
}

bool onr_parse_bool(struct onr_string text, double *value)
{
    text = trim(text);
    bool is_true = is_word(text.data, text.length, "true");
    *value = is_true ? 1.0 : 0.0;
    return is_true || is_word(text.data, text.length, "false");
}
