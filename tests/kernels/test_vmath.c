/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The float functions of one argument against the C library in double, on every instruction set,
 * over all exponents. The bounds are the errors that vmath.h promises; what was measured over every
 * 997th float stands beside them.
 */
#include "base/half.h"
#include "kernels/kernels.h"
#include "support/exact.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* Floats that are tested lie this many bit patterns apart (a prime): a million of them. */
#define STRIDE 4099u
#define BATCH  1024

static double mish(double v)
{
    return v * tanh(softplus(v));
}

static double elu(double v)
{
    return v < 0 ? expm1(v) : v;
}

/* |got - want| is at most ulp units in the last place of want plus relative * |x|. */
static const struct vmath_case {
    enum onr_unary_op op;
    const char *name;
    double (*reference)(double);
    float low;
    float high;
    double ulp;
    double relative;
} cases[] = {
    {ONR_UNARY_EXP, "exp", exp, -INFINITY, INFINITY, 1.0, 0}, /* 0.98 */
    {ONR_UNARY_ELU, "elu", elu, -INFINITY, INFINITY, 1.0, 0}, /* 0.95 */
    {ONR_UNARY_LOG, "log", log, -INFINITY, INFINITY, 0.9, 0}, /* 0.79 */
    {ONR_UNARY_ERF, "erf", erf, -INFINITY, INFINITY, 1.4, 0}, /* 1.26, 7.5e-8 */
    {ONR_UNARY_TANH, "tanh", tanh, -INFINITY, INFINITY, 2.5, 0},
    {ONR_UNARY_SIGMOID, "sigmoid", sigmoid, -INFINITY, INFINITY, 2.5, 0},    /* 2.18 */
    {ONR_UNARY_SWISH, "swish", silu, -80, INFINITY, 3.0, 0},                 /* 2.82 */
    {ONR_UNARY_SOFTPLUS, "softplus", softplus, -INFINITY, INFINITY, 2.0, 0}, /* 1.81 */
    {ONR_UNARY_SIN, "sin", sin, -INFINITY, INFINITY, 0.6, 0},                /* 0.56 */
    {ONR_UNARY_COS, "cos", cos, -INFINITY, INFINITY, 0.6, 0},                /* 0.56 */
    {ONR_UNARY_GELU, "gelu", gelu, -1e30f, INFINITY, 2.0, 1e-7},
    {ONR_UNARY_GELU, "gelu", gelu, -5, 0, 100, 0}, /* 76; 8 with AVX-512 */
    {ONR_UNARY_GELU_TANH, "gelu_tanh", gelu_tanh, -1e10f, 1e10f, 2.0, 1e-7},
    {ONR_UNARY_MISH, "mish", mish, -80, INFINITY, 4.0, 0}, /* 3.42 */
};

static void check_one(const struct vmath_case *test, enum onr_isa isa, float x, float got)
{
    double want = test->reference((double)x);
    double bound = test->ulp * ulp_of(want) + test->relative * fabs((double)x);
    int is_same = (isnan(want) && isnan(got)) || (float)want == got;
    if (!is_same && !(fabs((double)got - want) <= bound)) {
        fail_msg("%s(%.9g) on %s: got %.9g, expected %.9g, %.2f ulp", test->name, (double)x,
                 onr_isa_name(isa), (double)got, want, fabs((double)got - want) / ulp_of(want));
    }
}

static void check_case(const struct vmath_case *test, enum onr_isa isa)
{
    struct onr_kernels kernels;
    onr_kernels_init(&kernels, isa);
    onr_unary_fn function = kernels.unary.rows[test->op][ONR_FLOAT];
    float x[BATCH];
    float y[BATCH];
    size_t count = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
        float v = onr_float_from_bits((uint32_t)bits);
        if (!(v < test->low || v > test->high)) {
            x[count++] = v;
        }
        if (count == BATCH || bits > UINT32_MAX - STRIDE) {
            function(count, x, y, (struct onr_unary_args){.a = 1});
            for (size_t i = 0; i < count; i++) {
                check_one(test, isa, x[i], y[i]);
            }
            count = 0;
        }
    }
}

static void errors_are_as_promised(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            check_case(&cases[i], (enum onr_isa)isa);
        }
    }
}

