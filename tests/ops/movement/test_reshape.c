/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"
#include "support/session_test.h"

static void reshape(struct op_test *t, int64_t version, const struct onr_tensor *x,
                    const struct onr_tensor *shape)
{
    op_test_begin(t, "", "Reshape", version);
    op_test_input(t, x);
    op_test_input(t, shape);
}

static const float six[] = {1, 2, 3, 4, 5, 6};

static void zero_copies_and_minus_one_takes_the_rest(void **state)
{
    (void)state;
    struct op_test t;
    reshape(&t, 13, test_f32(SHAPE(2, 3), six), test_i64(SHAPE(3), (int64_t[]){0, -1, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 3, 1), six));
    op_test_run(&t);
    reshape(&t, 5, test_f32(SHAPE(1), six), test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SCALAR, six));
    op_test_run(&t);
}

static void allowzero_takes_zero_as_it_is(void **state)
{
    (void)state;
    struct op_test t;
    reshape(&t, 14, test_f32(SHAPE(0, 3), NULL), test_i64(SHAPE(2), (int64_t[]){3, 0}));
    op_test_int(&t, "allowzero", 1);
    op_test_output(&t, test_f32(SHAPE(3, 0), NULL));
    op_test_run(&t);
    reshape(&t, 14, test_f32(SHAPE(0, 3), NULL), test_i64(SHAPE(2), (int64_t[]){-1, 3}));
    op_test_output(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

static void old_versions_have_an_attribute(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Reshape", 1);
    op_test_ints(&t, "shape", 2, (int64_t[]){3, -1});
    op_test_input(&t, test_f32(SHAPE(2, 3), six));
    op_test_output(&t, test_f32(SHAPE(3, 2), six));
    op_test_run(&t);
}

static void check_refused(const int64_t *dims, size_t count, enum onr_status status,
                          const char *text)
{
    struct op_test t;
    reshape(&t, 14, test_f32(SHAPE(2, 3), six), test_i64(1, (int64_t[]){(int64_t)count}, dims));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, status, text);
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    check_refused((int64_t[]){4, 2}, 2, ONR_ERR_SHAPE, "cannot reshape 2x3 to 4x2");
    check_refused((int64_t[]){4, -1}, 2, ONR_ERR_SHAPE, "cannot reshape 2x3 to 4x?");
    check_refused((int64_t[]){-1, -1}, 2, ONR_ERR_VALUE, "expected at most one -1");
    check_refused((int64_t[]){-2, 3}, 2, ONR_ERR_VALUE, "-2 at 0");
    check_refused((int64_t[]){2, 3, 0}, 3, ONR_ERR_SHAPE, "0 at 2, but the input has rank 2");
    check_refused((int64_t[]){INT64_MAX, 8, -1}, 3, ONR_ERR_SHAPE, "cannot reshape");
    struct op_test t;
    reshape(&t, 14, test_f32(SHAPE(0, 3), NULL), test_i64(SHAPE(2), (int64_t[]){0, -1}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "cannot reshape 0x3 to 0x?");
}

/* Runs y = Reshape(x, list) on an empty x of these dimensions, with and without fusion; more may follow. */
static void check_empty(const char *model, size_t rank, const int64_t *from, size_t y_rank,
                        const int64_t *to, const char *refused)
{
    for (int no_fusion = 0; no_fusion < 2; no_fusion++) {
        struct session_test t;
        onnxrun_model_options options = {.struct_size = sizeof options,
                                         .no_fusion = no_fusion != 0};
        assert_int_equal(session_test_load(&t, model, &options), ONNXRUN_OK);
        session_test_in(&t, "x", test_f32(rank, from, NULL));
        session_test_out(&t, "y", to != NULL ? test_f32(y_rank, to, NULL) : NULL);
        if (refused == NULL) {
            session_test_run(&t);
        } else {
            session_test_fails(&t, ONNXRUN_ERR_SHAPE, refused);
        }
        session_test_end(&t);
    }
}

static void an_empty_batch_is_refused_no_more_where_the_graph_tells_the_rest(void **state)
{
    (void)state;
    check_empty("in float x [b, s, 12]; init int64 list [4] = 0, 0, -1, 3; y = Reshape(x, list);"
                "out float y [b, s, h, w];",
                SHAPE(2, 0, 12), SHAPE(2, 0, 4, 3), NULL);
    /* a dimension of x */
    check_empty("in float x [b, s]; init int64 list [2] = 0, -1; y = Reshape(x, list);"
                "out float y [b, s];",
                SHAPE(0, 3), SHAPE(0, 3), NULL);
    check_empty("in float x [b, s]; init int64 rest [1] = -1; init int64 one = 1; d = Shape(x);"
                "n = Gather(d, one); u = Reshape(n, rest); list = Concat(rest, u) axis=0;"
                "y = Reshape(x, list); out float y [m, n];",
                SHAPE(3, 0), SHAPE(3, 0), NULL);
    check_empty("in float x [b, s, t]; init int64 list [2] = 0, -1; y = Reshape(x, list);"
                "out float y [m, n];",
                SHAPE(0, 3, 2), 0, NULL, "cannot reshape 0x3x2 to 0x?");
}

static void check_flatten(int64_t axis, int64_t rows, int64_t cols)
{
    struct op_test t;
    op_test_begin(&t, "", "Flatten", 13);
    op_test_int(&t, "axis", axis);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), six));
    op_test_output(&t, test_f32(SHAPE(rows, cols), six));
    op_test_run(&t);
}

static void flatten_splits_at_axis(void **state)
{
    (void)state;
    check_flatten(0, 1, 6);
    check_flatten(2, 2, 3);
    check_flatten(3, 6, 1);
    check_flatten(-1, 2, 3);
    struct op_test t;
    op_test_begin(&t, "", "Flatten", 9);
    op_test_int(&t, "axis", 4);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), six));
    op_test_output(&t, test_f32(SHAPE(1, 6), six));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 4 out of range for rank 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(zero_copies_and_minus_one_takes_the_rest, test_tensors_free),
        cmocka_unit_test_teardown(allowzero_takes_zero_as_it_is, test_tensors_free),
        cmocka_unit_test_teardown(old_versions_have_an_attribute, test_tensors_free),
        cmocka_unit_test_teardown(shapes_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(an_empty_batch_is_refused_no_more_where_the_graph_tells_the_rest,
                                  test_tensors_free),
        cmocka_unit_test_teardown(flatten_splits_at_axis, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
