/* SPDX-License-Identifier: Apache-2.0 */
/* A function that is applied to values which have just been computed: a unary one, or clip. */
#ifndef ONR_KERNELS_ELEMENTWISE_ACTIVATION_H
#define ONR_KERNELS_ELEMENTWISE_ACTIVATION_H

#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/unary.h"

#include <stdbool.h>
#include <stdint.h>

/* At most one of function and clip is set; both are kernels for the element type of the values. */
struct onr_activation {
    onr_unary_fn function;
    struct onr_unary_args args;
    bool is_relu;      /* function is that of Relu, which others may do as well */
    bool is_by_blocks; /* function looks at all values of a block first: better of many at once */
    onr_clip_fn clip;
    uint64_t low, high; /* bounds of clip, in the element type */
};

static inline bool onr_activation_is_none(const struct onr_activation *activation)
{
    return activation->function == NULL && activation->clip == NULL;
}

/* y[i] = f(y[i]) for i < count */
static inline void onr_activation_apply(const struct onr_activation *activation, size_t count,
                                        void *y)
{
    if (activation->function != NULL) {
        activation->function(count, y, y, activation->args);
    } else if (activation->clip != NULL) {
        activation->clip(count, y, &activation->low, &activation->high, y);
    }
}

#endif
