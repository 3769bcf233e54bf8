/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/fold_channels.h"

#include "base/size.h"
#include "graph/op_def.h"
#include "graph/passes/fuse.h"
#include "graph/passes/insert.h"
#include "graph/passes/report.h"

#include <math.h>

const struct onr_constant *onr_channels_constant(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_value *v = &graph->values[value];
    return v->constant != NULL && !v->is_input && v->constant->dtype == ONR_FLOAT ? v->constant
                                                                                  : NULL;
}

struct onr_node *onr_channels_producer(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_value *v = &graph->values[value];
    return v->producer != ONR_NO_VALUE && v->use_count == 1 ? &graph->nodes[v->producer] : NULL;
}

bool onr_channels_find(struct onr_channels *c)
{
    const struct onr_constant *w = onr_channels_constant(c->graph, c->product->inputs[1]);
    bool is_matmul = onr_fuse_is(c->product, "MatMul");
    if (w == NULL || onr_constant_count(w) == 0 || w->shape.rank < 2 ||
        (is_matmul && w->shape.rank != 2)) {
        return false;
    }
    int64_t groups = 1;
    int axis = is_matmul ? 1 : 0;
    if (onr_fuse_is(c->product, "ConvTranspose")) {
        groups = onr_attr_int(c->product, "group", 1);
        axis = 1;
    } else if (onr_fuse_is(c->product, "Gemm")) {
        axis = onr_attr_int(c->product, "transB", 0) != 0 ? 0 : 1;
    }
    if (groups < 1 || w->shape.dim[0] % groups != 0) {
        return false; /* what was not inferred was not checked either */
    }
    c->layout.count = (size_t)onr_constant_count(w);
    c->layout.channels = (size_t)w->shape.dim[axis];
    c->layout.inner = (size_t)onr_shape_range(&w->shape, axis + 1, w->shape.rank);
    c->layout.group = c->layout.count / (size_t)groups;
    c->count = c->layout.channels * (size_t)groups;
    return true;
}

/* As many bytes as some parameters of the model take, which are there. */
static size_t list_bytes(const struct onr_channels *c)
{
    return c->count * (2 * sizeof(double) + sizeof(float));
}

enum onr_status onr_channels_begin(struct onr_channels *c)
{
    c->factor = onr_mem_calloc(c->ctx->eval->mem, list_bytes(c));
    if (c->factor == NULL) {
        return onr_fail_memory(c->ctx->err, "factors of channels");
    }
    c->shift = c->factor + c->count;
    c->bias = (float *)(c->shift + c->count);
    return ONR_OK;
}

void onr_channels_end(struct onr_channels *c)
{
    onr_mem_free(c->ctx->eval->mem, c->factor, list_bytes(c));
}

bool onr_channels_read(const struct onr_channels *c, uint32_t value, float *numbers)
{
    const struct onr_constant *constant = onr_channels_constant(c->graph, value);
    if (constant == NULL || constant->shape.rank != 1 ||
        (size_t)constant->shape.dim[0] != c->count) {
        return false;
    }
    onr_constant_copy(constant, numbers);
    return true;
}

bool onr_channels_read_bias(const struct onr_channels *c)
{
    return !onr_fuse_has_input(c->product, 2) ||
           onr_channels_read(c, c->product->inputs[2], c->bias);
}

/* w[i] *= the factor of its channel; false when a result is not finite. */
static bool scale_weights(const struct onr_channels *c, float *w)
{
    const struct onr_channel_layout *l = &c->layout;
    bool is_finite = true;
    for (size_t first = 0; first < l->count; first += l->inner) {
        size_t channel = first / l->group * l->channels + first / l->inner % l->channels;
        for (size_t i = first; i < first + l->inner; i++) {
            w[i] = (float)((double)w[i] * c->factor[channel]);
            is_finite = is_finite && isfinite(w[i]);
        }
    }
    return is_finite;
}

static bool make_bias(const struct onr_channels *c, float *bias)
{
    bool is_finite = true;
    for (size_t i = 0; i < c->count; i++) {
        bias[i] = (float)((double)c->bias[i] * c->factor[i] + c->shift[i]);
        is_finite = is_finite && isfinite(bias[i]);
    }
    return is_finite;
}

/* Adds a constant that is named after the value that it replaces. */
static enum onr_status add_constant(const struct onr_channels *c, uint32_t origin,
                                    const struct onr_shape *shape, const float *data, uint32_t *id)
{
    char *name = onr_arena_printf(c->graph->arena, "%s.normalized", c->graph->values[origin].name);
    if (name == NULL) {
        return onr_fail_memory(c->ctx->err, "weights of a normalization");
    }
    return onr_insert_constant(c->graph, name, shape, data, id, c->ctx->err);
}

/* Weights that are not multiplied stay where they are. */
static bool has_factors(const struct onr_channels *c)
{
    size_t i = 0;
    while (i < c->count && c->factor[i] == 1.0) {
        i++;
    }
    return i < c->count;
}

static enum onr_status change_inputs(const struct onr_channels *c, uint32_t origin, const float *w,
                                     const float *bias)
{
    struct onr_node *product = c->product;
    const struct onr_shape row = {.rank = 1, .dim = {(int64_t)c->count}};
    uint32_t *inputs = ONR_ARENA_ARRAY(c->graph->arena, 3, uint32_t);
    if (inputs == NULL) {
        return onr_fail_memory(c->ctx->err, "inputs of a node");
    }
    inputs[0] = product->inputs[0];
    inputs[1] = product->inputs[1];
    if (w != NULL) {
        const struct onr_shape shape = onr_channels_constant(c->graph, inputs[1])->shape;
        ONR_TRY(add_constant(c, product->inputs[1], &shape, w, &inputs[1]));
    }
    ONR_TRY(add_constant(c, origin, &row, bias, &inputs[2]));
    product->inputs = inputs;
    return ONR_OK;
}

enum onr_status onr_channels_fold(const struct onr_channels *c, uint32_t origin, bool *is_folded)
{
    size_t bytes = 0;
    size_t count = has_factors(c) ? c->layout.count : 0;
    *is_folded = false;
    if (!onr_size_mul(count + c->count, sizeof(float), &bytes) || bytes > c->ctx->fold_bytes) {
        return ONR_OK;
    }
    float *w = count > 0 ? onr_arena_alloc(c->graph->arena, count * sizeof *w) : NULL;
    float *bias = onr_arena_alloc(c->graph->arena, c->count * sizeof *bias);
    if ((count > 0 && w == NULL) || bias == NULL) {
        return onr_fail_memory(c->ctx->err, "weights of a normalization");
    }
    c->ctx->fold_bytes -= bytes;
    if (count > 0) {
        onr_constant_copy(onr_channels_constant(c->graph, c->product->inputs[1]), w);
    }
    *is_folded = (count == 0 || scale_weights(c, w)) && make_bias(c, bias);
    if (!*is_folded) {
        return ONR_OK;
    }
    if (c->ctx->report != NULL) {
        onr_report_fused(c->ctx->report, c->product->op_type, onr_node_label(c->graph, c->product));
    }
    return change_inputs(c, origin, w, bias);
}

void onr_channels_replace(const struct onr_channels *c, struct onr_node *behind)
{
    struct onr_node *product = c->product;
    product->input_count = 3;
    product->outputs = behind->outputs;
    product->output_count = 1;
    c->graph->values[product->outputs[0]].producer = (uint32_t)(product - c->graph->nodes);
    behind->is_dead = true;
}
