# SPDX-License-Identifier: Apache-2.0
# The target conformance-update writes node_tests.txt anew.
find_package(Python3 COMPONENTS Interpreter)
if(ONNXRUN_TOOLS AND Python3_FOUND)
    set(node_tests sh ${CMAKE_CURRENT_LIST_DIR}/run_node_tests.sh $<TARGET_FILE:onnxrun_command>
        ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/build/onnx-tests)
    add_test(NAME conformance.node COMMAND ${node_tests})
    set_tests_properties(conformance.node PROPERTIES
        LABELS conformance TIMEOUT 1800 SKIP_RETURN_CODE 77)
    add_custom_target(conformance-update COMMAND ${node_tests} --update VERBATIM)
endif()
