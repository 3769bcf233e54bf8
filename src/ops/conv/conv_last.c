/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConvLast (onnxrun), version 1: what the pass fuse_conv_last makes of a Conv between Transposes that
 * move the channels to the front and back, and channels_last of those that follow each other.
 *
 * Y = f(Conv(X, W, B) + Z), Y with its channels in the last place, and X as well unless it has planes
 *
 * Shapes    X: [N, spatial..., C], or with planes [N, T, C]; W: [M, C/group, kernel...], B: [M] or
 *           absent; planes, optional: what Reshape makes of [N, C, T], which is [N, C, spatial...];
 *           Z: as Y, or absent
 *           -> Y: [N, out..., M], with flat [N, product of out, M].
 * Types     float32; planes: int64.
 * Attrs     of Conv; flat: int, default 0. first: int, default 0: X is
 *           [N, C, spatial...], for one group and without planes. allowzero: of Reshape.
 *           activation: string, default none, see fused_activation.c; activation_params: floats.
 * Aliasing  none.
 *
 * Groups of one channel and one filter are sums over taps, in vectors of channels; other groups are
 * products, each of strips (conv_last_strip.c) or, where rows of taps are short, of rows that are copied
 * together, some for each worker at a time. Constant weights are brought into the order of both once.
 */
#include "ops/conv/conv_last.h"

#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/fused_activation.h"
#include "ops/common/workspace.h"
#include "ops/conv/conv_run.h"
#include "ops/conv/spatial.h"
#include "ops/movement/reshape.h"

#include <inttypes.h>
#include <string.h>

enum { X, W, BIAS, PLANES, ADDEND, INPUTS };

/* Multiply-adds below which a second thread costs more than it brings. */
#define SERIAL_MACS 131072.0

/* Most rows of the left side that are copied at a time. */
#define BLOCK_ROWS 128

/* Most floats of two rows that are summed and finished together. */
#define ROWS_FLOATS 131072

/* ---- shapes ---- */

/* The shape of X as Conv sees it. */
static enum onr_status find_planes(struct onr_infer_ctx *ctx, struct onr_shape *planes)
{
    if (onr_attr_int(ctx->node, "first", 0) != 0) {
        *planes = ctx->inputs[X]->shape;
        return ONR_OK;
    }
    struct onr_shape moved = onr_move_channels(&ctx->inputs[X]->shape, true);
    ONR_TRY(onr_reshape_part(ctx, PLANES, &moved, false, planes));
    for (int d = 0; d < 2 && planes->rank > d; d++) {
        if (planes->dim[d] >= 0 && moved.dim[d] >= 0 && planes->dim[d] != moved.dim[d]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "dimension %d of the planes is %" PRId64 ", expected %" PRId64, d,
                                  planes->dim[d], moved.dim[d]);
        }
    }
    return ONR_OK;
}

/* Groups of one channel each, and as many filters. */
static bool is_depthwise(const struct onr_node *node, const struct onr_shape *w)
{
    int64_t group = onr_attr_int(node, "group", 1);
    return group > 1 && w->dim[0] == group && w->dim[1] == 1;
}

static enum onr_status conv_last_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *w = &ctx->inputs[W]->shape;
    if (ctx->inputs[X]->shape.rank == ONR_RANK_UNKNOWN || w->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct onr_fact x = *ctx->inputs[X];
    const struct onr_fact *inputs[INPUTS] = {NULL};
    struct onr_infer_ctx conv = *ctx;
    ONR_TRY(find_planes(ctx, &x.shape));
    memcpy(inputs, ctx->inputs, ctx->node->input_count * sizeof inputs[0]);
    inputs[X] = &x;
    conv.inputs = inputs;
    ONR_TRY(onr_conv_infer(&conv));
    int64_t group = onr_attr_int(ctx->node, "group", 1);
    if (group != 1 && onr_attr_int(ctx->node, "first", 0) != 0) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "%" PRId64 " groups of planes", group);
    }
    struct onr_shape *y = &ctx->outputs[0].shape;
    if (y->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    *y = onr_move_channels(y, false);
    if (onr_attr_int(ctx->node, "flat", 0) != 0) {
        *y = (struct onr_shape){3,
                                {y->dim[0], onr_dim_range(y, 1, y->rank - 1), y->dim[y->rank - 1]}};
    }
    return onr_check_dims(ctx, ADDEND, "addend", y->rank, y->dim);
}

