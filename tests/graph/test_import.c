/* SPDX-License-Identifier: Apache-2.0 */
/* From a well-formed file to a graph: groups B and C of the bad-input catalogue, bodies and
 * functions. */
#include "support/failing_memory.h"
#include "support/import_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t two[] = {2};

static void input(struct proto *p, const char *name)
{
    proto_value(p, GRAPH_INPUT, name, ONR_FLOAT, 1, two);
}

static void output(struct proto *p, const char *name)
{
    proto_value(p, GRAPH_OUTPUT, name, ONR_FLOAT, 1, two);
}

static void weight(struct proto *p, const char *name)
{
    proto_tensor(p, GRAPH_INIT, name, ONR_FLOAT, 1, two, (float[]){1, 2}, 8);
}

/* A model with input x, ready for nodes. */
static void begin(struct proto *p)
{
    proto_model(p, 8, 17);
    input(p, "x");
}

/* ---- the model ---- */

static void the_model_is_described(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    proto_node(&p, "Relu", "x", "y");
    output(&p, "y");
    proto_close(&p);
    proto_string(&p, 2, "maker");
    proto_string(&p, 3, "1.2");
    proto_int(&p, 5, 7);
    proto_opset(&p, MODEL_OPSET, "com.microsoft", 1);
    proto_opset(&p, MODEL_OPSET, "ai.onnx", 17);
    proto_entry(&p, MODEL_METADATA, "k", "v");
    import_ok(&t, &p);
    const struct onr_model_info *info = t.graph->info;
    assert_int_equal(info->ir_version, 8);
    assert_string_equal(info->producer_name, "maker");
    assert_string_equal(info->producer_version, "1.2");
    assert_int_equal(info->model_version, 7);
    assert_int_equal(info->opset_count, 2);
    assert_string_equal(info->opsets[1].domain, "com.microsoft");
    assert_string_equal(info->metadata[0].key, "k");
    assert_string_equal(t.graph->name, "g");
    const struct onr_node *node = &t.graph->nodes[0];
    assert_string_equal(node->op_type, "Relu");
    assert_string_equal(node->domain, "");
    assert_int_equal(node->version, 17);
    assert_int_equal(t.graph->values[node->outputs[0]].producer, 0);
    assert_int_equal(t.graph->inputs[0], node->inputs[0]);
    assert_int_equal(t.graph->outputs[0], node->outputs[0]);
    assert_string_equal(t.graph->output_names[0], "y");
    import_test_free(&t);
    proto_free(&p);
}

static void a_file_without_graph_is_refused(void **state)
{
    (void)state;
    struct proto p;
    proto_init(&p);
    proto_int(&p, MODEL_IR, 8);
    import_fails(&p, ONR_ERR_MODEL, "the model has no graph");
}

static void a_graph_without_output_is_refused(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    import_fails(&p, ONR_ERR_MODEL, "the graph has no output");
}

static void wrong_ir_versions_are_refused(void **state)
{
    (void)state;
    static const int64_t versions[] = {0, -1, 99, (int64_t)1 << 62};
    for (size_t i = 0; i < 4; i++) {
        struct proto p;
        proto_model(&p, versions[i], 17);
        input(&p, "x");
        output(&p, "x");
        import_fails(&p, versions[i] > 0 ? ONR_ERR_UNSUPPORTED : ONR_ERR_MODEL, "ir_version");
    }
}

static void wrong_opset_versions_are_refused(void **state)
{
    (void)state;
    static const int64_t versions[] = {0, -5, INT64_MIN};
    for (size_t i = 0; i < 3; i++) {
        struct proto p;
        proto_model(&p, 8, versions[i]);
        import_fails(&p, ONR_ERR_MODEL, "of the operator set \"\" is none");
    }
}

static void a_newer_opset_is_refused_where_it_is_used(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    proto_model(&p, 8, 1000);
    input(&p, "x");
    proto_node(&p, "Relu", "x", "y");
    output(&p, "y");
    import_fails(&p, ONR_ERR_UNSUPPORTED, "node \"y\" (Relu): operator set 1000 is newer than");
    proto_model(&p, 8, 1000);
    input(&p, "x");
    output(&p, "x");
    import_ok(&t, &p);
    import_test_free(&t);
    proto_free(&p);
}

static void opset_imports_must_agree(void **state)
{
    (void)state;
    struct proto p;
    proto_good_model(&p);
    proto_opset(&p, MODEL_OPSET, "ai.onnx", 16);
    import_fails(&p, ONR_ERR_MODEL, "is imported in versions 17 and 16");
    proto_init(&p);
    proto_int(&p, MODEL_IR, 8);
    proto_open(&p, MODEL_GRAPH);
    import_fails(&p, ONR_ERR_MODEL, "imports no operator set");
    begin(&p);
    proto_node_open(&p, GRAPH_NODE, "Gelu", "x", "y");
    proto_string(&p, NODE_DOMAIN, "com.microsoft");
    import_fails(&p, ONR_ERR_MODEL,
                 "node \"y\" (Gelu): the model does not import the domain \"com.microsoft\"");
}

/* ---- names ---- */

static void undefined_names_are_refused(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    proto_node(&p, "Add", "x,nope", "y");
    import_fails(&p, ONR_ERR_MODEL, "node \"y\" (Add): input \"nope\" is not defined");
    begin(&p);
    output(&p, "nope");
    import_fails(&p, ONR_ERR_MODEL, "graph output \"nope\" is not computed");
}

