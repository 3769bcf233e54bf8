# SPDX-License-Identifier: Apache-2.0
# Fails when a kernel has become much slower, as a share of what the machine can do; skipped where
# that cannot be said: without the Python package onnx, or while other programs run.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND ONNXRUN_SHARED AND ONNXRUN_THREADS
   AND NOT ONNXRUN_SANITIZE)
    set_target_properties(bench_limits PROPERTIES EXCLUDE_FROM_ALL OFF)
    onnxrun_command_test(bench gate ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/bench/gate.py
                         --build ${PROJECT_BINARY_DIR})
    set_tests_properties(bench.gate PROPERTIES RUN_SERIAL ON)
endif()
