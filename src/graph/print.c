/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that the text and the JSON form share: types, small constants, numbers, the walk over
 * bodies. */
#include "graph/print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void onr_print_count(struct onr_text *text, uint64_t number)
{
    uint64_t divisor = 1;
    while (number / divisor >= 1000) {
        divisor *= 1000;
    }
    onr_text_add(text, "%" PRIu64, number / divisor);
    for (divisor /= 1000; divisor > 0; divisor /= 1000) {
        onr_text_add(text, ",%03" PRIu64, number / divisor % 1000);
    }
}

void onr_print_bytes(struct onr_text *text, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        onr_text_add(text, "%" PRIu64 " bytes", bytes);
        return;
    }
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    while (amount >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        amount /= 1024;
        unit++;
    }
    onr_text_add(text, "%.1f %s", amount, units[unit]);
}

static void print_dim(struct onr_text *text, const struct onr_graph *graph, int64_t dim)
{
    if (dim >= 0) {
        onr_text_add(text, "%" PRId64, dim);
    } else if (onr_dim_name(graph, dim) != NULL) {
        onr_text_add_name(text, onr_dim_name(graph, dim));
    } else {
        onr_text_add(text, "?");
    }
}

static void print_tensor_type(struct onr_text *text, const struct onr_graph *graph,
                              const struct onr_fact *fact)
{
    onr_text_add(text, "%s", fact->dtype == ONR_UNDEFINED ? "?" : onr_dtype_name(fact->dtype));
    if (fact->shape.rank == ONR_RANK_UNKNOWN) {
        return;
    }
    onr_text_add(text, "[");
    for (int i = 0; i < fact->shape.rank; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        print_dim(text, graph, fact->shape.dim[i]);
    }
    onr_text_add(text, "]");
}

void onr_print_fact(struct onr_text *text, const struct onr_graph *graph,
                    const struct onr_fact *fact)
{
    bool is_sequence = fact->kind == ONR_KIND_SEQUENCE;
    bool is_optional = fact->is_optional || fact->kind == ONR_KIND_NONE;
    if (fact->kind == ONR_KIND_OTHER) {
        onr_text_add(text, "opaque");
        return;
    }
    onr_text_add(text, "%s%s", is_optional ? "optional(" : "", is_sequence ? "seq(" : "");
    print_tensor_type(text, graph, fact);
    onr_text_add(text, "%s%s", is_sequence ? ")" : "", is_optional ? ")" : "");
}

void onr_print_real(struct onr_text *text, double number, bool is_double, bool is_json)
{
    const char *quote = is_json && !isfinite(number) ? "\"" : "";
    char digits[40];
    if (!isfinite(number)) {
        onr_text_add(text, "%s%s%s", quote,
                     isnan(number) ? "nan"
                     : number < 0  ? "-inf"
                                   : "inf",
                     quote);
        return;
    }
    for (int precision = is_double ? 15 : 6; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, number);
        double back = strtod(digits, NULL);
        if (is_double ? back == number : (float)back == (float)number) {
            break;
        }
    }
    char *comma = strchr(digits, ','); /* of the application's locale */
    if (comma != NULL) {
        *comma = '.';
    }
    onr_text_add(text, "%s", digits);
}

/* Element index of data in memory form; types without a plain C counterpart print as their bytes.
 */
static void print_element(struct onr_text *text, enum onr_dtype dtype, const void *data,
                          size_t index, bool is_json)
{
    switch (dtype) {
    case ONR_FLOAT:
        onr_print_real(text, (double)((const float *)data)[index], false, is_json);
        break;
    case ONR_DOUBLE:
        onr_print_real(text, ((const double *)data)[index], true, is_json);
        break;
    case ONR_INT8:
    case ONR_INT4:
    case ONR_INT2:
        onr_text_add(text, "%d", ((const int8_t *)data)[index]);
        break;
    case ONR_UINT8:
    case ONR_UINT4:
    case ONR_UINT2:
    case ONR_BOOL:
        onr_text_add(text, "%u", ((const uint8_t *)data)[index]);
        break;
    case ONR_INT16:
        onr_text_add(text, "%d", ((const int16_t *)data)[index]);
        break;
    case ONR_UINT16:
        onr_text_add(text, "%u", ((const uint16_t *)data)[index]);
        break;
    case ONR_INT32:
        onr_text_add(text, "%" PRId32, ((const int32_t *)data)[index]);
        break;
    case ONR_UINT32:
        onr_text_add(text, "%" PRIu32, ((const uint32_t *)data)[index]);
        break;
    case ONR_INT64:
        onr_text_add(text, "%" PRId64, ((const int64_t *)data)[index]);
        break;
    case ONR_UINT64:
        onr_text_add(text, "%" PRIu64, ((const uint64_t *)data)[index]);
        break;
    case ONR_STRING: {
        const struct onr_string *string = (const struct onr_string *)data + index;
        onr_text_add_json(text, string->data, string->length);
        break;
    }
    default: {
        size_t size = onr_dtype_size(dtype);
        const uint8_t *bytes = (const uint8_t *)data + index * size;
        onr_text_add(text, "\"0x");
        for (size_t i = size; i-- > 0;) {
            onr_text_add(text, "%02x", bytes[i]);
        }
        onr_text_add(text, "\"");
    }
    }
}

