/* SPDX-License-Identifier: Apache-2.0 */
/* What the operators of two broadcast inputs share: shapes, loops, and their rows' fields. */
#ifndef ONR_OPS_ELEMENTWISE_BINARY_H
#define ONR_OPS_ELEMENTWISE_BINARY_H

#include "graph/op_def.h"
#include "ops/common/broadcast.h"

/* Elements of the output that one thread takes at least. */
#define ONR_BINARY_GRAIN 16384

/*
 * Shape of output 0. From version 7 on by numpy's rules. Before, input 1 is broadcast one-way to
 * input 0 when attribute `broadcast` is set: its dimensions stand at those of input 0 from `axis`
 * on, or at the last ones. Errors: ONR_ERR_SHAPE.
 */
enum onr_status onr_binary_infer(struct onr_infer_ctx *ctx);

/* Puts the loops of inputs 0 and 1, by the same rules, into ctx->plan. */
enum onr_status onr_binary_plan(struct onr_plan_ctx *ctx);

/* Attributes of versions 1 to 6. */
extern const struct onr_attr_spec onr_binary_old_attrs[];

/* The fields of a row that all of them have in common. */
#define ONR_BINARY_ROW(text, since, last, types, result, prepare_fn, run_fn)                       \
    .domain = "", .name = (text), .since_version = (since), .last_version = (last),                \
    .inputs = {2, 2}, .outputs = {1, 1}, .input_specs = (types), .output_specs = (result),         \
    .infer = onr_binary_infer, .prepare = (prepare_fn), .plan = onr_binary_plan, .run = (run_fn)

#endif
