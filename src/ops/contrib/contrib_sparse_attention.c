/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseAttention (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * GroupQueryAttention in which a query sees, of the keys up to its own, those in some blocks of
 * sparse_block_size positions. Blocks are given per block of queries, in compressed rows: those of
 * row r are block_col_indices[l][j] for block_row_indices[l][r] <= j < block_row_indices[l][r + 1].
 * Head n has the layout l = n mod L.
 *
 * Inputs    query, key?, value?, past_key, past_value, block_row_indices, block_col_indices,
 *           total_sequence_length, key_total_sequence_lengths, cos_cache?, sin_cache?
 * Outputs   output, present_key, present_value
 * Shapes    query: [B,S,N*H], key, value: [B,S,Nk*H]; or query alone: [B,S,(N+2Nk)*H]. past,
 *           present: [B,Nk,P,H]. block_row_indices: [L,M+1], L divides N; block_col_indices:
 *           [L,any]. key_total_sequence_lengths: [B]. caches: [max,r/2]. output: [B,S,N*H].
 * Types     float32, float16, bfloat16 (computed in float32). indices and lengths: int32.
 * Attrs     num_heads, kv_num_heads, sparse_block_size: int, required. scale: float, default 0
 *           (1/sqrt(H)). do_rotary, rotary_interleaved: int, default 0.
 * Edge      total_sequence_length is at most P and M * sparse_block_size. The new rows of present
 *           follow key_total_sequence_lengths - S old ones (none when S = total_sequence_length);
 *           all others are those of past. A query that sees no key gives zeros. Indices and lengths
 *           are checked when the operator runs.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/contrib/group_query.h"
#include "ops/contrib/group_query_shapes.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ROWS = 5, COLUMNS, TOTAL, LENGTHS, COS, SIN };

/* The node as one of GroupQueryAttention: where its inputs stand, and those which there are. */
#define GQA_INPUTS (ONR_GQA_BIAS + 1)

static const uint32_t own_input[GQA_INPUTS] = {
    [ONR_GQA_QUERY] = ONR_GQA_QUERY,
    [ONR_GQA_KEY] = ONR_GQA_KEY,
    [ONR_GQA_VALUE] = ONR_GQA_VALUE,
    [ONR_GQA_PAST_KEY] = ONR_GQA_PAST_KEY,
    [ONR_GQA_PAST_VALUE] = ONR_GQA_PAST_VALUE,
    [ONR_GQA_SEQLENS] = LENGTHS,
    [ONR_GQA_TOTAL] = TOTAL,
    [ONR_GQA_COS] = COS,
    [ONR_GQA_SIN] = SIN,
    [ONR_GQA_POSITIONS] = UINT32_MAX,
    [ONR_GQA_BIAS] = UINT32_MAX, /* the blocks, when it runs */
};

static struct onr_node as_group_query(const struct onr_node *node)
{
    struct onr_node group = *node;
    group.input_count = GQA_INPUTS;
    return group;
}

static void map_facts(const struct onr_node *node, const struct onr_fact *const *inputs,
                      const struct onr_fact **mapped)
{
    for (uint32_t i = 0; i < GQA_INPUTS; i++) {
        mapped[i] = own_input[i] < node->input_count ? inputs[own_input[i]] : NULL;
    }
}

/* ---- shapes ---- */

static enum onr_status check_blocks(struct onr_infer_ctx *ctx, int64_t total)
{
    const struct onr_shape *rows = &ctx->inputs[ROWS]->shape;
    const struct onr_shape *columns = &ctx->inputs[COLUMNS]->shape;
    int64_t heads = onr_attr_int(ctx->node, "num_heads", 0);
    int64_t block = onr_attr_int(ctx->node, "sparse_block_size", 0);
    if (block < 1 || block > INT32_MAX) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "sparse_block_size is %" PRId64 ", expected 1 to %d", block,
                              INT32_MAX);
    }
    if ((rows->rank >= 0 && rows->rank != 2) || (columns->rank >= 0 && columns->rank != 2)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "indices of blocks have rank %d and %d, expected 2", rows->rank,
                              columns->rank);
    }
    if (rows->rank != 2 || columns->rank != 2) {
        return ONR_OK;
    }
    int64_t layouts = rows->dim[0];
    if ((layouts >= 0 && (layouts == 0 || heads % layouts != 0)) || rows->dim[1] == 0 ||
        (layouts >= 0 && columns->dim[0] >= 0 && layouts != columns->dim[0])) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "indices of blocks are of %" PRId64 " and %" PRId64
                              " layouts, expected as many, which divide %" PRId64 " heads",
                              layouts, columns->dim[0], heads);
    }
    if (total >= 0 && rows->dim[1] > 0 && (total + block - 1) / block > rows->dim[1] - 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "block_row_indices has %" PRId64 " rows of blocks of %" PRId64
                              ", which do not hold %" PRId64 " positions",
                              rows->dim[1] - 1, block, total);
    }
    return ONR_OK;
}

