/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products in float64 and integers: rows of Y by a plain kernel, then alpha, C and the
 * activation. Integers wrap around; with an alpha or beta other than 1 they are computed in float64,
 * cut off to integers and limited to the type.
 */
#include "ops/matrix/product_plain.h"

#include <math.h>

struct task {
    const struct onr_product *product;
    const struct onr_product_operands *operands;
    const struct onr_kernels *kernels;
};

/* What happens to one row after the product. */
struct finish {
    size_t count;
    void *y;
    const void *c;   /* its first element for this row, or NULL */
    size_t c_stride; /* 0 or 1 */
    double alpha;
    double beta;
};

static void finish_f64(const struct finish *f)
{
    double *y = f->y;
    const double *c = f->c;
    for (size_t j = 0; j < f->count; j++) {
        y[j] = f->alpha * y[j] + (c != NULL ? f->beta * c[j * f->c_stride] : 0.0);
    }
}

/* limit: the power of two behind the largest value, which as a double is exact. */
#define DEFINE_FINISH(name, type, wrap, lowest, limit)                                             \
    static void name(const struct finish *f)                                                       \
    {                                                                                              \
        type *y = f->y;                                                                            \
        const type *c = f->c;                                                                      \
        for (size_t j = 0; j < f->count; j++) {                                                    \
            type addend = c != NULL ? c[j * f->c_stride] : 0;                                      \
            if (f->alpha == 1.0 && f->beta == 1.0) {                                               \
                y[j] = (type)((wrap)y[j] + (wrap)addend);                                          \
                continue;                                                                          \
            }                                                                                      \
            double x = trunc(f->alpha * (double)y[j] + f->beta * (double)addend);                  \
            if (x >= (limit)) {                                                                    \
                y[j] = (type) ~(wrap)(lowest);                                                     \
            } else {                                                                               \
                y[j] = x > (double)(lowest) ? (type)x : (type)(lowest);                            \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_FINISH(finish_i32, int32_t, uint32_t, INT32_MIN, 0x1p31)
DEFINE_FINISH(finish_i64, int64_t, uint64_t, INT64_MIN, 0x1p63)
DEFINE_FINISH(finish_u32, uint32_t, uint32_t, 0, 0x1p32)
DEFINE_FINISH(finish_u64, uint64_t, uint64_t, 0, 0x1p64)

const onr_contract_fn *onr_product_plain_fn(const struct onr_kernels *kernels, enum onr_dtype dtype)
{
    switch (dtype) {
    case ONR_DOUBLE:
        return &kernels->contract.f64;
    case ONR_INT32:
    case ONR_UINT32:
        return &kernels->contract.u32;
    default:
        return &kernels->contract.u64;
    }
}

static void finish_row(enum onr_dtype dtype, const struct finish *finish)
{
    switch (dtype) {
    case ONR_DOUBLE:
        finish_f64(finish);
        break;
    case ONR_INT32:
        finish_i32(finish);
        break;
    case ONR_UINT32:
        finish_u32(finish);
        break;
    case ONR_INT64:
        finish_i64(finish);
        break;
    default:
        finish_u64(finish);
        break;
    }
}

/* Element of C at the beginning of row i of Y. */
static const void *bias_row(const struct task *task, size_t i)
{
    const struct onr_product *p = task->product;
    size_t first = 0;
    if (p->bias == ONR_PRODUCT_NO_BIAS) {
        return NULL;
    }
    if (p->bias == ONR_PRODUCT_ROW_BIAS) {
        first = i;
    } else if (p->bias == ONR_PRODUCT_FULL_BIAS) {
        first = i * p->n;
    }
    return (const char *)task->operands->c + first * onr_dtype_size(p->dtype);
}

/* y = alpha * y + beta * C, for row i of Y. */
static void add_c(const struct task *task, size_t i, void *y)
{
    const struct onr_product *p = task->product;
    bool is_row = p->bias == ONR_PRODUCT_COLUMN_BIAS || p->bias == ONR_PRODUCT_FULL_BIAS;
    struct finish finish = {.count = p->n,
                            .y = y,
                            .c = bias_row(task, i),
                            .c_stride = is_row ? 1 : 0,
                            .alpha = (double)p->alpha,
                            .beta = (double)p->beta};
    finish_row(p->dtype, &finish);
}

static void run_row(const struct task *task, size_t batch, size_t i)
{
    const struct onr_product *p = task->product;
    const struct onr_product_operands *o = task->operands;
    size_t bytes = onr_dtype_size(p->dtype);
    struct onr_product_offsets offsets = onr_product_find(p, batch);
    struct onr_contract job = {
        .m = 1,
        .n = p->n,
        .k = p->k,
        .a_row_stride = p->a_row_stride,
        .a_column_stride = p->a_column_stride,
        .b_row_stride = p->b_row_stride,
        .b_column_stride = p->b_column_stride,
        .c = (char *)o->y + (offsets.y + i * p->y_row_stride) * bytes,
        .c_stride = p->n,
    };
    if (p->k > 0) {
        job.a = (const char *)o->a + (offsets.a + i * p->a_row_stride) * bytes;
        job.b = (const char *)o->b + offsets.b * bytes;
    }
    (*onr_product_plain_fn(task->kernels, p->dtype))(&job);
    if (p->alpha != 1.0f || p->bias != ONR_PRODUCT_NO_BIAS) {
        add_c(task, i, job.c);
    }
    onr_activation_apply(&p->activation, p->n, job.c);
}

static void run_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct task *task = arg;
    for (size_t row = begin; row < end; row++) {
        run_row(task, row / task->product->m, row % task->product->m);
    }
}

void onr_product_run_plain(const struct onr_product *product,
                           const struct onr_product_operands *operands,
                           const struct onr_run_ctx *ctx)
{
    struct task task = {.product = product, .operands = operands, .kernels = ctx->kernels};
    double row_macs = (double)product->n * (double)(product->k + 1);
    size_t grain = row_macs >= 32768.0 ? 1 : (size_t)(32768.0 / row_macs) + 1;
    onr_parallel_for(ctx->parallel, product->batch_count * product->m, grain, run_rows, &task);
}
