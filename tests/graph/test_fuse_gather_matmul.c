/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

/* Four matrices, and which of them the rows of x get: 0 and 3. */
#define NUMBERS "1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3, 0.5, -2, 3, 4;"
#define HEAD                                                                                       \
    "in float x [n, 4]; p = Abs(x); i = ArgMax(p) axis=1 keepdims=0; init int64 one [1] = 1;"      \
    "init int64 two [1] = 2; init float w [4, 4, 1] = " NUMBERS                                    \
    "init float v [4, 1, 4] = " NUMBERS
#define ROWS    "u = Unsqueeze(x, one);"
#define COLUMNS "u = Unsqueeze(x, two);"
#define TUPLES  "t = Unsqueeze(i, one);"
#define Y       "out float y [n, 1, 1];"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 1e-6f);
}

static void rows_by_matrices_that_are_picked(void **state)
{
    (void)state;
    check_fused(HEAD ROWS Y "g = Gather(w, i); y = MatMul(u, g);",
                "Abs ArgMax Unsqueeze onnxrun.GatherMatMul");
    check_fused(HEAD ROWS TUPLES Y "g = GatherND(w, t); y = MatMul(u, g);",
                "Abs ArgMax Unsqueeze Unsqueeze onnxrun.GatherMatMul");
    check_fused(HEAD ROWS Y "g = Gather(w, i) axis=-3; y = MatMul(u, g);",
                "Abs ArgMax Unsqueeze onnxrun.GatherMatMul");
}

static void matrices_that_are_picked_by_columns(void **state)
{
    (void)state;
    check_fused(HEAD COLUMNS Y "g = Gather(v, i); y = MatMul(g, u);",
                "Abs ArgMax Unsqueeze onnxrun.GatherMatMul");
    check_fused(HEAD COLUMNS TUPLES Y "g = GatherND(v, t); y = MatMul(g, u);",
                "Abs ArgMax Unsqueeze Unsqueeze onnxrun.GatherMatMul");
}

static void rows_are_spread_over_what_is_picked(void **state)
{
    (void)state;
    check_fused(HEAD "out float y [n, n, 1]; g = Gather(w, i); y = MatMul(x, g);",
                "Abs ArgMax onnxrun.GatherMatMul");
}

static void other_products_stay(void **state)
{
    (void)state;
    const char *shared = HEAD ROWS Y "g = Gather(w, i); m = MatMul(u, g); r = ReduceSum(g, two);"
                                     "y = Mul(m, r);";
    graph_test_explains(shared, "used by the product alone");
    const char *wide = HEAD "out float y [n, 1, n]; f = Transpose(x); g = Gather(v, i);"
                            "y = MatMul(g, f);";
    check_fused(wide, "Abs ArgMax Gather onnxrun.Linear");
    graph_test_explains(wide, "columns [..., k, 1]");
    /* picked along another axis */
    check_fused(HEAD "out float y [4, n, n]; g = Gather(w, i) axis=1;"
                     "z = Transpose(g) perm=[0, 2, 1]; y = MatMul(g, z);",
                "Abs ArgMax Gather onnxrun.Linear");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_matrices_that_are_picked),
        cmocka_unit_test(matrices_that_are_picked_by_columns),
        cmocka_unit_test(rows_are_spread_over_what_is_picked),
        cmocka_unit_test(other_products_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
