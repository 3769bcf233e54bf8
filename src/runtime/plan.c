/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a plan: where they start, what they are keyed by, and the cache of plans. */
#include "runtime/planner.h"

#include <string.h>

/* What a plan takes, about, and for each node. */
#define PLAN_BYTES ((size_t)4096)
#define NODE_BYTES ((size_t)1024)

static enum onr_status alloc_plan(struct onr_planner *p)
{
    struct onr_plan *plan = p->plan;
    const struct onr_program *program = p->program;
    struct onr_arena *arena = &plan->arena;
    uint32_t left = program->node_count - plan->begin_node;
    uint32_t max_inputs = 1;
    uint32_t max_outputs = 1;
    for (uint32_t n = plan->begin_node; n < program->node_count; n++) {
        const struct onr_node *node = program->nodes[n].node;
        max_inputs = node->input_count > max_inputs ? node->input_count : max_inputs;
        max_outputs = node->output_count > max_outputs ? node->output_count : max_outputs;
    }
    const struct onr_plan *parent = p->options->parent;
    plan->values = onr_arena_copy(arena, parent != NULL ? parent->values : program->known,
                                  program->value_count * sizeof(plan->values[0]));
    plan->steps = ONR_ARENA_ARRAY(arena, left, struct onr_step);
    p->inputs = ONR_ARENA_ARRAY(arena, max_inputs, const struct onr_fact *);
    p->outputs = ONR_ARENA_ARRAY(arena, max_outputs, struct onr_fact);
    if (plan->values == NULL || plan->steps == NULL || p->inputs == NULL || p->outputs == NULL ||
        !onr_memory_plan_init(&plan->memory, arena, parent != NULL ? &parent->memory : NULL)) {
        return onr_fail_memory(p->err, "plan");
    }
    return ONR_OK;
}

/* Records the current dtype and shape of a value, and its data if asked, as a key of this plan. */
static enum onr_status add_key(struct onr_planner *p, uint32_t id, bool with_data)
{
    struct onr_plan_key *key = &p->plan->keys[p->plan->key_count++];
    *key = (struct onr_plan_key){.id = id, .tensor = p->options->tensors[id]};
    if (with_data) {
        key->tensor.data =
            onr_arena_copy(&p->plan->arena, key->tensor.data, onr_tensor_bytes(&key->tensor));
    } else {
        key->tensor.data = NULL;
    }
    return with_data && key->tensor.data == NULL ? onr_fail_memory(p->err, "key of a plan")
                                                 : ONR_OK;
}

/* A node was prepared for the element type that its inputs had at load. */
static enum onr_status check_dtype(const struct onr_planner *p, uint32_t id)
{
    const struct onr_graph *graph = p->program->graph;
    if (id >= graph->value_count || graph->values[id].fact.dtype == ONR_UNDEFINED ||
        graph->values[id].fact.dtype == p->options->tensors[id].dtype) {
        return ONR_OK;
    }
    return onr_fail(p->err, ONR_ERR_MODEL, "plan: value \"%.128s\" has type %s, expected %s",
                    graph->values[id].name, onr_dtype_name(p->options->tensors[id].dtype),
                    onr_dtype_name(graph->values[id].fact.dtype));
}

static enum onr_status start_first_segment(struct onr_planner *p)
{
    const struct onr_program *program = p->program;
    const struct onr_graph *graph = program->graph;
    p->plan->keys = ONR_ARENA_ARRAY(&p->plan->arena, graph->input_count, struct onr_plan_key);
    if (p->plan->keys == NULL) {
        return onr_fail_memory(p->err, "keys of a plan");
    }
    for (uint32_t i = 0; i < graph->input_count; i++) {
        uint32_t id = graph->inputs[i];
        const struct onr_tensor *tensor = &p->options->tensors[id];
        if (program->known[id] != NULL) {
            continue;
        }
        ONR_TRY(check_dtype(p, id));
        struct onr_plan_value *value = ONR_ARENA_NEW(&p->plan->arena, struct onr_plan_value);
        if (value == NULL) {
            return onr_fail_memory(p->err, "value of a plan");
        }
        value->fact = onr_fact_of_value(tensor);
        value->id = id;
        value->root = id;
        value->place = ONR_PLACE_DYNAMIC;
        p->plan->values[id] = value; /* bound by the caller, so not in binds */
        ONR_TRY(add_key(p, id, false));
    }
    return ONR_OK;
}

