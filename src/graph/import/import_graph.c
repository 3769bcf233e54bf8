/* SPDX-License-Identifier: Apache-2.0 */
/* Initializers, inputs, outputs and captures of the main graph and of bodies. */
#include "graph/import/importer.h"

#include <string.h>

/* From this ir_version on an initializer need not be an input, and one that is can be overridden.
 */
#define IR_WITH_DEFAULTS 4

static enum onr_status index_hints(struct importer *im, struct frame *frame)
{
    for (size_t i = 0; i < frame->graph->n_value_info; i++) {
        const char *name = onr_text_or_empty(frame->graph->value_info[i]->name);
        if (!onr_strmap_put(&frame->scope.hints, name, (uint32_t)i)) {
            return ONR_MEMORY_FAILED(im);
        }
    }
    return ONR_OK;
}

/* ---- initializers ---- */

static enum onr_status add_constant(struct importer *im, struct frame *frame, const char *name,
                                    const struct onr_constant *constant)
{
    uint32_t id = 0;
    if (onr_text_or_empty(name)[0] == '\0') {
        return onr_fail(im->err, ONR_ERR_MODEL, "an initializer has no name");
    }
    ONR_TRY(onr_scope_define(im, &frame->scope, name, &id));
    struct onr_value *value = &frame->scope.graph->values[id];
    value->constant = constant;
    value->fact = onr_fact_of(constant->dtype, &constant->shape);
    return ONR_OK;
}

