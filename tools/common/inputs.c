/* SPDX-License-Identifier: Apache-2.0 */
/* From -i and -d to the inputs of a run. */
#include "common/inputs.h"

#include "common/args.h"
#include "common/escape.h"
#include "common/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- arguments ---- */

onnxrun_status inputs_add(struct inputs *inputs, const char *argument, onnxrun_error *error)
{
    const char *source = NULL;
    char *name = args_split(argument, &source);
    if (name == NULL) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-i %s: expected NAME=SOURCE", argument);
    }
    for (size_t i = 0; i < inputs->source_count; i++) {
        if (strcmp(inputs->sources[i].name, name) == 0) {
            free(name);
            return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-i %s: this input was given before",
                             argument);
        }
    }
    inputs->sources =
        tool_resize(inputs->sources, inputs->source_count + 1, sizeof *inputs->sources);
    inputs->sources[inputs->source_count++] = (struct input_source){name, source, false};
    return ONNXRUN_OK;
}

void inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->binding_count; i++) {
        onnxrun_tensor_free(inputs->bindings[i].tensor);
    }
    for (size_t i = 0; i < inputs->source_count; i++) {
        free(inputs->sources[i].name);
    }
    dims_free(&inputs->dims);
    free(inputs->bindings);
    free(inputs->sources);
    *inputs = (struct inputs){.source_count = 0};
}

/* ---- making ---- */

struct maker {
    struct inputs *inputs;
    const onnxrun_model *model;
    const char *fallback;
    onnxrun_error error;
};

static onnxrun_value_info input_info(const struct maker *maker, size_t index)
{
    onnxrun_value_info info = {.name = ""};
    (void)onnxrun_model_input_info(maker->model, index, &info, NULL);
    return info;
}

static struct input_source *find_source(const struct inputs *inputs, const char *name)
{
    for (size_t i = 0; i < inputs->source_count; i++) {
        if (strcmp(inputs->sources[i].name, name) == 0) {
            return &inputs->sources[i];
        }
    }
    return NULL;
}

/* The SOURCE of an input, or NULL when it is missing or optional. */
static const char *choose_source(const struct maker *maker, const onnxrun_value_info *info)
{
    const struct input_source *given = find_source(maker->inputs, info->name);
    return given != NULL ? given->source : info->is_optional ? NULL : maker->fallback;
}

static void print_inputs(const struct maker *maker)
{
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        fputs("  ", stderr);
        inputs_print_info(stderr, &info);
        bool has_default = info.is_optional && info.kind == ONNXRUN_KIND_TENSOR;
        fputs(has_default ? "  (has a default)\n" : "\n", stderr);
    }
}

/* All names of -i must be inputs of the model, and those of -d dimensions of its inputs. */
static int check_names(const struct maker *maker)
{
    struct inputs *inputs = maker->inputs;
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        struct input_source *source = find_source(inputs, info.name);
        if (source != NULL) {
            source->is_used = true;
        }
    }
    for (size_t i = 0; i < inputs->source_count; i++) {
        if (!inputs->sources[i].is_used) {
            tool_error("the model has no input \"%s\"; its inputs are", inputs->sources[i].name);
            print_inputs(maker);
            return EXIT_CODE_USAGE;
        }
    }
    return dims_check(&inputs->dims, maker->model);
}

static int check_missing(const struct maker *maker)
{
    size_t count = 0;
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        count += choose_source(maker, &info) == NULL && !info.is_optional;
    }
    if (count == 0) {
        return EXIT_CODE_OK;
    }
    tool_error("%zu input%s missing:", count, count == 1 ? " is" : "s are");
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        if (choose_source(maker, &info) == NULL && !info.is_optional) {
            fputs("  ", stderr);
            inputs_print_info(stderr, &info);
            fputc('\n', stderr);
        }
    }
    fputs("Give each as -i NAME=SOURCE, where SOURCE is FILE.npy, FILE.npz:MEMBER, FILE.pb,\n"
          "a literal such as '[[1, 2, 3]]', or zeros, ones, arange, random.\n",
          stderr);
    return EXIT_CODE_USAGE;
}

/* Takes the numbers of symbolic dimensions from a tensor; they must agree with those known before.
 */
