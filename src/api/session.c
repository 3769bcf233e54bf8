/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: binds the caller's tensors by name, checks them against the signature, runs. */
#include "api/handles.h"
#include "base/float_mode.h"
#include "base/os.h"
#include "base/sequence.h"

#include <inttypes.h>
#include <string.h>

onnxrun_status onnxrun_session_create(const onnxrun_model *model,
                                      const onnxrun_session_options *options,
                                      onnxrun_session **session, onnxrun_error *error)
{
    *session = NULL;
    onnxrun_session_options given = ONNXRUN_SESSION_OPTIONS_INIT;
    if (options != NULL) {
        if (options->struct_size != sizeof *options) {
            return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                                "session options: struct_size is %" PRIu32 ", expected %zu",
                                options->struct_size, sizeof *options);
        }
        given = *options;
    }
    if (model == NULL || model->program == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "session: the model %s",
                            model == NULL ? "is NULL" : "was opened at a stage before PROGRAM");
    }
    struct onr_mem mem;
    uint64_t cap = given.memory_bytes != 0 ? given.memory_bytes : model->limits.memory_bytes;
    onr_mem_init(&mem, &model->mem.allocator, (size_t)cap);
    onnxrun_session *made = onr_mem_calloc(&mem, sizeof *made);
    if (made == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_MEMORY, "session: out of memory");
    }
    made->model = model;
    made->mem = mem;
    made->keeps_denormals = given.keep_denormals != 0;
    struct onr_error err;
    struct onr_frame_options frame = {.program = model->program,
                                      .parallel = &made->parallel,
                                      .mem = &made->mem,
                                      .loop_count = model->limits.loop_count,
                                      .seed = given.seed != 0 ? given.seed : onr_os_random_key()};
    onr_session_watch(made, &given, &frame.watch);
    enum onr_status status = onr_parallel_init(&made->parallel, given.threads, &made->mem, &err);
    if (status == ONR_OK) {
        onr_parallel_spin(&made->parallel, given.spin_us);
        status = onr_frame_create(&frame, &made->frame, &err);
    }
    const struct onr_graph *graph = model->graph;
    if (status == ONR_OK) {
        made->outputs = onr_mem_calloc(&made->mem, graph->output_count * sizeof *made->outputs);
        made->is_bound = onr_mem_calloc(&made->mem, graph->input_count * sizeof *made->is_bound);
        if (made->outputs == NULL || made->is_bound == NULL) {
            status = onr_fail_memory(&err, "session");
        }
    }
    if (status != ONR_OK) {
        onnxrun_session_free(made);
        return onr_api_result(status, &err, error);
    }
    *session = made;
    return onr_api_result(ONR_OK, NULL, error);
}

void onnxrun_session_free(onnxrun_session *session)
{
    if (session == NULL) {
        return;
    }
    const struct onr_graph *graph = session->model->graph;
    onr_parallel_free(&session->parallel);
    onr_frame_free(session->frame);
    for (uint32_t i = 0; session->outputs != NULL && i < graph->output_count; i++) {
        onr_tensor_close_items(&session->outputs[i], &session->mem);
    }
    onr_mem_free(&session->mem, session->outputs, graph->output_count * sizeof *session->outputs);
    onr_mem_free(&session->mem, session->is_bound, graph->input_count * sizeof *session->is_bound);
    onr_session_watch_free(session);
    struct onr_mem mem = session->mem;
    onr_mem_free(&mem, session, sizeof *session);
}

/* Position of the name among infos [count], or count. */
static size_t find_name(const onnxrun_value_info *infos, size_t count, const char *name)
{
    size_t index = 0;
    while (index < count && strcmp(infos[index].name, name) != 0) {
        index++;
    }
    return index;
}

