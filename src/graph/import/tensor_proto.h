/* SPDX-License-Identifier: Apache-2.0 */
/* Single values in protobuf form: the files of ONNX test data. */
#ifndef ONR_GRAPH_IMPORT_TENSOR_PROTO_H
#define ONR_GRAPH_IMPORT_TENSOR_PROTO_H

#include "graph/graph.h"

#include <stdbool.h>

/*
 * Reads the TensorProto in data [size]. The constant and its data are in the arena; data is not
 * needed afterwards. mem is for temporary memory. *name, in the arena, may be "". Errors:
 * ONR_ERR_PARSE, ONR_ERR_MODEL, ONR_ERR_LIMIT, ONR_ERR_MEMORY; ONR_ERR_UNSUPPORTED for sequences
 * and optionals.
 */
enum onr_status onr_tensor_parse(const uint8_t *data, size_t size, struct onr_arena *arena,
                                 struct onr_mem *mem, struct onr_constant *constant,
                                 const char **name, struct onr_error *err) ONR_MUST_USE;

/* A value of any kind, in file form. */
struct onr_parsed_value {
    enum onr_kind kind;
    enum onr_dtype dtype;       /* ONR_UNDEFINED for a sequence without tensors */
    struct onr_constant *items; /* [count]: the tensor, or those of the sequence */
    size_t count;
};

/*
 * Reads a value of the kind of `type`, whose other fields do not matter: a TensorProto, a
 * SequenceProto, or for an optional an OptionalProto. The rest as onr_tensor_parse.
 */
enum onr_status onr_value_parse(const struct onr_fact *type, const uint8_t *data, size_t size,
                                struct onr_arena *arena, struct onr_mem *mem,
                                struct onr_parsed_value *value, struct onr_error *err) ONR_MUST_USE;

/* True when the bytes look like a SequenceProto or OptionalProto. Files do not say which message
 * they hold; those two have no field number above 7, and a name where a tensor has its dimensions.
 */
bool onr_tensor_is_sequence(const uint8_t *data, size_t size);

#endif
