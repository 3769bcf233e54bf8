/* SPDX-License-Identifier: Apache-2.0 */
/* Model-local functions: their index, and the start and end of an inlined call. */
#include "graph/import/importer.h"

#include <string.h>

static bool is_same_function(const struct function *function, const char *domain,
                             const char *overload)
{
    return strcmp(function->domain, domain) == 0 &&
           strcmp(onr_text_or_empty(function->proto->overload), overload) == 0;
}

/* Compares with the functions of the same name. */
static enum onr_status check_overloads(struct importer *im, const struct function *function)
{
    const char *name = function->proto->name;
    const char *overload = onr_text_or_empty(function->proto->overload);
    uint32_t count = 0;
    for (uint32_t i = function->next; i != ONR_STRMAP_NONE; i = im->functions[i].next) {
        if (is_same_function(&im->functions[i], function->domain, overload)) {
            return onr_fail(im->err, ONR_ERR_MODEL, "function \"%.128s\" is defined twice", name);
        }
        count++;
    }
    if (count >= ONR_MAX_OVERLOADS) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "more than %d functions are called \"%.128s\"",
                        ONR_MAX_OVERLOADS, name);
    }
    return ONR_OK;
}

static enum onr_status add_function(struct importer *im, uint32_t index)
{
    const Onnx__FunctionProto *proto = im->model->functions[index];
    const char *name = onr_text_or_empty(proto->name);
    struct function *function = &im->functions[index];
    *function = (struct function){.proto = proto,
                                  .domain = onr_import_domain(proto->domain),
                                  .bytes = onnx__function_proto__get_packed_size(proto)};
    if (name[0] == '\0') {
        return onr_fail(im->err, ONR_ERR_MODEL, "function %u has no name", index);
    }
    if (proto->n_attribute > ONR_MAX_ATTRS || proto->n_attribute_proto > ONR_MAX_ATTRS ||
        proto->n_opset_import > ONR_MAX_OPSETS) {
        return onr_fail(im->err, ONR_ERR_LIMIT,
                        "function \"%.128s\" has more than %d attributes or %d operator sets", name,
                        ONR_MAX_ATTRS, ONR_MAX_OPSETS);
    }
    function->next = onr_strmap_get(&im->function_names, name);
    return check_overloads(im, function);
}

static enum onr_status describe_function(struct importer *im, uint32_t index)
{
    const struct function *function = &im->functions[index];
    const char *name = function->proto->name;
    struct onr_function_info *info = &im->info->functions[index];
    info->domain = onr_import_copy(im, function->domain);
    info->name = onr_import_copy(im, name);
    info->node_count = (uint32_t)function->proto->n_node;
    return info->domain != NULL && info->name != NULL &&
                   onr_strmap_put(&im->function_names, name, index)
               ? ONR_OK
               : ONR_MEMORY_FAILED(im);
}

enum onr_status onr_import_functions(struct importer *im)
{
    size_t count = im->model->n_functions;
    if (count > ONR_MAX_FUNCTIONS) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "the model has %zu functions, the limit is %d",
                        count, ONR_MAX_FUNCTIONS);
    }
    im->functions = ONR_ARENA_ARRAY(&im->scratch, count, struct function);
    im->info->functions = ONR_ARENA_ARRAY(im->arena, count, struct onr_function_info);
    if (im->functions == NULL || im->info->functions == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    for (uint32_t i = 0; i < count; i++) {
        ONR_TRY(add_function(im, i));
        ONR_TRY(describe_function(im, i));
    }
    im->info->function_count = (uint32_t)count;
    return ONR_OK;
}

const struct function *onr_find_function(const struct importer *im, const Onnx__NodeProto *node,
                                         const char *domain)
{
    uint32_t index = onr_strmap_get(&im->function_names, onr_text_or_empty(node->op_type));
    while (index != ONR_STRMAP_NONE &&
           !is_same_function(&im->functions[index], domain, onr_text_or_empty(node->overload))) {
        index = im->functions[index].next;
    }
    return index != ONR_STRMAP_NONE ? &im->functions[index] : NULL;
}

/* Refuses a function that is being inlined already, and calls that nest too deeply. */
static enum onr_status check_calls(struct importer *im, const struct function *function,
                                   const struct call *outer)
{
    for (const struct call *call = outer; call != NULL; call = call->outer) {
        if (call->function == function) {
            const char *name = function->proto->name;
            return onr_fail(im->err, ONR_ERR_MODEL,
                            "cycle of functions: \"%.64s\" -> \"%.64s\" -> \"%.64s\"", name,
                            onr_text_or_empty(outer->function->proto->name), name);
        }
    }
    if (outer != NULL && outer->depth >= ONR_MAX_CALL_DEPTH) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "calls of functions nest deeper than %d",
                        ONR_MAX_CALL_DEPTH);
    }
    return ONR_OK;
}

