/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of index tensors. */
#include "ops/common/index.h"

#include "base/size.h"

#include <inttypes.h>

enum onr_status onr_check_indices(struct onr_error *err, const struct onr_tensor *indices,
                                  int64_t dim)
{
    return onr_check_index_tuples(err, indices, &dim, 1);
}

/* Whether all of count / k tuples are within dims. */
static bool are_within(const int64_t *indices, size_t count, const int64_t *dims, size_t k)
{
    bool is_each = true;
    for (size_t j = 0; j < k; j++) {
        uint64_t dim = (uint64_t)dims[j];
        for (size_t i = j; i < count; i += k) {
            is_each &= (uint64_t)indices[i] + dim < 2 * dim;
        }
    }
    return is_each;
}

enum onr_status onr_check_index_tuples(struct onr_error *err, const struct onr_tensor *indices,
                                       const int64_t *dims, size_t k)
{
    int64_t buffer[ONR_INDEX_CHUNK * ONR_MAX_RANK];
    size_t count = (size_t)onr_tensor_count(indices);
    for (size_t done = 0; done < count; done += ONR_INDEX_CHUNK * k) {
        size_t part = onr_size_min(count - done, ONR_INDEX_CHUNK * k);
        const int64_t *x = onr_index_read(indices, done, part, buffer);
        bool is_each = are_within(x, part, dims, k);
        for (size_t i = 0; !is_each && i < part; i++) {
            int64_t dim = dims[i % k];
            if (x[i] < -dim || x[i] >= dim) {
                return onr_fail(err, ONR_ERR_VALUE,
                                "index %" PRId64 " at %zu is out of range [%" PRId64 ", %" PRId64
                                "]",
                                x[i], done + i, -dim, dim - 1);
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
