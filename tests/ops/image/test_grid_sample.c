/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static const float square[] = {0, 1, 2, 3};

/* A 2x2 image at five places, in the middle, at two corners, beyond an edge and nowhere. */
static void begin_square(struct op_test *t, int64_t version, const char *mode, const char *padding)
{
    op_test_begin(t, "", "GridSample", version);
    if (mode != NULL) {
        op_test_string(t, "mode", mode);
    }
    if (padding != NULL) {
        op_test_string(t, "padding_mode", padding);
    }
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 2), square));
    op_test_input(
        t, test_f32(SHAPE(1, 5, 1, 2), (float[]){0, 0, -1, -1, 1, 1, 2, 0, NAN, (float)INFINITY}));
}

static void places_outside_are_zeros_edges_or_mirrored(void **state)
{
    (void)state;
    struct op_test t;
    begin_square(&t, 16, NULL, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1.5f, 0, 0.75f, 0, 0}));
    op_test_run(&t);
    begin_square(&t, 20, "linear", "border");
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1.5f, 0, 3, 2, 2}));
    op_test_run(&t);
    begin_square(&t, 22, NULL, "reflection");
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1.5f, 0, 3, 1.5f, 0}));
    op_test_run(&t);
    begin_square(&t, 22, "nearest", NULL);
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){0, 0, 0, 0, 0}));
    op_test_run(&t);
    begin_square(&t, 22, NULL, NULL);
    op_test_int(&t, "align_corners", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1.5f, 0, 3, 1, 0}));
    op_test_run(&t);
}

static void cubic_sums_four_elements_of_an_axis(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "GridSample", 20);
    op_test_string(&t, "mode", "cubic");
    op_test_input(&t, test_f32(SHAPE(1, 2, 4), (float[]){0, 1, 4, 2, 1, 1, 1, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){0, -0.75f}));
    /* at 1.5: 0.59375 * 5 - 0.09375 * 2; at 0: the element itself */
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){2.78125f, 0, 1, 1}));
    op_test_run(&t);
}

static void many_axes_are_summed_in_chunks(void **state)
{
    (void)state;
    float x[128];
    for (int i = 0; i < 128; i++) {
        x[i] = (float)i;
    }
    struct op_test t;
    op_test_begin(&t, "", "GridSample", 22);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 2, 2, 2, 2, 2, 2), x));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 7), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1), (float[]){63.5f}));
    op_test_run(&t);
}

/* Two elements of any type, in the middle between them and beyond. */
static void check_pair(enum onr_dtype dtype, const char *mode, const void *x, const void *y)
{
    struct op_test t;
    op_test_begin(&t, "", "GridSample", 22);
    op_test_string(&t, "mode", mode);
    op_test_input(&t, test_tensor(dtype, SHAPE(1, 1, 2), x));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2, 1), (double[]){0, 5}));
    op_test_output(&t, test_tensor(dtype, SHAPE(1, 1, 2), y));
    op_test_run(&t);
}

static void every_type_has_a_middle(void **state)
{
    (void)state;
    check_pair(ONR_DOUBLE, "linear", (double[]){1, 2}, (double[]){1.5, 0});
    check_pair(ONR_FLOAT16, "linear", (uint16_t[]){0x3c00, 0x4000}, (uint16_t[]){0x3e00, 0});
    check_pair(ONR_BFLOAT16, "linear", (uint16_t[]){0x3f80, 0x4000}, (uint16_t[]){0x3fc0, 0});
    check_pair(ONR_INT8, "linear", (int8_t[]){-1, -2}, (int8_t[]){-1, 0});
    check_pair(ONR_UINT64, "linear", (uint64_t[]){1, 2}, (uint64_t[]){1, 0});
    check_pair(ONR_BOOL, "linear", (uint8_t[]){0, 1}, (uint8_t[]){1, 0});
    check_pair(ONR_COMPLEX64, "linear", (float[]){1, 2, 3, 8}, (float[]){2, 5, 0, 0});
    check_pair(ONR_COMPLEX128, "linear", (double[]){1, 2, 3, 8}, (double[]){2, 5, 0, 0});
    check_pair(ONR_COMPLEX128, "nearest", (double[]){1, 2, 3, 8}, (double[]){1, 2, 0, 0});
    check_pair(ONR_INT64, "nearest", (int64_t[]){INT64_MAX, 1}, (int64_t[]){INT64_MAX, 0});
    check_pair(ONR_STRING, "nearest", (struct onr_string[]){{"ab", 2}, {"c", 1}},
               (struct onr_string[]){{"ab", 2}, {"", 0}});
}

