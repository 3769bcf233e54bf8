/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Pad by known numbers of zeros, of spatial dimensions alone, becomes pads of the Conv behind it, as
 * MobileNetV2, EfficientNet and what else was trained in TensorFlow has it.
 */
#include "base/size.h"
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#include <string.h>

enum { X, PADS, VALUE, AXES };

/* Zeros before and after each dimension, those after from ONR_MAX_RANK on. */
struct zeros {
    int64_t count[2 * ONR_MAX_RANK];
};

static const int64_t *find_ints(const struct onr_fuser *fuser, const struct onr_node *pad,
                                uint32_t input, size_t *count)
{
    if (!onr_fuse_has_input(pad, input)) {
        return NULL;
    }
    const struct onr_fact *fact = onr_fuse_fact(fuser, pad->inputs[input]);
    if (fact->dtype != ONR_INT64 || fact->data == NULL || fact->shape.rank != 1) {
        return NULL;
    }
    *count = (size_t)fact->shape.dim[0];
    return fact->data;
}

static bool is_of_zeros(const struct onr_fuser *fuser, const struct onr_node *pad)
{
    double number = (double)onr_attr_float(pad, "value", 0.0f);
    return onr_string_is(onr_attr_string(pad, "mode", "constant"), "constant") && number == 0 &&
           (!onr_fuse_has_input(pad, VALUE) ||
            (onr_fuse_number(fuser, pad->inputs[VALUE], &number) && number == 0));
}

static bool read_pad(const struct onr_fuser *fuser, const struct onr_node *pad, int rank,
                     struct zeros *zeros)
{
    size_t count = 0;
    size_t axis_count = (size_t)rank;
    const int64_t *axes = find_ints(fuser, pad, AXES, &axis_count);
    const int64_t *pads = pad->version < 11
                              ? onr_attr_ints(pad, pad->version < 2 ? "paddings" : "pads", &count)
                              : find_ints(fuser, pad, PADS, &count);
    if (pads == NULL || count != 2 * axis_count ||
        (axes == NULL && onr_fuse_has_input(pad, AXES))) {
        return false;
    }
    *zeros = (struct zeros){.count = {0}};
    for (size_t i = 0; i < count; i++) {
        int axis = (int)(i % axis_count);
        if ((axes != NULL && !onr_axis_normalize(axes[i % axis_count], rank, &axis)) ||
            pads[i] < 0 || (pads[i] > 0 && axis < 2)) {
            return false;
        }
        zeros->count[i < axis_count ? axis : ONR_MAX_RANK + axis] = pads[i];
    }
    return true;
}

/* Copies the attributes of the Conv but for its pads, which become those of both. */
static bool add_pads(const struct onr_node *conv, int rank, const struct zeros *zeros,
                     struct onr_fused *fused)
{
    int64_t pads[2 * ONR_MAX_RANK];
    size_t spatial = (size_t)rank - 2;
    size_t count = 0;
    const int64_t *own = onr_attr_ints(conv, "pads", &count);
    struct onr_string way = onr_attr_string(conv, "auto_pad", "NOTSET");
    bool is_valid = onr_string_is(way, "VALID");
    own = is_valid ? NULL : own;
    if ((own != NULL && count != 2 * spatial) || (!is_valid && !onr_string_is(way, "NOTSET"))) {
        return false;
    }
    for (size_t i = 0; i < 2 * spatial; i++) {
        size_t at = i < spatial ? 2 + i : ONR_MAX_RANK + 2 + i - spatial;
        if (!onr_int_add(zeros->count[at], own != NULL ? own[i] : 0, &pads[i]) ||
            pads[i] > INT32_MAX) {
            return false;
        }
    }
    for (uint32_t i = 0; i < conv->attr_count; i++) {
        const char *name = conv->attrs[i].name;
        if (strcmp(name, "pads") != 0 && strcmp(name, "auto_pad") != 0) {
            fused->attrs[fused->attr_count++] = conv->attrs[i];
        }
    }
    onr_fused_ints(fused, "pads", pads, 2 * spatial);
    return true;
}

static bool match_conv(const struct onr_fuser *fuser, const struct onr_node *anchor,
                       struct onr_fused *fused)
{
    const struct onr_graph *graph = fuser->graph;
    const struct onr_node *pad = onr_fuse_producer(fuser, anchor->inputs[X], "Pad");
    int rank = onr_fuse_fact(fuser, anchor->inputs[X])->shape.rank;
    struct zeros zeros;
    if (pad == NULL || rank < 3 || rank > 5 || onr_fuse_use_count(fuser, pad->outputs[0]) != 1 ||
        !is_of_zeros(fuser, pad)) {
        return false;
    }
    if (!read_pad(fuser, pad, rank, &zeros)) {
        return onr_fuse_miss(fuser, "Conv", pad->outputs[0],
                             "padded by known numbers, and in spatial dimensions alone");
    }
    if (!add_pads(anchor, rank, &zeros, fused)) {
        return false;
    }
    fused->last = &graph->nodes[graph->values[anchor->outputs[0]].producer];
    fused->op_type = "Conv";
    fused->version = anchor->version;
    fused->input_count = anchor->input_count;
    memcpy(fused->inputs, anchor->inputs, anchor->input_count * sizeof *fused->inputs);
    fused->inputs[X] = pad->inputs[X];
    return true;
}

enum onr_status onr_pass_fuse_pad(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Conv", match_conv}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
