/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of each weight, read piece by piece. */
#include "common/element.h"
#include "common/escape.h"
#include "common/progress.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUM_SCALE 0x1p-64 /* keeps sums of the largest numbers finite */

struct weight_entry {
    const char *name;
    const onnxrun_weight *weight;
    size_t order;
};

struct weight_list {
    struct weight_entry *items;
    size_t count;
};

struct stats {
    double min, max; /* of finite elements, as the next two */
    double sum;      /* times SUM_SCALE */
    uint64_t finite;
    uint64_t zeros;
    uint64_t nans;
    uint64_t infinities;
};

/* ---- which weights there are ---- */

/* Goes as deep as bodies nest, which the library limits. */
static void list_weights(const onnxrun_graph *graph, struct weight_list *list)
{
    onnxrun_graph_info info;
    onnxrun_graph_get_info(graph, &info);
    for (uint32_t i = 0; i < info.value_count; i++) {
        const onnxrun_weight *weight = view_weight(graph, i);
        if (weight != NULL) {
            size_t index = list->count++;
            if ((index & (index - 1)) == 0) {
                list->items =
                    tool_resize(list->items, index > 0 ? 2 * index : 1, sizeof *list->items);
            }
            list->items[index] = (struct weight_entry){view_value_name(graph, i), weight, index};
        }
    }
    for (uint32_t n = 0; n < info.node_count; n++) {
        uint32_t body_count = view_node(graph, n).body_count;
        for (uint32_t i = 0; i < body_count; i++) {
            onnxrun_body body;
            (void)onnxrun_node_body(graph, n, i, &body, NULL);
            list_weights(body.graph, list);
        }
    }
}

static int compare_order(const void *left, const void *right)
{
    const struct weight_entry *a = left, *b = right;
    return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_weight(const void *left, const void *right)
{
    const struct weight_entry *a = left, *b = right;
    uintptr_t x = (uintptr_t)a->weight, y = (uintptr_t)b->weight;
    return x != y ? (x < y ? -1 : 1) : compare_order(left, right);
}

/* A body lists the weights of the graph around it that it reads once more. */
static void drop_repeated(struct weight_list *list)
{
    size_t kept = 0;
    if (list->count == 0) {
        return;
    }
    qsort(list->items, list->count, sizeof *list->items, compare_weight);
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->items[kept - 1].weight != list->items[i].weight) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
    qsort(list->items, list->count, sizeof *list->items, compare_order);
}

/* ---- one weight ---- */

static inline void add_number(struct stats *stats, double number)
{
    if (!isfinite(number)) {
        stats->nans += isnan(number) != 0;
        stats->infinities += isnan(number) == 0;
        return;
    }
    stats->min = stats->finite == 0 || number < stats->min ? number : stats->min;
    stats->max = stats->finite == 0 || number > stats->max ? number : stats->max;
    stats->sum += number * SUM_SCALE;
    stats->zeros += number == 0;
    stats->finite++;
}

/* Of a complex number both parts count, as two. */
static void add_piece(struct stats *stats, onnxrun_dtype dtype, const void *data, size_t count)
{
    if (dtype == ONNXRUN_FLOAT) { /* most weights are */
        for (size_t i = 0; i < count; i++) {
            add_number(stats, (double)((const float *)data)[i]);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct number number = element_get(dtype, data, i);
        add_number(stats, number_real(&number));
        if (element_is_complex(dtype)) {
            add_number(stats, number.imaginary);
        }
    }
}

/* None of strings. */
static struct stats weight_stats(const onnxrun_weight *weight, const onnxrun_weight_info *info,
                                 void *piece)
{
    struct stats stats = {.finite = 0};
    for (size_t begin = 0; info->dtype != ONNXRUN_STRING && begin < info->count;
         begin += VIEW_PIECE_ELEMENTS) {
        size_t count = view_piece(info->count, begin);
        (void)onnxrun_weight_read(weight, begin, count, piece, NULL);
        add_piece(&stats, info->dtype, piece, count);
    }
    return stats;
}

static double mean(const struct stats *stats)
{
    return stats->sum / (double)stats->finite / SUM_SCALE;
}

static void print_text(const char *name, const onnxrun_weight_info *info, const struct stats *stats)
{
    if (stats->finite > 0) {
        printf("%12.5g %12.5g %12.5g", stats->min, stats->max, mean(stats));
    } else {
        printf("%12s %12s %12s", "-", "-", "-");
    }
    printf(" %10" PRIu64 " %6" PRIu64 " %6" PRIu64 "  ", stats->zeros, stats->nans,
           stats->infinities);
    escape_name(stdout, name);
    fputs(": ", stdout);
    view_print_weight_type(stdout, info);
    fputc('\n', stdout);
}

static void print_json(const char *name, const onnxrun_weight_info *info, const struct stats *stats,
                       bool is_first)
{
    fputs(is_first ? "\n {\"name\": " : ",\n {\"name\": ", stdout);
    escape_json(stdout, name, strlen(name));
    printf(", \"dtype\": \"%s\", \"shape\": [", onnxrun_dtype_name(info->dtype));
    for (uint32_t i = 0; i < info->rank; i++) {
        printf("%s%" PRId64, i > 0 ? ", " : "", info->dims[i]);
    }
    if (stats->finite > 0) {
        printf("], \"min\": %.17g, \"max\": %.17g, \"mean\": %.17g", stats->min, stats->max,
               mean(stats));
    } else {
        fputs("], \"min\": null, \"max\": null, \"mean\": null", stdout);
    }
    printf(", \"zeros\": %" PRIu64 ", \"nans\": %" PRIu64 ", \"infinities\": %" PRIu64 "}",
           stats->zeros, stats->nans, stats->infinities);
}

static void print_weights(const onnxrun_model *model, const struct weight_list *list,
                          const struct view_options *options)
{
    struct progress progress;
    bool is_json = options->is_json;
    progress_begin(&progress, "reading", options->name);
    void *piece = tool_alloc(VIEW_PIECE_ELEMENTS, sizeof(double) * 2);
    fputs(is_json ? "{\"weights\": ["
                  : "         min          max         mean      zeros    nan    inf  weight\n",
          stdout);
    for (size_t i = 0; i < list->count; i++) {
        onnxrun_weight_info info;
        progress_set(&progress, i, list->count, 0);
        onnxrun_weight_get_info(model, list->items[i].weight, &info);
        struct stats stats = weight_stats(list->items[i].weight, &info, piece);
        progress_hide(&progress);
        if (is_json) {
            print_json(list->items[i].name, &info, &stats, i == 0);
        } else {
            print_text(list->items[i].name, &info, &stats);
        }
    }
    progress_end(&progress);
    fputs(is_json ? "]}\n" : "", stdout);
    free(piece);
}

int view_stats(const struct view_options *options)
{
    onnxrun_error error;
    onnxrun_model *model;
    onnxrun_status status = view_open(options, NULL, ONNXRUN_STAGE_MODEL, &model, &error);
    if (status != ONNXRUN_OK) {
        return tool_report(&error);
    }
    struct weight_list list = {.count = 0};
    list_weights(onnxrun_model_graph(model), &list);
    drop_repeated(&list);
    print_weights(model, &list, options);
    free(list.items);
    onnxrun_model_free(model);
    return EXIT_CODE_OK;
}
