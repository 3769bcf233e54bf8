/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RemovePadding and RestorePadding (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.RemovePadding
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.RestorePadding
 *
 * RemovePadding    takes the first sequence_token_count[b] tokens of each sequence b, one after
 *                  another. token_offset lists where in the input they were, and after these where
 *                  the padding was; cumulated_seq_len are the sums of the counts, max_seq_len is the
 *                  largest of them.
 * RestorePadding   puts token i at token_offset[i], and zeros where no token is put.
 *
 * Shapes    RemovePadding: input [B,S,D], sequence_token_count [B] -> output [T,D], token_offset
 *           [B,S], cumulated_seq_len [B+1], max_seq_len [1].
 *           RestorePadding: input [T,D], token_offset [B,S] -> [B,S,D].
 * Types     float32, float16, bfloat16; int32 for the others.
 * Edge      Counts and offsets out of range are refused. Of tokens with the same offset the last one
 *           stays.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"

#include <inttypes.h>
#include <string.h>

/* Bytes of a token. */
static size_t token_bytes(const struct onr_tensor *tensor)
{
    return (size_t)tensor->shape.dim[tensor->shape.rank - 1] * onr_dtype_size(tensor->dtype);
}

/* Fails with ONR_ERR_LIMIT unless offsets of so many tokens fit int32. */
static enum onr_status check_count(struct onr_error *err, int64_t batch, int64_t length)
{
    if (batch > 0 && length > INT32_MAX / batch) {
        return onr_fail(err, ONR_ERR_LIMIT,
                        "%" PRId64 " sequences of %" PRId64 " tokens do not fit int32 offsets",
                        batch, length);
    }
    return ONR_OK;
}

/* ---- RemovePadding ---- */

enum { TOKENS, COUNTS };
enum { OUT, OFFSETS, CUMULATED, LONGEST };

static enum onr_status remove_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_check_dims(ctx, TOKENS, "input", 3, (int64_t[]){-1, -1, -1}));
    int64_t batch = onr_known_dim(ctx, TOKENS, 0);
    int64_t length = onr_known_dim(ctx, TOKENS, 1);
    ONR_TRY(check_count(ctx->err, batch, length));
    ONR_TRY(onr_check_dims(ctx, COUNTS, "sequence_token_count", 1, &batch));
    batch = batch >= 0 ? batch : onr_known_dim(ctx, COUNTS, 0);
    const struct onr_shape shapes[] = {
        {2, {ONR_DIM_UNKNOWN, onr_known_dim(ctx, TOKENS, 2)}},
        {2, {batch, length}},
        {1, {batch >= 0 ? batch + 1 : ONR_DIM_UNKNOWN}},
        {1, {1}},
    };
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = shapes[i];
    }
    return ONR_OK;
}

/* Gives an output storage, if it is wanted. */
static enum onr_status place(struct onr_run_ctx *ctx, uint32_t index, struct onr_shape shape)
{
    bool is_wanted = index < ctx->output_count && ctx->outputs[index] != NULL;
    return is_wanted ? ctx->host->alloc_output(ctx, index, &shape) : ONR_OK;
}

static enum onr_status put_counts(struct onr_run_ctx *ctx, size_t batch, size_t length,
                                  size_t *tokens)
{
    const int32_t *counts = ctx->inputs[COUNTS]->data;
    int32_t most = 0;
    ONR_TRY(place(ctx, CUMULATED, (struct onr_shape){1, {(int64_t)batch + 1}}));
    ONR_TRY(place(ctx, LONGEST, (struct onr_shape){1, {1}}));
    int32_t *cumulated = onr_output_data(ctx, CUMULATED);
    int32_t *longest = onr_output_data(ctx, LONGEST);
    *tokens = 0;
    for (size_t b = 0; b <= batch; b++) {
        if (cumulated != NULL) {
            cumulated[b] = (int32_t)*tokens;
        }
        if (b < batch && (counts[b] < 0 || (size_t)counts[b] > length)) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "sequence_token_count[%zu] is %" PRId32 ", expected 0 to %zu", b,
                            counts[b], length);
        }
        *tokens += b < batch ? (size_t)counts[b] : 0;
        most = b < batch && counts[b] > most ? counts[b] : most;
    }
    if (longest != NULL) {
        *longest = most;
    }
    return ONR_OK;
}

