/* SPDX-License-Identifier: Apache-2.0 */
/* How Pad is computed: rows of y are runs of x between what the mode says. */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/common/index.h"
#include "ops/movement/pad.h"

/* Bytes from which on a second thread pays. */
#define GRAIN_BYTES ((size_t)1 << 16)

enum onr_status onr_pad_read_mode(const struct onr_node *node, enum onr_pad_mode *mode,
                                  struct onr_error *err)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap", NULL};
    size_t choice = 0;
    ONR_TRY(onr_check_attr_choice(node, "mode", names, &choice, err));
    *mode = (enum onr_pad_mode)choice;
    return ONR_OK;
}

struct pad_plan {
    enum onr_pad_mode mode;
    float value;  /* of versions up to 10 */
    int rank;     /* of the leading dimensions of y; those behind are not padded, ... */
    size_t block; /* ... elements of them */
    int64_t *source[ONR_MAX_RANK]; /* [dim of y] offset in x, in elements; -1 outside */
    size_t first;                  /* along the last of them, `length` blocks from `first` on */
    size_t length;                 /* are neighbours in x */
};

/* Where index i of a padded dimension comes from. */
static int64_t source_index(enum onr_pad_mode mode, int64_t i, int64_t begin, int64_t end,
                            int64_t dim)
{
    if (mode == ONR_PAD_CONSTANT) {
        int64_t inside = i - begin;
        return inside >= 0 && inside < dim ? inside : -1;
    }
    int64_t cut = begin < 0 ? -begin : 0;
    int64_t left = dim - cut - (end < 0 ? -end : 0); /* checked to be above 0 */
    int64_t at = i - (begin > 0 ? begin : 0);
    int64_t period = mode == ONR_PAD_WRAP ? left : onr_int_max(2 * (left - 1), 1);
    if (mode == ONR_PAD_EDGE) {
        return cut + onr_int_min(onr_int_max(at, 0), left - 1);
    }
    at = (at % period + period) % period;
    return cut + (at < left ? at : period - at);
}

static enum onr_status plan_dim(struct onr_plan_ctx *ctx, struct pad_plan *plan,
                                const struct onr_pads *pads, int axis, int64_t stride)
{
    int64_t dim = ctx->inputs[0]->shape.dim[axis];
    int64_t padded = ctx->outputs[0].shape.dim[axis];
    int64_t begin = pads->begin[axis];
    int64_t end = pads->end[axis];
    int64_t left = dim + (begin < 0 ? begin : 0) + (end < 0 ? end : 0);
    if (plan->mode != ONR_PAD_CONSTANT && padded > 0 && left <= 0) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE,
                        "dimension %d is empty, which only mode constant can pad", axis);
    }
    plan->source[axis] = ONR_ARENA_ARRAY(ctx->arena, (size_t)padded + 1, int64_t);
    if (plan->source[axis] == NULL) {
        return onr_fail_memory(ctx->err, "plan of Pad");
    }
    for (int64_t i = 0; i < padded; i++) {
        int64_t index = source_index(plan->mode, i, begin, end, dim);
        plan->source[axis][i] = index < 0 ? -1 : index * stride;
    }
    return ONR_OK;
}

/* Dimensions at the end that are not padded go with the one before while rows stay short. */
static void find_block(struct pad_plan *plan, const struct onr_shape *y,
                       const struct onr_pads *pads, size_t size)
{
    plan->rank = y->rank;
    while (plan->rank > 1 && pads->begin[plan->rank - 1] == 0 && pads->end[plan->rank - 1] == 0 &&
           (size_t)onr_shape_range(y, plan->rank - 2, y->rank) * size <= GRAIN_BYTES) {
        plan->rank--;
    }
    plan->block = (size_t)onr_shape_range(y, plan->rank, y->rank);
}

/* The longest run of neighbours that begins where the first block of x inside y lies. */
static void find_run(struct pad_plan *plan, const struct onr_shape *y, int64_t begin)
{
    int last = plan->rank - 1;
    const int64_t *source = plan->source[last];
    size_t count = (size_t)y->dim[last];
    plan->first = onr_int_max(begin, 0) < y->dim[last] ? (size_t)onr_int_max(begin, 0) : 0;
    while (plan->first + plan->length < count && source[plan->first + plan->length] >= 0 &&
           source[plan->first + plan->length] ==
               source[plan->first] + (int64_t)(plan->length * plan->block)) {
        plan->length++;
    }
}

enum onr_status onr_pad_plan(struct onr_plan_ctx *ctx, const struct onr_pads *pads)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct pad_plan *plan = ONR_ARENA_NEW(ctx->arena, struct pad_plan);
    int64_t stride[ONR_MAX_RANK];
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Pad");
    }
    ONR_TRY(onr_pad_read_mode(ctx->node, &plan->mode, ctx->err));
    plan->value = onr_attr_float(ctx->node, "value", 0.0f);
    onr_shape_strides(x, stride);
    find_block(plan, y, pads, onr_dtype_size(ctx->inputs[0]->dtype));
    for (int i = 0; i < plan->rank; i++) {
        ONR_TRY(plan_dim(ctx, plan, pads, i, stride[i]));
    }
    if (plan->rank > 0) {
        find_run(plan, y, pads->begin[plan->rank - 1]);
    }
    ctx->plan = plan;
    return ONR_OK;
}

struct pad_task {
    const struct onr_run_ctx *ctx;
    _Alignas(16) unsigned char value[16];
    size_t size;                 /* of an element */
    size_t row_bytes, run_bytes; /* of a row and its run, ... */
    size_t run_at, run_from;     /* ... which stands there in y and x */
};

