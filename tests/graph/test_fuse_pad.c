/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <string.h>

/* The input as an image of two channels of 2 x 2, and weights of 3 x 3 for each channel. */
#define IMAGE                                                                                      \
    "opset 18; in float x [n, 4]; init int64 s [4] = 1, 2, 2, 2; a = Reshape(x, s);"               \
    "init float w [2, 1, 3, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, -1, 1, -1, 1, -1, 1, -1, 1;"        \
    "out float y [?, ?, ?, ?];"
#define PADS "init int64 p [8] = 0, 0, 1, 0, 0, 0, 2, 3;"
#define ZERO "init float zero = 0;"
#define CONV "y = Conv(b, w) group=2;"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 1e-5f);
}

static void zeros_around_an_image(void **state)
{
    (void)state;
    check_fused(IMAGE PADS "b = Pad(a, p);" CONV, "Reshape Conv");
    check_fused(IMAGE PADS ZERO "b = Pad(a, p, zero) mode='constant';" CONV, "Reshape Conv");
    check_fused(IMAGE PADS "b = Pad(a, p); y = Conv(b, w) group=2 strides=[2, 1];", "Reshape Conv");
    check_fused(IMAGE PADS "b = Pad(a, p); y = Conv(b, w) group=2 pads=[1, 0, 0, 2];",
                "Reshape Conv");
    check_fused(IMAGE PADS "b = Pad(a, p); y = Conv(b, w) group=2 auto_pad='VALID';",
                "Reshape Conv");
    check_fused(IMAGE PADS "b = Pad(a, p); c = Conv(b, w) group=2; y = Relu(c);",
                "Reshape com.microsoft.FusedConv");
}

static void zeros_of_some_axes(void **state)
{
    (void)state;
    check_fused(IMAGE ZERO "init int64 p [4] = 3, 0, 1, 2; init int64 axes [2] = -1, 2;"
                           "b = Pad(a, p, zero, axes);" CONV,
                "Reshape Conv");
}

static void pads_of_older_versions(void **state)
{
    (void)state;
    check_fused("opset 10; in float x [n, 4]; init int64 s [3] = 1, 2, 4; a = Reshape(x, s);"
                "init float w [1, 2, 3] = 1, 2, 3, 4, 5, 6; out float y [?, ?, ?];"
                "b = Pad(a) pads=[0, 0, 2, 0, 0, 1] value=0.0; y = Conv(b, w);",
                "Reshape Conv");
}

static void other_pads_stay(void **state)
{
    (void)state;
    const char *stays = "Reshape Pad Conv";
    check_fused(IMAGE PADS "init float one = 1; b = Pad(a, p, one);" CONV, stays);
    check_fused(IMAGE "init int64 p [8] = 0, 0, 1, 1, 0, 0, 1, 1; b = Pad(a, p) mode='edge';" CONV,
                stays);
    check_fused(IMAGE PADS "b = Pad(a, p); y = Conv(b, w) group=2 auto_pad='SAME_UPPER';", stays);
    check_fused(IMAGE "init int64 p [8] = 1, 0, 1, 1, 0, 0, 1, 1; b = Pad(a, p);" CONV, stays);
    check_fused(IMAGE "init int64 p [8] = 0, 0, 2, 2, 0, 0, 2, -1; b = Pad(a, p);" CONV, stays);
    check_fused(IMAGE PADS "b = Pad(a, p); c = Conv(b, w) group=2; d = ReduceMax(b);"
                           "y = Mul(c, d);",
                "Reshape Pad Conv ReduceMax Mul");
}

static void what_stops_a_pad_is_told(void **state)
{
    (void)state;
    char *text =
        graph_test_explain(IMAGE "init int64 p [8] = 1, 0, 1, 1, 0, 0, 1, 1; b = Pad(a, p);" CONV);
    assert_non_null(strstr(text, "padded by known numbers, and in spatial dimensions alone"));
    onnxrun_text_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(zeros_around_an_image, test_tensors_free),
        cmocka_unit_test_teardown(zeros_of_some_axes, test_tensors_free),
        cmocka_unit_test_teardown(pads_of_older_versions, test_tensors_free),
        cmocka_unit_test_teardown(other_pads_stay, test_tensors_free),
        cmocka_unit_test_teardown(what_stops_a_pad_is_told, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
