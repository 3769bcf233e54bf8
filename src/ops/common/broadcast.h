/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numpy broadcasting as nested loops. Planning drops dimensions of one element and joins neighbours
 * that every input treats alike, so that most cases become one or two loops: [8,128,768] + [768] is
 * 1024 rows of 768, and equal shapes are a single loop. In the innermost loop an input moves by 0
 * or by 1 element.
 */
#ifndef ONR_OPS_COMMON_BROADCAST_H
#define ONR_OPS_COMMON_BROADCAST_H

#include "base/arena.h"
#include "base/shape.h"

struct onr_broadcast {
    size_t count;                   /* elements of the output */
    int loop_count;                 /* 1 to ONR_MAX_RANK */
    size_t input_count;             /* any */
    size_t extent[ONR_MAX_RANK];    /* [loop_count], innermost first; the product is count */
    size_t (*stride)[ONR_MAX_RANK]; /* [input_count][loop_count], in elements */
};

/* Most inputs that a cursor follows. */
#define ONR_CURSOR_INPUTS 3

/* A position in the loops: the output's element and those that the inputs give to it. */
struct onr_cursor {
    size_t index[ONR_MAX_RANK];
    size_t offset[ONR_CURSOR_INPUTS];
};

/*
 * The loops for an output of shape `out` and inputs whose known shapes broadcast to it; NULL when
 * memory is out. Lives in the arena.
 */
struct onr_broadcast *onr_broadcast_plan(struct onr_arena *arena, const struct onr_shape *out,
                                         const struct onr_shape *const *inputs, size_t input_count);

/* Which element of an input belongs to element `position` of the output. */
size_t onr_broadcast_offset(const struct onr_broadcast *broadcast, size_t input, size_t position);

/* Elements from `position` to the end of its innermost loop, at most limit. */
static inline size_t onr_broadcast_run(const struct onr_broadcast *broadcast, size_t position,
                                       size_t limit)
{
    size_t rest = broadcast->extent[0] - position % broadcast->extent[0];
    return rest < limit ? rest : limit;
}

/* Sets the cursor to element `position` < count. At most ONR_CURSOR_INPUTS inputs. */
void onr_cursor_seek(const struct onr_broadcast *broadcast, size_t position,
                     struct onr_cursor *cursor);

/* Moves on by `step` elements, not beyond the end of the innermost loop; from there to the next
 * one's start. */
void onr_cursor_advance(const struct onr_broadcast *broadcast, size_t step,
                        struct onr_cursor *cursor);

/* Elements to the end of the innermost loop, at most limit. */
static inline size_t onr_cursor_run(const struct onr_broadcast *broadcast,
                                    const struct onr_cursor *cursor, size_t limit)
{
    size_t rest = broadcast->extent[0] - cursor->index[0];
    return rest < limit ? rest : limit;
}

#endif
