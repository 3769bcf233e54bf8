# SPDX-License-Identifier: Apache-2.0
onnxrun_test(kernels
    test_attention_kernels
    test_conv_abreast
    test_conv_last
    test_conv_patch
    test_conv_quant
    test_convert
    test_elementwise
    test_gemm_f32
    test_image_kernels
    test_move
    test_nbits
    test_pool
    test_row_kernels
    test_vmath)