void onr_print_constant(struct onr_text *text, const struct onr_constant *constant, size_t limit,
                        bool is_json)
{
    size_t count = (size_t)onr_constant_count(constant);
    if (count > limit) {
        onr_text_add(text, is_json ? "null" : "{...}");
        return;
    }
    size_t bytes = count * onr_dtype_size(constant->dtype);
    const void *data = constant->data;
    void *copy = NULL;
    if (count > 0 && !onr_constant_is_direct(constant)) {
        copy = onr_mem_alloc(text->mem, bytes);
        if (copy == NULL) {
            text->has_failed = true;
            return;
        }
        onr_constant_copy(constant, copy);
        data = copy;
    }
    onr_text_add(text, is_json ? "[" : "{");
    for (size_t i = 0; i < count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        print_element(text, constant->dtype, data, i, is_json);
    }
    onr_text_add(text, is_json ? "]" : "}");
    onr_mem_free(text->mem, copy, bytes);
}

void onr_walk_begin(struct onr_walk *walk, const struct onr_graph *graph)
{
    walk->depth = 0;
    walk->graph = graph;
    walk->node = NULL;
    walk->body = NULL;
    walk->frames[0] = (struct onr_walk_frame){.graph = graph};
}

/* Sets what the event at this frame belongs to. */
static enum onr_walk_event walk_event(struct onr_walk *walk, const struct onr_walk_frame *frame,
                                      enum onr_walk_event event)
{
    bool is_body = event == ONR_WALK_BODY || event == ONR_WALK_BODY_END;
    walk->node = &frame->graph->nodes[frame->node];
    walk->body = is_body ? &walk->node->bodies[frame->body] : NULL;
    walk->graph = is_body ? walk->body->graph : frame->graph;
    return event;
}

enum onr_walk_event onr_walk_next(struct onr_walk *walk)
{
    struct onr_walk_frame *frame = &walk->frames[walk->depth];
    if (frame->is_inside) {
        const struct onr_node *node = &frame->graph->nodes[frame->node];
        if (frame->body < node->body_count && walk->depth < ONR_MAX_BODY_DEPTH) {
            walk->frames[++walk->depth] =
                (struct onr_walk_frame){.graph = node->bodies[frame->body].graph};
            return walk_event(walk, frame, ONR_WALK_BODY);
        }
        enum onr_walk_event event = walk_event(walk, frame, ONR_WALK_NODE_END);
        frame->node++;
        frame->is_inside = false;
        return event;
    }
    while (frame->node < frame->graph->node_count && frame->graph->nodes[frame->node].is_dead) {
        frame->node++;
    }
    if (frame->node < frame->graph->node_count) {
        frame->is_inside = true;
        frame->body = 0;
        return walk_event(walk, frame, ONR_WALK_NODE);
    }
    if (walk->depth == 0) {
        return ONR_WALK_DONE;
    }
    frame = &walk->frames[--walk->depth];
    enum onr_walk_event event = walk_event(walk, frame, ONR_WALK_BODY_END);
    frame->body++;
    return event;
}

uint32_t onr_graph_count_nodes(const struct onr_graph *graph)
{
    struct onr_walk walk;
    uint32_t count = 0;
    onr_walk_begin(&walk, graph);
    for (enum onr_walk_event event; (event = onr_walk_next(&walk)) != ONR_WALK_DONE;) {
        count += event == ONR_WALK_NODE;
    }
    return count;
}
