/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every test includes: cmocka with its prerequisites in the right order, and tensors for
 * tests.
 */
#ifndef ONR_TESTS_SUPPORT_TEST_H
#define ONR_TESTS_SUPPORT_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/shape.h"

/* Dimensions of a tensor literal: SHAPE(2, 3), or SCALAR. */
/* clang-format off */
#define SHAPE(...) (sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__}
/* clang-format on */
#define SCALAR (size_t)0, NULL

/*
 * A tensor with a copy of values (its element type's memory form; NULL: zeros), freed by
 * test_tensors_free.
 */
struct onr_tensor *test_tensor(enum onr_dtype dtype, size_t rank, const int64_t *dims,
                               const void *values);

/* Shorthands: test_f32(SHAPE(2), (float[]){1, 2}). */
#define test_f32(...) test_tensor(ONR_FLOAT, __VA_ARGS__)
#define test_i64(...) test_tensor(ONR_INT64, __VA_ARGS__)

/*
 * count numbers in [-1, 1) from a fixed generator; the same seed gives the same numbers everywhere.
 */
void test_random(uint64_t seed, size_t count, float *values);

/* Fails unless part stands in text, and shows both. */
void assert_contains(const char *text, const char *part);

/* Frees all tensors of the test; use as the teardown of a test. */
int test_tensors_free(void **state);

/*
 * Fails unless dtype and shape are equal and |got - want| <= atol + rtol * |want| (NaN equals NaN;
 * integers and strings exactly). Prints the first bad index, both values and the largest error.
 */
void assert_tensor_close(const struct onr_tensor *got, const struct onr_tensor *want, double rtol,
                         double atol);

#endif
