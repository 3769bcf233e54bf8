/* SPDX-License-Identifier: Apache-2.0 */
/* Tensor data in all its places, right and wrong: group D of the bad-input catalogue. */
#include "graph/import/tensor_proto.h"
#include "support/import_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t two[] = {2};

/* Opens a model with an initializer "w" of this type and shape, without data. */
static void begin(struct proto *p, enum onr_dtype dtype, size_t rank, const int64_t *dims)
{
    proto_model(p, 13, 25);
    proto_value(p, GRAPH_OUTPUT, "w", dtype, 0, NULL);
    proto_tensor_open(p, GRAPH_INIT, "w", dtype, rank, dims);
}

/* Asserts that the model of begin has these bytes (in file form) for "w". */
static void holds(struct proto *p, const void *bytes, size_t size)
{
    struct import_test t = {0};
    import_ok(&t, p);
    const struct onr_constant *w = import_value(t.graph, "w")->constant;
    assert_int_equal(w->bytes, size);
    if (size > 0) {
        assert_memory_equal(w->data, bytes, size);
    }
    import_test_free(&t);
    proto_free(p);
}

static void raw(enum onr_dtype dtype, size_t rank, const int64_t *dims, size_t size,
                enum onr_status status, const char *text)
{
    static const uint8_t zeros[64];
    struct proto p;
    begin(&p, dtype, rank, dims);
    proto_bytes(&p, TENSOR_RAW, zeros, size);
    if (status == ONR_OK) {
        holds(&p, zeros, size);
    } else {
        import_fails(&p, status, text);
    }
}

static void raw_data_has_the_exact_size(void **state)
{
    (void)state;
    raw(ONR_FLOAT, 1, two, 8, ONR_OK, NULL);
    raw(ONR_FLOAT, 1, two, 7, ONR_ERR_MODEL,
        "tensor \"w\": raw_data has 7 bytes, dtype and shape need 8");
    raw(ONR_FLOAT, 1, two, 9, ONR_ERR_MODEL, "raw_data has 9 bytes");
    raw(ONR_FLOAT, 1, two, 12, ONR_ERR_MODEL, "raw_data has 12 bytes");
    raw(ONR_FLOAT, 1, two, 0, ONR_ERR_MODEL, "raw_data has 0 bytes");
    raw(ONR_FLOAT, 0, NULL, 4, ONR_OK, NULL);
    raw(ONR_FLOAT, 0, NULL, 8, ONR_ERR_MODEL, "raw_data has 8 bytes");
    raw(ONR_FLOAT, 2, (int64_t[]){0, 5}, 0, ONR_OK, NULL);
    raw(ONR_FLOAT, 2, (int64_t[]){0, 5}, 4, ONR_ERR_MODEL, "raw_data has 4 bytes");
    raw(ONR_COMPLEX128, 1, two, 32, ONR_OK, NULL);
    raw(ONR_INT4, 1, (int64_t[]){3}, 2, ONR_OK, NULL);
    raw(ONR_INT4, 1, (int64_t[]){3}, 1, ONR_ERR_MODEL, "raw_data has 1 bytes");
    raw(ONR_UINT2, 1, (int64_t[]){5}, 2, ONR_OK, NULL);
    raw(ONR_STRING, 1, two, 8, ONR_ERR_MODEL, "strings must be in string_data");
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    const int64_t big = (int64_t)1 << 32;
    raw(ONR_FLOAT, 1, (int64_t[]){-2}, 8, ONR_ERR_MODEL, "dimension 0 is -2");
    raw(ONR_FLOAT, 1, (int64_t[]){INT64_MIN}, 8, ONR_ERR_MODEL,
        "dimension 0 is -9223372036854775808");
    raw(ONR_FLOAT, 2, (int64_t[]){big, big}, 8, ONR_ERR_MODEL, "the product of the dimensions");
    /* This product is 4 modulo 2^64. */
    raw(ONR_UINT8, 3, (int64_t[]){4194305, 4194305, 211106198978564}, 4, ONR_ERR_MODEL,
        "the product of the dimensions");
    raw(ONR_FLOAT, 3, (int64_t[]){big / 2, big / 2, 4}, 8, ONR_ERR_MODEL, "the product of");
    raw(ONR_FLOAT, 2, (int64_t[]){0, (int64_t)1 << 62}, 0, ONR_OK, NULL);
    raw(ONR_DOUBLE, 1, (int64_t[]){(int64_t)1 << 61}, 8, ONR_ERR_LIMIT, "the tensor is too large");
    raw(ONR_UINT8, 1, (int64_t[]){INT64_MAX}, 8, ONR_ERR_LIMIT, "the tensor is too large");
    raw(ONR_FLOAT, 17, (int64_t[17]){0}, 0, ONR_ERR_LIMIT, "rank 17 is above the limit of 16");
    raw(ONR_UNDEFINED, 1, two, 8, ONR_ERR_MODEL, "data_type 0 is none");
    raw((enum onr_dtype)99, 1, two, 8, ONR_ERR_MODEL, "data_type 99 is none");
    raw((enum onr_dtype) - 1, 1, two, 8, ONR_ERR_MODEL, "data_type -1 is none");
}

