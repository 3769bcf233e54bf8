/* SPDX-License-Identifier: Apache-2.0 */
/* The function that fused operators apply to what they have computed. */
#include "ops/common/fused_activation.h"

#include "base/half.h"

#include <float.h>
#include <string.h>

/* Elements that one thread takes at least. */
#define GRAIN 8192

static const struct function {
    const char *name;
    enum onr_unary_op op;
    struct onr_unary_args fallback;
    const char *b_name; /* of parameter b */
} functions[] = {
    {"Relu", ONR_UNARY_RELU, {0.0f, 0.0f}, NULL},
    {"Celu", ONR_UNARY_CELU, {1.0f, 0.0f}, NULL},
    {"Elu", ONR_UNARY_ELU, {1.0f, 0.0f}, NULL},
    {"FastGelu", ONR_UNARY_GELU_TANH, {0.0f, 0.0f}, NULL},
    {"Gelu", ONR_UNARY_GELU, {0.0f, 0.0f}, NULL},
    {"HardSigmoid", ONR_UNARY_HARD_SIGMOID, {0.2f, 0.5f}, "activation_beta"},
    {"HardSwish", ONR_UNARY_HARD_SWISH, {0.0f, 0.0f}, NULL},
    {"LeakyRelu", ONR_UNARY_LEAKY_RELU, {0.01f, 0.0f}, NULL},
    {"QuickGelu", ONR_UNARY_SWISH, {1.702f, 0.0f}, NULL},
    {"Selu", ONR_UNARY_SELU, {1.67326319f, 1.05070102f}, "activation_gamma"},
    {"Sigmoid", ONR_UNARY_SIGMOID, {0.0f, 0.0f}, NULL},
    {"Softplus", ONR_UNARY_SOFTPLUS, {0.0f, 0.0f}, NULL},
    {"Softsign", ONR_UNARY_SOFTSIGN, {0.0f, 0.0f}, NULL},
    {"Tanh", ONR_UNARY_TANH, {0.0f, 0.0f}, NULL},
    {"ThresholdedRelu", ONR_UNARY_THRESHOLDED_RELU, {1.0f, 0.0f}, NULL},
};

/* The two parameters, from the list or from attributes of their own. */
static struct onr_unary_args read_params(const struct onr_node *node,
                                         struct onr_unary_args fallback, const char *b_name)
{
    size_t count = 0;
    const float *params = onr_attr_floats(node, "activation_params", &count);
    struct onr_unary_args args = {onr_attr_float(node, "activation_alpha", fallback.a), fallback.b};
    if (b_name != NULL) {
        args.b = onr_attr_float(node, b_name, fallback.b);
    }
    args.a = count > 0 ? params[0] : args.a;
    args.b = count > 1 ? params[1] : args.b;
    return args;
}

static uint64_t bound_of(enum onr_dtype dtype, float bound)
{
    uint64_t bits = 0;
    double wide = (double)bound;
    uint16_t half = dtype == ONR_FLOAT16 ? onr_float_to_half(bound) : onr_float_to_bfloat16(bound);
    if (dtype == ONR_DOUBLE) {
        memcpy(&bits, &wide, sizeof wide);
    } else if (dtype == ONR_FLOAT) {
        memcpy(&bits, &bound, sizeof bound);
    } else {
        memcpy(&bits, &half, sizeof half);
    }
    return bits;
}

enum onr_status onr_fused_activation_read(const struct onr_node *node, enum onr_dtype dtype,
                                          const struct onr_kernels *kernels,
                                          struct onr_activation *activation, struct onr_error *err)
{
    struct onr_string name = onr_attr_string(node, "activation", "");
    *activation = (struct onr_activation){.function = NULL};
    if (name.length == 0) {
        return ONR_OK;
    }
    if (onr_string_is(name, "Clip") && onr_dtypes_has(ONR_DTYPES_FLOAT, dtype)) {
        struct onr_unary_args bounds =
            read_params(node, (struct onr_unary_args){-FLT_MAX, FLT_MAX}, "activation_beta");
        activation->clip = kernels->binary.clip[dtype];
        activation->low = bound_of(dtype, bounds.a);
        activation->high = bound_of(dtype, bounds.b);
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (onr_string_is(name, functions[i].name)) {
            activation->function = kernels->unary.rows[functions[i].op][dtype];
            activation->is_relu = functions[i].op == ONR_UNARY_RELU;
            activation->args = read_params(node, functions[i].fallback, functions[i].b_name);
            activation->is_by_blocks =
                functions[i].op == ONR_UNARY_SIGMOID || functions[i].op == ONR_UNARY_SWISH;
        }
    }
    if (onr_activation_is_none(activation)) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "activation \"%.*s\" of type %s",
                        name.length < 32 ? (int)name.length : 32, name.data, onr_dtype_name(dtype));
    }
    return ONR_OK;
}

struct activation_job {
    const struct onr_activation *activation;
    size_t element_bytes;
    onr_binary_fn add;
    const char *residual;
    char *y;
};

static void activation_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct activation_job *job = arg;
    size_t offset = begin * job->element_bytes;
    size_t count = end - begin;
    char *y = job->y + offset;
    (void)worker;
    if (job->residual != NULL) {
        job->add(count, y, 1, job->residual + offset, 1, y);
    }
    onr_activation_apply(job->activation, count, y);
}

void onr_fused_activation_run(const struct onr_activation *activation, enum onr_dtype dtype,
                              onr_binary_fn add, const void *residual, size_t count, void *y,
                              const struct onr_parallel *parallel)
{
    struct activation_job job = {activation, onr_dtype_size(dtype), add, residual, y};
    if (!onr_activation_is_none(activation) || residual != NULL) {
        onr_parallel_for(parallel, count, GRAIN, activation_range, &job);
    }
}
