/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnxrun: run ONNX models of the Transformer family on a CPU.
 *
 * Two objects. A model is loaded once, is immutable, and serves any number of threads. A session is
 * one run context with its own memory; it is used by one thread at a time, is cheap, and a model
 * may have many.
 *
 *     onnxrun_error error;
 *     onnxrun_model *model;
 *     if (onnxrun_model_load("model.onnx", NULL, &model, &error) != ONNXRUN_OK)
 *         fprintf(stderr, "%s\n", error.message);
 *     onnxrun_session *session;
 *     onnxrun_session_create(model, NULL, &session, &error);
 *
 *     int64_t shape[] = {1, 3}, ids[] = {101, 7592, 102};
 *     onnxrun_tensor *x;
 *     onnxrun_tensor_wrap(ONNXRUN_INT64, 2, shape, ids, sizeof ids, &x, &error);
 *     onnxrun_binding in = {"input_ids", x}, out = {"logits", NULL};
 *     onnxrun_session_run(session, &in, 1, &out, 1, &error);
 *     const float *logits = onnxrun_tensor_data(out.tensor);
 *
 * Errors. Every call that can fail returns a status and takes an optional onnxrun_error that gets
 * the same status and a message which says where, what, got and expected. After any error the
 * objects still work. The library never ends the process, installs signal handlers or prints.
 *
 * Ownership. "Owns" means freed with its owner; "borrows" means the caller keeps it alive as long
 * as stated. Strings that are returned are UTF-8, borrowed from the object, and live as long as it.
 */
#ifndef ONNXRUN_ONNXRUN_H
#define ONNXRUN_ONNXRUN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    define ONNXRUN_API __attribute__((visibility("default")))
#else
#    define ONNXRUN_API
#endif

#define ONNXRUN_VERSION_MAJOR 0
#define ONNXRUN_VERSION_MINOR 1
#define ONNXRUN_VERSION_PATCH 0

/* ---- status ---- */

typedef enum onnxrun_status {
    ONNXRUN_OK = 0,
    ONNXRUN_ERR_ARGUMENT = 1,     /* the caller passed something impossible */
    ONNXRUN_ERR_IO = 10,          /* a file cannot be opened, mapped or read */
    ONNXRUN_ERR_PARSE = 11,       /* the bytes are no ONNX protobuf */
    ONNXRUN_ERR_MODEL = 12,       /* the model is wrong: it breaks the ONNX specification */
    ONNXRUN_ERR_UNSUPPORTED = 20, /* the model is right, this engine cannot run it */
    ONNXRUN_ERR_SHAPE = 30,       /* shapes do not fit each other or the model */
    ONNXRUN_ERR_VALUE = 40,       /* data is out of range, such as an index */
    ONNXRUN_ERR_MEMORY = 50,      /* no memory, or the session's cap is reached */
    ONNXRUN_ERR_LIMIT = 51,       /* the model exceeds a limit (onnxrun_limits) */
    ONNXRUN_ERR_CANCELLED = 60,   /* should_stop of the session said so */
    ONNXRUN_ERR_INTERNAL = 90     /* a bug in this library; please report it */
} onnxrun_status;

typedef struct onnxrun_error {
    onnxrun_status status;
    char message[2048]; /* UTF-8, terminated, one line; control bytes from files are escaped */
} onnxrun_error;

/* "invalid model" and so on. Static storage. */
ONNXRUN_API const char *onnxrun_status_text(onnxrun_status status);

/* Version of the library that runs: major << 16 | minor << 8 | patch. */
ONNXRUN_API uint32_t onnxrun_version(void);

/* ---- tensors ---- */

/* Element types, numbered as in ONNX TensorProto.DataType. */
typedef enum onnxrun_dtype {
    ONNXRUN_UNDEFINED = 0,
    ONNXRUN_FLOAT = 1,
    ONNXRUN_UINT8 = 2,
    ONNXRUN_INT8 = 3,
    ONNXRUN_UINT16 = 4,
    ONNXRUN_INT16 = 5,
    ONNXRUN_INT32 = 6,
    ONNXRUN_INT64 = 7,
    ONNXRUN_STRING = 8, /* elements are onnxrun_string */
    ONNXRUN_BOOL = 9,   /* one byte, 0 or 1 */
    ONNXRUN_FLOAT16 = 10,
    ONNXRUN_DOUBLE = 11,
    ONNXRUN_UINT32 = 12,
    ONNXRUN_UINT64 = 13,
    ONNXRUN_COMPLEX64 = 14,
    ONNXRUN_COMPLEX128 = 15,
    ONNXRUN_BFLOAT16 = 16,
    ONNXRUN_FLOAT8E4M3FN = 17,
    ONNXRUN_FLOAT8E4M3FNUZ = 18,
    ONNXRUN_FLOAT8E5M2 = 19,
    ONNXRUN_FLOAT8E5M2FNUZ = 20,
    /* types of less than a byte: one element per byte, int4 and int2 sign-extended */
    ONNXRUN_UINT4 = 21,
    ONNXRUN_INT4 = 22,
    ONNXRUN_FLOAT4E2M1 = 23,
    ONNXRUN_FLOAT8E8M0 = 24,
    ONNXRUN_UINT2 = 25,
    ONNXRUN_INT2 = 26,
    ONNXRUN_FLOAT6E2M3 = 27,
    ONNXRUN_FLOAT6E3M2 = 28
} onnxrun_dtype;

