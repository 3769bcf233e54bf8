/* SPDX-License-Identifier: Apache-2.0 */
/* The passes in their order, and the one message about all that is missing. */
#include "graph/passes/pass.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum pass_kind {
    FINDS_MISSING, /* runs over every model */
    REWRITES,      /* runs when nothing is missing */
    FUSES,         /* may be turned off besides */
};

struct pass {
    const char *name;
    onr_pass_fn run;
    enum pass_kind kind;
};

/* Fusions match before subexpressions are merged: a shared inner value would stop them. */
/* clang-format off */
#define PASS(name, kind) {#name, onr_pass_##name, kind}
static const struct pass pass_list[] = {
    PASS(gradient, FINDS_MISSING),
    PASS(dead_code, FINDS_MISSING),
    PASS(resolve_ops, FINDS_MISSING),
    PASS(infer_facts, FINDS_MISSING),
    PASS(widen_half, REWRITES),
    PASS(dead_code, REWRITES),
    PASS(infer_facts, REWRITES),
    PASS(plain_shapes, FUSES),
    PASS(dead_code, REWRITES),
    PASS(no_ops, FUSES),
    PASS(dead_code, FUSES),
    PASS(fuse_norm, FUSES),
    PASS(fuse_group_norm, FUSES),
    PASS(fuse_gelu, FUSES),
    PASS(fuse_rotary, FUSES),
    PASS(plain_scores, FUSES),
    PASS(input_shapes, FUSES),
    PASS(dead_code, FUSES),
    PASS(fuse_select, FUSES),
    PASS(fuse_attention, FUSES),
    PASS(fuse_softmax, FUSES),
    PASS(fuse_pad, FUSES),
    PASS(fuse_batch_norm, FUSES),
    PASS(fuse_factors, FUSES),
    PASS(dead_code, FUSES),
    PASS(no_ops, FUSES),
    PASS(resize_last, FUSES),
    PASS(dead_code, FUSES),
    PASS(fuse_gather_matmul, FUSES),
    PASS(fuse_gather_scores, FUSES),
    PASS(dead_code, FUSES),
    PASS(fuse_linear, FUSES),
    PASS(fuse_conv_last, FUSES),
    PASS(fuse_conv, FUSES),
    PASS(dead_code, FUSES),
    PASS(channels_last, FUSES),
    PASS(dead_code, FUSES),
    PASS(no_ops, FUSES),
    PASS(dead_code, FUSES),
    PASS(common_subexpressions, FUSES),
    PASS(dead_code, FUSES),
    PASS(fuse_projections, FUSES),
    PASS(dead_code, FUSES),
};
/* clang-format on */

enum onr_status onr_pass_bodies(struct onr_graph *graph, onr_pass_fn pass, struct onr_pass_ctx *ctx)
{
    for (uint32_t n = 0; n < graph->node_count; n++) {
        for (uint32_t b = 0; b < graph->nodes[n].body_count; b++) {
            ONR_TRY(pass(graph->nodes[n].bodies[b].graph, ctx));
        }
    }
    return ONR_OK;
}

/* The entry for this need of the node, which is added when it is new; NULL when memory is out. */
static struct onr_missing *missing_entry(struct onr_graph *graph, const struct onr_node *node,
                                         const char *detail, struct onr_pass_ctx *ctx)
{
    struct onr_missing **end = &ctx->missing;
    for (; *end != NULL; end = &(*end)->next) {
        struct onr_missing *m = *end;
        if (m->version == node->version && strcmp(m->op_type, node->op_type) == 0 &&
            strcmp(m->domain, node->domain) == 0 && strcmp(m->detail, detail) == 0) {
            return m;
        }
    }
    struct onr_missing *entry = ONR_ARENA_NEW(graph->arena, struct onr_missing);
    char *copy = onr_arena_string(graph->arena, detail, strlen(detail));
    if (entry == NULL || copy == NULL) {
        return NULL;
    }
    *entry = (struct onr_missing){
        .domain = node->domain, .op_type = node->op_type, .version = node->version, .detail = copy};
    *end = entry;
    ctx->missing_count++;
    return entry;
}

