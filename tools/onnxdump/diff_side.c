/* SPDX-License-Identifier: Apache-2.0 */
/* A model, made ready to be compared. */
#include "common/progress.h"
#include "onnxdump/diff.h"
#include "onnxdump/views.h"

#include <stdlib.h>
#include <string.h>

static int compare_name(const void *left, const void *right)
{
    const struct diff_name *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : a->index < b->index ? -1 : a->index > b->index;
}

static void sort_names(struct diff_names *names)
{
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof *names->items, compare_name);
    }
}

uint32_t diff_find(const struct diff_names *names, const char *name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->items[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there = low < names->count && strcmp(names->items[low].name, name) == 0;
    return is_there ? names->items[low].index : DIFF_NONE;
}

const char *diff_node_label(const struct diff_side *side, uint32_t node)
{
    const onnxrun_node *info = &side->nodes[node].info;
    const char *label = info->name;
    for (uint32_t i = 0; label[0] == '\0' && i < info->output_count; i++) {
        if (info->outputs[i] != ONNXRUN_NO_VALUE) {
            label = side->values[info->outputs[i]].name;
        }
    }
    return label;
}

/* ---- values ---- */

static void add_values(struct diff_side *side)
{
    uint32_t count = side->info.value_count;
    side->values = tool_alloc((size_t)count + 1, sizeof *side->values);
    side->value_names.items = tool_alloc(count, sizeof *side->value_names.items);
    for (uint32_t i = 0; i < count; i++) {
        struct diff_value *value = &side->values[i];
        value->name = view_value_name(side->graph, i);
        value->producer = value->other = DIFF_NONE;
        value->weight = view_weight(side->graph, i);
        value->is_weight = value->weight != NULL;
        side->value_names.items[i] = (struct diff_name){value->name, i};
    }
    side->value_names.count = count;
    sort_names(&side->value_names);
}

/* The tensor of a Constant node is as good as a weight. */
static void add_constant(struct diff_side *side, uint32_t n)
{
    const onnxrun_node *node = &side->nodes[n].info;
    onnxrun_attribute attribute;
    if (strcmp(node->op_type, "Constant") == 0 && node->domain[0] == '\0' &&
        node->attribute_count == 1 && node->output_count == 1 &&
        node->outputs[0] != ONNXRUN_NO_VALUE &&
        onnxrun_node_attribute(side->graph, n, 0, &attribute, NULL) == ONNXRUN_OK &&
        attribute.kind == ONNXRUN_ATTRIBUTE_TENSOR) {
        side->values[node->outputs[0]].weight = attribute.tensors[0];
    }
}

/* ---- nodes ---- */

static uint32_t count_captures(const onnxrun_graph *graph, uint32_t node, uint32_t body_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < body_count; i++) {
        onnxrun_body body;
        (void)onnxrun_node_body(graph, node, i, &body, NULL);
        count += body.capture_count;
    }
    return count;
}

/* Whether the operands of a node may change places. */
static bool is_commutative(const onnxrun_node *node)
{
    static const char *const types[] = {"Add", "Mul", "And", "Or", "Xor", "Equal"};
    bool is_type = false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        is_type = is_type || strcmp(node->op_type, types[i]) == 0;
    }
    return is_type && node->domain[0] == '\0' && node->input_count == 2;
}

static bool is_constant(const struct diff_side *side, uint32_t value)
{
    return value != ONNXRUN_NO_VALUE && side->values[value].weight != NULL;
}

/* Copies the inputs of a node, weights last where the order does not matter, and what its bodies
 * capture; returns their number. */
static uint32_t copy_inputs(const struct diff_side *side, uint32_t n, uint32_t *out)
{
    const onnxrun_node *node = &side->nodes[n].info;
    uint32_t count = node->input_count;
    if (count > 0) {
        memcpy(out, node->inputs, count * sizeof *out);
    }
    if (is_commutative(node) && is_constant(side, out[0]) && !is_constant(side, out[1])) {
        out[0] = node->inputs[1];
        out[1] = node->inputs[0];
    }
    for (uint32_t i = 0; i < node->body_count; i++) {
        onnxrun_body body;
        (void)onnxrun_node_body(side->graph, n, i, &body, NULL);
        for (uint32_t c = 0; c < body.capture_count; c++) {
            out[count++] = body.captures[c];
        }
    }
    return count;
}

