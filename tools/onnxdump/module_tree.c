/* SPDX-License-Identifier: Apache-2.0 */
/* From the nodes of a model to its modules. */
#include "onnxdump/module_tree.h"

#include "common/hash.h"
#include "onnxdump/views.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH       64 /* what lies deeper belongs to the module at this depth */
#define SHARED_ELEMENTS 64 /* a smaller weight that modules share gets no line of its own */

/* ---- modules by name ---- */

static struct module_slot *find_slot(const struct module_tree *tree, uint64_t hash, size_t parent,
                                     const char *name, size_t length)
{
    size_t at = (size_t)hash & (tree->slot_count - 1);
    for (;; at = (at + 1) & (tree->slot_count - 1)) {
        struct module_slot *slot = &tree->slots[at];
        if (slot->module == MODULE_NONE) {
            return slot;
        }
        const struct module *module = &tree->modules[slot->module];
        if (slot->hash == hash && module->parent == parent && strlen(module->name) == length &&
            memcmp(module->name, name, length) == 0) {
            return slot;
        }
    }
}

static void grow_slots(struct module_tree *tree)
{
    struct module_slot *old = tree->slots;
    size_t old_count = tree->slot_count;
    tree->slot_count = old_count != 0 ? 2 * old_count : 64;
    tree->slots = tool_alloc(tree->slot_count, sizeof *tree->slots);
    for (size_t i = 0; i < tree->slot_count; i++) {
        tree->slots[i].module = MODULE_NONE;
    }
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].module != MODULE_NONE) {
            const struct module *module = &tree->modules[old[i].module];
            *find_slot(tree, old[i].hash, module->parent, module->name, strlen(module->name)) =
                old[i];
        }
    }
    free(old);
}

static size_t append(struct module_tree *tree, size_t parent, const char *name, size_t length)
{
    size_t index = tree->count++;
    if ((index & (index - 1)) == 0) {
        tree->modules =
            tool_resize(tree->modules, index > 0 ? 2 * index : 1, sizeof *tree->modules);
    }
    tree->modules[index] = (struct module){.name = tool_printf("%.*s", (int)length, name),
                                           .parent = parent,
                                           .first = MODULE_NONE,
                                           .last = MODULE_NONE,
                                           .next = MODULE_NONE};
    if (parent != MODULE_NONE) {
        struct module *around = &tree->modules[parent];
        tree->modules[index].depth = around->depth + 1;
        if (around->last != MODULE_NONE) {
            tree->modules[around->last].next = index;
        } else {
            around->first = index;
        }
        around->last = index;
    }
    return index;
}

/* The module of this name within parent, which is made when it is new. */
static size_t enter(struct module_tree *tree, size_t parent, const char *name, size_t length)
{
    if (length == 0 || tree->modules[parent].depth >= MAX_DEPTH) {
        return parent;
    }
    uint64_t hash = hash_bytes(hash_number(HASH_SEED, parent), name, length);
    struct module_slot *slot = find_slot(tree, hash, parent, name, length);
    if (slot->module == MODULE_NONE) {
        size_t module = append(tree, parent, name, length);
        *slot = (struct module_slot){module, hash};
        if (tree->count > tree->slot_count / 2) {
            grow_slots(tree);
        }
        return module;
    }
    return slot->module;
}

void module_tree_init(struct module_tree *tree)
{
    *tree = (struct module_tree){.count = 0};
    grow_slots(tree);
    (void)append(tree, MODULE_NONE, "", 0);
}

void module_tree_free(struct module_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->modules[i].name);
        free(tree->modules[i].class_name);
    }
    free(tree->modules);
    free(tree->slots);
}

/* ---- where a node comes from ---- */

static void set_class(struct module *module, const char *text, size_t length)
{
    size_t begin = length;
    while (begin > 0 && text[begin - 1] != '.') {
        begin--;
    }
    if (module->class_name == NULL && begin < length) {
        module->class_name = tool_printf("%.*s", (int)(length - begin), text + begin);
    }
}

