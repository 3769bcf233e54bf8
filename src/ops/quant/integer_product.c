/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of quantised matrices, a row of Y at a time: summed, then scaled in pieces.
 */
#include "ops/quant/integer_product.h"

#include "base/size.h"
#include "ops/common/float_io.h"
#include "ops/quant/integer_row.h"

#include <string.h>

static bool is_integer(enum onr_dtype dtype)
{
    return dtype == ONR_INT8 || dtype == ONR_UINT8;
}

static bool is_word(enum onr_dtype dtype)
{
    return dtype == ONR_INT16 || dtype == ONR_UINT16;
}

struct onr_integer_steps onr_integer_steps(const struct onr_fact *param, size_t rows)
{
    if (param == NULL || onr_shape_count(&param->shape) == 1) {
        return (struct onr_integer_steps){0, 0};
    }
    return (struct onr_integer_steps){1, param->shape.rank > 1 ? rows : 0};
}

/* Numbers of an operand's matrices, for each matrix of Y. */
static void plan_batch(struct onr_index_group *group, const struct onr_shape *shape, int own_rank,
                       const struct onr_shape *y, int rank)
{
    size_t stride = 1;
    *group = (struct onr_index_group){.rank = rank, .count = 1};
    for (int i = rank - 1; i >= 0; i--) {
        size_t dim = (size_t)onr_integer_batch_dim(shape, own_rank, rank, i);
        group->dim[i] = (size_t)y->dim[i];
        group->stride[i] = dim == 1 ? 0 : stride;
        group->count *= group->dim[i];
        stride *= dim;
    }
}

enum onr_status onr_integer_workspace(struct onr_integer_product *product, struct onr_plan_ctx *ctx)
{
    if (product->y_dtype == ONR_INT32) {
        return ONR_OK; /* summed in Y itself */
    }
    if (!onr_size_mul(product->n, sizeof(int32_t), &product->worker_bytes) ||
        product->worker_bytes > ONR_SIZE_LIMIT / ONR_MAX_THREADS) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "rows of %zu columns are too long", product->n);
    }
    product->worker_bytes = onr_size_align(product->worker_bytes, ONR_MEM_ALIGN);
    ctx->workspace_bytes = product->worker_bytes * ctx->thread_count;
    return ONR_OK;
}

enum onr_status onr_integer_plan(struct onr_integer_product *product, struct onr_plan_ctx *ctx,
                                 const uint32_t a_and_zero[2], const uint32_t b_and_zero[2])
{
    const struct onr_fact *a_fact = ctx->inputs[a_and_zero[0]];
    const struct onr_fact *b_fact = ctx->inputs[b_and_zero[0]];
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct onr_integer_view a = onr_integer_view(&a_fact->shape, true);
    struct onr_integer_view b = onr_integer_view(&b_fact->shape, false);
    int rank = a.batch_rank > b.batch_rank ? a.batch_rank : b.batch_rank;
    *product = (struct onr_integer_product){
        .m = (size_t)a.rows,
        .n = (size_t)b.columns,
        .k = (size_t)a.columns,
        .a_row_stride = (size_t)a.columns,
        .a_column_stride = 1,
        .a_dtype = a_fact->dtype,
        .b_dtype = b_fact->dtype,
        .y_dtype = ctx->outputs[0].dtype,
        .alpha = 1.0f,
    };
    product->a_zero = onr_integer_steps(onr_plan_input(ctx, a_and_zero[1]), product->m);
    product->b_zero = onr_integer_steps(onr_plan_input(ctx, b_and_zero[1]), product->n);
    plan_batch(&product->a_batch, &a_fact->shape, a.batch_rank, y, rank);
    plan_batch(&product->b_batch, &b_fact->shape, b.batch_rank, y, rank);
    return onr_integer_workspace(product, ctx);
}

struct integer_job {
    const struct onr_integer_product *product;
    const struct onr_integer_operands *operands;
    const struct onr_kernels *kernels;
    char *workspace;
    const float *a_values; /* [256]: the number of each byte; NULL for integers */
    const float *b_values;
};

/* A row of Y, and the matrices that it is of. */
struct place {
    size_t item;
    size_t row;
    size_t y_matrix, a_matrix, b_matrix;
};

static size_t steps_at(const struct onr_integer_steps *steps, size_t matrix, size_t i)
{
    return matrix * steps->matrix + i * steps->step;
}

