/* SPDX-License-Identifier: Apache-2.0 */
/* From a model to boxes and arrows. */
#include "onnxdump/picture.h"

#include "onnxdump/views.h"

#include <stdlib.h>

#define MAX_BOXES      200 /* of nodes and modules in the main graph, where modules can be closed */
#define MAX_BODY_NODES 60

/* ---- modules ---- */

/* Nodes of a graph and of the bodies in it. Goes as deep as bodies nest, which the library limits. */
static size_t count_nodes(const onnxrun_graph *graph)
{
    onnxrun_graph_info info;
    onnxrun_graph_get_info(graph, &info);
    size_t count = info.node_count;
    for (uint32_t n = 0; n < info.node_count; n++) {
        uint32_t bodies = view_node(graph, n).body_count;
        for (uint32_t i = 0; i < bodies; i++) {
            onnxrun_body body;
            (void)onnxrun_node_body(graph, n, i, &body, NULL);
            count += count_nodes(body.graph);
        }
    }
    return count;
}

bool picture_shows_body(const onnxrun_graph *body)
{
    return count_nodes(body) <= MAX_BODY_NODES;
}

/* Boxes for a node: its own and those of its bodies. */
static size_t node_boxes(const onnxrun_graph *graph, uint32_t node)
{
    size_t count = 1;
    uint32_t bodies = view_node(graph, node).body_count;
    for (uint32_t i = 0; i < bodies; i++) {
        onnxrun_body body;
        (void)onnxrun_node_body(graph, node, i, &body, NULL);
        count += picture_shows_body(body.graph) ? count_nodes(body.graph) : 0;
    }
    return count;
}

/* Opens modules by their depth. boxes [tree.count]: those of the nodes and modules right in each. */
static void open_modules(struct picture *picture, const size_t *boxes)
{
    const struct module_tree *tree = &picture->tree;
    size_t depth_count = 0, total = boxes[0];
    for (size_t i = 0; i < tree->count; i++) {
        depth_count =
            tree->modules[i].depth >= depth_count ? tree->modules[i].depth + 1 : depth_count;
    }
    picture->is_open[0] = true;
    for (size_t depth = 1; depth < depth_count; depth++) {
        for (size_t i = 1; i < tree->count; i++) {
            const struct module *module = &tree->modules[i];
            bool fits = total - 1 + boxes[i] <= MAX_BOXES;
            if (module->depth == depth && picture->is_open[module->parent] && fits) {
                picture->is_open[i] = true;
                total = total - 1 + boxes[i];
            }
        }
    }
}

void picture_init(struct picture *picture, const onnxrun_model *model)
{
    onnxrun_graph_info info;
    const onnxrun_graph *graph = onnxrun_model_graph(model);
    onnxrun_graph_get_info(graph, &info);
    *picture = (struct picture){.box_count = 0};
    module_tree_init(&picture->tree);
    module_tree_add(&picture->tree, model);
    module_tree_sum(&picture->tree);
    picture->modules = tool_alloc(info.node_count, sizeof *picture->modules);
    picture->is_open = tool_alloc(picture->tree.count, sizeof *picture->is_open);
    picture->has_nodes = tool_alloc(picture->tree.count, sizeof *picture->has_nodes);
    picture->own_box = tool_alloc(picture->tree.count, sizeof *picture->own_box);
    size_t *boxes = tool_alloc(picture->tree.count, sizeof *boxes);
    for (uint32_t n = 0; n < info.node_count; n++) {
        picture->modules[n] = module_tree_find(&picture->tree, graph, n);
        boxes[picture->modules[n]] += node_boxes(graph, n);
        picture->has_nodes[picture->modules[n]] = true;
    }
    for (size_t i = picture->tree.count; i-- > 1;) {
        size_t parent = picture->tree.modules[i].parent;
        boxes[parent] += picture->has_nodes[i];
        picture->has_nodes[parent] = picture->has_nodes[parent] || picture->has_nodes[i];
    }
    open_modules(picture, boxes);
    for (size_t i = 0; i < picture->tree.count; i++) {
        picture->own_box[i] = PICTURE_NONE;
    }
    free(boxes);
}