/* What PyTorch's exporter gives to nodes of its own, that come from no module. */
static bool is_no_module(const char *name, size_t length)
{
    static const char none[] = "_empty_nn_module_stack_from_metadata_hook";
    return length == sizeof none - 1 && memcmp(name, none, length) == 0;
}

/*
 * ": app.Model/body: m.Bert/body.encoder: m.Encoder/linear: aten.linear.default", each name with
 * that of the module around it in front; the last one is the operator.
 */
static size_t from_namespace(struct module_tree *tree, const char *text)
{
    size_t module = 0, around_length = 0;
    const char *around = "";
    for (const char *slash; (slash = strchr(text, '/')) != NULL; text = slash + 1) {
        size_t length = (size_t)(slash - text), name_length = 0;
        while (name_length < length && strncmp(text + name_length, ": ", 2) != 0) {
            name_length++;
        }
        if (is_no_module(text, name_length)) {
            continue;
        }
        bool is_inside = around_length > 0 && name_length > around_length + 1 &&
                         memcmp(text, around, around_length) == 0 && text[around_length] == '.';
        size_t cut = is_inside ? around_length + 1 : 0;
        module = enter(tree, module, text + cut, name_length - cut);
        if (name_length + 2 < length) {
            set_class(&tree->modules[module], text + name_length + 2, length - name_length - 2);
        }
        around = text;
        around_length = name_length;
    }
    return module;
}

/* "/encoder/layer.0/MatMul" */
static size_t from_path(struct module_tree *tree, const char *name)
{
    size_t module = 0;
    for (const char *slash; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        module = enter(tree, module, name, (size_t)(slash - name));
    }
    return module;
}

/* "encoder.layer.0.weight": numbers stay with the name before them. */
static size_t from_weight(struct module_tree *tree, const char *name)
{
    size_t module = 0;
    for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
        size_t digits = strspn(dot + 1, "0123456789");
        if (digits > 0 && dot[1 + digits] == '.') {
            dot += 1 + digits;
        }
        module = enter(tree, module, name, (size_t)(dot - name));
    }
    return module;
}

size_t module_tree_find(struct module_tree *tree, const onnxrun_graph *graph, uint32_t node)
{
    onnxrun_node info = view_node(graph, node);
    for (uint32_t i = 0; i < info.metadata_count; i++) {
        const char *key, *value;
        (void)onnxrun_node_metadata(graph, node, i, &key, &value, NULL);
        if (strcmp(key, "namespace") == 0) {
            return from_namespace(tree, value);
        }
    }
    if (strchr(info.name, '/') != NULL) {
        return from_path(tree, info.name);
    }
    for (uint32_t i = 0; i < info.input_count; i++) {
        if (view_weight(graph, info.inputs[i]) != NULL) {
            const char *name = view_value_name(graph, info.inputs[i]);
            if (strchr(name, '.') != NULL) {
                return from_weight(tree, name);
            }
        }
    }
    return 0;
}

/* ---- what belongs to a module ---- */

/* Scalars are constants of formulas, integers of more than 8 bits are indices and shapes. */
static bool is_parameter(const onnxrun_weight_info *info)
{
    switch (info->dtype) {
    case ONNXRUN_UINT16:
    case ONNXRUN_INT16:
    case ONNXRUN_INT32:
    case ONNXRUN_INT64:
    case ONNXRUN_UINT32:
    case ONNXRUN_UINT64:
    case ONNXRUN_STRING:
    case ONNXRUN_BOOL:
        return false;
    default:
        return info->rank > 0;
    }
}

/* A weight and a module that reads it. */
struct weight_use {
    const onnxrun_weight *weight;
    size_t module;
    size_t order;
};

struct weight_uses {
    struct weight_use *items;
    size_t count;
};

