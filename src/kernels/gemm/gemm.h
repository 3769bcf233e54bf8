/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products in float32: packed panels, tiles, and the loops that cover a block of C with
 * tiles.
 *
 *     C[m,n] = f(addend[m,n] + bias + scale * sum_k A[m,k] * B[k,n]) * factor[m,n]
 *
 * Each of addend, bias, f and factor may be missing. The first two are where a tile's registers
 * start from when they are stored, with Relu if that is f; any other f and factor are applied while
 * the tile is in L1.
 *
 * B is read in panels of `columns` columns. Packed, a panel is [k][columns], zero-padded on the
 * right, and panels follow each other: float[panels][k][columns]. What is not packed is packed
 * piece by piece into the worker's scratch on the way. Float16 and bfloat16 operands are converted
 * while they are copied.
 *
 * Every element of C is summed in the same order whatever block, tile or path computes it: k
 * ascending in blocks of at most ONR_GEMM_KC (cut evenly, by k alone), blocks added one after the
 * other. So results do not depend on how the work is split, nor on the other rows of a batch.
 */
#ifndef ONR_KERNELS_GEMM_GEMM_H
#define ONR_KERNELS_GEMM_GEMM_H

#include "base/dtype.h"
#include "kernels/elementwise/activation.h"
#include "kernels/move/move.h"

#include <stdbool.h>
#include <stddef.h>

#define ONR_GEMM_KC          1024 /* most k steps of one block: a panel's piece stays in L2 */
#define ONR_GEMM_MC          128  /* rows of A that are used together, so that they stay in L2 */
#define ONR_GEMM_LINED_ROWS  256  /* most rows of an A of lines */
#define ONR_GEMM_MAX_ROWS    14
#define ONR_GEMM_MAX_COLUMNS 48
#define ONR_GEMM_WIDE_ROWS   4  /* up to here the work is reading B: tiles span several panels */
#define ONR_GEMM_WIDE_PANELS 8  /* at most so many */
#define ONR_GEMM_LINE_FLOATS 16 /* floats in a cache line */
#define ONR_GEMM_TURNED_ROWS 16 /* at most this many rows are multiplied by a B that is turned */
#define ONR_GEMM_MAX_SHAPES  4

/* What tiles read where nothing is to be added. */
extern const float onr_gemm_zeros[ONR_GEMM_WIDE_PANELS * ONR_GEMM_MAX_COLUMNS];

/* What one tile reads and writes.  c = max(low, base + bias + scale * (A * B)), NaN stays. */
struct onr_gemm_f32_tile {
    size_t k;
    const float *a; /* a[i * a_stride + p], row i, step p */
    size_t a_stride;
    const float *b; /* b[p * b_stride + j], any alignment of floats; nothing beyond is read */
    size_t b_stride;
    size_t panel_stride; /* wide tiles: from panel to panel */
    size_t ahead;        /* wide tiles: bytes from what is read of B to what is prefetched, or 0 */
    float *c;            /* c[i * c_stride + j]; written in full */
    size_t c_stride;
    const float *base; /* base[i * base_stride + j], may be c; or onr_gemm_zeros, of stride 0 */
    size_t base_stride;
    const float *column_bias; /* [columns], of all panels in wide tiles; or onr_gemm_zeros */
    const float *row_bias;    /* [rows] or onr_gemm_zeros; not both */
    float scale;
    float low;        /* 0 for Relu, else -inf */
    const char *next; /* what will be read next, to be prefetched while this tile computes */
    const char *next_end;
    size_t next_lines; /* cache lines to prefetch every 4 steps */
    size_t late_steps; /* steps left when the lines of c and base are asked for; 0: they are not */
};

typedef void (*onr_gemm_f32_tile_fn)(const struct onr_gemm_f32_tile *tile);

/* sums[i][j] = sum of a[i * a_stride + p] * b[j * b_stride + p] over p < k, ascending, for at most
 * ONR_GEMM_TURNED_ROWS rows and the columns of a panel: B lies transposed. sums: [rows][columns]. */
