# SPDX-License-Identifier: Apache-2.0
# Checks of the sources. Those that need a program or a download which is not there are skipped.
onnxrun_python_test(lint layers ${PROJECT_SOURCE_DIR})
onnxrun_python_test(lint functions ${PROJECT_SOURCE_DIR})
onnxrun_python_test(lint text ${PROJECT_SOURCE_DIR})
onnxrun_python_test(lint format ${PROJECT_SOURCE_DIR})
onnxrun_python_test(lint headers ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/proto
                    ${CMAKE_C_COMPILER})
onnxrun_python_test(lint check_proto ${PROJECT_SOURCE_DIR}/proto/onnx.proto)
