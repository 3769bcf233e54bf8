/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/test.h"

/* The input as four tokens of two channels: an image of 2 x 2. */
#define TOKENS                                                                                     \
    "opset 13; in float x [2, 4]; init int64 s [3] = 1, 4, 2; a = Reshape(x, s);"                  \
    "init int64 planes [4] = 1, 2, 2, 2; init int64 flat [3] = 1, 2, -1;"                          \
    "init float w [2, 1, 3, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, -1, 1, -1, 1, -1, 1, -1, 1;"        \
    "init float b [2] = 1, -2;"
#define FRONT "t = Transpose(a) perm=[0, 2, 1]; c = Reshape(t, planes);"
#define CONV  "p = Conv(c, w, b) pads=[1, 1, 1, 1] group=2;"
#define BACK  "q = Reshape(p, flat);"
#define TURN  "Transpose(q) perm=[0, 2, 1];"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 1e-5f);
}

static void tokens_in_and_out(void **state)
{
    (void)state;
    check_fused(TOKENS "out float y [1, 4, 2];" FRONT CONV BACK "y = " TURN,
                "Reshape onnxrun.ConvLast");
    check_fused(TOKENS "out float y [1, 4, 2];" FRONT CONV BACK "u = " TURN "y = Relu(u);",
                "Reshape onnxrun.ConvLast");
    check_fused(TOKENS "out float y [1, 4, 2];" FRONT CONV BACK "u = " TURN
                       "y = LeakyRelu(u) alpha=0.25;",
                "Reshape onnxrun.ConvLast");
}

static void images_in_and_out(void **state)
{
    (void)state;
    check_fused("opset 13; in float x [2, 4]; init int64 s [4] = 1, 2, 2, 2; a = Reshape(x, s);"
                "init float w [2, 1, 2, 2] = 1, 2, 3, 4, 5, 6, 7, 8; out float y [1, 1, 1, 2];"
                "c = Transpose(a) perm=[0, 3, 1, 2]; p = Conv(c, w) group=2;"
                "y = Transpose(p) perm=[0, 2, 3, 1];",
                "Reshape onnxrun.ConvLast");
    check_fused("opset 13; in float x [2, 4]; init int64 s [3] = 1, 4, 2; a = Reshape(x, s);"
                "init float w [2, 1, 3] = 1, 2, 3, 4, 5, 6; out float y [1, 2, 2];"
                "c = Transpose(a) perm=[0, 2, 1]; p = Conv(c, w) group=2;"
                "y = Transpose(p) perm=[0, 2, 1];",
                "Reshape onnxrun.ConvLast");
}

/* Sixteen filters. */
#define NUMBERS "1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3, 2"

static void one_group_of_some_filters(void **state)
{
    (void)state;
    check_fused("opset 13; in float x [2, 4]; init int64 s [3] = 1, 4, 2; a = Reshape(x, s);"
                "init float v [16, 2, 1] = " NUMBERS ", " NUMBERS "; out float y [1, 4, 16];"
                "c = Transpose(a) perm=[0, 2, 1]; p = Conv(c, v); y = Transpose(p) perm=[0, 2, 1];",
                "Reshape onnxrun.ConvLast");
    check_fused("opset 13; in float x [2, 4]; init int64 s [3] = 1, 4, 2; a = Reshape(x, s);"
                "init float v [2, 2, 1] = 1, 2, 3, 4; out float y [1, 4, 2];"
                "c = Transpose(a) perm=[0, 2, 1]; p = Conv(c, v); y = Transpose(p) perm=[0, 2, 1];",
                "Reshape Transpose Conv Transpose");
}

/* As the patches of Vision Transformers. */
static void planes_that_are_cut_into_patches(void **state)
{
    (void)state;
#define PATCHES                                                                                    \
    "in float x [2, 4]; init int64 s [4] = 1, 1, 1, 8; a = Reshape(x, s);"                         \
    "init float r [1, 1, 1, 4] = 1, 2, 3, 4; v = Expand(r, e); p = Conv(a, v) strides=[1, 4];"     \
    "q = Reshape(p, flat); t = " TURN "out float y [1, 2]; y = ReduceMax(t) axes=[2] keepdims=0;"
    check_fused(
        "opset 13; init int64 e [4] = 64, 1, 1, 4; init int64 flat [3] = 1, 64, -1;" PATCHES,
        "Reshape onnxrun.ConvLast ReduceMax");
    /* too few filters to repay the copy of a patch */
    check_fused(
        "opset 13; init int64 e [4] = 32, 1, 1, 4; init int64 flat [3] = 1, 32, -1;" PATCHES,
        "Reshape Conv Reshape Transpose ReduceMax");
}

static void several_convolutions_of_one_input(void **state)
{
    (void)state;
    check_fused(TOKENS "out float y [1, 4, 2];" FRONT CONV BACK "u = " TURN
                       "k = Conv(c, w) pads=[1, 1, 1, 1] group=2; l = Reshape(k, flat);"
                       "m = Transpose(l) perm=[0, 2, 1]; y = Mul(u, m);",
                "Reshape onnxrun.ConvLast onnxrun.ConvLast Mul");
}

static void other_orders_are_left_alone(void **state)
{
    (void)state;
    /* channels that are not those of the tokens */
    check_fused("opset 13; in float x [2, 4]; init int64 s [3] = 1, 2, 4; a = Reshape(x, s);"
                "init int64 planes [4] = 1, 2, 2, 2; init int64 flat [3] = 1, 2, -1;"
                "init float w [2, 1, 1, 1] = 1, 2; out float y [1, 4, 2];" FRONT
                "p = Conv(c, w) group=2;" BACK "y = " TURN,
                "Reshape Transpose Reshape Conv Reshape Transpose");
    check_fused(TOKENS "out float y [1, 2, 2, 2];" FRONT CONV "y = Transpose(p) perm=[0, 1, 3, 2];",
                "Reshape Transpose Reshape Conv Transpose");
    check_fused(TOKENS "out float y [1, 2, 4];" FRONT CONV "y = Reshape(p, flat);",
                "Reshape Transpose Reshape Conv Reshape");
    graph_test_explains(TOKENS "out float y [1, 2, 4];" FRONT CONV "y = Reshape(p, flat);",
                        "near misses by fuse_conv_last\n"
                        "  ConvLast at node \"p\"\n"
                        "      expected  used by a Transpose that moves dimension 1 to the end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_in_and_out),
        cmocka_unit_test(images_in_and_out),
        cmocka_unit_test(one_group_of_some_filters),
        cmocka_unit_test(planes_that_are_cut_into_patches),
        cmocka_unit_test(several_convolutions_of_one_input),
        cmocka_unit_test(other_orders_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
