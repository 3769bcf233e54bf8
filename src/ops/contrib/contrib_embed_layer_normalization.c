/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EmbedLayerNormalization, QEmbedLayerNormalization (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * s = word_embedding[input_ids] + position_embedding[position_ids] + segment_embedding[segment_ids],
 * output = LayerNormalization(s) with gamma and beta
 * QEmbedLayerNormalization does the same with (x - zero_point) * scale for each table x, for gamma
 * and for beta.
 *
 * Inputs    input_ids, segment_ids?, word_embedding, position_embedding, segment_embedding?, gamma,
 *           beta, mask?, position_ids?
 *           QEmbedLayerNormalization has no position_ids; instead the scales of word_embedding,
 *           position_embedding, segment_embedding?, gamma and beta, then the zero points of these.
 * Outputs   output, mask_index?, embedding_sum? (not of QEmbedLayerNormalization)
 * Shapes    input_ids, segment_ids, mask: [B,S]. position_ids: [B,S] or [1,S], by default 0 to S-1.
 *           embeddings: [.,D]. gamma, beta: [D]. output, embedding_sum: [B,S,D]. mask_index: [B].
 *           Scales, zero points: one element.
 * Types     float32, float16, bfloat16 (computed in float32), float64. Ids and masks: int32.
 *           QEmbedLayerNormalization: tables, gamma and beta: int8 or uint8, all the same; scales,
 *           output: float32.
 * Attrs     epsilon: float, default 1e-12. mask_index_type: int, unused: whether there is a mask_index
 *           follows from the outputs.
 * Edge      mask_index is the number of ones in a row of mask; 0 without mask. Ids are checked when
 *           the operator runs.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"
#include "ops/norm/norm_rows.h"
#include "ops/quant/byte_scale.h"

#include <inttypes.h>
#include <string.h>

enum {
    IN_IDS,
    IN_SEGMENTS,
    IN_WORD,
    IN_POSITION,
    IN_SEGMENT,
    IN_GAMMA,
    IN_BETA,
    IN_MASK,
    IN_POSITIONS,
    IN_SCALES = IN_POSITIONS, /* of IN_WORD to IN_BETA, and so the zero points */
    IN_ZEROS = IN_SCALES + IN_MASK - IN_WORD
};
enum { OUT_Y, OUT_MASK_INDEX, OUT_SUM };

static bool is_quantised(const struct onr_node *node)
{
    return node->op_type[0] == 'Q';
}

/* Where position_ids are. */
static uint32_t positions_of(const struct onr_node *node)
{
    return is_quantised(node) ? ONR_NO_VALUE : IN_POSITIONS;
}

/* Scale and zero point of tables, gamma and beta; segments have them if there are segments. */
static enum onr_status check_scales(struct onr_infer_ctx *ctx)
{
    bool has_segments = onr_infer_has_input(ctx, IN_SEGMENT);
    for (uint32_t i = IN_WORD; i <= IN_BETA; i++) {
        uint32_t scale = IN_SCALES + i - IN_WORD;
        uint32_t zero = IN_ZEROS + i - IN_WORD;
        if (i == IN_SEGMENT && !has_segments) {
            continue;
        }
        ONR_TRY(onr_check_present(ctx, zero));
        ONR_TRY(onr_byte_scale_check(ctx, scale, zero));
    }
    return ONR_OK;
}

/* Those inputs that must be there although ones before them may be absent. */
static enum onr_status check_required(struct onr_infer_ctx *ctx)
{
    static const uint32_t required[] = {IN_WORD, IN_POSITION, IN_GAMMA, IN_BETA};
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        ONR_TRY(onr_check_present(ctx, required[i]));
    }
    if (onr_infer_has_input(ctx, IN_SEGMENTS) != onr_infer_has_input(ctx, IN_SEGMENT)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "segment_ids and segment_embedding must come together");
    }
    return is_quantised(ctx->node) ? check_scales(ctx) : ONR_OK;
}

