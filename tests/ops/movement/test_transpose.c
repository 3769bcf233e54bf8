/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* x[i] = i, of any element size, and y by its definition. */
static void check_transpose(enum onr_dtype dtype, size_t rank, const int64_t *dims,
                            const int64_t *perm)
{
    struct op_test t;
    struct onr_tensor *x = test_tensor(dtype, rank, dims, NULL);
    size_t size = onr_dtype_size(dtype);
    int64_t strides[ONR_MAX_RANK];
    int64_t y_dims[ONR_MAX_RANK];
    onr_shape_strides(&x->shape, strides);
    for (size_t i = 0; i < rank; i++) {
        y_dims[i] = dims[perm[i]];
    }
    struct onr_tensor *y = test_tensor(dtype, rank, y_dims, NULL);
    for (int64_t i = 0; i < onr_tensor_count(x); i++) {
        int64_t rest = i;
        int64_t from = 0;
        for (size_t d = rank; d-- > 0;) {
            from += rest % y_dims[d] * strides[perm[d]];
            rest /= y_dims[d];
        }
        for (size_t b = 0; b < size && b < 2; b++) {
            ((uint8_t *)x->data)[(size_t)i * size + b] = (uint8_t)((uint64_t)i >> (8 * b) & 127);
            ((uint8_t *)y->data)[(size_t)i * size + b] = (uint8_t)((uint64_t)from >> (8 * b) & 127);
        }
    }
    op_test_begin(&t, "", "Transpose", 13);
    op_test_ints(&t, "perm", rank, perm);
    op_test_input(&t, x);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void permutations_move_every_element(void **state)
{
    (void)state;
    const int64_t heads[] = {2, 5, 4, 33};
    const int64_t image[] = {2, 3, 17, 70};
    const int64_t ones[] = {1, 7, 1, 3};
    check_transpose(ONR_INT32, 4, heads, (int64_t[]){0, 2, 1, 3});
    check_transpose(ONR_INT32, 4, heads, (int64_t[]){0, 2, 3, 1});
    check_transpose(ONR_INT64, 4, heads, (int64_t[]){3, 1, 0, 2});
    check_transpose(ONR_UINT16, 4, image, (int64_t[]){0, 1, 3, 2});
    check_transpose(ONR_INT8, 4, image, (int64_t[]){3, 2, 1, 0});
    check_transpose(ONR_INT32, 4, image, (int64_t[]){0, 1, 2, 3});
    check_transpose(ONR_COMPLEX64, 4, image, (int64_t[]){0, 3, 1, 2});
    check_transpose(ONR_INT32, 4, ones, (int64_t[]){2, 3, 0, 1});
    check_transpose(ONR_INT32, 2, (int64_t[]){301, 203}, (int64_t[]){1, 0});
}

/* Of 2, 4, 8 and 16 bytes, which move at once, and of other sizes. */
static void short_rows_stay_together(void **state)
{
    static const enum onr_dtype dtypes[] = {ONR_UINT8, ONR_UINT16, ONR_FLOAT, ONR_INT64,
                                            ONR_COMPLEX128};
    (void)state;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        for (int64_t width = 1; width <= 17; width += width < 6 ? 1 : 5) {
            check_transpose(dtypes[i], 4, (int64_t[]){9, 2, 16, width}, (int64_t[]){0, 2, 1, 3});
            check_transpose(dtypes[i], 4, (int64_t[]){3, 7, 5, width}, (int64_t[]){1, 2, 0, 3});
            check_transpose(dtypes[i], 4, (int64_t[]){4, 3, width, 2}, (int64_t[]){0, 2, 1, 3});
            test_tensors_free(NULL);
        }
    }
}

static void few_long_rows_are_shared_by_threads(void **state)
{
    (void)state;
    check_transpose(ONR_FLOAT, 4, (int64_t[]){2, 60, 201, 3}, (int64_t[]){0, 3, 1, 2});
    check_transpose(ONR_FLOAT, 4, (int64_t[]){1, 5, 90, 101}, (int64_t[]){0, 2, 3, 1});
    check_transpose(ONR_UINT8, 3, (int64_t[]){260, 501, 2}, (int64_t[]){2, 0, 1});
}

static void perm_is_reversed_by_default(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Transpose", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3, 1), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 3, 2), (float[]){1, 4, 2, 5, 3, 6}));
    op_test_run(&t);
    op_test_begin(&t, "", "Transpose", 13);
    op_test_input(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 0), NULL));
    op_test_run(&t);
    op_test_begin(&t, "", "Transpose", 13);
    op_test_input(&t, test_f32(SCALAR, (float[]){7}));
    op_test_output(&t, test_f32(SCALAR, (float[]){7}));
    op_test_run(&t);
}

