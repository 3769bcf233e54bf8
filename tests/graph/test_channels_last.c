/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/test.h"

/* Weights of any shape from one sine, and an image of 48 channels. */
#define WEIGHTS(name, shape, size)                                                                 \
    "init float " name "_end = " size "; init int64 " name "_shape [4] = " shape ";" name          \
    "_r = Range(zero, " name "_end, step);" name "_s = Sin(" name "_r);" name " = Reshape(" name   \
    "_s, " name "_shape);"
#define BEGIN "opset 13;" INPUT
#define INPUT                                                                                      \
    "in float x [2, 4]; init float zero = 0; init float step = 1;"                                 \
    "init int64 s [4] = 1, 1, 2, 4; a = Reshape(x, s);" WEIGHTS("u", "48, 1, 1, 1", "48")          \
        WEIGHTS("v", "48, 48, 3, 3", "20736") "f = Conv(a, u);"
#define CONV(y, x) y " = Conv(" x ", v) pads=[1, 1, 1, 1];"
#define END        "y = ReduceLogSumExp(e) axes=[2, 3] keepdims=0;"

static void check(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 1e-3f);
}

static void convolutions_that_follow_each_other(void **state)
{
    (void)state;
    check(BEGIN CONV("b", "f") CONV("c", "b") "e = Relu(c); out float y [1, 48];" END,
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast Transpose ReduceLogSumExp");
}

static void one_is_not_worth_two_transposes(void **state)
{
    (void)state;
    check(BEGIN CONV("e", "f") "out float y [1, 48];" END, "Reshape Conv Conv ReduceLogSumExp");
}

static void sums_and_functions_between_them(void **state)
{
    (void)state;
    check(BEGIN CONV("b", "f") CONV("c", "b") "d = Add(c, b); g = Tanh(b); h = Mul(d, g);" CONV(
              "e", "h") "out float y [1, 48];" END,
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast Tanh Mul onnxrun.ConvLast "
          "Transpose ReduceLogSumExp");
}

static void means_over_planes(void **state)
{
    (void)state;
    check(BEGIN CONV("b", "f") CONV("c", "b") "d = GlobalAveragePool(c); g = Mul(c, d);" CONV(
              "e", "g") "out float y [1, 48];" END,
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast ReduceMean Mul "
          "onnxrun.ConvLast Transpose ReduceLogSumExp");
}

/* One behind the planes leaves them with their channels last; so do those of each plane, by an axis that
 * is an input from version 18 on, and with dimensions that stay, which others use in turn. */
static void reductions_of_planes(void **state)
{
    (void)state;
    check(BEGIN CONV("e", "f") "y = ReduceMax(e) axes=[2, -1] keepdims=0; out float y [1, 48];",
          "Reshape Conv Transpose onnxrun.ConvLast ReduceMax");
    check(BEGIN CONV("b", "f") CONV("c", "b") "d = ReduceMean(c) axes=[3, 2]; g = Mul(c, d);"
                                              "y = ReduceSum(g, at) keepdims=0;"
                                              "init int64 at [2] = 2, 3; out float y [1, 48];",
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast ReduceMean Mul ReduceSum");
    check(BEGIN CONV("b", "f")
              CONV("e", "b") "n = ReduceMin(e) axes=[3] keepdims=0;"
                             "y = ReduceMax(n) axes=[2] keepdims=0; out float y [1, 48];",
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast Transpose ReduceMin ReduceMax");
    check(BEGIN CONV("b", "f") CONV("e", "b") "y = ReduceMin(e) axes=[1, 2] keepdims=0;"
                                              "out float y [1, 4];",
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast Transpose ReduceMin");
}

#define RESIZED(inputs) BEGIN CONV("b", "f") CONV("c", "b") "d = Resize(c, " inputs
#define USED                                                                                       \
    ";" CONV("e", "d") "init float two [4] = 1, 1, 2, 2; init int64 to [4] = 1, 48, 5, 7;"         \
                       "init float box [8] = 0, 0, 0, 0, 1, 1, 0.5, 0.5; out float y [1, 48];" END

/* By scales, by sizes, and along chosen axes. */
static void resized_planes(void **state)
{
    (void)state;
    const char *expected = "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast Resize "
                           "onnxrun.ConvLast Transpose ReduceLogSumExp";
    check(RESIZED("_, two) mode='linear'") USED, expected);
    check(RESIZED("_, two) mode='nearest' coordinate_transformation_mode='asymmetric' "
                  "nearest_mode='floor'") USED,
          expected);
    check(RESIZED("_, _, to) mode='cubic'") USED, expected);
    check("opset 19;" INPUT CONV("b", "f")
              CONV("c", "b") "d = Resize(c, _, up) mode='linear' antialias=1 axes=[-1, 2];" CONV(
                  "e", "d") "init float up [2] = 3, 0.5; init int64 at [2] = 2, 3;"
                            "y = ReduceLogSumExp(e, at) keepdims=0; out float y [1, 48];",
          expected);
}

static void a_resize_of_a_region_sees_planes(void **state)
{
    (void)state;
    check(RESIZED("box, two) mode='linear' coordinate_transformation_mode='tf_crop_and_resize'")
              USED,
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast Transpose Resize Conv "
          "ReduceLogSumExp");
}

/* A Transpose that the model has already takes away the one before the first convolution. */
static void transposes_that_undo_each_other(void **state)
{
    (void)state;
    check("opset 13; in float x [2, 4]; init float zero = 0; init float step = 1;"
          "init int64 s [3] = 1, 8, 1; a = Reshape(x, s);" WEIGHTS("u", "1, 1, 48, 1", "48")
              WEIGHTS("v", "48, 48, 9, 1",
                      "20736") "init int64 us [2] = 1, 48; init int64 vs [3] = "
                               "48, 48, 9; w = Reshape(u, us); k = Reshape(v, vs);"
                               "b = MatMul(a, w); f = Transpose(b) perm=[0, 2, 1]; e = Conv(f, k) "
                               "pads=[4, 4];"
                               "y = ReduceMax(e) axes=[2] keepdims=0; out float y [1, 48];",
          "Reshape MatMul onnxrun.ConvLast ReduceMax");
}

static void a_value_that_is_needed_in_both_orders(void **state)
{
    (void)state;
    check(BEGIN CONV("b", "f") CONV("c", "b")
              CONV("e", "c") "n = ReduceSumSquare(c) axes=[2, 3] keepdims=0;"
                             "m = ReduceLogSumExp(e) axes=[2, 3] keepdims=0; y = Add(m, n); out "
                             "float y [1, 48];",
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast Transpose onnxrun.ConvLast "
          "Transpose ReduceSumSquare ReduceLogSumExp Add");
}

static void other_numbers_of_channels_are_left_alone(void **state)
{
    (void)state;
    check(BEGIN WEIGHTS("w", "8, 48, 3, 3", "3456") WEIGHTS(
              "q", "48, 8, 1, 1",
              "384") "b = Conv(f, w) pads=[1, 1, 1, 1]; e = Conv(b, q); out float y [1, 48];" END,
          "Reshape Conv Conv Conv ReduceLogSumExp");
}

/* Where rows of taps are longer, they need 48 numbers. */
static void a_window_of_one_tap_needs_16_channels(void **state)
{
    (void)state;
    check(BEGIN WEIGHTS("w", "16, 48, 3, 3", "6912") WEIGHTS("q", "48, 16, 1, 1", "768")
              CONV("b", "f") "c = Conv(b, w) pads=[1, 1, 1, 1]; d = Conv(c, q);" CONV(
                  "e", "d") "out float y [1, 48];" END,
          "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast onnxrun.ConvLast "
          "onnxrun.ConvLast Transpose ReduceLogSumExp");
    check(
        BEGIN WEIGHTS("w", "16, 48, 3, 3", "6912") WEIGHTS("q", "48, 16, 3, 1", "2304")
            CONV("a1", "f") CONV("b", "a1") "c = Conv(b, w) pads=[1, 1, 1, 1]; d = Conv(c, q) "
                                            "pads=[1, 0, 1, 0];" CONV("d1", "d")
                                                CONV("e", "d1") "out float y [1, 48];" END,
        "Reshape Conv Transpose onnxrun.ConvLast onnxrun.ConvLast onnxrun.ConvLast Transpose Conv "
        "Transpose onnxrun.ConvLast onnxrun.ConvLast Transpose ReduceLogSumExp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_that_follow_each_other),
        cmocka_unit_test(one_is_not_worth_two_transposes),
        cmocka_unit_test(sums_and_functions_between_them),
        cmocka_unit_test(means_over_planes),
        cmocka_unit_test(reductions_of_planes),
        cmocka_unit_test(resized_planes),
        cmocka_unit_test(a_resize_of_a_region_sees_planes),
        cmocka_unit_test(transposes_that_undo_each_other),
        cmocka_unit_test(a_value_that_is_needed_in_both_orders),
        cmocka_unit_test(other_numbers_of_channels_are_left_alone),
        cmocka_unit_test(a_window_of_one_tap_needs_16_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
