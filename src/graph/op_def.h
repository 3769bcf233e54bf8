/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the graph and the runtime know of an operator. Rows of this struct stand at the bottom of
 * each file in src/ops; the registry (ops/registry.h) gathers them and is handed down as a table.
 *
 * The life of a node: infer (at load with symbolic shapes, at plan with concrete ones), prepare
 * (once per program), plan (once per shapes), run (every time), release (with the program, if there
 * is anything).
 */
#ifndef ONR_GRAPH_OP_DEF_H
#define ONR_GRAPH_OP_DEF_H

#include "base/backlog.h"
#include "graph/graph.h"

struct onr_kernels;
struct onr_gemm_f32;

#define ONR_VARIADIC       UINT32_MAX
#define ONR_OPSET_LATEST   28
#define ONR_CONTRIB_LATEST 1 /* the version of com.microsoft; it has had no other */

struct onr_arity {
    uint32_t min;
    uint32_t max; /* ONR_VARIADIC: any number */
};

struct onr_attr_spec {
    const char *name;
    enum onr_attr_kind kind;
    bool is_required;
};

#define ONR_MAX_TYPE_GROUPS 8

/*
 * Element types of one input or output. Parameters with the same group (1, 2, ...) have the same
 * type; group 0 stands alone. An output takes the type of its group, or the only type of its set;
 * where neither tells, infer sets it. The last entry before {0} also covers all parameters that
 * follow (variadic ones).
 */
struct onr_param_spec {
    onr_dtypes dtypes;
    uint8_t group; /* below ONR_MAX_TYPE_GROUPS */
};

enum onr_trait {
    ONR_TRAIT_IMPURE = 1 << 0,  /* result not a function of the inputs (random): never folded */
    ONR_TRAIT_INPLACE = 1 << 1, /* output 0 may share storage with any input of equal bytes */
    /* output 0 is input 0 with another shape: no step when storage is shared */
    ONR_TRAIT_VIEW = 1 << 2,
    /* run makes output shapes that infer cannot know: ends a plan segment */
    ONR_TRAIT_DYNAMIC = 1 << 3,
    /* output follows from the shape of input 0, whose data is not read */
    ONR_TRAIT_SHAPE_ONLY = 1 << 4,
    ONR_TRAIT_BODIES = 1 << 5, /* executes bodies through onr_run_ctx.host */
    /* the result is about the element type: half is not computed as float32 */
    ONR_TRAIT_KEEP_TYPE = 1 << 6,
    /* takes sequences and optionals too: infer checks the kinds of the inputs */
    ONR_TRAIT_ANY_KIND = 1 << 7,
    /* the body gets the tensors of sequences that are inputs, one by one */
    ONR_TRAIT_MAPS_ITEMS = 1 << 8,
    /* of input 0 only those elements are read that are written, and as bytes: it may lie at any
     * address */
    ONR_TRAIT_PICKS = 1 << 9,
};

/* Inputs and outputs of infer. inputs[i] is NULL where the input is absent. */
struct onr_infer_ctx {
    const struct onr_graph *graph;
    const struct onr_node *node;
    const struct onr_fact *const *inputs; /* [node->input_count] */
    /* [node->output_count]; dtype set where the specs tell, rank unknown */
    struct onr_fact *outputs;
    struct onr_arena *arena; /* for contents */
    struct onr_error *err;
    uint32_t needs; /* bit i: the shape depends on the contents of input i, which are not known */
};

/*
 * What a run spends its time in, for people to read (onnxdump --explain). Whoever chooses it tells:
 * the row of the operator, prepare, plan, the last of them.
 */
struct onr_told {
    /* where in struct onr_kernels its pointer stands (ONR_KERNEL_AT); 0: in no kernel, but in loops
     * of the operator, which are compiled once for all machines */
    uint32_t kernel;
    uint32_t rows;                    /* of A, of a product by tiles */
    const struct onr_gemm_f32 *tiles; /* at most so large; NULL: there is no such product */
    size_t panels;                    /* at most, that a tile of so few rows spans; or 0 */
    const char *way;                  /* how; static storage, or NULL */
};

/*
 * Inputs and outputs of prepare: facts as known at load. When it fails it has freed what it
 * allocated.
 */
struct onr_prepare_ctx {
    const struct onr_graph *graph;
    const struct onr_node *node;
    const struct onr_fact *const *inputs; /* as for infer */
    const struct onr_fact *outputs;
    const struct onr_kernels *kernels;
    struct onr_backlog *backlog; /* for packing, which may be put off until the model has loaded */
    struct onr_arena *arena;     /* of the program: state lives here */
    struct onr_mem *mem;         /* for large blocks that are freed in prepare or release */
    struct onr_error *err;
    struct onr_told told;
    void *state;       /* out: handed to plan, run and release; NULL when there is none */
    uint32_t consumed; /* out: bit i: constant input i was packed; run does not read it */
    /* Reads constant input i (onr_prepare_constant); NULL when the input is no constant. */
    const struct onr_constant *const *constants; /* [node->input_count] */
};

