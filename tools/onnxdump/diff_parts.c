/* SPDX-License-Identifier: Apache-2.0 */
/* What differs in weights and nodes. */
#include "common/element.h"
#include "common/escape.h"
#include "onnxdump/diff.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights ---- */

static char *weight_text(const struct diff_side *side, const struct diff_value *value)
{
    struct text text;
    onnxrun_weight_info info;
    onnxrun_weight_get_info(side->model, value->weight, &info);
    text_begin(&text);
    view_print_weight_type(text.out, &info);
    return text_end(&text);
}

static bool has_same_type(const onnxrun_weight_info *a, const onnxrun_weight_info *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           (a->rank == 0 || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0);
}

/* How far two weights of one type lie apart. */
struct distance {
    size_t differing; /* elements */
    double largest;   /* of the differences between numbers */
};

static void add_element(struct distance *distance, onnxrun_dtype dtype, const void *a,
                        const void *b, size_t index)
{
    struct number x = element_get(dtype, a, index), y = element_get(dtype, b, index);
    double from = number_real(&x), to = number_real(&y), difference = fabs(from - to);
    if (element_is_complex(dtype)) {
        difference = complex_length(difference, x.imaginary - y.imaginary);
    }
    if (isnan(difference)) {
        difference = isnan(from) && isnan(to) ? 0 : HUGE_VAL;
    }
    distance->differing++;
    distance->largest = difference > distance->largest ? difference : distance->largest;
}

/* Of other types than strings. */
static struct distance weight_distance(const onnxrun_weight *a, const onnxrun_weight *b,
                                       const onnxrun_weight_info *info)
{
    struct distance distance = {.differing = 0};
    size_t size = onnxrun_dtype_size(info->dtype);
    char *x = tool_alloc(VIEW_PIECE_ELEMENTS, size), *y = tool_alloc(VIEW_PIECE_ELEMENTS, size);
    for (size_t begin = 0; begin < info->count; begin += VIEW_PIECE_ELEMENTS) {
        size_t count = view_piece(info->count, begin);
        (void)onnxrun_weight_read(a, begin, count, x, NULL);
        (void)onnxrun_weight_read(b, begin, count, y, NULL);
        for (size_t i = 0; i < count; i++) {
            if (memcmp(x + i * size, y + i * size, size) != 0) {
                add_element(&distance, info->dtype, x, y, i);
            }
        }
    }
    free(x);
    free(y);
    return distance;
}

/* "float[2]: 1 of 2 elements, by up to 0.5" or "float[2] -> float[3]" */
static char *weight_change(const struct diff_side *a, const onnxrun_weight *from,
                           const struct diff_side *b, const onnxrun_weight *to)
{
    struct text text;
    onnxrun_weight_info info, other;
    char number[VIEW_NUMBER_BYTES], all[VIEW_NUMBER_BYTES];
    onnxrun_weight_get_info(a->model, from, &info);
    onnxrun_weight_get_info(b->model, to, &other);
    text_begin(&text);
    view_print_weight_type(text.out, &info);
    if (!has_same_type(&info, &other)) {
        fputs(" -> ", text.out);
        view_print_weight_type(text.out, &other);
    } else if (info.dtype == ONNXRUN_STRING) {
        fputs(": other strings", text.out);
    } else {
        struct distance distance = weight_distance(from, to, &info);
        fprintf(text.out, ": %s of %s elements, by up to %.6g",
                view_count(distance.differing, number), view_count(info.count, all),
                distance.largest);
    }
    return text_end(&text);
}

void diff_list_weights(struct diff_changes *changes, const struct diff_side *a,
                       const struct diff_side *b)
{
    for (uint32_t i = 0; i < a->info.value_count; i++) {
        const struct diff_value *value = &a->values[i];
        const struct diff_value *other =
            value->other != DIFF_NONE ? &b->values[value->other] : NULL;
        if (!value->is_weight) {
            continue;
        }
        if (other == NULL || other->weight == NULL) {
            diff_add(changes, DIFF_WEIGHTS, '-', "weight", value->name, weight_text(a, value),
                     NULL);
        } else if (value->content != other->content) {
            diff_add(changes, DIFF_WEIGHTS, '!', "weight", value->name,
                     weight_change(a, value->weight, b, other->weight), NULL);
        } else {
            changes->equal_weights++;
            changes->renamed_weights += strcmp(value->name, other->name) != 0;
        }
    }
    for (uint32_t i = 0; i < b->info.value_count; i++) {
        const struct diff_value *value = &b->values[i];
        if (value->is_weight &&
            (value->other == DIFF_NONE || a->values[value->other].weight == NULL)) {
            diff_add(changes, DIFF_WEIGHTS, '+', "weight", value->name, weight_text(b, value),
                     NULL);
        }
    }
}

