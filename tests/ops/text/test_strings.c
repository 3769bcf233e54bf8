/* SPDX-License-Identifier: Apache-2.0 */
/* StringConcat, StringSplit and StringNormalizer. */
#include "support/op_test.h"

#include <string.h>

#define S(text)                                                                                    \
    {                                                                                              \
        .data = text, .length = sizeof(text) - 1                                                   \
    }
#define TEXTS(...) ((const struct onr_string[]){__VA_ARGS__})

static struct onr_tensor *strings(size_t rank, const int64_t *dims, const struct onr_string *values)
{
    return test_tensor(ONR_STRING, rank, dims, values);
}

static void concat(const struct onr_tensor *x, const struct onr_tensor *y,
                   const struct onr_tensor *z)
{
    struct op_test t;
    op_test_begin(&t, "", "StringConcat", 20);
    op_test_input(&t, x);
    op_test_input(&t, y);
    op_test_output(&t, z);
    op_test_run(&t);
}

static void concat_joins_with_broadcasting(void **state)
{
    (void)state;
    concat(strings(SHAPE(3), TEXTS(S("abc"), S(""), S("\xe7\x9a\x84"))),
           strings(SHAPE(3), TEXTS(S(".com"), S(""), S("\xff"))),
           strings(SHAPE(3), TEXTS(S("abc.com"), S(""), S("\xe7\x9a\x84\xff"))));
    concat(strings(SHAPE(2, 1), TEXTS(S("a"), S("b"))),
           strings(SHAPE(3), TEXTS(S("1"), S(""), S("3"))),
           strings(SHAPE(2, 3), TEXTS(S("a1"), S("a"), S("a3"), S("b1"), S("b"), S("b3"))));
    concat(strings(SCALAR, TEXTS(S("x"))), strings(SHAPE(1), TEXTS(S("y"))),
           strings(SHAPE(1), TEXTS(S("xy"))));
    concat(strings(SHAPE(0), NULL), strings(SHAPE(1), TEXTS(S("y"))), strings(SHAPE(0), NULL));
}

static void concat_refuses_shapes_and_types(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "StringConcat", 20);
    op_test_input(&t, strings(SHAPE(2), NULL));
    op_test_input(&t, strings(SHAPE(3), NULL));
    op_test_output(&t, strings(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "broadcast");
    t.inputs[1] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "float");
}

/* x split with these attributes (NULL, -2: absent); parts and counts are expected. */
static void split(const char *delimiter, int64_t max_splits, const struct onr_tensor *x,
                  const struct onr_tensor *parts, const struct onr_tensor *counts)
{
    struct op_test t;
    op_test_begin(&t, "", "StringSplit", 20);
    if (delimiter != NULL) {
        op_test_string(&t, "delimiter", delimiter);
    }
    if (max_splits != -2) {
        op_test_int(&t, "maxsplit", max_splits);
    }
    op_test_input(&t, x);
    op_test_output(&t, parts);
    op_test_output(&t, counts);
    op_test_run(&t);
}

static void split_by_delimiter_keeps_empty_parts(void **state)
{
    (void)state;
    split(".", -2, strings(SHAPE(3), TEXTS(S("a..b"), S(""), S("a"))),
          strings(SHAPE(3, 3),
                  TEXTS(S("a"), S(""), S("b"), S(""), S(""), S(""), S("a"), S(""), S(""))),
          test_i64(SHAPE(3), (int64_t[]){3, 1, 1}));
    split("--", 1, strings(SHAPE(2, 1), TEXTS(S("a---b--c"), S("--"))),
          strings(SHAPE(2, 1, 2), TEXTS(S("a"), S("-b--c"), S(""), S(""))),
          test_i64(SHAPE(2, 1), (int64_t[]){2, 2}));
    split("abc", 0, strings(SCALAR, TEXTS(S("xabcx"))), strings(SHAPE(1), TEXTS(S("xabcx"))),
          test_i64(SCALAR, (int64_t[]){1}));
    split("\n", -1, strings(SHAPE(0, 2), NULL), strings(SHAPE(0, 2, 0), NULL),
          test_i64(SHAPE(0, 2), NULL));
}

