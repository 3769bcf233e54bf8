/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a value before it is computed: dtype, symbolic shape, and its contents when they
 * do not depend on run-time data. Facts are made at load time with symbolic dimensions, and again
 * at plan time with the concrete ones; the same inference functions serve both.
 */
#ifndef ONR_GRAPH_FACT_H
#define ONR_GRAPH_FACT_H

#include "base/shape.h"

/* An integer that is known, or stands for a symbolic dimension, or is unknown. */
struct onr_sint {
    int64_t value; /* when known */
    int64_t dim;   /* 0: known; else ONR_DIM_UNKNOWN or a symbol, see base/shape.h */
};

/* Rank of a fact whose rank is not known. */
#define ONR_RANK_UNKNOWN (-1)

/* Most integers that symbolic contents are kept for. */
#define ONR_MAX_CONTENTS 64

struct onr_fact {
    enum onr_kind kind;
    bool is_optional;       /* there may be no element: then kind is that of an element */
    enum onr_dtype dtype;   /* ONR_UNDEFINED when not known; of the tensors in a sequence */
    struct onr_shape shape; /* rank may be ONR_RANK_UNKNOWN; dims may be unknown or symbols */
    /* the complete value in memory form, or NULL; then dtype and shape are known */
    const void *data;
    /* [element count] of a small integer tensor of rank 0 or 1, or NULL */
    const struct onr_sint *contents;
};

/* A tensor fact of this dtype and shape without contents. */
struct onr_fact onr_fact_of(enum onr_dtype dtype, const struct onr_shape *shape);

/* What is known of a value of this dtype, kind and shape; of a sequence its shape is left out. */
struct onr_fact onr_fact_of_value(const struct onr_tensor *value);

/* "a tensor", "an optional sequence", ...: for messages. Static storage. */
const char *onr_fact_kind_text(const struct onr_fact *fact);

/* True for a tensor that is not optional. */
static inline bool onr_fact_is_tensor(const struct onr_fact *fact)
{
    return fact->kind == ONR_KIND_TENSOR && !fact->is_optional;
}

/* True when rank and every dimension are known. */
bool onr_fact_is_shaped(const struct onr_fact *fact);

/* True when the value itself is known; zero-sized tensors are known without data. */
bool onr_fact_is_constant(const struct onr_fact *fact);

/* Element index of a constant tensor of dtype int32, int64 or any other integer or bool type. */
int64_t onr_fact_int(const struct onr_fact *fact, int64_t index);

/*
 * Combines two facts about the same value, keeping what either knows; false when they contradict.
 */
bool onr_fact_merge(struct onr_fact *fact, const struct onr_fact *other);

#endif
