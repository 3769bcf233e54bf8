/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols through chains that compute shapes: inference alone, with facts instead of tensors. */
#include "base/arena.h"
#include "graph/infer.h"
#include "ops/registry.h"
#include "support/test.h"

#include <string.h>

#define BATCH onr_dim_symbol(0)
#define SEQ   onr_dim_symbol(1)

static struct onr_mem mem;
static struct onr_arena arena;

static int setup(void **state)
{
    (void)state;
    onr_mem_init(&mem, NULL, 0);
    onr_arena_init(&arena, &mem);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    onr_arena_free(&arena);
    return test_tensors_free(state);
}

static struct onr_fact symbolic(enum onr_dtype dtype, size_t rank, const int64_t *dims)
{
    struct onr_shape shape = {.rank = (int)rank};
    memcpy(shape.dim, dims, rank * sizeof *dims);
    return onr_fact_of(dtype, &shape);
}

static struct onr_fact constant(const struct onr_tensor *tensor)
{
    struct onr_fact fact = onr_fact_of(tensor->dtype, &tensor->shape);
    fact.data = tensor->data;
    return fact;
}

static struct onr_fact ints(size_t count, const int64_t *values)
{
    return constant(test_i64(1, (int64_t[]){(int64_t)count}, values));
}
#define INTS(...) ints(sizeof((int64_t[]){__VA_ARGS__}) / 8, (int64_t[]){__VA_ARGS__})

/* The fact of output 0, with one attribute of kind int when name is not NULL. */
static struct onr_fact infer(const char *op_type, const char *name, int64_t value, size_t count,
                             const struct onr_fact *facts)
{
    static uint32_t ids[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct onr_attr attr = {.name = name, .kind = ONR_ATTR_INT, .count = 1, .as.i = value};
    struct onr_graph graph = {.arena = &arena, .name = "test"};
    struct onr_node node = {.name = "node",
                            .op_type = op_type,
                            .domain = "",
                            .version = 17,
                            .inputs = ids,
                            .outputs = ids + 7,
                            .input_count = (uint32_t)count,
                            .output_count = 1,
                            .attrs = &attr,
                            .attr_count = name != NULL};
    const struct onr_fact *inputs[7];
    for (size_t i = 0; i < count; i++) {
        inputs[i] = &facts[i];
    }
    const struct onr_op_def *op = onr_op_registry.find("", op_type, 17);
    struct onr_fact output;
    struct onr_error err;
    uint32_t needs = 0;
    onr_error_clear(&err);
    if (onr_infer_node(&graph, &node, op, inputs, &output, &needs, &arena, &err) != ONR_OK) {
        fail_msg("%s: %s", op_type, err.message);
    }
    return output;
}
#define INFER(op, name, value, ...)                                                                \
    infer(op, name, value, sizeof((struct onr_fact[]){__VA_ARGS__}) / sizeof(struct onr_fact),     \
          (struct onr_fact[]){__VA_ARGS__})

static void assert_dims(struct onr_fact fact, size_t rank, const int64_t *dims)
{
    assert_int_equal(fact.shape.rank, (int)rank);
    for (size_t i = 0; i < rank; i++) {
        assert_int_equal(fact.shape.dim[i], dims[i]);
    }
}

/* Contents are numbers where want is >= 0, else that symbol. */
static void assert_contents(struct onr_fact fact, size_t count, const int64_t *want)
{
    assert_non_null(fact.contents);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fact.contents[i].dim, want[i] < 0 ? want[i] : 0);
        assert_int_equal(fact.contents[i].value, want[i] < 0 ? 0 : want[i]);
    }
}

/* Shape(x)[index] as a list of one. */
static struct onr_fact dim_of(struct onr_fact x, int64_t index)
{
    struct onr_fact shape = INFER("Shape", NULL, 0, x);
    struct onr_fact pick = constant(test_i64(SCALAR, &index));
    struct onr_fact scalar = INFER("Gather", "axis", 0, shape, pick);
    assert_int_equal(scalar.shape.rank, 0);
    return INFER("Unsqueeze", NULL, 0, scalar, INTS(0));
}

