/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions as products: per image and group, Y (out_channels x positions) = W (out_channels x
 * k) * columns of X. For a block of k and some panels of columns a worker copies the inputs into a
 * patch; then it makes panels from it, which stay in L2 while they are multiplied: one after the
 * other where W stays there as well, else some at a time, so that W is read less often.
 */
#include "base/size.h"
#include "kernels/conv/patch.h"
#include "ops/conv/conv_run.h"

/* Floats of a patch, when one panel does not need more. */
#define PATCH_FLOATS 65536

/* Floats of the panels that are made before they are multiplied, when there is more than one. */
#define PACKED_FLOATS 131072

/* Floats of Y that are computed before the activation, when one panel does not have more. */
#define PART_FLOATS 131072

/* Outputs whose panel is transposed together. */
#define TURNED 16

/* Rows of fewer taps are copied output by output. */
#define TURNED_TAPS 4

/* The product of one group, without pointers to data. */
static struct onr_gemm_f32_job make_job(const struct onr_conv *conv)
{
    return (struct onr_gemm_f32_job){
        .kernel = conv->kernel,
        .m = conv->out_channels,
        .n = conv->outputs,
        .k = conv->k,
        .a = {NULL, ONR_FLOAT, conv->k, 1},
        .b = {NULL, ONR_FLOAT, conv->outputs, 1},
        .c_stride = conv->outputs,
        .scale = 1.0f,
        .is_a_cold = true,
        .is_c_cold =
            onr_gemm_f32_is_cold(conv->batch * conv->groups * conv->out_channels * conv->outputs),
    };
}

/* The patch of panels [panel, panel + count). */
static struct onr_patch plan_patch(const struct onr_conv *conv, size_t panel, size_t count)
{
    struct onr_patch patch;
    size_t first = panel * conv->kernel->columns;
    size_t columns = count * conv->kernel->columns;
    size_t left = conv->outputs - first;
    onr_patch_plan(&conv->window, (int64_t)first, (int64_t)(columns < left ? columns : left),
                   &patch);
    return patch;
}

/* Floats of the largest patch of `count` panels; false: out of range. */
static bool find_most_floats(const struct onr_conv *conv, size_t channels, size_t count,
                             size_t *most)
{
    *most = 0;
    for (size_t panel = 0; panel < conv->panels; panel++) {
        size_t left = conv->panels - panel;
        struct onr_patch patch = plan_patch(conv, panel, count < left ? count : left);
        size_t floats;
        if (!onr_patch_floats(&patch, &floats)) {
            return false;
        }
        *most = floats > *most ? floats : *most;
    }
    return onr_size_mul(*most, channels, most) && *most < ONR_SIZE_LIMIT / sizeof(float);
}

/* Outputs one below the other are those of windows that are as wide as the plane. */
bool onr_conv_is_turned(const struct onr_window *window)
{
    bool is_column = window->out[2] == 1 && (window->out[0] == 1 || window->out[1] == 1);
    return is_column && window->kernel[2] >= TURNED_TAPS;
}

static bool plan_patches(struct onr_conv *conv)
{
    size_t blocks = onr_gemm_k_blocks(conv->k);
    size_t k = (conv->k + blocks - 1) / blocks;
    size_t channels = (k - 1) / conv->taps + 2;
    channels = channels < conv->in_channels ? channels : conv->in_channels;
    size_t floats = 0;
    for (conv->most_panels = 16;; conv->most_panels /= 2) {
        if (!find_most_floats(conv, channels, conv->most_panels, &floats)) {
            return false;
        }
        if (conv->most_panels == 1 || floats <= PATCH_FLOATS) {
            break;
        }
    }
    size_t panel = k * conv->kernel->columns;
    size_t packed =
        PACKED_FLOATS / panel < conv->most_panels ? PACKED_FLOATS / panel : conv->most_panels;
    bool is_tall = conv->out_channels / conv->row_splits > ONR_GEMM_MC;
    conv->packed_panels = is_tall && packed > 1 ? packed : 1;
    panel = panel * conv->packed_panels + ONR_PATCH_SLACK;
    floats += ONR_PATCH_SLACK;
    conv->is_turned = onr_conv_is_turned(&conv->window);
    conv->panel_bytes = onr_size_align(panel * sizeof(float), ONR_MEM_ALIGN);
    conv->offset_bytes = onr_size_align(k * sizeof(size_t), ONR_MEM_ALIGN);
    conv->worker_bytes += conv->panel_bytes + conv->offset_bytes +
                          onr_size_align(floats * sizeof(float), ONR_MEM_ALIGN);
    return true;
}

/* Splits the rows as well where there are too few panels to give each thread as much as the others. A
 * narrow panel at the end does not count: one of them can take it besides. */
