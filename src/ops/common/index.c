/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of index tensors. */
#include "ops/common/index.h"

#include <inttypes.h>

enum onr_status onr_check_indices(struct onr_error *err, const struct onr_tensor *indices,
                                  int64_t dim)
{
    return onr_check_index_tuples(err, indices, &dim, 1);
}

enum onr_status onr_check_index_tuples(struct onr_error *err, const struct onr_tensor *indices,
                                       const int64_t *dims, size_t k)
{
    size_t count = (size_t)onr_tensor_count(indices);
    for (size_t i = 0; i < count; i += k) {
        for (size_t j = 0; j < k; j++) {
            int64_t index = onr_index_at(indices, i + j);
            if (index < -dims[j] || index >= dims[j]) {
                return onr_fail(err, ONR_ERR_VALUE,
                                "index %" PRId64 " at %zu is out of range [%" PRId64 ", %" PRId64
                                "]",
                                index, i + j, -dims[j], dims[j] - 1);
            }
        }
    }
    return ONR_OK;
}

enum onr_status onr_check_planned(const struct onr_plan_ctx *ctx, uint32_t index)
{
    const struct onr_fact *fact = index < ctx->node->input_count ? ctx->inputs[index] : NULL;
    if (fact != NULL && fact->data == NULL && fact->contents == NULL &&
        onr_shape_count(&fact->shape) != 0) {
        return onr_fail(ctx->err, ONR_ERR_INTERNAL, "input %" PRIu32 " is not known in plan",
                        index);
    }
    return ONR_OK;
}

int64_t onr_plan_int(const struct onr_fact *fact, int64_t i)
{
    return fact->data != NULL ? onr_fact_int(fact, i) : fact->contents[i].value;
}
