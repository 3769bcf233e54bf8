/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"
#include "support/session_test.h"

#include <string.h>

static void pad(struct op_test *t, const char *mode, int64_t begin, int64_t end)
{
    op_test_begin(t, "", "Pad", 19);
    op_test_string(t, "mode", mode);
    op_test_input(t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(t, test_i64(SHAPE(4), (int64_t[]){0, begin, 0, end}));
}

static void check_row(const char *mode, int64_t begin, int64_t end, size_t count, const float *row)
{
    struct op_test t;
    struct onr_tensor *y = test_f32(SHAPE(2, (int64_t)count), NULL);
    for (size_t i = 0; i < count; i++) {
        ((float *)y->data)[i] = row[i];
        ((float *)y->data)[count + i] = row[i] != 0 ? row[i] + 3 : 0;
    }
    pad(&t, mode, begin, end);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void each_mode_fills_in_its_way(void **state)
{
    (void)state;
    check_row("constant", 1, 2, 6, (float[]){0, 1, 2, 3, 0, 0});
    check_row("edge", 2, 1, 6, (float[]){1, 1, 1, 2, 3, 3});
    check_row("reflect", 2, 1, 6, (float[]){3, 2, 1, 2, 3, 2});
    check_row("wrap", 2, 1, 6, (float[]){2, 3, 1, 2, 3, 1});
    check_row("reflect", 5, 0, 8, (float[]){2, 1, 2, 3, 2, 1, 2, 3});
    check_row("wrap", 0, 7, 10, (float[]){1, 2, 3, 1, 2, 3, 1, 2, 3, 1});
}

/* x[2, 3, 2, width] padded along axis 1 and, with both, along axis 2: rows go together with what is
 * behind them. Elements are what they stand for. */
static void check_blocks(const char *mode, const int64_t at[5], int64_t width, bool both)
{
    struct op_test t;
    struct onr_tensor *x = test_f32(SHAPE(2, 3, 2, width), NULL);
    struct onr_tensor *y = test_f32(SHAPE(2, 5, both ? 3 : 2, width), NULL);
    int64_t rows = both ? 3 : 2;
    for (int64_t i = 0; i < 2 * 3 * 2 * width; i++) {
        ((float *)x->data)[i] = (float)(i + 1);
    }
    for (int64_t i = 0; i < 2 * 5 * rows * width; i++) {
        int64_t from = at[i / (rows * width) % 5];
        int64_t row = i / width % rows - (both ? 1 : 0);
        int64_t line =
            (i / (5 * rows * width) * 3 + from) * 2 + (row < 0 ? at[0] < 0 ? 0 : 1 : row);
        bool is_outside = from < 0 || (row < 0 && at[0] < 0);
        ((float *)y->data)[i] = is_outside ? 7.0f : (float)(line * width + i % width + 1);
    }
    op_test_begin(&t, "", "Pad", 19);
    op_test_string(&t, "mode", mode);
    op_test_input(&t, x);
    op_test_input(&t, test_i64(SHAPE(8), (int64_t[]){0, 1, both ? 1 : 0, 0, 0, 1, 0, 0}));
    op_test_input(&t, test_f32(SCALAR, (float[]){7}));
    op_test_output(&t, y);
    op_test_run(&t);
}

static void what_is_not_padded_goes_along(void **state)
{
    (void)state;
    static const int64_t widths[] = {1, 3, 40};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        check_blocks("constant", (int64_t[]){-1, 0, 1, 2, -1}, widths[i], false);
        check_blocks("constant", (int64_t[]){-1, 0, 1, 2, -1}, widths[i], true);
        check_blocks("reflect", (int64_t[]){1, 0, 1, 2, 1}, widths[i], false);
        check_blocks("reflect", (int64_t[]){1, 0, 1, 2, 1}, widths[i], true);
        check_blocks("wrap", (int64_t[]){2, 0, 1, 2, 0}, widths[i], false);
        check_blocks("wrap", (int64_t[]){2, 0, 1, 2, 0}, widths[i], true);
    }
}

/* Rows of x that are longer than what goes together, and a tensor of which nothing is padded. */
static void long_rows_and_no_pads(void **state)
{
    (void)state;
    struct op_test t;
    struct onr_tensor *x = test_f32(SHAPE(2, 20000), NULL);
    struct onr_tensor *y = test_f32(SHAPE(3, 20000), NULL);
    test_random(1, 40000, x->data);
    memcpy((float *)y->data + 20000, x->data, 40000 * sizeof(float));
    memset(y->data, 0, 20000 * sizeof(float));
    op_test_begin(&t, "", "Pad", 13);
    op_test_input(&t, x);
    op_test_input(&t, test_i64(SHAPE(4), (int64_t[]){1, 0, 0, 0}));
    op_test_output(&t, y);
    op_test_run(&t);
    op_test_begin(&t, "", "Pad", 13);
    op_test_input(&t, x);
    op_test_input(&t, test_i64(SHAPE(4), (int64_t[]){0, 0, 0, 0}));
    op_test_output(&t, x);
    op_test_run(&t);
}

static void negative_pads_cut_off(void **state)
{
    (void)state;
    check_row("constant", -1, 1, 3, (float[]){2, 3, 0});
    check_row("constant", -3, 2, 2, (float[]){0, 0});
    check_row("constant", -1, -2, 0, NULL);
    check_row("edge", -1, 2, 4, (float[]){2, 3, 3, 3});
    check_row("reflect", 1, -1, 3, (float[]){2, 1, 2});
}

static void axes_and_value_are_inputs(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Pad", 18);
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(1, 2), NULL));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){1, 0}));
    op_test_input(&t, test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1}));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){-2}));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(2, 2), (uint8_t[]){1, 1, 0, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "Pad", 2);
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 1});
    op_test_float(&t, "value", 1.5f);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4000}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(3), (uint16_t[]){0x3e00, 0x4000, 0x3e00}));
    op_test_run(&t);
    op_test_begin(&t, "", "Pad", 13);
    op_test_input(&t, test_f32(SCALAR, (float[]){2}));
    op_test_input(&t, test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SCALAR, (float[]){2}));
    op_test_run(&t);
}

