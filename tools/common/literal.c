/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors written as nested lists: one pass without recursion that collects the elements and checks
 * that all rows of a level are equally long. */
#include "common/literal.h"

#include "common/element.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct literal {
    const char *text;
    const char *at;
    onnxrun_dtype dtype;
    int rank;                         /* -1 until the first element or empty list shows it */
    int depth;                        /* open brackets */
    int64_t dims[ONNXRUN_MAX_RANK];   /* -1 until the first list of the level closes */
    int64_t counts[ONNXRUN_MAX_RANK]; /* elements so far in the open list of each level */
    size_t count;
    size_t capacity;
    struct number *numbers; /* [count], with their positions for messages */
    size_t *positions;
    uint8_t *proto; /* TensorProto of a string tensor */
    size_t proto_bytes;
    onnxrun_error *error;
};

static size_t position(const struct literal *literal)
{
    return (size_t)(literal->at - literal->text) + 1;
}

static onnxrun_status fail_here(struct literal *literal, const char *expected)
{
    if (*literal->at == '\0') {
        return tool_fail(literal->error, ONNXRUN_ERR_ARGUMENT,
                         "literal ends at position %zu: expected %s", position(literal), expected);
    }
    return tool_fail(literal->error, ONNXRUN_ERR_ARGUMENT,
                     "literal, position %zu: got '%c', expected %s", position(literal),
                     *literal->at, expected);
}

static void skip_space(struct literal *literal)
{
    while (*literal->at == ' ' || *literal->at == '\t' || *literal->at == '\n') {
        literal->at++;
    }
}

/* ---- elements ---- */

static bool parse_word(const char *word, struct number *number)
{
    static const struct {
        const char *word;
        struct number number;
    } words[] = {
        {"true", {.kind = NUMBER_INT, .integer = 1}},
        {"True", {.kind = NUMBER_INT, .integer = 1}},
        {"false", {.kind = NUMBER_INT, .integer = 0}},
        {"False", {.kind = NUMBER_INT, .integer = 0}},
        {"nan", {.kind = NUMBER_REAL, .real = (double)__builtin_nanf("")}},
        {"inf", {.kind = NUMBER_REAL, .real = __builtin_inf()}},
        {"+inf", {.kind = NUMBER_REAL, .real = __builtin_inf()}},
        {"-inf", {.kind = NUMBER_REAL, .real = -__builtin_inf()}},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i].word) == 0) {
            *number = words[i].number;
            return true;
        }
    }
    return false;
}

static bool parse_number(const char *word, struct number *number)
{
    char *end;
    if (strspn(word, "+-0123456789.eE") != strlen(word)) {
        return parse_word(word, number);
    }
    if (strspn(word, "+-0123456789") == strlen(word)) {
        errno = 0;
        *number = number_of_int(strtoll(word, &end, 10));
        if (errno == ERANGE && word[0] != '-') {
            errno = 0;
            *number = (struct number){.kind = NUMBER_UINT, .above = strtoull(word, &end, 10)};
        }
        return errno == 0 && end != word && *end == '\0';
    }
    *number = number_of_real(strtod(word, &end));
    return end != word && *end == '\0';
}

static onnxrun_status add_number(struct literal *literal)
{
    char word[64];
    struct number number;
    size_t length = strcspn(literal->at, ",[] \t\n");
    if (length == 0 || length >= sizeof word) {
        return fail_here(literal, "a number");
    }
    memcpy(word, literal->at, length);
    word[length] = '\0';
    if (!parse_number(word, &number)) {
        return tool_fail(literal->error, ONNXRUN_ERR_ARGUMENT,
                         "literal, position %zu: \"%s\" is no number", position(literal), word);
    }
    if (literal->count == literal->capacity) {
        literal->capacity = literal->capacity > 0 ? 2 * literal->capacity : 64;
        literal->numbers = tool_resize(literal->numbers, literal->capacity, sizeof number);
        literal->positions = tool_resize(literal->positions, literal->capacity, sizeof(size_t));
    }
    literal->positions[literal->count] = position(literal);
    literal->numbers[literal->count++] = number;
    literal->at += length;
    return ONNXRUN_OK;
}

static void add_varint(struct literal *literal, uint64_t value)
{
    literal->proto = tool_resize(literal->proto, literal->proto_bytes + 10, 1);
    for (; value >= 128; value >>= 7) {
        literal->proto[literal->proto_bytes++] = (uint8_t)(value | 128);
    }
    literal->proto[literal->proto_bytes++] = (uint8_t)value;
}

/* Appends a protobuf field of bytes. The tensor parser of the library makes the string tensor. */
static void add_bytes(struct literal *literal, unsigned field, const char *bytes, size_t length)
{
    add_varint(literal, field << 3 | 2);
    add_varint(literal, length);
    literal->proto = tool_resize(literal->proto, literal->proto_bytes + length, 1);
    memcpy(literal->proto + literal->proto_bytes, bytes, length);
    literal->proto_bytes += length;
}

static onnxrun_status add_string(struct literal *literal)
{
    if (*literal->at != '"') {
        return fail_here(literal, "a string in double quotes");
    }
    char *bytes = tool_alloc(strlen(literal->at), 1);
    size_t length = 0;
    for (literal->at++; *literal->at != '"' && *literal->at != '\0'; literal->at++) {
        if (*literal->at == '\\') {
            literal->at++;
            if (*literal->at == '\0' || strchr("\"\\nt", *literal->at) == NULL) {
                free(bytes);
                return fail_here(literal, "\\\", \\\\, \\n or \\t");
            }
            bytes[length++] = (char)(*literal->at == 'n'   ? '\n'
                                     : *literal->at == 't' ? '\t'
                                                           : *literal->at);
        } else {
            bytes[length++] = *literal->at;
        }
    }
    add_bytes(literal, 6, bytes, length);
    free(bytes);
    literal->count++;
    if (*literal->at == '\0') {
        return fail_here(literal, "'\"'");
    }
    literal->at++;
    return ONNXRUN_OK;
}

