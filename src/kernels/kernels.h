/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel table: one function pointer per kernel, filled with the scalar rows and overlaid with
 * the rows of each instruction set that the machine has. Filled once per model, const after, handed
 * down by pointer.
 */
#ifndef ONR_KERNELS_KERNELS_H
#define ONR_KERNELS_KERNELS_H

#include "kernels/attention/attention.h"
#include "kernels/conv/conv.h"
#include "kernels/convert/convert.h"
#include "kernels/cpu.h"
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/unary.h"
#include "kernels/gemm/contract.h"
#include "kernels/gemm/gemm.h"
#include "kernels/image/image.h"
#include "kernels/move/move.h"
#include "kernels/norm/norm.h"
#include "kernels/pool/pool.h"
#include "kernels/quant/nbits.h"
#include "kernels/quant/quant.h"
#include "kernels/reduce/order.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"

#include <stddef.h>

/* The parts of the table: X(name). */
#define ONR_KERNELS_LIST(X)                                                                        \
    X(binary)                                                                                      \
    X(unary)                                                                                       \
    X(gemm)                                                                                        \
    X(contract)                                                                                    \
    X(move)                                                                                        \
    X(convert)                                                                                     \
    X(reduce)                                                                                      \
    X(order)                                                                                       \
    X(softmax)                                                                                     \
    X(norm)                                                                                        \
    X(conv)                                                                                        \
    X(pool)                                                                                        \
    X(attention)                                                                                   \
    X(quant)                                                                                       \
    X(image)                                                                                       \
    X(nbits)

struct onr_kernels {
    enum onr_isa isa; /* highest set of rows in the table */
#define ONR_KERNELS_MEMBER(name) struct onr_##name##_kernels name;
    ONR_KERNELS_LIST(ONR_KERNELS_MEMBER)
#undef ONR_KERNELS_MEMBER
};

/* Fills the table with rows up to isa, which the machine must have (onr_cpu_isa). */
void onr_kernels_init(struct onr_kernels *kernels, enum onr_isa isa);

/* ---- telling which kernel was chosen (struct onr_told) ---- */

#define ONR_KERNEL_AT(member) ((uint32_t)offsetof(struct onr_kernels, member))

/* The same for a pointer of this table. */
static inline uint32_t onr_kernel_at(const struct onr_kernels *kernels, const void *pointer)
{
    return (uint32_t)((const char *)pointer - (const char *)kernels);
}

/* The part of the table that this place, not 0, is in: "gemm", "unary", ... */
const char *onr_kernels_part(uint32_t at);

#endif
