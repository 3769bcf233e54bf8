/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Common subexpressions: of several nodes with the same operator, attributes and inputs the first
 * one computes for all. Small constants with the same contents count as the same input. Nodes and
 * constants are found in hash tables, whose key a file cannot know.
 */
#include "base/os.h"
#include "graph/op_def.h"
#include "graph/passes/replace.h"

#include <string.h>

/* Larger constants are compared by identity: what nodes share are numbers, axes and shapes. */
#define MAX_COMPARED_BYTES ((size_t)256)

/* Lists of items (nodes or constants) by hash. */
struct table {
    uint64_t key;
    uint32_t *heads;   /* [capacity] the newest item with this hash, or ONR_NO_VALUE */
    uint32_t *next;    /* [capacity] by item: the one before it */
    uint32_t capacity; /* a power of two, at least the number of items */
};

static bool table_begin(struct table *table, uint32_t count, struct onr_mem *mem)
{
    *table = (struct table){.key = onr_os_random_key(), .capacity = 16};
    while (table->capacity < count) {
        table->capacity *= 2;
    }
    size_t bytes = 2 * (size_t)table->capacity * sizeof *table->heads;
    table->heads = onr_mem_alloc(mem, bytes);
    if (table->heads != NULL) {
        memset(table->heads, 0xff, bytes);
        table->next = table->heads + table->capacity;
    }
    return table->heads != NULL;
}

static void table_end(struct table *table, struct onr_mem *mem)
{
    onr_mem_free(mem, table->heads, 2 * (size_t)table->capacity * sizeof *table->heads);
}

static void table_add(struct table *table, uint32_t *head, uint32_t item)
{
    table->next[item] = *head;
    *head = item;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}

static uint64_t mix_bytes(uint64_t hash, const void *data, size_t bytes)
{
    const char *at = data;
    for (; bytes > 0; at += sizeof hash) {
        uint64_t word = 0;
        size_t part = bytes < sizeof word ? bytes : sizeof word;
        memcpy(&word, at, part);
        hash = mix(hash, word ^ (uint64_t)part << 56);
        bytes -= part;
    }
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return mix_bytes(hash, text, strlen(text));
}

/* ---- constants ---- */

/* Bytes of a constant that can be compared; 0 for other values. */
static size_t compared_bytes(const struct onr_value *value)
{
    size_t bytes = 0;
    bool is_known = value->constant != NULL && !value->is_input && value->fold == NULL &&
                    value->fact.data != NULL && value->fact.dtype != ONR_STRING &&
                    onr_shape_bytes(&value->fact.shape, value->fact.dtype, &bytes);
    return is_known && bytes <= MAX_COMPARED_BYTES ? bytes : 0;
}

/* Has the first of equal constants stand for all. */
static void merge_constants(const struct onr_graph *graph, struct table *table, uint32_t *same)
{
    for (uint32_t i = 0; i < graph->value_count; i++) {
        const struct onr_fact *fact = &graph->values[i].fact;
        size_t bytes = compared_bytes(&graph->values[i]);
        if (bytes == 0) {
            continue;
        }
        uint64_t hash = mix_bytes(mix(table->key, (uint64_t)fact->dtype), fact->data, bytes);
        uint32_t *head = &table->heads[hash & (table->capacity - 1)];
        uint32_t found = *head;
        while (found != ONR_NO_VALUE &&
               (graph->values[found].fact.dtype != fact->dtype ||
                !onr_shape_equal(&graph->values[found].fact.shape, &fact->shape) ||
                memcmp(graph->values[found].fact.data, fact->data, bytes) != 0)) {
            found = table->next[found];
        }
        if (found != ONR_NO_VALUE) {
            same[i] = found;
        } else {
            table_add(table, head, i);
        }
    }
}

/* ---- attributes ---- */