static void impossible_pads_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    pad(&t, "constant", -2, -2);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "pads -2 and -2 of dimension 1, which is 3");
    pad(&t, "edge", -3, 1);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "dimension 1 is empty");
    pad(&t, "mirror", 0, 0);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "mode is \"mirror\"");
    pad(&t, "constant", INT64_MAX, INT64_MAX);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "of dimension 1");
    op_test_begin(&t, "", "Pad", 13);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "2 pads for 2 dimensions, expected 4");
}

static void begin_contrib(struct op_test *t, size_t rank, const int64_t *dims)
{
    op_test_begin(t, "com.microsoft", "Pad", 1);
    op_test_input(t, test_f32(SHAPE(1, 2), (float[]){1, 2}));
    op_test_input(t, test_i64(rank, dims, (int64_t[]){0, 1, 0, -1}));
    op_test_input(t, test_f32(SHAPE(1), (float[]){7}));
    op_test_output(t, test_f32(SHAPE(1, 2), (float[]){7, 1}));
}

static void pads_of_com_microsoft_may_be_a_row(void **state)
{
    (void)state;
    struct op_test t;
    begin_contrib(&t, SHAPE(4));
    op_test_run(&t);
    begin_contrib(&t, SHAPE(1, 4));
    op_test_run(&t);
    begin_contrib(&t, SHAPE(2, 2));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has rank 2, expected 0 or 1");
    begin_contrib(&t, SHAPE(1, 3));
    op_test_fails(&t, ONR_ERR_SHAPE, "3 pads for 2 dimensions, expected 4");
}

static void a_row_of_pads_may_have_symbolic_dimensions(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; in int64 pads [rows, columns];"
                           "y = com.microsoft:Pad(x, pads); out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(2), (float[]){1, 2}));
    session_test_in(&t, "pads", test_i64(SHAPE(1, 2), (int64_t[]){1, 0}));
    session_test_out(&t, "y", test_f32(SHAPE(3), (float[]){0, 1, 2}));
    session_test_run(&t);
    session_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_mode_fills_in_its_way, test_tensors_free),
        cmocka_unit_test_teardown(what_is_not_padded_goes_along, test_tensors_free),
        cmocka_unit_test_teardown(long_rows_and_no_pads, test_tensors_free),
        cmocka_unit_test_teardown(negative_pads_cut_off, test_tensors_free),
        cmocka_unit_test_teardown(axes_and_value_are_inputs, test_tensors_free),
        cmocka_unit_test_teardown(impossible_pads_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(pads_of_com_microsoft_may_be_a_row, test_tensors_free),
        cmocka_unit_test_teardown(a_row_of_pads_may_have_symbolic_dimensions, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
