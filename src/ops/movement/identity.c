/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity (ai.onnx)                            https://onnx.ai/onnx/operators/onnx__Identity.html
 *
 * y = x
 *
 * Shapes    any -> the same.
 * Types     all, and from 14 on sequences, from 16 on optionals.
 * Aliasing  y is a view of x.
 */
#include "ops/common/contents.h"
#include "ops/common/copy.h"

static enum onr_status identity_infer(struct onr_infer_ctx *ctx)
{
    ctx->outputs[0] = *ctx->inputs[0];
    ctx->outputs[0].data = NULL; /* belongs to the input: a known value is made by running */
    return ONR_OK;
}

static enum onr_status identity_run(struct onr_run_ctx *ctx)
{
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};

extern const struct onr_op_def onr_ops_identity[];
const struct onr_op_def onr_ops_identity[] = {
    {.domain = "",
     .name = "Identity",
     .since_version = 1,
     .last_version = 13,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW,
     .infer = identity_infer,
     .run = identity_run},
    {.domain = "",
     .name = "Identity",
     .since_version = 14,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW | ONR_TRAIT_ANY_KIND,
     .infer = identity_infer,
     .run = identity_run},
    {.name = NULL},
};
