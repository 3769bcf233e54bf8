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
    /* what led from MODEL to GRAPH: nodes that went, fusions, near misses; what is not supported.
     * And which kernels a run takes for concrete dimensions, and in which types it computes */
    ONNXRUN_STAGE_PASSES = 4,
    ONNXRUN_STAGE_SUMMARY =
        5, /* MODEL without its weights and nodes one by one; as JSON with them */
    /* MODEL with inferred types and shapes, the numbers of its values kept; nodes that nobody needs
     * are gone. Of what follows from an operator that is missing nothing is known. For
     * onnxrun_model_open alone */
    ONNXRUN_STAGE_TYPES = 6
} onnxrun_stage;

typedef enum onnxrun_format { ONNXRUN_FORMAT_TEXT = 0, ONNXRUN_FORMAT_JSON = 1 } onnxrun_format;

/* A dimension of inputs without a number, by its symbol, or INPUT/AXIS ("x/0") when it has none, and
 * the number to take for it. */
typedef struct onnxrun_dim {
    const char *name;
    int64_t value;
} onnxrun_dim;

/*
 * Prints one stage of the model in the file at path into *text, which the caller frees with
 * onnxrun_text_free. dims [dim_count] give numbers to symbolic dimensions and are used by the stages
 * PLAN and PASSES alone, where one that is not given counts as 1. PASSES is also shown of a model
 * that cannot be planned for them, and says why.
 * Errors: as onnxrun_model_load; for the stage MODEL only those of a file that cannot be read or
 * parsed; for PLAN and PASSES also ARGUMENT when no input has a dimension of a name in dims. With
 * UNSUPPORTED the stage PASSES sets *text all the same, unless it is the signature that is not
 * supported: each operator that is missing, with all nodes that need it.
 */
ONNXRUN_API onnxrun_status onnxrun_describe(const char *path, onnxrun_stage stage,
                                            onnxrun_format format, const onnxrun_dim *dims,
                                            size_t dim_count, char **text, onnxrun_error *error);

ONNXRUN_API void onnxrun_text_free(char *text);

/* ---- the parts of a model ---- */

/* The main graph, or a body of a node (If, Loop, Scan), and a tensor that is stored in the model.
 * Both are borrowed from the model. */
typedef struct onr_graph onnxrun_graph;
typedef struct onr_constant onnxrun_weight;

/* In lists of values: an optional input that is absent, or an output that is not wanted. */
#define ONNXRUN_NO_VALUE UINT32_MAX

/*
 * Loads the file up to a stage, MODEL, TYPES, GRAPH or PROGRAM, to look at its parts; also those of nodes
 * that onnxrun_model_load leaves out, their metadata. Calls of functions are inlined. Sessions can
 * be made of a model at PROGRAM. Free with onnxrun_model_free.
 * Errors: as onnxrun_model_load, up to the stage; *model is NULL then.
 */
ONNXRUN_API onnxrun_status onnxrun_model_open(const char *path,
                                              const onnxrun_model_options *options,
                                              onnxrun_stage stage, onnxrun_model **model,
                                              onnxrun_error *error);

ONNXRUN_API const onnxrun_graph *onnxrun_model_graph(const onnxrun_model *model);

/* An operator set that the model imports; domain "" is ai.onnx. Error: ARGUMENT behind the last. */
ONNXRUN_API onnxrun_status onnxrun_model_opset(const onnxrun_model *model, size_t index,
                                               const char **domain, int64_t *version,
                                               onnxrun_error *error);

/* Values and nodes are numbered from 0; nodes are in the order in which they run. */
typedef struct onnxrun_graph_info {
    const char *name;
    uint32_t value_count;
    uint32_t node_count;
    uint32_t input_count; /* of a body: without what it captures */
    uint32_t output_count;
    const uint32_t *inputs;          /* [input_count] values */
    const uint32_t *outputs;         /* [output_count] values */
    const char *const *output_names; /* [output_count] as declared; a value may have another name */
} onnxrun_graph_info;

ONNXRUN_API void onnxrun_graph_get_info(const onnxrun_graph *graph, onnxrun_graph_info *info);

/* What is known of a value; *weight is its content when the model stores one, else NULL.
 * Error: ARGUMENT when index is out of range, here and below. */
ONNXRUN_API onnxrun_status onnxrun_graph_value(const onnxrun_graph *graph, uint32_t index,
                                               onnxrun_value_info *info,
                                               const onnxrun_weight **weight, onnxrun_error *error);

typedef struct onnxrun_node {
    const char *name; /* "" when the file gives none */
    const char *op_type;
    const char *domain;      /* "" is ai.onnx */
    int64_t version;         /* of the domain's operator set */
    const uint32_t *inputs;  /* [input_count] values or ONNXRUN_NO_VALUE */
    const uint32_t *outputs; /* [output_count] likewise */
    uint32_t input_count;
    uint32_t output_count;
    uint32_t attribute_count; /* without the bodies */
    uint32_t body_count;
    uint32_t metadata_count; /* kept by onnxrun_model_open alone */
} onnxrun_node;