/* ---- weights ---- */

struct state {
    const struct onr_kernels *kernels;
    struct onr_last_layout layout;
    void *weights; /* in this order, once what was put off is done; NULL: W is no constant */
};

static struct onr_last_layout choose_layout(const struct onr_node *node, const struct onr_shape *w,
                                            const struct onr_kernels *kernels)
{
    struct onr_last_layout layout = {.groups = 1,
                                     .filters = (size_t)w->dim[0],
                                     .channels = (size_t)w->dim[1],
                                     .taps = (size_t)onr_shape_range(w, 2, w->rank),
                                     .columns = (size_t)w->dim[0],
                                     .last_columns = (size_t)w->dim[0],
                                     .panels = 1,
                                     .is_planes = onr_attr_int(node, "first", 0) != 0};
    if (!is_depthwise(node, w)) {
        layout.groups = (size_t)onr_attr_int(node, "group", 1);
        layout.filters /= layout.groups;
        layout.kernel =
            onr_gemm_f32_choose_two(&kernels->gemm, layout.filters, &layout.last_kernel);
        layout.columns = layout.kernel->columns;
        layout.last_columns = layout.last_kernel->columns;
        layout.panels = onr_gemm_f32_panels(layout.kernel, layout.filters);
    }
    return layout;
}

/* Inference has not looked at weights whose input has an unknown rank. */
static bool has_groups(const struct onr_node *node, const struct onr_shape *w)
{
    int64_t group = onr_attr_int(node, "group", 1);
    return w->rank >= 3 && group > 0 && w->dim[0] % group == 0;
}

static size_t weight_bytes(const struct onr_last_layout *layout)
{
    return onr_last_panel_at(layout, layout->groups, 0) * sizeof(float);
}

static enum onr_status conv_last_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *w = ctx->constants[W];
    struct state *state = ONR_ARENA_NEW(ctx->arena, struct state);
    struct onr_activation activation;
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of ConvLast");
    }
    *state = (struct state){.kernels = ctx->kernels};
    ctx->state = state;
    ONR_TRY(onr_fused_activation_read(ctx->node, ONR_FLOAT, ctx->kernels, &activation, ctx->err));
    if (w == NULL || onr_constant_count(w) == 0 || !has_groups(ctx->node, &w->shape)) {
        return ONR_OK;
    }
    state->layout = choose_layout(ctx->node, &w->shape, ctx->kernels);
    const struct onr_last_layout *layout = &state->layout;
    struct onr_last_order task = {layout, w->data, &state->weights};
    if (!onr_backlog_room(ctx->backlog, weight_bytes(layout), &state->weights) ||
        !onr_backlog_add(ctx->backlog, layout->groups * layout->panels,
                         weight_bytes(layout) / (layout->groups * layout->panels),
                         onr_last_order_panels, &task, sizeof task)) {
        return onr_fail_memory(ctx->err, "weights of ConvLast");
    }
    ctx->consumed |= 1u << W;
    return ONR_OK;
}

/* ---- plan ---- */

/* Blocks of rows of nearly the same length, as many for each thread; where there are few rows, panels
 * are shared out. */
static void plan_rows(struct onr_last_plan *plan, unsigned thread_count)
{
    const struct onr_last_layout *l = &plan->layout;
    size_t rows = plan->images * plan->outputs;
    size_t lines = (l->taps * l->channels + 15) / 16;
    bool is_copied = l->is_planes || !onr_window_is_plain(&plan->window);
    plan->way = ONR_LAST_ROWS;
    plan->stride = is_copied ? (lines | 1) * 16 : plan->channels;
    plan->blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    plan->splits = 1;
    if (plan->blocks >= thread_count) {
        plan->blocks = (plan->blocks + thread_count - 1) / thread_count * thread_count;
    } else if (plan->blocks == 1 && l->panels >= thread_count) {
        plan->splits = thread_count;
    } else {
        size_t tiles = (rows + l->kernel->rows - 1) / l->kernel->rows;
        plan->blocks = tiles < thread_count ? tiles : thread_count;
    }
    plan->items = l->groups * plan->blocks * plan->splits;
    plan->copied_floats = is_copied ? (rows + plan->blocks - 1) / plan->blocks * plan->stride : 0;
}

