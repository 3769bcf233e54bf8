# SPDX-License-Identifier: Apache-2.0
onnxrun_test(base
    test_arena
    test_backlog
    test_cgroup
    test_dtype
    test_error
    test_half
    test_mem
    test_minifloat
    test_os
    test_parallel
    test_random
    test_sequence
    test_shape
    test_size
    test_strmap
    test_text)
