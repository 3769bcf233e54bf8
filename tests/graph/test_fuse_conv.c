/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

/* The input as an image of two channels of 2 x 2, weights of 1 x 1, and what a convolution makes. */
#define IMAGE                                                                                      \
    "opset 13; in float x [n, 4]; init int64 s [4] = 1, 2, 2, 2; a = Reshape(x, s);"               \
    "init float w [2, 2, 1, 1] = 1, 2, 3, -4; init float b [2] = 1, -2;"                           \
    "out float y [1, 2, 2, 2];"
#define CONV    IMAGE "p = Conv(a, w, b);"
#define TAPS    "init float v [2, 1, 3, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, -1, 1, -1, 1, -1, 1, -1, 1;"
#define NUMBERS "init float low = -0.5; init float high = 1.5;"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 1e-5f);
}

static void activation_behind_a_convolution(void **state)
{
    (void)state;
    check_fused(CONV "y = Relu(p);", "Reshape com.microsoft.FusedConv");
    check_fused(CONV "y = LeakyRelu(p) alpha=0.0;", "Reshape com.microsoft.FusedConv");
    check_fused(CONV "y = HardSigmoid(p) beta=0.25;", "Reshape com.microsoft.FusedConv");
    check_fused(CONV "g = Sigmoid(p); y = Mul(p, g);", "Reshape com.microsoft.FusedConv");
    check_fused(IMAGE "p = Conv(a, w); y = Tanh(p);", "Reshape com.microsoft.FusedConv");
    check_fused(IMAGE TAPS "p = Conv(a, v) pads=[1, 1, 1, 1] group=2; y = Relu(p);",
                "Reshape com.microsoft.FusedConv");
    check_fused(IMAGE TAPS "p = Conv(a, v, b) auto_pad='SAME_UPPER' group=2; y = Elu(p);",
                "Reshape com.microsoft.FusedConv");
}

static void bounds_that_are_numbers(void **state)
{
    (void)state;
    check_fused(CONV NUMBERS "y = Clip(p, low, high);", "Reshape com.microsoft.FusedConv");
    check_fused(CONV NUMBERS "y = Clip(p, low);", "Reshape com.microsoft.FusedConv");
    check_fused(CONV "m = ReduceMin(a) keepdims=0; y = Clip(p, m);", "Reshape Conv ReduceMin Clip");
}

static void addend_in_front_of_the_activation(void **state)
{
    (void)state;
    check_fused(CONV "y = Add(p, a);", "Reshape com.microsoft.FusedConv");
    check_fused(CONV "t = Add(a, p); y = Relu(t);", "Reshape com.microsoft.FusedConv");
    check_fused(IMAGE "p = Conv(a, w); t = Add(a, p); y = Relu(t);",
                "Reshape com.microsoft.FusedConv");
    check_fused(IMAGE TAPS "p = Conv(a, v, b) pads=[1, 1, 1, 1] group=2; t = Add(a, p);"
                           "y = Relu(t);",
                "Reshape com.microsoft.FusedConv");
    /* one convolution takes the other */
    check_fused(CONV "q = Conv(a, w); y = Add(p, q);", "Reshape Conv com.microsoft.FusedConv");
    check_fused(CONV "t = Relu(p); y = Add(t, a);", "Reshape com.microsoft.FusedConv Add");
}

static void what_has_another_shape_is_not_added(void **state)
{
    (void)state;
    const char *row = CONV "init float r [1, 2, 2, 1] = 1, 2, 3, 4; y = Add(p, r);";
    check_fused(row, "Reshape Conv Add");
    graph_test_explains(row, "near misses by fuse_conv\n"
                             "  FusedConv at node \"p\"\n"
                             "      expected  a tensor that has the shape of the convolution for "
                             "sure\n"
                             "      found     \"r\": float[1, 2, 2, 1]");
    check_fused(CONV "init float r [2, 2, 2, 2] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7;"
                     "z = Add(p, r); y = ReduceMax(z) axes=[0];",
                "Reshape Conv Add ReduceMax");
}

static void convolutions_that_others_need_stay(void **state)
{
    (void)state;
    check_fused(CONV "r = Relu(p); y = Mul(p, r);", "Reshape Conv Relu Mul");
    check_fused(CONV "y = Relu(p); out float p [1, 2, 2, 2];", "Reshape Conv Relu");
}

static void other_types_stay(void **state)
{
    (void)state;
    check_fused(IMAGE "c = Cast(a) to=11; v = Cast(w) to=11; p = Conv(c, v); r = Relu(p);"
                      "y = Cast(r) to=1;",
                "Reshape Cast Conv Relu Cast");
}

static void fused_convolutions_are_told(void **state)
{
    (void)state;
    graph_test_explains(CONV "t = Add(p, a); y = Relu(t);",
                        "fused by fuse_conv\n  FusedConv at node \"y\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(activation_behind_a_convolution, test_tensors_free),
        cmocka_unit_test_teardown(bounds_that_are_numbers, test_tensors_free),
        cmocka_unit_test_teardown(addend_in_front_of_the_activation, test_tensors_free),
        cmocka_unit_test_teardown(what_has_another_shape_is_not_added, test_tensors_free),
        cmocka_unit_test_teardown(convolutions_that_others_need_stay, test_tensors_free),
        cmocka_unit_test_teardown(other_types_stay, test_tensors_free),
        cmocka_unit_test_teardown(fused_convolutions_are_told, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
