# SPDX-License-Identifier: Apache-2.0
# Operators of com.microsoft against stored answers of ONNX Runtime, see contrib/README.md.
file(GLOB archives CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/contrib/data/*.tar.xz)
foreach(archive IN LISTS archives)
    get_filename_component(operator ${archive} NAME_WE)
    onnxrun_command_test(contrib ${operator} sh ${CMAKE_CURRENT_SOURCE_DIR}/contrib/run_cases.sh
                         $<TARGET_FILE:onnxrun_command> ${archive}
                         ${PROJECT_BINARY_DIR}/tests/contrib/${operator})
    set_tests_properties(contrib.${operator} PROPERTIES
        PASS_REGULAR_EXPRESSION "[1-9][0-9]* passed, 0 failed, 0 unsupported")
endforeach()
