/* SPDX-License-Identifier: Apache-2.0 */
#include "common/element.h"
#include "common/literal.h"

#include "support/test.h"

#include <math.h>
#include <string.h>

static void assert_dims(const onnxrun_tensor *tensor, size_t rank, const int64_t *dims)
{
    assert_int_equal(onnxrun_tensor_rank(tensor), rank);
    for (size_t i = 0; i < rank; i++) {
        assert_int_equal(onnxrun_tensor_dims(tensor)[i], dims[i]);
    }
}

static void brackets_give_the_shape(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t rank;
        int64_t dims[3];
    } cases[] = {
        {"7", 0, {0}},
        {"[1]", 1, {1}},
        {"[]", 1, {0}},
        {"[[1, 2, 3], [4, 5, 6]]", 2, {2, 3}},
        {" [ [1] , [2] ] ", 2, {2, 1}},
        {"[[], []]", 2, {2, 0}},
        {"[[[1, 2]]]", 3, {1, 1, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnxrun_error error;
        onnxrun_tensor *tensor;
        assert_int_equal(literal_parse(cases[i].text, ONNXRUN_INT64, &tensor, &error), ONNXRUN_OK);
        assert_dims(tensor, cases[i].rank, cases[i].dims);
        onnxrun_tensor_free(tensor);
    }
}

static void elements_become_the_type_asked_for(void **state)
{
    (void)state;
    onnxrun_error error;
    onnxrun_tensor *tensor;
    assert_int_equal(literal_parse("[1, -0.5, nan, -inf, true]", ONNXRUN_FLOAT, &tensor, &error),
                     ONNXRUN_OK);
    const float *floats = onnxrun_tensor_data(tensor);
    assert_true(floats[0] == 1 && floats[1] == -0.5f && isnan(floats[2]) && isinf(floats[3]) &&
                floats[4] == 1);
    onnxrun_tensor_free(tensor);

    assert_int_equal(literal_parse("[18446744073709551615]", ONNXRUN_UINT64, &tensor, &error),
                     ONNXRUN_OK);
    assert_true(*(const uint64_t *)onnxrun_tensor_data(tensor) == UINT64_MAX);
    onnxrun_tensor_free(tensor);

    assert_int_equal(literal_parse("[0.1, 65504]", ONNXRUN_FLOAT16, &tensor, &error), ONNXRUN_OK);
    const uint16_t *halves = onnxrun_tensor_data(tensor);
    assert_int_equal(halves[0], 0x2e66);
    assert_int_equal(halves[1], 0x7bff);
    onnxrun_tensor_free(tensor);

    assert_int_equal(literal_parse("[[\"a\\\"b\", \"\"]]", ONNXRUN_STRING, &tensor, &error),
                     ONNXRUN_OK);
    assert_dims(tensor, 2, (int64_t[]){1, 2});
    const onnxrun_string *strings = onnxrun_tensor_data(tensor);
    assert_int_equal(strings[0].length, 3);
    assert_memory_equal(strings[0].data, "a\"b", 3);
    assert_int_equal(strings[1].length, 0);
    onnxrun_tensor_free(tensor);
}

static void errors_name_position_and_expectation(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        onnxrun_dtype dtype;
        const char *message;
    } cases[] = {
        {"", ONNXRUN_INT64, "position 1: expected a number"},
        {"[1, 2", ONNXRUN_INT64, "ends at position 6: expected ',' or ']'"},
        {"[1 2]", ONNXRUN_INT64, "position 4: got '2', expected ',' or ']'"},
        {"[1, ]", ONNXRUN_INT64, "position 5: got ']', expected a number"},
        {"[1, x]", ONNXRUN_INT64, "position 5: \"x\" is no number"},
        {"[[1, 2], [3]]", ONNXRUN_INT64,
         "position 12: this list has 1 elements, those before have 2"},
        {"[1, [2]]", ONNXRUN_INT64, "position 5: got '[', expected an element"},
        {"[[1], 2]", ONNXRUN_INT64, "position 7: got '2', expected '['"},
        {"[1] 2", ONNXRUN_INT64, "position 5: got '2', expected the end"},
        {"[[[[[[[[[[[[[[[[[1", ONNXRUN_INT64, "position 17: got '[', expected an element"},
        {"[1.5]", ONNXRUN_INT64, "position 2: 1.5 does not fit into int64"},
        {"[256]", ONNXRUN_UINT8, "position 2: 256 does not fit into uint8"},
        {"[1e39]", ONNXRUN_FLOAT, "position 2: 1e+39 does not fit into float"},
        {"[16777217]", ONNXRUN_FLOAT, "position 2: 16777217 does not fit into float"},
        {"[99999999999999999999]", ONNXRUN_UINT64, "is no number"},
        {"[1]", ONNXRUN_STRING, "expected a string in double quotes"},
        {"[\"a", ONNXRUN_STRING, "ends at position 4: expected '\"'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnxrun_error error;
        onnxrun_tensor *tensor;
        assert_int_equal(literal_parse(cases[i].text, cases[i].dtype, &tensor, &error),
                         ONNXRUN_ERR_ARGUMENT);
        assert_null(tensor);
        if (strstr(error.message, cases[i].message) == NULL) {
            fail_msg("%s: got \"%s\", expected \"%s\"", cases[i].text, error.message,
                     cases[i].message);
        }
    }
}

static void literals_are_told_from_file_names(void **state)
{
    (void)state;
    assert_true(literal_is_likely("[1]"));
    assert_true(literal_is_likely("-1.5"));
    assert_true(literal_is_likely("true"));
    assert_false(literal_is_likely("x.npy"));
    assert_false(literal_is_likely("3rd"));
}

/* Every code of a type becomes a number that encodes back to it. */
static void small_floats_survive_a_round_trip(void **state)
{
    (void)state;
    static const onnxrun_dtype dtypes[] = {
        ONNXRUN_FLOAT16,    ONNXRUN_BFLOAT16,   ONNXRUN_FLOAT8E4M3FN,  ONNXRUN_FLOAT8E4M3FNUZ,
        ONNXRUN_FLOAT8E5M2, ONNXRUN_FLOAT8E8M0, ONNXRUN_FLOAT8E5M2FNUZ};
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        bool is_byte = onnxrun_dtype_size(dtypes[i]) == 1;
        for (unsigned code = 0; code < (is_byte ? 256 : 65536); code++) {
            uint16_t wide = (uint16_t)code, wide_back = 0;
            uint8_t byte = (uint8_t)code, byte_back = 0;
            struct number number = element_get(dtypes[i], is_byte ? (void *)&byte : &wide, 0);
            enum element_fit fit =
                element_set(dtypes[i], is_byte ? (void *)&byte_back : &wide_back, 0, &number);
            assert_int_equal(fit, ELEMENT_EXACT);
            if (!isnan(number.real)) {
                assert_int_equal(is_byte ? byte_back : wide_back, code);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brackets_give_the_shape),
        cmocka_unit_test(elements_become_the_type_asked_for),
        cmocka_unit_test(errors_name_position_and_expectation),
        cmocka_unit_test(literals_are_told_from_file_names),
        cmocka_unit_test(small_floats_survive_a_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