static void floats_come_from_float_data(void **state)
{
    (void)state;
    const float values[] = {1.5f, -INFINITY, 0};
    for (size_t count = 1; count <= 3; count++) {
        struct proto p;
        begin(&p, ONR_FLOAT, 1, two);
        proto_bytes(&p, TENSOR_FLOATS, values, count * sizeof(float));
        if (count == 2) {
            holds(&p, values, 8);
        } else {
            import_fails(&p, ONR_ERR_MODEL, "values, float[2] needs 2");
        }
    }
    struct proto p;
    begin(&p, ONR_COMPLEX64, 0, NULL);
    proto_bytes(&p, TENSOR_FLOATS, values, 8);
    holds(&p, values, 8);
}

static void wide_numbers_come_from_their_fields(void **state)
{
    (void)state;
    struct proto p;
    const double doubles[] = {0.5, 2.5};
    begin(&p, ONR_DOUBLE, 1, two);
    proto_bytes(&p, TENSOR_DOUBLES, doubles, 16);
    holds(&p, doubles, 16);
    begin(&p, ONR_COMPLEX128, 0, NULL);
    proto_bytes(&p, TENSOR_DOUBLES, doubles, 16);
    holds(&p, doubles, 16);
    begin(&p, ONR_INT64, 1, two);
    proto_int(&p, TENSOR_INT64S, INT64_MIN);
    proto_int(&p, TENSOR_INT64S, INT64_MAX);
    holds(&p, ((int64_t[]){INT64_MIN, INT64_MAX}), 16);
    begin(&p, ONR_UINT64, 1, two);
    proto_int(&p, TENSOR_UINT64S, -1);
    proto_int(&p, TENSOR_UINT64S, 3);
    holds(&p, ((uint64_t[]){UINT64_MAX, 3}), 16);
    begin(&p, ONR_UINT32, 1, two);
    proto_int(&p, TENSOR_UINT64S, UINT32_MAX);
    proto_int(&p, TENSOR_UINT64S, 3);
    holds(&p, ((uint32_t[]){UINT32_MAX, 3}), 8);
    begin(&p, ONR_UINT32, 1, two);
    proto_int(&p, TENSOR_UINT64S, (int64_t)UINT32_MAX + 1);
    proto_int(&p, TENSOR_UINT64S, 3);
    import_fails(&p, ONR_ERR_MODEL, "uint64_data[0] is out of range for uint32");
}

