/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FlexAttention (ai.onnx.preview), version 1.
 * https://onnx.ai/onnx/operators/onnx_aionnxpreview_FlexAttention.html
 *
 * Y = prob_mod(Softmax(score_mod(scale * Q * K^T))) * V      the softmax over keys
 *
 * Inputs    Q, K, V
 * Shapes    Q: [B,N,L,E]. K: [B,M,S,E]. V: [B,M,S,F]. Y: [B,N,L,F]. N is a multiple of M; head n of Q
 *           belongs to head n / (N / M) of K and V.
 * Types     float32, float16, bfloat16 (computed in float32), float64.
 * Attrs     scale: float, default 1 / sqrt(E). score_mod, prob_mod: graphs of one input and one
 *           output, both [B,N,L,S] of the type softmax_precision, which is by default float64 for
 *           float64 and else float32. That type is what the graphs see; where it is float16 or
 *           bfloat16 the rest is computed in float32 nevertheless.
 * Edge      a query whose scores are all -inf gives NaN, as softmax does; without keys Y is 0.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/common/scalar.h"
#include "ops/common/workspace.h"
#include "ops/matrix/product.h"

#include <inttypes.h>
#include <math.h>

enum { IN_Q, IN_K, IN_V };

static const char *const mod_names[] = {"score_mod", "prob_mod"};
enum { SCORE_MOD, PROB_MOD };

/* The type that score_mod and prob_mod see by default. */
static enum onr_dtype default_precision(enum onr_dtype dtype)
{
    return dtype == ONR_DOUBLE ? ONR_DOUBLE : ONR_FLOAT;
}

static enum onr_status check_bodies(struct onr_infer_ctx *ctx)
{
    for (uint32_t i = 0; i < ctx->node->body_count; i++) {
        const struct onr_body *body = &ctx->node->bodies[i];
        uint32_t inputs = body->graph->formal_input_count;
        if (inputs != 1 || body->graph->output_count != 1) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "%s has %" PRIu32 " inputs and %" PRIu32
                                  " outputs, expected 1 and 1",
                                  body->attr_name, inputs, body->graph->output_count);
        }
    }
    return ONR_OK;
}

static enum onr_status check_shapes(struct onr_infer_ctx *ctx)
{
    for (uint32_t i = IN_Q; i <= IN_V; i++) {
        ONR_TRY(onr_check_rank(ctx, i, 4));
    }
    const int64_t k_want[4] = {onr_known_dim(ctx, IN_Q, 0), ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN,
                               onr_known_dim(ctx, IN_Q, 3)};
    const int64_t v_want[4] = {k_want[0], onr_known_dim(ctx, IN_K, 1), onr_known_dim(ctx, IN_K, 2),
                               ONR_DIM_UNKNOWN};
    ONR_TRY(onr_check_dims(ctx, IN_K, "K", 4, k_want));
    ONR_TRY(onr_check_dims(ctx, IN_V, "V", 4, v_want));
    int64_t heads = onr_known_dim(ctx, IN_Q, 1);
    int64_t kv_heads = v_want[1];
    bool fits = heads < 0 || kv_heads < 0 || (kv_heads == 0 ? heads == 0 : heads % kv_heads == 0);
    if (!fits) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "Q has %" PRId64 " heads, expected a multiple of the %" PRId64
                              " heads of K",
                              heads, kv_heads);
    }
    return ONR_OK;
}

static enum onr_status flex_infer(struct onr_infer_ctx *ctx)
{
    enum onr_dtype precision;
    ONR_TRY(onr_infer_dtype_attr(ctx, "softmax_precision",
                                 default_precision(ctx->inputs[IN_Q]->dtype), ONR_DTYPES_FLOAT,
                                 &precision));
    ONR_TRY(check_bodies(ctx));
    ONR_TRY(check_shapes(ctx));
    ctx->outputs[0].shape = (struct onr_shape){
        .rank = 4,
        .dim = {onr_known_dim(ctx, IN_Q, 0), onr_known_dim(ctx, IN_Q, 1),
                onr_known_dim(ctx, IN_Q, 2), onr_known_dim(ctx, IN_V, 3)},
    };
    return ONR_OK;
}

static enum onr_status flex_prepare(struct onr_prepare_ctx *ctx)
{
    return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
}

