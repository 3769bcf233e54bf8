/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels of support vector machines. */
#include "ops/ml/svm_kernel.h"

#include "ops/common/check_dims.h"

#include <math.h>

static enum onr_status read_kernel(struct onr_prepare_ctx *ctx, struct onr_svm *svm)
{
    static const char *const names[] = {[ONR_SVM_LINEAR] = "LINEAR",
                                        [ONR_SVM_POLY] = "POLY",
                                        [ONR_SVM_RBF] = "RBF",
                                        [ONR_SVM_SIGMOID] = "SIGMOID",
                                        NULL};
    size_t choice = 0;
    struct onr_ml_numbers params;
    ONR_TRY(onr_check_attr_choice(ctx->node, "kernel_type", names, &choice, ctx->err));
    ONR_TRY(onr_ml_numbers(ctx, "kernel_params", false, &params));
    if (params.count != 0 && params.count != 3) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "kernel_params has %zu entries, expected 3",
                        params.count);
    }
    svm->kernel = (enum onr_svm_kernel)choice;
    if (params.count == 3) {
        svm->gamma = params.values[0];
        svm->coef0 = params.values[1];
        svm->degree = params.values[2];
    }
    return ONR_OK;
}

enum onr_status onr_svm_read(struct onr_prepare_ctx *ctx, size_t vector_count, size_t linear_count,
                             struct onr_svm *svm)
{
    struct onr_ml_numbers coefficients;
    struct onr_ml_numbers rho;
    struct onr_ml_numbers vectors;
    ONR_TRY(read_kernel(ctx, svm));
    ONR_TRY(onr_ml_read_transform(ctx->node, &svm->transform, ctx->err));
    ONR_TRY(onr_ml_numbers(ctx, "coefficients", false, &coefficients));
    ONR_TRY(onr_ml_numbers(ctx, "rho", false, &rho));
    ONR_TRY(onr_ml_numbers(ctx, "support_vectors", false, &vectors));
    if (vector_count == 0) {
        vectors = coefficients;
        vector_count = linear_count;
        svm->kernel = ONR_SVM_LINEAR;
    }
    if (coefficients.count == 0 || rho.count == 0 || vectors.count == 0 ||
        vectors.count % vector_count != 0) {
        return onr_fail(ctx->err, ONR_ERR_MODEL,
                        "%zu coefficients, %zu rho and %zu numbers of %zu vectors",
                        coefficients.count, rho.count, vectors.count, vector_count);
    }
    svm->features = vectors.count / vector_count;
    svm->vector_count = vector_count;
    svm->vectors = vectors.values;
    svm->coefficients = coefficients.values;
    svm->coefficient_count = coefficients.count;
    svm->rho = rho.values;
    svm->rho_count = rho.count;
    return ONR_OK;
}

enum onr_status onr_svm_check(const struct onr_plan_ctx *ctx, const struct onr_svm *svm,
                              size_t *rows)
{
    size_t features = 0;
    onr_ml_known_rows(&ctx->inputs[0]->shape, rows, &features);
    return features == svm->features
               ? ONR_OK
               : onr_fail(ctx->err, ONR_ERR_SHAPE, "rows of %zu features, but vectors of %zu",
                          features, svm->features);
}

static double compare(const struct onr_svm *svm, const double *row, const double *vector)
{
    double sum = 0;
    for (size_t f = 0; f < svm->features; f++) {
        double difference = row[f] - vector[f];
        sum += svm->kernel == ONR_SVM_RBF ? difference * difference : row[f] * vector[f];
    }
    switch (svm->kernel) {
    case ONR_SVM_POLY:
        return pow(svm->gamma * sum + svm->coef0, svm->degree);
    case ONR_SVM_RBF:
        return exp(-svm->gamma * sum);
    case ONR_SVM_SIGMOID:
        return tanh(svm->gamma * sum + svm->coef0);
    default:
        return sum;
    }
}

void onr_svm_compare(const struct onr_svm *svm, const double *row, double *values)
{
    for (size_t j = 0; j < svm->vector_count; j++) {
        values[j] = compare(svm, row, svm->vectors + j * svm->features);
    }
}
