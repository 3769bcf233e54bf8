/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TfIdfVectorizer (ai.onnx), version 9+.
 * https://onnx.ai/onnx/operators/onnx__TfIdfVectorizer.html
 *
 * y[ngram_indexes[i]] = how often n-gram i of the pool occurs in x, weighted by mode: "TF" the
 * count; "IDF" the weight if it occurs at all; "TFIDF" count times weight. Items of an n-gram may be
 * 1 to max_skip_count + 1 apart, all at the same distance; single items count once.
 *
 * Shapes    x: [C] or [N, C], a scalar counts as [1]; y: [W] or [N, W], W = max(ngram_indexes) + 1.
 * Types     x: int32, int64 with pool_int64s, string with pool_strings; y: float32.
 * Attrs     mode, min_gram_length, max_gram_length, max_skip_count; ngram_counts: where in the pool
 *           the n-grams of 1, 2, ... items begin. weights: floats, default all 1, one per n-gram,
 *           read at the coordinate in y (as ONNX Runtime and the reference implementation do).
 * Edge      Of equal n-grams in the pool the last one counts. More than 2^24 of one kind are 2^24.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/index.h"
#include "ops/common/sort.h"
#include "ops/common/strings.h"

#include <inttypes.h>

enum weighting { WEIGHT_TF, WEIGHT_IDF, WEIGHT_TFIDF };

/* The n-grams of one length. */
struct grams {
    const struct tfidf *owner; /* that holds the pool */
    size_t length;             /* items of each */
    size_t first_item;         /* in the pool */
    size_t first_id;           /* of the n-grams of the whole pool */
    size_t count;
    int64_t *order; /* sorted */
};

struct tfidf {
    enum weighting weighting;
    size_t min_length;
    size_t max_length;
    uint64_t max_skip;
    const int64_t *ints; /* the pool: either this */
    const struct onr_string *strings;
    size_t pool_size;
    const int64_t *starts; /* in the pool, of n-grams by length */
    size_t start_count;
    const int64_t *indexes;
    size_t index_count;
    const float *weights; /* or NULL */
    size_t weight_count;
    size_t width;
    struct grams *grams; /* [start_count] */
};

static enum onr_status read_mode(const struct onr_node *node, struct tfidf *tfidf,
                                 struct onr_error *err)
{
    static const char *const names[] = {"TF", "IDF", "TFIDF", NULL};
    size_t mode = 0;
    ONR_TRY(onr_check_attr_choice(node, "mode", names, &mode, err));
    tfidf->weighting = (enum weighting)mode;
    int64_t min = onr_attr_int(node, "min_gram_length", 0);
    int64_t max = onr_attr_int(node, "max_gram_length", 0);
    int64_t skip = onr_attr_int(node, "max_skip_count", 0);
    if (min < 1 || max < min || skip < 0) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "n-grams of %" PRId64 " to %" PRId64 " items with %" PRId64 " skips", min,
                        max, skip);
    }
    tfidf->min_length = (size_t)min;
    tfidf->max_length = (size_t)max;
    tfidf->max_skip = (uint64_t)skip;
    return ONR_OK;
}

/* Where the n-grams of k + 1 items end in the pool. */
static size_t grams_end(const struct tfidf *tfidf, size_t k)
{
    return k + 1 < tfidf->start_count ? (size_t)tfidf->starts[k + 1] : tfidf->pool_size;
}

static enum onr_status check_pool(const struct tfidf *tfidf, struct onr_error *err)
{
    size_t ids = 0;
    for (size_t k = 0; k < tfidf->start_count; k++) {
        int64_t start = tfidf->starts[k];
        if (start < 0 || (uint64_t)start > tfidf->pool_size ||
            (k > 0 && start < tfidf->starts[k - 1])) {
            return onr_fail(err, ONR_ERR_MODEL,
                            "ngram_counts[%zu] is %" PRId64 ", expected an ascending position in a "
                            "pool of %zu items",
                            k, start, tfidf->pool_size);
        }
    }
    for (size_t k = 0; k < tfidf->start_count; k++) {
        size_t items = grams_end(tfidf, k) - (size_t)tfidf->starts[k];
        if (items % (k + 1) != 0) {
            return onr_fail(err, ONR_ERR_MODEL, "%zu items are no whole number of %zu-grams", items,
                            k + 1);
        }
        ids += items / (k + 1);
    }
    if (ids > tfidf->index_count) {
        return onr_fail(err, ONR_ERR_MODEL, "%zu n-grams, but %zu in ngram_indexes", ids,
                        tfidf->index_count);
    }
    return ONR_OK;
}

