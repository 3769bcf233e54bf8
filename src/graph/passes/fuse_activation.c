/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/fuse_activation.h"

#include "graph/op_def.h"

#include <math.h>

/* Value of attribute "activation", and the attributes of its parameters with their defaults. */
static const struct function {
    const char *op_type;
    struct onr_fuse_activation activation;
    const char *params[2];
} functions[] = {
    {"Clip", {"Clip", {-INFINITY, INFINITY}, 2}, {"min", "max"}},
    {"Elu", {"Elu", {1.0f}, 1}, {"alpha"}},
    {"Gelu", {.name = "Gelu"}, {NULL}},
    {"HardSigmoid", {"HardSigmoid", {0.2f, 0.5f}, 2}, {"alpha", "beta"}},
    {"HardSwish", {.name = "HardSwish"}, {NULL}},
    {"LeakyRelu", {"LeakyRelu", {0.01f}, 1}, {"alpha"}},
    {"Relu", {.name = "Relu"}, {NULL}},
    {"Sigmoid", {.name = "Sigmoid"}, {NULL}},
    {"Softplus", {.name = "Softplus"}, {NULL}},
    {"Softsign", {.name = "Softsign"}, {NULL}},
    {"Swish", {"QuickGelu", {1.0f}, 1}, {"alpha"}},
    {"Tanh", {.name = "Tanh"}, {NULL}},
};

/* Parameters that are inputs, as the bounds of Clip, must be numbers that do not change. A bound that
 * is not there was a finite one before version 11. */
static bool read_params(const struct onr_fuser *fuser, const struct onr_node *node,
                        const char *const *names, struct onr_fuse_activation *activation)
{
    for (uint32_t i = 0; i < activation->param_count; i++) {
        double number = (double)onr_attr_float(node, names[i], activation->params[i]);
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
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const struct function *f = &functions[i];
        struct onr_node *node = onr_fuse_user(fuser, value, f->op_type);
        if (node == NULL) {
            continue;
        }
        *activation = f->activation;
        if (onr_string_is(onr_attr_string(node, "approximate", "none"), "tanh")) {
            activation->name = "FastGelu";
        }
        return node->inputs[0] == value && read_params(fuser, node, f->params, activation) ? node
                                                                                           : NULL;
    }
    return NULL;
}
