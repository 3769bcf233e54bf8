/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sequence.h"
#include "support/test.h"

#include <stdlib.h>

static void a_copy_of_a_sequence_is_one_block(void **state)
{
    (void)state;
    struct onr_tensor items[] = {*test_f32(SHAPE(3), (float[]){1, 2, 3}), *test_f32(SHAPE(0), NULL),
                                 *test_f32(SCALAR, (float[]){4})};
    struct onr_tensor sequence = {.dtype = ONR_FLOAT,
                                  .kind = ONR_KIND_SEQUENCE,
                                  .shape = {.rank = 1, .dim = {3}},
                                  .data = items};
    struct onr_tensor copy;
    size_t bytes = 0;
    assert_true(onr_value_bytes(&sequence, &bytes));
    assert_int_equal(bytes, onr_sequence_table_bytes(3) + 64 + 0 + 64);
    char *block = malloc(bytes);
    assert_non_null(block);
    onr_value_copy(&sequence, block, &copy);
    assert_ptr_equal(copy.data, block);
    for (int i = 0; i < 3; i++) {
        assert_tensor_close(&onr_sequence_items(&copy)[i], &items[i], 0, 0);
    }
    free(block);
}

static void tensors_and_absent_values_have_bytes_too(void **state)
{
    (void)state;
    struct onr_tensor none = {.dtype = ONR_FLOAT, .kind = ONR_KIND_NONE};
    struct onr_tensor copy;
    size_t bytes = 1;
    assert_true(onr_value_bytes(&none, &bytes));
    assert_int_equal(bytes, 0);
    onr_value_copy(&none, NULL, &copy);
    assert_int_equal(copy.kind, ONR_KIND_NONE);
    assert_true(onr_value_bytes(test_f32(SHAPE(2, 3), NULL), &bytes));
    assert_int_equal(bytes, 24);
}

static void overlong_sequences_have_no_size(void **state)
{
    (void)state;
    struct onr_tensor huge = {.dtype = ONR_FLOAT, .shape = {.rank = 1, .dim = {(int64_t)1 << 43}}};
    struct onr_tensor items[] = {huge, huge, huge};
    struct onr_tensor sequence = {.dtype = ONR_FLOAT,
                                  .kind = ONR_KIND_SEQUENCE,
                                  .shape = {.rank = 1, .dim = {3}},
                                  .data = items};
    size_t bytes = 0;
    assert_false(onr_value_bytes(&sequence, &bytes));
    sequence.shape.dim[0] = ONR_MAX_SEQUENCE + 1;
    assert_false(onr_value_bytes(&sequence, &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_copy_of_a_sequence_is_one_block, test_tensors_free),
        cmocka_unit_test_teardown(tensors_and_absent_values_have_bytes_too, test_tensors_free),
        cmocka_unit_test(overlong_sequences_have_no_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