/* Weights of a node that is run later, in pieces of which threads take ranges. */
struct onr_stream {
    const void *data; /* NULL: there are none */
    size_t pieces;    /* that are taken, those of the data over and over */
    size_t round;     /* that the data has */
    size_t piece_bytes;
};

/* Inputs and outputs of plan: all shapes are known. */
struct onr_plan_ctx {
    const struct onr_node *node;
    const struct onr_fact *const *inputs;
    const struct onr_fact *outputs;
    const void *state; /* from prepare */
    const struct onr_kernels *kernels;
    unsigned thread_count;
    struct onr_arena *arena; /* of the plan */
    struct onr_error *err;
    bool wants_weights;     /* run will tell the weights of attention */
    struct onr_told told;   /* in: by prepare */
    void *plan;             /* out: handed to run; NULL when there is none */
    size_t workspace_bytes; /* out: scratch that run gets, 64-byte aligned */
    /* out: floating-point operations of matrix products, 2 per multiply-add */
    uint64_t flops;
    /* in: where the last node before, if it can prefetch, wants to be told what is read next, or
     * NULL; out: the same for this node. It lives as long as the plan's arena. */
    struct onr_stream *next_stream;
};

struct onr_run_ctx;

/* The weights of one query of an attention: what softmax makes of its scores. */
struct onr_weights_row {
    size_t batch; /* below batch_count, and so on */
    size_t batch_count;
    size_t query;
    size_t query_count;
    size_t head_count;
    size_t key_count;
    const float *weights; /* [head_count, key_count] */
};

/* What run may ask the runtime for. */
struct onr_run_host {
    /* Gives output `index` of a DYNAMIC op storage for this shape, in ctx->outputs[index]. Asking
     * again keeps the contents, as realloc does. */
    enum onr_status (*alloc_output)(struct onr_run_ctx *ctx, uint32_t index,
                                    const struct onr_shape *shape);
    /* Gives output `index` of a DYNAMIC op at least this many bytes (> 0) of storage in place of
     * what alloc_output gives, for a sequence (base/sequence.h). Asking again keeps the contents. */
    enum onr_status (*alloc_storage)(struct onr_run_ctx *ctx, uint32_t index, size_t bytes);
    /* Memory that lives until the next run of the session, for the characters of string outputs. */
    void *(*alloc_bytes)(struct onr_run_ctx *ctx, size_t bytes);
    /*
     * Runs body `index` of the node. inputs: its formal inputs; captures are supplied by the
     * runtime. On success *outputs points to the body's outputs, which stay valid until this body
     * runs again.
     */
    enum onr_status (*run_body)(struct onr_run_ctx *ctx, uint32_t index,
                                const struct onr_tensor *inputs, uint32_t input_count,
                                const struct onr_tensor **outputs, uint32_t *output_count);
    /* Tells the weights of a query, when ctx->wants_weights is set. */
    enum onr_status (*tell_weights)(const struct onr_run_ctx *ctx,
                                    const struct onr_weights_row *row);
};

/* What the numbers of a random operator depend on, besides its attribute `seed`. */
struct onr_random_source {
    uint64_t seed; /* of the session; in a body also of the node that runs it */
    uint64_t node; /* index of the running node in its graph */
    uint64_t run;  /* runs of the graph in this session before this one */
};

/* What run gets: pointers only. inputs[i] and outputs[i] are NULL where absent. */
struct onr_run_ctx {
    const struct onr_node *node; /* for messages */
    const void *state;           /* from prepare */
    const void *plan;            /* from plan */
    struct onr_tensor *const *inputs;
    struct onr_tensor *const *outputs;
    uint32_t input_count;
    uint32_t output_count;
    void *workspace; /* never NULL */
    const struct onr_kernels *kernels;
    const struct onr_parallel *parallel;
    const struct onr_run_host *host;
    void *host_data;
    uint64_t *iterations_left; /* of all loops of this run */
    struct onr_random_source random;
    bool wants_weights; /* as in the plan */
    struct onr_error *err;
};