#define ONNXRUN_MAX_RANK 16

/* One element of a string tensor: length bytes of UTF-8, not terminated. */
typedef struct onnxrun_string {
    const char *data;
    size_t length;
} onnxrun_string;

/*
 * A dense row-major tensor, or a sequence of tensors of one dtype (onnxrun_tensor_kind): that is of
 * rank 1 and counts its tensors, but has no data. Dtype and shape never change.
 */
typedef struct onnxrun_tensor onnxrun_tensor;

/* What a value is. An optional value is a tensor or a sequence, or there is none: NULL. */
typedef enum onnxrun_kind {
    ONNXRUN_KIND_TENSOR = 0,
    ONNXRUN_KIND_SEQUENCE = 1,
    ONNXRUN_KIND_OPTIONAL = 2, /* a tensor or none */
    ONNXRUN_KIND_OPTIONAL_SEQUENCE = 3,
    ONNXRUN_KIND_OTHER = 4 /* maps and the like: can be shown, not run */
} onnxrun_kind;

/* "float", "int64", "float16", ...; "undefined" for a number that is none. Static storage. */
ONNXRUN_API const char *onnxrun_dtype_name(onnxrun_dtype dtype);

/* Bytes of one element in memory; 0 for ONNXRUN_UNDEFINED. */
ONNXRUN_API size_t onnxrun_dtype_size(onnxrun_dtype dtype);

/*
 * Makes a tensor that owns zeroed, 64-byte aligned data.
 * dims [rank], each >= 0; may be NULL when rank is 0. Free with onnxrun_tensor_free.
 * Errors: ARGUMENT, MEMORY; *tensor is NULL then.
 */
ONNXRUN_API onnxrun_status onnxrun_tensor_create(onnxrun_dtype dtype, size_t rank,
                                                 const int64_t *dims, onnxrun_tensor **tensor,
                                                 onnxrun_error *error);

/*
 * Makes a tensor that borrows data until it is freed. bytes must be the exact size; data must be
 * aligned for its element type. As an input data is only read.
 * Errors: ARGUMENT, MEMORY; *tensor is NULL then.
 */
ONNXRUN_API onnxrun_status onnxrun_tensor_wrap(onnxrun_dtype dtype, size_t rank,
                                               const int64_t *dims, void *data, size_t bytes,
                                               onnxrun_tensor **tensor, onnxrun_error *error);

/*
 * Makes a tensor that owns a copy of the TensorProto in bytes (the .pb files of ONNX test data).
 * Errors: PARSE, MODEL, UNSUPPORTED (a SequenceProto or OptionalProto), LIMIT, MEMORY; *tensor is
 * NULL then.
 */
ONNXRUN_API onnxrun_status onnxrun_tensor_parse(const void *bytes, size_t size,
                                                onnxrun_tensor **tensor, onnxrun_error *error);

/*
 * The same for a value of this kind: the bytes are a TensorProto, a SequenceProto, or an
 * OptionalProto of one of them. *tensor is also NULL for an optional that has no element.
 * Errors: as onnxrun_tensor_parse; ARGUMENT for ONNXRUN_KIND_OTHER or bytes that are NULL.
 */
ONNXRUN_API onnxrun_status onnxrun_value_parse(onnxrun_kind kind, const void *bytes, size_t size,
                                               onnxrun_tensor **tensor, onnxrun_error *error);

/*
 * Makes a sequence of count tensors of this dtype. The tensors are borrowed: they must stay until
 * the sequence is freed. tensors may be NULL when count is 0.
 * Errors: ARGUMENT (a tensor is NULL, a sequence, or of another dtype), MEMORY; *sequence is NULL
 * then.
 */
