/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a model: graphs, values, nodes, attributes, bodies, weights, costs. */
#include "support/model_text.h"
#include "support/test.h"

#include <onnxrun/inspect.h>
#include <stdio.h>
#include <string.h>

static const char path[] = "onnxrun_test_inspect_parts.onnx";

static onnxrun_model *open_text(const char *text, onnxrun_stage stage)
{
    onnxrun_error error;
    onnxrun_model *model;
    model_text_write(path, text);
    if (onnxrun_model_open(path, NULL, stage, &model, &error) != ONNXRUN_OK) {
        fail_msg("%s", error.message);
    }
    return model;
}

static int remove_model(void **state)
{
    (void)state;
    return remove(path);
}

static const char *name_of(const onnxrun_graph *graph, uint32_t value)
{
    onnxrun_value_info info;
    const onnxrun_weight *weight;
    assert_int_equal(onnxrun_graph_value(graph, value, &info, &weight, NULL), ONNXRUN_OK);
    return info.name;
}

static void a_graph_has_values_and_nodes(void **state)
{
    (void)state;
    onnxrun_model *model =
        open_text("opset 18; in float x [n, 2]; init float w [2] = 1, 2; y = Clip(x, _, w);"
                  "out float y [n, 2];",
                  ONNXRUN_STAGE_MODEL);
    const onnxrun_graph *graph = onnxrun_model_graph(model);
    onnxrun_graph_info info;
    onnxrun_graph_get_info(graph, &info);
    assert_int_equal(info.node_count, 1);
    assert_int_equal(info.input_count, 1);
    assert_int_equal(info.output_count, 1);
    assert_string_equal(name_of(graph, info.inputs[0]), "x");
    assert_string_equal(info.output_names[0], "y");
    onnxrun_value_info value;
    const onnxrun_weight *weight;
    assert_int_equal(onnxrun_graph_value(graph, info.inputs[0], &value, &weight, NULL), ONNXRUN_OK);
    assert_string_equal(value.symbols[0], "n");
    assert_int_equal(value.dims[1], 2);
    assert_null(weight);
    onnxrun_node node;
    assert_int_equal(onnxrun_graph_node(graph, 0, &node, NULL), ONNXRUN_OK);
    assert_string_equal(node.op_type, "Clip");
    assert_int_equal(node.version, 18);
    assert_int_equal(node.input_count, 3);
    assert_int_equal(node.inputs[1], ONNXRUN_NO_VALUE);
    assert_string_equal(name_of(graph, node.inputs[2]), "w");
    const char *domain;
    int64_t version;
    assert_int_equal(onnxrun_model_opset(model, 0, &domain, &version, NULL), ONNXRUN_OK);
    assert_string_equal(domain, "");
    assert_int_equal(version, 18);
    onnxrun_model_free(model);
}

static void attributes_keep_their_values(void **state)
{
    (void)state;
    onnxrun_model *model = open_text(
        "in float x [2]; y = Nonsense(x) f=0.5 i=-3 s='text' l=[1, 2] t=['a', 'b'] p=:seq(int64);"
        "out float y [2];",
        ONNXRUN_STAGE_MODEL);
    const onnxrun_graph *graph = onnxrun_model_graph(model);
    onnxrun_attribute a[6];
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(onnxrun_node_attribute(graph, 0, i, &a[i], NULL), ONNXRUN_OK);
    }
    assert_int_equal(a[0].kind, ONNXRUN_ATTRIBUTE_FLOAT);
    assert_true(a[0].floats[0] == 0.5F);
    assert_int_equal(a[1].ints[0], -3);
    assert_int_equal(a[2].strings[0].length, 4);
    assert_memory_equal(a[2].strings[0].data, "text", 4);
    assert_int_equal(a[3].count, 2);
    assert_int_equal(a[3].ints[1], 2);
    assert_int_equal(a[4].kind, ONNXRUN_ATTRIBUTE_STRINGS);
    assert_memory_equal(a[4].strings[1].data, "b", 1);
    assert_int_equal(a[5].kind, ONNXRUN_ATTRIBUTE_TYPE);
    assert_int_equal(a[5].type.kind, ONNXRUN_KIND_SEQUENCE);
    assert_int_equal(a[5].type.dtype, ONNXRUN_INT64);
    onnxrun_model_free(model);
}