static size_t choose_row_splits(const struct onr_conv *conv, unsigned thread_count)
{
    bool is_narrow = conv->last_kernel->columns < conv->kernel->columns;
    size_t whole = conv->panels - (is_narrow && conv->panels > 1 ? 1 : 0);
    size_t items = whole * conv->batch * conv->groups;
    size_t tiles = (conv->out_channels + conv->kernel->rows - 1) / conv->kernel->rows;
    if (items % thread_count == 0 || items >= 16 * (size_t)thread_count) {
        return 1;
    }
    size_t most = items >= thread_count ? tiles / 8 : tiles;
    most = most > 0 ? most : 1;
    return most < thread_count ? most : thread_count;
}

bool onr_conv_plan_product(struct onr_conv *conv, const struct onr_kernels *kernels,
                           unsigned thread_count)
{
    bool is_product = conv->way == ONR_CONV_PRODUCT;
    conv->kernel = onr_gemm_f32_choose_two(&kernels->gemm, conv->outputs, &conv->last_kernel);
    conv->panels = onr_gemm_f32_panels(conv->kernel, conv->outputs);
    conv->row_splits = choose_row_splits(conv, thread_count);
    conv->items = conv->panels * conv->row_splits;
    struct onr_gemm_f32_job job = make_job(conv);
    conv->gemm_bytes = onr_gemm_f32_workspace(&job);
    job.kernel = conv->last_kernel;
    size_t last_bytes = onr_gemm_f32_workspace(&job);
    conv->gemm_bytes = last_bytes > conv->gemm_bytes ? last_bytes : conv->gemm_bytes;
    conv->worker_bytes = conv->gemm_bytes;
    if (is_product) {
        size_t most = PART_FLOATS / (conv->out_channels / conv->row_splits * conv->kernel->columns);
        conv->most_panels = most > 0 ? most : 1;
    }
    return is_product || plan_patches(conv);
}

/* What a worker computes at a time: some rows of some panels of one group of one image. */
struct part {
    const struct onr_conv_task *task;
    struct onr_gemm_f32_job job;
    const float *x; /* [in_channels, inputs] */
    size_t first;   /* element of Y */
    size_t panel, count;
    size_t row_begin, row_end;
    char *scratch;
};

void onr_conv_pack_turned(const struct onr_conv *conv, const float *inputs, const size_t *offsets,
                          size_t k, const struct onr_patch_block *blocks, size_t count,
                          size_t width, float *columns)
{
    size_t step = count > 1 ? blocks[1].from - blocks[0].from : 0;
    for (size_t p = 0, run = 1; p < k; p += run) {
        for (run = 1; p + run < k && offsets[p + run] == offsets[p] + run; run++) {
        }
        for (size_t j = 0; j < count; j += TURNED) {
            conv->kernel->transpose(run, count - j < TURNED ? count - j : TURNED,
                                    columns + p * width + j, (int64_t)width,
                                    inputs + offsets[p] + blocks[j].from, (int64_t)step);
        }
    }
}

/* Makes panels of columns for the steps of the job from a patch, and multiplies them. Panels but the
 * last of the image are whole. */
static void run_panels(const struct part *part, const struct onr_gemm_f32_job *block, size_t panel,
                       size_t count, const struct onr_patch *patch, const size_t *offsets,
                       const float *inputs)
{
    const struct onr_conv *conv = part->task->conv;
    struct onr_patch_block blocks[ONR_PATCH_MAX_BLOCKS];
    size_t first = panel * conv->kernel->columns;
    size_t left = conv->outputs - first;
    float *columns = (float *)(void *)(part->scratch + conv->gemm_bytes);
    struct onr_gemm_f32_job job = *block;
    job.kernel = panel + 1 < conv->panels ? conv->kernel : conv->last_kernel;
    size_t width = job.kernel->columns;
    job.n = left < count * width ? left : count * width;
    job.b_packed = columns;
    job.is_a_cold = panel == part->panel;
    job.c += first;
    for (size_t done = 0; done < job.n; done += width) {
        size_t n = job.n - done < width ? job.n - done : width;
        size_t used =
            onr_patch_blocks(&conv->window, patch, (int64_t)(first + done), (int64_t)n, blocks);
        if (conv->is_turned) {
            onr_conv_pack_turned(conv, inputs, offsets, job.k, blocks, used, width,
                                 columns + done * job.k);
        } else {
            part->task->kernels->conv.pack(inputs, offsets, job.k, blocks, used, width,
                                           columns + done * job.k);
        }
    }
    onr_gemm_f32_run(&job, part->row_begin, part->row_end, 0, count, part->scratch);
}

/* Panels from `panel` on, up to `end`, that are made together: the last of the image is alone. */
static size_t count_together(const struct onr_conv *conv, size_t panel, size_t end)
{
    size_t whole = end < conv->panels ? end : conv->panels - 1;
    size_t count = whole > panel ? whole - panel : 1;
    return count < conv->packed_panels ? count : conv->packed_panels;
}

