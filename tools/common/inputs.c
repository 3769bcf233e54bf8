/* SPDX-License-Identifier: Apache-2.0 */
/* From -i and -d to the inputs of a run. */
#include "common/inputs.h"

#include "common/escape.h"
#include "common/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- arguments ---- */

/* A copy of the part of NAME=VALUE before '='; *value is the rest. NULL when one of them is empty.
 */
static char *split(const char *argument, const char **value)
{
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument || equals[1] == '\0') {
        return NULL;
    }
    *value = equals + 1;
    return tool_printf("%.*s", (int)(equals - argument), argument);
}

static struct dim_value *find_dim(const struct inputs *inputs, const char *name)
{
    for (size_t i = 0; i < inputs->dim_count; i++) {
        if (strcmp(inputs->dims[i].name, name) == 0) {
            return &inputs->dims[i];
        }
    }
    return NULL;
}

static void add_dim(struct inputs *inputs, char *name, int64_t value, bool is_used)
{
    inputs->dims = tool_resize(inputs->dims, inputs->dim_count + 1, sizeof *inputs->dims);
    inputs->dims[inputs->dim_count++] = (struct dim_value){name, value, is_used};
}

onnxrun_status inputs_add(struct inputs *inputs, const char *argument, onnxrun_error *error)
{
    const char *source = NULL;
    char *name = split(argument, &source);
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

onnxrun_status inputs_add_dim(struct inputs *inputs, const char *argument, onnxrun_error *error)
{
    const char *text = NULL;
    int64_t value;
    char *name = split(argument, &text);
    if (name == NULL || !tool_parse_int(text, 0, INT64_MAX, &value)) {
        free(name);
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-d %s: expected NAME=N with a number N >= 0",
                         argument);
    }
    if (find_dim(inputs, name) != NULL) {
        free(name);
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-d %s: this dimension was given before",
                         argument);
    }
    add_dim(inputs, name, value, false);
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
    for (size_t i = 0; i < inputs->dim_count; i++) {
        free(inputs->dims[i].name);
    }
    free(inputs->bindings);
    free(inputs->sources);
    free(inputs->dims);
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

/* What -d calls the dimension: its symbol, or INPUT/AXIS. Free the result. */
static char *dim_name(const onnxrun_value_info *info, int32_t axis)
{
    return info->symbols[axis] != NULL ? tool_printf("%s", info->symbols[axis])
                                       : tool_printf("%s/%" PRId32, info->name, axis);
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

/* The names that -d takes, each once: a decoder has its cache's dimensions in dozens of inputs. */
static void print_open_dims(const struct maker *maker)
{
    struct inputs open = {.dim_count = 0};
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        for (int32_t axis = 0; axis < info.rank; axis++) {
            char *name = dim_name(&info, axis);
            if (info.dims[axis] >= 0 || find_dim(&open, name) != NULL) {
                free(name);
            } else {
                add_dim(&open, name, 0, false);
            }
        }
    }
    fputs(open.dim_count > 0 ? "  " : "  none: all are fixed", stderr);
    for (size_t i = 0; i < open.dim_count; i++) {
        fputs(i > 0 ? ", " : "", stderr);
        escape_name(stderr, open.dims[i].name);
    }
    fputc('\n', stderr);
    inputs_free(&open);
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
        for (int32_t axis = 0; axis < info.rank; axis++) {
            char *name = dim_name(&info, axis);
            struct dim_value *dim = info.dims[axis] < 0 ? find_dim(inputs, name) : NULL;
            if (dim != NULL) {
                dim->is_used = true;
            }
            free(name);
        }
    }
    for (size_t i = 0; i < inputs->source_count; i++) {
        if (!inputs->sources[i].is_used) {
            tool_error("the model has no input \"%s\"; its inputs are", inputs->sources[i].name);
            print_inputs(maker);
            return EXIT_CODE_USAGE;
        }
    }
    for (size_t i = 0; i < inputs->dim_count; i++) {
        if (!inputs->dims[i].is_used) {
            tool_error("no input has a dimension \"%s\"; the inputs have", inputs->dims[i].name);
            print_open_dims(maker);
            return EXIT_CODE_USAGE;
        }
    }
    return EXIT_CODE_OK;
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
        char *name = dim_name(info, axis);
        const struct dim_value *known = find_dim(maker->inputs, name);
        if (known == NULL) {
            add_dim(maker->inputs, name, value, true);
            continue;
        }
        free(name);
        if (known->value != value) {
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
    struct inputs missing = {.dim_count = 0};
    for (size_t i = 0; i < onnxrun_model_input_count(maker->model); i++) {
        onnxrun_value_info info = input_info(maker, i);
        const char *source = choose_source(maker, &info);
        if (source == NULL || !source_is_generated(source)) {
            continue;
        }
        for (int32_t axis = 0; axis < info.rank; axis++) {
            char *name = dim_name(&info, axis);
            bool is_known = info.dims[axis] >= 0 || find_dim(maker->inputs, name) != NULL ||
                            find_dim(&missing, name) != NULL;
            if (is_known) {
                free(name);
            } else {
                add_dim(&missing, name, 0, false);
            }
        }
    }
    int code = missing.dim_count > 0 ? EXIT_CODE_USAGE : EXIT_CODE_OK;
    if (code != EXIT_CODE_OK) {
        tool_error("generated inputs need a number for each of these dimensions:");
        for (size_t i = 0; i < missing.dim_count; i++) {
            fputs("  ", stderr);
            escape_name(stderr, missing.dims[i].name);
            fputc('\n', stderr);
        }
        fputs("Give each as -d NAME=N.\n", stderr);
    }
    inputs_free(&missing);
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
        char *name = dim_name(info, axis);
        const struct dim_value *known = find_dim(maker->inputs, name);
        dims[axis] = info->dims[axis] >= 0 ? info->dims[axis] : known != NULL ? known->value : 1;
        free(name);
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
