/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that are no model, or a hostile one: group A of the bad-input catalogue. */
#include "support/import_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t two[] = {2};

/* ---- files that are something else ---- */

static void other_formats_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } cases[] = {
        {"", 0, "the file is empty"},
        {"<!DOCTYPE html><html>", 21, "HTML"},
        {"\n  <html>404", 12, "HTML"},
        {"version https://git-lfs.github.com/spec/v1\noid", 47, "git-lfs"},
        {"PK\003\004\024\000\000\000", 8, "zip"},
        {"GGUF\003\000\000\000", 8, "GGUF"},
        {"\x40\0\0\0\0\0\0\0{\"a\":{}}", 16, "safetensors"},
        {"\x1c\0\0\0TFL3\x14\0", 10, "TensorFlow Lite"},
        {"\x80\x02}q\0X", 6, "pickle"},
        {"\x1f\x8b\x08\0\0", 5, "gzip"},
        {"{\"irVersion\": 8}", 16, "JSON"},
        {"ir_version: 8\ngraph { }\n", 24, "text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct proto p;
        proto_init(&p);
        proto_raw(&p, cases[i].bytes, cases[i].size);
        import_fails(&p, ONR_ERR_PARSE, cases[i].name);
    }
}

/* ---- sweeps ---- */

/* Bodies, functions, initializers and attributes in few bytes. */
static void rich_model(struct proto *p)
{
    proto_model(p, 8, 17);
    proto_value(p, GRAPH_INPUT, "x", ONR_FLOAT, 2, (int64_t[]){-1, 2});
    proto_value(p, GRAPH_INPUT, "c", ONR_BOOL, 0, NULL);
    proto_tensor(p, GRAPH_INIT, "w", ONR_FLOAT, 1, two, (float[]){1, 2}, 8);
    proto_node_open(p, GRAPH_NODE, "If", "c", "y");
    proto_open(p, NODE_ATTR);
    proto_string(p, ATTR_NAME, "then_branch");
    proto_open(p, ATTR_G);
    proto_node(p, "Add", "x,w", "t");
    proto_value(p, GRAPH_OUTPUT, "t", ONR_FLOAT, 1, two);
    proto_close(p);
    proto_int(p, ATTR_TYPE, 5);
    proto_close(p);
    proto_close(p);
    proto_node_open(p, GRAPH_NODE, "F", "y", "z");
    proto_string(p, NODE_DOMAIN, "f");
    proto_attr_int(p, "a", 3);
    proto_close(p);
    proto_value(p, GRAPH_OUTPUT, "z", ONR_FLOAT, 1, two);
    proto_close(p);
    proto_opset(p, MODEL_OPSET, "f", 1);
    proto_open(p, MODEL_FUNCTION);
    proto_string(p, FUNCTION_NAME, "F");
    proto_string(p, FUNCTION_DOMAIN, "f");
    proto_names(p, FUNCTION_INPUT, "i");
    proto_names(p, FUNCTION_OUTPUT, "o");
    proto_names(p, FUNCTION_ATTR, "a");
    proto_node_open(p, FUNCTION_NODE, "Softmax", "i", "o");
    proto_open(p, NODE_ATTR);
    proto_string(p, ATTR_NAME, "axis");
    proto_string(p, ATTR_REF, "a");
    proto_int(p, ATTR_TYPE, 2);
    proto_end(p);
}

/* Loads anything: the status does not matter, only that there is a message and no leak. */
static void load_any(const uint8_t *data, size_t size)
{
    struct import_test t = {0};
    /* A block of its own size, so that sanitizers see every byte read past the end. */
    uint8_t *copy = malloc(size != 0 ? size : 1);
    assert_non_null(copy);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    enum onr_status status = import_test_load(&t, copy, size);
    assert_true((status == ONR_OK) == (t.err.message[0] == '\0'));
    assert_true((status == ONR_OK) == (t.graph != NULL));
    import_test_free(&t);
    free(copy);
}

static void every_prefix_is_refused_or_loads(void **state)
{
    (void)state;
    struct proto p;
    rich_model(&p);
    for (size_t size = 0; size <= p.size; size++) {
        load_any(p.data, size);
    }
    proto_free(&p);
}

