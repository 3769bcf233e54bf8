/* SPDX-License-Identifier: Apache-2.0 */
/* onnxrun run: computes outputs, and prints or stores them. */
#include "common/npy.h"
#include "common/progress.h"
#include "common/show.h"
#include "common/value_file.h"

#include "onnxrun/attention.h"
#include "onnxrun/commands.h"
#include "onnxrun/dump.h"
#include "onnxrun/labels.h"
#include "onnxrun/target.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: onnxrun run MODEL [OPTION]...\n"
    "Computes the outputs of a model and prints them.\n"
    "\n"
    "  -i, --input NAME=SOURCE   an input; those without a default are needed\n"
    "  -d, --dim NAME=N          number for a symbolic dimension of generated inputs\n"
    "  -o, --output NAME=FILE    write this output to a .npy file ('-': stdout); can be repeated;\n"
    "                            only the outputs named are computed, and none is printed\n"
    "      --attention FILE      write the weights of attention to a .npy file: float32\n"
    "                            [attentions, batch, heads, queries, keys]; to a folder: a\n"
    "                            file for each attention\n"
    "      --attention-heads H   each (default), or mean: their mean, without the axis of heads\n"
    "      --dump FOLDER         write each value inside the model to a .npy file in this folder\n"
    "      --labels FILE         names of classes, one per line: print the most probable ones\n"
    "      --top K               number of classes to print (5); also without --labels\n"
    "      --seed N              seed of random operators; without it each run draws other "
    "numbers\n"
    "      --threads N           number of threads\n"
    "      --no-fusion           compute the nodes as the file has them\n"
    "      --keep-denormals      compute with numbers below 1.2e-38, which else count as zero\n"
    "  -h, --help                print this help\n"
    "\n" INPUTS_HELP VALUE_FILE_HELP
    "bfloat16, float8 and float4 outputs are written as float32, 4-bit integers as 8-bit ones.\n"
    "\n"
    "Examples:\n"
    "  onnxrun bert.onnx -i 'input_ids=[[101, 7592, 102]]' -i attention_mask=ones\n"
    "  onnxrun vit.onnx -i pixels=digit.npy --labels digits.txt --top 3\n"
    "  onnxrun model.onnx -i x=random:7 -d batch=4 -o y=y.npy\n"
    "  onnxrun bert.onnx -i 'input_ids=[[101, 7592, 102]]' --attention weights.npy\n"
    "\n" EXIT_CODE_HELP;

struct output_file {
    const char *name; /* of the model; borrowed from the argument, cut at '=' */
    const char *path;
};

struct run {
    struct target target;
    struct output_file *files;
    size_t file_count;
    struct attention_files attention;
    const char *dump_folder; /* NULL: none */
    struct dump dump;
    const char *labels_path;
    size_t top;    /* 0: print values */
    uint64_t seed; /* 0: from the system */
};

/* ---- options ---- */

static int add_output(struct run *run, char *argument)
{
    char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument || equals[1] == '\0') {
        return tool_usage_error("onnxrun run", "-o %s: expected NAME=FILE", argument);
    }
    *equals = '\0';
    for (size_t i = 0; i < run->file_count; i++) {
        if (strcmp(run->files[i].name, argument) == 0) {
            return tool_usage_error("onnxrun run", "-o %s: this output was given before", argument);
        }
    }
    run->files = tool_resize(run->files, run->file_count + 1, sizeof *run->files);
    run->files[run->file_count++] = (struct output_file){argument, equals + 1};
    return EXIT_CODE_OK;
}

static int add_option(void *user, int option, char *const *argv)
{
    struct run *run = user;
    int64_t number;
    int code;
    switch (option) {
    case 'o':
        return add_output(run, optarg);
    case OPTION_ATTENTION:
        run->attention.path = optarg;
        return strcmp(optarg, "-") != 0 && optarg[0] != '\0'
                   ? EXIT_CODE_OK
                   : tool_usage_error("onnxrun run", "--attention %s: expected a file or a folder",
                                      optarg);
    case OPTION_HEADS:
        run->attention.is_mean = strcmp(optarg, "mean") == 0;
        return run->attention.is_mean || strcmp(optarg, "each") == 0
                   ? EXIT_CODE_OK
                   : tool_usage_error("onnxrun run", "--attention-heads %s: expected each or mean",
                                      optarg);
    case OPTION_DUMP:
        run->dump_folder = optarg;
        return EXIT_CODE_OK;
    case OPTION_LABELS:
        run->labels_path = optarg;
        run->top = run->top > 0 ? run->top : 5;
        return EXIT_CODE_OK;
    case OPTION_TOP:
        code = args_int("onnxrun run", "--top", optarg, 1, 1000000, &number);
        run->top = (size_t)number;
        return code;
    case OPTION_SEED:
        code = args_int("onnxrun run", "--seed", optarg, 1, INT64_MAX, &number);
        run->seed = (uint64_t)number;
        return code;
    default:
        return target_option(&run->target, option, argv);
    }
}

static const struct option rows[] = {
    {"output", required_argument, NULL, 'o'},
    {"attention", required_argument, NULL, OPTION_ATTENTION},
    {"attention-heads", required_argument, NULL, OPTION_HEADS},
    {"dump", required_argument, NULL, OPTION_DUMP},
    {"labels", required_argument, NULL, OPTION_LABELS},
    {"top", required_argument, NULL, OPTION_TOP},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"no-fusion", no_argument, NULL, OPTION_NO_FUSION},
    TARGET_OPTIONS,
};

static const struct args_form form = {help, TARGET_LETTERS "o:", rows, add_option};

/* ---- running ---- */

