/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out at every single allocation, of load, of session and of run. */
#include "support/failing_memory.h"
#include "support/session_test.h"

#include <string.h>

/* Segments, views, folding, packing, bodies: a bit of all that allocates. */
static const char model_source[] =
    "in float x [n, 2]; in int64 s [r]; in int64 m; init float w [2, 2] = 1, 2, 3, 4;"
    "w2 = Neg(w); a = MatMul(x, w2); b = Reshape(a, s); i = NonZero(b); k = Shape(b);"
    "y = Loop(m, _, b) body={in int64 j; in bool c; in float e; f = Add(e, e); out bool c;"
    "                        out float f;};"
    "out float y; out int64 i; out int64 k; out float x;";

static onnxrun_status load(struct failing_memory *memory, const struct proto *file, long fail_at,
                           onnxrun_model **model, onnxrun_error *error)
{
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    *memory = (struct failing_memory){.left = fail_at};
    options.allocator = (onnxrun_allocator){memory, failing_alloc, failing_free};
    return onnxrun_model_load_memory(file->data, file->size, &options, model, error);
}

static void every_allocation_of_a_load_may_fail(void **state)
{
    (void)state;
    struct proto file;
    struct failing_memory memory;
    onnxrun_model *model = NULL;
    onnxrun_error error;
    model_text(&file, model_source);
    long n = 0;
    for (; load(&memory, &file, n, &model, &error) != ONNXRUN_OK; n++) {
        assert_int_equal(error.status, ONNXRUN_ERR_MEMORY);
        assert_non_null(strstr(error.message, "out of memory"));
        assert_null(model);
        assert_int_equal(memory.blocks, 0);
        assert_true(n < 10000);
    }
    assert_true(n > 3);
    onnxrun_model_free(model);
    assert_int_equal(memory.blocks, 0);
    proto_free(&file);
}

static onnxrun_status run_model(onnxrun_session *session, onnxrun_tensor *const *inputs,
                                onnxrun_error *error)
{
    onnxrun_binding in[] = {{"x", inputs[0]}, {"s", inputs[1]}, {"m", inputs[2]}};
    onnxrun_binding out[] = {{"y", NULL}, {"i", NULL}, {"k", NULL}, {"x", NULL}};
    onnxrun_status status = onnxrun_session_run(session, in, 3, out, 4, error);
    if (status == ONNXRUN_OK) {
        static const float wanted[] = {-8, -12, -8, -12, -8, -12};
        assert_int_equal(onnxrun_tensor_count(out[0].tensor), 6);
        assert_memory_equal(onnxrun_tensor_data(out[0].tensor), wanted, sizeof wanted);
        assert_int_equal(onnxrun_tensor_count(out[1].tensor), 6);
    }
    return status;
}

static void every_allocation_of_a_session_and_a_run_may_fail(void **state)
{
    (void)state;
    struct proto file;
    struct failing_memory memory;
    onnxrun_model *model = NULL;
    onnxrun_error error;
    float x[] = {1, 1, 1, 1, 1, 1};
    int64_t shape[] = {6};
    int64_t count[] = {1};
    onnxrun_tensor *inputs[3];
    model_text(&file, model_source);
    assert_int_equal(load(&memory, &file, -1, &model, &error), ONNXRUN_OK);
    (void)onnxrun_tensor_wrap(ONNXRUN_FLOAT, SHAPE(3, 2), x, sizeof x, &inputs[0], NULL);
    (void)onnxrun_tensor_wrap(ONNXRUN_INT64, SHAPE(1), shape, sizeof shape, &inputs[1], NULL);
    (void)onnxrun_tensor_wrap(ONNXRUN_INT64, SCALAR, count, sizeof count, &inputs[2], NULL);
    long model_blocks = memory.blocks;
    onnxrun_status status = ONNXRUN_ERR_MEMORY;
    long n = 0;
    for (; status != ONNXRUN_OK; n++) {
        onnxrun_session *session = NULL;
        memory.left = n;
        status = onnxrun_session_create(model, NULL, &session, &error);
        if (status == ONNXRUN_OK) {
            status = run_model(session, inputs, &error);
            memory.left = -1;
            assert_int_equal(run_model(session, inputs, NULL), ONNXRUN_OK);
        }
        assert_true(status == ONNXRUN_OK || error.status == ONNXRUN_ERR_MEMORY);
        assert_true(status == ONNXRUN_OK || strstr(error.message, "out of memory") != NULL);
        onnxrun_session_free(session);
        assert_int_equal(memory.blocks, model_blocks);
        assert_true(n < 10000);
    }
    assert_true(n > 10);
    for (int i = 0; i < 3; i++) {
        onnxrun_tensor_free(inputs[i]);
    }
    onnxrun_model_free(model);
    assert_int_equal(memory.blocks, 0);
    proto_free(&file);
}

static void a_session_that_reaches_its_cap_can_go_on(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; a = Exp(x); y = Neg(a); out float y [n];");
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.memory_bytes = 1 << 20;
    onnxrun_session_free(t.session);
    assert_int_equal(onnxrun_session_create(t.model, &options, &t.session, NULL), ONNXRUN_OK);
    session_test_out(&t, "y", NULL);
    session_test_in(&t, "x", test_f32(SHAPE(1 << 19), NULL));
    session_test_fails(&t, ONNXRUN_ERR_MEMORY, "out of memory: slab of intermediate values");
    session_test_in(&t, "x", test_f32(SHAPE(2), NULL));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, -1}));
    session_test_run(&t);
    session_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_load_may_fail),
        cmocka_unit_test(every_allocation_of_a_session_and_a_run_may_fail),
        cmocka_unit_test_teardown(a_session_that_reaches_its_cap_can_go_on, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