static void split_by_white_space_drops_empty_parts(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *delimiter = i == 0 ? NULL : "";
        split(delimiter, -2, strings(SHAPE(2), TEXTS(S("  hello \t\v world\r\n"), S("   "))),
              strings(SHAPE(2, 2), TEXTS(S("hello"), S("world"), S(""), S(""))),
              test_i64(SHAPE(2), (int64_t[]){2, 0}));
        split(delimiter, 1, strings(SHAPE(1), TEXTS(S(" a  b  c "))),
              strings(SHAPE(1, 2), TEXTS(S("a"), S("b  c "))), test_i64(SHAPE(1), (int64_t[]){2}));
        split(delimiter, 0, strings(SHAPE(1), TEXTS(S(" a b "))),
              strings(SHAPE(1, 1), TEXTS(S("a b "))), test_i64(SHAPE(1), (int64_t[]){1}));
        split(delimiter, -2, strings(SHAPE(1), TEXTS(S(""))), strings(SHAPE(1, 0), NULL),
              test_i64(SHAPE(1), (int64_t[]){0}));
    }
}

static void split_gives_the_outputs_that_are_wanted(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "StringSplit", 20);
    op_test_input(&t, strings(SHAPE(1), TEXTS(S("a b"))));
    op_test_output(&t, NULL);
    op_test_output(&t, test_i64(SHAPE(1), (int64_t[]){2}));
    op_test_fails(&t, ONR_ERR_MODEL, "required output 0 is empty");
    op_test_begin(&t, "", "StringSplit", 20);
    op_test_input(&t, strings(SHAPE(1), TEXTS(S("a b"))));
    op_test_output(&t, strings(SHAPE(1, 2), TEXTS(S("a"), S("b"))));
    op_test_run(&t);
}

static void split_refuses_too_many_dimensions(void **state)
{
    (void)state;
    struct op_test t;
    int64_t dims[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    op_test_begin(&t, "", "StringSplit", 20);
    op_test_input(&t, strings(16, dims, NULL));
    op_test_output(&t, strings(16, dims, NULL));
    op_test_fails(&t, ONR_ERR_LIMIT, "rank 16 + 1 exceeds 16");
}

static void normalizer(struct op_test *t, const char *action, int64_t is_case_sensitive,
                       size_t word_count, const struct onr_string *words)
{
    op_test_begin(t, "", "StringNormalizer", 10);
    op_test_string(t, "case_change_action", action);
    op_test_int(t, "is_case_sensitive", is_case_sensitive);
    op_test_strings(t, "stopwords", word_count, words);
}

static void normalizer_drops_stop_words(void **state)
{
    (void)state;
    static const struct onr_string days[] = {S("monday"), S("tuesday"), S("Monday"), S("MONDAY")};
    static const struct onr_string words[] = {S("sunday"), S("monday")};
    struct op_test t;
    normalizer(&t, "NONE", 1, 2, words);
    op_test_input(&t, strings(SHAPE(4), days));
    op_test_output(&t, strings(SHAPE(3), TEXTS(S("tuesday"), S("Monday"), S("MONDAY"))));
    op_test_run(&t);

    normalizer(&t, "NONE", 0, 2, words);
    op_test_input(&t, strings(SHAPE(1, 4), days));
    op_test_output(&t, strings(SHAPE(1, 1), TEXTS(S("tuesday"))));
    op_test_run(&t);

    normalizer(&t, "UPPER", 1, 2, words);
    op_test_input(&t, strings(SHAPE(4), days));
    op_test_output(&t, strings(SHAPE(3), TEXTS(S("TUESDAY"), S("MONDAY"), S("MONDAY"))));
    op_test_run(&t);
}

static void normalizer_gives_one_empty_string_when_nothing_is_left(void **state)
{
    (void)state;
    static const struct onr_string words[] = {S("Monday")};
    struct op_test t;
    for (int action = 0; action < 3; action++) {
        normalizer(&t, ((const char *[]){"NONE", "LOWER", "UPPER"})[action], 0, 1, words);
        op_test_input(&t, strings(SHAPE(1, 2), TEXTS(S("MONDAY"), S("monday"))));
        op_test_output(&t, strings(SHAPE(1, 1), TEXTS(S(""))));
        op_test_run(&t);
    }
    op_test_begin(&t, "", "StringNormalizer", 10);
    op_test_input(&t, strings(SHAPE(0), NULL));
    op_test_output(&t, strings(SHAPE(1), TEXTS(S(""))));
    op_test_run(&t);
}

static void normalizer_knows_letters_of_all_scripts(void **state)
{
    (void)state;
    static const struct onr_string lower[] = {S("az-09"),
                                              S("\xc3\xa9\xc3\xbf"),
                                              S("\xce\xb1\xcf\x89"),
                                              S("\xd1\x8f\xd1\x91"),
                                              S("\xc8\xba"),
                                              S("\xff\xc3"),
                                              S(""),
                                              S("\xc3\x9f"),
                                              S("\xf0\x90\x90\xa8")};
    static const struct onr_string upper[] = {S("AZ-09"),
                                              S("\xc3\x89\xc5\xb8"),
                                              S("\xce\x91\xce\xa9"),
                                              S("\xd0\xaf\xd0\x81"),
                                              S("\xc8\xba"),
                                              S("\xff\xc3"),
                                              S(""),
                                              S("\xc3\x9f"),
                                              S("\xf0\x90\x90\x80")};
    struct onr_string lowered[9];
    struct op_test t;
    op_test_begin(&t, "", "StringNormalizer", 10);
    op_test_string(&t, "case_change_action", "UPPER");
    op_test_string(&t, "locale", "en_US");
    op_test_input(&t, strings(SHAPE(9), lower));
    op_test_output(&t, strings(SHAPE(9), upper));
    op_test_run(&t);
    /* U+023A takes two bytes, its lower case U+2C65 three. */
    memcpy(lowered, lower, sizeof lowered);
    lowered[4] = (struct onr_string)S("\xe2\xb1\xa5");
    op_test_begin(&t, "", "StringNormalizer", 10);
    op_test_string(&t, "case_change_action", "LOWER");
    op_test_input(&t, strings(SHAPE(9), upper));
    op_test_output(&t, strings(SHAPE(9), lowered));
    op_test_run(&t);
}

static void normalizer_finds_each_of_many_stop_words(void **state)
{
    (void)state;
    static char texts[200][8];
    static struct onr_string words[200];
    static struct onr_string input[201];
    struct op_test t;
    for (int i = 0; i < 200; i++) {
        int n = (i * 37) % 200;
        texts[i][0] = (char)('a' + n % 26);
        texts[i][1] = (char)('a' + n / 26);
        words[i] = (struct onr_string){.data = texts[i], .length = 2};
        input[i] = words[i];
    }
    input[200] = (struct onr_string)S("ab?");
    normalizer(&t, "NONE", 1, 200, words);
    op_test_input(&t, strings(SHAPE(201), input));
    op_test_output(&t, strings(SHAPE(1), TEXTS(S("ab?"))));
    op_test_run(&t);
}

static void normalizer_refuses(const char *name, const char *value, const struct onr_tensor *x,
                               enum onr_status status, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "StringNormalizer", 10);
    op_test_string(&t, name, value);
    op_test_input(&t, x);
    op_test_output(&t, strings(SHAPE(1), NULL));
    op_test_fails(&t, status, text);
}

