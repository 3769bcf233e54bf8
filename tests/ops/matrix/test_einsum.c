/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

#define LETTERS 128

/* Element of x that `term` sees at these indices of all letters. */
static double element(const struct onr_tensor *x, const char *term, const int64_t *index)
{
    int64_t at = 0;
    for (int d = 0; d < x->shape.rank; d++) {
        at = at * x->shape.dim[d] + index[(int)term[d]];
    }
    return (double)((const float *)x->data)[at];
}

/* y of "terms[0],terms[1]->terms[2]" by counting through all letters; terms[1] may be NULL. */
static struct onr_tensor *evaluate(const char *const terms[3], const struct onr_tensor *const x[2])
{
    int64_t size[LETTERS] = {0}, index[LETTERS] = {0}, dims[ONR_MAX_RANK];
    for (int i = 0; i < 2 && terms[i] != NULL; i++) {
        for (int d = 0; d < x[i]->shape.rank; d++) {
            size[(int)terms[i][d]] = x[i]->shape.dim[d];
        }
    }
    size_t rank = strlen(terms[2]);
    for (size_t d = 0; d < rank; d++) {
        dims[d] = size[(int)terms[2][d]];
    }
    struct onr_tensor *y = test_tensor(ONR_FLOAT, rank, dims, NULL);
    for (bool is_done = false; !is_done;) {
        int64_t at = 0;
        for (size_t d = 0; d < rank; d++) {
            at = at * dims[d] + index[(int)terms[2][d]];
        }
        double term = element(x[0], terms[0], index);
        term *= terms[1] != NULL ? element(x[1], terms[1], index) : 1.0;
        ((float *)y->data)[at] += (float)term;
        is_done = true;
        for (int l = 0; l < LETTERS && is_done; l++) {
            if (size[l] > 0) {
                index[l] = (index[l] + 1) % size[l];
                is_done = index[l] == 0;
            }
        }
    }
    return y;
}

struct example {
    const char *equation;
    const char *terms[3];
    int64_t dims[2][4];
};

static const struct example examples[] = {
    {"ij,jk->ik", {"ij", "jk", "ik"}, {{20, 7}, {7, 50}}},
    {"ij,kj->ik", {"ij", "kj", "ik"}, {{3, 7}, {5, 7}}},
    {"ij,jk->ki", {"ij", "jk", "ki"}, {{3, 7}, {7, 5}}},
    /* attention: heads in front and behind, and the two forms of Keras */
    {"bhid,bhjd->bhij", {"bhid", "bhjd", "bhij"}, {{2, 3, 5, 4}, {2, 3, 6, 4}}},
    {"bihd,bjhd->bhij", {"bihd", "bjhd", "bhij"}, {{2, 5, 3, 4}, {2, 6, 3, 4}}},
    {"bhij,bjhd->bihd", {"bhij", "bjhd", "bihd"}, {{2, 3, 5, 6}, {2, 6, 3, 4}}},
    {"aecd,abcd->acbe", {"aecd", "abcd", "acbe"}, {{2, 5, 3, 4}, {2, 6, 3, 4}}},
    {"acbe,aecd->abcd", {"acbe", "aecd", "abcd"}, {{2, 3, 6, 5}, {2, 5, 3, 4}}},
    {"abc,cde->abde", {"abc", "cde", "abde"}, {{2, 3, 4}, {4, 5, 6}}},
    {"abcd,cde->abe", {"abcd", "cde", "abe"}, {{2, 3, 4, 5}, {4, 5, 6}}},
    {"abcd,dce->abe", {"abcd", "dce", "abe"}, {{2, 3, 4, 5}, {5, 4, 6}}},
    {"bhwc,hkc->bhwk", {"bhwc", "hkc", "bhwk"}, {{2, 3, 4, 5}, {3, 6, 5}}},
    /* products without a matrix, outer products, sums over one input only */
    {"bi,bi->b", {"bi", "bi", "b"}, {{4, 9}, {4, 9}}},
    {"bij,bj->bi", {"bij", "bj", "bi"}, {{4, 3, 9}, {4, 9}}},
    {"i,j->ij", {"i", "j", "ij"}, {{4}, {5}}},
    {"i,i->", {"i", "i", ""}, {{9}, {9}}},
    {"ij,ij->ij", {"ij", "ij", "ij"}, {{4, 5}, {4, 5}}},
    {"ij,jk->i", {"ij", "jk", "i"}, {{4, 5}, {5, 6}}},
    {" i j , j k -> i k ", {"ij", "jk", "ik"}, {{4, 5}, {5, 6}}},
    {"iIj,Ij->ij", {"iIj", "Ij", "ij"}, {{4, 2, 5}, {2, 5}}},
    {"ij,jk", {"ij", "jk", "ik"}, {{4, 5}, {5, 6}}},
    {"ji,Aj", {"ji", "Aj", "Ai"}, {{4, 5}, {6, 4}}},
    /* one input */
    {"ij->ji", {"ij", NULL, "ji"}, {{4, 5}}},
    {"ba", {"ba", NULL, "ab"}, {{4, 5}}},
    {"ij->", {"ij", NULL, ""}, {{4, 5}}},
    {"bii->bi", {"bii", NULL, "bi"}, {{3, 4, 4}}},
    {"ii", {"ii", NULL, ""}, {{4, 4}}},
    {"iij,jk->ik", {"iij", "jk", "ik"}, {{3, 3, 4}, {4, 5}}},
};