enum onr_status onr_charge_inlined(struct importer *im, const struct call *call, uint64_t bytes)
{
    if (call == NULL) {
        return ONR_OK;
    }
    im->inlined_bytes += bytes;
    if (im->inlined_bytes > ONR_MAX_INLINED_BYTES) {
        return onr_fail(im->err, ONR_ERR_LIMIT,
                        "calls of functions stand for more than %llu bytes of nodes",
                        (unsigned long long)ONR_MAX_INLINED_BYTES);
    }
    return ONR_OK;
}

/* Lets the function's inputs stand for what the call gives. */
static enum onr_status bind_inputs(struct importer *im, struct frame *frame)
{
    const Onnx__FunctionProto *function = frame->own_call.function->proto;
    const Onnx__NodeProto *node = frame->own_call.node;
    for (size_t i = 0; i < function->n_input; i++) {
        uint32_t id = ONR_NO_VALUE;
        if (i < node->n_input && node->input[i][0] != '\0') {
            bool is_found = false;
            ONR_TRY(onr_scope_find(im, &frame->below->scope, node->input[i], &id, &is_found));
            if (!is_found) {
                return onr_fail(im->err, ONR_ERR_MODEL, "input \"%.128s\" is not defined",
                                node->input[i]);
            }
        }
        ONR_TRY(onr_scope_bind(im, &frame->scope, function->input[i],
                               id != ONR_NO_VALUE ? id : ONR_ABSENT));
    }
    return ONR_OK;
}

enum onr_status onr_import_call_begin(struct importer *im, struct frame *frame,
                                      const struct function *function, const Onnx__NodeProto *node)
{
    struct frame *below = frame->below;
    const Onnx__FunctionProto *proto = function->proto;
    ONR_TRY(check_calls(im, function, below->call));
    if (node->n_input > proto->n_input || node->n_output > proto->n_output) {
        return onr_fail(im->err, ONR_ERR_MODEL,
                        "the call has %zu inputs and %zu outputs, the function %zu and %zu",
                        node->n_input, node->n_output, proto->n_input, proto->n_output);
    }
    struct call *call = &frame->own_call;
    *call = (struct call){.function = function,
                          .node = node,
                          .outer = below->call,
                          .depth = below->call != NULL ? below->call->depth + 1 : 1};
    onr_strmap_init(&call->attr_names, im->mem);
    ONR_TRY(onr_charge_inlined(im, call, function->bytes));
    const char *name = onr_text_or_empty(node->name);
    frame->call = call;
    frame->body_depth = below->body_depth;
    frame->scope.home = below->scope.home;
    frame->scope.graph = below->scope.graph;
    frame->scope.prefix =
        onr_scope_label(im, &below->scope, name[0] != '\0' ? name : node->op_type);
    if (frame->scope.prefix == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    if (strlen(frame->scope.prefix) > 2 * ONR_MAX_MADE_NAME) {
        frame->scope.prefix = "inlined";
    }
    ONR_TRY(onr_import_attrs(im, node, below->call, &call->attrs, &call->attr_count));
    ONR_TRY(onr_import_defaults(im, call));
    ONR_TRY(bind_inputs(im, frame));
    return onr_import_order(im, frame, proto->node, proto->n_node);
}

/* Result `id` of the call, which the caller knows as `name`. */
static enum onr_status bind_output(struct importer *im, struct frame *frame, const char *name,
                                   uint32_t id)
{
    struct scope *outer = &frame->below->scope;
    ONR_TRY(onr_scope_bind(im, outer, name, id));
    if (id == ONR_ABSENT || outer->prefix != NULL) {
        return ONR_OK;
    }
    /* Show the value under the caller's name. It is free: names of the file are unique in its
     * graph. */
    struct onr_value *value = &outer->graph->values[id];
    bool is_result = value->producer != ONR_NO_VALUE &&
                     onr_strmap_get(&outer->home->made, value->name) != ONR_STRMAP_NONE &&
                     onr_strmap_get(&outer->home->made, name) == ONR_STRMAP_NONE;
    if (is_result) {
        value->name = onr_import_copy(im, name);
    }
    return value->name != NULL ? ONR_OK : ONR_MEMORY_FAILED(im);
}

enum onr_status onr_import_call_end(struct importer *im, struct frame *frame)
{
    const Onnx__FunctionProto *function = frame->own_call.function->proto;
    const Onnx__NodeProto *node = frame->own_call.node;
    for (size_t i = 0; i < node->n_output; i++) {
        if (node->output[i][0] == '\0') {
            continue;
        }
        uint32_t id = onr_strmap_get(&frame->scope.names, function->output[i]);
        if (id == ONR_STRMAP_NONE) {
            return onr_fail(im->err, ONR_ERR_MODEL,
                            "output \"%.128s\" of function \"%.128s\" is not computed",
                            function->output[i], function->name);
        }
        ONR_TRY(bind_output(im, frame, node->output[i], id));
    }
    return ONR_OK;
}
