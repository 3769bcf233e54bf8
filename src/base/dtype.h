/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Element types, numbered as in TensorProto.DataType.
 *
 * In memory every element takes whole bytes: types of 6, 4 and 2 bits are held one element per byte
 * (int4 and int2 sign-extended, floats as their code) and strings as struct onr_string. Files
 * pack them; import and the public API convert. Source: onnx.proto, TensorProto.DataType.
 */
#ifndef ONR_BASE_DTYPE_H
#define ONR_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(enumerator, number, name, bits in a file, bytes in memory) */
#define ONR_DTYPE_LIST(X)                                                                          \
    X(UNDEFINED, 0, "undefined", 0, 0)                                                             \
    X(FLOAT, 1, "float", 32, 4)                                                                    \
    X(UINT8, 2, "uint8", 8, 1)                                                                     \
    X(INT8, 3, "int8", 8, 1)                                                                       \
    X(UINT16, 4, "uint16", 16, 2)                                                                  \
    X(INT16, 5, "int16", 16, 2)                                                                    \
    X(INT32, 6, "int32", 32, 4)                                                                    \
    X(INT64, 7, "int64", 64, 8)                                                                    \
    X(STRING, 8, "string", 0, 16)                                                                  \
    X(BOOL, 9, "bool", 8, 1)                                                                       \
    X(FLOAT16, 10, "float16", 16, 2)                                                               \
    X(DOUBLE, 11, "double", 64, 8)                                                                 \
    X(UINT32, 12, "uint32", 32, 4)                                                                 \
    X(UINT64, 13, "uint64", 64, 8)                                                                 \
    X(COMPLEX64, 14, "complex64", 64, 8)                                                           \
    X(COMPLEX128, 15, "complex128", 128, 16)                                                       \
    X(BFLOAT16, 16, "bfloat16", 16, 2)                                                             \
    X(FLOAT8E4M3FN, 17, "float8e4m3fn", 8, 1)                                                      \
    X(FLOAT8E4M3FNUZ, 18, "float8e4m3fnuz", 8, 1)                                                  \
    X(FLOAT8E5M2, 19, "float8e5m2", 8, 1)                                                          \
    X(FLOAT8E5M2FNUZ, 20, "float8e5m2fnuz", 8, 1)                                                  \
    X(UINT4, 21, "uint4", 4, 1)                                                                    \
    X(INT4, 22, "int4", 4, 1)                                                                      \
    X(FLOAT4E2M1, 23, "float4e2m1", 4, 1)                                                          \
    X(FLOAT8E8M0, 24, "float8e8m0", 8, 1)                                                          \
    X(UINT2, 25, "uint2", 2, 1)                                                                    \
    X(INT2, 26, "int2", 2, 1)                                                                      \
    X(FLOAT6E2M3, 27, "float6e2m3", 6, 1)                                                          \
    X(FLOAT6E3M2, 28, "float6e3m2", 6, 1)

enum onr_dtype {
#define ONR_DTYPE_ENUM(name, number, text, bits, bytes) ONR_##name = (number),
    ONR_DTYPE_LIST(ONR_DTYPE_ENUM)
#undef ONR_DTYPE_ENUM
};

#define ONR_DTYPE_COUNT 29

/* A set of element types, one bit each. */
typedef uint32_t onr_dtypes;
#define ONR_BIT(name) ((onr_dtypes)1 << ONR_##name)

#define ONR_DTYPES_SINT    (ONR_BIT(INT8) | ONR_BIT(INT16) | ONR_BIT(INT32) | ONR_BIT(INT64))
#define ONR_DTYPES_UINT    (ONR_BIT(UINT8) | ONR_BIT(UINT16) | ONR_BIT(UINT32) | ONR_BIT(UINT64))
#define ONR_DTYPES_INT     (ONR_DTYPES_SINT | ONR_DTYPES_UINT)
#define ONR_DTYPES_HALF    (ONR_BIT(FLOAT16) | ONR_BIT(BFLOAT16))
#define ONR_DTYPES_FLOAT   (ONR_BIT(FLOAT) | ONR_BIT(DOUBLE) | ONR_DTYPES_HALF)
#define ONR_DTYPES_NUMERIC (ONR_DTYPES_INT | ONR_DTYPES_FLOAT)
#define ONR_DTYPES_COMPLEX (ONR_BIT(COMPLEX64) | ONR_BIT(COMPLEX128))
#define ONR_DTYPES_FLOAT8                                                                          \
    (ONR_BIT(FLOAT8E4M3FN) | ONR_BIT(FLOAT8E4M3FNUZ) | ONR_BIT(FLOAT8E5M2) |                       \
     ONR_BIT(FLOAT8E5M2FNUZ) | ONR_BIT(FLOAT8E8M0))
/* Floats whose codes are all finite numbers. */
#define ONR_DTYPES_FINITE_FLOAT (ONR_BIT(FLOAT4E2M1) | ONR_BIT(FLOAT6E2M3) | ONR_BIT(FLOAT6E3M2))
/* Less than a byte in a file. */
#define ONR_DTYPES_NARROW                                                                          \
    (ONR_BIT(UINT4) | ONR_BIT(INT4) | ONR_BIT(UINT2) | ONR_BIT(INT2) | ONR_DTYPES_FINITE_FLOAT)
#define ONR_DTYPES_ALL   (((onr_dtypes)1 << ONR_DTYPE_COUNT) - 2)
#define ONR_DTYPES_INDEX (ONR_BIT(INT32) | ONR_BIT(INT64))

/* One element of a string tensor: length bytes of UTF-8, not terminated, borrowed. */
struct onr_string {
    const char *data;
    size_t length;
};

static inline bool onr_dtypes_has(onr_dtypes set, enum onr_dtype dtype)
{
    return ((set >> dtype) & 1) != 0;
}

/* True for the numbers 1 to 28. */
static inline bool onr_dtype_is_valid(int64_t number)
{
    return number > 0 && number < ONR_DTYPE_COUNT;
}

/* "float", "int64", ...: the spelling of ONNX's text form. Static storage. */
const char *onr_dtype_name(enum onr_dtype dtype);

/* Bytes of one element in memory; 0 for ONR_UNDEFINED. */
size_t onr_dtype_size(enum onr_dtype dtype);

/* Bits of one element in a file; 0 for strings. */
unsigned onr_dtype_file_bits(enum onr_dtype dtype);

/* Bytes that count elements take in a file (packed types rounded up); false on overflow. */
bool onr_dtype_file_bytes(enum onr_dtype dtype, int64_t count, size_t *bytes);

/*
 * Converts count elements from the packed file form (one stream of bits, the low ones of a byte
 * first) to one per byte in memory, and back. dtype is one of ONR_DTYPES_NARROW.
 */
void onr_dtype_unpack(enum onr_dtype dtype, size_t count, const uint8_t *packed, uint8_t *bytes);
void onr_dtype_pack(enum onr_dtype dtype, size_t count, const uint8_t *bytes, uint8_t *packed);

#endif
