/* SPDX-License-Identifier: Apache-2.0 */
/* Running one test case: each data set, each output. */
#include "common/compare.h"
#include "common/element.h"
#include "common/file.h"
#include "common/model_file.h"

#include "onnxrun/cases.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct runner {
    const struct test_case *test;
    struct case_settings settings;
    struct case_result *result;
    struct model_file file;
    onnxrun_model *model;
    onnxrun_session *session;
    onnxrun_binding *inputs; /* tensors owned */
    size_t input_count;
    onnxrun_binding *outputs; /* tensors of the session */
    size_t output_count;
    onnxrun_error error;
};

/* Records a verdict other than passed, with a message; the first one stays. Returns false. */
__attribute__((format(printf, 3, 4))) static bool settle(struct runner *runner,
                                                         enum verdict verdict, const char *format,
                                                         ...)
{
    va_list args;
    va_start(args, format);
    if (runner->result->verdict == VERDICT_PASSED) {
        runner->result->verdict = verdict;
        (void)vsnprintf(runner->result->message, sizeof runner->result->message, format, args);
    }
    va_end(args);
    return false;
}

/* Settles by the status in runner->error; where is "" or says which data it was. */
static bool settle_error(struct runner *runner, const char *where)
{
    if (runner->error.status == ONNXRUN_ERR_UNSUPPORTED) {
        return settle(runner, VERDICT_UNSUPPORTED, "%s%s", where, runner->error.message);
    }
    return settle(runner, VERDICT_FAILED, "%s%s (%s)", where, runner->error.message,
                  onnxrun_status_text(runner->error.status));
}

/* ---- tolerances ---- */

/* The number behind "key": in a flat JSON object; *number stays when there is none. */
static void read_json_number(const char *text, const char *key, double *number)
{
    char *quoted = tool_printf("\"%s\"", key);
    const char *at = strstr(text, quoted);
    if (at != NULL) {
        at += strlen(quoted);
        at += strspn(at, " \t\r\n:");
        char *end;
        double value = strtod(at, &end);
        if (end != at && isfinite(value) && value >= 0) {
            *number = value;
        }
    }
    free(quoted);
}

static void read_tolerances(struct runner *runner, const char *folder)
{
    struct file_bytes bytes;
    onnxrun_error ignored;
    char *path = tool_printf("%s/data.json", folder);
    if (file_exists(path) && file_read(path, &bytes, &ignored) == ONNXRUN_OK) {
        char *text = tool_printf("%.*s", (int)(bytes.size < 65536 ? bytes.size : 65536),
                                 (const char *)bytes.data);
        if (!runner->settings.is_rtol_forced) {
            read_json_number(text, "rtol", &runner->settings.rtol);
        }
        if (!runner->settings.is_atol_forced) {
            read_json_number(text, "atol", &runner->settings.atol);
        }
        free(text);
        file_free(&bytes);
    }
    free(path);
}

/* ---- the model ---- */

static bool load_model(struct runner *runner)
{
    onnxrun_model_options model_options = ONNXRUN_MODEL_OPTIONS_INIT;
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    model_options.threads = options.threads = runner->settings.threads;
    model_options.no_fusion = runner->settings.no_fusion;
    options.seed = 1; /* a case gives the same verdict each time */
    onnxrun_status status = model_file_open(&runner->file, runner->test->model, &runner->error);
    if (status == ONNXRUN_OK) {
        status =
            onnxrun_model_load(runner->file.path, &model_options, &runner->model, &runner->error);
    }
    if (status == ONNXRUN_OK) {
        status = onnxrun_session_create(runner->model, &options, &runner->session, &runner->error);
    }
    if (status != ONNXRUN_OK) {
        return settle_error(runner, "");
    }
    runner->inputs = tool_alloc(onnxrun_model_input_count(runner->model), sizeof *runner->inputs);
    runner->output_count = onnxrun_model_output_count(runner->model);
    runner->outputs = tool_alloc(runner->output_count, sizeof *runner->outputs);
    return true;
}

/*
 * The model input that file number index belongs to: by position, where inputs with a default come
 * last, unless there is a file for each of them too. NULL name: there is none.
 */
static onnxrun_value_info input_of_file(const struct runner *runner, size_t index,
                                        size_t file_count)
{
    size_t count = onnxrun_model_input_count(runner->model);
    onnxrun_value_info info = {.name = NULL};
    bool is_by_position = file_count == count;
    for (int32_t optional = 0; optional <= (is_by_position ? 0 : 1); optional++) {
        for (size_t i = 0; i < count; i++) {
            (void)onnxrun_model_input_info(runner->model, i, &info, NULL);
            if ((is_by_position || (info.is_optional != 0) == (optional != 0)) && index-- == 0) {
                return info;
            }
        }
    }
    return (onnxrun_value_info){.name = NULL};
}

