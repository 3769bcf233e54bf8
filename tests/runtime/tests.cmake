# SPDX-License-Identifier: Apache-2.0
onnxrun_test(runtime
    test_body
    test_failure
    test_frame
    test_memory_plan
    test_outputs
    test_program
    test_segment)
