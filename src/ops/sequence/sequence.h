/* SPDX-License-Identifier: Apache-2.0 */
/* What operators on sequences have in common: checks of kinds, positions, writing a sequence. */
#ifndef ONR_OPS_SEQUENCE_SEQUENCE_H
#define ONR_OPS_SEQUENCE_SEQUENCE_H

#include "base/sequence.h"
#include "graph/op_def.h"

/* Input `index` must be a sequence (a tensor). A value of which nothing is known passes. Error:
 * ONR_ERR_MODEL. */
enum onr_status onr_check_sequence(struct onr_infer_ctx *ctx, uint32_t index) ONR_MUST_USE;
enum onr_status onr_check_tensor(struct onr_infer_ctx *ctx, uint32_t index) ONR_MUST_USE;

/* Makes output 0 a sequence of tensors of this shape, whose rank may be unknown. */
void onr_infer_sequence(struct onr_infer_ctx *ctx, const struct onr_shape *item);

/* The shape of tensors that have either shape: dimensions that differ are unknown. */
struct onr_shape onr_shape_union(const struct onr_shape *a, const struct onr_shape *b);

/*
 * The one integer in input `index`, from -count to limit, as a position from 0 to limit: negative
 * ones count from the end of a sequence of count tensors. Errors: ONR_ERR_SHAPE, ONR_ERR_VALUE.
 */
enum onr_status onr_sequence_position(struct onr_run_ctx *ctx, uint32_t index, int64_t count,
                                      int64_t limit, int64_t *position) ONR_MUST_USE;

/* Fills a sequence that is an output of a DYNAMIC operator, tensor by tensor. */
struct onr_sequence_writer {
    struct onr_run_ctx *ctx;
    uint32_t output;
    int64_t capacity; /* tensors */
    size_t used;      /* bytes of the storage */
    size_t room;
};

/*
 * Begins with an empty sequence with room for capacity tensors. bytes is about what their data
 * takes; when it takes more the storage grows. Errors: ONR_ERR_LIMIT, ONR_ERR_MEMORY.
 */
enum onr_status onr_sequence_begin(struct onr_sequence_writer *writer, struct onr_run_ctx *ctx,
                                   uint32_t output, enum onr_dtype dtype, int64_t capacity,
                                   size_t bytes) ONR_MUST_USE;

/* Appends a tensor whose data is to be filled in before the next one is appended. */
enum onr_status onr_sequence_append(struct onr_sequence_writer *writer,
                                    const struct onr_shape *shape,
                                    struct onr_tensor **item) ONR_MUST_USE;

/* Appends copies of tensors [begin, end) of an array. */
enum onr_status onr_sequence_append_copies(struct onr_sequence_writer *writer,
                                           const struct onr_tensor *items, int64_t begin,
                                           int64_t end) ONR_MUST_USE;

#endif
