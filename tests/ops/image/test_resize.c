/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

/* A node of version 19 with x, roi (or NULL), and either scales or sizes. */
static void begin(struct op_test *t, const struct onr_tensor *x, const struct onr_tensor *roi,
                  const struct onr_tensor *scales, const struct onr_tensor *sizes)
{
    op_test_begin(t, "", "Resize", 19);
    op_test_input(t, x);
    op_test_input(t, roi);
    op_test_input(t, scales);
    if (sizes != NULL) {
        op_test_input(t, sizes);
    }
}

static void along_one_axis(struct op_test *t, const char *mode, size_t count, const float *x,
                           float scale)
{
    begin(t, test_f32(SHAPE((int64_t)count), x), NULL, test_f32(SHAPE(1), &scale), NULL);
    op_test_string(t, "mode", mode);
}

static void expect(struct op_test *t, size_t count, const float *y)
{
    op_test_output(t, test_f32(SHAPE((int64_t)count), y));
    op_test_run(t);
}

static const float four[] = {1, 2, 3, 4};

static void each_coordinate_mode_places_outputs(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        float want[8];
    } cases[] = {
        {"half_pixel", {1, 1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f, 4}},
        {"pytorch_half_pixel", {1, 1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f, 4}},
        {"half_pixel_symmetric", {1, 1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f, 4}},
        {"asymmetric", {1, 1.5f, 2, 2.5f, 3, 3.5f, 4, 4}},
        {"align_corners",
         {1, 1.4285714f, 1.8571428f, 2.2857144f, 2.7142856f, 3.1428573f, 3.5714285f, 4}},
        {"tf_half_pixel_for_nn", {1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f, 4, 4}},
    };
    struct op_test t;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        along_one_axis(&t, "linear", 4, four, 2);
        op_test_string(&t, "coordinate_transformation_mode", cases[i].mode);
        expect(&t, 8, cases[i].want);
    }
}

