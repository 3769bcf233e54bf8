/* SPDX-License-Identifier: Apache-2.0 */
/* Types as people write them. */
#include "common/escape.h"
#include "common/inputs.h"

#include <inttypes.h>

void inputs_print_info(FILE *out, const onnxrun_value_info *info)
{
    escape_name(out, info->name);
    fputs(": ", out);
    inputs_print_type(out, info);
}

void inputs_print_type(FILE *out, const onnxrun_value_info *info)
{
    bool is_optional =
        info->kind == ONNXRUN_KIND_OPTIONAL || info->kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE;
    fputs(is_optional ? "optional " : "", out);
    if (info->kind == ONNXRUN_KIND_SEQUENCE || info->kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE) {
        fprintf(out, "sequence of %s", onnxrun_dtype_name(info->dtype));
        return;
    }
    fputs(onnxrun_dtype_name(info->dtype), out);
    if (info->rank < 0) {
        fputs(" of any shape", out);
        return;
    }
    for (int32_t i = 0; i < info->rank; i++) {
        fputs(i > 0 ? ", " : "[", out);
        if (info->dims[i] >= 0) {
            fprintf(out, "%" PRId64, info->dims[i]);
        } else {
            escape_name(out, info->symbols[i] != NULL ? info->symbols[i] : "?");
        }
    }
    fputs(info->rank > 0 ? "]" : "[]", out);
}

void inputs_print_tensor(FILE *out, const char *name, const onnxrun_tensor *tensor)
{
    escape_name(out, name);
    if (tensor == NULL) {
        fputs(": none", out);
        return;
    }
    size_t rank = onnxrun_tensor_rank(tensor);
    bool is_sequence = onnxrun_tensor_kind(tensor) == ONNXRUN_KIND_SEQUENCE;
    fprintf(out, ": %s%s[", is_sequence ? "sequence of " : "",
            onnxrun_dtype_name(onnxrun_tensor_dtype(tensor)));
    for (size_t i = 0; i < rank; i++) {
        fprintf(out, "%s%" PRId64, i > 0 ? ", " : "", onnxrun_tensor_dims(tensor)[i]);
    }
    fputs("]", out);
}