static void narrow_numbers_come_from_int32_data(void **state)
{
    (void)state;
    static const struct {
        enum onr_dtype dtype;
        int64_t low;
        int64_t high;
    } cases[] = {
        {ONR_INT8, INT8_MIN, INT8_MAX},    {ONR_UINT8, 0, UINT8_MAX},
        {ONR_INT16, INT16_MIN, INT16_MAX}, {ONR_UINT16, 0, UINT16_MAX},
        {ONR_INT32, INT32_MIN, INT32_MAX}, {ONR_BOOL, 0, 1},
        {ONR_FLOAT16, 0, UINT16_MAX},      {ONR_BFLOAT16, 0, UINT16_MAX},
        {ONR_FLOAT8E4M3FN, 0, UINT8_MAX},  {ONR_FLOAT8E8M0, 0, UINT8_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct proto p;
        int64_t want[2] = {cases[i].low, cases[i].high};
        size_t size = onr_dtype_size(cases[i].dtype);
        uint8_t bytes[8];
        memcpy(bytes, &want[0], size);
        memcpy(bytes + size, &want[1], size);
        begin(&p, cases[i].dtype, 1, two);
        proto_int(&p, TENSOR_INT32S, want[0]);
        proto_int(&p, TENSOR_INT32S, want[1]);
        holds(&p, bytes, 2 * size);
        for (int j = 0; j < 2 && cases[i].dtype != ONR_INT32; j++) {
            begin(&p, cases[i].dtype, 1, two);
            proto_int(&p, TENSOR_INT32S, 0);
            proto_int(&p, TENSOR_INT32S, j == 0 ? want[0] - 1 : want[1] + 1);
            import_fails(&p, ONR_ERR_MODEL, "int32_data[1] is");
        }
    }
}

static void packed_numbers_come_from_int32_data(void **state)
{
    (void)state;
    struct proto p;
    begin(&p, ONR_UINT4, 1, (int64_t[]){3});
    proto_int(&p, TENSOR_INT32S, 0x21);
    proto_int(&p, TENSOR_INT32S, 0xf3); /* padding bits are ignored */
    struct import_test t = {0};
    import_ok(&t, &p);
    uint8_t values[3];
    onr_constant_copy(import_value(t.graph, "w")->constant, values);
    assert_memory_equal(values, ((uint8_t[]){1, 2, 3}), 3);
    import_test_free(&t);
    proto_free(&p);
    begin(&p, ONR_FLOAT6E2M3, 1, (int64_t[]){5});
    for (int i = 1; i <= 5; i++) {
        proto_int(&p, TENSOR_INT32S, 12 * i);
    }
    import_ok(&t, &p);
    uint8_t codes[5];
    onr_constant_copy(import_value(t.graph, "w")->constant, codes);
    assert_memory_equal(codes, ((uint8_t[]){12, 24, 36, 48, 60}), 5);
    import_test_free(&t);
    proto_free(&p);
    begin(&p, ONR_FLOAT6E3M2, 1, (int64_t[]){1});
    proto_int(&p, TENSOR_INT32S, 64);
    import_fails(&p, ONR_ERR_MODEL, "int32_data[0] is 64, out of range for float6e3m2");
    begin(&p, ONR_INT2, 1, (int64_t[]){5});
    proto_int(&p, TENSOR_INT32S, 0xe4);
    import_fails(&p, ONR_ERR_MODEL, "int32_data has 1 values, int2[5] needs 2");
}

static void strings_come_from_string_data(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p, ONR_STRING, 1, two);
    proto_bytes(&p, TENSOR_STRINGS, "a\0b", 3);
    proto_string(&p, TENSOR_STRINGS, "");
    import_ok(&t, &p);
    const struct onr_constant *w = import_value(t.graph, "w")->constant;
    const struct onr_string *strings = w->data;
    assert_int_equal(w->bytes, 2 * sizeof *strings);
    assert_int_equal(strings[0].length, 3);
    assert_memory_equal(strings[0].data, "a\0b", 3);
    assert_int_equal(strings[1].length, 0);
    import_test_free(&t);
    proto_free(&p);
    begin(&p, ONR_STRING, 1, two);
    proto_string(&p, TENSOR_STRINGS, "one");
    import_fails(&p, ONR_ERR_MODEL, "string_data has 1 values, string[2] needs 2");
}

static void data_is_in_one_place(void **state)
{
    (void)state;
    struct proto p;
    begin(&p, ONR_FLOAT, 1, two);
    proto_bytes(&p, TENSOR_RAW, "12345678", 8);
    proto_bytes(&p, TENSOR_FLOATS, "12345678", 8);
    import_fails(&p, ONR_ERR_MODEL, "data is given in two places");
    begin(&p, ONR_FLOAT, 1, two);
    proto_bytes(&p, TENSOR_DOUBLES, "12345678", 8);
    proto_bytes(&p, TENSOR_FLOATS, "12345678", 8);
    import_fails(&p, ONR_ERR_MODEL, "double_data has 1 values, float[2] needs 0");
    begin(&p, ONR_FLOAT, 1, two);
    proto_int(&p, TENSOR_INT32S, 1);
    proto_int(&p, TENSOR_INT32S, 2);
    import_fails(&p, ONR_ERR_MODEL, "tensor \"w\": float_data has 0 values, float[2] needs 2");
    begin(&p, ONR_FLOAT, 1, two);
    import_fails(&p, ONR_ERR_MODEL, "float_data has 0 values, float[2] needs 2");
    begin(&p, ONR_FLOAT, 1, (int64_t[]){0});
    proto_bytes(&p, TENSOR_FLOATS, "1234", 4);
    import_fails(&p, ONR_ERR_MODEL, "float_data has 1 values, float[0] needs 0");
    begin(&p, ONR_FLOAT, 1, (int64_t[]){0});
    holds(&p, NULL, 0);
    begin(&p, ONR_FLOAT, 1, two);
    proto_bytes(&p, TENSOR_RAW, "", 0); /* written by some for "none" */
    proto_bytes(&p, TENSOR_FLOATS, "12345678", 8);
    holds(&p, "12345678", 8);
    begin(&p, ONR_FLOAT, 1, two);
    proto_bytes(&p, TENSOR_RAW, "12345678", 8);
    proto_bytes(&p, TENSOR_RAW, "12345678", 8);
    import_fails(&p, ONR_ERR_PARSE, "in TensorProto: duplicate raw_data");
}

