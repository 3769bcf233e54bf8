/* SPDX-License-Identifier: Apache-2.0 */
/* Packing of constant B once per program, its panels shared by all threads. */
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
    size_t element_bytes = onr_dtype_size(task->b.dtype);
    for (size_t item = begin; item < end; item++) {
        size_t batch = item / task->panels;
        size_t panel = item % task->panels;
        struct onr_gemm_matrix b = task->b;
        b.data = (const char *)b.data + batch * task->k * task->n * element_bytes;
        float *packed = task->packed->data + batch * task->panels * task->k * kernel->columns;
        onr_gemm_f32_pack(kernel, task->k, task->n, &b, panel, panel + 1, packed);
    }
}

bool onr_product_packed_bytes(const struct onr_gemm_f32 *kernel, size_t batch, size_t k, size_t n,
                              size_t *bytes)
{
    *bytes = kernel->columns * sizeof(float);
    return onr_size_mul(*bytes, onr_gemm_f32_panels(kernel, n), bytes) &&
           onr_size_mul(*bytes, k, bytes) && onr_size_mul(*bytes, batch, bytes);
}

static enum onr_status pack_b(struct onr_prepare_ctx *ctx, struct onr_packed_b *packed,
                              struct pack_task *task, size_t batch)
{
    if (packed->kernel == NULL) {
        packed->kernel = onr_gemm_f32_choose(&ctx->kernels->gemm, task->n);
    }
    if (packed->data == NULL) {
        if (!onr_product_packed_bytes(packed->kernel, batch, task->k, task->n, &packed->bytes)) {
            return onr_fail(ctx->err, ONR_ERR_LIMIT, "packed weights are too large");
        }
        packed->data = onr_mem_alloc(ctx->mem, packed->bytes);
    }
    if (packed->data == NULL) {
        return onr_fail_memory(ctx->err, "packed weights");
    }
    task->packed = packed;
    task->panels = onr_gemm_f32_panels(packed->kernel, task->n);
    onr_parallel_for(ctx->parallel, batch * task->panels, 1, pack_items, task);
    return ONR_OK;
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

void onr_product_release(struct onr_mem *mem, void *state)
{
    struct onr_product_state *product_state = state;
    if (product_state != NULL) {
        onr_mem_free(mem, product_state->packed.data, product_state->packed.bytes);
        product_state->packed.data = NULL;
    }
}