static void check_refused(size_t count, const int64_t *perm, enum onr_status status,
                          const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "Transpose", 13);
    op_test_ints(&t, "perm", count, perm);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, status, text);
}

static void what_is_no_permutation_is_refused(void **state)
{
    (void)state;
    check_refused(1, (int64_t[]){0}, ONR_ERR_SHAPE, "perm has 1 entries for an input of rank 2");
    check_refused(2, (int64_t[]){0, 2}, ONR_ERR_SHAPE, "axis 2 out of range");
    check_refused(2, (int64_t[]){1, 1}, ONR_ERR_VALUE, "perm has 1 twice");
}

static void depth_and_space(struct op_test *t, const char *op, const char *mode, int64_t block,
                            const struct onr_tensor *x)
{
    op_test_begin(t, "", op, 28);
    op_test_int(t, "blocksize", block);
    if (mode != NULL) {
        op_test_string(t, "mode", mode);
    }
    op_test_input(t, x);
}

static void depth_moves_to_space_and_back(void **state)
{
    (void)state;
    const float x[] = {0, 1, 2, 3, 4, 5, 6, 7};
    const float dcr[] = {0, 2, 4, 6, 1, 3, 5, 7};
    const float crd[] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct op_test t;
    depth_and_space(&t, "DepthToSpace", NULL, 2, test_f32(SHAPE(1, 8, 1, 1), x));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2, 2), dcr));
    op_test_run(&t);
    depth_and_space(&t, "DepthToSpace", "CRD", 2, test_f32(SHAPE(1, 8, 1, 1), x));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2, 2), crd));
    op_test_run(&t);
    depth_and_space(&t, "SpaceToDepth", NULL, 2, test_f32(SHAPE(1, 2, 2, 2), dcr));
    op_test_output(&t, test_f32(SHAPE(1, 8, 1, 1), x));
    op_test_run(&t);
    depth_and_space(&t, "SpaceToDepth", "CRD", 2, test_f32(SHAPE(1, 2, 2, 2), crd));
    op_test_output(&t, test_f32(SHAPE(1, 8, 1, 1), x));
    op_test_run(&t);
    t.version = 13;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute \"mode\" is not known");
}

static void planes_beyond_any_size_are_no_internal_error(void **state)
{
    (void)state;
    const int64_t big = INT64_C(1) << 40;
    struct op_test t;
    depth_and_space(&t, "DepthToSpace", NULL, INT32_MAX, test_f32(SHAPE(1, 0, big, 1), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_LIMIT,
                  "dimension 2 of the output, 1099511627776 * 2147483647, is too large");
    depth_and_space(&t, "SpaceToDepth", NULL, 1 << 20, test_f32(SHAPE(1, big, 0, 0), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_LIMIT,
                  "dimension 1 of the output, 1099511627776 * 1099511627776, is too large");
}

static void blocks_that_do_not_divide_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    depth_and_space(&t, "DepthToSpace", NULL, 2, test_f32(SHAPE(1, 6, 1, 1), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "dimension 1 is 6, expected a multiple of 4");
    depth_and_space(&t, "SpaceToDepth", NULL, 0, test_f32(SHAPE(1, 6, 2, 2), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "blocksize is 0");
    depth_and_space(&t, "DepthToSpace", "ABC", 2, test_f32(SHAPE(1, 8, 1, 1), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "mode is \"ABC\"");
    depth_and_space(&t, "SpaceToDepth", "", 2, test_f32(SHAPE(1, 8, 2, 2), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "mode is \"\", expected DCR or CRD");
    depth_and_space(&t, "SpaceToDepth", NULL, 2, test_f32(SHAPE(6, 2, 2), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 0 has rank 3, expected 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(permutations_move_every_element, test_tensors_free),
        cmocka_unit_test_teardown(short_rows_stay_together, test_tensors_free),
        cmocka_unit_test_teardown(few_long_rows_are_shared_by_threads, test_tensors_free),
        cmocka_unit_test_teardown(perm_is_reversed_by_default, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_permutation_is_refused, test_tensors_free),
        cmocka_unit_test_teardown(depth_moves_to_space_and_back, test_tensors_free),
        cmocka_unit_test_teardown(planes_beyond_any_size_are_no_internal_error, test_tensors_free),
        cmocka_unit_test_teardown(blocks_that_do_not_divide_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
