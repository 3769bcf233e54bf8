/* SPDX-License-Identifier: Apache-2.0 */
/* Is the model valid, and can it be run? */
#include "common/escape.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <string.h>

/* Whatever loading finds wrong, shapes that do not fit included, makes the model invalid; but not
 * that this build cannot run it. */
static int check_code(onnxrun_status status)
{
    if (status == ONNXRUN_OK) {
        return EXIT_CODE_OK;
    }
    return status == ONNXRUN_ERR_UNSUPPORTED ? EXIT_CODE_UNSUPPORTED : EXIT_CODE_MODEL;
}

static void print_json(int code, const onnxrun_error *error)
{
    static const char *const verdicts[] = {"valid", "", "invalid", "unsupported"};
    const char *message = code == EXIT_CODE_OK ? "" : error->message;
    printf("{\"verdict\": \"%s\", \"message\": ", verdicts[code]);
    escape_json(stdout, message, strlen(message));
    fputs("}\n", stdout);
}

int view_check_report(const struct view_options *options, onnxrun_status status,
                      const onnxrun_error *error)
{
    int code = check_code(status);
    if (options->is_json) {
        print_json(code, error);
    } else if (code == EXIT_CODE_OK) {
        escape_name(stdout, options->name);
        puts(": the model is valid and can be run");
    } else {
        (void)tool_report(error);
    }
    return code;
}

int view_check(const struct view_options *options)
{
    onnxrun_error error;
    onnxrun_model *model;
    onnxrun_model_options load = ONNXRUN_MODEL_OPTIONS_INIT;
    load.no_fusion = 1; /* each node by itself */
    onnxrun_status status = view_open(options, &load, ONNXRUN_STAGE_PROGRAM, &model, &error);
    onnxrun_model_free(model);
    return view_check_report(options, status, &error);
}
