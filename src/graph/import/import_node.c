/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes. Each step of the loop takes the next node of the top frame: an ordinary one is added to
 * its graph, a call of a function pushes a frame with the function's nodes, and a node with bodies
 * is put aside while its bodies are imported one after the other.
 */
#include "graph/import/importer.h"

#include <string.h>

/* Memory that the graph may take before inlining counts as an attack, per byte of protobuf and at
 * least. */
#define MIN_GRAPH_BYTES   ((uint64_t)1 << 30)
#define GRAPH_BYTES_RATIO 64

struct frame *onr_push_frame(struct importer *im)
{
    struct frame *frame = im->unused;
    if (frame != NULL) {
        im->unused = frame->below;
    } else {
        frame = ONR_ARENA_NEW(&im->scratch, struct frame);
    }
    if (frame == NULL) {
        (void)ONR_MEMORY_FAILED(im);
        return NULL;
    }
    *frame = (struct frame){.below = im->top};
    onr_strmap_init(&frame->scope.names, im->mem);
    onr_strmap_init(&frame->scope.hints, im->mem);
    onr_strmap_init(&frame->scope.made, im->mem);
    frame->scope.home = &frame->scope;
    im->top = frame;
    return frame;
}

void onr_pop_frame(struct importer *im)
{
    struct frame *frame = im->top;
    onr_scope_free(&frame->scope);
    if (frame->own_call.function != NULL) {
        onr_strmap_free(&frame->own_call.attr_names);
    }
    im->top = frame->below;
    frame->below = im->unused;
    im->unused = frame;
}

const char *onr_import_domain(const char *domain)
{
    domain = onr_text_or_empty(domain);
    return strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

static int64_t version_in(Onnx__OperatorSetIdProto *const *opsets, size_t count, const char *domain)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(onr_import_domain(opsets[i]->domain), domain) == 0) {
            return opsets[i]->version;
        }
    }
    return 0;
}

int64_t onr_import_version(const struct importer *im, const struct call *call, const char *domain)
{
    int64_t version = 0;
    if (call != NULL) {
        const Onnx__FunctionProto *function = call->function->proto;
        version = version_in(function->opset_import, function->n_opset_import, domain);
    }
    /* Some exporters leave the import out of functions where the model has it. */
    for (uint32_t i = 0; version == 0 && i < im->info->opset_count; i++) {
        if (strcmp(im->info->opsets[i].domain, domain) == 0) {
            version = im->info->opsets[i].version;
        }
    }
    return version;
}

/* ---- one node ---- */

