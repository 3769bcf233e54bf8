/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/random/draw.h"

#include "base/half.h"

#include <math.h>

#define TWO_PI 6.283185307179586

struct onr_draw_seed onr_draw_seed(const struct onr_node *node)
{
    const struct onr_attr *attr = onr_node_attr(node, "seed");
    struct onr_draw_seed seed = {.is_given = attr != NULL};
    if (attr != NULL) {
        seed.key = attr->kind == ONR_ATTR_INT ? (uint64_t)attr->as.i : onr_float_bits(attr->as.f);
    }
    return seed;
}

struct onr_draws onr_draws_of(const struct onr_draw_seed *seed,
                              const struct onr_random_source *source)
{
    uint64_t key = seed->is_given ? seed->key : onr_random_derive(source->seed, source->node, 0);
    return (struct onr_draws){.key = key, .run = source->run};
}

/* Each block makes two numbers. */
void onr_draw_uniform(const struct onr_draws *draws, size_t first, size_t count, double *numbers)
{
    struct onr_random_block block = {{0, 0}};
    for (size_t i = first; i < first + count; i++) {
        if (i == first || i % 2 == 0) {
            block = onr_random_block(draws->key, i / 2, draws->run);
        }
        numbers[i - first] = (double)(block.bits[i % 2] >> 11) * 0x1p-53;
    }
}

/* Two at a time by the method of Box and Muller; 1 - u is not 0. */
void onr_draw_normal(const struct onr_draws *draws, size_t first, size_t count, double *numbers)
{
    onr_draw_uniform(draws, first, count, numbers);
    for (size_t i = 0; i + 1 < count; i += 2) {
        double radius = sqrt(-2.0 * log(1.0 - numbers[i]));
        double angle = TWO_PI * numbers[i + 1];
        numbers[i] = radius * cos(angle);
        numbers[i + 1] = radius * sin(angle);
    }
}