/* Whole rows are summed faster, but there have to be some for each thread, and two have to stay in
 * L2. */
static size_t choose_unit(const struct onr_last_plan *plan, unsigned thread_count)
{
    size_t width = (size_t)plan->window.out[2];
    bool has_rows = plan->images * plan->outputs / width >= 2 * (size_t)thread_count;
    return has_rows && 2 * width * plan->channels <= ROWS_FLOATS ? width : 1;
}

/* Scratch of the product, whichever tiles a panel has. */
static size_t gemm_bytes(const struct onr_last_plan *plan)
{
    static const float packed[1];
    struct onr_gemm_f32_job job = onr_last_job(plan);
    job.b_packed = packed;
    size_t bytes = onr_gemm_f32_workspace(&job);
    job.kernel = plan->layout.last_kernel;
    size_t last = onr_gemm_f32_workspace(&job);
    return last > bytes ? last : bytes;
}

static enum onr_status lay_out(struct onr_last_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_last_layout *l = &plan->layout;
    struct onr_workspace space = {0};
    plan->weights_at = onr_workspace_add(&space, plan->weights == NULL ? weight_bytes(l) : 0, 1);
    if (l->kernel != NULL) {
        struct onr_workspace worker = {0};
        plan->gemm_bytes = gemm_bytes(plan);
        (void)onr_workspace_add(&worker, plan->gemm_bytes, 1);
        (void)onr_workspace_add(&worker, plan->copied_floats, sizeof(float));
        (void)onr_workspace_add(&worker, ONR_LAST_PIECE, sizeof(float));
        ONR_TRY(onr_workspace_finish(&worker, &plan->worker_bytes, ctx->err));
        plan->scratch_at = onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    }
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static void tell(const struct onr_last_plan *plan, struct onr_plan_ctx *ctx)
{
    ctx->told = (struct onr_told){.kernel = ONR_KERNEL_AT(conv.last), .way = "channels last"};
    if (plan->layout.kernel != NULL) {
        ctx->told = (struct onr_told){.kernel = ONR_KERNEL_AT(gemm.f32),
                                      .tiles = plan->layout.kernel,
                                      .way = plan->way == ONR_LAST_STRIPS ? "a product of strips"
                                             : plan->copied_floats > 0 ? "a product of copied rows"
                                                                       : "a product of the input"};
    }
}

static enum onr_status make_window(struct onr_last_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_shape *w = &ctx->inputs[W]->shape;
    struct onr_infer_ctx infer = {
        .node = ctx->node, .inputs = ctx->inputs, .arena = ctx->arena, .err = ctx->err};
    struct onr_shape x;
    struct onr_spatial spatial;
    ONR_TRY(find_planes(&infer, &x));
    ONR_TRY(onr_spatial_read(ctx->node, x.rank - 2, w->dim + 2, &spatial, ctx->err));
    ONR_TRY(onr_spatial_window(&spatial, &x, &plan->window, ctx->err));
    plan->images = (size_t)x.dim[0];
    plan->channels = (size_t)x.dim[1];
    plan->inputs = onr_window_volume(plan->window.in);
    plan->outputs = onr_window_volume(plan->window.out);
    return ONR_OK;
}

static enum onr_status conv_last_plan(struct onr_plan_ctx *ctx)
{
    const struct state *state = ctx->state;
    struct onr_last_plan *plan = ONR_ARENA_NEW(ctx->arena, struct onr_last_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of ConvLast");
    }
    *plan = (struct onr_last_plan){
        .weights = state->weights,
        .layout = choose_layout(ctx->node, &ctx->inputs[W]->shape, state->kernels),
        .has_bias = onr_plan_input(ctx, BIAS) != NULL,
        .has_addend = onr_plan_input(ctx, ADDEND) != NULL};
    ONR_TRY(make_window(plan, ctx));
    ONR_TRY(onr_fused_activation_read(ctx->node, ONR_FLOAT, state->kernels, &plan->activation,
                                      ctx->err));
    const struct onr_last_layout *l = &plan->layout;
    double macs = (double)(l->taps * l->channels) * (double)l->filters;
    ctx->plan = plan;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) * l->taps * l->channels;
    if (onr_shape_count(&ctx->outputs[0].shape) == 0) {
        tell(plan,
             ctx); /* where nothing is left to do, too: the layout has looked at the kernels */
        return ONR_OK;
    }
    if (l->kernel != NULL) {
        double groups = (double)l->groups;
        if (!onr_last_plan_strips(plan, ctx->thread_count)) {
            plan_rows(plan, ctx->thread_count);
        }
        macs *= groups * (double)(plan->images * plan->outputs) / (double)plan->items;
    } else {
        plan->unit = choose_unit(plan, ctx->thread_count);
        macs = (double)l->taps * (double)l->filters * (double)plan->unit;
    }
    tell(plan, ctx);
    plan->grain = macs >= SERIAL_MACS ? 1 : (size_t)(SERIAL_MACS / (macs + 1.0)) + 1;
    return lay_out(plan, ctx);
}