static void unsorted_nodes_are_sorted(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    proto_node(&p, "Relu", "c", "d");
    proto_node(&p, "Neg", "x", "a");
    proto_node(&p, "Add", "b,a", "c");
    proto_node(&p, "Exp", "a", "b");
    output(&p, "d");
    import_ok(&t, &p);
    static const char *const want[] = {"Neg", "Exp", "Add", "Relu"};
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(t.graph->nodes[i].op_type, want[i]);
    }
    import_test_free(&t);
    proto_free(&p);
}

static void cycles_are_refused(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    proto_node(&p, "Add", "x,b", "a");
    proto_node(&p, "Relu", "a", "b");
    import_fails(&p, ONR_ERR_MODEL, "cycle");
    begin(&p);
    proto_node(&p, "Add", "x,a", "a");
    import_fails(&p, ONR_ERR_MODEL, "cycle through \"a\"");
}

static void names_have_one_definition(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    proto_node(&p, "Relu", "x", "y");
    proto_node(&p, "Neg", "x", "y");
    import_fails(&p, ONR_ERR_MODEL, "the name \"y\" is defined twice");
    begin(&p);
    proto_node(&p, "Split", "x", "y,y");
    import_fails(&p, ONR_ERR_MODEL, "the name \"y\" is defined twice");
    begin(&p);
    proto_node(&p, "Relu", "x", "x");
    import_fails(&p, ONR_ERR_MODEL, "cycle");
    begin(&p);
    weight(&p, "w");
    proto_node(&p, "Relu", "x", "w");
    import_fails(&p, ONR_ERR_MODEL, "the name \"w\" is defined twice");
    begin(&p);
    input(&p, "x");
    import_fails(&p, ONR_ERR_MODEL, "graph input 1 \"x\": declared twice");
    begin(&p);
    weight(&p, "w");
    weight(&p, "w");
    import_fails(&p, ONR_ERR_MODEL, "the name \"w\" is defined twice");
}

static void outputs_may_be_inputs_constants_and_repeat(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    weight(&p, "w");
    output(&p, "x");
    output(&p, "w");
    output(&p, "x");
    import_ok(&t, &p);
    assert_int_equal(t.graph->output_count, 3);
    assert_int_equal(t.graph->outputs[0], t.graph->outputs[2]);
    assert_non_null(t.graph->values[t.graph->outputs[1]].constant);
    import_test_free(&t);
    proto_free(&p);
}

static void optional_inputs_and_outputs(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    proto_node_open(&p, GRAPH_NODE, "Clip", "x,,x", "");
    proto_string(&p, NODE_INPUT, "");
    proto_string(&p, NODE_OUTPUT, "");
    proto_string(&p, NODE_OUTPUT, "y");
    proto_string(&p, NODE_OUTPUT, "");
    proto_close(&p);
    output(&p, "y");
    import_ok(&t, &p);
    const struct onr_node *node = &t.graph->nodes[0];
    assert_int_equal(node->input_count, 3);
    assert_int_equal(node->inputs[1], ONR_NO_VALUE);
    assert_int_equal(node->output_count, 2);
    assert_int_equal(node->outputs[0], ONR_NO_VALUE);
    import_test_free(&t);
    proto_free(&p);
}

static void a_node_needs_a_type_and_outputs(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    proto_node(&p, "", "x", "y");
    import_fails(&p, ONR_ERR_MODEL, "node \"y\" (): the node has no op_type");
    begin(&p);
    proto_node(&p, "Relu", "x", "");
    import_fails(&p, ONR_ERR_MODEL, "the node has no output");
}

/* ---- inputs ---- */

static void inputs_need_a_name_and_a_type(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    proto_open(&p, GRAPH_INPUT);
    proto_string(&p, 1, "z");
    import_fails(&p, ONR_ERR_MODEL, "graph input 1 \"z\": it has no type");
    begin(&p);
    input(&p, "");
    import_fails(&p, ONR_ERR_MODEL, "graph input 1 \"\": it has no name");
    begin(&p);
    proto_value(&p, GRAPH_INPUT, "z", ONR_UNDEFINED, 0, NULL);
    import_fails(&p, ONR_ERR_MODEL, "element type 0 is none");
    begin(&p);
    proto_value(&p, GRAPH_INPUT, "z", (enum onr_dtype)99, 0, NULL);
    import_fails(&p, ONR_ERR_MODEL, "element type 99 is none");
    begin(&p);
    proto_value(&p, GRAPH_INPUT, "z", ONR_FLOAT, 17, (int64_t[17]){1});
    import_fails(&p, ONR_ERR_LIMIT, "rank 17 is above the limit of 16");
    begin(&p);
    proto_value(&p, GRAPH_INPUT, "z", ONR_FLOAT, 2, (int64_t[]){INT64_MAX, 3});
    import_fails(&p, ONR_ERR_MODEL, "the product of the dimensions overflows");
}

static void symbols_are_shared_by_name(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "a", ONR_FLOAT, 3, (int64_t[]){-1, 3, -2});
    proto_value(&p, GRAPH_INPUT, "b", ONR_INT64, 1, (int64_t[]){-2});
    output(&p, "a");
    import_ok(&t, &p);
    const struct onr_shape *a = &import_value(t.graph, "a")->fact.shape;
    const struct onr_shape *b = &import_value(t.graph, "b")->fact.shape;
    assert_int_equal(a->dim[1], 3);
    assert_true(onr_dim_is_symbol(a->dim[0]));
    assert_int_equal(a->dim[2], b->dim[0]);
    assert_string_equal(t.graph->symbols[onr_dim_symbol_index(b->dim[0])], "s2");
    assert_int_equal(t.graph->symbol_count, 2);
    import_test_free(&t);
    proto_free(&p);
}

