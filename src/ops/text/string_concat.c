/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringConcat (ai.onnx), version 20+.  https://onnx.ai/onnx/operators/onnx__StringConcat.html
 *
 * z[i] = x[i] followed by y[i]
 *
 * Shapes    x, y: any that broadcast -> z: the broadcast shape.
 * Types     string.
 * Edge      Bytes are joined; an empty string leaves the other as it is.
 * Aliasing  none.
 */
#include "base/size.h"
#include "graph/op_def.h"
#include "ops/common/broadcast.h"

#include <string.h>

static enum onr_status concat_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *inputs[] = {&ctx->inputs[0]->shape, &ctx->inputs[1]->shape};
    ctx->plan = onr_broadcast_plan(ctx->arena, &ctx->outputs[0].shape, inputs, 2);
    return ctx->plan != NULL ? ONR_OK : onr_fail_memory(ctx->err, "loops of a node");
}

/* Writes z with its characters to `text`, or counts them when text is NULL. */
static bool concat_all(const struct onr_run_ctx *ctx, char *text, size_t *total)
{
    const struct onr_broadcast *loops = ctx->plan;
    const struct onr_string *x = ctx->inputs[0]->data;
    const struct onr_string *y = ctx->inputs[1]->data;
    struct onr_string *z = ctx->outputs[0]->data;
    struct onr_cursor cursor;
    *total = 0;
    onr_cursor_seek(loops, 0, &cursor);
    for (size_t i = 0; i < loops->count; i++) {
        struct onr_string left = x[cursor.offset[0]];
        struct onr_string right = y[cursor.offset[1]];
        size_t length = 0;
        if (text != NULL) {
            z[i] = (struct onr_string){.data = text + *total, .length = left.length + right.length};
            if (left.length > 0) {
                memcpy(text + *total, left.data, left.length);
            }
            if (right.length > 0) {
                memcpy(text + *total + left.length, right.data, right.length);
            }
        }
        if (!onr_size_add(left.length, right.length, &length) ||
            !onr_size_add(*total, length, total)) {
            return false;
        }
        onr_cursor_advance(loops, 1, &cursor);
    }
    return *total < ONR_SIZE_LIMIT;
}

static enum onr_status concat_run(struct onr_run_ctx *ctx)
{
    const struct onr_broadcast *loops = ctx->plan;
    size_t total = 0;
    if (loops->count == 0) {
        return ONR_OK;
    }
    if (!concat_all(ctx, NULL, &total)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the joined strings are too long");
    }
    char *text = ctx->host->alloc_bytes(ctx, total);
    if (text == NULL) {
        return onr_fail_memory(ctx->err, "text of a string tensor");
    }
    (void)concat_all(ctx, text, &total);
    return ONR_OK;
}

static const struct onr_param_spec string_specs[] = {{ONR_BIT(STRING), 1}, {0}};

extern const struct onr_op_def onr_ops_string_concat[];
const struct onr_op_def onr_ops_string_concat[] = {
    {.domain = "",
     .name = "StringConcat",
     .since_version = 20,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = string_specs,
     .output_specs = string_specs,
     .infer = onr_infer_broadcast,
     .plan = concat_plan,
     .run = concat_run},
    {.name = NULL},
};
