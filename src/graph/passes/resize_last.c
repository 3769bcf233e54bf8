/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels are multiplied before planes are enlarged, as decoders of segmentation and detection leave
 * it the other way round:
 *
 *   Conv(Concat(x, Resize(z), ...), W, b)  ->  Add(Conv(x, W', b), Resize(Conv(z, W'')) + ...)
 *
 * where W' and W'' are the columns of W for the channels of x and z. The kernel of W has one element,
 * and Resize leaves batches and channels as they are: each of its results is a weighted sum over one
 * plane, so that the order of both makes no difference but in rounding.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"
#include "graph/passes/insert.h"

#include <string.h>

#define MOST_PARTS 16

/* Multiply-adds that must be saved for each result: it is then resized and added as well. */
#define LEAST_SAVED 128

/* An operand of Concat. */
struct part {
    uint32_t value;
    size_t first, channels;        /* of the product */
    const struct onr_node *resize; /* that is to come last, or NULL */
};

struct product {
    struct onr_inserter *insert;
    const struct onr_fuser *fuser;
    struct onr_node *conv, *concat;
    const struct onr_constant *weights; /* [channels, all channels of the parts, 1, ...] */
    size_t channels;
    struct part parts[MOST_PARTS];
    size_t part_count, late_count;
};

/* ---- finding ---- */

static bool are_all(const struct onr_node *node, const char *name, int64_t number)
{
    size_t count = 0;
    const int64_t *numbers = onr_attr_ints(node, name, &count);
    size_t i = 0;
    while (i < count && numbers[i] == number) {
        i++;
    }
    return i == count;
}

static bool is_text(const struct onr_node *node, const char *name, const char *text)
{
    return onr_string_is(onr_attr_string(node, name, text), text);
}

/* A convolution of float32 that is a product of channels alone, with constant weights. */
static bool is_pointwise(struct product *p)
{
    const struct onr_node *conv = p->conv;
    const struct onr_value *w = &p->fuser->graph->values[conv->inputs[1]];
    p->weights = w->constant != NULL && !w->is_input ? w->constant : NULL;
    if (p->weights == NULL || p->weights->dtype != ONR_FLOAT || p->weights->shape.rank < 3 ||
        onr_constant_count(p->weights) == 0 ||
        onr_shape_range(&p->weights->shape, 2, p->weights->shape.rank) != 1) {
        return false;
    }
    p->channels = (size_t)p->weights->shape.dim[0];
    return onr_attr_int(conv, "group", 1) == 1 && are_all(conv, "strides", 1) &&
           are_all(conv, "pads", 0);
}

/* Whether the lists of a Resize leave batches and channels alone, and `channels` in their place too. */
static bool keeps_channels(const struct product *p, const struct onr_node *resize, size_t channels)
{
    size_t axis_count = 0;
    (void)onr_attr_ints(resize, "axes", &axis_count);
    if (axis_count > 0 || !is_text(resize, "keep_aspect_ratio_policy", "stretch") ||
        onr_string_is(onr_attr_string(resize, "coordinate_transformation_mode", ""),
                      "tf_crop_and_resize")) {
        return false;
    }
    if (onr_fuse_has_input(resize, 3)) {
        return channels == p->channels;
    }
    uint32_t input = resize->version < 11 ? 1 : 2;
    const struct onr_fact *scales =
        onr_fuse_has_input(resize, input) ? onr_fuse_fact(p->fuser, resize->inputs[input]) : NULL;
    const float *scale = scales != NULL && scales->dtype == ONR_FLOAT ? scales->data : NULL;
    return scale != NULL && onr_shape_range(&scales->shape, 0, scales->shape.rank) > 2 &&
           scale[0] == 1 && scale[1] == 1;
}

/* Elements of a plane, or 0 where that is not known. */
static int64_t plane_of(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_shape *shape = &onr_fuse_fact(fuser, value)->shape;
    for (int i = 2; i < shape->rank; i++) {
        if (shape->dim[i] <= 0 || shape->dim[i] > 1 << 16) {
            return 0;
        }
    }
    return shape->rank == 4 || shape->rank == 3 ? onr_shape_range(shape, 2, shape->rank) : 0;
}

/* The Resize that makes a part, when it pays to have it come last, or NULL. */
static const struct onr_node *find_resize(const struct product *p, const struct part *part)
{
    const struct onr_fuser *fuser = p->fuser;
    const struct onr_node *resize = onr_fuse_producer(fuser, part->value, "Resize");
    if (resize == NULL || onr_fuse_use_count(fuser, part->value) != 1) {
        return NULL;
    }
    uint32_t x = resize->inputs[0];
    int64_t before = plane_of(fuser, x);
    int64_t after = plane_of(fuser, part->value);
    bool pays = before > 0 && 2 * before <= after && p->channels <= 2 * part->channels &&
                (double)part->channels * (double)(after - before) >= LEAST_SAVED * (double)after;
    return pays && fuser->graph->values[x].constant == NULL &&
                   onr_fuse_same_dim(fuser, x, 0, part->value, 0) &&
                   onr_fuse_same_dim(fuser, x, 1, part->value, 1) &&
                   keeps_channels(p, resize, part->channels)
               ? resize
               : NULL;
}

/* Finds what is concatenated, and which parts are better multiplied before they are enlarged. */
static bool find_parts(struct product *p)
{
    const struct onr_graph *graph = p->fuser->graph;
    size_t first = 0;
    for (uint32_t i = 0; i < p->concat->input_count; i++) {
        struct part *part = &p->parts[i];
        if (!onr_fuse_has_input(p->concat, i)) {
            return false;
        }
        const struct onr_value *value = &graph->values[p->concat->inputs[i]];
        const struct onr_shape *shape = &value->fact.shape;
        if (shape->rank != p->weights->shape.rank || shape->dim[1] <= 0 ||
            shape->dim[1] > p->weights->shape.dim[1] || value->constant != NULL) {
            return false;
        }
        *part = (struct part){
            .value = p->concat->inputs[i], .first = first, .channels = (size_t)shape->dim[1]};
        part->resize = find_resize(p, part);
        p->late_count += part->resize != NULL;
        first += part->channels;
    }
    p->part_count = p->concat->input_count;
    return p->late_count > 0 && p->late_count < p->part_count &&
           first == (size_t)p->weights->shape.dim[1];
}

static bool find_product(struct product *p)
{
    const struct onr_graph *graph = p->fuser->graph;
    if (p->conv->is_dead || !onr_fuse_is(p->conv, "Conv")) {
        return false;
    }
    uint32_t x = p->conv->inputs[0];
    uint32_t producer = graph->values[x].producer;
    if (producer == ONR_NO_VALUE || onr_fuse_use_count(p->fuser, x) != 1) {
        return false;
    }
    p->concat = &graph->nodes[producer];
    return onr_fuse_is(p->concat, "Concat") && p->concat->input_count <= MOST_PARTS &&
           onr_attr_int(p->concat, "axis", 0) == 1 && is_pointwise(p) && find_parts(p);
}

/* ---- writing ---- */

/* Appends columns of the weights to those that are there, [rows, *width] of [rows, all]. */
static void copy_columns(const struct product *p, const struct part *part, size_t all, float *to)
{
    const char *from = p->weights->data; /* of a file, where floats may lie anywhere */
    size_t stride = (size_t)p->weights->shape.dim[1];
    for (size_t row = 0; row < p->channels; row++) {
        memcpy(to + row * all, from + (row * stride + part->first) * sizeof *to,
               part->channels * sizeof *to);
    }
}

/* The weights of one part, or of those that are not resized. */
static enum onr_status add_weights(const struct product *p, const struct part *only,
                                   const char *suffix, uint32_t *id)
{
    struct onr_graph *graph = p->insert->graph;
    struct onr_shape shape = p->weights->shape;
    size_t all = 0;
    for (size_t i = 0; i < p->part_count; i++) {
        const struct part *part = &p->parts[i];
        all += (only != NULL ? part == only : part->resize == NULL) ? part->channels : 0;
    }
    shape.dim[1] = (int64_t)all;
    float *data = onr_arena_alloc(graph->arena, p->channels * all * sizeof *data);
    const char *name =
        onr_arena_printf(graph->arena, "%s.%s", graph->values[p->conv->inputs[1]].name, suffix);
    if (data == NULL || name == NULL) {
        return onr_fail_memory(p->insert->ctx->err, "weights of a convolution");
    }
    size_t at = 0;
    for (size_t i = 0; i < p->part_count; i++) {
        const struct part *part = &p->parts[i];
        if (only != NULL ? part == only : part->resize == NULL) {
            copy_columns(p, part, all, data + at);
            at += part->channels;
        }
    }
    return onr_insert_constant(graph, name, &shape, data, id, p->insert->ctx->err);
}

/* A convolution like that of the product, but of this input and these weights. */
static enum onr_status add_conv(const struct product *p, uint32_t x, uint32_t weights,
                                bool has_bias, const char *suffix, uint32_t *made)
{
    struct onr_node like = *p->conv;
    const uint32_t inputs[] = {x, weights, has_bias ? p->conv->inputs[2] : ONR_NO_VALUE};
    like.input_count = has_bias ? 3 : 2;
    ONR_TRY(onr_insert_before(p->insert, &like, inputs, suffix, made));
    p->insert->graph->values[*made].fact.shape.dim[1] = (int64_t)p->channels;
    return ONR_OK;
}

static enum onr_status add_late(const struct product *p, const struct part *part, size_t index,
                                uint32_t *made)
{
    struct onr_graph *graph = p->insert->graph;
    uint32_t weights = ONR_NO_VALUE;
    uint32_t inputs[ONR_INSERT_INPUTS];
    const char *small = onr_arena_printf(graph->arena, "small%zu", index);
    const char *large = onr_arena_printf(graph->arena, "large%zu", index);
    if (small == NULL || large == NULL) {
        return onr_fail_memory(p->insert->ctx->err, "node");
    }
    ONR_TRY(add_weights(p, part, small, &weights));
    memcpy(inputs, part->resize->inputs, part->resize->input_count * sizeof *inputs);
    ONR_TRY(add_conv(p, inputs[0], weights, false, small, &inputs[0]));
    ONR_TRY(onr_insert_before(p->insert, part->resize, inputs, large, made));
    struct onr_shape *shape = &graph->values[*made].fact.shape;
    *shape = graph->values[part->value].fact.shape;
    shape->dim[1] = (int64_t)p->channels;
    return ONR_OK;
}

/* What is left to concatenate, or the only part of that. */
static enum onr_status keep_parts(const struct product *p, uint32_t *x)
{
    struct onr_graph *graph = p->insert->graph;
    uint32_t *left = ONR_ARENA_ARRAY(graph->arena, p->part_count - p->late_count, uint32_t);
    uint32_t count = 0;
    int64_t channels = 0;
    if (left == NULL) {
        return onr_fail_memory(p->insert->ctx->err, "inputs of a node");
    }
    for (size_t i = 0; i < p->part_count; i++) {
        if (p->parts[i].resize == NULL) {
            left[count++] = p->parts[i].value;
            channels += (int64_t)p->parts[i].channels;
        }
    }
    *x = count == 1 ? left[0] : p->concat->outputs[0];
    if (count > 1) {
        p->concat->inputs = left;
        p->concat->input_count = count;
        graph->values[*x].fact.shape.dim[1] = channels;
    }
    return ONR_OK;
}

/* Adds what is enlarged; *sum is ONR_NO_VALUE before the first. */
static enum onr_status add_to_sum(const struct product *p, const struct onr_node *add, size_t index,
                                  uint32_t *sum)
{
    uint32_t inputs[] = {ONR_NO_VALUE, *sum};
    ONR_TRY(add_late(p, &p->parts[index], index, &inputs[0]));
    if (*sum == ONR_NO_VALUE) {
        *sum = inputs[0];
        return ONR_OK;
    }
    const char *suffix = onr_arena_printf(p->insert->graph->arena, "sum%zu", index);
    if (suffix == NULL) {
        return onr_fail_memory(p->insert->ctx->err, "node");
    }
    return onr_insert_before(p->insert, add, inputs, suffix, sum);
}

static enum onr_status write_product(const struct product *p, const struct onr_node *add)
{
    uint32_t weights = ONR_NO_VALUE;
    uint32_t x = ONR_NO_VALUE;
    uint32_t sums[] = {ONR_NO_VALUE, ONR_NO_VALUE};
    for (size_t i = 0; i < p->part_count; i++) {
        if (p->parts[i].resize != NULL) {
            ONR_TRY(add_to_sum(p, add, i, &sums[1]));
        }
    }
    ONR_TRY(add_weights(p, NULL, "kept", &weights));
    ONR_TRY(keep_parts(p, &x));
    ONR_TRY(add_conv(p, x, weights, onr_fuse_has_input(p->conv, 2), "kept", &sums[0]));
    if (p->insert->ctx->report != NULL) {
        onr_report_fused(p->insert->ctx->report, "Resize",
                         onr_node_label(p->insert->graph, p->conv));
    }
    return onr_insert_instead(p->insert, p->conv, add, sums);
}

enum onr_status onr_pass_resize_last(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    const struct onr_fuser fuser = {.graph = graph};
    const struct onr_node add = {.op_type = "Add",
                                 .domain = "",
                                 .version = 14,
                                 .input_count = 2,
                                 .op = ctx->registry->find("", "Add", 14)};
    struct onr_inserter insert;
    onr_insert_start(&insert, graph, ctx);
    for (uint32_t n = 0; n < graph->node_count && add.op != NULL; n++) {
        struct product p = {.insert = &insert, .fuser = &fuser, .conv = &graph->nodes[n]};
        insert.at = n;
        if (find_product(&p)) {
            size_t bytes = (size_t)onr_constant_count(p.weights) * sizeof(float);
            if (bytes <= ctx->fold_bytes) {
                ctx->fold_bytes -= bytes;
                ONR_TRY(write_product(&p, &add));
            }
        }
    }
    ONR_TRY(onr_insert_place(&insert));
    return onr_pass_bodies(graph, onr_pass_resize_last, ctx);
}