static void splitting_heads_keeps_batch_and_sequence(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH, SEQ, 768));
    struct onr_fact target =
        INFER("Concat", "axis", 0, dim_of(x, 0), dim_of(x, 1), INTS(12), INTS(64));
    assert_contents(target, 4, (int64_t[]){BATCH, SEQ, 12, 64});
    assert_dims(INFER("Reshape", NULL, 0, x, target), SHAPE(BATCH, SEQ, 12, 64));
}

static void minus_one_is_what_does_not_cancel(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH, SEQ, 768));
    assert_dims(INFER("Reshape", NULL, 0, x, INTS(0, -1, 12, 64)), SHAPE(BATCH, SEQ, 12, 64));
    assert_dims(INFER("Reshape", NULL, 0, x, INTS(0, 0, 12, -1)), SHAPE(BATCH, SEQ, 12, 64));
    assert_dims(INFER("Reshape", NULL, 0, x, INTS(-1, 768)), SHAPE(ONR_DIM_UNKNOWN, 768));
    assert_dims(INFER("Reshape", NULL, 0, x, INTS(0, -1)), SHAPE(BATCH, onr_dim_mul(768, SEQ)));
    struct onr_fact y = symbolic(ONR_FLOAT, SHAPE(BATCH, 12, SEQ, 64));
    struct onr_fact target = INFER("Concat", "axis", 0, dim_of(y, 0), dim_of(y, 2), INTS(-1));
    assert_dims(INFER("Reshape", NULL, 0, y, target), SHAPE(BATCH, SEQ, 768));
}

static void slices_of_shapes_have_contents(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH, SEQ, 768));
    struct onr_fact shape = INFER("Shape", NULL, 0, x);
    struct onr_fact tail = INFER("Slice", NULL, 0, shape, INTS(1), INTS(INT64_MAX));
    assert_contents(tail, 2, (int64_t[]){SEQ, 768});
    struct onr_fact reversed =
        INFER("Slice", NULL, 0, shape, INTS(-1), INTS(INT64_MIN), INTS(0), INTS(-1));
    assert_contents(reversed, 3, (int64_t[]){768, SEQ, BATCH});
    struct onr_fact one =
        INFER("Squeeze", NULL, 0, INFER("Slice", NULL, 0, tail, INTS(0), INTS(1)));
    assert_int_equal(one.shape.rank, 0);
    assert_contents(one, 1, (int64_t[]){SEQ});
    struct onr_fact narrow = INFER("Cast", "to", ONR_INT32, one);
    assert_int_equal(narrow.dtype, ONR_INT32);
    assert_contents(narrow, 1, (int64_t[]){SEQ});
}

static void shapes_that_are_computed_make_symbolic_tensors(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_INT64, SHAPE(BATCH, SEQ));
    struct onr_fact shape = INFER("Shape", NULL, 0, x);
    assert_dims(INFER("ConstantOfShape", NULL, 0, shape), SHAPE(BATCH, SEQ));
    struct onr_fact one = symbolic(ONR_FLOAT, SHAPE(1, 1));
    assert_dims(INFER("Expand", NULL, 0, one, shape), SHAPE(BATCH, SEQ));
    struct onr_fact row = symbolic(ONR_FLOAT, SHAPE(1, 4));
    assert_dims(INFER("Tile", NULL, 0, row, INFER("Concat", "axis", 0, dim_of(x, 0), INTS(2))),
                SHAPE(BATCH, 8));
    struct onr_fact length = INFER("Squeeze", NULL, 0, dim_of(x, 1));
    struct onr_fact zero = constant(test_i64(SCALAR, (int64_t[]){0}));
    struct onr_fact step = constant(test_i64(SCALAR, (int64_t[]){1}));
    assert_dims(INFER("Range", NULL, 0, zero, length, step), SHAPE(SEQ));
    assert_contents(INFER("Size", NULL, 0, symbolic(ONR_FLOAT, SHAPE(1, SEQ, 1))), 1,
                    (int64_t[]){SEQ});
}