/* As Paddle2ONNX writes it; two of them have different lengths at run time. */
static void a_dimension_called_question_mark_is_unknown(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    proto_model(&p, 8, 17);
    proto_open(&p, GRAPH_INPUT);
    proto_string(&p, 1, "a");
    proto_open(&p, 2);
    proto_open(&p, TYPE_TENSOR);
    proto_int(&p, 1, ONR_FLOAT);
    proto_open(&p, 2);
    for (int i = 0; i < 2; i++) {
        proto_open(&p, 1);
        proto_string(&p, 2, "?");
        proto_close(&p);
    }
    for (int i = 0; i < 4; i++) {
        proto_close(&p);
    }
    output(&p, "a");
    import_ok(&t, &p);
    const struct onr_shape *a = &import_value(t.graph, "a")->fact.shape;
    assert_int_equal(a->rank, 2);
    assert_int_equal(a->dim[0], ONR_DIM_UNKNOWN);
    assert_int_equal(a->dim[1], ONR_DIM_UNKNOWN);
    assert_int_equal(t.graph->symbol_count, 0);
    import_test_free(&t);
    proto_free(&p);
}

static void an_input_without_shape_has_unknown_rank(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    proto_model(&p, 8, 17);
    proto_open(&p, GRAPH_INPUT);
    proto_string(&p, 1, "x");
    proto_bytes(&p, 2, "\x0a\x02\x08\x01", 4);
    proto_close(&p);
    proto_value(&p, GRAPH_INPUT, "scalar", ONR_FLOAT, 0, NULL);
    output(&p, "x");
    import_ok(&t, &p);
    assert_int_equal(import_value(t.graph, "x")->fact.shape.rank, ONR_RANK_UNKNOWN);
    assert_int_equal(import_value(t.graph, "scalar")->fact.shape.rank, 0);
    import_test_free(&t);
    proto_free(&p);
}

static void inputs_that_are_no_tensors_have_their_kind(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        size_t size;
        enum onr_kind kind;
        bool is_optional;
        enum onr_dtype dtype;
    } cases[] = {
        {"\x22\x06\x0a\x04\x0a\x02\x08\x07", 8, ONR_KIND_SEQUENCE, false, ONR_INT64},
        {"\x4a\x06\x0a\x04\x0a\x02\x08\x01", 8, ONR_KIND_TENSOR, true, ONR_FLOAT},
        /* an optional sequence; a sequence of sequences, an optional of an optional */
        {"\x4a\x0a\x0a\x08\x22\x06\x0a\x04\x0a\x02\x08\x01", 12, ONR_KIND_SEQUENCE, true,
         ONR_FLOAT},
        {"\x22\x0a\x0a\x08\x22\x06\x0a\x04\x0a\x02\x08\x01", 12, ONR_KIND_OTHER, false, ONR_FLOAT},
        {"\x4a\x0a\x0a\x08\x4a\x06\x0a\x04\x0a\x02\x08\x01", 12, ONR_KIND_OTHER, true, ONR_FLOAT},
        {"\x2a\x02\x08\x07", 4, ONR_KIND_OTHER, false, ONR_UNDEFINED},
        {"\x42\x02\x08\x01", 4, ONR_KIND_OTHER, false, ONR_UNDEFINED},
        {"\x3a\x00", 2, ONR_KIND_OTHER, false, ONR_UNDEFINED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct import_test t = {0};
        struct proto p;
        proto_model(&p, 8, 17);
        proto_open(&p, GRAPH_INPUT);
        proto_string(&p, 1, "x");
        proto_bytes(&p, 2, cases[i].type, cases[i].size);
        proto_close(&p);
        output(&p, "x");
        import_ok(&t, &p);
        assert_int_equal(import_value(t.graph, "x")->fact.kind, cases[i].kind);
        assert_int_equal(import_value(t.graph, "x")->fact.is_optional, cases[i].is_optional);
        assert_int_equal(import_value(t.graph, "x")->fact.dtype, cases[i].dtype);
        import_test_free(&t);
        proto_free(&p);
    }
}

/* From IR 4 on such an input may be left out or given; before, it was how initializers were
 * declared. */
static void an_input_with_initializer_is_a_default(void **state)
{
    (void)state;
    for (int64_t ir_version = 3; ir_version <= 4; ir_version++) {
        struct import_test t = {0};
        struct proto p;
        proto_model(&p, ir_version, 17);
        input(&p, "x");
        input(&p, "w");
        weight(&p, "w");
        proto_node(&p, "Add", "x,w", "y");
        output(&p, "y");
        import_ok(&t, &p);
        const struct onr_value *w = import_value(t.graph, "w");
        assert_non_null(w->constant);
        assert_int_equal(w->is_input, ir_version == 4);
        assert_int_equal(t.graph->input_count, ir_version == 4 ? 2 : 1);
        import_test_free(&t);
        proto_free(&p);
    }
}

static void a_default_must_fit_the_declaration(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    proto_value(&p, GRAPH_INPUT, "w", ONR_FLOAT, 1, (int64_t[]){3});
    weight(&p, "w");
    import_fails(&p, ONR_ERR_SHAPE,
                 "graph input 1 \"w\": the initializer of this name is float[2]");
    begin(&p);
    proto_value(&p, GRAPH_INPUT, "w", ONR_INT64, 1, two);
    weight(&p, "w");
    import_fails(&p, ONR_ERR_SHAPE, "the initializer of this name is float[2]");
}