/* ---- lists ---- */

static onnxrun_status close_list(struct literal *literal)
{
    int level = literal->depth - 1;
    int64_t count = literal->counts[level];
    if (literal->rank < 0) {
        literal->rank = literal->depth;
    }
    if (count == 0 && literal->depth != literal->rank) {
        return fail_here(literal, "lists of the same depth as before");
    }
    if (literal->dims[level] >= 0 && literal->dims[level] != count) {
        return tool_fail(literal->error, ONNXRUN_ERR_ARGUMENT,
                         "literal, position %zu: this list has %" PRId64
                         " elements, those before have %" PRId64,
                         position(literal), count, literal->dims[level]);
    }
    literal->dims[level] = count;
    literal->depth--;
    literal->at++;
    return ONNXRUN_OK;
}

static onnxrun_status parse_element(struct literal *literal)
{
    if (literal->rank < 0) {
        literal->rank = literal->depth;
    }
    if (literal->depth != literal->rank) {
        return fail_here(literal, "'['");
    }
    return literal->dtype == ONNXRUN_STRING ? add_string(literal) : add_number(literal);
}

/* Opens lists up to the next element, which it parses, or up to an empty list, whose ']' it leaves.
 */
static onnxrun_status parse_value(struct literal *literal)
{
    skip_space(literal);
    while (*literal->at == '[') {
        if (literal->depth == ONNXRUN_MAX_RANK || literal->depth == literal->rank) {
            return fail_here(literal, "an element: lists are not nested deeper");
        }
        literal->counts[literal->depth++] = 0;
        literal->at++;
        skip_space(literal);
        if (*literal->at == ']') {
            return ONNXRUN_OK;
        }
    }
    onnxrun_status status = parse_element(literal);
    if (status == ONNXRUN_OK && literal->depth > 0) {
        literal->counts[literal->depth - 1]++;
    }
    return status;
}

static onnxrun_status parse_lists(struct literal *literal)
{
    bool is_done = false;
    onnxrun_status status = ONNXRUN_OK;
    while (!is_done && status == ONNXRUN_OK) {
        status = parse_value(literal);
        bool wants_value = false;
        while (!wants_value && !is_done && status == ONNXRUN_OK) {
            skip_space(literal);
            if (literal->depth == 0) {
                is_done = true;
                status = *literal->at == '\0' ? ONNXRUN_OK : fail_here(literal, "the end");
            } else if (*literal->at == ',') {
                wants_value = true;
                literal->at++;
            } else if (*literal->at == ']') {
                status = close_list(literal);
                if (literal->depth > 0) {
                    literal->counts[literal->depth - 1]++;
                }
            } else {
                status = fail_here(literal, "',' or ']'");
            }
        }
    }
    return status;
}

/* ---- the tensor ---- */

static onnxrun_status make_strings(struct literal *literal, onnxrun_tensor **tensor)
{
    for (int i = 0; i < literal->rank; i++) {
        add_varint(literal, 1 << 3);
        add_varint(literal, (uint64_t)literal->dims[i]);
    }
    add_varint(literal, 2 << 3);
    add_varint(literal, ONNXRUN_STRING);
    return onnxrun_tensor_parse(literal->proto, literal->proto_bytes, tensor, literal->error);
}

static onnxrun_status make_numbers(struct literal *literal, onnxrun_tensor **tensor)
{
    char text[ELEMENT_TEXT_BYTES];
    onnxrun_status status = onnxrun_tensor_create(literal->dtype, (size_t)literal->rank,
                                                  literal->dims, tensor, literal->error);
    for (size_t i = 0; status == ONNXRUN_OK && i < literal->count; i++) {
        const struct number *number = &literal->numbers[i];
        enum element_fit fit =
            element_set(literal->dtype, onnxrun_tensor_mutable_data(*tensor), i, number);
        if (fit == ELEMENT_IMPOSSIBLE || (fit == ELEMENT_ROUNDED && number->kind != NUMBER_REAL)) {
            onnxrun_tensor_free(*tensor);
            *tensor = NULL;
            status = tool_fail(literal->error, ONNXRUN_ERR_ARGUMENT,
                               "literal, position %zu: %s does not fit into %s",
                               literal->positions[i], element_text(ONNXRUN_DOUBLE, number, text),
                               onnxrun_dtype_name(literal->dtype));
        }
    }
    return status;
}

onnxrun_status literal_parse(const char *text, onnxrun_dtype dtype, onnxrun_tensor **tensor,
                             onnxrun_error *error)
{
    struct literal literal = {.text = text, .at = text, .dtype = dtype, .rank = -1, .error = error};
    for (size_t i = 0; i < ONNXRUN_MAX_RANK; i++) {
        literal.dims[i] = -1;
    }
    *tensor = NULL;
    onnxrun_status status = parse_lists(&literal);
    if (status == ONNXRUN_OK) {
        status = dtype == ONNXRUN_STRING ? make_strings(&literal, tensor)
                                         : make_numbers(&literal, tensor);
    }
    free(literal.numbers);
    free(literal.positions);
    free(literal.proto);
    return status;
}

bool literal_is_likely(const char *text)
{
    char *end;
    text += strspn(text, " \t\n");
    if (text[0] == '[' || text[0] == '"') {
        return true;
    }
    (void)strtod(text, &end);
    return (end != text && *end == '\0') || strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}
