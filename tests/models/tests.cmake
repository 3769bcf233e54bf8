# SPDX-License-Identifier: Apache-2.0
# Whole models against the answers of the framework that they come from.
set(onnxrun_command $<TARGET_FILE:onnxrun_command>)
set(models_data ${CMAKE_CURRENT_SOURCE_DIR}/models/data)
set(every_case_passed "[1-9][0-9]* passed, 0 failed, 0 unsupported")

onnxrun_command_test(models exported ${onnxrun_command} test ${models_data})
foreach(isa IN ITEMS scalar avx2)
    onnxrun_command_test(models exported_${isa} ${onnxrun_command} test ${models_data})
    set_tests_properties(models.exported_${isa} PROPERTIES ENVIRONMENT ONNXRUN_MAX_ISA=${isa})
endforeach()
onnxrun_command_test(models exported_unfused ${onnxrun_command} test --no-fusion ${models_data})
set_tests_properties(models.exported models.exported_scalar models.exported_avx2
                     models.exported_unfused PROPERTIES
    PASS_REGULAR_EXPRESSION ${every_case_passed})

onnxrun_python_test(models digits_vit ${onnxrun_command} ${PROJECT_SOURCE_DIR}/models/digits-vit)
onnxrun_python_test(models trained ${onnxrun_command} ${PROJECT_SOURCE_DIR}/build/reference)
onnxrun_python_test(models same_bits $<TARGET_FILE_DIR:onnxrun_command> ${models_data})