/* Reads the attributes, all but the n-grams. */
static enum onr_status read_attrs(const struct onr_node *node, struct tfidf *tfidf,
                                  struct onr_error *err)
{
    size_t int_count = 0;
    size_t string_count = 0;
    *tfidf = (struct tfidf){.width = 0};
    ONR_TRY(read_mode(node, tfidf, err));
    tfidf->ints = onr_attr_ints(node, "pool_int64s", &int_count);
    tfidf->strings = onr_attr_strings(node, "pool_strings", &string_count);
    tfidf->starts = onr_attr_ints(node, "ngram_counts", &tfidf->start_count);
    tfidf->indexes = onr_attr_ints(node, "ngram_indexes", &tfidf->index_count);
    tfidf->weights = onr_attr_floats(node, "weights", &tfidf->weight_count);
    if ((tfidf->ints != NULL) == (tfidf->strings != NULL)) {
        return onr_fail(err, ONR_ERR_MODEL, "expected one of pool_int64s and pool_strings");
    }
    tfidf->pool_size = tfidf->ints != NULL ? int_count : string_count;
    for (size_t i = 0; i < tfidf->index_count; i++) {
        if (tfidf->indexes[i] < 0 || tfidf->indexes[i] == INT64_MAX) {
            return onr_fail(err, ONR_ERR_MODEL, "ngram_indexes[%zu] is %" PRId64, i,
                            tfidf->indexes[i]);
        }
        size_t width = (size_t)tfidf->indexes[i] + 1;
        tfidf->width = width > tfidf->width ? width : tfidf->width;
    }
    if (tfidf->width == 0) {
        return onr_fail(err, ONR_ERR_MODEL, "ngram_indexes is empty");
    }
    if (tfidf->weights != NULL && tfidf->weight_count != tfidf->index_count) {
        return onr_fail(err, ONR_ERR_MODEL, "%zu weights, expected %zu as ngram_indexes",
                        tfidf->weight_count, tfidf->index_count);
    }
    return check_pool(tfidf, err);
}

static enum onr_status tfidf_infer(struct onr_infer_ctx *ctx)
{
    struct tfidf tfidf;
    const struct onr_fact *x = ctx->inputs[0];
    struct onr_shape *y = &ctx->outputs[0].shape;
    ONR_TRY(read_attrs(ctx->node, &tfidf, ctx->err));
    if (x->dtype != ONR_UNDEFINED && (x->dtype == ONR_STRING) != (tfidf.strings != NULL)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "input is %s, but the pool holds %s",
                              onr_dtype_name(x->dtype),
                              tfidf.strings != NULL ? "strings" : "integers");
    }
    if (x->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->shape.rank > 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected 1 or 2",
                              x->shape.rank);
    }
    *y = (struct onr_shape){.rank = x->shape.rank == 2 ? 2 : 1};
    y->dim[0] = x->shape.dim[0];
    y->dim[y->rank - 1] = (int64_t)tfidf.width;
    return ONR_OK;
}

/* Order of an item of the pool and another item. */
static int compare_item(const struct tfidf *tfidf, size_t i, int64_t number,
                        struct onr_string string)
{
    if (tfidf->ints != NULL) {
        return (tfidf->ints[i] > number) - (tfidf->ints[i] < number);
    }
    return onr_string_compare(tfidf->strings[i], string);
}

static int compare_grams(const void *arg, int64_t a, int64_t b)
{
    const struct grams *grams = arg;
    const struct tfidf *tfidf = grams->owner;
    int order = 0;
    for (size_t k = 0; k < grams->length && order == 0; k++) {
        size_t i = grams->first_item + (size_t)a * grams->length + k;
        size_t j = grams->first_item + (size_t)b * grams->length + k;
        order = tfidf->ints != NULL ? compare_item(tfidf, i, tfidf->ints[j], (struct onr_string){0})
                                    : compare_item(tfidf, i, 0, tfidf->strings[j]);
    }
    return order;
}

static enum onr_status tfidf_prepare(struct onr_prepare_ctx *ctx)
{
    struct tfidf *tfidf = ONR_ARENA_NEW(ctx->arena, struct tfidf);
    if (tfidf == NULL) {
        return onr_fail_memory(ctx->err, "state of TfIdfVectorizer");
    }
    ONR_TRY(read_attrs(ctx->node, tfidf, ctx->err));
    tfidf->grams = ONR_ARENA_ARRAY(ctx->arena, tfidf->start_count, struct grams);
    int64_t *spare = ONR_ARENA_ARRAY(ctx->arena, tfidf->pool_size, int64_t);
    if (tfidf->grams == NULL || spare == NULL) {
        return onr_fail_memory(ctx->err, "n-grams of TfIdfVectorizer");
    }
    size_t id = 0;
    for (size_t k = 0; k < tfidf->start_count; k++) {
        struct grams *grams = &tfidf->grams[k];
        size_t first = (size_t)tfidf->starts[k];
        size_t count = (grams_end(tfidf, k) - first) / (k + 1);
        *grams = (struct grams){tfidf, k + 1, first, id, count, NULL};
        grams->order = ONR_ARENA_ARRAY(ctx->arena, count, int64_t);
        if (grams->order == NULL) {
            return onr_fail_memory(ctx->err, "n-grams of TfIdfVectorizer");
        }
        onr_sort(count, grams->order, spare, compare_grams, grams);
        id += count;
    }
    ctx->state = tfidf;
    return ONR_OK;
}

