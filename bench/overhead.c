/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime adds to the work of a model.
 *
 *     bench_overhead MODEL SIZE [threads]
 *
 * Symbolic dimensions are SIZE, but 1 when another one follows the first. Inputs are one. Printed are
 *
 *   open, optimize, bind
 *          the stages of loading: time, page faults, and how much of the file and of the heap became
 *          resident; the first two should read no weights, the last one packs them
 *   plan   median time to plan sizes that are not in the cache, for all and for those that fill it
 *   run    median and percentiles of a run; the median by steps, which is what a step costs when
 *          the model is a chain of nodes that do next to nothing (make_chain.py)
 *   after  CPU time of all threads in the 200 ms after a run, the least of some tries
 *   memory what a second session of the model and its first run add, and the peak of the process
 */
#define _POSIX_C_SOURCE 200809L
#include "api/handles.h"
#include "base/os.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PLANS  (4 * ONR_MAX_ROOT_PLANS)
#define RUNS   101
#define TRIES  9
#define MAX_IO 64

static _Noreturn void fail(const char *message)
{
    (void)fprintf(stderr, "bench_overhead: %s\n", message);
    exit(1);
}

static int compare_double(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* Kibibytes of this entry of /proc/self/status. */
static long resident_kb(const char *entry)
{
    char line[256];
    long value = 0;
    FILE *stream = fopen("/proc/self/status", "r");
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        if (strncmp(line, entry, strlen(entry)) == 0) {
            value = strtol(line + strlen(entry), NULL, 10);
        }
    }
    if (stream != NULL) {
        (void)fclose(stream);
    }
    return value;
}

