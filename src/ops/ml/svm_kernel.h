/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the support vector machines: what SVMRegressor and SVMClassifier share. */
#ifndef ONR_OPS_ML_SVM_KERNEL_H
#define ONR_OPS_ML_SVM_KERNEL_H

#include "ops/ml/ml.h"

enum onr_svm_kernel { ONR_SVM_LINEAR, ONR_SVM_POLY, ONR_SVM_RBF, ONR_SVM_SIGMOID };

/* Vectors that rows are compared with: support vectors, or coefficients of a linear machine. */
struct onr_svm {
    enum onr_svm_kernel kernel;
    double gamma, coef0, degree;
    size_t features;
    size_t vector_count;
    const double *vectors;      /* [vector_count, features] */
    const double *coefficients; /* [coefficient_count] */
    size_t coefficient_count;
    const double *rho; /* [rho_count], at least 1 */
    size_t rho_count;
    enum onr_ml_transform transform;
};

/*
 * Reads the attributes of a machine with this many support vectors, 0: linear, where the
 * coefficients of each of `linear_count` scores are the vectors. Error: ONR_ERR_MODEL.
 */
enum onr_status onr_svm_read(struct onr_prepare_ctx *ctx, size_t vector_count, size_t linear_count,
                             struct onr_svm *svm) ONR_MUST_USE;

/* Fails with ONR_ERR_SHAPE unless the known input 0 has the features of the vectors. */
enum onr_status onr_svm_check(const struct onr_plan_ctx *ctx, const struct onr_svm *svm,
                              size_t *rows) ONR_MUST_USE;

/* values[j] = kernel(row, vector j) for all vectors. */
void onr_svm_compare(const struct onr_svm *svm, const double *row, double *values);

#endif
