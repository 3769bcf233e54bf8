/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two models and what differs between them.
 *
 *     diff_side_open(&a, path, path, &error); diff_side_open(&b, other, other, &error);
 *     diff_match(&a, &b);            which node, weight and value is which
 *     diff_list(&changes, &a, &b);   what is not the same
 *
 * Bodies of nodes that are the same are compared in the same way, as sides of their own.
 */
#ifndef ONNXRUN_TOOLS_DIFF_H
#define ONNXRUN_TOOLS_DIFF_H

#include "common/text.h"
#include "onnxdump/module_tree.h"

#define DIFF_NONE UINT32_MAX

/* A node with what its bodies capture as inputs at the end. */
struct diff_node {
    onnxrun_node info;
    const uint32_t *inputs;
    uint32_t input_count;
    uint64_t attributes; /* hash of attributes and bodies */
    uint32_t other;      /* the same node in the other model, or DIFF_NONE */
};

struct diff_value {
    const char *name;
    const onnxrun_weight *weight; /* its content, in the model or in a Constant node; else NULL */
    bool is_weight;               /* not in a Constant node */
    uint64_t content;             /* hash of type and elements of weight */
    uint32_t producer;            /* node, or DIFF_NONE */
    uint32_t first_use;           /* in uses; those of the next value follow */
    uint32_t other;               /* the same value in the other model, or DIFF_NONE */
};

struct diff_use {
    uint32_t node;
    uint32_t input;
};

struct diff_name {
    const char *name;
    uint32_t index;
};

struct diff_names {
    struct diff_name *items; /* [count] sorted */
    size_t count;
};

/* One of the two models, or a body in it. */
struct diff_side {
    onnxrun_model *model; /* of a body: that of the side around it */
    const onnxrun_graph *graph;
    bool is_body; /* inputs and outputs have places, and no names that matter */
    onnxrun_graph_info info;
    struct diff_value *values; /* [value_count + 1] */
    struct diff_node *nodes;   /* [node_count] */
    uint32_t *inputs;          /* of all nodes */
    struct diff_use *uses;
    struct diff_names value_names;
    struct diff_names node_names; /* labels: names, or those of the first outputs */
};

/* Opens the file at path, which is called name to the user. */
onnxrun_status diff_side_open(struct diff_side *side, const char *path, const char *name,
                              onnxrun_error *error);
/* The side of a body of outer, which must stay. */
void diff_side_open_body(struct diff_side *side, const struct diff_side *outer,
                         const onnxrun_body *body);
void diff_side_free(struct diff_side *side);

/* The index of a name, or DIFF_NONE. */
uint32_t diff_find(const struct diff_names *names, const char *name);

/* The name of a node, or of its first output. */
const char *diff_node_label(const struct diff_side *side, uint32_t node);

/* Sets other of all nodes and values. */
void diff_match(struct diff_side *a, struct diff_side *b);

/* A body, and the side that its node is in. */
struct diff_body {
    const struct diff_side *outer;
    onnxrun_body info;
};

/* The body that is the attribute of this name of a node; false when there is none. */
bool diff_find_body(const struct diff_side *side, uint32_t node, const char *attribute,
                    struct diff_body *body);

/* diff_match for the sides of two bodies: they capture the same where the sides around them have the
 * same. */
void diff_match_bodies(struct diff_side *a, const struct diff_body *body_a, struct diff_side *b,
                       const struct diff_body *body_b);

/* Whether two outputs are one: they have the same name, or in bodies the same place. */
bool diff_is_one_output(const struct diff_side *a, uint32_t i, const struct diff_side *b,
                        uint32_t j);

/* Whether two values, which may be absent, are the same: one was found to be the other, they have
 * the same content, or they have one name and neither was found to be anything else. */
bool diff_is_same(const struct diff_side *a, uint32_t x, const struct diff_side *b, uint32_t y);

/* ---- what differs ---- */

enum diff_section { DIFF_SIGNATURE, DIFF_MODEL, DIFF_WEIGHTS, DIFF_NODES, DIFF_SECTIONS };

/* Words may be NULL. */
struct diff_change {
    enum diff_section section;
    char sign;  /* '-' only in the first model, '+' only in the second, '!' in both */
    char *what; /* "input", "operator set", "weight", the type of a node */
    char *name;
    char *detail; /* what it is, or how it changed; names in it are escaped */
    char *module; /* of a node: "encoder.layer.0" */
    char *body;   /* where it is, unless in the main graph: "then_branch of NODE" */
};

struct diff_changes {
    struct diff_change *items; /* [count] */
    size_t count;
    const char *body; /* of the changes that are added */
    size_t equal_weights;
    size_t equal_nodes;
    size_t renamed_weights; /* of those that are equal */
    size_t renamed_nodes;
    size_t moved_constants; /* Constant nodes in one model, weights in the other */
};

void diff_list(struct diff_changes *changes, const struct diff_side *a, const struct diff_side *b);
void diff_changes_free(struct diff_changes *changes);

/* " (then_branch of NODE)"; nothing for the main graph. */
void diff_print_body(FILE *out, const struct diff_change *change);

/* Its parts: what differs in weights and in nodes; and one change more, which takes detail and
 * module over. */
void diff_list_weights(struct diff_changes *changes, const struct diff_side *a,
                       const struct diff_side *b);
void diff_list_nodes(struct diff_changes *changes, const struct diff_side *a,
                     const struct diff_side *b);
void diff_add(struct diff_changes *changes, enum diff_section section, char sign, const char *what,
              const char *name, char *detail, char *module);

/* Prints how the attributes of two nodes differ, and which bodies only one has: "axis: 1 -> -1;
 * alpha: none -> 2".
 * Returns what is to stand before more: "" when nothing was printed. */
const char *diff_print_attributes(FILE *out, const struct diff_side *a, uint32_t x,
                                  const struct diff_side *b, uint32_t y);

/* Hashes of content, for equal content the same. */
uint64_t diff_weight_hash(const onnxrun_model *model, const onnxrun_weight *weight);
uint64_t diff_attributes_hash(const onnxrun_model *model, const onnxrun_graph *graph,
                              uint32_t node);

#endif
