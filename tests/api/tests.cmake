# SPDX-License-Identifier: Apache-2.0
onnxrun_test(api
    test_abi
    test_attention_weights
    test_determinism
    test_float_mode
    test_inspect
    test_inspect_kernels
    test_inspect_parts
    test_model
    test_seed
    test_sequence
    test_session
    test_tensor)
target_compile_definitions(api_test_determinism PRIVATE
    ONR_TEST_MODELS="${CMAKE_CURRENT_SOURCE_DIR}/models/data")