/* Items of x that may be an n-gram: start, start + distance, ... */
struct window {
    const struct grams *grams;
    const struct onr_tensor *x;
    size_t start;
    size_t distance;
};

static int compare_window(const void *arg, int64_t a)
{
    const struct window *window = arg;
    const struct grams *grams = window->grams;
    const struct tfidf *tfidf = grams->owner;
    int order = 0;
    for (size_t k = 0; k < grams->length && order == 0; k++) {
        size_t i = grams->first_item + (size_t)a * grams->length + k;
        size_t at = window->start + k * window->distance;
        order = tfidf->ints != NULL
                    ? compare_item(tfidf, i, onr_index_at(window->x, at), (struct onr_string){0})
                    : compare_item(tfidf, i, 0, ((const struct onr_string *)window->x->data)[at]);
    }
    return order;
}

/* Counts the n-grams of one length in items [first, first + count) of x. */
static void count_grams(const struct grams *grams, const struct onr_tensor *x, size_t first,
                        size_t count, float *y)
{
    const struct tfidf *tfidf = grams->owner;
    size_t length = grams->length;
    size_t farthest = length == 1 ? 1 : (count - 1) / (length - 1);
    if (farthest > 1 && farthest - 1 > tfidf->max_skip) {
        farthest = (size_t)tfidf->max_skip + 1;
    }
    for (size_t distance = 1; distance <= farthest; distance++) {
        size_t span = (length - 1) * distance;
        for (size_t i = 0; i + span < count; i++) {
            struct window window = {grams, x, first + i, distance};
            int64_t found = onr_sorted_find(grams->count, grams->order, compare_window, &window);
            if (found >= 0) {
                y[tfidf->indexes[grams->first_id + (size_t)found]] += 1.0f;
            }
        }
    }
}

static void weigh(const struct tfidf *tfidf, float *y)
{
    for (size_t i = 0; i < tfidf->width && tfidf->weighting != WEIGHT_TF; i++) {
        bool has_weight = tfidf->weights != NULL && i < tfidf->weight_count;
        float weight = has_weight ? tfidf->weights[i] : 1.0f;
        if (y[i] > 0.0f) {
            y[i] = tfidf->weighting == WEIGHT_IDF ? weight : y[i] * weight;
        }
    }
}

struct tfidf_job {
    const struct tfidf *tfidf;
    const struct onr_tensor *x;
    float *y;
    size_t row_items;
};

static void tfidf_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct tfidf_job *job = arg;
    const struct tfidf *tfidf = job->tfidf;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        float *y = job->y + row * tfidf->width;
        memset(y, 0, tfidf->width * sizeof *y);
        for (size_t k = 0; k < tfidf->start_count; k++) {
            size_t length = k + 1;
            bool is_wanted = length >= tfidf->min_length && length <= tfidf->max_length;
            if (is_wanted && length <= job->row_items && tfidf->grams[k].count > 0) {
                count_grams(&tfidf->grams[k], job->x, row * job->row_items, job->row_items, y);
            }
        }
        weigh(tfidf, y);
    }
}

static enum onr_status tfidf_run(struct onr_run_ctx *ctx)
{
    const struct onr_shape *shape = &ctx->inputs[0]->shape;
    struct tfidf_job job = {
        .tfidf = ctx->state, .x = ctx->inputs[0], .y = ctx->outputs[0]->data, .row_items = 1};
    size_t rows = shape->rank == 2 ? (size_t)shape->dim[0] : 1;
    if (shape->rank > 0) {
        job.row_items = (size_t)shape->dim[shape->rank - 1];
    }
    onr_parallel_for(ctx->parallel, rows, onr_grain(job.tfidf->width + 16 * job.row_items),
                     tfidf_range, &job);
    return ONR_OK;
}

static const struct onr_attr_spec tfidf_attrs[] = {
    {"max_gram_length", ONR_ATTR_INT, true}, {"max_skip_count", ONR_ATTR_INT, true},
    {"min_gram_length", ONR_ATTR_INT, true}, {"mode", ONR_ATTR_STRING, true},
    {"ngram_counts", ONR_ATTR_INTS, true},   {"ngram_indexes", ONR_ATTR_INTS, true},
    {"pool_int64s", ONR_ATTR_INTS, false},   {"pool_strings", ONR_ATTR_STRINGS, false},
    {"weights", ONR_ATTR_FLOATS, false},     {0}};
static const struct onr_param_spec tfidf_inputs[] = {{ONR_DTYPES_INDEX | ONR_BIT(STRING), 0}, {0}};
static const struct onr_param_spec tfidf_outputs[] = {{ONR_BIT(FLOAT), 0}, {0}};

extern const struct onr_op_def onr_ops_tfidf_vectorizer[];
const struct onr_op_def onr_ops_tfidf_vectorizer[] = {
    {.domain = "",
     .name = "TfIdfVectorizer",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = tfidf_attrs,
     .input_specs = tfidf_inputs,
     .output_specs = tfidf_outputs,
     .infer = tfidf_infer,
     .prepare = tfidf_prepare,
     .run = tfidf_run},
    {.name = NULL},
};
