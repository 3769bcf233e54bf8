/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gradient (ai.onnx.preview.training), version 1, in terms of other operators.
 *
 * The attributes name tensors of the graph: y, and the xs and zs that it depends on. Output i is the
 * gradient of the sum of y by xs[i], at the values that the inputs give for xs and zs, in this order.
 *
 *   forward    nodes between xs, zs and y are used as they are when they compute what is needed, else
 *              copied, with the inputs in place of the tensors named
 *   backward   from y, each node hands its gradient on to its inputs (gradient_rules.c)
 *
 * What y needs besides xs and zs has its own value. A gradient may be y of a Gradient that follows.
 * Nodes with bodies are not supported.
 */
#include "graph/infer.h"
#include "graph/passes/gradient_rules.h"

#include <inttypes.h>
#include <string.h>

#define DOMAIN "ai.onnx.preview.training"

/* Most nodes and names compared for all Gradients of a graph: bounds time. */
#define MAX_STEPS ((uint64_t)1 << 28)

/* What is known of a value. */
struct tangent {
    uint32_t same;     /* what stands for it in the forward computation */
    uint32_t gradient; /* or ONR_NO_VALUE */
    bool is_given;     /* named in xs or zs */
    bool is_needed;    /* for y */
    bool varies;       /* with xs */
};

struct differ {
    struct onr_graph *graph;
    struct onr_pass_ctx *ctx;
    const struct onr_node *nodes; /* [node_count] of the graph before: values are those of then */
    uint32_t node_count;
    uint32_t index; /* of the Gradient in nodes */
    uint32_t y;
    struct tangent *of; /* [value_count] */
};

static enum onr_status find_name(const struct differ *d, const char *attr, struct onr_string name,
                                 uint32_t *id)
{
    for (uint32_t i = 0; i < d->graph->value_count; i++) {
        const char *found = d->graph->values[i].name;
        if (strlen(found) == name.length && memcmp(found, name.data, name.length) == 0) {
            *id = i;
            return ONR_OK;
        }
    }
    return onr_fail(d->ctx->err, ONR_ERR_MODEL, "%s: the graph has no tensor \"%.*s\"", attr,
                    (int)(name.length < 128 ? name.length : 128), name.data);
}

/* Has the inputs from `first` on stand for the tensors that an attribute names. */
static enum onr_status bind_inputs(struct differ *d, const char *attr, uint32_t first, bool varies)
{
    const struct onr_node *node = &d->nodes[d->index];
    size_t count = 0;
    const struct onr_string *names = onr_attr_strings(node, attr, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = ONR_NO_VALUE;
        ONR_TRY(find_name(d, attr, names[i], &id));
        struct tangent *of = &d->of[id];
        if (of->is_given) {
            return onr_fail(d->ctx->err, ONR_ERR_MODEL, "%s: \"%.128s\" is named twice", attr,
                            d->graph->values[id].name);
        }
        of->is_given = true;
        of->varies = varies;
        of->same = node->inputs[first + i];
    }
    return ONR_OK;
}

static enum onr_status check_and_bind(struct differ *d)
{
    static const struct onr_attr_spec attrs[] = {{"xs", ONR_ATTR_STRINGS, true},
                                                 {"zs", ONR_ATTR_STRINGS, false},
                                                 {"y", ONR_ATTR_STRING, true},
                                                 {0}};
    static const struct onr_op_def row = {
        .inputs = {1, ONR_VARIADIC}, .outputs = {1, ONR_VARIADIC}, .attrs = attrs};
    const struct onr_node *node = &d->nodes[d->index];
    ONR_TRY(onr_check_node(node, &row, d->ctx->err));
    size_t xs = 0;
    size_t zs = 0;
    (void)onr_attr_strings(node, "xs", &xs);
    (void)onr_attr_strings(node, "zs", &zs);
    if (node->input_count != xs + zs || node->output_count > xs) {
        return onr_fail(d->ctx->err, ONR_ERR_MODEL,
                        "%" PRIu32 " inputs and %" PRIu32
                        " outputs, but xs names %zu tensors and zs %zu",
                        node->input_count, node->output_count, xs, zs);
    }
    ONR_TRY(bind_inputs(d, "xs", 0, true));
    ONR_TRY(bind_inputs(d, "zs", (uint32_t)xs, false));
    return find_name(d, "y", onr_attr_string(node, "y", ""), &d->y);
}

/* ---- forward ---- */

/* Whether one of the node's outputs is to be computed for y. */
static bool is_needed(const struct differ *d, const struct onr_node *node)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        uint32_t id = node->outputs[i];
        if (id != ONR_NO_VALUE && d->of[id].is_needed && !d->of[id].is_given) {
            return true;
        }
    }
    return false;
}

static void mark_needed(struct differ *d)
{
    d->of[d->y].is_needed = true;
    for (uint32_t n = d->node_count; n-- > 0;) {
        const struct onr_node *node = &d->nodes[n];
        for (uint32_t i = is_needed(d, node) ? node->input_count : 0; i-- > 0;) {
            if (node->inputs[i] != ONR_NO_VALUE) {
                d->of[node->inputs[i]].is_needed = true;
            }
        }
    }
}

