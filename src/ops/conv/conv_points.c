/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions of planes of one element, as those that weigh channels by their means: per group, Y
 * (images x out_channels) = X (images x in_channels) * W transposed. The weights, which are most of what
 * there is, are read as they lie.
 */
#include "ops/conv/conv_run.h"

/* The product of one group, without pointers to data. */
static struct onr_gemm_f32_job make_job(const struct onr_conv *conv)
{
    return (struct onr_gemm_f32_job){
        .kernel = conv->kernel,
        .m = conv->batch,
        .n = conv->out_channels,
        .k = conv->k,
        .a = {NULL, ONR_FLOAT, conv->groups * conv->k, 1},
        .b = {NULL, ONR_FLOAT, 1, conv->k},
        .c_stride = conv->groups * conv->out_channels,
        .scale = 1.0f,
    };
}

void onr_conv_plan_points(struct onr_conv *conv, const struct onr_kernels *kernels)
{
    conv->kernel = onr_gemm_f32_choose(&kernels->gemm, conv->out_channels);
    conv->panels = onr_gemm_f32_panels(conv->kernel, conv->out_channels);
    conv->items = conv->panels;
    struct onr_gemm_f32_job job = make_job(conv);
    conv->gemm_bytes = onr_gemm_f32_workspace(&job);
    conv->worker_bytes = conv->gemm_bytes;
}

static void run_panels(const struct onr_conv_task *task, size_t group, size_t panel, size_t end,
                       void *scratch)
{
    const struct onr_conv *conv = task->conv;
    size_t filter = group * conv->out_channels;
    struct onr_gemm_f32_job job = make_job(conv);
    job.a.data = (const float *)task->data.x + group * conv->k;
    job.b.data = (const float *)task->data.w + filter * conv->k;
    job.column_bias = task->data.b != NULL ? (const float *)task->data.b + filter : NULL;
    job.c = (float *)task->data.y + filter;
    onr_gemm_f32_run(&job, 0, job.m, panel, end, scratch);
    size_t first = panel * conv->kernel->columns;
    size_t last = end * conv->kernel->columns;
    last = last < job.n ? last : job.n;
    for (size_t image = 0; image < job.m; image++) {
        onr_conv_finish(task, image * job.c_stride + filter + first, last - first);
    }
}

void onr_conv_run_points(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_conv_task *t = task;
    const struct onr_conv *conv = t->conv;
    while (begin < end) {
        size_t panel = begin % conv->panels;
        size_t count = end - begin < conv->panels - panel ? end - begin : conv->panels - panel;
        run_panels(t, begin / conv->panels, panel, panel + count,
                   t->scratch + worker * conv->worker_bytes);
        begin += count;
    }
}
