/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of the public structs on 64-bit systems: a change here breaks compiled callers. */
#include "support/test.h"

#include <onnxrun/inspect.h>
#include <onnxrun/onnxrun.h>

#define SIZE(type, bytes)           _Static_assert(sizeof(type) == (bytes), #type)
#define OFFSET(type, member, bytes) _Static_assert(offsetof(type, member) == (bytes), #member)

SIZE(onnxrun_status, 4);
SIZE(onnxrun_dtype, 4);
SIZE(onnxrun_error, 2052);
OFFSET(onnxrun_error, message, 4);
SIZE(onnxrun_string, 16);
OFFSET(onnxrun_string, length, 8);
SIZE(onnxrun_binding, 16);
OFFSET(onnxrun_binding, tensor, 8);

SIZE(onnxrun_limits, 48);
OFFSET(onnxrun_limits, parse_bytes, 8);
OFFSET(onnxrun_limits, memory_bytes, 16);
OFFSET(onnxrun_limits, fold_bytes, 24);
OFFSET(onnxrun_limits, node_count, 32);
OFFSET(onnxrun_limits, name_bytes, 36);
OFFSET(onnxrun_limits, loop_count, 40);
SIZE(onnxrun_allocator, 24);
OFFSET(onnxrun_allocator, alloc, 8);
OFFSET(onnxrun_allocator, free, 16);
SIZE(onnxrun_model_options, 88);
OFFSET(onnxrun_model_options, struct_size, 0);
OFFSET(onnxrun_model_options, threads, 4);
OFFSET(onnxrun_model_options, limits, 8);
OFFSET(onnxrun_model_options, allocator, 56);
OFFSET(onnxrun_model_options, no_fusion, 80);

SIZE(onnxrun_value_info, 280);
OFFSET(onnxrun_value_info, dtype, 8);
OFFSET(onnxrun_value_info, rank, 12);
OFFSET(onnxrun_value_info, dims, 16);
OFFSET(onnxrun_value_info, symbols, 144);
OFFSET(onnxrun_value_info, is_optional, 272);

SIZE(onnxrun_model_info, 80);
OFFSET(onnxrun_model_info, ir_version, 8);
OFFSET(onnxrun_model_info, model_version, 16);
OFFSET(onnxrun_model_info, producer_name, 24);
OFFSET(onnxrun_model_info, producer_version, 32);
OFFSET(onnxrun_model_info, domain, 40);
OFFSET(onnxrun_model_info, description, 48);
OFFSET(onnxrun_model_info, graph_name, 56);
OFFSET(onnxrun_model_info, graph_description, 64);
OFFSET(onnxrun_model_info, metadata_count, 72);

SIZE(onnxrun_session_options, 80);
OFFSET(onnxrun_session_options, struct_size, 0);
OFFSET(onnxrun_session_options, threads, 4);
OFFSET(onnxrun_session_options, memory_bytes, 8);
OFFSET(onnxrun_session_options, seed, 16);
OFFSET(onnxrun_session_options, keep_denormals, 24);
OFFSET(onnxrun_session_options, spin_us, 28);
OFFSET(onnxrun_session_options, should_stop, 32);
OFFSET(onnxrun_session_options, stop_user, 40);
OFFSET(onnxrun_session_options, on_step, 48);
OFFSET(onnxrun_session_options, step_user, 56);
OFFSET(onnxrun_session_options, on_attention, 64);
OFFSET(onnxrun_session_options, attention_user, 72);
SIZE(onnxrun_attention_row, 104);
OFFSET(onnxrun_attention_row, struct_size, 0);
OFFSET(onnxrun_attention_row, depth, 4);
OFFSET(onnxrun_attention_row, name, 8);
OFFSET(onnxrun_attention_row, op_type, 16);
OFFSET(onnxrun_attention_row, domain, 24);
OFFSET(onnxrun_attention_row, output_name, 32);
OFFSET(onnxrun_attention_row, index, 40);
OFFSET(onnxrun_attention_row, batch, 48);
OFFSET(onnxrun_attention_row, batch_count, 56);
OFFSET(onnxrun_attention_row, query, 64);
OFFSET(onnxrun_attention_row, query_count, 72);
OFFSET(onnxrun_attention_row, head_count, 80);
OFFSET(onnxrun_attention_row, key_count, 88);
OFFSET(onnxrun_attention_row, weights, 96);
SIZE(onnxrun_step, 96);
OFFSET(onnxrun_step, struct_size, 0);
OFFSET(onnxrun_step, depth, 4);
OFFSET(onnxrun_step, name, 8);
OFFSET(onnxrun_step, op_type, 16);
OFFSET(onnxrun_step, domain, 24);
OFFSET(onnxrun_step, output_name, 32);
OFFSET(onnxrun_step, outputs, 40);
OFFSET(onnxrun_step, output_count, 48);
OFFSET(onnxrun_step, begin, 56);
OFFSET(onnxrun_step, end, 64);
OFFSET(onnxrun_step, flops, 72);
OFFSET(onnxrun_step, read_bytes, 80);
OFFSET(onnxrun_step, written_bytes, 88);
SIZE(onnxrun_graph_info, 48);
OFFSET(onnxrun_graph_info, input_count, 16);
OFFSET(onnxrun_graph_info, inputs, 24);
SIZE(onnxrun_node, 72);
OFFSET(onnxrun_node, inputs, 32);
OFFSET(onnxrun_node, metadata_count, 64);
SIZE(onnxrun_attribute, 336);
OFFSET(onnxrun_attribute, floats, 24);
OFFSET(onnxrun_attribute, type, 56);
SIZE(onnxrun_body, 40);
SIZE(onnxrun_weight_info, 48);
OFFSET(onnxrun_weight_info, dims, 8);
OFFSET(onnxrun_weight_info, offset, 40);
SIZE(onnxrun_step_cost, 40);
SIZE(onnxrun_cost, 48);
SIZE(onnxrun_session_stats, 56);
OFFSET(onnxrun_session_stats, struct_size, 0);
OFFSET(onnxrun_session_stats, threads, 4);
OFFSET(onnxrun_session_stats, live_bytes, 8);
OFFSET(onnxrun_session_stats, peak_bytes, 16);
OFFSET(onnxrun_session_stats, alloc_count, 24);
OFFSET(onnxrun_session_stats, model_bytes, 32);
OFFSET(onnxrun_session_stats, flops, 40);
OFFSET(onnxrun_session_stats, isa, 48);

SIZE(onnxrun_dim, 16);
OFFSET(onnxrun_dim, value, 8);
SIZE(onnxrun_op_info, 32);
OFFSET(onnxrun_op_info, name, 8);
OFFSET(onnxrun_op_info, since_version, 16);
OFFSET(onnxrun_op_info, last_version, 20);
OFFSET(onnxrun_op_info, input_dtypes, 24);

static void initializers_set_the_size(void **state)
{
    (void)state;
    onnxrun_model_options model = ONNXRUN_MODEL_OPTIONS_INIT;
    onnxrun_session_options session = ONNXRUN_SESSION_OPTIONS_INIT;
    assert_int_equal(model.struct_size, sizeof model);
    assert_int_equal(session.struct_size, sizeof session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(initializers_set_the_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