typedef void (*onr_gemm_f32_turned_fn)(size_t rows, size_t columns, size_t k, const float *a,
                                       size_t a_stride, const float *b, size_t b_stride,
                                       float *sums);

/* A tile shape and its functions. No aliasing between c and what is read, but for c itself. */
struct onr_gemm_f32 {
    size_t rows;    /* most rows of a tile, at most ONR_GEMM_MAX_ROWS */
    size_t columns; /* of a tile and of a panel */
    /* Time of a step of a row of whole tiles, measured in columns of the widest shape. Less for a
     * narrower shape, and so much that what fits into one panel takes most time in two. */
    size_t cost;
    onr_gemm_f32_tile_fn tile[ONR_GEMM_MAX_ROWS + 1];  /* by row count; [0] unused */
    onr_gemm_f32_tile_fn wide[ONR_GEMM_WIDE_ROWS + 1]; /* by row count: wide_panels[rows] panels */
    size_t wide_panels[ONR_GEMM_WIDE_ROWS + 1];
    onr_gemm_f32_turned_fn turned; /* or NULL */
    size_t turned_rows;            /* up to here packing costs more than turning B for each row */
    onr_transpose_fn transpose;    /* of floats, to copy operands that lie transposed */
};

/* Tile shapes of the instruction set, preferred ones first, then NULL. */
struct onr_gemm_kernels {
    const struct onr_gemm_f32 *f32[ONR_GEMM_MAX_SHAPES];
    const struct onr_gemm_f32 *slim; /* for a last panel of few columns, or NULL */
};

/* A matrix that is read: element (i, j) is number i * row_stride + j * column_stride. */
struct onr_gemm_matrix {
    const void *data;
    enum onr_dtype dtype; /* ONR_FLOAT, ONR_FLOAT16 or ONR_BFLOAT16 */
    size_t row_stride;
    size_t column_stride;
};

/* A product of which onr_gemm_f32_run computes blocks. */
struct onr_gemm_f32_job {
    const struct onr_gemm_f32 *kernel;
    size_t m, n, k;
    struct onr_gemm_matrix a; /* aligned for its type */
    /* Rows of A lie in lines of line_rows, each line_stride elements behind the one before. A is of
     * floats and b packed then, and all rows are run, whose number is at most ONR_GEMM_LINED_ROWS. 0:
     * there are no lines. */
    size_t line_rows, line_stride;
    struct onr_gemm_matrix b; /* ignored when b_packed is set; aligned for its type */
    const float *b_packed;    /* all panels from onr_gemm_f32_pack, or NULL */
    const struct onr_gemm_f32
        *last; /* the shape of a packed panel that is not whole; NULL: kernel */
    float *c;  /* element (c_row, c_column) of C, not overlapping a and b */
    size_t c_stride;
    size_t c_row, c_column;
    const float *addend; /* its element (c_row, c_column), or NULL; may be c */
    size_t addend_stride;
    const float *column_bias; /* [n] or NULL */
    const float *row_bias;    /* [m] or NULL; not both */
    float scale;
    bool accumulate;                  /* C += instead of C =: addend and bias are not read */
    struct onr_activation activation; /* f, of floats */
    const float *factor; /* its element (c_row, c_column), or NULL; does not overlap c */
    size_t factor_stride;
    onr_binary_fn multiply; /* of floats, for factor */
    const void *after;      /* what will be read after this product, to be prefetched, or NULL */
    bool is_prefetched;     /* the first panels are: they were `after` for the product before */
    bool is_b_hot;          /* packed B lies in L2: nothing of it is prefetched */
    bool is_backward;       /* panels are gone through from the last to the first */
    bool is_a_cold;         /* rows of A come from memory: those of the next tile are prefetched */
    bool is_c_cold; /* C is in no second level cache: what a tile will store is prefetched */
};

/* Whether that is so for a result of so many floats, of which C may be a part: 1 MiB. */
static inline bool onr_gemm_f32_is_cold(size_t floats)
{
    return floats >= 262144;
}

