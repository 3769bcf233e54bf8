/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules that a model was exported from, as its nodes tell, with what belongs to each.
 *
 * A node says where it comes from in one of three ways: metadata "namespace" of PyTorch's dynamo
 * exporter, with the class of each module; its name, "/encoder/layer.0/MatMul", as TorchScript,
 * TensorFlow and others write it; or the name of its first weight, "encoder.layer.0.weight". What
 * says nothing belongs to the root.
 */
#ifndef ONNXRUN_TOOLS_MODULE_TREE_H
#define ONNXRUN_TOOLS_MODULE_TREE_H

#include "common/tool.h"

#include <onnxrun/inspect.h>

#define MODULE_NONE SIZE_MAX

/* Sums include the modules inside. */
struct module {
    char *name;       /* within its parent: "layer.0"; "" for the root */
    char *class_name; /* "BertLayer", or NULL */
    size_t parent;    /* MODULE_NONE for the root */
    size_t first;     /* module inside, or MODULE_NONE; they are in the order of the nodes */
    size_t last;
    size_t next; /* in the same parent, or MODULE_NONE */
    size_t depth;
    uint64_t nodes;
    uint64_t parameters; /* elements of weights that are no scalars, and floats or of <= 8 bits */
    uint64_t bytes;      /* of all weights */
    uint64_t macs;       /* multiplications of matrix products */
    uint64_t
        likeness; /* equal for modules of the same class, parameters, MACs and modules inside */
};

struct module_slot {
    size_t module; /* MODULE_NONE: the slot is empty */
    uint64_t hash;
};

struct module_tree {
    struct module *modules; /* [count]; the root first, each behind its parent */
    size_t count;
    struct module_slot *slots; /* [slot_count] by parent and name */
    size_t slot_count;
};

void module_tree_init(struct module_tree *tree);
void module_tree_free(struct module_tree *tree);

/* Adds the nodes and weights of a model with its bodies. A weight that several modules read belongs
 * to "(shared)" in the module around them. */
void module_tree_add(struct module_tree *tree, const onnxrun_model *model);

/* The module of a node. */
size_t module_tree_find(struct module_tree *tree, const onnxrun_graph *graph, uint32_t node);

/* Counts the MACs of the modules; needs a number in options for each dimension of the inputs.
 * *is_complete: false when those behind a shape that depends on data, or of bodies, are missing. */
struct view_options;
onnxrun_status module_tree_add_macs(struct module_tree *tree, const struct view_options *options,
                                    bool *is_complete, onnxrun_error *error);

/* Adds each module's sums to those around it, and compares them; to be called once, last. */
void module_tree_sum(struct module_tree *tree);

/* Prints the modules in order as a JSON array of {name, class, parent, nodes, parameters, bytes,
 * macs}; parent is an index. */
void module_tree_json(FILE *out, const struct module_tree *tree, bool has_macs);

#endif
