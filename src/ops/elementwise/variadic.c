/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of any number of broadcast arguments (ai.onnx): Max, Mean, Min, Sum.
 *                                     https://onnx.ai/onnx/operators/onnx__Max.html and so on
 *
 * y[i] = f(... f(f(x0[i], x1[i]), x2[i]) ...)
 * Mean: the sum divided by the number of inputs.
 *
 * Shapes    1 to any number of inputs that broadcast -> y: the broadcast shape.
 * Types     Max, Min: every numeric type; Mean, Sum: float types. float16 and bfloat16 are
 *           computed in float and rounded once.
 * Edge      Max and Min are NaN where an input is.
 * Aliasing  y may share storage with any input of the same number of bytes.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/elementwise/binary.h"

#include <inttypes.h>
#include <string.h>

/* Elements that are accumulated at a time, in the type of computation. */
#define BLOCK 256

struct variadic_state {
    onr_binary_fn function;
    onr_binary_fn divide; /* NULL, except for Mean */
    enum onr_dtype dtype;
    size_t bytes;         /* of one element */
    onr_convert_fn widen; /* half types are computed in float; NULL for the others */
    onr_convert_fn narrow;
    union {
        float f32;
        double f64;
    } divisor;
};

static const struct variadic_kind {
    const char *name;
    enum onr_binary_op op;
} kinds[] = {
    {"Max", ONR_BINARY_MAX},
    {"Mean", ONR_BINARY_ADD},
    {"Min", ONR_BINARY_MIN},
    {"Sum", ONR_BINARY_ADD},
};

static enum onr_status variadic_infer(struct onr_infer_ctx *ctx)
{
    for (uint32_t i = 0; i < ctx->node->input_count; i++) {
        if (ctx->inputs[i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "required input %" PRIu32 " is empty", i);
        }
    }
    ONR_TRY(onr_infer_broadcast(ctx));
    onr_contents_combine(ctx);
    return ONR_OK;
}

static enum onr_status variadic_prepare(struct onr_prepare_ctx *ctx)
{
    struct variadic_state *state = ONR_ARENA_NEW(ctx->arena, struct variadic_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a node");
    }
    state->dtype = ctx->inputs[0]->dtype;
    state->bytes = onr_dtype_size(state->dtype);
    enum onr_dtype computed = state->dtype;
    if (onr_dtypes_has(ONR_DTYPES_HALF, state->dtype)) {
        computed = ONR_FLOAT;
        state->widen = ctx->kernels->convert.direct[state->dtype][ONR_FLOAT];
        state->narrow = ctx->kernels->convert.direct[ONR_FLOAT][state->dtype];
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, ctx->node->op_type) == 0) {
            state->function = ctx->kernels->binary.rows[kinds[i].op][computed];
            ctx->told.kernel =
                onr_kernel_at(ctx->kernels, &ctx->kernels->binary.rows[kinds[i].op][computed]);
        }
    }
    if (strcmp(ctx->node->op_type, "Mean") == 0) {
        state->divide = ctx->kernels->binary.rows[ONR_BINARY_DIV][computed];
        if (computed == ONR_FLOAT) {
            state->divisor.f32 = (float)ctx->node->input_count;
        } else {
            state->divisor.f64 = (double)ctx->node->input_count;
        }
    }
    ctx->state = state;
    return ONR_OK;
}

static enum onr_status variadic_plan(struct onr_plan_ctx *ctx)
{
    uint32_t count = ctx->node->input_count;
    const struct onr_shape **shapes = ONR_ARENA_ARRAY(ctx->arena, count, const struct onr_shape *);
    if (shapes == NULL) {
        return onr_fail_memory(ctx->err, "shapes of a node");
    }
    for (uint32_t i = 0; i < count; i++) {
        shapes[i] = &ctx->inputs[i]->shape;
    }
    ctx->plan = onr_broadcast_plan(ctx->arena, &ctx->outputs[0].shape, shapes, count);
    return ctx->plan != NULL ? ONR_OK : onr_fail_memory(ctx->err, "loops of a node");
}

