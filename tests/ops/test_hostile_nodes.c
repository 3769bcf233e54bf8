/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes of every row with inputs and attributes that are drawn at random from what hostile files
 * hold: extreme numbers, wrong ranks and types, absent operands. Each must run or be refused with a
 * message; what sanitizers find counts. The draws are the same every time; other ones with a number as
 * argument.
 */
#include "base/dtype.h"
#include "ops/registry.h"
#include "support/op_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 24 /* of each row */

static uint64_t drawn;

static uint32_t draw(uint32_t count)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(drawn >> 33) % count;
}

static bool one_in(uint32_t count)
{
    return draw(count) == 0;
}

static int64_t hostile_int(void)
{
    static const int64_t numbers[] = {0,         1,         2,         3,         4,
                                      -1,        -2,        -5,        7,         64,
                                      INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, (int64_t)1 << 40};
    return numbers[one_in(3) ? draw(15) : draw(5)];
}

static float hostile_float(void)
{
    static const float numbers[] = {0, 1, 0.5f, -1, 2, 1e30f, -1e30f, 1e-40f, INFINITY, -INFINITY};
    return one_in(16) ? NAN : numbers[one_in(4) ? draw(10) : draw(4)];
}

static const char *hostile_text(void)
{
    static const char *const texts[] = {"",       "a",       "linear",   "nearest", "SAME_UPPER",
                                        "NOTSET", "max",     "none",     "add",     "LEFT",
                                        "mean",   "reverse", "\xff\xfe", "[a-z]+(", "a,b->ab",
                                        "relu",   "SOFTMAX", "TF",       "%s%n",    "edge"};
    return texts[draw(20)];
}

static void fill(struct onr_tensor *tensor)
{
    size_t count = (size_t)onr_tensor_count(tensor);
    for (size_t i = 0; i < count; i++) {
        int64_t number = hostile_int();
        switch (tensor->dtype) {
        case ONR_FLOAT:
            ((float *)tensor->data)[i] = hostile_float();
            break;
        case ONR_DOUBLE:
            ((double *)tensor->data)[i] = (double)hostile_float();
            break;
        case ONR_INT32:
            ((int32_t *)tensor->data)[i] = (int32_t)(uint32_t)(uint64_t)number;
            break;
        case ONR_INT64:
            ((int64_t *)tensor->data)[i] = number;
            break;
        case ONR_UINT64:
            ((uint64_t *)tensor->data)[i] = (uint64_t)number;
            break;
        case ONR_UINT8:
            ((uint8_t *)tensor->data)[i] = (uint8_t)number;
            break;
        case ONR_INT8:
            ((int8_t *)tensor->data)[i] = (int8_t)(uint8_t)number;
            break;
        case ONR_BOOL:
            ((uint8_t *)tensor->data)[i] = number > 0;
            break;
        case ONR_FLOAT16:
            ((uint16_t *)tensor->data)[i] = (uint16_t)draw(0x10000);
            break;
        case ONR_STRING: {
            const char *text = hostile_text();
            ((struct onr_string *)tensor->data)[i] = (struct onr_string){text, strlen(text)};
            break;
        }
        default:
            break; /* zeros */
        }
    }
}

static enum onr_dtype draw_dtype(onr_dtypes dtypes)
{
    enum onr_dtype usual[] = {ONR_FLOAT, ONR_INT64, ONR_INT32, ONR_UINT8, ONR_BOOL, ONR_STRING};
    for (int i = 0; i < 64; i++) {
        enum onr_dtype dtype =
            one_in(3) ? (enum onr_dtype)(1 + draw(ONR_DTYPE_COUNT - 1)) : usual[draw(6)];
        if (onr_dtypes_has(dtypes, dtype)) {
            return dtype;
        }
    }
    return ONR_FLOAT;
}

static struct onr_tensor *draw_tensor(onr_dtypes dtypes)
{
    static const int64_t extents[] = {1, 2, 3, 4, 0, 5};
    int64_t dims[5] = {0};
    size_t rank = one_in(3) ? draw(5) : 1 + draw(3);
    int64_t common = extents[draw(4)];
    for (size_t d = 0; d < rank; d++) {
        dims[d] = one_in(2) ? common : extents[one_in(6) ? draw(6) : draw(4)];
    }
    struct onr_tensor *tensor = test_tensor(draw_dtype(dtypes), rank, dims, NULL);
    fill(tensor);
    return tensor;
}

