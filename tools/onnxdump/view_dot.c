/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph in the language of Graphviz: a box for each node, with its weights, in clusters for
 * modules and bodies; types on the arrows. Modules that are too many to be drawn are one box.
 */
#include "common/escape.h"
#include "common/inputs.h"
#include "common/text.h"
#include "onnxdump/picture.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARROWS 16 /* of one value */

struct drawing {
    const onnxrun_model *model;
    struct picture picture;
    struct picture_level main;
    size_t cluster_count;
};

/* ---- labels ---- */

/* Prints the text as a quoted string. Backslashes are for line breaks and the like there, and what
 * looks like an entity of HTML would be one. */
static void label_end(struct text *label)
{
    char *text = text_end(label);
    fputc('"', stdout);
    for (size_t i = 0; i < label->length; i++) {
        char c = text[i];
        if (c == '\n') {
            fputs("\\n", stdout);
        } else if (c == '&') {
            fputs("&amp;", stdout);
        } else {
            fputs(c == '"' || c == '\\' ? "\\" : "", stdout);
            fputc(c, stdout);
        }
    }
    fputc('"', stdout);
    free(text);
}

/* A string that is one name. */
static void put_name(const char *name)
{
    struct text label;
    text_begin(&label);
    escape_name(label.out, name);
    label_end(&label);
}

/* A line for an input that is a weight. */
static void add_weight(const struct drawing *drawing, FILE *out, const onnxrun_graph *graph,
                       uint32_t value)
{
    onnxrun_weight_info weight;
    onnxrun_weight_get_info(drawing->model, view_weight(graph, value), &weight);
    fputc('\n', out);
    escape_name(out, view_value_name(graph, value));
    fputs(": ", out);
    view_print_weight_type(out, &weight);
}

/* ---- boxes ---- */

static void put_node(const struct drawing *drawing, const struct picture_level *level, uint32_t n)
{
    onnxrun_node node = view_node(level->graph, n);
    struct text label;
    printf("b%zu [label=", level->boxes[n]);
    text_begin(&label);
    escape_name(label.out, node.op_type);
    for (uint32_t i = 0; i < node.input_count; i++) {
        uint32_t value = node.inputs[i];
        if (value != ONNXRUN_NO_VALUE && level->ports[value] == PICTURE_NONE &&
            view_weight(level->graph, value) != NULL) {
            add_weight(drawing, label.out, level->graph, value);
        }
    }
    label_end(&label);
    fputs(", tooltip=", stdout);
    text_begin(&label);
    view_node_label(label.out, level->graph, n);
    label_end(&label);
    puts("];");
}

/* The values of a signature, in boxes with numbers from first on. */
static void put_signature(const struct picture_level *level, const uint32_t *values,
                          const char *const *names, uint32_t count, size_t first)
{
    for (uint32_t i = 0; i < count; i++) {
        onnxrun_value_info info;
        struct text label;
        picture_value(level->graph, level->typed, values[i], &info);
        info.name = names != NULL ? names[i] : info.name;
        printf("b%zu [shape=ellipse, fillcolor=\"#e8f1e4\", label=", first + i);
        text_begin(&label);
        inputs_print_info(label.out, &info);
        label_end(&label);
        puts("];");
    }
}

static void begin_cluster(struct drawing *drawing)
{
    printf("subgraph cluster_%zu {\nlabel=", drawing->cluster_count++);
}

static void put_level(struct drawing *drawing, const struct picture_level *level);

/* Goes as deep as bodies nest, which the library limits. */
static void put_bodies(struct drawing *drawing, const struct picture_level *level, uint32_t n)
{
    uint32_t count = view_node(level->graph, n).body_count;
    for (uint32_t i = 0; i < count; i++) {
        onnxrun_body body;
        struct picture_level inner;
        struct text label;
        (void)onnxrun_node_body(level->graph, n, i, &body, NULL);
        begin_cluster(drawing);
        text_begin(&label);
        escape_name(label.out, body.attribute);
        fputs(" of ", label.out);
        view_node_label(label.out, level->graph, n);
        label_end(&label);
        puts(";\nstyle=dashed;");
        if (picture_shows_body(body.graph)) {
            picture_enter_body(&drawing->picture, &inner, level, n, i);
            put_level(drawing, &inner);
            picture_leave(&inner);
        } else {
            onnxrun_graph_info info;
            onnxrun_graph_get_info(body.graph, &info);
            printf("b%zu [label=\"%" PRIu32 " nodes\", shape=folder];\n",
                   drawing->picture.box_count++, info.node_count);
        }
        puts("}");
    }
}

/* A body with all that is in it. */
static void put_level(struct drawing *drawing, const struct picture_level *level)
{
    put_signature(level, level->info.inputs, NULL, level->info.input_count, level->first_input);
    for (uint32_t n = 0; n < level->info.node_count; n++) {
        put_node(drawing, level, n);
        put_bodies(drawing, level, n);
    }
    put_signature(level, level->info.outputs, level->info.output_names, level->info.output_count,
                  level->first_output);
}

/* ---- modules ---- */

static void add_module_name(FILE *out, const struct module *module)
{
    escape_name(out, module->name);
    if (module->class_name != NULL) {
        fputs(": ", out);
        escape_name(out, module->class_name);
    }
}

