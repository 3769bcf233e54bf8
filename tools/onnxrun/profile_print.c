/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as text, JSON and trace. */
#include "common/escape.h"
#include "common/file.h"
#include "common/text.h"

#include "onnxrun/profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static double per_run(const struct profile *profile, double sum)
{
    return sum / (double)profile->run_count;
}

static double share(const struct profile *profile, const struct profile_node *node)
{
    return profile->run_seconds > 0 ? node->seconds / profile->run_seconds : 0;
}

/* Giga per second; 0 for what took no time. */
static double rate(uint64_t amount, double seconds)
{
    return seconds > 0 ? (double)amount / seconds * 1e-9 : 0;
}

static double share_of_limit(const struct profile_node *node)
{
    return node->seconds > 0 ? node->limit / node->seconds : 0;
}

static double node_seconds(const struct profile *profile)
{
    double sum = 0;
    for (size_t i = 0; i < profile->node_count; i++) {
        sum += profile->nodes[i].seconds;
    }
    return sum;
}

/* ---- text ---- */

static void print_head(const struct profile *profile, const struct profile_summary *summary)
{
    printf("threads      %" PRIu32 ", %s\n", summary->threads, summary->isa);
    if (summary->limits.gflops > 0) {
        printf("limits       %.1f GFLOP/s, %.1f GB/s read from memory\n", summary->limits.gflops,
               summary->limits.gbytes);
    }
    printf("run          %.3f ms, the mean of %" PRIu64 " (fastest %.3f); %.1f %% of it in nodes\n",
           1e3 * per_run(profile, profile->run_seconds), profile->run_count,
           1e3 * profile->best_seconds, 100 * node_seconds(profile) / profile->run_seconds);
    printf("least        %.3f ms, the fastest of each node added up: a bound, no run\n",
           1e3 * profile->least_seconds);
}

static void print_costs(const struct profile *profile, const struct profile_summary *summary,
                        const struct profile_node *node)
{
    printf("%10.3f %6.1f %%", 1e3 * per_run(profile, node->seconds), 100 * share(profile, node));
    if (node->flops > 0) {
        printf(" %9.1f", rate(node->flops, node->seconds));
    } else {
        printf(" %9s", "");
    }
    printf(" %7.1f", rate(node->bytes, node->seconds));
    if (summary->limits.gflops > 0) {
        printf(" %6.0f %%", 100 * share_of_limit(node));
    }
}

static void print_title(const struct profile_summary *summary, const char *what)
{
    printf("\n%10s %8s %9s %7s%s  %s\n", "ms", "share", "GFLOP/s", "GB/s",
           summary->limits.gflops > 0 ? " of limit" : "", what);
}

void profile_print_text(const struct profile *profile, const struct profile_summary *summary)
{
    size_t count = 0;
    struct profile_node *sums = profile_by_operator(profile, &count);
    const struct profile_node **nodes = profile_by_time(profile);
    size_t shown = summary->top < profile->node_count ? summary->top : profile->node_count;
    print_head(profile, summary);
    print_title(summary, "operator, calls in a run");
    for (size_t i = 0; i < count; i++) {
        print_costs(profile, summary, &sums[i]);
        fputs("  ", stdout);
        escape_name(stdout, sums[i].op);
        printf(" %g\n", per_run(profile, (double)sums[i].calls));
    }
    print_title(summary, "node, and its output");
    for (size_t i = 0; i < shown; i++) {
        print_costs(profile, summary, nodes[i]);
        fputs("  ", stdout);
        escape_name(stdout, nodes[i]->op);
        fputs("  ", stdout);
        escape_name(stdout, nodes[i]->output);
        printf(": %s\n", nodes[i]->shape);
    }
    if (shown < profile->node_count) {
        printf("... and %zu more (--top)\n", profile->node_count - shown);
    }
    free(nodes);
    free(sums);
}

/* ---- JSON ---- */

