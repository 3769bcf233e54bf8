/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/test.h"

/* z has 192 channels of 2 x 2, k one of 4 x 4; v holds numbers for weights. */
#define MODEL                                                                                      \
    "in float x [n, 4]; out float y [?, ?, ?, ?]; init int64 s [4] = -1, 1, 2, 2;"                 \
    "init int64 cs [4] = 1, 192, 1, 1; init float zero = 0; init float one = 1;"                   \
    "init float many = 192; init float most = 579; cr = Range(zero, many, one); ci = Sin(cr);"     \
    "c = Reshape(ci, cs); wr = Range(zero, most, one); v = Cos(wr); a = Reshape(x, s);"            \
    "z = Mul(a, c); init float up [4] = 1, 1, 2, 2; init int64 to [4] = 2, 192, 4, 4;"             \
    "k = Resize(a, _, up) mode='nearest';"
#define WEIGHT "init int64 ws [4] = 3, 193, 1, 1; w = Reshape(v, ws);"
#define LARGE  "l = Resize(z, _, up) mode='linear';"
#define AFTER  "Reshape Mul Resize Conv Resize com.microsoft.FusedConv"
#define BEFORE "Reshape Mul Resize Resize Concat Conv"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 2e-5f);
}

static void channels_are_multiplied_before_planes_are_enlarged(void **state)
{
    (void)state;
    check_fused(MODEL WEIGHT LARGE "j = Concat(k, l) axis=1; y = Conv(j, w);", AFTER);
    check_fused(MODEL WEIGHT LARGE "j = Concat(l, k) axis=1; y = Conv(j, w) kernel_shape=[1, 1];",
                AFTER);
    check_fused(MODEL WEIGHT LARGE "init float b [3] = 1, -2, 3; j = Concat(k, l) axis=1;"
                                   "d = Conv(j, w, b); y = Relu(d);",
                AFTER);
    check_fused(MODEL WEIGHT "l = Resize(z, _, up) mode='nearest'; j = Concat(k, l) axis=1;"
                             "y = Conv(j, w) pads=[0, 0, 0, 0] strides=[1, 1];",
                AFTER);
    check_fused(MODEL WEIGHT "l = Resize(z, _, up) mode='cubic' coordinate_transformation_mode="
                             "'align_corners'; j = Concat(k, l) axis=1; y = Conv(j, w);",
                AFTER);
    graph_test_explains(MODEL WEIGHT LARGE "j = Concat(k, l) axis=1; y = Conv(j, w);",
                        "fused by resize_last\n  Resize at node \"y\"\n");
}

/* Sizes tell the channels as well, which are the same then. */
static void sizes_that_hold_for_the_product(void **state)
{
    (void)state;
    check_fused(MODEL WEIGHT "l = Resize(z, _, _, to) mode='linear'; j = Concat(k, l) axis=1;"
                             "y = Conv(j, w);",
                "Reshape Mul Resize Resize Concat Conv");
    check_fused("in float x [n, 4]; out float y [?, ?, ?, ?]; init int64 s [4] = 2, 1, 2, 2;"
                "init int64 cs [4] = 1, 192, 1, 1; init float zero = 0; init float one = 1;"
                "init float many = 192; cr = Range(zero, many, one); ci = Sin(cr);"
                "c = Reshape(ci, cs); init float more = 37056; wr = Range(zero, more, one);"
                "v = Cos(wr); init int64 ws [4] = 192, 193, 1, 1; w = Reshape(v, ws);"
                "init float up [4] = 1, 1, 2, 2; init int64 to [4] = 2, 192, 4, 4;"
                "a = Reshape(x, s); z = Mul(a, c); k = Resize(a, _, up) mode='nearest';"
                "l = Resize(z, _, _, to) mode='linear'; j = Concat(k, l) axis=1; y = Conv(j, w);",
                AFTER);
}

static void several_parts(void **state)
{
    (void)state;
    check_fused(MODEL LARGE "init int64 ws [4] = 1, 386, 1, 1;"
                            "w0 = Slice(v, f1, e1); init int64 f1 [1] = 0;"
                            "init int64 e1 [1] = 386; w = Reshape(w0, ws); q = Neg(z);"
                            "m = Resize(q, _, up) mode='linear'; n = Neg(k);"
                            "j = Concat(k, l, n, m) axis=1; y = Conv(j, w);",
                "Reshape Mul Resize Neg Neg Concat Conv Resize Conv Resize Add"
                " com.microsoft.FusedConv");
}

static void what_would_not_gain_stays(void **state)
{
    (void)state;
    check_fused(MODEL WEIGHT "l = Resize(z, _, up) mode='linear'; j = Concat(k, l) axis=1;"
                             "d = Conv(j, w); e = ReduceMax(l) keepdims=0; y = Add(d, e);",
                "Reshape Mul Resize Resize Concat Conv ReduceMax Add");
    check_fused(MODEL WEIGHT LARGE "j = Concat(k, l) axis=1; d = Conv(j, w);"
                                   "e = ReduceMax(j) keepdims=0; y = Add(d, e);",
                "Reshape Mul Resize Resize Concat Conv ReduceMax Add");
    check_fused(MODEL "init int64 ws [4] = 3, 192, 1, 1; v0 = Slice(v, f1, e1);"
                      "init int64 f1 [1] = 0; init int64 e1 [1] = 576; w = Reshape(v0, ws);" LARGE
                      "j = Concat(l) axis=1; y = Conv(j, w);",
                "Reshape Mul Resize Conv");
    check_fused(MODEL "init int64 ws [4] = 1, 193, 1, 3; w = Reshape(v, ws);" LARGE
                      "j = Concat(k, l) axis=1; y = Conv(j, w) pads=[0, 1, 0, 1];",
                BEFORE);
    check_fused(MODEL WEIGHT LARGE "j = Concat(k, l) axis=1; y = Conv(j, w) strides=[2, 1];",
                BEFORE);
    check_fused(MODEL WEIGHT LARGE "j = Concat(k, l) axis=1; y = Conv(j, w) pads=[0, 0, 1, 0];",
                BEFORE);
    check_fused(MODEL WEIGHT "init float roi [8] = 0, 0, 0, 0, 1, 1, 1, 1;"
                             "l = Resize(z, roi, up) mode='linear' coordinate_transformation_mode="
                             "'tf_crop_and_resize'; j = Concat(k, l) axis=1; y = Conv(j, w);",
                BEFORE);
    check_fused("opset 18;" MODEL WEIGHT
                "init float plane [2] = 2, 2; l = Resize(z, _, plane) mode='linear' axes=[2, 3];"
                "j = Concat(k, l) axis=1; y = Conv(j, w);",
                BEFORE);
    check_fused(MODEL WEIGHT "init float wide [4] = 1, 1.001, 2, 2;"
                             "l = Resize(z, _, wide) mode='linear'; j = Concat(k, l) axis=1;"
                             "y = Conv(j, w);",
                BEFORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_multiplied_before_planes_are_enlarged),
        cmocka_unit_test(sizes_that_hold_for_the_product),
        cmocka_unit_test(several_parts),
        cmocka_unit_test(what_would_not_gain_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
