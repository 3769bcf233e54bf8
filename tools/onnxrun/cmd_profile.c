/* SPDX-License-Identifier: Apache-2.0 */
/* onnxrun profile: where the time of a run goes. */
#include "common/limits.h"
#include "common/progress.h"

#include "onnxrun/commands.h"
#include "onnxrun/profile.h"
#include "onnxrun/target.h"

#include <getopt.h>
#include <string.h>

static const char help[] =
    "Usage: onnxrun profile MODEL [OPTION]...\n"
    "Shows where the time of a run goes: by operator and by node, with the share of what this\n"
    "machine can do. Inputs that are not given are 'auto': random floats, ones for all other "
    "types.\n"
    "\n"
    "  -d, --dim NAME=N          number for a symbolic dimension\n"
    "  -i, --input NAME=SOURCE   an input\n"
    "      --top K               number of nodes to print (20)\n"
    "      --trace FILE          write the fastest run for https://ui.perfetto.dev\n"
    "      --no-limits           do not measure what the machine can do, which takes a second\n"
    "      --threads N           number of threads\n"
    "      --no-fusion           compute the nodes as the file has them\n"
    "      --keep-denormals      compute with numbers below 1.2e-38, which else count as zero\n"
    "      --seconds S           how long to measure (2)\n"
    "      --json                print one JSON object\n"
    "  -h, --help                print this help\n"
    "\n"
    "The limit of a node is the time that its multiply-adds need at full speed, or its inputs and\n"
    "outputs from memory, whichever is more. What lies in a cache can beat it.\n"
    "\n" INPUTS_HELP "\n"
    "Examples:\n"
    "  onnxrun profile bert.onnx -d batch=1 -d sequence=128 --threads 2\n"
    "  onnxrun profile bert.onnx -d batch=1 -d sequence=128 --trace bert.json\n"
    "\n" EXIT_CODE_HELP;

/* Samples of each limit; blocks of more than caches hold, of all threads together. */
#define LIMIT_SAMPLES 60
#define BLOCK_BYTES   ((size_t)256 << 20)

struct command {
    struct target target;
    struct profile_summary summary;
    const char *trace_path;
    bool has_limits;
    struct profile profile;
};

/* ---- options ---- */

static int add_option(void *user, int option, char *const *argv)
{
    struct command *command = user;
    int64_t number;
    int code;
    switch (option) {
    case OPTION_TOP:
        code = args_int("onnxrun profile", "--top", optarg, 0, INT32_MAX, &number);
        command->summary.top = (size_t)number;
        return code;
    case OPTION_TRACE:
        command->trace_path = optarg;
        return strcmp(optarg, "-") != 0 && optarg[0] != '\0'
                   ? EXIT_CODE_OK
                   : tool_usage_error("onnxrun profile", "--trace %s: expected a file", optarg);
    case OPTION_NO_LIMITS:
        command->has_limits = false;
        return EXIT_CODE_OK;
    default:
        return target_option(&command->target, option, argv);
    }
}

static const struct option rows[] = {
    {"top", required_argument, NULL, OPTION_TOP},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"no-limits", no_argument, NULL, OPTION_NO_LIMITS},
    {"no-fusion", no_argument, NULL, OPTION_NO_FUSION},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"json", no_argument, NULL, OPTION_JSON},
    TARGET_OPTIONS,
};

static const struct args_form form = {help, TARGET_LETTERS, rows, add_option};

/* ---- measuring ---- */

static onnxrun_status run_once(struct command *command)
{
    double milliseconds;
    onnxrun_status status = target_run(&command->target, &milliseconds);
    profile_end_run(&command->profile, 1e-3 * milliseconds);
    return status;
}

/* Two runs plan and warm up, then as many as fit into the time. */
static onnxrun_status measure(struct command *command)
{
    onnxrun_status status = run_once(command);
    if (status == ONNXRUN_OK) {
        status = run_once(command);
    }
    profile_forget(&command->profile);
    double end = tool_seconds() + command->target.seconds;
    while (status == ONNXRUN_OK && (command->profile.run_count == 0 || tool_seconds() < end)) {
        status = run_once(command);
    }
    return status;
}

static void measure_limits(struct command *command)
{
    uint32_t threads = command->summary.threads;
    struct profile_limits *limits = &command->summary.limits;
    struct progress progress;
    progress_begin(&progress, "measuring", "the limits of this machine");
    struct limits *team = limits_open(threads, BLOCK_BYTES / threads);
    for (int i = 0; i < LIMIT_SAMPLES; i++) {
        double gflops = limits_sample_gflops(team, command->summary.isa, threads);
        double gbytes = limits_sample_gbytes(team, threads);
        limits->gflops = gflops > limits->gflops ? gflops : limits->gflops;
        limits->gbytes = gbytes > limits->gbytes ? gbytes : limits->gbytes;
        progress_set(&progress, (size_t)i + 1, LIMIT_SAMPLES, 0);
    }
    limits_close(team);
    progress_end(&progress);
}

static int prepare(struct command *command)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.on_step = profile_on_step;
    options.step_user = &command->profile;
    int code = target_open(&command->target, &options);
    if (code == EXIT_CODE_OK) {
        onnxrun_session_stats stats = {.struct_size = sizeof stats};
        onnxrun_session_get_stats(command->target.session, &stats);
        command->summary.model_path = command->target.model_path;
        command->summary.isa = stats.isa;
        command->summary.threads = stats.threads;
    }
    return code;
}

static int profile_model(struct command *command)
{
    int code = prepare(command);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    struct progress progress;
    progress_begin(&progress, "measuring", command->target.model_path);
    onnxrun_status status = measure(command);
    progress_end(&progress);
    if (status != ONNXRUN_OK) {
        return target_report(&command->target);
    }
    if (command->trace_path != NULL && profile_write_trace(&command->profile, command->trace_path,
                                                           &command->target.error) != ONNXRUN_OK) {
        return tool_report(&command->target.error);
    }
    if (command->has_limits) {
        measure_limits(command);
        profile_set_limits(&command->profile, &command->summary.limits);
    }
    if (command->target.is_json) {
        profile_print_json(&command->profile, &command->summary);
    } else {
        profile_print_text(&command->profile, &command->summary);
    }
    return EXIT_CODE_OK;
}

int cmd_profile(int argc, char **argv)
{
    struct command command = {.target = {.command = "onnxrun profile", .seconds = 2},
                              .has_limits = true,
                              .summary = {.top = 20}};
    bool is_done;
    int code = target_parse(&command.target, argc, argv, &form, &command, &is_done);
    if (code == EXIT_CODE_OK && !is_done) {
        code = profile_model(&command);
    }
    target_free(&command.target);
    profile_free(&command.profile);
    return code;
}
