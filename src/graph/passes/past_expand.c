/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/past_expand.h"

#include "graph/op_def.h"

static bool does_broadcast(const struct onr_node *node)
{
    static const char *const names[] = {"Where", "Add", "Sub", "Mul", "Div", "And", "Or"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (onr_fuse_is(node, names[i])) {
            return node->version >= 7;
        }
    }
    return false;
}

/* Whether what Expand gives has the shape of the value, known or asked for by a Shape. */
static bool expands_to(const struct onr_fuser *fuser, const struct onr_node *expand, uint32_t value)
{
    const struct onr_shape *to = &onr_fuse_fact(fuser, expand->outputs[0])->shape;
    const struct onr_node *shape = onr_fuse_producer(fuser, expand->inputs[1], "Shape");
    if (shape != NULL && shape->inputs[0] == value && onr_attr_int(shape, "start", 0) == 0 &&
        onr_node_attr(shape, "end") == NULL) {
        return true;
    }
    return to->rank >= 0 && onr_shape_equal(to, &onr_fuse_fact(fuser, value)->shape);
}

/* masked_fill of PyTorch asks for the shape of scores, so that these would have a second use. */
void onr_read_past_expands(const struct onr_fuser *fuser, struct onr_node *node)
{
    for (uint32_t i = 0; does_broadcast(node) && i < node->input_count; i++) {
        const struct onr_node *expand = onr_fuse_producer(fuser, node->inputs[i], "Expand");
        for (uint32_t other = 0; expand != NULL && other < node->input_count; other++) {
            if (other != i && expands_to(fuser, expand, node->inputs[other])) {
                node->inputs[i] = expand->inputs[0];
                fuser->graph->values[expand->inputs[0]].use_count++;
                break;
            }
        }
    }
}