ONNXRUN_API onnxrun_status onnxrun_sequence_create(onnxrun_dtype dtype,
                                                   const onnxrun_tensor *const *tensors,
                                                   size_t count, onnxrun_tensor **sequence,
                                                   onnxrun_error *error);

/* The tensor at this position of a sequence, which owns it; NULL when there is none. */
ONNXRUN_API const onnxrun_tensor *onnxrun_sequence_at(const onnxrun_tensor *sequence, size_t index);

/* NULL is allowed. Tensors that a session returned are the session's: do not free them. */
ONNXRUN_API void onnxrun_tensor_free(onnxrun_tensor *tensor);

/* ONNXRUN_KIND_TENSOR or ONNXRUN_KIND_SEQUENCE. */
ONNXRUN_API onnxrun_kind onnxrun_tensor_kind(const onnxrun_tensor *tensor);
/* Of a sequence: of its tensors; ONNXRUN_UNDEFINED when it was parsed and has none. */
ONNXRUN_API onnxrun_dtype onnxrun_tensor_dtype(const onnxrun_tensor *tensor);
ONNXRUN_API size_t onnxrun_tensor_rank(const onnxrun_tensor *tensor);
/* [rank]; borrowed. */
ONNXRUN_API const int64_t *onnxrun_tensor_dims(const onnxrun_tensor *tensor);
/* Number of elements, or of tensors in a sequence. */
ONNXRUN_API size_t onnxrun_tensor_count(const onnxrun_tensor *tensor);
/* Bytes of the data: count times onnxrun_dtype_size; 0 for a sequence. */
ONNXRUN_API size_t onnxrun_tensor_bytes(const onnxrun_tensor *tensor);
/* May be NULL when the tensor has no elements; NULL for a sequence. */
ONNXRUN_API void *onnxrun_tensor_mutable_data(onnxrun_tensor *tensor);
ONNXRUN_API const void *onnxrun_tensor_data(const onnxrun_tensor *tensor);

/* ---- models ---- */

typedef struct onnxrun_model onnxrun_model;

/* What a model may cost. A field that is 0 takes the default in parentheses. */
typedef struct onnxrun_limits {
    uint64_t file_bytes;   /* protobuf part without external data (2 GiB - 1) */
    uint64_t parse_bytes;  /* heap while parsing (64 MiB or 16 times the non-weight bytes) */
    uint64_t memory_bytes; /* heap of the model, and again of each session (no cap) */
    uint64_t fold_bytes;   /* results of constant folding (64 MiB or 8 times the file) */
    uint32_t node_count;   /* nodes after inlining (4 million) */
    uint32_t name_bytes;   /* one string (64 KiB) */
    uint64_t loop_count;   /* iterations of all loops of one run (2^31) */
} onnxrun_limits;

/* Memory functions in place of the C library's; both or none. */
typedef struct onnxrun_allocator {
    void *user;
    void *(*alloc)(void *user, size_t bytes, size_t align); /* NULL when there is none */
    void (*free)(void *user, void *block, size_t bytes);
} onnxrun_allocator;

typedef struct onnxrun_model_options {
    uint32_t struct_size; /* sizeof(onnxrun_model_options) */
    uint32_t threads;     /* for packing weights; 0: as sessions do */
    onnxrun_limits limits;
    onnxrun_allocator allocator; /* copied; thread-safe when sessions run in several threads */
    /* 1: nodes are computed one by one as the file has them, to compare with; 0: chains that are a
     * single operation, such as Gelu, are computed at once */
    uint32_t no_fusion;
} onnxrun_model_options;

/* clang-format off */
#define ONNXRUN_MODEL_OPTIONS_INIT {.struct_size = sizeof(onnxrun_model_options)}
/* clang-format on */

/*
 * Loads the file at path and makes it ready to run. Weights stay mapped: the file and its external
 * data, which must lie beneath its folder, may not change while the model lives. options NULL:
 * defaults. The environment variable ONNXRUN_MAX_ISA (scalar, avx2, avx512) caps the instruction
 * set.
 * Errors: IO, PARSE, MODEL, UNSUPPORTED (one message lists every operator that is missing), SHAPE,
 * LIMIT, MEMORY; *model is NULL then.
 */
ONNXRUN_API onnxrun_status onnxrun_model_load(const char *path,
                                              const onnxrun_model_options *options,
                                              onnxrun_model **model, onnxrun_error *error);

/* The same for bytes, which are borrowed until the model is freed. External data is refused. */
ONNXRUN_API onnxrun_status onnxrun_model_load_memory(const void *bytes, size_t size,
                                                     const onnxrun_model_options *options,
                                                     onnxrun_model **model, onnxrun_error *error);

