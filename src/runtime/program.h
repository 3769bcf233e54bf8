/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program: a sealed graph with each node bound to its operator and prepared (attributes read,
 * kernels chosen, weights packed). Immutable once built; shared by all sessions of a model.
 */
#ifndef ONR_RUNTIME_PROGRAM_H
#define ONR_RUNTIME_PROGRAM_H

#include "base/text.h"
#include "graph/op_def.h"

struct onr_program;

struct onr_bound_node {
    const struct onr_node *node;
    const struct onr_op_def *op;
    void *state;                 /* from prepare ... */
    struct onr_told told;        /* by prepare, or by the operator's row */
    uint32_t consumed;           /* ... as the bits of constant inputs that run does not read */
    bool is_steady;              /* its outputs follow from constants and shapes alone */
    struct onr_program **bodies; /* [node->body_count] */
    uint32_t *outputs; /* value ids; for nodes with bodies an absent one has a scratch id */
};

enum onr_place {
    ONR_PLACE_SLAB,    /* at offset in the slab */
    ONR_PLACE_FIXED,   /* at an address: constants, and what the plan computed */
    ONR_PLACE_VALUE,   /* where another value is: views of inputs and of dynamic outputs */
    ONR_PLACE_DYNAMIC, /* given by the operator that makes it, or by the caller */
};

/* What a plan knows of a value. */
struct onr_plan_value {
    struct onr_fact fact; /* its shape is known, but for dynamic outputs of this segment */
    uint32_t id;
    enum onr_place place;
    size_t offset;     /* SLAB */
    const void *fixed; /* FIXED */
    uint32_t root;     /* VALUE: the value whose storage it is; else the value itself */
    bool is_steady;    /* all runs of the plan would compute the same */
    const struct onr_plan_value *next; /* in the list of its plan */
};

struct onr_program {
    const struct onr_graph *graph; /* borrowed, sealed */
    const struct onr_kernels *kernels;
    struct onr_mem *mem;
    struct onr_arena arena;
    struct onr_bound_node *nodes; /* [graph->node_count] */
    uint32_t node_count;          /* bound so far; all of them when built */
    uint32_t value_count;         /* of the graph, and scratch values behind them */
    struct onr_tensor *constants; /* [value_count]; data NULL where packing left no use for it */
    uint32_t *last_use;           /* [value_count] last node that reads it; UINT32_MAX: an output */
    const struct onr_plan_value **known; /* [value_count] what every plan knows of the constants */
    bool *kept; /* [value_count] if steady, all runs read it and not just a plan's first */
    size_t
        keep_bytes; /* most that a plan may keep: all plans together no more than the constants */
};

struct onr_program_options {
    const struct onr_graph *graph;
    const struct onr_kernels *kernels;
    const struct onr_parallel *parallel; /* for packing */
    struct onr_mem *mem;                 /* outlives the program */
};

/* Errors: what prepare finds wrong (with the node), ONR_ERR_MEMORY; *program is NULL then. */
enum onr_status onr_program_build(const struct onr_program_options *options,
                                  struct onr_program **program, struct onr_error *err) ONR_MUST_USE;

/* NULL is allowed. */
void onr_program_free(struct onr_program *program);

/* Puts `stage: node "name" (Op-13): ` before the message. */
void onr_node_error(struct onr_error *err, const char *stage, const struct onr_graph *graph,
                    const struct onr_node *node);

#endif
