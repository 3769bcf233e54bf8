/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operators as a whole: each row is complete, no two answer for the same version. */
#include "ops/registry.h"
#include "support/test.h"

#include <string.h>

#define MAX_ROWS 2048

static const struct onr_op_def *rows[MAX_ROWS];
static size_t row_count;

static int gather_rows(void **state)
{
    (void)state;
    for (const struct onr_op_def *const *table = onr_op_registry.tables; *table != NULL; table++) {
        for (const struct onr_op_def *op = *table; op->name != NULL; op++) {
            assert_true(row_count < MAX_ROWS);
            rows[row_count++] = op;
        }
    }
    return 0;
}

static void check_specs(const struct onr_op_def *op, const struct onr_param_spec *specs)
{
    for (uint32_t i = 0; specs != NULL && specs[i].dtypes != 0; i++) {
        if (specs[i].dtypes > ONR_DTYPES_ALL || (specs[i].dtypes & 1) != 0) {
            fail_msg("%s-%d: types of parameter %u", op->name, op->since_version, i);
        }
        if (specs[i].group >= ONR_MAX_TYPE_GROUPS) {
            fail_msg("%s-%d: group of parameter %u", op->name, op->since_version, i);
        }
    }
}

static void check_attrs(const struct onr_op_def *op)
{
    for (const struct onr_attr_spec *a = op->attrs; a != NULL && a->name != NULL; a++) {
        if (a->kind < ONR_ATTR_FLOAT || a->kind > ONR_ATTR_TYPE) {
            fail_msg("%s-%d: attribute %s has no kind", op->name, op->since_version, a->name);
        }
        for (const struct onr_attr_spec *b = op->attrs; b != a; b++) {
            if (strcmp(a->name, b->name) == 0) {
                fail_msg("%s-%d: attribute %s twice", op->name, op->since_version, a->name);
            }
        }
    }
}

static void rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        const struct onr_op_def *op = rows[i];
        bool is_sane = op->domain != NULL && op->infer != NULL && op->run != NULL &&
                       op->since_version >= 1 && op->since_version <= op->last_version &&
                       op->last_version <= ONR_OPSET_LATEST && op->inputs.min <= op->inputs.max &&
                       op->outputs.min <= op->outputs.max && op->outputs.max > 0;
        if (!is_sane) {
            fail_msg("%s-%d is not complete", op->name, op->since_version);
        }
        if (op->release != NULL && op->prepare == NULL) {
            fail_msg("%s-%d releases what it never prepared", op->name, op->since_version);
        }
        check_specs(op, op->input_specs);
        check_specs(op, op->output_specs);
        check_attrs(op);
    }
}

static void traits_do_not_contradict(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        uint32_t traits = rows[i]->traits;
        bool is_dynamic = (traits & ONR_TRAIT_DYNAMIC) != 0;
        bool has_bodies = (traits & ONR_TRAIT_BODIES) != 0;
        bool shares = (traits & (ONR_TRAIT_VIEW | ONR_TRAIT_INPLACE)) != 0;
        if ((has_bodies && !is_dynamic) || (is_dynamic && shares)) {
            fail_msg("%s-%d has traits %x", rows[i]->name, rows[i]->since_version, traits);
        }
    }
}

static void rows_of_com_microsoft_hold_for_its_only_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        const struct onr_op_def *op = rows[i];
        if (strcmp(op->domain, "com.microsoft") == 0 &&
            (op->since_version != 1 || op->last_version != ONR_CONTRIB_LATEST)) {
            fail_msg("%s has versions %d to %d", op->name, op->since_version, op->last_version);
        }
    }
}

static void no_two_rows_answer_for_the_same_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct onr_op_def *a = rows[i];
            const struct onr_op_def *b = rows[k];
            bool is_same = strcmp(a->name, b->name) == 0 && strcmp(a->domain, b->domain) == 0;
            if (is_same && a->since_version <= b->last_version &&
                b->since_version <= a->last_version) {
                fail_msg("%s-%d and %s-%d overlap", a->name, a->since_version, b->name,
                         b->since_version);
            }
        }
    }
}

static void rows_are_found_for_exactly_their_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        const struct onr_op_def *op = rows[i];
        for (int version = -1; version <= ONR_OPSET_LATEST + 1; version++) {
            bool is_inside = version >= op->since_version && version <= op->last_version;
            bool is_found = onr_op_registry.find(op->domain, op->name, version) == op;
            assert_true(is_inside == is_found);
        }
    }
    assert_ptr_equal(onr_op_registry.find("ai.onnx", "MatMul", 13),
                     onr_op_registry.find("", "MatMul", 13));
    assert_null(onr_op_registry.find("", "matmul", 13));
    assert_null(onr_op_registry.find("other", "MatMul", 13));
    assert_null(onr_op_registry.find("", "", 13));
    assert_null(onr_op_registry.find("", "MatMul", INT64_MAX));
    assert_null(onr_op_registry.find("", "MatMul", INT64_MIN));
}

static void some_absent_operators_are_explained(void **state)
{
    (void)state;
    assert_string_equal(onr_op_registry.explain("ai.onnx", "ImageDecoder"),
                        "needs a build with -DONNXRUN_IMAGE_DECODER=ON");
    assert_string_equal(onr_op_registry.explain("ai.onnx.ml", "ZipMap"),
                        "makes maps, which are not supported: export without it");
    assert_string_equal(onr_op_registry.explain("", "ZipMap"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(traits_do_not_contradict),
        cmocka_unit_test(rows_of_com_microsoft_hold_for_its_only_version),
        cmocka_unit_test(no_two_rows_answer_for_the_same_version),
        cmocka_unit_test(some_absent_operators_are_explained),
        cmocka_unit_test(rows_are_found_for_exactly_their_versions),
    };
    return cmocka_run_group_tests(tests, gather_rows, NULL);
}
