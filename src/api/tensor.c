/* SPDX-License-Identifier: Apache-2.0 */
/* Public tensors and sequences: owned, wrapped, parsed. */
#include "api/handles.h"
#include "base/sequence.h"
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

/* Constants are in file form, tensors in memory form, in the arena. */
static enum onr_status copy_constant(const struct onr_constant *constant, struct onr_arena *arena,
                                     struct onr_tensor *tensor, struct onr_error *err)
{
    size_t need = 0;
    *tensor = (struct onr_tensor){.dtype = constant->dtype, .shape = constant->shape};
    if (!onr_shape_bytes(&constant->shape, constant->dtype, &need)) {
        return onr_fail(err, ONR_ERR_LIMIT, "tensor: too many elements");
    }
    tensor->data = onr_arena_alloc(arena, need);
    if (tensor->data == NULL) {
        return onr_fail_memory(err, "tensor");
    }
    onr_constant_copy(constant, tensor->data);
    return ONR_OK;
}

/* Parses into the tensor's arena. */
static enum onr_status parse_value(onnxrun_tensor *made, const struct onr_fact *type,
                                   const void *bytes, size_t size, struct onr_error *err)
{
    struct onr_parsed_value value;
    ONR_TRY(onr_value_parse(type, bytes, size, &made->arena, &made->mem, &value, err));
    made->tensor.kind = value.kind;
    if (value.kind == ONR_KIND_TENSOR) {
        return copy_constant(value.items, &made->arena, &made->tensor, err);
    }
    made->tensor.dtype = value.dtype;
    made->tensor.shape = (struct onr_shape){.rank = 1, .dim = {(int64_t)value.count}};
    struct onr_tensor *items = ONR_ARENA_ARRAY(&made->arena, value.count, struct onr_tensor);
    if (items == NULL) {
        return onr_fail_memory(err, "sequence");
    }
    made->tensor.data = items;
    for (size_t i = 0; i < value.count; i++) {
        ONR_TRY(copy_constant(&value.items[i], &made->arena, &items[i], err));
    }
    return onr_tensor_open_items(made, &made->mem, err);
}

onnxrun_status onnxrun_value_parse(onnxrun_kind kind, const void *bytes, size_t size,
                                   onnxrun_tensor **tensor, onnxrun_error *error)
{
    *tensor = NULL;
    if ((unsigned)kind >= ONNXRUN_KIND_OTHER) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "value: %d is no kind that can be parsed",
                            (int)kind);
    }
    if (bytes == NULL && size > 0) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "value: bytes is NULL");
    }
    bool is_sequence = kind == ONNXRUN_KIND_SEQUENCE || kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE;
    const struct onr_fact type = {.kind = is_sequence ? ONR_KIND_SEQUENCE : ONR_KIND_TENSOR,
                                  .is_optional = kind >= ONNXRUN_KIND_OPTIONAL};
    onnxrun_tensor *made = new_tensor();
    if (made == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_MEMORY, "tensor: out of memory");
    }
    struct onr_error err;
    enum onr_status status = parse_value(made, &type, bytes, size, &err);
    if (status != ONR_OK || made->tensor.kind == ONR_KIND_NONE) {
        onnxrun_tensor_free(made);
    } else {
        *tensor = made;
    }
    return onr_api_result(status, &err, error);
}

onnxrun_status onnxrun_tensor_parse(const void *bytes, size_t size, onnxrun_tensor **tensor,
                                    onnxrun_error *error)
{
    return onnxrun_value_parse(ONNXRUN_KIND_TENSOR, bytes, size, tensor, error);
}

/* ---- sequences ---- */

enum onr_status onr_tensor_open_items(onnxrun_tensor *sequence, struct onr_mem *mem,
                                      struct onr_error *err)
{
    size_t count = (size_t)onr_sequence_count(&sequence->tensor);
    if (count > sequence->item_room) {
        onr_tensor_close_items(sequence, mem);
        sequence->items = onr_mem_calloc(mem, count * sizeof *sequence->items);
        if (sequence->items == NULL) {
            return onr_fail_memory(err, "handles of a sequence");
        }
        sequence->item_room = count;
    }
    for (size_t i = 0; i < count; i++) {
        sequence->items[i].tensor = onr_sequence_items(&sequence->tensor)[i];
    }
    return ONR_OK;
}

