/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten thousand calls that are wrong: each fails with its status and a message, after each the
 * session computes what it did before, and none leaves memory behind.
 */
#include "support/failing_memory.h"
#include "support/session_test.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 10000
#define FIRST 1000 /* calls after which memory may grow no more: caches are full */
#define ANY   ((onnxrun_status)-1)

enum { X, Y, INDICES, LENGTH, INPUTS };

struct calls {
    struct session_test t;
    struct proto unsupported; /* models that are refused */
    struct proto wrong;
    uint64_t random;
    int should_stop;
    struct failing_memory memory; /* of models and sessions */
    onnxrun_error *error;         /* of the call that is made; may be NULL */
};

static uint64_t draw(struct calls *c, uint64_t below)
{
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return (c->random >> 33) % below;
}

/* Bytes that the C library has given out. Those that it keeps for each thread count as such, so that
 * tests.cmake has it keep none; without that, and under a sanitizer, which tells of leaks itself, 0. */
static size_t heap_bytes(void)
{
    const char *tunables = getenv("GLIBC_TUNABLES");
    if (tunables == NULL || strstr(tunables, "tcache_count=0") == NULL) {
        return 0;
    }
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* ---- runs ---- */

/* A run with the inputs as they were, but one, and all outputs. */
static onnxrun_status run_with(struct calls *c, size_t input, const char *name,
                               onnxrun_tensor *tensor)
{
    onnxrun_binding inputs[INPUTS], outputs[] = {{"s", NULL}, {"g", NULL}, {"e", NULL}};
    memcpy(inputs, c->t.inputs, sizeof inputs);
    inputs[input] = (onnxrun_binding){name, tensor};
    return onnxrun_session_run(c->t.session, inputs, INPUTS, outputs, 3, c->error);
}

/* The same with a new tensor that has zeros, or one number everywhere. */
static onnxrun_status run_with_new(struct calls *c, size_t input, onnxrun_dtype dtype, size_t rank,
                                   const int64_t *dims, int64_t number)
{
    onnxrun_tensor *tensor;
    assert_int_equal(onnxrun_tensor_create(dtype, rank, dims, &tensor, NULL), ONNXRUN_OK);
    for (size_t i = 0; dtype == ONNXRUN_INT64 && i < onnxrun_tensor_count(tensor); i++) {
        ((int64_t *)onnxrun_tensor_mutable_data(tensor))[i] = number;
    }
    onnxrun_status status = run_with(c, input, c->t.inputs[input].name, tensor);
    onnxrun_tensor_free(tensor);
    return status;
}

static onnxrun_status run_for(struct calls *c, onnxrun_binding *outputs, size_t count)
{
    return onnxrun_session_run(c->t.session, c->t.inputs, INPUTS, outputs, count, c->error);
}

static onnxrun_status input_is_missing(struct calls *c)
{
    onnxrun_binding output = {"s", NULL};
    return onnxrun_session_run(c->t.session, c->t.inputs + 1, INPUTS - 1, &output, 1, c->error);
}

static onnxrun_status input_is_unknown(struct calls *c)
{
    static const char *const names[] = {"z", "", "X", "\x1b[2J", "\xff", "x y"};
    return run_with(c, draw(c, INPUTS), names[draw(c, 6)], c->t.inputs[X].tensor);
}

static onnxrun_status input_is_given_twice(struct calls *c)
{
    return run_with(c, Y, "x", c->t.inputs[Y].tensor);
}

static onnxrun_status input_has_no_name(struct calls *c)
{
    return run_with(c, draw(c, INPUTS), NULL, c->t.inputs[X].tensor);
}

static onnxrun_status input_has_no_tensor(struct calls *c)
{
    size_t input = draw(c, INPUTS);
    return run_with(c, input, c->t.inputs[input].name, NULL);
}

static onnxrun_status input_has_another_type(struct calls *c)
{
    onnxrun_dtype dtype = (onnxrun_dtype)(2 + draw(c, 27));
    return run_with_new(c, draw(c, 2), dtype, 2, (const int64_t[]){2, 3}, 0);
}

static onnxrun_status input_has_another_rank(struct calls *c)
{
    static const int64_t dims[ONNXRUN_MAX_RANK] = {0};
    size_t rank = draw(c, ONNXRUN_MAX_RANK - 1);
    return run_with_new(c, X, ONNXRUN_FLOAT, rank < 2 ? rank : rank + 2, dims, 0);
}

static onnxrun_status input_has_another_dimension(struct calls *c)
{
    return run_with_new(c, X, ONNXRUN_FLOAT, 2, (const int64_t[]){2, 4 + (int64_t)draw(c, 99)}, 0);
}

static onnxrun_status symbol_has_two_numbers(struct calls *c)
{
    return run_with_new(c, Y, ONNXRUN_FLOAT, 2, (const int64_t[]){3 + (int64_t)draw(c, 99), 3}, 0);
}

static onnxrun_status input_is_a_sequence(struct calls *c)
{
    onnxrun_tensor *sequence;
    assert_int_equal(onnxrun_sequence_create(ONNXRUN_FLOAT, NULL, 0, &sequence, NULL), ONNXRUN_OK);
    onnxrun_status status = run_with(c, X, "x", sequence);
    onnxrun_tensor_free(sequence);
    return status;
}

static onnxrun_status index_is_out_of_range(struct calls *c)
{
    int64_t count = 1 + (int64_t)draw(c, 9);
    return run_with_new(c, INDICES, ONNXRUN_INT64, 1, &count, 2 + (int64_t)draw(c, INT32_MAX));
}

static onnxrun_status value_is_too_large(struct calls *c)
{
    return run_with_new(c, LENGTH, ONNXRUN_INT64, 1, (const int64_t[]){2},
                        INT64_MAX - (int64_t)draw(c, 9));
}

static onnxrun_status length_is_negative(struct calls *c)
{
    return run_with_new(c, LENGTH, ONNXRUN_INT64, 1, (const int64_t[]){2},
                        -1 - (int64_t)draw(c, 9));
}

static onnxrun_status output_is_unknown(struct calls *c)
{
    onnxrun_binding outputs[] = {{"s", NULL}, {"x", NULL}};
    return run_for(c, outputs, 2);
}

static onnxrun_status output_has_no_name(struct calls *c)
{
    onnxrun_binding outputs[] = {{"s", NULL}, {NULL, NULL}};
    return run_for(c, outputs, 2);
}

static onnxrun_status output_does_not_fit(struct calls *c)
{
    onnxrun_binding outputs[] = {{"g", NULL}, {"s", NULL}};
    const int64_t dims[] = {3 + (int64_t)draw(c, 9), 3};
    (void)onnxrun_tensor_create(ONNXRUN_FLOAT, 2, dims, &outputs[1].tensor, NULL);
    onnxrun_tensor *own = outputs[1].tensor;
    onnxrun_status status = run_for(c, outputs, 2);
    onnxrun_tensor_free(own);
    return status;
}

static onnxrun_status bindings_are_null(struct calls *c)
{
    onnxrun_binding output = {"s", NULL};
    switch (draw(c, 3)) {
    case 0:
        return onnxrun_session_run(NULL, c->t.inputs, INPUTS, &output, 1, c->error);
    case 1:
        return onnxrun_session_run(c->t.session, NULL, INPUTS, &output, 1, c->error);
    default:
        return run_for(c, NULL, 1);
    }
}

static onnxrun_status run_is_cancelled(struct calls *c)
{
    onnxrun_binding output = {"e", NULL};
    c->should_stop = 1;
    onnxrun_status status = run_for(c, &output, 1);
    c->should_stop = 0;
    return status;
}

/* ---- tensors ---- */

/* The status of a call that makes no tensor. */
static onnxrun_status without(onnxrun_status status, const onnxrun_tensor *tensor)
{
    assert_null(tensor);
    return status;
}

static onnxrun_status tensor_is_impossible(struct calls *c)
{
    static const int64_t ones[ONNXRUN_MAX_RANK + 1] = {1}, negative[] = {2, -1},
                                                 large[] = {INT64_MAX, INT64_MAX, 4};
    onnxrun_tensor *tensor = NULL;
    switch (draw(c, 5)) {
    case 0:
        return without(
            onnxrun_tensor_create(ONNXRUN_FLOAT, ONNXRUN_MAX_RANK + 1, ones, &tensor, c->error),
            tensor);
    case 1:
        return without(onnxrun_tensor_create(ONNXRUN_FLOAT, 2, negative, &tensor, c->error),
                       tensor);
    case 2:
        return without(onnxrun_tensor_create(ONNXRUN_INT64, 3, large, &tensor, c->error), tensor);
    case 3:
        return without(
            onnxrun_tensor_create((onnxrun_dtype)(29 + draw(c, 99)), 1, ones, &tensor, c->error),
            tensor);
    default:
        return without(onnxrun_tensor_create(ONNXRUN_FLOAT, 1, NULL, &tensor, c->error), tensor);
    }
}

static onnxrun_status data_has_another_size(struct calls *c)
{
    float data[4] = {0};
    onnxrun_tensor *tensor = NULL;
    size_t bytes = draw(c, sizeof data);
    return without(
        onnxrun_tensor_wrap(ONNXRUN_FLOAT, 1, (const int64_t[]){4}, data, bytes, &tensor, c->error),
        tensor);
}

static onnxrun_status data_is_misplaced(struct calls *c)
{
    char data[64] = {0};
    onnxrun_tensor *tensor = NULL;
    char *at =
        draw(c, 2) == 0 ? NULL : data + ((uintptr_t)data % 4 == 1 ? 1 : 5 - (uintptr_t)data % 4);
    return without(
        onnxrun_tensor_wrap(ONNXRUN_FLOAT, 1, (const int64_t[]){4}, at, 16, &tensor, c->error),
        tensor);
}

static onnxrun_status sequence_is_mixed(struct calls *c)
{
    const onnxrun_tensor *tensors[] = {c->t.inputs[X].tensor, NULL};
    onnxrun_tensor *sequence = NULL;
    tensors[1] = draw(c, 2) == 0 ? NULL : c->t.inputs[INDICES].tensor;
    return without(onnxrun_sequence_create(ONNXRUN_FLOAT, tensors, 2, &sequence, c->error),
                   sequence);
}

static onnxrun_status bytes_are_null(struct calls *c)
{
    onnxrun_tensor *tensor = NULL;
    onnxrun_kind kind = (onnxrun_kind)draw(c, 6);
    return without(onnxrun_value_parse(kind, NULL, 1 + draw(c, 99), &tensor, c->error), tensor);
}

static onnxrun_status bytes_are_no_tensor(struct calls *c)
{
    onnxrun_tensor *tensor = NULL;
    size_t size = 20 + draw(c, c->t.file.size - 20);
    return without(onnxrun_tensor_parse(c->t.file.data, size, &tensor, c->error), tensor);
}

/* ---- models ---- */

static onnxrun_status load(struct calls *c, const void *bytes, size_t size)
{
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    onnxrun_model *model = NULL;
    options.threads = 1;
    options.allocator = (onnxrun_allocator){&c->memory, failing_alloc, failing_free};
    onnxrun_status status = onnxrun_model_load_memory(bytes, size, &options, &model, c->error);
    assert_true((status == ONNXRUN_OK) == (model != NULL));
    onnxrun_model_free(model);
    return status;
}

static onnxrun_status model_is_cut(struct calls *c)
{
    return load(c, c->t.file.data, 10 + draw(c, c->t.file.size / 2));
}

/* Some of these are models still. */
static onnxrun_status model_is_damaged(struct calls *c)
{
    unsigned char *bytes = malloc(c->t.file.size);
    assert_non_null(bytes);
    memcpy(bytes, c->t.file.data, c->t.file.size);
    bytes[draw(c, c->t.file.size)] = (unsigned char)draw(c, 256);
    onnxrun_status status = load(c, bytes, c->t.file.size);
    free(bytes);
    return status;
}

static onnxrun_status model_is_wrong(struct calls *c)
{
    return load(c, c->wrong.data, c->wrong.size);
}

static onnxrun_status model_is_unsupported(struct calls *c)
{
    return load(c, c->unsupported.data, c->unsupported.size);
}

static onnxrun_status model_finds_no_memory(struct calls *c)
{
    c->memory.left = (long)draw(c, 8);
    onnxrun_status status = load(c, c->t.file.data, c->t.file.size);
    c->memory.left = -1;
    return status;
}

static onnxrun_status file_is_not_there(struct calls *c)
{
    static const char *const paths[] = {"nowhere.onnx", "", "/", "."};
    onnxrun_model *model = NULL;
    onnxrun_status status = onnxrun_model_load(paths[draw(c, 4)], NULL, &model, c->error);
    assert_null(model);
    return status;
}

static onnxrun_status model_has_no_bytes(struct calls *c)
{
    return load(c, draw(c, 2) == 0 ? NULL : c->t.file.data, 0);
}

static onnxrun_status options_are_of_another_size(struct calls *c)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    onnxrun_session *session = NULL;
    options.struct_size = (uint32_t)draw(c, sizeof options);
    onnxrun_status status = onnxrun_session_create(c->t.model, &options, &session, c->error);
    assert_null(session);
    return status;
}

