/* SPDX-License-Identifier: Apache-2.0 */
/* Checks and the writer of sequences. */
#include "ops/sequence/sequence.h"

#include "base/size.h"
#include "ops/common/copy.h"

#include <inttypes.h>

static enum onr_status check_kind(struct onr_infer_ctx *ctx, uint32_t index, enum onr_kind kind)
{
    const struct onr_fact *fact = ctx->inputs[index];
    bool is_unknown = onr_fact_is_tensor(fact) && fact->dtype == ONR_UNDEFINED &&
                      fact->shape.rank == ONR_RANK_UNKNOWN;
    if ((fact->kind == kind && !fact->is_optional) || is_unknown) {
        return ONR_OK;
    }
    return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is %s, expected a %s", index,
                          onr_fact_kind_text(fact),
                          kind == ONR_KIND_SEQUENCE ? "sequence" : "tensor");
}

enum onr_status onr_check_sequence(struct onr_infer_ctx *ctx, uint32_t index)
{
    return check_kind(ctx, index, ONR_KIND_SEQUENCE);
}

enum onr_status onr_check_tensor(struct onr_infer_ctx *ctx, uint32_t index)
{
    return check_kind(ctx, index, ONR_KIND_TENSOR);
}

void onr_infer_sequence(struct onr_infer_ctx *ctx, const struct onr_shape *item)
{
    ctx->outputs[0].kind = ONR_KIND_SEQUENCE;
    ctx->outputs[0].shape = *item;
}

struct onr_shape onr_shape_union(const struct onr_shape *a, const struct onr_shape *b)
{
    struct onr_shape both = *a;
    if (a->rank != b->rank) {
        both.rank = ONR_RANK_UNKNOWN;
    }
    for (int i = 0; i < both.rank; i++) {
        both.dim[i] = a->dim[i] == b->dim[i] ? a->dim[i] : ONR_DIM_UNKNOWN;
    }
    return both;
}

enum onr_status onr_sequence_position(struct onr_run_ctx *ctx, uint32_t index, int64_t count,
                                      int64_t limit, int64_t *position)
{
    const struct onr_tensor *input = ctx->inputs[index];
    if (onr_tensor_count(input) != 1) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "position has shape %s, expected one element",
                        onr_shape_text(&input->shape, text));
    }
    struct onr_fact fact = onr_fact_of_value(input);
    fact.data = input->data;
    int64_t value = onr_fact_int(&fact, 0);
    if (value < -count || value > limit) {
        return onr_fail(ctx->err, ONR_ERR_VALUE,
                        "position is %" PRId64 " in a sequence of %" PRId64 " tensors", value,
                        count);
    }
    *position = value < 0 ? value + count : value;
    return ONR_OK;
}

enum onr_status onr_sequence_begin(struct onr_sequence_writer *writer, struct onr_run_ctx *ctx,
                                   uint32_t output, enum onr_dtype dtype, int64_t capacity,
                                   size_t bytes)
{
    if (capacity > ONR_MAX_SEQUENCE) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT,
                        "a sequence of %" PRId64 " tensors, at most %" PRId64, capacity,
                        ONR_MAX_SEQUENCE);
    }
    size_t table = onr_sequence_table_bytes(capacity);
    *writer = (struct onr_sequence_writer){.ctx = ctx,
                                           .output = output,
                                           .capacity = capacity,
                                           .used = table,
                                           .room = table + (bytes < ONR_SIZE_LIMIT ? bytes : 0)};
    writer->room = writer->room > 0 ? writer->room : 1;
    struct onr_tensor *sequence = ctx->outputs[output];
    sequence->kind = ONR_KIND_SEQUENCE;
    sequence->dtype = dtype;
    sequence->shape = (struct onr_shape){.rank = 1};
    return ctx->host->alloc_storage(ctx, output, writer->room);
}

/* Makes room for so many bytes more; the tensors that are there move along. */
static enum onr_status make_room(struct onr_sequence_writer *writer, size_t bytes)
{
    struct onr_run_ctx *ctx = writer->ctx;
    struct onr_tensor *sequence = ctx->outputs[writer->output];
    size_t need = 0;
    if (!onr_size_add(writer->used, bytes, &need) || need > ONR_SIZE_LIMIT) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the sequence is too large");
    }
    if (need <= writer->room) {
        return ONR_OK;
    }
    uintptr_t old = (uintptr_t)sequence->data;
    writer->room = need > 2 * writer->room ? need : 2 * writer->room;
    ONR_TRY(ctx->host->alloc_storage(ctx, writer->output, writer->room));
    for (int64_t i = 0; i < onr_sequence_count(sequence); i++) {
        struct onr_tensor *item = &onr_sequence_items(sequence)[i];
        item->data = (char *)sequence->data + ((uintptr_t)item->data - old);
    }
    return ONR_OK;
}

enum onr_status onr_sequence_append(struct onr_sequence_writer *writer,
                                    const struct onr_shape *shape, struct onr_tensor **item)
{
    struct onr_tensor *sequence = writer->ctx->outputs[writer->output];
    size_t bytes = 0;
    if (!onr_sequence_item_bytes(shape, sequence->dtype, &bytes)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(writer->ctx->err, ONR_ERR_LIMIT, "a tensor of shape %s is too large",
                        onr_shape_text(shape, text));
    }
    ONR_TRY(make_room(writer, bytes));
    *item = &onr_sequence_items(sequence)[sequence->shape.dim[0]++];
    **item = (struct onr_tensor){
        .dtype = sequence->dtype, .shape = *shape, .data = (char *)sequence->data + writer->used};
    writer->used += bytes;
    return ONR_OK;
}

enum onr_status onr_sequence_append_copies(struct onr_sequence_writer *writer,
                                           const struct onr_tensor *items, int64_t begin,
                                           int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        struct onr_tensor *item = NULL;
        ONR_TRY(onr_sequence_append(writer, &items[i].shape, &item));
        onr_copy_bytes(writer->ctx->parallel, item->data, items[i].data,
                       onr_tensor_bytes(&items[i]));
    }
    return ONR_OK;
}
