/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/test.h"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 2e-6f);
}

#define X      "in float x [n, 4]; init int64 s [3] = 1, 2, 4; a = Reshape(x, s);"
#define Y      "out float y [?, ?, ?];"
#define WEIGHT "init float w [3, 2, 2] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"
#define LISTS  "init float f [3, 1] = 1, -2, 0.5; init float g [1, 3, 1] = 0.25, 1, 2;"

static void numbers_of_channels(void **state)
{
    (void)state;
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Mul(c, f);", "Reshape Conv");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Mul(g, c);", "Reshape Conv");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Div(c, f);", "Reshape Conv");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Add(c, f);", "Reshape Conv");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Add(g, c);", "Reshape Conv");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Sub(c, g);", "Reshape Conv");
    check_fused("opset 7;" X Y WEIGHT LISTS "c = Conv(a, w); y = Mul(c, f);", "Reshape Conv");
}

static void one_number(void **state)
{
    (void)state;
    check_fused(X Y WEIGHT "init float k = 3; c = Conv(a, w); y = Mul(c, k);", "Reshape Conv");
    check_fused(X Y WEIGHT "init float k [1, 1, 1] = 3; c = Conv(a, w); y = Sub(c, k);",
                "Reshape Conv");
}

static void several_with_a_bias_before(void **state)
{
    (void)state;
    check_fused(X Y WEIGHT LISTS "init float b [3] = 3, 2, 1; c = Conv(a, w, b) pads=[1, 1];"
                                 "d = Mul(c, f); e = Add(d, g); y = Relu(e);",
                "Reshape com.microsoft.FusedConv");
    check_fused(X Y WEIGHT LISTS "init float p [3] = 1, 2, 0.5; c = Conv(a, w);"
                                 "d = BatchNormalization(c, p, p, p, p); y = Mul(d, g);",
                "Reshape Conv");
}

static void groups_and_transposed_convolutions(void **state)
{
    (void)state;
    check_fused(X Y "init float w [4, 1, 1] = 1, 2, 3, 4; init float f [4, 1] = 1, 2, 0.5, 3;"
                    "c = Conv(a, w) group=2; y = Mul(c, f);",
                "Reshape Conv");
    check_fused(X Y "init float w [2, 2, 1] = 1, 2, 3, 4; init float f [4, 1] = 1, 2, 0.5, 3;"
                    "c = ConvTranspose(a, w) group=2; d = Mul(c, f); y = Add(d, f);",
                "Reshape ConvTranspose");
}

/* The weights of a sum are those of the file, of a product new ones. */
static void shared_weights_are_kept_for_others(void **state)
{
    (void)state;
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); d = Mul(c, f); z = Neg(a); e = Conv(z, w);"
                                 "k = Add(e, f); y = Add(d, k);",
                "Reshape Neg Conv com.microsoft.FusedConv");
}

static void what_is_not_per_channel_stays(void **state)
{
    (void)state;
    check_fused(X Y WEIGHT "init float f [3] = 1, -2, 0.5; c = Conv(a, w); y = Mul(c, f);",
                "Reshape Conv Mul");
    check_fused(X Y WEIGHT "init float f [3, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9; c = Conv(a, w);"
                           "y = Mul(c, f);",
                "Reshape Conv Mul");
    check_fused(X "out float y [?, ?, ?, ?];" WEIGHT
                  "init float f [1, 1, 3, 1] = 1, 2, 3; c = Conv(a, w); y = Mul(c, f);",
                "Reshape Conv Mul");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Div(f, c);", "Reshape Conv Div");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Sub(f, c);", "Reshape Conv Sub");
    check_fused(X Y WEIGHT LISTS "e = Expand(f, k); init int64 k [2] = 3, 1; m = ReduceMax(x)"
                                 "keepdims=0; n = Mul(e, m); c = Conv(a, w); y = Mul(c, n);",
                "Reshape ReduceMax Mul Conv Mul");
}

static void what_others_need_stays(void **state)
{
    (void)state;
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); d = Mul(c, f); y = Sub(d, c);",
                "Reshape Conv Mul Sub");
    check_fused(X Y WEIGHT LISTS "c = Conv(a, w); y = Mul(c, f); out float c [1, 3, 3];",
                "Reshape Conv Mul");
}

static void weights_that_would_not_be_finite_stay(void **state)
{
    (void)state;
    graph_test_nodes(X Y WEIGHT "init float z [3, 1] = 1, 0, 2; c = Conv(a, w); y = Div(c, z);",
                     "Reshape Conv Div");
    graph_test_nodes(X Y WEIGHT "init float z [3, 1] = 1, 1e38, 2; c = Conv(a, w); y = Mul(c, z);",
                     "Reshape Conv Mul");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(numbers_of_channels, test_tensors_free),
        cmocka_unit_test_teardown(one_number, test_tensors_free),
        cmocka_unit_test_teardown(several_with_a_bias_before, test_tensors_free),
        cmocka_unit_test_teardown(groups_and_transposed_convolutions, test_tensors_free),
        cmocka_unit_test_teardown(shared_weights_are_kept_for_others, test_tensors_free),
        cmocka_unit_test_teardown(what_is_not_per_channel_stays, test_tensors_free),
        cmocka_unit_test_teardown(what_others_need_stays, test_tensors_free),
        cmocka_unit_test_teardown(weights_that_would_not_be_finite_stay, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
