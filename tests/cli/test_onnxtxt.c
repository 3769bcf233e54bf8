/* SPDX-License-Identifier: Apache-2.0 */
#include "common/onnxtxt/read.h"

#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#define HEAD "<ir_version: 10, opset_import: [\"\" : 21]>\n"

static onnxrun_status read_text(const char *text, struct wire_out *model, bool *has_external,
                                onnxrun_error *error)
{
    return onnxtxt_read(wire_text(text), "t", model, has_external, error);
}

/* The graph of a text that must be good; *model is to be freed. */
static struct wire_span graph_of(const char *text, struct wire_out *model)
{
    onnxrun_error error = {.message = ""};
    bool has_external;
    onnxrun_status status = read_text(text, model, &has_external, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, ONNXRUN_OK);
    assert_false(has_external);
    return wire_value(wire_span_of(model), 7);
}

static void assert_bytes(struct wire_span got, const char *expected, size_t size)
{
    assert_int_equal(got.size, size);
    assert_memory_equal(got.data, expected, size);
}

/* ---- what becomes of a text ---- */

static void the_example_of_the_specification_is_read(void **state)
{
    (void)state;
    struct wire_out model;
    struct wire_span graph = graph_of("<\n"
                                      "  ir_version: 7,\n"
                                      "  opset_import: [ \"\" : 10 ]\n"
                                      ">\n"
                                      "agraph (float[N, 128] X, float[128, 10] W, float[10] B)"
                                      " => (float[N, 10] C)\n"
                                      "{\n"
                                      "    T = MatMul(X, W) # a comment\n"
                                      "    S = Add(T, B)\n"
                                      "    C = Softmax(S)\n"
                                      "}\n",
                                      &model);
    struct wire_field field;
    size_t nodes = 0, inputs = 0;
    assert_true(wire_find(wire_span_of(&model), 1, &field) && field.integer == 7);
    assert_bytes(wire_value(wire_span_of(&model), 8), "\x0a\x00\x10\x0a", 4);
    assert_bytes(wire_value(graph, 2), "agraph", 6);
    assert_bytes(wire_value(wire_value(graph, 1), 4), "MatMul", 6);
    /* dim_param N, then dim_value 128 */
    assert_bytes(wire_value(wire_value(graph, 11), 2),
                 "\x0a\x0e\x08\x01\x12\x0a\x0a\x03\x12\x01N\x0a\x03\x08\x80\x01", 16);
    while (wire_next(&graph, &field)) {
        nodes += field.number == 1;
        inputs += field.number == 11;
    }
    assert_int_equal(nodes, 3);
    assert_int_equal(inputs, 3);
    wire_free(&model);
}

/* The elements of a weight of this type, in this field of TensorProto. */
static void assert_elements(const char *weight, uint32_t field, const char *expected, size_t size)
{
    char text[400];
    struct wire_out model;
    (void)snprintf(text, sizeof text, HEAD "g () => (float y) <%s> {}", weight);
    struct wire_span graph = graph_of(text, &model);
    assert_bytes(wire_value(wire_value(graph, 5), field), expected, size);
    wire_free(&model);
}