static void measure_row(const struct pad_plan *plan, const int64_t *dim, struct pad_task *task)
{
    size_t bytes = plan->block * task->size;
    task->row_bytes = (size_t)dim[plan->rank - 1] * bytes;
    task->run_bytes = plan->length * bytes;
    task->run_at = plan->first * bytes;
    if (plan->length > 0) {
        task->run_from = (size_t)plan->source[plan->rank - 1][plan->first] * task->size;
    }
}

/* Elements for which a call pays. */
#define LEAST_FILLED 8

static inline void fill(const struct pad_task *task, char *begin, const char *end)
{
    unsigned index = onr_move_size_index(task->size);
    size_t count = (size_t)(end - begin) >> index;
    if (count >= LEAST_FILLED) {
        task->ctx->kernels->move.copy_strided[index](count, begin, 1, task->value, 0);
        return;
    }
    for (; begin < end; begin += task->size) {
        onr_copy_element(begin, task->value, task->size);
    }
}

/* Blocks [begin, end) of a row, each from where the mode says. */
static inline void copy_blocks(const struct pad_task *task, size_t begin, size_t end, char *y,
                               const char *x)
{
    const struct pad_plan *plan = task->ctx->plan;
    const int64_t *source = plan->source[plan->rank - 1];
    size_t bytes = plan->block * task->size;
    for (size_t i = begin; i < end; i++) {
        const char *from = x + (size_t)source[i] * task->size;
        if (plan->block == 1) {
            onr_copy_element(y + i * bytes, from, bytes);
        } else {
            memcpy(y + i * bytes, from, bytes);
        }
    }
}

/* Rows that are looked at one after the other. */
struct rows {
    const struct pad_plan *plan;
    const int64_t *dim;      /* of y */
    size_t at[ONR_MAX_RANK]; /* of the row */
};

static struct rows find_rows(const struct pad_task *task, size_t row)
{
    struct rows rows = {.plan = task->ctx->plan, .dim = task->ctx->outputs[0]->shape.dim};
    for (int d = rows.plan->rank - 2; d >= 0; d--) {
        rows.at[d] = row % (size_t)rows.dim[d];
        row /= (size_t)rows.dim[d];
    }
    return rows;
}

/* The element of x where the row begins, or -1; goes on to the next. */
static int64_t next_row(struct rows *rows)
{
    int64_t base = 0;
    bool is_last = true; /* all indices behind this one are */
    for (int d = rows->plan->rank - 2; d >= 0; d--) {
        int64_t offset = rows->plan->source[d][rows->at[d]];
        base = offset < 0 || base < 0 ? -1 : base + offset;
        rows->at[d] += is_last ? 1 : 0;
        is_last = is_last && rows->at[d] == (size_t)rows->dim[d];
        rows->at[d] = is_last ? 0 : rows->at[d];
    }
    return base;
}

/* What is behind the run of a row and before that of the next is filled together. */
static void pad_by_value(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct pad_task *task = arg;
    struct rows rows = find_rows(task, begin);
    char *y = (char *)task->ctx->outputs[0]->data + begin * task->row_bytes;
    char *gap = y;
    (void)worker;
    for (size_t row = begin; row < end; row++, y += task->row_bytes) {
        int64_t base = next_row(&rows);
        if (base < 0 || task->run_bytes == 0) {
            continue;
        }
        const char *x = (const char *)task->ctx->inputs[0]->data + (size_t)base * task->size;
        char *run = y + task->run_at;
        fill(task, gap, run);
        memcpy(run, x + task->run_from, task->run_bytes);
        gap = run + task->run_bytes;
    }
    fill(task, gap, y);
}

static void pad_by_copies(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct pad_task *task = arg;
    const struct pad_plan *plan = task->ctx->plan;
    struct rows rows = find_rows(task, begin);
    char *y = (char *)task->ctx->outputs[0]->data + begin * task->row_bytes;
    size_t count = (size_t)rows.dim[plan->rank - 1];
    (void)worker;
    for (size_t row = begin; row < end; row++, y += task->row_bytes) {
        size_t from = (size_t)next_row(&rows) * task->size;
        const char *x = (const char *)task->ctx->inputs[0]->data + from;
        copy_blocks(task, 0, plan->first, y, x);
        memcpy(y + task->run_at, x + task->run_from, task->run_bytes);
        copy_blocks(task, plan->first + plan->length, count, y, x);
    }
}

enum onr_status onr_pad_run(struct onr_run_ctx *ctx)
{
    const struct pad_plan *plan = ctx->plan;
    const struct onr_tensor *y = ctx->outputs[0];
    const struct onr_tensor *value = ctx->input_count > 2 ? ctx->inputs[2] : NULL;
    struct pad_task task = {.ctx = ctx, .size = onr_dtype_size(y->dtype)};
    if (onr_tensor_count(y) == 0) {
        return ONR_OK;
    }
    if (value != NULL && onr_tensor_count(value) > 0) {
        memcpy(task.value, value->data, task.size);
    } else if (plan->value != 0.0f) {
        const struct onr_narrowing how = {.is_saturated = true};
        onr_convert(ctx->kernels, ONR_FLOAT, y->dtype, &how, 1, &plan->value, task.value);
    }
    if (y->shape.rank == 0) {
        memcpy(y->data, ctx->inputs[0]->data, task.size);
        return ONR_OK;
    }
    measure_row(plan, y->shape.dim, &task);
    size_t rows = (size_t)onr_shape_range(&y->shape, 0, plan->rank - 1);
    onr_parallel_for(ctx->parallel, rows, GRAIN_BYTES / task.row_bytes + 1,
                     plan->mode == ONR_PAD_CONSTANT ? pad_by_value : pad_by_copies, &task);
    return ONR_OK;
}