static void a_body_names_what_it_captures(void **state)
{
    (void)state;
    onnxrun_model *model =
        open_text("in float x [2]; in bool c []; y = If(c) then_branch={t = Neg(x); out float t;}"
                  "else_branch={out float x;}; out float y;",
                  ONNXRUN_STAGE_MODEL);
    const onnxrun_graph *graph = onnxrun_model_graph(model);
    onnxrun_body body;
    assert_int_equal(onnxrun_node_body(graph, 0, 0, &body, NULL), ONNXRUN_OK);
    assert_string_equal(body.attribute, "then_branch");
    assert_int_equal(body.capture_count, 1);
    assert_string_equal(name_of(graph, body.captures[0]), "x");
    onnxrun_graph_info info;
    onnxrun_graph_get_info(body.graph, &info);
    assert_int_equal(info.input_count, 0);
    onnxrun_node node;
    assert_int_equal(onnxrun_graph_node(body.graph, 0, &node, NULL), ONNXRUN_OK);
    assert_int_equal(node.inputs[0], body.inputs[0]);
    onnxrun_model_free(model);
}

static void metadata_of_nodes_are_kept(void **state)
{
    (void)state;
    const int64_t dims[] = {2};
    struct proto p;
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 1, dims);
    proto_node_open(&p, GRAPH_NODE, "Relu", "x", "y");
    proto_entry(&p, NODE_METADATA, "namespace", "here");
    proto_close(&p);
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, dims);
    proto_end(&p);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(p.data, 1, p.size, file), p.size);
    assert_int_equal(fclose(file), 0);
    proto_free(&p);
    onnxrun_model *model;
    const char *key, *value;
    assert_int_equal(onnxrun_model_open(path, NULL, ONNXRUN_STAGE_PROGRAM, &model, NULL),
                     ONNXRUN_OK);
    assert_int_equal(onnxrun_node_metadata(onnxrun_model_graph(model), 0, 0, &key, &value, NULL),
                     ONNXRUN_OK);
    assert_string_equal(key, "namespace");
    assert_string_equal(value, "here");
    onnxrun_model_free(model);
    assert_int_equal(onnxrun_model_load(path, NULL, &model, NULL), ONNXRUN_OK);
    onnxrun_node node;
    assert_int_equal(onnxrun_graph_node(onnxrun_model_graph(model), 0, &node, NULL), ONNXRUN_OK);
    assert_int_equal(node.metadata_count, 0);
    onnxrun_model_free(model);
}

static void weights_are_read_in_parts(void **state)
{
    (void)state;
    onnxrun_model *model = open_text("in float x [2]; init int32 w [10] = 0, 1, 2, 3, 4, 5, 6, 7, "
                                     "8, 9; y = Neg(w); out int32 y [10];",
                                     ONNXRUN_STAGE_MODEL);
    const onnxrun_graph *graph = onnxrun_model_graph(model);
    onnxrun_node node;
    onnxrun_value_info value;
    onnxrun_weight_info info;
    onnxrun_error error;
    const onnxrun_weight *weight;
    int32_t part[2];
    assert_int_equal(onnxrun_graph_node(graph, 0, &node, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_graph_value(graph, node.inputs[0], &value, &weight, NULL), ONNXRUN_OK);
    onnxrun_weight_get_info(model, weight, &info);
    assert_int_equal(info.dtype, ONNXRUN_INT32);
    assert_int_equal(info.count, 10);
    assert_int_equal(info.bytes, 40);
    assert_int_equal(info.dims[0], 10);
    assert_null(info.file);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)info.offset, SEEK_SET), 0);
    int32_t stored[10];
    assert_int_equal(fread(stored, sizeof stored, 1, file), 1);
    assert_int_equal(stored[9], 9);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(onnxrun_weight_read(weight, 8, 2, part, NULL), ONNXRUN_OK);
    assert_int_equal(part[0], 8);
    assert_int_equal(part[1], 9);
    assert_int_equal(onnxrun_weight_read(weight, 8, 3, part, &error), ONNXRUN_ERR_ARGUMENT);
    assert_int_equal(onnxrun_weight_read(weight, 4, 1, part, &error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message,
                        "weight: no elements from 4 on, 1 of 10; the first must be a "
                        "multiple of 8");
    onnxrun_model_free(model);
}

