/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences and optionals as inputs and outputs, made by a caller or parsed from protobuf. */
#include "support/session_test.h"

#include <string.h>

static onnxrun_tensor *tensor_of(float *data, int64_t count)
{
    onnxrun_tensor *tensor = NULL;
    assert_int_equal(onnxrun_tensor_wrap(ONNXRUN_FLOAT, 1, &count, data,
                                         (size_t)count * sizeof *data, &tensor, NULL),
                     ONNXRUN_OK);
    return tensor;
}

static void a_sequence_lends_its_tensors(void **state)
{
    (void)state;
    float a[] = {1, 2};
    float b[] = {3};
    onnxrun_tensor *parts[] = {tensor_of(a, 2), tensor_of(b, 1)};
    onnxrun_tensor *sequence = NULL;
    assert_int_equal(onnxrun_sequence_create(ONNXRUN_FLOAT, (const onnxrun_tensor *const *)parts, 2,
                                             &sequence, NULL),
                     ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_kind(parts[0]), ONNXRUN_KIND_TENSOR);
    assert_int_equal(onnxrun_tensor_kind(sequence), ONNXRUN_KIND_SEQUENCE);
    assert_int_equal(onnxrun_tensor_dtype(sequence), ONNXRUN_FLOAT);
    assert_int_equal(onnxrun_tensor_rank(sequence), 1);
    assert_int_equal(onnxrun_tensor_count(sequence), 2);
    assert_int_equal(onnxrun_tensor_bytes(sequence), 0);
    assert_null(onnxrun_tensor_data(sequence));
    assert_null(onnxrun_tensor_mutable_data(sequence));
    assert_ptr_equal(onnxrun_tensor_data(onnxrun_sequence_at(sequence, 1)), b);
    assert_null(onnxrun_sequence_at(sequence, 2));
    assert_null(onnxrun_sequence_at(parts[0], 0));
    onnxrun_tensor_free(sequence);
    onnxrun_tensor_free(parts[0]);
    onnxrun_tensor_free(parts[1]);
}

static void wrong_tensors_make_no_sequence(void **state)
{
    (void)state;
    float a[] = {1, 2};
    onnxrun_error error;
    onnxrun_tensor *tensor = tensor_of(a, 2);
    onnxrun_tensor *empty = NULL;
    onnxrun_tensor *made = NULL;
    assert_int_equal(onnxrun_sequence_create(ONNXRUN_FLOAT, NULL, 0, &empty, &error), ONNXRUN_OK);
    const struct {
        onnxrun_dtype dtype;
        const onnxrun_tensor *item;
        const char *message;
    } cases[] = {
        {ONNXRUN_INT64, tensor, "sequence: tensor 0 has type float, expected int64"},
        {ONNXRUN_FLOAT, empty, "sequence: item 0 is a sequence"},
        {ONNXRUN_FLOAT, NULL, "sequence: item 0 is NULL"},
        {ONNXRUN_UNDEFINED, tensor, "sequence: 0 is no element type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(onnxrun_sequence_create(cases[i].dtype, &cases[i].item, 1, &made, &error),
                         ONNXRUN_ERR_ARGUMENT);
        assert_null(made);
        assert_string_equal(error.message, cases[i].message);
    }
    assert_int_equal(onnxrun_sequence_create(ONNXRUN_FLOAT, NULL, 1, &made, &error),
                     ONNXRUN_ERR_ARGUMENT);
    onnxrun_tensor_free(empty);
    onnxrun_tensor_free(tensor);
}