static void value_info_is_a_hint(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    proto_node(&p, "Relu", "x", "a");
    proto_node(&p, "Relu", "a", "b");
    proto_node(&p, "Relu", "b", "y");
    output(&p, "y");
    proto_value(&p, GRAPH_VALUE_INFO, "a", ONR_FLOAT, 1, two);
    proto_value(&p, GRAPH_VALUE_INFO, "b", (enum onr_dtype)77, 1, two);
    proto_value(&p, GRAPH_VALUE_INFO, "nobody", ONR_FLOAT, 1, two);
    import_ok(&t, &p);
    assert_int_equal(import_value(t.graph, "a")->fact.shape.rank, 1);
    assert_int_equal(import_value(t.graph, "b")->fact.shape.rank, ONR_RANK_UNKNOWN);
    assert_int_equal(import_value(t.graph, "b")->fact.dtype, ONR_UNDEFINED);
    assert_int_equal(import_value(t.graph, "y")->fact.shape.dim[0], 2);
    import_test_free(&t);
    proto_free(&p);
}

/* ---- attributes ---- */

/* Opens a model with a node and one attribute of it, without value. */
static void begin_attr(struct proto *p, int type)
{
    begin(p);
    proto_node_open(p, GRAPH_NODE, "Op", "x", "y");
    proto_open(p, NODE_ATTR);
    proto_string(p, ATTR_NAME, "a");
    if (type >= 0) {
        proto_int(p, ATTR_TYPE, type);
    }
}

static void attributes_keep_their_values(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin_attr(&p, 7);
    proto_int(&p, ATTR_INTS, 4);
    proto_int(&p, ATTR_INTS, -5);
    proto_close(&p);
    proto_open(&p, NODE_ATTR);
    proto_string(&p, ATTR_NAME, "f");
    proto_f32(&p, ATTR_F, 0.5f); /* no type, as in files of IR 1 */
    proto_close(&p);
    proto_open(&p, NODE_ATTR);
    proto_string(&p, ATTR_NAME, "s");
    proto_bytes(&p, ATTR_S, "a\0b", 3);
    proto_int(&p, ATTR_TYPE, 3);
    proto_close(&p);
    proto_open(&p, NODE_ATTR);
    proto_string(&p, ATTR_NAME, "zero");
    proto_int(&p, ATTR_TYPE, 2); /* writers may leave out a value of 0 */
    proto_close(&p);
    proto_open(&p, NODE_ATTR);
    proto_string(&p, ATTR_NAME, "t");
    proto_tensor(&p, ATTR_T, "", ONR_FLOAT, 1, two, (float[]){1, 2}, 8);
    proto_int(&p, ATTR_TYPE, 4);
    proto_close(&p);
    proto_close(&p);
    output(&p, "y");
    import_ok(&t, &p);
    const struct onr_node *node = &t.graph->nodes[0];
    assert_int_equal(node->attr_count, 5);
    assert_int_equal(onr_node_attr(node, "a")->count, 2);
    assert_int_equal(onr_node_attr(node, "a")->as.ints[1], -5);
    assert_int_equal(onr_node_attr(node, "f")->kind, ONR_ATTR_FLOAT);
    assert_true(onr_node_attr(node, "f")->as.f == 0.5f);
    assert_int_equal(onr_node_attr(node, "s")->as.s.length, 3);
    assert_int_equal(onr_node_attr(node, "zero")->as.i, 0);
    assert_int_equal(onr_node_attr(node, "t")->as.tensor->shape.dim[0], 2);
    import_test_free(&t);
    proto_free(&p);
}

static void wrong_attributes_are_refused(void **state)
{
    (void)state;
    struct proto p;
    begin_attr(&p, 2);
    proto_f32(&p, ATTR_F, 1);
    import_fails(&p, ONR_ERR_MODEL, "attribute \"a\": the attribute has values of another type");
    begin_attr(&p, 77);
    import_fails(&p, ONR_ERR_MODEL, "attribute type 77 is none");
    begin_attr(&p, 0);
    import_fails(&p, ONR_ERR_MODEL, "the attribute has no type and no value");
    begin_attr(&p, -1);
    proto_f32(&p, ATTR_F, 1);
    proto_int(&p, ATTR_I, 1);
    import_fails(&p, ONR_ERR_MODEL, "the attribute has no type and several values");
    begin_attr(&p, 4);
    import_fails(&p, ONR_ERR_MODEL, "the attribute has no value");
    begin_attr(&p, 5);
    import_fails(&p, ONR_ERR_MODEL, "the attribute has no value");
    begin_attr(&p, 2);
    proto_string(&p, ATTR_REF, "b");
    import_fails(&p, ONR_ERR_MODEL, "no attribute of an enclosing function");
    begin_attr(&p, 2);
    proto_close(&p);
    proto_attr_int(&p, "a", 1);
    import_fails(&p, ONR_ERR_MODEL, "attribute \"a\" is given twice");
    begin(&p);
    proto_node_open(&p, GRAPH_NODE, "Op", "x", "y");
    proto_attr_int(&p, "", 1);
    import_fails(&p, ONR_ERR_MODEL, "an attribute has no name");
    begin(&p);
    proto_node_open(&p, GRAPH_NODE, "Op", "x", "y");
    for (int i = 0; i < 2000; i++) {
        proto_attr_int(&p, "b", 1);
    }
    import_fails(&p, ONR_ERR_LIMIT, "2000 attributes");
}

/* ---- bodies ---- */

/* Opens the graph attribute of an open node. */
static void open_body(struct proto *p, const char *name)
{
    proto_open(p, NODE_ATTR);
    proto_string(p, ATTR_NAME, name);
    proto_int(p, ATTR_TYPE, 5);
    proto_open(p, ATTR_G);
}

