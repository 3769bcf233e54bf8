/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StringNormalizer (ai.onnx), version 10+.
 * https://onnx.ai/onnx/operators/onnx__StringNormalizer.html
 *
 * y = the strings of x that are no stop words, in the wanted case
 *
 * Shapes    x: [C] or [1, C]; y: [K] or [1, K].
 * Types     string.
 * Attrs     stopwords: strings, default none; whole elements are compared. is_case_sensitive: int,
 *           default 0: letters are compared without case. case_change_action: "LOWER", "UPPER" or
 *           "NONE" (default). locale: accepted; letters change as in Unicode's rules for all
 *           languages (text/letter_case.h), so Turkish and Azeri, whose i differs, are refused.
 * Edge      When nothing is left y is one empty string. Bytes that are no UTF-8 stay.
 * Aliasing  The characters of y are those of x, unless the case changes.
 */
#include "base/size.h"
#include "ops/common/check_dims.h"
#include "ops/common/sort.h"
#include "ops/common/strings.h"
#include "ops/text/letter_case.h"

#include <string.h>

typedef uint32_t (*case_fn)(uint32_t code);

struct normalizer {
    case_fn change;  /* NULL: none */
    case_fn compare; /* NULL: bytes are compared */
    const struct onr_string *words;
    int64_t *order; /* of the words, sorted */
    size_t word_count;
};

static enum onr_status read_action(const struct onr_node *node, case_fn *change,
                                   struct onr_error *err)
{
    static const char *const names[] = {"NONE", "LOWER", "UPPER", NULL};
    static const case_fn changes[] = {NULL, onr_to_lower, onr_to_upper};
    size_t action = 0;
    struct onr_string locale = onr_attr_string(node, "locale", "");
    ONR_TRY(onr_check_attr_choice(node, "case_change_action", names, &action, err));
    *change = changes[action];
    if (locale.length >= 2 &&
        (memcmp(locale.data, "tr", 2) == 0 || memcmp(locale.data, "az", 2) == 0)) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "locale \"%.*s\" has a case of i of its own",
                        (int)(locale.length < 32 ? locale.length : 32), locale.data);
    }
    return ONR_OK;
}

static enum onr_status normalizer_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    case_fn change = NULL;
    ONR_TRY(read_action(ctx->node, &change, ctx->err));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 1 || x->rank > 2 || (x->rank == 2 && x->dim[0] >= 0 && x->dim[0] != 1)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has shape %s, expected C or 1xC",
                              onr_shape_text(x, text));
    }
    ctx->outputs[0].shape = *x;
    ctx->outputs[0].shape.dim[0] = 1;
    ctx->outputs[0].shape.dim[x->rank - 1] = ONR_DIM_UNKNOWN;
    return ONR_OK;
}

/* Order of the strings with their letters mapped; change NULL: of their bytes. */
static int compare_mapped(struct onr_string a, struct onr_string b, case_fn change)
{
    if (change == NULL || a.length == 0 || b.length == 0) {
        return onr_string_compare(a, b);
    }
    const char *p = a.data;
    const char *q = b.data;
    const char *end_a = a.data + a.length;
    const char *end_b = b.data + b.length;
    while (p < end_a && q < end_b) {
        uint32_t left = change(onr_utf8_next(&p, end_a));
        uint32_t right = change(onr_utf8_next(&q, end_b));
        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    return (p < end_a) - (q < end_b);
}

static int compare_words(const void *arg, int64_t a, int64_t b)
{
    const struct normalizer *state = arg;
    return compare_mapped(state->words[a], state->words[b], state->compare);
}

static enum onr_status normalizer_prepare(struct onr_prepare_ctx *ctx)
{
    struct normalizer *state = ONR_ARENA_NEW(ctx->arena, struct normalizer);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of StringNormalizer");
    }
    ONR_TRY(read_action(ctx->node, &state->change, ctx->err));
    if (onr_attr_int(ctx->node, "is_case_sensitive", 0) == 0) {
        state->compare = state->change == onr_to_upper ? onr_to_upper : onr_to_lower;
    }
    state->words = onr_attr_strings(ctx->node, "stopwords", &state->word_count);
    state->order = ONR_ARENA_ARRAY(ctx->arena, state->word_count, int64_t);
    int64_t *spare = ONR_ARENA_ARRAY(ctx->arena, state->word_count, int64_t);
    if (state->order == NULL || spare == NULL) {
        return onr_fail_memory(ctx->err, "state of StringNormalizer");
    }
    onr_sort(state->word_count, state->order, spare, compare_words, state);
    ctx->state = state;
    return ONR_OK;
}

