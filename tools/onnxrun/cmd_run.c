/* SPDX-License-Identifier: Apache-2.0 */
/* onnxrun run: computes outputs, and prints or stores them. */
#include "common/args.h"
#include "common/inputs.h"
#include "common/npy.h"
#include "common/progress.h"
#include "common/show.h"
#include "common/value_file.h"

#include "onnxrun/attention.h"
#include "onnxrun/commands.h"
#include "onnxrun/dump.h"
#include "onnxrun/labels.h"

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
    const char *model_path;
    struct inputs inputs;
    struct output_file *files;
    size_t file_count;
    struct attention_files attention;
    const char *dump_folder; /* NULL: none */
    struct dump dump;
    const char *labels_path;
    size_t top; /* 0: print values */
    uint32_t threads;
    bool no_fusion;
    uint32_t keep_denormals;
    uint64_t seed; /* 0: from the system */
    onnxrun_model *model;
    onnxrun_session *session;
    onnxrun_binding *outputs;
    size_t output_count;
    onnxrun_error error;
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

static int add_option(struct run *run, int option, char *const *argv)
{
    int64_t number = 0;
    switch (option) {
    case 'i':
        return inputs_add(&run->inputs, optarg, &run->error) == ONNXRUN_OK
                   ? EXIT_CODE_OK
                   : tool_usage_error("onnxrun run", "%s", run->error.message);
    case 'd':
        return inputs_add_dim(&run->inputs, optarg, &run->error) == ONNXRUN_OK
                   ? EXIT_CODE_OK
                   : tool_usage_error("onnxrun run", "%s", run->error.message);
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
        if (!args_int("onnxrun run", "--top", optarg, 1, 1000000, &number)) {
            return EXIT_CODE_USAGE;
        }
        run->top = (size_t)number;
        return EXIT_CODE_OK;
    case OPTION_SEED:
        if (!args_int("onnxrun run", "--seed", optarg, 1, INT64_MAX, &number)) {
            return EXIT_CODE_USAGE;
        }
        run->seed = (uint64_t)number;
        return EXIT_CODE_OK;
    case OPTION_THREADS:
        if (!args_int("onnxrun run", "--threads", optarg, 1, 256, &number)) {
            return EXIT_CODE_USAGE;
        }
        run->threads = (uint32_t)number;
        return EXIT_CODE_OK;
    case OPTION_NO_FUSION:
        run->no_fusion = true;
        return EXIT_CODE_OK;
    case OPTION_DENORMALS:
        run->keep_denormals = 1;
        return EXIT_CODE_OK;
    default:
        return args_refuse("onnxrun run", option, argv);
    }
}

static int parse_options(struct run *run, int argc, char **argv, bool *wants_help)
{
    static const struct option options[] = {
        {"input", required_argument, NULL, 'i'},
        {"dim", required_argument, NULL, 'd'},
        {"output", required_argument, NULL, 'o'},
        {"attention", required_argument, NULL, OPTION_ATTENTION},
        {"attention-heads", required_argument, NULL, OPTION_HEADS},
        {"dump", required_argument, NULL, OPTION_DUMP},
        {"labels", required_argument, NULL, OPTION_LABELS},
        {"top", required_argument, NULL, OPTION_TOP},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"threads", required_argument, NULL, OPTION_THREADS},
        {"no-fusion", no_argument, NULL, OPTION_NO_FUSION},
        {"keep-denormals", no_argument, NULL, OPTION_DENORMALS},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":i:d:o:h", options, NULL)) != -1) {
        if (option == 'h') {
            *wants_help = true;
            return EXIT_CODE_OK;
        }
        int code = add_option(run, option, argv);
        if (code != EXIT_CODE_OK) {
            return code;
        }
    }
    if (optind + 1 != argc) {
        return optind == argc ? tool_usage_error("onnxrun run", "no model is given")
                              : tool_usage_error("onnxrun run", "more than one model: \"%s\"",
                                                 argv[optind + 1]);
    }
    run->model_path = argv[optind];
    return EXIT_CODE_OK;
}

/* ---- running ---- */

static onnxrun_value_info output_info(const struct run *run, size_t index)
{
    onnxrun_value_info info = {.name = ""};
    (void)onnxrun_model_output_info(run->model, index, &info, NULL);
    return info;
}

static int check_output_name(const struct run *run, const char *name)
{
    size_t count = onnxrun_model_output_count(run->model);
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
    bool is_all = run->file_count == 0;
    run->output_count = is_all ? onnxrun_model_output_count(run->model) : run->file_count;
    run->outputs = tool_alloc(run->output_count, sizeof *run->outputs);
    for (size_t i = 0; i < run->output_count; i++) {
        run->outputs[i].name = is_all ? output_info(run, i).name : run->files[i].name;
        int code = check_output_name(run, run->outputs[i].name);
        if (code != EXIT_CODE_OK) {
            return code;
        }
    }
    return EXIT_CODE_OK;
}

