/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one operator the way the engine does (attribute and type checks, infer, prepare, plan, run),
 * on every instruction set of the machine and on 1 and 3 threads, with inputs at run time and as
 * constants.
 *
 *     struct op_test t;
 *     op_test_begin(&t, "", "Softmax", 13);
 *     op_test_int(&t, "axis", 0);
 *     op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 0}));
 *     op_test_output(&t, test_f32(SHAPE(2), (float[]){0.5f, 0.5f}));
 *     op_test_run(&t);               or  op_test_fails(&t, ONR_ERR_SHAPE, "axis 3 out of range");
 */
#ifndef ONR_TESTS_SUPPORT_OP_TEST_H
#define ONR_TESTS_SUPPORT_OP_TEST_H

#include "base/error.h"
#include "graph/graph.h"
#include "support/test.h"

#define OP_TEST_MAX 24

struct op_test {
    const char *domain;
    const char *op_type;
    int64_t version;
    struct onr_attr attrs[OP_TEST_MAX];
    uint32_t attr_count;
    const struct onr_tensor *inputs[OP_TEST_MAX]; /* NULL: absent */
    uint32_t input_count;
    const struct onr_tensor *outputs[OP_TEST_MAX]; /* expected; NULL: not wanted */
    uint32_t output_count;
    double rtol; /* 1e-5 unless set */
    double atol; /* 1e-6 unless set */
};

void op_test_begin(struct op_test *test, const char *domain, const char *op_type, int64_t version);
void op_test_int(struct op_test *test, const char *name, int64_t value);
void op_test_float(struct op_test *test, const char *name, float value);
void op_test_string(struct op_test *test, const char *name, const char *value);
void op_test_ints(struct op_test *test, const char *name, size_t count, const int64_t *values);
void op_test_floats(struct op_test *test, const char *name, size_t count, const float *values);
void op_test_strings(struct op_test *test, const char *name, size_t count,
                     const struct onr_string *values);
void op_test_value(struct op_test *test, const char *name, const struct onr_tensor *value);
void op_test_input(struct op_test *test, const struct onr_tensor *input);
void op_test_output(struct op_test *test, const struct onr_tensor *expected);

/* Asserts that the outputs come out as expected, in all the ways above. */
void op_test_run(const struct op_test *test);

/*
 * Asserts that the node is refused with this status and a message that contains text.
 * op_test_output gives the number of outputs; their contents do not matter.
 */
void op_test_fails(const struct op_test *test, enum onr_status status, const char *text);

/*
 * Asserts that the node runs or is refused with a message, of which no error is an internal one, and
 * that nothing leaks. It may allocate 32 MB.
 */
void op_test_survives(const struct op_test *test);

#endif