static void batches_and_heads_in_one_axis(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH, 12, SEQ, 64));
    struct onr_fact merged = INFER("Mul", NULL, 0, dim_of(x, 0), INTS(12));
    const int64_t all = onr_dim_mul(12, BATCH);
    assert_contents(merged, 1, (int64_t[]){all});
    struct onr_fact lead = INFER("Slice", NULL, 0, INFER("Shape", NULL, 0, x), INTS(0), INTS(2));
    assert_contents(INFER("ReduceProd", "keepdims", 1, lead), 1, (int64_t[]){all});
    assert_contents(INFER("ReduceProd", "keepdims", 0, lead), 1, (int64_t[]){all});
    assert_contents(INFER("Max", NULL, 0, lead, lead), 2, (int64_t[]){BATCH, 12});
    assert_contents(INFER("Max", NULL, 0, INTS(3, 9), INTS(4)), 2, (int64_t[]){4, 9});
    assert_contents(INFER("Max", NULL, 0, lead, INTS(1)), 2, (int64_t[]){ONR_DIM_UNKNOWN, 12});
    struct onr_fact list = INFER("Concat", "axis", 0, merged, INTS(-1, 64));
    struct onr_fact y = INFER("Reshape", NULL, 0, x, list);
    assert_dims(y, SHAPE(all, SEQ, 64));
    assert_dims(INFER("Reshape", NULL, 0, y, INTS(-1, 12, 16, 64)),
                SHAPE(ONR_DIM_UNKNOWN, 12, 16, 64));
    assert_dims(INFER("Reshape", NULL, 0, y,
                      INFER("Concat", "axis", 0, INTS(-1, 12), dim_of(x, 2), INTS(64))),
                SHAPE(BATCH, 12, SEQ, 64));
    assert_contents(INFER("Div", NULL, 0, dim_of(y, 0), INTS(12)), 1, (int64_t[]){BATCH});
    assert_contents(INFER("Div", NULL, 0, dim_of(y, 0), INTS(5)), 1, (int64_t[]){ONR_DIM_UNKNOWN});
    assert_contents(INFER("Div", NULL, 0, dim_of(y, 0), INTS(0)), 1, (int64_t[]){ONR_DIM_UNKNOWN});
    /* a negative number is no dimension, and int32 wraps */
    assert_contents(INFER("Mul", NULL, 0, dim_of(x, 0), INTS(-1)), 1, (int64_t[]){ONR_DIM_UNKNOWN});
    struct onr_fact narrow = INFER("Cast", "to", ONR_INT32, merged);
    assert_null(INFER("Mul", NULL, 0, narrow, narrow).contents);
}

/* torch.expand, which keeps dimensions that are -1 */
static void numbers_in_a_list_are_replaced(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH, SEQ));
    struct onr_fact list = INFER("Concat", "axis", 0, dim_of(x, 0), INTS(-1), dim_of(x, 1));
    struct onr_fact is_kept = INFER("Equal", NULL, 0, list, INTS(-1, -1, -1));
    assert_int_equal(is_kept.dtype, ONR_BOOL);
    assert_non_null(is_kept.data);
    assert_memory_equal(is_kept.data, ((uint8_t[]){0, 1, 0}), 3);
    struct onr_fact target = INFER("Where", NULL, 0, is_kept, INTS(1, 1, 1), list);
    assert_contents(target, 3, (int64_t[]){BATCH, 1, SEQ});
    assert_memory_equal(INFER("Equal", NULL, 0, list, list).data, ((uint8_t[]){1, 1, 1}), 3);
    assert_memory_equal(INFER("Equal", NULL, 0, INTS(5, 6), INTS(6)).data, ((uint8_t[]){0, 1}), 2);
    assert_null(INFER("Equal", NULL, 0, list, INTS(1)).data);
    assert_null(INFER("Where", NULL, 0, is_kept, INTS(1), list).contents);
}

