/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/common/scalar.h"

#include "ops/common/axes.h"

#include <inttypes.h>

enum onr_status onr_infer_scalar(struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                 int64_t fallback, int64_t *value, bool *is_known)
{
    *value = fallback;
    *is_known = true;
    if (!onr_infer_has_input(ctx, index)) {
        return ONR_OK;
    }
    const struct onr_fact *fact = ctx->inputs[index];
    *is_known = false;
    if (onr_fact_is_shaped(fact) && onr_shape_count(&fact->shape) != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has %" PRId64 " elements, expected a scalar",
                              name, onr_shape_count(&fact->shape));
    }
    if (fact->shape.rank > 1) { /* contents are kept for lists only, data for all */
        *is_known = fact->data != NULL;
        ctx->needs |= fact->data == NULL ? 1u << index : 0;
        *value = fact->data != NULL ? onr_fact_int(fact, 0) : fallback;
        return ONR_OK;
    }
    const int64_t *ints = NULL;
    size_t count = 0;
    ONR_TRY(onr_infer_ints(ctx, index, &ints, &count));
    if (ints != NULL && count > 0) {
        *value = ints[0];
        *is_known = true;
    }
    return ONR_OK;
}

int64_t onr_plan_scalar(const struct onr_plan_ctx *ctx, uint32_t index, int64_t fallback)
{
    const struct onr_fact *fact = index < ctx->node->input_count ? ctx->inputs[index] : NULL;
    if (fact == NULL) {
        return fallback;
    }
    return fact->data != NULL ? onr_fact_int(fact, 0) : fact->contents[0].value;
}

enum onr_status onr_infer_dtype_attr(struct onr_infer_ctx *ctx, const char *name,
                                     enum onr_dtype fallback, onr_dtypes allowed,
                                     enum onr_dtype *dtype)
{
    int64_t number = onr_attr_int(ctx->node, name, fallback);
    if (!onr_dtype_is_valid(number)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "%s is %" PRId64 ", expected an element type",
                              name, number);
    }
    *dtype = (enum onr_dtype)number;
    if (!onr_dtypes_has(allowed, *dtype)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "%s is %s, which the operator does not make",
                              name, onr_dtype_name(*dtype));
    }
    return ONR_OK;
}
