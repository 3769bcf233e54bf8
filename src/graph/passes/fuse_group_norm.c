/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GroupNormalization from what exporters write for it before opset 21:
 *
 *   g = Reshape(x, [0, groups, -1])
 *   n = InstanceNormalization(g, ones, zeros)
 *   y = Reshape(n, dimensions of x) * scale + bias
 *
 * Groups of one channel have no Reshape when x has rank 3.
 *
 * scale and bias are constants with a number for each channel.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#define OP "GroupNormalization"

static const struct onr_fact *fact_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &fuser->graph->values[value].fact;
}

/* True for a constant all of whose elements are this number. */
static bool is_filled(const struct onr_fuser *fuser, uint32_t value, double number)
{
    const struct onr_fact *fact = fact_of(fuser, value);
    if (!onr_fact_is_constant(fact) || fuser->graph->values[value].is_input ||
        (fact->dtype != ONR_FLOAT && fact->dtype != ONR_DOUBLE)) {
        return false;
    }
    int64_t count = onr_shape_count(&fact->shape);
    for (int64_t i = 0; i < count; i++) {
        double element = fact->dtype == ONR_FLOAT ? (double)((const float *)fact->data)[i]
                                                  : ((const double *)fact->data)[i];
        if (element != number) {
            return false;
        }
    }
    return true;
}

/* True for a constant, used once, with a number for each channel of x, along the axis of these. */
static bool is_per_channel(const struct onr_fuser *fuser, uint32_t value, uint32_t x)
{
    const struct onr_value *v = &fuser->graph->values[value];
    const struct onr_fact *whole = fact_of(fuser, x);
    int axis = v->fact.shape.rank - whole->shape.rank + 1; /* of channels */
    return v->constant != NULL && !v->is_input && v->use_count == 1 &&
           v->fact.dtype == whole->dtype && (axis == 0 || axis == 1) &&
           v->fact.shape.dim[axis] == whole->shape.dim[1] &&
           onr_constant_count(v->constant) == whole->shape.dim[1];
}

/* The number of groups that x is divided into, or 0. */
static int64_t groups_of(const struct onr_fuser *fuser, const struct onr_node *reshape)
{
    int64_t shape[3] = {-1, -1, -1};
    for (int i = 0; i < 3; i++) {
        if (!onr_fuse_int(fuser, reshape, 1, i, &shape[i])) {
            return 0;
        }
    }
    bool is_division = onr_shape_count(&fact_of(fuser, reshape->inputs[1])->shape) == 3 &&
                       shape[0] == 0 && shape[2] == -1 &&
                       onr_attr_int(reshape, "allowzero", 0) == 0;
    return is_division && shape[1] > 0 ? shape[1] : 0;
}

static bool is_shaped_like(const struct onr_fuser *fuser, uint32_t value, uint32_t x)
{
    int rank = fact_of(fuser, x)->shape.rank;
    return fact_of(fuser, value)->shape.rank == rank && onr_fuse_same_dims(fuser, value, x, rank);
}

/* The only user of the value, a Mul or Add with a number for each channel; NULL with a miss. */
static struct onr_node *find_affine(const struct onr_fuser *fuser, uint32_t value, uint32_t x,
                                    const char *op_type, uint32_t *param)
{
    struct onr_node *node = onr_fuse_user(fuser, value, op_type);
    if (node == NULL) {
        (void)onr_fuse_miss(fuser, OP, value,
                            op_type[0] == 'M' ? "used by one Mul, with scale"
                                              : "used by one Add, with bias");
        return NULL;
    }
    *param = onr_fuse_other(node, value);
    if (!is_per_channel(fuser, *param, x)) {
        (void)onr_fuse_miss(fuser, OP, *param,
                            "a constant with a number for each channel, used once");
        return NULL;
    }
    return node;
}

static bool match_instance(const struct onr_fuser *fuser, const struct onr_node *norm,
                           struct onr_fused *fused)
{
    const struct onr_node *divided = onr_fuse_producer(fuser, norm->inputs[0], "Reshape");
    int64_t groups = divided != NULL ? groups_of(fuser, divided) : 0;
    uint32_t x = groups > 0 ? divided->inputs[0] : norm->inputs[0];
    const struct onr_node *back = onr_fuse_user(fuser, norm->outputs[0], "Reshape");
    uint32_t y = back != NULL && groups > 0 ? back->outputs[0] : norm->outputs[0];
    bool is_plain = groups == 0 && fact_of(fuser, x)->shape.rank == 3;
    groups = is_plain ? fact_of(fuser, x)->shape.dim[1] : groups;
    if (groups <= 0 || (is_plain && !is_filled(fuser, norm->inputs[1], 1))) {
        return false;
    }
    if (fact_of(fuser, x)->shape.rank < 3) {
        return onr_fuse_miss(fuser, OP, x, "a tensor of rank 3 or more");
    }
    if (!is_filled(fuser, norm->inputs[1], 1) || !is_filled(fuser, norm->inputs[2], 0)) {
        bool has_ones = is_filled(fuser, norm->inputs[1], 1);
        return onr_fuse_miss(fuser, OP, norm->inputs[has_ones ? 2 : 1],
                             has_ones ? "zeros" : "ones");
    }
    if ((back == NULL && !is_plain) || !is_shaped_like(fuser, y, x)) {
        return onr_fuse_miss(fuser, OP, y, "given the dimensions of x by one Reshape");
    }
    struct onr_node *scaled = find_affine(fuser, y, x, "Mul", &fused->inputs[1]);
    struct onr_node *shifted =
        scaled != NULL ? find_affine(fuser, scaled->outputs[0], x, "Add", &fused->inputs[2]) : NULL;
    if (shifted == NULL) {
        return false;
    }
    fused->last = shifted;
    fused->op_type = OP;
    fused->version = 21;
    fused->inputs[0] = x;
    fused->input_count = 3;
    fused->lists = 1u << 1 | 1u << 2;
    onr_fused_int(fused, "num_groups", groups);
    fused->attrs[fused->attr_count++] =
        (struct onr_attr){.name = "epsilon",
                          .kind = ONR_ATTR_FLOAT,
                          .count = 1,
                          .as.f = onr_attr_float(norm, "epsilon", 1e-5f)};
    return true;
}

enum onr_status onr_pass_fuse_group_norm(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"InstanceNormalization", match_instance},
                                                {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
