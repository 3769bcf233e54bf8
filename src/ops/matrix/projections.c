/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projections (onnxrun), version 1: what the pass fuse_projections makes of products that share an
 * input, such as those for queries, keys and values.
 *
 * Y_i = A op(B_i) + bias_i
 *
 * Shapes    A: [..., m, k]; B_i: [k, n_i], [n_i, k] with transB; bias_i, optional: [n_i] -> Y_i:
 *           [..., m, n_i]. Inputs: A, B_0, bias_0, B_1, bias_1, ...; as many pairs as outputs, at
 *           most 8.
 * Types     float32.
 * Attrs     transB: int, default 0: op swaps the dimensions of all B_i.
 * Edge      k = 0 -> the biases. An output that is not wanted is not computed.
 * Aliasing  none.
 */
#include "ops/common/check_dims.h"
#include "ops/matrix/product.h"

#include <inttypes.h>

static uint32_t b_input(uint32_t i)
{
    return 1 + 2 * i;
}

static uint32_t bias_input(uint32_t i)
{
    return 2 + 2 * i;
}

static bool is_turned(const struct onr_node *node)
{
    return onr_attr_int(node, "transB", 0) != 0;
}

static bool is_wanted(const struct onr_node *node, uint32_t i)
{
    return node->outputs[i] != ONR_NO_VALUE;
}

static enum onr_status infer_one(struct onr_infer_ctx *ctx, uint32_t i)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    int turned = is_turned(ctx->node);
    ONR_TRY(onr_check_present(ctx, b_input(i)));
    int64_t dims[2] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    dims[turned] = a->rank > 0 ? a->dim[a->rank - 1] : ONR_DIM_UNKNOWN;
    ONR_TRY(onr_check_dims(ctx, b_input(i), "b", 2, dims));
    int64_t width = onr_known_dim(ctx, b_input(i), 1 - turned);
    if (onr_infer_has_input(ctx, bias_input(i))) {
        ONR_TRY(onr_check_dims(ctx, bias_input(i), "bias", 1, &width));
    }
    ctx->outputs[i].shape = *a;
    if (a->rank > 0) {
        ctx->outputs[i].shape.dim[a->rank - 1] = width;
    }
    return ONR_OK;
}

static enum onr_status projections_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    int rank = ctx->inputs[0]->shape.rank;
    if (node->output_count > ONR_MAX_PRODUCTS ||
        node->input_count > bias_input(node->output_count - 1) + 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "%" PRIu32 " inputs and %" PRIu32
                              " outputs, expected two inputs for each of at most %d outputs",
                              node->input_count, node->output_count, ONR_MAX_PRODUCTS);
    }
    if (rank != ONR_RANK_UNKNOWN && rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "a has rank %d, expected 2 or more", rank);
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        ONR_TRY(infer_one(ctx, i));
    }
    return ONR_OK;
}

struct projections_state {
    struct onr_product_state product[ONR_MAX_PRODUCTS];
};

/* The tile shape that is the fastest for all together: panels of one width are shared out evenly. */
static const struct onr_gemm_f32 *choose_kernel(const struct onr_prepare_ctx *ctx)
{
    const struct onr_gemm_kernels *kernels = &ctx->kernels->gemm;
    const struct onr_gemm_f32 *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t k = 0; k < ONR_GEMM_MAX_SHAPES && kernels->f32[k] != NULL; k++) {
        size_t cost = 0;
        for (uint32_t i = 0; i < ctx->node->output_count; i++) {
            const struct onr_constant *b = ctx->constants[b_input(i)];
            size_t n = b != NULL ? (size_t)b->shape.dim[1 - is_turned(ctx->node)] : 0;
            cost += onr_gemm_f32_panels(kernels->f32[k], n) * kernels->f32[k]->cost;
        }
        if (cost < least) {
            best = kernels->f32[k];
            least = cost;
        }
    }
    return best;
}