/* ---- data sets ---- */

static bool load_value(struct runner *runner, const char *path, onnxrun_kind kind,
                       onnxrun_tensor **tensor)
{
    struct file_bytes bytes;
    onnxrun_status status = file_read(path, &bytes, &runner->error);
    *tensor = NULL;
    if (status == ONNXRUN_OK) {
        status = onnxrun_value_parse(kind, bytes.data, bytes.size, tensor, &runner->error);
        file_free(&bytes);
    }
    if (status == ONNXRUN_OK) {
        return true;
    }
    const char *slash = strrchr(path, '/');
    (void)tool_prefix(&runner->error, "%s: ", slash != NULL ? slash + 1 : path);
    return settle_error(runner, "");
}

/*
 * Test data of ONNX up to 1.19 holds bfloat16 values in tensors of type uint16. Where the model
 * declares bfloat16, such a tensor is read as that.
 */
static bool apply_declared_dtype(struct runner *runner, onnxrun_dtype declared,
                                 onnxrun_tensor **tensor)
{
    if (*tensor == NULL || onnxrun_tensor_kind(*tensor) != ONNXRUN_KIND_TENSOR ||
        declared != ONNXRUN_BFLOAT16 || onnxrun_tensor_dtype(*tensor) != ONNXRUN_UINT16) {
        return true;
    }
    onnxrun_tensor *typed = NULL;
    onnxrun_status status =
        onnxrun_tensor_create(declared, onnxrun_tensor_rank(*tensor), onnxrun_tensor_dims(*tensor),
                              &typed, &runner->error);
    if (status == ONNXRUN_OK && onnxrun_tensor_bytes(*tensor) > 0) {
        memcpy(onnxrun_tensor_mutable_data(typed), onnxrun_tensor_data(*tensor),
               onnxrun_tensor_bytes(*tensor));
    }
    onnxrun_tensor_free(*tensor);
    *tensor = typed;
    return status == ONNXRUN_OK || settle_error(runner, "");
}

static char *data_path(const char *set, const char *kind, size_t index)
{
    return tool_printf("%s/%s_%zu.pb", set, kind, index);
}

static size_t count_files(const char *set, const char *kind)
{
    for (size_t count = 0;; count++) {
        char *path = data_path(set, kind, count);
        bool exists = file_exists(path);
        free(path);
        if (!exists) {
            return count;
        }
    }
}

static void free_inputs(struct runner *runner)
{
    for (size_t i = 0; i < runner->input_count; i++) {
        onnxrun_tensor_free(runner->inputs[i].tensor);
    }
    runner->input_count = 0;
}

static bool load_inputs(struct runner *runner, const char *set)
{
    size_t file_count = count_files(set, "input");
    size_t count = onnxrun_model_input_count(runner->model);
    if (file_count > count) {
        return settle(runner, VERDICT_FAILED, "%zu input files for %zu inputs", file_count, count);
    }
    for (size_t i = 0; i < file_count; i++) {
        onnxrun_value_info info = input_of_file(runner, i, file_count);
        char *path = data_path(set, "input", i);
        onnxrun_tensor *tensor = NULL;
        bool is_loaded = load_value(runner, path, info.kind, &tensor) &&
                         apply_declared_dtype(runner, info.dtype, &tensor);
        free(path);
        if (!is_loaded) {
            return false;
        }
        runner->inputs[runner->input_count++] = (onnxrun_binding){info.name, tensor};
    }
    return true;
}

/* The inputs of a light model: i/n for the elements i of n. */
static bool make_light_inputs(struct runner *runner)
{
    for (size_t i = 0; i < onnxrun_model_input_count(runner->model); i++) {
        onnxrun_value_info info = {.name = ""};
        onnxrun_tensor *tensor = NULL;
        (void)onnxrun_model_input_info(runner->model, i, &info, NULL);
        if (info.is_optional) {
            continue;
        }
        if (info.rank < 0 || onnxrun_tensor_create(ONNXRUN_FLOAT, (size_t)info.rank, info.dims,
                                                   &tensor, &runner->error) != ONNXRUN_OK) {
            return settle(runner, VERDICT_FAILED, "input \"%s\" has no fixed shape", info.name);
        }
        float *data = onnxrun_tensor_mutable_data(tensor);
        size_t count = onnxrun_tensor_count(tensor);
        for (size_t k = 0; k < count; k++) {
            data[k] = (float)k / (float)count;
        }
        runner->inputs[runner->input_count++] = (onnxrun_binding){info.name, tensor};
    }
    return true;
}

