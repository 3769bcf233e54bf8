/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/fuse.h"

#include "graph/print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

bool onr_fuse_is(const struct onr_node *node, const char *op_type)
{
    return node->domain[0] == '\0' && strcmp(node->op_type, op_type) == 0;
}

const struct onr_node *onr_fuse_any_producer(const struct onr_fuser *fuser, uint32_t value)
{
    if (value == ONR_NO_VALUE || fuser->graph->values[value].producer == ONR_NO_VALUE) {
        return NULL;
    }
    const struct onr_node *node = &fuser->graph->nodes[fuser->graph->values[value].producer];
    return !node->is_dead ? node : NULL;
}

const struct onr_node *onr_fuse_producer(const struct onr_fuser *fuser, uint32_t value,
                                         const char *op_type)
{
    const struct onr_node *node = onr_fuse_any_producer(fuser, value);
    return node != NULL && onr_fuse_is(node, op_type) ? node : NULL;
}

struct onr_node *onr_fuse_user(const struct onr_fuser *fuser, uint32_t value, const char *op_type)
{
    if (fuser->graph->values[value].use_count != 1 || fuser->user[value] == ONR_NO_VALUE) {
        return NULL;
    }
    struct onr_node *node = &fuser->graph->nodes[fuser->user[value]];
    return !node->is_dead && onr_fuse_is(node, op_type) ? node : NULL;
}

uint32_t onr_fuse_other(const struct onr_node *node, uint32_t value)
{
    return node->inputs[0] == value ? node->inputs[1] : node->inputs[0];
}

bool onr_fuse_is_last_axis(const struct onr_fuser *fuser, uint32_t value, int64_t axis)
{
    int rank = onr_fuse_fact(fuser, value)->shape.rank;
    return rank > 0 && (axis == -1 || axis == rank - 1);
}

bool onr_fuse_has_input(const struct onr_node *node, uint32_t index)
{
    return index < node->input_count && node->inputs[index] != ONR_NO_VALUE;
}

bool onr_fuse_int(const struct onr_fuser *fuser, const struct onr_node *node, uint32_t input,
                  int64_t index, int64_t *number)
{
    if (!onr_fuse_has_input(node, input)) {
        return false;
    }
    const struct onr_fact *fact = &fuser->graph->values[node->inputs[input]].fact;
    if (fact->data == NULL || !onr_dtypes_has(ONR_DTYPES_INDEX, fact->dtype) ||
        onr_shape_range(&fact->shape, 0, fact->shape.rank) <= index) {
        return false;
    }
    *number = onr_fact_int(fact, index);
    return true;
}

bool onr_fuse_number(const struct onr_fuser *fuser, uint32_t value, double *number)
{
    const struct onr_value *v = &fuser->graph->values[value];
    if (v->constant == NULL || v->is_input || v->fact.data == NULL ||
        onr_constant_count(v->constant) != 1) {
        return false;
    }
    if (v->fact.dtype == ONR_FLOAT) {
        *number = (double)*(const float *)v->fact.data;
    } else if (v->fact.dtype == ONR_DOUBLE) {
        *number = *(const double *)v->fact.data;
    }
    return v->fact.dtype == ONR_FLOAT || v->fact.dtype == ONR_DOUBLE;
}

bool onr_fuse_number_operand(const struct onr_fuser *fuser, const struct onr_node *node,
                             uint32_t *other, double *number)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (onr_fuse_number(fuser, node->inputs[i], number)) {
            *other = node->inputs[1 - i];
            return true;
        }
    }
    return false;
}

bool onr_fuse_same_dims(const struct onr_fuser *fuser, uint32_t a, uint32_t b, int count)
{
    const int64_t *first = fuser->graph->values[a].fact.shape.dim;
    const int64_t *second = fuser->graph->values[b].fact.shape.dim;
    int unknown = 0;
    for (int i = 0; i < count; i++) {
        bool is_known = first[i] >= 0 || onr_dim_is_symbol(first[i]);
        unknown += is_known && first[i] == second[i] ? 0 : 1;
    }
    return unknown <= 1;
}

bool onr_fuse_swaps_matrix(const struct onr_fuser *fuser, const struct onr_node *transpose)
{
    size_t count = 0;
    const int64_t *perm = onr_attr_ints(transpose, "perm", &count);
    int64_t rank = (int64_t)count;
    if (perm == NULL) {
        return onr_fuse_fact(fuser, transpose->inputs[0])->shape.rank == 2;
    }
    for (int64_t i = 0; i < rank - 2; i++) {
        if (perm[i] != i) {
            return false;
        }
    }
    return rank >= 2 && perm[rank - 2] == rank - 1 && perm[rank - 1] == rank - 2;
}