/* Packs the weights of product i, if there are any. */
static enum onr_status pack_one(struct onr_prepare_ctx *ctx, uint32_t i,
                                struct onr_packed_b *packed)
{
    const struct onr_constant *b = ctx->constants[b_input(i)];
    if (b == NULL || onr_constant_count(b) == 0 || !is_wanted(ctx->node, i)) {
        return ONR_OK;
    }
    bool turned = is_turned(ctx->node);
    size_t columns = (size_t)b->shape.dim[1];
    struct onr_gemm_matrix matrix = {.data = b->data,
                                     .dtype = b->dtype,
                                     .row_stride = turned ? 1 : columns,
                                     .column_stride = turned ? columns : 1};
    ctx->consumed |= 1u << b_input(i);
    return onr_product_pack(ctx, &matrix, (size_t)b->shape.dim[turned],
                            (size_t)b->shape.dim[1 - turned], packed);
}

static enum onr_status projections_prepare(struct onr_prepare_ctx *ctx)
{
    struct projections_state *state = ONR_ARENA_NEW(ctx->arena, struct projections_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of Projections");
    }
    ctx->state = state;
    const struct onr_gemm_f32 *kernel = choose_kernel(ctx);
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        state->product[i].kernels = ctx->kernels;
        state->product[i].packed.kernel = kernel;
        ONR_TRY(pack_one(ctx, i, &state->product[i].packed));
    }
    return ONR_OK;
}

struct projections {
    uint32_t count;
    struct onr_product product[];
};

/* Without rows when the output is not wanted. */
static struct onr_product make_product(const struct onr_plan_ctx *ctx, uint32_t i)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    const struct onr_shape *b = &ctx->inputs[b_input(i)]->shape;
    bool turned = is_turned(ctx->node);
    size_t k = (size_t)b->dim[turned];
    size_t n = (size_t)b->dim[1 - turned];
    return (struct onr_product){
        .dtype = ONR_FLOAT,
        .m = is_wanted(ctx->node, i) ? (size_t)onr_shape_range(a, 0, a->rank - 1) : 0,
        .n = n,
        .k = k,
        .a_row_stride = k,
        .a_column_stride = 1,
        .b_row_stride = turned ? 1 : n,
        .b_column_stride = turned ? k : 1,
        .y_row_stride = n,
        .alpha = 1.0f,
        .beta = 1.0f,
        .bias = onr_plan_input(ctx, bias_input(i)) != NULL ? ONR_PRODUCT_COLUMN_BIAS
                                                           : ONR_PRODUCT_NO_BIAS,
    };
}

static enum onr_status projections_plan(struct onr_plan_ctx *ctx)
{
    const struct projections_state *state = ctx->state;
    uint32_t count = ctx->node->output_count;
    struct projections *plan =
        onr_arena_alloc(ctx->arena, sizeof *plan + count * sizeof plan->product[0]);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Projections");
    }
    plan->count = count;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct onr_product *product = &plan->product[i];
        plan->product[i] = make_product(ctx, i);
        ctx->flops += 2 * (uint64_t)product->m * product->n * product->k;
    }
    onr_product_plan_all(plan->product, state->product, plan->count, ctx->thread_count,
                         &ctx->workspace_bytes);
    onr_product_link(plan->product, plan->count, ctx);
    for (uint32_t i = 0; i < plan->count; i++) {
        onr_product_tell(&plan->product[i], ctx); /* those that are not wanted are empty */
    }
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status projections_run(struct onr_run_ctx *ctx)
{
    const struct projections *plan = ctx->plan;
    struct onr_product_operands operands[ONR_MAX_PRODUCTS];
    for (uint32_t i = 0; i < plan->count; i++) {
        bool is_packed = plan->product[i].packed != NULL;
        operands[i] =
            (struct onr_product_operands){.a = ctx->inputs[0]->data,
                                          .b = is_packed ? NULL : ctx->inputs[b_input(i)]->data,
                                          .c = onr_input_data(ctx, bias_input(i)),
                                          .y = onr_output_data(ctx, i)};
    }
    onr_product_run_all(plan->product, operands, plan->count, ctx);
    return ONR_OK;
}

static const struct onr_param_spec specs[] = {{ONR_BIT(FLOAT), 1}, {0}};
static const struct onr_attr_spec attrs[] = {{"transB", ONR_ATTR_INT, false}, {.name = NULL}};

extern const struct onr_op_def onr_ops_projections[];
const struct onr_op_def onr_ops_projections[] = {
    {.domain = "onnxrun",
     .name = "Projections",
     .since_version = 1,
     .last_version = 1,
     .inputs = {2, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = projections_infer,
     .prepare = projections_prepare,
     .plan = projections_plan,
     .run = projections_run},
    {.name = NULL},
};
