/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of sequences in memory. */
#include "base/sequence.h"

#include "base/mem.h"
#include "base/size.h"

#include <string.h>

size_t onr_sequence_table_bytes(int64_t count)
{
    return onr_size_align((size_t)count * sizeof(struct onr_tensor), ONR_MEM_ALIGN);
}

bool onr_sequence_item_bytes(const struct onr_shape *shape, enum onr_dtype dtype, size_t *bytes)
{
    if (!onr_shape_bytes(shape, dtype, bytes) || *bytes > ONR_SIZE_LIMIT) {
        return false;
    }
    *bytes = onr_size_align(*bytes, ONR_MEM_ALIGN);
    return true;
}

bool onr_value_bytes(const struct onr_tensor *value, size_t *bytes)
{
    *bytes = 0;
    if (value->kind != ONR_KIND_SEQUENCE) {
        return value->kind != ONR_KIND_TENSOR ||
               onr_shape_bytes(&value->shape, value->dtype, bytes);
    }
    if (onr_sequence_count(value) > ONR_MAX_SEQUENCE) {
        return false;
    }
    *bytes = onr_sequence_table_bytes(onr_sequence_count(value));
    for (int64_t i = 0; i < onr_sequence_count(value); i++) {
        const struct onr_tensor *item = &onr_sequence_items(value)[i];
        size_t item_bytes = 0;
        if (!onr_sequence_item_bytes(&item->shape, item->dtype, &item_bytes) ||
            !onr_size_add(*bytes, item_bytes, bytes) || *bytes > ONR_SIZE_LIMIT) {
            return false;
        }
    }
    return true;
}

static void copy_data(void *to, const struct onr_tensor *from)
{
    size_t bytes = onr_tensor_bytes(from);
    if (bytes > 0) {
        memcpy(to, from->data, bytes);
    }
}

void onr_value_copy(const struct onr_tensor *value, void *block, struct onr_tensor *copy)
{
    struct onr_tensor made = *value;
    made.data = block;
    if (value->kind == ONR_KIND_TENSOR) {
        copy_data(block, value);
    } else if (value->kind == ONR_KIND_SEQUENCE) {
        struct onr_tensor *items = block;
        char *data = (char *)block + onr_sequence_table_bytes(onr_sequence_count(value));
        for (int64_t i = 0; i < onr_sequence_count(value); i++) {
            items[i] = onr_sequence_items(value)[i];
            items[i].data = data;
            copy_data(data, &onr_sequence_items(value)[i]);
            data += onr_size_align(onr_tensor_bytes(&items[i]), ONR_MEM_ALIGN);
        }
    }
    *copy = made;
}