static void normalizer_refuses_shapes_and_attributes(void **state)
{
    (void)state;
    normalizer_refuses("case_change_action", "upper", strings(SHAPE(1), NULL), ONR_ERR_MODEL,
                       "case_change_action is \"upper\", expected NONE, LOWER or UPPER");
    normalizer_refuses("locale", "tr_TR", strings(SHAPE(1), NULL), ONR_ERR_UNSUPPORTED,
                       "locale \"tr_TR\" has a case of i of its own");
    normalizer_refuses("locale", "en", strings(SHAPE(2, 3), NULL), ONR_ERR_SHAPE,
                       "input has shape 2x3, expected C or 1xC");
    normalizer_refuses("locale", "en", strings(SCALAR, NULL), ONR_ERR_SHAPE,
                       "input has shape scalar");
    normalizer_refuses("locale", "en", test_i64(SHAPE(1), NULL), ONR_ERR_UNSUPPORTED, "int64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(concat_joins_with_broadcasting, test_tensors_free),
        cmocka_unit_test_teardown(concat_refuses_shapes_and_types, test_tensors_free),
        cmocka_unit_test_teardown(split_by_delimiter_keeps_empty_parts, test_tensors_free),
        cmocka_unit_test_teardown(split_by_white_space_drops_empty_parts, test_tensors_free),
        cmocka_unit_test_teardown(split_gives_the_outputs_that_are_wanted, test_tensors_free),
        cmocka_unit_test_teardown(split_refuses_too_many_dimensions, test_tensors_free),
        cmocka_unit_test_teardown(normalizer_drops_stop_words, test_tensors_free),
        cmocka_unit_test_teardown(normalizer_gives_one_empty_string_when_nothing_is_left,
                                  test_tensors_free),
        cmocka_unit_test_teardown(normalizer_knows_letters_of_all_scripts, test_tensors_free),
        cmocka_unit_test_teardown(normalizer_finds_each_of_many_stop_words, test_tensors_free),
        cmocka_unit_test_teardown(normalizer_refuses_shapes_and_attributes, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
