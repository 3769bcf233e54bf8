/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a printed graph: the file, its signature, counts of operators and weights by type. */
#include "graph/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *domain_text(const char *domain)
{
    return domain[0] == '\0' ? "ai.onnx" : domain;
}

/* ---- the file ---- */

static void print_producer(struct onr_text *text, const struct onr_model_info *info)
{
    onr_text_add(text, "  IR version %" PRId64, info->ir_version);
    if (info->producer_name != NULL && info->producer_name[0] != '\0') {
        onr_text_add(text, ", made by ");
        onr_text_add_name(text, info->producer_name);
        if (info->producer_version != NULL && info->producer_version[0] != '\0') {
            onr_text_add(text, " ");
            onr_text_add_name(text, info->producer_version);
        }
    }
    if (info->domain != NULL && info->domain[0] != '\0') {
        onr_text_add(text, ", domain ");
        onr_text_add_name(text, info->domain);
    }
    if (info->model_version != 0) {
        onr_text_add(text, ", model version %" PRId64, info->model_version);
    }
    onr_text_add(text, "\n");
}

static void print_info(struct onr_text *text, const struct onr_model_info *info)
{
    print_producer(text, info);
    onr_text_add(text, "  operator sets: ");
    for (uint32_t i = 0; i < info->opset_count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        onr_text_add_name(text, domain_text(info->opsets[i].domain));
        onr_text_add(text, " %" PRId64, info->opsets[i].version);
    }
    onr_text_add(text, "\n");
    for (uint32_t i = 0; i < info->metadata_count; i++) {
        onr_text_add(text, "  metadata: ");
        onr_text_add_name(text, info->metadata[i].key);
        onr_text_add(text, " = ");
        onr_text_add_name(text, info->metadata[i].value);
        onr_text_add(text, "\n");
    }
    for (uint32_t i = 0; i < info->function_count; i++) {
        onr_text_add(text, "  function: ");
        onr_text_add_name(text, domain_text(info->functions[i].domain));
        onr_text_add(text, ".");
        onr_text_add_name(text, info->functions[i].name);
        onr_text_add(text, ", %" PRIu32 " nodes\n", info->functions[i].node_count);
    }
}

static void print_typed(struct onr_text *text, const struct onr_graph *graph, const char *name,
                        uint32_t id)
{
    onr_text_add(text, "    ");
    onr_text_add_name(text, name);
    onr_text_add(text, ": ");
    onr_print_fact(text, graph, &graph->values[id].fact);
    onr_text_add(text, "%s\n",
                 graph->values[id].is_input && graph->values[id].constant != NULL
                     ? "  (has a default)"
                     : "");
}

static void print_signature(struct onr_text *text, const struct onr_graph *graph)
{
    onr_text_add(text, "\ninputs\n");
    for (uint32_t i = 0; i < graph->input_count; i++) {
        print_typed(text, graph, graph->values[graph->inputs[i]].name, graph->inputs[i]);
    }
    onr_text_add(text, "\noutputs\n");
    for (uint32_t i = 0; i < graph->output_count; i++) {
        print_typed(text, graph, graph->output_names[i], graph->outputs[i]);
    }
}

/* ---- counts of operators ---- */

struct op_count {
    const char *domain;
    const char *op_type;
    uint32_t count;
};

static int compare_name(const void *left, const void *right)
{
    const struct op_count *a = left, *b = right;
    int order = strcmp(a->domain, b->domain);
    return order != 0 ? order : strcmp(a->op_type, b->op_type);
}

static int compare_count(const void *left, const void *right)
{
    const struct op_count *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : compare_name(left, right);
}

