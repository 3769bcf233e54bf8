/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of operands whose dimensions follow from other operands and attributes. */
#include "ops/common/check_dims.h"

#include <inttypes.h>
#include <stdio.h>

#define LIST_BYTES 256

enum onr_status onr_check_present(const struct onr_infer_ctx *ctx, uint32_t index)
{
    return onr_infer_has_input(ctx, index)
               ? ONR_OK
               : onr_infer_fail(ctx, ONR_ERR_MODEL, "required input %" PRIu32 " is empty", index);
}

enum onr_status onr_check_dims(const struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                               int rank, const int64_t *want)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    struct onr_shape expected = {.rank = rank};
    bool fits = shape->rank == rank;
    for (int d = 0; d < rank; d++) {
        expected.dim[d] = want[d];
        fits = fits && (want[d] < 0 || shape->dim[d] < 0 || shape->dim[d] == want[d]);
    }
    if (fits) {
        return ONR_OK;
    }
    char got_text[ONR_SHAPE_TEXT_BYTES];
    char want_text[ONR_SHAPE_TEXT_BYTES];
    return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has shape %s, expected %s", name,
                          onr_shape_text(shape, got_text), onr_shape_text(&expected, want_text));
}

enum onr_status onr_check_attr_int(const struct onr_infer_ctx *ctx, const char *name,
                                   int64_t fallback, int64_t low, int64_t high, int64_t *value)
{
    *value = onr_attr_int(ctx->node, name, fallback);
    if (*value < low || *value > high) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "attribute %s is %" PRId64 ", expected %" PRId64 " to %" PRId64, name,
                              *value, low, high);
    }
    return ONR_OK;
}

/* "a, b or c" of texts, cut where the buffer ends. */
static void list_texts(const char *const *texts, char list[LIST_BYTES])
{
    size_t used = 0;
    for (size_t i = 0; texts[i] != NULL; i++) {
        const char *before = i == 0 ? "" : texts[i + 1] == NULL ? " or " : ", ";
        int length = snprintf(list + used, LIST_BYTES - used, "%s%s", before, texts[i]);
        used += (size_t)length;
        if (used >= LIST_BYTES) {
            break;
        }
    }
}

enum onr_status onr_check_attr_choice(const struct onr_node *node, const char *name,
                                      const char *const *texts, size_t *choice,
                                      struct onr_error *err)
{
    struct onr_string text = onr_attr_string(node, name, texts[0]);
    for (*choice = 0; texts[*choice] != NULL; ++*choice) {
        if (onr_string_is(text, texts[*choice])) {
            return ONR_OK;
        }
    }
    char list[LIST_BYTES];
    list_texts(texts, list);
    return onr_fail(err, ONR_ERR_MODEL, "attribute %s is \"%.*s\", expected %s", name,
                    text.length < 32 ? (int)text.length : 32, text.data, list);
}

enum onr_status onr_divide_dim(const struct onr_infer_ctx *ctx, const char *name, int64_t dim,
                               int64_t parts, int64_t *part)
{
    *part = dim >= 0 ? dim / parts : ONR_DIM_UNKNOWN;
    if (dim >= 0 && dim % parts != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s: %" PRId64 " does not divide into %" PRId64,
                              name, dim, parts);
    }
    return ONR_OK;
}

enum onr_status onr_multiply_dim(const struct onr_infer_ctx *ctx, int d, int64_t dim,
                                 int64_t factor, int64_t *product)
{
    *product = onr_dim_mul(dim, factor);
    return *product != ONR_DIM_UNKNOWN || dim < 0 || factor < 0
               ? ONR_OK
               : onr_infer_fail(ctx, ONR_ERR_LIMIT,
                                "dimension %d of the output, %" PRId64 " * %" PRId64
                                ", is too large",
                                d, dim, factor);
}
