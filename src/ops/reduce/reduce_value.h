/* SPDX-License-Identifier: Apache-2.0 */
/* The element side of a reduction: reading, the accumulator, and what becomes of it. */
#ifndef ONR_OPS_REDUCE_REDUCE_VALUE_H
#define ONR_OPS_REDUCE_REDUCE_VALUE_H

#include "base/dtype.h"
#include "kernels/reduce/reduce.h"

/* Elements that are converted at once, and width of a tile of columns. */
#define ONR_REDUCE_CHUNK 256

/* What is done with the combined value: nothing, / n, square root, ln, + shift after ln. */
enum onr_reduce_finish {
    ONR_FINISH_NONE,
    ONR_FINISH_MEAN,
    ONR_FINISH_SQRT,
    ONR_FINISH_LOG,
    ONR_FINISH_LOG_SUM_EXP,
};

struct onr_reduce_value {
    enum onr_dtype dtype;
    enum onr_reduce_domain domain; /* in which the elements are combined */
    enum onr_reduction reduction;
    enum onr_reduce_finish finish;
    size_t reduced_count; /* elements of one output */
};

/* The member of the domain: f, i or u. */
union onr_accumulator {
    double f;
    int64_t i;
    uint64_t u;
};

union onr_reduce_chunk {
    float f32[ONR_REDUCE_CHUNK];
    double f64[ONR_REDUCE_CHUNK];
    int64_t i64[ONR_REDUCE_CHUNK];
    uint64_t u64[ONR_REDUCE_CHUNK];
};

enum onr_reduce_domain onr_reduce_domain_of(enum onr_dtype dtype, enum onr_reduce_finish finish);

/* True when onr_reduce_read never converts, and so takes any number of elements. */
bool onr_reduce_is_direct(const struct onr_reduce_value *value);

/* At most ONR_REDUCE_CHUNK elements from `first` on in the type of the domain: in place, or in
 * buffer. */
const void *onr_reduce_read(const struct onr_reduce_value *value, const void *data, size_t first,
                            size_t count, union onr_reduce_chunk *buffer);

/* The value that combining starts with; the highest and lowest of the type for MIN and MAX. */
union onr_accumulator onr_reduce_identity(const struct onr_reduce_value *value,
                                          enum onr_reduction reduction);

/* Writes element `index` of the output; shift is what was subtracted before e^x. */
void onr_reduce_store(const struct onr_reduce_value *value, union onr_accumulator acc, double shift,
                      void *data, size_t index);

/* The same for elements from `first` on, each with its own shift. */
void onr_reduce_store_all(const struct onr_reduce_value *value, size_t count,
                          const union onr_accumulator *acc, const double *shift, void *data,
                          size_t first);

#endif