static long page_faults(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

struct snapshot {
    double seconds;
    long faults, file_kb, heap_kb;
};

static struct snapshot take_snapshot(void)
{
    return (struct snapshot){.seconds = onr_os_seconds(),
                             .faults = page_faults(),
                             .file_kb = resident_kb("RssFile:"),
                             .heap_kb = resident_kb("RssAnon:")};
}

static void print_since(const char *stage, const struct snapshot *before)
{
    struct snapshot now = take_snapshot();
    printf("%-8s %.2f ms, %ld page faults, resident: file %+ld kB, heap %+ld kB\n", stage,
           1e3 * (now.seconds - before->seconds), now.faults - before->faults,
           now.file_kb - before->file_kb, now.heap_kb - before->heap_kb);
}

static onnxrun_model *measure_load(const char *path, unsigned threads)
{
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    onnxrun_model *model = NULL;
    struct onr_error err;
    options.threads = threads;
    struct snapshot before = take_snapshot();
    enum onr_status status = onr_model_new(&options, &model, &err);
    status = status == ONR_OK ? onr_model_open(model, path, &err) : status;
    print_since("open", &before);
    before = take_snapshot();
    status = status == ONR_OK ? onr_model_optimize(model, NULL, &err) : status;
    print_since("optimize", &before);
    before = take_snapshot();
    status = status == ONR_OK ? onr_model_bind(model, &err) : status;
    print_since("bind", &before);
    if (status != ONR_OK) {
        fail(err.message);
    }
    return model;
}

/* The shape of input i with each symbolic dimension replaced. */
static struct onr_shape input_shape(const onnxrun_model *model, uint32_t i, int64_t size)
{
    const onnxrun_value_info *info = &model->inputs[i];
    struct onr_shape shape = {.rank = info->rank};
    for (int a = 0; a < info->rank; a++) {
        bool is_batch = a == 0 && info->rank > 1 && info->dims[1] < 0;
        shape.dim[a] = info->dims[a] >= 0 ? info->dims[a] : is_batch ? 1 : size;
    }
    return shape;
}

static void measure_plan(const onnxrun_model *model, onnxrun_session *session, int64_t size)
{
    double times[PLANS];
    struct onr_error err;
    const struct onr_plan *plan = NULL;
    for (int p = 0; p < PLANS; p++) {
        for (uint32_t i = 0; i < model->graph->input_count; i++) {
            struct onr_tensor *input = onr_frame_input(session->frame, i);
            *input = (struct onr_tensor){.dtype = (enum onr_dtype)model->inputs[i].dtype,
                                         .shape = input_shape(model, i, size + p)};
        }
        double start = onr_os_seconds();
        if (onr_frame_plan(session->frame, &plan, &err) != ONR_OK) {
            fail(err.message);
        }
        times[p] = onr_os_seconds() - start;
    }
    double first[ONR_MAX_ROOT_PLANS];
    memcpy(first, times, sizeof first);
    qsort(first, ONR_MAX_ROOT_PLANS, sizeof first[0], compare_double);
    qsort(times, PLANS, sizeof times[0], compare_double);
    printf(
        "plan     %.1f us (best %.1f; %.1f while the cache of plans fills) for %u nodes, %u steps; "
        "slab of %zu kB\n",
        1e6 * times[PLANS / 2], 1e6 * times[0], 1e6 * first[ONR_MAX_ROOT_PLANS / 2],
        model->program->node_count, plan->step_count, plan->memory.slab_bytes / 1024);
}

/* Fills the tensor with ones. */
static void fill(onnxrun_tensor *tensor)
{
    struct onr_tensor *t = &tensor->tensor;
    size_t count = (size_t)onr_tensor_count(t);
    for (size_t i = 0; i < count; i++) {
        if (t->dtype == ONR_FLOAT) {
            ((float *)t->data)[i] = 1;
        } else if (t->dtype == ONR_INT64) {
            ((int64_t *)t->data)[i] = 1;
        } else {
            memset(t->data, 1, onr_tensor_bytes(t));
        }
    }
}

static size_t bind(const onnxrun_model *model, int64_t size, onnxrun_binding *inputs)
{
    size_t count = model->graph->input_count;
    onnxrun_error error;
    if (count > MAX_IO || model->graph->output_count > MAX_IO) {
        fail("the model has too many inputs or outputs");
    }
    for (size_t i = 0; i < count; i++) {
        struct onr_shape shape = input_shape(model, (uint32_t)i, size);
        inputs[i] = (onnxrun_binding){.name = model->inputs[i].name};
        if (onnxrun_tensor_create(model->inputs[i].dtype, (size_t)shape.rank, shape.dim,
                                  &inputs[i].tensor, &error) != ONNXRUN_OK) {
            fail(error.message);
        }
        fill(inputs[i].tensor);
    }
    return count;
}

static double run_once(onnxrun_session *session, const onnxrun_binding *inputs, size_t input_count)
{
    const onnxrun_model *model = session->model;
    onnxrun_binding outputs[MAX_IO];
    onnxrun_error error;
    for (size_t i = 0; i < model->graph->output_count; i++) {
        outputs[i] = (onnxrun_binding){.name = model->outputs[i].name};
    }
    double start = onr_os_seconds();
    if (onnxrun_session_run(session, inputs, input_count, outputs, model->graph->output_count,
                            &error) != ONNXRUN_OK) {
        fail(error.message);
    }
    return onr_os_seconds() - start;
}

static void measure_run(onnxrun_session *session, const onnxrun_binding *inputs, size_t input_count)
{
    double times[RUNS];
    double first = run_once(session, inputs, input_count);
    (void)run_once(session, inputs, input_count);
    for (int r = 0; r < RUNS; r++) {
        times[r] = run_once(session, inputs, input_count);
    }
    qsort(times, RUNS, sizeof times[0], compare_double);
    const struct onr_plan *plan = NULL;
    struct onr_error err;
    if (onr_frame_plan(session->frame, &plan, &err) != ONR_OK) {
        fail(err.message);
    }
    printf("run      %.1f us (best %.1f, p90 %.1f, p99 %.1f; first %.1f); %.3f us a step\n",
           1e6 * times[RUNS / 2], 1e6 * times[0], 1e6 * times[RUNS * 9 / 10],
           1e6 * times[RUNS * 99 / 100], 1e6 * first, 1e6 * times[RUNS / 2] / plan->step_count);
}

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The least of some tries: the clock counts what another thread ran since the last tick of its processor,
 * up to 4 ms of the run before, when that thread goes to sleep. */
static void measure_after(onnxrun_session *session, const onnxrun_binding *inputs,
                          size_t input_count)
{
    const struct timespec pause = {.tv_nsec = 200000000};
    double least = HUGE_VAL;
    for (int i = 0; i < TRIES; i++) {
        (void)run_once(session, inputs, input_count);
        double start = cpu_seconds();
        (void)nanosleep(&pause, NULL);
        least = fmin(least, cpu_seconds() - start);
    }
    printf("after    %.3f ms of CPU time in 200 ms\n", 1e3 * least);
}

/* Weights are shared: a session has its plan, its intermediate values and its threads. */
static void measure_second(const onnxrun_model *model, const onnxrun_session_options *options,
                           const onnxrun_binding *inputs, size_t input_count)
{
    onnxrun_session *session = NULL;
    onnxrun_error error;
    long before = resident_kb("VmRSS:");
    if (onnxrun_session_create(model, options, &session, &error) != ONNXRUN_OK) {
        fail(error.message);
    }
    (void)run_once(session, inputs, input_count);
    printf("memory   second session %+ld kB, peak %ld kB\n", resident_kb("VmRSS:") - before,
           resident_kb("VmHWM:"));
    onnxrun_session_free(session);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fail("usage: bench_overhead MODEL SIZE [threads]");
    }
    onnxrun_binding inputs[MAX_IO];
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    onnxrun_session *session = NULL;
    onnxrun_error error;
    int64_t size = strtol(argv[2], NULL, 10);
    options.threads = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    onnxrun_model *model = measure_load(argv[1], options.threads);
    if (onnxrun_session_create(model, &options, &session, &error) != ONNXRUN_OK) {
        fail(error.message);
    }
    measure_plan(model, session, size);
    size_t input_count = bind(model, size, inputs);
    measure_run(session, inputs, input_count);
    measure_after(session, inputs, input_count);
    measure_second(model, &options, inputs, input_count);
    for (size_t i = 0; i < input_count; i++) {
        onnxrun_tensor_free(inputs[i].tensor);
    }
    onnxrun_session_free(session);
    onnxrun_model_free(model);
    return 0;
}
