/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: packs the constant weights of each direction. */
#include "ops/recurrent/recurrent_weights.h"

#include "base/size.h"

#include <math.h>
#include <string.h>

struct onr_recurrent_integers onr_recurrent_integers(const struct onr_run_ctx *ctx, uint32_t input)
{
    uint32_t scale = input == 1 ? 8 : 10;
    const struct onr_tensor *weights = ctx->inputs[input];
    return (struct onr_recurrent_integers){
        .dtype = weights->dtype,
        .data = weights->data,
        .scale = ctx->inputs[scale]->data,
        .zero_point = ctx->inputs[scale + 1]->data,
        .directions = (size_t)weights->shape.dim[0],
        .k = (size_t)weights->shape.dim[1],
        .n = (size_t)weights->shape.dim[2],
        .is_per_column = ctx->inputs[scale]->shape.rank == 2,
    };
}

void onr_recurrent_centre(const struct onr_recurrent_integers *w, float *out)
{
    size_t columns = w->is_per_column ? w->n : 1;
    for (size_t i = 0; i < w->directions * w->k * w->n; i++) {
        size_t parameter = i / (w->k * w->n) * columns + (w->is_per_column ? i % w->n : 0);
        if (w->dtype == ONR_UINT8) {
            out[i] = (float)(((const uint8_t *)w->data)[i] -
                             ((const uint8_t *)w->zero_point)[parameter]);
        } else {
            out[i] =
                (float)(((const int8_t *)w->data)[i] - ((const int8_t *)w->zero_point)[parameter]);
        }
    }
}

float onr_recurrent_quantize(size_t count, const float *values, float *out)
{
    float low = 0;
    float high = 0;
    for (size_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    float scale = low == high ? 1.0f : (high - low) / 255.0f;
    float zero = nearbyintf(fminf(fmaxf(-low / scale, 0.0f), 255.0f));
    for (size_t i = 0; i < count; i++) {
        float step = nearbyintf(values[i] / scale) + zero;
        out[i] = fminf(fmaxf(step, 0.0f), 255.0f) - zero;
    }
    return scale;
}

void onr_recurrent_scale(const struct onr_recurrent_integers *w, unsigned direction, float scale,
                         size_t rows, float *values, const float *added)
{
    const float *scales = (const float *)w->scale + direction * (w->is_per_column ? w->n : 1);
    for (size_t r = 0; r < rows; r++) {
        float *row = values + r * w->n;
        for (size_t i = 0; i < w->n; i++) {
            row[i] *= scale * scales[w->is_per_column ? i : 0];
        }
        for (size_t i = 0; added != NULL && i < w->n; i++) {
            row[i] += added[r * w->n + i];
        }
    }
}

/* The integers of the constant W (1) or R (2) as floats, to be freed; NULL: out of memory. */
static float *centre_constant(struct onr_prepare_ctx *ctx, uint32_t input, size_t *bytes)
{
    const struct onr_constant *w = ctx->constants[input];
    uint32_t scale = input == 1 ? 8 : 10;
    struct onr_recurrent_integers integers = {
        .dtype = w->dtype,
        .data = w->data,
        .zero_point = ctx->constants[scale + 1]->data,
        .directions = (size_t)w->shape.dim[0],
        .k = (size_t)w->shape.dim[1],
        .n = (size_t)w->shape.dim[2],
        .is_per_column = ctx->constants[scale]->shape.rank == 2,
    };
    float *values = NULL;
    if (onr_size_mul((size_t)onr_constant_count(w), sizeof *values, bytes)) {
        values = onr_mem_alloc(ctx->mem, *bytes);
    }
    if (values != NULL) {
        onr_recurrent_centre(&integers, values);
    }
    return values;
}

/* Packs every part whose matrix stands in this input. */
static enum onr_status pack_input(struct onr_prepare_ctx *ctx, struct onr_recurrent_state *state,
                                  const struct onr_recurrent_dims *dims, uint32_t input,
                                  const void *data, enum onr_dtype dtype)
{
    for (unsigned d = 0; d < state->config.directions; d++) {
        for (unsigned part = 0; part < ONR_PART_COUNT; part++) {
            struct onr_recurrent_view view =
                onr_recurrent_view(&state->config, dims, d, (enum onr_recurrent_part)part);
            if (view.input != input ||
                !onr_recurrent_has_part(&state->config, (enum onr_recurrent_part)part)) {
                continue;
            }
            struct onr_gemm_matrix b = {(const char *)data + view.first * onr_dtype_size(dtype),
                                        dtype, view.row_stride, view.column_stride};
            ONR_TRY(onr_product_pack(ctx, &b, view.k, view.n, &state->part[d][part].packed));
        }
    }
    ctx->consumed |= 1u << input;
    return ONR_OK;
}

static bool is_constant(const struct onr_prepare_ctx *ctx, uint32_t input)
{
    return input < ctx->node->input_count && ctx->constants[input] != NULL;
}

static enum onr_status pack_weights(struct onr_prepare_ctx *ctx, struct onr_recurrent_state *state)
{
    bool is_quantized = state->config.is_quantized;
    if (!is_constant(ctx, 1) || !is_constant(ctx, 2) || ctx->constants[1]->dtype == ONR_DOUBLE) {
        return ONR_OK;
    }
    struct onr_recurrent_dims dims = {
        .input = (size_t)ctx->constants[1]->shape.dim[is_quantized ? 1 : 2],
        .hidden = (size_t)ctx->constants[2]->shape.dim[is_quantized ? 1 : 2]};
    if (dims.input == 0 || dims.hidden == 0) {
        return ONR_OK;
    }
    for (uint32_t input = 1; input <= 2; input++) {
        if (!is_quantized) {
            ONR_TRY(pack_input(ctx, state, &dims, input, ctx->constants[input]->data,
                               ctx->constants[input]->dtype));
        } else if (is_constant(ctx, 6 + 2 * input) && is_constant(ctx, 7 + 2 * input)) {
            size_t bytes = 0;
            float *values = centre_constant(ctx, input, &bytes);
            if (values == NULL) {
                return onr_fail_memory(ctx->err, "quantised weights");
            }
            enum onr_status status = pack_input(ctx, state, &dims, input, values, ONR_FLOAT);
            bool is_done = onr_backlog_run(ctx->backlog); /* which reads the values */
            onr_mem_free(ctx->mem, values, bytes);
            ONR_TRY(status);
            if (!is_done) {
                return onr_fail_memory(ctx->err, "packed weights");
            }
        }
    }
    return ONR_OK;
}

enum onr_status onr_recurrent_prepare(struct onr_prepare_ctx *ctx, enum onr_cell_kind kind)
{
    struct onr_recurrent_state *state = ONR_ARENA_NEW(ctx->arena, struct onr_recurrent_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a recurrent operator");
    }
    ctx->state = state;
    ONR_TRY(onr_recurrent_configure(&state->config, kind, ctx->node, ctx->err));
    for (unsigned d = 0; d < 2; d++) {
        for (unsigned part = 0; part < ONR_PART_COUNT; part++) {
            state->part[d][part].kernels = ctx->kernels;
        }
    }
    return pack_weights(ctx, state);
}