enum onr_status onr_note_missing(struct onr_graph *graph, const struct onr_node *node,
                                 const char *detail, struct onr_pass_ctx *ctx)
{
    struct onr_missing_node *item = ONR_ARENA_NEW(graph->arena, struct onr_missing_node);
    struct onr_missing *entry = missing_entry(graph, node, detail, ctx);
    if (item == NULL || entry == NULL) {
        return onr_fail_memory(ctx->err, "list of unsupported operators");
    }
    item->label = onr_node_label(graph, node);
    *(entry->last != NULL ? &entry->last->next : &entry->nodes) = item;
    entry->last = item;
    entry->node_count++;
    return ONR_OK;
}

/* "com.microsoft.Foo-1" or "Foo-13 (input 0 of type int4)", and so much of the first node's name. */
static size_t write_missing(char *out, size_t capacity, const struct onr_missing *m, int name_bytes)
{
    const char *dot = m->domain[0] != '\0' ? "." : "";
    const char *open = m->detail[0] != '\0' ? " (" : "";
    const char *close = m->detail[0] != '\0' ? ")" : "";
    const char *at = name_bytes > 0 ? " at node \"" : "";
    const char *end = name_bytes > 0 ? "\"" : "";
    char more[32] = "";
    if (m->node_count > 1 && name_bytes > 0) {
        (void)snprintf(more, sizeof more, " and %" PRIu32 " more", m->node_count - 1);
    }
    int length =
        snprintf(out, capacity, "%s%s%s-%" PRId64 "%s%s%s%s%.*s%s%s", m->domain, dot, m->op_type,
                 m->version, open, m->detail, close, at, name_bytes, m->nodes->label, end, more);
    return length > 0 ? (size_t)length : 0;
}

/* Writes as many entries as fit into list [capacity], separated by "; ", and returns how many. */
static uint32_t list_missing(char *list, size_t capacity, const struct onr_missing *first,
                             int name_bytes)
{
    size_t used = 0;
    uint32_t written = 0;
    for (const struct onr_missing *m = first; m != NULL; m = m->next) {
        char entry[512];
        size_t length = write_missing(entry, sizeof entry, m, name_bytes);
        length = length < sizeof entry ? length : sizeof entry - 1;
        if (used + length + 3 > capacity) {
            break;
        }
        memcpy(list + used, written > 0 ? "; " : "", written > 0 ? 2 : 0);
        used += written > 0 ? 2 : 0;
        memcpy(list + used, entry, length);
        used += length;
        written++;
    }
    list[used] = '\0';
    return written;
}

/* All that is missing in one message; where it does not fit, first the names of nodes are cut. */
static enum onr_status fail_missing(const struct onr_pass_ctx *ctx)
{
    static const int name_bytes[] = {60, 12, 0};
    char list[ONR_MESSAGE_BYTES - 128];
    uint32_t written = 0;
    for (size_t i = 0; i < 3 && written < ctx->missing_count; i++) {
        written = list_missing(list, sizeof list, ctx->missing, name_bytes[i]);
    }
    if (written < ctx->missing_count) {
        return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED,
                        "load: %" PRIu32 " operators are not supported: %s; and %" PRIu32 " more",
                        ctx->missing_count, list, ctx->missing_count - written);
    }
    return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED, "load: not supported: %s", list);
}

static bool is_due(const struct pass *pass, const struct onr_pass_ctx *ctx)
{
    if (pass->kind == FINDS_MISSING) {
        return true;
    }
    return ctx->missing == NULL && !ctx->types_only && (pass->kind == REWRITES || !ctx->no_fusion);
}

static enum onr_status run_pass(const struct pass *pass, struct onr_graph *graph,
                                struct onr_pass_ctx *ctx)
{
    if (ctx->report == NULL) {
        return pass->run(graph, ctx);
    }
    onr_report_begin_pass(ctx->report, pass->name);
    ONR_TRY(pass->run(graph, ctx));
    onr_report_end_pass(ctx->report, graph);
    return ONR_OK;
}

enum onr_status onr_run_passes(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    for (size_t i = 0; i < sizeof pass_list / sizeof pass_list[0]; i++) {
        if (is_due(&pass_list[i], ctx)) {
            ONR_TRY(run_pass(&pass_list[i], graph, ctx));
        }
    }
    if (ctx->report != NULL) {
        ctx->report->missing = ctx->missing;
    }
    return ctx->missing != NULL && !ctx->types_only ? fail_missing(ctx) : ONR_OK;
}