/* ---- */

static enum onr_status conv_last_run(struct onr_run_ctx *ctx)
{
    const struct onr_last_plan *plan = ctx->plan;
    const struct onr_last_layout *l = &plan->layout;
    if (onr_tensor_count(ctx->outputs[0]) == 0) {
        return ONR_OK;
    }
    char *workspace = ctx->workspace;
    const float *weights = plan->weights;
    if (weights == NULL) {
        void *ordered = workspace + plan->weights_at;
        struct onr_last_order order = {l, ctx->inputs[W]->data, &ordered};
        onr_parallel_for(ctx->parallel, l->groups * l->panels, 1, onr_last_order_panels, &order);
        weights = ordered;
    }
    struct onr_last_task task = {.plan = plan,
                                 .kernels = ctx->kernels,
                                 .x = ctx->inputs[X]->data,
                                 .w = weights,
                                 .bias = plan->has_bias ? ctx->inputs[BIAS]->data : NULL,
                                 .addend = plan->has_addend ? ctx->inputs[ADDEND]->data : NULL,
                                 .y = ctx->outputs[0]->data,
                                 .scratch = workspace + plan->scratch_at};
    if (l->kernel != NULL) {
        onr_parallel_for(ctx->parallel, plan->items, plan->grain,
                         plan->way == ONR_LAST_STRIPS ? onr_last_run_strips : onr_last_run_products,
                         &task);
    } else {
        onr_parallel_for(ctx->parallel, plan->images * plan->outputs / plan->unit, plan->grain,
                         onr_last_run_sums, &task);
    }
    return ONR_OK;
}

#define FLOAT_SPEC                                                                                 \
    {                                                                                              \
        ONR_BIT(FLOAT), 1                                                                          \
    }
static const struct onr_param_spec specs[] = {FLOAT_SPEC,          FLOAT_SPEC, FLOAT_SPEC,
                                              {ONR_BIT(INT64), 0}, FLOAT_SPEC, {0}};
static const struct onr_attr_spec attrs[] = {
    {"activation", ONR_ATTR_STRING, false}, {"activation_params", ONR_ATTR_FLOATS, false},
    {"allowzero", ONR_ATTR_INT, false},     {"auto_pad", ONR_ATTR_STRING, false},
    {"dilations", ONR_ATTR_INTS, false},    {"first", ONR_ATTR_INT, false},
    {"flat", ONR_ATTR_INT, false},          {"group", ONR_ATTR_INT, false},
    {"kernel_shape", ONR_ATTR_INTS, false}, {"pads", ONR_ATTR_INTS, false},
    {"strides", ONR_ATTR_INTS, false},      {.name = NULL}};

extern const struct onr_op_def onr_ops_conv_last[];
const struct onr_op_def onr_ops_conv_last[] = {
    {.domain = "onnxrun",
     .name = "ConvLast",
     .since_version = 1,
     .last_version = 1,
     .inputs = {2, INPUTS},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = conv_last_infer,
     .prepare = conv_last_prepare,
     .plan = conv_last_plan,
     .run = conv_last_run},
    {.name = NULL},
};