static void special_values_are_exact(void **state)
{
    (void)state;
    static const struct {
        enum onr_unary_op op;
        float x;
        float y;
    } values[] = {
        {ONR_UNARY_EXP, -INFINITY, 0},
        {ONR_UNARY_EXP, INFINITY, INFINITY},
        {ONR_UNARY_EXP, 0, 1},
        {ONR_UNARY_EXP, -104, 0},
        {ONR_UNARY_EXP, 89, INFINITY},
        {ONR_UNARY_EXP, NAN, NAN},
        {ONR_UNARY_EXP, -103, 1.401e-45f},
        {ONR_UNARY_LOG, 0, -INFINITY},
        {ONR_UNARY_LOG, -0.0f, -INFINITY},
        {ONR_UNARY_LOG, 1, 0},
        {ONR_UNARY_LOG, INFINITY, INFINITY},
        {ONR_UNARY_LOG, -INFINITY, NAN},
        {ONR_UNARY_LOG, -1e-45f, NAN},
        {ONR_UNARY_LOG, NAN, NAN},
        {ONR_UNARY_ERF, INFINITY, 1},
        {ONR_UNARY_ERF, -INFINITY, -1},
        {ONR_UNARY_TANH, INFINITY, 1},
        {ONR_UNARY_TANH, -INFINITY, -1},
        {ONR_UNARY_SIGMOID, -INFINITY, 0},
        {ONR_UNARY_SIGMOID, INFINITY, 1},
        {ONR_UNARY_SIGMOID, 0, 0.5f},
        {ONR_UNARY_SIN, INFINITY, NAN},
        {ONR_UNARY_COS, -INFINITY, NAN},
        {ONR_UNARY_COS, 0, 1},
        {ONR_UNARY_GELU, INFINITY, INFINITY},
        {ONR_UNARY_GELU, NAN, NAN},
        {ONR_UNARY_GELU_TANH, INFINITY, INFINITY},
        {ONR_UNARY_GELU_TANH, NAN, NAN},
        {ONR_UNARY_SOFTPLUS, -INFINITY, 0},
    };
    struct onr_kernels kernels;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            float y;
            kernels.unary.rows[values[i].op][ONR_FLOAT](1, &values[i].x, &y,
                                                        (struct onr_unary_args){0});
            if (isnan(values[i].y) ? !isnan(y) : y != values[i].y) {
                fail_msg("function %d of %g is %g", (int)values[i].op, (double)values[i].x,
                         (double)y);
            }
        }
    }
}

/* Element i may not depend on where in the loop it stands, nor on what stands beside it, nor on
 * aliasing. */
static void results_do_not_depend_on_position(void **state)
{
    (void)state;
    float x[531];
    float whole[531];
    float part[531];
    test_random(5, 531, x);
    x[100] = 1e9f; /* beyond the range of the vector sine */
    x[300] = INFINITY;
    struct onr_kernels kernels;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int op = 0; op < ONR_UNARY_IS_NAN; op++) {
            onr_unary_fn function = kernels.unary.rows[op][ONR_FLOAT];
            struct onr_unary_args args = {.a = 0.7f, .b = 0.3f};
            memcpy(whole, x, sizeof x);
            function(531, whole, whole, args);
            memset(part, 0, sizeof part);
            for (size_t begin = 0, n = 0; begin < 531; begin += n, n++) {
                n = begin + n > 531 ? 531 - begin : n;
                function(n, x + begin, part + begin, args);
            }
            assert_memory_equal(whole, part, sizeof whole);
        }
    }
}

/* Also one that makes large arguments of small ones, or the other way round; as blocks of small ones,
 * and beside a NaN. */
static void swish_takes_any_factor(void **state)
{
    (void)state;
    static const float factors[] = {0, 1e-40f, 1e-20f, 0.7f, -1.702f, 90, -1e20f, 3e38f, INFINITY};
    float x[64];
    float y[64];
    struct onr_kernels kernels;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t f = 0; f < 2 * sizeof factors / sizeof factors[0]; f++) {
            float a = factors[f / 2];
            test_random(9, 64, x);
            x[1] = 0;
            x[2] = f % 2 == 0 ? 80 : NAN;
            x[3] = f % 2 == 0 ? -1e-20f : -INFINITY;
            kernels.unary.rows[ONR_UNARY_SWISH][ONR_FLOAT](64, x, y,
                                                           (struct onr_unary_args){.a = a});
            for (size_t i = 0; i < 64; i++) {
                double want = (double)x[i] * sigmoid((double)(a * x[i]));
                bool is_same = isnan(want) ? isnan(y[i]) : (double)y[i] == want;
                assert_true(is_same || fabs((double)y[i] - want) <= 3.5 * ulp_of(want) + 1e-36);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_as_promised),
        cmocka_unit_test(special_values_are_exact),
        cmocka_unit_test(results_do_not_depend_on_position),
        cmocka_unit_test(swish_takes_any_factor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