static enum onr_status import_initializers(struct importer *im, struct frame *frame)
{
    const Onnx__GraphProto *proto = frame->graph;
    size_t count = proto->n_initializer + proto->n_sparse_initializer;
    struct onr_constant *constants = ONR_ARENA_ARRAY(im->arena, count, struct onr_constant);
    if (constants == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    for (size_t i = 0; i < proto->n_initializer; i++, constants++) {
        const Onnx__TensorProto *tensor = proto->initializer[i];
        ONR_TRY(onr_import_tensor(&im->tensors, tensor, constants, im->err));
        ONR_TRY(onr_charge_inlined(im, frame->call, onr_import_tensor_work(constants)));
        ONR_TRY(add_constant(im, frame, tensor->name, constants));
    }
    for (size_t i = 0; i < proto->n_sparse_initializer; i++, constants++) {
        const Onnx__SparseTensorProto *sparse = proto->sparse_initializer[i];
        ONR_TRY(onr_import_sparse(&im->tensors, sparse, constants, im->err));
        im->dense_bytes += constants->bytes;
        if (im->dense_bytes > 4 * ONR_MAX_DENSE_BYTES) {
            return onr_fail(im->err, ONR_ERR_LIMIT,
                            "sparse initializers expand to more than %zu bytes",
                            4 * ONR_MAX_DENSE_BYTES);
        }
        ONR_TRY(add_constant(im, frame, sparse->values->name, constants));
    }
    return ONR_OK;
}

/* ---- inputs ---- */

/* An input that has an initializer: the declared type must fit, and wins when the default can be
 * overridden. */
static enum onr_status import_default(struct importer *im, struct onr_value *value,
                                      const struct onr_fact *declared, bool is_overridable)
{
    if (value->is_input || value->constant == NULL) {
        return onr_fail(im->err, ONR_ERR_MODEL, "declared twice");
    }
    struct onr_fact both = value->fact;
    if (!onr_fact_merge(&both, declared)) {
        char got[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(im->err, ONR_ERR_SHAPE,
                        "the initializer of this name is %s[%s], which is not the declared type",
                        onr_dtype_name(value->fact.dtype), onr_shape_text(&value->fact.shape, got));
    }
    if (is_overridable) {
        value->is_input = true;
        value->fact.shape = declared->shape;
    }
    return ONR_OK;
}

static enum onr_status import_input(struct importer *im, struct frame *frame,
                                    const Onnx__ValueInfoProto *proto)
{
    struct onr_graph *graph = frame->scope.graph;
    const char *name = onr_text_or_empty(proto->name);
    struct onr_fact fact = {.shape.rank = ONR_RANK_UNKNOWN};
    if (name[0] == '\0') {
        return onr_fail(im->err, ONR_ERR_MODEL, "it has no name");
    }
    if (proto->type != NULL) {
        ONR_TRY(onr_import_type(im, proto->type, &fact));
    } else if (frame->body == NULL) {
        return onr_fail(im->err, ONR_ERR_MODEL, "it has no type");
    }
    uint32_t id = onr_strmap_get(&frame->scope.names, name);
    if (id != ONR_STRMAP_NONE) {
        bool is_overridable = im->info->ir_version >= IR_WITH_DEFAULTS || frame->body != NULL;
        ONR_TRY(import_default(im, &graph->values[id], &fact, is_overridable));
        if (!is_overridable) {
            return ONR_OK;
        }
    } else {
        ONR_TRY(onr_scope_define(im, &frame->scope, name, &id));
        graph->values[id].is_input = true;
        graph->values[id].fact = fact;
    }
    graph->inputs[graph->input_count++] = id;
    return ONR_OK;
}

enum onr_status onr_import_graph_begin(struct importer *im, struct frame *frame)
{
    const Onnx__GraphProto *proto = frame->graph;
    struct onr_graph *graph = frame->scope.graph;
    graph->name = onr_import_copy(im, proto->name);
    graph->inputs = ONR_ARENA_ARRAY(im->arena, proto->n_input, uint32_t);
    if (graph->name == NULL || graph->inputs == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    ONR_TRY(index_hints(im, frame));
    ONR_TRY(import_initializers(im, frame));
    for (size_t i = 0; i < proto->n_input; i++) {
        enum onr_status status = import_input(im, frame, proto->input[i]);
        if (status != ONR_OK) {
            onr_error_prefix(im->err, "graph input %zu \"%.128s\": ", i,
                             onr_text_or_empty(proto->input[i]->name));
            return status;
        }
    }
    graph->formal_input_count = graph->input_count;
    return onr_import_order(im, frame, proto->node, proto->n_node);
}

/* ---- outputs ---- */

static enum onr_status import_output(struct importer *im, struct frame *frame,
                                     const Onnx__ValueInfoProto *proto)
{
    struct onr_graph *graph = frame->scope.graph;
    const char *name = onr_text_or_empty(proto->name);
    uint32_t id = ONR_NO_VALUE;
    bool is_found = false;
    if (name[0] != '\0') {
        ONR_TRY(onr_scope_find(im, &frame->scope, name, &id, &is_found));
    }
    if (id == ONR_NO_VALUE) {
        return onr_fail(im->err, ONR_ERR_MODEL, "graph output \"%.128s\" is not computed", name);
    }
    struct onr_fact *type = &graph->output_types[graph->output_count];
    *type = (struct onr_fact){.shape.rank = ONR_RANK_UNKNOWN};
    onr_import_hint(im, proto, type);
    struct onr_value *value = &graph->values[id];
    if (value->producer != ONR_NO_VALUE && value->fact.shape.rank == ONR_RANK_UNKNOWN) {
        value->fact = *type;
    }
    graph->outputs[graph->output_count] = id;
    graph->output_names[graph->output_count] = onr_import_copy(im, name);
    return graph->output_names[graph->output_count++] != NULL ? ONR_OK : ONR_MEMORY_FAILED(im);
}

/* Captured values follow the formal inputs. */
static enum onr_status add_captures(struct importer *im, struct frame *frame)
{
    struct scope *scope = &frame->scope;
    struct onr_graph *graph = scope->graph;
    if (scope->capture_count == 0) {
        return ONR_OK;
    }
    frame->body->captures = scope->captures;
    frame->body->capture_count = scope->capture_count;
    size_t count = (size_t)graph->formal_input_count + scope->capture_count;
    uint32_t *inputs = ONR_ARENA_ARRAY(im->arena, count, uint32_t);
    if (inputs == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    if (graph->input_count > 0) {
        memcpy(inputs, graph->inputs, graph->input_count * sizeof *inputs);
    }
    memcpy(inputs + graph->input_count, scope->captured, scope->capture_count * sizeof *inputs);
    graph->inputs = inputs;
    graph->input_count = (uint32_t)count;
    return ONR_OK;
}

enum onr_status onr_import_graph_end(struct importer *im, struct frame *frame)
{
    const Onnx__GraphProto *proto = frame->graph;
    struct onr_graph *graph = frame->scope.graph;
    if (proto->n_output == 0 && frame->body == NULL) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the graph has no output");
    }
    graph->outputs = ONR_ARENA_ARRAY(im->arena, proto->n_output, uint32_t);
    graph->output_names = ONR_ARENA_ARRAY(im->arena, proto->n_output, const char *);
    graph->output_types = ONR_ARENA_ARRAY(im->arena, proto->n_output, struct onr_fact);
    if (graph->outputs == NULL || graph->output_names == NULL || graph->output_types == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    for (size_t i = 0; i < proto->n_output; i++) {
        ONR_TRY(import_output(im, frame, proto->output[i]));
    }
    return frame->body != NULL ? add_captures(im, frame) : ONR_OK;
}
