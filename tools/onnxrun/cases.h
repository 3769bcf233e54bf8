/* SPDX-License-Identifier: Apache-2.0 */
/* The test cases under a folder, and one of them run: the layout and rules of the ONNX backend test
 * suite. */
#ifndef ONNXRUN_TOOLS_CASES_H
#define ONNXRUN_TOOLS_CASES_H

#include "common/tool.h"

/*
 * A folder with model.onnx, or model.onnxtxt, and test_data_set_*, or a "light" model: light_X.onnx with
 * light_X_output_0.pb, whose inputs are i/n for the elements i of n.
 */
struct test_case {
    char *name;  /* path below the folder that was searched */
    char *model; /* path of the model file */
    bool is_light;
};

struct test_cases {
    struct test_case *items;
    size_t count;
};

/* Adds the cases in the folder at path and below, in the order of their names. Links to folders are
 * not followed. Error: IO when path cannot be read. */
onnxrun_status cases_find(struct test_cases *cases, const char *path, onnxrun_error *error);

/* Keeps the cases of which the name, or its last part, matches the shell pattern. */
void cases_filter(struct test_cases *cases, const char *pattern);

void cases_free(struct test_cases *cases);

enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_UNSUPPORTED };

/* How results are compared, unless a data.json beside the model says so, and run. */
struct case_settings {
    double rtol;
    double atol;
    bool is_rtol_forced; /* data.json does not change it */
    bool is_atol_forced;
    uint32_t threads;
    bool no_fusion;
};

/* Small and without pointers: a child process writes it to a pipe at once. */
struct case_result {
    enum verdict verdict;
    double max_error;
    double max_ulp;
    double seconds;
    char message[1024];
};

void case_run(const struct test_case *test, const struct case_settings *settings,
              struct case_result *result);

#endif