static void grid_of_half_precision(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "GridSample", 22);
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), square));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2, 1, 1), (uint16_t[]){0, 0xb800}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1), (float[]){0.5f, 2}));
    op_test_run(&t);
}

static void empty_images_and_grids(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "GridSample", 22);
    op_test_input(&t, test_f32(SHAPE(1, 2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){0, 0, 0, 0}));
    op_test_run(&t);
    op_test_string(&t, "padding_mode", "border");
    op_test_fails(&t, ONR_ERR_SHAPE, "dimension 2 of X is 0");
    op_test_begin(&t, "", "GridSample", 22);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 0, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 0), NULL));
    op_test_run(&t);
}

static void a_mirror_of_one_element_shows_it(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "GridSample", 22);
    op_test_int(&t, "align_corners", 1);
    op_test_string(&t, "padding_mode", "reflection");
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){7}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){3, -(float)INFINITY}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){7, 7}));
    op_test_run(&t);
}

static void check_refused(int64_t version, const char *mode, const struct onr_tensor *x,
                          const struct onr_tensor *grid, enum onr_status status, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "GridSample", version);
    op_test_string(&t, "mode", mode);
    op_test_input(&t, x);
    op_test_input(&t, grid);
    op_test_output(&t, test_tensor(x->dtype, SHAPE(1), NULL));
    op_test_fails(&t, status, text);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(1, 1, 3), NULL);
    const struct onr_tensor *grid = test_f32(SHAPE(1, 2, 1), NULL);
    check_refused(20, "bilinear", x, grid, ONR_ERR_MODEL, "expected linear, nearest or cubic");
    check_refused(16, "linear", x, grid, ONR_ERR_MODEL, "expected bilinear, nearest or bicubic");
    check_refused(16, "nearest", x, grid, ONR_ERR_SHAPE, "X has shape 1x1x3, expected ?x?x?x?");
    check_refused(20, "linear", test_f32(SHAPE(1, 1), NULL), grid, ONR_ERR_SHAPE, "rank 2");
    check_refused(20, "linear", x, test_f32(SHAPE(1, 2, 2), NULL), ONR_ERR_SHAPE,
                  "grid has shape 1x2x2, expected 1x?x1");
    check_refused(20, "linear", x, test_f32(SHAPE(2, 2, 1), NULL), ONR_ERR_SHAPE,
                  "grid has shape 2x2x1");
    check_refused(20, "linear", test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 3), NULL), grid,
                  ONR_ERR_UNSUPPORTED, "bfloat16");
    struct onr_string text[] = {{"a", 1}};
    check_refused(20, "cubic", test_tensor(ONR_STRING, SHAPE(1, 1, 1), text), grid,
                  ONR_ERR_UNSUPPORTED, "strings cannot be interpolated");
    struct op_test t;
    begin_square(&t, 20, NULL, "wrap");
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "expected zeros, border or reflection");
}

static void bicubic_of_com_microsoft_moves_no_place_to_the_border(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GridSample", 1);
    op_test_string(&t, "mode", "bicubic");
    op_test_string(&t, "padding_mode", "border");
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 4), square));
    op_test_input(&t, test_f32(SHAPE(1, 1, 3, 2), (float[]){-1.125f, 0, 9, 0, -0.25f, 0}));
    /* At -0.75 the fourth element counts, far beyond the edge does not differ from it. */
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 3), (float[]){-0.03515625f, 3, 1}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(places_outside_are_zeros_edges_or_mirrored, test_tensors_free),
        cmocka_unit_test_teardown(cubic_sums_four_elements_of_an_axis, test_tensors_free),
        cmocka_unit_test_teardown(many_axes_are_summed_in_chunks, test_tensors_free),
        cmocka_unit_test_teardown(every_type_has_a_middle, test_tensors_free),
        cmocka_unit_test_teardown(grid_of_half_precision, test_tensors_free),
        cmocka_unit_test_teardown(empty_images_and_grids, test_tensors_free),
        cmocka_unit_test_teardown(a_mirror_of_one_element_shows_it, test_tensors_free),
        cmocka_unit_test_teardown(bad_input_is_refused, test_tensors_free),
        cmocka_unit_test_teardown(bicubic_of_com_microsoft_moves_no_place_to_the_border,
                                  test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
