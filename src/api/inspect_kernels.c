/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kernels a run takes, and what it computes in, as the plan tells for given dimensions: what
 * operators told of themselves (struct onr_told), with names and instruction sets that are looked up
 * in the table of kernels.
 */
#include "api/handles.h"
#include "base/strmap.h"
#include "graph/print.h"

#include <inttypes.h>
#include <string.h>

/* Steps of which the same is told. */
struct group {
    const char *line;
    uint32_t count;
    struct group *next;
};

struct teller {
    const onnxrun_model *model;
    const struct onr_plan *plan;
    struct onr_kernels *tables; /* [isa + 1]: what there would be on lesser machines */
    struct onr_arena arena;
    struct onr_text line; /* that is being made */
    struct group *groups;
};

/* ---- what is told of a step ---- */

static bool has_tiles(const struct onr_gemm_kernels *gemm, const struct onr_gemm_f32 *tiles)
{
    for (size_t i = 0; i < ONR_GEMM_MAX_SHAPES; i++) {
        if (gemm->f32[i] == tiles) {
            return true;
        }
    }
    return false;
}

/* The least instruction set with which the same function is taken. */
static const char *find_isa(const struct teller *t, const struct onr_told *told)
{
    enum onr_isa isa = ONR_ISA_SCALAR;
    for (; isa < t->model->kernels.isa; isa++) {
        const char *entry = (const char *)&t->tables[isa] + told->kernel;
        const char *taken = (const char *)&t->model->kernels + told->kernel;
        if (told->tiles != NULL ? has_tiles(&t->tables[isa].gemm, told->tiles)
                                : memcmp(entry, taken, sizeof(void *)) == 0) {
            break;
        }
    }
    return onr_isa_name(isa);
}

static void add_way(struct onr_text *text, const struct onr_told *told)
{
    if (told->panels > 0) {
        onr_text_add(text, "%" PRIu32 " row%s by up to %zu panels of %zu columns", told->rows,
                     told->rows > 1 ? "s" : "", told->panels, told->tiles->columns);
    } else if (told->tiles != NULL) {
        onr_text_add(text, "tiles up to %zu x %zu", told->tiles->rows, told->tiles->columns);
    }
    if (told->way != NULL) {
        onr_text_add(text, "%s%s", told->tiles != NULL ? ", " : "", told->way);
    }
}

/* Adds the types of values that are not among those of before. */
static onr_dtypes add_types(struct onr_text *text, const struct teller *t, const uint32_t *values,
                            uint32_t count, const char *separator, onr_dtypes before)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct onr_plan_value *value =
            values[i] != ONR_NO_VALUE ? t->plan->values[values[i]] : NULL;
        if (value != NULL && !onr_dtypes_has(before, value->fact.dtype)) {
            onr_text_add(text, "%s%s", separator, onr_dtype_name(value->fact.dtype));
            before |= (onr_dtypes)1 << value->fact.dtype;
            separator = ", ";
        }
    }
    return before;
}

/* "uint8, int8 -> int32"; "float16, in float"; "float (float16 in the file)". */
static void add_precision(struct onr_text *text, const struct teller *t,
                          const struct onr_bound_node *bound)
{
    const struct onr_node *node = bound->node;
    onr_dtypes types = add_types(text, t, node->inputs, node->input_count, "", 0);
    types = add_types(text, t, bound->outputs, node->output_count, types != 0 ? " -> " : "", types);
    bool is_moved = onr_dtypes_has(onr_param_spec_at(bound->op->input_specs, 0).dtypes, ONR_STRING);
    if ((types & ONR_DTYPES_HALF) != 0 && !is_moved &&
        (bound->op->traits & (ONR_TRAIT_KEEP_TYPE | ONR_TRAIT_BODIES)) == 0) {
        onr_text_add(text, ", in float");
    }
    if (node->half != ONR_UNDEFINED) {
        onr_text_add(text, " (%s in the file)", onr_dtype_name(node->half));
    }
}

/* ---- text ---- */

static void add_op(struct onr_text *text, const struct onr_op_def *op)
{
    onr_text_add(text, "%s%s%s", op->domain, op->domain[0] != '\0' ? "." : "", op->name);
}

static void pad(struct onr_text *text, size_t length)
{
    do {
        onr_text_add(text, " ");
    } while (text->length < length && !text->has_failed);
}

