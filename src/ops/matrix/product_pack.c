/* SPDX-License-Identifier: Apache-2.0 */
/* Packing of constant B once per program, with that of all nodes. */
#include "base/size.h"
#include "ops/matrix/product.h"

struct pack_task {
    const struct onr_packed_b *packed;
    struct onr_gemm_matrix b;
    size_t k, n, panels;
};

static void pack_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct pack_task *task = arg;
    const struct onr_gemm_f32 *kernel = task->packed->kernel;
    size_t matrix_bytes = task->k * task->n * onr_dtype_size(task->b.dtype);
    size_t matrix_floats = task->panels * task->k * kernel->columns;
    for (size_t item = begin; item < end;) {
        size_t batch = item / task->panels;
        size_t first = item % task->panels;
        size_t last = end - item < task->panels - first ? first + (end - item) : task->panels;
        struct onr_gemm_matrix b = task->b;
        b.data = (const char *)b.data + batch * matrix_bytes;
        onr_gemm_f32_pack_weights(kernel, task->packed->last, task->k, task->n, &b, first, last,
                                  (float *)task->packed->data + batch * matrix_floats);
        item += last - first;
    }
}

static enum onr_status pack_b(struct onr_prepare_ctx *ctx, struct onr_packed_b *packed,
                              struct pack_task *task, size_t batch)
{
    if (packed->kernel == NULL) {
        packed->kernel = onr_gemm_f32_choose(&ctx->kernels->gemm, task->n);
    }
    packed->last = onr_gemm_f32_choose_last(&ctx->kernels->gemm, packed->kernel, task->n, task->k);
    size_t panel_bytes = 0;
    size_t bytes = 0;
    task->packed = packed;
    task->panels = onr_gemm_f32_panels(packed->kernel, task->n);
    if (!onr_size_mul(packed->kernel->columns * sizeof(float), task->k, &panel_bytes) ||
        !onr_size_mul(panel_bytes, task->panels, &bytes) || !onr_size_mul(bytes, batch, &bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "packed weights are too large");
    }
    return onr_backlog_room(ctx->backlog, bytes, &packed->data) &&
                   onr_backlog_add(ctx->backlog, batch * task->panels, panel_bytes, pack_items,
                                   task, sizeof *task)
               ? ONR_OK
               : onr_fail_memory(ctx->err, "packed weights");
}

enum onr_status onr_product_pack(struct onr_prepare_ctx *ctx, const struct onr_gemm_matrix *b,
                                 size_t k, size_t n, struct onr_packed_b *packed)
{
    struct pack_task task = {.k = k, .n = n, .b = *b};
    return pack_b(ctx, packed, &task, 1);
}

enum onr_status onr_product_prepare(struct onr_prepare_ctx *ctx, const struct onr_constant *b,
                                    size_t batch, size_t k, size_t n, size_t row_stride,
                                    size_t column_stride)
{
    struct onr_product_state *state = ONR_ARENA_NEW(ctx->arena, struct onr_product_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a product");
    }
    *state = (struct onr_product_state){.kernels = ctx->kernels};
    ctx->state = state;
    if (b == NULL || !onr_product_has_tiles(b->dtype) || batch == 0 || k == 0 || n == 0) {
        return ONR_OK;
    }
    struct pack_task task = {.k = k,
                             .n = n,
                             .b = {.data = b->data,
                                   .dtype = b->dtype,
                                   .row_stride = row_stride,
                                   .column_stride = column_stride}};
    ONR_TRY(pack_b(ctx, &state->packed, &task, batch));
    ctx->consumed |= 1u << 1;
    return ONR_OK;
}
