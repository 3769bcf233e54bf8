/* SPDX-License-Identifier: Apache-2.0 */
/* The transforms of scores, "post_transform" of ai.onnx.ml. */
#include "ops/common/check_dims.h"
#include "ops/ml/ml.h"

#include <math.h>

/* Scores nearer to 0 than this are zeros of SOFTMAX_ZERO. */
#define ZERO_SCORE 1e-7

#define SQRT_2 1.4142135623730951
#define PI     3.14159265358979323846

enum onr_status onr_ml_read_transform(const struct onr_node *node, enum onr_ml_transform *transform,
                                      struct onr_error *err)
{
    static const char *const names[] = {"NONE",         "SOFTMAX", "LOGISTIC",
                                        "SOFTMAX_ZERO", "PROBIT",  NULL};
    size_t choice = 0;
    int64_t number = onr_attr_int(node, "post_transform", 0);
    if (number < ONR_ML_NONE || number > ONR_ML_PROBIT) {
        return onr_fail(err, ONR_ERR_MODEL, "post_transform is %lld, expected 0 to 4",
                        (long long)number);
    }
    ONR_TRY(onr_check_attr_choice(node, "post_transform", names, &choice, err));
    *transform = (enum onr_ml_transform)(choice > 0 ? choice : (size_t)number);
    return ONR_OK;
}

double onr_ml_logistic(double x)
{
    double y = 1 / (1 + exp(-fabs(x)));
    return x < 0 ? 1 - y : y;
}

/*
 * The quantile of the normal distribution, by Winitzki's approximation of the inverse error
 * function (relative error up to 2e-3), which ONNX Runtime and the reference implementation use: the
 * numbers in models were fitted with it.
 */
static double probit(double p)
{
    const double a = 0.147;
    double x = 2 * p - 1;
    double log_rest = log((1 - x) * (1 + x));
    double middle = 2 / (PI * a) + 0.5 * log_rest;
    double y = SQRT_2 * sqrt(sqrt(middle * middle - log_rest / a) - middle);
    return x < 0 ? -y : y;
}

static void softmax(bool skips_zeros, size_t count, double *scores)
{
    double largest = -HUGE_VAL;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        largest = scores[i] > largest ? scores[i] : largest;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_zero = skips_zeros && fabs(scores[i]) <= ZERO_SCORE;
        scores[i] = is_zero ? scores[i] * exp(-largest) : exp(scores[i] - largest);
        sum += scores[i];
    }
    for (size_t i = 0; i < count; i++) {
        scores[i] = skips_zeros && sum == 0 ? 0.5 : scores[i] / sum;
    }
}

void onr_ml_transform(enum onr_ml_transform transform, size_t count, double *scores)
{
    if (transform == ONR_ML_SOFTMAX || transform == ONR_ML_SOFTMAX_ZERO) {
        softmax(transform == ONR_ML_SOFTMAX_ZERO, count, scores);
        return;
    }
    for (size_t i = 0; i < count && transform != ONR_ML_NONE; i++) {
        scores[i] = transform == ONR_ML_PROBIT ? probit(scores[i]) : onr_ml_logistic(scores[i]);
    }
}

void onr_ml_transform_pair(enum onr_ml_transform transform, bool is_share, double score,
                           double scores[2])
{
    is_share = transform == ONR_ML_PROBIT || (is_share && transform == ONR_ML_NONE);
    scores[0] = is_share ? 1 - score : -score;
    scores[1] = score;
    onr_ml_transform(transform, 2, scores);
}
