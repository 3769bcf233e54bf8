/* SPDX-License-Identifier: Apache-2.0 */
/* Writing .npy files. */
#include "common/element.h"
#include "common/file.h"
#include "common/npy.h"

#include <inttypes.h>
#include <string.h>

/* The type that a file can hold for each that it cannot. */
static onnxrun_dtype stored_dtype(onnxrun_dtype dtype)
{
    switch (dtype) {
    case ONNXRUN_INT2:
    case ONNXRUN_INT4:
        return ONNXRUN_INT8;
    case ONNXRUN_UINT2:
    case ONNXRUN_UINT4:
        return ONNXRUN_UINT8;
    case ONNXRUN_FLOAT16:
        return dtype;
    default:
        return element_is_float(dtype) && onnxrun_dtype_size(dtype) < sizeof(float) ? ONNXRUN_FLOAT
                                                                                    : dtype;
    }
}

size_t npy_header(char out[NPY_HEADER_BYTES], onnxrun_dtype dtype, size_t rank, const int64_t *dims,
                  size_t least)
{
    const struct npy_type *type = npy_type_of(dtype);
    int length = snprintf(out + 10, 1000, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                          type->unit == 1 ? '|' : '<', type->code);
    size_t used = 10 + (size_t)length;
    for (size_t i = 0; i < rank; i++) {
        length = snprintf(out + used, 1000 - used, "%s%" PRId64 "%s", i > 0 ? " " : "", dims[i],
                          i + 1 < rank || rank == 1 ? "," : "");
        used += (size_t)length;
    }
    length = snprintf(out + used, 1000 - used, "), }");
    used += (size_t)length;
    size_t total = (used + 1 + 63) / 64 * 64;
    total = total > least ? total : least;
    memset(out + used, ' ', total - used);
    out[total - 1] = '\n';
    memcpy(out, NPY_MAGIC "\x01\x00", NPY_MAGIC_BYTES + 2);
    out[8] = (char)((total - 10) & 255);
    out[9] = (char)((total - 10) >> 8);
    return total;
}

/* A copy of the tensor in a type that a file can hold, or NULL when it has one. */
static onnxrun_status make_storable(const onnxrun_tensor *tensor, onnxrun_tensor **copy,
                                    onnxrun_error *error)
{
    onnxrun_dtype dtype = onnxrun_tensor_dtype(tensor), stored = stored_dtype(dtype);
    *copy = NULL;
    if (stored == dtype) {
        return ONNXRUN_OK;
    }
    onnxrun_status status = onnxrun_tensor_create(stored, onnxrun_tensor_rank(tensor),
                                                  onnxrun_tensor_dims(tensor), copy, error);
    for (size_t i = 0; status == ONNXRUN_OK && i < onnxrun_tensor_count(tensor); i++) {
        struct number number = element_get(dtype, onnxrun_tensor_data(tensor), i);
        (void)element_set(stored, onnxrun_tensor_mutable_data(*copy), i, &number);
    }
    return status;
}

onnxrun_status npy_write(const char *path, const onnxrun_tensor *tensor, onnxrun_error *error)
{
    onnxrun_dtype stored = stored_dtype(onnxrun_tensor_dtype(tensor));
    onnxrun_tensor *copy;
    char header[NPY_HEADER_BYTES];
    if (npy_type_of(stored) == NULL) {
        return tool_fail(error, ONNXRUN_ERR_UNSUPPORTED,
                         "npy files cannot hold elements of type %s", onnxrun_dtype_name(stored));
    }
    onnxrun_status status = make_storable(tensor, &copy, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    const onnxrun_tensor *data = copy != NULL ? copy : tensor;
    const struct file_part parts[] = {
        {header,
         npy_header(header, stored, onnxrun_tensor_rank(data), onnxrun_tensor_dims(data), 0)},
        {onnxrun_tensor_data(data), onnxrun_tensor_bytes(data)},
    };
    status = file_write(path, parts, 2, error);
    onnxrun_tensor_free(copy);
    return status;
}
