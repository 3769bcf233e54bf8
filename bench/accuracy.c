/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest errors of the float functions of one argument, as a table: units in the last place of
 * the exact result, which the C library gives in double, and the argument where it is.
 *
 *     bench_accuracy [STEP]    every STEP-th of the 2^32 floats (default 101; 1: all, an hour)
 *
 * Each instruction set of the machine is measured. Where the exact result is below 1.2e-38 the unit
 * is that of denormal numbers.
 */
#include "common/tool.h"

#include "base/half.h"
#include "kernels/kernels.h"
#include "support/exact.h"

#include <inttypes.h>
#include <math.h>

#define BLOCK 1024

static const struct function {
    const char *name;
    enum onr_unary_op op;
    double (*exact)(double);
    float low; /* arguments that are measured */
    float high;
    const char *range;
} functions[] = {
    {"exp", ONR_UNARY_EXP, exp, -INFINITY, INFINITY, "all"},
    {"log", ONR_UNARY_LOG, log, 0, INFINITY, ">= 0"},
    {"sin", ONR_UNARY_SIN, sin, -INFINITY, INFINITY, "all"},
    {"cos", ONR_UNARY_COS, cos, -INFINITY, INFINITY, "all"},
    {"erf", ONR_UNARY_ERF, erf, -INFINITY, INFINITY, "all"},
    {"tanh", ONR_UNARY_TANH, tanh, -INFINITY, INFINITY, "all"},
    {"sigmoid", ONR_UNARY_SIGMOID, sigmoid, -INFINITY, INFINITY, "all"},
    {"swish (SiLU)", ONR_UNARY_SWISH, silu, -80, INFINITY, ">= -80"},
    {"softplus", ONR_UNARY_SOFTPLUS, softplus, -INFINITY, INFINITY, "all"},
    {"gelu", ONR_UNARY_GELU, gelu, -1, INFINITY, ">= -1"},
    {"gelu", ONR_UNARY_GELU, gelu, -5, -1, "-5 to -1"},
    {"gelu (tanh)", ONR_UNARY_GELU_TANH, gelu_tanh, -1, INFINITY, ">= -1"},
    {"gelu (tanh)", ONR_UNARY_GELU_TANH, gelu_tanh, -5, -1, "-5 to -1"},
};

struct worst {
    double ulp;
    float x;
};

/* Error of got in units in the last place; a wrong NaN or infinity counts as infinitely wrong. */
static double error_of(double exact, float got)
{
    if (isnan(exact) || isinf((float)exact) || isnan(got) || isinf(got)) {
        bool is_same = (isnan(exact) && isnan(got)) || (float)exact == got;
        return is_same ? 0 : INFINITY;
    }
    return fabs((double)got - exact) / ulp_of(exact);
}

static void measure_block(const struct function *function, const struct onr_kernels *kernels,
                          size_t count, const float *x, const double *exact, struct worst *worst)
{
    float y[BLOCK];
    kernels->unary.rows[function->op][ONR_FLOAT](count, x, y, (struct onr_unary_args){.a = 1});
    for (size_t i = 0; i < count; i++) {
        double error = error_of(exact[i], y[i]);
        if (error > worst->ulp) {
            *worst = (struct worst){.ulp = error, .x = x[i]};
        }
    }
}

static void measure(const struct function *function, const struct onr_kernels *kernels,
                    unsigned isa_count, uint64_t step, struct worst *worst)
{
    float x[BLOCK];
    double exact[BLOCK];
    size_t count = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += step) {
        float v = onr_float_from_bits((uint32_t)bits);
        if (v >= function->low && v <= function->high) {
            exact[count] = function->exact((double)v);
            x[count++] = v;
        }
        if (count == BLOCK || bits > UINT32_MAX - step) {
            for (unsigned isa = 0; isa < isa_count; isa++) {
                measure_block(function, &kernels[isa], count, x, exact, &worst[isa]);
            }
            count = 0;
        }
    }
}

int main(int argc, char **argv)
{
    int64_t step = 101;
    tool_begin("bench_accuracy");
    if (argc > 2 || (argc == 2 && !tool_parse_int(argv[1], 1, 1 << 24, &step))) {
        tool_error("usage: bench_accuracy [STEP], 1 to %d", 1 << 24);
        return EXIT_CODE_USAGE;
    }
    struct onr_kernels kernels[ONR_ISA_COUNT];
    unsigned isa_count = (unsigned)onr_cpu_isa() + 1;
    printf("| function | arguments |");
    for (unsigned isa = 0; isa < isa_count; isa++) {
        onr_kernels_init(&kernels[isa], (enum onr_isa)isa);
        printf(" %s | at |", onr_isa_name((enum onr_isa)isa));
    }
    printf("\n|---|---|%s\n", &"---:|---:|---:|---:|---:|---:|"[10 * (ONR_ISA_COUNT - isa_count)]);
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        struct worst worst[ONR_ISA_COUNT] = {{0}};
        measure(&functions[f], kernels, isa_count, (uint64_t)step, worst);
        printf("| %s | %s |", functions[f].name, functions[f].range);
        for (unsigned isa = 0; isa < isa_count; isa++) {
            printf(" %.2f | %.6g |", worst[isa].ulp, (double)worst[isa].x);
        }
        putchar('\n');
        fflush(stdout);
    }
    return tool_end(EXIT_CODE_OK);
}
