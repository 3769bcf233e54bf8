/* SPDX-License-Identifier: Apache-2.0 */
/* The state of building one plan, shared by plan.c (segments, cache) and plan_node.c (one node). */
#ifndef ONR_RUNTIME_PLANNER_H
#define ONR_RUNTIME_PLANNER_H

#include "graph/eval_node.h"
#include "runtime/plan.h"

struct onr_planner {
    const struct onr_plan_options *options;
    const struct onr_program *program;
    struct onr_plan *plan;
    const struct onr_fact **inputs; /* facts of the node at hand, [max input count] */
    struct onr_fact *outputs;       /* [max output count] */
    struct onr_stream *next_stream; /* as in struct onr_plan_ctx, for the node at hand */
    struct onr_error *err;
};

/* Plans one node; *is_cut tells that the segment ends before or after it. */
enum onr_status onr_planner_node(struct onr_planner *p, uint32_t n, bool *is_cut) ONR_MUST_USE;

#endif