/* Adds the shapes or contents that were not known to the parent. */
static enum onr_status start_next_segment(struct onr_planner *p)
{
    const struct onr_plan *parent = p->options->parent;
    struct onr_plan *plan = p->plan;
    plan->keys = ONR_ARENA_ARRAY(&plan->arena, parent->cut_count, struct onr_plan_key);
    if (plan->keys == NULL) {
        return onr_fail_memory(p->err, "keys of a plan");
    }
    for (uint32_t i = 0; i < parent->cut_count; i++) {
        uint32_t id = parent->cut_values[i];
        ONR_TRY(check_dtype(p, id));
        ONR_TRY(add_key(p, id, parent->cut_by_data));
        const struct onr_tensor *tensor = &plan->keys[i].tensor;
        struct onr_plan_value *value =
            onr_arena_copy(&plan->arena, plan->values[id], sizeof *value);
        if (value == NULL) {
            return onr_fail_memory(p->err, "value of a plan");
        }
        value->fact = onr_fact_of_value(tensor);
        value->fact.data = tensor->data;
        plan->values[id] = value; /* already bound */
    }
    return ONR_OK;
}

static enum onr_status plan_segment(struct onr_planner *p)
{
    ONR_TRY(alloc_plan(p));
    ONR_TRY(p->options->parent != NULL ? start_next_segment(p) : start_first_segment(p));
    bool is_cut = false;
    uint32_t n = p->plan->begin_node;
    for (; n < p->program->node_count && !is_cut; n++) {
        enum onr_status status = onr_planner_node(p, n, &is_cut);
        if (status != ONR_OK) {
            onr_node_error(p->err, "plan", p->program->graph, p->program->nodes[n].node);
            return status;
        }
    }
    if (!is_cut) {
        p->plan->end_node = n;
    }
    return ONR_OK;
}

static void free_plan(struct onr_plan *plan)
{
    struct onr_mem *mem = plan->arena.mem;
    onr_plan_cache_free(&plan->children);
    onr_arena_free(&plan->kept);
    onr_arena_free(&plan->arena);
    onr_mem_free(mem, plan, sizeof *plan);
}

static struct onr_plan *make_plan(struct onr_mem *mem)
{
    struct onr_plan *plan = onr_mem_calloc(mem, sizeof *plan);
    if (plan != NULL) {
        onr_arena_init(&plan->arena, mem);
        onr_arena_init(&plan->kept, mem);
    }
    return plan;
}

/* Empties a plan and keeps its memory for another one: to touch new pages takes longer than to plan. */
static void recycle(struct onr_plan_cache *cache, struct onr_plan *plan)
{
    onr_plan_cache_free(&plan->children);
    onr_arena_free(&plan->kept);
    onr_arena_reset(&plan->arena);
    *plan = (struct onr_plan){.arena = plan->arena, .kept = plan->kept, .next = cache->spare};
    cache->spare = plan;
}

