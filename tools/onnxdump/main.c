/* SPDX-License-Identifier: Apache-2.0 */
/* onnxdump: shows what is in a model. Each view has a file of its own. */
#include "common/args.h"
#include "common/model_file.h"
#include "onnxdump/views.h"

#include <getopt.h>
#include <string.h>

static const char help[] =
    "Usage: onnxdump MODEL [VIEW] [OPTION]...\n"
    "       onnxdump --diff MODEL OTHER [--json]\n"
    "       onnxdump --ops [--json]\n"
    "Shows what is in an ONNX file, and what becomes of it on the way to a run. MODEL may be in "
    "the\n"
    "textual syntax of ONNX as well, as --onnxtxt writes it.\n"
    "\n"
    "Views; the default is a summary: signature, operators, weights, modules\n"
    "      --modules       modules that the model was exported from, with nodes, parameters and\n"
    "                      MACs (multiplications of matrix products) of each\n"
    "      --stage STAGE   model    the file: signature, weights, nodes\n"
    "                      graph    after folding and fusion, with inferred types and shapes\n"
    "                      program  operators in the order of a run, packed weights\n"
    "                      plan     steps and memory for concrete dimensions\n"
    "      --explain       what the passes did before the stage graph: nodes that went, fusions,\n"
    "                      near misses with the edge that stopped each, and all nodes that are\n"
    "                      not supported; then the kernels and types that a run computes with\n"
    "      --cost          MACs, bytes read and written, operations per byte and memory in use\n"
    "                      for each step of a run, and in sum; MACs as a formula of the\n"
    "                      dimensions that have no number\n"
    "      --stats         least, largest and mean element, zeros, NaNs, infinities of each "
    "weight\n"
    "      --check         whether the model is valid; see the exit status\n"
    "      --onnxtxt       the textual syntax of ONNX, as onnx.parser reads it beside the model\n"
    "      --dot           the graph for Graphviz, types on its arrows; modules that are too many "
    "to\n"
    "                      draw are one box each. With --stage graph after fusion\n"
    "      --extract IN..OUT -o FILE\n"
    "                      write the nodes between these values as a model of its own; several\n"
    "                      with commas, no IN: from the inputs, no OUT: to the outputs\n"
    "      --html FILE     writes a page for a browser: the graph folded by module, before and\n"
    "                      after fusion; \"-\" is stdout\n"
    "      --diff          what differs between two models: signature, weights by name or\n"
    "                      content, nodes by what they compute, in bodies as well, by module; the\n"
    "                      exit status is 0 when they are equal, 1 when not, 2 when one cannot be\n"
    "                      read\n"
    "      --ops           the operators that this build can run\n"
    "\n"
    "Options\n"
    "  -d, --dim NAME=N    number for a symbolic dimension, or for one without a name, called\n"
    "                      INPUT/AXIS; --cost, --explain and the stage plan take 1 for others\n"
    "  -o, --output FILE   with --extract: where the part goes; - is stdout. In the folder of the\n"
    "                      model its weights stay in the files beside it, elsewhere they become\n"
    "                      part of FILE\n"
    "      --no-fusion     with --cost: nodes as the file has them\n"
    "      --json          print JSON; of the summary, that of the stage model\n"
    "  -h, --help          print this help\n"
    "      --version       print the version\n"
    "\n"
    "Examples:\n"
    "  onnxdump model.onnx -d batch=1 -d sequence=128\n"
    "  onnxdump model.onnx --stage model | less\n"
    "  onnxdump model.onnx --cost -d batch=1 -d sequence=128\n"
    "  onnxdump model.onnx --html model.html && xdg-open model.html\n"
    "  onnxdump model.onnx --check && echo fine\n"
    "  onnxdump model.onnx --dot | dot -Tsvg >model.svg\n"
    "  onnxdump model.onnx --extract hidden,mask..logits -o head.onnx\n"
    "  onnxdump --diff model.onnx optimized.onnx\n"
    "  onnxdump model.onnx --json | jq '.nodes[].op_type' | sort | uniq -c\n"
    "\n" EXIT_CODE_HELP;

enum view {
    VIEW_SUMMARY,
    VIEW_STAGE,
    VIEW_MODULES,
    VIEW_COST,
    VIEW_STATS,
    VIEW_CHECK,
    VIEW_ONNXTXT,
    VIEW_DOT,
    VIEW_DIFF,
    VIEW_EXTRACT,
    VIEW_HTML,
    VIEW_OPS
};

struct dump {
    enum view view;
    onnxrun_stage stage;
    struct view_options options;
    const char *html; /* file to write */
    onnxrun_error error;
};

static int set_stage(struct dump *dump, const char *name)
{
    static const char *const stages[] = {"model", "graph", "program", "plan"};
    dump->view = dump->view == VIEW_DOT ? VIEW_DOT : VIEW_STAGE;
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        if (strcmp(name, stages[i]) == 0) {
            dump->stage = (onnxrun_stage)i;
            return EXIT_CODE_OK;
        }
    }
    return tool_usage_error("onnxdump", "--stage %s: expected model, graph, program or plan", name);
}

/* Options that choose a view; some have a value besides. */
static const struct {
    int option;
    enum view view;
} view_choices[] = {
    {OPTION_EXPLAIN, VIEW_STAGE}, {OPTION_MODULES, VIEW_MODULES}, {OPTION_COST, VIEW_COST},
    {OPTION_STATS, VIEW_STATS},   {OPTION_CHECK, VIEW_CHECK},     {OPTION_ONNXTXT, VIEW_ONNXTXT},
    {OPTION_DOT, VIEW_DOT},       {OPTION_DIFF, VIEW_DIFF},       {OPTION_EXTRACT, VIEW_EXTRACT},
    {OPTION_HTML, VIEW_HTML},     {OPTION_OPS, VIEW_OPS}};