/* The first input that was given for a symbol must agree with all others of the same name. */
static enum onr_status check_symbol(const onnxrun_session *session, size_t index, int axis,
                                    struct onr_error *err)
{
    const onnxrun_model *model = session->model;
    const onnxrun_value_info *info = &model->inputs[index];
    int64_t dim = onr_frame_input(session->frame, (uint32_t)index)->shape.dim[axis];
    for (size_t i = 0; i <= index; i++) {
        const onnxrun_value_info *other = &model->inputs[i];
        const struct onr_shape *shape = &onr_frame_input(session->frame, (uint32_t)i)->shape;
        bool has_shape = session->is_bound[i] &&
                         onr_frame_input(session->frame, (uint32_t)i)->kind == ONR_KIND_TENSOR;
        for (int a = 0; has_shape && a < other->rank; a++) {
            if (other->symbols[a] != NULL && shape->dim[a] != dim &&
                strcmp(other->symbols[a], info->symbols[axis]) == 0) {
                return onr_fail(err, ONR_ERR_SHAPE,
                                "input \"%s\": dimension %d (%s) is %" PRId64
                                ", but input \"%s\" has %" PRId64 " for it",
                                info->name, axis, info->symbols[axis], dim, other->name,
                                shape->dim[a]);
            }
        }
    }
    return ONR_OK;
}

/* Checks the kind; a sequence without tensors may be of no type yet. */
static enum onr_status check_kind(const onnxrun_value_info *info, struct onr_tensor *value,
                                  struct onr_error *err)
{
    bool wants_sequence =
        info->kind == ONNXRUN_KIND_SEQUENCE || info->kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE;
    if (value->kind == ONR_KIND_SEQUENCE && onr_sequence_count(value) == 0 &&
        value->dtype == ONR_UNDEFINED) {
        value->dtype = (enum onr_dtype)info->dtype;
    }
    if (value->kind == ONR_KIND_NONE || (value->kind == ONR_KIND_SEQUENCE) == wants_sequence) {
        return ONR_OK;
    }
    return onr_fail(err, ONR_ERR_ARGUMENT, "input \"%s\" is a %s, expected a %s", info->name,
                    wants_sequence ? "tensor" : "sequence", wants_sequence ? "sequence" : "tensor");
}

static enum onr_status check_input(const onnxrun_session *session, size_t index,
                                   struct onr_error *err)
{
    const onnxrun_value_info *info = &session->model->inputs[index];
    struct onr_tensor *tensor = onr_frame_input(session->frame, (uint32_t)index);
    char text[ONR_SHAPE_TEXT_BYTES];
    ONR_TRY(check_kind(info, tensor, err));
    if ((int)tensor->dtype != (int)info->dtype && info->dtype != ONNXRUN_UNDEFINED) {
        return onr_fail(err, ONR_ERR_ARGUMENT, "input \"%s\" has type %s, expected %s", info->name,
                        onr_dtype_name(tensor->dtype), onnxrun_dtype_name(info->dtype));
    }
    if (info->rank < 0 || tensor->kind != ONR_KIND_TENSOR) {
        return ONR_OK;
    }
    if (tensor->shape.rank != info->rank) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "input \"%s\" has shape %s of rank %d, expected rank %d", info->name,
                        onr_shape_text(&tensor->shape, text), tensor->shape.rank, (int)info->rank);
    }
    for (int a = 0; a < info->rank; a++) {
        if (info->dims[a] >= 0 && info->dims[a] != tensor->shape.dim[a]) {
            return onr_fail(err, ONR_ERR_SHAPE,
                            "input \"%s\": dimension %d is %" PRId64 ", expected %" PRId64,
                            info->name, a, tensor->shape.dim[a], info->dims[a]);
        }
        if (info->symbols[a] != NULL) {
            ONR_TRY(check_symbol(session, index, a, err));
        }
    }
    return ONR_OK;
}

/* True for a tensor that an earlier run handed out, by itself or in a sequence. */
static bool is_own_output(const onnxrun_session *session, const onnxrun_tensor *tensor)
{
    uint32_t count = session->model->graph->output_count;
    uintptr_t offset = (uintptr_t)tensor - (uintptr_t)session->outputs;
    bool is_own = offset < count * sizeof *session->outputs;
    for (uint32_t i = 0; i < count && !is_own; i++) {
        const onnxrun_tensor *output = &session->outputs[i];
        is_own = (uintptr_t)tensor - (uintptr_t)output->items <
                 output->item_room * sizeof *output->items;
    }
    return is_own;
}

static bool takes_none(const onnxrun_value_info *info)
{
    return info->kind == ONNXRUN_KIND_OPTIONAL || info->kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE;
}

/* An optional without element. */
static struct onr_tensor none_of(const onnxrun_value_info *info)
{
    return (struct onr_tensor){.dtype = (enum onr_dtype)info->dtype, .kind = ONR_KIND_NONE};
}

