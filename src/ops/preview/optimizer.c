/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adagrad, Adam, Momentum (ai.onnx.preview.training), version 1: one step of an optimizer.
 * https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Adam.html
 *
 * With the regularised gradient  q = norm_coefficient * x + g:
 *
 * Adagrad   h' = h + q^2,  x' = x - r / (1 + t * decay_factor) * q / (sqrt(h') + epsilon)
 * Momentum  v' = alpha * v + (t > 0 ? beta : 1) * q,  x' = x - r * v'; mode "nesterov":
 *           x' = x - r * (q + alpha * v')
 * Adam      v' = alpha * v + (1 - alpha) * q,  h' = beta * h + (1 - beta) * q^2,
 *           x' = (1 - norm_coefficient_post) * (x - r' * v' / (sqrt(h') + epsilon)) with
 *           r' = t > 0 ? r * sqrt(1 - beta^t) / (1 - alpha^t) : r
 *
 * Shapes    r, t: one element. Then n tensors x, n gradients of the same shapes, n of each state (h;
 *           v; v and h). Outputs: n new x, n new values of each state.
 * Types     float32 or float64, each tensor as its x; r either; t int64. Computed in float64.
 * Attrs     Floats as above, with the defaults of the specification. mode: "standard", "nesterov".
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"

#include <math.h>
#include <string.h>

/* Elements that are computed together. */
#define CHUNK      128
#define MAX_STATES 2
#define FLOATS     (ONR_BIT(FLOAT) | ONR_BIT(DOUBLE))

struct optimizer;

/* One step over count elements: x, its gradient and the states in place. */
typedef void (*step_fn)(const struct optimizer *how, size_t count, double *x, const double *g,
                        double (*state)[CHUNK]);

struct optimizer {
    step_fn step;
    uint32_t states;
    double norm;
    double norm_post;
    double alpha;
    double beta;
    double epsilon;
    double decay;
    double rate; /* set in run, adjusted for the round */
    bool is_nesterov;
    double gradient_weight; /* of Momentum; set in run */
};

static void adagrad_step(const struct optimizer *how, size_t count, double *x, const double *g,
                         double (*state)[CHUNK])
{
    for (size_t i = 0; i < count; i++) {
        double q = how->norm * x[i] + g[i];
        state[0][i] += q * q;
        x[i] -= how->rate * q / (sqrt(state[0][i]) + how->epsilon);
    }
}

static void momentum_step(const struct optimizer *how, size_t count, double *x, const double *g,
                          double (*state)[CHUNK])
{
    for (size_t i = 0; i < count; i++) {
        double q = how->norm * x[i] + g[i];
        double v = how->alpha * state[0][i] + how->gradient_weight * q;
        state[0][i] = v;
        x[i] -= how->rate * (how->is_nesterov ? q + how->alpha * v : v);
    }
}

static void adam_step(const struct optimizer *how, size_t count, double *x, const double *g,
                      double (*state)[CHUNK])
{
    for (size_t i = 0; i < count; i++) {
        double q = how->norm * x[i] + g[i];
        state[0][i] = how->alpha * state[0][i] + (1.0 - how->alpha) * q;
        state[1][i] = how->beta * state[1][i] + (1.0 - how->beta) * q * q;
        double moved = x[i] - how->rate * state[0][i] / (sqrt(state[1][i]) + how->epsilon);
        x[i] = (1.0 - how->norm_post) * moved;
    }
}

static uint32_t state_count(const struct onr_node *node)
{
    return strcmp(node->op_type, "Adam") == 0 ? 2 : 1;
}

static enum onr_status check_scalar(struct onr_infer_ctx *ctx, uint32_t index, const char *name)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (shape->rank != ONR_RANK_UNKNOWN && onr_shape_is_known(shape) &&
        onr_shape_count(shape) != 1) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has shape %s, expected one element", name,
                              onr_shape_text(shape, text));
    }
    return ONR_OK;
}