struct variadic_job {
    const struct variadic_state *state;
    const struct onr_broadcast *loops;
    struct onr_tensor *const *inputs;
    char *y;
};

union block {
    float f32[BLOCK];
    double f64[BLOCK];
    uint64_t i64[BLOCK];
};

/* Fills y with copies of its first element. */
static void repeat_first(char *y, size_t bytes, size_t count)
{
    for (size_t done = 1; done < count; done *= 2) {
        size_t rest = count - done;
        memcpy(y + done * bytes, y, (rest < done ? rest : done) * bytes);
    }
}

/* The elements of input `index` that belong to count outputs from `begin` on, in the type of
 * computation: in place, or converted in scratch. */
static const void *find_operand(const struct variadic_job *job, uint32_t index, size_t begin,
                                size_t count, union block *scratch)
{
    const struct variadic_state *state = job->state;
    size_t offset = onr_broadcast_offset(job->loops, index, begin);
    const char *x = (const char *)job->inputs[index]->data + offset * state->bytes;
    if (state->widen == NULL) {
        return x;
    }
    state->widen(job->loops->stride[index][0] != 0 ? count : 1, x, scratch);
    return scratch;
}

static void variadic_block(const struct variadic_job *job, size_t begin, size_t count)
{
    const struct variadic_state *state = job->state;
    const struct onr_broadcast *loops = job->loops;
    size_t bytes = state->widen != NULL ? sizeof(float) : state->bytes;
    char *y = job->y + begin * state->bytes;
    union block sum;
    union block scratch;
    bool is_repeated = loops->stride[0][0] == 0;
    memcpy(&sum, find_operand(job, 0, begin, count, &scratch), (is_repeated ? 1 : count) * bytes);
    if (is_repeated) {
        repeat_first((char *)&sum, bytes, count);
    }
    for (uint32_t i = 1; i < loops->input_count; i++) {
        const void *x = find_operand(job, i, begin, count, &scratch);
        state->function(count, &sum, 1, x, loops->stride[i][0], &sum);
    }
    if (state->divide != NULL) {
        state->divide(count, &sum, 1, &state->divisor, 0, &sum);
    }
    if (state->narrow != NULL) {
        state->narrow(count, &sum, y);
    } else {
        memcpy(y, &sum, count * bytes);
    }
}

static void variadic_task(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct variadic_job *job = arg;
    (void)worker;
    while (begin < end) {
        size_t limit = end - begin < BLOCK ? end - begin : BLOCK;
        size_t run = onr_broadcast_run(job->loops, begin, limit);
        variadic_block(job, begin, run);
        begin += run;
    }
}

static enum onr_status variadic_run(struct onr_run_ctx *ctx)
{
    struct variadic_job job = {
        .state = ctx->state, .loops = ctx->plan, .inputs = ctx->inputs, .y = ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, job.loops->count, ONR_BINARY_GRAIN, variadic_task, &job);
    return ONR_OK;
}

static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec numeric_specs[] = {{ONR_DTYPES_NUMERIC, 1}, {0}};
static const struct onr_attr_spec old_attrs[] = {{"consumed_inputs", ONR_ATTR_INTS, false}, {0}};

#define VARIADIC(text, specs)                                                                      \
    {                                                                                              \
        .domain = "", .name = (text), .since_version = 1, .last_version = ONR_OPSET_LATEST,        \
        .inputs = {1, ONR_VARIADIC}, .outputs = {1, 1}, .attrs = old_attrs,                        \
        .input_specs = (specs), .output_specs = (specs), .traits = ONR_TRAIT_INPLACE,              \
        .infer = variadic_infer, .prepare = variadic_prepare, .plan = variadic_plan,               \
        .run = variadic_run                                                                        \
    }

const struct onr_op_def onr_ops_variadic[] = {
    VARIADIC("Max", numeric_specs),
    VARIADIC("Mean", float_specs),
    VARIADIC("Min", numeric_specs),
    VARIADIC("Sum", float_specs),
    {.name = NULL},
};
