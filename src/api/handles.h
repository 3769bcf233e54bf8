/* SPDX-License-Identifier: Apache-2.0 */
/* What the public handles point to. */
#ifndef ONR_API_HANDLES_H
#define ONR_API_HANDLES_H

#include "graph/import/import.h"
#include "kernels/kernels.h"
#include "runtime/frame.h"

#include <onnxrun/inspect.h>

struct onr_report;

struct onnxrun_tensor {
    struct onr_tensor tensor;
    onnxrun_tensor *items; /* [item_room] of a sequence: a handle for each tensor in it */
    size_t item_room;
    struct onr_mem mem;     /* of the tensor and its data, when it owns any */
    struct onr_arena arena; /* data of parsed tensors */
    size_t owned_bytes;     /* of tensor.data; 0: borrowed, or in the arena */
};

struct onnxrun_model {
    struct onr_mem mem;
    struct onr_arena arena; /* graph */
    struct onr_file file;
    struct onr_external_files externals;
    struct onr_kernels kernels;
    struct onr_parallel parallel;
    struct onr_graph *graph;
    struct onr_fold *folds; /* storage of folded constants */
    struct onr_program *program;
    /* The declared signature: passes replace what is known of values. */
    onnxrun_value_info *inputs;  /* [input_count] */
    onnxrun_value_info *outputs; /* [output_count] */
    onnxrun_limits limits;
    bool no_fusion;
    bool types_only;
    bool keeps_metadata; /* of nodes */
    size_t size;         /* bytes of the protobuf file */
};

struct onnxrun_session {
    const onnxrun_model *model;
    struct onr_mem mem;
    struct onr_parallel parallel;
    bool keeps_denormals;
    int (*should_stop)(void *user); /* NULL: never */
    void *stop_user;
    void (*on_step)(void *user, const onnxrun_step *step); /* NULL: not told */
    void *step_user;
    onnxrun_tensor *step_outputs;        /* [step_room], scratch of on_step */
    const onnxrun_tensor **step_tensors; /* [step_room] the same as pointers, NULL where absent */
    size_t step_room;
    int (*on_attention)(void *user, const onnxrun_attention_row *row); /* NULL: not told */
    void *attention_user;
    size_t attention_count; /* that have told weights in this run */
    struct onr_frame *frame;
    onnxrun_tensor *outputs; /* [output_count], what runs hand out */
    bool *is_bound;          /* [input_count], scratch of a run */
};

/* Copies err to the caller's record, if there is one, and returns its status. */
onnxrun_status onr_api_result(enum onr_status status, const struct onr_error *err,
                              onnxrun_error *error);

/* Gives a sequence handles for the tensors in it, from mem; given back by onr_tensor_close_items. */
enum onr_status onr_tensor_open_items(onnxrun_tensor *sequence, struct onr_mem *mem,
                                      struct onr_error *err) ONR_MUST_USE;
void onr_tensor_close_items(onnxrun_tensor *sequence, struct onr_mem *mem);

/* "int64[batch, 3]", as messages describe an input or output, cut to fit. */
#define ONR_INFO_TEXT_BYTES 256
const char *onr_info_text(const onnxrun_value_info *info, char out[ONR_INFO_TEXT_BYTES]);

/* "x, y, z" of infos [count], cut to fit. */
const char *onr_info_names(const onnxrun_value_info *infos, size_t count,
                           char out[ONR_INFO_TEXT_BYTES]);

/* Takes over should_stop, on_step and on_attention; *watch is what the frame calls for them. */
void onr_session_watch(onnxrun_session *session, const onnxrun_session_options *options,
                       struct onr_watch *watch);
void onr_session_watch_free(onnxrun_session *session);

/* A failure found by the API itself. */
onnxrun_status onr_api_fail(onnxrun_error *error, onnxrun_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Load what onnxrun_model_load does, one stage after the other; graph is set from MODEL on. */
enum onr_status onr_model_open(onnxrun_model *model, const char *path,
                               struct onr_error *err) ONR_MUST_USE;
/* report: filled in unless it is NULL. */
enum onr_status onr_model_optimize(onnxrun_model *model, struct onr_report *report,
                                   struct onr_error *err) ONR_MUST_USE;
enum onr_status onr_model_bind(onnxrun_model *model, struct onr_error *err) ONR_MUST_USE;

/* The plan of a model for given dimensions, with what it stands on. */
struct onr_planned {
    struct onr_mem mem;
    struct onr_parallel parallel;
    struct onr_frame *frame;
    const struct onr_plan *plan;
};

/* The number given for a dimension of an input that has none in the model; 1 unless it is given. */
int64_t onr_model_dim(const onnxrun_dim *dims, size_t dim_count, const onnxrun_value_info *input,
                      int32_t axis);

/* Plans a model that is bound; a symbolic dimension that is not given counts as 1. Free with
 * onr_planned_free in any case. */
enum onr_status onr_model_plan(const onnxrun_model *model, const onnxrun_dim *dims,
                               size_t dim_count, struct onr_planned *planned,
                               struct onr_error *err) ONR_MUST_USE;
void onr_planned_free(struct onr_planned *planned);

/* What a fact says, as the public interface does. */
void onr_model_value_info(const struct onr_graph *graph, const char *name,
                          const struct onr_fact *fact, onnxrun_value_info *info);

/* A model with nothing loaded. Errors: ONR_ERR_ARGUMENT, ONR_ERR_MEMORY. */
enum onr_status onr_model_new(const onnxrun_model_options *options, onnxrun_model **model,
                              struct onr_error *err) ONR_MUST_USE;

/* Prints which kernels a run of a model that is bound takes for these dimensions, for
 * onr_print_report. A model that cannot be planned for them is no failure: it is said why. Error:
 * ONR_ERR_MEMORY. */
enum onr_status onr_print_kernels(struct onr_text *text, const onnxrun_model *model,
                                  const onnxrun_dim *dims, size_t dim_count, bool is_json,
                                  struct onr_error *err) ONR_MUST_USE;

#endif