static bool run_session(struct runner *runner, const char *where)
{
    for (size_t i = 0; i < runner->output_count; i++) {
        onnxrun_value_info info = {.name = ""};
        (void)onnxrun_model_output_info(runner->model, i, &info, NULL);
        runner->outputs[i] = (onnxrun_binding){info.name, NULL};
    }
    return onnxrun_session_run(runner->session, runner->inputs, runner->input_count,
                               runner->outputs, runner->output_count,
                               &runner->error) == ONNXRUN_OK ||
           settle_error(runner, where);
}

/* As the ONNX backend test suite has it since 1.23: bfloat16 may differ by two units. */
static double relative_tolerance(const struct runner *runner, onnxrun_dtype dtype)
{
    const double two_units = 0x1p-6;
    bool is_raised = dtype == ONNXRUN_BFLOAT16 && !runner->settings.is_rtol_forced;
    return is_raised ? fmax(runner->settings.rtol, two_units) : runner->settings.rtol;
}

/* Compares output index with the file at path. */
static bool check_output(struct runner *runner, const char *where, size_t index, const char *path)
{
    onnxrun_tensor *want;
    onnxrun_value_info info = {.name = ""};
    const onnxrun_binding *output = &runner->outputs[index];
    (void)onnxrun_model_output_info(runner->model, index, &info, NULL);
    if (!load_value(runner, path, info.kind, &want) ||
        !apply_declared_dtype(runner, info.dtype, &want)) {
        return false;
    }
    struct comparison comparison = compare_values(
        output->tensor, want, relative_tolerance(runner, info.dtype), runner->settings.atol);
    onnxrun_tensor_free(want);
    runner->result->max_error = fmax(runner->result->max_error, comparison.max_error);
    runner->result->max_ulp = fmax(runner->result->max_ulp, comparison.max_ulp);
    return comparison.is_equal || settle(runner, VERDICT_FAILED, "%soutput %zu \"%.100s\": %s",
                                         where, index, output->name, comparison.message);
}

static bool check_outputs(struct runner *runner, const char *set, const char *where)
{
    size_t file_count = count_files(set, "output");
    bool is_right = true;
    if (file_count != runner->output_count) {
        return settle(runner, VERDICT_FAILED, "%s%zu output files for %zu outputs", where,
                      file_count, runner->output_count);
    }
    for (size_t i = 0; i < file_count; i++) {
        char *path = data_path(set, "output", i);
        is_right = check_output(runner, where, i, path) && is_right;
        free(path);
    }
    return is_right;
}

static int is_data_set(const struct dirent *entry)
{
    return strncmp(entry->d_name, "test_data_set_", 14) == 0;
}

static void run_sets(struct runner *runner, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_data_set, alphasort);
    if (count <= 0) {
        (void)settle(runner, VERDICT_FAILED, "no data sets");
    }
    for (int i = 0; i < count; i++) {
        char *set = tool_printf("%s/%s", folder, entries[i]->d_name);
        char *where = tool_printf("data set %s, ", entries[i]->d_name + 14);
        if (load_inputs(runner, set) && run_session(runner, where)) {
            (void)check_outputs(runner, set, where);
        }
        free_inputs(runner);
        free(where);
        free(set);
        free(entries[i]);
    }
    free(entries);
}

static void run_light(struct runner *runner)
{
    const char *model = runner->test->model;
    char *path = tool_printf("%.*s_output_0.pb", (int)strlen(model) - 5, model);
    if (make_light_inputs(runner) && run_session(runner, "")) {
        (void)check_output(runner, "", 0, path);
    }
    free_inputs(runner);
    free(path);
}

void case_run(const struct test_case *test, const struct case_settings *settings,
              struct case_result *result)
{
    struct runner runner = {.test = test, .settings = *settings, .result = result};
    double start = tool_seconds();
    char *folder = tool_printf("%.*s", (int)(strrchr(test->model, '/') - test->model), test->model);
    *result = (struct case_result){.verdict = VERDICT_PASSED};
    read_tolerances(&runner, folder);
    if (load_model(&runner)) {
        if (test->is_light) {
            run_light(&runner);
        } else {
            run_sets(&runner, folder);
        }
    }
    free(folder);
    free(runner.inputs);
    free(runner.outputs);
    onnxrun_session_free(runner.session);
    onnxrun_model_free(runner.model);
    model_file_close(&runner.file);
    result->seconds = tool_seconds() - start;
}