static onnxrun_value_info output_info(const struct run *run, size_t index)
{
    onnxrun_value_info info = {.name = ""};
    (void)onnxrun_model_output_info(run->target.model, index, &info, NULL);
    return info;
}

static int check_output_name(const struct run *run, const char *name)
{
    size_t count = onnxrun_model_output_count(run->target.model);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(output_info(run, i).name, name) == 0) {
            return EXIT_CODE_OK;
        }
    }
    tool_error("the model has no output \"%s\"; its outputs are", name);
    for (size_t i = 0; i < count; i++) {
        onnxrun_value_info info = output_info(run, i);
        fputs("  ", stderr);
        inputs_print_info(stderr, &info);
        fputc('\n', stderr);
    }
    return EXIT_CODE_USAGE;
}

/* The outputs to compute: those with a file, else all. */
static int choose_outputs(struct run *run)
{
    struct target *target = &run->target;
    if (run->file_count == 0) {
        target_want_all(target);
        return EXIT_CODE_OK;
    }
    target->output_count = run->file_count;
    target->outputs = tool_alloc(run->file_count, sizeof *target->outputs);
    for (size_t i = 0; i < run->file_count; i++) {
        target->outputs[i].name = run->files[i].name;
        int code = check_output_name(run, run->files[i].name);
        if (code != EXIT_CODE_OK) {
            return code;
        }
    }
    return EXIT_CODE_OK;
}

/* Outputs that no node computes, as they only have another shape, were not told as steps. */
static int end_dump(struct run *run)
{
    for (size_t i = 0; i < run->target.output_count; i++) {
        dump_value(&run->dump, run->target.outputs[i].name, run->target.outputs[i].tensor);
    }
    return run->dump.status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&run->dump.error);
}

static int start(struct run *run)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.seed = run->seed;
    options.on_attention = run->attention.path != NULL ? attention_tell : NULL;
    options.attention_user = &run->attention;
    if (run->dump_folder != NULL) {
        if (dump_begin(&run->dump, run->dump_folder, run->target.model) != ONNXRUN_OK) {
            return tool_report(&run->dump.error);
        }
        options.on_step = dump_on_step;
        options.step_user = &run->dump;
    }
    return target_start(&run->target, &options);
}

static int compute(struct run *run)
{
    struct target *target = &run->target;
    struct progress progress;
    double milliseconds;
    progress_begin(&progress, "running", target->model_path);
    onnxrun_status status = target_run(target, &milliseconds);
    progress_end(&progress);
    status = attention_end(&run->attention, status, target->no_fusion, &target->error);
    if (status != ONNXRUN_OK) {
        return target_report(target);
    }
    return run->dump_folder != NULL ? end_dump(run) : EXIT_CODE_OK;
}

/* Only a tensor can be written to a file or be the scores of classes. */
static int check_tensor(const onnxrun_binding *output)
{
    if (output->tensor != NULL && onnxrun_tensor_kind(output->tensor) == ONNXRUN_KIND_TENSOR) {
        return EXIT_CODE_OK;
    }
    tool_error("output \"%.100s\" is %s, expected a tensor", output->name,
               output->tensor != NULL ? "a sequence" : "an optional without element");
    return EXIT_CODE_RUN;
}

/* Prints the classes of the first output that was computed. */
static int print_classes(struct run *run)
{
    onnxrun_error *error = &run->target.error;
    struct labels labels = {.count = 0};
    onnxrun_status status = ONNXRUN_OK;
    if (run->labels_path != NULL) {
        status = labels_load(run->labels_path, &labels, error);
    }
    if (status == ONNXRUN_OK) {
        status = labels_print(stdout, &labels, run->top, run->target.outputs[0].tensor, error);
    }
    labels_free(&labels);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(error);
}

static int deliver(struct run *run)
{
    const struct target *target = &run->target;
    onnxrun_error *error = &run->target.error;
    bool needs_tensor = run->top > 0 && target->output_count > 0;
    int code = needs_tensor ? check_tensor(&target->outputs[0]) : EXIT_CODE_OK;
    for (size_t i = 0; i < run->file_count && code == EXIT_CODE_OK; i++) {
        code = check_tensor(&target->outputs[i]);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    for (size_t i = 0; i < run->file_count; i++) {
        onnxrun_status status = npy_write(run->files[i].path, target->outputs[i].tensor, error);
        if (status != ONNXRUN_OK) {
            (void)tool_prefix(error, "output \"%.100s\": ", run->files[i].name);
            return tool_report(error);
        }
    }
    if (run->top > 0 && target->output_count > 0) {
        return print_classes(run);
    }
    for (size_t i = 0; run->file_count == 0 && i < target->output_count; i++) {
        show_value(stdout, target->outputs[i].name, target->outputs[i].tensor);
    }
    return EXIT_CODE_OK;
}

static int run_model(struct run *run)
{
    struct target *target = &run->target;
    int code = target_load(target);
    code = code == EXIT_CODE_OK ? choose_outputs(run) : code;
    code = code == EXIT_CODE_OK ? inputs_make(&target->inputs, target->model, NULL) : code;
    code = code == EXIT_CODE_OK ? start(run) : code;
    code = code == EXIT_CODE_OK ? compute(run) : code;
    return code == EXIT_CODE_OK ? deliver(run) : code;
}

int cmd_run(int argc, char **argv)
{
    struct run run = {.target = {.command = "onnxrun run"}};
    bool is_done;
    int code = target_parse(&run.target, argc, argv, &form, &run, &is_done);
    if (code == EXIT_CODE_OK && !is_done) {
        code = run_model(&run);
    }
    target_free(&run.target);
    free(run.files);
    return code;
}