static void elements_of_each_kind_become_typed_fields(void **state)
{
    (void)state;
    assert_elements("float[3] w = {1, -0.5, inf}", 4,
                    "\x00\x00\x80\x3f\x00\x00\x00\xbf\x00\x00\x80\x7f", 12);
    assert_elements("double w = {1.0}", 10, "\x00\x00\x00\x00\x00\x00\xf0\x3f", 8);
    assert_elements("complex64 w = {1, -1}", 4, "\x00\x00\x80\x3f\x00\x00\x80\xbf", 8);
    assert_elements("int64[2] w = {-1, 300}", 7, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xac\x02",
                    12);
    assert_elements("uint64 w = {18446744073709551615}", 11,
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_elements("bool[2] w = {0, 1}", 5, "\x00\x01", 2);
    assert_elements("float16 w = {15360}", 5, "\x80\x78", 2);
    assert_elements("int4[3] w = {-8, 7, -1}", 5, "\x78\x0f", 2);
    assert_elements("uint2[5] w = {0, 1, 2, 3, 1}", 5, "\xe4\x01\x01", 3);
    assert_elements("float6e2m3[2] w = {63, 1}", 5, "\x3f\x01", 2);
    assert_elements("string w = {\"a \\\"b\\\" \\\\\"}", 6, "a \"b\" \\", 7);
    assert_elements("string w = {\"\\x1b\\\\x41\\x\\xag\\xe2\\x00\"}", 6, "\x1b\\x41xxag\xe2\0",
                    11);
    assert_elements("float[0] w = {}", 4, "", 0);
    assert_elements("float[2, 0] \"w.0\" = {}", 8, "w.0", 3);
}

static void references_to_files_are_told(void **state)
{
    (void)state;
    struct wire_out model;
    bool has_external;
    onnxrun_error error;
    assert_int_equal(read_text("g () => (float y) <float[2] w = [\"location\": \"f\"]> {}", &model,
                               &has_external, &error),
                     ONNXRUN_OK);
    assert_true(has_external);
    struct wire_span tensor = wire_value(wire_value(wire_span_of(&model), 7), 5);
    assert_bytes(wire_value(tensor, 13), "\x0a\x08location\x12\x01\x66", 13);
    wire_free(&model);
}

/* ---- what is accepted, and what is not ---- */

static void all_of_the_syntax_is_accepted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "g () => () {}",
        "\"a.b\" (x, float[] \"y z\", float[?, \"n m\", 3] z) => (y) <float v> {}",
        "# before\n<ir_version: 7, opset_import: [], metadata_props: []>g () => () <> {}",
        "g (seq(float[N]) a, optional(seq(int64)) b, map(int64, seq(map(string, float))) c,"
        " sparse_tensor(float[2, 3]) d, float[1] e = {1}) => () {}",
        "g (x) => (y) { [n] y = Op () [] = Op (x,) [\"n m\"] y, , z = Op (, x, \"\") = Op (,) }",
        "g (x) => (y) { y = com.my-domain.v1.Op:over <a = 1> (x) y = Op (x) <a = 1, b = \"s\"> }",
        "g (x) => (y) { y = Op <a: float = 1, b = -inf, c: ints = [], d = [1.5, 2.5], e = [1, 2],"
        " f = [\"a\", \"b\"], g: float = @p, h = nan, i: string = \"(\"> (x) }",
        "g (x) => (y) { y = Op <a = float[2] {1, 2}, b = int64 t = {3}, c: tensor = float {1},"
        " d: tensors = [float {1}, int8[0] {}], e = float[N], f: type_proto = seq(float),"
        " g: type_protos = [float, int8[]], h = float[1] [\"location\": \"f\"]> (x) }",
        "g (x) => (y) { y = If <then_branch = t () => (a) {}, \"e\": graph = \"u.v\" () => (b) {},"
        " n = \"w\" () => () {}, l: graphs = [a () => () {}, float () => () {}]> (x) }",
        "g (x) => (y) { y = F (x) } <opset_import: [\"\" : 1], domain: \"d\", overload: \"o\","
        " doc_string: \"\"> F <a, b: int = 1, c = 2.0> (x, float[N] y) => (z) <float q> {}"
        " \"G.h\" () => () {}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct wire_out model;
        bool has_external;
        onnxrun_error error = {.message = ""};
        (void)read_text(texts[i], &model, &has_external, &error);
        assert_string_equal(error.message, "");
        wire_free(&model);
    }
}