void onr_plan_cache_reserve(struct onr_plan_cache *cache, const struct onr_program *program,
                            struct onr_mem *mem)
{
    size_t bytes = PLAN_BYTES + program->node_count * NODE_BYTES;
    size_t constants = program->keep_bytes * ONR_MAX_ROOT_PLANS;
    size_t free_bytes = mem->cap_bytes - mem->live_bytes;
    size_t left = (constants < free_bytes ? constants : free_bytes) / 100;
    /* One more, because a plan is built before it makes another one superfluous. */
    for (uint32_t i = 0; i <= cache->capacity && bytes <= left; i++, left -= bytes) {
        struct onr_plan *plan = make_plan(mem);
        if (plan == NULL) {
            return;
        }
        bool has_memory = onr_arena_alloc(&plan->arena, bytes) != NULL;
        recycle(cache, plan);
        if (!has_memory) {
            return;
        }
    }
}

static struct onr_plan *take_spare(struct onr_plan_cache *cache, struct onr_mem *mem)
{
    struct onr_plan *plan = cache->spare;
    if (plan == NULL) {
        return make_plan(mem);
    }
    cache->spare = plan->next;
    plan->next = NULL;
    return plan;
}

/* Adds a plan; the one that was not used for longest makes room when there are too many. */
static void insert(struct onr_plan_cache *cache, struct onr_plan *plan)
{
    plan->next = cache->first;
    cache->first = plan;
    if (cache->count < cache->capacity) {
        cache->count++;
        return;
    }
    struct onr_plan **last = &cache->first;
    while ((*last)->next != NULL) {
        last = &(*last)->next;
    }
    plan = *last;
    *last = NULL;
    recycle(cache, plan);
}

enum onr_status onr_plan_build(const struct onr_plan_options *options, struct onr_plan_cache *cache,
                               struct onr_plan **plan, struct onr_error *err)
{
    struct onr_plan *built = take_spare(cache, options->eval->mem);
    *plan = NULL;
    if (built == NULL) {
        return onr_fail_memory(err, "plan");
    }
    built->children.capacity = ONR_MAX_CHILD_PLANS;
    built->begin_node = options->parent != NULL ? options->parent->end_node : 0;
    /* Each run tells the weights of all attentions; plans in segments are not bounded in number. */
    built->keeps_steady = options->parent == NULL && !options->wants_weights;
    struct onr_planner p = {
        .options = options, .program = options->program, .plan = built, .err = err};
    enum onr_status status = plan_segment(&p);
    onr_arena_trim(&built->arena);
    if (status != ONR_OK) {
        free_plan(built);
        return status;
    }
    insert(cache, built);
    *plan = built;
    return ONR_OK;
}

static bool keys_match(const struct onr_plan *plan, const struct onr_tensor *tensors)
{
    for (uint32_t i = 0; i < plan->key_count; i++) {
        const struct onr_tensor *want = &plan->keys[i].tensor;
        const struct onr_tensor *have = &tensors[plan->keys[i].id];
        if (want->kind != have->kind || want->dtype != have->dtype) {
            return false;
        }
        if (want->kind != ONR_KIND_TENSOR) {
            continue; /* nothing is planned by the length of a sequence */
        }
        if (!onr_shape_equal(&want->shape, &have->shape)) {
            return false;
        }
        size_t bytes = onr_tensor_bytes(want);
        if (want->data != NULL && bytes > 0 && memcmp(want->data, have->data, bytes) != 0) {
            return false;
        }
    }
    return true;
}

struct onr_plan *onr_plan_find(struct onr_plan_cache *cache, const struct onr_tensor *tensors)
{
    for (struct onr_plan **link = &cache->first; *link != NULL; link = &(*link)->next) {
        struct onr_plan *plan = *link;
        if (keys_match(plan, tensors)) {
            *link = plan->next;
            plan->next = cache->first;
            cache->first = plan;
            return plan;
        }
    }
    return NULL;
}

static void free_plans(struct onr_plan **list)
{
    while (*list != NULL) {
        struct onr_plan *plan = *list;
        *list = plan->next;
        free_plan(plan);
    }
}

void onr_plan_cache_free(struct onr_plan_cache *cache)
{
    free_plans(&cache->first);
    free_plans(&cache->spare);
    cache->count = 0;
}
