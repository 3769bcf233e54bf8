/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NonMaxSuppression (ai.onnx), versions 10 and 11.
 * https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html
 *
 * For each batch and class: takes the boxes by falling score, and keeps those whose intersection
 * over union with every box kept before is at most iou_threshold.
 *
 * Shapes    boxes: [batches, boxes, 4]. scores: [batches, classes, boxes].
 *           max_output_boxes_per_class, iou_threshold, score_threshold: one element, optional.
 *           y: [kept, 3], rows of batch, class, box.
 * Types     boxes, scores and thresholds float32; max_output_boxes_per_class and y int64.
 * Attrs     center_point_box: int, default 0: y1, x1, y2, x2 of any two opposite corners;
 *           1: x and y of the centre, width, height.
 * Edge      max_output_boxes_per_class is 0 when absent: nothing is kept. Of equal scores the lower
 *           index comes first; NaN comes last, and a score_threshold removes it. Scores must be
 *           above score_threshold; there is none when it is absent. A box without area overlaps
 *           nothing.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/workspace.h"

#include <math.h>

enum { BOXES, SCORES, MAX_OUTPUT, IOU_THRESHOLD, SCORE_THRESHOLD };

static enum onr_status check_one(const struct onr_infer_ctx *ctx, uint32_t index, const char *name)
{
    char text[ONR_SHAPE_TEXT_BYTES];
    if (!onr_infer_has_input(ctx, index)) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] >= 0 && shape->dim[d] != 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has shape %s, expected one element", name,
                                  onr_shape_text(shape, text));
        }
    }
    return ONR_OK;
}

static enum onr_status nms_infer(struct onr_infer_ctx *ctx)
{
    int64_t format = 0;
    int64_t batches = onr_known_dim(ctx, BOXES, 0);
    int64_t boxes = onr_known_dim(ctx, BOXES, 1);
    ONR_TRY(onr_check_attr_int(ctx, "center_point_box", 0, 0, 1, &format));
    ONR_TRY(onr_check_dims(ctx, BOXES, "boxes", 3, (int64_t[]){-1, -1, 4}));
    ONR_TRY(onr_check_dims(ctx, SCORES, "scores", 3, (int64_t[]){batches, -1, boxes}));
    ONR_TRY(check_one(ctx, MAX_OUTPUT, "max_output_boxes_per_class"));
    ONR_TRY(check_one(ctx, IOU_THRESHOLD, "iou_threshold"));
    ONR_TRY(check_one(ctx, SCORE_THRESHOLD, "score_threshold"));
    ctx->outputs[0].shape = (struct onr_shape){.rank = 2, .dim = {ONR_DIM_UNKNOWN, 3}};
    return ONR_OK;
}

struct nms_plan {
    size_t batches, classes, boxes;
    bool is_center;
    size_t kept_at; /* in the workspace: how many boxes each class of each batch keeps */
    size_t grain;
};

/* The workspace has one index per score: a heap of candidates, behind it the boxes kept. */
static enum onr_status nms_plan(struct onr_plan_ctx *ctx)
{
    const int64_t *dim = ctx->inputs[SCORES]->shape.dim;
    struct nms_plan *plan = ONR_ARENA_NEW(ctx->arena, struct nms_plan);
    struct onr_workspace space = {0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of NonMaxSuppression");
    }
    plan->batches = (size_t)dim[0];
    plan->classes = (size_t)dim[1];
    plan->boxes = (size_t)dim[2];
    plan->is_center = onr_attr_int(ctx->node, "center_point_box", 0) != 0;
    if (plan->boxes > UINT32_MAX) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "%zu boxes, the limit is 2^32 - 1", plan->boxes);
    }
    size_t lists = 0;
    space.is_too_large = !onr_size_mul(plan->batches, plan->classes, &lists);
    size_t indices = 0;
    space.is_too_large |= !onr_size_mul(lists, plan->boxes, &indices);
    (void)onr_workspace_add(&space, indices, sizeof(uint32_t));
    plan->kept_at = onr_workspace_add(&space, lists, sizeof(size_t));
    plan->grain = onr_grain(plan->boxes * 64);
    ctx->plan = plan;
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct nms_job {
    const struct nms_plan *plan;
    const float *boxes;
    const float *scores;
    uint32_t *indices; /* [batches * classes][boxes] */
    size_t *kept;      /* [batches * classes] */
    size_t max_kept;
    float iou_threshold;
    const float *score_threshold; /* or NULL */
};

