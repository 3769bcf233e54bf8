/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a node against its row, inference of element types, and helpers for infer functions. */
#include "graph/infer.h"

#include <inttypes.h>
#include <string.h>

static enum onr_status check_arity(const char *what, uint32_t count, struct onr_arity arity,
                                   struct onr_error *err)
{
    if (count >= arity.min && count <= arity.max) {
        return ONR_OK;
    }
    if (arity.max == ONR_VARIADIC) {
        return onr_fail(err, ONR_ERR_MODEL, "%" PRIu32 " %s, expected at least %" PRIu32, count,
                        what, arity.min);
    }
    return onr_fail(err, ONR_ERR_MODEL, "%" PRIu32 " %s, expected %" PRIu32 " to %" PRIu32, count,
                    what, arity.min, arity.max);
}

static const struct onr_attr_spec *find_spec(const struct onr_op_def *op, const char *name)
{
    for (const struct onr_attr_spec *spec = op->attrs; spec != NULL && spec->name != NULL; spec++) {
        if (strcmp(spec->name, name) == 0) {
            return spec;
        }
    }
    return NULL;
}

static enum onr_status check_attrs(const struct onr_node *node, const struct onr_op_def *op,
                                   struct onr_error *err)
{
    for (uint32_t i = 0; i < node->attr_count; i++) {
        const struct onr_attr *attr = &node->attrs[i];
        const struct onr_attr_spec *spec = find_spec(op, attr->name);
        if (spec == NULL) {
            return onr_fail(err, ONR_ERR_MODEL, "attribute \"%.64s\" is not known", attr->name);
        }
        if (spec->kind != attr->kind) {
            return onr_fail(err, ONR_ERR_MODEL, "attribute \"%s\" has type %d, expected %d",
                            attr->name, (int)attr->kind, (int)spec->kind);
        }
    }
    for (const struct onr_attr_spec *spec = op->attrs; spec != NULL && spec->name != NULL; spec++) {
        bool is_body = spec->kind == ONR_ATTR_GRAPH;
        if (spec->is_required && (is_body ? onr_node_body(node, spec->name) == NULL
                                          : onr_node_attr(node, spec->name) == NULL)) {
            return onr_fail(err, ONR_ERR_MODEL, "attribute \"%s\" is missing", spec->name);
        }
    }
    return ONR_OK;
}

static enum onr_status check_presence(const struct onr_node *node, const struct onr_op_def *op,
                                      struct onr_error *err)
{
    for (uint32_t i = 0; i < op->inputs.min; i++) {
        if (node->inputs[i] == ONR_NO_VALUE) {
            return onr_fail(err, ONR_ERR_MODEL, "required input %" PRIu32 " is empty", i);
        }
    }
    for (uint32_t i = 0; i < op->outputs.min && op->outputs.max != ONR_VARIADIC; i++) {
        if (node->outputs[i] == ONR_NO_VALUE) {
            return onr_fail(err, ONR_ERR_MODEL, "required output %" PRIu32 " is empty", i);
        }
    }
    for (uint32_t i = 0; i < node->body_count; i++) {
        const struct onr_attr_spec *spec = find_spec(op, node->bodies[i].attr_name);
        if (spec == NULL || spec->kind != ONR_ATTR_GRAPH) {
            return onr_fail(err, ONR_ERR_MODEL, "attribute \"%.64s\" is not known",
                            node->bodies[i].attr_name);
        }
    }
    return ONR_OK;
}

enum onr_status onr_check_node(const struct onr_node *node, const struct onr_op_def *op,
                               struct onr_error *err)
{
    ONR_TRY(check_arity("inputs", node->input_count, op->inputs, err));
    ONR_TRY(check_arity("outputs", node->output_count, op->outputs, err));
    ONR_TRY(check_presence(node, op, err));
    return check_attrs(node, op, err);
}

struct onr_param_spec onr_param_spec_at(const struct onr_param_spec *specs, uint32_t index)
{
    if (specs == NULL || specs[0].dtypes == 0) {
        return (struct onr_param_spec){.dtypes = ONR_DTYPES_ALL};
    }
    for (uint32_t i = 0; i < index && specs[1].dtypes != 0; i++) {
        specs++;
    }
    return specs[0];
}

enum onr_status onr_check_dtypes(const struct onr_node *node, const struct onr_op_def *op,
                                 const struct onr_fact *const *inputs, struct onr_error *err)
{
    enum onr_dtype groups[ONR_MAX_TYPE_GROUPS] = {ONR_UNDEFINED};
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (inputs[i] == NULL || inputs[i]->dtype == ONR_UNDEFINED) {
            continue;
        }
        enum onr_dtype dtype = inputs[i]->dtype;
        struct onr_param_spec spec = onr_param_spec_at(op->input_specs, i);
        if (!onr_dtypes_has(spec.dtypes, dtype)) {
            return onr_fail(err, ONR_ERR_UNSUPPORTED, "input %" PRIu32 " of type %s", i,
                            onr_dtype_name(dtype));
        }
        if (spec.group != 0 && groups[spec.group] == ONR_UNDEFINED) {
            groups[spec.group] = dtype;
        } else if (spec.group != 0 && groups[spec.group] != dtype) {
            return onr_fail(err, ONR_ERR_MODEL, "input %" PRIu32 " has type %s, expected %s", i,
                            onr_dtype_name(dtype), onr_dtype_name(groups[spec.group]));
        }
    }
    return ONR_OK;
}