static void bools_are_0_or_1(void **state)
{
    (void)state;
    struct proto p;
    begin(&p, ONR_BOOL, 1, two);
    proto_bytes(&p, TENSOR_RAW, "\x01\x02", 2);
    import_fails(&p, ONR_ERR_MODEL, "tensor \"w\": bool element 1 is 2");
}

static void segments_and_unnamed_initializers_are_refused(void **state)
{
    (void)state;
    struct proto p;
    begin(&p, ONR_FLOAT, 1, two);
    proto_bytes(&p, TENSOR_SEGMENT, "\x08\x01", 2);
    import_fails(&p, ONR_ERR_UNSUPPORTED, "tensors in segments are not supported");
    proto_model(&p, 13, 25);
    proto_tensor(&p, GRAPH_INIT, "", ONR_FLOAT, 0, NULL, "1234", 4);
    import_fails(&p, ONR_ERR_MODEL, "an initializer has no name");
}

static void many_small_initializers_are_cheap(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    proto_model(&p, 13, 25);
    for (int i = 0; i < 100000; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "w%d", i);
        proto_tensor(&p, GRAPH_INIT, name, ONR_FLOAT, 0, NULL, "1234", 4);
    }
    proto_value(&p, GRAPH_OUTPUT, "w5", ONR_FLOAT, 0, NULL);
    import_ok(&t, &p);
    assert_int_equal(t.graph->value_count, 100000);
    assert_memory_equal(import_value(t.graph, "w99999")->constant->data, "1234", 4);
    import_test_free(&t);
    proto_free(&p);
}

/* ---- sparse ---- */

/* A sparse initializer "w" of shape [2,3]; ends the graph with it as the output. */
static void sparse(struct proto *p, size_t count, const int64_t *indices, size_t rank)
{
    const float values[] = {5, 6};
    proto_model(p, 13, 25);
    proto_value(p, GRAPH_OUTPUT, "w", ONR_FLOAT, 2, (int64_t[]){2, 3});
    proto_open(p, GRAPH_SPARSE);
    proto_tensor(p, 1, "w", ONR_FLOAT, 1, (int64_t[]){(int64_t)count}, values,
                 count * sizeof(float));
    proto_tensor(p, 2, "", ONR_INT64, rank, (int64_t[]){(int64_t)count, 2}, indices,
                 count * (rank == 2 ? 16 : 8));
    proto_int(p, 3, 2);
    proto_int(p, 3, 3);
}

static void sparse_initializers_are_expanded(void **state)
{
    (void)state;
    const float want[] = {0, 5, 0, 0, 0, 6};
    struct proto p;
    sparse(&p, 2, (int64_t[]){1, 5}, 1);
    holds(&p, want, sizeof want);
    sparse(&p, 2, (int64_t[]){0, 1, 1, 2}, 2);
    holds(&p, want, sizeof want);
}

static void wrong_sparse_initializers_are_refused(void **state)
{
    (void)state;
    struct proto p;
    sparse(&p, 2, (int64_t[]){1, 6}, 1);
    import_fails(&p, ONR_ERR_MODEL, "sparse initializer \"w\": sparse index 1 is out of range");
    sparse(&p, 2, (int64_t[]){-1, 5}, 1);
    import_fails(&p, ONR_ERR_MODEL, "sparse index 0 is out of range");
    sparse(&p, 2, (int64_t[]){0, 3, 1, 2}, 2);
    import_fails(&p, ONR_ERR_MODEL, "sparse index 0 is out of range");
    sparse(&p, 2, (int64_t[]){5, 1}, 1);
    import_fails(&p, ONR_ERR_MODEL, "sparse index 1 is not in ascending order");
    sparse(&p, 2, (int64_t[]){5, 5}, 1);
    import_fails(&p, ONR_ERR_MODEL, "sparse index 1 is not in ascending order");
    sparse(&p, 1, (int64_t[]){1, 1}, 2);
    proto_int(&p, 3, 2);
    import_fails(&p, ONR_ERR_MODEL, "a sparse tensor needs values [n] and int64 indices");
}