static void equations_by_counting(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct example *e = &examples[i];
        const struct onr_tensor *x[2] = {NULL, NULL};
        struct op_test t;
        op_test_begin(&t, "", "Einsum", 12);
        op_test_string(&t, "equation", e->equation);
        t.atol = 1e-5;
        for (int k = 0; k < 2 && e->terms[k] != NULL; k++) {
            struct onr_tensor *input =
                test_tensor(ONR_FLOAT, strlen(e->terms[k]), e->dims[k], NULL);
            test_random((uint64_t)k + 1, (size_t)onr_tensor_count(input), input->data);
            x[k] = input;
            op_test_input(&t, input);
        }
        op_test_output(&t, evaluate(e->terms, x));
        op_test_run(&t);
    }
}

static void begin(struct op_test *t, const char *equation)
{
    op_test_begin(t, "", "Einsum", 12);
    op_test_string(t, "equation", equation);
}

static void an_ellipsis_broadcasts(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "...ij,...jk->...ik");
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){1, 2, 3, 4}));
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){10, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1), (float[]){12, 34}));
    op_test_run(&t);
    begin(&t, "i...,j...");
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 3), (float[]){1, 10, 100}));
    op_test_output(&t, test_f32(SHAPE(3, 2, 1), (float[]){1, 2, 10, 20, 100, 200}));
    op_test_run(&t);
}

static void three_inputs_scalars_and_empty_sums(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "i,,i->i");
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SCALAR, (float[]){10}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){3, 4}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){30, 80}));
    op_test_run(&t);
    begin(&t, "ij,jk->ik");
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(0, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){0, 0}));
    op_test_run(&t);
    begin(&t, "ij,jk->ik");
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

static void run_typed(enum onr_dtype dtype, const void *a, const void *b, const void *y)
{
    static const char *const equations[] = {"ij,jk->ik", "ij,ji->"};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        begin(&t, equations[i]);
        op_test_input(&t, test_tensor(dtype, SHAPE(1, 2), a));
        op_test_input(&t, test_tensor(dtype, SHAPE(2, 1), b));
        op_test_output(&t,
                       i == 0 ? test_tensor(dtype, SHAPE(1, 1), y) : test_tensor(dtype, SCALAR, y));
        op_test_run(&t);
    }
}

static void all_types(void **state)
{
    (void)state;
    run_typed(ONR_DOUBLE, (double[]){1.5, 2}, (double[]){2, 4}, (double[]){11});
    run_typed(ONR_FLOAT16, (uint16_t[]){0x3c00, 0x4000}, (uint16_t[]){0x4000, 0x3c00},
              (uint16_t[]){0x4400});
    run_typed(ONR_BFLOAT16, (uint16_t[]){0x3f80, 0x4000}, (uint16_t[]){0x4000, 0x3f80},
              (uint16_t[]){0x4080});
    run_typed(ONR_INT8, (int8_t[]){127, 1}, (int8_t[]){1, 1}, (int8_t[]){-128});
    run_typed(ONR_UINT8, (uint8_t[]){255, 1}, (uint8_t[]){1, 2}, (uint8_t[]){1});
    run_typed(ONR_INT16, (int16_t[]){-5, 1}, (int16_t[]){2, 2}, (int16_t[]){-8});
    run_typed(ONR_UINT16, (uint16_t[]){65535, 1}, (uint16_t[]){1, 2}, (uint16_t[]){1});
    run_typed(ONR_INT32, (int32_t[]){INT32_MAX, 1}, (int32_t[]){1, 1}, (int32_t[]){INT32_MIN});
    run_typed(ONR_INT64, (int64_t[]){INT64_MAX, 1}, (int64_t[]){1, 1}, (int64_t[]){INT64_MIN});
    run_typed(ONR_UINT32, (uint32_t[]){UINT32_MAX, 1}, (uint32_t[]){1, 2}, (uint32_t[]){1});
    run_typed(ONR_UINT64, (uint64_t[]){UINT64_MAX, 1}, (uint64_t[]){1, 2}, (uint64_t[]){1});
}

static void expect_failure(const char *equation, enum onr_status status, const char *text)
{
    struct op_test t;
    begin(&t, equation);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(3, 4), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, status, text);
}

static void bad_equations_are_refused(void **state)
{
    (void)state;
    expect_failure("ij->ij", ONR_ERR_MODEL, "equation has 1 terms for 2 inputs");
    expect_failure("ij,jk,kl->il", ONR_ERR_MODEL, "equation cannot be read at byte 5: \",kl->il\"");
    expect_failure("ij,j->i", ONR_ERR_SHAPE,
                   "input 1 has rank 2, its term in the equation 1 labels");
    expect_failure("ij,jkl->i", ONR_ERR_SHAPE, "input 1 has rank 2, its term in the equation 3");
    expect_failure("ij,ij->ij", ONR_ERR_SHAPE,
                   "dimension 0 of input 1 is 3, the same label has 2 elsewhere");
    expect_failure("ij,jk->im", ONR_ERR_MODEL, "label 'm' of the output must stand once");
    expect_failure("ij,jk->ii", ONR_ERR_MODEL, "label 'i' of the output must stand once");
    expect_failure("......ij,jk->ii", ONR_ERR_MODEL, "equation has two ellipses in one term");
    expect_failure("i1,jk->ij", ONR_ERR_SHAPE, "input 0 has rank 2, its term in the equation 1");
    expect_failure("ij,jk->i.k", ONR_ERR_MODEL, "equation cannot be read at byte 8: \".k\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(equations_by_counting, test_tensors_free),
        cmocka_unit_test_teardown(an_ellipsis_broadcasts, test_tensors_free),
        cmocka_unit_test_teardown(three_inputs_scalars_and_empty_sums, test_tensors_free),
        cmocka_unit_test_teardown(all_types, test_tensors_free),
        cmocka_unit_test_teardown(bad_equations_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
