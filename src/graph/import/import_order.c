/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topological order. The standard asks for it and nearly all files have it, but some converters
 * append the nodes that they add: such lists are put in order here, moving producers forward and
 * nothing else.
 */
#include "graph/import/importer.h"

struct order {
    struct importer *im;
    struct frame *frame;
    struct onr_strmap producers; /* output name -> node index */
    Onnx__NodeProto **sorted;
    size_t sorted_count;
    uint8_t *state;       /* [node_count] */
    uint32_t *stack;      /* [node_count] nodes whose producers are being placed */
    uint32_t *next_input; /* [node_count] */
};

enum { UNSEEN, OPEN, PLACED };

static enum onr_status index_producers(struct order *order)
{
    for (size_t i = 0; i < order->frame->node_count; i++) {
        const Onnx__NodeProto *node = order->frame->nodes[i];
        for (size_t j = 0; j < node->n_output; j++) {
            if (!onr_strmap_put(&order->producers, node->output[j], (uint32_t)i)) {
                return ONR_MEMORY_FAILED(order->im);
            }
        }
    }
    return ONR_OK;
}

/* The node that computes an input, or ONR_STRMAP_NONE. */
static uint32_t producer_of(const struct order *order, const char *name)
{
    return name[0] != '\0' ? onr_strmap_get(&order->producers, name) : ONR_STRMAP_NONE;
}

static bool is_sorted(const struct order *order)
{
    for (size_t i = 0; i < order->frame->node_count; i++) {
        const Onnx__NodeProto *node = order->frame->nodes[i];
        for (size_t j = 0; j < node->n_input; j++) {
            uint32_t producer = producer_of(order, node->input[j]);
            if (producer != ONR_STRMAP_NONE && producer >= i) {
                return false;
            }
        }
    }
    return true;
}

/* Places a node after the producers of its inputs: depth-first with a stack of our own. */
static enum onr_status place(struct order *order, uint32_t first)
{
    size_t depth = 0;
    order->stack[depth++] = first;
    order->state[first] = OPEN;
    while (depth > 0) {
        uint32_t top = order->stack[depth - 1];
        Onnx__NodeProto *node = order->frame->nodes[top];
        if (order->next_input[top] == node->n_input) {
            order->state[top] = PLACED;
            order->sorted[order->sorted_count++] = node;
            depth--;
            continue;
        }
        const char *name = node->input[order->next_input[top]++];
        uint32_t producer = producer_of(order, name);
        if (producer == ONR_STRMAP_NONE || order->state[producer] == PLACED) {
            continue;
        }
        if (order->state[producer] == OPEN) {
            return onr_fail(
                order->im->err, ONR_ERR_MODEL,
                "the nodes \"%.128s\" and \"%.128s\" are part of a cycle through \"%.64s\"",
                onr_text_or_empty(node->name),
                onr_text_or_empty(order->frame->nodes[producer]->name), name);
        }
        order->state[producer] = OPEN;
        order->stack[depth++] = producer;
    }
    return ONR_OK;
}

static enum onr_status sort(struct order *order)
{
    struct onr_arena *scratch = &order->im->scratch;
    size_t count = order->frame->node_count;
    order->sorted = ONR_ARENA_ARRAY(scratch, count, Onnx__NodeProto *);
    order->state = ONR_ARENA_ARRAY(scratch, count, uint8_t);
    order->stack = ONR_ARENA_ARRAY(scratch, count, uint32_t);
    order->next_input = ONR_ARENA_ARRAY(scratch, count, uint32_t);
    if (order->sorted == NULL || order->state == NULL || order->stack == NULL ||
        order->next_input == NULL) {
        return ONR_MEMORY_FAILED(order->im);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (order->state[i] == UNSEEN) {
            ONR_TRY(place(order, i));
        }
    }
    order->frame->nodes = order->sorted;
    return ONR_OK;
}

enum onr_status onr_import_order(struct importer *im, struct frame *frame,
                                 Onnx__NodeProto *const *nodes, size_t count)
{
    struct order order = {.im = im, .frame = frame};
    onr_strmap_init(&order.producers, im->mem);
    frame->nodes = nodes;
    frame->node_count = count;
    enum onr_status status = index_producers(&order);
    if (status == ONR_OK && !is_sorted(&order)) {
        status = sort(&order);
    }
    onr_strmap_free(&order.producers);
    return status;
}
