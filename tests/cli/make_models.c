/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the small models and test cases that the tests of the commands use into the folder
 * argv[1]. */
#include "support/model_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *folder;

static void save(const char *name, struct proto *p)
{
    char path[1024];
    proto_end(p);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(p->data, 1, p->size, file) != p->size || fclose(file) != 0) {
        perror(path);
    }
    proto_free(p);
}

static void make_folder(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)mkdir(path, 0777);
}

/* y = Op (x) for x: float[dims] */
static void unary_model(const char *name, const char *op_type, size_t rank, const int64_t *dims)
{
    struct proto p;
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, rank, dims);
    proto_node(&p, op_type, "x", "y");
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, rank, dims);
    save(name, &p);
}

/* y = Cast (x) from one type to another. */
static void cast_model(const char *name, enum onr_dtype from, enum onr_dtype to)
{
    struct proto p;
    const int64_t dims[] = {-1, 3};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "ids", from, 2, dims);
    proto_node_open(&p, GRAPH_NODE, "Cast", "ids", "y");
    proto_attr_int(&p, "to", to);
    proto_close(&p);
    proto_value(&p, GRAPH_OUTPUT, "y", to, 2, dims);
    save(name, &p);
}

static void text_model(const char *name, const char *text)
{
    struct proto p;
    model_text(&p, text);
    save(name, &p);
}

/* Models with attention, and those that print the files of its weights. */
static void attention_models(void)
{
    text_model("attention.onnx",
               "opset 23; in float x [1, 2, n, 2]; a = Attention(x, x, x) is_causal=1;"
               "y = Attention(a, x, x) is_causal=1; out float y [1, 2, n, 2];");
    text_model("cross.onnx", "opset 23; in float x [1, 1, n, 2]; in float m [1, 1, k, 2];"
                             "a = Attention(x, x, x); y = Attention(a, m, m); out float y;");
    text_model("chain.onnx", "in float x [1, 1, n, 2]; t = Transpose(x) perm=[0, 1, 3, 2];"
                             "s = MatMul(x, t); p = Softmax(s) axis=-1; y = MatMul(p, x);"
                             "out float y;");
    text_model("weights5.onnx", "in float w [a, b, h, q, k]; y = Abs(w); out float y;");
    text_model("weights4.onnx", "in float w [a, b, q, k]; y = Abs(w); out float y;");
}

/* An operator that nobody knows. */
static void unsupported_model(const char *name)
{
    struct proto p;
    const int64_t dims[] = {2};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 1, dims);
    proto_node(&p, "Frobnicate", "x", "y");
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, dims);
    save(name, &p);
}

/* A model whose names try to control the terminal. */
static void hostile_model(const char *name)
{
    struct proto p;
    const int64_t dims[] = {2};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x\x1b[2J\n", ONR_FLOAT, 1, dims);
    proto_node(&p, "Relu", "x\x1b[2J\n",
               "y\xc2\x9b"
               "31m");
    proto_value(&p, GRAPH_OUTPUT,
                "y\xc2\x9b"
                "31m",
                ONR_FLOAT, 1, dims);
    save(name, &p);
}

/* A model whose names try to end a string of JSON, of ONNX's text or of Graphviz, or are markup. */
static void quotes_model(const char *name)
{
    struct proto p;
    static const char input[] = "\"];b0 -> b9;//\\", output[] = "<b>&lt;\\N{}";
    const int64_t dims[] = {2};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, input, ONR_FLOAT, 1, dims);
    proto_node_open(&p, GRAPH_NODE, "Relu", input, output);
    proto_string(&p, NODE_NAME, "</title>\"}],\"a\":[{/\"; x/<!--");
    proto_close(&p);
    proto_value(&p, GRAPH_OUTPUT, output, ONR_FLOAT, 1, dims);
    save(name, &p);
}

/* A node of modules_model, which tells the module it comes from. */
static void scoped_node(struct proto *p, const char *op_type, const char *inputs,
                        const char *outputs, const char *scope)
{
    proto_node_open(p, GRAPH_NODE, op_type, inputs, outputs);
    proto_entry(p, NODE_METADATA, "namespace", scope);
    proto_close(p);
}

/* x [s1, 8] through two layers that share a weight: y = relu(relu(x e l) m l) e, as PyTorch would
 * write it. */
