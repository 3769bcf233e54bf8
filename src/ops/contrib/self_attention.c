/* SPDX-License-Identifier: Apache-2.0 */
/* Attention from projected queries, keys and values. */
#include "ops/contrib/self_attention.h"

#include "base/size.h"
#include "ops/attention/attention_heads.h"
#include "ops/attention/rotary.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>
#include <math.h>

/* ---- planning ---- */

static void plan_operands(struct onr_self_attention *self, const struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &self->attention;
    const struct onr_shape *input = &ctx->inputs[0]->shape;
    const struct onr_fact *past = onr_plan_input(ctx, self->in.past);
    size_t v_hidden = (size_t)ctx->outputs[0].shape.dim[2];
    self->row = (size_t)ctx->inputs[1]->shape.dim[1];
    a->heads = a->kv_heads = (size_t)onr_attr_int(ctx->node, "num_heads", 1);
    a->batch = (size_t)input->dim[0];
    a->queries = (size_t)input->dim[1];
    a->head = (self->row - v_hidden) / 2 / a->heads;
    a->v_head = v_hidden / a->heads;
    self->past_rows = past != NULL ? (size_t)past->shape.dim[3] : 0;
    self->is_shared = onr_attr_int(ctx->node, "past_present_share_buffer", 0) != 0;
    a->past = self->is_shared ? 0 : self->past_rows;
    a->keys = self->is_shared ? self->past_rows : self->past_rows + a->queries;
    a->q = (struct onr_head_strides){a->queries * self->row, a->head, self->row};
    a->y = onr_head_strides_of(&ctx->outputs[0].shape, (int64_t)a->heads);
    struct onr_head_strides cache = {a->heads * self->past_rows * a->head,
                                     self->past_rows * a->head, a->head};
    a->past_k = a->past_v = cache;
    a->k = self->is_shared ? cache : a->q;
    a->v = self->is_shared ? cache : (struct onr_head_strides){a->q.batch, a->v_head, self->row};
}

static enum onr_status plan_workspace(struct onr_self_attention *self, struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &self->attention;
    struct onr_workspace space = {0};
    size_t attention_bytes = 0;
    ONR_TRY(onr_attention_plan(a, ctx, &attention_bytes));
    bool has_present = ctx->node->output_count > 1 && ctx->node->outputs[1] != ONR_NO_VALUE;
    bool needs_cache = self->is_shared && !has_present;
    self->turn_bytes = onr_size_align((a->head + 2 * self->half) * sizeof(float), ONR_MEM_ALIGN);
    self->flags_at = onr_workspace_add(&space, self->padding.bytes, 1);
    self->limit_at = onr_workspace_add(&space, a->batch, sizeof(size_t));
    self->offset_at = onr_workspace_add(&space, a->batch, sizeof(int64_t));
    self->turn_at =
        onr_workspace_add(&space, self->half > 0 ? ctx->thread_count : 0, self->turn_bytes);
    self->present_at = onr_workspace_add(&space, needs_cache ? 2 * a->batch * a->past_k.batch : 0,
                                         onr_dtype_size(a->q_dtype));
    self->attention_at = onr_workspace_add(&space, attention_bytes, 1);
    return onr_workspace_finish(&space, &self->bytes, ctx->err);
}

enum onr_status onr_self_attention_plan(struct onr_self_attention *self,
                                        const struct onr_self_attention_inputs *in,
                                        enum onr_dtype dtype, struct onr_plan_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    *self = (struct onr_self_attention){.in = *in};
    struct onr_attention *a = &self->attention;
    plan_operands(self, ctx);
    a->q_dtype = a->k_dtype = a->v_dtype = a->y_dtype = dtype;
    float scale = onr_attr_float(node, "scale", 0);
    a->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)a->head);
    a->is_causal = onr_attr_int(node, "unidirectional", 0) != 0;
    a->window_left = a->window_right = -1;
    a->scores_output = ONR_SCORES_NONE;
    if (onr_attr_int(node, "do_rotary", 0) != 0) {
        int64_t dim = onr_attr_int(node, "rotary_embedding_dim", 0);
        self->half = (dim > 0 ? (size_t)dim : a->head) / 2;
    }
    onr_padding_plan(&self->padding, a, onr_plan_input(ctx, in->mask),
                     (double)onr_attr_float(node, "mask_filter_value", -10000.0f));
    a->masks[0] = self->padding.mask;
    onr_score_bias_plan(&a->masks[1], onr_plan_input(ctx, in->bias));
    return plan_workspace(self, ctx);
}

/* ---- running ---- */

struct self_job {
    const struct onr_self_attention *self;
    char *qkv;
    const char *past;
    char *present;
    size_t past_length;
    char *scratch;
};