static void json_string(FILE *out, const char *before, const char *key, const char *value)
{
    fprintf(out, "%s\"%s\": ", before, key);
    escape_json(out, value, strlen(value));
}

static void json_costs(const struct profile *profile, const struct profile_summary *summary,
                       const struct profile_node *node)
{
    printf(", \"calls\": %g, \"ms\": %.6f, \"min_ms\": %.6f, \"share\": %.6f"
           ", \"flops\": %.0f, \"bytes\": %.0f",
           per_run(profile, (double)node->calls), 1e3 * per_run(profile, node->seconds),
           1e3 * node->least, share(profile, node), per_run(profile, (double)node->flops),
           per_run(profile, (double)node->bytes));
    if (summary->limits.gflops > 0) {
        printf(", \"limit_ms\": %.6f", 1e3 * per_run(profile, node->limit));
    }
    putchar('}');
}

void profile_print_json(const struct profile *profile, const struct profile_summary *summary)
{
    size_t count = 0;
    struct profile_node *sums = profile_by_operator(profile, &count);
    json_string(stdout, "{", "model", summary->model_path);
    printf(",\n \"isa\": \"%s\", \"threads\": %" PRIu32, summary->isa, summary->threads);
    if (summary->limits.gflops > 0) {
        printf(",\n \"limit_gflops\": %.3f, \"limit_gbytes\": %.3f", summary->limits.gflops,
               summary->limits.gbytes);
    }
    printf(",\n \"runs\": %" PRIu64 ", \"mean_ms\": %.6f, \"min_ms\": %.6f, \"nodes_min_ms\": %.6f",
           profile->run_count, 1e3 * per_run(profile, profile->run_seconds),
           1e3 * profile->best_seconds, 1e3 * profile->least_seconds);
    fputs(",\n \"operators\": [", stdout);
    for (size_t i = 0; i < count; i++) {
        json_string(stdout, i > 0 ? ",\n  {" : "\n  {", "op", sums[i].op);
        json_costs(profile, summary, &sums[i]);
    }
    fputs("],\n \"nodes\": [", stdout);
    for (size_t i = 0; i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        json_string(stdout, i > 0 ? ",\n  {" : "\n  {", "op", node->op);
        json_string(stdout, ", ", "name", node->name);
        json_string(stdout, ", ", "output", node->output);
        json_string(stdout, ", ", "shape", node->shape);
        printf(", \"depth\": %" PRIu32, node->depth);
        json_costs(profile, summary, node);
    }
    fputs("]}\n", stdout);
    free(sums);
}

/* ---- trace ---- */

static void print_event(FILE *out, const struct profile *profile, size_t index, double origin)
{
    const struct profile_event *event = &profile->best[index];
    const struct profile_node *node = &profile->nodes[event->node];
    json_string(out, index > 0 ? ",\n{" : "\n{", "name", node->op);
    fprintf(out, ", \"ph\": \"X\", \"pid\": 1, \"tid\": 1, \"ts\": %.3f, \"dur\": %.3f",
            1e6 * (event->begin - origin), 1e6 * (event->end - event->begin));
    json_string(out, ", \"args\": {", "node", node->name);
    json_string(out, ", ", "output", node->output);
    json_string(out, ", ", "shape", node->shape);
    fputs("}}", out);
}

onnxrun_status profile_write_trace(const struct profile *profile, const char *path,
                                   onnxrun_error *error)
{
    struct text trace;
    double origin = profile->best_count > 0 ? profile->best[0].begin : 0;
    for (size_t i = 0; i < profile->best_count; i++) {
        origin = profile->best[i].begin < origin ? profile->best[i].begin : origin;
    }
    text_begin(&trace);
    fputs("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [", trace.out);
    for (size_t i = 0; i < profile->best_count; i++) {
        print_event(trace.out, profile, i, origin);
    }
    fputs("\n]}\n", trace.out);
    char *text = text_end(&trace);
    onnxrun_status status = file_write(path, &(struct file_part){text, trace.length}, 1, error);
    free(text);
    return status;
}