static void a_single_output_has_its_own_place(void **state)
{
    (void)state;
    struct op_test t;
    along_one_axis(&t, "linear", 4, four, 0.25f);
    expect(&t, 1, (float[]){2.5f});
    along_one_axis(&t, "linear", 4, four, 0.25f);
    op_test_string(&t, "coordinate_transformation_mode", "pytorch_half_pixel");
    expect(&t, 1, (float[]){1});
    along_one_axis(&t, "linear", 4, four, 0.25f);
    op_test_string(&t, "coordinate_transformation_mode", "align_corners");
    expect(&t, 1, (float[]){1});
    begin(&t, test_f32(SHAPE(4), four), test_f32(SHAPE(2), (float[]){0, 0.5f}), NULL,
          test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_string(&t, "mode", "linear");
    op_test_string(&t, "coordinate_transformation_mode", "tf_crop_and_resize");
    expect(&t, 1, (float[]){1.75f});
}

static void each_nearest_mode_rounds_its_way(void **state)
{
    (void)state;
    /* places -0.25, 0.25, ... with half_pixel; 0, 0.5, ... with asymmetric */
    static const struct {
        const char *mode;
        float want[8];
    } cases[] = {{"round_prefer_floor", {1, 1, 2, 2, 3, 3, 4, 4}},
                 {"round_prefer_ceil", {1, 2, 2, 3, 3, 4, 4, 4}},
                 {"floor", {1, 1, 2, 2, 3, 3, 4, 4}},
                 {"ceil", {1, 2, 2, 3, 3, 4, 4, 4}}};
    struct op_test t;
    for (size_t i = 0; i < 4; i++) {
        along_one_axis(&t, "nearest", 4, four, 2);
        op_test_string(&t, "coordinate_transformation_mode", "asymmetric");
        op_test_string(&t, "nearest_mode", cases[i].mode);
        expect(&t, 8, cases[i].want);
    }
    along_one_axis(&t, "nearest", 4, four, 2);
    expect(&t, 8, (float[]){1, 1, 2, 2, 3, 3, 4, 4});
}

static void a_third_is_divided_as_float(void **state)
{
    (void)state;
    float x[30];
    for (int i = 0; i < 30; i++) {
        x[i] = (float)i;
    }
    struct op_test t;
    along_one_axis(&t, "nearest", 30, x, 0.33333334f);
    op_test_string(&t, "coordinate_transformation_mode", "asymmetric");
    op_test_string(&t, "nearest_mode", "floor");
    expect(&t, 10, (float[]){0, 3, 6, 9, 12, 15, 18, 21, 24, 27});
    along_one_axis(&t, "nearest", 10, x, 0.7f); /* 10 * 0.7f is 7 in float32, less in float64 */
    expect(&t, 7, (float[]){0, 2, 3, 4, 6, 7, 9});
}

static void cubic_takes_its_coefficient(void **state)
{
    (void)state;
    struct op_test t;
    along_one_axis(&t, "cubic", 4, four, 2);
    expect(&t, 8,
           (float[]){0.89453125f, 1.19140625f, 1.66796875f, 2.296875f, 2.703125f, 3.33203125f,
                     3.80859375f, 4.10546875f});
    along_one_axis(&t, "cubic", 4, four, 2);
    op_test_float(&t, "cubic_coeff_a", -0.5f);
    op_test_int(&t, "exclude_outside", 1);
    expect(&t, 8,
           (float[]){0.91176468f, 1.16788328f, 1.70992362f, 2.25f, 2.75f, 3.29007626f, 3.83211672f,
                     4.08823538f});
}

static void antialias_widens_the_filter_when_shrinking(void **state)
{
    (void)state;
    struct op_test t;
    static const float six[] = {1, 5, 2, 8, 3, 9};
    along_one_axis(&t, "linear", 6, six, 0.5f);
    op_test_int(&t, "antialias", 1);
    /* weights 1 3 3 1 over 8; the edge repeats */
    expect(&t, 3, (float[]){2.625f, 4.75f, 6.625f});
    along_one_axis(&t, "linear", 4, four, 2);
    op_test_int(&t, "antialias", 1);
    expect(&t, 8, (float[]){1, 1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f, 4});
    along_one_axis(&t, "nearest", 4, four, 2);
    op_test_int(&t, "antialias", 1);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute antialias needs mode linear or cubic");
}

/* x[i] for places in a tensor of any rank, by the formula of linear half_pixel in double. */
static double linear_at(const float *x, const int64_t *in, const int64_t *stride, int rank,
                        const double *place)
{
    double sum = 0;
    for (int corner = 0; corner < 1 << rank; corner++) {
        double weight = 1;
        int64_t at = 0;
        for (int d = 0; d < rank; d++) {
            double low = floor(place[d]);
            double part = place[d] - low;
            double index = low + (corner >> d & 1);
            weight *= (corner >> d & 1) != 0 ? part : 1 - part;
            index = index < 0 ? 0 : index > (double)(in[d] - 1) ? (double)(in[d] - 1) : index;
            at += (int64_t)index * stride[d];
        }
        sum += weight * (double)x[at];
    }
    return sum;
}

static void check_linear(int rank, const int64_t *in, const int64_t *out)
{
    static float x[4096];
    static float y[4096];
    int64_t stride[4];
    int64_t inputs = 1;
    int64_t outputs = 1;
    for (int d = rank - 1; d >= 0; d--) {
        stride[d] = inputs;
        inputs *= in[d];
        outputs *= out[d];
    }
    test_random(5, (size_t)inputs, x);
    for (int64_t o = 0; o < outputs; o++) {
        double place[4];
        int64_t rest = o;
        for (int d = rank - 1; d >= 0; d--) {
            double scale = (double)out[d] / (double)in[d];
            place[d] = ((double)(rest % out[d]) + 0.5) / scale - 0.5;
            rest /= out[d];
        }
        y[o] = (float)linear_at(x, in, stride, rank, place);
    }
    struct op_test t;
    begin(&t, test_tensor(ONR_FLOAT, (size_t)rank, in, x), NULL, NULL, test_i64(SHAPE(rank), out));
    op_test_string(&t, "mode", "linear");
    op_test_output(&t, test_tensor(ONR_FLOAT, (size_t)rank, out, y));
    op_test_run(&t);
}

static void any_axes_of_any_rank_are_resized(void **state)
{
    (void)state;
    static const int64_t in[] = {3, 4, 5, 6};
    static const int64_t outs[][4] = {{3, 4, 10, 12}, {3, 4, 2, 3}, {3, 8, 10, 6}, {3, 8, 5, 6},
                                      {5, 4, 5, 9},   {2, 3, 4, 5}, {4, 5, 6, 7},  {3, 4, 5, 6},
                                      {1, 1, 1, 1},   {6, 2, 5, 6}};
    for (size_t i = 0; i < sizeof outs / sizeof outs[0]; i++) {
        check_linear(4, in, outs[i]);
        check_linear(2, in, outs[i]);
        check_linear(1, in, outs[i]);
    }
    check_linear(2, (int64_t[]){37, 41}, (int64_t[]){53, 29});
}

static void axes_may_be_a_subset_in_any_order(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 2, 2), four), NULL, test_f32(SHAPE(2), (float[]){1, 2}), NULL);
    op_test_ints(&t, "axes", 2, (int64_t[]){-1, 1});
    op_test_output(&t, test_f32(SHAPE(1, 4, 2), (float[]){1, 2, 1, 2, 3, 4, 3, 4}));
    op_test_run(&t);
}

