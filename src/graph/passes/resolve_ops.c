/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the row of each node, by domain, name and version, and checks arity and attributes against
 * it. */
#include "graph/infer.h"
#include "graph/passes/pass.h"

#include <inttypes.h>

static enum onr_status resolve_node(struct onr_graph *graph, struct onr_node *node,
                                    struct onr_pass_ctx *ctx)
{
    node->op = ctx->registry->find(node->domain, node->op_type, node->version);
    if (node->op == NULL) {
        const struct onr_registry *registry = ctx->registry;
        const char *detail =
            registry->explain != NULL ? registry->explain(node->domain, node->op_type) : "";
        return onr_note_missing(graph, node, detail, ctx);
    }
    enum onr_status status = onr_check_node(node, node->op, ctx->err);
    if (status != ONR_OK) {
        onr_error_prefix(ctx->err,
                         "load: node \"%.128s\" (%s-%" PRId64 "): ", onr_node_label(graph, node),
                         node->op_type, node->version);
    }
    return status;
}

enum onr_status onr_pass_resolve_ops(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    for (uint32_t n = 0; n < graph->node_count; n++) {
        struct onr_node *node = &graph->nodes[n];
        ONR_TRY(resolve_node(graph, node, ctx));
        for (uint32_t b = 0; b < node->body_count; b++) {
            ONR_TRY(onr_pass_resolve_ops(node->bodies[b].graph, ctx));
        }
    }
    return ONR_OK;
}
