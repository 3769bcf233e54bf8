/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions of several images side by side: how panels of their columns are made. Where a window
 * moves by one input and sees no padding, from X; else from patches of the images.
 */
#include "base/size.h"
#include "kernels/conv/patch.h"
#include "ops/conv/conv_images.h"

#include <string.h>

/* Floats of the patches of all images that are made at a time, when one channel does not have more. */
#define PATCH_FLOATS 8192

/* Steps of k for which the places of taps are written down, when one channel does not have more. */
#define MOST_STEPS 1024

/* Whether planes are their own patches: taps share one part that is as large. */
static bool is_in_place(const struct onr_window *w, const struct onr_patch *patch)
{
    bool is = true;
    for (int d = 0; d < 3; d++) {
        is = is && w->stride[d] == 1 && w->pad[d] == 0 && patch->is_shared[d] &&
             w->out[d] + (w->kernel[d] - 1) * w->dilation[d] == w->in[d];
    }
    return is;
}

static void plan_patch(const struct onr_conv *conv, struct onr_patch *patch)
{
    onr_patch_plan(&conv->window, 0, (int64_t)conv->outputs, patch);
}

/* Floats from the patch of an image to that of the next, which is not in the same set of a cache. */
static size_t find_step(size_t floats, size_t channels)
{
    return (onr_size_align(floats * channels, 16) / 16 | 1) * 16;
}

bool onr_conv_plan_panels(struct onr_conv *conv, size_t *bytes)
{
    struct onr_patch patch;
    size_t floats;
    size_t all;
    plan_patch(conv, &patch);
    size_t images = (conv->most_panels * conv->kernel->columns - 1) / conv->outputs + 2;
    images = images < conv->batch ? images : conv->batch;
    if (!onr_patch_floats(&patch, &floats) || !onr_size_mul(floats, images, &all) ||
        all > ONR_SIZE_LIMIT / sizeof(float) / 2) {
        return false;
    }
    conv->is_in_place = is_in_place(&conv->window, &patch);
    conv->is_turned = onr_conv_is_turned(&conv->window);
    size_t most = MOST_STEPS / conv->taps;
    size_t fitting = PATCH_FLOATS / (all + 1);
    most = fitting < most && !conv->is_in_place ? fitting : most;
    most = most < conv->in_channels ? most : conv->in_channels;
    conv->channels = most > 0 ? most : 1;
    conv->offset_bytes =
        onr_size_align(conv->channels * conv->taps * sizeof(size_t), ONR_MEM_ALIGN);
    size_t patches = images * find_step(floats, conv->channels) + ONR_PATCH_SLACK;
    *bytes = conv->offset_bytes +
             (conv->is_in_place ? 0 : onr_size_align(patches * sizeof(float), ONR_MEM_ALIGN));
    return true;
}

/* Some channels of a group, of the images that columns are of. */
struct chunk {
    const struct onr_conv_columns *columns;
    struct onr_patch patch;
    size_t *offsets;
    float *patches;
    size_t k;            /* steps of the channels */
    const float *inputs; /* the patch of image `image`, and image_step further that of the next */
    size_t image, image_step;
    const float *end; /* inputs are not read from here on */
};

/* Rows behind which others follow take what is touched behind an end; the last ones, behind which the
 * next panel lies, are copied as they are, and so are those at the end of the inputs. */
static void pack_blocks(const struct chunk *chunk, const struct onr_patch_block *blocks,
                        size_t used, size_t count, size_t width, float *to)
{
    size_t touched = blocks[used - 1].to + ONR_PATCH_SLACK;
    size_t last = touched > width ? (touched - 1) / width : 0;
    size_t left = (size_t)(chunk->end - chunk->inputs);
    size_t fast = chunk->k > last ? chunk->k - last : 0;
    while (fast > 0 && chunk->offsets[fast - 1] + blocks[used - 1].from + ONR_PATCH_SLACK > left) {
        fast--;
    }
    chunk->columns->task->kernels->conv.pack(chunk->inputs, chunk->offsets, fast, blocks, used,
                                             width, to);
    for (size_t p = fast; p < chunk->k; p++) {
        for (size_t b = 0; b < used; b++) {
            size_t next = b + 1 < used ? blocks[b + 1].to : count;
            memcpy(to + p * width + blocks[b].to,
                   chunk->inputs + chunk->offsets[p] + blocks[b].from,
                   (next - blocks[b].to) * sizeof(float));
        }
    }
}