static enum onr_status embed_infer(struct onr_infer_ctx *ctx)
{
    uint32_t position_ids = positions_of(ctx->node);
    ONR_TRY(check_required(ctx));
    ONR_TRY(onr_check_rank(ctx, IN_IDS, 2));
    ONR_TRY(onr_check_rank(ctx, IN_WORD, 2));
    const int64_t ids[2] = {onr_known_dim(ctx, IN_IDS, 0), onr_known_dim(ctx, IN_IDS, 1)};
    const int64_t table[2] = {ONR_DIM_UNKNOWN, onr_known_dim(ctx, IN_WORD, 1)};
    bool is_repeated =
        onr_infer_has_input(ctx, position_ids) && onr_known_dim(ctx, position_ids, 0) == 1;
    const int64_t positions[2] = {is_repeated ? 1 : ids[0], ids[1]};
    ONR_TRY(onr_check_dims(ctx, IN_SEGMENTS, "segment_ids", 2, ids));
    ONR_TRY(onr_check_dims(ctx, IN_POSITION, "position_embedding", 2, table));
    ONR_TRY(onr_check_dims(ctx, IN_SEGMENT, "segment_embedding", 2, table));
    ONR_TRY(onr_check_dims(ctx, IN_GAMMA, "gamma", 1, table + 1));
    ONR_TRY(onr_check_dims(ctx, IN_BETA, "beta", 1, table + 1));
    ONR_TRY(onr_check_dims(ctx, IN_MASK, "mask", 2, ids));
    ONR_TRY(onr_check_dims(ctx, position_ids, "position_ids", 2, positions));
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = (struct onr_shape){.rank = 3, .dim = {ids[0], ids[1], table[1]}};
    }
    if (ctx->node->output_count > OUT_MASK_INDEX) {
        ctx->outputs[OUT_MASK_INDEX].shape = (struct onr_shape){.rank = 1, .dim = {ids[0]}};
    }
    return ONR_OK;
}

struct embed_plan {
    struct onr_norm_rows norm;
    size_t batch, length;
    size_t tables[3];       /* rows of the embeddings for words, positions and segments */
    size_t position_stride; /* 0: the same positions for all of the batch */
    bool is_quantised;
    /* in the workspace: embedding_sum when it is not wanted, gamma and beta when they are bytes */
    size_t sum_at, gamma_at, beta_at;
    size_t worker_bytes; /* of scratch: two rows of double and more */
};

/* How gamma or beta is read: as it is, or from where it was converted to. */
static enum onr_status plan_param(struct onr_row_param *param, const struct onr_plan_ctx *ctx,
                                  uint32_t input)
{
    struct onr_fact fact = *ctx->inputs[input];
    if (is_quantised(ctx->node)) {
        fact.dtype = ONR_FLOAT;
    }
    return onr_row_param_init(param, &ctx->outputs[OUT_Y].shape, 2, &fact, ctx);
}

static enum onr_status plan_workspace(struct embed_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_norm_rows *norm = &plan->norm;
    struct onr_workspace space = {0};
    size_t bytes = 0;
    size_t params = plan->is_quantised ? norm->count : 0;
    space.is_too_large = !onr_shape_bytes(&ctx->outputs[OUT_Y].shape, norm->dtype, &bytes);
    onr_workspace_add(&space, ctx->workspace_bytes, 1);
    plan->sum_at = onr_workspace_add(&space, bytes, 1);
    plan->gamma_at = onr_workspace_add(&space, params, sizeof(float));
    plan->beta_at = onr_workspace_add(&space, params, sizeof(float));
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status embed_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[OUT_Y].shape;
    const struct onr_fact *positions = onr_plan_input(ctx, positions_of(ctx->node));
    const struct onr_fact *segment = onr_plan_input(ctx, IN_SEGMENT);
    struct embed_plan *plan = ONR_ARENA_NEW(ctx->arena, struct embed_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    ctx->plan = plan;
    plan->is_quantised = is_quantised(ctx->node);
    plan->batch = (size_t)y->dim[0];
    plan->length = (size_t)y->dim[1];
    plan->tables[0] = (size_t)ctx->inputs[IN_WORD]->shape.dim[0];
    plan->tables[1] = (size_t)ctx->inputs[IN_POSITION]->shape.dim[0];
    plan->tables[2] = segment != NULL ? (size_t)segment->shape.dim[0] : 0;
    plan->position_stride = positions != NULL && positions->shape.dim[0] != 1 ? plan->length : 0;
    struct onr_norm_rows *norm = &plan->norm;
    norm->dtype = norm->y_dtype = ctx->outputs[OUT_Y].dtype;
    norm->stat_dtype = ONR_FLOAT;
    norm->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-12f);
    ONR_TRY(plan_param(&norm->scale, ctx, IN_GAMMA));
    ONR_TRY(plan_param(&norm->bias, ctx, IN_BETA));
    ONR_TRY(onr_norm_rows_plan(norm, y, 2, ctx));
    plan->worker_bytes = norm->worker_bytes;
    return plan_workspace(plan, ctx);
}

