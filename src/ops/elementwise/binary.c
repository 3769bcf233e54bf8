/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of two broadcast arguments of one type (ai.onnx): Add, And, BitShift, BitwiseAnd,
 * BitwiseOr, BitwiseXor, Div, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Mod, Mul, Or,
 * PRelu, Sub, Xor.
 *                                     https://onnx.ai/onnx/operators/onnx__Add.html and so on
 *
 * c[i] = f(a[i], b[i])
 *
 * Shapes    a, b: any that broadcast -> c: the broadcast shape.
 *           Versions 1 to 6, and PRelu: one-way, see onr_binary_infer.
 * Types     Add, Div, Mod, Mul, Sub, comparisons: every numeric type; Equal also bool and string;
 *           And, Or, Xor: bool; Bitwise*: integers; BitShift: integers, before 28 unsigned ones;
 *           PRelu: float types, 32 and 64 bit integers. Comparisons give bool. float16 and bfloat16
 *           are computed in float.
 * Attrs     BitShift: direction, "LEFT" or "RIGHT". Mod: fmod, int, default 0.
 * Edge      Integers wrap, Div cuts towards 0, x / 0 and Mod(x, 0) of integers are 0. Shifts to the
 *           right keep the sign; by a negative number, the width or more they give nothing but the
 *           sign: -1 or 0, and those to the left 0. Mod has the sign of b, with fmod=1 that of a;
 *           floats follow fmod=0 too, as numpy does. A comparison with NaN is false.
 * Aliasing  c may share storage with a or b, except in comparisons.
 */
#include "ops/elementwise/binary.h"

#include "kernels/kernels.h"
#include "ops/common/check_dims.h"

#include <inttypes.h>
#include <string.h>

struct binary_state {
    onr_binary_fn function;
    size_t input_bytes; /* of one element */
    size_t output_bytes;
    uint32_t first; /* which input is the function's first operand */
};

static enum onr_status bind(struct onr_prepare_ctx *ctx, enum onr_binary_op op, bool is_swapped)
{
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    onr_binary_fn function = ctx->kernels->binary.rows[op][dtype];
    if (function == NULL) {
        return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED, "input 0 of type %s", onr_dtype_name(dtype));
    }
    struct binary_state *state = ONR_ARENA_NEW(ctx->arena, struct binary_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a node");
    }
    *state = (struct binary_state){.function = function,
                                   .input_bytes = onr_dtype_size(dtype),
                                   .output_bytes = onr_dtype_size(ctx->outputs[0].dtype),
                                   .first = is_swapped ? 1 : 0};
    ctx->told.kernel = onr_kernel_at(ctx->kernels, &ctx->kernels->binary.rows[op][dtype]);
    ctx->state = state;
    return ONR_OK;
}

struct binary_job {
    const struct binary_state *state;
    const struct onr_broadcast *loops;
    const char *x[2];
    char *z;
};

static void binary_task(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct binary_job *job = arg;
    const struct binary_state *state = job->state;
    const struct onr_broadcast *loops = job->loops;
    uint32_t a = state->first;
    uint32_t b = 1 - a;
    struct onr_cursor cursor;
    (void)worker;
    onr_cursor_seek(loops, begin, &cursor);
    while (begin < end) {
        size_t run = onr_cursor_run(loops, &cursor, end - begin);
        state->function(run, job->x[a] + cursor.offset[a] * state->input_bytes, loops->stride[a][0],
                        job->x[b] + cursor.offset[b] * state->input_bytes, loops->stride[b][0],
                        job->z + begin * state->output_bytes);
        onr_cursor_advance(loops, run, &cursor);
        begin += run;
    }
}

static enum onr_status binary_run(struct onr_run_ctx *ctx)
{
    struct binary_job job = {.state = ctx->state,
                             .loops = ctx->plan,
                             .x = {ctx->inputs[0]->data, ctx->inputs[1]->data},
                             .z = ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, job.loops->count, ONR_BINARY_GRAIN, binary_task, &job);
    return ONR_OK;
}

static const struct binary_kind {
    const char *name;
    enum onr_binary_op op;
    bool is_swapped;
} kinds[] = {
    {"Add", ONR_BINARY_ADD, false},
    {"And", ONR_BINARY_AND, false},
    {"BitwiseAnd", ONR_BINARY_AND, false},
    {"BitwiseOr", ONR_BINARY_OR, false},
    {"BitwiseXor", ONR_BINARY_XOR, false},
    {"Div", ONR_BINARY_DIV, false},
    {"Equal", ONR_BINARY_EQUAL, false},
    {"Greater", ONR_BINARY_LESS, true},
    {"GreaterOrEqual", ONR_BINARY_LESS_EQUAL, true},
    {"Less", ONR_BINARY_LESS, false},
    {"LessOrEqual", ONR_BINARY_LESS_EQUAL, false},
    {"Mul", ONR_BINARY_MUL, false},
    {"Or", ONR_BINARY_OR, false},
    {"PRelu", ONR_BINARY_PRELU, false},
    {"Sub", ONR_BINARY_SUB, false},
    {"Xor", ONR_BINARY_XOR, false},
};

static enum onr_status binary_prepare(struct onr_prepare_ctx *ctx)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, ctx->node->op_type) == 0) {
            return bind(ctx, kinds[i].op, kinds[i].is_swapped);
        }
    }
    return onr_fail(ctx->err, ONR_ERR_INTERNAL, "no function for %s", ctx->node->op_type);
}

