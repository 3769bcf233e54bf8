/* SPDX-License-Identifier: Apache-2.0 */
/* A reader for models as text, which writes protobuf as it goes. */
#include "support/model_text.h"

#include "support/test.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES  64
#define MAX_NUMBERS 64

struct reader {
    struct proto *out;
    const char *p;
};

static void read_graph(struct reader *r, char end);

static void skip_space(struct reader *r)
{
    while (isspace((unsigned char)*r->p)) {
        r->p++;
    }
}

static bool accept(struct reader *r, char c)
{
    skip_space(r);
    if (*r->p != c) {
        return false;
    }
    r->p++;
    return true;
}

/* accept that does not step over the end of the text. */
static bool at_end(struct reader *r, char end)
{
    skip_space(r);
    return end == '\0' ? *r->p == '\0' : accept(r, end);
}

static void expect(struct reader *r, char c)
{
    if (!accept(r, c)) {
        fail_msg("model text: expected '%c' at \"%.40s\"", c, r->p);
    }
}

static void read_word(struct reader *r, char word[WORD_BYTES])
{
    skip_space(r);
    size_t length = strcspn(r->p, " \n,;()[]{}='");
    assert_true(length > 0 && length < WORD_BYTES);
    memcpy(word, r->p, length);
    word[length] = '\0';
    r->p += length;
}

/* What is left of text up to the quote behind it, which may hold anything else. */
static void read_quoted(struct reader *r, char word[WORD_BYTES])
{
    size_t length = strcspn(r->p, "'");
    assert_true(length < WORD_BYTES);
    memcpy(word, r->p, length);
    word[length] = '\0';
    r->p += length;
    expect(r, '\'');
}

static enum onr_dtype read_dtype(struct reader *r)
{
    char word[WORD_BYTES];
    read_word(r, word);
    for (int i = 1; i < ONR_DTYPE_COUNT; i++) {
        if (strcmp(onr_dtype_name((enum onr_dtype)i), word) == 0) {
            return (enum onr_dtype)i;
        }
    }
    fail_msg("model text: \"%s\" is no type", word);
    return ONR_UNDEFINED;
}

/* Writes a TypeProto.Tensor shape: the dimensions in brackets. */
static void read_dims(struct reader *r)
{
    proto_open(r->out, 2);
    while (!accept(r, ']')) {
        char word[WORD_BYTES];
        read_word(r, word);
        proto_open(r->out, 1);
        if (isdigit((unsigned char)word[0])) {
            proto_int(r->out, 1, strtoll(word, NULL, 10));
        } else if (word[0] != '?') {
            proto_string(r->out, 2, word);
        }
        proto_close(r->out);
        (void)accept(r, ',');
    }
    proto_close(r->out);
}

/* Steps over text, which has no spaces before it. */
static bool accept_text(struct reader *r, const char *text)
{
    size_t length = strlen(text);
    bool is_there = strncmp(r->p, text, length) == 0;
    r->p += is_there ? length : 0;
    return is_there;
}

/* Opens the messages of a type, down to TypeProto.Tensor, in a TypeProto; returns their number. */
static int open_type(struct reader *r)
{
    int depth = 1;
    skip_space(r);
    for (;;) {
        bool is_sequence = accept_text(r, "seq(");
        if (!is_sequence && !accept_text(r, "optional(")) {
            break;
        }
        proto_open(r->out, is_sequence ? TYPE_SEQUENCE : TYPE_OPTIONAL);
        proto_open(r->out, 1);
        depth += 2;
    }
    proto_open(r->out, TYPE_TENSOR);
    proto_int(r->out, 1, read_dtype(r));
    for (int i = 1; i < depth; i += 2) {
        expect(r, ')');
    }
    return depth;
}

static void read_value(struct reader *r, uint32_t field)
{
    char name[WORD_BYTES];
    proto_open(r->out, field);
    proto_open(r->out, 2);
    int depth = open_type(r);
    read_word(r, name);
    if (accept(r, '[')) {
        read_dims(r);
    }
    for (; depth >= 0; depth--) {
        proto_close(r->out);
    }
    proto_string(r->out, 1, name);
    proto_close(r->out);
}

static size_t store_number(enum onr_dtype dtype, const char *word, void *out)
{
    float f = strtof(word, NULL);
    double d = strtod(word, NULL);
    int64_t i = strtoll(word, NULL, 10);
    size_t size = onr_dtype_size(dtype);
    if (dtype == ONR_FLOAT) {
        memcpy(out, &f, size);
    } else if (dtype == ONR_DOUBLE) {
        memcpy(out, &d, size);
    } else {
        assert_true(onr_dtypes_has(ONR_DTYPES_INT | ONR_BIT(BOOL), dtype));
        memcpy(out, &i, size);
    }
    return size;
}

/* The numbers over and over, until there are as many as the dimensions say; free with free. */
static uint8_t *repeat(const uint8_t *data, size_t size, size_t bytes)
{
    uint8_t *all = malloc(bytes);
    assert_non_null(all);
    assert_in_range(size, 1, bytes);
    for (size_t i = 0; i < bytes; i++) {
        all[i] = data[i % size];
    }
    return all;
}