static void sizes_can_keep_the_aspect_ratio(void **state)
{
    (void)state;
    struct op_test t;
    static const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    begin(&t, test_f32(SHAPE(2, 4), x), NULL, NULL, test_i64(SHAPE(2), (int64_t[]){1, 3}));
    op_test_string(&t, "keep_aspect_ratio_policy", "not_larger");
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){1, 3}));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(2, 4), x), NULL, NULL, test_i64(SHAPE(2), (int64_t[]){1, 3}));
    op_test_string(&t, "keep_aspect_ratio_policy", "not_smaller");
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 4, 5, 6, 8}));
    op_test_run(&t);
}

static void crops_extrapolate(void **state)
{
    (void)state;
    static const char *const modes[] = {"linear", "nearest", "cubic"};
    struct op_test t;
    for (int i = 0; i < 3; i++) {
        begin(&t, test_f32(SHAPE(2, 2), four), test_f32(SHAPE(4), (float[]){0, -1, 1, 1}), NULL,
              test_i64(SHAPE(2), (int64_t[]){2, 3}));
        op_test_string(&t, "mode", modes[i]);
        op_test_string(&t, "coordinate_transformation_mode", "tf_crop_and_resize");
        op_test_float(&t, "extrapolation_value", 9);
        op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){9, 1, 2, 9, 3, 4}));
        op_test_run(&t);
    }
}

static void integers_round_and_saturate(void **state)
{
    (void)state;
    struct op_test t;
    float scale = 2;
    begin(&t, test_tensor(ONR_UINT8, SHAPE(4), (uint8_t[]){0, 255, 0, 1}), NULL,
          test_f32(SHAPE(1), &scale), NULL);
    op_test_string(&t, "mode", "cubic");
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(8), (uint8_t[]){0, 67, 224, 224, 67, 0, 0, 1}));
    op_test_run(&t);
    begin(&t, test_tensor(ONR_INT64, SHAPE(2), (int64_t[]){-3, 4}), NULL,
          test_f32(SHAPE(1), &scale), NULL);
    op_test_string(&t, "mode", "linear");
    op_test_output(&t, test_tensor(ONR_INT64, SHAPE(4), (int64_t[]){-3, -1, 2, 4}));
    op_test_run(&t);
}

static void every_type_is_resized(void **state)
{
    (void)state;
    struct op_test t;
    float scale = 2;
    const uint16_t half[] = {0x3c00, 0x4000}; /* 1, 2 */
    begin(&t, test_tensor(ONR_FLOAT16, SHAPE(2), half), NULL, test_f32(SHAPE(1), &scale), NULL);
    op_test_string(&t, "mode", "linear");
    op_test_output(
        &t, test_tensor(ONR_FLOAT16, SHAPE(4), (uint16_t[]){0x3c00, 0x3d00, 0x3f00, 0x4000}));
    op_test_run(&t);
    begin(&t, test_tensor(ONR_COMPLEX64, SHAPE(2), (float[]){1, -1, 2, -2}), NULL,
          test_f32(SHAPE(1), &scale), NULL);
    op_test_string(&t, "mode", "linear");
    op_test_output(&t, test_tensor(ONR_COMPLEX64, SHAPE(4),
                                   (float[]){1, -1, 1.25f, -1.25f, 1.75f, -1.75f, 2, -2}));
    op_test_run(&t);
    begin(&t, test_tensor(ONR_BOOL, SHAPE(2), (uint8_t[]){1, 0}), NULL, test_f32(SHAPE(1), &scale),
          NULL);
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(4), (uint8_t[]){1, 1, 0, 0}));
    op_test_run(&t);
    const struct onr_string a = {"left", 4};
    const struct onr_string b = {"right", 5};
    const struct onr_string words[] = {a, b};
    const struct onr_string doubled[] = {a, a, b, b};
    begin(&t, test_tensor(ONR_STRING, SHAPE(2), words), NULL, test_f32(SHAPE(1), &scale), NULL);
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(4), doubled));
    op_test_run(&t);
    begin(&t, test_tensor(ONR_STRING, SHAPE(2), words), NULL, test_f32(SHAPE(1), &scale), NULL);
    op_test_string(&t, "mode", "linear");
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(4), doubled));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "strings cannot be interpolated");
}