struct embed_job {
    const struct embed_plan *plan;
    const int32_t *ids[3]; /* NULL: there are no segments, or positions count up */
    const void *tables[3]; /* of words, positions and segments; the last may be NULL */
    void *sum;
    char *scratch;
    float numbers[3][256]; /* of the bytes of quantised tables */
};

/* Row `row` of a table as doubles. */
static void read_row(const struct embed_job *job, int table, size_t row, double *out)
{
    const struct onr_norm_rows *norm = &job->plan->norm;
    size_t first = row * norm->count;
    if (!job->plan->is_quantised) {
        onr_double_gather(norm->dtype, job->tables[table], first, 1, norm->count, out);
        return;
    }
    const uint8_t *bytes = (const uint8_t *)job->tables[table] + first;
    for (size_t i = 0; i < norm->count; i++) {
        out[i] = (double)job->numbers[table][bytes[i]];
    }
}

/* The row of a table for token `item`. */
static int64_t row_of(const struct embed_job *job, int table, size_t item)
{
    const struct embed_plan *plan = job->plan;
    if (table != 1) {
        return job->ids[table][item];
    }
    size_t s = item % plan->length;
    if (job->ids[1] == NULL) {
        return (int64_t)s;
    }
    return job->ids[1][item / plan->length * plan->position_stride + s];
}

/* Adds up the embeddings; items are tokens. */
static void sum_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct embed_job *job = arg;
    const struct onr_norm_rows *norm = &job->plan->norm;
    double *row = (void *)(job->scratch + worker * job->plan->worker_bytes);
    double *total = row + norm->count;
    for (size_t item = begin; item < end; item++) {
        memset(total, 0, norm->count * sizeof *total);
        for (int table = 0; table < 3; table++) {
            if (job->tables[table] == NULL) {
                continue;
            }
            read_row(job, table, (size_t)row_of(job, table, item), row);
            for (size_t i = 0; i < norm->count; i++) {
                total[i] += row[i];
            }
        }
        onr_double_scatter(norm->dtype, total, item * norm->count, 1, norm->count, job->sum);
    }
}

static enum onr_status check_ids(const struct onr_run_ctx *ctx, const struct embed_job *job)
{
    static const char *const names[3] = {"input_ids", "position_ids", "segment_ids"};
    const struct embed_plan *plan = job->plan;
    for (int table = 0; table < 3; table++) {
        for (size_t i = 0; i < plan->batch * plan->length && job->tables[table] != NULL; i++) {
            int64_t row = row_of(job, table, i);
            if (row < 0 || row >= (int64_t)plan->tables[table]) {
                return onr_fail(ctx->err, ONR_ERR_VALUE,
                                "%s has %" PRId64 ", the embedding has %zu rows", names[table], row,
                                plan->tables[table]);
            }
        }
    }
    return ONR_OK;
}

static void count_mask(const struct embed_plan *plan, const int32_t *mask, int32_t *mask_index)
{
    for (size_t b = 0; b < plan->batch && mask_index != NULL; b++) {
        mask_index[b] = 0;
        for (size_t s = 0; s < plan->length && mask != NULL; s++) {
            mask_index[b] += mask[b * plan->length + s] == 1;
        }
    }
}

/* The numbers of the bytes of input `input`, which is there. */
static void list_numbers(const struct onr_run_ctx *ctx, uint32_t input, float numbers[256])
{
    struct onr_byte_scale scale = onr_byte_scale_read(
        ctx, ctx->inputs[input]->dtype, IN_SCALES + input - IN_WORD, IN_ZEROS + input - IN_WORD);
    onr_byte_values(&scale, numbers);
}

/* Gamma or beta as floats: the input itself, or in `buffer`. */
static const void *read_param(const struct onr_run_ctx *ctx, uint32_t input, void *buffer)
{
    const struct embed_plan *plan = ctx->plan;
    const uint8_t *bytes = ctx->inputs[input]->data;
    float *values = buffer;
    float numbers[256];
    if (!plan->is_quantised) {
        return bytes;
    }
    list_numbers(ctx, input, numbers);
    for (size_t i = 0; i < plan->norm.count; i++) {
        values[i] = numbers[bytes[i]];
    }
    return values;
}

