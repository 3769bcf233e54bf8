/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The views of onnxdump. Each prints what it shows of the model at options->path to stdout, as text
 * or, with is_json, as one JSON value; reports what is wrong; and returns the exit code.
 */
#ifndef ONNXRUN_TOOLS_VIEWS_H
#define ONNXRUN_TOOLS_VIEWS_H

#include "common/dims.h"

#include <onnxrun/inspect.h>

struct view_options {
    const char *path; /* to load */
    const char *name; /* what it is called to the user */
    struct dims dims; /* from -d */
    bool is_json;
    const char *other; /* a second model, or NULL */
    const char *other_name;
    const char *extract; /* IN..OUT, or NULL */
    const char *output;  /* a file, or NULL */
    bool no_fusion;      /* costs of the nodes as the file has them */
};

/* A stage as the library describes it. */
int view_stage(const struct view_options *options, onnxrun_stage stage);

/* The table of operators; without a model. */
int view_ops(bool is_json);

/* The file facts and the module tree: what is shown without an option. */
int view_summary(const struct view_options *options);

/* The module tree: nodes, parameters and multiplications of each. */
int view_modules(const struct view_options *options);

/* MACs, bytes, intensity and memory of each step of a run, and in sum. */
int view_cost(const struct view_options *options);

/* Least, largest and mean element, zeros, NaNs and infinities of each weight. */
int view_stats(const struct view_options *options);

/* Nothing but whether the model is valid: the exit code says it, and a line. */
int view_check(const struct view_options *options);

/* What view_check says of a model that was loaded with this result. */
int view_check_report(const struct view_options *options, onnxrun_status status,
                      const onnxrun_error *error);

/* The model in ONNX's textual syntax; there is no JSON of it. */
int view_onnxtxt(const struct view_options *options);

/* The graph for Graphviz, of the stage MODEL or GRAPH; there is no JSON of it. */
int view_dot(const struct view_options *options, onnxrun_stage stage);

/* Writes the part of the model that options->extract names to options->output. */
int view_extract(const struct view_options *options);

/* Writes a page that shows the graph before and after fusion to the file at out, or stdout for "-". */
int view_html(const struct view_options *options, const char *out);

/* What differs between the models options->path and options->other. Returns, like diff, 0 when they
 * are equal, 1 when they are not, and 2 when one of them cannot be read. */
#define VIEW_DIFF_TROUBLE 2
int view_diff(const struct view_options *options);

/* ---- what several views share ---- */

/* "n of something", as in "1 node", "2 nodes". */
#define VIEW_PLURAL(count) ((count) == 1 ? "" : "s")

/* Prints "1,234,567" or "417.6 MiB" or "11.2 G" into text, and returns it. */
#define VIEW_NUMBER_BYTES 32
const char *view_count(uint64_t count, char text[VIEW_NUMBER_BYTES]);
const char *view_bytes(uint64_t bytes, char text[VIEW_NUMBER_BYTES]);
const char *view_scaled(uint64_t count, char text[VIEW_NUMBER_BYTES]);

/* Prints the name for a person to tell the node by: its own, or that of its first output. */
void view_node_label(FILE *out, const onnxrun_graph *graph, uint32_t node);

/* The name of a value; "" for ONNXRUN_NO_VALUE. Borrowed from the graph. */
const char *view_value_name(const onnxrun_graph *graph, uint32_t value);

/* The node, and the weight of a value or NULL; the index must be right. */
onnxrun_node view_node(const onnxrun_graph *graph, uint32_t index);
const onnxrun_weight *view_weight(const onnxrun_graph *graph, uint32_t value);

/* onnxrun_model_open of the model at options->path, which tells how far it is when that takes long.
 * load NULL: defaults. */
onnxrun_status view_open(const struct view_options *options, const onnxrun_model_options *load,
                         onnxrun_stage stage, onnxrun_model **model, onnxrun_error *error);

/* Weights are read in pieces of so many elements, a multiple of 8; returns how many the piece has that
 * begins at `begin`, of `count` in all. */
#define VIEW_PIECE_ELEMENTS 4096
size_t view_piece(size_t count, size_t begin);

/* Prints "float[768, 3072]". */
void view_print_weight_type(FILE *out, const onnxrun_weight_info *info);

#endif