static void add_kernel(struct teller *t, const struct onr_bound_node *bound,
                       const struct onr_told *told)
{
    struct onr_text *line = &t->line;
    if (told->kernel != 0) {
        onr_text_add(line, "%s %s", onr_kernels_part(told->kernel), find_isa(t, told));
    } else {
        bool has_bodies = (bound->op->traits & ONR_TRAIT_BODIES) != 0;
        onr_text_add(line, has_bodies ? "runs its bodies" : "a loop compiled once");
    }
    if (told->tiles != NULL || told->way != NULL) {
        onr_text_add(line, ": ");
        add_way(line, told);
    }
}

/* Counts the line, which begins anew. */
static void count_line(struct teller *t)
{
    struct group **end = &t->groups;
    const char *line = t->line.data != NULL ? t->line.data : "";
    while (*end != NULL && strcmp((*end)->line, line) != 0) {
        end = &(*end)->next;
    }
    if (*end == NULL) {
        struct group *group = ONR_ARENA_NEW(&t->arena, struct group);
        const char *copy = onr_arena_string(&t->arena, line, strlen(line));
        if (group == NULL || copy == NULL) {
            t->line.has_failed = true;
            return;
        }
        group->line = copy;
        *end = group;
    }
    (*end)->count++;
    t->line.length = 0;
}

static void tell_text(struct onr_text *text, struct teller *t)
{
    const struct onr_program *program = t->model->program;
    for (uint32_t i = 0; i < t->plan->step_count && !t->line.has_failed; i++) {
        const struct onr_step *step = &t->plan->steps[i];
        const struct onr_bound_node *bound = &program->nodes[step->node];
        add_op(&t->line, bound->op);
        pad(&t->line, 28);
        add_precision(&t->line, t, bound);
        pad(&t->line, 52);
        add_kernel(t, bound, &step->told);
        count_line(t);
    }
    for (const struct group *group = t->groups; group != NULL; group = group->next) {
        onr_text_add(text, "  %5" PRIu32 "  %s\n", group->count, group->line);
    }
    uint32_t idle = t->plan->end_node - t->plan->begin_node - t->plan->step_count;
    uint32_t later = program->node_count - t->plan->end_node;
    uint32_t within = onr_graph_count_nodes(t->model->graph) - program->node_count;
    if (idle > 0) {
        onr_text_add(
            text, "  %5" PRIu32 "  are views of what is there, or computed with the plan\n", idle);
    }
    if (later > 0) {
        onr_text_add(text, "  %5" PRIu32 "  depend on data and are planned during the run\n",
                     later);
    }
    if (within > 0) {
        onr_text_add(text, "  %5" PRIu32 "  stand in bodies, which are planned when they run\n",
                     within);
    }
}

/* ---- JSON ---- */

static void add_json(struct onr_text *text, const char *key, const char *value)
{
    onr_text_add(text, "%s", key);
    onr_text_add_json_string(text, value);
}

static void tell_json(struct onr_text *text, struct teller *t)
{
    for (uint32_t i = 0; i < t->plan->step_count; i++) {
        const struct onr_step *step = &t->plan->steps[i];
        const struct onr_bound_node *bound = &t->model->program->nodes[step->node];
        bool has_kernel = step->told.kernel != 0;
        add_json(text, i > 0 ? ",\n  {\"node\": " : "\n  {\"node\": ",
                 onr_node_label(t->model->graph, bound->node));
        onr_text_add(text, ", \"op\": \"");
        add_op(text, bound->op);
        onr_text_add(text, "\", \"types\": \"");
        add_precision(text, t, bound);
        add_json(text, "\", \"kernel\": ", has_kernel ? onr_kernels_part(step->told.kernel) : NULL);
        add_json(text, ", \"isa\": ", has_kernel ? find_isa(t, &step->told) : NULL);
        onr_text_add(text, ", \"way\": \"");
        add_way(text, &step->told);
        onr_text_add(text, "\"}");
    }
}

/* ---- dimensions ---- */

/* The name of a dimension of an input: its symbol, or INPUT/AXIS. */
static void add_dim_name(struct onr_text *text, const onnxrun_value_info *input, int axis)
{
    bool has_symbol = input->symbols[axis] != NULL;
    onr_text_add(text, "%s", has_symbol ? input->symbols[axis] : input->name);
    if (!has_symbol) {
        onr_text_add(text, "/%d", axis);
    }
}

