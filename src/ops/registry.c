/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: op_list.h as a table, and the search in it. */
#include "ops/registry.h"

#include <string.h>

#define ONR_OP_FILE(file) extern const struct onr_op_def onr_ops_##file[];
#include "ops/op_list.h"
#undef ONR_OP_FILE

static const struct onr_op_def *const op_tables[] = {
#define ONR_OP_FILE(file) onr_ops_##file,
#include "ops/op_list.h"
#undef ONR_OP_FILE
    NULL,
};

static const struct onr_op_def *find_op(const char *domain, const char *name, int64_t version)
{
    const char *key = strcmp(domain, "ai.onnx") == 0 ? "" : domain;
    for (const struct onr_op_def *const *table = op_tables; *table != NULL; table++) {
        for (const struct onr_op_def *op = *table; op->name != NULL; op++) {
            if (version >= op->since_version && version <= op->last_version &&
                strcmp(op->name, name) == 0 && strcmp(op->domain, key) == 0) {
                return op;
            }
        }
    }
    return NULL;
}

static const char *explain_absence(const char *domain, const char *name)
{
    static const struct {
        const char *domain, *name, *reason;
    } known[] = {
        {"", "ImageDecoder", "needs a build with -DONNXRUN_IMAGE_DECODER=ON"},
        {"ai.onnx.ml", "ZipMap", "makes maps, which are not supported: export without it"},
        {"ai.onnx.ml", "CastMap", "takes maps, which are not supported"},
        {"ai.onnx.ml", "DictVectorizer", "takes maps, which are not supported"},
    };
    const char *key = strcmp(domain, "ai.onnx") == 0 ? "" : domain;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(key, known[i].domain) == 0 && strcmp(name, known[i].name) == 0) {
            return known[i].reason;
        }
    }
    return "";
}

const struct onr_registry onr_op_registry = {
    .tables = op_tables, .find = find_op, .explain = explain_absence};
