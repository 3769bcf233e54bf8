/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions between element types, by the rules of Cast in the ONNX operator specification: float
 * to integer cuts off, and gives the least int32 (int64 for 32 and 64 bits unsigned, and for int64)
 * when the number does not fit, of which narrower types take the low bits; integer to integer takes
 * the low bits; anything but 0 is true. Source and target do not overlap.
 */
#ifndef ONR_KERNELS_CONVERT_CONVERT_H
#define ONR_KERNELS_CONVERT_CONVERT_H

#include "base/dtype.h"
#include "base/minifloat.h"

#include <stdbool.h>
#include <stddef.h>

/* How floats of 8 bits are rounded; the others have one way. */
struct onr_narrowing {
    bool is_saturated;
    enum onr_round_mode round_mode; /* of float8e8m0 */
};

/* y[i] = x[i] for i < count, both aligned for their types. */
typedef void (*onr_convert_fn)(size_t count, const void *x, void *y);
typedef void (*onr_narrow_fn)(size_t count, const void *wide, void *y,
                              const struct onr_narrowing *how);

/*
 * The types that hold every number of a class of types: all floats, all integers but uint64,
 * uint64.
 */
enum onr_wide { ONR_WIDE_DOUBLE, ONR_WIDE_INT64, ONR_WIDE_UINT64 };
#define ONR_WIDE_COUNT 3

struct onr_convert_kernels {
    /* From each type to its wide type, and from there on; NULL for strings and complex numbers. */
    onr_convert_fn widen[ONR_DTYPE_COUNT];
    onr_narrow_fn narrow[ONR_WIDE_COUNT][ONR_DTYPE_COUNT];
    /* [from][to]: in one step, for frequent pairs; else NULL. */
    onr_convert_fn direct[ONR_DTYPE_COUNT][ONR_DTYPE_COUNT];
};

struct onr_kernels;

/* The wide type of a type. */
enum onr_wide onr_wide_of(enum onr_dtype dtype);

/* True for the types that onr_convert takes: all but strings and complex numbers. */
bool onr_can_convert(enum onr_dtype dtype);

/* Where in the table the function stands that onr_convert spends its time in. */
uint32_t onr_convert_at(const struct onr_kernels *kernels, enum onr_dtype from, enum onr_dtype to);

/* y[i] = x[i] for i < count, from one type to another. */
void onr_convert(const struct onr_kernels *kernels, enum onr_dtype from, enum onr_dtype to,
                 const struct onr_narrowing *how, size_t count, const void *x, void *y);

#endif
