/* SPDX-License-Identifier: Apache-2.0 */
/* onnxrun test: runs folders of test cases and reports. */
#include "common/args.h"
#include "common/escape.h"
#include "common/progress.h"

#include "onnxrun/commands.h"
#include "onnxrun/jobs.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: onnxrun test PATH... [OPTION]...\n"
    "Runs every test case in the folders PATH and below: a folder with model.onnx, or\n"
    "model.onnxtxt, and test_data_set_*/{input,output}_*.pb, as in the ONNX backend test suite, "
    "or\n"
    "light_X.onnx with light_X_output_0.pb. Floats must keep |got - expected| <= atol + rtol *\n"
    "|expected|; a data.json {\"rtol\": R, \"atol\": A} beside the model sets its own tolerance.\n"
    "bfloat16 may differ by two units in the last place.\n"
    "\n"
    "      --filter GLOB   only cases whose name, or its last part, matches\n"
    "      --list          print the names of the cases and run none\n"
    "  -v, --verbose       print a line for each case, not only for failures\n"
    "      --json          print one JSON object\n"
    "      --rtol R        relative tolerance (1e-3), also for cases with a data.json\n"
    "      --atol A        absolute tolerance (1e-7), likewise\n"
    "      --jobs N        cases at a time (number of processors)\n"
    "      --threads N     threads of each case (1)\n"
    "      --no-fusion     compute the nodes as the files have them\n"
    "      --timeout S     seconds that one case may take (120)\n"
    "  -h, --help          print this help\n"
    "\n"
    "Each case runs in a process of its own; a crash fails that case only. The last line counts\n"
    "passed, failed and unsupported cases. Unsupported ones are no failures.\n"
    "\n"
    "Examples:\n"
    "  onnxrun test onnx/backend/test/data/node --filter 'test_softmax*'\n"
    "  onnxrun test models --verbose --rtol 1e-4 --atol 1e-5\n"
    "\n" EXIT_CODE_HELP;

struct report {
    const struct test_cases *cases;
    const struct case_result *results;
    size_t printed; /* results reported so far */
    size_t counts[3];
    bool is_verbose;
    bool is_json;
    struct progress progress;
    bool has_colors;
};

struct test_command {
    struct test_cases cases;
    struct job_settings settings;
    struct report report;
    const char *filter;
    bool lists;
};

/* ---- options ---- */

static int add_option(void *user, int option, char *const *argv)
{
    struct test_command *command = user;
    struct case_settings *test = &command->settings.test;
    int64_t number;
    int code;
    switch (option) {
    case OPTION_FILTER:
        command->filter = optarg;
        return EXIT_CODE_OK;
    case OPTION_LIST:
        command->lists = true;
        return EXIT_CODE_OK;
    case 'v':
        command->report.is_verbose = true;
        return EXIT_CODE_OK;
    case OPTION_JSON:
        command->report.is_json = true;
        return EXIT_CODE_OK;
    case OPTION_RTOL:
        test->is_rtol_forced = true;
        return args_real("onnxrun test", "--rtol", optarg, 0, &test->rtol);
    case OPTION_ATOL:
        test->is_atol_forced = true;
        return args_real("onnxrun test", "--atol", optarg, 0, &test->atol);
    case OPTION_JOBS:
        code = args_int("onnxrun test", "--jobs", optarg, 1, 1024, &number);
        command->settings.job_count = (size_t)number;
        return code;
    case OPTION_THREADS:
        code = args_int("onnxrun test", "--threads", optarg, 1, 256, &number);
        test->threads = (uint32_t)number;
        return code;
    case OPTION_NO_FUSION:
        test->no_fusion = true;
        return EXIT_CODE_OK;
    case OPTION_TIMEOUT:
        return args_real("onnxrun test", "--timeout", optarg, 0.001,
                         &command->settings.timeout_seconds);
    default:
        return args_refuse("onnxrun test", option, argv);
    }
}

static int find_cases(struct test_command *command, int count, char *const *paths)
{
    onnxrun_error error;
    if (count == 0) {
        return tool_usage_error("onnxrun test", "no folder is given");
    }
    for (int i = 0; i < count; i++) {
        if (cases_find(&command->cases, paths[i], &error) != ONNXRUN_OK) {
            return tool_report(&error);
        }
    }
    if (command->cases.count == 0) {
        tool_error("there are no test cases in \"%s\"%s", paths[0],
                   count > 1 ? " and the other folders" : "");
        return EXIT_CODE_USAGE;
    }
    if (command->filter != NULL) {
        cases_filter(&command->cases, command->filter);
        if (command->cases.count == 0) {
            tool_error("no test case matches \"%s\"", command->filter);
            return EXIT_CODE_USAGE;
        }
    }
    return EXIT_CODE_OK;
}

