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
        return onr_fail_memory(err, "gradient");
    }
    return onr_graph_add_value(graph, name, id, err);
}

enum onr_status onr_gradient_node(const struct onr_gradient_step *step, const char *op_type,
                                  const uint32_t *inputs, uint32_t input_count, uint32_t *result)
{
    struct onr_graph *graph = step->graph;
    struct onr_error *err = step->ctx->err;
    struct onr_node *node = NULL;
    if (graph->node_count >= MAX_NODES) {
        return onr_fail(err, ONR_ERR_LIMIT, "more than %u nodes with gradients",
                        (unsigned)MAX_NODES);
    }
    uint32_t *ids = ONR_ARENA_ARRAY(graph->arena, input_count + 1, uint32_t);
    if (ids == NULL) {
        return onr_fail_memory(err, "gradient");
    }
    ONR_TRY(onr_gradient_value(graph, step->label, result, err));
    ONR_TRY(onr_graph_add_node(graph, &node, err));
    memcpy(ids + 1, inputs, input_count * sizeof *ids);
    ids[0] = *result;
    node->name = step->label;
    node->op_type = op_type;
    node->version = OPSET;
    node->inputs = ids + 1;
    node->outputs = ids;
    node->input_count = input_count;
    node->output_count = 1;
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
        return onr_fail_memory(step->ctx->err, "gradient");
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
    return onr_gradient_node(step, "CastLike", inputs, 2, id);
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
            while (made->attr_count < node->attr_count) {
                made->attrs[made->attr_count] = node->attrs[made->attr_count];
                made->attr_count++;
            }
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
    const struct onr_node *node = step->node;
    bool is_standard = step->ctx->registry->find("", name, OPSET) != NULL;
    uint32_t args[MAX_ARGS];
    uint32_t count = 0;
    struct onr_node like = {
        .domain = is_standard ? "" : "com.microsoft",
        .version = is_standard ? OPSET : ONR_CONTRIB_LATEST,
        .attrs =
            ONR_ARENA_ARRAY(step->graph->arena, node->attr_count + MADE_ATTRS, struct onr_attr)};
    if (like.attrs == NULL || !read_modifiers(r, &like)) {
        return onr_fail_memory(step->ctx->err, "gradient");
    }
    ONR_TRY(read_args(r, args, &count));
    ONR_TRY(
        onr_gradient_node(step, strcmp(name, "self") == 0 ? node->op_type : name, args, count, id));
    struct onr_node *made = &step->graph->nodes[step->graph->node_count - 1];
    made->domain = like.domain;
    made->version = like.version;
    made->attrs = like.attrs;
    made->attr_count = like.attr_count;
    return ONR_OK;
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
        return onr_fail_memory(r->step->ctx->err, "gradient");
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
        return onr_fail_memory(r->step->ctx->err, "gradient");
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