static void read_init(struct reader *r)
{
    char word[WORD_BYTES];
    char name[WORD_BYTES];
    int64_t dims[ONR_MAX_RANK];
    uint8_t data[MAX_NUMBERS * 8];
    size_t rank = 0;
    size_t size = 0;
    enum onr_dtype dtype = read_dtype(r);
    size_t bytes = onr_dtype_size(dtype);
    uint8_t *all = NULL;
    read_word(r, name);
    if (accept(r, '[')) {
        while (!accept(r, ']')) {
            read_word(r, word);
            dims[rank] = strtoll(word, NULL, 10);
            bytes *= (size_t)dims[rank++];
            (void)accept(r, ',');
        }
    }
    if (accept(r, '=')) {
        do {
            assert_true(size + 8 <= sizeof data);
            read_word(r, word);
            if (strcmp(word, "...") == 0) {
                all = repeat(data, size, bytes);
                break;
            }
            size += store_number(dtype, word, data + size);
        } while (accept(r, ','));
    }
    proto_tensor(r->out, GRAPH_INIT, name, dtype, rank, dims, all != NULL ? all : data,
                 all != NULL ? bytes : size);
    free(all);
}

static void read_list(struct reader *r)
{
    bool is_text = false;
    while (!accept(r, ']')) {
        char word[WORD_BYTES];
        is_text = accept(r, '\'');
        if (is_text) {
            read_quoted(r, word);
            proto_string(r->out, ATTR_STRINGS, word);
        } else {
            read_word(r, word);
            proto_int(r->out, ATTR_INTS, strtoll(word, NULL, 10));
        }
        (void)accept(r, ',');
    }
    proto_int(r->out, ATTR_TYPE, is_text ? 8 : 7);
}

static void read_number(struct reader *r)
{
    char word[WORD_BYTES];
    read_word(r, word);
    if (strchr(word, '.') != NULL) {
        proto_f32(r->out, ATTR_F, strtof(word, NULL));
        proto_int(r->out, ATTR_TYPE, 1);
    } else {
        proto_int(r->out, ATTR_I, strtoll(word, NULL, 10));
        proto_int(r->out, ATTR_TYPE, 2);
    }
}

static void read_attr(struct reader *r)
{
    char word[WORD_BYTES];
    read_word(r, word);
    expect(r, '=');
    proto_open(r->out, NODE_ATTR);
    proto_string(r->out, ATTR_NAME, word);
    if (accept(r, ':')) {
        proto_open(r->out, ATTR_TP);
        for (int depth = open_type(r); depth >= 0; depth--) {
            proto_close(r->out);
        }
        proto_int(r->out, ATTR_TYPE, 13);
    } else if (accept(r, '{')) {
        proto_open(r->out, ATTR_G);
        read_graph(r, '}');
        proto_close(r->out);
        proto_int(r->out, ATTR_TYPE, 5);
    } else if (accept(r, '[')) {
        read_list(r);
    } else if (accept(r, '\'')) {
        read_quoted(r, word);
        proto_string(r->out, ATTR_S, word);
        proto_int(r->out, ATTR_TYPE, 3);
    } else {
        read_number(r);
    }
    proto_close(r->out);
}

static void write_name(struct reader *r, uint32_t field, const char *word)
{
    proto_string(r->out, field, strcmp(word, "_") == 0 ? "" : word);
}

/* A node whose first output is `word`. */
static void read_node(struct reader *r, char word[WORD_BYTES])
{
    proto_open(r->out, GRAPH_NODE);
    write_name(r, NODE_OUTPUT, word);
    while (accept(r, ',')) {
        read_word(r, word);
        write_name(r, NODE_OUTPUT, word);
    }
    expect(r, '=');
    read_word(r, word);
    char *colon = strchr(word, ':');
    if (colon != NULL) {
        *colon = '\0';
        proto_string(r->out, NODE_DOMAIN, word);
    }
    proto_string(r->out, NODE_OP, colon != NULL ? colon + 1 : word);
    expect(r, '(');
    while (!accept(r, ')')) {
        read_word(r, word);
        write_name(r, NODE_INPUT, word);
        (void)accept(r, ',');
    }
    for (skip_space(r); *r->p != ';'; skip_space(r)) {
        read_attr(r);
    }
    proto_close(r->out);
}

static void read_graph(struct reader *r, char end)
{
    proto_string(r->out, GRAPH_NAME, "g");
    while (!at_end(r, end)) {
        char word[WORD_BYTES];
        read_word(r, word);
        if (strcmp(word, "in") == 0) {
            read_value(r, GRAPH_INPUT);
        } else if (strcmp(word, "out") == 0) {
            read_value(r, GRAPH_OUTPUT);
        } else if (strcmp(word, "init") == 0) {
            read_init(r);
        } else {
            read_node(r, word);
        }
        expect(r, ';');
    }
}

void model_text(struct proto *p, const char *text)
{
    struct reader r = {.out = p, .p = text};
    int64_t version = 17;
    skip_space(&r);
    if (strncmp(r.p, "opset ", 6) == 0) {
        char *end = NULL;
        version = strtoll(r.p + 6, &end, 10);
        r.p = end;
        expect(&r, ';');
    }
    proto_init(p);
    proto_int(p, MODEL_IR, 8);
    proto_opset(p, MODEL_OPSET, "", version);
    proto_opset(p, MODEL_OPSET, "com.microsoft", 1);
    static const char *const previews[] = {"ai.onnx.preview", "ai.onnx.preview.training"};
    for (size_t i = 0; i < 2; i++) {
        const char *found = strstr(r.p, previews[i]);
        if (found != NULL && found[strlen(previews[i])] == ':') {
            proto_opset(p, MODEL_OPSET, previews[i], 1);
        }
    }
    proto_open(p, MODEL_GRAPH);
    read_graph(&r, '\0');
    proto_end(p);
}

void model_text_write(const char *path, const char *text)
{
    struct proto file;
    model_text(&file, text);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(file.data, 1, file.size, stream), file.size);
    assert_int_equal(fclose(stream), 0);
    proto_free(&file);
}
