# SPDX-License-Identifier: Apache-2.0
# The pages for users: what their commands print is what stands there.
if(ONNXRUN_TOOLS AND ONNXRUN_SHARED AND NOT ONNXRUN_SANITIZE)
    onnxrun_python_test(docs commands ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
endif()