static void modules_model(const char *name)
{
    struct proto p;
    static const float weights[64] = {1, -2, 0.5F};
    const int64_t dims[] = {-1, 8}, square[] = {8, 8};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 2, dims);
    proto_tensor(&p, GRAPH_INIT, "net.emb", ONR_FLOAT, 2, square, weights, sizeof weights);
    proto_tensor(&p, GRAPH_INIT, "net.0", ONR_FLOAT, 2, square, weights, sizeof weights);
    proto_tensor(&p, GRAPH_INIT, "net.1", ONR_FLOAT, 2, square, weights, sizeof weights);
    scoped_node(&p, "MatMul", "x,net.emb", "e", ": app.Main/net: m.Net/net.emb: m.Emb/a: aten.mm");
    scoped_node(&p, "MatMul", "e,net.0", "a0", ": app.Main/net: m.Net/net.layer.0: m.Layer/a: b");
    scoped_node(&p, "Relu", "a0", "b0", ": app.Main/net: m.Net/net.layer.0: m.Layer/a: b");
    scoped_node(&p, "MatMul", "b0,net.1", "a1", ": app.Main/net: m.Net/net.layer.1: m.Layer/a: b");
    scoped_node(&p, "Relu", "a1", "b1", ": app.Main/net: m.Net/net.layer.1: m.Layer/a: b");
    scoped_node(&p, "MatMul", "b1,net.emb", "y", ": app.Main/net: m.Net/net.head: m.Head/a: b");
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 2, dims);
    save(name, &p);
}

/* Weights of several types, not all numbers, in the graph and in a body that shares one of them. */
static void weights_model(const char *name)
{
    struct proto p;
    const int64_t four[] = {4}, twelve[] = {12}, one[] = {1};
    const uint32_t floats[] = {0x7fc00000, 0x7f800000, 0xbf800000, 0x40400000}; /* nan inf -1 3 */
    const uint16_t halfs[] = {0x3c00, 0x8000, 0xfc00, 0x4000};                  /* 1 -0 -inf 2 */
    const uint8_t packed[] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xfa};
    const double large[] = {1.7e308, 1.7e308, -1, 0};
    proto_model(&p, 10, 21);
    proto_value(&p, GRAPH_INPUT, "c", ONR_BOOL, 0, NULL);
    proto_tensor(&p, GRAPH_INIT, "floats", ONR_FLOAT, 1, four, floats, sizeof floats);
    proto_tensor(&p, GRAPH_INIT, "halfs", ONR_FLOAT16, 1, four, halfs, sizeof halfs);
    proto_tensor(&p, GRAPH_INIT, "packed", ONR_UINT4, 1, twelve, packed, sizeof packed);
    proto_tensor(&p, GRAPH_INIT, "large", ONR_DOUBLE, 1, four, large, sizeof large);
    proto_tensor_open(&p, GRAPH_INIT, "words", ONR_STRING, 1, one);
    proto_string(&p, TENSOR_STRINGS, "a \"b\"\n\\");
    proto_close(&p);
    proto_node_open(&p, GRAPH_NODE, "If", "c", "y");
    for (int i = 0; i < 2; i++) {
        proto_open(&p, NODE_ATTR);
        proto_string(&p, ATTR_NAME, i == 0 ? "then_branch" : "else_branch");
        proto_int(&p, ATTR_TYPE, 5);
        proto_open(&p, ATTR_G);
        proto_string(&p, GRAPH_NAME, "branch");
        proto_node(&p, i == 0 ? "Neg" : "Abs", "floats", i == 0 ? "t" : "e");
        proto_value(&p, GRAPH_OUTPUT, i == 0 ? "t" : "e", ONR_FLOAT, 1, four);
        proto_close(&p);
        proto_close(&p);
    }
    proto_close(&p);
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, four);
    save(name, &p);
}

/* Names that would end an element, start one, or stand for something else in JavaScript. */
static void markup_model(const char *name)
{
    static const char *const names[] = {"</script><script>hacked=1</script>",
                                        "<!--<script>",
                                        "<img src=x onerror=hacked=1>/\"';hacked=1//&lt;\\",
                                        "\xe2\x80\xa8hacked=1\xe2\x80\xa9",
                                        "__proto__/constructor",
                                        "toString"};
    enum { count = sizeof names / sizeof names[0] };
    struct proto p;
    const int64_t dims[] = {-1};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, names[0], ONR_FLOAT, 1, dims);
    for (size_t i = 0; i + 1 < count; i++) {
        proto_node_open(&p, GRAPH_NODE, "Relu", names[i], names[i + 1]);
        proto_string(&p, NODE_NAME, names[i]);
        proto_entry(&p, NODE_METADATA, "namespace", names[i]);
        proto_close(&p);
    }
    proto_value(&p, GRAPH_OUTPUT, names[count - 1], ONR_FLOAT, 1, dims);
    proto_close(&p);
    proto_entry(&p, MODEL_METADATA, names[0], names[2]);
    save(name, &p);
}

/* A body: an operator of x, which it captures. */
static void write_body(struct proto *p, const char *attribute, const char *op_type)
{
    proto_open(p, NODE_ATTR);
    proto_string(p, ATTR_NAME, attribute);
    proto_int(p, ATTR_TYPE, 5);
    proto_open(p, ATTR_G);
    proto_string(p, GRAPH_NAME, attribute);
    proto_node(p, op_type, "x", attribute);
    proto_value(p, GRAPH_OUTPUT, attribute, ONR_FLOAT, 1, (const int64_t[]){-1});
    proto_close(p);
    proto_close(p);
}