static enum onr_status remove_run(struct onr_run_ctx *ctx)
{
    const struct onr_shape *input = &ctx->inputs[TOKENS]->shape;
    const int32_t *counts = ctx->inputs[COUNTS]->data;
    size_t batch = (size_t)input->dim[0];
    size_t length = (size_t)input->dim[1];
    size_t bytes = token_bytes(ctx->inputs[TOKENS]);
    size_t tokens = 0;
    ONR_TRY(put_counts(ctx, batch, length, &tokens));
    ONR_TRY(place(ctx, OUT, (struct onr_shape){2, {(int64_t)tokens, input->dim[2]}}));
    ONR_TRY(place(ctx, OFFSETS, (struct onr_shape){2, {input->dim[0], input->dim[1]}}));
    char *out = onr_output_data(ctx, OUT);
    int32_t *offsets = onr_output_data(ctx, OFFSETS);
    size_t token = 0;
    size_t padding = tokens;
    for (size_t b = 0; b < batch; b++) {
        size_t first = b * length;
        size_t count = (size_t)counts[b];
        if (out != NULL && count * bytes > 0) {
            memcpy(out + token * bytes, (const char *)ctx->inputs[TOKENS]->data + first * bytes,
                   count * bytes);
        }
        for (size_t i = 0; i < length && offsets != NULL; i++) {
            offsets[i < count ? token + i : padding + i - count] = (int32_t)(first + i);
        }
        token += count;
        padding += length - count;
    }
    return ONR_OK;
}

/* ---- RestorePadding ---- */

static enum onr_status restore_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_check_dims(ctx, 0, "input", 2, (int64_t[]){-1, -1}));
    ONR_TRY(onr_check_dims(ctx, 1, "token_offset", 2, (int64_t[]){-1, -1}));
    int64_t tokens = onr_known_dim(ctx, 0, 0);
    int64_t batch = onr_known_dim(ctx, 1, 0);
    int64_t length = onr_known_dim(ctx, 1, 1);
    ONR_TRY(check_count(ctx->err, batch, length));
    if (tokens >= 0 && batch >= 0 && length >= 0 && tokens > batch * length) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "input has %" PRId64 " tokens, token_offset only %" PRId64, tokens,
                              batch * length);
    }
    ctx->outputs[0].shape =
        (struct onr_shape){.rank = 3, .dim = {batch, length, onr_known_dim(ctx, 0, 1)}};
    return ONR_OK;
}

static enum onr_status restore_plan(struct onr_plan_ctx *ctx)
{
    ctx->workspace_bytes = (size_t)onr_shape_count(&ctx->inputs[1]->shape) * sizeof(int32_t);
    return ONR_OK;
}

struct restore_job {
    const int32_t *token_of; /* [B * S]: or -1 */
    size_t bytes;
    const char *x;
    char *y;
};

/* Items are places of tokens. */
static void restore_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct restore_job *job = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        char *y = job->y + i * job->bytes;
        if (job->token_of[i] < 0) {
            memset(y, 0, job->bytes);
        } else {
            memcpy(y, job->x + (size_t)job->token_of[i] * job->bytes, job->bytes);
        }
    }
}

static enum onr_status restore_run(struct onr_run_ctx *ctx)
{
    const int32_t *offsets = ctx->inputs[1]->data;
    size_t places = (size_t)onr_tensor_count(ctx->inputs[1]);
    size_t tokens = (size_t)ctx->inputs[0]->shape.dim[0];
    int32_t *token_of = ctx->workspace;
    for (size_t i = 0; i < places; i++) {
        token_of[i] = -1;
    }
    for (size_t i = 0; i < tokens; i++) {
        if (offsets[i] < 0 || (size_t)offsets[i] >= places) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "token_offset holds %" PRId32 " for token %zu, expected 0 to %zu",
                            offsets[i], i, places - 1);
        }
        token_of[offsets[i]] = (int32_t)i;
    }
    struct restore_job job = {.token_of = token_of,
                              .bytes = token_bytes(ctx->inputs[0]),
                              .x = ctx->inputs[0]->data,
                              .y = ctx->outputs[0]->data};
    if (job.bytes > 0) {
        onr_parallel_for(ctx->parallel, places, onr_grain(job.bytes / sizeof(float)), restore_range,
                         &job);
    }
    return ONR_OK;
}

#define TOKEN_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_param_spec padding_inputs[] = {
    {TOKEN_TYPES, 1}, {ONR_BIT(INT32), 0}, {0, 0}};
static const struct onr_param_spec remove_outputs[] = {
    {TOKEN_TYPES, 1}, {ONR_BIT(INT32), 0}, {0, 0}};
static const struct onr_param_spec restore_outputs[] = {{TOKEN_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_padding[];
const struct onr_op_def onr_ops_contrib_padding[] = {
    {.domain = "com.microsoft",
     .name = "RemovePadding",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 4},
     .input_specs = padding_inputs,
     .output_specs = remove_outputs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = remove_infer,
     .run = remove_run},
    {.domain = "com.microsoft",
     .name = "RestorePadding",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = padding_inputs,
     .output_specs = restore_outputs,
     .infer = restore_infer,
     .plan = restore_plan,
     .run = restore_run},
    {.name = NULL},
};
