/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes: each changes an imported graph in one way; pass_list.c gives the order. Passes work on
 * bodies too.
 */
#ifndef ONR_GRAPH_PASSES_PASS_H
#define ONR_GRAPH_PASSES_PASS_H

#include "graph/eval_node.h"
#include "graph/passes/report.h"

struct onr_missing_node {
    const char *label;
    struct onr_missing_node *next;
};

/* Something that a model needs and this engine lacks, with the nodes that need it. */
struct onr_missing {
    const char *domain;
    const char *op_type;
    int64_t version;
    const char *detail; /* "input 0 of type float8e5m2", or "" when the whole operator is missing */
    struct onr_missing_node *nodes; /* at least one */
    struct onr_missing_node *last;
    uint32_t node_count;
    struct onr_missing *next;
};

/* Storage of the large results of one folded node, given back when nothing needs them any more. */
struct onr_fold {
    struct onr_arena arena;
    struct onr_fold *next;
    uint64_t bytes;     /* charged to the budget */
    uint32_t use_count; /* of all outputs together */
};

struct onr_pass_ctx {
    const struct onr_registry *registry;
    const struct onr_eval *eval;
    bool no_fusion;  /* passes that fuse are left out */
    bool types_only; /* nothing but facts: no pass that rewrites; what is missing is no failure */
    uint64_t fold_bytes;         /* what is left for results of constant folding */
    struct onr_fold **folds;     /* list that lives as long as the graph; see onr_folds_free */
    struct onr_missing *missing; /* gathered over all passes, in order of appearance */
    uint32_t missing_count;
    struct onr_report *report; /* NULL: nobody asks */
    struct onr_error *err;
};

typedef enum onr_status (*onr_pass_fn)(struct onr_graph *graph, struct onr_pass_ctx *ctx);

/*
 * Runs all passes over an imported graph. Errors: ONR_ERR_UNSUPPORTED with one message that lists
 * all that is missing; ONR_ERR_MODEL, ONR_ERR_SHAPE, ... with the node.
 */
enum onr_status onr_run_passes(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Runs a pass over the bodies of all nodes. */
enum onr_status onr_pass_bodies(struct onr_graph *graph, onr_pass_fn pass,
                                struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Replaces Gradient by nodes that compute it; to be first, while all that its attributes name is
 * there. Leaves dead code. */
enum onr_status onr_pass_gradient(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Drops nodes whose outputs nobody needs, compacts the node list and counts the uses of values. */
enum onr_status onr_pass_dead_code(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;

/*
 * The uses of values while a pass has nodes replaced: exact at any time, where the graph's own counts
 * stay as they were until onr_uses_end. No values or nodes may be added in between.
 */
struct onr_uses {
    uint32_t *count; /* [value_count] */
    uint32_t *queue; /* [node_count]; nodes that have died, whose inputs are to be taken back */
};

/* False when memory is out; onr_uses_end is to be called all the same. */
bool onr_uses_begin(struct onr_uses *uses, const struct onr_graph *graph,
                    struct onr_mem *mem) ONR_MUST_USE;

/* Takes back what this node, which is no more, has used: nodes that nobody needs then are dead. */
void onr_uses_drop(struct onr_uses *uses, struct onr_graph *graph, const struct onr_node *node);

/* Gives the graph these counts. */
void onr_uses_end(struct onr_uses *uses, struct onr_graph *graph, struct onr_mem *mem);

/* Finds the row of each node and checks the node against it. What is not found goes to
 * ctx->missing. */
enum onr_status onr_pass_resolve_ops(struct onr_graph *graph,
                                     struct onr_pass_ctx *ctx) ONR_MUST_USE;

/*
 * Computes in float32 what is written in float16 and bfloat16; needs facts, and leaves some to
 * infer.
 */
enum onr_status onr_pass_widen_half(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Infers the facts of all values and replaces what is constant by constants. */
enum onr_status onr_pass_infer_facts(struct onr_graph *graph,
                                     struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Gives Reshape constant lists where facts allow it; needs facts, leaves dead code. */
enum onr_status onr_pass_plain_shapes(struct onr_graph *graph,
                                      struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Has attention scaled before it is masked, and masked at once; needs facts and uses, leaves dead
 * code. */
enum onr_status onr_pass_plain_scores(struct onr_graph *graph,
                                      struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Asks inputs of the graph for dimensions that other values have as well; needs facts, leaves dead
 * code. */
enum onr_status onr_pass_input_shapes(struct onr_graph *graph,
                                      struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Drops nodes whose result is one of their inputs; needs facts and uses, leaves dead code. */
enum onr_status onr_pass_no_ops(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Has one node compute what several compute alike; needs facts, leaves dead code. */
enum onr_status onr_pass_common_subexpressions(struct onr_graph *graph,
                                               struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Has convolutions that follow each other keep their channels last; needs facts and uses, leaves both
 * to be counted and dead code to be dropped. */
enum onr_status onr_pass_channels_last(struct onr_graph *graph,
                                       struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Multiplies channels before planes are enlarged; needs facts and uses, leaves both to be counted and
 * dead code to be dropped. */
enum onr_status onr_pass_resize_last(struct onr_graph *graph,
                                     struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Each has one node compute what a chain of nodes computes (fuse.h); needs facts and uses. */
enum onr_status onr_pass_fuse_attention(struct onr_graph *graph,
                                        struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_batch_norm(struct onr_graph *graph,
                                         struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_conv_last(struct onr_graph *graph,
                                        struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_conv(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_factors(struct onr_graph *graph,
                                      struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_gather_matmul(struct onr_graph *graph,
                                            struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_gather_scores(struct onr_graph *graph,
                                            struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_gelu(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_group_norm(struct onr_graph *graph,
                                         struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_linear(struct onr_graph *graph,
                                     struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_norm(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_pad(struct onr_graph *graph, struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_projections(struct onr_graph *graph,
                                          struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_rotary(struct onr_graph *graph,
                                     struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_select(struct onr_graph *graph,
                                     struct onr_pass_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_pass_fuse_softmax(struct onr_graph *graph,
                                      struct onr_pass_ctx *ctx) ONR_MUST_USE;

/*
 * Makes the fact of a value from its constant, if it is no input with a default. The fact has data
 * when the constant can be read where it is, or is small.
 */
enum onr_status onr_constant_fact(struct onr_graph *graph, struct onr_value *value,
                                  struct onr_error *err) ONR_MUST_USE;

/*
 * Computes a node whose inputs are all constant, within the budget; its outputs become constants
 * and the node dead. *is_folded tells whether that was done. facts: of the outputs, from inference.
 */
enum onr_status onr_fold_node(struct onr_graph *graph, struct onr_node *node,
                              const struct onr_fact *const *inputs, struct onr_fact *facts,
                              bool *is_folded, struct onr_pass_ctx *ctx) ONR_MUST_USE;

/* Frees the storage of all folds of a list (the structs themselves are in the graph's arena). */
void onr_folds_free(struct onr_fold *folds);

/* Notes that the node needs something (detail as in struct onr_missing, copied). */
enum onr_status onr_note_missing(struct onr_graph *graph, const struct onr_node *node,
                                 const char *detail, struct onr_pass_ctx *ctx) ONR_MUST_USE;

#endif