static enum onr_status embed_run(struct onr_run_ctx *ctx)
{
    const struct embed_plan *plan = ctx->plan;
    char *workspace = ctx->workspace;
    struct embed_job job = {
        .plan = plan,
        .ids = {onr_input_data(ctx, IN_IDS),
                plan->is_quantised ? NULL : onr_input_data(ctx, IN_POSITIONS),
                onr_input_data(ctx, IN_SEGMENTS)},
        .tables = {onr_input_data(ctx, IN_WORD), onr_input_data(ctx, IN_POSITION),
                   onr_input_data(ctx, IN_SEGMENT)},
        .sum = onr_output_data(ctx, OUT_SUM),
        .scratch = workspace,
    };
    if (job.sum == NULL) {
        job.sum = workspace + plan->sum_at;
    }
    ONR_TRY(check_ids(ctx, &job));
    for (uint32_t table = 0; table < 3 && plan->is_quantised; table++) {
        if (job.tables[table] != NULL) {
            list_numbers(ctx, IN_WORD + table, job.numbers[table]);
        }
    }
    onr_parallel_for(ctx->parallel, plan->batch * plan->length, onr_grain(3 * plan->norm.count),
                     sum_rows, &job);
    struct onr_norm_tensors tensors = {
        .x = job.sum,
        .scale = read_param(ctx, IN_GAMMA, workspace + plan->gamma_at),
        .bias = read_param(ctx, IN_BETA, workspace + plan->beta_at),
        .y = ctx->outputs[OUT_Y]->data,
    };
    onr_norm_rows_run(&plan->norm, &tensors, ctx);
    count_mask(plan, onr_input_data(ctx, IN_MASK), onr_output_data(ctx, OUT_MASK_INDEX));
    return ONR_OK;
}

static const struct onr_attr_spec quantised_attrs[] = {{"epsilon", ONR_ATTR_FLOAT, false},
                                                       {NULL, 0, false}};
static const struct onr_attr_spec embed_attrs[] = {
    {"epsilon", ONR_ATTR_FLOAT, false}, {"mask_index_type", ONR_ATTR_INT, false}, {NULL, 0, false}};
static const struct onr_param_spec embed_inputs[] = {{ONR_BIT(INT32), 0},   {ONR_BIT(INT32), 0},
                                                     {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 1},
                                                     {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 1},
                                                     {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT32), 0},
                                                     {ONR_BIT(INT32), 0},   {0, 0}};
static const struct onr_param_spec embed_outputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT32), 0}, {ONR_DTYPES_FLOAT, 1}, {0, 0}};

#define BYTES                                                                                      \
    {                                                                                              \
        ONR_BYTE_DTYPES, 2                                                                         \
    }
#define IDS                                                                                        \
    {                                                                                              \
        ONR_BIT(INT32), 0                                                                          \
    }
#define SCALE                                                                                      \
    {                                                                                              \
        ONR_BIT(FLOAT), 0                                                                          \
    }

static const struct onr_param_spec quantised_inputs[] = {
    IDS,   IDS,   BYTES, BYTES, BYTES, BYTES, BYTES, IDS,   SCALE, SCALE,
    SCALE, SCALE, SCALE, BYTES, BYTES, BYTES, BYTES, BYTES, {0, 0}};
static const struct onr_param_spec quantised_outputs[] = {SCALE, IDS, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_embed_layer_normalization[];
const struct onr_op_def onr_ops_contrib_embed_layer_normalization[] = {
    {.domain = "com.microsoft",
     .name = "EmbedLayerNormalization",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 9},
     .outputs = {1, 3},
     .attrs = embed_attrs,
     .input_specs = embed_inputs,
     .output_specs = embed_outputs,
     .infer = embed_infer,
     .plan = embed_plan,
     .run = embed_run,
     .kernel = ONR_KERNEL_AT(norm.layer_f32)},
    {.domain = "com.microsoft",
     .name = "QEmbedLayerNormalization",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 18},
     .outputs = {1, 2},
     .attrs = quantised_attrs,
     .input_specs = quantised_inputs,
     .output_specs = quantised_outputs,
     .infer = embed_infer,
     .plan = embed_plan,
     .run = embed_run,
     .kernel = ONR_KERNEL_AT(norm.layer_f32)},
    {.name = NULL},
};
