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

struct onr_kernels {
    enum onr_isa isa; /* highest set of rows in the table */
    struct onr_binary_kernels binary;
    struct onr_unary_kernels unary;
    struct onr_gemm_kernels gemm;
    struct onr_contract_kernels contract;
    struct onr_move_kernels move;
    struct onr_convert_kernels convert;
    struct onr_reduce_kernels reduce;
    struct onr_order_kernels order;
    struct onr_softmax_kernels softmax;
    struct onr_norm_kernels norm;
    struct onr_conv_kernels conv;
    struct onr_pool_kernels pool;
    struct onr_attention_kernels attention;
    struct onr_quant_kernels quant;
    struct onr_image_kernels image;
    struct onr_nbits_kernels nbits;
};

/* Fills the table with rows up to isa, which the machine must have (onr_cpu_isa). */
void onr_kernels_init(struct onr_kernels *kernels, enum onr_isa isa);

#endif
