/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The random numbers of one node. Number i of a run depends on the seed, the run and i alone. With an attribute
 * `seed` a node draws the same numbers in every session, others in each of its runs; without one the numbers depend
 * on the session's seed and on the place of the node in the model.
 */
#ifndef ONR_OPS_RANDOM_DRAW_H
#define ONR_OPS_RANDOM_DRAW_H

#include "base/random.h"
#include "graph/op_def.h"

/* The attribute `seed`, a float or an integer. */
struct onr_draw_seed {
    bool is_given;
    uint64_t key;
};

/* The numbers of one run of one node. */
struct onr_draws {
    uint64_t key;
    uint64_t run;
};

struct onr_draw_seed onr_draw_seed(const struct onr_node *node);

struct onr_draws onr_draws_of(const struct onr_draw_seed *seed,
                              const struct onr_random_source *source);

/* Numbers [first, first + count), evenly distributed over the multiples of 2^-53 in [0, 1). */
void onr_draw_uniform(const struct onr_draws *draws, size_t first, size_t count, double *numbers);

/* The same of the normal distribution with mean 0 and deviation 1. first and count are even. */
void onr_draw_normal(const struct onr_draws *draws, size_t first, size_t count, double *numbers);

#endif
