# SPDX-License-Identifier: Apache-2.0
onnxrun_test(graph
    test_common_subexpressions
    test_explain
    test_external
    test_fuse
    test_fuse_attention
    test_fuse_batch_norm
    test_fuse_linear
    test_fuse_projections
    test_fuse_rotary
    test_fuse_softmax
    test_import
    test_no_ops
    test_passes
    test_print
    test_tensor_proto
    test_wire)
