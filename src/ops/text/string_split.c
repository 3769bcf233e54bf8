/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringSplit (ai.onnx), version 20+.  https://onnx.ai/onnx/operators/onnx__StringSplit.html
 *
 * y[i...] = the parts of x[i] between delimiters, filled up with empty strings; z[i] = their number
 *
 * Shapes    x: any; y: that of x with one more dim, the largest number of parts; z: that of x.
 * Types     x, y: string; z: int64.
 * Attrs     delimiter: string, default "": runs of white space (the six ASCII characters), of which
 *           those at the ends of a string count for nothing. maxsplit: int, default: no limit; after
 *           so many splits the rest is one part. A negative one is no limit either, as in numpy.
 * Edge      With a delimiter an empty string is one empty part, without one it has no parts.
 * Aliasing  The characters of y are those of x.
 */
#include "graph/op_def.h"

#include <string.h>

static enum onr_status split_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    if (x->rank >= ONR_MAX_RANK) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "rank %d + 1 exceeds %d", x->rank, ONR_MAX_RANK);
    }
    if (x->rank != ONR_RANK_UNKNOWN) {
        *y = *x;
        y->dim[y->rank++] = ONR_DIM_UNKNOWN;
    }
    if (ctx->node->output_count > 1) {
        ctx->outputs[1].shape = *x;
    }
    return ONR_OK;
}

struct split_state {
    struct onr_string delimiter; /* length 0: white space */
    uint64_t max_splits;
};

static enum onr_status split_prepare(struct onr_prepare_ctx *ctx)
{
    int64_t max_splits = onr_attr_int(ctx->node, "maxsplit", -1);
    struct split_state *state = ONR_ARENA_NEW(ctx->arena, struct split_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of StringSplit");
    }
    state->delimiter = onr_attr_string(ctx->node, "delimiter", "");
    state->max_splits = max_splits < 0 ? UINT64_MAX : (uint64_t)max_splits;
    ctx->state = state;
    return ONR_OK;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && is_space(*at)) {
        at++;
    }
    return at;
}

/* The first delimiter in [at, end), or end; its length in *length. */
static const char *find_delimiter(struct onr_string delimiter, const char *at, const char *end,
                                  size_t *length)
{
    *length = delimiter.length;
    if (delimiter.length == 0) {
        while (at < end && !is_space(*at)) {
            at++;
        }
        return at;
    }
    while ((size_t)(end - at) >= delimiter.length) {
        at = memchr(at, delimiter.data[0], (size_t)(end - at) - delimiter.length + 1);
        if (at == NULL) {
            return end;
        }
        if (memcmp(at, delimiter.data, delimiter.length) == 0) {
            return at;
        }
        at++;
    }
    return end;
}

/* The number of parts of a string, which are written to parts unless that is NULL. */
static size_t split_string(const struct split_state *state, struct onr_string x,
                           struct onr_string *parts)
{
    bool by_space = state->delimiter.length == 0;
    const char *at = x.length > 0 ? x.data : "";
    const char *end = at + x.length;
    size_t count = 0;
    at = by_space ? skip_spaces(at, end) : at;
    while (!by_space || at < end) {
        size_t length = 0;
        const char *stop = end;
        if (count < state->max_splits) {
            stop = find_delimiter(state->delimiter, at, end, &length);
        }
        if (parts != NULL) {
            parts[count] = (struct onr_string){.data = at, .length = (size_t)(stop - at)};
        }
        count++;
        if (stop == end) {
            break;
        }
        at = by_space ? skip_spaces(stop, end) : stop + length;
    }
    return count;
}

static enum onr_status split_run(struct onr_run_ctx *ctx)
{
    const struct split_state *state = ctx->state;
    const struct onr_string *x = ctx->inputs[0]->data;
    size_t count = (size_t)onr_tensor_count(ctx->inputs[0]);
    bool has_counts = ctx->output_count > 1 && ctx->outputs[1] != NULL;
    struct onr_shape shape = ctx->inputs[0]->shape;
    size_t widest = 0;
    if (has_counts) {
        ONR_TRY(ctx->host->alloc_output(ctx, 1, &shape));
    }
    for (size_t i = 0; i < count; i++) {
        size_t parts = split_string(state, x[i], NULL);
        widest = parts > widest ? parts : widest;
        if (has_counts) {
            ((int64_t *)ctx->outputs[1]->data)[i] = (int64_t)parts;
        }
    }
    shape.dim[shape.rank++] = (int64_t)widest;
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &shape));
    struct onr_string *y = ctx->outputs[0]->data;
    for (size_t i = 0; i < count && widest > 0; i++) {
        size_t parts = split_string(state, x[i], y + i * widest);
        for (size_t k = parts; k < widest; k++) {
            y[i * widest + k] = (struct onr_string){.data = "", .length = 0};
        }
    }
    return ONR_OK;
}

static const struct onr_attr_spec split_attrs[] = {
    {"delimiter", ONR_ATTR_STRING, false}, {"maxsplit", ONR_ATTR_INT, false}, {0}};
static const struct onr_param_spec split_inputs[] = {{ONR_BIT(STRING), 0}, {0}};
static const struct onr_param_spec split_outputs[] = {
    {ONR_BIT(STRING), 0}, {ONR_BIT(INT64), 0}, {0}};

extern const struct onr_op_def onr_ops_string_split[];
const struct onr_op_def onr_ops_string_split[] = {
    {.domain = "",
     .name = "StringSplit",
     .since_version = 20,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 2},
     .attrs = split_attrs,
     .input_specs = split_inputs,
     .output_specs = split_outputs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = split_infer,
     .prepare = split_prepare,
     .run = split_run},
    {.name = NULL},
};
