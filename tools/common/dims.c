/* SPDX-License-Identifier: Apache-2.0 */
#include "common/dims.h"

#include "common/args.h"
#include "common/escape.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const onnxrun_dim *find_name(const struct dims *dims, const char *name)
{
    for (size_t i = 0; i < dims->count; i++) {
        if (strcmp(dims->names[i], name) == 0) {
            return &dims->items[i];
        }
    }
    return NULL;
}

/* Takes over the name. */
static void add(struct dims *dims, char *name, int64_t value)
{
    dims->items = tool_resize(dims->items, dims->count + 1, sizeof *dims->items);
    dims->names = tool_resize(dims->names, dims->count + 1, sizeof *dims->names);
    dims->items[dims->count] = (onnxrun_dim){name, value};
    dims->names[dims->count++] = name;
}

onnxrun_status dims_add(struct dims *dims, const char *argument, onnxrun_error *error)
{
    const char *text = NULL;
    int64_t value;
    char *name = args_split(argument, &text);
    if (name == NULL || !tool_parse_int(text, 0, INT64_MAX, &value)) {
        free(name);
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-d %s: expected NAME=N with a number N >= 0",
                         argument);
    }
    if (find_name(dims, name) != NULL) {
        free(name);
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-d %s: this dimension was given before",
                         argument);
    }
    add(dims, name, value);
    return ONNXRUN_OK;
}

static char *dim_name(const onnxrun_value_info *input, int32_t axis)
{
    return input->symbols[axis] != NULL ? tool_printf("%s", input->symbols[axis])
                                        : tool_printf("%s/%" PRId32, input->name, axis);
}

const onnxrun_dim *dims_find(const struct dims *dims, const onnxrun_value_info *input, int32_t axis)
{
    char *name = dim_name(input, axis);
    const onnxrun_dim *found = find_name(dims, name);
    free(name);
    return found;
}

void dims_learn(struct dims *dims, const onnxrun_value_info *input, int32_t axis, int64_t value)
{
    add(dims, dim_name(input, axis), value);
}

struct dims dims_open(const onnxrun_model *model, const struct dims *given)
{
    struct dims open = {.count = 0};
    for (size_t i = 0; i < onnxrun_model_input_count(model); i++) {
        onnxrun_value_info input = {.rank = 0};
        (void)onnxrun_model_input_info(model, i, &input, NULL);
        for (int32_t axis = 0; axis < input.rank; axis++) {
            if (input.dims[axis] < 0 && dims_find(&open, &input, axis) == NULL &&
                (given == NULL || dims_find(given, &input, axis) == NULL)) {
                dims_learn(&open, &input, axis, 0);
            }
        }
    }
    return open;
}

int dims_check(const struct dims *given, const onnxrun_model *model)
{
    int code = EXIT_CODE_OK;
    struct dims open = dims_open(model, NULL);
    for (size_t i = 0; i < given->count && code == EXIT_CODE_OK; i++) {
        if (find_name(&open, given->names[i]) != NULL) {
            continue;
        }
        tool_error("no input has a dimension \"%s\"; the inputs have", given->names[i]);
        fputs(open.count > 0 ? "  " : "  none: all are fixed", stderr);
        for (size_t k = 0; k < open.count; k++) {
            fputs(k > 0 ? ", " : "", stderr);
            escape_name(stderr, open.names[k]);
        }
        fputc('\n', stderr);
        code = EXIT_CODE_USAGE;
    }
    dims_free(&open);
    return code;
}

void dims_free(struct dims *dims)
{
    for (size_t i = 0; i < dims->count; i++) {
        free(dims->names[i]);
    }
    free(dims->names);
    free(dims->items);
    *dims = (struct dims){.count = 0};
}
