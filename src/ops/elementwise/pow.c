/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pow (ai.onnx), versions 1-6 and 7+.         https://onnx.ai/onnx/operators/onnx__Pow.html
 *
 * z[i] = x[i] ^ y[i]
 *
 * Shapes    x, y: any that broadcast -> z: the broadcast shape.
 *           Versions 1 to 6: one-way, see onr_binary_infer.
 * Types     x, z: float, double, float16, bfloat16, int32, int64; y: any numeric type.
 *           float16 and bfloat16 are computed in float. Operands of different types, unless both
 *           are integers, are computed in double, then rounded or cut to the type of x.
 * Edge      Powers of integers are exact and wrap; a negative exponent gives the quotient cut
 *           towards 0 (2^-1 is 0), and 0 for base 0. Otherwise the rules of C's pow: x^0 is 1
 *           also for NaN, (-8)^(1/3) is NaN.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/elementwise/binary.h"

/* One of both is set: function where base and exponent have the same float type. */
struct pow_state {
    onr_binary_fn function;
    onr_power_fn power;
    enum onr_dtype dtypes[2];
    size_t bytes[2]; /* of one element */
};

static enum onr_status pow_prepare(struct onr_prepare_ctx *ctx)
{
    struct pow_state *state = ONR_ARENA_NEW(ctx->arena, struct pow_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a node");
    }
    for (int i = 0; i < 2; i++) {
        state->dtypes[i] = ctx->inputs[i]->dtype;
        state->bytes[i] = onr_dtype_size(state->dtypes[i]);
    }
    ctx->told.kernel = ONR_KERNEL_AT(binary.power);
    if (state->dtypes[0] == state->dtypes[1]) {
        const onr_binary_fn *function =
            &ctx->kernels->binary.rows[ONR_BINARY_POW][state->dtypes[0]];
        state->function = *function;
        ctx->told.kernel =
            *function != NULL ? onr_kernel_at(ctx->kernels, function) : ctx->told.kernel;
    }
    state->power = ctx->kernels->binary.power;
    ctx->state = state;
    return ONR_OK;
}

struct pow_job {
    const struct pow_state *state;
    const struct onr_broadcast *loops;
    const char *x;
    const char *y;
    char *z;
};

static void pow_task(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct pow_job *job = arg;
    const struct pow_state *state = job->state;
    const struct onr_broadcast *loops = job->loops;
    struct onr_cursor cursor;
    (void)worker;
    onr_cursor_seek(loops, begin, &cursor);
    while (begin < end) {
        size_t run = onr_cursor_run(loops, &cursor, end - begin);
        const char *x = job->x + cursor.offset[0] * state->bytes[0];
        const char *y = job->y + cursor.offset[1] * state->bytes[1];
        char *z = job->z + begin * state->bytes[0];
        if (state->function != NULL) {
            state->function(run, x, loops->stride[0][0], y, loops->stride[1][0], z);
        } else {
            state->power(run, state->dtypes[0], x, loops->stride[0][0], state->dtypes[1], y,
                         loops->stride[1][0], z);
        }
        onr_cursor_advance(loops, run, &cursor);
        begin += run;
    }
}

static enum onr_status pow_run(struct onr_run_ctx *ctx)
{
    struct pow_job job = {.state = ctx->state,
                          .loops = ctx->plan,
                          .x = ctx->inputs[0]->data,
                          .y = ctx->inputs[1]->data,
                          .z = ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, job.loops->count, ONR_BINARY_GRAIN, pow_task, &job);
    return ONR_OK;
}

#define BASE_TYPES (ONR_DTYPES_FLOAT | ONR_BIT(INT32) | ONR_BIT(INT64))

static const struct onr_param_spec input_specs[] = {{BASE_TYPES, 1}, {ONR_DTYPES_NUMERIC, 0}, {0}};
static const struct onr_param_spec output_specs[] = {{BASE_TYPES, 1}, {0}};

const struct onr_op_def onr_ops_pow[] = {
    {ONR_BINARY_ROW("Pow", 1, 6, input_specs, output_specs, pow_prepare, pow_run),
     .attrs = onr_binary_old_attrs},
    {ONR_BINARY_ROW("Pow", 7, ONR_OPSET_LATEST, input_specs, output_specs, pow_prepare, pow_run)},
    {.name = NULL},
};