uint32_t onr_fuse_before_scale(const struct onr_fuser *fuser, uint32_t value, double *scale)
{
    double number = 0;
    uint32_t other = ONR_NO_VALUE;
    const struct onr_node *product = onr_fuse_producer(fuser, value, "Mul");
    const struct onr_node *quotient = onr_fuse_producer(fuser, value, "Div");
    if (product != NULL) {
        (void)onr_fuse_number_operand(fuser, product, &other, &number);
    } else if (quotient != NULL && onr_fuse_number(fuser, quotient->inputs[1], &number)) {
        other = number != 0 ? quotient->inputs[0] : ONR_NO_VALUE;
    }
    if (other == ONR_NO_VALUE ||
        onr_fuse_fact(fuser, other)->shape.rank != onr_fuse_fact(fuser, value)->shape.rank) {
        return ONR_NO_VALUE; /* a number of higher rank adds dimensions */
    }
    *scale = product != NULL ? *scale * number : *scale / number;
    return other;
}

bool onr_fuse_is_near(double number, double expected)
{
    return fabs(number - expected) <= 2e-6 * fabs(expected);
}

bool onr_fuse_miss(const struct onr_fuser *fuser, const char *op, uint32_t value,
                   const char *expected)
{
    *fuser->miss = (struct onr_miss){.op = op, .value = value, .expected = expected};
    return false;
}

/* ---- telling ---- */

/* Constants of more elements are not shown. */
#define SHOWN_ELEMENTS 4

static bool is_output(const struct onr_graph *graph, uint32_t value)
{
    for (uint32_t i = 0; i < graph->output_count; i++) {
        if (graph->outputs[i] == value) {
            return true;
        }
    }
    return false;
}

/* "float[n, 4] made by Add, used by Sub and 2 more, an output of the graph" */
static void describe_value(struct onr_text *text, const struct onr_fuser *fuser, uint32_t id)
{
    const struct onr_graph *graph = fuser->graph;
    const struct onr_value *value = &graph->values[id];
    onr_print_fact(text, graph, &value->fact);
    if (value->is_input) {
        onr_text_add(text, ", an input");
    } else if (value->constant != NULL) {
        onr_text_add(text, " ");
        onr_print_constant(text, value->constant, SHOWN_ELEMENTS, false);
    } else if (value->producer != ONR_NO_VALUE) {
        onr_text_add(text, " made by ");
        onr_text_add_name(text, graph->nodes[value->producer].op_type);
    }
    if (fuser->user[id] != ONR_NO_VALUE) {
        onr_text_add(text, ", used by ");
        onr_text_add_name(text, graph->nodes[fuser->user[id]].op_type);
    }
    uint32_t others = value->use_count - (fuser->user[id] != ONR_NO_VALUE ? 1 : 0);
    if (is_output(graph, id)) {
        onr_text_add(text, ", an output of the graph");
        others--;
    }
    if (others > 0) {
        onr_text_add(text, ", used %" PRIu32 " more time%s", others, others > 1 ? "s" : "");
    }
}

static void report_miss(const struct onr_fuser *fuser, const struct onr_node *anchor,
                        const struct onr_pass_ctx *ctx)
{
    struct onr_text text;
    bool has_value = fuser->miss->value != ONR_NO_VALUE;
    onr_text_init(&text, ctx->eval->mem);
    if (has_value) {
        describe_value(&text, fuser, fuser->miss->value);
    }
    const struct onr_note note = {.op = fuser->miss->op,
                                  .node = onr_node_label(fuser->graph, anchor),
                                  .value = has_value ? fuser->graph->values[fuser->miss->value].name
                                                     : NULL,
                                  .expected = fuser->miss->expected,
                                  .found = text.data != NULL ? text.data : "nothing"};
    onr_report_missed(ctx->report, &note);
    ctx->report->has_failed = ctx->report->has_failed || text.has_failed;
    onr_text_free(&text);
}

/* ---- fusing ---- */

static void find_users(const struct onr_graph *graph, uint32_t *user)
{
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const struct onr_node *node = &graph->nodes[n];
        for (uint32_t i = 0; !node->is_dead && i < node->input_count; i++) {
            if (node->inputs[i] != ONR_NO_VALUE) {
                user[node->inputs[i]] = n;
            }
        }
    }
}

/* Gives a constant one dimension. */
static enum onr_status make_list(struct onr_graph *graph, uint32_t id, struct onr_error *err)
{
    struct onr_value *value = &graph->values[id];
    struct onr_constant *list = onr_arena_copy(graph->arena, value->constant, sizeof *list);
    if (list == NULL) {
        return onr_fail_memory(err, "fused node");
    }
    list->shape = (struct onr_shape){.rank = 1, .dim = {onr_constant_count(list)}};
    value->constant = list;
    value->fact.shape = list->shape;
    return ONR_OK;
}

