/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of any numeric type as numbers that order as they do (kernels/reduce/order.h). */
#ifndef ONR_OPS_REDUCE_ORDER_KEYS_H
#define ONR_OPS_REDUCE_ORDER_KEYS_H

#include "base/dtype.h"
#include "kernels/kernels.h"

/* keys[i] = key of data[first + i * stride] ^ flip for i < count. */
void onr_order_keys(const struct onr_order_kernels *kernels, enum onr_dtype dtype, const void *data,
                    size_t first, size_t stride, size_t count, uint64_t flip, uint64_t *keys);

#endif