static void sum_integers(const struct integer_job *job, const struct place *place, int32_t *y)
{
    const struct onr_integer_product *p = job->product;
    const struct onr_integer_operands *in = job->operands;
    size_t first = place->a_matrix * p->m * p->k + place->row * p->a_row_stride;
    size_t a_zero = steps_at(&p->a_zero, place->a_matrix, place->row);
    bool is_b_signed = p->b_dtype == ONR_INT8;
    struct onr_integer_factors factors = {
        .k = p->k,
        .n = p->n,
        .a = p->k > 0 ? (const uint8_t *)in->a + first : NULL,
        .a_step = p->a_column_stride,
        .is_a_signed = p->a_dtype == ONR_INT8,
        .a_zero = onr_byte_at(in->a_zero, a_zero, p->a_dtype == ONR_INT8),
        .b = p->k > 0 ? (const uint8_t *)in->b + place->b_matrix * p->k * p->n : NULL,
        .b_stride = p->n,
        .is_b_signed = is_b_signed,
    };
    uint32_t sum = onr_integer_row(&job->kernels->quant, &factors, y);
    for (size_t j = 0; j < p->n && in->b_zero != NULL; j++) {
        size_t at = steps_at(&p->b_zero, place->b_matrix, j);
        uint32_t zero = (uint32_t)onr_byte_at(in->b_zero, at, is_b_signed);
        y[j] = (int32_t)((uint32_t)y[j] - sum * zero);
    }
    for (size_t j = 0; j < p->n && in->c != NULL; j++) {
        uint32_t c = (uint32_t)in->c[place->row * p->c_row_step + j * p->c_column_step];
        y[j] = (int32_t)((uint32_t)y[j] + c);
    }
}

/* Numbers of 16 bits, without zero points. */
static void sum_words(const struct integer_job *job, const struct place *place, int32_t *y)
{
    const struct onr_integer_product *p = job->product;
    const struct onr_integer_operands *in = job->operands;
    const uint32_t a_sign = p->a_dtype == ONR_INT16 ? 0x8000u : 0;
    const uint32_t b_sign = p->b_dtype == ONR_INT16 ? 0x8000u : 0;
    size_t first = place->a_matrix * p->m * p->k + place->row * p->a_row_stride;
    memset(y, 0, p->n * sizeof *y);
    for (size_t i = 0; i < p->k; i++) {
        uint32_t word = ((const uint16_t *)in->a)[first + i * p->a_column_stride];
        uint32_t a = (word ^ a_sign) - a_sign;
        const uint16_t *b = (const uint16_t *)in->b + (place->b_matrix * p->k + i) * p->n;
        for (size_t j = 0; j < p->n; j++) {
            y[j] = (int32_t)((uint32_t)y[j] + a * (((uint32_t)b[j] ^ b_sign) - b_sign));
        }
    }
}

static float value_at(const float values[256], const void *bytes, size_t at)
{
    return bytes == NULL ? 0.0f : values[((const uint8_t *)bytes)[at]];
}

static void sum_floats(const struct integer_job *job, const struct place *place, float *y)
{
    const struct onr_integer_product *p = job->product;
    const struct onr_integer_operands *in = job->operands;
    size_t first = place->a_matrix * p->m * p->k + place->row * p->a_row_stride;
    size_t a_zero = steps_at(&p->a_zero, place->a_matrix, place->row);
    for (size_t j = 0; j < p->n; j++) {
        y[j] = 0.0f;
    }
    for (size_t i = 0; i < p->k; i++) {
        float a = value_at(job->a_values, in->a, first + i * p->a_column_stride) -
                  value_at(job->a_values, in->a_zero, a_zero);
        const uint8_t *b = (const uint8_t *)in->b + (place->b_matrix * p->k + i) * p->n;
        for (size_t j = 0; j < p->n; j++) {
            size_t b_zero = steps_at(&p->b_zero, place->b_matrix, j);
            y[j] += a * (job->b_values[b[j]] - value_at(job->b_values, in->b_zero, b_zero));
        }
    }
}

static float float_at(enum onr_dtype dtype, const void *data, size_t at)
{
    float value = 1.0f;
    if (data != NULL) {
        onr_float_gather(dtype, data, at, 1, 1, &value);
    }
    return value;
}

/* values[j] *= alpha * a_scale * b_scale[j] / y_scale for columns [first, first + count). */
static void scale_piece(const struct integer_job *job, const struct place *place, size_t first,
                        size_t count, float *values)
{
    const struct onr_integer_product *p = job->product;
    const struct onr_integer_operands *in = job->operands;
    enum onr_dtype dtype = p->scale_dtype;
    float buffer[ONR_SCALE_CHUNK];
    float a = float_at(dtype, in->a_scale, steps_at(&p->a_scale, place->a_matrix, place->row));
    float y = float_at(dtype, in->y_scale, steps_at(&p->y_scale, place->y_matrix, place->row));
    a *= p->alpha;
    if (p->b_scale.step == 0) {
        float scale = a * float_at(dtype, in->b_scale, 0) / y;
        for (size_t j = 0; j < count; j++) {
            values[j] *= scale;
        }
        return;
    }
    size_t at = steps_at(&p->b_scale, place->b_matrix, first);
    const float *b = onr_float_read(dtype, in->b_scale, at, count, buffer);
    for (size_t j = 0; j < count; j++) {
        values[j] *= a * b[j] / y;
    }
}

