/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/conv/conv_operands.h"

#include "ops/common/float_io.h"

struct onr_conv_operands onr_conv_operands(const struct onr_run_ctx *ctx, bool has_bias)
{
    return (struct onr_conv_operands){.x = ctx->inputs[0]->data,
                                      .w = ctx->inputs[1]->data,
                                      .b = has_bias ? ctx->inputs[2]->data : NULL,
                                      .y = ctx->outputs[0]->data};
}

void onr_conv_halves_plan(const struct onr_conv_halves *halves, struct onr_workspace *space)
{
    if (halves->dtype != ONR_UNDEFINED) {
        (void)onr_workspace_add(space, halves->x, sizeof(float));
        (void)onr_workspace_add(space, halves->w, sizeof(float));
        (void)onr_workspace_add(space, halves->b, sizeof(float));
        (void)onr_workspace_add(space, halves->y, sizeof(float));
    }
}

/* The next part of a workspace that onr_conv_halves_plan laid out. */
static float *take(char **next, size_t count)
{
    float *part = (float *)(void *)*next;
    *next += onr_size_align(count * sizeof(float), ONR_MEM_ALIGN);
    return part;
}

static const void *widen(enum onr_dtype dtype, const void *from, size_t count, char **next)
{
    float *floats = take(next, count);
    onr_float_gather(dtype, from, 0, 1, count, floats);
    return floats;
}

void onr_conv_widen(const struct onr_conv_halves *halves, void *workspace,
                    struct onr_conv_operands *operands)
{
    char *next = workspace;
    operands->x = widen(halves->dtype, operands->x, halves->x, &next);
    operands->w = widen(halves->dtype, operands->w, halves->w, &next);
    operands->b = operands->b != NULL ? widen(halves->dtype, operands->b, halves->b, &next) : NULL;
    operands->y = take(&next, halves->y);
}