static void close_body(struct proto *p)
{
    proto_close(p);
    proto_close(p);
}

static void bodies_capture_outer_values_and_share_constants(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    proto_value(&p, GRAPH_INPUT, "c", ONR_BOOL, 0, NULL);
    weight(&p, "w");
    proto_node_open(&p, GRAPH_NODE, "If", "c", "y");
    open_body(&p, "then_branch");
    proto_node_open(&p, GRAPH_NODE, "If", "c", "inner");
    open_body(&p, "then_branch");
    proto_node(&p, "Add", "x,w", "t");
    output(&p, "t");
    close_body(&p);
    proto_close(&p);
    output(&p, "inner");
    close_body(&p);
    open_body(&p, "else_branch");
    output(&p, "x");
    close_body(&p);
    proto_close(&p);
    output(&p, "y");
    import_ok(&t, &p);
    const struct onr_node *node = &t.graph->nodes[0];
    assert_int_equal(node->attr_count, 0);
    assert_int_equal(node->body_count, 2);
    const struct onr_body *then_body = onr_node_body(node, "then_branch");
    assert_int_equal(then_body->graph->formal_input_count, 0);
    assert_int_equal(then_body->capture_count, 2);
    assert_string_equal(t.graph->values[then_body->captures[0]].name, "c");
    assert_string_equal(t.graph->values[then_body->captures[1]].name, "x");
    assert_int_equal(then_body->graph->input_count, 2);
    const struct onr_body *inner = &then_body->graph->nodes[0].bodies[0];
    assert_int_equal(inner->capture_count, 1);
    assert_int_equal(inner->captures[0], then_body->graph->inputs[1]);
    assert_ptr_equal(import_value(inner->graph, "w")->constant,
                     import_value(t.graph, "w")->constant);
    const struct onr_body *else_body = onr_node_body(node, "else_branch");
    assert_int_equal(else_body->graph->outputs[0], else_body->graph->inputs[0]);
    assert_ptr_equal(else_body->graph->symbols, t.graph->symbols);
    import_test_free(&t);
    proto_free(&p);
}

/* The deepest nesting that protobuf's limit leaves room for; x is captured through all of it. */
static void bodies_may_nest_31_deep(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    output(&p, "y");
    for (int i = 0; i < 31; i++) {
        proto_node_open(&p, GRAPH_NODE, "If", "x", "y");
        open_body(&p, "then_branch");
        output(&p, i < 30 ? "y" : "x");
    }
    import_ok(&t, &p);
    const struct onr_graph *graph = t.graph;
    for (int i = 0; i < 31; i++) {
        assert_int_equal(graph->nodes[0].body_count, 1);
        assert_int_equal(graph->nodes[0].bodies[0].capture_count, 1);
        graph = graph->nodes[0].bodies[0].graph;
    }
    assert_int_equal(graph->outputs[0], graph->inputs[0]);
    import_test_free(&t);
    proto_free(&p);
}

static void a_body_does_not_see_later_values(void **state)
{
    (void)state;
    struct proto p;
    begin(&p);
    proto_node_open(&p, GRAPH_NODE, "If", "x", "y");
    open_body(&p, "then_branch");
    output(&p, "late");
    close_body(&p);
    proto_close(&p);
    proto_node(&p, "Relu", "x", "late");
    import_fails(&p, ONR_ERR_MODEL, "node \"y\" (If): graph output \"late\" is not computed");
    /* Nor do names of a body leave it. */
    begin(&p);
    proto_node_open(&p, GRAPH_NODE, "If", "x", "y");
    open_body(&p, "then_branch");
    proto_node(&p, "Relu", "x", "inside");
    output(&p, "inside");
    close_body(&p);
    proto_close(&p);
    proto_node(&p, "Relu", "inside", "z");
    import_fails(&p, ONR_ERR_MODEL, "input \"inside\" is not defined");
}

static void a_body_may_shadow_a_name(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    proto_node_open(&p, GRAPH_NODE, "Loop", "x", "y");
    open_body(&p, "body");
    proto_open(&p, GRAPH_INPUT);
    proto_string(&p, 1, "x"); /* bodies may leave out types */
    proto_close(&p);
    output(&p, "x");
    close_body(&p);
    proto_close(&p);
    output(&p, "y");
    import_ok(&t, &p);
    assert_int_equal(t.graph->nodes[0].bodies[0].capture_count, 0);
    assert_int_equal(t.graph->nodes[0].bodies[0].graph->formal_input_count, 1);
    import_test_free(&t);
    proto_free(&p);
}

/* ---- functions ---- */

/* Closes the graph of a model and opens function `name` of domain "f" with these inputs and
 * outputs. */
static void open_function(struct proto *p, const char *name, const char *inputs,
                          const char *outputs)
{
    proto_open(p, MODEL_FUNCTION);
    proto_string(p, FUNCTION_NAME, name);
    proto_string(p, FUNCTION_DOMAIN, "f");
    proto_names(p, FUNCTION_INPUT, inputs);
    proto_names(p, FUNCTION_OUTPUT, outputs);
    proto_opset(p, FUNCTION_OPSET, "", 18);
    proto_opset(p, FUNCTION_OPSET, "f", 1);
}

static void open_call(struct proto *p, uint32_t field, const char *function, const char *name,
                      const char *inputs, const char *outputs)
{
    proto_node_open(p, field, function, inputs, outputs);
    proto_string(p, NODE_DOMAIN, "f");
    proto_string(p, NODE_NAME, name);
}

