/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto and SparseTensorProto to constants. */
#ifndef ONR_GRAPH_IMPORT_IMPORT_TENSOR_H
#define ONR_GRAPH_IMPORT_IMPORT_TENSOR_H

#include "onnx.pb-c.h"

#include "graph/graph.h"
#include "graph/import/external.h"

/* Most bytes of a sparse initializer that is expanded to a dense constant. */
#define ONR_MAX_DENSE_BYTES ((size_t)64 << 20)

/* Where tensor data comes from and goes to. */
struct onr_tensor_source {
    const uint8_t *data;              /* the input that was scanned: raw_data refers to it */
    const char *path;                 /* data is this file, mapped; NULL: memory of the caller */
    struct onr_external_files *files; /* NULL: external data is refused */
    struct onr_arena *arena;
    bool is_copied; /* raw data is copied to the arena */
};

/*
 * Checks a tensor of a skeleton (see wire.h) and fills *constant. raw_data and external data are
 * referred to in place; typed fields are copied to the arena. Errors, which name the tensor:
 * ONR_ERR_MODEL, ONR_ERR_UNSUPPORTED, ONR_ERR_LIMIT, ONR_ERR_IO, ONR_ERR_MEMORY.
 */
enum onr_status onr_import_tensor(const struct onr_tensor_source *source,
                                  const Onnx__TensorProto *proto, struct onr_constant *constant,
                                  struct onr_error *err) ONR_MUST_USE;

/* Bytes that importing the constant looks at; weights are not looked at. */
static inline size_t onr_import_tensor_work(const struct onr_constant *constant)
{
    return constant->dtype == ONR_BOOL ? constant->bytes : 0;
}

/* onr_import_tensor for a sparse tensor, expanded to a dense one of at most ONR_MAX_DENSE_BYTES. */
enum onr_status onr_import_sparse(const struct onr_tensor_source *source,
                                  const Onnx__SparseTensorProto *proto,
                                  struct onr_constant *constant,
                                  struct onr_error *err) ONR_MUST_USE;

/* Copies the typed data field of proto that belongs to constant->dtype to the arena; exactly count
 * elements. */
enum onr_status onr_import_typed_data(struct onr_arena *arena, const Onnx__TensorProto *proto,
                                      size_t count, struct onr_constant *constant,
                                      struct onr_error *err) ONR_MUST_USE;

/* True when a typed data field has values. */
bool onr_import_has_typed_data(const Onnx__TensorProto *proto);

/* Rank and dims of dims [rank], each >= 0, with an element count that fits. */
enum onr_status onr_import_dims(size_t rank, const int64_t *dims, struct onr_shape *shape,
                                struct onr_error *err) ONR_MUST_USE;

#endif