void onr_tensor_close_items(onnxrun_tensor *sequence, struct onr_mem *mem)
{
    onr_mem_free(mem, sequence->items, sequence->item_room * sizeof *sequence->items);
    sequence->items = NULL;
    sequence->item_room = 0;
}

static onnxrun_status check_tensors(onnxrun_dtype dtype, const onnxrun_tensor *const *tensors,
                                    size_t count, onnxrun_error *error)
{
    if (!onr_dtype_is_valid((int64_t)dtype)) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "sequence: %d is no element type",
                            (int)dtype);
    }
    if (count > (size_t)ONR_MAX_SEQUENCE || (tensors == NULL && count > 0)) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                            "sequence: %zu tensors%s, expected at most %" PRId64, count,
                            tensors == NULL ? " that are NULL" : "", ONR_MAX_SEQUENCE);
    }
    for (size_t i = 0; i < count; i++) {
        if (tensors[i] == NULL || tensors[i]->tensor.kind != ONR_KIND_TENSOR) {
            return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "sequence: item %zu is %s", i,
                                tensors[i] == NULL ? "NULL" : "a sequence");
        }
        if ((int)tensors[i]->tensor.dtype != (int)dtype) {
            return onr_api_fail(
                error, ONNXRUN_ERR_ARGUMENT, "sequence: tensor %zu has type %s, expected %s", i,
                onr_dtype_name(tensors[i]->tensor.dtype), onnxrun_dtype_name(dtype));
        }
    }
    return ONNXRUN_OK;
}

onnxrun_status onnxrun_sequence_create(onnxrun_dtype dtype, const onnxrun_tensor *const *tensors,
                                       size_t count, onnxrun_tensor **sequence,
                                       onnxrun_error *error)
{
    *sequence = NULL;
    onnxrun_status status = check_tensors(dtype, tensors, count, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    onnxrun_tensor *made = new_tensor();
    struct onr_tensor *items =
        made != NULL ? ONR_ARENA_ARRAY(&made->arena, count, struct onr_tensor) : NULL;
    struct onr_error err;
    if (items != NULL) {
        for (size_t i = 0; i < count; i++) {
            items[i] = tensors[i]->tensor;
        }
        made->tensor = (struct onr_tensor){.dtype = (enum onr_dtype)dtype,
                                           .kind = ONR_KIND_SEQUENCE,
                                           .shape = {.rank = 1, .dim = {(int64_t)count}},
                                           .data = items};
        if (onr_tensor_open_items(made, &made->mem, &err) == ONR_OK) {
            *sequence = made;
            return onr_api_result(ONR_OK, NULL, error);
        }
    }
    onnxrun_tensor_free(made);
    return onr_api_fail(error, ONNXRUN_ERR_MEMORY, "sequence: out of memory");
}

const onnxrun_tensor *onnxrun_sequence_at(const onnxrun_tensor *sequence, size_t index)
{
    return sequence->tensor.kind == ONR_KIND_SEQUENCE && index < onnxrun_tensor_count(sequence)
               ? &sequence->items[index]
               : NULL;
}

/* ---- life and properties ---- */

void onnxrun_tensor_free(onnxrun_tensor *tensor)
{
    if (tensor == NULL) {
        return;
    }
    if (tensor->owned_bytes > 0) {
        onr_mem_free(&tensor->mem, tensor->tensor.data, tensor->owned_bytes);
    }
    onr_tensor_close_items(tensor, &tensor->mem);
    onr_arena_free(&tensor->arena);
    struct onr_mem mem = tensor->mem;
    onr_mem_free(&mem, tensor, sizeof *tensor);
}

onnxrun_kind onnxrun_tensor_kind(const onnxrun_tensor *tensor)
{
    return tensor->tensor.kind == ONR_KIND_SEQUENCE ? ONNXRUN_KIND_SEQUENCE : ONNXRUN_KIND_TENSOR;
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
    return tensor->tensor.kind == ONR_KIND_TENSOR ? onr_tensor_bytes(&tensor->tensor) : 0;
}

void *onnxrun_tensor_mutable_data(onnxrun_tensor *tensor)
{
    return tensor->tensor.kind == ONR_KIND_TENSOR ? tensor->tensor.data : NULL;
}

const void *onnxrun_tensor_data(const onnxrun_tensor *tensor)
{
    return tensor->tensor.kind == ONR_KIND_TENSOR ? tensor->tensor.data : NULL;
}
