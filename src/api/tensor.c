/* SPDX-License-Identifier: Apache-2.0 */
/* Public tensors: owned, wrapped, parsed. */
#include "api/handles.h"
#include "graph/import/tensor_proto.h"

#include <inttypes.h>

/* Allocates the handle with its own memory counter. */
static onnxrun_tensor *new_tensor(void)
{
    struct onr_mem mem;
    onr_mem_init(&mem, NULL, 0);
    onnxrun_tensor *tensor = onr_mem_calloc(&mem, sizeof *tensor);
    if (tensor != NULL) {
        tensor->mem = mem;
        onr_arena_init(&tensor->arena, &tensor->mem);
    }
    return tensor;
}

static onnxrun_status check_shape(onnxrun_dtype dtype, size_t rank, const int64_t *dims,
                                  struct onr_tensor *tensor, size_t *bytes, onnxrun_error *error)
{
    if (!onr_dtype_is_valid((int64_t)dtype)) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "tensor: %d is no element type",
                            (int)dtype);
    }
    if (rank > ONR_MAX_RANK) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "tensor: rank is %zu, expected 0 to %d",
                            rank, ONR_MAX_RANK);
    }
    if (rank > 0 && dims == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "tensor: rank is %zu, but dims is NULL",
                            rank);
    }
    *tensor = (struct onr_tensor){.dtype = (enum onr_dtype)dtype, .shape.rank = (int)rank};
    for (size_t i = 0; i < rank; i++) {
        tensor->shape.dim[i] = dims[i];
        if (dims[i] < 0) {
            return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                                "tensor: dimension %zu is %" PRId64 ", expected >= 0", i, dims[i]);
        }
    }
    if (!onr_shape_bytes(&tensor->shape, tensor->dtype, bytes)) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "tensor: too many elements");
    }
    return ONNXRUN_OK;
}

onnxrun_status onnxrun_tensor_create(onnxrun_dtype dtype, size_t rank, const int64_t *dims,
                                     onnxrun_tensor **tensor, onnxrun_error *error)
{
    struct onr_tensor shape;
    size_t bytes = 0;
    *tensor = NULL;
    onnxrun_status status = check_shape(dtype, rank, dims, &shape, &bytes, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    onnxrun_tensor *made = new_tensor();
    if (made != NULL) {
        made->tensor = shape;
        made->owned_bytes = bytes != 0 ? bytes : 1;
        made->tensor.data = onr_mem_calloc(&made->mem, made->owned_bytes);
        if (made->tensor.data != NULL) {
            *tensor = made;
            return onr_api_result(ONR_OK, NULL, error);
        }
        onnxrun_tensor_free(made);
    }
    return onr_api_fail(error, ONNXRUN_ERR_MEMORY, "tensor: out of memory for %zu bytes", bytes);
}

onnxrun_status onnxrun_tensor_wrap(onnxrun_dtype dtype, size_t rank, const int64_t *dims,
                                   void *data, size_t bytes, onnxrun_tensor **tensor,
                                   onnxrun_error *error)
{
    struct onr_tensor shape;
    size_t expected = 0;
    *tensor = NULL;
    onnxrun_status status = check_shape(dtype, rank, dims, &shape, &expected, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    size_t align = onr_dtype_size(shape.dtype) > 8 ? 8 : onr_dtype_size(shape.dtype);
    if (bytes != expected || (data == NULL && bytes > 0)) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "tensor: data has %zu bytes, expected %zu",
                            data != NULL ? bytes : 0, expected);
    }
    if (((uintptr_t)data & (align - 1)) != 0) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "tensor: data is not aligned to %zu bytes",
                            align);
    }
    onnxrun_tensor *made = new_tensor();
    if (made == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_MEMORY, "tensor: out of memory");
    }
    made->tensor = shape;
    made->tensor.data = data;
    *tensor = made;
    return onr_api_result(ONR_OK, NULL, error);
}

/* Parses into the tensor's arena; constants are in file form, tensors in memory form. */
static enum onr_status parse_tensor(onnxrun_tensor *tensor, const void *bytes, size_t size,
                                    struct onr_error *err)
{
    struct onr_constant constant;
    const char *name = NULL;
    ONR_TRY(onr_tensor_parse(bytes, size, &tensor->arena, &tensor->mem, &constant, &name, err));
    tensor->tensor = (struct onr_tensor){.dtype = constant.dtype, .shape = constant.shape};
    size_t need = 0;
    if (!onr_shape_bytes(&constant.shape, constant.dtype, &need)) {
        return onr_fail(err, ONR_ERR_LIMIT, "tensor: too many elements");
    }
    tensor->tensor.data = onr_arena_alloc(&tensor->arena, need);
    if (tensor->tensor.data == NULL) {
        return onr_fail_memory(err, "tensor");
    }
    onr_constant_copy(&constant, tensor->tensor.data);
    return ONR_OK;
}

onnxrun_status onnxrun_tensor_parse(const void *bytes, size_t size, onnxrun_tensor **tensor,
                                    onnxrun_error *error)
{
    *tensor = NULL;
    onnxrun_tensor *made = new_tensor();
    if (made == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_MEMORY, "tensor: out of memory");
    }
    struct onr_error err;
    enum onr_status status = parse_tensor(made, bytes, size, &err);
    if (status != ONR_OK) {
        onnxrun_tensor_free(made);
    } else {
        *tensor = made;
    }
    return onr_api_result(status, &err, error);
}

void onnxrun_tensor_free(onnxrun_tensor *tensor)
{
    if (tensor == NULL) {
        return;
    }
    if (tensor->owned_bytes > 0) {
        onr_mem_free(&tensor->mem, tensor->tensor.data, tensor->owned_bytes);
    }
    onr_arena_free(&tensor->arena);
    struct onr_mem mem = tensor->mem;
    onr_mem_free(&mem, tensor, sizeof *tensor);
}

onnxrun_dtype onnxrun_tensor_dtype(const onnxrun_tensor *tensor)
{
    return (onnxrun_dtype)tensor->tensor.dtype;
}

size_t onnxrun_tensor_rank(const onnxrun_tensor *tensor)
{
    return (size_t)tensor->tensor.shape.rank;
}

const int64_t *onnxrun_tensor_dims(const onnxrun_tensor *tensor)
{
    return tensor->tensor.shape.dim;
}

size_t onnxrun_tensor_count(const onnxrun_tensor *tensor)
{
    return (size_t)onr_tensor_count(&tensor->tensor);
}

size_t onnxrun_tensor_bytes(const onnxrun_tensor *tensor)
{
    return onr_tensor_bytes(&tensor->tensor);
}

void *onnxrun_tensor_mutable_data(onnxrun_tensor *tensor)
{
    return tensor->tensor.data;
}

const void *onnxrun_tensor_data(const onnxrun_tensor *tensor)
{
    return tensor->tensor.data;
}
