/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the nodes that a rule of gradient_rules.c asks for, in the order in which it is read. */
#include "graph/op_def.h"
#include "graph/passes/gradient_rules.h"

#include <assert.h>
#include <string.h>

/* Operators in rules are those of this set. */
#define OPSET      18
#define MAX_ARGS   4
#define MADE_ATTRS 3

/* Rules make many nodes of one, and a Gradient of a Gradient more of each: bounds memory. */
#define MAX_NODES ((uint32_t)1 << 18)

struct reader {
    const struct onr_gradient_step *step;
    const char *at;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

enum onr_status onr_gradient_value(struct onr_graph *graph, const char *name, uint32_t *id,
                                   struct onr_error *err)
{
    name = onr_arena_printf(graph->arena, "%.64s.%u", name, (unsigned)graph->value_count);
    if (name == NULL) {
        return onr_fail_memory(err, "value of a gradient");
    }
    return onr_graph_add_value(graph, name, id, err);
}

enum onr_status onr_gradient_node(const struct onr_gradient_step *step, struct onr_node *made,
                                  uint32_t *result)
{
    struct onr_graph *graph = step->graph;
    struct onr_arena *arena = graph->arena;
    struct onr_error *err = step->ctx->err;
    if (graph->node_count >= MAX_NODES) {
        return onr_fail(err, ONR_ERR_LIMIT, "more than %u nodes with gradients",
                        (unsigned)MAX_NODES);
    }
    made->inputs = onr_arena_copy(arena, made->inputs, made->input_count * sizeof *made->inputs);
    made->outputs = ONR_ARENA_NEW(arena, uint32_t);
    if (made->inputs == NULL || made->outputs == NULL) {
        return onr_fail_memory(err, "node of a gradient");
    }
    ONR_TRY(onr_gradient_value(graph, step->label, result, err));
    made->name = step->label;
    made->outputs[0] = *result;
    made->output_count = 1;
    struct onr_node *node = NULL;
    ONR_TRY(onr_graph_add_node(graph, &node, err));
    *node = *made;
    return ONR_OK;
}

/* Adds a constant of one number. */
static enum onr_status add_constant(const struct onr_gradient_step *step, enum onr_dtype dtype,
                                    int rank, const void *data, uint32_t *id)
{
    struct onr_arena *arena = step->graph->arena;
    size_t bytes = onr_dtype_size(dtype);
    struct onr_constant *constant = ONR_ARENA_NEW(arena, struct onr_constant);
    void *copy = onr_arena_copy(arena, data, bytes);
    if (constant == NULL || copy == NULL) {
        return onr_fail_memory(step->ctx->err, "constant of a gradient");
    }
    *constant = (struct onr_constant){
        .dtype = dtype, .shape = {.rank = rank, .dim = {1}}, .data = copy, .bytes = bytes};
    ONR_TRY(onr_gradient_value(step->graph, step->label, id, step->ctx->err));
    step->graph->values[*id].constant = constant;
    return ONR_OK;
}

/* A float becomes a number of the type of the gradient. */
static enum onr_status add_number(const struct onr_gradient_step *step, float number, uint32_t *id)
{
    uint32_t inputs[] = {ONR_NO_VALUE, step->gradient};
    ONR_TRY(add_constant(step, ONR_FLOAT, 0, &number, &inputs[0]));
    struct onr_node made = {
        .op_type = "CastLike", .domain = "", .version = OPSET, .inputs = inputs, .input_count = 2};
    return onr_gradient_node(step, &made, id);
}

/* A terminated copy of the name that stands next; NULL when memory is out. */
static const char *read_name(struct reader *r)
{
    const char *start = r->at;
    while (is_letter(*r->at)) {
        r->at++;
    }
    return onr_arena_string(r->step->graph->arena, start, (size_t)(r->at - start));
}

/* "[name=value]" */
static bool read_attr(struct reader *r, struct onr_node *made)
{
    r->at++;
    const char *name = read_name(r);
    r->at++;
    bool is_opposite = *r->at == '!';
    r->at += is_opposite;
    const char *from = is_letter(*r->at) ? read_name(r) : "";
    if (name == NULL || from == NULL) {
        return false;
    }
    int64_t number =
        from[0] != '\0' ? onr_attr_int(r->step->node, from, 0) : onr_gradient_int(&r->at);
    uint32_t i = 0;
    while (i < made->attr_count && strcmp(made->attrs[i].name, name) != 0) {
        i++;
    }
    made->attr_count += i == made->attr_count;
    made->attrs[i] = (struct onr_attr){
        .name = name, .kind = ONR_ATTR_INT, .count = 1, .as.i = is_opposite ? number == 0 : number};
    r->at++;
    return true;
}

/* Takes the order of the axes that leads back; a wrong one is left for the check of the node. */
static bool invert_perm(const struct onr_gradient_step *step, struct onr_node *made)
{
    const struct onr_attr *perm = onr_node_attr(step->node, "perm");
    if (perm == NULL || perm->kind != ONR_ATTR_INTS) {
        return true;
    }
    int64_t *inverse = ONR_ARENA_ARRAY(step->graph->arena, perm->count, int64_t);
    for (size_t i = 0; inverse != NULL && i < perm->count; i++) {
        int64_t axis = perm->as.ints[i];
        if (axis >= 0 && axis < (int64_t)perm->count) {
            inverse[axis] = (int64_t)i;
        }
    }
    made->attrs[made->attr_count] = *perm;
    made->attrs[made->attr_count++].as.ints = inverse;
    return inverse != NULL;
}

/* What stands between the name of an operator and its arguments. */
static bool read_modifiers(struct reader *r, struct onr_node *made)
{
    const struct onr_node *node = r->step->node;
    bool has_memory = true;
    while (has_memory && *r->at != '(') {
        if (*r->at == '[') {
            has_memory = read_attr(r, made);
        } else if (*r->at++ == '~') {
            has_memory = invert_perm(r->step, made);
        } else {
            made->domain = node->domain;
            made->version = node->version;
            made->attr_count = node->attr_count;
            memcpy(made->attrs, node->attrs, node->attr_count * sizeof *node->attrs);
        }
    }
    return has_memory;
}

static enum onr_status read_value(struct reader *r, uint32_t *id);

/* "(a,b)"; absent ones at the end are left out. Nests as deeply as the rules do. */
static enum onr_status read_args(struct reader *r, uint32_t args[MAX_ARGS], uint32_t *count)
{
    do {
        assert(*count < MAX_ARGS);
        r->at++;
        ONR_TRY(read_value(r, &args[(*count)++]));
    } while (*r->at == ',');
    r->at++;
    *count -= args[*count - 1] == ONR_NO_VALUE;
    return ONR_OK;
}

/* A node, of whose operator the name has been read. */
static enum onr_status read_node(struct reader *r, const char *name, uint32_t *id)
{
    const struct onr_gradient_step *step = r->step;
    bool is_standard = step->ctx->registry->find("", name, OPSET) != NULL;
    uint32_t args[MAX_ARGS];
    struct onr_node made = {.op_type = strcmp(name, "self") == 0 ? step->node->op_type : name,
                            .domain = is_standard ? "" : "com.microsoft",
                            .version = is_standard ? OPSET : ONR_CONTRIB_LATEST,
                            .inputs = args,
                            .attrs = ONR_ARENA_ARRAY(step->graph->arena,
                                                     step->node->attr_count + MADE_ATTRS,
                                                     struct onr_attr)};
    if (made.attrs == NULL || !read_modifiers(r, &made)) {
        return onr_fail_memory(step->ctx->err, "attributes of a gradient");
    }
    ONR_TRY(read_args(r, args, &made.input_count));
    return onr_gradient_node(step, &made, id);
}

/* What a row of the table says with these arguments in place of g and x. */
static enum onr_status read_row(struct reader *r, const char *row, uint32_t *id)
{
    struct onr_gradient_step step = *r->step;
    if (*r->at == '(') {
        uint32_t args[MAX_ARGS] = {ONR_NO_VALUE, ONR_NO_VALUE};
        uint32_t count = 0;
        ONR_TRY(read_args(r, args, &count));
        step.gradient = args[0];
        step.input = args[1];
    }
    return onr_gradient_apply(&step, row, id);
}

/* "attr?a:b" */
static enum onr_status read_choice(struct reader *r, const char *attr, uint32_t *id)
{
    uint32_t otherwise = ONR_NO_VALUE;
    r->at++;
    ONR_TRY(read_value(r, id));
    r->at++;
    ONR_TRY(read_value(r, &otherwise));
    *id = onr_attr_int(r->step->node, attr, 0) != 0 ? *id : otherwise;
    return ONR_OK;
}

/* "x", or "x" and a digit; an input that the node does not have is absent. */
static uint32_t read_input(struct reader *r)
{
    const struct onr_node *node = r->step->node;
    if (*r->at < '0' || *r->at > '9') {
        return r->step->input;
    }
    uint32_t index = (uint32_t)(*r->at++ - '0');
    return index < node->input_count ? node->inputs[index] : ONR_NO_VALUE;
}

/* What begins with a letter. */
static enum onr_status read_word(struct reader *r, uint32_t *id)
{
    const char *name = read_name(r);
    if (name == NULL) {
        return onr_fail_memory(r->step->ctx->err, "name in a gradient");
    }
    bool is_capital = name[0] <= 'Z';
    if (*r->at == '?') {
        return read_choice(r, name, id);
    }
    if (name[1] == '\0') {
        *id = name[0] == 'g' ? r->step->gradient : name[0] == 'y' ? r->step->output : read_input(r);
        return ONR_OK;
    }
    if (is_capital ? strchr("(@[~", *r->at) == NULL : *r->at == '(') {
        return read_row(r, onr_gradient_row(name, OPSET), id);
    }
    if (is_capital || *r->at == '@') {
        return read_node(r, name, id);
    }
    return add_number(r->step, onr_attr_float(r->step->node, name, 1), id);
}

static enum onr_status read_value(struct reader *r, uint32_t *id)
{
    bool is_list = *r->at == '#';
    r->at += is_list;
    if (is_letter(*r->at) && !is_list) {
        return read_word(r, id);
    }
    const char *attr = is_letter(*r->at) ? read_name(r) : "";
    if (attr == NULL) {
        return onr_fail_memory(r->step->ctx->err, "name in a gradient");
    }
    int64_t number =
        attr[0] != '\0' ? onr_attr_int(r->step->node, attr, -1) : onr_gradient_int(&r->at);
    return is_list ? add_constant(r->step, ONR_INT64, 1, &number, id)
                   : add_number(r->step, (float)number, id);
}

enum onr_status onr_gradient_apply(const struct onr_gradient_step *step, const char *rule,
                                   uint32_t *result)
{
    struct reader reader = {.step = step, .at = rule};
    return read_value(&reader, result);
}