static bool set_view(struct dump *dump, int option)
{
    for (size_t i = 0; i < sizeof view_choices / sizeof view_choices[0]; i++) {
        if (view_choices[i].option == option) {
            dump->view = view_choices[i].view;
            return true;
        }
    }
    return false;
}

static int add_option(void *user, int option, char *const *argv)
{
    struct dump *dump = user;
    bool is_view = set_view(dump, option);
    switch (option) {
    case OPTION_STAGE:
        return set_stage(dump, optarg);
    case OPTION_EXPLAIN:
        dump->stage = ONNXRUN_STAGE_PASSES;
        return EXIT_CODE_OK;
    case OPTION_EXTRACT:
        dump->options.extract = optarg;
        return EXIT_CODE_OK;
    case OPTION_HTML:
        dump->html = optarg;
        return EXIT_CODE_OK;
    case 'o':
        dump->options.output = optarg;
        return EXIT_CODE_OK;
    case OPTION_NO_FUSION:
        dump->options.no_fusion = true;
        return EXIT_CODE_OK;
    case 'd':
        return dims_add(&dump->options.dims, optarg, &dump->error) == ONNXRUN_OK
                   ? EXIT_CODE_OK
                   : tool_usage_error("onnxdump", "%s", dump->error.message);
    case OPTION_JSON:
        dump->options.is_json = true;
        return EXIT_CODE_OK;
    default:
        return is_view ? EXIT_CODE_OK : args_refuse("onnxdump", option, argv);
    }
}

/* What is left behind the options. */
static int take_models(struct dump *dump, int argc, char *const *argv)
{
    int expected = dump->view == VIEW_OPS ? 0 : dump->view == VIEW_DIFF ? 2 : 1;
    if (argc - optind > expected) {
        return tool_usage_error("onnxdump", "unexpected argument \"%s\"", argv[argc - 1]);
    }
    if (argc - optind < expected) {
        return tool_usage_error("onnxdump", "%s",
                                optind == argc ? "no model is given"
                                               : "there is no second model to compare with");
    }
    dump->options.name = argv[optind];
    dump->options.other_name = expected == 2 ? argv[optind + 1] : NULL;
    return EXIT_CODE_OK;
}

static const struct option rows[] = {
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"modules", no_argument, NULL, OPTION_MODULES},
    {"cost", no_argument, NULL, OPTION_COST},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"onnxtxt", no_argument, NULL, OPTION_ONNXTXT},
    {"dot", no_argument, NULL, OPTION_DOT},
    {"diff", no_argument, NULL, OPTION_DIFF},
    {"extract", required_argument, NULL, OPTION_EXTRACT},
    {"output", required_argument, NULL, 'o'},
    {"html", required_argument, NULL, OPTION_HTML},
    {"no-fusion", no_argument, NULL, OPTION_NO_FUSION},
    {"ops", no_argument, NULL, OPTION_OPS},
    {"dim", required_argument, NULL, 'd'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const struct args_form form = {help, ":d:o:h", rows, add_option};

static int show(struct dump *dump)
{
    struct view_options *options = &dump->options;
    switch (dump->view) {
    case VIEW_SUMMARY:
        return view_summary(options);
    case VIEW_STAGE:
        return view_stage(options, dump->stage);
    case VIEW_MODULES:
        return view_modules(options);
    case VIEW_COST:
        return view_cost(options);
    case VIEW_STATS:
        return view_stats(options);
    case VIEW_CHECK:
        return view_check(options);
    case VIEW_ONNXTXT:
        return view_onnxtxt(options);
    case VIEW_DOT:
        return view_dot(options, dump->stage);
    case VIEW_EXTRACT:
        return view_extract(options);
    case VIEW_HTML:
        return view_html(options, dump->html);
    case VIEW_DIFF:
        return view_diff(options);
    case VIEW_OPS:
        return view_ops(options->is_json);
    }
    return EXIT_CODE_USAGE;
}

/* A model that cannot be read, before a view sees it. */
static int refuse(struct dump *dump)
{
    if (dump->view == VIEW_CHECK) {
        return view_check_report(&dump->options, dump->error.status, &dump->error);
    }
    (void)tool_report(&dump->error);
    return dump->view == VIEW_DIFF ? VIEW_DIFF_TROUBLE : tool_exit_code(dump->error.status);
}

/* Shows the models that are called so, be they in textual syntax. */
static int open_and_show(struct dump *dump)
{
    struct view_options *options = &dump->options;
    const char *const names[] = {options->name, options->other_name};
    struct model_file files[2] = {{.path = NULL}, {.path = NULL}};
    onnxrun_status status = ONNXRUN_OK;
    for (size_t i = 0; i < 2 && names[i] != NULL && status == ONNXRUN_OK; i++) {
        status = model_file_open(&files[i], names[i], &dump->error);
    }
    options->path = files[0].path;
    options->other = files[1].path;
    int code = status == ONNXRUN_OK ? show(dump) : refuse(dump);
    model_file_close(&files[0]);
    model_file_close(&files[1]);
    return code;
}

int main(int argc, char **argv)
{
    struct dump dump = {.view = VIEW_SUMMARY};
    bool is_done;
    tool_begin("onnxdump");
    int code = args_parse(argc, argv, &form, &dump, &is_done);
    code = code == EXIT_CODE_OK && !is_done ? take_models(&dump, argc, argv) : code;
    if (code == EXIT_CODE_OK && !is_done) {
        code = open_and_show(&dump);
    } else if (code != EXIT_CODE_OK && dump.view == VIEW_DIFF) {
        code = VIEW_DIFF_TROUBLE;
    }
    dims_free(&dump.options.dims);
    return tool_end(code);
}
