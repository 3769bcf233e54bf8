/* SPDX-License-Identifier: Apache-2.0 */
/* onnxrun compare: where the values inside a run differ from those of another. */
#include "common/progress.h"
#include "common/value_file.h"

#include "onnxrun/commands.h"
#include "onnxrun/compared.h"
#include "onnxrun/reference.h"
#include "onnxrun/step_names.h"
#include "onnxrun/target.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: onnxrun compare MODEL --against onnxruntime|FOLDER [OPTION]...\n"
    "Compares each value that the nodes of a model compute, in the order of the graph, and marks "
    "the\n"
    "first that differs. Inputs that are not given are 'auto': random floats, ones for all other\n"
    "types.\n"
    "\n"
    "      --against WHAT        'onnxruntime', which a Python computes with, or a folder with "
    "the\n"
    "                            values in .npy or .pb files, such as 'onnxrun run --dump' writes\n"
    "      --python PROGRAM      a Python that has the package onnxruntime ($PYTHON, else "
    "python3)\n"
    "      --rtol R              relative tolerance (1e-3)\n"
    "      --atol A              absolute tolerance (1e-4)\n"
    "      --fused               compute with fusions, and compare the values that are still "
    "there\n"
    "  -d, --dim NAME=N          number for a symbolic dimension\n"
    "  -i, --input NAME=SOURCE   an input\n"
    "      --threads N           number of threads\n"
    "      --keep-denormals      compute with numbers below 1.2e-38, which else count as zero\n"
    "      --json                print one JSON object\n"
    "  -h, --help                print this help\n"
    "\n"
    "A value differs when an element does: |got - expected| > A + R |expected|. The largest "
    "errors\n"
    "are printed as they are, as a part of the expected number, and in units of its last place, "
    "and\n"
    "where the first of these is. Numbers of different types are compared as numbers. Values in "
    "the\n"
    "bodies of If, Loop and Scan are not compared, nor those that only have another shape.\n"
    "\n" VALUE_FILE_HELP "\n" INPUTS_HELP "\n"
    "Examples:\n"
    "  onnxrun compare bert.onnx --against onnxruntime -d batch=1 -d sequence=128\n"
    "  onnxrun run vit.onnx -i x=random --no-fusion --dump expected\n"
    "  ONNXRUN_MAX_ISA=avx2 onnxrun compare vit.onnx -i x=random --against expected\n"
    "\n"
    "Exit status: 0 no value differs, 1 one does, or usage, 2 file unreadable or model invalid,\n"
    "3 model not supported, 4 run failed.\n";

enum { EXIT_CODE_DIFFERENT = 1 };

struct command {
    struct target target;
    const char *against;
    const char *python;
    struct step_names names;
    struct compared compared;
    struct reference *reference; /* NULL during the first run, which finds the values */
    size_t next;                 /* value that is probably compared next */
    struct progress progress;
    onnxrun_status status; /* of the reference */
    onnxrun_error error;
};

/* ---- options ---- */

static int add_option(void *user, int option, char *const *argv)
{
    struct command *command = user;
    switch (option) {
    case OPTION_AGAINST:
        command->against = optarg;
        return EXIT_CODE_OK;
    case OPTION_PYTHON:
        command->python = optarg;
        return EXIT_CODE_OK;
    case OPTION_FUSED:
        command->target.no_fusion = 0;
        return EXIT_CODE_OK;
    case OPTION_RTOL:
        return args_real("onnxrun compare", "--rtol", optarg, 0, &command->compared.rtol);
    case OPTION_ATOL:
        return args_real("onnxrun compare", "--atol", optarg, 0, &command->compared.atol);
    default:
        return target_option(&command->target, option, argv);
    }
}

static const struct option rows[] = {
    {"against", required_argument, NULL, OPTION_AGAINST},
    {"python", required_argument, NULL, OPTION_PYTHON},
    {"rtol", required_argument, NULL, OPTION_RTOL},
    {"atol", required_argument, NULL, OPTION_ATOL},
    {"fused", no_argument, NULL, OPTION_FUSED},
    {"json", no_argument, NULL, OPTION_JSON},
    TARGET_OPTIONS,
};

static const struct args_form form = {help, TARGET_LETTERS, rows, add_option};

static int parse_options(struct command *command, int argc, char **argv, bool *is_done)
{
    int code = target_parse(&command->target, argc, argv, &form, command, is_done);
    if (code == EXIT_CODE_OK && !*is_done && command->against == NULL) {
        return tool_usage_error("onnxrun compare",
                                "--against is missing: \"onnxruntime\" or a folder of values");
    }
    return code;
}

/* ---- runs ---- */

/* Compares a value with the expected one, if it is among those that the first run found. Values
 * that this run did not compute are passed over: ONNX Runtime sends them all the same. */
static void compare_value(struct command *command, const char *name, const onnxrun_tensor *value)
{
    onnxrun_tensor *want = NULL;
    size_t index = compared_find(&command->compared, command->next, name);
    if (index == command->compared.count || command->status != ONNXRUN_OK) {
        return;
    }
    for (; command->status == ONNXRUN_OK && command->next <= index; command->next++) {
        onnxrun_tensor_free(want);
        command->status =
            reference_next(command->reference, command->compared.values[command->next].name,
                           onnxrun_tensor_kind(value), &want, &command->error);
    }
    if (command->status != ONNXRUN_OK && index > 0) {
        (void)tool_prefix(&command->error, "value \"%.100s\": ", name);
    } else if (command->status == ONNXRUN_OK) {
        compared_set(&command->compared, index, value, want);
        progress_set(&command->progress, index + 1, command->compared.count, 0);
        onnxrun_tensor_free(want);
    }
}