/* ---- nodes ---- */

static void list_bodies(struct diff_changes *changes, const struct diff_side *a, uint32_t x,
                        const struct diff_side *b, uint32_t y, struct module_tree *tree);

/* "encoder/layer.0": where a node comes from; "" when nothing tells. */
static char *module_path(struct module_tree *tree, const struct diff_side *side, uint32_t node)
{
    char *path = tool_printf("%s", "");
    for (size_t i = module_tree_find(tree, side->graph, node); i != 0;
         i = tree->modules[i].parent) {
        char *inner = path;
        path = tool_printf("%s%s%s", tree->modules[i].name, inner[0] != '\0' ? "/" : "", inner);
        free(inner);
    }
    return path;
}

static char *full_type(const onnxrun_node *node)
{
    return tool_printf("%s%s%s", node->domain, node->domain[0] != '\0' ? "." : "", node->op_type);
}

static void add_node(struct diff_changes *changes, char sign, const struct diff_side *side,
                     uint32_t node, struct module_tree *tree, char *detail)
{
    char *type = full_type(&side->nodes[node].info);
    diff_add(changes, DIFF_NODES, sign, type, diff_node_label(side, node), detail,
             module_path(tree, side, node));
    free(type);
}

static void print_value(FILE *out, const struct diff_side *side, uint32_t value)
{
    if (value == ONNXRUN_NO_VALUE) {
        fputs("none", out);
    } else {
        uint32_t producer = side->values[value].producer;
        fputc('"', out);
        escape_name(out, side->values[value].name);
        fputc('"', out);
        if (producer != DIFF_NONE) {
            fputs(" of ", out);
            escape_name(out, side->nodes[producer].info.op_type);
        }
    }
}

/* How a node changed, but for what its bodies compute; NULL when it did not. */
static char *node_change(const struct diff_side *a, uint32_t x, const struct diff_side *b,
                         uint32_t y)
{
    const struct diff_node *from = &a->nodes[x], *to = &b->nodes[y];
    struct text text;
    text_begin(&text);
    const char *separator = diff_print_attributes(text.out, a, x, b, y);
    uint32_t from_count = from->info.input_count, to_count = to->info.input_count;
    for (uint32_t i = 0; i < from_count || i < to_count; i++) {
        uint32_t v = i < from_count ? from->inputs[i] : ONNXRUN_NO_VALUE;
        uint32_t w = i < to_count ? to->inputs[i] : ONNXRUN_NO_VALUE;
        if (!diff_is_same(a, v, b, w)) {
            fprintf(text.out, "%sinput %" PRIu32 ": ", separator, i);
            print_value(text.out, a, v);
            fputs(" -> ", text.out);
            print_value(text.out, b, w);
            separator = "; ";
        }
    }
    char *change = text_end(&text);
    if (separator[0] == '\0') {
        free(change);
        return NULL;
    }
    return change;
}

/* A Constant node whose tensor is a weight in the other model, or the other way round. */
static bool is_moved(const struct diff_side *side, const struct diff_side *other, uint32_t node)
{
    const onnxrun_node *info = &side->nodes[node].info;
    uint32_t value = info->output_count == 1 ? info->outputs[0] : ONNXRUN_NO_VALUE;
    return value != ONNXRUN_NO_VALUE && side->values[value].weight != NULL &&
           side->values[value].other != DIFF_NONE &&
           other->values[side->values[value].other].is_weight;
}

static void list_pair(struct diff_changes *changes, const struct diff_side *a, uint32_t x,
                      const struct diff_side *b, uint32_t y, struct module_tree *tree)
{
    char *change = node_change(a, x, b, y);
    if (change != NULL) {
        add_node(changes, '!', a, x, tree, change);
    } else {
        changes->equal_nodes++;
        changes->renamed_nodes += strcmp(diff_node_label(a, x), diff_node_label(b, y)) != 0;
    }
    list_bodies(changes, a, x, b, y, tree);
}

