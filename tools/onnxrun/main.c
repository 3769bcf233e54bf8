/* SPDX-License-Identifier: Apache-2.0 */
/* onnxrun: finds the subcommand. */
#include "common/tool.h"

#include "onnxrun/commands.h"

#include <string.h>

static const char help[] =
    "Usage: onnxrun [run] MODEL [OPTION]...\n"
    "       onnxrun test PATH... [OPTION]...\n"
    "       onnxrun bench MODEL [OPTION]...\n"
    "       onnxrun profile MODEL [OPTION]...\n"
    "       onnxrun compare MODEL --against onnxruntime|FOLDER [OPTION]...\n"
    "Runs ONNX models of the Transformer family on the CPU.\n"
    "\n"
    "  run      compute a model's outputs for given inputs\n"
    "  test     check models against stored inputs and outputs\n"
    "  bench    measure how fast a model runs\n"
    "  profile  show where the time of a run goes\n"
    "  compare  show where the values inside a run differ from those of another\n"
    "\n"
    "MODEL is an ONNX file, or one in the textual syntax of ONNX, as 'onnxdump --onnxtxt' prints "
    "it.\n"
    "'onnxrun COMMAND --help' explains the options of each. 'onnxdump' shows what is in a model.\n"
    "\n"
    "Examples:\n"
    "  onnxrun model.onnx -i 'input_ids=[[101, 7592, 102]]'\n"
    "  onnxrun test tests/models\n"
    "  onnxrun bench model.onnx -d batch=1 -d sequence=128\n"
    "\n" EXIT_CODE_HELP "\n"
    "The environment variable ONNXRUN_MAX_ISA (scalar, avx2, avx512) caps the instruction set,\n"
    "OMP_NUM_THREADS sets the number of threads.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"run", cmd_run},
                {"test", cmd_test},
                {"bench", cmd_bench},
                {"profile", cmd_profile},
                {"compare", cmd_compare}};

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        return tool_usage_error("onnxrun", "no model is given");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(help, stdout);
        return EXIT_CODE_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        tool_print_version();
        return EXIT_CODE_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return cmd_run(argc, argv);
}

int main(int argc, char **argv)
{
    tool_begin("onnxrun");
    return tool_end(dispatch(argc, argv));
}
