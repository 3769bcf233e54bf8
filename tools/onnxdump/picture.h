/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a graph is drawn: a box for each node, or one for all nodes of a module when there are
 * too many; and the arrows between boxes.
 */
#ifndef ONNXRUN_TOOLS_PICTURE_H
#define ONNXRUN_TOOLS_PICTURE_H

#include "onnxdump/module_tree.h"

#define PICTURE_NONE SIZE_MAX

/* A value that a box gives to others. */
struct picture_port {
    size_t box;
    const onnxrun_graph *graph; /* that has the value */
    const onnxrun_graph *typed; /* the same graph with inferred types, or NULL */
    uint32_t value;
};

struct picture_arrow {
    size_t port;
    size_t box; /* that it points at */
};

/* A graph that is drawn: the main graph, or a body. */
struct picture_level {
    const onnxrun_graph *graph;
    const onnxrun_graph *typed;
    onnxrun_graph_info info;
    size_t *ports;       /* [value_count] PICTURE_NONE: a weight, or a value that nothing gives */
    size_t *boxes;       /* [node_count] */
    size_t first_input;  /* boxes of the inputs in a row */
    size_t first_output; /* likewise */
    bool is_main;
};

struct picture {
    struct module_tree tree;
    size_t *modules; /* [node_count] of the main graph: the module of each node */
    bool *has_nodes; /* [tree.count] of the main graph; not weights or nodes of bodies alone */
    bool *is_open; /* [tree.count] drawn around what it holds; else, within one that is, as a box */
    size_t *own_box;  /* [tree.count] the box of a module that is not open */
    size_t box_count; /* so far */
    struct picture_port *ports;
    size_t port_count;
    struct picture_arrow *arrows;
    size_t arrow_count;
};

/* Finds the modules of a model and decides which are open: from the outside in, as long as all boxes
 * together stay below a number that can be taken in. */
void picture_init(struct picture *picture, const onnxrun_model *model);
void picture_free(struct picture *picture);

/* Makes boxes for inputs, nodes and outputs of the main graph, and the arrows between them; typed is
 * the same graph with inferred types, or NULL. picture_enter_body does so for a body of a node of
 * the level around it, which stays open. */
void picture_enter(struct picture *picture, struct picture_level *level, const onnxrun_graph *graph,
                   const onnxrun_graph *typed);
void picture_enter_body(struct picture *picture, struct picture_level *level,
                        const struct picture_level *around, uint32_t node, uint32_t index);
void picture_leave(struct picture_level *level);

/* Whether a node has a box of its own, and whether a body is so small that it is drawn. */
bool picture_draws_node(struct picture *picture, const struct picture_level *level, uint32_t node);
bool picture_shows_body(const onnxrun_graph *body);

/* Sorts the arrows and drops those that are there twice. */
void picture_sort(struct picture *picture);

/* What is known of a value: its inferred type, or else that declared. */
void picture_value(const onnxrun_graph *graph, const onnxrun_graph *typed, uint32_t value,
                   onnxrun_value_info *info);

#endif
