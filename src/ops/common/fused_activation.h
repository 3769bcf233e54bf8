/* SPDX-License-Identifier: Apache-2.0 */
/* The function that fused operators apply to what they have computed: attribute "activation". */
#ifndef ONR_OPS_COMMON_FUSED_ACTIVATION_H
#define ONR_OPS_COMMON_FUSED_ACTIVATION_H

#include "graph/op_def.h"
#include "kernels/kernels.h"

/*
 * Reads "activation" with its parameters, which are the list "activation_params" or
 * "activation_alpha", "activation_beta" and "activation_gamma". Error: ONR_ERR_UNSUPPORTED for an
 * unknown function.
 */
enum onr_status onr_fused_activation_read(const struct onr_node *node, enum onr_dtype dtype,
                                          const struct onr_kernels *kernels,
                                          struct onr_activation *activation,
                                          struct onr_error *err) ONR_MUST_USE;

/* y[i] = f(y[i] + residual[i]) for i < count, of the type that the activation was read for; residual
 * may be NULL. add: the kernel for the type. */
void onr_fused_activation_run(const struct onr_activation *activation, enum onr_dtype dtype,
                              onr_binary_fn add, const void *residual, size_t count, void *y,
                              const struct onr_parallel *parallel);

#endif