static void infinity_stays_where_it_has_no_weight(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, INFINITY, 4, NAN, 6}), NULL, NULL,
          test_i64(SHAPE(2), (int64_t[]){3, 5}));
    op_test_string(&t, "mode", "linear");
    op_test_string(&t, "coordinate_transformation_mode", "align_corners");
    op_test_output(&t, test_f32(SHAPE(3, 5), (float[]){1, 1.5f, 2, INFINITY, INFINITY, 2.5f, NAN,
                                                       NAN, NAN, INFINITY, 4, NAN, NAN, NAN, 6}));
    op_test_run(&t);
}

static void nothing_and_scalars_are_resized(void **state)
{
    (void)state;
    static const char *const modes[] = {"linear", "nearest"};
    struct op_test t;
    for (int i = 0; i < 2; i++) {
        begin(&t, test_f32(SHAPE(0, 3), NULL), NULL, test_f32(SHAPE(2), (float[]){2, 2}), NULL);
        op_test_string(&t, "mode", modes[i]);
        op_test_output(&t, test_f32(SHAPE(0, 6), NULL));
        op_test_run(&t);
        begin(&t, test_f32(SHAPE(2, 3), NULL), NULL, test_f32(SHAPE(2), (float[]){0.1f, 2}), NULL);
        op_test_string(&t, "mode", modes[i]);
        op_test_output(&t, test_f32(SHAPE(0, 6), NULL));
        op_test_run(&t);
        begin(&t, test_f32(SHAPE(2), (float[]){1, 2}), NULL, test_f32(SHAPE(1), (float[]){1}),
              NULL);
        op_test_string(&t, "mode", modes[i]);
        op_test_output(&t, test_f32(SHAPE(2), (float[]){1, 2}));
        op_test_run(&t);
    }
}

static void old_versions_are_asymmetric(void **state)
{
    (void)state;
    struct op_test t;
    static const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    float shrink[] = {0.6f, 0.6f};
    static const struct {
        const char *op;
        int version;
    } rows[] = {{"Resize", 10}, {"Upsample", 9}};
    for (int i = 0; i < 2; i++) {
        op_test_begin(&t, "", rows[i].op, rows[i].version);
        op_test_input(&t, test_f32(SHAPE(2, 4), x));
        op_test_input(&t, test_f32(SHAPE(2), shrink));
        op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){1, 3}));
        op_test_run(&t);
        op_test_string(&t, "mode", "linear");
        t.outputs[0] = test_f32(SHAPE(1, 2), (float[]){1, 2.6666667f});
        op_test_run(&t);
    }
    op_test_begin(&t, "", "Upsample", 7);
    op_test_floats(&t, "scales", 2, (float[]){1, 1.5f});
    op_test_input(&t, test_f32(SHAPE(1, 4), x));
    op_test_output(&t, test_f32(SHAPE(1, 6), (float[]){1, 1, 2, 3, 3, 4}));
    op_test_run(&t);
    op_test_begin(&t, "", "Upsample", 1);
    op_test_string(&t, "mode", "bilinear");
    op_test_float(&t, "height_scale", 1);
    op_test_float(&t, "width_scale", 2);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 2), x));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 4), (float[]){1, 1.5f, 2, 2}));
    op_test_run(&t);
}

static void refuse(const struct onr_tensor *roi, const struct onr_tensor *scales,
                   const struct onr_tensor *sizes, const char *attr, const char *value,
                   enum onr_status status, const char *text)
{
    struct op_test t;
    begin(&t, test_f32(SHAPE(2, 3), NULL), roi, scales, sizes);
    if (attr != NULL) {
        op_test_string(&t, attr, value);
    }
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, status, text);
}