static enum onr_status check_lengths(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *lengths = &ctx->inputs[LENGTHS]->shape;
    const struct onr_shape *query = &ctx->inputs[ONR_GQA_QUERY]->shape;
    int64_t batch = query->rank == 3 ? query->dim[0] : ONR_DIM_UNKNOWN;
    if (lengths->rank >= 0 &&
        (lengths->rank != 1 || (lengths->dim[0] >= 0 && batch >= 0 && lengths->dim[0] != batch))) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "key_total_sequence_lengths has shape %s, expected a number for each "
                              "batch",
                              onr_shape_text(lengths, text));
    }
    return ONR_OK;
}

static enum onr_status sparse_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *inputs[GQA_INPUTS];
    struct onr_node node = as_group_query(ctx->node);
    struct onr_infer_ctx group = *ctx;
    const int64_t *total = NULL;
    size_t count = 0;
    for (uint32_t i = ONR_GQA_PAST_KEY; i <= LENGTHS; i++) {
        if (!onr_infer_has_input(ctx, i)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "required input %" PRIu32 " is empty", i);
        }
    }
    ONR_TRY(check_lengths(ctx));
    map_facts(ctx->node, ctx->inputs, inputs);
    group.node = &node;
    group.inputs = inputs;
    ONR_TRY(onr_gqa_infer(&group));
    ONR_TRY(onr_infer_ints(ctx, TOTAL, &total, &count));
    ONR_TRY(check_blocks(ctx, total != NULL ? total[0] : ONR_DIM_UNKNOWN));
    const struct onr_shape *past = &ctx->inputs[ONR_GQA_PAST_KEY]->shape;
    for (uint32_t i = 1; i < 3 && past->rank == 4; i++) {
        ctx->outputs[i].shape = *past;
    }
    if (past->rank == 4 && past->dim[2] >= 0 && total != NULL && total[0] > past->dim[2]) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "past_key has %" PRId64 " rows, expected %" PRId64 " at least",
                              past->dim[2], total[0]);
    }
    return ONR_OK;
}

/* ---- planning ---- */

struct sparse_plan {
    struct onr_gqa_plan *group;
    size_t layouts;
    size_t rows;        /* of blocks, that there is a mask of */
    size_t row_count;   /* of block_row_indices, less 1 */
    size_t index_count; /* in a row of block_col_indices */
    size_t block;
    size_t mask_at; /* in the workspace: [layouts][rows][total] */
};

static enum onr_status sparse_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *inputs[GQA_INPUTS];
    struct onr_node node = as_group_query(ctx->node);
    struct onr_plan_ctx group = *ctx;
    struct sparse_plan *plan = ONR_ARENA_NEW(ctx->arena, struct sparse_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of SparseAttention");
    }
    map_facts(ctx->node, ctx->inputs, inputs);
    group.node = &node;
    group.inputs = inputs;
    ONR_TRY(onr_gqa_make_plan(&group));
    ctx->plan = plan;
    ctx->told = group.told;
    plan->group = group.plan;
    plan->group->is_sparse = true;
    plan->layouts = (size_t)ctx->inputs[ROWS]->shape.dim[0];
    plan->row_count = (size_t)ctx->inputs[ROWS]->shape.dim[1] - 1;
    plan->index_count = (size_t)ctx->inputs[COLUMNS]->shape.dim[1];
    plan->block = (size_t)onr_attr_int(ctx->node, "sparse_block_size", 1);
    size_t total = plan->group->total;
    plan->rows = (total + plan->block - 1) / plan->block;
    plan->mask_at = onr_size_align(group.workspace_bytes, ONR_MEM_ALIGN);
    size_t bytes = 0;
    if (!onr_size_mul(plan->layouts * plan->rows, total, &bytes) || bytes > ONR_SIZE_LIMIT ||
        !onr_size_add(plan->mask_at, bytes, &ctx->workspace_bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "blocks of %zu keys are too many", total);
    }
    plan->group->attention.masks[0] = (struct onr_attention_mask){
        .dtype = ONR_BOOL,
        .is_flag = true,
        .fill = (double)-INFINITY,
        .strides = {0, plan->rows * total, total},
        .keys = total,
        .period = plan->layouts,
        .block = plan->block,
    };
    return ONR_OK;
}

