/* SPDX-License-Identifier: Apache-2.0 */
/* Declared types to facts. */
#include "graph/import/importer.h"

#include <string.h>

/* The dimension that stands for a name; the same name is the same number wherever it occurs in the
 * model. */
static enum onr_status find_symbol(struct importer *im, const char *name, int64_t *dim)
{
    struct onr_graph *root = im->root;
    uint32_t index = onr_strmap_get(&im->symbols, name);
    if (index == ONR_STRMAP_NONE) {
        index = root->symbol_count;
        const char **symbols = onr_import_room(im->arena, root->symbols, root->symbol_count,
                                               &root->symbol_capacity, sizeof *symbols);
        char *copy = onr_import_copy(im, name);
        if (symbols == NULL || copy == NULL || !onr_strmap_put(&im->symbols, copy, index)) {
            return ONR_MEMORY_FAILED(im);
        }
        root->symbols = symbols;
        symbols[root->symbol_count++] = copy;
    }
    *dim = onr_dim_symbol(index);
    return ONR_OK;
}

static enum onr_status import_dim(struct importer *im, size_t index,
                                  const Onnx__TensorShapeProto__Dimension *proto, int64_t *dim)
{
    *dim = ONR_DIM_UNKNOWN;
    /* Paddle2ONNX calls every dimension that it does not know "?"; they need not be equal. */
    if (proto->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM &&
        onr_text_or_empty(proto->dim_param)[0] != '\0' && strcmp(proto->dim_param, "?") != 0) {
        return find_symbol(im, proto->dim_param, dim);
    }
    if (proto->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
        /* Old exporters wrote -1 for a dimension that varies. */
        if (proto->dim_value < -1) {
            return onr_fail(im->err, ONR_ERR_MODEL, "dimension %zu is %lld", index,
                            (long long)proto->dim_value);
        }
        *dim = proto->dim_value;
    }
    return ONR_OK;
}

static enum onr_status import_tensor_type(struct importer *im, int32_t elem_type,
                                          const Onnx__TensorShapeProto *shape,
                                          struct onr_fact *fact)
{
    if (!onr_dtype_is_valid(elem_type)) {
        return onr_fail(im->err, ONR_ERR_MODEL, "element type %d is none", elem_type);
    }
    fact->dtype = (enum onr_dtype)elem_type;
    if (shape == NULL) {
        return ONR_OK;
    }
    if (shape->n_dim > ONR_MAX_RANK) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "rank %zu is above the limit of %d", shape->n_dim,
                        ONR_MAX_RANK);
    }
    for (size_t i = 0; i < shape->n_dim; i++) {
        ONR_TRY(import_dim(im, i, shape->dim[i], &fact->shape.dim[i]));
    }
    fact->shape.rank = (int)shape->n_dim;
    if (onr_shape_is_known(&fact->shape) && onr_shape_count(&fact->shape) < 0) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the product of the dimensions overflows");
    }
    return ONR_OK;
}

enum onr_status onr_import_type(struct importer *im, const Onnx__TypeProto *type,
                                struct onr_fact *fact)
{
    *fact = (struct onr_fact){.shape.rank = ONR_RANK_UNKNOWN};
    while (type != NULL) {
        bool is_outermost = fact->kind == ONR_KIND_TENSOR && !fact->is_optional;
        const Onnx__TypeProto *inner = NULL;
        switch (type->value_case) {
        case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
            return import_tensor_type(im, type->tensor_type->elem_type, type->tensor_type->shape,
                                      fact);
        case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
            fact->kind = fact->kind == ONR_KIND_TENSOR ? ONR_KIND_SEQUENCE : ONR_KIND_OTHER;
            inner = type->sequence_type->elem_type;
            break;
        case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
            fact->kind = is_outermost ? fact->kind : ONR_KIND_OTHER;
            fact->is_optional = true;
            inner = type->optional_type->elem_type;
            break;
        case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        case ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
            fact->kind = ONR_KIND_OTHER;
            break;
        default:
            return onr_fail(im->err, ONR_ERR_MODEL, "the type is empty");
        }
        type = inner;
    }
    return ONR_OK;
}

void onr_import_hint(struct importer *im, const Onnx__ValueInfoProto *info, struct onr_fact *fact)
{
    struct onr_error ignored;
    struct onr_error *err = im->err;
    struct onr_fact hint;
    im->err = &ignored;
    if (info->type != NULL && onr_import_type(im, info->type, &hint) == ONR_OK) {
        *fact = hint;
    }
    im->err = err;
}
