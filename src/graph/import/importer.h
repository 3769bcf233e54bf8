/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of import share. Nested graphs and calls of functions are worked off on a stack of
 * frames in the heap, never by recursion.
 */
#ifndef ONR_GRAPH_IMPORT_IMPORTER_H
#define ONR_GRAPH_IMPORT_IMPORTER_H

#include "graph/import/import.h"
#include "graph/import/import_tensor.h"

/* In a names map: a function input that the call leaves out. */
#define ONR_ABSENT (UINT32_MAX - 1)

/* Names that inlining makes are cut to this; an attacker would multiply long ones. */
#define ONR_MAX_MADE_NAME 256

/* Lists that are searched one by one. */
#define ONR_MAX_ATTRS     1024
#define ONR_MAX_OPSETS    512
#define ONR_MAX_OVERLOADS 256

/* Most bytes of protobuf that calls of functions are inlined from, each call counted: bounds time.
 */
#define ONR_MAX_INLINED_BYTES ((uint64_t)256 << 20)

struct function {
    const Onnx__FunctionProto *proto;
    const char *domain;
    size_t bytes;  /* of proto in the skeleton: what a call costs */
    uint32_t next; /* function of the same name, or ONR_STRMAP_NONE */
};

/*
 * A namespace: the main graph, a body, or a call of a function. A call adds to the graph that it
 * stands in but sees its inputs only; a body has a graph of its own and sees the names around it.
 */
struct scope {
    struct scope *parent; /* whose names can be seen as well; NULL for the main graph and calls */
    struct scope *home;   /* the scope with which the graph began: itself unless this is a call */
    struct onr_graph *graph;
    const char *prefix;      /* of names in an inlined function; NULL when there is none */
    struct onr_strmap names; /* name in the file -> value id or ONR_ABSENT */
    struct onr_strmap hints; /* name -> index in the graph's value_info */
    struct onr_strmap made;  /* home: value names that are not names in the file */
    uint32_t made_count;
    uint32_t *captures; /* body: [capture_count] values of parent->graph */
    uint32_t *captured; /* body: [capture_count] what they are in graph */
    uint32_t capture_count;
    uint32_t capture_capacity;
};

/* A call of a function that is being inlined. */
struct call {
    const struct function *function; /* NULL: none */
    const Onnx__NodeProto *node;     /* the call */
    const struct call *outer;
    struct onr_attr *attrs; /* given and default attributes */
    uint32_t attr_count;
    struct onr_strmap attr_names; /* name -> index in attrs, or ONR_ABSENT when declared only */
    uint32_t depth;
};

/* A list of nodes that is being imported: of a graph, or of a function. */
struct frame {
    struct frame *below;
    struct scope scope;
    struct call own_call;          /* when this frame is a call */
    const struct call *call;       /* own_call, or that around a body; NULL outside functions */
    const Onnx__GraphProto *graph; /* NULL when this frame is a call */
    struct onr_body *body;         /* of the node below; NULL for the main graph and calls */
    Onnx__NodeProto *const *nodes; /* [node_count], in topological order */
    size_t node_count;
    size_t next;
    uint32_t body_depth;
    struct onr_node pending;         /* nodes[next], whose bodies are being imported */
    const Onnx__GraphProto **graphs; /* [pending.body_count] */
    uint32_t next_body;
    bool is_pending;
};

struct importer {
    const struct onr_import_source *source;
    struct onr_tensor_source tensors;
    struct onr_arena *arena;
    struct onr_arena scratch; /* freed when import ends */
    struct onr_mem *mem;
    struct onr_error *err;
    const Onnx__ModelProto *model;
    struct onr_model_info *info;
    struct onr_graph *root;
    struct onr_strmap symbols; /* name -> index in root->symbols */
    struct function *functions;
    struct onr_strmap function_names;
    struct frame *top;
    struct frame *unused;      /* frames to take again */
    struct onr_graph **bodies; /* [body_count], scratch */
    uint32_t body_count;
    uint32_t body_capacity;
    uint64_t charged;       /* nodes and calls so far */
    uint64_t inlined_bytes; /* see ONR_MAX_INLINED_BYTES */
    size_t live_at_start;
    size_t dense_bytes; /* of expanded sparse initializers */
};

#define ONR_MEMORY_FAILED(importer) onr_fail_memory((importer)->err, "import")

/* "" for NULL: protobuf-c has NULL for an absent string. */
static inline const char *onr_text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* A copy of text in the arena, "" for NULL; NULL when memory is out. */
char *onr_import_copy(struct importer *im, const char *text);

/* Copies of metadata_props. */
enum onr_status onr_import_metadata(struct importer *im, Onnx__StringStringEntryProto *const *props,
                                    size_t prop_count, struct onr_metadata **metadata,
                                    uint32_t *count) ONR_MUST_USE;