static void call(struct proto *p, uint32_t field, const char *function, const char *name,
                 const char *inputs, const char *outputs)
{
    open_call(p, field, function, name, inputs, outputs);
    proto_close(p);
}

/* A model that computes y = function(x), left open behind the graph. */
static void begin_call(struct proto *p, const char *function)
{
    begin(p);
    call(p, GRAPH_NODE, function, "c", "x", "y");
    output(p, "y");
    proto_close(p);
    proto_opset(p, MODEL_OPSET, "f", 1);
}

/* Functions add to the nesting without adding to protobuf's. */
static void deeper_bodies_are_a_limit(void **state)
{
    (void)state;
    struct proto p;
    begin_call(&p, "f0");
    for (int i = 0; i < 40; i++) {
        char name[16];
        char next[16];
        (void)snprintf(name, sizeof name, "f%d", i);
        (void)snprintf(next, sizeof next, "f%d", i + 1);
        open_function(&p, name, "i", "o");
        proto_node_open(&p, FUNCTION_NODE, "If", "i", "o");
        open_body(&p, "then_branch");
        call(&p, GRAPH_NODE, next, "", "i", "b");
        output(&p, "b");
        close_body(&p);
        proto_close(&p);
        proto_close(&p);
    }
    import_fails(&p, ONR_ERR_LIMIT, "bodies nest deeper than 32");
}

static void functions_are_inlined(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    call(&p, GRAPH_NODE, "Outer", "one", "x", "m");
    call(&p, GRAPH_NODE, "Outer", "two", "m", "y");
    output(&p, "y");
    proto_close(&p);
    proto_opset(&p, MODEL_OPSET, "f", 1);
    open_function(&p, "Outer", "i,missing", "o");
    call(&p, FUNCTION_NODE, "Inner", "in", "i,missing", "h");
    proto_node_open(&p, FUNCTION_NODE, "Neg", "h", "o");
    proto_close(&p);
    proto_close(&p);
    open_function(&p, "Inner", "a,b", "r");
    proto_node_open(&p, FUNCTION_NODE, "Clip", "a,b", "r");
    proto_string(&p, NODE_NAME, "clip");
    proto_close(&p);
    proto_close(&p);
    import_ok(&t, &p);
    static const char *const ops[] = {"Clip", "Neg", "Clip", "Neg"};
    assert_int_equal(t.graph->node_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(t.graph->nodes[i].op_type, ops[i]);
        assert_int_equal(t.graph->nodes[i].version, 18);
        assert_int_equal(t.graph->nodes[i].input_count, 1);
    }
    assert_string_equal(t.graph->nodes[0].name, "one/in/clip");
    assert_string_equal(t.graph->values[t.graph->nodes[2].outputs[0]].name, "two/in/r");
    assert_string_equal(t.graph->values[t.graph->nodes[1].outputs[0]].name, "m");
    assert_int_equal(t.graph->nodes[2].inputs[0], t.graph->nodes[1].outputs[0]);
    assert_int_equal(t.graph->info->function_count, 2);
    assert_string_equal(t.graph->info->functions[1].name, "Inner");
    import_test_free(&t);
    proto_free(&p);
}

static void function_attributes_are_replaced(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    open_call(&p, GRAPH_NODE, "F", "", "x", "y");
    proto_attr_int(&p, "given", 5);
    proto_close(&p);
    output(&p, "y");
    proto_close(&p);
    proto_opset(&p, MODEL_OPSET, "f", 1);
    open_function(&p, "F", "i", "o");
    proto_names(&p, FUNCTION_ATTR, "given,absent");
    proto_open(&p, FUNCTION_DEFAULT);
    proto_string(&p, ATTR_NAME, "preset");
    proto_int(&p, ATTR_I, 9);
    proto_int(&p, ATTR_TYPE, 2);
    proto_close(&p);
    proto_node_open(&p, FUNCTION_NODE, "Op", "i", "o");
    static const char *const names[] = {"given", "absent", "preset"};
    for (int i = 0; i < 3; i++) {
        char own[] = {(char)('a' + i), '\0'};
        proto_open(&p, NODE_ATTR);
        proto_string(&p, ATTR_NAME, own);
        proto_string(&p, ATTR_REF, names[i]);
        proto_int(&p, ATTR_TYPE, 2);
        proto_close(&p);
    }
    import_ok(&t, &p);
    const struct onr_node *node = &t.graph->nodes[0];
    assert_int_equal(node->attr_count, 2);
    assert_int_equal(onr_node_attr(node, "a")->as.i, 5);
    assert_null(onr_node_attr(node, "b"));
    assert_int_equal(onr_node_attr(node, "c")->as.i, 9);
    import_test_free(&t);
    proto_free(&p);
}

static void made_names_do_not_clash(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin(&p);
    proto_node(&p, "Neg", "x", "c/h");
    call(&p, GRAPH_NODE, "F", "c", "c/h", "m");
    call(&p, GRAPH_NODE, "F", "c", "m", "n");
    proto_node(&p, "Neg", "n", "c/h#1");
    output(&p, "c/h#1");
    proto_close(&p);
    proto_opset(&p, MODEL_OPSET, "f", 1);
    open_function(&p, "F", "i", "o");
    proto_node_open(&p, FUNCTION_NODE, "Exp", "i", "h");
    proto_close(&p);
    proto_node_open(&p, FUNCTION_NODE, "Log", "h", "o");
    import_ok(&t, &p);
    for (uint32_t i = 0; i < t.graph->value_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            assert_string_not_equal(t.graph->values[i].name, t.graph->values[j].name);
        }
    }
    assert_string_equal(t.graph->output_names[0], "c/h#1");
    import_test_free(&t);
    proto_free(&p);
}