static void list_first(struct diff_changes *changes, const struct diff_side *a,
                       const struct diff_side *b, struct module_tree *tree)
{
    for (uint32_t n = 0; n < a->info.node_count; n++) {
        uint32_t other = a->nodes[n].other;
        if (other == DIFF_NONE && is_moved(a, b, n)) {
            changes->moved_constants++;
        } else if (other == DIFF_NONE) {
            add_node(changes, '-', a, n, tree, NULL);
        } else {
            list_pair(changes, a, n, b, other, tree);
        }
    }
}

/* Outputs of one name that are other values. */
static void list_outputs(struct diff_changes *changes, const struct diff_side *a,
                         const struct diff_side *b)
{
    for (uint32_t i = 0; i < a->info.output_count; i++) {
        for (uint32_t j = 0; j < b->info.output_count; j++) {
            if (!diff_is_one_output(a, i, b, j) ||
                diff_is_same(a, a->info.outputs[i], b, b->info.outputs[j])) {
                continue;
            }
            struct text text;
            text_begin(&text);
            print_value(text.out, a, a->info.outputs[i]);
            fputs(" -> ", text.out);
            print_value(text.out, b, b->info.outputs[j]);
            diff_add(changes, DIFF_NODES, '!', "output", a->info.output_names[i], text_end(&text),
                     tool_printf("%s", ""));
        }
    }
}

static void list_nodes(struct diff_changes *changes, const struct diff_side *a,
                       const struct diff_side *b, struct module_tree *tree)
{
    list_first(changes, a, b, tree);
    for (uint32_t n = 0; n < b->info.node_count; n++) {
        if (b->nodes[n].other == DIFF_NONE && is_moved(b, a, n)) {
            changes->moved_constants++;
        } else if (b->nodes[n].other == DIFF_NONE) {
            add_node(changes, '+', b, n, tree, NULL);
        }
    }
    list_outputs(changes, a, b);
}

/* ---- bodies ---- */

/* The numbers of inputs and outputs. */
static void list_ends(struct diff_changes *changes, const struct diff_side *a,
                      const struct diff_side *b)
{
    if (a->info.input_count != b->info.input_count) {
        diff_add(changes, DIFF_NODES, '!', "inputs", "",
                 tool_printf("%" PRIu32 " -> %" PRIu32, a->info.input_count, b->info.input_count),
                 tool_printf("%s", ""));
    }
    if (a->info.output_count != b->info.output_count) {
        diff_add(changes, DIFF_NODES, '!', "outputs", "",
                 tool_printf("%" PRIu32 " -> %" PRIu32, a->info.output_count, b->info.output_count),
                 tool_printf("%s", ""));
    }
}

static void list_body(struct diff_changes *changes, const struct diff_body *from,
                      const struct diff_body *to, struct module_tree *tree)
{
    struct diff_side a, b;
    diff_side_open_body(&a, from->outer, &from->info);
    diff_side_open_body(&b, to->outer, &to->info);
    diff_match_bodies(&a, from, &b, to);
    list_ends(changes, &a, &b);
    diff_list_weights(changes, &a, &b);
    list_nodes(changes, &a, &b, tree);
    diff_side_free(&a);
    diff_side_free(&b);
}

/* What differs in the bodies of two nodes that are the same. Goes as deep as bodies nest, which the
 * library limits. */
static void list_bodies(struct diff_changes *changes, const struct diff_side *a, uint32_t x,
                        const struct diff_side *b, uint32_t y, struct module_tree *tree)
{
    const char *around = changes->body;
    for (uint32_t i = 0; i < a->nodes[x].info.body_count; i++) {
        struct diff_body from = {.outer = a}, to;
        (void)onnxrun_node_body(a->graph, x, i, &from.info, NULL);
        if (diff_find_body(b, y, from.info.attribute, &to)) {
            char *path = tool_printf("%s of %s%s%s", from.info.attribute, diff_node_label(a, x),
                                     around != NULL ? " in " : "", around != NULL ? around : "");
            changes->body = path;
            list_body(changes, &from, &to, tree);
            free(path);
        }
    }
    changes->body = around;
}

void diff_list_nodes(struct diff_changes *changes, const struct diff_side *a,
                     const struct diff_side *b)
{
    struct module_tree tree;
    module_tree_init(&tree);
    list_nodes(changes, a, b, &tree);
    module_tree_free(&tree);
}