static onnxrun_status learn_dims(struct maker *maker, const onnxrun_value_info *info,
                                 const onnxrun_tensor *tensor)
{
    if (onnxrun_tensor_kind(tensor) != ONNXRUN_KIND_TENSOR || info->rank < 0 ||
        (size_t)info->rank != onnxrun_tensor_rank(tensor)) {
        return ONNXRUN_OK; /* the session says so */
    }
    for (int32_t axis = 0; axis < info->rank; axis++) {
        int64_t value = onnxrun_tensor_dims(tensor)[axis];
        if (info->dims[axis] >= 0) {
            continue;
        }
        const onnxrun_dim *known = dims_find(&maker->inputs->dims, info, axis);
        if (known == NULL) {
            dims_learn(&maker->inputs->dims, info, axis, value);
        } else if (known->value != value) {
            return tool_fail(&maker->error, ONNXRUN_ERR_ARGUMENT,
                             "axis %" PRId32 " has %" PRId64
                             " elements, but the dimension \"%s\" is %" PRId64 " elsewhere",
                             axis, value, known->name, known->value);
        }
    }
    return ONNXRUN_OK;
}

static void bind(struct maker *maker, const char *name, onnxrun_tensor *tensor)
{
    maker->inputs->bindings[maker->inputs->binding_count++] = (onnxrun_binding){name, tensor};
}

/* Loads the inputs that are given by value. */
static int load_given(struct maker *maker)
{
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        const char *source = choose_source(maker, &info);
        onnxrun_tensor *tensor;
        if (source == NULL || source_is_generated(source)) {
            continue;
        }
        onnxrun_status status = source_load(source, &info, &tensor, &maker->error);
        if (status == ONNXRUN_OK && tensor != NULL) { /* an optional without element is left out */
            bind(maker, info.name, tensor);
            status = learn_dims(maker, &info, tensor);
        }
        if (status != ONNXRUN_OK) {
            (void)tool_prefix(&maker->error, "input \"%.100s\": ", info.name);
            return tool_report(&maker->error);
        }
    }
    return EXIT_CODE_OK;
}

/* The dimensions of generated inputs that have no number yet, all in one message. */
static int check_dims(const struct maker *maker)
{
    struct dims missing = {.count = 0};
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        const char *source = choose_source(maker, &info);
        if (source == NULL || !source_is_generated(source)) {
            continue;
        }
        for (int32_t axis = 0; axis < info.rank; axis++) {
            if (info.dims[axis] < 0 && dims_find(&maker->inputs->dims, &info, axis) == NULL &&
                dims_find(&missing, &info, axis) == NULL) {
                dims_learn(&missing, &info, axis, 0);
            }
        }
    }
    int code = missing.count > 0 ? EXIT_CODE_USAGE : EXIT_CODE_OK;
    if (code != EXIT_CODE_OK) {
        tool_error("generated inputs need a number for each of these dimensions:");
        for (size_t i = 0; i < missing.count; i++) {
            fputs("  ", stderr);
            escape_name(stderr, missing.names[i]);
            fputc('\n', stderr);
        }
        fputs("Give each as -d NAME=N.\n", stderr);
    }
    dims_free(&missing);
    return code;
}

static onnxrun_status generate(struct maker *maker, const onnxrun_value_info *info,
                               const char *source)
{
    int64_t dims[ONNXRUN_MAX_RANK] = {0};
    onnxrun_tensor *tensor;
    if (info->rank < 0 || info->dtype == ONNXRUN_UNDEFINED) {
        return tool_fail(&maker->error, ONNXRUN_ERR_ARGUMENT,
                         info->kind == ONNXRUN_KIND_SEQUENCE
                             ? "a sequence can only come from a FILE.pb"
                             : "the model does not declare its shape; give a file or a literal");
    }
    for (int32_t axis = 0; axis < info->rank; axis++) {
        const onnxrun_dim *known =
            info->dims[axis] < 0 ? dims_find(&maker->inputs->dims, info, axis) : NULL;
        dims[axis] = known != NULL ? known->value : info->dims[axis];
    }
    onnxrun_status status =
        source_generate(source, info->dtype, (size_t)info->rank, dims, &tensor, &maker->error);
    if (status == ONNXRUN_OK) {
        bind(maker, info->name, tensor);
    }
    return status;
}

static int make_generated(struct maker *maker)
{
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        const char *source = choose_source(maker, &info);
        if (source != NULL && source_is_generated(source) &&
            generate(maker, &info, source) != ONNXRUN_OK) {
            (void)tool_prefix(&maker->error, "input \"%.100s\": ", info.name);
            return tool_report(&maker->error);
        }
    }
    return EXIT_CODE_OK;
}

int inputs_make(struct inputs *inputs, const onnxrun_model *model, const char *fallback)
{
    struct maker maker = {.inputs = inputs, .model = model, .fallback = fallback};
    inputs->bindings = tool_alloc(onnxrun_model_input_count(model), sizeof *inputs->bindings);
    int code = check_names(&maker);
    code = code == EXIT_CODE_OK ? check_missing(&maker) : code;
    code = code == EXIT_CODE_OK ? load_given(&maker) : code;
    code = code == EXIT_CODE_OK ? check_dims(&maker) : code;
    return code == EXIT_CODE_OK ? make_generated(&maker) : code;
}