static void packed_weights_are_read_in_parts(void **state)
{
    (void)state;
    const int64_t dims[] = {12};
    const uint8_t packed[] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xba};
    struct proto p;
    proto_model(&p, 10, 21);
    proto_tensor(&p, GRAPH_INIT, "w", ONR_UINT4, 1, dims, packed, sizeof packed);
    proto_node(&p, "Identity", "w", "y");
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_UINT4, 1, dims);
    proto_end(&p);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(p.data, 1, p.size, file), p.size);
    assert_int_equal(fclose(file), 0);
    proto_free(&p);
    onnxrun_model *model;
    assert_int_equal(onnxrun_model_open(path, NULL, ONNXRUN_STAGE_MODEL, &model, NULL), ONNXRUN_OK);
    const onnxrun_graph *graph = onnxrun_model_graph(model);
    onnxrun_node node;
    onnxrun_value_info value;
    const onnxrun_weight *weight;
    uint8_t part[4];
    assert_int_equal(onnxrun_graph_node(graph, 0, &node, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_graph_value(graph, node.inputs[0], &value, &weight, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_weight_read(weight, 8, 4, part, NULL), ONNXRUN_OK);
    assert_memory_equal(part, "\x08\x09\x0a\x0b", 4);
    assert_int_equal(onnxrun_weight_read(weight, 8, 0, NULL, NULL), ONNXRUN_OK);
    onnxrun_model_free(model);
}

struct costs {
    size_t count;
    onnxrun_step_cost steps[4];
};

static void keep_cost(void *user, const onnxrun_step_cost *cost)
{
    struct costs *costs = user;
    assert_true(costs->count < 4);
    costs->steps[costs->count++] = *cost;
}

static void steps_cost_what_their_shapes_say(void **state)
{
    (void)state;
    onnxrun_model *model =
        open_text("in float x [n, 2]; init float w [2, 3] = 1, 2, 3, 4, 5, 6; a = MatMul(x, w);"
                  "y = Softmax(a); out float y;",
                  ONNXRUN_STAGE_PROGRAM);
    struct costs costs = {.count = 0};
    onnxrun_dim dims[] = {{"n", 100}};
    onnxrun_cost total;
    assert_int_equal(onnxrun_model_cost(model, dims, 1, keep_cost, &costs, &total, NULL),
                     ONNXRUN_OK);
    assert_int_equal(costs.count, 2);
    assert_int_equal(total.step_count, 2);
    assert_int_equal(total.flops, 2 * 100 * 2 * 3);
    assert_int_equal(costs.steps[0].flops, total.flops);
    assert_int_equal(costs.steps[0].read_bytes, 4 * (100 * 2 + 2 * 3));
    assert_int_equal(costs.steps[0].written_bytes, 4 * 100 * 3);
    assert_int_equal(costs.steps[1].read_bytes, 4 * 100 * 3);
    assert_true(costs.steps[0].memory_bytes >= 4 * 100 * 3);
    assert_true(total.memory_bytes >= costs.steps[0].memory_bytes);
    assert_true(total.memory_bytes >= costs.steps[1].memory_bytes);
    assert_true(total.is_complete);
    onnxrun_model_free(model);
}

static void products_of_all_kinds_count(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        uint64_t flops;
    } cases[] = {
        {"in float w [5, 7]; y = Gemm(x, w) transA=1; out float y;", 2 * 3 * 5 * 7},
        {"in float w [7, 5]; y = Einsum(x, w) equation='ij,ki->kj'; out float y;", 2 * 3 * 5 * 7},
        {"in float i [2, 4, 9]; in float w [4, 3, 5]; y = ConvTranspose(i, w) group=2;"
         "z = Neg(x); out float y; out float z;",
         2 * 2 * 4 * 9 * 3 * 5},
        {"in float i [2, 4, 9]; in float w [6, 2, 3]; y = Conv(i, w) group=2; z = Neg(x);"
         "out float y; out float z;",
         2 * 2 * 6 * 7 * 2 * 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct costs costs = {.count = 0};
        onnxrun_cost total;
        (void)snprintf(text, sizeof text, "in float x [5, 3]; %s", cases[i].rest);
        onnxrun_model *model = open_text(text, ONNXRUN_STAGE_PROGRAM);
        assert_int_equal(onnxrun_model_cost(model, NULL, 0, keep_cost, &costs, &total, NULL),
                         ONNXRUN_OK);
        assert_int_equal(total.flops, cases[i].flops);
        onnxrun_model_free(model);
    }
}

/* Each tensor is small enough for a size, but not the columns of the product. */
static void what_takes_too_much_memory_has_no_cost(void **state)
{
    (void)state;
    onnxrun_model *model =
        open_text("in float x [1, 1, n]; in float w [1, 1, n]; y = ConvTranspose(x, w);"
                  "out float y;",
                  ONNXRUN_STAGE_PROGRAM);
    struct costs costs = {.count = 0};
    onnxrun_dim dims[] = {{"n", (int64_t)1 << 30}};
    onnxrun_cost total;
    onnxrun_error error;
    assert_int_equal(onnxrun_model_cost(model, dims, 1, keep_cost, &costs, &total, &error),
                     ONNXRUN_ERR_LIMIT);
    assert_contains(error.message, "1073741824 taps at 1073741824 positions are too many");
    onnxrun_model_free(model);
}

static void what_depends_on_data_ends_the_costs(void **state)
{
    (void)state;
    onnxrun_model *model = open_text("in float x [3]; a = NonZero(x); y = Neg(a); out int64 y;",
                                     ONNXRUN_STAGE_PROGRAM);
    struct costs costs = {.count = 0};
    onnxrun_cost total;
    assert_int_equal(onnxrun_model_cost(model, NULL, 0, keep_cost, &costs, &total, NULL),
                     ONNXRUN_OK);
    assert_int_equal(total.step_count, 1);
    assert_false(total.is_complete);
    assert_int_equal(onnxrun_model_cost(model, NULL, 0, NULL, NULL, &total, NULL), ONNXRUN_OK);
    assert_int_equal(total.step_count, 1);
    onnxrun_model_free(model);
}

static void an_index_out_of_range_is_refused(void **state)
{
    (void)state;
    onnxrun_model *model =
        open_text("in float x [2]; y = Relu(x); out float y;", ONNXRUN_STAGE_MODEL);
    const onnxrun_graph *graph = onnxrun_model_graph(model);
    onnxrun_error error;
    onnxrun_value_info value;
    const onnxrun_weight *weight;
    onnxrun_node node;
    onnxrun_attribute attribute;
    onnxrun_body body;
    const char *key, *text;
    int64_t version;
    assert_int_equal(onnxrun_graph_value(graph, 2, &value, &weight, &error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "value 2 does not exist, there are 2");
    assert_int_equal(onnxrun_graph_node(graph, 1, &node, &error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "node 1 does not exist, there are 1");
    assert_int_equal(onnxrun_node_attribute(graph, 0, 0, &attribute, &error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "attribute 0 does not exist, there are 0");
    assert_int_equal(onnxrun_node_attribute(graph, 1, 0, &attribute, &error), ONNXRUN_ERR_ARGUMENT);
    assert_int_equal(onnxrun_node_body(graph, 0, 0, &body, &error), ONNXRUN_ERR_ARGUMENT);
    assert_int_equal(onnxrun_node_metadata(graph, 0, 0, &key, &text, &error), ONNXRUN_ERR_ARGUMENT);
    assert_int_equal(onnxrun_model_opset(model, 99, &key, &version, &error), ONNXRUN_ERR_ARGUMENT);
    assert_non_null(strstr(error.message, "operator set 99 does not exist, there are "));
    onnxrun_model_free(model);
}

/* Values keep their numbers, and what a missing operator leaves open is no failure. */
static void types_are_inferred_without_rewriting(void **state)
{
    (void)state;
    static const char text[] = "in float16 x [n, 2]; init int64 w [2] = 1, 2;"
                               "a = Neg(x); b = Identity(a); c = Relu(b); s = Shape(w);"
                               "d = Reshape(c, s); u = Foo(c); v = Relu(u); out float16 c;"
                               "out float16 d; out float v;";
    onnxrun_model *typed = open_text(text, ONNXRUN_STAGE_TYPES);
    onnxrun_model *model = open_text(text, ONNXRUN_STAGE_MODEL);
    const onnxrun_graph *graph = onnxrun_model_graph(typed);
    onnxrun_graph_info info, declared;
    onnxrun_graph_get_info(graph, &info);
    onnxrun_graph_get_info(onnxrun_model_graph(model), &declared);
    assert_int_equal(info.node_count, 7);
    for (uint32_t i = 0; i < declared.value_count; i++) {
        assert_string_equal(name_of(graph, i), name_of(onnxrun_model_graph(model), i));
    }
    onnxrun_value_info value;
    const onnxrun_weight *weight;
    assert_int_equal(onnxrun_graph_value(graph, info.outputs[0], &value, &weight, NULL),
                     ONNXRUN_OK);
    assert_int_equal(value.dtype, ONNXRUN_FLOAT16);
    assert_string_equal(value.symbols[0], "n");
    assert_int_equal(value.dims[1], 2);
    assert_int_equal(onnxrun_graph_value(graph, info.outputs[1], &value, &weight, NULL),
                     ONNXRUN_OK);
    assert_int_equal(value.rank, 1);
    assert_int_equal(value.dims[0], 2);
    onnxrun_node node;
    assert_int_equal(onnxrun_graph_node(graph, 5, &node, NULL), ONNXRUN_OK);
    assert_string_equal(node.op_type, "Foo");
    assert_int_equal(onnxrun_graph_value(graph, node.outputs[0], &value, &weight, NULL),
                     ONNXRUN_OK);
    assert_int_equal(value.dtype, ONNXRUN_UNDEFINED);
    onnxrun_model_free(model);
    onnxrun_model_free(typed);
}

static void a_model_that_is_not_bound_is_only_looked_at(void **state)
{
    (void)state;
    onnxrun_model *model =
        open_text("in float x [2]; y = Relu(x); out float y;", ONNXRUN_STAGE_GRAPH);
    onnxrun_session *session;
    onnxrun_error error;
    onnxrun_cost total;
    assert_int_equal(onnxrun_session_create(model, NULL, &session, &error), ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "session: the model was opened at a stage before PROGRAM");
    assert_int_equal(onnxrun_model_cost(model, NULL, 0, keep_cost, NULL, &total, &error),
                     ONNXRUN_ERR_ARGUMENT);
    onnxrun_model_free(model);
    assert_int_equal(onnxrun_model_open(path, NULL, ONNXRUN_STAGE_PLAN, &model, &error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_null(model);
    assert_int_equal(onnxrun_model_open(NULL, NULL, ONNXRUN_STAGE_MODEL, &model, &error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_int_equal(
        onnxrun_model_open("onnxrun_nowhere.onnx", NULL, ONNXRUN_STAGE_MODEL, &model, &error),
        ONNXRUN_ERR_IO);
    assert_null(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_graph_has_values_and_nodes, remove_model),
        cmocka_unit_test_teardown(attributes_keep_their_values, remove_model),
        cmocka_unit_test_teardown(a_body_names_what_it_captures, remove_model),
        cmocka_unit_test_teardown(metadata_of_nodes_are_kept, remove_model),
        cmocka_unit_test_teardown(weights_are_read_in_parts, remove_model),
        cmocka_unit_test_teardown(packed_weights_are_read_in_parts, remove_model),
        cmocka_unit_test_teardown(steps_cost_what_their_shapes_say, remove_model),
        cmocka_unit_test_teardown(products_of_all_kinds_count, remove_model),
        cmocka_unit_test_teardown(what_takes_too_much_memory_has_no_cost, remove_model),
        cmocka_unit_test_teardown(what_depends_on_data_ends_the_costs, remove_model),
        cmocka_unit_test_teardown(an_index_out_of_range_is_refused, remove_model),
        cmocka_unit_test_teardown(types_are_inferred_without_rewriting, remove_model),
        cmocka_unit_test_teardown(a_model_that_is_not_bound_is_only_looked_at, remove_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
