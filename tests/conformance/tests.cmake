# SPDX-License-Identifier: Apache-2.0
# The tests of ONNX releases. The target conformance-update writes the files in expected/ anew; the
# target docs makes the table of operators from the results.
find_package(Python3 COMPONENTS Interpreter)
if(ONNXRUN_TOOLS AND Python3_FOUND)
    set(onnx_tests ${PROJECT_SOURCE_DIR}/build/onnx-tests)
    add_custom_target(conformance-update)
    foreach(release IN ITEMS 1.7.0 1.12.0 1.17.0 1.22.0 1.23.2)
        set(run_release sh ${CMAKE_CURRENT_LIST_DIR}/run_release.sh
            $<TARGET_FILE:onnxrun_command> ${PROJECT_SOURCE_DIR} ${onnx_tests} ${release})
        add_test(NAME conformance.${release} COMMAND ${run_release})
        set_tests_properties(conformance.${release} PROPERTIES
            LABELS conformance TIMEOUT 1800 SKIP_RETURN_CODE 77)
        add_custom_command(TARGET conformance-update COMMAND ${run_release} --update VERBATIM)
    endforeach()
    if(ONNXRUN_IMAGE_DECODER)
        onnxrun_command_test(ops image_decoder_examples
            sh ${CMAKE_CURRENT_LIST_DIR}/run_image_decoder.sh $<TARGET_FILE:onnxrun_command>
            ${PROJECT_SOURCE_DIR} ${onnx_tests})
    endif()
    add_custom_target(docs COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/operator_table.py
        --onnxrun $<TARGET_FILE:onnxrun_command> --onnxdump $<TARGET_FILE:onnxdump>
        --to ${PROJECT_BINARY_DIR}/docs/operators.md
        ${onnx_tests} ${PROJECT_BINARY_DIR}/tests/contrib VERBATIM)
endif()
