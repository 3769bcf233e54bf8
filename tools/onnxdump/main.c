/* SPDX-License-Identifier: Apache-2.0 */
/* onnxdump: shows a model at one of its stages, or the table of operators. */
#include "common/args.h"
#include "common/inputs.h"

#include <getopt.h>
#include <inttypes.h>
#include <onnxrun/inspect.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: onnxdump MODEL [OPTION]...\n"
    "       onnxdump --ops [--json]\n"
    "Shows what is in an ONNX file, and what becomes of it on the way to a run.\n"
    "\n"
    "      --stage STAGE   model    the file: signature, weights, nodes (default)\n"
    "                      graph    after folding and fusion, with inferred types and shapes\n"
    "                      program  operators with their kernels, packed weights\n"
    "                      plan     steps and memory for concrete dimensions\n"
    "      --explain       what the passes did before the stage graph: nodes that went, fusions,\n"
    "                      near misses with the edge that stopped each, and all nodes that are\n"
    "                      not supported\n"
    "  -d, --dim NAME=N    number for a symbolic dimension at the stage plan (1)\n"
    "      --json          print JSON\n"
    "      --ops           list the operators that this build can run\n"
    "  -h, --help          print this help\n"
    "      --version       print the version\n"
    "\n"
    "Examples:\n"
    "  onnxdump model.onnx | less\n"
    "  onnxdump model.onnx --stage plan -d batch=1 -d sequence=128\n"
    "  onnxdump model.onnx --json | jq '.nodes[].op_type' | sort | uniq -c\n"
    "\n" EXIT_CODE_HELP;

struct dump {
    const char *path;
    onnxrun_stage stage;
    bool is_json;
    bool lists_ops;
    struct inputs inputs; /* holds the dimensions */
    onnxrun_error error;
};

static int set_stage(struct dump *dump, const char *name)
{
    static const char *const stages[] = {"model", "graph", "program", "plan"};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        if (strcmp(name, stages[i]) == 0) {
            dump->stage = (onnxrun_stage)i;
            return EXIT_CODE_OK;
        }
    }
    return tool_usage_error("onnxdump", "--stage %s: expected model, graph, program or plan", name);
}

static int add_option(struct dump *dump, int option, char *const *argv)
{
    switch (option) {
    case OPTION_STAGE:
        return set_stage(dump, optarg);
    case OPTION_EXPLAIN:
        dump->stage = ONNXRUN_STAGE_PASSES;
        return EXIT_CODE_OK;
    case 'd':
        return inputs_add_dim(&dump->inputs, optarg, &dump->error) == ONNXRUN_OK
                   ? EXIT_CODE_OK
                   : tool_usage_error("onnxdump", "%s", dump->error.message);
    case OPTION_JSON:
        dump->is_json = true;
        return EXIT_CODE_OK;
    case OPTION_OPS:
        dump->lists_ops = true;
        return EXIT_CODE_OK;
    default:
        return args_refuse("onnxdump", option, argv);
    }
}

static int parse_options(struct dump *dump, int argc, char **argv, bool *is_done)
{
    static const struct option options[] = {
        {"stage", required_argument, NULL, OPTION_STAGE},
        {"explain", no_argument, NULL, OPTION_EXPLAIN},
        {"dim", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, OPTION_JSON},
        {"ops", no_argument, NULL, OPTION_OPS},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
    };
    int option, code = EXIT_CODE_OK;
    opterr = 0;
    while (!*is_done && code == EXIT_CODE_OK &&
           (option = getopt_long(argc, argv, ":d:h", options, NULL)) != -1) {
        *is_done = option == 'h' || option == OPTION_VERSION;
        if (option == 'h') {
            fputs(help, stdout);
        } else if (option == OPTION_VERSION) {
            tool_print_version("onnxdump");
        } else {
            code = add_option(dump, option, argv);
        }
    }
    if (*is_done || code != EXIT_CODE_OK) {
        return code;
    }
    if (optind + (dump->lists_ops ? 0 : 1) != argc) {
        return optind == argc
                   ? tool_usage_error("onnxdump", "no model is given")
                   : tool_usage_error("onnxdump", "unexpected argument \"%s\"", argv[argc - 1]);
    }
    dump->path = argv[optind];
    return EXIT_CODE_OK;
}

static void print_dtypes(uint32_t dtypes, const char *quote, const char *separator)
{
    bool is_first = true;
    for (int i = 1; i <= ONNXRUN_FLOAT6E3M2; i++) {
        if ((dtypes >> i & 1) != 0) {
            printf("%s%s%s%s", is_first ? "" : separator, quote,
                   onnxrun_dtype_name((onnxrun_dtype)i), quote);
            is_first = false;
        }
    }
}

static void list_ops(bool is_json)
{
    size_t count = onnxrun_op_count();
    fputs(is_json ? "[" : "", stdout);
    for (size_t i = 0; i < count; i++) {
        onnxrun_op_info op = {.name = ""};
        (void)onnxrun_op_at(i, &op, NULL);
        if (is_json) {
            printf("%s{\"domain\": \"%s\", \"name\": \"%s\", \"since\": %" PRId32
                   ", \"last\": %" PRId32 ", \"dtypes\": [",
                   i > 0 ? ",\n " : "", op.domain, op.name, op.since_version, op.last_version);
            print_dtypes(op.input_dtypes, "\"", ", ");
            fputs("]}", stdout);
        } else {
            char name[80], versions[32];
            (void)snprintf(name, sizeof name, "%s%s%s", op.domain, op.domain[0] == '\0' ? "" : ".",
                           op.name);
            (void)snprintf(versions, sizeof versions, "%" PRId32 "-%" PRId32, op.since_version,
                           op.last_version);
            printf("%-40s %-8s ", name, versions);
            print_dtypes(op.input_dtypes, "", " ");
            fputc('\n', stdout);
        }
    }
    fputs(is_json ? "]\n" : "", stdout);
}

static int describe(struct dump *dump)
{
    char *text = NULL;
    size_t count = dump->inputs.dim_count;
    onnxrun_dim *dims = tool_alloc(count, sizeof *dims);
    for (size_t i = 0; i < count; i++) {
        dims[i] = (onnxrun_dim){dump->inputs.dims[i].name, dump->inputs.dims[i].value};
    }
    onnxrun_format format = dump->is_json ? ONNXRUN_FORMAT_JSON : ONNXRUN_FORMAT_TEXT;
    onnxrun_status status =
        onnxrun_describe(dump->path, dump->stage, format, dims, count, &text, &dump->error);
    if (text != NULL) {
        fputs(text, stdout);
        onnxrun_text_free(text);
    }
    free(dims);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&dump->error);
}

int main(int argc, char **argv)
{
    struct dump dump = {.stage = ONNXRUN_STAGE_MODEL};
    bool is_done = false;
    tool_begin("onnxdump");
    int code = parse_options(&dump, argc, argv, &is_done);
    if (code == EXIT_CODE_OK && dump.lists_ops) {
        list_ops(dump.is_json);
    } else if (code == EXIT_CODE_OK && !is_done) {
        code = describe(&dump);
    }
    inputs_free(&dump.inputs);
    return tool_end(code);
}
