/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes. The type says which value field counts (files of IR 1 have no type: then the field
 * that is there), and no other value field may be there. Graphs become bodies and are not handled
 * here.
 */
#include "graph/import/importer.h"

#include <string.h>

#define KIND_BIT(kind) (1u << (kind))

/* A set of the kinds whose value fields are present. Sparse tensors and lists of types count as
 * ONR_ATTR_OTHER. */
static unsigned present_kinds(const Onnx__AttributeProto *proto)
{
    unsigned kinds = 0;
    kinds |= proto->has_f ? KIND_BIT(ONR_ATTR_FLOAT) : 0;
    kinds |= proto->has_i ? KIND_BIT(ONR_ATTR_INT) : 0;
    kinds |= proto->has_s ? KIND_BIT(ONR_ATTR_STRING) : 0;
    kinds |= proto->t != NULL ? KIND_BIT(ONR_ATTR_TENSOR) : 0;
    kinds |= proto->g != NULL ? KIND_BIT(ONR_ATTR_GRAPH) : 0;
    kinds |= proto->n_floats > 0 ? KIND_BIT(ONR_ATTR_FLOATS) : 0;
    kinds |= proto->n_ints > 0 ? KIND_BIT(ONR_ATTR_INTS) : 0;
    kinds |= proto->n_strings > 0 ? KIND_BIT(ONR_ATTR_STRINGS) : 0;
    kinds |= proto->n_tensors > 0 ? KIND_BIT(ONR_ATTR_TENSORS) : 0;
    kinds |= proto->n_graphs > 0 ? KIND_BIT(ONR_ATTR_GRAPHS) : 0;
    kinds |= proto->tp != NULL ? KIND_BIT(ONR_ATTR_TYPE) : 0;
    kinds |= proto->sparse_tensor != NULL || proto->n_sparse_tensors > 0 || proto->n_type_protos > 0
                 ? KIND_BIT(ONR_ATTR_OTHER)
                 : 0;
    return kinds;
}

static enum onr_status find_kind(struct importer *im, const Onnx__AttributeProto *proto,
                                 enum onr_attr_kind *kind)
{
    unsigned present = present_kinds(proto);
    unsigned type = proto->has_type ? (unsigned)proto->type : 0;
    if (type > ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TYPE_PROTOS) {
        return onr_fail(im->err, ONR_ERR_MODEL, "attribute type %u is none", type);
    }
    if (type == 0) {
        unsigned i = ONR_ATTR_FLOAT;
        while (i <= ONR_ATTR_TYPE && present != KIND_BIT(i)) {
            i++;
        }
        type = i;
        if (i > ONR_ATTR_TYPE) {
            return onr_fail(im->err, ONR_ERR_MODEL, "the attribute has no type and %s",
                            present == 0 ? "no value" : "several values");
        }
    }
    *kind =
        type < ONR_ATTR_OTHER || type == ONR_ATTR_TYPE ? (enum onr_attr_kind)type : ONR_ATTR_OTHER;
    if ((present & ~KIND_BIT(*kind)) != 0) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the attribute has values of another type than %u",
                        type);
    }
    /* An absent number, string or list is the default of protobuf; an absent message is nothing. */
    if ((*kind == ONR_ATTR_TENSOR || *kind == ONR_ATTR_GRAPH || *kind == ONR_ATTR_TYPE) &&
        present == 0) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the attribute has no value");
    }
    return ONR_OK;
}

