/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph: what an ONNX model says, without protobuf. Import makes it, passes change it, then it
 * is sealed (const). Everything in it lives in one arena, except weights, which stay where the file
 * is mapped.
 *
 * Bodies of If, Loop and Scan are graphs of their own. A body does not see the outer graph: each
 * outer value it uses is an extra input of the body, listed in the node's captures.
 */
#ifndef ONR_GRAPH_GRAPH_H
#define ONR_GRAPH_GRAPH_H

#include "base/arena.h"
#include "base/error.h"
#include "graph/fact.h"

struct onr_graph;
struct onr_op_def;
struct onr_fold;

/* An absent optional input or unwanted output. */
#define ONR_NO_VALUE UINT32_MAX

/* Deepest nesting of bodies, and of calls of model-local functions. */
#define ONR_MAX_BODY_DEPTH 32
#define ONR_MAX_CALL_DEPTH 100

/*
 * A stored tensor. data is in file form (4-bit and 2-bit types packed) at any alignment, except
 * strings, which are an array of struct onr_string. onr_constant_tensor() gives the form that
 * kernels read.
 */
struct onr_constant {
    enum onr_dtype dtype;
    struct onr_shape shape;
    const void *data;     /* borrowed from the mapped file, or in the graph's arena */
    size_t bytes;         /* of data */
    bool is_mapped;       /* data lies in a mapped file */
    const char *location; /* external file, or NULL when it is inline */
};

/* Numbered as AttributeProto.AttributeType. */
enum onr_attr_kind {
    ONR_ATTR_FLOAT = 1,
    ONR_ATTR_INT = 2,
    ONR_ATTR_STRING = 3,
    ONR_ATTR_TENSOR = 4,
    ONR_ATTR_GRAPH = 5,
    ONR_ATTR_FLOATS = 6,
    ONR_ATTR_INTS = 7,
    ONR_ATTR_STRINGS = 8,
    ONR_ATTR_TENSORS = 9,
    ONR_ATTR_GRAPHS = 10,
    ONR_ATTR_OTHER = 11, /* sparse tensors and lists of type protos: kept by name only */
    ONR_ATTR_TYPE = 13,
};

struct onr_attr {
    const char *name;
    enum onr_attr_kind kind;
    size_t count; /* of the list kinds; 1 for the others */
    union {
        float f;
        int64_t i;
        struct onr_string s;
        const struct onr_constant *tensor;
        struct onr_graph *graph;
        const float *floats;
        const int64_t *ints;
        const struct onr_string *strings;
        const struct onr_constant *const *tensors;
        struct onr_graph *const *graphs;
        const struct onr_fact *type;
    } as;
};

/*
 * A body and the outer values that it reads: capture i is the body's input number (formal inputs +
 * i).
 */
struct onr_body {
    struct onr_graph *graph;
    const char *attr_name; /* "then_branch", "body", ... */
    uint32_t *captures;    /* [capture_count] values of the outer graph */
    uint32_t capture_count;
};

struct onr_metadata {
    const char *key;
    const char *value;
};

struct onr_node {
    const char *name; /* "" when the file gives none */
    const char *op_type;
    const char *domain; /* "" for ai.onnx */
    int64_t version;    /* of the domain's operator set that this node was written for */
    uint32_t *inputs;   /* [input_count] value ids or ONR_NO_VALUE; trailing absent ones cut off */
    uint32_t *outputs;  /* [output_count] likewise; nodes with bodies keep trailing absent ones */
    uint32_t input_count;
    uint32_t output_count;
    struct onr_attr *attrs; /* [attr_count]; graphs of bodies are not repeated here */
    uint32_t attr_count;
    struct onr_body *bodies; /* [body_count] */
    uint32_t body_count;
    struct onr_metadata *metadata; /* [metadata_count]; kept on request only */
    uint32_t metadata_count;
    const struct onr_op_def *op; /* set by the pass resolve_ops */
    /* float16 or bfloat16, in which the file has what the node computes in float32; else UNDEFINED */
    enum onr_dtype half;
    bool is_dead; /* removed by a pass; dropped when the graph is sealed */
};

