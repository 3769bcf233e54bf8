/* SPDX-License-Identifier: Apache-2.0 */
/* What passes make of a model that is written as text (support/model_text.h). */
#ifndef ONR_TESTS_SUPPORT_GRAPH_TEST_H
#define ONR_TESTS_SUPPORT_GRAPH_TEST_H

#include <stdbool.h>
#include <stddef.h>

/* The stage "graph" as text; free with onnxrun_text_free. */
char *graph_test_text(const char *model);

/* What the passes did, as text; free with onnxrun_text_free. */
char *graph_test_explain(const char *model);

/* Checks that this has a part. */
void graph_test_explains(const char *model, const char *expected);

/* Checks the operators of the nodes in order, those of bodies included: "Add Mul". */
void graph_test_nodes(const char *model, const char *expected);

/* Runs the model on the input x [2, 4], and c, true, when it has that; writes output 0 to y and
 * returns its bytes. */
size_t graph_test_run(const char *model, bool no_fusion, const float x[8], void *y,
                      size_t capacity);

/* Runs the model on numbers of either sign, with and without fusion: the results may differ by error
 * times their size, or times 1 where they are smaller; with 0 not in a bit. */
void graph_test_results(const char *model, float error);

/* graph_test_nodes, and graph_test_results. */
void graph_test_fused(const char *model, const char *expected, float error);

#endif
