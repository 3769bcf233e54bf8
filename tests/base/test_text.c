/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "support/json.h"
#include "support/test.h"

#include <string.h>

static struct onr_mem mem;
static struct onr_text text;

static int setup(void **state)
{
    (void)state;
    onr_mem_init(&mem, NULL, 0);
    onr_text_init(&text, &mem);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    onr_text_free(&text);
    assert_int_equal(mem.live_bytes, 0);
    return 0;
}

static void text_grows(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) {
        onr_text_add(&text, "%d,", i % 10);
    }
    assert_int_equal(text.length, 20000);
    assert_int_equal(strlen(text.data), 20000);
    assert_memory_equal(text.data + 19990, "5,6,7,8,9,", 10);
    onr_text_add(&text, "%s", "");
    assert_int_equal(text.length, 20000);
}

static void running_out_of_memory_is_remembered(void **state)
{
    (void)state;
    mem.cap_bytes = 1000;
    onr_text_add(&text, "a");
    onr_text_add(&text, "%*d", 5000, 1);
    assert_true(text.has_failed);
    onr_text_add(&text, "b");
    onr_text_add_name(&text, "c");
    assert_string_equal(text.data, "a");
}

static void names_are_escaped(void **state)
{
    (void)state;
    onr_text_add_name(&text, "a\n\x7f\xc3\xa9\\");
    assert_string_equal(text.data, "a\\x0a\\x7f\xc3\xa9\\");
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    static const char bytes[] = "q\" b\\ \0 \x1f \x7f \xc3\xa9 \xf0\x9f\x98\x80";
    onr_text_add_json(&text, bytes, sizeof bytes - 1);
    assert_string_equal(text.data,
                        "\"q\\\" b\\\\ \\u0000 \\u001f \\u007f \xc3\xa9 \xf0\x9f\x98\x80\"");
    assert_true(json_is_valid(text.data));
}

static void strings_that_are_not_there_are_null(void **state)
{
    (void)state;
    onr_text_add_json_string(&text, NULL);
    onr_text_add_json_string(&text, "a\"");
    onr_text_add_json_string(&text, "");
    assert_string_equal(text.data, "null\"a\\\"\"\"\"");
}

/* Lone, overlong, surrogate, too large and cut sequences all become U+FFFD, byte by byte. */
static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xff",
                                      "\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xe2\x82",
                                      "\xc3",
                                      "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        onr_text_free(&text);
        onr_text_add_json(&text, bad[i], strlen(bad[i]));
        assert_int_equal(text.length, 2 + 6 * strlen(bad[i]));
        assert_memory_equal(text.data, "\"\\ufffd", 7);
        assert_true(json_is_valid(text.data));
    }
}

static void every_byte_gives_valid_json(void **state)
{
    (void)state;
    char bytes[512];
    for (int i = 0; i < 512; i++) {
        bytes[i] = (char)(i * 31);
    }
    onr_text_add_json(&text, bytes, sizeof bytes);
    assert_true(json_is_valid(text.data));
}

static void lengths_of_utf8_sequences(void **state)
{
    (void)state;
    assert_int_equal(onr_utf8_length((const uint8_t *)"a", 1), 1);
    assert_int_equal(onr_utf8_length((const uint8_t *)"", 1), 1);
    assert_int_equal(onr_utf8_length((const uint8_t *)"\xc2\x80", 2), 2);
    assert_int_equal(onr_utf8_length((const uint8_t *)"\xef\xbf\xbf", 3), 3);
    assert_int_equal(onr_utf8_length((const uint8_t *)"\xf4\x8f\xbf\xbf", 4), 4);
    assert_int_equal(onr_utf8_length((const uint8_t *)"\xf4\x8f\xbf\xbf", 3), 0);
    assert_int_equal(onr_utf8_length((const uint8_t *)"\xc2", 1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(text_grows),
        TEST(running_out_of_memory_is_remembered),
        TEST(names_are_escaped),
        TEST(json_strings_are_escaped),
        TEST(strings_that_are_not_there_are_null),
        TEST(bytes_that_are_no_utf8_are_replaced),
        TEST(every_byte_gives_valid_json),
        TEST(lengths_of_utf8_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
