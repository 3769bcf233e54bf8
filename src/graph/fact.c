/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about values: making, asking, merging. */
#include "graph/fact.h"

struct onr_fact onr_fact_of(enum onr_dtype dtype, const struct onr_shape *shape)
{
    return (struct onr_fact){.kind = ONR_KIND_TENSOR, .dtype = dtype, .shape = *shape};
}

struct onr_fact onr_fact_of_value(const struct onr_tensor *value)
{
    struct onr_fact fact = onr_fact_of(value->dtype, &value->shape);
    fact.kind = value->kind;
    if (value->kind != ONR_KIND_TENSOR) {
        fact.shape.rank = ONR_RANK_UNKNOWN;
    }
    return fact;
}

const char *onr_fact_kind_text(const struct onr_fact *fact)
{
    static const char *const plain[] = {"a tensor", "a sequence", "an optional without element",
                                        "neither a tensor nor a sequence"};
    static const char *const optional[] = {"an optional tensor", "an optional sequence", "", ""};
    bool is_optional = fact->is_optional && fact->kind <= ONR_KIND_SEQUENCE;
    return (is_optional ? optional : plain)[fact->kind];
}

bool onr_fact_is_shaped(const struct onr_fact *fact)
{
    return fact->shape.rank != ONR_RANK_UNKNOWN && onr_shape_is_known(&fact->shape);
}

bool onr_fact_is_constant(const struct onr_fact *fact)
{
    if (!onr_fact_is_tensor(fact) || fact->dtype == ONR_UNDEFINED || !onr_fact_is_shaped(fact)) {
        return false;
    }
    return fact->data != NULL || onr_shape_count(&fact->shape) == 0;
}

int64_t onr_fact_int(const struct onr_fact *fact, int64_t index)
{
    switch (fact->dtype) {
    case ONR_INT64:
        return ((const int64_t *)fact->data)[index];
    case ONR_UINT64:
        return (int64_t)((const uint64_t *)fact->data)[index];
    case ONR_INT32:
        return ((const int32_t *)fact->data)[index];
    case ONR_UINT32:
        return (int64_t)((const uint32_t *)fact->data)[index];
    case ONR_INT16:
        return ((const int16_t *)fact->data)[index];
    case ONR_UINT16:
        return ((const uint16_t *)fact->data)[index];
    case ONR_INT8:
        return ((const int8_t *)fact->data)[index];
    default:
        return ((const uint8_t *)fact->data)[index];
    }
}

static bool merge_shapes(struct onr_shape *shape, const struct onr_shape *other)
{
    if (other->rank == ONR_RANK_UNKNOWN) {
        return true;
    }
    if (shape->rank == ONR_RANK_UNKNOWN) {
        *shape = *other;
        return true;
    }
    if (shape->rank != other->rank) {
        return false;
    }
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] >= 0 && other->dim[i] >= 0 && shape->dim[i] != other->dim[i]) {
            return false;
        }
        if (other->dim[i] >= 0 || shape->dim[i] == ONR_DIM_UNKNOWN) {
            shape->dim[i] = other->dim[i];
        }
    }
    return true;
}

bool onr_fact_merge(struct onr_fact *fact, const struct onr_fact *other)
{
    if (fact->kind != other->kind || fact->is_optional != other->is_optional) {
        return false;
    }
    if (fact->dtype == ONR_UNDEFINED) {
        fact->dtype = other->dtype;
    } else if (other->dtype != ONR_UNDEFINED && other->dtype != fact->dtype) {
        return false;
    }
    return merge_shapes(&fact->shape, &other->shape);
}
