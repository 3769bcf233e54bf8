/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions that follow each other keep their channels last in between: Conv and FusedConv of float32
 * with constant weights become ConvLast (onnxrun, ops/conv/conv_last.c), what is computed element by
 * element between them, Resize, and reductions of planes see the other order, and Transposes stand where
 * it begins and ends.
 *
 * Changed are all nodes that can be, but those that cost more than they gain by Transposes which would not
 * be there without them, and those of a group of neighbours that does so as a whole. Gains are counted in
 * multiply-adds, dimensions of planes that are not known as 1.
 */
#include "graph/passes/channels_last.h"

#include <string.h>

/* Products of fewer filters, or of shorter rows of taps, leave most of their time to other things. A window
 * of one tap is read where it lies, which takes no time. */
#define LEAST_FILTERS  16
#define LEAST_RUN      48
#define LEAST_CHANNELS 16

/* So many multiply-adds take less time with channels last than without by what a Transpose takes for an
 * element. */
#define ELEMENT_WORK 400

/* A node is looked at again when what stands around it stays as it is; this often at most. */
#define MOST_ROUNDS 16

static bool is_constant(const struct onr_graph *graph, uint32_t value)
{
    return graph->values[value].constant != NULL && !graph->values[value].is_input;
}

/* A tensor of float32 with planes, that is no constant. */
static bool has_planes(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_fact *fact = &graph->values[value].fact;
    return fact->dtype == ONR_FLOAT && fact->shape.rank >= 3 && fact->shape.rank <= 5 &&
           !is_constant(graph, value);
}

/* Planes of one element: to move channels is to write another shape. */
static bool is_point(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_shape *shape = &graph->values[value].fact.shape;
    for (int d = 2; d < shape->rank; d++) {
        if (shape->dim[d] != 1) {
            return false;
        }
    }
    return true;
}

static const struct onr_shape *weights_of(const struct onr_layouts *l, const struct onr_node *conv)
{
    return &l->graph->values[conv->inputs[ONR_CONV_W]].fact.shape;
}

static bool is_conv(const struct onr_layouts *l, const struct onr_node *node)
{
    bool is_fused =
        strcmp(node->domain, "com.microsoft") == 0 && strcmp(node->op_type, "FusedConv") == 0;
    if (!is_fused && !onr_fuse_is(node, "Conv")) {
        return false;
    }
    const struct onr_shape *w = weights_of(l, node);
    int64_t group = onr_attr_int(node, "group", 1);
    if (!is_constant(l->graph, node->inputs[ONR_CONV_W]) || w->rank < 3 || group < 1 ||
        w->dim[0] % group != 0) {
        return false;
    }
    bool is_depthwise = group > 1 && w->dim[0] == group && w->dim[1] == 1;
    bool has_run = onr_shape_range(w, 2, w->rank) == 1
                       ? w->dim[1] >= LEAST_CHANNELS
                       : w->dim[1] * w->dim[w->rank - 1] >= LEAST_RUN && w->dim[1] > 4;
    return is_depthwise || (w->dim[0] / group >= LEAST_FILTERS && has_run);
}

/* True for a constant of one element, of which the order does not matter. */
static bool is_number(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_constant *constant = graph->values[value].constant;
    return is_constant(graph, value) && constant->shape.rank <= 1 &&
           onr_constant_count(constant) == 1;
}

/* Inputs may be numbers or absent. */
static bool is_elementwise(const struct onr_layouts *l, const struct onr_node *node)
{
    static const char *const ops[] = {"Add",  "Clip",        "Div",       "Elu",       "Erf",
                                      "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mul",
                                      "Relu", "Sigmoid",     "Sub",       "Tanh"};
    int rank = l->graph->values[node->outputs[0]].fact.shape.rank;
    bool is_listed = false;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        is_listed = is_listed || onr_fuse_is(node, ops[i]);
    }
    for (uint32_t i = 0; is_listed && i < node->input_count; i++) {
        uint32_t value = node->inputs[i];
        is_listed =
            value == ONR_NO_VALUE || is_number(l->graph, value) ||
            (has_planes(l->graph, value) && l->graph->values[value].fact.shape.rank == rank);
    }
    return is_listed;
}

