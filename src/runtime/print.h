/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the stages program and plan, as text or as one JSON object. */
#ifndef ONR_RUNTIME_PRINT_H
#define ONR_RUNTIME_PRINT_H

#include "runtime/plan.h"

/* Each node with its operator row, and what became of the constants. isa: the highest instruction
 * set whose kernels are used. */
void onr_print_program(struct onr_text *text, const struct onr_program *program, const char *isa,
                       bool is_json);

/* The first segment: steps with the places of their outputs, the slab, and what was computed at
 * plan time. */
void onr_print_plan(struct onr_text *text, const struct onr_program *program,
                    const struct onr_plan *plan, bool is_json);

#endif