struct flex_plan {
    enum onr_dtype dtype; /* of inputs and output */
    enum onr_dtype work;  /* FLOAT or DOUBLE: all is computed in it */
    enum onr_dtype seen;  /* by bodies */
    double scale;
    struct onr_shape scores;
    struct onr_shape y;
    size_t rows; /* of scores */
    size_t keys;
    struct onr_product qk;
    struct onr_product pv;
    struct onr_product_dim qk_batch[3];
    struct onr_product_dim pv_batch[3];
    /* in the workspace, of type work; those of K, V and Y only when dtype is another */
    size_t q_at, k_at, v_at, y_at, scores_at;
    size_t seen_at; /* scores of type seen, when that is another than work */
};

/* A product for each head: the batch is [B, M, N / M], of which B's last stride is 0. */
static struct onr_product head_product(const struct flex_plan *plan, const struct onr_shape *kv,
                                       size_t n, size_t k, size_t b_row, size_t b_column,
                                       struct onr_product_dim batch[3])
{
    size_t m = (size_t)plan->scores.dim[2];
    size_t heads = (size_t)plan->scores.dim[1];
    size_t kv_heads = (size_t)kv->dim[1];
    size_t group = kv_heads > 0 ? heads / kv_heads : 0;
    batch[0] = (struct onr_product_dim){(size_t)kv->dim[0], heads * m * k, kv_heads * k * n,
                                        heads * m * n};
    batch[1] = (struct onr_product_dim){kv_heads, group * m * k, k * n, group * m * n};
    batch[2] = (struct onr_product_dim){group, m * k, 0, m * n};
    return (struct onr_product){
        .dtype = plan->work,
        .m = m,
        .n = n,
        .k = k,
        .a_row_stride = k,
        .a_column_stride = 1,
        .b_row_stride = b_row,
        .b_column_stride = b_column,
        .y_row_stride = n,
        .batch_rank = 3,
        .batch = batch,
        .alpha = 1.0f,
        .beta = 1.0f,
    };
}

static enum onr_status plan_workspace(struct onr_plan_ctx *ctx, struct flex_plan *plan)
{
    size_t qk_bytes = 0;
    size_t pv_bytes = 0;
    onr_product_plan(&plan->qk, ctx->state, ctx->thread_count, &qk_bytes);
    onr_product_plan(&plan->pv, ctx->state, ctx->thread_count, &pv_bytes);
    onr_product_tell(&plan->qk, ctx);
    struct onr_workspace space = {0};
    size_t size = onr_dtype_size(plan->work);
    size_t scores = (size_t)onr_shape_count(&plan->scores);
    onr_workspace_add(&space, qk_bytes > pv_bytes ? qk_bytes : pv_bytes, 1);
    plan->q_at =
        onr_workspace_add(&space, (size_t)onr_shape_count(&ctx->inputs[IN_Q]->shape), size);
    plan->scores_at = onr_workspace_add(&space, scores, size);
    if (plan->dtype != plan->work) {
        const struct onr_shape *k = &ctx->inputs[IN_K]->shape;
        const struct onr_shape *v = &ctx->inputs[IN_V]->shape;
        plan->k_at = onr_workspace_add(&space, (size_t)onr_shape_count(k), size);
        plan->v_at = onr_workspace_add(&space, (size_t)onr_shape_count(v), size);
        plan->y_at = onr_workspace_add(&space, (size_t)onr_shape_count(&plan->y), size);
    }
    if (plan->seen != plan->work && ctx->node->body_count > 0) {
        plan->seen_at = onr_workspace_add(&space, scores, onr_dtype_size(plan->seen));
    }
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status flex_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *q = &ctx->inputs[IN_Q]->shape;
    const struct onr_shape *k = &ctx->inputs[IN_K]->shape;
    const struct onr_shape *v = &ctx->inputs[IN_V]->shape;
    struct flex_plan *plan = ONR_ARENA_NEW(ctx->arena, struct flex_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of FlexAttention");
    }
    ctx->plan = plan;
    plan->dtype = ctx->inputs[IN_Q]->dtype;
    plan->seen = (enum onr_dtype)onr_attr_int(ctx->node, "softmax_precision",
                                              default_precision(plan->dtype));
    bool is_double = plan->dtype == ONR_DOUBLE || plan->seen == ONR_DOUBLE;
    plan->work = is_double ? ONR_DOUBLE : ONR_FLOAT;
    plan->scale = onr_node_attr(ctx->node, "scale") != NULL
                      ? (double)onr_attr_float(ctx->node, "scale", 1.0f)
                      : 1.0 / sqrt((double)q->dim[3]);
    plan->scores = (struct onr_shape){4, {q->dim[0], q->dim[1], q->dim[2], k->dim[2]}};
    plan->y = (struct onr_shape){4, {q->dim[0], q->dim[1], q->dim[2], v->dim[3]}};
    if (onr_shape_count(&plan->scores) < 0 || onr_shape_count(&plan->y) < 0) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "operands are too large");
    }
    plan->rows = (size_t)onr_shape_range(&plan->scores, 0, 3);
    plan->keys = (size_t)k->dim[2];
    size_t width = (size_t)q->dim[3];
    size_t v_width = (size_t)v->dim[3];
    plan->qk = head_product(plan, k, plan->keys, width, 1, width, plan->qk_batch);
    plan->pv = head_product(plan, v, v_width, plan->keys, v_width, 1, plan->pv_batch);
    ctx->flops = 2 * (uint64_t)onr_shape_count(&plan->scores) * (width + v_width);
    return plan_workspace(ctx, plan);
}

