/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/print.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* A graph `y = If (c) <one = (t = Softmax <axis = -1> (x))>` with a weight and a hostile name. */
struct fixture {
    struct onr_mem mem;
    struct onr_text text;
    struct onr_graph main;
    struct onr_graph body;
};

static struct onr_constant weight = {
    .dtype = ONR_FLOAT, .shape = {1, {2}}, .data = (float[]){1, INFINITY}, .bytes = 8};

static int begin(void **state)
{
    static struct fixture f;
    static const char *symbols[] = {"batch", "s\x1b[31m"};
    static const char *main_outputs[] = {"y"}, *body_outputs[] = {"t"};
    static struct onr_opset opset = {"", 17};
    static const struct onr_model_info info = {
        .ir_version = 8, .producer_name = "hand", .opsets = &opset, .opset_count = 1};
    static uint32_t zero[] = {0}, one[] = {1}, two[] = {2};
    static struct onr_attr axis = {.name = "axis", .kind = ONR_ATTR_INT, .as.i = -1};
    static struct onr_body bodies[] = {
        {.attr_name = "then_branch", .captures = zero, .capture_count = 1}};
    static struct onr_node main_node = {.name = "n\"1",
                                        .op_type = "If",
                                        .domain = "",
                                        .version = 16,
                                        .inputs = one,
                                        .input_count = 1,
                                        .outputs = two,
                                        .output_count = 1,
                                        .bodies = bodies,
                                        .body_count = 1};
    static struct onr_node body_node = {.name = "",
                                        .op_type = "Softmax",
                                        .domain = "",
                                        .version = 13,
                                        .inputs = zero,
                                        .input_count = 1,
                                        .outputs = one,
                                        .output_count = 1,
                                        .attrs = &axis,
                                        .attr_count = 1};
    static struct onr_value main_values[4], body_values[2];
    struct onr_fact fact = {.dtype = ONR_FLOAT,
                            .shape = {3, {onr_dim_symbol(0), onr_dim_symbol(1), -1}}};
    struct onr_fact flag = {.dtype = ONR_BOOL};
    static uint32_t inputs[] = {0, 1};

    main_values[0] = (struct onr_value){.name = "x", .fact = fact, .is_input = true};
    main_values[1] = (struct onr_value){.name = "c", .fact = flag, .is_input = true};
    main_values[2] = (struct onr_value){.name = "y", .fact = fact};
    main_values[3] = (struct onr_value){.name = "w", .constant = &weight};
    body_values[0] = (struct onr_value){.name = "x", .fact = fact, .is_input = true};
    body_values[1] = (struct onr_value){.name = "t", .fact = fact};
    f.body = (struct onr_graph){.name = "one",
                                .values = body_values,
                                .value_count = 2,
                                .nodes = &body_node,
                                .node_count = 1,
                                .inputs = zero,
                                .input_count = 1,
                                .outputs = one,
                                .output_names = body_outputs,
                                .output_count = 1,
                                .symbols = symbols,
                                .symbol_count = 2};
    bodies[0].graph = &f.body;
    f.main = (struct onr_graph){.name = "g",
                                .values = main_values,
                                .value_count = 4,
                                .nodes = &main_node,
                                .node_count = 1,
                                .inputs = inputs,
                                .input_count = 2,
                                .formal_input_count = 2,
                                .outputs = two,
                                .output_names = main_outputs,
                                .output_count = 1,
                                .symbols = symbols,
                                .symbol_count = 2,
                                .info = &info};
    onr_mem_init(&f.mem, NULL, 0);
    onr_text_init(&f.text, &f.mem);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    onr_text_free(&f->text);
    assert_int_equal(f->mem.live_bytes, 0);
    return 0;
}

static void text_shows_file_signature_weights_and_nodes(void **state)
{
    struct fixture *f = *state;
    onr_print_graph_text(&f->text, &f->main, false);
    assert_string_equal(f->text.data, "model \"g\"\n"
                                      "  IR version 8, made by hand\n"
                                      "  operator sets: ai.onnx 17\n"
                                      "\n"
                                      "inputs\n"
                                      "    x: float[batch, s\\x1b[31m, ?]\n"
                                      "    c: bool[]\n"
                                      "\n"
                                      "outputs\n"
                                      "    y: float[batch, s\\x1b[31m, ?]\n"
                                      "\n"
                                      "operators: 2 nodes\n"
                                      "       1  If\n"
                                      "       1  Softmax\n"
                                      "\n"
                                      "weights: 1 tensors, 2 elements, 8 bytes\n"
                                      "       1  float          2 elements, 8 bytes\n"
                                      "\n"
                                      "constants\n"
                                      "  float[2] w = {1, inf}\n"
                                      "\n"
                                      "nodes\n"
                                      "  y = If (c) <\n"
                                      "    then_branch = one () => (t) {\n"
                                      "      t = Softmax <axis = -1> (x)\n"
                                      "    }\n"
                                      "  >\n");
}

static void text_with_facts_adds_types_and_names(void **state)
{
    struct fixture *f = *state;
    onr_print_graph_text(&f->text, &f->main, true);
    assert_non_null(strstr(f->text.data, "graph \"g\"\n"));
    assert_non_null(
        strstr(f->text.data, "  y = If (c) <  # float[batch, s\\x1b[31m, ?]  \"n\\\"1\"\n"));
}

static void json_nests_bodies(void **state)
{
    struct fixture *f = *state;
    onr_print_graph_json(&f->text, &f->main, false);
    assert_non_null(strstr(f->text.data, "\"shape\": [\"batch\", \"s\\u001b[31m\", null]"));
    assert_non_null(strstr(f->text.data, "\"data\": [1, \"inf\"]"));
    assert_non_null(strstr(
        f->text.data,
        "{\"name\": \"\", \"op_type\": \"Softmax\", \"domain\": \"\", \"version\": 13, "
        "\"inputs\": [\"x\"], \"outputs\": [\"t\"], \"attributes\": "
        "[{\"name\": \"axis\", \"kind\": \"int\", \"value\": -1}], \"bodies\": []}]}]}]}\n"));
}

static void numbers_are_grouped_and_scaled(void **state)
{
    struct fixture *f = *state;
    onr_print_count(&f->text, 0);
    onr_text_add(&f->text, " ");
    onr_print_count(&f->text, 999);
    onr_text_add(&f->text, " ");
    onr_print_count(&f->text, 1002003);
    onr_text_add(&f->text, " ");
    onr_print_bytes(&f->text, 1536);
    assert_string_equal(f->text.data, "0 999 1,002,003 1.5 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_shows_file_signature_weights_and_nodes, begin, end),
        cmocka_unit_test_setup_teardown(text_with_facts_adds_types_and_names, begin, end),
        cmocka_unit_test_setup_teardown(json_nests_bodies, begin, end),
        cmocka_unit_test_setup_teardown(numbers_are_grouped_and_scaled, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
