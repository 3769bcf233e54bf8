/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RotaryChain (onnxrun), version 1: what the pass fuse_rotary makes of the nodes of a rotary
 * embedding. It means what these mean: Mul and Add of ai.onnx, with their broadcasting.
 *
 * Pairs (a, b) among the first r elements of each row turn: a' = a C[a] - b S[a],
 * b' = b C[b] + a S[b], where C[a] stands at the place of a' in its row. Other elements stay.
 * Pairs are the halves of the r elements, or neighbours (interleaved).
 *
 * Inputs    X, C, S.
 * Shapes    X: [...,W], of which D elements from `first` on are read; C, S: [...,r], or [...,r/2]
 *           with pair_tables, or [...,1]. Y: [...,D], the dimensions before the last one broadcast.
 * Types     float32.
 * Attrs     first: int, default 0. width: int, D, default 0 (W - first). turned: int, r, even,
 *           default 0 (D). x_by_rows: int, default 0, 1: X is [B,S,N,W] where Y is [B,N,S,D],
 *           and C and S are the same for all N. x_interleaved, y_interleaved: int, default 0. pair_tables: int, default 0, 1: both of a
 *           pair use the same element of C and S.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/broadcast.h"
#include "ops/common/check_dims.h"

#include <inttypes.h>
#include <string.h>

enum { IN_X, IN_C, IN_S, INPUTS };

/* Where pair i of a row stands: at i * step and apart from there. */
struct pairs {
    size_t step;
    size_t apart;
};

struct rotary_chain {
    /* C, S and X over the rows of Y, in the order in which X has them */
    const struct onr_broadcast *rows;
    size_t row; /* of X, its elements */
    size_t first;
    size_t width; /* of Y */
    size_t half;  /* pairs */
    struct pairs x, y;
    struct pairs table[2]; /* of C and S */
    size_t table_row[2];   /* their elements */
    bool has_halves;       /* everywhere, with a number for each element */
    bool x_by_rows;
    size_t heads, steps; /* of Y, when X is by rows */
};

static bool is_by_rows(const struct onr_node *node)
{
    return onr_attr_int(node, "x_by_rows", 0) != 0;
}

static bool has_pair_tables(const struct onr_node *node)
{
    return onr_attr_int(node, "pair_tables", 0) != 0;
}

/* The dimensions before the last one; exchanged: rows before heads in place of heads before rows. */
static struct onr_shape rows_of(const struct onr_shape *shape, bool is_exchanged)
{
    struct onr_shape rows = *shape;
    rows.rank -= rows.rank > 0 ? 1 : 0;
    if (is_exchanged && rows.rank == 1) {
        rows.dim[rows.rank++] = 1;
    } else if (is_exchanged && rows.rank > 1) {
        rows.dim[rows.rank - 1] = shape->dim[rows.rank - 2];
        rows.dim[rows.rank - 2] = shape->dim[rows.rank - 1];
    }
    return rows;
}

static int64_t last_dim(const struct onr_shape *shape)
{
    return shape->rank > 0 ? shape->dim[shape->rank - 1] : ONR_DIM_UNKNOWN;
}

/* Elements of a row of Y, and those of them that turn; unknown when they are negative. */
static enum onr_status read_widths(const struct onr_node *node, const struct onr_shape *x,
                                   int64_t *width, int64_t *turned, struct onr_error *err)
{
    int64_t row = last_dim(x);
    int64_t first = onr_attr_int(node, "first", 0);
    *width = onr_attr_int(node, "width", 0);
    *turned = onr_attr_int(node, "turned", 0);
    if (first < 0 || *width < 0 || (row >= 0 && (first > row || *width > row - first))) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "first is %" PRId64 " and width %" PRId64 ", X has rows of %" PRId64, first,
                        *width, row);
    }
    if (*width == 0) {
        *width = row >= 0 ? row - first : ONR_DIM_UNKNOWN;
    }
    if (*turned < 0 || *turned % 2 != 0 || (*width >= 0 && *turned > *width) ||
        (*turned == 0 && *width > 0 && *width % 2 != 0)) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "%" PRId64 " elements turn, expected an even number up to %" PRId64,
                        *turned == 0 ? *width : *turned, *width);
    }
    *turned = *turned == 0 ? *width : *turned;
    return ONR_OK;
}

/*
 * A row of C or S has a number for each element that turns or each pair of them, or one for all.
 * Where X is by rows, all heads have the same rows.
 */
static enum onr_status check_table(const struct onr_infer_ctx *ctx, uint32_t index, int64_t turned)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    int64_t row = last_dim(shape);
    int64_t want = turned >= 0 && has_pair_tables(ctx->node) ? turned / 2 : turned;
    int64_t heads = shape->rank > 2 ? shape->dim[shape->rank - 3] : 1;
    if (row >= 0 && row != 1 && want >= 0 && row != want) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "input %" PRIu32 " has rows of %" PRId64 ", expected %" PRId64
                              " or 1",
                              index, row, want);
    }
    if (is_by_rows(ctx->node) && heads >= 0 && heads != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "input %" PRIu32 " has rows for %" PRId64 " heads, expected 1", index,
                              heads);
    }
    return ONR_OK;
}