/* Nodes of this operator may be made: the model's missing operators are reported before. */
static enum onr_status replace(struct onr_graph *graph, const struct onr_fused *fused,
                               struct onr_uses *uses, const struct onr_pass_ctx *ctx)
{
    struct onr_node *node = fused->last;
    const struct onr_node before = *node;
    const struct onr_op_def *op =
        ctx->registry->find(fused->domain, fused->op_type, fused->version);
    uint32_t *inputs =
        onr_arena_copy(graph->arena, fused->inputs, fused->input_count * sizeof *inputs);
    struct onr_attr *attrs = onr_fused_copy_attrs(graph->arena, fused);
    if (inputs == NULL || attrs == NULL) {
        return onr_fail_memory(ctx->err, "fused node");
    }
    if (op == NULL) {
        return onr_fail(ctx->err, ONR_ERR_INTERNAL, "no operator %s", fused->op_type);
    }
    for (uint32_t i = 0; i < fused->input_count; i++) {
        if (inputs[i] != ONR_NO_VALUE) {
            graph->values[inputs[i]].use_count++;
            uses->count[inputs[i]]++;
        }
        if ((fused->lists >> i & 1) != 0) {
            ONR_TRY(make_list(graph, inputs[i], ctx->err));
        }
    }
    *node = (struct onr_node){.name = node->name,
                              .op_type = fused->op_type,
                              .domain = fused->domain,
                              .version = fused->version,
                              .inputs = inputs,
                              .input_count = fused->input_count,
                              .outputs = node->outputs,
                              .output_count = node->output_count,
                              .attrs = attrs,
                              .attr_count = fused->attr_count,
                              .op = op,
                              .half = before.half};
    onr_uses_drop(uses, graph, &before);
    return ONR_OK;
}

static enum onr_status fuse_node(struct onr_node *node, const struct onr_fusion *fusion,
                                 const struct onr_fuser *fuser, struct onr_uses *uses,
                                 const struct onr_pass_ctx *ctx)
{
    struct onr_fused fused = {.domain = ""};
    *fuser->miss = (struct onr_miss){0};
    if (fusion->match(fuser, node, &fused)) {
        ONR_TRY(replace(fuser->graph, &fused, uses, ctx));
        if (ctx->report != NULL) {
            onr_report_fused(ctx->report, fused.op_type, onr_node_label(fuser->graph, fused.last));
        }
    } else if (ctx->report != NULL && fuser->miss->op != NULL) {
        report_miss(fuser, node, ctx);
    }
    return ONR_OK;
}

static enum onr_status fuse_nodes(const struct onr_fuser *fuser, const struct onr_fusion *fusions,
                                  struct onr_uses *uses, const struct onr_pass_ctx *ctx)
{
    for (uint32_t n = 0; n < fuser->graph->node_count; n++) {
        for (const struct onr_fusion *fusion = fusions; fusion->match != NULL; fusion++) {
            struct onr_node *node = &fuser->graph->nodes[n];
            if (!node->is_dead && onr_fuse_is(node, fusion->anchor)) {
                ONR_TRY(fuse_node(node, fusion, fuser, uses, ctx));
            }
        }
    }
    return ONR_OK;
}

/* Nodes that are no longer needed die at once, so that nothing is fused or told of them; the graph's
 * counts follow behind the last node, so that equal layers are matched alike. */
static enum onr_status fuse_graph(struct onr_graph *graph, const struct onr_fusion *fusions,
                                  struct onr_pass_ctx *ctx)
{
    struct onr_mem *mem = ctx->eval->mem;
    size_t bytes = graph->value_count * sizeof(uint32_t);
    uint32_t *user = onr_mem_alloc(mem, bytes);
    struct onr_uses uses;
    if (!onr_uses_begin(&uses, graph, mem) || user == NULL) {
        onr_mem_free(mem, user, bytes);
        onr_uses_end(&uses, graph, mem);
        return onr_fail_memory(ctx->err, "users of values");
    }
    memset(user, 0xff, bytes);
    find_users(graph, user);
    struct onr_miss miss = {0};
    const struct onr_fuser fuser = {.graph = graph, .user = user, .miss = &miss};
    enum onr_status status = fuse_nodes(&fuser, fusions, &uses, ctx);
    onr_mem_free(mem, user, bytes);
    onr_uses_end(&uses, graph, mem);
    return status;
}

enum onr_status onr_fuse(struct onr_graph *graph, const struct onr_fusion *fusions,
                         struct onr_pass_ctx *ctx)
{
    enum onr_status status = fuse_graph(graph, fusions, ctx);
    for (uint32_t n = 0; status == ONR_OK && n < graph->node_count; n++) {
        for (uint32_t b = 0; status == ONR_OK && b < graph->nodes[n].body_count; b++) {
            status = onr_fuse(graph->nodes[n].bodies[b].graph, fusions, ctx);
        }
    }
    return status;
}
