/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a model that is written as text (support/model_text.h) through the public API.
 *
 *     struct session_test t;
 *     session_test_begin(&t, "in float x [n]; y = Neg(x); out float y [n];");
 *     session_test_in(&t, "x", test_f32(SHAPE(2), (float[]){1, 2}));
 *     session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, -2}));
 *     session_test_run(&t);           or  session_test_fails(&t, ONNXRUN_ERR_SHAPE, "...");
 *     session_test_end(&t);
 */
#ifndef ONR_TESTS_SUPPORT_SESSION_TEST_H
#define ONR_TESTS_SUPPORT_SESSION_TEST_H

#include "support/model_text.h"
#include "support/test.h"

#include <onnxrun/onnxrun.h>

#define SESSION_TEST_MAX 8

struct session_test {
    struct proto file;
    onnxrun_model *model;
    onnxrun_session *session;
    onnxrun_error error; /* of the last call */
    onnxrun_binding inputs[SESSION_TEST_MAX];
    size_t input_count;
    onnxrun_binding outputs[SESSION_TEST_MAX];
    const struct onr_tensor *wanted[SESSION_TEST_MAX];
    size_t output_count;
};

/* Loads the model, which must succeed, and makes a session with two threads. */
void session_test_begin(struct session_test *t, const char *text);

/* The same with options; the model may be refused: then there is no session. */
onnxrun_status session_test_load(struct session_test *t, const char *text,
                                 const onnxrun_model_options *options);
void session_test_end(struct session_test *t);

/* Makes a new session in place of the present one. */
void session_test_restart(struct session_test *t, const onnxrun_session_options *options);

/* Binds a tensor, in place of an earlier one of the same name. */
void session_test_in(struct session_test *t, const char *name, const struct onr_tensor *tensor);

/* Asks for an output; wanted NULL: any. */
void session_test_out(struct session_test *t, const char *name, const struct onr_tensor *wanted);

/* Runs, which must succeed and give what is wanted, bit for bit. */
void session_test_run(struct session_test *t);

/* Runs, which must fail with this status and a message that contains text. */
void session_test_fails(struct session_test *t, onnxrun_status status, const char *text);

/* The output of this position as a run-time tensor. */
struct onr_tensor session_test_result(const struct session_test *t, size_t index);

/* Allocations of the session so far. */
uint64_t session_test_allocs(const struct session_test *t);

/* Loads a model that must be refused with this status and a message that contains text. */
void session_test_refused(const char *text, onnxrun_status status, const char *message);

#endif
