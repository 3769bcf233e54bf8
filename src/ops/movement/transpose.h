/* SPDX-License-Identifier: Apache-2.0 */
/* Transpose as a part of other operators. */
#ifndef ONR_OPS_MOVEMENT_TRANSPOSE_H
#define ONR_OPS_MOVEMENT_TRANSPOSE_H

#include "graph/op_def.h"

/* The attribute perm of a node whose input has this rank, or the dimensions reversed: perm, in
 * [0, rank). Errors: ONR_ERR_SHAPE, ONR_ERR_VALUE. */
enum onr_status onr_read_perm(const struct onr_node *node, int rank, int *perm,
                              struct onr_error *err) ONR_MUST_USE;

#endif