ONNXRUN_API onnxrun_status onnxrun_graph_node(const onnxrun_graph *graph, uint32_t index,
                                              onnxrun_node *node, onnxrun_error *error);

/* Numbered as AttributeProto.AttributeType. */
typedef enum onnxrun_attribute_kind {
    ONNXRUN_ATTRIBUTE_FLOAT = 1,
    ONNXRUN_ATTRIBUTE_INT = 2,
    ONNXRUN_ATTRIBUTE_STRING = 3,
    ONNXRUN_ATTRIBUTE_TENSOR = 4,
    ONNXRUN_ATTRIBUTE_FLOATS = 6,
    ONNXRUN_ATTRIBUTE_INTS = 7,
    ONNXRUN_ATTRIBUTE_STRINGS = 8,
    ONNXRUN_ATTRIBUTE_TENSORS = 9,
    ONNXRUN_ATTRIBUTE_OTHER = 11, /* sparse tensors, lists of types: the name alone is known */
    ONNXRUN_ATTRIBUTE_TYPE = 13
} onnxrun_attribute_kind;

/* The pointer that the kind asks for is set: to count elements, one unless the kind is a list. */
typedef struct onnxrun_attribute {
    const char *name;
    onnxrun_attribute_kind kind;
    size_t count;
    const float *floats;
    const int64_t *ints;
    const onnxrun_string *strings;
    const onnxrun_weight *const *tensors;
    onnxrun_value_info type; /* its name is "" */
} onnxrun_attribute;

ONNXRUN_API onnxrun_status onnxrun_node_attribute(const onnxrun_graph *graph, uint32_t node,
                                                  uint32_t index, onnxrun_attribute *attribute,
                                                  onnxrun_error *error);

/* A body, a graph that is an attribute. Capture i, a value of the graph around it, is the body's
 * value inputs[i]. */
typedef struct onnxrun_body {
    const char *attribute;
    const onnxrun_graph *graph;
    const uint32_t *captures; /* [capture_count] */
    const uint32_t *inputs;   /* [capture_count] */
    uint32_t capture_count;
} onnxrun_body;

ONNXRUN_API onnxrun_status onnxrun_node_body(const onnxrun_graph *graph, uint32_t node,
                                             uint32_t index, onnxrun_body *body,
                                             onnxrun_error *error);

ONNXRUN_API onnxrun_status onnxrun_node_metadata(const onnxrun_graph *graph, uint32_t node,
                                                 uint32_t index, const char **key,
                                                 const char **value, onnxrun_error *error);

typedef struct onnxrun_weight_info {
    onnxrun_dtype dtype;
    uint32_t rank;
    const int64_t *dims; /* [rank] */
    size_t count;        /* elements */
    size_t bytes;        /* stored: less than one for an element of fewer than 8 bits */
    const char *file;    /* that holds it beside the model file; NULL: none, or the model file */
    /* where it begins in file, or in the model file; UINT64_MAX when it is in neither as it is */
    uint64_t offset;
} onnxrun_weight_info;

ONNXRUN_API void onnxrun_weight_get_info(const onnxrun_model *model, const onnxrun_weight *weight,
                                         onnxrun_weight_info *info);

/* Copies the elements [begin, begin + count), as in a tensor's data, to out; begin is a multiple of
 * 8. Error: ARGUMENT. */
ONNXRUN_API onnxrun_status onnxrun_weight_read(const onnxrun_weight *weight, size_t begin,
                                               size_t count, void *out, onnxrun_error *error);

/* What a node of the main graph costs. */
typedef struct onnxrun_step_cost {
    uint32_t node;
    uint64_t flops;      /* floating-point operations of matrix products */
    uint64_t read_bytes; /* of the inputs, those of a lookup counted as often as they are picked */
    uint64_t written_bytes; /* of the outputs */
    uint64_t memory_bytes;  /* of intermediate results and scratch, alive while it runs */
} onnxrun_step_cost;

typedef struct onnxrun_cost {
    size_t step_count;
    uint64_t flops;
    uint64_t read_bytes;
    uint64_t written_bytes;
    uint64_t memory_bytes; /* largest; where weights, inputs and outputs lie is not counted */
    int32_t is_complete;   /* 0: what follows the last step depends on data */
} onnxrun_cost;

/*
 * Tells on_step, unless it is NULL, what each node that is run costs for given dimensions, in order,
 * and sums it up. Bodies are not counted. A symbolic dimension that is not given counts as 1.
 * Errors: ARGUMENT (the model is not at PROGRAM, or no input has a dimension of this name), SHAPE,
 * and all that a run may find in shapes.
 */
ONNXRUN_API onnxrun_status
onnxrun_model_cost(const onnxrun_model *model, const onnxrun_dim *dims, size_t dim_count,
                   void (*on_step)(void *user, const onnxrun_step_cost *cost), void *user,
                   onnxrun_cost *total, onnxrun_error *error);

/* ---- operators ---- */

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
