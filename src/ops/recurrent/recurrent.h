/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What LSTM, GRU and RNN share: attributes, shapes, packed weights, and the walk over time steps
 * and directions. Each operator adds a cell (recurrent_cells.h).
 *
 * Inputs    0 X, 1 W, 2 R, 3 B, 4 sequence_lens, 5 initial_h; LSTM: 6 initial_c, 7 P.
 * Outputs   0 Y, 1 Y_h; LSTM: 2 Y_c. Each may be absent.
 *
 * float16 and bfloat16 are converted on the way in and out and computed in float32.
 */
#ifndef ONR_OPS_RECURRENT_RECURRENT_H
#define ONR_OPS_RECURRENT_RECURRENT_H

#include "ops/matrix/product.h"

enum onr_cell_kind { ONR_CELL_RNN, ONR_CELL_GRU, ONR_CELL_LSTM };

#define ONR_CELL_MAX_GATES     4
#define ONR_CELL_MAX_FUNCTIONS 3

/* y = scale * f(inner * x) + shift */
struct onr_cell_function {
    bool has_function; /* else f(x) = x */
    enum onr_unary_op op;
    const struct onr_fraction *fraction; /* that stands for op, or NULL */
    struct onr_unary_args args;
    float inner;
    float scale;
    float shift;
};

/* The attributes. */
struct onr_recurrent_config {
    enum onr_cell_kind kind;
    unsigned gates;     /* rows of W and R come in this many blocks of hidden_size */
    unsigned functions; /* of one direction */
    unsigned directions;
    bool is_reverse; /* direction 0 runs backwards; direction 1 always does */
    bool is_batch_first;
    bool is_linear_before_reset; /* GRU */
    bool is_coupled;             /* LSTM: the forget gate is 1 - the input gate */
    bool has_clip;
    float clip;
    bool is_quantized; /* W and R are stored transposed, as integers with scale and zero point */
    struct onr_cell_function function[2][ONR_CELL_MAX_FUNCTIONS];
};

/* Reads the attributes. Error: ONR_ERR_MODEL. */
enum onr_status onr_recurrent_configure(struct onr_recurrent_config *config,
                                        enum onr_cell_kind kind, const struct onr_node *node,
                                        struct onr_error *err) ONR_MUST_USE;

/* What the rows of the operators share: attributes of every version, types before 22 and since. */
#define ONR_RECURRENT_ATTRS                                                                        \
    {"activation_alpha", ONR_ATTR_FLOATS, false}, {"activation_beta", ONR_ATTR_FLOATS, false},     \
        {"activations", ONR_ATTR_STRINGS, false}, {"clip", ONR_ATTR_FLOAT, false},                 \
        {"direction", ONR_ATTR_STRING, false},                                                     \
    {                                                                                              \
        "hidden_size", ONR_ATTR_INT, false                                                         \
    }
extern const struct onr_param_spec onr_recurrent_inputs[];
extern const struct onr_param_spec onr_recurrent_inputs_22[];
extern const struct onr_param_spec onr_recurrent_outputs[];

/* The functions of the rows of an operator of this kind. */
enum onr_status onr_recurrent_infer(struct onr_infer_ctx *ctx, enum onr_cell_kind kind);
enum onr_status onr_recurrent_prepare(struct onr_prepare_ctx *ctx, enum onr_cell_kind kind);
enum onr_status onr_recurrent_plan(struct onr_plan_ctx *ctx);
enum onr_status onr_recurrent_run(struct onr_run_ctx *ctx);

/* ---- between the files of this folder ---- */

/* Products with parts of the weights of one direction. */
enum onr_recurrent_part {
    ONR_PART_INPUT,     /* X W^T, all gates */
    ONR_PART_RECURRENT, /* H R^T: all gates; GRU whose reset comes first: z and r */
    ONR_PART_HIDDEN,    /* (r H) R^T of that GRU: the hidden gate */
    ONR_PART_COUNT,
};

/* Where a part's matrix [k, n] stands in W or R. */
struct onr_recurrent_view {
    uint32_t input; /* 1: W, 2: R */
    size_t first;   /* element */
    size_t k, n;
    size_t row_stride, column_stride; /* of k and n */
};

/* From prepare. */
struct onr_recurrent_state {
    struct onr_recurrent_config config;
    struct onr_product_state part[2][ONR_PART_COUNT];
};

struct onr_recurrent_dims {
    size_t steps;
    size_t batch;
    size_t input;
    size_t hidden;
};

/* The dimensions of concrete shapes. */
struct onr_recurrent_dims onr_recurrent_dims(const struct onr_recurrent_config *config,
                                             const struct onr_shape *x, const struct onr_shape *r);

/* Checks sequence_lens. Error: ONR_ERR_VALUE. */
enum onr_status onr_recurrent_check_lengths(const struct onr_run_ctx *ctx) ONR_MUST_USE;

/* True when the part takes part in the computation. */
bool onr_recurrent_has_part(const struct onr_recurrent_config *config,
                            enum onr_recurrent_part part);

struct onr_recurrent_view onr_recurrent_view(const struct onr_recurrent_config *config,
                                             const struct onr_recurrent_dims *dims,
                                             unsigned direction, enum onr_recurrent_part part);

/* Blocks of the workspace, in elements of the type that is computed in: the first three for all
 * directions, the others for one. */
enum onr_recurrent_block {
    ONR_BLOCK_X,           /* [steps, batch, input], unless X is read in place */
    ONR_BLOCK_W,           /* likewise */
    ONR_BLOCK_R,           /* likewise */
    ONR_BLOCK_PROJECTED,   /* [chunk, batch, gates * hidden]: X W^T + bias */
    ONR_BLOCK_SUMS,        /* [batch, gates * hidden]: H R^T, then the gates */
    ONR_BLOCK_H,           /* [batch, hidden] */
    ONR_BLOCK_C,           /* [batch, hidden] */
    ONR_BLOCK_SPARE,       /* [batch, hidden] */
    ONR_BLOCK_ROUNDED,     /* [batch, hidden]: H as quantised values */
    ONR_BLOCK_BIAS,        /* [gates * hidden], added to X W^T */
    ONR_BLOCK_HIDDEN_BIAS, /* [gates * hidden], added to H R^T */
    ONR_BLOCK_PEEPHOLES,   /* [3 * hidden] */
    ONR_BLOCK_COUNT,
};

struct onr_recurrent_plan {
    struct onr_recurrent_dims dims;
    enum onr_dtype dtype; /* of the tensors */
    enum onr_dtype wide;  /* that is computed in: FLOAT or DOUBLE */
    size_t chunk;         /* steps whose inputs are projected together */
    struct onr_product product[ONR_PART_COUNT];
    struct onr_product rest;       /* ONR_PART_INPUT for the last chunk */
    struct onr_product_dim batch;  /* of both, where the inputs of a batch are apart */
    size_t block[ONR_BLOCK_COUNT]; /* byte offset in the workspace, or in that of a direction, whose
                                    * beginning products use */
    size_t shared_bytes;           /* of the workspace, before those of directions */
    size_t direction_bytes;        /* from one direction's to the next; 0: they share one */
    bool is_copied[3];             /* X, W, R are read from their blocks */
};

#endif