/* Outputs that no node computes, as they only have another shape, were not told as steps. */
static int end_dump(struct run *run)
{
    for (size_t i = 0; i < run->output_count; i++) {
        dump_value(&run->dump, run->outputs[i].name, run->outputs[i].tensor);
    }
    return run->dump.status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&run->dump.error);
}

static int compute(struct run *run)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.threads = run->threads;
    options.seed = run->seed;
    options.keep_denormals = run->keep_denormals;
    options.on_attention = run->attention.path != NULL ? attention_tell : NULL;
    options.attention_user = &run->attention;
    onnxrun_status status = ONNXRUN_OK;
    if (run->dump_folder != NULL) {
        status = dump_begin(&run->dump, run->dump_folder, run->model);
        options.on_step = dump_on_step;
        options.step_user = &run->dump;
    }
    if (status != ONNXRUN_OK) {
        return tool_report(&run->dump.error);
    }
    status = onnxrun_session_create(run->model, &options, &run->session, &run->error);
    if (status == ONNXRUN_OK) {
        struct progress progress;
        progress_begin(&progress, "running", run->model_path);
        status = onnxrun_session_run(run->session, run->inputs.bindings, run->inputs.binding_count,
                                     run->outputs, run->output_count, &run->error);
        progress_end(&progress);
    }
    status = attention_end(&run->attention, status, run->no_fusion, &run->error);
    if (status == ONNXRUN_OK) {
        return run->dump_folder != NULL ? end_dump(run) : EXIT_CODE_OK;
    }
    int code = tool_report(&run->error);
    return code == EXIT_CODE_UNSUPPORTED || code == EXIT_CODE_MODEL ? code : EXIT_CODE_RUN;
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
    struct labels labels = {.count = 0};
    onnxrun_status status = ONNXRUN_OK;
    if (run->labels_path != NULL) {
        status = labels_load(run->labels_path, &labels, &run->error);
    }
    if (status == ONNXRUN_OK) {
        status = labels_print(stdout, &labels, run->top, run->outputs[0].tensor, &run->error);
    }
    labels_free(&labels);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&run->error);
}

static int deliver(struct run *run)
{
    bool needs_tensor = run->top > 0 && run->output_count > 0;
    int code = needs_tensor ? check_tensor(&run->outputs[0]) : EXIT_CODE_OK;
    for (size_t i = 0; i < run->file_count && code == EXIT_CODE_OK; i++) {
        code = check_tensor(&run->outputs[i]);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    for (size_t i = 0; i < run->file_count; i++) {
        onnxrun_status status = npy_write(run->files[i].path, run->outputs[i].tensor, &run->error);
        if (status != ONNXRUN_OK) {
            (void)tool_prefix(&run->error, "output \"%.100s\": ", run->files[i].name);
            return tool_report(&run->error);
        }
    }
    if (run->top > 0 && run->output_count > 0) {
        return print_classes(run);
    }
    for (size_t i = 0; run->file_count == 0 && i < run->output_count; i++) {
        show_value(stdout, run->outputs[i].name, run->outputs[i].tensor);
    }
    return EXIT_CODE_OK;
}

static int run_model(struct run *run)
{
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    options.threads = run->threads;
    options.no_fusion = run->no_fusion;
    struct progress progress;
    progress_begin(&progress, "loading", run->model_path);
    onnxrun_status status = onnxrun_model_load(run->model_path, &options, &run->model, &run->error);
    progress_end(&progress);
    if (status != ONNXRUN_OK) {
        return tool_report(&run->error);
    }
    int code = choose_outputs(run);
    code = code == EXIT_CODE_OK ? inputs_make(&run->inputs, run->model, NULL) : code;
    code = code == EXIT_CODE_OK ? compute(run) : code;
    return code == EXIT_CODE_OK ? deliver(run) : code;
}

int cmd_run(int argc, char **argv)
{
    struct run run = {.model_path = NULL};
    bool wants_help = false;
    int code = parse_options(&run, argc, argv, &wants_help);
    if (wants_help) {
        fputs(help, stdout);
    } else if (code == EXIT_CODE_OK) {
        code = run_model(&run);
    }
    inputs_free(&run.inputs);
    onnxrun_session_free(run.session);
    onnxrun_model_free(run.model);
    free(run.outputs);
    free(run.files);
    return code;
}