static void branch_model(const char *name)
{
    struct proto p;
    const int64_t dims[] = {-1};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "c", ONR_BOOL, 0, NULL);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 1, dims);
    proto_node_open(&p, GRAPH_NODE, "If", "c", "y");
    write_body(&p, "then_branch", "Sin");
    write_body(&p, "else_branch", "Cos");
    proto_close(&p);
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, dims);
    save(name, &p);
}

/* Between two modules of "net" a node without a name. */
static void unnamed_model(const char *name)
{
    struct proto p;
    const int64_t dims[] = {-1};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 1, dims);
    proto_node_open(&p, GRAPH_NODE, "Sin", "x", "a");
    proto_string(&p, NODE_NAME, "/net/first/Sin");
    proto_close(&p);
    proto_node(&p, "Cos", "a", "b");
    proto_node_open(&p, GRAPH_NODE, "Tan", "b", "y");
    proto_string(&p, NODE_NAME, "/net/second/Tan");
    proto_close(&p);
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, dims);
    save(name, &p);
}

/* 8,000 nodes: 200 layers of 10 blocks, each with a way around it, and a value that every block
 * reads. */
static void layers_model(const char *name)
{
    struct proto p;
    const int64_t dims[] = {-1, 64};
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_INPUT, "x", ONR_FLOAT, 2, dims);
    proto_value(&p, GRAPH_INPUT, "mask", ONR_FLOAT, 2, dims);
    char last[32] = "x";
    for (unsigned block = 0; block < 2000; block++) {
        static const char *const ops[] = {"Mul", "Sin", "Tanh", "Add"};
        char values[4][32];
        for (unsigned i = 0; i < 4; i++) {
            char inputs[80], path[80];
            (void)snprintf(values[i], sizeof values[i], block == 1999 && i == 3 ? "y" : "v%u_%u",
                           block, i);
            const char *before = i == 0 ? last : values[i - 1];
            const char *other = i == 0 ? ",mask" : i == 3 ? "," : "";
            (void)snprintf(inputs, sizeof inputs, "%s%s%s", before, other, i == 3 ? last : "");
            (void)snprintf(path, sizeof path, "/layer.%u/block.%u/%s", block / 10, block % 10,
                           ops[i]);
            proto_node_open(&p, GRAPH_NODE, ops[i], inputs, values[i]);
            proto_string(&p, NODE_NAME, path);
            proto_close(&p);
        }
        (void)snprintf(last, sizeof last, "%s", values[3]);
    }
    proto_value(&p, GRAPH_OUTPUT, "y", ONR_FLOAT, 2, dims);
    save(name, &p);
}

static void tensor_file(const char *name, size_t count, const float *values)
{
    struct proto p;
    const int64_t dims[] = {(int64_t)count};
    proto_init(&p);
    proto_int(&p, TENSOR_DIMS, dims[0]);
    proto_int(&p, TENSOR_TYPE, ONR_FLOAT);
    proto_bytes(&p, TENSOR_RAW, values, count * sizeof *values);
    save(name, &p);
}

/* cases/good passes, cases/bad has a wrong value, cases/shape a wrong shape, cases/unknown an
 * unknown operator. */
static void test_cases(void)
{
    static const char *const names[] = {"good", "bad", "shape", "unknown"};
    const float input[] = {-1, 2}, good[] = {0, 2}, bad[] = {0, 3}, longer[] = {0, 2, 0};
    make_folder("cases");
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "cases/%s", names[i]);
        make_folder(path);
        (void)snprintf(path, sizeof path, "cases/%s/test_data_set_0", names[i]);
        make_folder(path);
        (void)snprintf(path, sizeof path, "cases/%s/model.onnx", names[i]);
        if (strcmp(names[i], "unknown") == 0) {
            unsupported_model(path);
        } else {
            unary_model(path, "Relu", 1, (const int64_t[]){2});
        }
        (void)snprintf(path, sizeof path, "cases/%s/test_data_set_0/input_0.pb", names[i]);
        tensor_file(path, 2, input);
        (void)snprintf(path, sizeof path, "cases/%s/test_data_set_0/output_0.pb", names[i]);
        tensor_file(path, i == 2 ? 3 : 2, i == 1 ? bad : i == 2 ? longer : good);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 1;
    }
    folder = argv[1];
    (void)mkdir(folder, 0777);
    unary_model("relu.onnx", "Relu", 2, (const int64_t[]){-1, 3});
    cast_model("ids.onnx", ONR_INT64, ONR_FLOAT);
    cast_model("half.onnx", ONR_FLOAT, ONR_FLOAT16);
    cast_model("double.onnx", ONR_FLOAT, ONR_DOUBLE);
    cast_model("bytes.onnx", ONR_FLOAT, ONR_UINT8);
    unary_model("random.onnx", "RandomUniformLike", 1, (const int64_t[]){2});
    unsupported_model("unknown.onnx");
    hostile_model("hostile.onnx");
    quotes_model("quotes.onnx");
    modules_model("modules.onnx");
    weights_model("weights.onnx");
    attention_models();
    markup_model("markup.onnx");
    branch_model("branch.onnx");
    unnamed_model("unnamed.onnx");
    layers_model("layers.onnx");
    test_cases();
    return 0;
}