static enum onr_status import_inputs(struct importer *im, struct frame *frame,
                                     const Onnx__NodeProto *proto, struct onr_node *node)
{
    size_t count = proto->n_input;
    while (count > 0 && proto->input[count - 1][0] == '\0') {
        count--;
    }
    node->inputs = ONR_ARENA_ARRAY(im->arena, count, uint32_t);
    if (node->inputs == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    for (size_t i = 0; i < count; i++) {
        bool is_found = true;
        node->inputs[i] = ONR_NO_VALUE;
        if (proto->input[i][0] != '\0') {
            ONR_TRY(
                onr_scope_find(im, &frame->scope, proto->input[i], &node->inputs[i], &is_found));
        }
        if (!is_found) {
            return onr_fail(im->err, ONR_ERR_MODEL, "input \"%.128s\" is not defined",
                            proto->input[i]);
        }
    }
    /* Absent inputs of an inlined function may be at the end. */
    while (count > 0 && node->inputs[count - 1] == ONR_NO_VALUE) {
        count--;
    }
    node->input_count = (uint32_t)count;
    return ONR_OK;
}

static bool has_body(const Onnx__NodeProto *proto)
{
    for (size_t i = 0; i < proto->n_attribute; i++) {
        if (proto->attribute[i]->g != NULL) {
            return true;
        }
    }
    return false;
}

static enum onr_status import_outputs(struct importer *im, struct frame *frame,
                                      const Onnx__NodeProto *proto, struct onr_node *node)
{
    size_t count = proto->n_output;
    /* Outputs of a node with bodies match those of the bodies by position, unwanted ones too. */
    while (count > 0 && proto->output[count - 1][0] == '\0' && !has_body(proto)) {
        count--;
    }
    node->outputs = ONR_ARENA_ARRAY(im->arena, count, uint32_t);
    if (node->outputs == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    node->output_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const char *name = proto->output[i];
        node->outputs[i] = ONR_NO_VALUE;
        if (name[0] == '\0') {
            continue;
        }
        ONR_TRY(onr_scope_define(im, &frame->scope, name, &node->outputs[i]));
        struct onr_value *value = &frame->scope.graph->values[node->outputs[i]];
        value->producer = frame->scope.graph->node_count;
        uint32_t hint = onr_strmap_get(&frame->scope.hints, name);
        if (hint != ONR_STRMAP_NONE) {
            onr_import_hint(im, frame->graph->value_info[hint], &value->fact);
        }
    }
    return ONR_OK;
}

static void list_graphs(const Onnx__NodeProto *proto, struct frame *frame)
{
    uint32_t count = 0;
    for (size_t i = 0; i < proto->n_attribute; i++) {
        const Onnx__AttributeProto *attr = proto->attribute[i];
        if (attr->g != NULL) {
            frame->pending.bodies[count].attr_name = attr->name;
            frame->graphs[count++] = attr->g;
        }
        for (size_t j = 0; j < attr->n_graphs; j++) {
            frame->pending.bodies[count].attr_name = attr->name;
            frame->graphs[count++] = attr->graphs[j];
        }
    }
}

/* Lists the graphs in the node's attributes as bodies that are to be imported. */
static enum onr_status import_bodies(struct importer *im, struct frame *frame,
                                     const Onnx__NodeProto *proto)
{
    size_t count = 0;
    for (size_t i = 0; i < proto->n_attribute; i++) {
        count += proto->attribute[i]->n_graphs + (proto->attribute[i]->g != NULL);
    }
    frame->next_body = 0;
    frame->pending.body_count = (uint32_t)count;
    if (count == 0) {
        return ONR_OK;
    }
    if (frame->body_depth >= ONR_MAX_BODY_DEPTH) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "bodies nest deeper than %d", ONR_MAX_BODY_DEPTH);
    }
    frame->pending.bodies = ONR_ARENA_ARRAY(im->arena, count, struct onr_body);
    frame->graphs = ONR_ARENA_ARRAY(&im->scratch, count, const Onnx__GraphProto *);
    if (frame->pending.bodies == NULL || frame->graphs == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    list_graphs(proto, frame);
    for (size_t i = 0; i < count; i++) {
        frame->pending.bodies[i].attr_name =
            onr_import_copy(im, frame->pending.bodies[i].attr_name);
        if (frame->pending.bodies[i].attr_name == NULL) {
            return ONR_MEMORY_FAILED(im);
        }
    }
    return ONR_OK;
}

/* A node of a function that says nothing itself has what the call says. */
static enum onr_status import_node_metadata(struct importer *im, struct frame *frame,
                                            const Onnx__NodeProto *proto)
{
    struct onr_node *node = &frame->pending;
    const Onnx__NodeProto *from =
        proto->n_metadata_props == 0 && frame->call != NULL ? frame->call->node : proto;
    return onr_import_metadata(im, from->metadata_props, from->n_metadata_props, &node->metadata,
                               &node->metadata_count);
}

/* Everything of a node but its bodies and outputs, into frame->pending. */
static enum onr_status begin_node(struct importer *im, struct frame *frame,
                                  const Onnx__NodeProto *proto, const char *domain, int64_t version)
{
    const char *name = onr_text_or_empty(proto->name);
    frame->pending = (struct onr_node){
        .name = name[0] != '\0' ? onr_scope_label(im, &frame->scope, name) : "",
        .op_type = onr_import_copy(im, proto->op_type),
        .domain = onr_import_copy(im, domain),
        .version = version,
    };
    struct onr_node *node = &frame->pending;
    if (node->name == NULL || node->op_type == NULL || node->domain == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    if (proto->n_output == 0) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the node has no output");
    }
    ONR_TRY(import_inputs(im, frame, proto, node));
    ONR_TRY(onr_import_attrs(im, proto, frame->call, &node->attrs, &node->attr_count));
    ONR_TRY(import_node_metadata(im, frame, proto));
    ONR_TRY(import_bodies(im, frame, proto));
    frame->is_pending = true;
    return ONR_OK;
}

static enum onr_status end_node(struct importer *im, struct frame *frame)
{
    ONR_TRY(import_outputs(im, frame, frame->nodes[frame->next], &frame->pending));
    struct onr_node *node = NULL;
    ONR_TRY(onr_graph_add_node(frame->scope.graph, &node, im->err));
    *node = frame->pending;
    frame->is_pending = false;
    frame->next++;
    return ONR_OK;
}

/* ---- frames ---- */

