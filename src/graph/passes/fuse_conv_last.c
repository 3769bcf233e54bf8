/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConvLast (onnxrun, ops/conv/conv_last.c) from a Conv of float32 with constant weights whose output is
 * transposed, so that channels stand last, and its input as well:
 *
 *   t = Transpose(x, [0, 2, 1]); c = Reshape(t, [N, C, height, width])   tokens in, or
 *   c = Transpose(x, [0, 3, 1, 2])                                       images in
 *   p = Conv(c, w, b)
 *   q = Reshape(p, [N, M, -1]); y = Transpose(q, [0, 2, 1])              tokens out, or
 *   y = Transpose(p, [0, 2, 3, 1])                                       images out
 *
 * and of an activation behind it. The Conv has one group, or groups of one channel and one filter.
 *
 * An input that is not transposed is read as it is where windows are patches, as those of Vision
 * Transformers: of one group, more than one step apart.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse_activation.h"

enum { X, W, BIAS, PLANES, INPUTS };

/* Products of fewer filters leave most of a tile unused. */
#define LEAST_FILTERS 16

/* Multiply-adds for what is copied from a line of a plane. */
#define LEAST_WORK 192

/* True for a Transpose that moves dimension 1 to the end, or the last one there. */
static bool moves_channels(const struct onr_fuser *fuser, const struct onr_node *transpose,
                           bool to_front)
{
    size_t count = 0;
    const int64_t *perm = onr_attr_ints(transpose, "perm", &count);
    int rank = onr_fuse_fact(fuser, transpose->inputs[0])->shape.rank;
    if (perm == NULL || rank < 3 || count != (size_t)rank || perm[0] != 0) {
        return false;
    }
    for (int i = 1; i < rank; i++) {
        int from = to_front ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
        if (perm[i] != from) {
            return false;
        }
    }
    return true;
}

/* True for a Reshape that leaves the first two dimensions. */
static bool keeps_channels(const struct onr_fuser *fuser, const struct onr_node *reshape)
{
    uint32_t from = reshape->inputs[0];
    uint32_t to = reshape->outputs[0];
    return onr_fuse_fact(fuser, from)->shape.rank >= 3 &&
           onr_fuse_fact(fuser, to)->shape.rank >= 3 && onr_fuse_same_dim(fuser, from, 0, to, 0) &&
           onr_fuse_same_dim(fuser, from, 1, to, 1);
}

static bool has_fitting_groups(const struct onr_fuser *fuser, const struct onr_node *conv)
{
    const struct onr_value *w = &fuser->graph->values[conv->inputs[W]];
    int64_t group = onr_attr_int(conv, "group", 1);
    if (w->constant == NULL || w->is_input || w->fact.shape.rank < 3 ||
        w->fact.dtype != ONR_FLOAT) {
        return false;
    }
    return group == 1 ? w->fact.shape.dim[0] >= LEAST_FILTERS
                      : w->fact.shape.dim[0] == group && w->fact.shape.dim[1] == 1;
}

/* Finds what stands in front of the Conv. */
static bool take_input(const struct onr_fuser *fuser, const struct onr_node *conv,
                       struct onr_fused *fused)
{
    const struct onr_node *reshape = onr_fuse_producer(fuser, conv->inputs[X], "Reshape");
    bool is_apart = reshape != NULL && reshape->input_count == 2 && keeps_channels(fuser, reshape);
    uint32_t planes = is_apart ? reshape->inputs[0] : conv->inputs[X];
    const struct onr_node *transpose = onr_fuse_producer(fuser, planes, "Transpose");
    if (transpose == NULL || !moves_channels(fuser, transpose, true)) {
        return false;
    }
    fused->inputs[X] = transpose->inputs[0];
    if (is_apart) {
        fused->inputs[PLANES] = reshape->inputs[1];
        fused->input_count = INPUTS;
    }
    if (is_apart && onr_attr_int(reshape, "allowzero", 0) != 0) {
        onr_fused_int(fused, "allowzero", 1);
    }
    return true;
}

/* Finds what stands behind it, up to the Transpose. */
static bool take_output(const struct onr_fuser *fuser, const struct onr_node *conv,
                        struct onr_fused *fused)
{
    uint32_t value = conv->outputs[0];
    struct onr_node *reshape = onr_fuse_user(fuser, value, "Reshape");
    if (reshape != NULL && reshape->inputs[0] == value) {
        if (!keeps_channels(fuser, reshape) ||
            onr_fuse_fact(fuser, reshape->outputs[0])->shape.rank != 3) {
            return false;
        }
        onr_fused_int(fused, "flat", 1);
        value = reshape->outputs[0];
    }
    fused->last = onr_fuse_user(fuser, value, "Transpose");
    return fused->last != NULL && moves_channels(fuser, fused->last, false);
}

/* Patches of which rows can be copied in less time than they are multiplied. */
static bool has_patches(const struct onr_fuser *fuser, const struct onr_node *conv)
{
    const struct onr_shape *w = &onr_fuse_fact(fuser, conv->inputs[W])->shape;
    size_t count = 0;
    const int64_t *strides = onr_attr_ints(conv, "strides", &count);
    return onr_attr_int(conv, "group", 1) == 1 && strides != NULL && count > 0 &&
           strides[count - 1] > 1 && w->dim[w->rank - 1] * w->dim[0] >= LEAST_WORK;
}

static bool match_conv(const struct onr_fuser *fuser, const struct onr_node *anchor,
                       struct onr_fused *fused)
{
    struct onr_fuse_activation activation;
    if (onr_fuse_fact(fuser, anchor->outputs[0])->dtype != ONR_FLOAT ||
        !has_fitting_groups(fuser, anchor)) {
        return false;
    }
    for (uint32_t i = 0; i < INPUTS; i++) {
        fused->inputs[i] =
            i <= BIAS && onr_fuse_has_input(anchor, i) ? anchor->inputs[i] : ONR_NO_VALUE;
    }
    fused->input_count = anchor->input_count;
    bool is_last = take_input(fuser, anchor, fused);
    if (!is_last && !has_patches(fuser, anchor)) {
        return false;
    }
    if (!take_output(fuser, anchor, fused)) {
        return is_last && onr_fuse_miss(fuser, "ConvLast", anchor->outputs[0],
                                        "used by a Transpose that moves dimension 1 to the end");
    }
    struct onr_node *function =
        onr_fuse_find_activation(fuser, fused->last->outputs[0], &activation);
    fused->last = function != NULL ? function : fused->last;
    if (!is_last) {
        onr_fused_int(fused, "first", 1);
    }
    fused->op_type = "ConvLast";
    fused->domain = "onnxrun";
    fused->version = 1;
    onr_fused_activate(fused, anchor, &activation);
    return true;
}

enum onr_status onr_pass_fuse_conv_last(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Conv", match_conv}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