static const struct {
    const char *text;
    const char *message;
} bad_texts[] = {
    {"", "line 1, column 1: the text ends, expected the name of the graph"},
    {"<\n  version: 1>", "line 2, column 3: got 'version', expected a property of a model, such "
                         "as ir_version"},
    {"<ir_version: \"1\">", "line 1, column 14: got '\"', expected a number"},
    {"<ir_version: 1.5>",
     "line 1, column 14: got 1.5, expected an integer from -9223372036854775808 to "
     "9223372036854775807 (int64)"},
    {"<opset_import: [1]>", "line 1, column 17: got '1', expected a string in quotes"},
    {"<doc_string: \"abc", "line 1, column 14: the string that begins here has no end"},
    {"<doc_string: \"abc\\", "line 1, column 14: the string that begins here has no end"},
    {"g (floats[2] x)", "line 1, column 10: got '[', expected ')'"},
    {"g (float[2 x)", "line 1, column 12: got 'x', expected ']'"},
    {"g (float[2,] x)",
     "line 1, column 12: got ']', expected a dimension: a number, a name or '?'"},
    {"g (seq float x)", "line 1, column 8: got 'float', expected '('"},
    {"g (map(N, float) x)",
     "line 1, column 8: got 'N', expected a type of elements, such as float"},
    {"g (seq(N) x)", "line 1, column 8: got 'N', expected a type"},
    {"g (float)", "line 1, column 9: got ')', expected the name of a value"},
    {"g () = > ()", "line 1, column 6: got '=', expected '=>'"},
    {"g () => () <float[2] w = 1>",
     "line 1, column 26: got '1', expected '{' or '[' and the elements"},
    {"g () => () <float[N] w = {1}>",
     "line 1, column 13: expected the type of a tensor with numbers >= 0 for its dimensions"},
    {"g () => () <float[-1] w = {1}>",
     "line 1, column 13: expected the type of a tensor with numbers >= 0 for its dimensions"},
    {"g () => () <float[4294967296, 4294967296] w = {1}>",
     "line 1, column 13: expected the type of a tensor with numbers >= 0 for its dimensions"},
    {"g () => () <w = {1}>",
     "line 1, column 16: expected the type of a tensor with numbers >= 0 for its dimensions"},
    {"g () => () <float[3] w = {1, 2}>",
     "line 1, column 13: got 2 numbers or strings for the tensor that begins here, expected 3"},
    {"g () => () <complex64[1] w = {1}>",
     "line 1, column 13: got 1 numbers or strings for the tensor that begins here, expected 1 "
     "pairs"},
    {"g () => () <int8[1] w = {300}>",
     "line 1, column 26: got 300, expected an integer from -128 to 127 (int8)"},
    {"g () => () <uint32[1] w = {-1}>",
     "line 1, column 29: got -1, expected an integer from 0 to 4294967295 (uint32)"},
    {"g () => () <float16[1] w = {0.5}>",
     "line 1, column 29: got 0.5, expected an integer from 0 to 65535 (float16)"},
    {"g () => () <float[1] w = {1e39}>",
     "line 1, column 27: got 1e39, expected a number in the range of float"},
    {"g () => () <double[1] w = {1e}>",
     "line 1, column 28: got 1e, expected a number in the range of double"},
    {"g () => () <string[1] w = {1}>", "line 1, column 28: got '1', expected a string in quotes"},
    {"g () => () <string[1] w = [\"a\" \"b\"]>", "line 1, column 32: got '\"', expected ':'"},
    {"g () => () {", "line 1, column 13: the text ends, expected '='"},
    {"g () => () { y = (x) }", "line 1, column 18: got '(', expected an operator"},
    {"g () => () { y = a. (x) }",
     "line 1, column 21: got '(', expected an operator behind its domain"},
    {"g () => () { y = Op <1> (x) }",
     "line 1, column 22: got '1', expected the name of an attribute"},
    {"g () => () { y = Op <a: sparse = 1> (x) }",
     "line 1, column 25: got 'sparse', expected a kind of attribute, such as int or floats"},
    {"g () => () { y = Op <a = ]> (x) }",
     "line 1, column 26: got ']', expected the value of an attribute"},
    {"g () => () { y = Op <a = []> (x) }",
     "line 1, column 28: an empty list, expected a kind before it, such as \": ints\""},
    {"g () => () { y = Op <a: int = 1.5> (x) }",
     "line 1, column 31: got a value of kind float, expected int"},
    {"g () => () { y = Op <a = [1, \"b\"]> (x) }",
     "line 1, column 30: got a value of kind string, expected int"},
    {"g () => () { y = Op <a: ints = 1> (x) }",
     "line 1, column 32: got a value of kind int, expected ints"},
    {"g () => () {} <ir_version: 1>",
     "line 1, column 16: got 'ir_version', expected a property of a function, such as "
     "opset_import"},
    {"g () => () {} }", "line 1, column 15: got '}', expected the name of a function"},
};

