/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batched matrix product that MatMul, Gemm and others are made of:
 *
 *     Y[b] = f(alpha * A[b] * B[b] + beta * C + addend[b]) * factor[b]
 *
 * A[b]: m x k, B[b]: k x n, C broadcast to m x n, addend and factor laid out as Y. C, addend, f (an
 * activation) and factor may be missing; they are applied to pieces of Y as these are computed, so
 * an operator that is fused into a product costs no pass over memory of its own.
 *
 * prepare packs a constant B, plan chooses how the work is cut, run does it. Types: float16 and
 * bfloat16 (summed in float32), float32, float64, (u)int32 and (u)int64 (wrapping).
 */
#ifndef ONR_OPS_MATRIX_PRODUCT_H
#define ONR_OPS_MATRIX_PRODUCT_H

#include "graph/op_def.h"
#include "kernels/kernels.h"

#define ONR_PRODUCT_DTYPES                                                                         \
    (ONR_DTYPES_FLOAT | ONR_BIT(INT32) | ONR_BIT(INT64) | ONR_BIT(UINT32) | ONR_BIT(UINT64))

#define ONR_MAX_PRODUCTS 8 /* that are run together */

/* A constant B in the form that tiles read. */
struct onr_packed_b {
    const struct onr_gemm_f32 *kernel;
    const struct onr_gemm_f32 *last; /* of a panel that is not whole */
    void *data; /* float[batch][panels][k][columns], once what was put off is done */
};

/* State of an operator that has one product; from onr_product_prepare. */
struct onr_product_state {
    const struct onr_kernels *kernels;
    struct onr_packed_b packed; /* data NULL: B is no constant, or its type has no packed form */
};

/* How C is spread over the rows and columns of Y. */
enum onr_product_bias {
    ONR_PRODUCT_NO_BIAS,
    ONR_PRODUCT_COLUMN_BIAS, /* [n]: one number per column */
    ONR_PRODUCT_ROW_BIAS,    /* [m]: one number per row */
    ONR_PRODUCT_SCALAR_BIAS,
    ONR_PRODUCT_FULL_BIAS, /* [m, n] */
};

/* Where the matrices of one item of the batch begin, in elements. */
struct onr_product_offsets {
    size_t a, b, y;
};

/* A dimension of the batch: how many matrices, and how far these are apart, in elements. */
struct onr_product_dim {
    size_t count;
    size_t a, b, y;
};

/* Extents and strides, in elements. The fields up to `multiply` are set by the caller of
 * onr_product_plan. */
struct onr_product {
    enum onr_dtype dtype;
    size_t m, n, k;
    size_t a_row_stride, a_column_stride;
    size_t b_row_stride, b_column_stride;
    size_t y_row_stride; /* columns of Y follow each other */
    int batch_rank;
    const struct onr_product_dim *batch; /* [batch_rank], borrowed; A and B do not change places */
    float alpha;
    float beta;
    enum onr_product_bias bias;
    struct onr_activation activation; /* kernels for onr_product_value_dtype(dtype) */
    bool has_addend;                  /* float32 alone, and not beside ONR_PRODUCT_FULL_BIAS */
    onr_binary_fn multiply;           /* by a factor, float32 alone; NULL: there is none */

    bool is_turned; /* m, n, A and B have changed places */
    size_t batch_count;
    const struct onr_gemm_f32 *kernel; /* NULL for types without packed form */
    const struct onr_gemm_f32 *last;   /* of a packed panel that is not whole */
    const float *packed;               /* B, or NULL */
    size_t panels;
    size_t row_splits; /* rows are cut into this many parts, so that all threads have work */
    size_t grain;      /* items that a worker takes at least */
    size_t gemm_bytes; /* per worker: scratch of the tiles */
    size_t worker_bytes;
    size_t bias_bytes;      /* in front of the workers' scratch: beta * C as floats */
    struct onr_stream next; /* what is read after this product, when that is known */
    bool is_stream;         /* the panels of this product and those run with it follow each other */
    bool is_prefetched;     /* the product before prefetches the first panels of B */
    bool is_b_hot;          /* B, which is packed, stays in L2 from run to run */
    bool is_backward;       /* panels are gone through from the last to the first */
    size_t kept_back;       /* items that threads take one by one after their share of the others */
};

/* The operands of one run; c, addend and factor may be NULL. None overlaps y, but addend may be y.
 */
struct onr_product_operands {
    const void *a;
    const void *b;
    const void *c;
    const float *addend;
    const float *factor;
    void *y;
};

/* The type of the values that the activation is applied to: half types are computed as float32. */
static inline enum onr_dtype onr_product_value_dtype(enum onr_dtype dtype)
{
    return dtype == ONR_FLOAT16 || dtype == ONR_BFLOAT16 ? ONR_FLOAT : dtype;
}

/* The types that are computed by tiles from packed panels. */
static inline bool onr_product_has_tiles(enum onr_dtype dtype)
{
    return onr_product_value_dtype(dtype) == ONR_FLOAT;
}

/* Floats of a panel of packed B. */
static inline size_t onr_product_panel_floats(const struct onr_product *product)
{
    return product->k * product->kernel->columns;
}

/* Allocates the state; packs `batch` matrices of b (k x n each, contiguous) when constant is not
 * NULL. */
enum onr_status onr_product_prepare(struct onr_prepare_ctx *ctx, const struct onr_constant *b,
                                    size_t batch, size_t k, size_t n, size_t row_stride,
                                    size_t column_stride) ONR_MUST_USE;

/*
 * Packs one matrix b (k x n, neither 0) of a float type up to float32, for an operator that keeps
 * several: what is packed one after the other lies one behind the other. packed lives as long as the
 * program. packed->kernel: the tile shape, or NULL to choose one.
 */
enum onr_status onr_product_pack(struct onr_prepare_ctx *ctx, const struct onr_gemm_matrix *b,
                                 size_t k, size_t n, struct onr_packed_b *packed) ONR_MUST_USE;

/* Fills in how to do it. */
void onr_product_plan(struct onr_product *product, const struct onr_product_state *state,
                      unsigned thread_count, size_t *workspace_bytes);

/*
 * Lets the product that was planned before prefetch the first panels of these while it ends, and
 * these those of the next. For products with constant B that follow each other in memory, after
 * onr_product_plan or onr_product_plan_all; does nothing for others.
 */
void onr_product_link(struct onr_product *products, size_t count, struct onr_plan_ctx *ctx);

/* Tells how the product that was planned is computed. */
void onr_product_tell(const struct onr_product *product, struct onr_plan_ctx *ctx);

void onr_product_run(const struct onr_product *product, const struct onr_product_operands *operands,
                     const struct onr_run_ctx *ctx);

/*
 * The same for up to ONR_MAX_PRODUCTS products of float32 whose C is a COLUMN_BIAS, if any: plan each with its
 * state, and run them in one go, with their panels shared out together.
 */
void onr_product_plan_all(struct onr_product *products, const struct onr_product_state *states,
                          size_t count, unsigned thread_count, size_t *workspace_bytes);
void onr_product_run_all(const struct onr_product *products,
                         const struct onr_product_operands *operands, size_t count,
                         const struct onr_run_ctx *ctx);

#endif
