/* SPDX-License-Identifier: Apache-2.0 */
#include "base/half.h"
#include "support/op_test.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"};

static void spec_example_of_likelihood(void **state)
{
    (void)state;
    struct op_test t;
    static const float x[] = {1, 2, 2, 2, 3, 2, 0, 1, 2, 2, 1, 2};
    op_test_begin(&t, "", "NegativeLogLikelihoodLoss", 13);
    op_test_string(&t, "reduction", "none");
    op_test_input(&t, test_f32(SHAPE(2, 3, 2), x));
    op_test_input(&t, test_i64(SHAPE(2, 2), (int64_t[]){2, 1, 0, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){-3, -2, 0, -2}));
    op_test_run(&t);

    op_test_begin(&t, "", "NegativeLogLikelihoodLoss", 22);
    op_test_input(&t, test_f32(SHAPE(2, 3, 2), x));
    op_test_input(&t, test_i64(SHAPE(2, 2), (int64_t[]){2, 1, 0, 2}));
    op_test_input(&t, test_f32(SHAPE(3), (float[]){0.2f, 0.3f, 0.1f}));
    op_test_output(&t, test_f32(SCALAR, (float[]){-1.1f / 0.7f}));
    op_test_run(&t);
}

/* Everything about one random problem: [3, 5, 4, 11], more targets than one block sums. */
struct problem {
    double x[3 * 5 * 44];
    double log_prob[3 * 5 * 44];
    double weight[5];
    int64_t target[3 * 44];
    double loss[3 * 44];
    double weight_sum;
};

static void fill_problem(struct problem *p, bool is_softmax, bool has_weight, int64_t ignored)
{
    float values[3 * 5 * 44];
    test_random(7, 3 * 5 * 44, values);
    p->weight_sum = 0;
    for (int i = 0; i < 5; i++) {
        p->weight[i] = has_weight ? 0.25 * (i + 1) : 1.0;
    }
    for (int i = 0; i < 3 * 5 * 44; i++) {
        p->x[i] = (double)onr_half_to_float(onr_float_to_half(4 * values[i]));
        p->log_prob[i] = p->x[i];
    }
    for (int i = 0; i < 3 * 44; i++) {
        double *row = p->log_prob + i / 44 * 5 * 44 + i % 44;
        double sum = 0;
        for (int c = 0; c < 5; c++) {
            sum += exp(row[c * 44]);
        }
        for (int c = 0; c < 5 && is_softmax; c++) {
            row[c * 44] -= log(sum);
        }
        bool is_ignored = i % 7 == 3;
        int64_t target = (i * 3) % 5;
        p->target[i] = is_ignored ? ignored : target;
        is_ignored = p->target[i] == ignored;
        p->loss[i] = is_ignored ? 0 : -row[target * 44] * p->weight[target];
        p->weight_sum += is_ignored ? 0 : p->weight[target];
    }
}

/* A tensor of a float type from doubles. */
static struct onr_tensor *of_type(enum onr_dtype dtype, size_t rank, const int64_t *dims,
                                  const double *values)
{
    struct onr_tensor *tensor = test_tensor(dtype, rank, dims, NULL);
    for (int64_t i = 0; i < onr_tensor_count(tensor); i++) {
        switch (dtype) {
        case ONR_DOUBLE:
            ((double *)tensor->data)[i] = values[i];
            break;
        case ONR_FLOAT:
            ((float *)tensor->data)[i] = (float)values[i];
            break;
        case ONR_FLOAT16:
            ((uint16_t *)tensor->data)[i] = onr_double_to_half(values[i]);
            break;
        default:
            ((uint16_t *)tensor->data)[i] = onr_double_to_bfloat16(values[i]);
        }
    }
    return tensor;
}

static void check_problem(enum onr_dtype dtype, bool is_softmax, const char *reduction,
                          int64_t ignored)
{
    static struct problem p;
    struct op_test t;
    fill_problem(&p, is_softmax, ignored >= 0, ignored);
    if (dtype == ONR_BFLOAT16) { /* whose inputs are cut to 8 bits */
        for (int i = 0; i < 3 * 5 * 44; i++) {
            p.x[i] = (double)onr_bfloat16_to_float(onr_double_to_bfloat16(p.x[i]));
        }
    }
    op_test_begin(&t, "", names[is_softmax], 13);
    op_test_string(&t, "reduction", reduction);
    op_test_int(&t, "ignore_index", ignored);
    op_test_input(&t, of_type(dtype, SHAPE(3, 5, 4, 11), p.x));
    if (ignored < 0) {
        op_test_input(&t, test_i64(SHAPE(3, 4, 11), p.target));
    } else {
        int32_t narrow[3 * 44];
        for (int i = 0; i < 3 * 44; i++) {
            narrow[i] = (int32_t)p.target[i];
        }
        op_test_input(&t, test_tensor(ONR_INT32, SHAPE(3, 4, 11), narrow));
        op_test_input(&t, of_type(dtype, SHAPE(5), p.weight));
    }
    double sum = 0;
    for (int i = 0; i < 3 * 44; i++) {
        sum += p.loss[i];
    }
    sum /= strcmp(reduction, "mean") == 0 ? p.weight_sum : 1.0;
    if (strcmp(reduction, "none") == 0) {
        op_test_output(&t, of_type(dtype, SHAPE(3, 4, 11), p.loss));
    } else {
        op_test_output(&t, of_type(dtype, SCALAR, &sum));
    }
    if (is_softmax && ignored < 0) {
        op_test_output(&t, of_type(dtype, SHAPE(3, 5, 4, 11), p.log_prob));
    }
    t.rtol = dtype == ONR_FLOAT16 ? 2e-3 : dtype == ONR_BFLOAT16 ? 3e-2 : 1e-5;
    t.atol = dtype == ONR_BFLOAT16 ? 3e-2 : 1e-5;
    op_test_run(&t);
}