/* As a program that did not see that the model failed to load. */
static onnxrun_status model_is_null(struct calls *c)
{
    onnxrun_session *session = NULL;
    onnxrun_status status = onnxrun_session_create(NULL, NULL, &session, c->error);
    assert_null(session);
    return status;
}

static onnxrun_status session_finds_no_memory(struct calls *c)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    onnxrun_session *session = NULL;
    options.memory_bytes = 1 + draw(c, 99);
    onnxrun_status status = onnxrun_session_create(c->t.model, &options, &session, c->error);
    assert_null(session);
    return status;
}

static onnxrun_status index_has_no_value(struct calls *c)
{
    onnxrun_value_info info;
    size_t index = INPUTS + draw(c, 99);
    return draw(c, 2) == 0 ? onnxrun_model_input_info(c->t.model, index, &info, c->error)
                           : onnxrun_model_output_info(c->t.model, index, &info, c->error);
}

/* ---- all of them ---- */

static const struct {
    onnxrun_status (*call)(struct calls *c);
    onnxrun_status want;
    const char *text; /* part of the message */
} wrong_calls[] = {
    {input_is_missing, ONNXRUN_ERR_ARGUMENT, "input \"x\" is missing; it is float[n, 3]"},
    {input_is_unknown, ONNXRUN_ERR_ARGUMENT, "the model has no input"},
    {input_is_given_twice, ONNXRUN_ERR_ARGUMENT, "input \"x\" is given twice"},
    {input_has_no_name, ONNXRUN_ERR_ARGUMENT, "has no name"},
    {input_has_no_tensor, ONNXRUN_ERR_ARGUMENT, "has no tensor"},
    {input_has_another_type, ONNXRUN_ERR_ARGUMENT, "expected float"},
    {input_has_another_rank, ONNXRUN_ERR_SHAPE, "expected rank 2"},
    {input_has_another_dimension, ONNXRUN_ERR_SHAPE, "expected 3"},
    {symbol_has_two_numbers, ONNXRUN_ERR_SHAPE, "but input \"x\" has 2 for it"},
    {input_is_a_sequence, ONNXRUN_ERR_ARGUMENT, "sequence"},
    {index_is_out_of_range, ONNXRUN_ERR_VALUE, "\"g\""},
    {value_is_too_large, ANY, "\"e\""},
    {length_is_negative, ANY, "\"e\""},
    {output_is_unknown, ONNXRUN_ERR_ARGUMENT, "the model has no output \"x\""},
    {output_has_no_name, ONNXRUN_ERR_ARGUMENT, "the model has no output \"\""},
    {output_does_not_fit, ONNXRUN_ERR_SHAPE, "the given tensor is float"},
    {bindings_are_null, ONNXRUN_ERR_ARGUMENT, " is NULL"},
    {run_is_cancelled, ONNXRUN_ERR_CANCELLED, "cancelled"},
    {tensor_is_impossible, ONNXRUN_ERR_ARGUMENT, ""},
    {data_has_another_size, ONNXRUN_ERR_ARGUMENT, "bytes"},
    {data_is_misplaced, ONNXRUN_ERR_ARGUMENT, ""},
    {sequence_is_mixed, ONNXRUN_ERR_ARGUMENT, ""},
    {bytes_are_null, ONNXRUN_ERR_ARGUMENT, ""},
    {bytes_are_no_tensor, ANY, ""},
    {model_is_cut, ANY, ""},
    {model_is_damaged, ANY, ""},
    {model_is_wrong, ONNXRUN_ERR_MODEL, "\"nowhere\""},
    {model_is_unsupported, ONNXRUN_ERR_UNSUPPORTED, "Unheard"},
    {model_finds_no_memory, ONNXRUN_ERR_MEMORY, "memory"},
    {file_is_not_there, ONNXRUN_ERR_IO, ""},
    {model_has_no_bytes, ANY, ""},
    {options_are_of_another_size, ONNXRUN_ERR_ARGUMENT, "struct_size"},
    {model_is_null, ONNXRUN_ERR_ARGUMENT, "session: the model is NULL"},
    {session_finds_no_memory, ONNXRUN_ERR_MEMORY, "memory"},
    {index_has_no_value, ONNXRUN_ERR_ARGUMENT, ""},
};

