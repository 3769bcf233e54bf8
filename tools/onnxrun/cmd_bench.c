/* SPDX-License-Identifier: Apache-2.0 */
/* onnxrun bench: measures load, first run and steady state. */
#include "common/escape.h"
#include "common/progress.h"

#include "onnxrun/commands.h"
#include "onnxrun/target.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char help[] =
    "Usage: onnxrun bench MODEL [OPTION]...\n"
    "Measures how fast a model runs. Inputs that are not given are 'auto': random floats, ones "
    "for\n"
    "all other types.\n"
    "\n"
    "  -d, --dim NAME=N          number for a symbolic dimension\n"
    "  -i, --input NAME=SOURCE   an input\n"
    "      --threads N           number of threads\n"
    "      --no-fusion           compute the nodes as the file has them\n"
    "      --keep-denormals      compute with numbers below 1.2e-38, which else count as zero\n"
    "      --spin US             microseconds that threads look for work after a run (0)\n"
    "      --seconds S           how long to measure (3)\n"
    "      --json                print one JSON object\n"
    "  -h, --help                print this help\n"
    "\n" INPUTS_HELP "\n"
    "Examples:\n"
    "  onnxrun bench bert.onnx -d batch=1 -d sequence=128 --threads 2\n"
    "  onnxrun bench bert.onnx -d batch=1 -d sequence=128 --json | jq .median_ms\n"
    "\n" EXIT_CODE_HELP;

/* Fewest and most runs that are measured, however long they take. */
#define MIN_RUNS 5
#define MAX_RUNS 1000000

struct bench {
    struct target target;
    uint32_t spin_us;
    double first_ms;
    double *samples; /* [run_count] milliseconds, sorted */
    size_t run_count;
    double allocations; /* per run */
    onnxrun_session_stats stats;
};

/* ---- options ---- */

static int add_option(void *user, int option, char *const *argv)
{
    struct bench *bench = user;
    int64_t number;
    if (option != OPTION_SPIN) {
        return target_option(&bench->target, option, argv);
    }
    int code = args_int("onnxrun bench", "--spin", optarg, 0, 1000000, &number);
    bench->spin_us = (uint32_t)number;
    return code;
}

static const struct option rows[] = {
    {"no-fusion", no_argument, NULL, OPTION_NO_FUSION},
    {"spin", required_argument, NULL, OPTION_SPIN},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"json", no_argument, NULL, OPTION_JSON},
    TARGET_OPTIONS,
};

static const struct args_form form = {help, TARGET_LETTERS, rows, add_option};

/* ---- measuring ---- */

static uint64_t read_alloc_count(struct bench *bench)
{
    bench->stats.struct_size = sizeof bench->stats;
    onnxrun_session_get_stats(bench->target.session, &bench->stats);
    return bench->stats.alloc_count;
}

