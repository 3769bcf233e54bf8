/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <string.h>

static const struct onr_string *text_of(const char *text, struct onr_string *string)
{
    *string = (struct onr_string){.data = text, .length = strlen(text)};
    return string;
}

static void check(const char *pattern, const char *text, uint8_t expected)
{
    struct op_test t;
    struct onr_string string;
    op_test_begin(&t, "", "RegexFullMatch", 20);
    op_test_string(&t, "pattern", pattern);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(1), text_of(text, &string)));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(1), &expected));
    op_test_run(&t);
}

/* A pattern with strings that match and, behind "", strings that do not. */
struct example {
    const char *pattern;
    const char *texts[10];
};

static void syntax_of_re2(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"(\\W|^)[\\w.\\-]{0,25}@(yahoo|gmail)\\.com(\\W|$)",
         {"account@gmail.com", "", "account@hotmail.com", "not email"}},
        {"www[\\w.-]+\\bcom\\b", {"www.google.com", "", "www.facebook.co", "acom"}},
        {"a|bc|", {"a", "bc", "", "b", "abc", "ac"}},
        {"(ab|a)(bc)?", {"ab", "a", "abc", "abbc", "", "abcbc", "b"}},
        {"a*?b+?c??", {"b", "aabbc", "", "ac", "abcc"}},
        {"(?:a{2}){1,2}b{2,}c{0}", {"aabb", "aaaabbb", "", "aab", "aaabb", "aabbc"}},
        {"x{,2}y{z", {"x{,2}y{z", "", "xxyz"}},
        {".\\x41\\x{e9}\\101\\n",
         {"zA\xc3\xa9"
          "A\n",
          "",
          "\nA\xc3\xa9"
          "A\n"}},
        {"(?s).", {"\n", "\xe7\x9a\x84", "", "ab"}},
        {"[^a-c]", {"d", "\n", "\xc3\xa9", "", "a", "\xff", "dd"}},
        {"[]a-]+[[:digit:]_[:^ascii:]]", {"]a-1", "a\xc3\xa9", "", "ab", "a"}},
        {"\\d\\D\\s\\S\\w\\W[\\d\\W]", {"1x 2_- ", "", "11 2_- ", "1x 2_-a"}},
        {"(?i)abc[d-f]\\x{3c9}", {"AbCE\xce\xa9", "abcf\xcf\x89", "", "abcg\xcf\x89"}},
        {"(?i:k)[k]", {"\xe2\x84\xaak", "Kk", "", "kK"}},
        {"(?i)[^x]", {"y", "", "X", "x"}},
        {"a(?i)b(?-i)c|d", {"abc", "aBc", "d", "", "aBC", "Abc"}},
        {"(?P<name>a)(?<other>b)(?i:c)d", {"abcd", "abCd", "", "abcD"}},
        {"\\Qa.b*\\E+", {"a.b*", "a.b***", "", "axb", "a.b"}},
        {"^a$|\\Ab\\z", {"a", "b", "", "ab"}},
        {"(?m)a$\\n^b", {"a\nb", "", "ab"}},
        {"a\\b.\\Bb?", {"a ", "", "ab", "a b"}},
        {"(a*)*", {"aaa", "", "b"}},
        {"(|a)+b", {"b", "aab", "", "a"}},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        bool is_match = true;
        for (const char *const *text = examples[i].texts; *text != NULL; text++) {
            if (is_match && **text == '\0') {
                is_match = false;
                continue;
            }
            check(examples[i].pattern, *text, is_match);
        }
    }
    check("", "", 1);
    check("a*", "", 1);
    check("a", "", 0);
    check("\\A\\z^$\\B", "", 1);
}