static void wrong_inputs_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *two = test_f32(SHAPE(2), (float[]){2, 2});
    const struct onr_tensor *sizes = test_i64(SHAPE(2), (int64_t[]){4, 4});
    refuse(NULL, two, sizes, NULL, NULL, ONR_ERR_MODEL,
           "both of scales and sizes given, expected one");
    refuse(NULL, NULL, NULL, NULL, NULL, ONR_ERR_MODEL,
           "none of scales and sizes given, expected one");
    refuse(NULL, test_f32(SHAPE(1), (float[]){2}), NULL, NULL, NULL, ONR_ERR_SHAPE,
           "scales has 1 numbers, expected 2");
    refuse(NULL, test_f32(SHAPE(2), (float[]){2, 0}), NULL, NULL, NULL, ONR_ERR_VALUE,
           "scales[1] is 0, expected a number above 0");
    refuse(NULL, test_f32(SHAPE(2), (float[]){NAN, 1}), NULL, NULL, NULL, ONR_ERR_VALUE,
           "expected a number above 0");
    refuse(NULL, test_f32(SHAPE(2), (float[]){1e30f, 1}), NULL, NULL, NULL, ONR_ERR_LIMIT,
           "is too large");
    refuse(NULL, NULL, test_i64(SHAPE(3), NULL), NULL, NULL, ONR_ERR_SHAPE,
           "sizes has 3 numbers, expected 2");
    refuse(NULL, NULL, test_i64(SHAPE(2), (int64_t[]){-1, 2}), NULL, NULL, ONR_ERR_VALUE,
           "sizes[0] is -1, expected at least 0");
    refuse(NULL, two, NULL, "mode", "area", ONR_ERR_MODEL,
           "attribute mode is \"area\", expected nearest, linear or cubic");
    refuse(NULL, two, NULL, "coordinate_transformation_mode", "tf_crop_and_resize", ONR_ERR_MODEL,
           "tf_crop_and_resize needs the input roi");
    refuse(test_f32(SHAPE(2), NULL), two, NULL, "coordinate_transformation_mode",
           "tf_crop_and_resize", ONR_ERR_SHAPE, "roi has 2 numbers, expected 4");
    refuse(test_f32(SHAPE(4), (float[]){0, 0, 1, NAN}), two, NULL, "coordinate_transformation_mode",
           "tf_crop_and_resize", ONR_ERR_VALUE, "roi of dimension 1 is 0 to nan");
    struct op_test t;
    begin(&t, test_f32(SHAPE(0), NULL), NULL, NULL, test_i64(SHAPE(1), (int64_t[]){5}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "dimension 0 is empty, cannot become 5");
    begin(&t, test_f32(SHAPE(2, 3), NULL), NULL, two, NULL);
    op_test_ints(&t, "axes", 2, (int64_t[]){1, -1});
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis -1 is given twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_coordinate_mode_places_outputs, test_tensors_free),
        cmocka_unit_test_teardown(a_single_output_has_its_own_place, test_tensors_free),
        cmocka_unit_test_teardown(each_nearest_mode_rounds_its_way, test_tensors_free),
        cmocka_unit_test_teardown(a_third_is_divided_as_float, test_tensors_free),
        cmocka_unit_test_teardown(cubic_takes_its_coefficient, test_tensors_free),
        cmocka_unit_test_teardown(antialias_widens_the_filter_when_shrinking, test_tensors_free),
        cmocka_unit_test_teardown(any_axes_of_any_rank_are_resized, test_tensors_free),
        cmocka_unit_test_teardown(axes_may_be_a_subset_in_any_order, test_tensors_free),
        cmocka_unit_test_teardown(sizes_can_keep_the_aspect_ratio, test_tensors_free),
        cmocka_unit_test_teardown(crops_extrapolate, test_tensors_free),
        cmocka_unit_test_teardown(integers_round_and_saturate, test_tensors_free),
        cmocka_unit_test_teardown(every_type_is_resized, test_tensors_free),
        cmocka_unit_test_teardown(infinity_stays_where_it_has_no_weight, test_tensors_free),
        cmocka_unit_test_teardown(nothing_and_scalars_are_resized, test_tensors_free),
        cmocka_unit_test_teardown(old_versions_are_asymmetric, test_tensors_free),
        cmocka_unit_test_teardown(wrong_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
