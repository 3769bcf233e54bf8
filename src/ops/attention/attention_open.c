/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/attention/attention_open.h"

#include "kernels/kernels.h"
#include "ops/common/axes.h"

#include <math.h>

static bool can_be_open(const struct onr_attention *a, const struct onr_attention_mask *mask)
{
    bool is_number = mask->dtype == ONR_FLOAT && !mask->is_flag;
    bool is_flag = mask->dtype == ONR_BOOL && mask->is_flag && mask->fill <= (double)ONR_LOW_MASK;
    return (is_number || is_flag) && mask->period == 0 && mask->batch_period == 0 &&
           mask->block == 0 && mask->keys == a->keys && a->keys > 0 &&
           mask->strides.batch % a->keys == 0 && mask->strides.head % a->keys == 0 &&
           mask->strides.row % a->keys == 0;
}

size_t onr_attention_open_count(const struct onr_attention *attention, int m)
{
    const struct onr_attention *a = attention;
    const struct onr_attention_mask *mask = &a->masks[m];
    size_t uses = a->batch * a->heads * a->queries;
    if (uses == 0 || !can_be_open(a, mask)) {
        return 0;
    }
    size_t last = onr_head_offset(&mask->strides, a->batch - 1, a->heads - 1, a->queries - 1);
    size_t count = last / a->keys + 1;
    return count <= uses / 2 ? count : 0;
}

/* Whether there is a mask, and what each hides was looked for. */
static bool are_found(const struct onr_attention *a, const struct onr_attention_data *d)
{
    bool is_any = false;
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (a->masks[m].dtype != ONR_UNDEFINED && onr_attention_open_count(a, m) == 0) {
            return false;
        }
        is_any |= a->masks[m].dtype != ONR_UNDEFINED;
    }
    return is_any && d->columns == NULL;
}

static struct onr_key_range *found_ranges(const struct onr_attention *a,
                                          const struct onr_attention_data *d, int m)
{
    return (void *)((char *)d->workspace + a->open_at[m]);
}

struct open_job {
    const struct onr_attention_mask *mask;
    const void *data;
    const struct onr_attention_kernels *kernels;
    struct onr_key_range *ranges;
};

/* How many of the next elements leave their keys open, or hide them. */
static size_t run_of(const struct open_job *job, bool is_open, size_t at, size_t count)
{
    if (job->mask->is_flag) {
        return job->kernels->run_alike_u8(count, (const uint8_t *)job->data + at,
                                          is_open != job->mask->is_inverted);
    }
    return job->kernels->run_between_f32(count, (const float *)job->data + at,
                                         is_open ? 0.0f : -INFINITY, is_open ? 0.0f : ONR_LOW_MASK);
}

/* Items are rows of a mask. A row that is not as it should be gets an empty range. */
static void find_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct open_job *job = arg;
    size_t keys = job->mask->keys;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        size_t at = row * keys;
        size_t first = run_of(job, false, at, keys);
        size_t stop = first + run_of(job, true, at + first, keys - first);
        bool is_whole = stop > first && stop + run_of(job, false, at + stop, keys - stop) == keys;
        job->ranges[row] = (struct onr_key_range){first, is_whole ? stop : first};
    }
}

bool onr_attention_open_find(const struct onr_attention *attention,
                             const struct onr_attention_data *data, const struct onr_run_ctx *ctx)
{
    const struct onr_attention *a = attention;
    if (!are_found(a, data)) {
        return false;
    }
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        struct open_job job = {&a->masks[m], data->masks[m], &ctx->kernels->attention,
                               found_ranges(a, data, m)};
        if (a->masks[m].dtype != ONR_UNDEFINED) {
            onr_parallel_for(ctx->parallel, onr_attention_open_count(a, m), onr_grain(a->keys / 8),
                             find_rows, &job);
        }
    }
    return true;
}

bool onr_attention_open_keys(const struct onr_attention *attention,
                             const struct onr_attention_data *data,
                             const size_t mask_rows[ONR_ATTENTION_MASKS],
                             struct onr_key_range *keys)
{
    const struct onr_attention *a = attention;
    struct onr_key_range cut = *keys;
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (a->masks[m].dtype != ONR_UNDEFINED) {
            struct onr_key_range open = found_ranges(a, data, m)[mask_rows[m] / a->keys];
            cut.begin = open.begin > cut.begin ? open.begin : cut.begin;
            cut.end = open.end < cut.end ? open.end : cut.end;
        }
    }
    *keys = cut.begin < cut.end ? cut : *keys;
    return cut.begin < cut.end;
}