/* Has a copy of a node read what stands for its inputs. */
static enum onr_status map_inputs(const struct differ *d, struct onr_node *copy)
{
    struct onr_arena *arena = d->graph->arena;
    copy->inputs = onr_arena_copy(arena, copy->inputs, copy->input_count * sizeof *copy->inputs);
    if (copy->inputs == NULL) {
        return onr_fail_memory(d->ctx->err, "gradient");
    }
    for (uint32_t i = 0; i < copy->input_count; i++) {
        if (copy->inputs[i] != ONR_NO_VALUE) {
            copy->inputs[i] = d->of[copy->inputs[i]].same;
        }
    }
    return ONR_OK;
}

/* Adds a copy of the node, which makes new values. */
static enum onr_status copy_node(struct differ *d, const struct onr_node *node)
{
    struct onr_graph *graph = d->graph;
    struct onr_node copy = *node;
    ONR_TRY(map_inputs(d, &copy));
    copy.outputs = ONR_ARENA_ARRAY(graph->arena, node->output_count, uint32_t);
    if (copy.outputs == NULL) {
        return onr_fail_memory(d->ctx->err, "gradient");
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        uint32_t id = node->outputs[i];
        copy.outputs[i] = ONR_NO_VALUE;
        if (id == ONR_NO_VALUE) {
            continue;
        }
        ONR_TRY(onr_gradient_value(graph, graph->values[id].name, &copy.outputs[i], d->ctx->err));
        if (!d->of[id].is_given) {
            d->of[id].same = copy.outputs[i];
        }
    }
    struct onr_node *added = NULL;
    ONR_TRY(onr_graph_add_node(graph, &added, d->ctx->err));
    *added = copy;
    return ONR_OK;
}

/* "the gradient of Foo-1 at node "x"": what is not supported about a node. */
static enum onr_status fail_node(const struct differ *d, const struct onr_node *node)
{
    return onr_fail(d->ctx->err, ONR_ERR_UNSUPPORTED,
                    "the gradient of %s%s%s-%" PRId64 " at node \"%.128s\" is not supported",
                    node->domain, node->domain[0] != '\0' ? "." : "", node->op_type, node->version,
                    onr_node_label(d->graph, node));
}

/* Makes sure that a node's results stand before the Gradient, for the inputs that this has. */
static enum onr_status forward_node(struct differ *d, uint32_t index)
{
    const struct onr_node *node = &d->nodes[index];
    bool is_changed = index >= d->index;
    bool varies = false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t id = node->inputs[i];
        if (id != ONR_NO_VALUE) {
            varies = varies || d->of[id].varies;
            is_changed = is_changed || d->of[id].same != id;
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        uint32_t id = node->outputs[i];
        if (id != ONR_NO_VALUE && !d->of[id].is_given) {
            d->of[id].varies = varies;
        }
    }
    if (index == d->index || node->body_count > 0) {
        return fail_node(d, node);
    }
    return is_changed ? copy_node(d, node) : ONR_OK;
}

/* ---- backward ---- */

/* Adds to the gradient of a value. */
static enum onr_status add_gradient(const struct differ *d, const struct onr_gradient_step *step,
                                    uint32_t value, uint32_t part)
{
    uint32_t inputs[] = {d->of[value].gradient, part};
    if (inputs[0] == ONR_NO_VALUE) {
        d->of[value].gradient = part;
        return ONR_OK;
    }
    return onr_gradient_node(step, "Add", inputs, 2, &d->of[value].gradient);
}

static bool has_gradient(const struct differ *d, const struct onr_node *node, uint32_t output)
{
    uint32_t id = node->outputs[output];
    return id != ONR_NO_VALUE && !d->of[id].is_given && d->of[id].gradient != ONR_NO_VALUE;
}

/* Hands the gradient of the node's output on to those inputs that vary. */
static enum onr_status backward_node(const struct differ *d, struct onr_gradient_step *step,
                                     const struct onr_node *node)
{
    struct onr_node mapped = *node;
    ONR_TRY(map_inputs(d, &mapped));
    step->node = &mapped;
    step->gradient = d->of[node->outputs[0]].gradient;
    step->output = d->of[node->outputs[0]].same;
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t part = ONR_NO_VALUE;
        if (node->inputs[i] == ONR_NO_VALUE || !d->of[node->inputs[i]].varies) {
            continue;
        }
        const char *rule = onr_gradient_rule(node, i);
        if (rule == NULL) {
            return fail_node(d, node);
        }
        if (!onr_gradient_rule_is_empty(rule)) {
            step->input = mapped.inputs[i];
            ONR_TRY(onr_gradient_apply(step, rule, &part));
            ONR_TRY(add_gradient(d, step, node->inputs[i], part));
        }
    }
    return ONR_OK;
}