struct box {
    float low[2], high[2];
};

static struct box read_box(const float *values, bool is_center)
{
    struct box box;
    for (int d = 0; d < 2; d++) {
        float a = values[d];
        float b = values[2 + d];
        if (is_center) {
            box.low[d] = a - b / 2;
            box.high[d] = a + b / 2;
        } else {
            box.low[d] = fminf(a, b);
            box.high[d] = fmaxf(a, b);
        }
    }
    return box;
}

static float box_area(const struct box *box)
{
    return (box->high[0] - box->low[0]) * (box->high[1] - box->low[1]);
}

/* Whether the intersection of a and b is more than `threshold` of their union. */
static bool overlaps(const struct box *a, const struct box *b, float threshold)
{
    float side[2];
    for (int d = 0; d < 2; d++) {
        side[d] = fminf(a->high[d], b->high[d]) - fmaxf(a->low[d], b->low[d]);
        if (!(side[d] > 0)) {
            return false;
        }
    }
    float common = side[0] * side[1];
    float both = box_area(a) + box_area(b) - common;
    return common > 0 && both > 0 && common / both > threshold;
}

/* The order of candidates: total, so that the result does not depend on how the heap is built. */
static bool comes_before(const float *scores, uint32_t a, uint32_t b)
{
    float x = scores[a];
    float y = scores[b];
    if (isnan(x) || isnan(y)) {
        return isnan(x) && isnan(y) ? a < b : isnan(y);
    }
    return x > y || (x == y && a < b);
}

