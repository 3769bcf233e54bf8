/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences at run time, and copies of values of any kind.
 *
 * A sequence of n tensors is a struct onr_tensor of kind ONR_KIND_SEQUENCE, of the dtype of its
 * tensors and of shape [n], whose data is an array of n struct onr_tensor. The engine keeps a
 * sequence in one block: first the array, then the data of each tensor, all aligned to 64 bytes.
 * Sequences that a caller hands in may lie elsewhere.
 */
#ifndef ONR_BASE_SEQUENCE_H
#define ONR_BASE_SEQUENCE_H

#include "base/shape.h"

/* Most tensors of a sequence. */
#define ONR_MAX_SEQUENCE ((int64_t)1 << 24)

static inline int64_t onr_sequence_count(const struct onr_tensor *sequence)
{
    return sequence->shape.dim[0];
}

static inline struct onr_tensor *onr_sequence_items(const struct onr_tensor *sequence)
{
    return (struct onr_tensor *)sequence->data;
}

/* Bytes of the array of count tensors, at most ONR_MAX_SEQUENCE. */
size_t onr_sequence_table_bytes(int64_t count);

/* Bytes that the data of one tensor takes in the block of a sequence; false on overflow. */
bool onr_sequence_item_bytes(const struct onr_shape *shape, enum onr_dtype dtype, size_t *bytes);

/* Bytes of the block that holds a copy of a tensor or sequence (0 for ONR_KIND_NONE); false on
 * overflow. */
bool onr_value_bytes(const struct onr_tensor *value, size_t *bytes);

/* Copies a value to a block of onr_value_bytes, which does not overlap it; copy may be value. */
void onr_value_copy(const struct onr_tensor *value, void *block, struct onr_tensor *copy);

#endif