struct onr_op_def {
    const char *domain; /* "" = ai.onnx, else exact */
    const char *name;   /* exact spelling of op_type */
    int since_version;  /* first and last operator set with these semantics */
    int last_version;
    struct onr_arity inputs;
    struct onr_arity outputs;
    const struct onr_attr_spec *attrs;        /* ended by {NULL}; NULL: no attributes */
    const struct onr_param_spec *input_specs; /* ended by {0} */
    const struct onr_param_spec *output_specs;
    uint32_t traits;
    uint32_t kernel; /* as in struct onr_told, where prepare and plan have nothing to add */
    enum onr_status (*infer)(struct onr_infer_ctx *ctx);
    enum onr_status (*prepare)(struct onr_prepare_ctx *ctx); /* NULL: nothing to prepare */
    enum onr_status (*plan)(struct onr_plan_ctx *ctx);       /* NULL: nothing to plan */
    enum onr_status (*run)(struct onr_run_ctx *ctx);
    void (*release)(struct onr_mem *mem, void *state);
};

/* The operators that a model may use: tables of rows, each ended by a row without a name. */
struct onr_registry {
    const struct onr_op_def *const *tables; /* ended by NULL */
    /* The row for this operator, or NULL. domain "ai.onnx" counts as "". */
    const struct onr_op_def *(*find)(const char *domain, const char *name, int64_t version);
    /* What a message may add about an operator that is not found; "" for most. May be NULL. */
    const char *(*explain)(const char *domain, const char *name);
};

/* The element types of parameter `index` under specs; all types when specs is NULL. */
struct onr_param_spec onr_param_spec_at(const struct onr_param_spec *specs, uint32_t index);

/* ---- for plan and run functions ---- */

/* Data of an input or output of a run, or NULL where it is absent. */
static inline const void *onr_input_data(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->input_count && ctx->inputs[index] != NULL ? ctx->inputs[index]->data : NULL;
}

static inline void *onr_output_data(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->output_count && ctx->outputs[index] != NULL ? ctx->outputs[index]->data
                                                                    : NULL;
}

/* What is known of an input, or NULL where it is absent. */
static inline const struct onr_fact *onr_plan_input(const struct onr_plan_ctx *ctx, uint32_t index)
{
    return index < ctx->node->input_count ? ctx->inputs[index] : NULL;
}

/* ---- for infer functions ---- */

static inline bool onr_infer_has_input(const struct onr_infer_ctx *ctx, uint32_t index)
{
    return index < ctx->node->input_count && ctx->inputs[index] != NULL;
}

/* Attributes with a default; kinds were checked at load. */
int64_t onr_attr_int(const struct onr_node *node, const char *name, int64_t fallback);
float onr_attr_float(const struct onr_node *node, const char *name, float fallback);
/* "" or the fallback when absent. */
struct onr_string onr_attr_string(const struct onr_node *node, const char *name,
                                  const char *fallback);
bool onr_string_is(struct onr_string string, const char *text);
/* The list and its length, or NULL and 0 when absent. */
const int64_t *onr_attr_ints(const struct onr_node *node, const char *name, size_t *count);
const float *onr_attr_floats(const struct onr_node *node, const char *name, size_t *count);
const struct onr_string *onr_attr_strings(const struct onr_node *node, const char *name,
                                          size_t *count);

/*
 * The integers in input `index` (rank 0 or 1; int32 or int64), of which each may be a symbol. When
 * the contents are not known, *ints is NULL, the need is recorded in ctx->needs and the status is
 * ONR_OK.
 */
enum onr_status onr_infer_sints(struct onr_infer_ctx *ctx, uint32_t index,
                                const struct onr_sint **ints, size_t *count) ONR_MUST_USE;

/* The same, but NULL unless every integer is a number. */
enum onr_status onr_infer_ints(struct onr_infer_ctx *ctx, uint32_t index, const int64_t **ints,
                               size_t *count) ONR_MUST_USE;

/* Fails with status and a message; the caller of infer, prepare, plan and run adds the node. */
#define onr_infer_fail(ctx, status, ...) onr_fail((ctx)->err, (status), __VA_ARGS__)

/* Sets ctx->outputs[0] to the shape of input 0 (the rule of all elementwise unary operators). */
enum onr_status onr_infer_same_shape(struct onr_infer_ctx *ctx);

/* Combines two dims under numpy broadcasting; false when they cannot be. Unknown stays unknown. */
bool onr_dim_broadcast(int64_t a, int64_t b, int64_t *result);

/*
 * Sets output 0 to the numpy broadcast of all inputs. Error: ONR_ERR_SHAPE naming inputs and dims.
 */
enum onr_status onr_infer_broadcast(struct onr_infer_ctx *ctx);

/* The same of the inputs with these indices; NULL: 0 .. count - 1. */
enum onr_status onr_infer_broadcast_of(struct onr_infer_ctx *ctx, const uint32_t *inputs,
                                       uint32_t count) ONR_MUST_USE;

/* Broadcasts a shape, whose rank is known, with that of the input, which is there. The rank becomes
 * unknown when the input's is. */
enum onr_status onr_infer_broadcast_input(const struct onr_infer_ctx *ctx, uint32_t index,
                                          struct onr_shape *shape) ONR_MUST_USE;

#endif
