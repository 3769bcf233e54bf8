/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a graph, from some of its values to others: which fields of the GraphProto belong to it.
 *
 *     struct cut cut = {.inputs = ..., .outputs = ...};
 *     cut_index(&cut, graph);
 *     cut_select(&cut, &error);
 *     ... cut.items[i] where cut.is_kept[i] ...
 *     cut_free(&cut);
 */
#ifndef ONNXRUN_TOOLS_CUT_H
#define ONNXRUN_TOOLS_CUT_H

#include "common/wire.h"

/* Field numbers of GraphProto. */
enum cut_field {
    CUT_NODE = 1,
    CUT_WEIGHT = 5,
    CUT_INPUT = 11,
    CUT_OUTPUT = 12,
    CUT_VALUE_INFO = 13,
    CUT_ANNOTATION = 14,
    CUT_SPARSE_WEIGHT = 15
};

/* A name that a field of the graph defines, or says something of. */
struct cut_name {
    struct wire_span name;
    uint32_t field;
    size_t item;
};

/* A value where the graph is cut. */
struct cut_end {
    char *name;
    bool is_used; /* of inputs: an output depends on it */
};

struct cut_ends {
    struct cut_end *items;
    size_t count;
};

struct cut {
    struct wire_field *items; /* [item_count] fields of the graph, in order */
    bool *is_kept;            /* [item_count] after cut_select */
    size_t item_count;
    struct cut_name *names; /* [name_count] sorted */
    size_t name_count;
    struct cut_ends inputs; /* none: those of the model that are needed */
    struct cut_ends outputs;
    size_t *stack; /* nodes whose inputs are still to be followed */
    size_t stack_count;
    char *missing; /* inputs of the model that are needed, but not among the inputs */
};

/* Reads the fields of a GraphProto, which is borrowed. */
void cut_index(struct cut *cut, struct wire_span graph);

/* Chooses what the outputs need. Errors: ARGUMENT for a name that the graph lacks, an input that no
 * output depends on, an output that needs more inputs, or lies before one. */
onnxrun_status cut_select(struct cut *cut, onnxrun_error *error);

/* The field of this number that has the name, or NULL. */
const struct wire_field *cut_find(const struct cut *cut, struct wire_span name, uint32_t field);

void cut_free(struct cut *cut);

#endif