static enum onr_status import_constant(struct importer *im, const Onnx__TensorProto *proto,
                                       const struct call *call, const struct onr_constant **result)
{
    struct onr_constant *constant = ONR_ARENA_NEW(im->arena, struct onr_constant);
    if (constant == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    *result = constant;
    ONR_TRY(onr_import_tensor(&im->tensors, proto, constant, im->err));
    return onr_charge_inlined(im, call, onr_import_tensor_work(constant));
}

static enum onr_status import_strings(struct importer *im, size_t count,
                                      const ProtobufCBinaryData *texts,
                                      const struct onr_string **result)
{
    struct onr_string *strings = ONR_ARENA_ARRAY(im->arena, count, struct onr_string);
    *result = strings;
    for (size_t i = 0; strings != NULL && i < count; i++) {
        strings[i].length = texts[i].len;
        strings[i].data = onr_arena_string(im->arena, (const char *)texts[i].data, texts[i].len);
        if (strings[i].data == NULL) {
            return ONR_MEMORY_FAILED(im);
        }
    }
    return strings != NULL ? ONR_OK : ONR_MEMORY_FAILED(im);
}

static enum onr_status import_tensors(struct importer *im, const Onnx__AttributeProto *proto,
                                      const struct call *call, struct onr_attr *attr)
{
    const struct onr_constant **tensors =
        ONR_ARENA_ARRAY(im->arena, proto->n_tensors, const struct onr_constant *);
    if (tensors == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    for (size_t i = 0; i < proto->n_tensors; i++) {
        ONR_TRY(import_constant(im, proto->tensors[i], call, &tensors[i]));
    }
    attr->as.tensors = tensors;
    attr->count = proto->n_tensors;
    return ONR_OK;
}

static enum onr_status import_type(struct importer *im, const Onnx__TypeProto *proto,
                                   struct onr_attr *attr)
{
    struct onr_fact *type = ONR_ARENA_NEW(im->arena, struct onr_fact);
    if (type == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    attr->as.type = type;
    return onr_import_type(im, proto, type);
}

static enum onr_status import_value(struct importer *im, const Onnx__AttributeProto *proto,
                                    const struct call *call, struct onr_attr *attr)
{
    const struct onr_string *strings = NULL;
    attr->count = 1;
    switch (attr->kind) {
    case ONR_ATTR_FLOAT:
        attr->as.f = proto->f;
        return ONR_OK;
    case ONR_ATTR_INT:
        attr->as.i = proto->i;
        return ONR_OK;
    case ONR_ATTR_STRING:
        ONR_TRY(import_strings(im, 1, &proto->s, &strings));
        attr->as.s = strings[0];
        return ONR_OK;
    case ONR_ATTR_TENSOR:
        return import_constant(im, proto->t, call, &attr->as.tensor);
    case ONR_ATTR_FLOATS:
        attr->count = proto->n_floats;
        attr->as.floats =
            onr_arena_copy(im->arena, proto->floats, attr->count * sizeof *proto->floats);
        return attr->as.floats != NULL ? ONR_OK : ONR_MEMORY_FAILED(im);
    case ONR_ATTR_INTS:
        attr->count = proto->n_ints;
        attr->as.ints = onr_arena_copy(im->arena, proto->ints, attr->count * sizeof *proto->ints);
        return attr->as.ints != NULL ? ONR_OK : ONR_MEMORY_FAILED(im);
    case ONR_ATTR_STRINGS:
        attr->count = proto->n_strings;
        return import_strings(im, attr->count, proto->strings, &attr->as.strings);
    case ONR_ATTR_TENSORS:
        return import_tensors(im, proto, call, attr);
    case ONR_ATTR_TYPE:
        return import_type(im, proto->tp, attr);
    default:
        return ONR_OK;
    }
}

/* An attribute that takes its value from the call: *is_given is false when the call has none. */
static enum onr_status resolve_reference(struct importer *im, const Onnx__AttributeProto *proto,
                                         const struct call *call, struct onr_attr *attr,
                                         bool *is_given)
{
    const char *name = proto->ref_attr_name;
    uint32_t index = call != NULL ? onr_strmap_get(&call->attr_names, name) : ONR_STRMAP_NONE;
    if (index == ONR_STRMAP_NONE) {
        return onr_fail(im->err, ONR_ERR_MODEL,
                        "reference to \"%.128s\", which is no attribute of an enclosing function",
                        name);
    }
    if (present_kinds(proto) != 0) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the attribute has a reference and a value");
    }
    *is_given = index != ONR_ABSENT;
    if (index == ONR_ABSENT) {
        return ONR_OK;
    }
    const struct onr_attr *given = &call->attrs[index];
    unsigned type = proto->has_type ? (unsigned)proto->type : 0;
    if (type != 0 && (type < ONR_ATTR_OTHER || type == ONR_ATTR_TYPE) && type != given->kind) {
        return onr_fail(im->err, ONR_ERR_MODEL,
                        "reference to \"%.128s\" has type %u, the call gives type %u", name, type,
                        (unsigned)given->kind);
    }
    const char *own_name = attr->name;
    *attr = *given;
    attr->name = own_name;
    return ONR_OK;
}

/* *is_given is false for a graph, and for a reference that the call does not fill. */
static enum onr_status import_attr(struct importer *im, const Onnx__AttributeProto *proto,
                                   const struct call *call, struct onr_attr *attr, bool *is_given)
{
    *attr = (struct onr_attr){.name = onr_import_copy(im, proto->name)};
    if (attr->name == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    if (attr->name[0] == '\0') {
        return onr_fail(im->err, ONR_ERR_MODEL, "an attribute has no name");
    }
    if (onr_text_or_empty(proto->ref_attr_name)[0] != '\0') {
        return resolve_reference(im, proto, call, attr, is_given);
    }
    ONR_TRY(find_kind(im, proto, &attr->kind));
    *is_given = attr->kind != ONR_ATTR_GRAPH && attr->kind != ONR_ATTR_GRAPHS;
    return *is_given ? import_value(im, proto, call, attr) : ONR_OK;
}

/* Refuses two attributes of one name. */
static enum onr_status check_unique(struct importer *im, const Onnx__NodeProto *node)
{
    struct onr_strmap names;
    enum onr_status status = ONR_OK;
    onr_strmap_init(&names, im->mem);
    for (size_t i = 0; i < node->n_attribute && status == ONR_OK; i++) {
        const char *name = onr_text_or_empty(node->attribute[i]->name);
        if (onr_strmap_get(&names, name) != ONR_STRMAP_NONE) {
            status = onr_fail(im->err, ONR_ERR_MODEL, "attribute \"%.128s\" is given twice", name);
        } else if (!onr_strmap_put(&names, name, 0)) {
            status = ONR_MEMORY_FAILED(im);
        }
    }
    onr_strmap_free(&names);
    return status;
}

enum onr_status onr_import_attrs(struct importer *im, const Onnx__NodeProto *node,
                                 const struct call *call, struct onr_attr **attrs, uint32_t *count)
{
    *attrs = NULL;
    *count = 0;
    if (node->n_attribute == 0) {
        return ONR_OK;
    }
    if (node->n_attribute > ONR_MAX_ATTRS) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "%zu attributes, the limit is %d",
                        node->n_attribute, ONR_MAX_ATTRS);
    }
    if (node->n_attribute > 1) {
        ONR_TRY(check_unique(im, node));
    }
    *attrs = ONR_ARENA_ARRAY(im->arena, node->n_attribute, struct onr_attr);
    if (*attrs == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    for (size_t i = 0; i < node->n_attribute; i++) {
        bool is_given = false;
        enum onr_status status =
            import_attr(im, node->attribute[i], call, &(*attrs)[*count], &is_given);
        if (status != ONR_OK) {
            onr_error_prefix(im->err,
                             "attribute \"%.128s\": ", onr_text_or_empty(node->attribute[i]->name));
            return status;
        }
        *count += is_given;
    }
    return ONR_OK;
}

/* Lists the attributes that the function declares and those that the call gives. */
static enum onr_status index_attrs(struct importer *im, struct call *call)
{
    const Onnx__FunctionProto *function = call->function->proto;
    struct onr_strmap *names = &call->attr_names;
    bool is_done = true;
    for (size_t i = 0; i < function->n_attribute; i++) {
        is_done = is_done && onr_strmap_put(names, function->attribute[i], ONR_ABSENT);
    }
    for (size_t i = 0; i < function->n_attribute_proto; i++) {
        const char *name = onr_text_or_empty(function->attribute_proto[i]->name);
        is_done = is_done && onr_strmap_put(names, name, ONR_ABSENT);
    }
    for (uint32_t i = 0; i < call->attr_count; i++) {
        is_done = is_done && onr_strmap_put(names, call->attrs[i].name, i);
    }
    return is_done ? ONR_OK : ONR_MEMORY_FAILED(im);
}

enum onr_status onr_import_defaults(struct importer *im, struct call *call)
{
    const Onnx__FunctionProto *function = call->function->proto;
    size_t room = call->attr_count + function->n_attribute_proto;
    struct onr_attr *attrs = ONR_ARENA_ARRAY(im->arena, room, struct onr_attr);
    if (attrs == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    if (call->attr_count > 0) {
        memcpy(attrs, call->attrs, call->attr_count * sizeof *attrs);
    }
    call->attrs = attrs;
    ONR_TRY(index_attrs(im, call));
    for (size_t i = 0; i < function->n_attribute_proto; i++) {
        const Onnx__AttributeProto *proto = function->attribute_proto[i];
        struct onr_attr *attr = &attrs[call->attr_count];
        bool is_given = false;
        if (onr_strmap_get(&call->attr_names, onr_text_or_empty(proto->name)) != ONR_ABSENT) {
            continue;
        }
        ONR_TRY(import_attr(im, proto, NULL, attr, &is_given));
        if (is_given && !onr_strmap_put(&call->attr_names, attr->name, call->attr_count++)) {
            return ONR_MEMORY_FAILED(im);
        }
    }
    return ONR_OK;
}
