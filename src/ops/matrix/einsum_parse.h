/* SPDX-License-Identifier: Apache-2.0 */
/* Inside Einsum: the equation, resolved against the ranks of the operands. */
#ifndef ONR_OPS_MATRIX_EINSUM_PARSE_H
#define ONR_OPS_MATRIX_EINSUM_PARSE_H

#include "graph/op_def.h"

#define ONR_EINSUM_OPERANDS 8

/* Labels are numbers: A-Z, a-z, then the dimensions of an ellipsis, the last of which is always the
 * same. */
#define ONR_EINSUM_LETTERS 52
#define ONR_EINSUM_LABELS  (ONR_EINSUM_LETTERS + ONR_MAX_RANK)

struct onr_einsum_term {
    int rank;
    uint8_t label[ONR_MAX_RANK]; /* of each dimension */
};

struct onr_einsum {
    uint32_t operand_count;
    struct onr_einsum_term operands[ONR_EINSUM_OPERANDS];
    struct onr_einsum_term output;
    int64_t dim[ONR_EINSUM_LABELS]; /* extent of each label; may be unknown */
};

/* Reads the attribute `equation` for inputs of known rank. Errors: ONR_ERR_MODEL, ONR_ERR_SHAPE. */
enum onr_status onr_einsum_parse(const struct onr_node *node, const struct onr_fact *const *inputs,
                                 struct onr_einsum *einsum, struct onr_error *err) ONR_MUST_USE;

#endif
