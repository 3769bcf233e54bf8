/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that name one of a few ways. */
#ifndef ONR_OPS_IMAGE_CHOICE_H
#define ONR_OPS_IMAGE_CHOICE_H

#include "graph/op_def.h"

/*
 * The place of string attribute `attr` in `names` (ended by NULL; the first is the default). Error:
 * ONR_ERR_MODEL listing them.
 */
enum onr_status onr_choice(const struct onr_node *node, const char *attr, const char *const *names,
                           int *chosen, struct onr_error *err) ONR_MUST_USE;

#endif