/* Checks that input k goes with x in type and shape. */
static enum onr_status check_like(struct onr_infer_ctx *ctx, uint32_t k, const struct onr_fact *x)
{
    const struct onr_fact *other = ctx->inputs[k];
    if (other == NULL) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %u is missing", k);
    }
    if (other->dtype != x->dtype && other->dtype != ONR_UNDEFINED && x->dtype != ONR_UNDEFINED) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %u is %s, expected %s as its tensor", k,
                              onr_dtype_name(other->dtype), onr_dtype_name(x->dtype));
    }
    bool is_known =
        x->shape.rank != ONR_RANK_UNKNOWN && onr_fact_is_shaped(x) && onr_fact_is_shaped(other);
    if (is_known && !onr_shape_equal(&x->shape, &other->shape)) {
        char want[ONR_SHAPE_TEXT_BYTES];
        char got[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %u has shape %s, expected %s", k,
                              onr_shape_text(&other->shape, got), onr_shape_text(&x->shape, want));
    }
    return ONR_OK;
}

static enum onr_status optimizer_infer(struct onr_infer_ctx *ctx)
{
    uint32_t states = state_count(ctx->node);
    uint32_t tensors = (ctx->node->input_count - 2) / (2 + states);
    if (ctx->node->input_count != 2 + tensors * (2 + states) ||
        ctx->node->output_count > tensors * (1 + states)) {
        return onr_infer_fail(
            ctx, ONR_ERR_MODEL, "%u inputs and %u outputs, expected 2 + %u n and %u n",
            ctx->node->input_count, ctx->node->output_count, 2 + states, 1 + states);
    }
    ONR_TRY(check_scalar(ctx, 0, "the learning rate"));
    ONR_TRY(check_scalar(ctx, 1, "the update count"));
    for (uint32_t i = 0; i < tensors; i++) {
        if (ctx->inputs[2 + i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %u is missing", 2 + i);
        }
        for (uint32_t part = 1; part < 2 + states; part++) {
            ONR_TRY(check_like(ctx, 2 + part * tensors + i, ctx->inputs[2 + i]));
        }
    }
    for (uint32_t k = 0; k < ctx->node->output_count; k++) {
        ctx->outputs[k].dtype = ctx->inputs[2 + k % tensors]->dtype;
        ctx->outputs[k].shape = ctx->inputs[2 + k % tensors]->shape;
    }
    return ONR_OK;
}

static enum onr_status momentum_infer(struct onr_infer_ctx *ctx)
{
    static const char *const modes[] = {"standard", "nesterov", NULL};
    size_t mode = 0;
    ONR_TRY(onr_check_attr_choice(ctx->node, "mode", modes, &mode, ctx->err));
    return optimizer_infer(ctx);
}

static enum onr_status optimizer_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    bool is_adam = strcmp(node->op_type, "Adam") == 0;
    bool is_momentum = strcmp(node->op_type, "Momentum") == 0;
    struct optimizer *how = ONR_ARENA_NEW(ctx->arena, struct optimizer);
    if (how == NULL) {
        return onr_fail_memory(ctx->err, "state of an optimizer");
    }
    *how = (struct optimizer){
        .step = is_adam       ? adam_step
                : is_momentum ? momentum_step
                              : adagrad_step,
        .states = state_count(node),
        .norm = (double)onr_attr_float(node, "norm_coefficient", 0.0f),
        .norm_post = (double)onr_attr_float(node, "norm_coefficient_post", 0.0f),
        .alpha = (double)onr_attr_float(node, "alpha", 0.9f),
        .beta = (double)onr_attr_float(node, "beta", 0.999f),
        .epsilon = (double)onr_attr_float(node, "epsilon", 1e-6f),
        .decay = (double)onr_attr_float(node, "decay_factor", 0.0f),
        .is_nesterov = onr_string_is(onr_attr_string(node, "mode", ""), "nesterov")};
    ctx->state = how;
    return ONR_OK;
}

struct step_job {
    const struct optimizer *how;
    enum onr_dtype dtype;
    const void *in[2 + MAX_STATES]; /* x, gradient, states */
    void *out[1 + MAX_STATES];      /* x, states; NULL: not wanted */
};

static void step_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct step_job *job = arg;
    double x[CHUNK];
    double g[CHUNK];
    double state[MAX_STATES][CHUNK];
    (void)worker;
    while (begin < end) {
        size_t count = end - begin < CHUNK ? end - begin : CHUNK;
        onr_double_gather(job->dtype, job->in[0], begin, 1, count, x);
        onr_double_gather(job->dtype, job->in[1], begin, 1, count, g);
        for (uint32_t s = 0; s < job->how->states; s++) {
            onr_double_gather(job->dtype, job->in[2 + s], begin, 1, count, state[s]);
        }
        job->how->step(job->how, count, x, g, state);
        for (uint32_t s = 0; s <= job->how->states; s++) {
            if (job->out[s] != NULL) {
                onr_double_scatter(job->dtype, s == 0 ? x : state[s - 1], begin, 1, count,
                                   job->out[s]);
            }
        }
        begin += count;
    }
}