struct onr_value {
    const char *name; /* unique in its graph */
    struct onr_fact fact;
    const struct onr_constant *constant; /* initializer or folded result, else NULL */
    struct onr_fold *fold;               /* storage of a large folded result, else NULL */
    /* node inputs, captures and graph outputs; set by dead_code */
    uint32_t use_count;
    uint32_t producer; /* node index, or ONR_NO_VALUE */
    /* also set for an input with a default (constant != NULL) */
    bool is_input;
};

struct onr_opset {
    const char *domain;
    int64_t version;
};

/* A model-local function that the file defines; calls of it have been inlined. */
struct onr_function_info {
    const char *domain;
    const char *name;
    uint32_t node_count;
};

/* What the file says about itself; only the main graph has one. */
struct onr_model_info {
    int64_t ir_version;
    const char *producer_name;
    const char *producer_version;
    const char *domain;
    const char *description;       /* doc_string of the model ... */
    const char *graph_description; /* ... and of its graph */
    int64_t model_version;
    struct onr_opset *opsets;
    uint32_t opset_count;
    struct onr_metadata *metadata;
    uint32_t metadata_count;
    struct onr_function_info *functions;
    uint32_t function_count;
};

struct onr_graph {
    struct onr_arena *arena; /* shared by a model's graphs */
    const char *name;
    struct onr_value *values;
    uint32_t value_count;
    uint32_t value_capacity;
    struct onr_node *nodes; /* in topological order */
    uint32_t node_count;
    uint32_t node_capacity;
    uint32_t *inputs; /* formal inputs (those with a default included), then captures */
    uint32_t input_count;
    uint32_t formal_input_count;
    uint32_t *outputs;             /* may repeat a value, and name an input or a constant */
    const char **output_names;     /* as declared: stays when a pass replaces the value */
    struct onr_fact *output_types; /* [output_count] likewise; kind TENSOR when not declared */
    uint32_t output_count;
    const char **symbols; /* names of symbolic dimensions; shared with bodies by value */
    uint32_t symbol_count;
    uint32_t symbol_capacity;
    uint32_t unnamed_count; /* symbols behind these, of dimensions that inference cannot tell */
    const struct onr_model_info *info; /* NULL in bodies */
};

/* Appends a value or a node (zeroed, to be filled in). Errors: ONR_ERR_MEMORY, ONR_ERR_LIMIT. */
enum onr_status onr_graph_add_value(struct onr_graph *graph, const char *name, uint32_t *id,
                                    struct onr_error *err) ONR_MUST_USE;
enum onr_status onr_graph_add_node(struct onr_graph *graph, struct onr_node **node,
                                   struct onr_error *err) ONR_MUST_USE;

/* The attribute of this name, or NULL. */
const struct onr_attr *onr_node_attr(const struct onr_node *node, const char *name);

/* The body of this name, or NULL. */
const struct onr_body *onr_node_body(const struct onr_node *node, const char *attr_name);

/* The node's name for messages: its own, else its first output's; never empty. */
const char *onr_node_label(const struct onr_graph *graph, const struct onr_node *node);

/* Elements of a constant; its shape was checked at import. */
static inline int64_t onr_constant_count(const struct onr_constant *constant)
{
    return onr_shape_range(&constant->shape, 0, constant->shape.rank);
}

/* The name that the model gives a dimension, or NULL. */
static inline const char *onr_dim_name(const struct onr_graph *graph, int64_t dim)
{
    return onr_dim_is_symbol(dim) && onr_dim_symbol_index(dim) < graph->symbol_count
               ? graph->symbols[onr_dim_symbol_index(dim)]
               : NULL;
}

/* True when data can be read in place: aligned for its type and not packed. */
bool onr_constant_is_direct(const struct onr_constant *constant);

/* Writes the constant in memory form to out, which has room for count * onr_dtype_size bytes. */
void onr_constant_copy(const struct onr_constant *constant, void *out);

#endif
