/* SPDX-License-Identifier: Apache-2.0 */
#include "common/value_file.h"

#include "support/test.h"

#include <stdlib.h>

static void assert_path(const char *name, const char *suffix, const char *expected)
{
    char *path = value_file_path("folder", name, suffix);
    assert_string_equal(path, expected);
    free(path);
}

static void names_are_spelled_as_python_quotes_them(void **state)
{
    (void)state;
    assert_path("/layer.0/Add_1-x~", ".npy", "folder/%2Flayer.0%2FAdd_1-x~.npy");
    assert_path("..", ".pb", "folder/...pb");
    assert_path("", ".npy", "folder/.npy");
    assert_path("a b\n\xc3\xa4%:", ".npy", "folder/a%20b%0A%C3%A4%25%3A.npy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_spelled_as_python_quotes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
