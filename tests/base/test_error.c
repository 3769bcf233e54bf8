/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/text.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static void a_message_carries_its_status(void **state)
{
    (void)state;
    struct onr_error err;
    assert_int_equal(onr_fail(&err, ONR_ERR_SHAPE, "got %d, expected %s", 3, "4"), ONR_ERR_SHAPE);
    assert_int_equal(err.status, ONR_ERR_SHAPE);
    assert_string_equal(err.message, "got 3, expected 4");
    onr_error_prefix(&err, "node \"%s\": ", "a\nb");
    assert_string_equal(err.message, "node \"a\\x0ab\": got 3, expected 4");
    assert_int_equal(err.status, ONR_ERR_SHAPE);
    assert_int_equal(onr_fail_memory(&err, "plan"), ONR_ERR_MEMORY);
    assert_string_equal(err.message, "out of memory: plan");
    onr_error_clear(&err);
    assert_int_equal(err.status, ONR_OK);
    assert_string_equal(err.message, "");
}

static void what_is_no_text_is_escaped(void **state)
{
    (void)state;
    struct onr_error err;
    (void)onr_fail(&err, ONR_ERR_MODEL, "%s", "\x01\x1f\x7f\t \\ \xc3\xa9 \xff \xe2\x82 \xc0\x80");
    assert_string_equal(err.message,
                        "\\x01\\x1f\\x7f\\x09 \\ \xc3\xa9 \\xff \\xe2\\x82 \\xc0\\x80");
    onr_error_prefix(&err, "%s", "");
    assert_string_equal(err.message,
                        "\\x01\\x1f\\x7f\\x09 \\ \xc3\xa9 \\xff \\xe2\\x82 \\xc0\\x80");
}

static void assert_is_text(const char *message)
{
    size_t left = strlen(message);
    assert_true(left < ONR_MESSAGE_BYTES);
    while (left > 0) {
        size_t length = onr_utf8_length((const uint8_t *)message, left);
        assert_true(length > 0 && (unsigned char)*message >= 0x20);
        message += length;
        left -= length;
    }
}

/* At whatever byte the end of the buffer falls, no sequence and no escape is cut in two. */
static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const fillers[] = {"a",  "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                          "\n", "\xff"};
    for (size_t f = 0; f < sizeof fillers / sizeof fillers[0]; f++) {
        for (size_t shift = 0; shift < 5; shift++) {
            char text[3 * ONR_MESSAGE_BYTES] = "xxxxx";
            size_t used = shift;
            while (used + 4 < sizeof text) {
                memcpy(text + used, fillers[f], strlen(fillers[f]));
                used += strlen(fillers[f]);
            }
            text[used] = '\0';
            struct onr_error err;
            (void)onr_fail(&err, ONR_ERR_MODEL, "%s", text);
            assert_is_text(err.message);
            assert_true(strlen(err.message) > ONR_MESSAGE_BYTES - 6 || f == 4 || f == 5);
            assert_true(strstr(err.message, "\\x") == NULL || f == 4 || f == 5);
            onr_error_prefix(&err, "%s: ", "prefix");
            assert_is_text(err.message);
            assert_memory_equal(err.message, "prefix: ", 8);
            onr_error_prefix(&err, "%s", text);
            assert_is_text(err.message);
        }
    }
}

static void every_status_has_a_text(void **state)
{
    (void)state;
#define CHECK(name, number, text)                                                                  \
    assert_string_equal(onr_status_text(ONR_ERR_##name), text);                                    \
    assert_int_equal(ONR_ERR_##name, number);
    ONR_STATUS_LIST(CHECK)
#undef CHECK
    assert_string_equal(onr_status_text((enum onr_status)2), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_carries_its_status),
        cmocka_unit_test(what_is_no_text_is_escaped),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
