/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/attention/attention_layout.h"

#include <inttypes.h>
#include <string.h>

#define LETTERS "bnshpx1"

/* Each letter but 1 at most once, h or p and nothing else at the end. */
static bool is_order(struct onr_string order)
{
    bool has[sizeof LETTERS] = {false};
    if (order.length == 0 || order.length > ONR_LAYOUT_AXES) {
        return false;
    }
    for (size_t i = 0; i < order.length; i++) {
        const char *letter = order.data[i] != '\0' ? strchr(LETTERS, order.data[i]) : NULL;
        bool is_last = i + 1 == order.length;
        if (letter == NULL || is_last != (*letter == 'h' || *letter == 'p') ||
            (*letter != '1' && has[letter - LETTERS])) {
            return false;
        }
        has[letter - LETTERS] = true;
    }
    return !(has[1] && has[4]); /* heads are an axis, or in p */
}

static enum onr_status read_part(const struct onr_node *node, const char *name,
                                 struct onr_head_layout *layout, struct onr_error *err)
{
    char part[] = "?_part";
    size_t count = 0;
    part[0] = name[0];
    const int64_t *ints = onr_attr_ints(node, part, &count);
    bool is_packed = strchr(layout->order, 'p') != NULL;
    bool is_valid = count == 5 || (count == 0 && !is_packed && strchr(layout->order, 'x') == NULL);
    for (size_t i = 0; i < count && is_valid; i++) {
        is_valid = ints[i] >= 0 && ints[i] <= INT32_MAX;
    }
    if (!is_valid) {
        return onr_fail(err, ONR_ERR_VALUE,
                        "attribute %s: expected index, offset, width, heads and stride", part);
    }
    if (count == 5) {
        layout->index = ints[0];
        layout->offset = ints[1];
        layout->width = ints[2];
        layout->heads = ints[3];
        layout->stride = ints[4];
    }
    return ONR_OK;
}

enum onr_status onr_head_layout_read(const struct onr_node *node, const char *name,
                                     struct onr_head_layout *layout, struct onr_error *err)
{
    struct onr_string order = onr_attr_string(node, name, "bnsh");
    *layout = (struct onr_head_layout){.heads = 1};
    if (!is_order(order)) {
        return onr_fail(err, ONR_ERR_VALUE, "attribute %s: expected an order of axes like bnsh",
                        name);
    }
    memcpy(layout->order, order.data, order.length);
    return read_part(node, name, layout, err);
}

/* Whether heads of this width lie in an axis of this extent, as far as that is known. */
static bool is_part_of(const struct onr_head_layout *layout, int64_t width, int64_t extent)
{
    int64_t last = layout->offset + (layout->heads > 0 ? (layout->heads - 1) * layout->stride : 0);
    return extent < 0 || last <= extent - width;
}

enum onr_status onr_head_layout_dims(const struct onr_head_layout *layout, const char *name,
                                     const struct onr_shape *shape, struct onr_head_dims *dims,
                                     struct onr_error *err)
{
    char text[ONR_SHAPE_TEXT_BYTES];
    *dims = (struct onr_head_dims){1, 1, 1, 1};
    if (shape->rank != (int)strlen(layout->order)) {
        return onr_fail(err, ONR_ERR_SHAPE, "%s has rank %d, expected %zu", name, shape->rank,
                        strlen(layout->order));
    }
    bool fits = true;
    for (int i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dim[i];
        switch (layout->order[i]) {
        case 'b':
            dims->batch = dim;
            break;
        case 'n':
            dims->heads = dim;
            break;
        case 's':
            dims->rows = dim;
            break;
        case 'h':
            dims->width = layout->width > 0 ? layout->width : dim;
            fits &= is_part_of(layout, dims->width, dim);
            break;
        case 'p':
            dims->heads = layout->heads;
            dims->width = layout->width;
            fits &= is_part_of(layout, dims->width, dim);
            break;
        case 'x':
            fits &= dim < 0 || layout->index < dim;
            break;
        default:
            fits &= dim < 0 || dim == 1;
            break;
        }
    }
    return fits ? ONR_OK
                : onr_fail(err, ONR_ERR_SHAPE, "%s of shape %s does not have the part of %s", name,
                           onr_shape_text(shape, text), layout->order);
}

struct onr_shape onr_head_layout_shape(const struct onr_head_layout *layout,
                                       const struct onr_head_dims *dims)
{
    struct onr_shape shape = {.rank = (int)strlen(layout->order)};
    for (int i = 0; i < shape.rank; i++) {
        char letter = layout->order[i];
        shape.dim[i] = letter == 'b'   ? dims->batch
                       : letter == 'n' ? dims->heads
                       : letter == 's' ? dims->rows
                       : letter == 'h' ? dims->width
                                       : 1;
    }
    return shape;
}

struct onr_head_strides onr_head_layout_strides(const struct onr_head_layout *layout,
                                                const struct onr_shape *shape,
                                                const struct onr_head_dims *dims, size_t *first)
{
    int64_t strides[ONR_MAX_RANK];
    struct onr_head_strides found = {0, 0, 0};
    onr_shape_strides(shape, strides);
    *first = (size_t)layout->offset;
    for (int i = 0; i < shape->rank; i++) {
        size_t stride = (size_t)strides[i];
        switch (layout->order[i]) {
        case 'b':
            found.batch = dims->batch == 1 ? 0 : stride;
            break;
        case 'n':
            found.head = dims->heads == 1 ? 0 : stride;
            break;
        case 's':
            found.row = dims->rows == 1 ? 0 : stride;
            break;
        case 'p':
            found.head = dims->heads == 1 ? 0 : (size_t)layout->stride;
            break;
        case 'x':
            *first += (size_t)layout->index * stride;
            break;
        default:
            break;
        }
    }
    return found;
}
