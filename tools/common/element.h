/* SPDX-License-Identifier: Apache-2.0 */
/* One element of a tensor as a number, for every dtype: reading, writing, converting. */
#ifndef ONNXRUN_TOOLS_ELEMENT_H
#define ONNXRUN_TOOLS_ELEMENT_H

#include "common/tool.h"

enum number_kind {
    NUMBER_INT,  /* integer */
    NUMBER_UINT, /* above: an integer above INT64_MAX */
    NUMBER_REAL  /* real, and imaginary for complex types */
};

struct number {
    enum number_kind kind;
    int64_t integer;
    uint64_t above;
    double real;
    double imaginary;
};

/* What became of a number that was written as an element. */
enum element_fit {
    ELEMENT_EXACT,
    ELEMENT_ROUNDED,   /* a real number was rounded to the nearest of the type */
    ELEMENT_IMPOSSIBLE /* out of range, or no integer for an integer type; nothing was written */
};

static inline struct number number_of_int(int64_t integer)
{
    return (struct number){.kind = NUMBER_INT, .integer = integer};
}

static inline struct number number_of_real(double real)
{
    return (struct number){.kind = NUMBER_REAL, .real = real};
}

/* The number (its real part) rounded to a double. */
double number_real(const struct number *number);

/* |real + i imaginary|. */
double complex_length(double real, double imaginary);

/* Integers and bool: compared and shown exactly. */
bool element_is_integer(onnxrun_dtype dtype);

/* True when dtype is an integer type (or bool) with this value. */
bool element_holds_int(onnxrun_dtype dtype, int64_t value);

/* Real floating-point types from 4 to 64 bits. */
bool element_is_float(onnxrun_dtype dtype);

bool element_is_complex(onnxrun_dtype dtype);

/* Element index of data; dtype is not a string. */
struct number element_get(onnxrun_dtype dtype, const void *data, size_t index);

enum element_fit element_set(onnxrun_dtype dtype, void *data, size_t index,
                             const struct number *number);

/* The number into text, as short as shows it: "3", "-0.25", "nan", "1+2j". Returns text. */
#define ELEMENT_TEXT_BYTES 64
const char *element_text(onnxrun_dtype dtype, const struct number *number,
                         char text[ELEMENT_TEXT_BYTES]);

/*
 * Replaces *tensor by one of the given dtype with the same values. Error: ARGUMENT naming the first
 * element that the type cannot hold exactly; *tensor stays as it was.
 */
onnxrun_status element_convert(onnxrun_tensor **tensor, onnxrun_dtype dtype, onnxrun_error *error);

#endif