static void an_unknown_number_may_be_negative(void **state)
{
    (void)state;
    struct onr_fact given = symbolic(ONR_INT64, SHAPE(1));
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH));
    struct onr_fact list = INFER("Concat", "axis", 0, given, dim_of(x, 0));
    assert_contents(list, 2, (int64_t[]){ONR_DIM_UNKNOWN, BATCH});
    assert_null(INFER("Equal", NULL, 0, list, INTS(-1)).data);
    assert_null(INFER("Equal", NULL, 0, INTS(-1), list).data);
    assert_memory_equal(INFER("Equal", NULL, 0, dim_of(x, 0), INTS(-1, -2)).data,
                        ((uint8_t[]){0, 0}), 2);
    assert_memory_equal(INFER("Equal", NULL, 0, INTS(-1, -2), dim_of(x, 0)).data,
                        ((uint8_t[]){0, 0}), 2);
}

static void slicing_keeps_whole_symbolic_dimensions(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH, SEQ, 8));
    assert_dims(INFER("Slice", NULL, 0, x, INTS(0, 2), INTS(INT64_MAX, 5), INTS(1, 2)),
                SHAPE(BATCH, SEQ, 3));
    assert_dims(INFER("Slice", NULL, 0, x, INTS(1), INTS(INT64_MAX), INTS(1)),
                SHAPE(BATCH, ONR_DIM_UNKNOWN, 8));
    assert_dims(INFER("Slice", NULL, 0, x, INTS(0), dim_of(x, 1), INTS(1)), SHAPE(BATCH, SEQ, 8));
}

static void what_is_not_known_leaves_ranks(void **state)
{
    (void)state;
    struct onr_fact x = symbolic(ONR_FLOAT, SHAPE(BATCH, 8));
    struct onr_fact list = symbolic(ONR_INT64, SHAPE(3));
    const int64_t unknown[] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    assert_dims(INFER("Reshape", NULL, 0, x, list), 3, unknown);
    assert_dims(INFER("Expand", NULL, 0, x, list), 3, unknown);
    assert_dims(INFER("ConstantOfShape", NULL, 0, list), 3, unknown);
    struct onr_fact any = x;
    any.shape.rank = ONR_RANK_UNKNOWN;
    assert_int_equal(INFER("Transpose", NULL, 0, any).shape.rank, ONR_RANK_UNKNOWN);
    assert_int_equal(INFER("Concat", "axis", 0, any, any).shape.rank, ONR_RANK_UNKNOWN);
    assert_dims(INFER("Concat", "axis", 1, x, any), SHAPE(BATCH, ONR_DIM_UNKNOWN));
    assert_dims(INFER("Squeeze", NULL, 0, symbolic(ONR_FLOAT, SHAPE(1, 8)), INTS(0)), SHAPE(8));
    assert_int_equal(INFER("Squeeze", NULL, 0, x).shape.rank, ONR_RANK_UNKNOWN);
    assert_int_equal(INFER("Gather", "axis", 0, x, any).shape.rank, ONR_RANK_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(splitting_heads_keeps_batch_and_sequence, setup, teardown),
        cmocka_unit_test_setup_teardown(minus_one_is_what_does_not_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(slices_of_shapes_have_contents, setup, teardown),
        cmocka_unit_test_setup_teardown(shapes_that_are_computed_make_symbolic_tensors, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(batches_and_heads_in_one_axis, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_in_a_list_are_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_number_may_be_negative, setup, teardown),
        cmocka_unit_test_setup_teardown(slicing_keeps_whole_symbolic_dimensions, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_known_leaves_ranks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
