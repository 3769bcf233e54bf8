/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/fuse_activation.h"

#include "graph/op_def.h"

#include <math.h>

/* Operators, which attribute "activation" calls the same, and defaults of their parameters. */
static const struct {
    char op_type[12];
    uint32_t param_count;
    float params[2];
} functions[] = {
    {"Clip", 2, {-INFINITY, INFINITY}},
    {"Elu", 1, {1.0f}},
    {"Gelu", 0, {0}},
    {"HardSigmoid", 2, {0.2f, 0.5f}},
    {"HardSwish", 0, {0}},
    {"LeakyRelu", 1, {0.01f}},
    {"Relu", 0, {0}},
    {"Sigmoid", 0, {0}},
    {"Softplus", 0, {0}},
    {"Softsign", 0, {0}},
    {"Swish", 1, {1.0f}},
    {"Tanh", 0, {0}},
};

/* Parameters that are inputs, as the bounds of Clip, must be numbers that do not change. A bound that
 * is not there was a finite one before version 11. */
static bool read_params(const struct onr_fuser *fuser, const struct onr_node *node,
                        struct onr_fuse_activation *activation)
{
    static const char *const names[2][2] = {{"alpha", "beta"}, {"min", "max"}};
    const char *const *own = names[onr_fuse_is(node, "Clip")];
    for (uint32_t i = 0; i < activation->param_count; i++) {
        double number = (double)onr_attr_float(node, own[i], activation->params[i]);
        if (onr_fuse_has_input(node, 1 + i) &&
            !onr_fuse_number(fuser, node->inputs[1 + i], &number)) {
            return false;
        }
        if (isinf(number) && node->version < 11) {
            return false;
        }
        activation->params[i] = (float)number;
    }
    return true;
}

struct onr_node *onr_fuse_find_activation(const struct onr_fuser *fuser, uint32_t value,
                                          struct onr_fuse_activation *activation)
{
    struct onr_node *node = NULL;
    size_t i = 0;
    for (; node == NULL && i < sizeof functions / sizeof functions[0]; i++) {
        node = onr_fuse_user(fuser, value, functions[i].op_type);
        *activation = (struct onr_fuse_activation){
            .name = functions[i].op_type,
            .param_count = functions[i].param_count,
            .params = {functions[i].params[0], functions[i].params[1]}};
    }
    if (node == NULL || node->inputs[0] != value || !read_params(fuser, node, activation)) {
        *activation = (struct onr_fuse_activation){.name = NULL};
        return NULL;
    }
    if (onr_fuse_is(node, "Swish")) {
        activation->name = "QuickGelu";
    } else if (onr_string_is(onr_attr_string(node, "approximate", "none"), "tanh")) {
        activation->name = "FastGelu";
    }
    return node;
}

void onr_fused_activate(struct onr_fused *fused, const struct onr_node *anchor,
                        const struct onr_fuse_activation *activation)
{
    for (uint32_t i = 0; i < anchor->attr_count; i++) {
        fused->attrs[fused->attr_count++] = anchor->attrs[i];
    }
    if (activation->name != NULL) {
        onr_fused_string(fused, "activation", activation->name);
    }
    if (activation->param_count > 0) {
        onr_fused_floats(fused, "activation_params", activation->params, activation->param_count);
    }
}
