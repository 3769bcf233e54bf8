/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairwise coupling, the second method of Wu, Lin and Weng, "Probability estimates for multi-class
 * classification by pairwise coupling", 2004, as LIBSVM does it:
 *
 *     minimise p' Q p with sum p = 1,  Q[i][i] = sum_j r[j][i]^2,  Q[i][j] = -r[j][i] r[i][j]
 */
#include "ops/ml/svm_probability.h"

#include "base/size.h"
#include "ops/ml/ml.h"

#include <math.h>
#include <string.h>

#define MAX_ROUNDS 100
#define TOLERANCE  0.005 /* over the number of classes */
#define LEAST      1e-7  /* no probability of a pair is nearer to 0 or 1 */

size_t onr_svm_probability_scratch(size_t classes)
{
    size_t cells = 0;
    return onr_size_mul(classes, classes + 1, &cells) ? cells : SIZE_MAX;
}

/* Fills q from the scores of pairs. */
static void fill(size_t n, const double *scores, const double *a, const double *b, double *q)
{
    size_t pair = 0;
    memset(q, 0, n * n * sizeof *q);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++, pair++) {
            double r = 1 - onr_ml_logistic(scores[pair] * a[pair] + b[pair]);
            r = r < LEAST ? LEAST : r > 1 - LEAST ? 1 - LEAST : r;
            q[i * n + i] += (1 - r) * (1 - r);
            q[j * n + j] += r * r;
            q[i * n + j] = -r * (1 - r);
            q[j * n + i] = q[i * n + j];
        }
    }
}

/* qp = Q p; returns p' Q p. */
static double multiply(size_t n, const double *q, const double *p, double *qp)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        qp[i] = 0;
        for (size_t j = 0; j < n; j++) {
            qp[i] += q[i * n + j] * p[j];
        }
        sum += p[i] * qp[i];
    }
    return sum;
}

/* One round over the coordinates of p, which keeps Q p and p' Q p up to date. */
static void improve(size_t n, const double *q, double *p, double *qp, double pqp)
{
    for (size_t i = 0; i < n; i++) {
        double step = (pqp - qp[i]) / q[i * n + i];
        p[i] += step;
        pqp = (pqp + step * (step * q[i * n + i] + 2 * qp[i])) / (1 + step) / (1 + step);
        for (size_t j = 0; j < n; j++) {
            qp[j] = (qp[j] + step * q[i * n + j]) / (1 + step);
            p[j] /= 1 + step;
        }
    }
}

void onr_svm_probability(size_t classes, const double *scores, const double *a, const double *b,
                         double *scratch, double *probability)
{
    double *q = scratch;
    double *qp = scratch + classes * classes;
    fill(classes, scores, a, b, q);
    for (size_t i = 0; i < classes; i++) {
        probability[i] = 1 / (double)classes;
    }
    for (int round = 0; round < MAX_ROUNDS; round++) {
        double pqp = multiply(classes, q, probability, qp);
        double worst = 0;
        for (size_t i = 0; i < classes; i++) {
            worst = fmax(worst, fabs(qp[i] - pqp));
        }
        if (worst < TOLERANCE / (double)classes) {
            break;
        }
        improve(classes, q, probability, qp, pqp);
    }
}