/* The only type of a set, or ONR_UNDEFINED when it has several. */
static enum onr_dtype single_dtype(onr_dtypes set)
{
    if ((set & (set - 1)) != 0) {
        return ONR_UNDEFINED;
    }
    return (enum onr_dtype)__builtin_ctz(set);
}

static enum onr_dtype output_dtype(const struct onr_node *node, const struct onr_op_def *op,
                                   const struct onr_fact *const *inputs, uint32_t index)
{
    struct onr_param_spec spec = onr_param_spec_at(op->output_specs, index);
    for (uint32_t i = 0; spec.group != 0 && i < node->input_count; i++) {
        if (inputs[i] != NULL && inputs[i]->dtype != ONR_UNDEFINED &&
            onr_param_spec_at(op->input_specs, i).group == spec.group) {
            return inputs[i]->dtype;
        }
    }
    return single_dtype(spec.dtypes);
}

/* Contents that are known as a whole become data. */
static enum onr_status contents_to_data(struct onr_fact *fact, struct onr_arena *arena,
                                        struct onr_error *err)
{
    if (fact->contents == NULL || fact->data != NULL || fact->dtype != ONR_INT64 ||
        !onr_fact_is_shaped(fact)) {
        return ONR_OK;
    }
    size_t count = (size_t)onr_shape_count(&fact->shape);
    for (size_t i = 0; i < count; i++) {
        if (fact->contents[i].dim != 0) {
            return ONR_OK;
        }
    }
    int64_t *data = ONR_ARENA_ARRAY(arena, count, int64_t);
    if (data == NULL) {
        return onr_fail_memory(err, "contents of a value");
    }
    for (size_t i = 0; i < count; i++) {
        data[i] = fact->contents[i].value;
    }
    fact->data = data;
    return ONR_OK;
}

/* Sequences and optionals are only for operators that say so. */
static enum onr_status check_kinds(const struct onr_node *node, const struct onr_op_def *op,
                                   const struct onr_fact *const *inputs, struct onr_error *err)
{
    for (uint32_t i = 0; i < node->input_count && (op->traits & ONR_TRAIT_ANY_KIND) == 0; i++) {
        if (inputs[i] != NULL && !onr_fact_is_tensor(inputs[i])) {
            return onr_fail(err, ONR_ERR_MODEL, "input %" PRIu32 " is %s, expected a tensor", i,
                            onr_fact_kind_text(inputs[i]));
        }
    }
    return ONR_OK;
}

enum onr_status onr_infer_node(const struct onr_graph *graph, const struct onr_node *node,
                               const struct onr_op_def *op, const struct onr_fact *const *inputs,
                               struct onr_fact *outputs, uint32_t *needs, struct onr_arena *arena,
                               struct onr_error *err)
{
    ONR_TRY(check_kinds(node, op, inputs, err));
    for (uint32_t i = 0; i < node->output_count; i++) {
        outputs[i] = (struct onr_fact){.kind = ONR_KIND_TENSOR,
                                       .dtype = output_dtype(node, op, inputs, i),
                                       .shape.rank = ONR_RANK_UNKNOWN};
    }
    struct onr_infer_ctx ctx = {.graph = graph,
                                .node = node,
                                .inputs = inputs,
                                .outputs = outputs,
                                .arena = arena,
                                .err = err};
    ONR_TRY(op->infer(&ctx));
    for (uint32_t i = 0; i < node->output_count; i++) {
        size_t bytes = 0;
        if (outputs[i].kind == ONR_KIND_TENSOR && onr_fact_is_shaped(&outputs[i]) &&
            !onr_shape_bytes(&outputs[i].shape, outputs[i].dtype, &bytes)) {
            char text[ONR_SHAPE_TEXT_BYTES];
            return onr_fail(err, ONR_ERR_LIMIT, "output %" PRIu32 " of shape %s is too large", i,
                            onr_shape_text(&outputs[i].shape, text));
        }
        ONR_TRY(contents_to_data(&outputs[i], arena, err));
    }
    *needs = ctx.needs;
    return ONR_OK;
}

/* ---- helpers for infer functions ---- */

static enum onr_status check_int_list(struct onr_infer_ctx *ctx, uint32_t index)
{
    const struct onr_fact *fact = ctx->inputs[index];
    if (fact->dtype != ONR_UNDEFINED &&
        !onr_dtypes_has(ONR_DTYPES_INT | ONR_BIT(BOOL), fact->dtype)) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "input %" PRIu32 " has type %s, expected int64",
                        index, onr_dtype_name(fact->dtype));
    }
    if (fact->shape.rank > 1) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "input %" PRIu32 " has rank %d, expected 0 or 1",
                        index, fact->shape.rank);
    }
    return ONR_OK;
}

