/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c on a short leash: it unpacks only skeletons, into an arena with a budget. */
#include "graph/import/wire.h"
#include "graph/import/wire_skeleton.h"

static void *budget_alloc(void *user, size_t bytes, size_t align)
{
    struct onr_wire_message *message = user;
    (void)align;
    void *block = onr_mem_alloc(message->mem, bytes);
    message->is_memory_out = block == NULL;
    return block;
}

static void budget_free(void *user, void *block, size_t bytes)
{
    struct onr_wire_message *message = user;
    onr_mem_free(message->mem, block, bytes);
}

static void *unpack_alloc(void *user, size_t bytes)
{
    return onr_arena_alloc(user, bytes);
}

/* Blocks go with the arena. */
static void unpack_free(void *user, void *block)
{
    (void)user;
    (void)block;
}

static enum onr_status unpack(const ProtobufCMessageDescriptor *root,
                              const struct onr_wire_skeleton *skeleton,
                              struct onr_wire_message *message, struct onr_error *err)
{
    static const uint8_t nothing[1];
    ProtobufCAllocator allocator = {
        .alloc = unpack_alloc, .free = unpack_free, .allocator_data = &message->arena};
    message->budget.cap_bytes = (size_t)skeleton->parse_bytes;
    message->root = protobuf_c_message_unpack(root, &allocator, skeleton->size,
                                              skeleton->size != 0 ? skeleton->data : nothing);
    if (message->root != NULL) {
        return ONR_OK;
    }
    /* The scan lets through only what protobuf-c takes, so memory is the reason. */
    if (message->is_memory_out) {
        return onr_fail_memory(err, "parsing");
    }
    return onr_fail(err, ONR_ERR_LIMIT,
                    "parsing takes more memory than the limit parse_bytes, %llu",
                    (unsigned long long)skeleton->parse_bytes);
}

enum onr_status onr_wire_read(const ProtobufCMessageDescriptor *root, const uint8_t *data,
                              size_t size, const struct onr_wire_limits *limits,
                              struct onr_mem *mem, struct onr_wire_message *message,
                              struct onr_error *err)
{
    const struct onr_allocator allocator = {
        .user = message, .alloc = budget_alloc, .free = budget_free};
    struct onr_wire_skeleton skeleton;
    *message = (struct onr_wire_message){.mem = mem};
    onr_mem_init(&message->budget, &allocator, 0);
    onr_arena_init(&message->arena, &message->budget);
    ONR_TRY(onr_wire_scan(root, data, size, limits, mem, &skeleton, err));
    enum onr_status status = unpack(root, &skeleton, message, err);
    onr_skeleton_free(&skeleton);
    return status;
}

void onr_wire_close(struct onr_wire_message *message)
{
    onr_arena_free(&message->arena);
    message->root = NULL;
}
