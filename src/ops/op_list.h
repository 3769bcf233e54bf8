/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per file of operators; each defines the table onr_ops_FILE. No include guard: read
 * several times with another ONR_OP_FILE.
 */
ONR_OP_FILE(activation)
ONR_OP_FILE(binary)
ONR_OP_FILE(clip)
ONR_OP_FILE(contrib_gelu)
ONR_OP_FILE(pow)
ONR_OP_FILE(unary)
ONR_OP_FILE(variadic)
ONR_OP_FILE(where)
