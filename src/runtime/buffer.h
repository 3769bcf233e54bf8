/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of outputs whose size is known only when they are made; it grows and is kept for later runs. */
#ifndef ONR_RUNTIME_BUFFER_H
#define ONR_RUNTIME_BUFFER_H

#include "base/error.h"
#include "base/mem.h"

struct onr_buffer {
    void *data; /* NULL before the first use */
    size_t capacity;
};

/* Room for bytes (> 0); what the buffer holds is kept. Error: ONR_ERR_MEMORY. */
enum onr_status onr_buffer_reserve(struct onr_mem *mem, struct onr_buffer *buffer, size_t bytes,
                                   struct onr_error *err) ONR_MUST_USE;

/* Frees count buffers and the array that holds them, which may be NULL. */
void onr_buffers_free(struct onr_mem *mem, struct onr_buffer *buffers, size_t count);

#endif