/* Turns queries and keys by their position; items are rows of qkv. */
static void turn_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct self_job *job = arg;
    const struct onr_self_attention *self = job->self;
    const struct onr_attention *a = &self->attention;
    float *head = (void *)(job->scratch + worker * self->turn_bytes);
    float *cosines = head + a->head;
    float *sines = cosines + self->half;
    for (size_t item = begin; item < end; item++) {
        double position = (double)(job->past_length + item % a->queries);
        for (size_t i = 0; i < self->half; i++) {
            double angle = position * pow(10000.0, -(double)i / (double)self->half);
            cosines[i] = (float)cos(angle);
            sines[i] = (float)sin(angle);
        }
        for (size_t n = 0; n < 2 * a->heads; n++) {
            size_t first = item * self->row + n * a->head;
            onr_float_gather(a->q_dtype, job->qkv, first, 1, a->head, head);
            onr_rotate(self->half, false, cosines, sines, head, head);
            onr_float_scatter(a->q_dtype, head, first, 1, a->head, job->qkv);
        }
    }
}

/* Writes past and new rows of keys and of values to present, if that is wanted. */
static void write_present(const struct self_job *job, const struct onr_run_ctx *ctx)
{
    const struct onr_attention *a = &job->self->attention;
    size_t element = onr_dtype_size(a->q_dtype);
    struct onr_present cache = {.dtype = a->q_dtype,
                                .batch = a->batch,
                                .heads = a->heads,
                                .past = job->past_length,
                                .added = a->queries,
                                .rows = a->keys,
                                .width = a->head,
                                .past_strides = a->past_k,
                                .strides = a->q};
    for (size_t which = 0; which < 2 && job->present != NULL; which++) {
        size_t past_first = which * a->batch * a->past_k.batch;
        size_t first = which * a->batch * a->heads * a->keys * a->head;
        onr_present_write(&cache, job->past != NULL ? job->past + past_first * element : NULL,
                          job->qkv + (1 + which) * a->heads * a->head * element,
                          job->present + first * element, ctx);
    }
}

static enum onr_status read_past_length(const struct onr_run_ctx *ctx,
                                        const struct onr_self_attention *self, size_t *length)
{
    const struct onr_attention *a = &self->attention;
    int64_t value = *(const int32_t *)ctx->inputs[self->in.past_length]->data;
    if (value < 0 || value + (int64_t)a->queries > (int64_t)self->past_rows) {
        return onr_fail(ctx->err, ONR_ERR_VALUE,
                        "past_sequence_length is %" PRId64 ", which does not fit %zu new rows in a "
                        "buffer of %zu",
                        value, a->queries, self->past_rows);
    }
    *length = (size_t)value;
    return ONR_OK;
}

/* Lets the attention read present, of which it sees the filled part. */
static void attend_present(struct self_job *job, const struct onr_run_ctx *ctx, char *workspace,
                           struct onr_attention_data *data)
{
    const struct onr_self_attention *self = job->self;
    const struct onr_attention *a = &self->attention;
    size_t *limit = (void *)(workspace + self->limit_at);
    int64_t *offset = (void *)(workspace + self->offset_at);
    if (job->present == NULL) {
        job->present = workspace + self->present_at;
    }
    write_present(job, ctx);
    for (size_t b = 0; b < a->batch; b++) {
        limit[b] = job->past_length + a->queries;
        offset[b] = (int64_t)job->past_length;
    }
    data->limit = limit;
    data->offset = offset;
    data->k = job->present;
    data->v = job->present + a->batch * a->k.batch * onr_dtype_size(a->q_dtype);
}

enum onr_status onr_self_attention_run(const struct onr_self_attention *self, void *qkv,
                                       void *workspace, const struct onr_run_ctx *ctx)
{
    const struct onr_attention *a = &self->attention;
    size_t element = onr_dtype_size(a->q_dtype);
    char *space = workspace;
    struct self_job job = {.self = self,
                           .qkv = qkv,
                           .past = onr_input_data(ctx, self->in.past),
                           .present = onr_output_data(ctx, 1),
                           .past_length = a->past,
                           .scratch = space + self->turn_at};
    if (self->is_shared) {
        ONR_TRY(read_past_length(ctx, self, &job.past_length));
    }
    if (self->half > 0) {
        onr_parallel_for(ctx->parallel, a->batch * a->queries, onr_grain(self->row), turn_rows,
                         &job);
    }
    struct onr_attention_data data = {
        .q = job.qkv,
        .k = job.qkv + a->heads * a->head * element,
        .v = job.qkv + 2 * a->heads * a->head * element,
        .past_k = job.past,
        .masks = {onr_padding_read(&self->padding, onr_input_data(ctx, self->in.mask),
                                   space + self->flags_at),
                  onr_input_data(ctx, self->in.bias)},
        .y = ctx->outputs[0]->data,
        .workspace = space + self->attention_at,
    };
    if (job.past != NULL) {
        data.past_v = job.past + a->batch * a->past_v.batch * element;
    }
    if (self->is_shared) {
        attend_present(&job, ctx, space, &data);
    } else {
        write_present(&job, ctx);
    }
    return onr_attention_run(a, &data, ctx);
}
