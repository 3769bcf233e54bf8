/* SPDX-License-Identifier: Apache-2.0 */
#include "onnxrun/profile.h"

#include "common/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- steps ---- */

static bool is_op(const struct profile_node *node, const onnxrun_step *step)
{
    size_t domain = strlen(step->domain);
    return domain == 0 ? strcmp(node->op, step->op_type) == 0
                       : strncmp(node->op, step->domain, domain) == 0 && node->op[domain] == '.' &&
                             strcmp(node->op + domain + 1, step->op_type) == 0;
}

static bool is_step(const struct profile_node *node, const onnxrun_step *step)
{
    return node->depth == step->depth && strcmp(node->output, step->output_name) == 0 &&
           strcmp(node->name, step->name) == 0 && is_op(node, step);
}

static size_t add_node(struct profile *profile, const onnxrun_step *step)
{
    const onnxrun_tensor *first_output = step->output_count > 0 ? step->outputs[0] : NULL;
    if (profile->node_count == profile->node_room) {
        profile->node_room = profile->node_room > 0 ? 2 * profile->node_room : 256;
        profile->nodes = tool_resize(profile->nodes, profile->node_room, sizeof *profile->nodes);
    }
    profile->nodes[profile->node_count] = (struct profile_node){
        .name = tool_printf("%s", step->name),
        .op =
            tool_printf("%s%s%s", step->domain, step->domain[0] != '\0' ? "." : "", step->op_type),
        .output = tool_printf("%s", step->output_name),
        .shape = first_output == NULL ? tool_printf("%s", "") : show_type(first_output),
        .depth = step->depth,
        .least = HUGE_VAL};
    return profile->node_count++;
}

/* Runs repeat their steps, so that the node is mostly the one behind that of the last step. */
static size_t find_node(struct profile *profile, const onnxrun_step *step)
{
    for (size_t i = 0; i < profile->node_count; i++) {
        size_t index = (profile->expected + i) % profile->node_count;
        if (is_step(&profile->nodes[index], step)) {
            return index;
        }
    }
    return add_node(profile, step);
}

/* Seconds of the step without those of the bodies that ran in it. */
static double own_seconds(struct profile *profile, const onnxrun_step *step)
{
    size_t needed = (size_t)step->depth + 2;
    if (needed > profile->inner_room) {
        profile->inner = tool_resize(profile->inner, needed, sizeof *profile->inner);
        while (profile->inner_room < needed) {
            profile->inner[profile->inner_room++] = 0;
        }
    }
    double seconds = step->end - step->begin;
    double own = seconds - profile->inner[step->depth + 1];
    profile->inner[step->depth + 1] = 0;
    profile->inner[step->depth] += seconds;
    return own;
}

void profile_on_step(void *user, const onnxrun_step *step)
{
    struct profile *profile = user;
    size_t index = find_node(profile, step);
    struct profile_node *node = &profile->nodes[index];
    profile->expected = index + 1;
    node->calls++;
    double seconds = own_seconds(profile, step);
    node->seconds += seconds;
    node->present += seconds;
    node->flops += step->flops;
    node->bytes += step->read_bytes + step->written_bytes;
    if (profile->event_count == profile->event_room) {
        profile->event_room = profile->event_room > 0 ? 2 * profile->event_room : 256;
        profile->events =
            tool_resize(profile->events, profile->event_room, sizeof *profile->events);
    }
    profile->events[profile->event_count++] =
        (struct profile_event){.node = index, .begin = step->begin, .end = step->end};
}

/* ---- runs ---- */

/* Takes the times of the present run: of a node that it did not come to, none. */
static void end_nodes(struct profile *profile)
{
    profile->least_seconds = 0;
    for (size_t i = 0; i < profile->node_count; i++) {
        struct profile_node *node = &profile->nodes[i];
        node->least = fmin(node->least, node->present);
        node->present = 0;
        profile->least_seconds += node->least;
    }
}

void profile_end_run(struct profile *profile, double seconds)
{
    if (profile->run_count == 0 || seconds < profile->best_seconds) {
        struct profile_event *events = profile->best;
        size_t room = profile->best_room;
        profile->best = profile->events;
        profile->best_room = profile->event_room;
        profile->best_count = profile->event_count;
        profile->best_seconds = seconds;
        profile->events = events;
        profile->event_room = room;
    }
    end_nodes(profile);
    profile->event_count = 0;
    profile->expected = 0;
    profile->run_seconds += seconds;
    profile->run_count++;
    if (profile->inner_room > 0) {
        profile->inner[0] = 0;
    }
}

static void free_nodes(struct profile *profile)
{
    for (size_t i = 0; i < profile->node_count; i++) {
        free(profile->nodes[i].name);
        free(profile->nodes[i].op);
        free(profile->nodes[i].output);
        free(profile->nodes[i].shape);
    }
    profile->node_count = 0;
}

void profile_forget(struct profile *profile)
{
    free_nodes(profile);
    profile->run_count = 0;
    profile->run_seconds = 0;
    profile->event_count = 0;
}

void profile_set_limits(struct profile *profile, const struct profile_limits *limits)
{
    for (size_t i = 0; i < profile->node_count; i++) {
        struct profile_node *node = &profile->nodes[i];
        double compute = limits->gflops > 0 ? (double)node->flops / limits->gflops * 1e-9 : 0;
        double memory = limits->gbytes > 0 ? (double)node->bytes / limits->gbytes * 1e-9 : 0;
        node->limit = compute > memory ? compute : memory;
    }
}

void profile_free(struct profile *profile)
{
    free_nodes(profile);
    free(profile->nodes);
    free(profile->events);
    free(profile->best);
    free(profile->inner);
}

/* ---- views ---- */

static int slower_first(double left, double right)
{
    return left > right ? -1 : left < right;
}

static int compare_operators(const void *left, const void *right)
{
    const struct profile_node *a = left, *b = right;
    return slower_first(a->seconds, b->seconds);
}

static int compare_nodes(const void *left, const void *right)
{
    const struct profile_node *const *a = left, *const *b = right;
    return slower_first((*a)->seconds, (*b)->seconds);
}

struct profile_node *profile_by_operator(const struct profile *profile, size_t *count)
{
    struct profile_node *sums = tool_alloc(profile->node_count, sizeof *sums);
    *count = 0;
    for (size_t i = 0; i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        size_t at = 0;
        while (at < *count && strcmp(sums[at].op, node->op) != 0) {
            at++;
        }
        if (at == *count) {
            sums[(*count)++] = (struct profile_node){.op = node->op};
        }
        sums[at].calls += node->calls;
        sums[at].seconds += node->seconds;
        sums[at].least += node->least;
        sums[at].limit += node->limit;
        sums[at].flops += node->flops;
        sums[at].bytes += node->bytes;
    }
    qsort(sums, *count, sizeof *sums, compare_operators);
    return sums;
}

const struct profile_node **profile_by_time(const struct profile *profile)
{
    const struct profile_node **sorted = tool_alloc(profile->node_count, sizeof *sorted);
    for (size_t i = 0; i < profile->node_count; i++) {
        sorted[i] = &profile->nodes[i];
    }
    qsort(sorted, profile->node_count, sizeof *sorted, compare_nodes);
    return sorted;
}
