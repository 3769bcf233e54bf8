/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mul, Div, Add and Sub by a constant of one number, or of one per channel, into the Conv or
 * ConvTranspose before them: normalizations that are frozen, and a bias that stands apart.
 *
 *   (W x + b) * k = (k W) x + b k        W x + b + k = W x + (b + k)
 */
#include "graph/op_def.h"
#include "graph/passes/fold_channels.h"
#include "graph/passes/fuse.h"

/* The version from which on operands broadcast as in NumPy. */
#define BROADCAST_VERSION 7

/* Whether the constant has one number, or one per channel, and no dimension that the product lacks. */
static bool fits_channels(const struct onr_channels *c, const struct onr_constant *numbers)
{
    int rank = c->graph->values[c->product->inputs[1]].fact.shape.rank;
    int axis = numbers->shape.rank - (rank - 1);
    int64_t count = onr_constant_count(numbers);
    return numbers->shape.rank <= rank && (count == 1 || (axis >= 0 && (size_t)count == c->count &&
                                                          numbers->shape.dim[axis] == count));
}

/* Fills in factors and summands of a node that applies k to its input. */
static bool set_factors(const struct onr_channels *c, const struct onr_node *node, const float *k,
                        size_t step)
{
    bool is_product = onr_fuse_is(node, "Mul");
    bool is_quotient = onr_fuse_is(node, "Div");
    double sign = onr_fuse_is(node, "Sub") ? -1.0 : 1.0;
    for (size_t i = 0; i < c->count; i++) {
        double number = (double)k[i * step];
        c->factor[i] = is_product ? number : is_quotient ? 1.0 / number : 1.0;
        c->shift[i] = is_product || is_quotient ? 0.0 : sign * number;
    }
    return onr_channels_read_bias(c);
}

static enum onr_status fold(const struct onr_channels *c, struct onr_node *node, uint32_t value)
{
    const struct onr_constant *numbers = onr_channels_constant(c->graph, value);
    size_t count = (size_t)onr_constant_count(numbers);
    size_t bytes = count * sizeof(float);
    float *k = onr_mem_calloc(c->ctx->eval->mem, bytes);
    if (k == NULL) {
        return onr_fail_memory(c->ctx->err, "pass fuse_factors");
    }
    onr_constant_copy(numbers, k);
    bool is_folded = set_factors(c, node, k, count == 1 ? 0 : 1);
    onr_mem_free(c->ctx->eval->mem, k, bytes);
    if (is_folded) {
        ONR_TRY(onr_channels_fold(c, value, &is_folded));
    }
    if (is_folded) {
        onr_channels_replace(c, node);
    }
    return ONR_OK;
}

/* The convolution that makes an operand, when nothing else needs it, or NULL. */
static struct onr_node *find_convolution(const struct onr_graph *graph, uint32_t value)
{
    struct onr_node *node = onr_channels_producer(graph, value);
    return node != NULL && (onr_fuse_is(node, "Conv") || onr_fuse_is(node, "ConvTranspose")) ? node
                                                                                             : NULL;
}

/* Finds the convolution among the operands; *numbers is the other one. */
static bool find_product(struct onr_channels *c, const struct onr_node *node, uint32_t *numbers)
{
    bool commutes = onr_fuse_is(node, "Mul") || onr_fuse_is(node, "Add");
    for (uint32_t i = 0; i < (commutes ? 2 : 1); i++) {
        *numbers = node->inputs[1 - i];
        const struct onr_constant *constant = onr_channels_constant(c->graph, *numbers);
        c->product = constant != NULL ? find_convolution(c->graph, node->inputs[i]) : NULL;
        if (c->product != NULL && onr_channels_find(c) && fits_channels(c, constant)) {
            return true;
        }
    }
    return false;
}

static enum onr_status fuse_operation(struct onr_graph *graph, struct onr_node *node,
                                      struct onr_pass_ctx *ctx)
{
    struct onr_channels c = {.graph = graph, .ctx = ctx};
    uint32_t numbers = ONR_NO_VALUE;
    if (!find_product(&c, node, &numbers)) {
        return ONR_OK;
    }
    ONR_TRY(onr_channels_begin(&c));
    enum onr_status status = fold(&c, node, numbers);
    onr_channels_end(&c);
    return status;
}

enum onr_status onr_pass_fuse_factors(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const char *const names[] = {"Mul", "Div", "Add", "Sub"};
    for (uint32_t n = 0; n < graph->node_count; n++) {
        struct onr_node *node = &graph->nodes[n];
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (!node->is_dead && onr_fuse_is(node, names[i]) &&
                node->version >= BROADCAST_VERSION) {
                ONR_TRY(fuse_operation(graph, node, ctx));
            }
        }
    }
    return onr_pass_bodies(graph, onr_pass_fuse_factors, ctx);
}