/* Puts learning rate and round into the optimizer. */
static void set_rate(struct optimizer *how, const struct onr_run_ctx *ctx)
{
    double rate = 0.0;
    double t = (double)*(const int64_t *)ctx->inputs[1]->data;
    onr_double_gather(ctx->inputs[0]->dtype, ctx->inputs[0]->data, 0, 1, 1, &rate);
    how->gradient_weight = t > 0.0 ? how->beta : 1.0;
    how->rate = rate;
    if (how->step == adagrad_step) {
        how->rate = rate / (1.0 + t * how->decay);
    } else if (how->step == adam_step && t > 0.0) {
        how->rate = rate * sqrt(1.0 - pow(how->beta, t)) / (1.0 - pow(how->alpha, t));
    }
}

static enum onr_status optimizer_run(struct onr_run_ctx *ctx)
{
    struct optimizer how = *(const struct optimizer *)ctx->state;
    uint32_t tensors = (ctx->input_count - 2) / (2 + how.states);
    set_rate(&how, ctx);
    for (uint32_t i = 0; i < tensors; i++) {
        struct step_job job = {.how = &how, .dtype = ctx->inputs[2 + i]->dtype};
        for (uint32_t part = 0; part < 2 + how.states; part++) {
            job.in[part] = ctx->inputs[2 + part * tensors + i]->data;
        }
        for (uint32_t part = 0; part < 1 + how.states; part++) {
            uint32_t k = part * tensors + i;
            bool is_wanted = k < ctx->output_count && ctx->outputs[k] != NULL;
            job.out[part] = is_wanted ? ctx->outputs[k]->data : NULL;
        }
        onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->inputs[2 + i]), onr_grain(8),
                         step_range, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec adagrad_attrs[] = {{"decay_factor", ONR_ATTR_FLOAT, false},
                                                     {"epsilon", ONR_ATTR_FLOAT, false},
                                                     {"norm_coefficient", ONR_ATTR_FLOAT, false},
                                                     {0}};
static const struct onr_attr_spec adam_attrs[] = {{"alpha", ONR_ATTR_FLOAT, false},
                                                  {"beta", ONR_ATTR_FLOAT, false},
                                                  {"epsilon", ONR_ATTR_FLOAT, false},
                                                  {"norm_coefficient", ONR_ATTR_FLOAT, false},
                                                  {"norm_coefficient_post", ONR_ATTR_FLOAT, false},
                                                  {0}};
static const struct onr_attr_spec momentum_attrs[] = {{"alpha", ONR_ATTR_FLOAT, true},
                                                      {"beta", ONR_ATTR_FLOAT, true},
                                                      {"mode", ONR_ATTR_STRING, true},
                                                      {"norm_coefficient", ONR_ATTR_FLOAT, true},
                                                      {0}};
static const struct onr_param_spec optimizer_inputs[] = {
    {FLOATS, 0}, {ONR_BIT(INT64), 0}, {FLOATS, 0}, {0}};
static const struct onr_param_spec optimizer_outputs[] = {{FLOATS, 0}, {0}};

extern const struct onr_op_def onr_ops_optimizer[];
const struct onr_op_def onr_ops_optimizer[] = {
    {.domain = "ai.onnx.preview.training",
     .name = "Adagrad",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {5, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = adagrad_attrs,
     .input_specs = optimizer_inputs,
     .output_specs = optimizer_outputs,
     .infer = optimizer_infer,
     .prepare = optimizer_prepare,
     .run = optimizer_run},
    {.domain = "ai.onnx.preview.training",
     .name = "Adam",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {6, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = adam_attrs,
     .input_specs = optimizer_inputs,
     .output_specs = optimizer_outputs,
     .infer = optimizer_infer,
     .prepare = optimizer_prepare,
     .run = optimizer_run},
    {.domain = "ai.onnx.preview.training",
     .name = "Momentum",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {5, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = momentum_attrs,
     .input_specs = optimizer_inputs,
     .output_specs = optimizer_outputs,
     .infer = momentum_infer,
     .prepare = optimizer_prepare,
     .run = optimizer_run},
    {.name = NULL},
};
