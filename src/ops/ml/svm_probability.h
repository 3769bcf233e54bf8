/* SPDX-License-Identifier: Apache-2.0 */
/* Inside SVMClassifier: probabilities of classes from the scores of pairs of classes. */
#ifndef ONR_OPS_ML_SVM_PROBABILITY_H
#define ONR_OPS_ML_SVM_PROBABILITY_H

#include <stddef.h>
#include <stdint.h>

/* How many doubles onr_svm_probability needs; SIZE_MAX when that does not fit. */
size_t onr_svm_probability_scratch(size_t classes);

/*
 * probability[i] of each class. scores, a, b: of the pairs (0, 1), (0, 2), ... (1, 2), ...: class i of
 * pair (i, j) has the probability 1 / (1 + e^(a * score + b)) against class j.
 */
void onr_svm_probability(size_t classes, const double *scores, const double *a, const double *b,
                         double *scratch, double *probability);

#endif