/* A Resize of a version that numbers its coordinates as the one does that takes the places of its axes, and
 * that needs no region of them. */
static bool is_resize(const struct onr_node *node)
{
    struct onr_string mode = onr_attr_string(node, "coordinate_transformation_mode", "");
    return onr_fuse_is(node, "Resize") && node->op->since_version >= 11 &&
           !onr_string_is(mode, "tf_crop_and_resize") &&
           !onr_string_is(mode, "tf_half_pixel_for_nn");
}

/* Whether it makes one number of each plane: over all axes behind the second. */
static bool is_reduction(const struct onr_layouts *l, const struct onr_node *node)
{
    static const char *const ops[] = {"ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"};
    size_t count = 0;
    const int64_t *axes = onr_attr_ints(node, "axes", &count);
    if (onr_fuse_has_input(node, 1)) {
        const struct onr_fact *fact = &l->graph->values[node->inputs[1]].fact;
        axes = fact->data;
        count = fact->data != NULL ? (size_t)onr_shape_count(&fact->shape) : 0;
    }
    int rank = l->graph->values[node->inputs[0]].fact.shape.rank;
    unsigned reduced = 0; /* bit d: dimension d is */
    bool is_listed = false;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        is_listed = is_listed || onr_fuse_is(node, ops[i]);
    }
    for (size_t i = 0; is_listed && i < count; i++) {
        int axis = 0;
        is_listed = onr_axis_normalize(axes[i], rank, &axis);
        reduced |= 1u << axis;
    }
    return is_listed && reduced == (1u << rank) - 4;
}

static enum onr_layout_kind find_kind(const struct onr_layouts *l, const struct onr_node *node)
{
    if (node->input_count == 0 || node->output_count != 1 ||
        node->inputs[ONR_CONV_X] == ONR_NO_VALUE || node->body_count > 0 ||
        !has_planes(l->graph, node->inputs[ONR_CONV_X])) {
        return ONR_LAYOUT_STAYS;
    }
    bool is_mean = onr_fuse_is(node, "GlobalAveragePool");
    bool is_reduced = is_mean || is_reduction(l, node);
    if (is_reduced && !is_mean && onr_attr_int(node, "keepdims", 1) == 0) {
        return ONR_LAYOUT_NUMBERS;
    }
    if (!has_planes(l->graph, node->outputs[0])) {
        return ONR_LAYOUT_STAYS;
    }
    if (is_reduced) {
        return ONR_LAYOUT_POINTS;
    }
    if (strcmp(node->domain, "onnxrun") == 0 && strcmp(node->op_type, "ConvLast") == 0 &&
        onr_attr_int(node, "first", 0) != 0) {
        return ONR_LAYOUT_READER;
    }
    if (is_point(l->graph, node->outputs[0])) {
        return ONR_LAYOUT_STAYS;
    }
    return is_conv(l, node)          ? ONR_LAYOUT_CONV
           : is_elementwise(l, node) ? ONR_LAYOUT_ELEMENTS
           : is_resize(node)         ? ONR_LAYOUT_RESIZE
                                     : ONR_LAYOUT_STAYS;
}

bool onr_layout_wants(const struct onr_layouts *l, enum onr_layout_kind kind,
                      const struct onr_node *node, uint32_t input)
{
    if (node->inputs[input] == ONR_NO_VALUE) {
        return false;
    }
    return kind == ONR_LAYOUT_ELEMENTS
               ? has_planes(l->graph, node->inputs[input])
               : input == ONR_CONV_X || (kind == ONR_LAYOUT_CONV && input == ONR_CONV_ADDEND);
}

