# SPDX-License-Identifier: Apache-2.0
onnxrun_test(runtime
    test_body
    test_failure
    test_frame
    test_memory_plan
    test_outputs
    test_program
    test_segment
    test_steady
    test_wrong_calls)
set_tests_properties(runtime.test_wrong_calls PROPERTIES
    ENVIRONMENT GLIBC_TUNABLES=glibc.malloc.tcache_count=0)