/* Broadcasts the rows of an input into those of Y. */
static enum onr_status add_rows(const struct onr_fact *input, bool by_rows, struct onr_shape *y,
                                struct onr_error *err)
{
    struct onr_shape rows = rows_of(&input->shape, by_rows);
    struct onr_shape before = *y;
    int rank = rows.rank > y->rank ? rows.rank : y->rank;
    y->rank = rank;
    for (int i = 1; i <= rank; i++) {
        int64_t a = i <= before.rank ? before.dim[before.rank - i] : 1;
        int64_t b = i <= rows.rank ? rows.dim[rows.rank - i] : 1;
        if (!onr_dim_broadcast(a, b, &y->dim[rank - i])) {
            char text[2][ONR_SHAPE_TEXT_BYTES];
            return onr_fail(err, ONR_ERR_SHAPE, "cannot broadcast rows %s and %s",
                            onr_shape_text(&before, text[0]), onr_shape_text(&rows, text[1]));
        }
    }
    return ONR_OK;
}

static enum onr_status chain_infer(struct onr_infer_ctx *ctx)
{
    bool by_rows = is_by_rows(ctx->node);
    int64_t width = 0;
    int64_t turned = 0;
    struct onr_shape y = {.rank = 0};
    for (uint32_t i = IN_X; i < INPUTS; i++) {
        int rank = ctx->inputs[i]->shape.rank;
        if (rank == 0 || (by_rows && (rank > 4 || (i == IN_X && rank > 0 && rank < 4)))) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %" PRIu32 " has rank %d, expected %s",
                                  i, rank,
                                  rank == 0   ? "1 or more"
                                  : i == IN_X ? "4"
                                              : "4 at most");
        }
    }
    ONR_TRY(read_widths(ctx->node, &ctx->inputs[IN_X]->shape, &width, &turned, ctx->err));
    ONR_TRY(check_table(ctx, IN_C, turned));
    ONR_TRY(check_table(ctx, IN_S, turned));
    for (uint32_t i = IN_X; i < INPUTS; i++) {
        if (ctx->inputs[i]->shape.rank < 0) {
            return ONR_OK;
        }
        ONR_TRY(add_rows(ctx->inputs[i], i == IN_X && by_rows, &y, ctx->err));
    }
    if (y.rank == ONR_MAX_RANK) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "rank is more than %d", ONR_MAX_RANK);
    }
    y.dim[y.rank++] = width;
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

static struct pairs pairs_of(size_t half, bool is_interleaved)
{
    return is_interleaved ? (struct pairs){2, 1} : (struct pairs){1, half};
}

static void plan_widths(struct rotary_chain *plan, const struct onr_plan_ctx *ctx, int64_t width,
                        int64_t turned)
{
    const struct onr_node *node = ctx->node;
    plan->row = (size_t)last_dim(&ctx->inputs[IN_X]->shape);
    plan->first = (size_t)onr_attr_int(node, "first", 0);
    plan->width = (size_t)width;
    plan->half = (size_t)turned / 2;
    plan->x = pairs_of(plan->half, onr_attr_int(node, "x_interleaved", 0) != 0);
    plan->y = pairs_of(plan->half, onr_attr_int(node, "y_interleaved", 0) != 0);
    plan->has_halves = plan->x.step == 1 && plan->y.step == 1;
    for (int i = 0; i < 2; i++) {
        plan->table_row[i] = (size_t)last_dim(&ctx->inputs[IN_C + i]->shape);
        bool is_whole = !has_pair_tables(node) && plan->table_row[i] == 2 * plan->half;
        plan->table[i] = is_whole ? plan->y : (struct pairs){plan->table_row[i] == 1 ? 0 : 1, 0};
        plan->has_halves = plan->has_halves && is_whole;
    }
}