/* Fills counts with one entry per kind of operator, most frequent first; returns their number. */
static size_t gather_counts(const struct onr_graph *graph, struct op_count *counts)
{
    struct onr_walk walk;
    size_t total = 0, kinds = 0;
    onr_walk_begin(&walk, graph);
    for (enum onr_walk_event event; (event = onr_walk_next(&walk)) != ONR_WALK_DONE;) {
        if (event == ONR_WALK_NODE) {
            counts[total++] = (struct op_count){walk.node->domain, walk.node->op_type, 1};
        }
    }
    qsort(counts, total, sizeof *counts, compare_name);
    for (size_t i = 0; i < total; i++) {
        if (kinds > 0 && compare_name(&counts[kinds - 1], &counts[i]) == 0) {
            counts[kinds - 1].count++;
        } else {
            counts[kinds++] = counts[i];
        }
    }
    qsort(counts, kinds, sizeof *counts, compare_count);
    return kinds;
}

static void print_op_counts(struct onr_text *text, const struct onr_graph *graph)
{
    size_t total = onr_graph_count_nodes(graph);
    onr_text_add(text, "\noperators: ");
    onr_print_count(text, total);
    onr_text_add(text, " nodes\n");
    if (total == 0) {
        return;
    }
    struct op_count *counts = onr_mem_alloc(text->mem, total * sizeof *counts);
    if (counts == NULL) {
        text->has_failed = true;
        return;
    }
    size_t kinds = gather_counts(graph, counts);
    for (size_t i = 0; i < kinds; i++) {
        onr_text_add(text, "  %6" PRIu32 "  ", counts[i].count);
        if (counts[i].domain[0] != '\0') {
            onr_text_add_name(text, counts[i].domain);
            onr_text_add(text, ".");
        }
        onr_text_add_name(text, counts[i].op_type);
        onr_text_add(text, "\n");
    }
    onr_mem_free(text->mem, counts, total * sizeof *counts);
}

/* ---- weights ---- */

struct weight_sum {
    uint64_t tensors;
    uint64_t elements;
    uint64_t bytes;
};

static void add_weights(const struct onr_graph *graph, struct weight_sum sums[ONR_DTYPE_COUNT])
{
    for (uint32_t i = 0; i < graph->value_count; i++) {
        const struct onr_constant *constant = graph->values[i].constant;
        if (constant != NULL) {
            struct weight_sum *sum = &sums[constant->dtype];
            sum->tensors++;
            sum->elements += (uint64_t)onr_constant_count(constant);
            sum->bytes += constant->bytes;
        }
    }
}

static void print_weights(struct onr_text *text, const struct onr_graph *graph)
{
    struct weight_sum sums[ONR_DTYPE_COUNT] = {{0, 0, 0}}, total = {0, 0, 0};
    struct onr_walk walk;
    add_weights(graph, sums);
    onr_walk_begin(&walk, graph);
    for (enum onr_walk_event event; (event = onr_walk_next(&walk)) != ONR_WALK_DONE;) {
        if (event == ONR_WALK_BODY) {
            add_weights(walk.graph, sums);
        }
    }
    for (size_t i = 0; i < ONR_DTYPE_COUNT; i++) {
        total.tensors += sums[i].tensors;
        total.elements += sums[i].elements;
        total.bytes += sums[i].bytes;
    }
    onr_text_add(text, "\nweights: ");
    onr_print_count(text, total.tensors);
    onr_text_add(text, " tensors, ");
    onr_print_count(text, total.elements);
    onr_text_add(text, " elements, ");
    onr_print_bytes(text, total.bytes);
    onr_text_add(text, "\n");
    for (size_t i = 0; i < ONR_DTYPE_COUNT; i++) {
        if (sums[i].tensors > 0) {
            onr_text_add(text, "  %6" PRIu64 "  %-14s ", sums[i].tensors,
                         onr_dtype_name((enum onr_dtype)i));
            onr_print_count(text, sums[i].elements);
            onr_text_add(text, " elements, ");
            onr_print_bytes(text, sums[i].bytes);
            onr_text_add(text, "\n");
        }
    }
}

void onr_print_summary(struct onr_text *text, const struct onr_graph *graph, const char *what)
{
    onr_text_add(text, "%s ", what);
    onr_text_add_json_string(text, graph->name != NULL ? graph->name : "");
    onr_text_add(text, "\n");
    if (graph->info != NULL) {
        print_info(text, graph->info);
    }
    print_signature(text, graph);
    print_op_counts(text, graph);
    print_weights(text, graph);
}