/* Elements of a float tensor times a factor from or to the type that is worked in. */
struct convert_job {
    enum onr_dtype work;
    enum onr_dtype dtype;
    bool is_store;
    double factor; /* of a load */
    void *values;  /* of type work */
    void *data;    /* of type dtype; only read by a load */
};

static void convert_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct convert_job *job = arg;
    size_t count = end - begin;
    (void)worker;
    if (job->work == ONR_DOUBLE) {
        double *values = (double *)job->values + begin;
        if (job->is_store) {
            onr_double_scatter(job->dtype, values, begin, 1, count, job->data);
            return;
        }
        onr_double_gather(job->dtype, job->data, begin, 1, count, values);
        for (size_t i = 0; i < count; i++) {
            values[i] *= job->factor;
        }
        return;
    }
    float *values = (float *)job->values + begin;
    if (job->is_store) {
        onr_float_scatter(job->dtype, values, begin, 1, count, job->data);
        return;
    }
    onr_float_gather(job->dtype, job->data, begin, 1, count, values);
    for (size_t i = 0; i < count; i++) {
        values[i] *= (float)job->factor;
    }
}

static void convert(const struct onr_run_ctx *ctx, struct convert_job job, size_t count)
{
    onr_parallel_for(ctx->parallel, count, onr_grain(1), convert_range, &job);
}

/* The input as type work: in place or in the workspace. */
static const void *load_input(const struct onr_run_ctx *ctx, uint32_t index, size_t at)
{
    const struct flex_plan *plan = ctx->plan;
    const struct onr_tensor *input = ctx->inputs[index];
    if (plan->dtype == plan->work && index != IN_Q) {
        return input->data;
    }
    struct convert_job job = {.work = plan->work,
                              .dtype = plan->dtype,
                              .factor = index == IN_Q ? plan->scale : 1.0,
                              .values = (char *)ctx->workspace + at,
                              .data = input->data};
    convert(ctx, job, (size_t)onr_tensor_count(input));
    return job.values;
}

static enum onr_status check_result(const struct onr_run_ctx *ctx, const char *name,
                                    const struct onr_tensor *result)
{
    const struct flex_plan *plan = ctx->plan;
    if (result->dtype == plan->seen && onr_shape_equal(&result->shape, &plan->scores)) {
        return ONR_OK;
    }
    char got[ONR_SHAPE_TEXT_BYTES];
    char want[ONR_SHAPE_TEXT_BYTES];
    return onr_fail(ctx->err, ONR_ERR_SHAPE, "%s gives %s %s, expected %s %s", name,
                    onr_dtype_name(result->dtype), onr_shape_text(&result->shape, got),
                    onr_dtype_name(plan->seen), onr_shape_text(&plan->scores, want));
}

/*
 * Hands the scores to a body, if the node has it. *result, of type work, is theirs or the body's
 * own storage.
 */