static void on_step(void *user, const onnxrun_step *step)
{
    struct command *command = user;
    for (size_t i = 0; step->depth == 0 && i < step->output_count; i++) {
        if (step->outputs[i] == NULL) {
            continue;
        }
        const char *name = step_names_output(&command->names, step, i);
        if (command->reference == NULL) {
            compared_add(&command->compared, step, name, step->outputs[i]);
        } else {
            compare_value(command, name, step->outputs[i]);
        }
    }
}

static int should_stop(void *user)
{
    return ((const struct command *)user)->status != ONNXRUN_OK;
}

/* A run, which goes through on_step and ends early when the reference does; and the outputs that no
 * node computes: those that only have another shape. */
static int run_once(struct command *command)
{
    double milliseconds;
    progress_begin(&command->progress, command->reference == NULL ? "running" : "comparing",
                   command->target.model_path);
    onnxrun_status status = target_run(&command->target, &milliseconds);
    progress_end(&command->progress);
    if (status != ONNXRUN_OK) {
        return command->status != ONNXRUN_OK ? EXIT_CODE_OK : target_report(&command->target);
    }
    size_t step_values = command->reference == NULL ? command->compared.count : command->next;
    for (size_t i = 0; i < command->target.output_count; i++) {
        const onnxrun_binding *output = &command->target.outputs[i];
        if (output->tensor == NULL ||
            compared_find(&command->compared, 0, output->name) < step_values) {
            continue;
        }
        if (command->reference == NULL) {
            compared_add(&command->compared, NULL, output->name, output->tensor);
        } else {
            compare_value(command, output->name, output->tensor);
        }
    }
    return EXIT_CODE_OK;
}

static onnxrun_status open_reference(struct command *command)
{
    if (strcmp(command->against, "onnxruntime") != 0) {
        return reference_open_folder(command->against, &command->reference, &command->error);
    }
    const struct compared *compared = &command->compared;
    struct reference_want *wants = tool_alloc(compared->count, sizeof *wants);
    for (size_t i = 0; i < compared->count; i++) {
        wants[i] = (struct reference_want){compared->values[i].name, compared->values[i].bytes};
    }
    const struct reference_request request = {
        .python = command->python,
        .model_path = command->target.file.path,
        .threads = command->target.threads,
        .inputs = command->target.inputs.bindings,
        .input_count = command->target.inputs.binding_count,
        .wants = wants,
        .want_count = compared->count,
    };
    onnxrun_status status =
        reference_open_onnxruntime(&request, &command->reference, &command->error);
    free(wants);
    return status;
}

static void print_compared(const struct command *command)
{
    if (command->target.is_json) {
        compared_print_json(&command->compared, command->target.model_path, command->against);
    } else {
        compared_print_text(&command->compared, command->against);
    }
}

/* What was compared, be it that the reference ended early. */
static int report(const struct command *command)
{
    const struct compared *compared = &command->compared;
    bool has_none = compared_number_of(compared, COMPARED_MISSING) == compared->count;
    if (!has_none) {
        print_compared(command);
    }
    if (command->status != ONNXRUN_OK) {
        (void)tool_report(&command->error);
    } else if (has_none) {
        tool_error("%s has none of the %zu values that were computed", command->against,
                   compared->count);
    }
    if (compared_number_of(compared, COMPARED_DIFFERENT) > 0) {
        return EXIT_CODE_DIFFERENT;
    }
    return command->status != ONNXRUN_OK ? tool_exit_code(command->status)
           : has_none                    ? EXIT_CODE_MODEL
                                         : EXIT_CODE_OK;
}

/* The first run finds the values, whose names and sizes ONNX Runtime is told; the second compares
 * each as soon as it is there. */
static int compare_model(struct command *command)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.on_step = on_step;
    options.step_user = command;
    options.should_stop = should_stop;
    options.stop_user = command;
    int code = target_open(&command->target, &options);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    command->names.graph = onnxrun_model_graph(command->target.model);
    code = run_once(command);
    if (code == EXIT_CODE_OK && open_reference(command) != ONNXRUN_OK) {
        code = tool_report(&command->error);
    }
    code = code == EXIT_CODE_OK ? run_once(command) : code;
    return code == EXIT_CODE_OK ? report(command) : code;
}

int cmd_compare(int argc, char **argv)
{
    const char *python = getenv("PYTHON");
    struct command command = {
        .target = {.command = "onnxrun compare", .no_fusion = 1},
        .python = python != NULL && python[0] != '\0' ? python : "python3",
        .compared = {.rtol = 1e-3, .atol = 1e-4},
    };
    bool is_done;
    int code = parse_options(&command, argc, argv, &is_done);
    if (code == EXIT_CODE_OK && !is_done) {
        code = compare_model(&command);
    }
    reference_close(command.reference);
    compared_free(&command.compared);
    target_free(&command.target);
    return code;
}
