/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per kernel family, which defines onr_fill_FAMILY__ISA: ONR_KERNEL_FAMILY for scalar,
 * avx2 and avx512, ONR_SCALAR_FAMILY for scalar alone. No include guard: read several times with
 * other macros.
 */
ONR_KERNEL_FAMILY(attention_f32)
ONR_KERNEL_FAMILY(binary_f32)
ONR_KERNEL_FAMILY(conv)
ONR_KERNEL_FAMILY(conv_spread)
ONR_KERNEL_FAMILY(convert_direct)
ONR_KERNEL_FAMILY(gemm)
ONR_KERNEL_FAMILY(image_f32)
ONR_KERNEL_FAMILY(move)
ONR_KERNEL_FAMILY(nbits)
ONR_KERNEL_FAMILY(nbits_dot)
ONR_KERNEL_FAMILY(norm)
ONR_KERNEL_FAMILY(order)
ONR_KERNEL_FAMILY(pool_rows)
ONR_KERNEL_FAMILY(quant)
ONR_KERNEL_FAMILY(reduce)
ONR_KERNEL_FAMILY(select)
ONR_KERNEL_FAMILY(softmax)
ONR_KERNEL_FAMILY(unary_f32)
ONR_SCALAR_FAMILY(binary_f64)
ONR_SCALAR_FAMILY(binary_int)
ONR_SCALAR_FAMILY(contract)
ONR_SCALAR_FAMILY(convert)
ONR_SCALAR_FAMILY(image_f64)
ONR_SCALAR_FAMILY(pool)
ONR_SCALAR_FAMILY(power)
ONR_SCALAR_FAMILY(reduce_wide)
ONR_SCALAR_FAMILY(unary_f64)
ONR_SCALAR_FAMILY(unary_int)
