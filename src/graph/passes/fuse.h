/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fusions share. A fusion looks for a subgraph around one node, its anchor, and has one node
 * compute it: the last node of the subgraph becomes that node, what nobody needs any more goes with
 * dead code. A subgraph is only fused when its inner values have no other use. Fused nodes are
 * operators of the registry, so that they can be printed, and mean what their specification says.
 */
#ifndef ONR_GRAPH_PASSES_FUSE_H
#define ONR_GRAPH_PASSES_FUSE_H

#include "graph/passes/pass.h"

#define ONR_FUSED_INPUTS 6
#define ONR_FUSED_ATTRS  19
#define ONR_FUSED_INTS   16
#define ONR_FUSED_TEXT   32
#define ONR_FUSED_FLOATS 2

/* Why a subgraph was not fused: see onr_fuse_miss. */
struct onr_miss {
    const char *op; /* NULL: there is nothing to tell */
    uint32_t value;
    const char *expected;
};

struct onr_fuser {
    struct onr_graph *graph;
    const uint32_t *user;  /* [value_count] a node that uses the value, or ONR_NO_VALUE */
    struct onr_miss *miss; /* of the match that runs */
};

/* The node that takes the place of `last`. */
struct onr_fused {
    struct onr_node *last;
    const char *op_type;
    const char *domain;
    int64_t version;
    uint32_t inputs[ONR_FUSED_INPUTS]; /* ONR_NO_VALUE: absent */
    uint32_t input_count;
    struct onr_attr attrs[ONR_FUSED_ATTRS];
    uint32_t attr_count;
    uint32_t lists; /* bit i: input i, a constant that is used once, becomes a list */
    /* what attributes refer to */
    int64_t ints[ONR_FUSED_INTS];
    char text[ONR_FUSED_TEXT];
    float floats[ONR_FUSED_FLOATS];
    size_t int_count, text_length, float_count;
};

/* Whether the anchor stands in the subgraph; fills in *fused then. */
typedef bool (*onr_match_fn)(const struct onr_fuser *fuser, const struct onr_node *anchor,
                             struct onr_fused *fused);

/* Ended by a row without a function. Anchors are operators of ai.onnx. */
struct onr_fusion {
    const char *anchor;
    onr_match_fn match;
};

/* Applies the fusions to the graph and its bodies. Facts stay valid, the graph is left compact. */
enum onr_status onr_fuse(struct onr_graph *graph, const struct onr_fusion *fusions,
                         struct onr_pass_ctx *ctx) ONR_MUST_USE;

/*
 * For a matcher that has found the anchor and the core of its subgraph, but one edge is not as it
 * has to be: what is told about it when somebody asks. op: what would have been made; value: the
 * edge (ONR_NO_VALUE: there is none); expected: what it should be, as in "epsilon: one number". What
 * it is instead is added. Texts have static storage; the last call of a match counts, and only when
 * it fails. Returns false, to be returned.
 */
bool onr_fuse_miss(const struct onr_fuser *fuser, const char *op, uint32_t value,
                   const char *expected);

/* The attributes with all that they refer to, in the arena; NULL when memory is out. */
struct onr_attr *onr_fused_copy_attrs(struct onr_arena *arena, const struct onr_fused *fused);

/* Append an attribute; lists and text are copied. */
void onr_fused_int(struct onr_fused *fused, const char *name, int64_t number);
void onr_fused_float(struct onr_fused *fused, const char *name, float number);
void onr_fused_string(struct onr_fused *fused, const char *name, const char *text);
void onr_fused_ints(struct onr_fused *fused, const char *name, const int64_t *numbers,
                    size_t count);
void onr_fused_floats(struct onr_fused *fused, const char *name, const float *numbers,
                      size_t count);

/* ---- for matching; a node is found under names of ai.onnx only ---- */

static inline const struct onr_fact *onr_fuse_fact(const struct onr_fuser *fuser, uint32_t value)
{
    return &fuser->graph->values[value].fact;
}

static inline uint32_t onr_fuse_use_count(const struct onr_fuser *fuser, uint32_t value)
{
    return fuser->graph->values[value].use_count;
}

bool onr_fuse_is(const struct onr_node *node, const char *op_type);

/* The node that makes the value when it is of this operator, else NULL. */
const struct onr_node *onr_fuse_producer(const struct onr_fuser *fuser, uint32_t value,
                                         const char *op_type);

/* The node that makes the value, of whatever operator and domain, or NULL. */
const struct onr_node *onr_fuse_any_producer(const struct onr_fuser *fuser, uint32_t value);

/* The only node that uses the value, when it is of this operator and nothing else needs the value,
 * else NULL. */
struct onr_node *onr_fuse_user(const struct onr_fuser *fuser, uint32_t value, const char *op_type);

/* The input of a node with two that is not this value. */
uint32_t onr_fuse_other(const struct onr_node *node, uint32_t value);

/* True for a constant of one float or double. */
bool onr_fuse_number(const struct onr_fuser *fuser, uint32_t value, double *number);

/* True for an input of a node with two that is such a number; *other is the remaining one. */
bool onr_fuse_number_operand(const struct onr_fuser *fuser, const struct onr_node *node,
                             uint32_t *other, double *number);

/* Whether axis, which may be negative, is the last one of the value. */
bool onr_fuse_is_last_axis(const struct onr_fuser *fuser, uint32_t value, int64_t axis);

bool onr_fuse_has_input(const struct onr_node *node, uint32_t index);

/* True for an input that is a constant of int32 or int64 with this element. */
bool onr_fuse_int(const struct onr_fuser *fuser, const struct onr_node *node, uint32_t input,
                  int64_t index, int64_t *number);

/* Whether the first dimensions of two values are equal; one that is not known may follow from the
 * others, when the values are known to have as many elements. */
bool onr_fuse_same_dims(const struct onr_fuser *fuser, uint32_t a, uint32_t b, int count);

/* Whether a Transpose swaps the last two axes and leaves the others. */
bool onr_fuse_swaps_matrix(const struct onr_fuser *fuser, const struct onr_node *transpose);

/* The value before a multiplication with, or a division by, one number, or ONR_NO_VALUE. */
uint32_t onr_fuse_before_scale(const struct onr_fuser *fuser, uint32_t value, double *scale);

/* Whether two dimensions, of which none need be known, are equal for sure. */
static inline bool onr_fuse_same_dim(const struct onr_fuser *fuser, uint32_t a, int a_axis,
                                     uint32_t b, int b_axis)
{
    int64_t dim = onr_fuse_fact(fuser, a)->shape.dim[a_axis];
    return dim == onr_fuse_fact(fuser, b)->shape.dim[b_axis] && dim != ONR_DIM_UNKNOWN;
}

/* Whether nothing needs the value any more once `last` computes its output from something else. */
bool onr_fuse_goes(const struct onr_fuser *fuser, const struct onr_node *last, uint32_t value);

/* Equal up to what is lost when a constant is written with 6 digits. */
bool onr_fuse_is_near(double number, double expected);

#endif
