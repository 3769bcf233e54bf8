/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cast, CastLike (ai.onnx)                       https://onnx.ai/onnx/operators/onnx__Cast.html
 *
 * y = x in another element type: that of attribute `to`, or of input 1.
 *
 * Shapes    any -> the same.
 * Types     every pair but complex numbers.
 * Attrs     to; saturate (19+, default 1) and round_mode (24+, "up", "down" or "nearest") for
 * floats of 8 bits. Numbers   float to integer cuts off; what does not fit becomes the least int32
 * (int64 for int64, uint32 and uint64), of which narrower types take the low bits. Integer to
 * integer takes the low bits. Everything but 0 is true, NaN too. Floats round to nearest even,
 * once. Strings   numbers print as in numpy ("1.0", "1e-05", "nan", "True"). They are read with
 * blanks around them; INF, NAN and for bool TRUE and FALSE in any case. Other text is an error at
 * run time. Symbols   between int32 and int64, y has the contents of x.
 */
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/common/index.h"
#include "ops/elementwise/cast_string.h"

/* Elements from which on a second thread pays. */
#define GRAIN 16384

static enum onr_status cast_to(struct onr_infer_ctx *ctx, enum onr_dtype to)
{
    enum onr_dtype from = ctx->inputs[0]->dtype;
    if (onr_dtypes_has(ONR_DTYPES_COMPLEX, to)) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "cast to %s is not supported",
                              onr_dtype_name(to));
    }
    ctx->outputs[0].dtype = to;
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    if (onr_dtypes_has(ONR_DTYPES_INDEX, from) && onr_dtypes_has(ONR_DTYPES_INDEX, to)) {
        onr_contents_forward(ctx);
    }
    return ONR_OK;
}

static enum onr_status read_round_mode(const struct onr_node *node, enum onr_round_mode *mode,
                                       struct onr_error *err)
{
    static const char *const names[] = {"up", "down", "nearest", NULL};
    size_t choice = 0;
    ONR_TRY(onr_check_attr_choice(node, "round_mode", names, &choice, err));
    *mode = (enum onr_round_mode)choice;
    return ONR_OK;
}

static enum onr_status cast_infer(struct onr_infer_ctx *ctx)
{
    int64_t to = onr_attr_int(ctx->node, "to", 0);
    if (!onr_dtype_is_valid(to)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "to is %lld, expected an element type",
                              (long long)to);
    }
    enum onr_round_mode mode = ONR_ROUND_UP;
    ONR_TRY(read_round_mode(ctx->node, &mode, ctx->err));
    return cast_to(ctx, (enum onr_dtype)to);
}

static enum onr_status cast_like_infer(struct onr_infer_ctx *ctx)
{
    enum onr_round_mode mode = ONR_ROUND_UP;
    ONR_TRY(read_round_mode(ctx->node, &mode, ctx->err));
    if (ctx->inputs[1]->dtype == ONR_UNDEFINED) {
        ctx->outputs[0].shape = ctx->inputs[0]->shape;
        return ONR_OK;
    }
    return cast_to(ctx, ctx->inputs[1]->dtype);
}

static enum onr_status cast_plan(struct onr_plan_ctx *ctx)
{
    struct onr_narrowing *how = ONR_ARENA_NEW(ctx->arena, struct onr_narrowing);
    if (how == NULL) {
        return onr_fail_memory(ctx->err, "plan of Cast");
    }
    ctx->told.kernel = onr_convert_at(ctx->kernels, ctx->inputs[0]->dtype, ctx->outputs[0].dtype);
    how->is_saturated = onr_attr_int(ctx->node, "saturate", 1) != 0;
    ctx->plan = how;
    return read_round_mode(ctx->node, &how->round_mode, ctx->err);
}

struct cast_task {
    const struct onr_run_ctx *ctx;
    const char *x;
    char *y;
    enum onr_dtype from;
    enum onr_dtype to;
};

static void cast_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct cast_task *task = arg;
    onr_convert(task->ctx->kernels, task->from, task->to, task->ctx->plan, end - begin,
                task->x + begin * onr_dtype_size(task->from),
                task->y + begin * onr_dtype_size(task->to));
}

/* A number in its wide type. */
union wide_number {
    double as_double;
    int64_t as_int;
    uint64_t as_uint;
};