static enum onr_status chain_plan(struct onr_plan_ctx *ctx)
{
    struct rotary_chain *plan = ONR_ARENA_NEW(ctx->arena, struct rotary_chain);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a rotary embedding");
    }
    const struct onr_shape *x = &ctx->inputs[IN_X]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    int64_t width = 0;
    int64_t turned = 0;
    ONR_TRY(read_widths(ctx->node, x, &width, &turned, ctx->err));
    plan_widths(plan, ctx, width, turned);
    plan->x_by_rows = is_by_rows(ctx->node);
    if (plan->x_by_rows) {
        plan->steps = (size_t)y->dim[y->rank - 2];
        plan->heads = (size_t)y->dim[y->rank - 3];
    }
    struct onr_shape rows = rows_of(y, plan->x_by_rows);
    const struct onr_shape inputs[] = {rows_of(&ctx->inputs[IN_C]->shape, plan->x_by_rows),
                                       rows_of(&ctx->inputs[IN_S]->shape, plan->x_by_rows),
                                       rows_of(x, false)};
    const struct onr_shape *const pointers[] = {&inputs[0], &inputs[1], &inputs[2]};
    plan->rows = onr_broadcast_plan(ctx->arena, &rows, pointers, INPUTS);
    ctx->plan = plan;
    return plan->rows != NULL ? ONR_OK
                              : onr_fail_memory(ctx->err, "the plan of a rotary embedding");
}

struct chain_job {
    const struct rotary_chain *plan;
    const float *x;
    const float *c;
    const float *s;
    float *y;
};

/* Halves to halves, with an element of the tables for each: two loops that vectorize. */
static void turn_halves(size_t half, const float *x, const float *c, const float *s,
                        float *restrict y)
{
    for (size_t i = 0; i < half; i++) {
        y[i] = x[i] * c[i] - x[half + i] * s[i];
    }
    for (size_t i = half; i < 2 * half; i++) {
        y[i] = x[i] * c[i] + x[i - half] * s[i];
    }
}

static void turn_pairs(const struct rotary_chain *plan, const float *x, const float *c,
                       const float *s, float *restrict y)
{
    for (size_t i = 0; i < plan->half; i++) {
        const float *a = x + i * plan->x.step;
        const float *b = a + plan->x.apart;
        const float *c1 = c + i * plan->table[0].step;
        const float *s1 = s + i * plan->table[1].step;
        y[i * plan->y.step] = *a * *c1 - *b * *s1;
        y[i * plan->y.step + plan->y.apart] =
            *b * c1[plan->table[0].apart] + *a * s1[plan->table[1].apart];
    }
}

/* Where a row, by their order in X, stands in Y. */
static size_t y_row(const struct rotary_chain *plan, size_t row)
{
    if (!plan->x_by_rows) {
        return row;
    }
    size_t head = row % plan->heads;
    size_t step = row / plan->heads % plan->steps;
    size_t batch = row / plan->heads / plan->steps;
    return (batch * plan->heads + head) * plan->steps + step;
}

static void turn_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct chain_job *job = arg;
    const struct rotary_chain *plan = job->plan;
    size_t turned = 2 * plan->half;
    struct onr_cursor cursor;
    (void)worker;
    onr_cursor_seek(plan->rows, begin, &cursor);
    for (size_t row = begin; row < end; row++) {
        const float *x = job->x + cursor.offset[2] * plan->row + plan->first;
        const float *c = job->c + cursor.offset[0] * plan->table_row[0];
        const float *s = job->s + cursor.offset[1] * plan->table_row[1];
        float *y = job->y + y_row(plan, row) * plan->width;
        if (plan->has_halves) {
            turn_halves(plan->half, x, c, s, y);
        } else {
            turn_pairs(plan, x, c, s, y);
        }
        if (turned < plan->width) {
            memcpy(y + turned, x + turned, (plan->width - turned) * sizeof *y);
        }
        onr_cursor_advance(plan->rows, 1, &cursor);
    }
}

static enum onr_status chain_run(struct onr_run_ctx *ctx)
{
    struct chain_job job = {.plan = ctx->plan,
                            .x = ctx->inputs[IN_X]->data,
                            .c = ctx->inputs[IN_C]->data,
                            .s = ctx->inputs[IN_S]->data,
                            .y = ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, job.plan->width > 0 ? job.plan->rows->count : 0,
                     onr_grain(job.plan->width), turn_range, &job);
    return ONR_OK;
}

static const struct onr_attr_spec chain_attrs[] = {
    {"first", ONR_ATTR_INT, false},         {"pair_tables", ONR_ATTR_INT, false},
    {"turned", ONR_ATTR_INT, false},        {"width", ONR_ATTR_INT, false},
    {"x_by_rows", ONR_ATTR_INT, false},     {"x_interleaved", ONR_ATTR_INT, false},
    {"y_interleaved", ONR_ATTR_INT, false}, {NULL, 0, false},
};
static const struct onr_param_spec chain_specs[] = {{ONR_BIT(FLOAT), 1}, {0, 0}};

extern const struct onr_op_def onr_ops_rotary_chain[];
const struct onr_op_def onr_ops_rotary_chain[] = {
    {.domain = "onnxrun",
     .name = "RotaryChain",
     .since_version = 1,
     .last_version = 1,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = chain_attrs,
     .input_specs = chain_specs,
     .output_specs = chain_specs,
     .infer = chain_infer,
     .plan = chain_plan,
     .run = chain_run},
    {.name = NULL},
};