static enum onr_status mod_prepare(struct onr_prepare_ctx *ctx)
{
    int64_t fmod = onr_attr_int(ctx->node, "fmod", 0);
    if (fmod != 0 && fmod != 1) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "fmod is %" PRId64 ", expected 0 or 1", fmod);
    }
    return bind(ctx, fmod == 1 ? ONR_BINARY_FMOD : ONR_BINARY_MOD, false);
}

static enum onr_status bit_shift_prepare(struct onr_prepare_ctx *ctx)
{
    static const char *const directions[] = {"LEFT", "RIGHT", NULL};
    size_t direction = 0;
    ONR_TRY(onr_check_attr_choice(ctx->node, "direction", directions, &direction, ctx->err));
    return bind(ctx, direction == 0 ? ONR_BINARY_SHIFT_LEFT : ONR_BINARY_SHIFT_RIGHT, false);
}

#define EQUAL_TYPES (ONR_DTYPES_NUMERIC | ONR_BIT(BOOL) | ONR_BIT(STRING))
#define PRELU_TYPES                                                                                \
    (ONR_DTYPES_FLOAT | ONR_BIT(INT32) | ONR_BIT(INT64) | ONR_BIT(UINT32) | ONR_BIT(UINT64))

static const struct onr_param_spec numeric_specs[] = {{ONR_DTYPES_NUMERIC, 1}, {0}};
static const struct onr_param_spec int_specs[] = {{ONR_DTYPES_INT, 1}, {0}};
static const struct onr_param_spec bool_specs[] = {{ONR_BIT(BOOL), 1}, {0}};
static const struct onr_param_spec equal_specs[] = {{EQUAL_TYPES, 1}, {0}};
static const struct onr_param_spec prelu_specs[] = {{PRELU_TYPES, 1}, {0}};
static const struct onr_param_spec result_specs[] = {{ONR_BIT(BOOL), 0}, {0}};
static const struct onr_attr_spec mod_attrs[] = {{"fmod", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec bit_shift_attrs[] = {{"direction", ONR_ATTR_STRING, true}, {0}};

/* A result of the inputs' type, from version `since` on; and what versions 1 to 6 had. */
#define ARITHMETIC(text, since, specs)                                                             \
    {                                                                                              \
        ONR_BINARY_ROW(text, since, ONR_OPSET_LATEST, specs, specs, binary_prepare, binary_run),   \
            .traits = ONR_TRAIT_INPLACE                                                            \
    }
#define OLD_ARITHMETIC(text, specs)                                                                \
    {                                                                                              \
        ONR_BINARY_ROW(text, 1, 6, specs, specs, binary_prepare, binary_run),                      \
            .attrs = onr_binary_old_attrs, .traits = ONR_TRAIT_INPLACE                             \
    }

/* The same with a result of type bool. */
#define COMPARISON(text, since, specs)                                                             \
    {                                                                                              \
        ONR_BINARY_ROW(text, since, ONR_OPSET_LATEST, specs, result_specs, binary_prepare,         \
                       binary_run)                                                                 \
    }
#define OLD_COMPARISON(text, specs)                                                                \
    {                                                                                              \
        ONR_BINARY_ROW(text, 1, 6, specs, result_specs, binary_prepare, binary_run),               \
            .attrs = onr_binary_old_attrs                                                          \
    }

const struct onr_op_def onr_ops_binary[] = {
    OLD_ARITHMETIC("Add", numeric_specs),
    ARITHMETIC("Add", 7, numeric_specs),
    OLD_ARITHMETIC("And", bool_specs),
    ARITHMETIC("And", 7, bool_specs),
    {ONR_BINARY_ROW("BitShift", 11, ONR_OPSET_LATEST, int_specs, int_specs, bit_shift_prepare,
                    binary_run),
     .attrs = bit_shift_attrs, .traits = ONR_TRAIT_INPLACE},
    ARITHMETIC("BitwiseAnd", 18, int_specs),
    ARITHMETIC("BitwiseOr", 18, int_specs),
    ARITHMETIC("BitwiseXor", 18, int_specs),
    OLD_ARITHMETIC("Div", numeric_specs),
    ARITHMETIC("Div", 7, numeric_specs),
    OLD_COMPARISON("Equal", equal_specs),
    COMPARISON("Equal", 7, equal_specs),
    OLD_COMPARISON("Greater", numeric_specs),
    COMPARISON("Greater", 7, numeric_specs),
    COMPARISON("GreaterOrEqual", 12, numeric_specs),
    OLD_COMPARISON("Less", numeric_specs),
    COMPARISON("Less", 7, numeric_specs),
    COMPARISON("LessOrEqual", 12, numeric_specs),
    {ONR_BINARY_ROW("Mod", 10, ONR_OPSET_LATEST, numeric_specs, numeric_specs, mod_prepare,
                    binary_run),
     .attrs = mod_attrs, .traits = ONR_TRAIT_INPLACE},
    OLD_ARITHMETIC("Mul", numeric_specs),
    ARITHMETIC("Mul", 7, numeric_specs),
    OLD_ARITHMETIC("Or", bool_specs),
    ARITHMETIC("Or", 7, bool_specs),
    OLD_ARITHMETIC("PRelu", prelu_specs),
    ARITHMETIC("PRelu", 7, prelu_specs),
    OLD_ARITHMETIC("Sub", numeric_specs),
    ARITHMETIC("Sub", 7, numeric_specs),
    OLD_ARITHMETIC("Xor", bool_specs),
    ARITHMETIC("Xor", 7, bool_specs),
    {.name = NULL},
};
