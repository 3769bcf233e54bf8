/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gelu and Swish from what exporters write for them, with factors in any order:
 *
 *   Gelu        x * 0.5 * (1 + Erf(x / sqrt(2)))
 *   Gelu, tanh  x * 0.5 * (1 + Tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
 *   Swish       x * Sigmoid(alpha * x): SiLU (alpha = 1), quick Gelu (alpha = 1.702)
 *
 * Arguments are compared as polynomials of x, so that it does not matter how they are written.
 */
#include "graph/passes/fuse.h"

#include <string.h>

#define DEGREE 3
#define DEPTH  8 /* nodes from x to the argument, at most */

/* c[0] + c[1] x + c[2] x^2 + c[3] x^3 */
struct polynomial {
    double c[DEGREE + 1];
};

static bool multiply(const struct polynomial *a, const struct polynomial *b,
                     struct polynomial *product)
{
    *product = (struct polynomial){{0}};
    for (int i = 0; i <= DEGREE; i++) {
        for (int j = 0; j <= DEGREE; j++) {
            double term = a->c[i] * b->c[j];
            if (term != 0 && i + j > DEGREE) {
                return false;
            }
            if (term != 0) {
                product->c[i + j] += term;
            }
        }
    }
    return true;
}

/* x^exponent for whole exponents up to DEGREE. */
static bool power(const struct polynomial *a, double exponent, struct polynomial *result)
{
    *result = (struct polynomial){{1}};
    int count = exponent == 2 ? 2 : exponent == 3 ? 3 : 0;
    for (int i = 0; i < count; i++) {
        struct polynomial before = *result;
        if (!multiply(&before, a, result)) {
            return false;
        }
    }
    return count > 0;
}

static bool combine(const struct onr_node *node, const struct polynomial *a,
                    const struct polynomial *b, struct polynomial *result)
{
    bool b_is_number = b->c[1] == 0 && b->c[2] == 0 && b->c[3] == 0;
    if (onr_fuse_is(node, "Mul")) {
        return multiply(a, b, result);
    }
    if (onr_fuse_is(node, "Pow")) {
        return b_is_number && power(a, b->c[0], result);
    }
    bool is_quotient = onr_fuse_is(node, "Div");
    if (is_quotient && (!b_is_number || b->c[0] == 0)) {
        return false;
    }
    for (int i = 0; i <= DEGREE; i++) {
        result->c[i] = is_quotient ? a->c[i] / b->c[0] : a->c[i] + b->c[i];
    }
    return is_quotient || onr_fuse_is(node, "Add");
}

/* What the walk over an expression knows of one node: its operands so far. */
struct step {
    const struct onr_node *node;
    struct polynomial operand[2];
    uint32_t done;
};

/* A value that needs no node: x itself, or a number. */
static bool leaf(const struct onr_fuser *fuser, uint32_t value, uint32_t x,
                 struct polynomial *result)
{
    double number = 0;
    if (value == x) {
        *result = (struct polynomial){{0, 1}};
        return true;
    }
    if (onr_fuse_number(fuser, value, &number)) {
        *result = (struct polynomial){{number}};
        return true;
    }
    return false;
}

static const struct onr_node *arithmetic(const struct onr_fuser *fuser, uint32_t value)
{
    static const char *const names[] = {"Mul", "Add", "Div", "Pow"};
    const struct onr_node *node = NULL;
    for (size_t i = 0; i < 4 && node == NULL; i++) {
        node = onr_fuse_producer(fuser, value, names[i]);
    }
    return node;
}

/* The value as a polynomial of x, by a walk with a stack of its own. */
static bool polynomial_of(const struct onr_fuser *fuser, uint32_t value, uint32_t x,
                          struct polynomial *result)
{
    struct step stack[DEPTH];
    size_t depth = 0;
    for (;;) {
        if (!leaf(fuser, value, x, result)) {
            const struct onr_node *node = arithmetic(fuser, value);
            if (node == NULL || depth == DEPTH) {
                return false;
            }
            stack[depth++] = (struct step){.node = node};
            value = node->inputs[0];
            continue;
        }
        while (depth > 0) {
            struct step *top = &stack[depth - 1];
            top->operand[top->done++] = *result;
            if (top->done < 2) {
                value = top->node->inputs[1];
                break;
            }
            if (!combine(top->node, &top->operand[0], &top->operand[1], result)) {
                return false;
            }
            depth--;
        }
        if (depth == 0) {
            return true;
        }
    }
}

/* Whether the value is c1 x + c3 x^3. */
static bool is_argument(const struct onr_fuser *fuser, uint32_t value, uint32_t x, double c1,
                        double c3)
{
    struct polynomial p;
    return polynomial_of(fuser, value, x, &p) && p.c[0] == 0 && onr_fuse_is_near(p.c[1], c1) &&
           p.c[2] == 0 && onr_fuse_is_near(p.c[3], c3);
}

/* The product that the value goes into: its other factors and the node at its end. */
struct product {
    double number;
    uint32_t x; /* or ONR_NO_VALUE */
    struct onr_node *last;
};

/* Takes one more factor: a number, x, or x times a number. */
static bool take_factor(const struct onr_fuser *fuser, uint32_t factor, bool may_split,
                        struct product *product)
{
    double number = 0;
    uint32_t rest = factor;
    if (onr_fuse_number(fuser, factor, &number)) {
        product->number *= number;
        return true;
    }
    if (product->x != ONR_NO_VALUE) {
        return false;
    }
    const struct onr_node *scaled = onr_fuse_producer(fuser, factor, "Mul");
    if (may_split && scaled != NULL && onr_fuse_number_operand(fuser, scaled, &rest, &number)) {
        product->number *= number;
    }
    product->x = rest;
    return true;
}

/* Follows the products that begin with the value until they are x * goal * value. */
static bool find_product(const struct onr_fuser *fuser, uint32_t value, double goal, bool may_split,
                         struct product *product)
{
    *product = (struct product){.number = 1, .x = ONR_NO_VALUE};
    for (int i = 0; i < 3; i++) {
        struct onr_node *node = onr_fuse_user(fuser, value, "Mul");
        if (node == NULL || node->inputs[0] == node->inputs[1] ||
            !take_factor(fuser, onr_fuse_other(node, value), may_split, product)) {
            return false;
        }
        product->last = node;
        value = node->outputs[0];
        if (product->x != ONR_NO_VALUE && onr_fuse_is_near(product->number, goal)) {
            return true;
        }
    }
    return false;
}

static void set_result(const struct product *product, const char *op_type, int64_t version,
                       struct onr_fused *fused)
{
    fused->last = product->last;
    fused->op_type = op_type;
    fused->version = version;
    fused->inputs[0] = product->x;
    fused->input_count = 1;
}

/* The sum of the value and 1, which others may need too. */
static const struct onr_node *plus_one(const struct onr_fuser *fuser, uint32_t value)
{
    double one = 0;
    uint32_t other = 0;
    uint32_t user = fuser->user[value];
    const struct onr_node *sum = user != ONR_NO_VALUE ? &fuser->graph->nodes[user] : NULL;
    return sum != NULL && onr_fuse_is(sum, "Add") &&
                   onr_fuse_number_operand(fuser, sum, &other, &one) && one == 1
               ? sum
               : NULL;
}

/* 1 + f(argument), whose factors are x and 0.5. */
static bool match_gelu(const struct onr_fuser *fuser, const struct onr_node *node, double c1,
                       double c3, struct onr_fused *fused)
{
    const struct onr_node *sum = plus_one(fuser, node->outputs[0]);
    if (sum == NULL) {
        return false;
    }
    if (sum != onr_fuse_user(fuser, node->outputs[0], "Add")) {
        return onr_fuse_miss(fuser, "Gelu", node->outputs[0], "used by one Add, of 1");
    }
    (void)onr_fuse_miss(fuser, "Gelu", sum->outputs[0], "used by products with x and 0.5 alone");
    for (int may_split = 0; may_split < 2; may_split++) {
        struct product product;
        if (!find_product(fuser, sum->outputs[0], 0.5, may_split != 0, &product)) {
            continue;
        }
        if (is_argument(fuser, node->inputs[0], product.x, c1, c3)) {
            set_result(&product, "Gelu", 20, fused);
            return true;
        }
        (void)onr_fuse_miss(fuser, "Gelu", node->inputs[0],
                            c3 == 0 ? "x / sqrt(2), of the x that is multiplied with the sum"
                                    : "sqrt(2 / pi) * (x + 0.044715 * x^3), of the x that is "
                                      "multiplied with the sum");
    }
    return false;
}

static bool match_erf(const struct onr_fuser *fuser, const struct onr_node *anchor,
                      struct onr_fused *fused)
{
    return match_gelu(fuser, anchor, 0.70710678118654752, 0, fused);
}

static bool match_tanh(const struct onr_fuser *fuser, const struct onr_node *anchor,
                       struct onr_fused *fused)
{
    const double slope = 0.79788456080286536;
    if (!match_gelu(fuser, anchor, slope, slope * 0.044715, fused)) {
        return false;
    }
    fused->attrs[0] = (struct onr_attr){
        .name = "approximate", .kind = ONR_ATTR_STRING, .count = 1, .as.s = {"tanh", 4}};
    fused->attr_count = 1;
    return true;
}

/* Whether the value is alpha * x. */
static bool is_multiple(const struct onr_fuser *fuser, uint32_t value, uint32_t x, double *alpha)
{
    struct polynomial p;
    bool is_linear =
        polynomial_of(fuser, value, x, &p) && p.c[0] == 0 && p.c[2] == 0 && p.c[3] == 0;
    *alpha = is_linear ? p.c[1] : 0;
    return is_linear;
}

/* Tells when the product of x and the gate is there, but the gate has other uses. */
static bool miss_swish(const struct onr_fuser *fuser, const struct onr_node *gate)
{
    double alpha = 0;
    uint32_t user = fuser->user[gate->outputs[0]];
    const struct onr_node *node = user != ONR_NO_VALUE ? &fuser->graph->nodes[user] : NULL;
    return node != NULL && onr_fuse_is(node, "Mul") &&
           fuser->graph->values[gate->outputs[0]].use_count > 1 &&
           is_multiple(fuser, gate->inputs[0], onr_fuse_other(node, gate->outputs[0]), &alpha) &&
           onr_fuse_miss(fuser, "Swish", gate->outputs[0], "used by one Mul, with x");
}

static bool match_sigmoid(const struct onr_fuser *fuser, const struct onr_node *anchor,
                          struct onr_fused *fused)
{
    struct product product;
    double alpha = 0;
    if (!find_product(fuser, anchor->outputs[0], 1, false, &product) ||
        !is_multiple(fuser, anchor->inputs[0], product.x, &alpha)) {
        return miss_swish(fuser, anchor);
    }
    set_result(&product, "Swish", 24, fused);
    fused->attrs[0] = (struct onr_attr){
        .name = "alpha", .kind = ONR_ATTR_FLOAT, .count = 1, .as.f = (float)alpha};
    fused->attr_count = 1;
    return true;
}

enum onr_status onr_pass_fuse_gelu(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {
        {"Erf", match_erf}, {"Tanh", match_tanh}, {"Sigmoid", match_sigmoid}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