void picture_free(struct picture *picture)
{
    module_tree_free(&picture->tree);
    free(picture->modules);
    free(picture->is_open);
    free(picture->has_nodes);
    free(picture->own_box);
    free(picture->ports);
    free(picture->arrows);
}

/* The box of a module that is drawn as one; PICTURE_NONE when it and all around it are open. */
static size_t module_box(struct picture *picture, size_t module)
{
    size_t closed = PICTURE_NONE;
    for (size_t i = module; i != MODULE_NONE; i = picture->tree.modules[i].parent) {
        closed = picture->is_open[i] ? closed : i;
    }
    if (closed == PICTURE_NONE) {
        return PICTURE_NONE;
    }
    if (picture->own_box[closed] == PICTURE_NONE) {
        picture->own_box[closed] = picture->box_count++;
    }
    return picture->own_box[closed];
}

/* ---- boxes and arrows ---- */

static void add_port(struct picture *picture, struct picture_level *level, size_t box,
                     uint32_t value)
{
    size_t index = picture->port_count++;
    if ((index & (index - 1)) == 0) {
        picture->ports =
            tool_resize(picture->ports, index > 0 ? 2 * index : 1, sizeof *picture->ports);
    }
    picture->ports[index] = (struct picture_port){box, level->graph, level->typed, value};
    level->ports[value] = index;
}

/* An arrow from the box that gives the value, if there is one, to this box. */
static void connect(struct picture *picture, const struct picture_level *level, uint32_t value,
                    size_t box)
{
    size_t port = value != ONNXRUN_NO_VALUE ? level->ports[value] : PICTURE_NONE;
    if (port == PICTURE_NONE || picture->ports[port].box == box) {
        return;
    }
    size_t index = picture->arrow_count++;
    if ((index & (index - 1)) == 0) {
        picture->arrows =
            tool_resize(picture->arrows, index > 0 ? 2 * index : 1, sizeof *picture->arrows);
    }
    picture->arrows[index] = (struct picture_arrow){port, box};
}

static int compare_arrow(const void *left, const void *right)
{
    const struct picture_arrow *a = left, *b = right;
    size_t x = a->port != b->port ? a->port : a->box, y = a->port != b->port ? b->port : b->box;
    return x < y ? -1 : x > y;
}

void picture_sort(struct picture *picture)
{
    size_t kept = 0;
    if (picture->arrow_count > 0) {
        qsort(picture->arrows, picture->arrow_count, sizeof *picture->arrows, compare_arrow);
    }
    for (size_t i = 0; i < picture->arrow_count; i++) {
        if (i == 0 || compare_arrow(&picture->arrows[i - 1], &picture->arrows[i]) != 0) {
            picture->arrows[kept++] = picture->arrows[i];
        }
    }
    picture->arrow_count = kept;
}

/* ---- graphs ---- */

bool picture_draws_node(struct picture *picture, const struct picture_level *level, uint32_t node)
{
    return !level->is_main || module_box(picture, picture->modules[node]) == PICTURE_NONE;
}

static void add_nodes(struct picture *picture, struct picture_level *level)
{
    for (uint32_t n = 0; n < level->info.node_count; n++) {
        onnxrun_node node = view_node(level->graph, n);
        level->boxes[n] = picture_draws_node(picture, level, n)
                              ? picture->box_count++
                              : module_box(picture, picture->modules[n]);
        for (uint32_t i = 0; i < node.output_count; i++) {
            if (node.outputs[i] != ONNXRUN_NO_VALUE) {
                add_port(picture, level, level->boxes[n], node.outputs[i]);
            }
        }
    }
}

