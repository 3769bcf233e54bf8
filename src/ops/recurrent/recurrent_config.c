/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of recurrent operators. */
#include "ops/common/check_dims.h"
#include "ops/recurrent/recurrent.h"

#include <inttypes.h>
#include <string.h>

/* An activation function: its parameters are alpha, then beta. */
struct named_function {
    const char *name;
    bool has_function;
    enum onr_unary_op op;
    bool takes_alpha;
    bool takes_beta;
    float alpha;
    float beta;
};

static const struct named_function named_functions[] = {
    {"Affine", false, ONR_UNARY_ABS, true, true, 1.0f, 0.0f},
    {"Elu", true, ONR_UNARY_ELU, true, false, 1.0f, 0.0f},
    {"HardSigmoid", true, ONR_UNARY_HARD_SIGMOID, true, true, 0.2f, 0.5f},
    {"LeakyRelu", true, ONR_UNARY_LEAKY_RELU, true, false, 0.01f, 0.0f},
    {"Relu", true, ONR_UNARY_RELU, false, false, 0.0f, 0.0f},
    {"ScaledTanh", true, ONR_UNARY_TANH, true, true, 1.0f, 1.0f},
    {"Sigmoid", true, ONR_UNARY_SIGMOID, false, false, 0.0f, 0.0f},
    {"Softplus", true, ONR_UNARY_SOFTPLUS, false, false, 0.0f, 0.0f},
    {"Softsign", true, ONR_UNARY_SOFTSIGN, false, false, 0.0f, 0.0f},
    {"Tanh", true, ONR_UNARY_TANH, false, false, 0.0f, 0.0f},
    {"ThresholdedRelu", true, ONR_UNARY_THRESHOLDED_RELU, true, false, 1.0f, 0.0f},
};

static const char *const default_names[][ONR_CELL_MAX_FUNCTIONS] = {
    [ONR_CELL_RNN] = {"Tanh"},
    [ONR_CELL_GRU] = {"Sigmoid", "Tanh"},
    [ONR_CELL_LSTM] = {"Sigmoid", "Tanh", "Tanh"},
};

/* What is left of activation_alpha and activation_beta. */
struct parameters {
    const float *alpha;
    size_t alpha_count;
    const float *beta;
    size_t beta_count;
};

/* Small letters of ASCII are equal to capitals: exporters write "tanh" too. */
static bool is_name(struct onr_string text, const char *name)
{
    if (text.length != strlen(name)) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        char a = text.data[i];
        char b = name[i];
        a = (char)(a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a);
        b = (char)(b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b);
        if (a != b) {
            return false;
        }
    }
    return true;
}

static float take(const float **list, size_t *count, float fallback)
{
    if (*count == 0) {
        return fallback;
    }
    (*count)--;
    return *(*list)++;
}

static struct onr_cell_function bind_function(const struct named_function *named,
                                              struct parameters *rest)
{
    struct onr_cell_function f = {
        .has_function = named->has_function, .op = named->op, .inner = 1.0f, .scale = 1.0f};
    float alpha = named->takes_alpha ? take(&rest->alpha, &rest->alpha_count, named->alpha) : 0.0f;
    float beta = named->takes_beta ? take(&rest->beta, &rest->beta_count, named->beta) : 0.0f;
    if (!named->has_function) {
        f.scale = alpha;
        f.shift = beta;
    } else if (named->op == ONR_UNARY_TANH && named->takes_alpha) {
        f.scale = alpha;
        f.inner = beta;
    } else {
        f.args = (struct onr_unary_args){.a = alpha, .b = beta};
    }
    return f;
}

/*
 * The fractions that ONNX Runtime computes its activations by; errors are 1.2e-7 and 2.4e-7. What is
 * quantised anew in each step rounds otherwise now and then when it differs by a bit, and steps make
 * more of that.
 */