/* The steps of a chunk of the panel of columns [first, end). */
static void pack_panel(const struct chunk *chunk, size_t first, size_t end, size_t width, float *to)
{
    const struct onr_conv *conv = chunk->columns->task->conv;
    struct onr_patch_block blocks[ONR_PATCH_MAX_BLOCKS];
    size_t used = 0;
    for (size_t column = first; column < end;) {
        struct onr_conv_piece piece = onr_conv_piece(conv, column, end);
        size_t from = (piece.image - chunk->image) * chunk->image_step;
        struct onr_patch_block *next = blocks + used;
        size_t count = onr_patch_blocks(&conv->window, &chunk->patch, (int64_t)piece.output,
                                        (int64_t)piece.count, next);
        if (conv->is_turned) {
            onr_conv_pack_turned(conv, chunk->inputs + from, chunk->offsets, chunk->k, next, count,
                                 width, to + (column - first));
        } else {
            for (size_t b = 0; b < count; b++) {
                next[b].to += column - first;
                next[b].from += from;
            }
            used += count;
        }
        column += piece.count;
    }
    if (used > 0) {
        pack_blocks(chunk, blocks, used, end - first, width, to);
    }
}

/* The first image of the columns, and behind the last. */
static size_t first_image(const struct onr_conv_columns *columns)
{
    return columns->begin / columns->task->conv->outputs;
}

static size_t end_image(const struct onr_conv_columns *columns)
{
    return (columns->end - 1) / columns->task->conv->outputs + 1;
}

/* Sets where the inputs of some channels are, after copying them to patches unless they are there. */
static void set_inputs(struct chunk *chunk, size_t channel, size_t channels)
{
    const struct onr_conv_columns *columns = chunk->columns;
    const struct onr_conv *conv = columns->task->conv;
    size_t step = conv->groups * conv->in_channels * conv->inputs;
    const float *x = columns->task->data.x;
    const float *first = x + (columns->group * conv->in_channels + channel) * conv->inputs;
    chunk->k = channels * conv->taps;
    if (conv->is_in_place) {
        chunk->inputs = first;
        chunk->image_step = step;
        chunk->end = x + conv->batch * step;
        return;
    }
    float *to = chunk->patches;
    for (size_t image = chunk->image; image < end_image(columns); image++) {
        columns->task->kernels->conv.fill(&conv->window, &chunk->patch, first + image * step,
                                          channels, to);
        to += chunk->image_step;
    }
    chunk->end = to + ONR_PATCH_SLACK;
}

/* The part of all panels that is made of a chunk: steps from `step` on. */
static void pack_chunk(const struct chunk *chunk, size_t step, float *packed)
{
    const struct onr_conv_columns *columns = chunk->columns;
    const struct onr_conv *conv = columns->task->conv;
    for (size_t first = columns->begin; first < columns->end;) {
        size_t width = onr_conv_kernel_at(columns, first)->columns;
        size_t end = first + width < columns->end ? first + width : columns->end;
        pack_panel(chunk, first, end, width,
                   packed + (first - columns->begin) * conv->k + step * width);
        first = end;
    }
}

void onr_conv_make_panels(const struct onr_conv_columns *columns, char *scratch, float *packed)
{
    const struct onr_conv *conv = columns->task->conv;
    struct chunk chunk = {.columns = columns,
                          .offsets = (size_t *)(void *)scratch,
                          .patches = (float *)(void *)(scratch + conv->offset_bytes)};
    size_t floats = 0;
    plan_patch(conv, &chunk.patch);
    (void)onr_patch_floats(&chunk.patch, &floats); /* has been checked */
    onr_patch_offsets(&conv->window, &chunk.patch, 0, conv->channels * conv->taps, chunk.offsets);
    chunk.inputs = chunk.patches;
    chunk.image = conv->is_in_place ? 0 : first_image(columns);
    chunk.image_step = find_step(floats, conv->channels);
    for (size_t channel = 0; channel < conv->in_channels; channel += conv->channels) {
        size_t left = conv->in_channels - channel;
        set_inputs(&chunk, channel, left < conv->channels ? left : conv->channels);
        pack_chunk(&chunk, channel * conv->taps, packed);
    }
}
