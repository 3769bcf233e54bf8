/* SPDX-License-Identifier: Apache-2.0 */
/* How gradients pass through operators: for gradient.c, which says through which nodes. */
#ifndef ONR_GRAPH_PASSES_GRADIENT_RULES_H
#define ONR_GRAPH_PASSES_GRADIENT_RULES_H

#include "graph/passes/pass.h"

/* What a rule speaks of. The nodes that it makes are added at the end of the graph. */
struct onr_gradient_step {
    struct onr_graph *graph;
    const struct onr_pass_ctx *ctx;
    const char *label;           /* the names of made values begin with it */
    const struct onr_node *node; /* of the forward computation */
    uint32_t gradient;           /* of the node's first output */
    uint32_t input;              /* whose gradient is asked for */
    uint32_t output;             /* the node's first output */
};

/* The rule for an input of the node; an empty one when the result does not change with the input,
 * or only in steps. NULL: this is not supported. */
const char *onr_gradient_rule(const struct onr_node *node, uint32_t input);

bool onr_gradient_rule_is_empty(const char *rule);

/* What follows "name:" or, for a version from 13 on, "name-13:" in the table, or NULL. */
const char *onr_gradient_row(const char *name, int64_t version);

/* Reads an integer and moves on behind it. */
int64_t onr_gradient_int(const char **text);

/* ---- gradient_apply.c ---- */

/* Adds the nodes of a rule; *result is the value that they make. */
enum onr_status onr_gradient_apply(const struct onr_gradient_step *step, const char *rule,
                                   uint32_t *result) ONR_MUST_USE;

/* Adds a value whose name begins with this one. */
enum onr_status onr_gradient_value(struct onr_graph *graph, const char *name, uint32_t *id,
                                   struct onr_error *err) ONR_MUST_USE;

/* Adds a node of ai.onnx with these inputs, at least one, and one output, a new value. */
enum onr_status onr_gradient_node(const struct onr_gradient_step *step, const char *op_type,
                                  const uint32_t *inputs, uint32_t input_count,
                                  uint32_t *result) ONR_MUST_USE;

#endif
