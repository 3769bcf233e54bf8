/* SPDX-License-Identifier: Apache-2.0 */
/* The multiplications of modules, and the tree as JSON. */
#include "common/escape.h"
#include "onnxdump/module_tree.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <string.h>

/* ---- multiplications ---- */

struct mac_count {
    struct module_tree *tree;
    const onnxrun_graph *graph;
};

static void add_macs(void *user, const onnxrun_step_cost *cost)
{
    const struct mac_count *count = user;
    size_t module = module_tree_find(count->tree, count->graph, cost->node);
    count->tree->modules[module].macs += cost->flops / 2;
}

/* Counts in the graph without fusion, whose nodes are those of the file. */
onnxrun_status module_tree_add_macs(struct module_tree *tree, const struct view_options *options,
                                    bool *is_complete, onnxrun_error *error)
{
    onnxrun_model_options load = ONNXRUN_MODEL_OPTIONS_INIT;
    onnxrun_model *model;
    onnxrun_cost total;
    load.no_fusion = 1;
    onnxrun_status status = view_open(options, &load, ONNXRUN_STAGE_PROGRAM, &model, error);
    if (status == ONNXRUN_OK) {
        struct mac_count count = {tree, onnxrun_model_graph(model)};
        status = onnxrun_model_cost(model, options->dims.items, options->dims.count, add_macs,
                                    &count, &total, error);
        *is_complete = total.is_complete != 0;
    }
    onnxrun_model_free(model);
    return status;
}

/* ---- JSON ---- */

void module_tree_json(FILE *out, const struct module_tree *tree, bool has_macs)
{
    fputc('[', out);
    for (size_t i = 0; i < tree->count; i++) {
        const struct module *module = &tree->modules[i];
        fputs(i > 0 ? ",\n {\"name\": " : "\n {\"name\": ", out);
        escape_json(out, module->name, strlen(module->name));
        fputs(", \"class\": ", out);
        if (module->class_name != NULL) {
            escape_json(out, module->class_name, strlen(module->class_name));
        } else {
            fputs("null", out);
        }
        if (module->parent != MODULE_NONE) {
            fprintf(out, ", \"parent\": %zu", module->parent);
        } else {
            fputs(", \"parent\": null", out);
        }
        fprintf(out, ", \"nodes\": %" PRIu64 ", \"parameters\": %" PRIu64 ", \"bytes\": %" PRIu64,
                module->nodes, module->parameters, module->bytes);
        if (has_macs) {
            fprintf(out, ", \"macs\": %" PRIu64 "}", module->macs);
        } else {
            fputs(", \"macs\": null}", out);
        }
    }
    fputc(']', out);
}