static void any_shape_keeps_its_shape(void **state)
{
    (void)state;
    struct onr_string scalar;
    static const struct onr_string strings[] = {{"a", 1},  {"b", 1},    {"ab", 2},
                                                {NULL, 0}, {"a\0b", 3}, {"aaaa", 4}};
    struct op_test t;
    op_test_begin(&t, "", "RegexFullMatch", 20);
    op_test_string(&t, "pattern", "(a|\\x00b)*");
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(2, 3), strings));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(2, 3), (uint8_t[]){1, 0, 0, 1, 1, 1}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_STRING, SHAPE(0, 2), NULL);
    t.outputs[0] = test_tensor(ONR_BOOL, SHAPE(0, 2), NULL);
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_STRING, SCALAR, text_of("aa", &scalar));
    t.outputs[0] = test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1});
    op_test_run(&t);
}

/* Patterns that take matchers with backtracking exponential time. */
static void hostile_patterns_take_linear_time(void **state)
{
    (void)state;
    static char text[50001];
    memset(text, 'a', 50000);
    check("(a+)+$b", text, 0);
    check("(a|aa|a?){20}(a|a)*(a*)*b", text, 0);
    check("((a{0,30}){0,30}){0,3}x", "aaaaaaaaaaaaaaaaaaaaaaaa", 0);
}

static void refuses(const char *pattern, enum onr_status status, const char *message)
{
    struct op_test t;
    struct onr_string string;
    op_test_begin(&t, "", "RegexFullMatch", 20);
    op_test_string(&t, "pattern", pattern);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(1), text_of("a", &string)));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(1), NULL));
    op_test_fails(&t, status, message);
}

static void bad_patterns_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"(a", "pattern at byte 2: missing )"},
        {"a)", "a ) without ("},
        {"[a", "missing ]"},
        {"[", "missing ]"},
        {"[a\\", "a backslash at the end"},
        {"[b-a]", "a range that ends before it begins"},
        {"[[:none:]]", "a class that does not exist"},
        {"*a", "a repetition of nothing"},
        {"(?i)*", "a repetition of nothing"},
        {"a|+", "a repetition of nothing"},
        {"a**", "a repetition of a repetition"},
        {"a{2}{3}", "a repetition of a repetition"},
        {"a{1001}", "a repetition out of range"},
        {"a{2,1}", "a repetition out of range"},
        {"a{99999999999999999999}", "a repetition out of range"},
        {"a\\", "a backslash at the end"},
        {"(a)\\1", "a back reference"},
        {"\\x1", "digits behind \\x"},
        {"\\x{110000}", "a character beyond 10FFFF"},
        {"\\x{41", "digits behind \\x"},
        {"\\y", "an escape that does not exist"},
        {"\\8", "an escape that does not exist"},
        {"(?=a)", "a group that does not exist in RE2"},
        {"(?i", "missing )"},
        {"(?<n", "missing name of a group"},
        {"(?P<>a)", "missing name of a group"},
        {"(?P<a-b>a)", "not allowed in names"},
        {"a\xff", "no UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(cases[i][0], ONR_ERR_MODEL, cases[i][1]);
    }
    refuses("\\pL", ONR_ERR_UNSUPPORTED, "p is not supported");
    refuses("[\\C]", ONR_ERR_UNSUPPORTED, "C is not supported");
    refuses("((a{1000}){1000})", ONR_ERR_LIMIT, "more than 32768 instructions");
}

static void deep_groups_are_limited(void **state)
{
    (void)state;
    static char pattern[2 * 1001 + 2];
    memset(pattern, '(', 1001);
    memset(pattern + 1001, ')', 1001);
    refuses(pattern, ONR_ERR_LIMIT, "more than 1000 levels of groups");
    check(strcat(strcpy(pattern, "(((("), "a))))"), "a", 1);
}

static void the_pattern_is_needed(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "RegexFullMatch", 20);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(1), NULL));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute pattern is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(syntax_of_re2, test_tensors_free),
        cmocka_unit_test_teardown(any_shape_keeps_its_shape, test_tensors_free),
        cmocka_unit_test_teardown(hostile_patterns_take_linear_time, test_tensors_free),
        cmocka_unit_test_teardown(bad_patterns_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(deep_groups_are_limited, test_tensors_free),
        cmocka_unit_test_teardown(the_pattern_is_needed, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