static size_t format_number(const struct onr_run_ctx *ctx, size_t i,
                            char text[ONR_NUMBER_TEXT_BYTES])
{
    const struct onr_tensor *x = ctx->inputs[0];
    const char *element = (const char *)x->data + i * onr_dtype_size(x->dtype);
    union wide_number number;
    ctx->kernels->convert.widen[x->dtype](1, element, &number);
    if (x->dtype == ONR_BOOL) {
        const char *word = number.as_int != 0 ? "True" : "False";
        memcpy(text, word, strlen(word));
        return strlen(word);
    }
    switch (onr_wide_of(x->dtype)) {
    case ONR_WIDE_DOUBLE:
        return onr_format_float(number.as_double, x->dtype, text);
    case ONR_WIDE_INT64:
        return onr_format_int(number.as_int, text);
    default:
        return onr_format_uint(number.as_uint, text);
    }
}

static enum onr_status cast_to_strings(struct onr_run_ctx *ctx)
{
    size_t count = (size_t)onr_tensor_count(ctx->inputs[0]);
    struct onr_string *y = ctx->outputs[0]->data;
    for (size_t i = 0; i < count; i++) {
        char text[ONR_NUMBER_TEXT_BYTES];
        size_t length = format_number(ctx, i, text);
        char *data = ctx->host->alloc_bytes(ctx, length);
        if (data == NULL) {
            return onr_fail_memory(ctx->err, "text of a string tensor");
        }
        memcpy(data, text, length);
        y[i] = (struct onr_string){.data = data, .length = length};
    }
    return ONR_OK;
}

/* Integers are read exactly where the target has them; all else goes through double. */
static bool parse_number(struct onr_string text, enum onr_dtype to, union wide_number *number,
                         enum onr_wide *wide)
{
    *wide = ONR_WIDE_UINT64;
    if (onr_wide_of(to) != ONR_WIDE_DOUBLE && onr_parse_int(text, &number->as_uint)) {
        return true;
    }
    *wide = ONR_WIDE_DOUBLE;
    return onr_parse_float(text, &number->as_double) ||
           (to == ONR_BOOL && onr_parse_bool(text, &number->as_double));
}

static enum onr_status cast_from_strings(struct onr_run_ctx *ctx)
{
    size_t count = (size_t)onr_tensor_count(ctx->inputs[0]);
    const struct onr_string *x = ctx->inputs[0]->data;
    enum onr_dtype to = ctx->outputs[0]->dtype;
    char *y = ctx->outputs[0]->data;
    for (size_t i = 0; i < count; i++) {
        union wide_number number;
        enum onr_wide wide;
        if (!parse_number(x[i], to, &number, &wide)) {
            return onr_fail(ctx->err, ONR_ERR_VALUE, "string \"%.*s\" at %zu is no number",
                            (int)(x[i].length < 32 ? x[i].length : 32),
                            x[i].length > 0 ? x[i].data : "", i);
        }
        ctx->kernels->convert.narrow[wide][to](1, &number, y + i * onr_dtype_size(to), ctx->plan);
    }
    return ONR_OK;
}

static enum onr_status cast_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *x = ctx->inputs[0];
    const struct onr_tensor *y = ctx->outputs[0];
    if (x->dtype == y->dtype) {
        onr_copy_bytes(ctx->parallel, y->data, x->data, onr_tensor_bytes(x));
        return ONR_OK;
    }
    if (y->dtype == ONR_STRING) {
        return cast_to_strings(ctx);
    }
    if (x->dtype == ONR_STRING) {
        return cast_from_strings(ctx);
    }
    struct cast_task task = {
        .ctx = ctx, .x = x->data, .y = y->data, .from = x->dtype, .to = y->dtype};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(x), GRAIN, cast_range, &task);
    return ONR_OK;
}

#define CASTABLE (ONR_DTYPES_ALL & ~ONR_DTYPES_COMPLEX)
static const struct onr_param_spec castable_specs[] = {{CASTABLE, 0}, {0}};
static const struct onr_attr_spec cast_attrs[] = {{"to", ONR_ATTR_INT, true},
                                                  {"saturate", ONR_ATTR_INT, false},
                                                  {"round_mode", ONR_ATTR_STRING, false},
                                                  {0}};

extern const struct onr_op_def onr_ops_cast[];
const struct onr_op_def onr_ops_cast[] = {
    {.domain = "",
     .name = "Cast",
     .since_version = 6,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = cast_attrs,
     .input_specs = castable_specs,
     .output_specs = castable_specs,
     .traits = ONR_TRAIT_VIEW, /* when the type stays */
     .infer = cast_infer,
     .plan = cast_plan,
     .run = cast_run},
    {.domain = "",
     .name = "CastLike",
     .since_version = 15,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = cast_attrs + 1,
     .input_specs = castable_specs,
     .output_specs = castable_specs,
     .traits = ONR_TRAIT_VIEW, /* when the type stays */
     .infer = cast_like_infer,
     .plan = cast_plan,
     .run = cast_run},
    {.name = NULL},
};
