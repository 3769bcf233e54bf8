/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of fused nodes. */
#include "graph/passes/fuse.h"

#include <assert.h>
#include <string.h>

void onr_fused_int(struct onr_fused *fused, const char *name, int64_t number)
{
    fused->attrs[fused->attr_count++] =
        (struct onr_attr){.name = name, .kind = ONR_ATTR_INT, .count = 1, .as.i = number};
}

void onr_fused_float(struct onr_fused *fused, const char *name, float number)
{
    fused->attrs[fused->attr_count++] =
        (struct onr_attr){.name = name, .kind = ONR_ATTR_FLOAT, .count = 1, .as.f = number};
}

void onr_fused_string(struct onr_fused *fused, const char *name, const char *text)
{
    size_t length = strlen(text);
    char *copy = fused->text + fused->text_length;
    assert(fused->text_length + length <= ONR_FUSED_TEXT);
    memcpy(copy, text, length);
    fused->text_length += length;
    fused->attrs[fused->attr_count++] = (struct onr_attr){
        .name = name, .kind = ONR_ATTR_STRING, .count = 1, .as.s = {copy, length}};
}

void onr_fused_ints(struct onr_fused *fused, const char *name, const int64_t *numbers, size_t count)
{
    int64_t *copy = fused->ints + fused->int_count;
    assert(fused->int_count + count <= ONR_FUSED_INTS);
    memcpy(copy, numbers, count * sizeof *copy);
    fused->int_count += count;
    fused->attrs[fused->attr_count++] =
        (struct onr_attr){.name = name, .kind = ONR_ATTR_INTS, .count = count, .as.ints = copy};
}

void onr_fused_floats(struct onr_fused *fused, const char *name, const float *numbers, size_t count)
{
    float *copy = fused->floats + fused->float_count;
    assert(fused->float_count + count <= ONR_FUSED_FLOATS);
    memcpy(copy, numbers, count * sizeof *copy);
    fused->float_count += count;
    fused->attrs[fused->attr_count++] =
        (struct onr_attr){.name = name, .kind = ONR_ATTR_FLOATS, .count = count, .as.floats = copy};
}

struct onr_attr *onr_fused_copy_attrs(struct onr_arena *arena, const struct onr_fused *fused)
{
    struct onr_attr *attrs = onr_arena_copy(arena, fused->attrs, fused->attr_count * sizeof *attrs);
    bool is_copied = attrs != NULL;
    for (uint32_t i = 0; is_copied && i < fused->attr_count; i++) {
        struct onr_attr *attr = &attrs[i];
        if (attr->kind == ONR_ATTR_INTS) {
            attr->as.ints = onr_arena_copy(arena, attr->as.ints, attr->count * sizeof(int64_t));
            is_copied = attr->as.ints != NULL;
        } else if (attr->kind == ONR_ATTR_FLOATS) {
            attr->as.floats = onr_arena_copy(arena, attr->as.floats, attr->count * sizeof(float));
            is_copied = attr->as.floats != NULL;
        } else if (attr->kind == ONR_ATTR_STRING) {
            attr->as.s.data = onr_arena_string(arena, attr->as.s.data, attr->as.s.length);
            is_copied = attr->as.s.data != NULL;
        }
    }
    return is_copied ? attrs : NULL;
}