/* Adds the products of steps [k_begin, k_begin + k). */
static void run_k_block(const struct part *part, const struct onr_patch *patch, size_t k_begin,
                        size_t k)
{
    const struct onr_conv *conv = part->task->conv;
    char *scratch = part->scratch + conv->gemm_bytes + conv->panel_bytes;
    size_t *offsets = (size_t *)(void *)scratch;
    float *inputs = (float *)(void *)(scratch + conv->offset_bytes);
    size_t channel = k_begin / conv->taps;
    struct onr_gemm_f32_job job = part->job;
    job.k = k;
    job.a.data = (const float *)part->job.a.data + k_begin;
    job.accumulate = k_begin > 0;
    onr_patch_offsets(&conv->window, patch, k_begin, k, offsets);
    part->task->kernels->conv.fill(&conv->window, patch, part->x + channel * conv->inputs,
                                   (k_begin + k - 1) / conv->taps - channel + 1, inputs);
    size_t end = part->panel + part->count;
    for (size_t panel = part->panel; panel < end;) {
        size_t count = count_together(conv, panel, end);
        run_panels(part, &job, panel, count, patch, offsets, inputs);
        panel += count;
    }
}

/* The input itself is the right side; its last panel may have tiles of another shape. */
static void run_inputs(const struct part *part)
{
    const struct onr_conv *conv = part->task->conv;
    struct onr_gemm_f32_job job = part->job;
    size_t end = part->panel + part->count;
    size_t whole = end < conv->panels || conv->last_kernel == conv->kernel ? end : end - 1;
    job.b.data = part->x;
    onr_gemm_f32_run(&job, part->row_begin, part->row_end, part->panel, whole, part->scratch);
    if (whole < end) {
        size_t first = whole * conv->kernel->columns;
        job.kernel = conv->last_kernel;
        job.n -= first;
        job.b.data = part->x + first;
        job.c += first;
        onr_gemm_f32_run(&job, part->row_begin, part->row_end, 0, 1, part->scratch);
    }
}

static void run_patches(const struct part *part)
{
    const struct onr_conv *conv = part->task->conv;
    struct onr_patch patch = plan_patch(conv, part->panel, part->count);
    size_t blocks = onr_gemm_k_blocks(conv->k);
    for (size_t i = 0; i < blocks; i++) {
        size_t begin = onr_gemm_k_begin(conv->k, blocks, i);
        run_k_block(part, &patch, begin, onr_gemm_k_begin(conv->k, blocks, i + 1) - begin);
    }
}

/* Adds the addend and applies the activation, in rows as long as a part has them: those of tiles are
 * so short that this costs more there. */
static void finish_part(const struct part *part)
{
    const struct onr_conv *conv = part->task->conv;
    size_t column = part->panel * conv->kernel->columns;
    size_t left = conv->outputs - column;
    size_t count = part->count * conv->kernel->columns;
    size_t rows = part->row_end - part->row_begin;
    size_t first = part->first + part->row_begin * conv->outputs + column;
    count = count < left ? count : left;
    if (count == conv->outputs) {
        count *= rows;
        rows = 1;
    }
    for (size_t r = 0; r < rows; r++) {
        onr_conv_finish(part->task, first + r * conv->outputs, count);
    }
}

static void run_part(const struct part *part)
{
    if (part->task->conv->way == ONR_CONV_PRODUCT) {
        run_inputs(part);
    } else {
        run_patches(part);
    }
    finish_part(part);
}

/* Items count from the end, as the first ranges of a loop are the longest, and the last panel, which
 * is narrow, belongs into one of these. */
void onr_conv_run_products(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_conv_task *t = task;
    const struct onr_conv *conv = t->conv;
    size_t items = conv->batch * conv->groups * conv->items;
    size_t last = items - begin;
    for (size_t item = items - end; item < last;) {
        size_t panel = item % conv->panels;
        size_t split = item / conv->panels % conv->row_splits;
        size_t matrix = item / conv->items;
        size_t filter = matrix % conv->groups * conv->out_channels;
        size_t count = last - item < conv->panels - panel ? last - item : conv->panels - panel;
        count = count < conv->most_panels ? count : conv->most_panels;
        struct part part = {
            .task = t,
            .job = make_job(conv),
            .x = (const float *)t->data.x + matrix * conv->in_channels * conv->inputs,
            .first = matrix * conv->out_channels * conv->outputs,
            .panel = panel,
            .count = count,
            .row_begin = conv->out_channels * split / conv->row_splits,
            .row_end = conv->out_channels * (split + 1) / conv->row_splits,
            .scratch = t->scratch + worker * conv->worker_bytes,
        };
        part.job.a.data = (const float *)t->data.w + filter * conv->k;
        part.job.c = (float *)t->data.y + part.first;
        part.job.row_bias = t->data.b != NULL ? (const float *)t->data.b + filter : NULL;
        run_part(&part);
        item += count;
    }
}
