/* SPDX-License-Identifier: Apache-2.0 */
/* Einsum of any form: floats are multiplied and summed in double, integers in uint64, whose low
 * bits are the result. */
#include "ops/matrix/einsum_sum.h"

#include "ops/common/float_io.h"

#define MAX_AXES (ONR_MAX_RANK + ONR_EINSUM_LABELS)

struct task {
    const struct onr_einsum_sum *sum;
    const void *inputs[ONR_EINSUM_OPERANDS];
    void *y;
};

static uint64_t load_int(enum onr_dtype dtype, const void *data, size_t i)
{
    switch (dtype) {
    case ONR_INT8:
        return (uint64_t)((const int8_t *)data)[i];
    case ONR_UINT8:
        return ((const uint8_t *)data)[i];
    case ONR_INT16:
        return (uint64_t)((const int16_t *)data)[i];
    case ONR_UINT16:
        return ((const uint16_t *)data)[i];
    case ONR_INT32:
        return (uint64_t)((const int32_t *)data)[i];
    case ONR_UINT32:
        return ((const uint32_t *)data)[i];
    default:
        return ((const uint64_t *)data)[i];
    }
}

static void store_int(enum onr_dtype dtype, uint64_t value, void *data, size_t i)
{
    switch (onr_dtype_size(dtype)) {
    case 1:
        ((uint8_t *)data)[i] = (uint8_t)value;
        break;
    case 2:
        ((uint16_t *)data)[i] = (uint16_t)value;
        break;
    case 4:
        ((uint32_t *)data)[i] = (uint32_t)value;
        break;
    default:
        ((uint64_t *)data)[i] = value;
        break;
    }
}

/* Goes to the next combination of the summed labels; false after the last. */
static bool next_term(const struct onr_einsum_sum *sum, size_t *index, size_t *offsets)
{
    for (int d = sum->rank - 1; d >= sum->output_rank; d--) {
        const struct onr_einsum_axis *axis = &sum->axes[d];
        bool wraps = ++index[d] == axis->size;
        for (uint32_t i = 0; i < sum->operand_count; i++) {
            offsets[i] += axis->stride[i];
            offsets[i] -= wraps ? axis->stride[i] * axis->size : 0;
        }
        if (!wraps) {
            return true;
        }
        index[d] = 0;
    }
    return false;
}

static bool is_empty(const struct onr_einsum_sum *sum)
{
    bool has_none = false;
    for (int d = sum->output_rank; d < sum->rank; d++) {
        has_none = has_none || sum->axes[d].size == 0;
    }
    return has_none;
}

static void sum_output(const struct task *task, size_t output, bool is_float)
{
    const struct onr_einsum_sum *sum = task->sum;
    size_t index[MAX_AXES] = {0};
    size_t offsets[ONR_EINSUM_OPERANDS] = {0};
    double total = 0.0;
    uint64_t total_int = 0;
    size_t rest = output;
    for (int d = sum->output_rank - 1; d >= 0; d--) {
        for (uint32_t i = 0; i < sum->operand_count; i++) {
            offsets[i] += rest % sum->axes[d].size * sum->axes[d].stride[i];
        }
        rest /= sum->axes[d].size;
    }
    bool has_terms = !is_empty(sum);
    while (has_terms) {
        double term = 1.0;
        uint64_t term_int = 1;
        for (uint32_t i = 0; i < sum->operand_count; i++) {
            if (is_float) {
                double factor;
                onr_double_gather(sum->dtype, task->inputs[i], offsets[i], 1, 1, &factor);
                term *= factor;
            } else {
                term_int *= load_int(sum->dtype, task->inputs[i], offsets[i]);
            }
        }
        total += term;
        total_int += term_int;
        has_terms = next_term(sum, index, offsets);
    }
    if (is_float) {
        onr_double_scatter(sum->dtype, &total, output, 1, 1, task->y);
    } else {
        store_int(sum->dtype, total_int, task->y, output);
    }
}

static void sum_outputs(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct task *task = arg;
    bool is_float = onr_dtypes_has(ONR_DTYPES_FLOAT, task->sum->dtype);
    for (size_t output = begin; output < end; output++) {
        sum_output(task, output, is_float);
    }
}

void onr_einsum_sum(const struct onr_einsum_sum *sum, const struct onr_run_ctx *ctx)
{
    struct task task = {.sum = sum, .y = ctx->outputs[0]->data};
    double terms = 1.0;
    for (uint32_t i = 0; i < sum->operand_count; i++) {
        task.inputs[i] = ctx->inputs[i]->data;
    }
    for (int d = sum->output_rank; d < sum->rank; d++) {
        terms *= (double)sum->axes[d].size;
    }
    size_t grain = terms >= 4096.0 ? 1 : (size_t)(4096.0 / (terms + 1.0)) + 1;
    onr_parallel_for(ctx->parallel, sum->output_count, grain, sum_outputs, &task);
}