/* Frees the model; its sessions must be freed before. NULL is allowed. */
ONNXRUN_API void onnxrun_model_free(onnxrun_model *model);

/* An input or output as the model declares it. Strings are borrowed from the model. */
typedef struct onnxrun_value_info {
    const char *name;
    onnxrun_dtype dtype;                   /* of a sequence: of its tensors */
    int32_t rank;                          /* -1: not declared, or a sequence */
    int64_t dims[ONNXRUN_MAX_RANK];        /* -1: symbolic or not declared */
    const char *symbols[ONNXRUN_MAX_RANK]; /* name of a symbolic dimension, else NULL */
    int32_t is_optional; /* an input that may be left out: it has a default, or is an optional */
    onnxrun_kind kind;
} onnxrun_value_info;

ONNXRUN_API size_t onnxrun_model_input_count(const onnxrun_model *model);
ONNXRUN_API size_t onnxrun_model_output_count(const onnxrun_model *model);
/* Error: ARGUMENT when index is out of range. */
ONNXRUN_API onnxrun_status onnxrun_model_input_info(const onnxrun_model *model, size_t index,
                                                    onnxrun_value_info *info, onnxrun_error *error);
ONNXRUN_API onnxrun_status onnxrun_model_output_info(const onnxrun_model *model, size_t index,
                                                     onnxrun_value_info *info,
                                                     onnxrun_error *error);

/* What the file says about itself; strings that it lacks are "". Borrowed from the model. */
typedef struct onnxrun_model_info {
    uint32_t struct_size; /* sizeof(onnxrun_model_info), set by the caller */
    int64_t ir_version;
    int64_t model_version;
    const char *producer_name;
    const char *producer_version;
    const char *domain;
    const char *description; /* the text that documents the model */
    const char *graph_name;
    const char *graph_description;
    size_t metadata_count; /* pairs of onnxrun_model_metadata */
} onnxrun_model_info;

ONNXRUN_API void onnxrun_model_get_info(const onnxrun_model *model, onnxrun_model_info *info);

/* The key and value at this index. Error: ARGUMENT when index is out of range. */
ONNXRUN_API onnxrun_status onnxrun_model_metadata(const onnxrun_model *model, size_t index,
                                                  const char **key, const char **value,
                                                  onnxrun_error *error);

/* ---- sessions ---- */

typedef struct onnxrun_session onnxrun_session;

/* A node that a run has computed. Borrowed during the call that gets it. */
typedef struct onnxrun_step {
    uint32_t struct_size; /* sizeof(onnxrun_step), set by the library */
    uint32_t depth;       /* 0: the main graph; 1: a body of one of its nodes; ... */
    const char *name;     /* "" when the file gives none */
    const char *op_type;
    const char *domain;                   /* "" is ai.onnx */
    const char *output_name;              /* of the first output that it has, else "" */
    const onnxrun_tensor *const *outputs; /* [output_count]; NULL where absent */
    size_t output_count;
    double begin; /* seconds of a clock that only goes forward; a node with bodies includes them */
    double end;
    uint64_t flops;      /* floating-point operations of matrix products */
    uint64_t read_bytes; /* of the inputs, those of a lookup counted as often as they are picked */
    uint64_t written_bytes; /* of the outputs */
} onnxrun_step;

/* What softmax makes of the scores of one query of an attention. Borrowed during the call that gets
 * it. */
typedef struct onnxrun_attention_row {
    uint32_t struct_size; /* sizeof(onnxrun_attention_row), set by the library */
    uint32_t depth;       /* as in onnxrun_step */
    const char *name;
    const char *op_type;
    const char *domain;
    const char *output_name;
    size_t index;       /* of the attention: those before it that told weights in this run */
    size_t batch;       /* below batch_count, and so on */
    size_t batch_count; /* counts are the same in every call for an attention */
    size_t query;
    size_t query_count;
    size_t head_count;
    size_t key_count; /* those of the past, which come first, and new ones */
    /* [head_count, key_count]: a head's sum up to 1, or to less with a sink. Keys that are hidden have
     * 0; when all are, they have 0, or NaN where the nodes of a chain give NaN */
    const float *weights;
} onnxrun_attention_row;

