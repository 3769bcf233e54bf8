/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller may see of a run: should_stop, on_step and on_attention of the session's options. */
#include "api/handles.h"

static bool should_stop(void *user)
{
    const onnxrun_session *session = user;
    return session->should_stop(session->stop_user) != 0;
}

/* Makes room for the handles of a node's outputs. */
static enum onr_status reserve_outputs(onnxrun_session *session, size_t count,
                                       struct onr_error *err)
{
    if (count <= session->step_room) {
        return ONR_OK;
    }
    onr_session_watch_free(session);
    session->step_outputs = onr_mem_calloc(&session->mem, count * sizeof *session->step_outputs);
    session->step_tensors = onr_mem_calloc(&session->mem, count * sizeof *session->step_tensors);
    session->step_room = count;
    return session->step_outputs != NULL && session->step_tensors != NULL
               ? ONR_OK
               : onr_fail_memory(err, "outputs of a step");
}

static enum onr_status on_step(void *user, const struct onr_step_report *report,
                               struct onr_error *err)
{
    onnxrun_session *session = user;
    const struct onr_node *node = report->node;
    onnxrun_step step = {.struct_size = sizeof step,
                         .depth = report->depth,
                         .name = node->name,
                         .op_type = node->op_type,
                         .domain = node->domain,
                         .output_name = "",
                         .output_count = node->output_count,
                         .begin = report->begin,
                         .end = report->end,
                         .flops = report->flops,
                         .read_bytes = report->read_bytes,
                         .written_bytes = report->written_bytes};
    ONR_TRY(reserve_outputs(session, node->output_count, err));
    for (uint32_t i = node->output_count; i-- > 0;) {
        session->step_tensors[i] = NULL;
        if (report->outputs[i] != NULL) {
            session->step_outputs[i].tensor = *report->outputs[i];
            session->step_tensors[i] = &session->step_outputs[i];
            step.output_name = report->graph->values[node->outputs[i]].name;
        }
    }
    step.outputs = session->step_tensors;
    session->on_step(session->step_user, &step);
    return ONR_OK;
}

/* Of the first output that the node has. */
static const char *output_name(const struct onr_graph *graph, const struct onr_node *node)
{
    const char *name = "";
    for (uint32_t i = node->output_count; i-- > 0;) {
        name = node->outputs[i] != ONR_NO_VALUE ? graph->values[node->outputs[i]].name : name;
    }
    return name;
}

static bool on_weights(void *user, const struct onr_weights_report *report)
{
    onnxrun_session *session = user;
    const struct onr_node *node = report->node;
    const struct onr_weights_row *row = report->row;
    session->attention_count += report->is_first;
    onnxrun_attention_row told = {.struct_size = sizeof told,
                                  .depth = report->depth,
                                  .name = node->name,
                                  .op_type = node->op_type,
                                  .domain = node->domain,
                                  .output_name = output_name(report->graph, node),
                                  .index = session->attention_count - 1,
                                  .batch = row->batch,
                                  .batch_count = row->batch_count,
                                  .query = row->query,
                                  .query_count = row->query_count,
                                  .head_count = row->head_count,
                                  .key_count = row->key_count,
                                  .weights = row->weights};
    return session->on_attention(session->attention_user, &told) != 0;
}

void onr_session_watch(onnxrun_session *session, const onnxrun_session_options *options,
                       struct onr_watch *watch)
{
    session->should_stop = options->should_stop;
    session->stop_user = options->stop_user;
    session->on_step = options->on_step;
    session->step_user = options->step_user;
    session->on_attention = options->on_attention;
    session->attention_user = options->attention_user;
    *watch = (struct onr_watch){.should_stop = options->should_stop != NULL ? should_stop : NULL,
                                .on_step = options->on_step != NULL ? on_step : NULL,
                                .on_weights = options->on_attention != NULL ? on_weights : NULL,
                                .user = session};
}

void onr_session_watch_free(onnxrun_session *session)
{
    onr_mem_free(&session->mem, session->step_outputs,
                 session->step_room * sizeof *session->step_outputs);
    onr_mem_free(&session->mem, session->step_tensors,
                 session->step_room * sizeof *session->step_tensors);
    session->step_outputs = NULL;
    session->step_tensors = NULL;
    session->step_room = 0;
}
