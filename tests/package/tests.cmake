# SPDX-License-Identifier: Apache-2.0
# What is installed: it can be built against, exports only the public names, is small, and makes a
# package with manual pages and completions.
if(ONNXRUN_SHARED)
    onnxrun_command_test(package install sh ${CMAKE_CURRENT_SOURCE_DIR}/package/install.sh
                         ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER}
                         ${CMAKE_GENERATOR})
    onnxrun_command_test(package library sh ${CMAKE_CURRENT_SOURCE_DIR}/package/library.sh
                         $<TARGET_FILE:onnxrun> ${PROJECT_BINARY_DIR}/tests)
    onnxrun_command_test(package deb sh ${CMAKE_CURRENT_SOURCE_DIR}/package/deb.sh
                         ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR}/models/digits-vit)
endif()
if(ONNXRUN_TOOLS)
    onnxrun_command_test(package completions bash
                         ${CMAKE_CURRENT_SOURCE_DIR}/package/completions.sh
                         ${PROJECT_SOURCE_DIR}/packaging/completions
                         $<TARGET_FILE_DIR:onnxrun_command>)
endif()
