/* SPDX-License-Identifier: Apache-2.0 */
/* What a run costs, node by node: multiplications, bytes moved, memory alive. */
#include "common/escape.h"
#include "common/text.h"
#include "onnxdump/formula.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct costs {
    const onnxrun_graph *graph;
    onnxrun_step_cost *steps; /* [count] */
    size_t count;
    onnxrun_cost total;
    uint64_t peak_bytes; /* of memory alive */
    size_t peak_step;
    bool has_formula;
    struct formula formula; /* of the MACs, for dimensions without a number */
};

static void keep_step(void *user, const onnxrun_step_cost *cost)
{
    struct costs *costs = user;
    size_t index = costs->count++;
    if ((index & (index - 1)) == 0) {
        costs->steps = tool_resize(costs->steps, index > 0 ? 2 * index : 1, sizeof *costs->steps);
    }
    costs->steps[index] = *cost;
    if (cost->memory_bytes > costs->peak_bytes) {
        costs->peak_bytes = cost->memory_bytes;
        costs->peak_step = index;
    }
}

/* Floating-point operations per byte that is read or written. */
static double intensity(uint64_t flops, uint64_t read_bytes, uint64_t written_bytes)
{
    double bytes = (double)read_bytes + (double)written_bytes;
    return bytes > 0 ? (double)flops / bytes : 0;
}

/* ---- text ---- */

static void print_numbers(const struct dims *dims, bool is_given, const char **separator)
{
    for (size_t i = 0; i < dims->count; i++) {
        fputs(*separator, stdout);
        escape_name(stdout, dims->names[i]);
        printf(" = %" PRId64, is_given ? dims->items[i].value : 1);
        *separator = ", ";
    }
}

static void print_dims(const onnxrun_model *model, const struct view_options *options)
{
    struct dims open = dims_open(model, &options->dims);
    const char *separator = " with ";
    fputs("cost of a run", stdout);
    print_numbers(&options->dims, true, &separator);
    print_numbers(&open, false, &separator);
    fputc('\n', stdout);
    dims_free(&open);
}

static void print_total(const struct costs *costs)
{
    const onnxrun_cost *total = &costs->total;
    char a[VIEW_NUMBER_BYTES], b[VIEW_NUMBER_BYTES];
    printf("  MACs       %s\n", view_count(total->flops / 2, a));
    if (costs->has_formula) {
        fputs("  formula    ", stdout);
        formula_print(stdout, &costs->formula);
        fputc('\n', stdout);
    }
    printf("  bytes      %s read, %s written\n", view_bytes(total->read_bytes, a),
           view_bytes(total->written_bytes, b));
    printf("  intensity  %.2f FLOP per byte\n",
           intensity(total->flops, total->read_bytes, total->written_bytes));
    printf("  memory     %s for intermediate results", view_bytes(total->memory_bytes, a));
    if (costs->count > 0) {
        printf(", most at step %zu, ", costs->peak_step);
        view_node_label(stdout, costs->graph, costs->steps[costs->peak_step].node);
    }
    printf("\n  steps      %zu%s\n", costs->count,
           total->is_complete ? "" : "; what follows depends on data and is not counted");
}

static void print_step(const struct costs *costs, size_t index)
{
    const onnxrun_step_cost *step = &costs->steps[index];
    char number[VIEW_NUMBER_BYTES];
    printf("%6zu %9s", index, view_scaled(step->flops / 2, number));
    printf(" %10s", view_bytes(step->read_bytes, number));
    printf(" %10s", view_bytes(step->written_bytes, number));
    printf(" %8.2f", intensity(step->flops, step->read_bytes, step->written_bytes));
    printf(" %10s  ", view_bytes(step->memory_bytes, number));
    escape_name(stdout, view_node(costs->graph, step->node).op_type);
    fputs("  ", stdout);
    view_node_label(stdout, costs->graph, step->node);
    fputc('\n', stdout);
}

static void print_text(const onnxrun_model *model, const struct view_options *options,
                       const struct costs *costs)
{
    print_dims(model, options);
    print_total(costs);
    puts("\n  step      MACs       read    written   FLOP/B     memory  node");
    for (size_t i = 0; i < costs->count; i++) {
        print_step(costs, i);
    }
}

/* ---- JSON ---- */

static void print_json_sums(uint64_t flops, uint64_t read_bytes, uint64_t written_bytes,
                            uint64_t memory_bytes)
{
    printf("\"macs\": %" PRIu64 ", \"read_bytes\": %" PRIu64 ", \"written_bytes\": %" PRIu64
           ", \"intensity\": %.6g, \"memory_bytes\": %" PRIu64,
           flops / 2, read_bytes, written_bytes, intensity(flops, read_bytes, written_bytes),
           memory_bytes);
}

/* The formula as a string, or null. */
static void print_json_formula(const struct costs *costs)
{
    struct text formula;
    fputs(", \"macs_formula\": ", stdout);
    if (!costs->has_formula) {
        fputs("null", stdout);
        return;
    }
    text_begin(&formula);
    formula_print(formula.out, &costs->formula);
    char *text = text_end(&formula);
    escape_json(stdout, text, formula.length);
    free(text);
}

static void print_json(const struct costs *costs)
{
    const onnxrun_cost *total = &costs->total;
    fputc('{', stdout);
    print_json_sums(total->flops, total->read_bytes, total->written_bytes, total->memory_bytes);
    print_json_formula(costs);
    printf(", \"peak_step\": %zu, \"is_complete\": %s,\n \"steps\": [", costs->peak_step,
           total->is_complete ? "true" : "false");
    for (size_t i = 0; i < costs->count; i++) {
        const onnxrun_step_cost *step = &costs->steps[i];
        onnxrun_node node = view_node(costs->graph, step->node);
        fputs(i > 0 ? ",\n  {\"name\": " : "\n  {\"name\": ", stdout);
        escape_json(stdout, node.name, strlen(node.name));
        fputs(", \"op_type\": ", stdout);
        escape_json(stdout, node.op_type, strlen(node.op_type));
        fputs(", ", stdout);
        print_json_sums(step->flops, step->read_bytes, step->written_bytes, step->memory_bytes);
        fputc('}', stdout);
    }
    fputs("]}\n", stdout);
}

static int show(const onnxrun_model *model, const struct view_options *options)
{
    onnxrun_error error;
    struct costs costs = {.graph = onnxrun_model_graph(model)};
    onnxrun_status status = onnxrun_model_cost(model, options->dims.items, options->dims.count,
                                               keep_step, &costs, &costs.total, &error);
    if (status == ONNXRUN_OK) {
        costs.has_formula = formula_find(&costs.formula, model, &options->dims);
        if (options->is_json) {
            print_json(&costs);
        } else {
            print_text(model, options, &costs);
        }
        formula_free(&costs.formula);
    }
    free(costs.steps);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&error);
}

int view_cost(const struct view_options *options)
{
    onnxrun_error error;
    onnxrun_model *model;
    onnxrun_model_options load = ONNXRUN_MODEL_OPTIONS_INIT;
    load.no_fusion = options->no_fusion;
    if (view_open(options, &load, ONNXRUN_STAGE_PROGRAM, &model, &error) != ONNXRUN_OK) {
        return tool_report(&error);
    }
    int code = dims_check(&options->dims, model);
    code = code == EXIT_CODE_OK ? show(model, options) : code;
    onnxrun_model_free(model);
    return code;
}