/* A body within a function sees the function's values, and not those of the caller. */
static void functions_may_have_bodies(void **state)
{
    (void)state;
    struct import_test t = {0};
    struct proto p;
    begin_call(&p, "F");
    open_function(&p, "F", "i", "o");
    proto_node_open(&p, FUNCTION_NODE, "If", "i", "o");
    open_body(&p, "then_branch");
    call(&p, GRAPH_NODE, "G", "g", "i", "b");
    output(&p, "b");
    close_body(&p);
    proto_close(&p);
    proto_close(&p);
    open_function(&p, "G", "k", "l");
    proto_node_open(&p, FUNCTION_NODE, "Neg", "k", "l");
    proto_close(&p);
    proto_close(&p);
    import_ok(&t, &p);
    const struct onr_body *body = &t.graph->nodes[0].bodies[0];
    assert_int_equal(body->capture_count, 1);
    assert_string_equal(t.graph->values[body->captures[0]].name, "x");
    assert_string_equal(body->graph->nodes[0].op_type, "Neg");
    import_test_free(&t);
    proto_free(&p);
    begin_call(&p, "F");
    open_function(&p, "F", "i", "o");
    proto_node_open(&p, FUNCTION_NODE, "If", "i", "o");
    open_body(&p, "then_branch");
    output(&p, "x");
    import_fails(&p, ONR_ERR_MODEL, "graph output \"x\" is not computed");
}

static const struct onr_op_def *knows_f(const char *domain, const char *name, int64_t version)
{
    static const struct onr_op_def row = {.name = "F"};
    return strcmp(domain, "f") == 0 && strcmp(name, "F") == 0 && version == 1 ? &row : NULL;
}

static void a_built_in_operator_replaces_a_function(void **state)
{
    (void)state;
    const struct onr_registry registry = {.find = knows_f};
    struct import_test t = {.registry = &registry};
    struct proto p;
    begin_call(&p, "F");
    open_function(&p, "F", "i", "o");
    proto_node_open(&p, FUNCTION_NODE, "Neg", "i", "o");
    import_ok(&t, &p);
    assert_string_equal(t.graph->nodes[0].op_type, "F");
    import_test_free(&t);
    proto_free(&p);
}

static void recursive_functions_are_refused(void **state)
{
    (void)state;
    struct proto p;
    begin_call(&p, "A");
    open_function(&p, "A", "i", "o");
    call(&p, FUNCTION_NODE, "B", "", "i", "o");
    proto_close(&p);
    open_function(&p, "B", "i", "o");
    call(&p, FUNCTION_NODE, "A", "", "i", "o");
    import_fails(&p, ONR_ERR_MODEL, "cycle of functions: \"A\" -> \"B\" -> \"A\"");
}

/* Each function calls the next one twice: 40 levels make 2^40 nodes. */
static void exponential_functions_are_a_limit(void **state)
{
    (void)state;
    struct proto p;
    begin_call(&p, "f0");
    for (int i = 0; i < 40; i++) {
        char name[16];
        char next[16];
        (void)snprintf(name, sizeof name, "f%d", i);
        (void)snprintf(next, sizeof next, "f%d", i + 1);
        open_function(&p, name, "i", "o");
        call(&p, FUNCTION_NODE, next, "", "i", "h");
        call(&p, FUNCTION_NODE, next, "", "h", "o");
        proto_close(&p);
    }
    open_function(&p, "f40", "i", "o");
    proto_node_open(&p, FUNCTION_NODE, "Neg", "i", "o");
    proto_end(&p);
    struct import_test t = {.limits.node_count = 10000};
    assert_int_equal(import_test_load(&t, p.data, p.size), ONR_ERR_LIMIT);
    assert_non_null(strstr(t.err.message, "more nodes than the limit node_count, 10000"));
    import_test_free(&t);
    proto_free(&p);
}

/* Few nodes, but each of them long: what is inlined is counted in bytes, too. */
static void large_functions_are_a_limit(void **state)
{
    (void)state;
    char name[2000];
    struct proto p;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    begin(&p);
    for (int i = 0; i < 6000; i++) {
        call(&p, GRAPH_NODE, "F", "", "x", "");
    }
    output(&p, "x");
    proto_close(&p);
    proto_opset(&p, MODEL_OPSET, "f", 1);
    open_function(&p, "F", "i", "o");
    for (int i = 0; i < 30; i++) {
        proto_node_open(&p, FUNCTION_NODE, "Op", "i", i == 0 ? "o" : "");
        if (i > 0) {
            proto_string(&p, NODE_OUTPUT, "");
        }
        proto_string(&p, NODE_NAME, name);
        proto_close(&p);
    }
    import_fails(&p, ONR_ERR_LIMIT, "calls of functions stand for more than 268435456 bytes");
}

static void deep_calls_are_a_limit(void **state)
{
    (void)state;
    struct proto p;
    begin_call(&p, "f0");
    for (int i = 0; i < 120; i++) {
        char name[16];
        char next[16];
        (void)snprintf(name, sizeof name, "f%d", i);
        (void)snprintf(next, sizeof next, "f%d", i + 1);
        open_function(&p, name, "i", "o");
        call(&p, FUNCTION_NODE, next, "", "i", "o");
        proto_close(&p);
    }
    open_function(&p, "f120", "i", "o");
    import_fails(&p, ONR_ERR_LIMIT, "calls of functions nest deeper than 100");
}

