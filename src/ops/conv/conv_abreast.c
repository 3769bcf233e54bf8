/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions of small planes, whose rows are too short for vectors: as many channels as a
 * vector has lanes are transposed, so that they stand side by side, padded, summed, and transposed
 * back, all in a cache.
 */
#include "base/size.h"
#include "ops/conv/conv_run.h"

#include <string.h>

/* Most elements of a plane, and of a padded one: as planes of vectors both stay in L2. Rows that are
 * longer are worth vectors of their own, and so are planes for which there is a kernel that reads them
 * where they lie. */
#define MOST_INPUTS 3200
#define MOST_PLACES 4096
#define LONGEST_ROW 512
#define OWN_INPUTS  800
#define OWN_VECTOR  16

/* Channels of less than this leave threads without work. */
#define LEAST_CHANNELS 32

/* The scratch of a worker. */
struct scratch {
    float *planes; /* [inputs or outputs][lanes] */
    float *padded; /* [high][wide][lanes] */
    float *w;      /* [taps][lanes] */
    float *bias;   /* [lanes] */
    size_t *offsets;
};

/* Rows and columns that windows see, with what is padding of them. */
static size_t seen(const struct onr_window *w, int d)
{
    return (size_t)((w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1);
}

/* Places the scratch at base; the offset of its end is returned. */
static size_t place_scratch(const struct onr_conv *conv, char *base, struct scratch *scratch)
{
    size_t line = conv->lanes * sizeof(float);
    size_t plane = conv->inputs > conv->outputs ? conv->inputs : conv->outputs;
    size_t padded = seen(&conv->window, 1) * seen(&conv->window, 2);
    size_t sizes[5] = {plane * line, padded * line, conv->taps * line, line,
                       conv->taps * sizeof(size_t)};
    size_t at[6] = {0};
    for (int i = 0; i < 5; i++) {
        at[i + 1] = at[i] + onr_size_align(sizes[i], ONR_MEM_ALIGN);
    }
    if (base != NULL) {
        *scratch = (struct scratch){
            (float *)(void *)base, (float *)(void *)(base + at[1]), (float *)(void *)(base + at[2]),
            (float *)(void *)(base + at[3]), (size_t *)(void *)(base + at[4])};
    }
    return at[5];
}

/* Whether there are as few inputs as this way is best for. */
static bool has_small_planes(const struct onr_conv *conv, const struct onr_kernels *kernels)
{
    const struct onr_window *w = &conv->window;
    bool is_small = kernels->conv.small != NULL && onr_conv_is_small(w);
    bool is_by_lines = kernels->conv.lines != NULL && onr_conv_is_lines(w);
    size_t most = is_small || is_by_lines ? OWN_INPUTS : MOST_INPUTS;
    return conv->inputs <= most && w->out[2] <= LONGEST_ROW &&
           !(is_small && w->out[2] % OWN_VECTOR == 0);
}

bool onr_conv_is_abreast(const struct onr_conv *conv, const struct onr_kernels *kernels)
{
    const struct onr_window *w = &conv->window;
    bool is_plane = w->in[0] == 1 && w->out[0] == 1 && w->kernel[0] == 1;
    if (kernels->conv.abreast == NULL || conv->in_channels != 1 || conv->out_channels != 1 ||
        conv->groups < LEAST_CHANNELS || !is_plane || conv->is_plain || conv->inputs == 0 ||
        conv->outputs == 0) {
        return false;
    }
    size_t high = seen(w, 1);
    size_t wide = seen(w, 2);
    return high <= MOST_PLACES && wide <= MOST_PLACES && high * wide <= MOST_PLACES &&
           has_small_planes(conv, kernels);
}

void onr_conv_plan_abreast(struct onr_conv *conv, const struct onr_kernels *kernels)
{
    struct scratch scratch;
    conv->lanes = kernels->conv.abreast_lanes;
    conv->items = (conv->groups + conv->lanes - 1) / conv->lanes;
    conv->worker_bytes = place_scratch(conv, NULL, &scratch);
}

/* Copies planes to where no window needs care; the padding is there. */
static void pad_planes(const struct onr_conv *conv, const struct scratch *scratch)
{
    const struct onr_window *w = &conv->window;
    size_t high = seen(w, 1);
    size_t wide = seen(w, 2);
    size_t top = (size_t)w->pad[1];
    size_t left = (size_t)w->pad[2];
    size_t width = (size_t)w->in[2];
    size_t columns = wide > left ? wide - left : 0;
    columns = columns < width ? columns : width;
    for (size_t r = 0; columns > 0 && r < (size_t)w->in[1] && top + r < high; r++) {
        memcpy(scratch->padded + ((top + r) * wide + left) * conv->lanes,
               scratch->planes + r * width * conv->lanes, columns * conv->lanes * sizeof(float));
    }
}

static void find_offsets(const struct onr_conv *conv, size_t *offsets)
{
    const struct onr_window *w = &conv->window;
    size_t wide = seen(w, 2);
    for (size_t p = 0; p < conv->taps; p++) {
        size_t row = p / (size_t)w->kernel[2] * (size_t)w->dilation[1];
        size_t column = p % (size_t)w->kernel[2] * (size_t)w->dilation[2];
        offsets[p] = (row * wide + column) * conv->lanes;
    }
}

/* Channels [channel, channel + count) of an image. */
static void run_block(const struct onr_conv_task *task, size_t image, size_t channel, size_t count,
                      const struct scratch *s)
{
    const struct onr_conv *conv = task->conv;
    const struct onr_window *w = &conv->window;
    const onr_transpose_fn transpose = task->kernels->move.transpose[2];
    const int64_t lanes = (int64_t)conv->lanes;
    size_t plane = image * conv->groups + channel;
    const float *bias = task->data.b;
    float *y = (float *)task->data.y + plane * conv->outputs;
    transpose(conv->inputs, count, s->planes, lanes,
              (const float *)task->data.x + plane * conv->inputs, (int64_t)conv->inputs);
    pad_planes(conv, s);
    transpose(conv->taps, count, s->w, lanes, (const float *)task->data.w + channel * conv->taps,
              (int64_t)conv->taps);
    if (bias != NULL) {
        memcpy(s->bias, bias + channel, count * sizeof(float));
    }
    bool is_dense = w->stride[2] == 1 && w->dilation[2] == 1;
    const struct onr_conv_abreast job = {.rows = (size_t)w->out[1],
                                         .count = (size_t)w->out[2],
                                         .k = conv->taps,
                                         .wide = is_dense ? (size_t)w->kernel[2] : 0,
                                         .x = s->padded,
                                         .offsets = s->offsets,
                                         .x_step = (size_t)(w->stride[2] * lanes),
                                         .x_line = (size_t)w->stride[1] * seen(w, 2) * conv->lanes,
                                         .w = s->w,
                                         .bias = s->bias,
                                         .y = s->planes};
    task->kernels->conv.abreast(&job);
    transpose(count, conv->outputs, y, (int64_t)conv->outputs, s->planes, lanes);
    onr_conv_finish(task, plane * conv->outputs, count * conv->outputs);
}

void onr_conv_run_abreast(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_conv_task *t = task;
    const struct onr_conv *conv = t->conv;
    char *base = t->scratch + worker * conv->worker_bytes;
    struct scratch scratch;
    memset(base, 0, place_scratch(conv, base, &scratch));
    find_offsets(conv, scratch.offsets);
    for (size_t i = begin; i < end; i++) {
        size_t channel = i % conv->items * conv->lanes;
        size_t left = conv->groups - channel;
        run_block(t, i / conv->items, channel, left < conv->lanes ? left : conv->lanes, &scratch);
    }
}