static const struct onr_fraction *runtime_fraction(enum onr_unary_op op)
{
    static const struct onr_fraction sigmoid = {
        .limit = 18.0f,
        .shift = 0.5f,
        .p = {0.0f, 0.0f, 4.37031012579801e-11f, 1.15627324459942e-07f, 6.08574864600143e-05f,
              8.51377133304701e-03f, 2.48287947061529e-01f},
        .q = {6.10247389755681e-13f, 5.76102136993427e-09f, 6.29106785017040e-06f,
              1.70198817374094e-03f, 1.16817656904453e-01f, 9.93151921023180e-01f},
    };
    static const struct onr_fraction tanh = {
        .limit = 9.0f,
        .least = -2.0f,
        .p = {-2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f,
              5.12229709037114e-08f, 1.48572235717979e-05f, 6.37261928875436e-04f,
              4.89352455891786e-03f},
        .q = {0.0f, 0.0f, 1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f,
              4.89352518554385e-03f},
    };
    return op == ONR_UNARY_SIGMOID ? &sigmoid : op == ONR_UNARY_TANH ? &tanh : NULL;
}

static enum onr_status find_function(struct onr_string name, struct parameters *rest,
                                     struct onr_cell_function *function, struct onr_error *err)
{
    size_t count = sizeof named_functions / sizeof named_functions[0];
    for (size_t i = 0; i < count; i++) {
        if (is_name(name, named_functions[i].name)) {
            *function = bind_function(&named_functions[i], rest);
            return ONR_OK;
        }
    }
    return onr_fail(err, ONR_ERR_MODEL,
                    "activations names \"%.*s\", which is no activation function",
                    (int)(name.length < 32 ? name.length : 32), name.data);
}

static enum onr_status read_functions(struct onr_recurrent_config *config,
                                      const struct onr_node *node, struct onr_error *err)
{
    const struct onr_attr *names = onr_node_attr(node, "activations");
    struct parameters rest = {0};
    rest.alpha = onr_attr_floats(node, "activation_alpha", &rest.alpha_count);
    rest.beta = onr_attr_floats(node, "activation_beta", &rest.beta_count);
    size_t wanted = (size_t)config->functions * config->directions;
    if (names != NULL && names->count != 0 && names->count != wanted) {
        return onr_fail(err, ONR_ERR_MODEL, "activations has %zu names, expected %zu", names->count,
                        wanted);
    }
    for (unsigned d = 0; d < config->directions; d++) {
        for (unsigned i = 0; i < config->functions; i++) {
            const char *fallback = default_names[config->kind][i];
            struct onr_string name = {fallback, strlen(fallback)};
            if (names != NULL && names->count != 0) {
                name = names->as.strings[d * config->functions + i];
            }
            struct onr_cell_function *function = &config->function[d][i];
            ONR_TRY(find_function(name, &rest, function, err));
            if (config->is_quantized && function->has_function) {
                function->fraction = runtime_fraction(function->op);
            }
        }
    }
    return ONR_OK;
}

static enum onr_status read_direction(struct onr_recurrent_config *config,
                                      const struct onr_node *node, struct onr_error *err)
{
    static const char *const names[] = {"forward", "reverse", "bidirectional", NULL};
    size_t direction = 0;
    ONR_TRY(onr_check_attr_choice(node, "direction", names, &direction, err));
    config->directions = direction == 2 ? 2 : 1;
    config->is_reverse = direction == 1;
    return ONR_OK;
}

enum onr_status onr_recurrent_configure(struct onr_recurrent_config *config,
                                        enum onr_cell_kind kind, const struct onr_node *node,
                                        struct onr_error *err)
{
    static const unsigned gates[] = {[ONR_CELL_RNN] = 1, [ONR_CELL_GRU] = 3, [ONR_CELL_LSTM] = 4};
    static const unsigned functions[] = {
        [ONR_CELL_RNN] = 1, [ONR_CELL_GRU] = 2, [ONR_CELL_LSTM] = 3};
    *config = (struct onr_recurrent_config){
        .kind = kind,
        .gates = gates[kind],
        .functions = functions[kind],
        .is_batch_first = onr_attr_int(node, "layout", 0) != 0,
        .is_linear_before_reset = onr_attr_int(node, "linear_before_reset", 0) != 0,
        .is_coupled = onr_attr_int(node, "input_forget", 0) != 0,
        .has_clip = onr_node_attr(node, "clip") != NULL,
        .clip = onr_attr_float(node, "clip", 0.0f),
        .is_quantized = strcmp(node->domain, "com.microsoft") == 0,
    };
    if (config->has_clip && !(config->clip >= 0.0f)) {
        return onr_fail(err, ONR_ERR_MODEL, "clip is %g, expected at least 0",
                        (double)config->clip);
    }
    ONR_TRY(read_direction(config, node, err));
    return read_functions(config, node, err);
}
