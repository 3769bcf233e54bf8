/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operators of ai.onnx.ml share: rows of features, attributes that are lists or tensors,
 * class labels, and the transforms of scores.
 */
#ifndef ONR_OPS_ML_ML_H
#define ONR_OPS_ML_ML_H

#include "graph/op_def.h"
#include "kernels/kernels.h"
#include "ops/common/workspace.h"

#define ONR_ML_LATEST 5 /* newest version of the domain */

/* What features may be of. */
#define ONR_ML_DTYPES (ONR_BIT(FLOAT) | ONR_BIT(DOUBLE) | ONR_BIT(INT64) | ONR_BIT(INT32))

/*
 * Checks that input 0 is [N, F], or [F] for one row, and gives N and F, which may be unknown. Error:
 * ONR_ERR_SHAPE.
 */
enum onr_status onr_ml_rows(const struct onr_infer_ctx *ctx, int64_t *rows,
                            int64_t *features) ONR_MUST_USE;

/* The same of a known shape that has passed it. */
void onr_ml_known_rows(const struct onr_shape *shape, size_t *rows, size_t *features);

/* Elements [first, first + count) of a numeric tensor as double, in place when they are. */
const double *onr_ml_read(const struct onr_kernels *kernels, const struct onr_tensor *x,
                          size_t first, size_t count, double *buffer);

/* The elements of a tensor attribute in memory form; NULL: out of memory. */
void *onr_ml_tensor(struct onr_arena *arena, const struct onr_constant *tensor);

/* The tensor attribute of this name, or NULL. */
const struct onr_constant *onr_ml_attr_tensor(const struct onr_node *node, const char *name);

/* Numbers of an attribute as double; values NULL and count 0 when there is none. */
struct onr_ml_numbers {
    const double *values;
    size_t count;
};

/*
 * Reads the floats `name` or the tensor `name` followed by "_as_tensor"; with is_tensor the tensor
 * `name` alone. Error: ONR_ERR_MODEL when both are there or the tensor does not hold numbers.
 */
enum onr_status onr_ml_numbers(struct onr_prepare_ctx *ctx, const char *name, bool is_tensor,
                               struct onr_ml_numbers *numbers) ONR_MUST_USE;

/* The names of the classes: integers or strings. */
struct onr_ml_labels {
    const int64_t *ints;
    const struct onr_string *strings; /* either these or those */
    size_t count;                     /* > 0 */
};

/*
 * Reads "classlabels_strings" and the integers named ints_name. Error: ONR_ERR_MODEL unless exactly
 * one of them has entries.
 */
enum onr_status onr_ml_read_labels(const struct onr_node *node, const char *ints_name,
                                   struct onr_ml_labels *labels,
                                   struct onr_error *err) ONR_MUST_USE;

/*
 * Outputs of a classifier with these labels: 0 has the label of each row, 1 `scores` numbers per row
 * (negative: unknown).
 */
enum onr_status onr_ml_infer_classes(struct onr_infer_ctx *ctx, const struct onr_ml_labels *labels,
                                     int64_t scores) ONR_MUST_USE;

/* The class without a label, none of those that are listed; its label is 0 or "". */
#define ONR_ML_NO_CLASS SIZE_MAX

/* Sets output 0 to `scores` numbers per row of input 0. */
enum onr_status onr_ml_infer_scores(struct onr_infer_ctx *ctx, size_t scores) ONR_MUST_USE;

/* Types of features, of the scores of a regressor, of the labels and scores of a classifier. */
extern const struct onr_param_spec onr_ml_x_specs[];
extern const struct onr_param_spec onr_ml_score_specs[];
extern const struct onr_param_spec onr_ml_label_specs[];

/* Completes the scratch of a worker, and gives each thread one. Error: ONR_ERR_LIMIT. */
enum onr_status onr_ml_plan_workers(struct onr_plan_ctx *ctx, const struct onr_workspace *worker,
                                    size_t *worker_bytes) ONR_MUST_USE;

/* One run of an operator that gives each row scores and, if it is a classifier, a label. */
struct onr_ml_job {
    const void *plan; /* of the operator */
    const struct onr_kernels *kernels;
    const struct onr_tensor *x;
    const struct onr_ml_labels *labels; /* count 0: no classifier */
    const struct onr_tensor *label;     /* of each row, or NULL */
    const struct onr_tensor *scores;    /* of each row, or NULL */
    char *workspace;
};

struct onr_ml_job onr_ml_job_of(const struct onr_run_ctx *ctx, const struct onr_ml_labels *labels);

/* Stores the scores of a row and, in a classifier, the label of its class. */
void onr_ml_store(const struct onr_ml_job *job, size_t row, size_t which, size_t count,
                  const double *scores);

/* The first of the largest numbers. With one number: class 0 when that is positive, else none. */
size_t onr_ml_top_class(size_t count, const double *scores);

/* Numbered as in TreeEnsemble-5. */
enum onr_ml_transform {
    ONR_ML_NONE,
    ONR_ML_SOFTMAX,
    ONR_ML_LOGISTIC,
    ONR_ML_SOFTMAX_ZERO, /* softmax that leaves out zeros */
    ONR_ML_PROBIT,
};

/* Reads "post_transform", a name or a number. Error: ONR_ERR_MODEL. */
enum onr_status onr_ml_read_transform(const struct onr_node *node, enum onr_ml_transform *transform,
                                      struct onr_error *err) ONR_MUST_USE;

double onr_ml_logistic(double x);

void onr_ml_transform(enum onr_ml_transform transform, size_t count, double *scores);

/*
 * The scores of two classes of which only the second one's was computed: transforms -score and
 * score; or 1 - score and score when the score is a probability (is_share) or taken for one (PROBIT).
 */
void onr_ml_transform_pair(enum onr_ml_transform transform, bool is_share, double score,
                           double scores[2]);

#endif