static void every_changed_byte_is_refused_or_loads(void **state)
{
    (void)state;
    static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    struct proto p;
    rich_model(&p);
    for (size_t i = 0; i < p.size; i++) {
        for (size_t j = 0; j < sizeof masks; j++) {
            p.data[i] ^= masks[j];
            load_any(p.data, p.size);
            p.data[i] ^= masks[j];
        }
    }
    proto_free(&p);
}

static void every_removed_or_doubled_byte_is_refused_or_loads(void **state)
{
    (void)state;
    struct proto p;
    rich_model(&p);
    uint8_t *other = malloc(p.size + 1);
    assert_non_null(other);
    for (size_t i = 0; i < p.size; i++) {
        memcpy(other, p.data, i);
        memcpy(other + i, p.data + i + 1, p.size - i - 1);
        load_any(other, p.size - 1);
        memcpy(other, p.data, i + 1);
        memcpy(other + i + 1, p.data + i, p.size - i);
        load_any(other, p.size + 1);
    }
    free(other);
    proto_free(&p);
}

/* A generator that is the same everywhere. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void random_changes_are_refused_or_load(void **state)
{
    (void)state;
    struct proto p;
    rich_model(&p);
    uint8_t *other = malloc(p.size);
    assert_non_null(other);
    uint32_t random = 1;
    for (int round = 0; round < 5000; round++) {
        memcpy(other, p.data, p.size);
        for (uint32_t i = next_random(&random) % 6 + 1; i > 0; i--) {
            other[next_random(&random) % p.size] = (uint8_t)next_random(&random);
        }
        load_any(other, p.size);
    }
    free(other);
    proto_free(&p);
}

/* ---- single faults ---- */

static void garbage_after_the_model_is_refused(void **state)
{
    (void)state;
    struct proto p;
    proto_good_model(&p);
    proto_raw(&p, "\xff\xff\xff\xff\xff\xff", 6);
    import_fails(&p, ONR_ERR_PARSE, "byte ");
}

static void two_models_in_one_file_are_refused(void **state)
{
    (void)state;
    struct proto p;
    struct proto q;
    proto_good_model(&p);
    proto_good_model(&q);
    proto_raw(&p, q.data, q.size);
    proto_free(&q);
    import_fails(&p, ONR_ERR_PARSE, "ModelProto: duplicate graph");
}

static void many_graphs_take_no_time(void **state)
{
    (void)state;
    struct proto p;
    proto_good_model(&p);
    for (int i = 0; i < 100000; i++) {
        proto_bytes(&p, MODEL_GRAPH, "", 0);
    }
    import_fails(&p, ONR_ERR_PARSE, "duplicate graph");
}

/* count levels of graph -> node -> attribute -> graph. */
static void nested_graphs(struct proto *p, int count)
{
    struct proto inner;
    proto_init(&inner);
    for (int i = 0; i < count; i++) {
        static const uint32_t fields[] = {ATTR_G, NODE_ATTR, GRAPH_NODE};
        for (int j = 0; j < 3; j++) {
            struct proto outer;
            proto_init(&outer);
            proto_bytes(&outer, fields[j], inner.data, inner.size);
            proto_free(&inner);
            inner = outer;
        }
    }
    proto_init(p);
    proto_int(p, MODEL_IR, 8);
    proto_bytes(p, MODEL_GRAPH, inner.data, inner.size);
    proto_free(&inner);
}

static void deep_nesting_is_a_limit(void **state)
{
    (void)state;
    static const int counts[] = {34, 300, 1000};
    for (size_t i = 0; i < 3; i++) {
        struct proto p;
        nested_graphs(&p, counts[i]);
        import_fails(&p, ONR_ERR_LIMIT, "deeper than 100");
    }
}

static void deep_types_are_a_limit(void **state)
{
    (void)state;
    struct proto p;
    proto_model(&p, 8, 17);
    proto_open(&p, GRAPH_INPUT);
    proto_string(&p, 1, "x");
    proto_open(&p, 2);
    for (int i = 0; i < 60; i++) {
        proto_open(&p, 4);
        proto_open(&p, 1);
    }
    import_fails(&p, ONR_ERR_LIMIT, "deeper than 100");
}

