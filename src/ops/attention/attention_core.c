/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in its forms: streaming, by rows when scores are handed out, and in double. */
#include "ops/attention/attention_core.h"

#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/attention/attention_open.h"
#include "ops/attention/attention_stream.h"
#include "ops/common/workspace.h"

/* Bytes of scratch of one worker. */
static size_t worker_bytes(struct onr_attention *a, const struct onr_plan_ctx *ctx)
{
    size_t rows = onr_attention_rows_plan(a);
    if (a->is_double) {
        return onr_attention_scratch_f64(a) * sizeof(double);
    }
    if (a->scores_output != ONR_SCORES_NONE) {
        return rows;
    }
    size_t stream = onr_attention_stream_plan(a, ctx->thread_count);
    return ctx->wants_weights && rows > stream ? rows : stream;
}

/* Scores and told weights. */
static void plan_scores(struct onr_attention *a)
{
    a->scores_dtype = a->q_dtype;
    a->scores =
        (struct onr_head_strides){a->heads * a->queries * a->keys, a->queries * a->keys, a->keys};
    a->told_batch = a->batch;
    a->told_queries = a->queries;
    a->told_keys = a->keys;
}

/* Forms are told as onr_attention_run chooses among them. */
static void tell(const struct onr_attention *a, struct onr_told *told)
{
    bool is_float = !a->is_double;
    bool is_stream = is_float && a->scores_output == ONR_SCORES_NONE;
    told->kernel = is_float ? ONR_KERNEL_AT(attention.scores_f32) : 0;
    told->way = is_stream  ? onr_attention_stream_way(a)
                : is_float ? "rows of scores, which are handed out"
                           : "rows in double";
}

enum onr_status onr_attention_plan(struct onr_attention *attention, struct onr_plan_ctx *ctx,
                                   size_t *bytes)
{
    struct onr_workspace space = {0};
    if (attention->keys > ONR_SIZE_LIMIT / 1024 || attention->head > ONR_SIZE_LIMIT / 4096 ||
        attention->v_head > ONR_SIZE_LIMIT / 4096) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "attention over %zu keys is too large",
                        attention->keys);
    }
    plan_scores(attention);
    tell(attention, &ctx->told);
    attention->worker_bytes = onr_size_align(worker_bytes(attention, ctx), ONR_MEM_ALIGN);
    onr_workspace_add(&space, ctx->thread_count, attention->worker_bytes);
    attention->parts_at = onr_workspace_add(&space, onr_attention_part_count(attention),
                                            onr_attention_part_bytes(attention));
    attention->told_at = onr_workspace_add(&space, ctx->wants_weights ? attention->heads : 0,
                                           attention->block * attention->keys * sizeof(float));
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        attention->open_at[m] = onr_workspace_add(&space, onr_attention_open_count(attention, m),
                                                  sizeof(struct onr_key_range));
    }
    return onr_workspace_finish(&space, bytes, ctx->err);
}

/* Sum of the numbers first + i, held within [0, most], for i < count. */
static uint64_t sum_held(int64_t first, int64_t count, int64_t most)
{
    int64_t begin = onr_int_min(onr_int_max(0, -first), count);
    int64_t end = onr_int_min(onr_int_max(begin, most - first), count);
    uint64_t grow = (uint64_t)(end - begin);
    uint64_t sum = grow > 0 ? grow * (uint64_t)(first + begin) + grow * (grow - 1) / 2 : 0;
    return sum + (uint64_t)(count - end) * (uint64_t)most;
}

uint64_t onr_attention_flops(const struct onr_attention *attention, size_t offset)
{
    const struct onr_attention *a = attention;
    int64_t queries = (int64_t)a->queries;
    int64_t keys = (int64_t)a->keys;
    int64_t at = (int64_t)offset;
    int64_t right = a->window_right >= 0 ? onr_int_min(a->window_right, keys) : keys;
    uint64_t pairs = sum_held(at + 1 + (a->is_causal ? 0 : right), queries, keys);
    if (a->window_left >= 0) {
        pairs -= sum_held(at - onr_int_min(a->window_left, at + queries), queries, keys);
    }
    return 2 * (uint64_t)a->batch * a->heads * (a->head + a->v_head) * pairs;
}

void onr_attention_rows_do(const struct onr_attention *attention,
                           const struct onr_attention_data *data, const struct onr_kernels *kernels,
                           size_t b, size_t n, size_t begin, size_t end, void *scratch)
{
    if (attention->is_double) {
        onr_attention_rows_f64(attention, data, b, n, begin, end, scratch);
    } else {
        onr_attention_rows_run(attention, data, kernels, b, n, begin, end, scratch);
    }
}

struct attention_job {
    const struct onr_attention *attention;
    const struct onr_attention_data *data;
    const struct onr_kernels *kernels;
};

/* Items are blocks of queries of a head. */
static void attend(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct attention_job *job = arg;
    const struct onr_attention *a = job->attention;
    size_t blocks = (a->queries + a->block - 1) / a->block;
    void *scratch = (char *)job->data->workspace + worker * a->worker_bytes;
    for (size_t item = begin; item < end; item++) {
        size_t b = item / blocks / a->heads;
        size_t n = item / blocks % a->heads;
        size_t first = item % blocks * a->block;
        size_t last = first + a->block < a->queries ? first + a->block : a->queries;
        onr_attention_rows_do(a, job->data, job->kernels, b, n, first, last, scratch);
    }
}

enum onr_status onr_attention_run(const struct onr_attention *attention,
                                  const struct onr_attention_data *data,
                                  const struct onr_run_ctx *ctx)
{
    struct attention_job job = {attention, data, ctx->kernels};
    size_t blocks = (attention->queries + attention->block - 1) / attention->block;
    if (attention->is_double || attention->scores_output != ONR_SCORES_NONE) {
        onr_parallel_for(ctx->parallel, attention->batch * attention->heads * blocks, 1, attend,
                         &job);
    } else if (data->y != NULL) {
        onr_attention_stream_run(attention, data, ctx);
    }
    return ctx->wants_weights ? onr_attention_tell(attention, data, ctx) : ONR_OK;
}
