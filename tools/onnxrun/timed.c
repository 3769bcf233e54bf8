/* SPDX-License-Identifier: Apache-2.0 */
#include "onnxrun/timed.h"

#include "common/progress.h"

#include <getopt.h>
#include <stdlib.h>

static int usage(const struct timed *timed, onnxrun_status status)
{
    return status == ONNXRUN_OK ? EXIT_CODE_OK
                                : tool_usage_error(timed->command, "%s", timed->error.message);
}

int timed_option(struct timed *timed, int option, char *const *argv)
{
    int64_t number = 0;
    switch (option) {
    case 'i':
        return usage(timed, inputs_add(&timed->inputs, optarg, &timed->error));
    case 'd':
        return usage(timed, inputs_add_dim(&timed->inputs, optarg, &timed->error));
    case OPTION_THREADS:
        if (!args_int(timed->command, "--threads", optarg, 1, 256, &number)) {
            return EXIT_CODE_USAGE;
        }
        timed->threads = (uint32_t)number;
        return EXIT_CODE_OK;
    case OPTION_SECONDS:
        return args_real(timed->command, "--seconds", optarg, 0, &timed->seconds) ? EXIT_CODE_OK
                                                                                  : EXIT_CODE_USAGE;
    case OPTION_NO_FUSION:
        timed->no_fusion = 1;
        return EXIT_CODE_OK;
    case OPTION_DENORMALS:
        timed->keep_denormals = 1;
        return EXIT_CODE_OK;
    case OPTION_JSON:
        timed->is_json = true;
        return EXIT_CODE_OK;
    default:
        return args_refuse(timed->command, option, argv);
    }
}

int timed_argument(struct timed *timed, int argc, char *const *argv)
{
    if (optind + 1 != argc) {
        return optind == argc ? tool_usage_error(timed->command, "no model is given")
                              : tool_usage_error(timed->command, "more than one model: \"%s\"",
                                                 argv[optind + 1]);
    }
    timed->model_path = argv[optind];
    return EXIT_CODE_OK;
}

int timed_open(struct timed *timed, onnxrun_session_options *options)
{
    onnxrun_model_options model_options = ONNXRUN_MODEL_OPTIONS_INIT;
    model_options.threads = options->threads = timed->threads;
    model_options.no_fusion = timed->no_fusion;
    options->keep_denormals = timed->keep_denormals;
    struct progress progress;
    progress_begin(&progress, "loading", timed->model_path);
    double start = tool_seconds();
    onnxrun_status status =
        onnxrun_model_load(timed->model_path, &model_options, &timed->model, &timed->error);
    timed->load_ms = 1e3 * (tool_seconds() - start);
    progress_end(&progress);
    if (status != ONNXRUN_OK) {
        return tool_report(&timed->error);
    }
    int code = inputs_make(&timed->inputs, timed->model, "auto");
    if (code != EXIT_CODE_OK) {
        return code;
    }
    timed->output_count = onnxrun_model_output_count(timed->model);
    timed->outputs = tool_alloc(timed->output_count, sizeof *timed->outputs);
    for (size_t i = 0; i < timed->output_count; i++) {
        onnxrun_value_info info = {.name = ""};
        (void)onnxrun_model_output_info(timed->model, i, &info, NULL);
        timed->outputs[i].name = info.name;
    }
    status = onnxrun_session_create(timed->model, options, &timed->session, &timed->error);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&timed->error);
}

onnxrun_status timed_run(struct timed *timed, double *milliseconds)
{
    for (size_t i = 0; i < timed->output_count; i++) {
        timed->outputs[i].tensor = NULL;
    }
    double start = tool_seconds();
    onnxrun_status status =
        onnxrun_session_run(timed->session, timed->inputs.bindings, timed->inputs.binding_count,
                            timed->outputs, timed->output_count, &timed->error);
    *milliseconds = 1e3 * (tool_seconds() - start);
    return status;
}

int timed_report(struct timed *timed)
{
    int code = tool_report(&timed->error);
    return code == EXIT_CODE_USAGE ? EXIT_CODE_RUN : code;
}

void timed_free(struct timed *timed)
{
    inputs_free(&timed->inputs);
    onnxrun_session_free(timed->session);
    onnxrun_model_free(timed->model);
    free(timed->outputs);
}