static void lengths_past_the_end_are_refused_with_their_offset(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
    } cases[] = {
        {"\x3a\x7f", 2, "127 bytes are announced, 0 are left"},
        {"\x3a\x80\x80\x80\x80\x08", 6, "2147483648 bytes"},
        {"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, "9223372036854775808 bytes"},
        {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "18446744073709551615 bytes"},
        {"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12, "no end within 10 bytes"},
        {"\x3a\x05\x0a\x7f\x01\x02\x03", 7, "in GraphProto: 127 bytes"},
        {"\x08", 1, "no end within 10"},
        {"\x08\x80\x80", 3, "no end within 10"},
        {"\x00\x01", 2, "0 is no field number"},
        {"\xf8\xff\xff\xff\x7f\x00", 6, "is no field number"},
        {"\x80\x80\x80\x80\x80\x01", 6, "no end within 5 bytes"},
        {"\x3b\x00", 2, "wire type 3"},
        {"\x3c\x00", 2, "wire type 4"},
        {"\x3e\x00", 2, "wire type 6"},
        {"\x3f\x00", 2, "wire type 7"},
        {"\x38\x01", 2, "graph has wire type 0"},
        {"\x0a\x00", 2, "ir_version has wire type 2"},
        {"\x0d\x00\x00\x00\x00", 5, "ir_version has wire type 5"},
        {"\x09\x00", 2, "8 bytes are announced, 1 are left"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct proto p;
        proto_init(&p);
        proto_raw(&p, cases[i].bytes, cases[i].size);
        import_fails(&p, ONR_ERR_PARSE, cases[i].text);
    }
}

static void long_numbers_and_repeated_scalars_are_legal(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    proto_good_model(&p);
    proto_raw(&p, "\x08\x87\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11); /* ir_version again: 7 */
    import_ok(&t, &p);
    assert_int_equal(t.graph->info->ir_version, 7);
    import_test_free(&t);
    proto_free(&p);
}

static void unknown_fields_cost_nothing(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    proto_good_model(&p);
    for (int i = 0; i < 100000; i++) {
        proto_int(&p, 1000, 1);
        proto_bytes(&p, 1001, "ab", 2);
    }
    import_ok(&t, &p);
    assert_true(t.mem.peak_bytes < 200000);
    import_test_free(&t);
    proto_free(&p);
}

/* A message of a few bytes takes a hundred times as much in memory. */
static void bombs_of_small_messages_are_a_limit(void **state)
{
    (void)state;
    static const uint32_t fields[] = {GRAPH_NODE, GRAPH_INIT, GRAPH_INPUT, GRAPH_VALUE_INFO};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct proto p;
        proto_init(&p);
        proto_open(&p, MODEL_GRAPH);
        for (int j = 0; j < 3000000; j++) {
            proto_raw(&p, (uint8_t[]){(uint8_t)(fields[i] << 3 | 2), 0}, 2);
        }
        import_fails(&p, ONR_ERR_LIMIT, "the limit parse_bytes is");
    }
}

static void the_parse_limit_holds(void **state)
{
    (void)state;
    struct proto p;
    rich_model(&p);
    uint64_t limit = 1;
    for (bool is_enough = false; !is_enough; limit += 512) {
        struct import_test t = {.limits.parse_bytes = limit};
        enum onr_status status = import_test_load(&t, p.data, p.size);
        assert_true(status == ONR_OK || status == ONR_ERR_LIMIT);
        is_enough = status == ONR_OK;
        assert_true(t.mem.peak_bytes < limit + 65536);
        import_test_free(&t);
    }
    assert_true(limit < 40000);
    proto_free(&p);
}

static void strings_must_be_utf8_without_nul(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"a\0b", 3},         {"\xff", 1},     {"\xc0\xaf", 2},
        {"\xed\xa0\x80", 3}, {"\xe2\x82", 2}, {"\xf5\x80\x80\x80", 4},
        {"\x80", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct proto p;
        proto_model(&p, 8, 17);
        proto_open(&p, GRAPH_NODE);
        proto_bytes(&p, NODE_NAME, cases[i].bytes, cases[i].size);
        import_fails(&p, ONR_ERR_PARSE, "name is not UTF-8 without NUL");
    }
}

static void long_names_are_a_limit(void **state)
{
    (void)state;
    struct proto p;
    char *name = malloc(70000);
    assert_non_null(name);
    memset(name, 'n', 69999);
    name[69999] = '\0';
    proto_model(&p, 8, 17);
    proto_open(&p, GRAPH_NODE);
    proto_string(&p, NODE_NAME, name);
    import_fails(&p, ONR_ERR_LIMIT,
                 "NodeProto.name has 69999 bytes, the limit name_bytes is 65536");
    /* Metadata is no name. */
    struct import_test t = {0};
    proto_good_model(&p);
    proto_entry(&p, MODEL_METADATA, "labels", name);
    import_ok(&t, &p);
    assert_string_equal(t.graph->info->metadata[0].value, name);
    import_test_free(&t);
    proto_free(&p);
    free(name);
}

static void names_are_escaped_in_messages(void **state)
{
    (void)state;
    struct proto p;
    proto_model(&p, 8, 17);
    proto_node(&p, "Relu", "\x1b[31m%n%s\n\"x", "y");
    import_fails(&p, ONR_ERR_MODEL, "\"\\x1b[31m%n%s\\x0a\"x\" is not defined");
}

static void packed_and_single_values_are_the_same(void **state)
{
    (void)state;
    for (int is_packed = 0; is_packed < 2; is_packed++) {
        struct import_test t = {0};
        struct proto p;
        proto_model(&p, 8, 17);
        proto_open(&p, GRAPH_INIT);
        if (is_packed) {
            proto_bytes(&p, TENSOR_DIMS, "\x02\x03", 2);
            proto_bytes(&p, TENSOR_INT64S, "\x01\x02\x03\x04\x05\xac\x02", 7);
        } else {
            proto_int(&p, TENSOR_DIMS, 2);
            proto_int(&p, TENSOR_DIMS, 3);
            for (int64_t i = 1; i < 6; i++) {
                proto_int(&p, TENSOR_INT64S, i);
            }
            proto_int(&p, TENSOR_INT64S, 300);
        }
        proto_int(&p, TENSOR_TYPE, ONR_INT64);
        proto_string(&p, TENSOR_NAME, "w");
        proto_close(&p);
        proto_value(&p, GRAPH_OUTPUT, "w", ONR_INT64, 2, (int64_t[]){2, 3});
        import_ok(&t, &p);
        const struct onr_constant *w = import_value(t.graph, "w")->constant;
        assert_int_equal(w->shape.rank, 2);
        assert_memory_equal(w->data, ((int64_t[]){1, 2, 3, 4, 5, 300}), 48);
        import_test_free(&t);
        proto_free(&p);
    }
}

static void a_packed_number_without_end_is_refused(void **state)
{
    (void)state;
    struct proto p;
    proto_model(&p, 8, 17);
    proto_open(&p, GRAPH_INIT);
    proto_bytes(&p, TENSOR_INT64S, "\x01\x80", 2);
    import_fails(&p, ONR_ERR_PARSE, "in TensorProto: a number in int64_data has no end");
    proto_model(&p, 8, 17);
    proto_open(&p, GRAPH_INIT);
    proto_bytes(&p, TENSOR_FLOATS, "\x01\x80\x00", 3);
    import_fails(&p, ONR_ERR_PARSE, "3 bytes of float_data are no multiple of 4");
}

/* Weights stay in the file: import takes memory for the rest only. */
static void weights_are_not_copied(void **state)
{
    (void)state;
    const size_t bytes = (size_t)32 << 20;
    struct import_test t = {0};
    struct proto p;
    float *weights = calloc(1, bytes);
    assert_non_null(weights);
    weights[5] = 7;
    proto_model(&p, 8, 17);
    proto_tensor(&p, GRAPH_INIT, "w", ONR_FLOAT, 1, (int64_t[]){(int64_t)(bytes / 4)}, weights,
                 bytes);
    proto_value(&p, GRAPH_OUTPUT, "w", ONR_FLOAT, 1, (int64_t[]){(int64_t)(bytes / 4)});
    import_ok(&t, &p);
    const struct onr_constant *w = import_value(t.graph, "w")->constant;
    assert_int_equal(w->bytes, bytes);
    assert_true((const uint8_t *)w->data > p.data && (const uint8_t *)w->data < p.data + p.size);
    assert_false(w->is_mapped);
    assert_memory_equal(w->data, weights, 64);
    assert_true(t.mem.peak_bytes < 100000);
    import_test_free(&t);
    proto_free(&p);
    free(weights);
}

static void a_large_file_is_a_limit(void **state)
{
    (void)state;
    struct proto p;
    proto_good_model(&p);
    struct import_test t = {.limits.file_bytes = p.size - 1};
    assert_int_equal(import_test_load(&t, p.data, p.size), ONR_ERR_LIMIT);
    assert_non_null(strstr(t.err.message, "the limit file_bytes is"));
    import_test_free(&t);
    proto_free(&p);
}

/* Processor time to import a chain of nodes. */
static double import_seconds(int nodes)
{
    struct import_test t = {0};
    struct proto p;
    char in[32] = "x";
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 1, two);
    for (int n = 0; n < nodes; n++) {
        char out[32];
        (void)snprintf(out, sizeof out, "v%d", n);
        proto_node(&p, "Relu", in, out);
        proto_value(&p, GRAPH_VALUE_INFO, out, ONR_FLOAT, 1, (int64_t[]){-n - 1});
        memcpy(in, out, sizeof in);
    }
    proto_value(&p, GRAPH_OUTPUT, in, ONR_FLOAT, 1, two);
    clock_t start = clock();
    import_ok(&t, &p);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    import_test_free(&t);
    proto_free(&p);
    return seconds;
}