/* Whether the symbol of a dimension is told for the first time, or it has none. */
static bool is_news(struct onr_text *text, struct onr_strmap *told, const char *symbol)
{
    bool is_known = symbol != NULL && onr_strmap_get(told, symbol) != ONR_STRMAP_NONE;
    bool is_kept = symbol == NULL || is_known || onr_strmap_put(told, symbol, 0);
    text->has_failed = text->has_failed || !is_kept;
    return !is_known;
}

/* "for batch = 1, x/0 = 128": the dimensions of inputs, each once. */
static void add_dims(struct onr_text *text, struct teller *t, const onnxrun_dim *dims,
                     size_t dim_count, bool is_json)
{
    const char *separator = is_json ? "" : ", for ";
    struct onr_strmap told;
    onr_strmap_init(&told, text->mem);
    for (uint32_t i = 0; i < t->model->graph->input_count; i++) {
        const onnxrun_value_info *input = &t->model->inputs[i];
        for (int a = 0; a < input->rank && !t->line.has_failed; a++) {
            if (input->dims[a] >= 0 || !is_news(text, &told, input->symbols[a])) {
                continue;
            }
            add_dim_name(&t->line, input, a);
            if (t->line.has_failed) {
                break;
            }
            onr_text_add(text, "%s", separator);
            if (is_json) {
                add_json(text, "", t->line.data);
            } else {
                onr_text_add_name(text, t->line.data);
            }
            onr_text_add(text, "%s%" PRId64, is_json ? ": " : " = ",
                         onr_model_dim(dims, dim_count, input, a));
            t->line.length = 0;
            separator = ", ";
        }
    }
    onr_strmap_free(&told);
}

/* ---- all of it ---- */

static void print_plan(struct onr_text *text, struct teller *t, const onnxrun_dim *dims,
                       size_t dim_count, bool is_json)
{
    const char *isa = onr_isa_name(t->model->kernels.isa);
    for (enum onr_isa i = ONR_ISA_SCALAR; i <= t->model->kernels.isa; i++) {
        onr_kernels_init(&t->tables[i], i);
    }
    if (is_json) {
        onr_text_add(text, "\"isa\": \"%s\", \"dims\": {", isa);
        add_dims(text, t, dims, dim_count, true);
        onr_text_add(text, "},\n \"kernels\": [");
        tell_json(text, t);
        onr_text_add(text, "]");
        return;
    }
    onr_text_add(text, "\nkernels up to %s", isa);
    add_dims(text, t, dims, dim_count, false);
    onr_text_add(text, "\n  count  operator                    computes in             by\n");
    tell_text(text, t);
}

enum onr_status onr_print_kernels(struct onr_text *text, const onnxrun_model *model,
                                  const onnxrun_dim *dims, size_t dim_count, bool is_json,
                                  struct onr_error *err)
{
    struct onr_planned planned;
    struct onr_error why;
    struct onr_mem *mem = text->mem;
    size_t bytes = (model->kernels.isa + 1) * sizeof(struct onr_kernels);
    struct teller t = {.model = model, .tables = onr_mem_alloc(mem, bytes)};
    onr_error_clear(&why);
    onr_arena_init(&t.arena, mem);
    onr_text_init(&t.line, mem);
    enum onr_status status = onr_model_plan(model, dims, dim_count, &planned, &why);
    if (status == ONR_OK && t.tables != NULL) {
        t.plan = planned.plan;
        print_plan(text, &t, dims, dim_count, is_json);
    } else if (is_json) {
        add_json(text, "\"kernels\": null, \"not_planned\": ", why.message);
    } else {
        onr_text_add(text, "\nkernels are not known: ");
        onr_text_add_name(text, why.message);
        onr_text_add(text, "\n");
    }
    onr_planned_free(&planned);
    onr_text_free(&t.line);
    onr_arena_free(&t.arena);
    onr_mem_free(mem, t.tables, bytes);
    if (status == ONR_ERR_ARGUMENT) {
        *err = why;
        return status;
    }
    bool has_failed = t.tables == NULL || t.line.has_failed || status == ONR_ERR_MEMORY;
    return has_failed ? onr_fail_memory(err, "list of kernels") : ONR_OK;
}