static bool makes_last(enum onr_layout_kind kind)
{
    return kind == ONR_LAYOUT_CONV || kind == ONR_LAYOUT_ELEMENTS || kind == ONR_LAYOUT_RESIZE ||
           kind == ONR_LAYOUT_POINTS;
}

static void count_uses(const struct onr_layouts *l)
{
    memset(l->uses, 0, l->value_count * sizeof *l->uses);
    for (uint32_t n = 0; n < l->node_count; n++) {
        for (uint32_t i = 0; l->kind[n] != ONR_LAYOUT_STAYS && i < l->nodes[n].input_count; i++) {
            if (onr_layout_wants(l, (enum onr_layout_kind)l->kind[n], &l->nodes[n], i)) {
                l->uses[l->nodes[n].inputs[i]]++;
            }
        }
    }
}

/* Elements of all planes of one number. */
static double elements_of(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_shape *shape = &graph->values[value].fact.shape;
    double product = 1.0;
    for (int d = 1; d < shape->rank; d++) {
        product *= shape->dim[d] > 0 ? (double)shape->dim[d] : 1.0;
    }
    return product;
}

static double find_gain(const struct onr_layouts *l, enum onr_layout_kind kind,
                        const struct onr_node *node)
{
    if (kind != ONR_LAYOUT_CONV && kind != ONR_LAYOUT_READER) {
        return 0.0;
    }
    const struct onr_shape *w = weights_of(l, node);
    double gain = elements_of(l->graph, node->outputs[0]);
    if (kind == ONR_LAYOUT_READER) {
        return gain * ELEMENT_WORK;
    }
    for (int d = 1; d < w->rank; d++) {
        gain *= (double)w->dim[d];
    }
    return gain;
}

static bool is_made_last(const struct onr_layouts *l, uint32_t value)
{
    uint32_t producer = l->graph->values[value].producer;
    return producer != ONR_NO_VALUE && makes_last((enum onr_layout_kind)l->kind[producer]);
}

/* Whether it takes a Transpose to give the node this input with its channels last, or to keep it so. */
static bool wants_moved(const struct onr_layouts *l, enum onr_layout_kind kind,
                        const struct onr_node *node, uint32_t input)
{
    return onr_layout_wants(l, kind, node, input) && !is_point(l->graph, node->inputs[input]);
}

/* Elements that are transposed for a node; those that nodes share are shared out. */
static double find_cost(const struct onr_layouts *l, enum onr_layout_kind kind,
                        const struct onr_node *node)
{
    uint32_t y = node->outputs[0];
    double cost = 0.0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t value = node->inputs[i];
        if (wants_moved(l, kind, node, i) && !is_made_last(l, value)) {
            cost += elements_of(l->graph, value) / (double)l->uses[value];
        }
    }
    if (makes_last(kind) && !is_point(l->graph, y) && onr_layout_needs_first(l, y)) {
        cost += elements_of(l->graph, y);
    }
    return cost;
}

/* Elements that are transposed between it and others once it stays. */
static double find_cost_without(const struct onr_layouts *l, enum onr_layout_kind kind,
                                const struct onr_node *node)
{
    uint32_t y = node->outputs[0];
    double cost = 0.0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t value = node->inputs[i];
        if (wants_moved(l, kind, node, i) && is_made_last(l, value) &&
            !onr_layout_needs_first(l, value)) {
            cost += elements_of(l->graph, value);
        }
    }
    if (makes_last(kind) && !is_point(l->graph, y) && l->uses[y] > 0) {
        cost += elements_of(l->graph, y);
    }
    return cost;
}

static uint32_t find_group(const struct onr_layouts *l, uint32_t node)
{
    while (l->group[node] != node) {
        l->group[node] = l->group[l->group[node]];
        node = l->group[node];
    }
    return node;
}