/* Panels that n columns take. */
static inline size_t onr_gemm_f32_panels(const struct onr_gemm_f32 *kernel, size_t n)
{
    return (n + kernel->columns - 1) / kernel->columns;
}

/* The tile shape that is the fastest for n columns. */
const struct onr_gemm_f32 *onr_gemm_f32_choose(const struct onr_gemm_kernels *kernels, size_t n);

/* The fastest for the columns that whole panels of n columns leave, where A of k steps is as it is for
 * kernel; that if there are none. No wider than kernel, if that was chosen for n. */
const struct onr_gemm_f32 *onr_gemm_f32_choose_last(const struct onr_gemm_kernels *kernels,
                                                    const struct onr_gemm_f32 *kernel, size_t n,
                                                    size_t k);

/* The fastest where the last panel, if it is not whole, may have another shape. */
const struct onr_gemm_f32 *onr_gemm_f32_choose_two(const struct onr_gemm_kernels *kernels, size_t n,
                                                   const struct onr_gemm_f32 **last);

/* Number of blocks that k steps are cut into (1 for k = 0), and where block `index` begins. */
static inline size_t onr_gemm_k_blocks(size_t k)
{
    return k <= ONR_GEMM_KC ? 1 : (k + ONR_GEMM_KC - 1) / ONR_GEMM_KC;
}

static inline size_t onr_gemm_k_begin(size_t k, size_t blocks, size_t index)
{
    size_t share = k / blocks;
    size_t rest = k % blocks;
    return index * share + (index < rest ? index : rest);
}

/* True for a B that tiles can read without a copy. */
static inline bool onr_gemm_f32_has_rows(const struct onr_gemm_matrix *b)
{
    return b->dtype == ONR_FLOAT && b->column_stride == 1;
}

/* Whether a block of so many rows and k steps reads whole panels of B, which lies transposed. */
static inline bool onr_gemm_f32_is_turned(const struct onr_gemm_f32_job *job, size_t rows, size_t k)
{
    return job->b_packed == NULL && job->b.dtype == ONR_FLOAT && job->b.row_stride == 1 &&
           rows <= job->kernel->turned_rows && rows <= k;
}

/* The panels that a tile spans where a block has so few rows, if B is packed or has rows; else 0. */
static inline size_t onr_gemm_f32_wide_panels(const struct onr_gemm_f32 *kernel, size_t rows)
{
    bool is_wide = rows <= ONR_GEMM_WIDE_ROWS && kernel->wide[rows] != NULL;
    return is_wide ? kernel->wide_panels[rows] : 0;
}

/*
 * Packs the panels [begin, end) of b (k x n, data at any alignment) to packed + panel * k *
 * columns. packed has room for all panels, 64-byte aligned.
 */
void onr_gemm_f32_pack(const struct onr_gemm_f32 *kernel, size_t k, size_t n,
                       const struct onr_gemm_matrix *b, size_t begin, size_t end, float *packed);

/*
 * The same for weights, which will not be read soon: packs the shares [begin, end) of as many equal
 * shares of the work as b has panels, whatever parts of b these are, and writes past the caches. A
 * panel that is not whole is packed for the shape `last`, in the room of one of kernel.
 * packed: room for all panels.
 */
void onr_gemm_f32_pack_weights(const struct onr_gemm_f32 *kernel, const struct onr_gemm_f32 *last,
                               size_t k, size_t n, const struct onr_gemm_matrix *b, size_t begin,
                               size_t end, float *packed);

/* Bytes of scratch that one worker needs for blocks of the job; a multiple of 64. The job's
 * pointers are not read, but whether b_packed is NULL. */
size_t onr_gemm_f32_workspace(const struct onr_gemm_f32_job *job);

/* Computes rows [m_begin, m_end) of the panels [p_begin, p_end) of C. workspace: 64-byte aligned.
 */
void onr_gemm_f32_run(const struct onr_gemm_f32_job *job, size_t m_begin, size_t m_end,
                      size_t p_begin, size_t p_end, void *workspace);

#endif
