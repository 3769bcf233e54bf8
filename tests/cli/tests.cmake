# SPDX-License-Identifier: Apache-2.0
if(ONNXRUN_TOOLS)
    set(cli_tests test_compare test_interrupt test_jobs test_literal test_npy test_onnxtxt
        test_value_file)
    onnxrun_test(cli ${cli_tests})
    foreach(test IN LISTS cli_tests)
        target_link_libraries(cli_${test} PRIVATE onnxrun_tools_common)
    endforeach()
    target_sources(cli_test_jobs PRIVATE ${PROJECT_SOURCE_DIR}/tools/onnxrun/jobs.c)

    # The models that test_commands.sh hands to the commands.
    add_executable(make_models cli/make_models.c)
    set_target_properties(make_models PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli)
    target_compile_definitions(make_models PRIVATE _XOPEN_SOURCE=700)
    target_link_libraries(make_models PRIVATE onnxrun_flags onnxrun_test_support)
    add_test(NAME cli.test_commands
             COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/test_commands.sh
                     $<TARGET_FILE_DIR:onnxrun_command> $<TARGET_FILE:make_models>
                     ${PROJECT_BINARY_DIR}/tests/cli/scratch)
    set_tests_properties(cli.test_commands PROPERTIES LABELS cli TIMEOUT 300)
    onnxrun_python_test(cli progress $<TARGET_FILE_DIR:onnxrun_command> $<TARGET_FILE:make_models>)
    onnxrun_python_test(cli compare_onnxruntime $<TARGET_FILE:onnxrun_command>
                        ${CMAKE_CURRENT_LIST_DIR}/../models/data)
    onnxrun_python_test(cli dot $<TARGET_FILE_DIR:onnxrun_command> $<TARGET_FILE:make_models>
                        ${PROJECT_SOURCE_DIR}/models/digits-vit/digits-vit-ts.onnx
                        ${PROJECT_SOURCE_DIR}/models/digits-vit/digits-vit-dynamo.onnx
                        ${PROJECT_SOURCE_DIR}/tests/models/data/bert_eager__ts17/model.onnx)
    onnxrun_python_test(cli diff $<TARGET_FILE_DIR:onnxrun_command>
                        ${PROJECT_SOURCE_DIR}/tests/models/data/bert_eager__ts17
                        ${PROJECT_SOURCE_DIR}/tests/models/data/gpt2_sdpa__dyn18
                        ${PROJECT_SOURCE_DIR}/tests/models/data/vit_eager__dyn23)
    onnxrun_python_test(cli extract $<TARGET_FILE_DIR:onnxrun_command>
                        ${PROJECT_SOURCE_DIR}/tests/models/data/bert_eager__ts17
                        ${PROJECT_SOURCE_DIR}/tests/models/data/gpt2_sdpa__dyn18
                        ${PROJECT_SOURCE_DIR}/tests/models/data/vit_eager__dyn23)
    onnxrun_python_test(cli interrupt $<TARGET_FILE_DIR:onnxrun_command>
                        $<TARGET_FILE:make_models>)
    onnxrun_python_test(cli onnxtxt $<TARGET_FILE_DIR:onnxrun_command> $<TARGET_FILE:make_models>
                        ${PROJECT_SOURCE_DIR})
    onnxrun_python_test(cli test_html $<TARGET_FILE:onnxdump> $<TARGET_FILE:make_models>)
endif()