static void add_nodes(struct diff_side *side)
{
    size_t total = 0;
    uint32_t count = side->info.node_count;
    side->nodes = tool_alloc(count, sizeof *side->nodes);
    for (uint32_t n = 0; n < count; n++) {
        struct diff_node *node = &side->nodes[n];
        node->info = view_node(side->graph, n);
        node->other = DIFF_NONE;
        total +=
            node->info.input_count + (size_t)count_captures(side->graph, n, node->info.body_count);
        for (uint32_t i = 0; i < node->info.output_count; i++) {
            if (node->info.outputs[i] != ONNXRUN_NO_VALUE) {
                side->values[node->info.outputs[i]].producer = n;
            }
        }
        add_constant(side, n);
        node->attributes = diff_attributes_hash(side->model, side->graph, n);
    }
    side->inputs = tool_alloc(total, sizeof *side->inputs);
    uint32_t *at = side->inputs;
    for (uint32_t n = 0; n < count; n++) {
        side->nodes[n].inputs = at;
        side->nodes[n].input_count = copy_inputs(side, n, at);
        at += side->nodes[n].input_count;
    }
}

static void add_labels(struct diff_side *side)
{
    struct diff_names *names = &side->node_names;
    names->items = tool_alloc(side->info.node_count, sizeof *names->items);
    for (uint32_t n = 0; n < side->info.node_count; n++) {
        names->items[names->count++] = (struct diff_name){diff_node_label(side, n), n};
    }
    sort_names(names);
}

/* Lists for each value the nodes that use it, in order. */
static void add_uses(struct diff_side *side)
{
    uint32_t value_count = side->info.value_count, total = 0;
    for (uint32_t n = 0; n < side->info.node_count; n++) {
        for (uint32_t i = 0; i < side->nodes[n].input_count; i++) {
            if (side->nodes[n].inputs[i] != ONNXRUN_NO_VALUE) {
                side->values[side->nodes[n].inputs[i]].first_use++;
                total++;
            }
        }
    }
    side->uses = tool_alloc(total, sizeof *side->uses);
    /* From counts to where the next value begins, which filling from the end turns into begins. */
    for (uint32_t v = 0, end = 0; v <= value_count; v++) {
        end += side->values[v].first_use;
        side->values[v].first_use = end;
    }
    for (uint32_t n = side->info.node_count; n-- > 0;) {
        for (uint32_t i = side->nodes[n].input_count; i-- > 0;) {
            if (side->nodes[n].inputs[i] != ONNXRUN_NO_VALUE) {
                struct diff_value *value = &side->values[side->nodes[n].inputs[i]];
                side->uses[--value->first_use] = (struct diff_use){n, i};
            }
        }
    }
}

static void add_contents(struct diff_side *side, struct progress *progress)
{
    for (uint32_t i = 0; i < side->info.value_count; i++) {
        if (side->values[i].weight != NULL) {
            side->values[i].content = diff_weight_hash(side->model, side->values[i].weight);
            progress_set(progress, i, side->info.value_count, 0);
        }
    }
}

/* Of the main graph or a body, which side names already. */
static void fill(struct diff_side *side, struct progress *progress)
{
    onnxrun_graph_get_info(side->graph, &side->info);
    add_values(side);
    add_nodes(side);
    add_labels(side);
    add_uses(side);
    add_contents(side, progress);
}

onnxrun_status diff_side_open(struct diff_side *side, const char *path, const char *name,
                              onnxrun_error *error)
{
    const struct view_options options = {.path = path, .name = name};
    *side = (struct diff_side){.model = NULL};
    onnxrun_status status = view_open(&options, NULL, ONNXRUN_STAGE_MODEL, &side->model, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    struct progress progress;
    progress_begin(&progress, "reading", name);
    side->graph = onnxrun_model_graph(side->model);
    fill(side, &progress);
    progress_end(&progress);
    return ONNXRUN_OK;
}

void diff_side_open_body(struct diff_side *side, const struct diff_side *outer,
                         const onnxrun_body *body)
{
    struct progress none = {.is_running = false};
    *side = (struct diff_side){.model = outer->model, .graph = body->graph, .is_body = true};
    fill(side, &none);
}

void diff_side_free(struct diff_side *side)
{
    free(side->values);
    free(side->nodes);
    free(side->inputs);
    free(side->uses);
    free(side->value_names.items);
    free(side->node_names.items);
    if (!side->is_body) {
        onnxrun_model_free(side->model);
    }
}
