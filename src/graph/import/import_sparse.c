/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse initializers are expanded: no operator of this engine works on the sparse form. */
#include "graph/import/import_tensor.h"

#include <string.h>

/* Position in the flattened tensor of value i; false when it is outside. */
static bool position_of(const struct onr_constant *indices, const struct onr_shape *shape,
                        int64_t total, int64_t i, int64_t *position)
{
    int64_t width = indices->shape.rank == 2 ? indices->shape.dim[1] : 1;
    const char *data = indices->data;
    *position = 0;
    for (int64_t j = 0; j < width; j++) {
        int64_t index = 0;
        memcpy(&index, data + (size_t)(i * width + j) * sizeof index, sizeof index);
        int64_t limit = indices->shape.rank == 2 ? shape->dim[j] : total;
        if (index < 0 || index >= limit) {
            return false;
        }
        *position = indices->shape.rank == 2 ? *position * limit + index : index;
    }
    return true;
}

static enum onr_status check_parts(const struct onr_constant *values,
                                   const struct onr_constant *indices,
                                   const struct onr_shape *shape, struct onr_error *err)
{
    bool is_valid = values->shape.rank == 1 && indices->dtype == ONR_INT64 &&
                    (indices->shape.rank == 1 || indices->shape.rank == 2) &&
                    indices->shape.dim[0] == values->shape.dim[0] &&
                    (indices->shape.rank == 1 || indices->shape.dim[1] == shape->rank);
    if (!is_valid) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "a sparse tensor needs values [n] and int64 indices [n] or [n, rank]");
    }
    if (values->dtype == ONR_STRING || onr_dtypes_has(ONR_DTYPES_NARROW, values->dtype)) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "sparse tensors of %s are not supported",
                        onr_dtype_name(values->dtype));
    }
    return ONR_OK;
}

static enum onr_status expand(const struct onr_constant *values, const struct onr_constant *indices,
                              struct onr_constant *dense, char *out, struct onr_error *err)
{
    size_t size = onr_dtype_size(dense->dtype);
    int64_t total = onr_constant_count(dense);
    int64_t last = -1;
    for (int64_t i = 0; i < values->shape.dim[0]; i++) {
        int64_t position = 0;
        if (!position_of(indices, &dense->shape, total, i, &position)) {
            return onr_fail(err, ONR_ERR_MODEL, "sparse index %lld is out of range", (long long)i);
        }
        if (position <= last) {
            return onr_fail(err, ONR_ERR_MODEL, "sparse index %lld is not in ascending order",
                            (long long)i);
        }
        last = position;
        memcpy(out + (size_t)position * size, (const char *)values->data + (size_t)i * size, size);
    }
    dense->data = out;
    return ONR_OK;
}

static enum onr_status import_parts(const struct onr_tensor_source *source,
                                    const Onnx__SparseTensorProto *proto,
                                    struct onr_constant *dense, struct onr_error *err)
{
    struct onr_constant values;
    struct onr_constant indices;
    if (proto->indices == NULL) {
        return onr_fail(err, ONR_ERR_MODEL, "a sparse tensor has no indices");
    }
    ONR_TRY(onr_import_tensor(source, proto->values, &values, err));
    ONR_TRY(onr_import_tensor(source, proto->indices, &indices, err));
    *dense = (struct onr_constant){.dtype = values.dtype};
    ONR_TRY(onr_import_dims(proto->n_dims, proto->dims, &dense->shape, err));
    ONR_TRY(check_parts(&values, &indices, &dense->shape, err));
    if (!onr_shape_bytes(&dense->shape, dense->dtype, &dense->bytes) ||
        dense->bytes > ONR_MAX_DENSE_BYTES) {
        return onr_fail(err, ONR_ERR_LIMIT, "a sparse tensor expands to more than %zu bytes",
                        ONR_MAX_DENSE_BYTES);
    }
    char *out = onr_arena_alloc(source->arena, dense->bytes);
    if (out == NULL) {
        return onr_fail_memory(err, "sparse tensor");
    }
    return expand(&values, &indices, dense, out, err);
}

enum onr_status onr_import_sparse(const struct onr_tensor_source *source,
                                  const Onnx__SparseTensorProto *proto,
                                  struct onr_constant *constant, struct onr_error *err)
{
    if (proto->values == NULL) {
        return onr_fail(err, ONR_ERR_MODEL, "a sparse tensor has no values");
    }
    enum onr_status status = import_parts(source, proto, constant, err);
    if (status != ONR_OK) {
        onr_error_prefix(err, "sparse initializer \"%.128s\": ",
                         proto->values->name != NULL ? proto->values->name : "");
    }
    return status;
}
