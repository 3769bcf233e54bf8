/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Costs are counted for small numbers of all dimensions, a polynomial is laid through them, and
 * costs for larger numbers tell whether it holds.
 */
#include "onnxdump/formula.h"

#include "common/escape.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_NUMBER 2                   /* 1 broadcasts, which may cost another amount */
#define MAX_MACS     (UINT64_C(1) << 46) /* no sum of what is computed here overflows */

static void ignore_step(void *user, const onnxrun_step_cost *cost)
{
    (void)user;
    (void)cost;
}

/* Multiplications for these numbers of the formula's dimensions. */
static bool count_macs(const struct formula *formula, const onnxrun_model *model,
                       const struct dims *given, const int64_t *numbers, int64_t *macs)
{
    onnxrun_cost total = {.flops = 0};
    size_t count = given->count;
    onnxrun_dim *dims = tool_alloc(count + formula->dims.count, sizeof *dims);
    for (size_t i = 0; i < count; i++) {
        dims[i] = given->items[i];
    }
    for (size_t i = 0; i < formula->dims.count; i++) {
        dims[count++] = (onnxrun_dim){formula->dims.names[i], numbers[i]};
    }
    onnxrun_status status = onnxrun_model_cost(model, dims, count, ignore_step, NULL, &total, NULL);
    free(dims);
    *macs = (int64_t)(total.flops / 2);
    return status == ONNXRUN_OK && total.is_complete != 0 && total.flops / 2 <= MAX_MACS;
}

/* From the values at 2, 3 and 4 to the factors of 1, x and x^2; false when they are no integers. */
static bool solve(int64_t *at, size_t stride)
{
    const int64_t x = FIRST_NUMBER;
    int64_t first = at[stride] - at[0], second = at[2 * stride] - 2 * at[stride] + at[0];
    int64_t square = second / 2, linear = first - square * (2 * x + 1);
    at[2 * stride] = square;
    at[stride] = linear;
    at[0] -= linear * x + square * x * x;
    return second % 2 == 0;
}

static int64_t power(int64_t base, size_t exponent)
{
    int64_t result = 1;
    for (; exponent > 0; exponent--) {
        result *= base;
    }
    return result;
}

/* The exponent of a dimension in a term. */
static size_t exponent_of(size_t term, size_t dim)
{
    for (; dim > 0; dim--) {
        term /= FORMULA_POINTS;
    }
    return term % FORMULA_POINTS;
}

static size_t term_count(const struct formula *formula)
{
    return (size_t)power(FORMULA_POINTS, formula->dims.count);
}

/* Exact when the formula holds, or else anything. */
static double evaluate(const struct formula *formula, const int64_t *numbers)
{
    double sum = 0;
    for (size_t term = 0; term < term_count(formula); term++) {
        double product = (double)formula->factors[term];
        for (size_t d = 0; d < formula->dims.count; d++) {
            product *= (double)power(numbers[d], exponent_of(term, d));
        }
        sum += product;
    }
    return sum;
}

/* Whether the formula holds for numbers that it was not made from. */
static bool holds(const struct formula *formula, const onnxrun_model *model,
                  const struct dims *given)
{
    static const int64_t others[][FORMULA_DIMS] = {{7, 11, 5}, {1, 9, 16}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        int64_t macs;
        if (!count_macs(formula, model, given, others[i], &macs) ||
            (double)macs != evaluate(formula, others[i])) {
            return false;
        }
    }
    return true;
}

bool formula_find(struct formula *formula, const onnxrun_model *model, const struct dims *given)
{
    *formula = (struct formula){.dims = dims_open(model, given)};
    if (formula->dims.count == 0 || formula->dims.count > FORMULA_DIMS) {
        return false;
    }
    size_t terms = term_count(formula);
    for (size_t term = 0; term < terms; term++) {
        int64_t numbers[FORMULA_DIMS];
        for (size_t d = 0; d < FORMULA_DIMS; d++) {
            numbers[d] = FIRST_NUMBER + (int64_t)exponent_of(term, d);
        }
        if (!count_macs(formula, model, given, numbers, &formula->factors[term])) {
            return false;
        }
    }
    bool is_solved = true;
    for (size_t d = 0, stride = 1; d < formula->dims.count; d++, stride *= FORMULA_POINTS) {
        for (size_t term = 0; term < terms; term++) {
            if (exponent_of(term, d) == 0) {
                is_solved = solve(&formula->factors[term], stride) && is_solved;
            }
        }
    }
    return is_solved && holds(formula, model, given);
}

void formula_free(struct formula *formula)
{
    dims_free(&formula->dims);
}

static void print_name(FILE *out, const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.0123456789";
    const char *quote = name[strspn(name, letters)] == '\0' ? "" : "\"";
    fputs(quote, out);
    escape_name(out, name);
    fputs(quote, out);
}

void formula_print(FILE *out, const struct formula *formula)
{
    bool is_first = true;
    for (size_t term = term_count(formula); term-- > 0;) {
        int64_t factor = formula->factors[term];
        char number[VIEW_NUMBER_BYTES];
        if (factor == 0) {
            continue;
        }
        fputs(is_first ? (factor < 0 ? "-" : "") : (factor < 0 ? " - " : " + "), out);
        fputs(view_count((uint64_t)(factor < 0 ? -factor : factor), number), out);
        for (size_t d = 0; d < formula->dims.count; d++) {
            size_t exponent = exponent_of(term, d);
            if (exponent > 0) {
                fputc('*', out);
                print_name(out, formula->dims.names[d]);
            }
            if (exponent > 1) {
                fprintf(out, "^%zu", exponent);
            }
        }
        is_first = false;
    }
    fputs(is_first ? "0" : "", out);
}
