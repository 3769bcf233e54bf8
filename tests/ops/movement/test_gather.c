/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <string.h>

static const float table[] = {0, 1, 10, 11, 20, 21};

static void gather(struct op_test *t, int64_t axis, const struct onr_tensor *indices)
{
    op_test_begin(t, "", "Gather", 13);
    op_test_int(t, "axis", axis);
    op_test_input(t, test_f32(SHAPE(3, 2), table));
    op_test_input(t, indices);
}

static void rows_and_columns_are_picked(void **state)
{
    (void)state;
    struct op_test t;
    gather(&t, 0, test_i64(SHAPE(2, 2), (int64_t[]){2, 0, -1, -3}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){20, 21, 0, 1, 20, 21, 0, 1}));
    op_test_run(&t);
    gather(&t, -1, test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){1}));
    op_test_output(&t, test_f32(SHAPE(3, 1), (float[]){1, 11, 21}));
    op_test_run(&t);
}

static void a_scalar_index_removes_the_axis(void **state)
{
    (void)state;
    struct op_test t;
    gather(&t, 0, test_i64(SCALAR, (int64_t[]){1}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){10, 11}));
    op_test_run(&t);
    op_test_begin(&t, "", "Gather", 1);
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){7, 8}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){1}));
    op_test_output(&t, test_i64(SCALAR, (int64_t[]){8}));
    op_test_run(&t);
}

static void no_indices_give_nothing(void **state)
{
    (void)state;
    struct op_test t;
    gather(&t, 1, test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 0), NULL));
    op_test_run(&t);
}

static void indices_out_of_range_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    gather(&t, 0, test_i64(SHAPE(2), (int64_t[]){0, 3}));
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "index 3 at 1 is out of range [-3, 2]");
    gather(&t, 0, test_i64(SHAPE(1), (int64_t[]){INT64_MIN}));
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "out of range [-3, 2]");
    gather(&t, 1, test_i64(SHAPE(2), (int64_t[]){-3, 0}));
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "index -3 at 0 is out of range [-2, 1]");
    gather(&t, 2, test_i64(SHAPE(1), (int64_t[]){0}));
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range for rank 2");
}

#define PICKED 300 /* more than are checked at a time */
#define OUTER  7
#define DIM    23

/* x[o, index, inner], of which each byte says where it stood, whatever type it is of. */
static void check_picks(enum onr_dtype dtype, int64_t inner, int64_t count, enum onr_dtype index)
{
    static unsigned char x[OUTER * DIM * 5 * 16];
    static unsigned char y[OUTER * PICKED * 5 * 16];
    int64_t picks[PICKED];
    int32_t narrow[PICKED];
    struct op_test t;
    size_t block = (size_t)inner * onr_dtype_size(dtype);
    for (size_t i = 0; i < sizeof x; i++) {
        x[i] = (unsigned char)(i % 251);
    }
    for (int64_t i = 0; i < count; i++) {
        picks[i] = i * 5 % DIM - (i % 3 == 0 ? DIM : 0);
        narrow[i] = (int32_t)picks[i];
        for (int64_t o = 0; o < OUTER; o++) {
            memcpy(y + (size_t)(o * count + i) * block, x + (size_t)(o * DIM + i * 5 % DIM) * block,
                   block);
        }
    }
    const void *indices = index == ONR_INT64 ? (const void *)picks : narrow;
    op_test_begin(&t, "", "Gather", 13);
    op_test_int(&t, "axis", 1);
    op_test_input(&t, test_tensor(dtype, SHAPE(OUTER, DIM, inner), x));
    op_test_input(&t, test_tensor(index, SHAPE(count), indices));
    op_test_output(&t, test_tensor(dtype, SHAPE(OUTER, count, inner), y));
    op_test_run(&t);
}

static void blocks_of_any_size_are_picked_from_every_row(void **state)
{
    (void)state;
    static const enum onr_dtype dtypes[] = {ONR_UINT8, ONR_INT16, ONR_INT32, ONR_INT64};
    static const int64_t counts[] = {1, 2, PICKED};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            check_picks(dtypes[d], 1, counts[c], ONR_INT64);
            check_picks(dtypes[d], 2, counts[c], ONR_INT32);
            check_picks(dtypes[d], 5, counts[c], ONR_INT64);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_and_columns_are_picked, test_tensors_free),
        cmocka_unit_test_teardown(a_scalar_index_removes_the_axis, test_tensors_free),
        cmocka_unit_test_teardown(no_indices_give_nothing, test_tensors_free),
        cmocka_unit_test_teardown(blocks_of_any_size_are_picked_from_every_row, test_tensors_free),
        cmocka_unit_test_teardown(indices_out_of_range_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
