/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Reshape gets a constant list where facts say what its result is like: a number, or 0 for the
 * dimension that its input has there, or the -1 that the list has. What computed the list, from the
 * shapes of values that are not needed otherwise, goes.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

static bool make_list(const struct onr_fuser *fuser, const struct onr_node *node, int64_t *list)
{
    const struct onr_shape *x = &onr_fuse_fact(fuser, node->inputs[0])->shape;
    const struct onr_shape *y = &onr_fuse_fact(fuser, node->outputs[0])->shape;
    const struct onr_sint *given = onr_fuse_fact(fuser, node->inputs[1])->contents;
    for (int i = 0; i < y->rank; i++) {
        bool is_rest = given != NULL && given[i].dim == 0 && given[i].value == -1;
        bool is_kept = i < x->rank && x->dim[i] == y->dim[i] && y->dim[i] != ONR_DIM_UNKNOWN;
        list[i] = y->dim[i] > 0 ? y->dim[i] : is_kept ? 0 : -1;
        if (y->dim[i] == 0 || (list[i] < 0 && !is_rest)) {
            return false;
        }
    }
    return y->rank > 0;
}

/* The constant has the name of the result, and of what it is. */
static enum onr_status set_list(struct onr_graph *graph, struct onr_node *node, const int64_t *list,
                                struct onr_error *err)
{
    const struct onr_shape shape = {.rank = 1,
                                    .dim = {graph->values[node->outputs[0]].fact.shape.rank}};
    size_t bytes = (size_t)shape.dim[0] * sizeof *list;
    struct onr_constant *constant = ONR_ARENA_NEW(graph->arena, struct onr_constant);
    const char *name =
        onr_arena_printf(graph->arena, "%s.shape", graph->values[node->outputs[0]].name);
    uint32_t *inputs = ONR_ARENA_ARRAY(graph->arena, 2, uint32_t);
    list = onr_arena_copy(graph->arena, list, bytes);
    if (constant == NULL || name == NULL || inputs == NULL || list == NULL) {
        return onr_fail_memory(err, "attribute of a node");
    }
    *constant =
        (struct onr_constant){.dtype = ONR_INT64, .shape = shape, .data = list, .bytes = bytes};
    inputs[0] = node->inputs[0];
    ONR_TRY(onr_graph_add_value(graph, name, &inputs[1], err));
    struct onr_value *value = &graph->values[inputs[1]];
    value->constant = constant;
    value->fact = onr_fact_of(ONR_INT64, &shape);
    value->fact.data = list;
    node->inputs = inputs;
    node->attr_count = 0;
    return ONR_OK;
}

enum onr_status onr_pass_plain_shapes(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    const struct onr_fuser fuser = {.graph = graph};
    int64_t list[ONR_MAX_RANK];
    for (uint32_t n = 0; n < graph->node_count; n++) {
        struct onr_node *node = &graph->nodes[n];
        if (onr_fuse_is(node, "Reshape") && onr_fuse_has_input(node, 1) &&
            onr_fuse_fact(&fuser, node->inputs[1])->data == NULL && make_list(&fuser, node, list)) {
            ONR_TRY(set_list(graph, node, list, ctx->err));
        }
    }
    return onr_pass_bodies(graph, onr_pass_plain_shapes, ctx);
}
