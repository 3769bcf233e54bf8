/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sinks of an attention: a column of numbers, one for each head, that is joined to the scores before
 * Softmax and cut off after it, so that they take part in its sum only.
 */
#ifndef ONR_GRAPH_PASSES_ATTENTION_SINKS_H
#define ONR_GRAPH_PASSES_ATTENTION_SINKS_H

#include "graph/passes/fuse.h"

/* s in s - ReduceMax(s), which Softmax would subtract itself; else the value. */
uint32_t onr_before_shift(const struct onr_fuser *fuser, uint32_t value);

/* The scores before a column of sinks, which *sinks then is; else the value. */
uint32_t onr_before_sinks(const struct onr_fuser *fuser, uint32_t value, uint32_t *sinks);

/* p without its last column, Slice [:-1], or ONR_NO_VALUE. */
uint32_t onr_after_sinks(const struct onr_fuser *fuser, uint32_t p);

#endif
