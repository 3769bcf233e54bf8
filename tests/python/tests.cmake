# SPDX-License-Identifier: Apache-2.0
# The Python package as a user has it: the wheel, installed in an environment of its own. The first
# test builds and installs it (build/venv-python); the others are skipped where that was not possible.
# Built with sanitizers or without threads there is no wheel, and nothing to test.
if(ONNXRUN_SHARED AND ONNXRUN_THREADS AND NOT ONNXRUN_SANITIZE)
    set(python_install sh ${CMAKE_CURRENT_SOURCE_DIR}/python/install.sh ${PROJECT_SOURCE_DIR})
    onnxrun_command_test(python install ${python_install})
    set_tests_properties(python.install PROPERTIES FIXTURES_SETUP python_package TIMEOUT 1200)

    # onnxrun_package_test(NAME ARGUMENT...): runs Python there with these arguments.
    function(onnxrun_package_test name)
        onnxrun_command_test(python ${name} sh ${CMAKE_CURRENT_SOURCE_DIR}/python/run.sh
                             ${PROJECT_SOURCE_DIR} ${ARGN})
        set_tests_properties(python.${name} PROPERTIES FIXTURES_REQUIRED python_package)
    endfunction()

    foreach(name IN ITEMS session inputs values watch attention threads as_onnxruntime backend clients
            example)
        onnxrun_package_test(${name} -m pytest -q -p no:cacheprovider tests/python/test_${name}.py)
    endforeach()
    onnxrun_package_test(page -m doctest -o ELLIPSIS bindings/python/README.md)
    onnxrun_package_test(page_commands tests/docs/commands.py . ${PROJECT_BINARY_DIR}
                         bindings/python/README.md)
    onnxrun_package_test(types -m mypy --strict --cache-dir build/mypy bindings/python/onnxrun
                         examples)
    onnxrun_package_test(style -m ruff check --no-cache bindings examples tests/python)
endif()