static void sequences_go_in_and_out(void **state)
{
    (void)state;
    struct session_test t;
    float a[] = {1, 2};
    float b[] = {3};
    session_test_begin(&t, "in seq(float) s; in float x; t = SequenceInsert(s, x);"
                           "out seq(float) t; out seq(float) s;");
    onnxrun_value_info info;
    assert_int_equal(onnxrun_model_input_info(t.model, 0, &info, NULL), ONNXRUN_OK);
    assert_int_equal(info.kind, ONNXRUN_KIND_SEQUENCE);
    assert_int_equal(info.dtype, ONNXRUN_FLOAT);
    assert_int_equal(info.rank, -1);
    assert_false(info.is_optional);
    onnxrun_tensor *parts[] = {tensor_of(a, 2), tensor_of(b, 1)};
    onnxrun_tensor *sequence = NULL;
    assert_int_equal(onnxrun_sequence_create(ONNXRUN_FLOAT, (const onnxrun_tensor *const *)parts, 2,
                                             &sequence, NULL),
                     ONNXRUN_OK);
    onnxrun_binding inputs[] = {{"s", sequence}, {"x", parts[1]}};
    onnxrun_binding outputs[] = {{"t", NULL}, {"s", NULL}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(onnxrun_session_run(t.session, inputs, 2, outputs, 2, &t.error),
                         ONNXRUN_OK);
        assert_int_equal(onnxrun_tensor_count(outputs[0].tensor), 3);
        assert_memory_equal(onnxrun_tensor_data(onnxrun_sequence_at(outputs[0].tensor, 2)), b,
                            sizeof b);
        const void *copy = onnxrun_tensor_data(onnxrun_sequence_at(outputs[1].tensor, 0));
        assert_ptr_not_equal(copy, a);
        assert_memory_equal(copy, a, sizeof a);
    }
    /* What the session owns cannot be its input, nor can a caller's tensor become a sequence. */
    inputs[1].tensor = (onnxrun_tensor *)(uintptr_t)onnxrun_sequence_at(outputs[0].tensor, 0);
    assert_int_equal(onnxrun_session_run(t.session, inputs, 2, outputs, 2, &t.error),
                     ONNXRUN_ERR_ARGUMENT);
    inputs[1].tensor = parts[1];
    outputs[0].tensor = parts[0];
    assert_int_equal(onnxrun_session_run(t.session, inputs, 2, outputs, 2, &t.error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_non_null(strstr(t.error.message, "output \"t\" is a sequence and cannot be written"));
    inputs[0].tensor = parts[0];
    assert_int_equal(onnxrun_session_run(t.session, inputs, 2, outputs, 2, &t.error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_non_null(strstr(t.error.message, "input \"s\" is a tensor, expected a sequence"));
    onnxrun_tensor_free(sequence);
    onnxrun_tensor_free(parts[0]);
    onnxrun_tensor_free(parts[1]);
    session_test_end(&t);
}

static void an_optional_may_be_left_out_or_null(void **state)
{
    (void)state;
    struct session_test t;
    float a[] = {1, 2};
    session_test_begin(&t, "in optional(float) o [n]; out optional(float) o;");
    onnxrun_value_info info;
    assert_int_equal(onnxrun_model_input_info(t.model, 0, &info, NULL), ONNXRUN_OK);
    assert_int_equal(info.kind, ONNXRUN_KIND_OPTIONAL);
    assert_int_equal(info.rank, 1);
    assert_true(info.is_optional);
    onnxrun_binding input = {"o", tensor_of(a, 2)};
    onnxrun_binding output = {"o", NULL};
    assert_int_equal(onnxrun_session_run(t.session, &input, 1, &output, 1, NULL), ONNXRUN_OK);
    assert_memory_equal(onnxrun_tensor_data(output.tensor), a, sizeof a);
    assert_int_equal(onnxrun_session_run(t.session, NULL, 0, &output, 1, NULL), ONNXRUN_OK);
    assert_null(output.tensor);
    onnxrun_tensor_free(input.tensor);
    input.tensor = NULL;
    assert_int_equal(onnxrun_session_run(t.session, &input, 1, &output, 1, NULL), ONNXRUN_OK);
    assert_null(output.tensor);
    session_test_end(&t);
}

static void values_are_parsed_by_their_kind(void **state)
{
    (void)state;
    static const struct {
        onnxrun_kind kind;
        const char *bytes;
        size_t size;
        onnxrun_status status;
        int count; /* -1: none */
    } cases[] = {
        {ONNXRUN_KIND_SEQUENCE, "", 0, ONNXRUN_OK, 0},
        {ONNXRUN_KIND_SEQUENCE, "\x0a\x01s\x10\x01", 5, ONNXRUN_OK, 0},
        {ONNXRUN_KIND_SEQUENCE, "\x10\x01\x1a\x05\x10\x07\x3a\x01\x05", 9, ONNXRUN_OK, 1},
        /* of two types; of sequences; cut short */
        {ONNXRUN_KIND_SEQUENCE, "\x1a\x05\x10\x07\x3a\x01\x05\x1a\x05\x10\x06\x2a\x01\x05", 14,
         ONNXRUN_ERR_MODEL, -1},
        {ONNXRUN_KIND_SEQUENCE, "\x10\x03\x2a\x00", 4, ONNXRUN_ERR_UNSUPPORTED, -1},
        {ONNXRUN_KIND_SEQUENCE, "\x1a\x05\x10", 3, ONNXRUN_ERR_PARSE, -1},
        {ONNXRUN_KIND_OPTIONAL, "\x0a\x01o", 3, ONNXRUN_OK, -1},
        {ONNXRUN_KIND_OPTIONAL, "\x10\x01\x1a\x05\x10\x07\x3a\x01\x05", 9, ONNXRUN_OK, 1},
        {ONNXRUN_KIND_OPTIONAL, "\x10\x03\x2a\x00", 4, ONNXRUN_ERR_UNSUPPORTED, -1},
        {ONNXRUN_KIND_OPTIONAL_SEQUENCE, "\x10\x03\x2a\x00", 4, ONNXRUN_OK, 0},
        {ONNXRUN_KIND_OPTIONAL_SEQUENCE, "", 0, ONNXRUN_OK, -1},
        {ONNXRUN_KIND_TENSOR, "\x0a\x01s\x10\x01", 5, ONNXRUN_ERR_UNSUPPORTED, -1},
        {ONNXRUN_KIND_OTHER, "", 0, ONNXRUN_ERR_ARGUMENT, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnxrun_tensor *value = NULL;
        onnxrun_error error;
        onnxrun_status status =
            onnxrun_value_parse(cases[i].kind, cases[i].bytes, cases[i].size, &value, &error);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(value != NULL ? (int)onnxrun_tensor_count(value) : -1, cases[i].count);
        onnxrun_tensor_free(value);
    }
}

static void an_empty_sequence_takes_the_declared_type(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in seq(float) s; in float x; t = SequenceInsert(s, x);"
                           "out seq(float) t;");
    float a[] = {1, 2};
    onnxrun_binding inputs[] = {{"s", NULL}, {"x", tensor_of(a, 2)}};
    onnxrun_binding output = {"t", NULL};
    assert_int_equal(onnxrun_value_parse(ONNXRUN_KIND_SEQUENCE, "", 0, &inputs[0].tensor, NULL),
                     ONNXRUN_OK);
    assert_int_equal(onnxrun_session_run(t.session, inputs, 2, &output, 1, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_count(output.tensor), 1);
    onnxrun_tensor_free(inputs[0].tensor);
    onnxrun_tensor_free(inputs[1].tensor);
    session_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence_lends_its_tensors),
        cmocka_unit_test(wrong_tensors_make_no_sequence),
        cmocka_unit_test(sequences_go_in_and_out),
        cmocka_unit_test(an_optional_may_be_left_out_or_null),
        cmocka_unit_test(values_are_parsed_by_their_kind),
        cmocka_unit_test(an_empty_sequence_takes_the_declared_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
