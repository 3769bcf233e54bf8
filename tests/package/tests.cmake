# SPDX-License-Identifier: Apache-2.0
# What is installed: it can be built against, exports only the public names, and is small.
if(ONNXRUN_SHARED)
    onnxrun_command_test(package install sh ${CMAKE_CURRENT_SOURCE_DIR}/package/install.sh
                         ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER}
                         ${CMAKE_GENERATOR})
    onnxrun_command_test(package library sh ${CMAKE_CURRENT_SOURCE_DIR}/package/library.sh
                         $<TARGET_FILE:onnxrun> ${PROJECT_BINARY_DIR}/tests)
endif()