/* Four times the input takes about four times the time; a quadratic step anywhere would take
 * sixteen times. The least of several counts, since other programs get in the way. */
static void time_is_linear(void **state)
{
    (void)state;
    static const int nodes[] = {20000, 80000};
    double least[2] = {1e9, 1e9};
    for (int i = 0; i < 6; i++) {
        double seconds = import_seconds(nodes[i % 2]);
        least[i % 2] = seconds < least[i % 2] ? seconds : least[i % 2];
    }
    assert_true(least[1] < 10 * least[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_formats_are_named),
        cmocka_unit_test(every_prefix_is_refused_or_loads),
        cmocka_unit_test(every_changed_byte_is_refused_or_loads),
        cmocka_unit_test(every_removed_or_doubled_byte_is_refused_or_loads),
        cmocka_unit_test(random_changes_are_refused_or_load),
        cmocka_unit_test(garbage_after_the_model_is_refused),
        cmocka_unit_test(two_models_in_one_file_are_refused),
        cmocka_unit_test(many_graphs_take_no_time),
        cmocka_unit_test(deep_nesting_is_a_limit),
        cmocka_unit_test(deep_types_are_a_limit),
        cmocka_unit_test(lengths_past_the_end_are_refused_with_their_offset),
        cmocka_unit_test(long_numbers_and_repeated_scalars_are_legal),
        cmocka_unit_test(unknown_fields_cost_nothing),
        cmocka_unit_test(bombs_of_small_messages_are_a_limit),
        cmocka_unit_test(the_parse_limit_holds),
        cmocka_unit_test(strings_must_be_utf8_without_nul),
        cmocka_unit_test(long_names_are_a_limit),
        cmocka_unit_test(names_are_escaped_in_messages),
        cmocka_unit_test(packed_and_single_values_are_the_same),
        cmocka_unit_test(a_packed_number_without_end_is_refused),
        cmocka_unit_test(weights_are_not_copied),
        cmocka_unit_test(a_large_file_is_a_limit),
        cmocka_unit_test(time_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