/* ---- running ---- */

/* Sets what row r of a layout sees. */
static enum onr_status mark_row(const struct sparse_plan *plan, const int32_t *begins,
                                const int32_t *columns, size_t r, uint8_t *mask,
                                struct onr_error *err)
{
    size_t total = plan->group->total;
    if (begins[r] < 0 || begins[r + 1] < begins[r] || (size_t)begins[r + 1] > plan->index_count) {
        return onr_fail(err, ONR_ERR_VALUE,
                        "block_row_indices: row %zu is %" PRId32 " to %" PRId32
                        ", expected numbers that rise from 0 to %zu",
                        r, begins[r], begins[r + 1], plan->index_count);
    }
    for (int32_t j = begins[r]; j < begins[r + 1]; j++) {
        if (columns[j] < 0 || (size_t)columns[j] >= plan->row_count) {
            return onr_fail(err, ONR_ERR_VALUE,
                            "block_col_indices: %" PRId32 " in row %zu, expected 0 to %zu",
                            columns[j], r, plan->row_count - 1);
        }
        size_t first = (size_t)columns[j] * plan->block;
        if (first < total) {
            memset(mask + first, 1, total - first < plan->block ? total - first : plan->block);
        }
    }
    return ONR_OK;
}

static enum onr_status mark_blocks(const struct onr_run_ctx *ctx, const struct sparse_plan *plan,
                                   uint8_t *mask)
{
    const int32_t *rows = ctx->inputs[ROWS]->data;
    const int32_t *columns = ctx->inputs[COLUMNS]->data;
    size_t total = plan->group->total;
    if (total > 0) {
        memset(mask, 0, plan->layouts * plan->rows * total);
    }
    for (size_t l = 0; l < plan->layouts; l++) {
        for (size_t r = 0; r < plan->rows; r++) {
            ONR_TRY(mark_row(plan, rows + l * (plan->row_count + 1),
                             columns + l * plan->index_count, r,
                             mask + (l * plan->rows + r) * total, ctx->err));
        }
    }
    return ONR_OK;
}

static enum onr_status sparse_run(struct onr_run_ctx *ctx)
{
    const struct sparse_plan *plan = ctx->plan;
    struct onr_tensor mask = {.dtype = ONR_BOOL, .data = (char *)ctx->workspace + plan->mask_at};
    struct onr_tensor *inputs[GQA_INPUTS];
    for (uint32_t i = 0; i < GQA_INPUTS; i++) {
        inputs[i] = own_input[i] < ctx->input_count ? ctx->inputs[own_input[i]] : NULL;
    }
    inputs[ONR_GQA_BIAS] = &mask;
    ONR_TRY(mark_blocks(ctx, plan, mask.data));
    struct onr_run_ctx group = *ctx;
    group.plan = plan->group;
    group.inputs = inputs;
    group.input_count = GQA_INPUTS;
    return onr_gqa_run(&group);
}

#define SPARSE_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec attrs[] = {{"do_rotary", ONR_ATTR_INT, false},
                                             {"kv_num_heads", ONR_ATTR_INT, true},
                                             {"num_heads", ONR_ATTR_INT, true},
                                             {"rotary_interleaved", ONR_ATTR_INT, false},
                                             {"scale", ONR_ATTR_FLOAT, false},
                                             {"sparse_block_size", ONR_ATTR_INT, true},
                                             {NULL, 0, false}};
static const struct onr_param_spec inputs[] = {
    {SPARSE_TYPES, 1},   {SPARSE_TYPES, 1},   {SPARSE_TYPES, 1},   {SPARSE_TYPES, 1},
    {SPARSE_TYPES, 1},   {ONR_BIT(INT32), 0}, {ONR_BIT(INT32), 0}, {ONR_BIT(INT32), 0},
    {ONR_BIT(INT32), 0}, {SPARSE_TYPES, 1},   {SPARSE_TYPES, 1},   {0, 0}};
static const struct onr_param_spec outputs[] = {{SPARSE_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_sparse_attention[];
const struct onr_op_def onr_ops_contrib_sparse_attention[] = {
    {.domain = "com.microsoft",
     .name = "SparseAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 11},
     .outputs = {3, 3},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = sparse_infer,
     .plan = sparse_plan,
     .run = sparse_run},
    {.name = NULL},
};