static enum onr_status backward(const struct differ *d, struct onr_gradient_step *step)
{
    static const struct onr_node none = {.op_type = "", .domain = ""};
    step->node = &none;
    step->output = d->of[d->y].same;
    step->gradient = step->output;
    ONR_TRY(onr_gradient_apply(step, "Expand(1,Shape(y))", &d->of[d->y].gradient));
    for (uint32_t n = d->node_count; n-- > 0;) {
        const struct onr_node *node = &d->nodes[n];
        if (!is_needed(d, node)) {
            continue;
        }
        for (uint32_t i = 1; i < node->output_count; i++) {
            if (has_gradient(d, node, i)) {
                return fail_node(d, node);
            }
        }
        if (has_gradient(d, node, 0)) {
            ONR_TRY(backward_node(d, step, node));
        }
    }
    return ONR_OK;
}

/* Gives the gradients by xs to the outputs of the node. */
static enum onr_status bind_outputs(const struct differ *d, const struct onr_gradient_step *step)
{
    const struct onr_node *node = &d->nodes[d->index];
    size_t count = 0;
    const struct onr_string *xs = onr_attr_strings(node, "xs", &count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = ONR_NO_VALUE;
        ONR_TRY(find_name(d, "xs", xs[i], &id));
        if (d->of[id].gradient == ONR_NO_VALUE) {
            return onr_fail(d->ctx->err, ONR_ERR_MODEL,
                            "y \"%.128s\" does not depend on \"%.128s\" of xs, or only in steps",
                            d->graph->values[d->y].name, d->graph->values[id].name);
        }
        if (i >= node->output_count || node->outputs[i] == ONR_NO_VALUE) {
            continue;
        }
        uint32_t made = ONR_NO_VALUE;
        ONR_TRY(onr_gradient_node(step, "Identity", &d->of[id].gradient, 1, &made));
        d->graph->nodes[d->graph->node_count - 1].outputs[0] = node->outputs[i];
    }
    return ONR_OK;
}

static enum onr_status expand(struct differ *d)
{
    struct onr_gradient_step step = {
        .graph = d->graph, .ctx = d->ctx, .label = onr_node_label(d->graph, &d->nodes[d->index])};
    ONR_TRY(check_and_bind(d));
    mark_needed(d);
    for (uint32_t n = 0; n < d->node_count; n++) {
        if (is_needed(d, &d->nodes[n])) {
            ONR_TRY(forward_node(d, n));
        }
    }
    ONR_TRY(backward(d, &step));
    return bind_outputs(d, &step);
}

static enum onr_status charge(const struct differ *d, uint64_t *steps)
{
    uint64_t names = d->nodes[d->index].input_count + (uint64_t)1;
    *steps += d->node_count + names * d->graph->value_count;
    return *steps <= MAX_STEPS
               ? ONR_OK
               : onr_fail(d->ctx->err, ONR_ERR_LIMIT, "the graph is too large for its gradients");
}

static enum onr_status expand_with(struct differ *d, struct onr_arena *scratch, uint64_t *steps)
{
    uint32_t count = d->graph->value_count;
    d->of = ONR_ARENA_ARRAY(scratch, count, struct tangent);
    if (d->of == NULL) {
        return onr_fail_memory(d->ctx->err, "gradient");
    }
    for (uint32_t i = 0; i < count; i++) {
        d->of[i] = (struct tangent){.same = i, .gradient = ONR_NO_VALUE};
    }
    ONR_TRY(charge(d, steps));
    return expand(d);
}

/* Adds nodes [begin, end) of before. */
static enum onr_status append(struct differ *d, uint32_t begin, uint32_t end)
{
    for (uint32_t n = begin; n < end; n++) {
        struct onr_node *node = NULL;
        ONR_TRY(onr_graph_add_node(d->graph, &node, d->ctx->err));
        *node = d->nodes[n];
    }
    return ONR_OK;
}

/* Puts other nodes in the place of node *index, and sets this to the last of them. */
static enum onr_status replace(struct onr_graph *graph, uint32_t *index, uint64_t *steps,
                               struct onr_pass_ctx *ctx)
{
    struct differ d = {.graph = graph,
                       .ctx = ctx,
                       .nodes = graph->nodes,
                       .node_count = graph->node_count,
                       .index = *index};
    const struct onr_node *node = &d.nodes[*index];
    graph->nodes = NULL;
    graph->node_count = 0;
    graph->node_capacity = 0;
    ONR_TRY(append(&d, 0, *index));
    struct onr_arena scratch;
    onr_arena_init(&scratch, ctx->eval->mem);
    enum onr_status status = expand_with(&d, &scratch, steps);
    onr_arena_free(&scratch);
    if (status != ONR_OK) {
        onr_error_prefix(ctx->err, "load: node \"%.128s\" (Gradient-%" PRId64 "): ",
                         onr_node_label(graph, node), node->version);
        return status;
    }
    *index = graph->node_count - 1;
    return append(&d, d.index + 1, d.node_count);
}

enum onr_status onr_pass_gradient(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    uint64_t steps = 0;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        if (strcmp(graph->nodes[n].op_type, "Gradient") == 0 &&
            strcmp(graph->nodes[n].domain, DOMAIN) == 0) {
            ONR_TRY(replace(graph, &n, &steps, ctx));
        }
    }
    return onr_pass_bodies(graph, onr_pass_gradient, ctx);
}