static void a_sparse_bomb_is_a_limit(void **state)
{
    (void)state;
    struct proto p;
    sparse(&p, 1, (int64_t[]){1}, 1);
    proto_int(&p, 3, (int64_t)1 << 40);
    import_fails(&p, ONR_ERR_LIMIT, "a sparse tensor expands to more than");
}

/* ---- single tensors ---- */

static enum onr_status parse(struct proto *p, struct onr_constant *constant,
                             struct onr_arena *arena, struct onr_error *err)
{
    const char *name = NULL;
    proto_end(p);
    onr_error_clear(err);
    enum onr_status status =
        onr_tensor_parse(p->data, p->size, arena, arena->mem, constant, &name, err);
    proto_free(p);
    return status;
}

static void a_tensor_file_is_copied(void **state)
{
    (void)state;
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_constant constant;
    struct onr_error err;
    struct proto p;
    onr_mem_init(&mem, NULL, 0);
    onr_arena_init(&arena, &mem);
    proto_init(&p);
    proto_int(&p, TENSOR_DIMS, 2);
    proto_int(&p, TENSOR_TYPE, ONR_FLOAT);
    proto_bytes(&p, TENSOR_RAW, "12345678", 8);
    assert_int_equal(parse(&p, &constant, &arena, &err), ONR_OK);
    assert_memory_equal(constant.data, "12345678", 8);
    proto_init(&p);
    assert_int_equal(parse(&p, &constant, &arena, &err), ONR_ERR_PARSE);
    proto_good_model(&p);
    assert_int_equal(parse(&p, &constant, &arena, &err), ONR_ERR_PARSE);
    proto_init(&p);
    proto_int(&p, TENSOR_TYPE, ONR_FLOAT);
    proto_int(&p, TENSOR_LOCATION, 1);
    proto_entry(&p, TENSOR_EXTERNAL, "location", "w");
    assert_int_equal(parse(&p, &constant, &arena, &err), ONR_ERR_MODEL);
    assert_non_null(strstr(err.message, "external data \"w\""));
    onr_arena_free(&arena);
    assert_int_equal(mem.live_bytes, 0);
}

static void sequences_and_optionals_are_told_from_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        bool is_sequence;
    } cases[] = {
        {"\x08\x02\x10\x01", 4, false},                   /* dims, data_type */
        {"\x10\x07\x3a\x01\x05", 5, false},               /* a scalar in int64_data */
        {"\x10\x01\x42\x01x\x4a\x04\0\0\0\0", 11, false}, /* named, raw_data */
        {"\x0a\x01s\x10\x01", 5, true},                   /* an empty sequence */
        {"\x0a\x01s\x10\x01\x1a\x02\x10\x01", 9, true},   /* of one tensor */
        {"\x10\x01\x1a\x02\x10\x01", 6, true},            /* without a name */
        {"\x0a\x01s\x10\x03\x2a\x00", 7, true},           /* of sequences */
        {"", 0, false},
        {"\xff", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(onr_tensor_is_sequence((const uint8_t *)cases[i].bytes, cases[i].size),
                         cases[i].is_sequence);
    }
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_constant constant;
    struct onr_error err;
    struct proto p;
    onr_mem_init(&mem, NULL, 0);
    onr_arena_init(&arena, &mem);
    proto_init(&p);
    proto_raw(&p, cases[4].bytes, cases[4].size);
    assert_int_equal(parse(&p, &constant, &arena, &err), ONR_ERR_UNSUPPORTED);
    onr_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_data_has_the_exact_size),
        cmocka_unit_test(bad_shapes_are_refused),
        cmocka_unit_test(floats_come_from_float_data),
        cmocka_unit_test(wide_numbers_come_from_their_fields),
        cmocka_unit_test(narrow_numbers_come_from_int32_data),
        cmocka_unit_test(packed_numbers_come_from_int32_data),
        cmocka_unit_test(strings_come_from_string_data),
        cmocka_unit_test(data_is_in_one_place),
        cmocka_unit_test(bools_are_0_or_1),
        cmocka_unit_test(segments_and_unnamed_initializers_are_refused),
        cmocka_unit_test(many_small_initializers_are_cheap),
        cmocka_unit_test(sparse_initializers_are_expanded),
        cmocka_unit_test(wrong_sparse_initializers_are_refused),
        cmocka_unit_test(a_sparse_bomb_is_a_limit),
        cmocka_unit_test(a_tensor_file_is_copied),
        cmocka_unit_test(sequences_and_optionals_are_told_from_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
