/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that follow from constants and shapes alone, and are too large to be computed while a plan is
 * made: its first run computes them for all that follow. Which ones these are, the program tells from
 * its nodes; each plan checks it.
 */
#ifndef ONR_RUNTIME_STEADY_H
#define ONR_RUNTIME_STEADY_H

#include "runtime/planner.h"

/* Fills in what the program knows of them, once its nodes and constants are bound. Error:
 * ONR_ERR_MEMORY. */
enum onr_status onr_steady_find(struct onr_program *program, struct onr_error *err) ONR_MUST_USE;

/* True when all runs of the plan would compute the same outputs of the node that is being planned. When
 * not, and it reads from the slab what only the first run would write, the plan keeps nothing. */
bool onr_steady_node(struct onr_planner *p, const struct onr_bound_node *bound);

/* Gives an output memory that lasts as long as the plan, if there may be so much; *memory is NULL else,
 * and the plan keeps nothing. Error: ONR_ERR_MEMORY. */
enum onr_status onr_steady_keep(struct onr_planner *p, size_t bytes, void **memory) ONR_MUST_USE;

#endif
