/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shape.h"
#include "base/size.h"
#include "support/test.h"

#include <string.h>

static struct onr_shape shape_of(size_t rank, const int64_t *dims)
{
    struct onr_shape shape = {.rank = (int)rank};
    for (size_t i = 0; i < rank; i++) {
        shape.dim[i] = dims[i];
    }
    return shape;
}

static int64_t count_of(size_t rank, const int64_t *dims)
{
    struct onr_shape shape = shape_of(rank, dims);
    return onr_shape_count(&shape);
}

static void counts_and_their_overflow(void **state)
{
    (void)state;
    assert_int_equal(count_of(SCALAR), 1);
    assert_int_equal(count_of(SHAPE(2, 3, 4)), 24);
    assert_int_equal(count_of(SHAPE(2, 0, 4)), 0);
    assert_int_equal(count_of(SHAPE(INT64_MAX)), INT64_MAX);
    assert_int_equal(count_of(SHAPE(INT64_MAX, 2)), -1);
    assert_int_equal(count_of(SHAPE(4194305, 4194305, 211106198978564)), -1);
    assert_int_equal(count_of(SHAPE(0, INT64_MAX)), 0);
    assert_int_equal(count_of(SHAPE(0, INT64_MAX, 2)), -1);
    assert_int_equal(count_of(SHAPE(INT64_MAX, 2, 0)), -1);
}

static bool bytes_fit(enum onr_dtype dtype, size_t rank, const int64_t *dims)
{
    size_t bytes = 0;
    struct onr_shape shape = shape_of(rank, dims);
    return onr_shape_bytes(&shape, dtype, &bytes);
}

static void bytes_are_limited(void **state)
{
    (void)state;
    const int64_t limit = (int64_t)ONR_SIZE_LIMIT;
    assert_true(bytes_fit(ONR_UINT8, SHAPE(limit)));
    assert_false(bytes_fit(ONR_UINT8, SHAPE(limit + 1)));
    assert_false(bytes_fit(ONR_DOUBLE, SHAPE(limit)));
    assert_false(bytes_fit(ONR_COMPLEX128, SHAPE(INT64_MAX)));
    assert_true(bytes_fit(ONR_FLOAT, SHAPE(0, limit)));
}

static void strides_and_ranges(void **state)
{
    (void)state;
    struct onr_shape shape = shape_of(SHAPE(2, 3, 4));
    int64_t stride[ONR_MAX_RANK];
    onr_shape_strides(&shape, stride);
    assert_true(stride[0] == 12 && stride[1] == 4 && stride[2] == 1);
    assert_int_equal(onr_shape_range(&shape, 1, 3), 12);
    assert_int_equal(onr_shape_range(&shape, 2, 2), 1);
}

static void axes_are_normalized(void **state)
{
    (void)state;
    int axis = -7;
    assert_true(onr_axis_normalize(-1, 3, &axis) && axis == 2);
    assert_true(onr_axis_normalize(-3, 3, &axis) && axis == 0);
    assert_true(onr_axis_normalize(2, 3, &axis) && axis == 2);
    axis = -7;
    assert_false(onr_axis_normalize(3, 3, &axis));
    assert_false(onr_axis_normalize(-4, 3, &axis));
    assert_false(onr_axis_normalize(0, 0, &axis));
    assert_false(onr_axis_normalize(INT64_MIN, 3, &axis));
    assert_false(onr_axis_normalize(INT64_MAX, 3, &axis));
    assert_int_equal(axis, -7);
}

static void shapes_are_compared(void **state)
{
    (void)state;
    struct onr_shape a = shape_of(SHAPE(2, onr_dim_symbol(0)));
    struct onr_shape b = a;
    assert_true(onr_shape_equal(&a, &b));
    assert_false(onr_shape_is_known(&a));
    b.dim[1] = onr_dim_symbol(1);
    assert_false(onr_shape_equal(&a, &b));
    a.dim[1] = b.dim[1] = ONR_DIM_UNKNOWN;
    assert_false(onr_shape_equal(&a, &b));
    a.rank = b.rank = 1;
    assert_true(onr_shape_equal(&a, &b) && onr_shape_is_known(&a));
    b.rank = 0;
    assert_false(onr_shape_equal(&a, &b));
    assert_true(onr_dim_is_symbol(onr_dim_symbol(UINT32_MAX)));
    assert_int_equal(onr_dim_symbol_index(onr_dim_symbol(UINT32_MAX)), UINT32_MAX);
    assert_false(onr_dim_is_symbol(ONR_DIM_UNKNOWN));
}

static void symbols_are_multiplied_and_divided(void **state)
{
    (void)state;
    const int64_t any = ONR_DIM_UNKNOWN;
    const int64_t n = onr_dim_symbol(7);
    const int64_t last = onr_dim_symbol(UINT32_MAX);
    int64_t four = onr_dim_mul(4, n);
    assert_int_equal(onr_dim_mul(3, 5), 15);
    assert_int_equal(onr_dim_mul(INT64_MAX, 2), any);
    assert_int_equal(onr_dim_mul(any, 0), 0);
    assert_int_equal(onr_dim_mul(any, 1), any);
    assert_int_equal(onr_dim_mul(any, 2), any);
    assert_int_equal(onr_dim_mul(1, n), n);
    assert_int_equal(onr_dim_mul(n, last), any);
    assert_int_equal(onr_dim_mul(n, any), any);
    assert_int_equal(onr_dim_mul(n, 4), four);
    assert_int_equal(onr_dim_mul(onr_dim_mul(n, 2), 2), four);
    assert_true(onr_dim_is_symbol(four) && four != n && four != onr_dim_mul(4, last));
    assert_int_equal(onr_dim_factor(four), 4);
    assert_int_equal(onr_dim_base(four), n);
    assert_int_equal(onr_dim_factor(n), 1);
    assert_int_equal(onr_dim_base(onr_dim_mul(INT32_MAX, last)), last);
    assert_int_equal(onr_dim_factor(onr_dim_mul(INT32_MAX, last)), INT32_MAX);
    assert_int_equal(onr_dim_mul(INT32_MAX, four), any);
    assert_int_equal(onr_dim_div(four, 2), onr_dim_mul(2, n));
    assert_int_equal(onr_dim_div(four, 4), n);
    assert_int_equal(onr_dim_div(four, 3), any);
    assert_int_equal(onr_dim_div(four, 0), any);
    assert_int_equal(onr_dim_div(four, n), any);
    assert_int_equal(onr_dim_div(any, 1), any);
    assert_int_equal(onr_dim_div(17, 5), 3);
}

static void shapes_as_text(void **state)
{
    (void)state;
    char text[ONR_SHAPE_TEXT_BYTES];
    struct onr_shape shape = shape_of(SCALAR);
    assert_string_equal(onr_shape_text(&shape, text), "scalar");
    shape = shape_of(SHAPE(2, -1, -5));
    assert_string_equal(onr_shape_text(&shape, text), "2x?x?");
    shape.rank = ONR_MAX_RANK;
    for (int i = 0; i < ONR_MAX_RANK; i++) {
        shape.dim[i] = INT64_MAX;
    }
    assert_int_equal(strlen(onr_shape_text(&shape, text)), ONR_SHAPE_TEXT_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_their_overflow),
        cmocka_unit_test(bytes_are_limited),
        cmocka_unit_test(strides_and_ranges),
        cmocka_unit_test(axes_are_normalized),
        cmocka_unit_test(shapes_are_compared),
        cmocka_unit_test(symbols_are_multiplied_and_divided),
        cmocka_unit_test(shapes_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