static enum onr_status bind_input(onnxrun_session *session, const onnxrun_binding *input,
                                  struct onr_error *err)
{
    const onnxrun_model *model = session->model;
    uint32_t count = model->graph->input_count;
    char text[ONR_INFO_TEXT_BYTES];
    size_t index = find_name(model->inputs, count, input->name);
    if (index == count) {
        return onr_fail(err, ONR_ERR_ARGUMENT,
                        "the model has no input \"%.128s\"; its inputs are: %s", input->name,
                        onr_info_names(model->inputs, count, text));
    }
    if (input->tensor == NULL && !takes_none(&model->inputs[index])) {
        return onr_fail(err, ONR_ERR_ARGUMENT, "input \"%.128s\" has no tensor", input->name);
    }
    if (input->tensor != NULL && is_own_output(session, input->tensor)) {
        return onr_fail(err, ONR_ERR_ARGUMENT,
                        "input \"%.128s\" is an output tensor of this session, which the run "
                        "overwrites: copy it",
                        input->name);
    }
    if (session->is_bound[index]) {
        return onr_fail(err, ONR_ERR_ARGUMENT, "input \"%.128s\" is given twice", input->name);
    }
    struct onr_tensor *bound = onr_frame_input(session->frame, (uint32_t)index);
    *bound = input->tensor != NULL ? input->tensor->tensor : none_of(&model->inputs[index]);
    if (bound->data == NULL) {
        bound->data = bound; /* without elements: operators step from it, NULL + 0 is undefined */
    }
    session->is_bound[index] = true;
    return ONR_OK;
}

static enum onr_status bind_inputs(onnxrun_session *session, const onnxrun_binding *inputs,
                                   size_t input_count, struct onr_error *err)
{
    const onnxrun_model *model = session->model;
    const struct onr_graph *graph = model->graph;
    char text[ONR_INFO_TEXT_BYTES];
    memset(session->is_bound, 0, graph->input_count * sizeof *session->is_bound);
    for (size_t i = 0; i < input_count; i++) {
        if (inputs[i].name == NULL) {
            return onr_fail(err, ONR_ERR_ARGUMENT, "input binding %zu has no name", i);
        }
        ONR_TRY(bind_input(session, &inputs[i], err));
    }
    for (uint32_t i = 0; i < graph->input_count; i++) {
        if (session->is_bound[i]) {
            ONR_TRY(check_input(session, i, err));
        } else if (takes_none(&model->inputs[i])) {
            *onr_frame_input(session->frame, i) = none_of(&model->inputs[i]);
        } else if (model->inputs[i].is_optional != 0) {
            *onr_frame_input(session->frame, i) = model->program->constants[graph->inputs[i]];
        } else {
            return onr_fail(err, ONR_ERR_ARGUMENT, "input \"%s\" is missing; it is %s",
                            model->inputs[i].name, onr_info_text(&model->inputs[i], text));
        }
    }
    return ONR_OK;
}

static enum onr_status check_outputs(const onnxrun_session *session, const onnxrun_binding *outputs,
                                     size_t output_count, struct onr_error *err)
{
    const onnxrun_model *model = session->model;
    uint32_t count = model->graph->output_count;
    char text[ONR_INFO_TEXT_BYTES];
    for (size_t i = 0; i < output_count; i++) {
        if (outputs[i].name == NULL || find_name(model->outputs, count, outputs[i].name) == count) {
            return onr_fail(err, ONR_ERR_ARGUMENT,
                            "the model has no output \"%.128s\"; its outputs are: %s",
                            outputs[i].name != NULL ? outputs[i].name : "",
                            onr_info_names(model->outputs, count, text));
        }
    }
    return ONR_OK;
}