/* A word that is sought among the stop words. */
struct sought {
    const struct normalizer *state;
    struct onr_string word;
};

static int compare_sought(const void *arg, int64_t a)
{
    const struct sought *sought = arg;
    return compare_mapped(sought->state->words[a], sought->word, sought->state->compare);
}

static bool is_stop_word(const struct normalizer *state, struct onr_string word)
{
    struct sought sought = {.state = state, .word = word};
    return onr_sorted_find(state->word_count, state->order, compare_sought, &sought) >= 0;
}

/* Replaces the text of a string by one with other letters. */
static enum onr_status change_case(struct onr_run_ctx *ctx, case_fn change, struct onr_string *text)
{
    if (change == NULL || text->length == 0) {
        return ONR_OK;
    }
    /* The other case of a letter of 2 bytes has at most 3, that of a letter of 1 byte 1. */
    size_t room = 0;
    if (!onr_size_add(text->length, text->length / 2, &room)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "a string is too long");
    }
    char *out = ctx->host->alloc_bytes(ctx, room);
    if (out == NULL) {
        return onr_fail_memory(ctx->err, "text of a string tensor");
    }
    const char *at = text->data;
    const char *end = text->data + text->length;
    size_t length = 0;
    while (at < end) {
        char bytes[ONR_UTF8_BYTES];
        size_t count = onr_utf8_put(change(onr_utf8_next(&at, end)), bytes);
        memcpy(out + length, bytes, count);
        length += count;
    }
    *text = (struct onr_string){.data = out, .length = length};
    return ONR_OK;
}

static enum onr_status normalizer_run(struct onr_run_ctx *ctx)
{
    const struct normalizer *state = ctx->state;
    const struct onr_string *x = ctx->inputs[0]->data;
    size_t count = (size_t)onr_tensor_count(ctx->inputs[0]);
    struct onr_shape shape = ctx->inputs[0]->shape;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        kept += is_stop_word(state, x[i]) ? 0 : 1;
    }
    shape.dim[shape.rank - 1] = kept > 0 ? (int64_t)kept : 1;
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &shape));
    struct onr_string *y = ctx->outputs[0]->data;
    y[0] = (struct onr_string){.data = "", .length = 0};
    kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_stop_word(state, x[i])) {
            y[kept] = x[i];
            ONR_TRY(change_case(ctx, state->change, &y[kept]));
            kept++;
        }
    }
    return ONR_OK;
}

static const struct onr_attr_spec normalizer_attrs[] = {
    {"case_change_action", ONR_ATTR_STRING, false},
    {"is_case_sensitive", ONR_ATTR_INT, false},
    {"locale", ONR_ATTR_STRING, false},
    {"stopwords", ONR_ATTR_STRINGS, false},
    {0}};
static const struct onr_param_spec string_specs[] = {{ONR_BIT(STRING), 0}, {0}};

extern const struct onr_op_def onr_ops_string_normalizer[];
const struct onr_op_def onr_ops_string_normalizer[] = {
    {.domain = "",
     .name = "StringNormalizer",
     .since_version = 10,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = normalizer_attrs,
     .input_specs = string_specs,
     .output_specs = string_specs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = normalizer_infer,
     .prepare = normalizer_prepare,
     .run = normalizer_run},
    {.name = NULL},
};