static void errors_say_where_and_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
        struct wire_out model;
        bool has_external;
        onnxrun_error error = {.message = ""};
        assert_int_equal(read_text(bad_texts[i].text, &model, &has_external, &error),
                         ONNXRUN_ERR_PARSE);
        assert_memory_equal(error.message, "t, ", 3);
        assert_string_equal(error.message + 3, bad_texts[i].message);
        assert_null(model.data);
    }
}

/* ---- hostile texts ---- */

static void what_nests_too_deep_is_refused(void **state)
{
    (void)state;
    static const char *const parts[] = {"seq(", "g (x) => (y) { y = If <b = "};
    for (size_t p = 0; p < 2; p++) {
        size_t length = strlen(parts[p]);
        char *text = calloc(1, 100000 * length + 4);
        memcpy(text, "g (", 3);
        for (size_t i = 0; i < 100000; i++) {
            memcpy(text + (p == 0 ? 3 : 0) + i * length, parts[p], length);
        }
        struct wire_out model;
        bool has_external;
        onnxrun_error error;
        assert_int_equal(read_text(text, &model, &has_external, &error), ONNXRUN_ERR_LIMIT);
        assert_non_null(strstr(error.message, "bodies or types nest deeper than 64"));
        free(text);
    }
}

static void a_number_without_end_is_refused(void **state)
{
    (void)state;
    char text[2000] = "g () => () <float w = {";
    size_t length = strlen(text);
    memset(text + length, '1', 1000);
    struct wire_out model;
    bool has_external;
    onnxrun_error error;
    assert_int_equal(read_text(text, &model, &has_external, &error), ONNXRUN_ERR_PARSE);
    assert_string_equal(error.message, "t, line 1, column 24: a number of 1000 characters, "
                                       "expected at most 398");
}

static void a_text_may_end_or_change_anywhere(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "g (seq(float[N, ?]) x = {}, float[2] z) => (y) <int4[2] w = {-1, 2}, float v>"
             " { [n] y = a.B:c <d: ints = [1], e = f () => (g) { g = H (x) }, h = [\"\\\"\"]> (x) }"
             " <domain: \"d\"> F <a, b = 1.5e-3> (x) => (y) { y = K <k = @a> (x) }";
    static const char bytes[] = "<>{}()[]\",:=.@?#-0aeinf \n\\\xff";
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (size_t b = 0; b < sizeof bytes; b++) {
            struct wire_out model;
            bool has_external;
            onnxrun_error error;
            size_t size = b == sizeof bytes - 1 ? at : sizeof text - 1;
            uint8_t *changed = malloc(size > 0 ? size : 1); /* reading behind its end is seen */
            memcpy(changed, text, size);
            if (at < size) {
                changed[at] = (uint8_t)bytes[b];
            }
            onnxrun_status status =
                onnxtxt_read((struct wire_span){changed, size}, "t", &model, &has_external, &error);
            assert_true(status == ONNXRUN_OK || status == ONNXRUN_ERR_PARSE);
            wire_free(&model);
            free(changed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_specification_is_read),
        cmocka_unit_test(elements_of_each_kind_become_typed_fields),
        cmocka_unit_test(references_to_files_are_told),
        cmocka_unit_test(all_of_the_syntax_is_accepted),
        cmocka_unit_test(errors_say_where_and_what),
        cmocka_unit_test(what_nests_too_deep_is_refused),
        cmocka_unit_test(a_number_without_end_is_refused),
        cmocka_unit_test(a_text_may_end_or_change_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
