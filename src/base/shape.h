/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes. A dimension is >= 0 when it is known. In facts (graph/fact.h) it may also be unknown or a
 * symbol; at run time all dimensions are known.
 */
#ifndef ONR_BASE_SHAPE_H
#define ONR_BASE_SHAPE_H

#include "base/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ONR_MAX_RANK 16

#define ONR_DIM_UNKNOWN ((int64_t)-1)

struct onr_shape {
    int rank;
    int64_t dim[ONR_MAX_RANK]; /* [rank]; elements */
};

enum onr_kind {
    ONR_KIND_TENSOR,
    ONR_KIND_SEQUENCE, /* of tensors of one dtype, see base/sequence.h */
    ONR_KIND_NONE,     /* an optional without element; one with an element is the element itself */
    ONR_KIND_OTHER,    /* map, sparse tensor, opaque: can be shown, not run */
};

/*
 * A tensor at run time: dtype, shape and row-major data. Does not own the data. A sequence is the
 * same with tensors as elements: its data is an array of struct onr_tensor.
 */
struct onr_tensor {
    enum onr_dtype dtype;
    enum onr_kind kind;
    struct onr_shape shape;
    /* aligned for its type; without elements it may be NULL, but not where an operator runs */
    void *data;
};

/* The symbol with this index (0, 1, ...) as a dimension, and back. */
static inline int64_t onr_dim_symbol(uint32_t index)
{
    return -2 - (int64_t)index;
}

static inline bool onr_dim_is_symbol(int64_t dim)
{
    return dim <= -2;
}

/* Beyond UINT32_MAX for a multiple of a symbol, see onr_dim_mul. */
static inline uint64_t onr_dim_symbol_index(int64_t dim)
{
    return (uint64_t)(-2 - dim);
}

/* A symbolic dimension is this number of times that symbol. */
static inline int64_t onr_dim_factor(int64_t dim)
{
    return (int64_t)(onr_dim_symbol_index(dim) >> 32) + 1;
}

static inline int64_t onr_dim_base(int64_t dim)
{
    return onr_dim_symbol((uint32_t)onr_dim_symbol_index(dim));
}

/* a * b; ONR_DIM_UNKNOWN when no number or multiple of one symbol says it. */
int64_t onr_dim_mul(int64_t a, int64_t b);

/* a / b, likewise: without a remainder when a is a symbol. */
int64_t onr_dim_div(int64_t a, int64_t b);

/* True when all dimensions are known. */
bool onr_shape_is_known(const struct onr_shape *shape);

/* True when rank and all dimensions are equal (equal symbols are, unknown dimensions are not). */
bool onr_shape_equal(const struct onr_shape *a, const struct onr_shape *b);

/* Elements of a known shape; -1 when the product of its non-zero dimensions overflows. */
int64_t onr_shape_count(const struct onr_shape *shape);

/* Product of dims [begin, end) of a known shape whose count does not overflow. */
int64_t onr_shape_range(const struct onr_shape *shape, int begin, int end);

/* Bytes in memory of a tensor of a known shape; false on overflow. */
bool onr_shape_bytes(const struct onr_shape *shape, enum onr_dtype dtype, size_t *bytes);

/*
 * Row-major strides in elements: stride[i] is the product of the dims after i. Known shapes only.
 */
void onr_shape_strides(const struct onr_shape *shape, int64_t stride[ONR_MAX_RANK]);

/* Maps a possibly negative axis to [0, rank); false unless -rank <= axis < rank. */
bool onr_axis_normalize(int64_t axis, int rank, int *normalized);

/* "2x3x?" into out, cut to fit; "scalar" for rank 0. Symbols print as "?". Returns out. */
#define ONR_SHAPE_TEXT_BYTES 128
const char *onr_shape_text(const struct onr_shape *shape, char out[ONR_SHAPE_TEXT_BYTES]);

/* Elements and bytes of a run-time tensor, whose shape has been checked when it was planned. */
static inline int64_t onr_tensor_count(const struct onr_tensor *tensor)
{
    return onr_shape_range(&tensor->shape, 0, tensor->shape.rank);
}

static inline size_t onr_tensor_bytes(const struct onr_tensor *tensor)
{
    return (size_t)onr_tensor_count(tensor) * onr_dtype_size(tensor->dtype);
}

#endif
