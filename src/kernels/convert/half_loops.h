/* SPDX-License-Identifier: Apache-2.0 */
/* Inside kernels: the 16-bit floats to and from float, by the instruction set that the file which
 * includes this is compiled for. */
#ifndef ONR_KERNELS_CONVERT_HALF_LOOPS_H
#define ONR_KERNELS_CONVERT_HALF_LOOPS_H

#include "kernels/convert/convert.h"
#include "kernels/kernel.h"

/* One type. */
struct onr_half_loops {
    onr_convert_fn load; /* to float */
    onr_convert_fn store;
};

extern const struct onr_half_loops ONR_KERNEL(onr_f16_loops);
extern const struct onr_half_loops ONR_KERNEL(onr_bf16_loops);

#endif
