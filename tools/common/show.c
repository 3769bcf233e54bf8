/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors as text, abbreviated as NumPy does. */
#include "common/show.h"

#include "common/element.h"
#include "common/escape.h"
#include "common/inputs.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_ELEMENTS 1000 /* tensors of more elements are abbreviated */
#define EDGE_ELEMENTS  3    /* shown at each end of an abbreviated axis */
#define SHOWN_ELEMENTS 5000 /* nothing is shown when even the edges have more */

struct show {
    FILE *out; /* NULL: only measure */
    const onnxrun_tensor *tensor;
    size_t edge; /* 0: show all */
    size_t shown;
    int width; /* of the longest element */
};

static void show_number(struct show *show, size_t position)
{
    char text[ELEMENT_TEXT_BYTES];
    onnxrun_dtype dtype = onnxrun_tensor_dtype(show->tensor);
    struct number number = element_get(dtype, onnxrun_tensor_data(show->tensor), position);
    bool is_bool = dtype == ONNXRUN_BOOL;
    const char *shown =
        is_bool ? (number.integer != 0 ? "true" : "false") : element_text(dtype, &number, text);
    int length = (int)strlen(shown);
    show->width = length > show->width ? length : show->width;
    if (show->out != NULL) {
        fprintf(show->out, "%*s", show->width, shown);
    }
}

static void show_element(struct show *show, size_t position)
{
    show->shown++;
    if (onnxrun_tensor_dtype(show->tensor) != ONNXRUN_STRING) {
        show_number(show, position);
    } else if (show->out != NULL) {
        const onnxrun_string *string =
            (const onnxrun_string *)onnxrun_tensor_data(show->tensor) + position;
        escape_json(show->out, string->data, string->length);
    }
}

static void show_separator(struct show *show, size_t axis)
{
    size_t inner = onnxrun_tensor_rank(show->tensor) - axis - 1;
    if (show->out == NULL) {
        return;
    }
    fputc(',', show->out);
    for (size_t i = 0; i < inner; i++) {
        fputc('\n', show->out);
    }
    fprintf(show->out, "%*s", inner > 0 ? (int)axis + 1 : 1, "");
}

/* The elements from position on along axis and those inside; goes as deep as the rank. */
static void show_axis(struct show *show, size_t axis, size_t position)
{
    if (axis == onnxrun_tensor_rank(show->tensor)) {
        show_element(show, position);
        return;
    }
    size_t count = (size_t)onnxrun_tensor_dims(show->tensor)[axis];
    bool is_cut = show->edge > 0 && count > 2 * show->edge;
    if (show->out != NULL) {
        fputc('[', show->out);
    }
    for (size_t i = 0; i < count && show->shown <= SHOWN_ELEMENTS; i++) {
        if (i > 0) {
            show_separator(show, axis);
        }
        if (is_cut && i == show->edge) {
            if (show->out != NULL) {
                fputs("...", show->out);
            }
            i = count - show->edge - 1;
            continue;
        }
        show_axis(show, axis + 1, position * count + i);
    }
    if (show->out != NULL) {
        fputc(']', show->out);
    }
}

void show_elements(FILE *out, const onnxrun_tensor *tensor)
{
    bool is_long = onnxrun_tensor_count(tensor) > WHOLE_ELEMENTS;
    struct show show = {.tensor = tensor, .edge = is_long ? EDGE_ELEMENTS : 0};
    if (onnxrun_tensor_count(tensor) == 0) {
        fputs("[]\n", out);
        return;
    }
    show_axis(&show, 0, 0);
    if (show.shown > SHOWN_ELEMENTS) {
        fputs("(too many dimensions to show)\n", out);
        return;
    }
    show.out = out;
    show.shown = 0;
    show_axis(&show, 0, 0);
    fputc('\n', out);
}

void show_statistics(FILE *out, const onnxrun_tensor *tensor)
{
    onnxrun_dtype dtype = onnxrun_tensor_dtype(tensor);
    size_t count = onnxrun_tensor_count(tensor), finite = 0, nans = 0;
    double low = 0, high = 0, sum = 0;
    if (dtype == ONNXRUN_STRING || element_is_complex(dtype) || count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct number number = element_get(dtype, onnxrun_tensor_data(tensor), i);
        double value = number_real(&number);
        if (!isfinite(value)) {
            nans += isnan(value) ? 1 : 0;
            continue;
        }
        low = finite == 0 || value < low ? value : low;
        high = finite == 0 || value > high ? value : high;
        sum += value;
        finite++;
    }
    if (finite > 0) {
        fprintf(out, "min %.6g  max %.6g  mean %.6g", low, high, sum / (double)finite);
    }
    if (nans > 0) {
        fprintf(out, "%s%zu nan", finite > 0 ? "  " : "", nans);
    }
    if (finite + nans < count) {
        fprintf(out, "%s%zu inf", finite + nans > 0 ? "  " : "", count - finite - nans);
    }
}

char *show_type(const onnxrun_tensor *tensor)
{
    const char *dtype = onnxrun_dtype_name(onnxrun_tensor_dtype(tensor));
    if (onnxrun_tensor_kind(tensor) == ONNXRUN_KIND_SEQUENCE) {
        return tool_printf("seq(%s)[%zu]", dtype, onnxrun_tensor_count(tensor));
    }
    char dims[24 * ONNXRUN_MAX_RANK] = "";
    size_t used = 0;
    for (size_t axis = 0; axis < onnxrun_tensor_rank(tensor); axis++) {
        used += (size_t)snprintf(dims + used, sizeof dims - used, "%s%" PRId64,
                                 axis > 0 ? ", " : "", onnxrun_tensor_dims(tensor)[axis]);
    }
    return tool_printf("%s[%s]", dtype, dims);
}

void show_index(char *text, size_t capacity, const onnxrun_tensor *tensor, size_t position)
{
    size_t rank = onnxrun_tensor_rank(tensor), used = 0;
    size_t index[ONNXRUN_MAX_RANK];
    for (size_t axis = rank; axis-- > 0;) {
        size_t dim = (size_t)onnxrun_tensor_dims(tensor)[axis];
        index[axis] = position % dim;
        position /= dim;
    }
    (void)snprintf(text, capacity, "[");
    for (size_t axis = 0; axis < rank; axis++) {
        used = strlen(text);
        (void)snprintf(text + used, capacity - used, "%s%zu", axis > 0 ? ", " : "", index[axis]);
    }
    used = strlen(text);
    (void)snprintf(text + used, capacity - used, "]");
}

static void show_tensor(FILE *out, const char *name, const onnxrun_tensor *tensor)
{
    inputs_print_tensor(out, name, tensor);
    fputs("  ", out);
    show_statistics(out, tensor);
    fputc('\n', out);
    show_elements(out, tensor);
}

void show_value(FILE *out, const char *name, const onnxrun_tensor *value)
{
    if (value != NULL && onnxrun_tensor_kind(value) == ONNXRUN_KIND_TENSOR) {
        show_tensor(out, name, value);
        return;
    }
    inputs_print_tensor(out, name, value);
    fputc('\n', out);
    for (size_t i = 0; value != NULL && i < onnxrun_tensor_count(value); i++) {
        char *item_name = tool_printf("%s[%zu]", name, i);
        show_tensor(out, item_name, onnxrun_sequence_at(value, i));
        free(item_name);
    }
}