static bool is_same_string(struct onr_string a, struct onr_string b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static bool is_same_tensor(const struct onr_constant *a, const struct onr_constant *b)
{
    return a->dtype == b->dtype && a->dtype != ONR_STRING && a->bytes <= MAX_COMPARED_BYTES &&
           onr_shape_equal(&a->shape, &b->shape) && a->bytes == b->bytes &&
           (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

static bool is_same_string_list(const struct onr_attr *a, const struct onr_attr *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!is_same_string(a->as.strings[i], b->as.strings[i])) {
            return false;
        }
    }
    return true;
}

/* Bytes of an attribute that is numbers, and where they are; NULL for other kinds. */
static const void *attr_numbers(const struct onr_attr *attr, size_t *bytes)
{
    switch (attr->kind) {
    case ONR_ATTR_FLOAT:
        *bytes = sizeof attr->as.f;
        return &attr->as.f;
    case ONR_ATTR_INT:
        *bytes = sizeof attr->as.i;
        return &attr->as.i;
    case ONR_ATTR_FLOATS:
        *bytes = attr->count * sizeof *attr->as.floats;
        return attr->as.floats;
    case ONR_ATTR_INTS:
        *bytes = attr->count * sizeof *attr->as.ints;
        return attr->as.ints;
    default:
        return NULL;
    }
}

static bool is_same_attr(const struct onr_attr *a, const struct onr_attr *b)
{
    if (a->kind != b->kind || a->count != b->count) {
        return false;
    }
    size_t bytes = 0;
    const void *numbers = attr_numbers(a, &bytes);
    switch (a->kind) {
    case ONR_ATTR_STRING:
        return is_same_string(a->as.s, b->as.s);
    case ONR_ATTR_STRINGS:
        return is_same_string_list(a, b);
    case ONR_ATTR_TENSOR:
        return is_same_tensor(a->as.tensor, b->as.tensor);
    case ONR_ATTR_FLOATS:
    case ONR_ATTR_INTS:
        return a->count == 0 || memcmp(numbers, attr_numbers(b, &bytes), bytes) == 0;
    default: /* graphs and types are never the same */
        return numbers != NULL && memcmp(numbers, attr_numbers(b, &bytes), bytes) == 0;
    }
}

/* Takes in all that is_same_attr compares: nodes that differ in it alone have different hashes. */
static uint64_t hash_attr(uint64_t key, const struct onr_attr *attr)
{
    uint64_t hash = mix(mix_text(key, attr->name), attr->count);
    size_t bytes = 0;
    const void *numbers = attr_numbers(attr, &bytes);
    if (numbers != NULL) {
        hash = mix_bytes(hash, numbers, bytes);
    } else if (attr->kind == ONR_ATTR_STRING) {
        hash = mix_bytes(hash, attr->as.s.data, attr->as.s.length);
    } else if (attr->kind == ONR_ATTR_STRINGS) {
        for (size_t i = 0; i < attr->count; i++) {
            struct onr_string item = attr->as.strings[i];
            hash = mix_bytes(mix(hash, item.length), item.data, item.length);
        }
    } else if (attr->kind == ONR_ATTR_TENSOR && attr->as.tensor->dtype != ONR_STRING &&
               attr->as.tensor->bytes <= MAX_COMPARED_BYTES) {
        hash = mix_bytes(hash, attr->as.tensor->data, attr->as.tensor->bytes);
    }
    return hash;
}

/* ---- nodes ---- */

/* True for a node whose outputs follow from what is compared. */
static bool is_comparable(const struct onr_node *node)
{
    if (node->is_dead || node->body_count > 0 ||
        (node->op->traits & (ONR_TRAIT_IMPURE | ONR_TRAIT_BODIES)) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (!is_same_attr(&node->attrs[i], &node->attrs[i])) {
            return false;
        }
    }
    return true;
}

/* Attributes count in any order. */
static uint64_t hash_node(uint64_t key, const struct onr_node *node)
{
    uint64_t hash = mix(mix_text(key, node->op_type), (uint64_t)node->version);
    hash = mix_bytes(hash, node->inputs, node->input_count * sizeof *node->inputs);
    for (uint32_t i = 0; i < node->output_count; i++) {
        hash = mix(hash, node->outputs[i] != ONR_NO_VALUE);
    }
    uint64_t attrs = 0;
    for (uint32_t i = 0; i < node->attr_count; i++) {
        attrs += hash_attr(key, &node->attrs[i]);
    }
    return mix(hash, attrs);
}

/* True when the nodes compute the same; which of their outputs are wanted is part of it. */
static bool is_same_node(const struct onr_node *a, const struct onr_node *b)
{
    if (a->op != b->op || a->version != b->version || a->input_count != b->input_count ||
        a->output_count != b->output_count || a->attr_count != b->attr_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->input_count; i++) {
        if (a->inputs[i] != b->inputs[i]) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->output_count; i++) {
        if ((a->outputs[i] == ONR_NO_VALUE) != (b->outputs[i] == ONR_NO_VALUE)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->attr_count; i++) {
        const struct onr_attr *attr = onr_node_attr(b, a->attrs[i].name);
        if (attr == NULL || !is_same_attr(attr, &a->attrs[i])) {
            return false;
        }
    }
    return true;
}

static void merge_node(const struct onr_graph *graph, struct table *table, uint32_t n,
                       uint32_t *same)
{
    struct onr_node *node = &graph->nodes[n];
    onr_same_inputs(same, node);
    if (!is_comparable(node)) {
        return;
    }
    uint32_t *head = &table->heads[hash_node(table->key, node) & (table->capacity - 1)];
    uint32_t found = *head;
    while (found != ONR_NO_VALUE && !is_same_node(&graph->nodes[found], node)) {
        found = table->next[found];
    }
    if (found == ONR_NO_VALUE) {
        table_add(table, head, n);
        return;
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            same[node->outputs[i]] = graph->nodes[found].outputs[i];
        }
    }
    node->is_dead = true;
}

enum onr_status onr_pass_common_subexpressions(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    struct onr_mem *mem = ctx->eval->mem;
    struct table constants = {0};
    struct table nodes = {0};
    uint32_t *same = onr_same_begin(graph, ctx);
    bool is_ready = same != NULL && table_begin(&constants, graph->value_count, mem) &&
                    table_begin(&nodes, graph->node_count, mem);
    if (is_ready) {
        merge_constants(graph, &constants, same);
        for (uint32_t n = 0; n < graph->node_count; n++) {
            merge_node(graph, &nodes, n, same);
        }
    }
    table_end(&nodes, mem);
    table_end(&constants, mem);
    if (same != NULL) {
        onr_same_end(graph, same, ctx);
    }
    return is_ready ? onr_pass_bodies(graph, onr_pass_common_subexpressions, ctx)
                    : onr_fail_memory(ctx->err, "tables of the pass common_subexpressions");
}