/* Room for one more item in a growing array of the arena; items or a copy, NULL when memory is out.
 */
void *onr_import_room(struct onr_arena *arena, void *items, uint32_t count, uint32_t *capacity,
                      size_t item_bytes);

/* ---- import_scope.c: names ---- */

/* The value that `name` stands for in scope, captured through all bodies in between; ONR_NO_VALUE
 * for an absent function input. *is_found is false, and the status ONR_OK, when there is none. */
enum onr_status onr_scope_find(struct importer *im, struct scope *scope, const char *name,
                               uint32_t *id, bool *is_found) ONR_MUST_USE;

/* Adds a value that is called `name` in scope. Error: ONR_ERR_MODEL when the name is taken. */
enum onr_status onr_scope_define(struct importer *im, struct scope *scope, const char *name,
                                 uint32_t *id) ONR_MUST_USE;

/* Lets `name` stand for a value that exists, or for ONR_ABSENT. Error: ONR_ERR_MODEL when the name
 * is taken. */
enum onr_status onr_scope_bind(struct importer *im, struct scope *scope, const char *name,
                               uint32_t id) ONR_MUST_USE;

/* A name for a value or node in scope, with the prefix of the function, cut and in the arena. */
char *onr_scope_label(struct importer *im, const struct scope *scope, const char *name);

void onr_scope_free(struct scope *scope);

/* ---- import_type.c ---- */

/* The fact that a declared type states. Errors: ONR_ERR_MODEL, ONR_ERR_LIMIT. */
enum onr_status onr_import_type(struct importer *im, const Onnx__TypeProto *type,
                                struct onr_fact *fact) ONR_MUST_USE;

/* The same for a type that is only a hint: the fact stays as it is when the hint is absent or
 * wrong. */
void onr_import_hint(struct importer *im, const Onnx__ValueInfoProto *info, struct onr_fact *fact);

/* ---- import_attr.c ---- */

/* Imports the attributes of a node but for graphs: *attrs [*count]. References to attributes of the
 * call are replaced by them, or left out when the call has none. */
enum onr_status onr_import_attrs(struct importer *im, const Onnx__NodeProto *node,
                                 const struct call *call, struct onr_attr **attrs,
                                 uint32_t *count) ONR_MUST_USE;

/* Adds to attrs the defaults of a function's attributes that the call does not give, and lists the
 * names. */
enum onr_status onr_import_defaults(struct importer *im, struct call *call) ONR_MUST_USE;

/* ---- import_graph.c: what stands around the nodes ---- */

/* Initializers, inputs and value_info of the graph in the frame. */
enum onr_status onr_import_graph_begin(struct importer *im, struct frame *frame) ONR_MUST_USE;

/* Outputs and captures, when all nodes are in. */
enum onr_status onr_import_graph_end(struct importer *im, struct frame *frame) ONR_MUST_USE;

/* ---- import_function.c ---- */

/* Lists the model's functions. */
enum onr_status onr_import_functions(struct importer *im) ONR_MUST_USE;

/* The function that node calls, or NULL. */
const struct function *onr_find_function(const struct importer *im, const Onnx__NodeProto *node,
                                         const char *domain);

/* Counts bytes that a call (NULL: none) makes import go over again. Error: ONR_ERR_LIMIT. */
enum onr_status onr_charge_inlined(struct importer *im, const struct call *call,
                                   uint64_t bytes) ONR_MUST_USE;

/* Makes `frame` the inlined call of a function by node in the frame below. */
enum onr_status onr_import_call_begin(struct importer *im, struct frame *frame,
                                      const struct function *function,
                                      const Onnx__NodeProto *node) ONR_MUST_USE;

/* Gives the results of the call their names at the caller. */
enum onr_status onr_import_call_end(struct importer *im, struct frame *frame) ONR_MUST_USE;

/* ---- import_order.c ---- */

/* Gives the frame the nodes [count], in topological order. Error: ONR_ERR_MODEL when they form a
 * cycle. */
enum onr_status onr_import_order(struct importer *im, struct frame *frame,
                                 Onnx__NodeProto *const *nodes, size_t count) ONR_MUST_USE;

/* ---- import_node.c ---- */

/* Pushes a frame with an empty scope; NULL when memory is out. */
struct frame *onr_push_frame(struct importer *im);
void onr_pop_frame(struct importer *im);

/* Works off the frames until none is left. */
enum onr_status onr_import_frames(struct importer *im) ONR_MUST_USE;

/* The name of a domain: "" for "ai.onnx". */
const char *onr_import_domain(const char *domain);

/* Version of a domain's operators in a function (call) or the model; 0 when it is not imported. */
int64_t onr_import_version(const struct importer *im, const struct call *call, const char *domain);

#endif