static void note_use(struct weight_uses *uses, const onnxrun_weight *weight, size_t module)
{
    size_t index = uses->count++;
    if ((index & (index - 1)) == 0) {
        uses->items = tool_resize(uses->items, index > 0 ? 2 * index : 1, sizeof *uses->items);
    }
    uses->items[index] = (struct weight_use){weight, module, index};
}

/* Goes as deep as bodies nest, which the library limits. */
static void add_graph(struct module_tree *tree, const onnxrun_graph *graph,
                      struct weight_uses *uses)
{
    onnxrun_graph_info info;
    onnxrun_graph_get_info(graph, &info);
    for (uint32_t n = 0; n < info.node_count; n++) {
        onnxrun_node node = view_node(graph, n);
        size_t module = module_tree_find(tree, graph, n);
        tree->modules[module].nodes++;
        for (uint32_t i = 0; i < node.input_count; i++) {
            const onnxrun_weight *weight = view_weight(graph, node.inputs[i]);
            if (weight != NULL) {
                note_use(uses, weight, module);
            }
        }
        for (uint32_t i = 0; i < node.body_count; i++) {
            onnxrun_body body;
            (void)onnxrun_node_body(graph, n, i, &body, NULL);
            add_graph(tree, body.graph, uses);
        }
    }
}

/* The innermost module that both are in. */
static size_t common_module(const struct module_tree *tree, size_t a, size_t b)
{
    while (a != b) {
        /* A module is behind its parent. */
        size_t *inner = a > b ? &a : &b;
        *inner = tree->modules[*inner].parent;
    }
    return a;
}

static void add_weight(struct module_tree *tree, const onnxrun_model *model,
                       const onnxrun_weight *weight, size_t module, bool is_shared)
{
    onnxrun_weight_info info;
    onnxrun_weight_get_info(model, weight, &info);
    if (is_shared && info.count >= SHARED_ELEMENTS) {
        module = enter(tree, module, "(shared)", strlen("(shared)"));
    }
    tree->modules[module].parameters += is_parameter(&info) ? info.count : 0;
    tree->modules[module].bytes += info.bytes;
}

static int compare_use(const void *left, const void *right)
{
    const struct weight_use *a = left, *b = right;
    uintptr_t x = (uintptr_t)a->weight, y = (uintptr_t)b->weight;
    return x != y ? (x < y ? -1 : 1) : a->order < b->order ? -1 : 1;
}

void module_tree_add(struct module_tree *tree, const onnxrun_model *model)
{
    struct weight_uses uses = {.count = 0};
    add_graph(tree, onnxrun_model_graph(model), &uses);
    if (uses.count > 0) {
        qsort(uses.items, uses.count, sizeof *uses.items, compare_use);
    }
    for (size_t i = 0; i < uses.count;) {
        const onnxrun_weight *weight = uses.items[i].weight;
        size_t module = uses.items[i].module, first = module;
        for (; i < uses.count && uses.items[i].weight == weight; i++) {
            module = common_module(tree, module, uses.items[i].module);
        }
        add_weight(tree, model, weight, module, module != first);
    }
    free(uses.items);
}

void module_tree_sum(struct module_tree *tree)
{
    for (size_t i = tree->count; i-- > 0;) {
        struct module *module = &tree->modules[i];
        const char *class_name = module->class_name != NULL ? module->class_name : "";
        uint64_t likeness = hash_text(module->likeness, class_name);
        likeness = hash_number(likeness, module->parameters);
        module->likeness = hash_number(likeness, module->macs);
        if (module->parent != MODULE_NONE) {
            struct module *around = &tree->modules[module->parent];
            around->nodes += module->nodes;
            around->parameters += module->parameters;
            around->bytes += module->bytes;
            around->macs += module->macs;
            around->likeness =
                hash_number(hash_text(around->likeness, module->name), module->likeness);
        }
    }
}
