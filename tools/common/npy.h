/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NumPy's .npy format, versions 1 to 3. Nothing in a file is evaluated or trusted: sizes are
 * checked before memory is asked for.
 *
 * Read: bool, integers, float16/32/64, complex, of either byte order, in C or Fortran order; and
 * the two-byte void type that ml_dtypes writes for bfloat16. Written: the same; bfloat16, float8
 * and float4 as float32, and 4-bit and 2-bit integers as int8 or uint8, which hold them exactly.
 * Strings and objects are not supported.
 */
#ifndef ONNXRUN_TOOLS_NPY_H
#define ONNXRUN_TOOLS_NPY_H

#include "common/tool.h"

/* Largest header that is read. */
#define NPY_MAX_HEADER 65536

#define NPY_MAGIC       "\x93NUMPY"
#define NPY_MAGIC_BYTES 6

struct npy_type {
    const char *code; /* without the byte order: "f4" */
    onnxrun_dtype dtype;
    size_t unit; /* bytes that a change of byte order reverses */
};

/* How files name this type, or NULL when they cannot. */
const struct npy_type *npy_type_of(onnxrun_dtype dtype);

/* Makes a tensor of the file in bytes. Errors: PARSE, UNSUPPORTED, MEMORY; *tensor is NULL then. */
onnxrun_status npy_parse(const uint8_t *bytes, size_t size, onnxrun_tensor **tensor,
                         onnxrun_error *error);

/* Room for any header that is written. */
#define NPY_HEADER_BYTES 1024

/* Makes the header of a file, of at least so many bytes (a multiple of 64, at most 512), for a type
 * that files can name; returns its length, where the data begin. */
size_t npy_header(char out[NPY_HEADER_BYTES], onnxrun_dtype dtype, size_t rank, const int64_t *dims,
                  size_t least);

/* Writes the tensor to the file at path, at once. Errors: IO, UNSUPPORTED, MEMORY. */
onnxrun_status npy_write(const char *path, const onnxrun_tensor *tensor, onnxrun_error *error);

#endif