enum onr_status onr_infer_sints(struct onr_infer_ctx *ctx, uint32_t index,
                                const struct onr_sint **ints, size_t *count)
{
    const struct onr_fact *fact = ctx->inputs[index];
    *ints = NULL;
    *count = 0;
    ONR_TRY(check_int_list(ctx, index));
    if (onr_fact_is_shaped(fact)) {
        *count = (size_t)onr_shape_count(&fact->shape);
    }
    if (onr_fact_is_constant(fact)) {
        struct onr_sint *list = ONR_ARENA_ARRAY(ctx->arena, *count + 1, struct onr_sint);
        if (list == NULL) {
            return onr_fail_memory(ctx->err, "integers of an input");
        }
        for (size_t i = 0; i < *count; i++) {
            list[i].value = onr_fact_int(fact, (int64_t)i);
        }
        *ints = list;
    } else if (fact->contents != NULL) {
        *ints = fact->contents;
        for (size_t i = 0; i < *count; i++) {
            ctx->needs |= fact->contents[i].dim != 0 && index < 32 ? 1u << index : 0;
        }
    } else {
        ctx->needs |= index < 32 ? 1u << index : 0;
    }
    return ONR_OK;
}

enum onr_status onr_infer_ints(struct onr_infer_ctx *ctx, uint32_t index, const int64_t **ints,
                               size_t *count)
{
    const struct onr_sint *symbolic = NULL;
    *ints = NULL;
    ONR_TRY(onr_infer_sints(ctx, index, &symbolic, count));
    if (symbolic == NULL) {
        return ONR_OK;
    }
    int64_t *list = ONR_ARENA_ARRAY(ctx->arena, *count + 1, int64_t);
    if (list == NULL) {
        return onr_fail_memory(ctx->err, "integers of an input");
    }
    for (size_t i = 0; i < *count; i++) {
        if (symbolic[i].dim != 0) {
            ctx->needs |= index < 32 ? 1u << index : 0;
            return ONR_OK;
        }
        list[i] = symbolic[i].value;
    }
    *ints = list;
    return ONR_OK;
}

enum onr_status onr_infer_same_shape(struct onr_infer_ctx *ctx)
{
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    return ONR_OK;
}

bool onr_dim_broadcast(int64_t a, int64_t b, int64_t *result)
{
    if (a == b || b == 1) {
        *result = a;
    } else if (a == 1) {
        *result = b;
    } else if (a >= 0 && b >= 0) {
        return false;
    } else {
        /* A known dimension other than 1 decides; two different unknowns stay unknown. */
        *result = a >= 0 ? a : b >= 0 ? b : ONR_DIM_UNKNOWN;
    }
    return true;
}

enum onr_status onr_infer_broadcast_input(const struct onr_infer_ctx *ctx, uint32_t index,
                                          struct onr_shape *out)
{
    const struct onr_shape *in = &ctx->inputs[index]->shape;
    if (in->rank == ONR_RANK_UNKNOWN) {
        out->rank = ONR_RANK_UNKNOWN;
        return ONR_OK;
    }
    struct onr_shape joined = {.rank = in->rank > out->rank ? in->rank : out->rank};
    for (int i = 1; i <= joined.rank; i++) {
        int64_t a = i <= out->rank ? out->dim[out->rank - i] : 1;
        int64_t b = i <= in->rank ? in->dim[in->rank - i] : 1;
        if (!onr_dim_broadcast(a, b, &joined.dim[joined.rank - i])) {
            char left[ONR_SHAPE_TEXT_BYTES];
            char right[ONR_SHAPE_TEXT_BYTES];
            return onr_fail(ctx->err, ONR_ERR_SHAPE,
                            "input %" PRIu32 " of shape %s does not broadcast with shape %s", index,
                            onr_shape_text(in, right), onr_shape_text(out, left));
        }
    }
    *out = joined;
    return ONR_OK;
}

enum onr_status onr_infer_broadcast_of(struct onr_infer_ctx *ctx, const uint32_t *inputs,
                                       uint32_t count)
{
    struct onr_shape out = {.rank = 0};
    for (uint32_t i = 0; i < count && out.rank != ONR_RANK_UNKNOWN; i++) {
        uint32_t index = inputs != NULL ? inputs[i] : i;
        if (ctx->inputs[index] != NULL) {
            ONR_TRY(onr_infer_broadcast_input(ctx, index, &out));
        }
    }
    ctx->outputs[0].shape = out;
    return ONR_OK;
}

enum onr_status onr_infer_broadcast(struct onr_infer_ctx *ctx)
{
    return onr_infer_broadcast_of(ctx, NULL, ctx->node->input_count);
}