static enum onr_status modify(struct onr_run_ctx *ctx, int mod, void *scores, const void **result)
{
    const struct flex_plan *plan = ctx->plan;
    const struct onr_body *body = onr_node_body(ctx->node, mod_names[mod]);
    *result = scores;
    if (body == NULL) {
        return ONR_OK;
    }
    size_t count = plan->rows * plan->keys;
    struct onr_tensor input = {.dtype = plan->seen, .shape = plan->scores, .data = scores};
    struct convert_job job = {
        .work = plan->work, .dtype = plan->seen, .is_store = true, .factor = 1.0, .values = scores};
    if (plan->seen != plan->work) {
        input.data = job.data = (char *)ctx->workspace + plan->seen_at;
        convert(ctx, job, count);
    }
    const struct onr_tensor *outputs = NULL;
    uint32_t output_count = 0;
    ONR_TRY(ctx->host->run_body(ctx, (uint32_t)(body - ctx->node->bodies), &input, 1, &outputs,
                                &output_count));
    ONR_TRY(check_result(ctx, mod_names[mod], &outputs[0]));
    if (plan->seen == plan->work) {
        *result = count > 0 ? outputs[0].data : scores;
        return ONR_OK;
    }
    job.is_store = false;
    job.data = outputs[0].data;
    convert(ctx, job, count);
    return ONR_OK;
}

struct softmax_job {
    const struct flex_plan *plan;
    const struct onr_softmax_kernels *kernels;
    const void *scores;
    void *probs; /* may be scores */
};

static void softmax_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct softmax_job *job = arg;
    size_t keys = job->plan->keys;
    (void)worker;
    for (size_t at = begin * keys; at < end * keys; at += keys) {
        if (job->plan->work == ONR_DOUBLE) {
            job->kernels->softmax_f64(keys, (const double *)job->scores + at,
                                      (double *)job->probs + at);
        } else {
            job->kernels->softmax_f32(keys, (const float *)job->scores + at,
                                      (float *)job->probs + at);
        }
    }
}

static enum onr_status flex_run(struct onr_run_ctx *ctx)
{
    const struct flex_plan *plan = ctx->plan;
    char *workspace = ctx->workspace;
    void *scores = workspace + plan->scores_at;
    const void *modified = NULL;
    struct onr_product_operands qk = {.a = load_input(ctx, IN_Q, plan->q_at),
                                      .b = load_input(ctx, IN_K, plan->k_at),
                                      .y = scores};
    onr_product_run(&plan->qk, &qk, ctx);
    ONR_TRY(modify(ctx, SCORE_MOD, scores, &modified));
    struct softmax_job softmax = {plan, &ctx->kernels->softmax, modified, scores};
    onr_parallel_for(ctx->parallel, plan->keys > 0 ? plan->rows : 0, onr_grain(4 * plan->keys),
                     softmax_range, &softmax);
    ONR_TRY(modify(ctx, PROB_MOD, scores, &modified));
    ctx->outputs[0]->dtype = plan->dtype;
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &plan->y));
    void *y = ctx->outputs[0]->data;
    bool is_direct = plan->dtype == plan->work;
    struct onr_product_operands pv = {.a = modified,
                                      .b = load_input(ctx, IN_V, plan->v_at),
                                      .y = is_direct ? y : workspace + plan->y_at};
    onr_product_run(&plan->pv, &pv, ctx);
    if (!is_direct) {
        struct convert_job store = {
            .work = plan->work, .dtype = plan->dtype, .is_store = true, .values = pv.y, .data = y};
        convert(ctx, store, (size_t)onr_shape_count(&plan->y));
    }
    return ONR_OK;
}

static const struct onr_attr_spec flex_attrs[] = {{"prob_mod", ONR_ATTR_GRAPH, false},
                                                  {"scale", ONR_ATTR_FLOAT, false},
                                                  {"score_mod", ONR_ATTR_GRAPH, false},
                                                  {"softmax_precision", ONR_ATTR_INT, false},
                                                  {NULL, 0, false}};
static const struct onr_param_spec flex_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_flex_attention[];
const struct onr_op_def onr_ops_flex_attention[] = {
    {.domain = "ai.onnx.preview",
     .name = "FlexAttention",
     .since_version = 1,
     .last_version = 1,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = flex_attrs,
     .input_specs = flex_specs,
     .output_specs = flex_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_BODIES,
     .infer = flex_infer,
     .prepare = flex_prepare,
     .plan = flex_plan,
     .run = flex_run,
     .kernel = ONR_KERNEL_AT(softmax.softmax_f32)},
    {.name = NULL},
};
