/* SPDX-License-Identifier: Apache-2.0 */
/* Loops for broadcasting: joining dimensions, and walking through them. */
#include "ops/common/broadcast.h"

/* Size of dimension `axis`, counted from the last, with ones in front. */
static size_t dim_from_end(const struct onr_shape *shape, int axis)
{
    return axis < shape->rank ? (size_t)shape->dim[shape->rank - 1 - axis] : 1;
}

/* True when each input treats this dimension as it treats the loop outside of which it lies. */
static bool can_join(const struct onr_broadcast *broadcast, const struct onr_shape *const *inputs,
                     int axis, int loop)
{
    for (size_t i = 0; i < broadcast->input_count; i++) {
        bool is_repeated = dim_from_end(inputs[i], axis) == 1;
        if (is_repeated != (broadcast->stride[i][loop] == 0)) {
            return false;
        }
    }
    return true;
}

/* Adds a dimension outside of the loops there are. inner[i]: elements of input i in all dimensions
 * within. */
static void add_dim(struct onr_broadcast *broadcast, const struct onr_shape *const *inputs,
                    int axis, size_t extent, const size_t *inner)
{
    int loop = broadcast->loop_count - 1;
    if (loop >= 0 && can_join(broadcast, inputs, axis, loop)) {
        broadcast->extent[loop] *= extent;
        return;
    }
    loop = broadcast->loop_count++;
    broadcast->extent[loop] = extent;
    for (size_t i = 0; i < broadcast->input_count; i++) {
        broadcast->stride[i][loop] = dim_from_end(inputs[i], axis) == 1 ? 0 : inner[i];
    }
}

struct onr_broadcast *onr_broadcast_plan(struct onr_arena *arena, const struct onr_shape *out,
                                         const struct onr_shape *const *inputs, size_t input_count)
{
    struct onr_broadcast *broadcast = ONR_ARENA_NEW(arena, struct onr_broadcast);
    size_t *inner = ONR_ARENA_ARRAY(arena, input_count, size_t);
    size_t(*stride)[ONR_MAX_RANK] = onr_arena_array(arena, input_count, sizeof stride[0]);
    if (broadcast == NULL || inner == NULL || stride == NULL) {
        return NULL;
    }
    *broadcast = (struct onr_broadcast){.count = 1, .input_count = input_count, .stride = stride};
    for (size_t i = 0; i < input_count; i++) {
        inner[i] = 1;
    }
    for (int axis = 0; axis < out->rank; axis++) {
        size_t extent = dim_from_end(out, axis);
        broadcast->count *= extent;
        if (extent != 1) {
            add_dim(broadcast, inputs, axis, extent, inner);
        }
        for (size_t i = 0; i < input_count; i++) {
            inner[i] *= dim_from_end(inputs[i], axis);
        }
    }
    if (broadcast->loop_count == 0) {
        broadcast->loop_count = 1;
        broadcast->extent[0] = 1;
    }
    return broadcast;
}

size_t onr_broadcast_offset(const struct onr_broadcast *broadcast, size_t input, size_t position)
{
    size_t offset = 0;
    for (int loop = 0; loop < broadcast->loop_count; loop++) {
        offset += position % broadcast->extent[loop] * broadcast->stride[input][loop];
        position /= broadcast->extent[loop];
    }
    return offset;
}

void onr_cursor_seek(const struct onr_broadcast *broadcast, size_t position,
                     struct onr_cursor *cursor)
{
    for (size_t i = 0; i < broadcast->input_count; i++) {
        cursor->offset[i] = onr_broadcast_offset(broadcast, i, position);
    }
    for (int loop = 0; loop < broadcast->loop_count; loop++) {
        cursor->index[loop] = position % broadcast->extent[loop];
        position /= broadcast->extent[loop];
    }
}

/* Moves one loop by `step`; returns true when that ends it and the next outer one is to move. */
static bool advance_loop(const struct onr_broadcast *broadcast, int loop, size_t step,
                         struct onr_cursor *cursor)
{
    cursor->index[loop] += step;
    bool is_end = cursor->index[loop] == broadcast->extent[loop];
    for (size_t i = 0; i < broadcast->input_count; i++) {
        size_t stride = broadcast->stride[i][loop];
        cursor->offset[i] += step * stride;
        cursor->offset[i] -= is_end ? broadcast->extent[loop] * stride : 0;
    }
    cursor->index[loop] = is_end ? 0 : cursor->index[loop];
    return is_end;
}

void onr_cursor_advance(const struct onr_broadcast *broadcast, size_t step,
                        struct onr_cursor *cursor)
{
    int loop = 0;
    while (loop < broadcast->loop_count && advance_loop(broadcast, loop, step, cursor)) {
        loop++;
        step = 1;
    }
}
