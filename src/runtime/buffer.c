/* SPDX-License-Identifier: Apache-2.0 */
/* Growing storage of dynamic outputs. */
#include "runtime/buffer.h"

#include <string.h>

enum onr_status onr_buffer_reserve(struct onr_mem *mem, struct onr_buffer *buffer, size_t bytes,
                                   struct onr_error *err)
{
    if (bytes <= buffer->capacity && buffer->data != NULL) {
        return ONR_OK;
    }
    void *data = onr_mem_alloc(mem, bytes);
    if (data == NULL) {
        return onr_fail_memory(err, "dynamic output");
    }
    if (buffer->data != NULL && buffer->capacity > 0) {
        memcpy(data, buffer->data, buffer->capacity);
    }
    onr_mem_free(mem, buffer->data, buffer->capacity);
    *buffer = (struct onr_buffer){.data = data, .capacity = bytes};
    return ONR_OK;
}

void onr_buffers_free(struct onr_mem *mem, struct onr_buffer *buffers, size_t count)
{
    for (size_t i = 0; buffers != NULL && i < count; i++) {
        onr_mem_free(mem, buffers[i].data, buffers[i].capacity);
    }
    onr_mem_free(mem, buffers, count * sizeof *buffers);
}