/* Copies an output into the caller's tensor. */
static enum onr_status copy_output(const struct onr_tensor *from, struct onr_tensor *to,
                                   const char *name, struct onr_error *err)
{
    if (from->kind != ONR_KIND_TENSOR || to->kind != ONR_KIND_TENSOR) {
        return onr_fail(err, ONR_ERR_ARGUMENT,
                        "output \"%s\" is %s and cannot be written to the given %s", name,
                        from->kind == ONR_KIND_TENSOR     ? "a tensor"
                        : from->kind == ONR_KIND_SEQUENCE ? "a sequence"
                                                          : "an optional without element",
                        to->kind == ONR_KIND_TENSOR ? "tensor" : "sequence");
    }
    if (from->dtype != to->dtype || !onr_shape_equal(&from->shape, &to->shape)) {
        char got[ONR_SHAPE_TEXT_BYTES];
        char want[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(err, ONR_ERR_SHAPE, "output \"%s\" is %s %s, the given tensor is %s %s",
                        name, onr_dtype_name(from->dtype), onr_shape_text(&from->shape, got),
                        onr_dtype_name(to->dtype), onr_shape_text(&to->shape, want));
    }
    size_t bytes = onr_tensor_bytes(from);
    if (bytes > 0) {
        memcpy(to->data, from->data, bytes);
    }
    return ONR_OK;
}

/* Hands out a result in the session's own tensor. */
static enum onr_status hand_out_own(onnxrun_session *session, size_t index,
                                    const struct onr_tensor *result, onnxrun_tensor **tensor,
                                    struct onr_error *err)
{
    onnxrun_tensor *output = &session->outputs[index];
    output->tensor = *result;
    *tensor = result->kind != ONR_KIND_NONE ? output : NULL;
    return result->kind == ONR_KIND_SEQUENCE ? onr_tensor_open_items(output, &session->mem, err)
                                             : ONR_OK;
}

static enum onr_status hand_out(onnxrun_session *session, onnxrun_binding *outputs,
                                size_t output_count, struct onr_error *err)
{
    const onnxrun_model *model = session->model;
    const struct onr_tensor *results = onr_frame_outputs(session->frame);
    for (size_t i = 0; i < output_count; i++) {
        size_t index = find_name(model->outputs, model->graph->output_count, outputs[i].name);
        if (outputs[i].tensor == NULL || is_own_output(session, outputs[i].tensor)) {
            ONR_TRY(hand_out_own(session, index, &results[index], &outputs[i].tensor, err));
        } else {
            ONR_TRY(copy_output(&results[index], &outputs[i].tensor->tensor, outputs[i].name, err));
        }
    }
    return ONR_OK;
}

/* Runs the frame with its threads awake, in a floating-point environment that no caller changes. */
static enum onr_status run_session(onnxrun_session *session, struct onr_error *err)
{
    uint64_t caller_mode = onr_float_mode();
    onr_float_mode_set(session->keeps_denormals ? ONR_FLOAT_MODE_DEFAULT : ONR_FLOAT_MODE_FLUSH);
    onr_parallel_open(&session->parallel);
    session->attention_count = 0;
    enum onr_status status = onr_frame_run(session->frame, err);
    onr_parallel_close(&session->parallel);
    onr_float_mode_set(caller_mode);
    return status;
}

/* What a caller passes on that did not look at an error before. */
static const char *find_null(const onnxrun_session *session, const onnxrun_binding *inputs,
                             size_t input_count, const onnxrun_binding *outputs,
                             size_t output_count)
{
    return session == NULL                       ? "the session"
           : inputs == NULL && input_count > 0   ? "inputs"
           : outputs == NULL && output_count > 0 ? "outputs"
                                                 : NULL;
}

onnxrun_status onnxrun_session_run(onnxrun_session *session, const onnxrun_binding *inputs,
                                   size_t input_count, onnxrun_binding *outputs,
                                   size_t output_count, onnxrun_error *error)
{
    const char *null = find_null(session, inputs, input_count, outputs, output_count);
    if (null != NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "run: %s is NULL", null);
    }
    struct onr_error err;
    onr_error_clear(&err);
    enum onr_status status = bind_inputs(session, inputs, input_count, &err);
    if (status == ONR_OK) {
        status = check_outputs(session, outputs, output_count, &err);
    }
    if (status == ONR_OK) {
        status = run_session(session, &err);
    }
    if (status == ONR_OK) {
        status = hand_out(session, outputs, output_count, &err);
    }
    return onr_api_result(status, &err, error);
}

void onnxrun_session_get_stats(const onnxrun_session *session, onnxrun_session_stats *stats)
{
    onnxrun_session_stats filled = {.struct_size = sizeof filled,
                                    .threads = session->parallel.thread_count,
                                    .live_bytes = session->mem.live_bytes,
                                    .peak_bytes = session->mem.peak_bytes,
                                    .alloc_count = session->mem.alloc_count,
                                    .model_bytes = session->model->mem.live_bytes,
                                    .flops = onr_frame_flops(session->frame),
                                    .isa = onr_isa_name(session->model->kernels.isa)};
    if (stats->struct_size == sizeof filled) {
        *stats = filled;
    }
}