static void add_arrows(struct picture *picture, const struct picture_level *level)
{
    for (uint32_t n = 0; n < level->info.node_count; n++) {
        onnxrun_node node = view_node(level->graph, n);
        for (uint32_t i = 0; i < node.input_count; i++) {
            connect(picture, level, node.inputs[i], level->boxes[n]);
        }
        for (uint32_t b = 0; b < node.body_count; b++) {
            onnxrun_body body;
            (void)onnxrun_node_body(level->graph, n, b, &body, NULL);
            bool is_hidden =
                !picture_draws_node(picture, level, n) || !picture_shows_body(body.graph);
            for (uint32_t i = 0; is_hidden && i < body.capture_count; i++) {
                connect(picture, level, body.captures[i], level->boxes[n]);
            }
        }
    }
    for (uint32_t i = 0; i < level->info.output_count; i++) {
        connect(picture, level, level->info.outputs[i], level->first_output + i);
    }
}

/* Boxes of inputs, nodes and outputs; ports of captured values are set. */
static void fill(struct picture *picture, struct picture_level *level)
{
    level->first_input = picture->box_count;
    for (uint32_t i = 0; i < level->info.input_count; i++) {
        add_port(picture, level, picture->box_count++, level->info.inputs[i]);
    }
    add_nodes(picture, level);
    level->first_output = picture->box_count;
    picture->box_count += level->info.output_count;
    add_arrows(picture, level);
}

static void open_level(struct picture_level *level, const onnxrun_graph *graph,
                       const onnxrun_graph *typed)
{
    *level = (struct picture_level){.graph = graph, .typed = typed};
    onnxrun_graph_get_info(graph, &level->info);
    level->ports = tool_alloc(level->info.value_count, sizeof *level->ports);
    level->boxes = tool_alloc(level->info.node_count, sizeof *level->boxes);
    for (uint32_t i = 0; i < level->info.value_count; i++) {
        level->ports[i] = PICTURE_NONE;
    }
}

void picture_enter(struct picture *picture, struct picture_level *level, const onnxrun_graph *graph,
                   const onnxrun_graph *typed)
{
    open_level(level, graph, typed);
    level->is_main = true;
    fill(picture, level);
}

/* The node of the typed graph that gives the same values as a node of the level. Inferring types
 * drops nodes, so that they are numbered in another way than values. */
static const onnxrun_graph *typed_body(const struct picture_level *level, const onnxrun_node *node,
                                       uint32_t body)
{
    onnxrun_graph_info info;
    onnxrun_body typed;
    if (level->typed == NULL || node->output_count == 0) {
        return NULL;
    }
    onnxrun_graph_get_info(level->typed, &info);
    for (uint32_t n = 0; n < info.node_count; n++) {
        onnxrun_node other = view_node(level->typed, n);
        if (other.output_count > 0 && other.outputs[0] == node->outputs[0] &&
            onnxrun_node_body(level->typed, n, body, &typed, NULL) == ONNXRUN_OK) {
            return typed.graph;
        }
    }
    return NULL;
}

void picture_enter_body(struct picture *picture, struct picture_level *level,
                        const struct picture_level *around, uint32_t node, uint32_t index)
{
    onnxrun_body body;
    onnxrun_node owner = view_node(around->graph, node);
    (void)onnxrun_node_body(around->graph, node, index, &body, NULL);
    open_level(level, body.graph, typed_body(around, &owner, index));
    for (uint32_t i = 0; i < body.capture_count; i++) {
        level->ports[body.inputs[i]] = around->ports[body.captures[i]];
    }
    fill(picture, level);
}

void picture_leave(struct picture_level *level)
{
    free(level->ports);
    free(level->boxes);
}

void picture_value(const onnxrun_graph *graph, const onnxrun_graph *typed, uint32_t value,
                   onnxrun_value_info *info)
{
    const onnxrun_weight *weight;
    (void)onnxrun_graph_value(graph, value, info, &weight, NULL);
    onnxrun_value_info inferred = *info;
    if (typed != NULL &&
        onnxrun_graph_value(typed, value, &inferred, &weight, NULL) == ONNXRUN_OK &&
        inferred.dtype != ONNXRUN_UNDEFINED) {
        inferred.name = info->name;
        *info = inferred;
    }
}