#define KINDS (sizeof wrong_calls / sizeof wrong_calls[0])

static void make_wrong_call(struct calls *c, size_t kind, bool has_error)
{
    onnxrun_error error = {.message = "none"};
    c->error = has_error ? &error : NULL;
    onnxrun_status status = wrong_calls[kind].call(c);
    bool may_succeed = wrong_calls[kind].call == model_is_damaged;
    if ((wrong_calls[kind].want != ANY && status != wrong_calls[kind].want) ||
        (status == ONNXRUN_OK && !may_succeed) || status == ONNXRUN_ERR_INTERNAL) {
        fail_msg("wrong call %zu: status %d \"%s\"", kind, (int)status, error.message);
    }
    if (has_error && status != ONNXRUN_OK) {
        assert_int_equal(error.status, status);
        assert_non_null(memchr(error.message, '\0', sizeof error.message));
        if (error.message[0] == '\0' || strstr(error.message, wrong_calls[kind].text) == NULL) {
            fail_msg("wrong call %zu: \"%s\"", kind, error.message);
        }
        assert_null(strpbrk(error.message, "\n\x1b"));
    }
}

static int should_stop(void *user)
{
    return ((const struct calls *)user)->should_stop;
}

static void begin(struct calls *c)
{
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    onnxrun_session_options session = ONNXRUN_SESSION_OPTIONS_INIT;
    *c = (struct calls){.random = 1, .memory.left = -1};
    options.allocator = (onnxrun_allocator){&c->memory, failing_alloc, failing_free};
    session.should_stop = should_stop;
    session.stop_user = c;
    session.threads = 2;
    model_text(&c->unsupported, "in float x [2]; y = Unheard(x); out float y;");
    model_text(&c->wrong, "in float x [2]; y = Add(x, nowhere); out float y;");
    onnxrun_status status =
        session_test_load(&c->t,
                          "in float x [n, 3]; in float y [n, 3]; in int64 i [k]; in int64 d [r];"
                          "s = Add(x, y); g = Gather(s, i) axis=0; e = ConstantOfShape(d);"
                          "out float s [n, 3]; out float g; out float e;",
                          &options);
    assert_int_equal(status, ONNXRUN_OK);
    session_test_restart(&c->t, &session);
    session_test_in(&c->t, "x", test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    session_test_in(&c->t, "y", test_f32(SHAPE(2, 3), (float[]){10, 20, 30, 40, 50, 60}));
    session_test_in(&c->t, "i", test_i64(SHAPE(1), (int64_t[]){-1}));
    session_test_in(&c->t, "d", test_i64(SHAPE(2), (int64_t[]){1, 2}));
    session_test_out(&c->t, "s", test_f32(SHAPE(2, 3), (float[]){11, 22, 33, 44, 55, 66}));
    session_test_out(&c->t, "g", test_f32(SHAPE(1, 3), (float[]){44, 55, 66}));
    session_test_out(&c->t, "e", test_f32(SHAPE(1, 2), NULL));
}

static void ten_thousand_wrong_calls_leave_a_session_as_it_was(void **state)
{
    (void)state;
    struct calls c;
    long most_blocks = 0;
    size_t heap = 0;
    begin(&c);
    for (size_t i = 0; i < CALLS; i++) {
        make_wrong_call(&c, i % KINDS, i / KINDS % 3 != 0);
        session_test_run(&c.t);
        if (i < FIRST) {
            most_blocks = c.memory.blocks > most_blocks ? c.memory.blocks : most_blocks;
            heap = heap_bytes() > heap ? heap_bytes() : heap;
        }
        assert_true(c.memory.blocks <= most_blocks && heap_bytes() <= heap);
    }
    proto_free(&c.unsupported);
    proto_free(&c.wrong);
    session_test_end(&c.t);
    assert_int_equal(c.memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ten_thousand_wrong_calls_leave_a_session_as_it_was,
                                  test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