/* Stores the scaled columns from `first` on. */
static void store_piece(const struct integer_job *job, const struct place *place, size_t first,
                        size_t count, float *values)
{
    const struct onr_integer_product *p = job->product;
    const struct onr_integer_operands *in = job->operands;
    size_t at = place->item * p->n + first;
    size_t zero_at = steps_at(&p->y_zero, place->y_matrix, place->row);
    if (onr_is_float32_or_less(p->y_dtype)) {
        float buffer[ONR_SCALE_CHUNK];
        const float *bias = NULL;
        if (in->bias != NULL) {
            bias = onr_float_read(p->scale_dtype, in->bias, first, count, buffer);
        }
        for (size_t j = 0; j < count && bias != NULL; j++) {
            values[j] += bias[j];
        }
        onr_float_scatter(p->y_dtype, values, at, 1, count, in->y);
    } else if (is_integer(p->y_dtype)) {
        struct onr_byte_range range = onr_byte_range(p->y_dtype, in->y_zero, zero_at);
        onr_bytes_from_floats(&job->kernels->quant, count, values, &range, (uint8_t *)in->y + at,
                              1);
    } else {
        struct onr_narrowing how = {.is_saturated = true, .round_mode = ONR_ROUND_NEAREST};
        float zero = 0.0f;
        if (in->y_zero != NULL) {
            onr_convert(job->kernels, p->y_dtype, ONR_FLOAT, &how, 1,
                        (const uint8_t *)in->y_zero + zero_at, &zero);
        }
        for (size_t j = 0; j < count; j++) {
            values[j] += zero;
        }
        onr_convert(job->kernels, ONR_FLOAT, p->y_dtype, &how, count, values,
                    (uint8_t *)in->y + at);
    }
}

/* Scales and stores the sums of a row: integers, or the floats that their storage holds. */
static void finish_row(const struct integer_job *job, const struct place *place, const void *sums)
{
    const struct onr_integer_product *p = job->product;
    float values[ONR_SCALE_CHUNK];
    for (size_t first = 0; first < p->n; first += ONR_SCALE_CHUNK) {
        size_t rest = p->n - first;
        size_t count = rest < ONR_SCALE_CHUNK ? rest : ONR_SCALE_CHUNK;
        for (size_t j = 0; j < count; j++) {
            values[j] = job->a_values != NULL ? ((const float *)sums)[first + j]
                                              : (float)((const int32_t *)sums)[first + j];
        }
        scale_piece(job, place, first, count, values);
        store_piece(job, place, first, count, values);
    }
}

/* Items are rows of Y. */
static void multiply_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct integer_job *job = arg;
    const struct onr_integer_product *p = job->product;
    void *sums = job->workspace + worker * p->worker_bytes;
    for (size_t item = begin; item < end; item++) {
        struct place place = {.item = item, .row = item % p->m, .y_matrix = item / p->m};
        place.a_matrix = onr_index_group_offset(&p->a_batch, place.y_matrix);
        place.b_matrix = onr_index_group_offset(&p->b_batch, place.y_matrix);
        if (is_word(p->a_dtype)) {
            sum_words(job, &place, (int32_t *)job->operands->y + item * p->n);
        } else if (p->y_dtype == ONR_INT32) {
            sum_integers(job, &place, (int32_t *)job->operands->y + item * p->n);
        } else if (job->a_values != NULL) {
            sum_floats(job, &place, sums);
            finish_row(job, &place, sums);
        } else {
            sum_integers(job, &place, sums);
            finish_row(job, &place, sums);
        }
    }
}

/* The numbers that the 256 bytes stand for. */
static void list_values(const struct onr_kernels *kernels, enum onr_dtype dtype, float values[256])
{
    struct onr_narrowing how = {.is_saturated = true, .round_mode = ONR_ROUND_NEAREST};
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    onr_convert(kernels, dtype, ONR_FLOAT, &how, 256, bytes, values);
}

void onr_integer_product_run(const struct onr_integer_product *product,
                             const struct onr_integer_operands *operands, void *workspace,
                             const struct onr_run_ctx *ctx)
{
    float a_values[256];
    float b_values[256];
    struct integer_job job = {
        .product = product, .operands = operands, .kernels = ctx->kernels, .workspace = workspace};
    if (product->n == 0 || product->m == 0) {
        return;
    }
    if (!is_word(product->a_dtype) &&
        (!is_integer(product->a_dtype) || !is_integer(product->b_dtype))) {
        list_values(ctx->kernels, product->a_dtype, a_values);
        list_values(ctx->kernels, product->b_dtype, b_values);
        job.a_values = a_values;
        job.b_values = b_values;
    }
    size_t grain = 16384 / (product->n * (product->k + 1)) + 1;
    onr_parallel_for(ctx->parallel, product->a_batch.count * product->m, grain, multiply_rows,
                     &job);
}