/* Lists live in tensors, which the end of the test frees. */
static void draw_attr(struct op_test *test, const struct onr_attr_spec *spec)
{
    int64_t count = draw(4);
    switch (spec->kind) {
    case ONR_ATTR_INT:
        op_test_int(test, spec->name, hostile_int());
        break;
    case ONR_ATTR_FLOAT:
        op_test_float(test, spec->name, hostile_float());
        break;
    case ONR_ATTR_STRING:
        op_test_string(test, spec->name, hostile_text());
        break;
    case ONR_ATTR_TENSOR:
        op_test_value(test, spec->name, draw_tensor(ONR_DTYPES_ALL));
        break;
    case ONR_ATTR_INTS:
    case ONR_ATTR_FLOATS:
    case ONR_ATTR_STRINGS: {
        enum onr_dtype dtype = spec->kind == ONR_ATTR_INTS     ? ONR_INT64
                               : spec->kind == ONR_ATTR_FLOATS ? ONR_FLOAT
                                                               : ONR_STRING;
        struct onr_tensor *list = test_tensor(dtype, 1, &count, NULL);
        fill(list);
        if (spec->kind == ONR_ATTR_INTS) {
            op_test_ints(test, spec->name, (size_t)count, list->data);
        } else if (spec->kind == ONR_ATTR_FLOATS) {
            op_test_floats(test, spec->name, (size_t)count, list->data);
        } else {
            op_test_strings(test, spec->name, (size_t)count, list->data);
        }
        break;
    }
    default:
        break;
    }
}

static void draw_node(const struct onr_op_def *op, struct op_test *test)
{
    op_test_begin(test, op->domain, op->name, op->since_version);
    for (const struct onr_attr_spec *a = op->attrs; a != NULL && a->name != NULL; a++) {
        if (test->attr_count < OP_TEST_MAX && (a->is_required ? !one_in(20) : one_in(3))) {
            draw_attr(test, a);
        }
    }
    uint32_t most = op->inputs.max < op->inputs.min + 4 ? op->inputs.max : op->inputs.min + 4;
    most = most < OP_TEST_MAX ? most : OP_TEST_MAX;
    uint32_t inputs = op->inputs.min + draw(most - op->inputs.min + 1);
    for (uint32_t i = 0; i < inputs && i < OP_TEST_MAX; i++) {
        onr_dtypes dtypes =
            one_in(12) ? ONR_DTYPES_ALL : onr_param_spec_at(op->input_specs, i).dtypes;
        op_test_input(test, one_in(i < op->inputs.min ? 20 : 4) ? NULL : draw_tensor(dtypes));
    }
    most = op->outputs.max < 4 ? op->outputs.max : 4;
    uint32_t least = op->outputs.min < most ? op->outputs.min : most;
    uint32_t outputs = least + draw(most - least + 1);
    for (uint32_t i = 0; i < outputs; i++) {
        op_test_output(test, one_in(10) ? NULL : draw_tensor(ONR_BIT(FLOAT)));
    }
}

/* Sequences and optionals need a session, bodies a graph. */
static bool is_alone(const struct onr_op_def *op)
{
    return (op->traits & (ONR_TRAIT_BODIES | ONR_TRAIT_ANY_KIND)) == 0 &&
           strstr(op->name, "Sequence") == NULL && strstr(op->name, "Optional") == NULL;
}

static void every_row_survives_hostile_nodes(void **state)
{
    for (const struct onr_op_def *const *table = onr_op_registry.tables; *table != NULL; table++) {
        for (const struct onr_op_def *op = *table; op->name != NULL; op++) {
            for (int i = 0; i < ROUNDS && is_alone(op); i++) {
                struct op_test test;
                draw_node(op, &test);
                op_test_survives(&test);
                test_tensors_free(state);
            }
        }
    }
}

int main(int argc, char **argv)
{
    drawn = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_row_survives_hostile_nodes, test_tensors_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