static void wrong_functions_are_refused(void **state)
{
    (void)state;
    struct proto p;
    begin_call(&p, "F");
    open_function(&p, "F", "", "o");
    import_fails(&p, ONR_ERR_MODEL, "the call has 1 inputs and 1 outputs, the function 0 and 1");
    begin_call(&p, "F");
    open_function(&p, "F", "i", "o");
    import_fails(&p, ONR_ERR_MODEL, "output \"o\" of function \"F\" is not computed");
    begin_call(&p, "F");
    open_function(&p, "F", "i", "o");
    proto_close(&p);
    open_function(&p, "F", "i", "o");
    import_fails(&p, ONR_ERR_MODEL, "function \"F\" is defined twice");
    begin_call(&p, "F");
    open_function(&p, "F", "i,i", "o");
    proto_node_open(&p, FUNCTION_NODE, "Neg", "i", "o");
    import_fails(&p, ONR_ERR_MODEL, "the name \"i\" is defined twice");
    begin_call(&p, "F");
    open_function(&p, "F", "i", "o");
    proto_node_open(&p, FUNCTION_NODE, "Neg", "x", "o");
    import_fails(&p, ONR_ERR_MODEL, "node \"o\" (Neg): input \"x\" is not defined");
    begin_call(&p, "F");
    open_function(&p, "", "i", "o");
    import_fails(&p, ONR_ERR_MODEL, "function 0 has no name");
}

/* ---- memory ---- */

/* Every n-th allocation fails in turn, once and from then on: no crash, no leak, the right status.
 */
static void failing_memory_is_survived(void **state)
{
    (void)state;
    struct failing_memory memory = {.blocks = 0};
    const struct onr_allocator allocator = {&memory, failing_alloc, failing_free};
    struct proto p;
    begin(&p);
    weight(&p, "w");
    for (int i = 0; i < 300; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "c%d", i);
        open_call(&p, GRAPH_NODE, "F", name, "x,w", name);
        proto_attr_int(&p, "a", 1);
        proto_close(&p);
    }
    output(&p, "c7");
    proto_close(&p);
    proto_opset(&p, MODEL_OPSET, "f", 1);
    open_function(&p, "F", "i,w", "o");
    proto_node_open(&p, FUNCTION_NODE, "If", "i", "o");
    open_body(&p, "then_branch");
    output(&p, "i");
    proto_end(&p);
    for (int mode = 0; mode < 2; mode++) {
        enum onr_status status = ONR_ERR_MEMORY;
        for (long n = 0; status != ONR_OK; n++) {
            struct import_test t = {0};
            memory = (struct failing_memory){.left = n, .fails_once = mode == 0};
            onr_mem_init(&t.mem, &allocator, 0);
            onr_arena_init(&t.arena, &t.mem);
            onr_external_files_init(&t.files, &t.mem);
            const struct onr_import_source source = {.data = p.data, .size = p.size};
            status = onr_import(&source, &t.arena, &t.mem, &t.files, &t.graph, &t.err);
            assert_true(status == ONR_OK || status == ONR_ERR_MEMORY);
            import_test_free(&t);
            assert_int_equal(memory.blocks, 0);
        }
    }
    proto_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_is_described),
        cmocka_unit_test(a_file_without_graph_is_refused),
        cmocka_unit_test(a_graph_without_output_is_refused),
        cmocka_unit_test(wrong_ir_versions_are_refused),
        cmocka_unit_test(wrong_opset_versions_are_refused),
        cmocka_unit_test(a_newer_opset_is_refused_where_it_is_used),
        cmocka_unit_test(opset_imports_must_agree),
        cmocka_unit_test(undefined_names_are_refused),
        cmocka_unit_test(unsorted_nodes_are_sorted),
        cmocka_unit_test(cycles_are_refused),
        cmocka_unit_test(names_have_one_definition),
        cmocka_unit_test(outputs_may_be_inputs_constants_and_repeat),
        cmocka_unit_test(optional_inputs_and_outputs),
        cmocka_unit_test(a_node_needs_a_type_and_outputs),
        cmocka_unit_test(inputs_need_a_name_and_a_type),
        cmocka_unit_test(symbols_are_shared_by_name),
        cmocka_unit_test(a_dimension_called_question_mark_is_unknown),
        cmocka_unit_test(an_input_without_shape_has_unknown_rank),
        cmocka_unit_test(inputs_that_are_no_tensors_have_their_kind),
        cmocka_unit_test(an_input_with_initializer_is_a_default),
        cmocka_unit_test(a_default_must_fit_the_declaration),
        cmocka_unit_test(value_info_is_a_hint),
        cmocka_unit_test(attributes_keep_their_values),
        cmocka_unit_test(wrong_attributes_are_refused),
        cmocka_unit_test(bodies_capture_outer_values_and_share_constants),
        cmocka_unit_test(bodies_may_nest_31_deep),
        cmocka_unit_test(deeper_bodies_are_a_limit),
        cmocka_unit_test(a_body_does_not_see_later_values),
        cmocka_unit_test(a_body_may_shadow_a_name),
        cmocka_unit_test(functions_are_inlined),
        cmocka_unit_test(function_attributes_are_replaced),
        cmocka_unit_test(made_names_do_not_clash),
        cmocka_unit_test(functions_may_have_bodies),
        cmocka_unit_test(a_built_in_operator_replaces_a_function),
        cmocka_unit_test(recursive_functions_are_refused),
        cmocka_unit_test(exponential_functions_are_a_limit),
        cmocka_unit_test(large_functions_are_a_limit),
        cmocka_unit_test(deep_calls_are_a_limit),
        cmocka_unit_test(wrong_functions_are_refused),
        cmocka_unit_test(failing_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
