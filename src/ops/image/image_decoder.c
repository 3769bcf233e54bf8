/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ImageDecoder (ai.onnx), version 20+; only in builds with ONNXRUN_IMAGE_DECODER.
 *                                        https://onnx.ai/onnx/operators/onnx__ImageDecoder.html
 *
 * image = the pixels of encoded_stream, an image file
 *
 * Shapes    encoded_stream: [bytes] -> image: [height, width, channels], 3 channels or 1.
 * Types     uint8.
 * Attrs     pixel_format: "RGB" (default), "BGR", "Grayscale": (299 R + 587 G + 114 B) / 1000.
 * Edge      The format follows from the first bytes: BMP, JPEG, PNG, PNM, TIFF, WebP. What cannot be
 *           decoded gives an empty image, as the specification says; JPEG 2000, which is not
 *           supported, is ONR_ERR_UNSUPPORTED, and more than 2^28 pixels are ONR_ERR_LIMIT.
 *           Transparency is left out.
 * Aliasing  none.
 */
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/image/codec.h"

#include <string.h>

#define MAX_PIXELS ((size_t)1 << 28)

enum pixel_format { PIXELS_RGB, PIXELS_BGR, PIXELS_GRAY };

/* Formats, told by bytes at a place. */
static const struct format {
    const char *magic;
    size_t bytes, at;
    onr_decode_fn decode; /* NULL: not supported */
} formats[] = {
    {"\xff\xd8\xff", 3, 0, onr_decode_jpeg},
    {"\x89PNG\r\n\x1a\n", 8, 0, onr_decode_png},
    {"WEBP", 4, 8, onr_decode_webp},
    {"II*\0", 4, 0, onr_decode_tiff},
    {"MM\0*", 4, 0, onr_decode_tiff},
    {"II+\0", 4, 0, onr_decode_tiff},
    {"MM\0+", 4, 0, onr_decode_tiff},
    {"BM", 2, 0, onr_decode_bmp},
    {"P", 1, 0, onr_decode_pnm},
    {"\0\0\0\x0cjP  ", 8, 0, NULL},
    {"\xff\x4f\xff\x51", 4, 0, NULL},
};

static enum onr_status read_format(const struct onr_node *node, size_t *format,
                                   struct onr_error *err)
{
    static const char *const names[] = {
        [PIXELS_RGB] = "RGB", [PIXELS_BGR] = "BGR", [PIXELS_GRAY] = "Grayscale", NULL};
    return onr_check_attr_choice(node, "pixel_format", names, format, err);
}

static enum onr_status decoder_infer(struct onr_infer_ctx *ctx)
{
    size_t format = 0;
    ONR_TRY(read_format(ctx->node, &format, ctx->err));
    ONR_TRY(onr_check_rank(ctx, 0, 1));
    onr_infer_unknown_dims(ctx, 3);
    ctx->outputs[0].shape.dim[2] = format == PIXELS_GRAY ? 1 : 3;
    return ONR_OK;
}

static enum onr_status decoder_prepare(struct onr_prepare_ctx *ctx)
{
    size_t *format = ONR_ARENA_NEW(ctx->arena, size_t);
    if (format == NULL) {
        return onr_fail_memory(ctx->err, "the state of ImageDecoder");
    }
    ctx->state = format;
    return read_format(ctx->node, format, ctx->err);
}

/* An image on the way. */
struct job {
    struct onr_run_ctx *ctx;
    size_t format;
    enum onr_status status; /* of what decoding asked for */
    size_t pixels;
    uint8_t *rgb;
};

static void *give_scratch(void *arg, size_t bytes)
{
    struct job *job = arg;
    void *memory = job->ctx->host->alloc_bytes(job->ctx, bytes);
    if (memory == NULL) {
        job->status = onr_fail_memory(job->ctx->err, "decoding an image");
    }
    return memory;
}

static uint8_t *give_room(void *arg, size_t height, size_t width)
{
    struct job *job = arg;
    if (height == 0 || width == 0) {
        return NULL;
    }
    if (height > MAX_PIXELS / width) {
        job->status =
            onr_fail(job->ctx->err, ONR_ERR_LIMIT, "an image of %zu x %zu pixels has more than %zu",
                     height, width, MAX_PIXELS);
        return NULL;
    }
    struct onr_shape shape = {
        .rank = 3, .dim = {(int64_t)height, (int64_t)width, job->format == PIXELS_GRAY ? 1 : 3}};
    job->status = job->ctx->host->alloc_output(job->ctx, 0, &shape);
    if (job->status != ONR_OK) {
        return NULL;
    }
    job->pixels = height * width;
    job->rgb = job->format == PIXELS_GRAY ? give_scratch(job, job->pixels * 3)
                                          : job->ctx->outputs[0]->data;
    return job->rgb;
}

/* Brings the pixels into their format. */
static void convert(const struct job *job)
{
    uint8_t *y = job->ctx->outputs[0]->data;
    for (size_t i = 0; i < job->pixels && job->format != PIXELS_RGB; i++) {
        uint8_t *rgb = job->rgb + 3 * i;
        if (job->format == PIXELS_GRAY) {
            /* the weights times 2^16, and a half to round */
            y[i] = (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
        } else {
            uint8_t red = rgb[0];
            rgb[0] = rgb[2];
            rgb[2] = red;
        }
    }
}

static const struct format *find_format(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const struct format *format = &formats[i];
        if (size >= format->at + format->bytes &&
            memcmp(data + format->at, format->magic, format->bytes) == 0) {
            return format;
        }
    }
    return NULL;
}

static enum onr_status decoder_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *x = ctx->inputs[0];
    struct job job = {.ctx = ctx, .format = *(const size_t *)ctx->state, .status = ONR_OK};
    struct onr_picture picture = {.data = x->data,
                                  .size = (size_t)onr_tensor_count(x),
                                  .arg = &job,
                                  .room = give_room,
                                  .scratch = give_scratch};
    const struct format *format = find_format(picture.data, picture.size);
    if (format != NULL && format->decode == NULL) {
        return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED,
                        "JPEG 2000 is not decoded, only BMP, JPEG, PNG, PNM, TIFF and WebP are");
    }
    if (format != NULL && format->decode(&picture)) {
        convert(&job);
        return ONR_OK;
    }
    ONR_TRY(job.status);
    struct onr_shape empty = {.rank = 3, .dim = {0, 0, job.format == PIXELS_GRAY ? 1 : 3}};
    return ctx->host->alloc_output(ctx, 0, &empty);
}

static const struct onr_attr_spec attrs[] = {{"pixel_format", ONR_ATTR_STRING, false}, {0}};
static const struct onr_param_spec specs[] = {{ONR_BIT(UINT8), 0}, {0}};

extern const struct onr_op_def onr_ops_image_decoder[];
const struct onr_op_def onr_ops_image_decoder[] = {
    {.domain = "",
     .name = "ImageDecoder",
     .since_version = 20,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = decoder_infer,
     .prepare = decoder_prepare,
     .run = decoder_run},
    {.name = NULL},
};