/* Moves heap[at] down until no child comes before it. */
static void sift_down(const float *scores, uint32_t *heap, size_t count, size_t at)
{
    uint32_t moved = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && comes_before(scores, heap[child + 1], heap[child])) {
            child++;
        }
        if (!comes_before(scores, heap[child], moved)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* Makes a heap of the boxes whose score is high enough; returns their number. */
static size_t make_heap(const struct nms_job *job, const float *scores, uint32_t *heap)
{
    size_t count = 0;
    for (size_t i = 0; i < job->plan->boxes; i++) {
        if (job->score_threshold == NULL || scores[i] > *job->score_threshold) {
            heap[count++] = (uint32_t)i;
        }
    }
    for (size_t i = count / 2; i > 0; i--) {
        sift_down(scores, heap, count, i - 1);
    }
    return count;
}

static bool is_suppressed(const struct nms_job *job, const float *boxes, const struct box *box,
                          const uint32_t *kept_end, size_t kept)
{
    for (size_t i = 1; i <= kept; i++) {
        struct box other =
            read_box(boxes + 4 * (size_t)kept_end[-(ptrdiff_t)i], job->plan->is_center);
        if (overlaps(&other, box, job->iou_threshold)) {
            return true;
        }
    }
    return false;
}

/* The boxes kept are stored backwards from the end of the list, where the heap has left room. */
static void select_list(const struct nms_job *job, size_t list)
{
    const struct nms_plan *plan = job->plan;
    const float *scores = job->scores + list * plan->boxes;
    const float *boxes = job->boxes + list / plan->classes * plan->boxes * 4;
    uint32_t *heap = job->indices + list * plan->boxes;
    uint32_t *kept_end = heap + plan->boxes;
    size_t kept = 0;
    for (size_t count = make_heap(job, scores, heap); count > 0 && kept < job->max_kept;) {
        uint32_t best = heap[0];
        heap[0] = heap[--count];
        if (count > 0) {
            sift_down(scores, heap, count, 0);
        }
        struct box box = read_box(boxes + 4 * (size_t)best, plan->is_center);
        if (!is_suppressed(job, boxes, &box, kept_end, kept)) {
            kept++;
            kept_end[-(ptrdiff_t)kept] = best;
        }
    }
    job->kept[list] = kept;
}

static void select_lists(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    for (size_t list = begin; list < end; list++) {
        select_list(arg, list);
    }
}

static void write_kept(const struct nms_job *job, size_t lists, int64_t *y)
{
    const struct nms_plan *plan = job->plan;
    for (size_t list = 0; list < lists; list++) {
        const uint32_t *kept_end = job->indices + (list + 1) * plan->boxes;
        for (size_t i = 1; i <= job->kept[list]; i++) {
            *y++ = (int64_t)(list / plan->classes);
            *y++ = (int64_t)(list % plan->classes);
            *y++ = (int64_t)kept_end[-(ptrdiff_t)i];
        }
    }
}

/* The only element of an optional input, or NULL. */
static const void *optional_value(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->input_count && ctx->inputs[index] != NULL ? ctx->inputs[index]->data : NULL;
}

static enum onr_status read_thresholds(struct onr_run_ctx *ctx, struct nms_job *job)
{
    const int64_t *max_output = optional_value(ctx, MAX_OUTPUT);
    const float *iou_threshold = optional_value(ctx, IOU_THRESHOLD);
    job->score_threshold = optional_value(ctx, SCORE_THRESHOLD);
    job->max_kept = max_output != NULL && *max_output > 0 ? (size_t)*max_output : 0;
    job->iou_threshold = iou_threshold != NULL ? *iou_threshold : 0.0f;
    if (!(job->iou_threshold >= 0 && job->iou_threshold <= 1)) {
        return onr_fail(ctx->err, ONR_ERR_VALUE, "iou_threshold is %g, expected 0 to 1",
                        (double)job->iou_threshold);
    }
    return ONR_OK;
}

static enum onr_status nms_run(struct onr_run_ctx *ctx)
{
    const struct nms_plan *plan = ctx->plan;
    struct nms_job job = {.plan = plan,
                          .boxes = ctx->inputs[BOXES]->data,
                          .scores = ctx->inputs[SCORES]->data,
                          .indices = ctx->workspace,
                          .kept = (void *)((char *)ctx->workspace + plan->kept_at)};
    struct onr_shape shape = {.rank = 2, .dim = {0, 3}};
    ONR_TRY(read_thresholds(ctx, &job));
    size_t lists = plan->boxes > 0 && job.max_kept > 0 ? plan->batches * plan->classes : 0;
    onr_parallel_for(ctx->parallel, lists, plan->grain, select_lists, &job);
    for (size_t list = 0; list < lists; list++) {
        shape.dim[0] += (int64_t)job.kept[list];
    }
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &shape));
    write_kept(&job, lists, ctx->outputs[0]->data);
    return ONR_OK;
}

static const struct onr_attr_spec nms_attrs[] = {{"center_point_box", ONR_ATTR_INT, false}, {0}};
static const struct onr_param_spec nms_inputs[] = {{ONR_BIT(FLOAT), 0}, {ONR_BIT(FLOAT), 0},
                                                   {ONR_BIT(INT64), 0}, {ONR_BIT(FLOAT), 0},
                                                   {ONR_BIT(FLOAT), 0}, {0}};
static const struct onr_param_spec nms_outputs[] = {{ONR_BIT(INT64), 0}, {0}};

extern const struct onr_op_def onr_ops_non_max_suppression[];
const struct onr_op_def onr_ops_non_max_suppression[] = {
    {.domain = "",
     .name = "NonMaxSuppression",
     .since_version = 10,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 5},
     .outputs = {1, 1},
     .attrs = nms_attrs,
     .input_specs = nms_inputs,
     .output_specs = nms_outputs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = nms_infer,
     .plan = nms_plan,
     .run = nms_run},
    {.name = NULL},
};