typedef struct onnxrun_session_options {
    uint32_t struct_size;  /* sizeof(onnxrun_session_options) */
    uint32_t threads;      /* 0: OMP_NUM_THREADS, else what affinity and cgroup allow */
    uint64_t memory_bytes; /* cap on this session's heap; 0: the model's limit */
    /* Of random operators without a seed in the model: sessions with the same seed draw the same
     * numbers, run by run, with any number of threads. 0: a seed from the operating system */
    uint64_t seed;
    /* Not 0: compute with denormal numbers, those below 1.2e-38 in a float, as IEEE 754 says. By
     * default a run takes them for zero: some processors are up to a hundred times slower with them. */
    uint32_t keep_denormals;
    /* Microseconds that threads look for work after a run before they sleep. With 0 they sleep at
     * once, and the next run takes some 30 us to wake them: more than 0 pays for runs of fewer than
     * about 1000 us that follow each other, and takes processors from other programs meanwhile */
    uint32_t spin_us;
    /* Asked, unless it is NULL, before each node of a run, by the thread that runs: when the answer
     * is not 0 the run ends with ONNXRUN_ERR_CANCELLED. It may not call this session */
    int (*should_stop)(void *stop_user);
    void *stop_user;
    /* Told, unless it is NULL, of each node after it has run, by the thread that runs. It may not
     * call this session. Nodes that only give a value another shape cost nothing and are not told;
     * those whose results follow from shapes are told by the first run of these shapes alone */
    void (*on_step)(void *step_user, const onnxrun_step *step);
    void *step_user;
    /*
     * Told, unless it is NULL, of each query of each attention, in the order of batches and queries,
     * by the thread that runs. It may not call this session; when the answer is not 0 the run ends
     * with ONNXRUN_ERR_CANCELLED. Those nodes tell that are an attention as a whole: Attention,
     * MultiHeadAttention, GroupQueryAttention and their like, and what became of a chain of nodes
     * from MatMul over Softmax to MatMul; with no_fusion such a chain does not. Of packed sequences only the
     * queries that there are are told. The outputs stay the same, bit for bit. The weights are
     * computed for this, a few queries at a time: a run takes longer, but its memory grows with the
     * number of keys, not with its square
     */
    int (*on_attention)(void *attention_user, const onnxrun_attention_row *row);
    void *attention_user;
} onnxrun_session_options;

/* clang-format off */
#define ONNXRUN_SESSION_OPTIONS_INIT {.struct_size = sizeof(onnxrun_session_options)}
/* clang-format on */

/* One named input or output of a run. */
typedef struct onnxrun_binding {
    const char *name;
    onnxrun_tensor *tensor;
} onnxrun_binding;

/* Borrows the model. options NULL: defaults. Errors: ARGUMENT, MEMORY; *session is NULL then. */
ONNXRUN_API onnxrun_status onnxrun_session_create(const onnxrun_model *model,
                                                  const onnxrun_session_options *options,
                                                  onnxrun_session **session, onnxrun_error *error);

/* NULL is allowed. */
ONNXRUN_API void onnxrun_session_free(onnxrun_session *session);

/*
 * Computes the outputs that are asked for. The floating-point environment of the calling thread does
 * not matter, and is the same afterwards.
 *
 * inputs   [input_count] in any order; all that may not be left out; borrowed during the call.
 *          The tensor of an optional may be NULL: then it has no element
 * outputs  [output_count] in any order. A tensor that is NULL is replaced by one which the session
 *          owns and which stays valid until its next run, with the tensors in it if it is a
 *          sequence; it stays NULL for an optional without element. A given tensor is written, and
 *          must fit in dtype and shape; it cannot be a sequence
 *
 * From the second run with the same input shapes on nothing is allocated. Results do not depend on
 * the number of threads.
 * Errors: ARGUMENT (unknown or missing names), SHAPE, VALUE, MEMORY, LIMIT, CANCELLED. The session
 * stays usable.
 */
ONNXRUN_API onnxrun_status onnxrun_session_run(onnxrun_session *session,
                                               const onnxrun_binding *inputs, size_t input_count,
                                               onnxrun_binding *outputs, size_t output_count,
                                               onnxrun_error *error);

typedef struct onnxrun_session_stats {
    uint32_t struct_size; /* sizeof(onnxrun_session_stats), set by the caller */
    uint32_t threads;     /* that runs use */
    uint64_t live_bytes;  /* heap of the session now */
    uint64_t peak_bytes;  /* largest so far */
    uint64_t alloc_count; /* allocations since it was created */
    uint64_t model_bytes; /* heap of the model: graph and packed weights */
    uint64_t flops;       /* floating-point operations of the matrix products of the last run */
    const char *isa;      /* instruction set of the kernels: "scalar", "avx2", "avx512" */
} onnxrun_session_stats;

ONNXRUN_API void onnxrun_session_get_stats(const onnxrun_session *session,
                                           onnxrun_session_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
