/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look inside a model: the stages that it goes through on its way to a run, as text or JSON.
 */
#ifndef ONNXRUN_INSPECT_H
#define ONNXRUN_INSPECT_H

#include <onnxrun/onnxrun.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum onnxrun_stage {
    /* the file: signature, weights, nodes as written; also if it cannot run */
    ONNXRUN_STAGE_MODEL = 0,
    ONNXRUN_STAGE_GRAPH = 1,   /* after the passes, with inferred types and shapes */
    ONNXRUN_STAGE_PROGRAM = 2, /* operators bound to kernels, weights packed */
    ONNXRUN_STAGE_PLAN = 3,    /* for concrete dimensions: steps, offsets, memory */
    /* what led from MODEL to GRAPH: nodes that went, fusions, near misses; what is not supported */
    ONNXRUN_STAGE_PASSES = 4
} onnxrun_stage;

typedef enum onnxrun_format { ONNXRUN_FORMAT_TEXT = 0, ONNXRUN_FORMAT_JSON = 1 } onnxrun_format;

/* A symbolic dimension and the number to take for it. */
typedef struct onnxrun_dim {
    const char *name;
    int64_t value;
} onnxrun_dim;

/*
 * Prints one stage of the model in the file at path into *text, which the caller frees with
 * onnxrun_text_free. dims [dim_count] give numbers to symbolic dimensions and are used by the stage
 * PLAN alone, where one that is not given counts as 1.
 * Errors: as onnxrun_model_load; for the stage MODEL only those of a file that cannot be read or
 * parsed. With UNSUPPORTED the stage PASSES sets *text all the same, unless it is the signature that
 * is not supported: each operator that is missing, with all nodes that need it.
 */
ONNXRUN_API onnxrun_status onnxrun_describe(const char *path, onnxrun_stage stage,
                                            onnxrun_format format, const onnxrun_dim *dims,
                                            size_t dim_count, char **text, onnxrun_error *error);

ONNXRUN_API void onnxrun_text_free(char *text);

/* One row of the table of operators: what this build can run. Strings have static storage. */
typedef struct onnxrun_op_info {
    const char *domain; /* "" is ai.onnx */
    const char *name;
    int32_t since_version;
    int32_t last_version;
    /* of the first input; bit n stands for the onnxrun_dtype n; 0: no input */
    uint32_t input_dtypes;
} onnxrun_op_info;

ONNXRUN_API size_t onnxrun_op_count(void);
/* Error: ARGUMENT when index is out of range. */
ONNXRUN_API onnxrun_status onnxrun_op_at(size_t index, onnxrun_op_info *info, onnxrun_error *error);

#ifdef __cplusplus
}
#endif

#endif
