/* SPDX-License-Identifier: Apache-2.0 */
/* All operators of this engine, gathered from the rows in their files. */
#ifndef ONR_OPS_REGISTRY_H
#define ONR_OPS_REGISTRY_H

#include "graph/op_def.h"

extern const struct onr_registry onr_op_registry;

#endif
