/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers for inference of operators that move data: arithmetic on dimensions that may be symbols,
 * checked axes, and the symbolic contents of small integer tensors, through which a shape that a
 * model computes (Shape, Gather, Concat, Reshape) keeps its symbols.
 */
#ifndef ONR_OPS_COMMON_CONTENTS_H
#define ONR_OPS_COMMON_CONTENTS_H

#include "graph/op_def.h"

static inline struct onr_sint onr_sint_of(int64_t value)
{
    return (struct onr_sint){.value = value};
}

static inline struct onr_sint onr_sint_of_dim(int64_t dim)
{
    return dim >= 0 ? (struct onr_sint){.value = dim} : (struct onr_sint){.dim = dim};
}

/* A number that is no dimension is unknown as one. */
static inline int64_t onr_sint_dim(struct onr_sint number)
{
    return number.dim != 0 ? number.dim : number.value >= 0 ? number.value : ONR_DIM_UNKNOWN;
}

/* The product of dims [begin, end), which may be symbols. */
int64_t onr_dim_range(const struct onr_shape *shape, int begin, int end);

/* Maps axis to [0, rank). Error: ONR_ERR_SHAPE "axis 3 out of range for rank 2". */
enum onr_status onr_check_axis(struct onr_error *err, int64_t axis, int rank,
                               int *normalized) ONR_MUST_USE;

/* Fails with ONR_ERR_SHAPE unless the rank of input `index` is unknown or as expected. */
enum onr_status onr_check_rank(const struct onr_infer_ctx *ctx, uint32_t index,
                               int rank) ONR_MUST_USE;

/* Fails with ONR_ERR_LIMIT when rank exceeds ONR_MAX_RANK. */
enum onr_status onr_check_max_rank(struct onr_error *err, size_t rank) ONR_MUST_USE;

/*
 * What an operator of one operand and a list of integers, whose infer this is, makes of shape x as a
 * part of this node: y. The list is the node's input `list`; output: the value that y belongs to, or
 * ONR_NO_VALUE.
 */
enum onr_status onr_infer_part(struct onr_infer_ctx *ctx,
                               enum onr_status (*infer)(struct onr_infer_ctx *ctx), uint32_t list,
                               const struct onr_shape *x, uint32_t output,
                               struct onr_shape *y) ONR_MUST_USE;

/* Elements of input `index` (rank 0 or 1) by its shape, or -1 when that is not known. */
int64_t onr_list_length(const struct onr_infer_ctx *ctx, uint32_t index);

/* Gives output 0 this rank with unknown dimensions. */
void onr_infer_unknown_dims(struct onr_infer_ctx *ctx, int rank);

/*
 * The integers in input `index`, or NULL when they are not known at all, are more than
 * ONR_MAX_CONTENTS, or the input is no integer list. For results that profit from contents but do
 * without: no need is recorded.
 */
const struct onr_sint *onr_contents_peek(struct onr_infer_ctx *ctx, uint32_t index, size_t *count);

/*
 * Room for count <= ONR_MAX_CONTENTS integers, which become the contents of output 0; NULL: out of
 * memory.
 */
struct onr_sint *onr_contents_new(struct onr_infer_ctx *ctx, size_t count);

/* Output 0, of rank 0 or 1, has the contents of input 0, if those are known. */
void onr_contents_forward(struct onr_infer_ctx *ctx);

/* For Mul, Div and Max of int64 whose output has its shape: its contents, as far as they follow from
 * those of the inputs. */
void onr_contents_combine(struct onr_infer_ctx *ctx);

/* For Equal: the output, when all of it follows. A symbol is no negative number. */
void onr_contents_equal(struct onr_infer_ctx *ctx);

#endif