static void all_types_and_reductions_agree_with_the_formula(void **state)
{
    (void)state;
    static const enum onr_dtype types[] = {ONR_FLOAT, ONR_DOUBLE, ONR_FLOAT16, ONR_BFLOAT16};
    static const char *const reductions[] = {"none", "sum", "mean"};
    static const int64_t ignored[] = {-100, 2, 10};
    for (int i = 0; i < 4 * 3 * 3 * 2; i++) {
        check_problem(types[i % 4], i / 4 % 2 == 1, reductions[i / 8 % 3], ignored[i / 24]);
    }
}

static void edges_have_results(void **state)
{
    (void)state;
    struct op_test t;
    for (int i = 0; i < 2; i++) {
        op_test_begin(&t, "", names[i], 12);
        op_test_int(&t, "ignore_index", 1);
        op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}));
        op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){1, 1}));
        op_test_output(&t, test_f32(SCALAR, (float[]){NAN}));
        op_test_run(&t);

        op_test_begin(&t, "", names[i], 12);
        op_test_string(&t, "reduction", "sum");
        op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
        op_test_input(&t, test_i64(SHAPE(0), NULL));
        op_test_output(&t, test_f32(SCALAR, (float[]){0}));
        op_test_run(&t);
    }
    op_test_begin(&t, "", "SoftmaxCrossEntropyLoss", 13);
    op_test_string(&t, "reduction", "none");
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){INFINITY, 0, NAN, 0}));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){0, 1}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){NAN, NAN}));
    op_test_run(&t);
}

static void refuses(enum onr_status status, const char *text, const struct onr_tensor *x,
                    const struct onr_tensor *target, const struct onr_tensor *weight,
                    const char *reduction)
{
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        op_test_begin(&t, "", names[i], 13);
        op_test_string(&t, "reduction", reduction);
        op_test_input(&t, x);
        op_test_input(&t, target);
        if (weight != NULL) {
            op_test_input(&t, weight);
        }
        op_test_output(&t, test_f32(SCALAR, NULL));
        op_test_fails(&t, status, text);
    }
}

static void wrong_inputs_are_refused(void **state)
{
    (void)state;
    struct onr_tensor *x = test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6});
    struct onr_tensor *target = test_i64(SHAPE(2), (int64_t[]){0, 1});
    refuses(ONR_ERR_VALUE, "target 3 at 1 is out of range for 3 classes", x,
            test_i64(SHAPE(2), (int64_t[]){0, 3}), NULL, "mean");
    refuses(ONR_ERR_VALUE, "target -9223372036854775808 at 0", x,
            test_i64(SHAPE(2), (int64_t[]){INT64_MIN, 0}), NULL, "none");
    refuses(ONR_ERR_MODEL, "reduction is \"max\", expected mean, none or sum", x, target, NULL,
            "max");
    refuses(ONR_ERR_SHAPE, "input has rank 1, expected 2 or more", test_f32(SHAPE(2), NULL), target,
            NULL, "mean");
    refuses(ONR_ERR_SHAPE, "target has rank 2, expected 1", x, test_i64(SHAPE(2, 1), NULL), NULL,
            "mean");
    refuses(ONR_ERR_SHAPE, "a dimension of target and input differ: 3 and 2", x,
            test_i64(SHAPE(3), NULL), NULL, "mean");
    refuses(ONR_ERR_SHAPE, "weight has rank 2", x, target, test_f32(SHAPE(3, 1), NULL), "mean");
    refuses(ONR_ERR_SHAPE, "the classes of input and weight differ: 3 and 2", x, target,
            test_f32(SHAPE(2), NULL), "mean");
    refuses(ONR_ERR_UNSUPPORTED, "int32", test_tensor(ONR_INT32, SHAPE(2, 3), NULL), target, NULL,
            "mean");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(spec_example_of_likelihood, test_tensors_free),
        cmocka_unit_test_teardown(all_types_and_reductions_agree_with_the_formula,
                                  test_tensors_free),
        cmocka_unit_test_teardown(edges_have_results, test_tensors_free),
        cmocka_unit_test_teardown(wrong_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