static void put_closed(const struct drawing *drawing, size_t index)
{
    const struct module *module = &drawing->picture.tree.modules[index];
    char number[VIEW_NUMBER_BYTES];
    struct text label;
    printf("b%zu [shape=folder, fillcolor=\"#e6ecf7\", label=", drawing->picture.own_box[index]);
    text_begin(&label);
    add_module_name(label.out, module);
    fprintf(label.out, "\n%" PRIu64 " node%s", module->nodes, VIEW_PLURAL(module->nodes));
    if (module->parameters > 0) {
        fprintf(label.out, ", %s parameters", view_scaled(module->parameters, number));
    }
    label_end(&label);
    puts("];");
}

/* What is in an open module. Goes as deep as modules nest, which the tree limits. */
static void put_module(struct drawing *drawing, size_t index)
{
    const struct picture *picture = &drawing->picture;
    for (uint32_t n = 0; n < drawing->main.info.node_count; n++) {
        if (picture->modules[n] == index) {
            put_node(drawing, &drawing->main, n);
            put_bodies(drawing, &drawing->main, n);
        }
    }
    for (size_t i = picture->tree.modules[index].first; i != MODULE_NONE;
         i = picture->tree.modules[i].next) {
        struct text label;
        if (picture->own_box[i] != PICTURE_NONE) {
            put_closed(drawing, i);
        }
        if (!picture->is_open[i] || !picture->has_nodes[i]) {
            continue;
        }
        begin_cluster(drawing);
        text_begin(&label);
        add_module_name(label.out, &picture->tree.modules[i]);
        label_end(&label);
        puts(";");
        put_module(drawing, i);
        puts("}");
    }
}

/* ---- the graph ---- */

/* "name: type" of the value that a port gives. */
static void put_value(const struct picture_port *port)
{
    onnxrun_value_info info;
    struct text label;
    picture_value(port->graph, port->typed, port->value, &info);
    text_begin(&label);
    inputs_print_info(label.out, &info);
    label_end(&label);
}

static void put_arrow(const struct picture_port *port, size_t box)
{
    onnxrun_value_info info;
    struct text label;
    picture_value(port->graph, port->typed, port->value, &info);
    printf("b%zu -> b%zu [tooltip=", port->box, box);
    put_name(info.name);
    if (info.dtype != ONNXRUN_UNDEFINED) {
        fputs(", label=", stdout);
        text_begin(&label);
        inputs_print_type(label.out, &info);
        label_end(&label);
    }
    puts("];");
}

/* A value that goes to many boxes is named beside each: arrows across all of the graph hide it, and
 * Graphviz takes minutes for them. */
static void put_arrows(struct picture *picture)
{
    size_t end;
    picture_sort(picture);
    for (size_t i = 0; i < picture->arrow_count; i = end) {
        size_t index = picture->arrows[i].port;
        const struct picture_port *port = &picture->ports[index];
        for (end = i; end < picture->arrow_count && picture->arrows[end].port == index;) {
            end++;
        }
        for (size_t k = i; k < end; k++) {
            if (end - i <= MAX_ARROWS) {
                put_arrow(port, picture->arrows[k].box);
            } else {
                printf("b%zu [shape=plaintext, style=\"\", label=", picture->box_count);
                put_value(port);
                printf("];\nb%zu -> b%zu [style=dashed];\n", picture->box_count++,
                       picture->arrows[k].box);
            }
        }
    }
}

static void put_graph(struct drawing *drawing, const onnxrun_graph *typed)
{
    const struct picture_level *level = &drawing->main;
    picture_init(&drawing->picture, drawing->model);
    picture_enter(&drawing->picture, &drawing->main, onnxrun_model_graph(drawing->model), typed);
    fputs("digraph ", stdout);
    put_name(level->info.name);
    puts(" {\n"
         "graph [fontname=\"Helvetica\", fontsize=11, color=\"#8899bb\", style=rounded];\n"
         "node [fontname=\"Helvetica\", fontsize=11, shape=box, style=filled, "
         "fillcolor=\"#ffffff\"];\n"
         "edge [fontname=\"Helvetica\", fontsize=9];");
    put_signature(level, level->info.inputs, NULL, level->info.input_count, level->first_input);
    put_module(drawing, 0);
    put_signature(level, level->info.outputs, level->info.output_names, level->info.output_count,
                  level->first_output);
    put_arrows(&drawing->picture);
    puts("}");
    picture_leave(&drawing->main);
    picture_free(&drawing->picture);
}

int view_dot(const struct view_options *options, onnxrun_stage stage)
{
    onnxrun_error error;
    onnxrun_model *model, *typed = NULL;
    if (stage != ONNXRUN_STAGE_MODEL && stage != ONNXRUN_STAGE_GRAPH) {
        return tool_usage_error("onnxdump", "--dot draws the stages model and graph");
    }
    if (view_open(options, NULL, stage, &model, &error) != ONNXRUN_OK) {
        return tool_report(&error);
    }
    if (stage == ONNXRUN_STAGE_MODEL) {
        /* A model whose types are wrong is drawn without them. */
        (void)view_open(options, NULL, ONNXRUN_STAGE_TYPES, &typed, &error);
    }
    struct drawing drawing = {.model = model};
    put_graph(&drawing, typed != NULL ? onnxrun_model_graph(typed) : NULL);
    onnxrun_model_free(typed);
    onnxrun_model_free(model);
    return EXIT_CODE_OK;
}