static enum onr_status push_body(struct importer *im, struct frame *frame)
{
    struct onr_graph *graph = ONR_ARENA_NEW(im->arena, struct onr_graph);
    struct onr_graph **bodies = onr_import_room(&im->scratch, im->bodies, im->body_count,
                                                &im->body_capacity, sizeof(struct onr_graph *));
    struct frame *above = onr_push_frame(im);
    if (graph == NULL || bodies == NULL || above == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    im->bodies = bodies;
    bodies[im->body_count++] = graph;
    graph->arena = im->arena;
    above->scope.graph = graph;
    above->scope.parent = &frame->scope;
    above->scope.prefix = frame->scope.prefix;
    above->call = frame->call;
    above->graph = frame->graphs[frame->next_body];
    above->body = &frame->pending.bodies[frame->next_body];
    above->body->graph = graph;
    above->body_depth = frame->body_depth + 1;
    frame->next_body++;
    return onr_import_graph_begin(im, above);
}

static enum onr_status end_frame(struct importer *im, struct frame *frame)
{
    if (frame->graph != NULL) {
        ONR_TRY(onr_import_graph_end(im, frame));
    } else {
        ONR_TRY(onr_import_call_end(im, frame));
        frame->below->next++;
    }
    onr_pop_frame(im);
    return ONR_OK;
}

static enum onr_status charge(struct importer *im)
{
    uint64_t limit = im->source->limits.node_count;
    if (++im->charged > limit) {
        return onr_fail(im->err, ONR_ERR_LIMIT,
                        "the model has more nodes than the limit node_count, %llu",
                        (unsigned long long)limit);
    }
    uint64_t bytes = im->source->size * GRAPH_BYTES_RATIO;
    bytes = bytes > MIN_GRAPH_BYTES ? bytes : MIN_GRAPH_BYTES;
    if (im->mem->live_bytes > im->live_at_start &&
        im->mem->live_bytes - im->live_at_start > bytes) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "the graph takes more than %llu bytes of memory",
                        (unsigned long long)bytes);
    }
    return ONR_OK;
}

static enum onr_status next_node(struct importer *im, struct frame *frame)
{
    const Onnx__NodeProto *proto = frame->nodes[frame->next];
    const char *op_type = onr_text_or_empty(proto->op_type);
    const char *domain = onr_import_domain(proto->domain);
    ONR_TRY(charge(im));
    if (op_type[0] == '\0') {
        return onr_fail(im->err, ONR_ERR_MODEL, "the node has no op_type");
    }
    int64_t version = onr_import_version(im, frame->call, domain);
    if (version <= 0) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the model does not import the domain \"%.128s\"",
                        domain);
    }
    const struct function *function = onr_find_function(im, proto, domain);
    const struct onr_registry *registry = im->source->registry;
    if (function != NULL &&
        (registry == NULL || registry->find(domain, op_type, version) == NULL)) {
        struct frame *above = onr_push_frame(im);
        return above != NULL ? onr_import_call_begin(im, above, function, proto) : im->err->status;
    }
    if (domain[0] == '\0' && version > ONR_OPSET_LATEST) {
        return onr_fail(im->err, ONR_ERR_UNSUPPORTED,
                        "operator set %lld is newer than %d, the newest that is supported",
                        (long long)version, ONR_OPSET_LATEST);
    }
    return begin_node(im, frame, proto, domain, version);
}

static enum onr_status step(struct importer *im, struct frame *frame)
{
    if (frame->is_pending) {
        return frame->next_body < frame->pending.body_count ? push_body(im, frame)
                                                            : end_node(im, frame);
    }
    return frame->next < frame->node_count ? next_node(im, frame) : end_frame(im, frame);
}

enum onr_status onr_import_frames(struct importer *im)
{
    enum onr_status status = ONR_OK;
    while (im->top != NULL && status == ONR_OK) {
        status = step(im, im->top);
    }
    if (status == ONR_OK) {
        return ONR_OK;
    }
    /* The innermost node on the stack says where it happened. */
    for (struct frame *frame = im->top; frame != NULL; frame = frame->below) {
        if (frame->next < frame->node_count) {
            const Onnx__NodeProto *node = frame->nodes[frame->next];
            const char *output = node->n_output > 0 ? node->output[0] : "";
            const char *name = onr_text_or_empty(node->name);
            onr_error_prefix(im->err, "node \"%.128s\" (%.64s): ", name[0] != '\0' ? name : output,
                             onr_text_or_empty(node->op_type));
            break;
        }
    }
    return status;
}