static int compare_double(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static onnxrun_status measure(struct bench *bench)
{
    size_t capacity = 0;
    double warm_up;
    onnxrun_status status = target_run(&bench->target, &bench->first_ms);
    if (status == ONNXRUN_OK) {
        status = target_run(&bench->target, &warm_up);
    }
    uint64_t alloc_count = read_alloc_count(bench);
    double end = tool_seconds() + bench->target.seconds;
    while (status == ONNXRUN_OK && bench->run_count < MAX_RUNS &&
           (bench->run_count < MIN_RUNS || tool_seconds() < end)) {
        if (bench->run_count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 1024;
            bench->samples = tool_resize(bench->samples, capacity, sizeof *bench->samples);
        }
        status = target_run(&bench->target, &bench->samples[bench->run_count++]);
    }
    if (status == ONNXRUN_OK) {
        bench->allocations =
            (double)(read_alloc_count(bench) - alloc_count) / (double)bench->run_count;
        qsort(bench->samples, bench->run_count, sizeof *bench->samples, compare_double);
    }
    return status;
}

/* ---- the report ---- */

/* The sample that at most the fraction of all lie above. */
static double quantile(const struct bench *bench, double fraction)
{
    size_t index = (size_t)(fraction * (double)(bench->run_count - 1) + 0.5);
    return bench->samples[index];
}

static double gflops(const struct bench *bench)
{
    double median = quantile(bench, 0.5);
    return median > 0 ? (double)bench->stats.flops / median * 1e-6 : 0;
}

static uint64_t peak_rss_bytes(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

static void print_json(const struct bench *bench)
{
    fputs("{\"model\": ", stdout);
    escape_json(stdout, bench->target.model_path, strlen(bench->target.model_path));
    printf(",\n \"isa\": \"%s\",\n \"threads\": %" PRIu32, bench->stats.isa, bench->stats.threads);
    fputs(",\n \"inputs\": [", stdout);
    for (size_t i = 0; i < bench->target.inputs.binding_count; i++) {
        const onnxrun_binding *input = &bench->target.inputs.bindings[i];
        size_t rank = onnxrun_tensor_rank(input->tensor);
        fputs(i > 0 ? ", {\"name\": " : "{\"name\": ", stdout);
        escape_json(stdout, input->name, strlen(input->name));
        printf(", \"dtype\": \"%s\", \"shape\": [",
               onnxrun_dtype_name(onnxrun_tensor_dtype(input->tensor)));
        for (size_t axis = 0; axis < rank; axis++) {
            printf("%s%" PRId64, axis > 0 ? ", " : "", onnxrun_tensor_dims(input->tensor)[axis]);
        }
        fputs("]}", stdout);
    }
    printf("],\n \"load_ms\": %.4f,\n \"first_ms\": %.4f", bench->target.load_ms, bench->first_ms);
    printf(",\n \"runs\": %zu,\n \"min_ms\": %.4f,\n \"median_ms\": %.4f", bench->run_count,
           bench->samples[0], quantile(bench, 0.5));
    printf(",\n \"p90_ms\": %.4f,\n \"p99_ms\": %.4f", quantile(bench, 0.9), quantile(bench, 0.99));
    printf(",\n \"flops_per_run\": %" PRIu64 ",\n \"gflops\": %.3f", bench->stats.flops,
           gflops(bench));
    printf(",\n \"peak_rss_bytes\": %" PRIu64 ",\n \"model_bytes\": %" PRIu64
           ",\n \"session_peak_bytes\": %" PRIu64 ",\n \"allocations_per_run\": %g}\n",
           peak_rss_bytes(), bench->stats.model_bytes, bench->stats.peak_bytes, bench->allocations);
}

static void print_text(const struct bench *bench)
{
    const double mib = 1024 * 1024;
    for (size_t i = 0; i < bench->target.inputs.binding_count; i++) {
        fputs(i == 0 ? "inputs       " : "             ", stdout);
        inputs_print_tensor(stdout, bench->target.inputs.bindings[i].name,
                            bench->target.inputs.bindings[i].tensor);
        fputc('\n', stdout);
    }
    printf("threads      %" PRIu32 ", %s\n", bench->stats.threads, bench->stats.isa);
    printf("load         %.2f ms\n", bench->target.load_ms);
    printf("first run    %.2f ms\n", bench->first_ms);
    printf("median       %.3f ms of %zu runs (min %.3f, p90 %.3f, p99 %.3f)\n",
           quantile(bench, 0.5), bench->run_count, bench->samples[0], quantile(bench, 0.9),
           quantile(bench, 0.99));
    if (bench->stats.flops > 0) {
        printf("speed        %.2f GFLOP/s (%.3f GFLOP per run)\n", gflops(bench),
               (double)bench->stats.flops * 1e-9);
    }
    printf("memory       %.1f MiB peak resident; heap: model %.1f MiB, session %.1f MiB\n",
           (double)peak_rss_bytes() / mib, (double)bench->stats.model_bytes / mib,
           (double)bench->stats.peak_bytes / mib);
    printf("allocations  %g per run\n", bench->allocations);
}

static int bench_model(struct bench *bench)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.spin_us = bench->spin_us;
    int code = target_open(&bench->target, &options);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    struct progress progress;
    progress_begin(&progress, "measuring", bench->target.model_path);
    onnxrun_status status = measure(bench);
    progress_end(&progress);
    if (status != ONNXRUN_OK) {
        return target_report(&bench->target);
    }
    if (bench->target.is_json) {
        print_json(bench);
    } else {
        print_text(bench);
    }
    return EXIT_CODE_OK;
}

int cmd_bench(int argc, char **argv)
{
    struct bench bench = {.target = {.command = "onnxrun bench", .seconds = 3}};
    bool is_done;
    int code = target_parse(&bench.target, argc, argv, &form, &bench, &is_done);
    if (code == EXIT_CODE_OK && !is_done) {
        code = bench_model(&bench);
    }
    target_free(&bench.target);
    free(bench.samples);
    return code;
}