/* Nodes of which one reads what the other makes are of one group. */
static void join_groups(const struct onr_layouts *l)
{
    for (uint32_t n = 0; n < l->node_count; n++) {
        const struct onr_node *node = &l->nodes[n];
        l->group[n] = n;
        l->total[n] = 0.0;
        for (uint32_t i = 0; l->kind[n] != ONR_LAYOUT_STAYS && i < node->input_count; i++) {
            if (onr_layout_wants(l, (enum onr_layout_kind)l->kind[n], node, i) &&
                is_made_last(l, node->inputs[i])) {
                l->group[find_group(l, l->graph->values[node->inputs[i]].producer)] =
                    find_group(l, n);
            }
        }
    }
}

/* Leaves out the groups that lose. Returns whether anything is left. */
static bool choose_groups(const struct onr_layouts *l)
{
    bool is_any = false;
    count_uses(l);
    join_groups(l);
    for (uint32_t n = 0; n < l->node_count; n++) {
        enum onr_layout_kind kind = (enum onr_layout_kind)l->kind[n];
        if (kind != ONR_LAYOUT_STAYS) {
            l->total[find_group(l, n)] +=
                find_gain(l, kind, &l->nodes[n]) - ELEMENT_WORK * find_cost(l, kind, &l->nodes[n]);
        }
    }
    for (uint32_t n = 0; n < l->node_count; n++) {
        if (l->kind[n] != ONR_LAYOUT_STAYS && l->total[find_group(l, n)] <= 0.0) {
            l->kind[n] = ONR_LAYOUT_STAYS;
        }
        is_any = is_any || l->kind[n] != ONR_LAYOUT_STAYS;
    }
    count_uses(l);
    return is_any;
}

bool onr_layouts_choose(const struct onr_layouts *l)
{
    bool is_done = true;
    for (uint32_t n = 0; n < l->node_count; n++) {
        l->kind[n] = (unsigned char)find_kind(l, &l->nodes[n]);
        is_done = is_done && l->kind[n] != ONR_LAYOUT_CONV;
    }
    if (is_done) {
        return false;
    }
    for (int round = 0; !is_done && round < MOST_ROUNDS; round++) {
        is_done = true;
        count_uses(l);
        for (uint32_t n = 0; n < l->node_count; n++) {
            enum onr_layout_kind kind = (enum onr_layout_kind)l->kind[n];
            const struct onr_node *node = &l->nodes[n];
            if (kind != ONR_LAYOUT_STAYS &&
                ELEMENT_WORK * (find_cost(l, kind, node) - find_cost_without(l, kind, node)) >
                    find_gain(l, kind, node)) {
                l->kind[n] = ONR_LAYOUT_STAYS;
                is_done = false;
            }
        }
    }
    return choose_groups(l);
}

static enum onr_status change_graph(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    struct onr_layouts l = {.graph = graph,
                            .ctx = ctx,
                            .nodes = graph->nodes,
                            .node_count = graph->node_count,
                            .value_count = graph->value_count,
                            .transpose = ctx->registry->find("", "Transpose", 13),
                            .conv = ctx->registry->find("onnxrun", "ConvLast", 1)};
    size_t bytes =
        l.node_count * (sizeof *l.total + sizeof *l.group + 1) + 2 * l.value_count * sizeof *l.last;
    l.total = onr_mem_alloc(ctx->eval->mem, bytes);
    if (l.total == NULL) {
        return onr_fail_memory(ctx->err, "pass channels_last");
    }
    l.last = (uint32_t *)(l.total + l.node_count);
    l.uses = l.last + l.value_count;
    l.group = l.uses + l.value_count;
    l.kind = (unsigned char *)(l.group + l.node_count);
    memset(l.last, 0xff, l.value_count * sizeof *l.last);
    bool has_ops = l.transpose != NULL && l.conv != NULL;
    enum onr_status status = has_ops && onr_layouts_choose(&l) ? onr_layouts_change(&l) : ONR_OK;
    onr_mem_free(ctx->eval->mem, l.total, bytes);
    return status;
}

enum onr_status onr_pass_channels_last(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    ONR_TRY(change_graph(graph, ctx));
    return onr_pass_bodies(graph, onr_pass_channels_last, ctx);
}
