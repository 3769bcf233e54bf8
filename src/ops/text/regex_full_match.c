/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RegexFullMatch (ai.onnx), version 20+.
 * https://onnx.ai/onnx/operators/onnx__RegexFullMatch.html
 *
 * y[i] = the pattern matches the whole of x[i]
 *
 * Shapes    x: any -> y: the same.
 * Types     x: string; y: bool.
 * Attrs     pattern: string in the syntax of RE2 (what of it: text/regex.h).
 * Edge      Bytes that are no UTF-8 match nothing. Time is bounded by the length of the strings times
 *           that of the pattern, whatever the pattern is.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/text/regex.h"

static enum onr_status match_infer(struct onr_infer_ctx *ctx)
{
    if (onr_node_attr(ctx->node, "pattern") == NULL) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "attribute pattern is missing");
    }
    return onr_infer_same_shape(ctx);
}

static enum onr_status match_prepare(struct onr_prepare_ctx *ctx)
{
    struct onr_regex *regex = ONR_ARENA_NEW(ctx->arena, struct onr_regex);
    if (regex == NULL) {
        return onr_fail_memory(ctx->err, "state of RegexFullMatch");
    }
    ctx->state = regex;
    return onr_regex_compile(onr_attr_string(ctx->node, "pattern", ""), ctx->arena, regex,
                             ctx->err);
}

static enum onr_status match_plan(struct onr_plan_ctx *ctx)
{
    size_t bytes = onr_size_align(onr_regex_scratch(ctx->state), 64);
    ctx->workspace_bytes = bytes * ctx->thread_count;
    return ONR_OK;
}

struct match_job {
    const struct onr_regex *regex;
    const struct onr_string *x;
    uint8_t *y;
    char *workspace;
};

static void match_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct match_job *job = arg;
    void *scratch = job->workspace + worker * onr_size_align(onr_regex_scratch(job->regex), 64);
    for (size_t i = begin; i < end; i++) {
        job->y[i] = onr_regex_matches(job->regex, job->x[i], scratch);
    }
}

static enum onr_status match_run(struct onr_run_ctx *ctx)
{
    struct match_job job = {.regex = ctx->state,
                            .x = ctx->inputs[0]->data,
                            .y = ctx->outputs[0]->data,
                            .workspace = ctx->workspace};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->inputs[0]),
                     onr_grain(64 * job.regex->size), match_range, &job);
    return ONR_OK;
}

static const struct onr_attr_spec match_attrs[] = {{"pattern", ONR_ATTR_STRING, false}, {0}};
static const struct onr_param_spec match_inputs[] = {{ONR_BIT(STRING), 0}, {0}};
static const struct onr_param_spec match_outputs[] = {{ONR_BIT(BOOL), 0}, {0}};

extern const struct onr_op_def onr_ops_regex_full_match[];
const struct onr_op_def onr_ops_regex_full_match[] = {
    {.domain = "",
     .name = "RegexFullMatch",
     .since_version = 20,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = match_attrs,
     .input_specs = match_inputs,
     .output_specs = match_outputs,
     .infer = match_infer,
     .prepare = match_prepare,
     .plan = match_plan,
     .run = match_run},
    {.name = NULL},
};
