/* SPDX-License-Identifier: Apache-2.0 */
#include "onnxrun/target.h"

#include "common/progress.h"

#include <getopt.h>
#include <stdlib.h>

static int usage(const struct target *target, onnxrun_status status)
{
    return status == ONNXRUN_OK ? EXIT_CODE_OK
                                : tool_usage_error(target->command, "%s", target->error.message);
}

int target_option(struct target *target, int option, char *const *argv)
{
    int64_t number;
    int code;
    switch (option) {
    case 'i':
        return usage(target, inputs_add(&target->inputs, optarg, &target->error));
    case 'd':
        return usage(target, dims_add(&target->inputs.dims, optarg, &target->error));
    case OPTION_THREADS:
        code = args_int(target->command, "--threads", optarg, 1, 256, &number);
        target->threads = (uint32_t)number;
        return code;
    case OPTION_SECONDS:
        return args_real(target->command, "--seconds", optarg, 0, &target->seconds);
    case OPTION_NO_FUSION:
        target->no_fusion = 1;
        return EXIT_CODE_OK;
    case OPTION_DENORMALS:
        target->keep_denormals = 1;
        return EXIT_CODE_OK;
    case OPTION_JSON:
        target->is_json = true;
        return EXIT_CODE_OK;
    default:
        return args_refuse(target->command, option, argv);
    }
}

int target_parse(struct target *target, int argc, char **argv, const struct args_form *form,
                 void *user, bool *is_done)
{
    int code = args_parse(argc, argv, form, user, is_done);
    if (code != EXIT_CODE_OK || *is_done) {
        return code;
    }
    if (optind + 1 != argc) {
        return optind == argc ? tool_usage_error(target->command, "no model is given")
                              : tool_usage_error(target->command, "more than one model: \"%s\"",
                                                 argv[optind + 1]);
    }
    target->model_path = argv[optind];
    return EXIT_CODE_OK;
}

int target_load(struct target *target)
{
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    options.threads = target->threads;
    options.no_fusion = target->no_fusion;
    struct progress progress;
    progress_begin(&progress, "loading", target->model_path);
    double start = tool_seconds();
    onnxrun_status status = model_file_open(&target->file, target->model_path, &target->error);
    if (status == ONNXRUN_OK) {
        status = onnxrun_model_load(target->file.path, &options, &target->model, &target->error);
    }
    target->load_ms = 1e3 * (tool_seconds() - start);
    progress_end(&progress);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&target->error);
}

int target_start(struct target *target, onnxrun_session_options *options)
{
    options->threads = target->threads;
    options->keep_denormals = target->keep_denormals;
    onnxrun_status status =
        onnxrun_session_create(target->model, options, &target->session, &target->error);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&target->error);
}

int target_open(struct target *target, onnxrun_session_options *options)
{
    int code = target_load(target);
    code = code == EXIT_CODE_OK ? inputs_make(&target->inputs, target->model, "auto") : code;
    if (code != EXIT_CODE_OK) {
        return code;
    }
    target_want_all(target);
    return target_start(target, options);
}

void target_want_all(struct target *target)
{
    target->output_count = onnxrun_model_output_count(target->model);
    target->outputs = tool_alloc(target->output_count, sizeof *target->outputs);
    for (size_t i = 0; i < target->output_count; i++) {
        onnxrun_value_info info = {.name = ""};
        (void)onnxrun_model_output_info(target->model, i, &info, NULL);
        target->outputs[i].name = info.name;
    }
}

onnxrun_status target_run(struct target *target, double *milliseconds)
{
    for (size_t i = 0; i < target->output_count; i++) {
        target->outputs[i].tensor = NULL;
    }
    double start = tool_seconds();
    onnxrun_status status =
        onnxrun_session_run(target->session, target->inputs.bindings, target->inputs.binding_count,
                            target->outputs, target->output_count, &target->error);
    *milliseconds = 1e3 * (tool_seconds() - start);
    return status;
}

int target_report(struct target *target)
{
    int code = tool_report(&target->error);
    return code == EXIT_CODE_USAGE ? EXIT_CODE_RUN : code;
}

void target_free(struct target *target)
{
    inputs_free(&target->inputs);
    onnxrun_session_free(target->session);
    onnxrun_model_free(target->model);
    model_file_close(&target->file);
    free(target->outputs);
}
