/* SPDX-License-Identifier: Apache-2.0 */
/* What the operators share that apply a function of kernels/elementwise/unary.h to each element. */
#ifndef ONR_OPS_ELEMENTWISE_UNARY_H
#define ONR_OPS_ELEMENTWISE_UNARY_H

#include "graph/op_def.h"
#include "kernels/elementwise/unary.h"

/* State of a node: the row of the kernel table for its element type, and the parameters. */
struct onr_unary_state {
    onr_unary_fn function;
    struct onr_unary_args args;
    size_t input_bytes; /* of one element */
    size_t output_bytes;
};

/* Elements that one thread takes at least. */
#define ONR_UNARY_GRAIN 8192

/* Makes the node's state in ctx->state. Error: ONR_ERR_UNSUPPORTED when the function lacks the
 * type. */
enum onr_status onr_unary_bind(struct onr_prepare_ctx *ctx, enum onr_unary_op op,
                               struct onr_unary_args args) ONR_MUST_USE;

/* The run function of all operators that were bound so. */
enum onr_status onr_unary_run(struct onr_run_ctx *ctx);

/* The fields of a row that all of them have in common. */
#define ONR_UNARY_ROW(text, since, input_types, output_types, prepare_fn)                          \
    .domain = "", .name = (text), .since_version = (since), .last_version = ONR_OPSET_LATEST,      \
    .inputs = {1, 1}, .outputs = {1, 1}, .input_specs = (input_types),                             \
    .output_specs = (output_types), .traits = ONR_TRAIT_INPLACE, .infer = onr_infer_same_shape,    \
    .prepare = (prepare_fn), .run = onr_unary_run

#endif
