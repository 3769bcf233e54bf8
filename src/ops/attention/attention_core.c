/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in its forms: streaming, by rows when scores are handed out, and in double. */
#include "ops/attention/attention_core.h"

#include "ops/attention/attention_stream.h"
#include "ops/common/workspace.h"

enum onr_status onr_attention_plan(struct onr_attention *attention, unsigned thread_count,
                                   size_t *bytes, struct onr_error *err)
{
    struct onr_workspace space = {0};
    if (attention->keys > ONR_SIZE_LIMIT / 1024 || attention->head > ONR_SIZE_LIMIT / 4096 ||
        attention->v_head > ONR_SIZE_LIMIT / 4096) {
        return onr_fail(err, ONR_ERR_LIMIT, "attention over %zu keys is too large",
                        attention->keys);
    }
    size_t worker = onr_attention_rows_plan(attention);
    if (attention->is_double) {
        worker = onr_attention_scratch_f64(attention) * sizeof(double);
    } else if (attention->scores_output == ONR_SCORES_NONE) {
        worker = onr_attention_stream_plan(attention, thread_count);
    }
    attention->worker_bytes = onr_size_align(worker, ONR_MEM_ALIGN);
    onr_workspace_add(&space, thread_count, attention->worker_bytes);
    attention->parts_at = onr_workspace_add(&space, onr_attention_part_count(attention),
                                            onr_attention_part_bytes(attention));
    return onr_workspace_finish(&space, bytes, err);
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
        if (a->is_double) {
            onr_attention_rows_f64(a, job->data, b, n, first, last, scratch);
        } else {
            onr_attention_rows_run(a, job->data, job->kernels, b, n, first, last, scratch);
        }
    }
}

void onr_attention_run(const struct onr_attention *attention, const struct onr_attention_data *data,
                       const struct onr_run_ctx *ctx)
{
    struct attention_job job = {attention, data, ctx->kernels};
    size_t blocks = (attention->queries + attention->block - 1) / attention->block;
    if (!attention->is_double && attention->scores_output == ONR_SCORES_NONE) {
        onr_attention_stream_run(attention, data, ctx);
        return;
    }
    onr_parallel_for(ctx->parallel, attention->batch * attention->heads * blocks, 1, attend, &job);
}