static const struct option rows[] = {
    {"filter", required_argument, NULL, OPTION_FILTER},
    {"list", no_argument, NULL, OPTION_LIST},
    {"verbose", no_argument, NULL, 'v'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"rtol", required_argument, NULL, OPTION_RTOL},
    {"atol", required_argument, NULL, OPTION_ATOL},
    {"jobs", required_argument, NULL, OPTION_JOBS},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"no-fusion", no_argument, NULL, OPTION_NO_FUSION},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const struct args_form form = {help, ":vh", rows, add_option};

/* ---- reporting ---- */

static const char *const verdict_names[] = {"passed", "failed", "unsupported"};

static void print_verdict(struct report *report, const char *name, const struct case_result *result)
{
    static const char *const words[] = {"ok  ", "FAIL", "skip"};
    static const char *const colors[] = {"\033[32m", "\033[31m", "\033[33m"};
    progress_hide(&report->progress);
    printf("%s%s%s ", report->has_colors ? colors[result->verdict] : "", words[result->verdict],
           report->has_colors ? "\033[0m" : "");
    escape_name(stdout, name);
    if (result->verdict == VERDICT_PASSED) {
        printf(" (%.0f ms, largest error %.2g)", 1e3 * result->seconds, result->max_error);
    } else {
        fputs(": ", stdout);
        escape_name(stdout, result->message);
    }
    fputc('\n', stdout);
    (void)fflush(stdout);
}

static void report_progress(void *user, size_t done, size_t ended)
{
    struct report *report = user;
    for (; report->printed < done; report->printed++) {
        const struct case_result *result = &report->results[report->printed];
        report->counts[result->verdict]++;
        if (!report->is_json && (report->is_verbose || result->verdict == VERDICT_FAILED)) {
            print_verdict(report, report->cases->items[report->printed].name, result);
        }
    }
    progress_set(&report->progress, ended, report->cases->count, report->counts[VERDICT_FAILED]);
}

/* JSON has no number that is not finite. */
static void print_member(const char *name, double value)
{
    if (isfinite(value)) {
        printf(", \"%s\": %.9g", name, value);
    } else {
        printf(", \"%s\": null", name);
    }
}

static void print_json(const struct report *report)
{
    printf("{\"passed\": %zu, \"failed\": %zu, \"unsupported\": %zu,\n \"cases\": [",
           report->counts[VERDICT_PASSED], report->counts[VERDICT_FAILED],
           report->counts[VERDICT_UNSUPPORTED]);
    for (size_t i = 0; i < report->cases->count; i++) {
        const struct case_result *result = &report->results[i];
        const char *name = report->cases->items[i].name;
        fputs(i > 0 ? ",\n  {\"name\": " : "\n  {\"name\": ", stdout);
        escape_json(stdout, name, strlen(name));
        printf(", \"verdict\": \"%s\"", verdict_names[result->verdict]);
        print_member("max_error", result->max_error);
        print_member("max_ulp", result->max_ulp);
        printf(", \"seconds\": %.6f, \"message\": ", result->seconds);
        escape_json(stdout, result->message, strlen(result->message));
        fputs("}", stdout);
    }
    fputs("]}\n", stdout);
}

static int run_cases(struct test_command *command)
{
    struct report *report = &command->report;
    struct case_result *results = tool_alloc(command->cases.count, sizeof *results);
    report->cases = &command->cases;
    report->results = results;
    report->has_colors = escape_has_colors(stdout);
    progress_begin(&report->progress, "testing", "");
    jobs_run(&command->cases, &command->settings, results, report_progress, report);
    progress_end(&report->progress);
    if (report->is_json) {
        print_json(report);
    } else {
        printf("%zu passed, %zu failed, %zu unsupported\n", report->counts[VERDICT_PASSED],
               report->counts[VERDICT_FAILED], report->counts[VERDICT_UNSUPPORTED]);
    }
    free(results);
    return report->counts[VERDICT_FAILED] > 0 ? EXIT_CODE_RUN : EXIT_CODE_OK;
}

static void list_cases(const struct test_cases *cases)
{
    for (size_t i = 0; i < cases->count; i++) {
        escape_name(stdout, cases->items[i].name);
        fputc('\n', stdout);
    }
}

static int run_or_list(struct test_command *command)
{
    if (command->lists) {
        list_cases(&command->cases);
        return EXIT_CODE_OK;
    }
    return run_cases(command);
}

static size_t processor_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 64 ? 64 : (size_t)count;
}

int cmd_test(int argc, char **argv)
{
    struct test_command command = {
        .settings = {.test = {.rtol = 1e-3, .atol = 1e-7, .threads = 1},
                     .job_count = processor_count(),
                     .timeout_seconds = 120},
    };
    bool is_done;
    int code = args_parse(argc, argv, &form, &command, &is_done);
    if (code == EXIT_CODE_OK && !is_done) {
        code = find_cases(&command, argc - optind, argv + optind);
        code = code == EXIT_CODE_OK ? run_or_list(&command) : code;
    }
    cases_free(&command.cases);
    return code;
}
