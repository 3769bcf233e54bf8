/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/attention_product.h"

#include "graph/op_def.h"

#include <stdio.h>
#include <string.h>

/* Letters of an equation "ab,bc->ac" of Einsum. */
struct equation {
    const char *terms[3];
    size_t lengths[3];
};

static bool read_equation(const struct onr_node *node, struct equation *e)
{
    struct onr_string text = onr_attr_string(node, "equation", "");
    const char *comma = memchr(text.data, ',', text.length);
    const char *arrow = memchr(text.data, '-', text.length);
    if (comma == NULL || arrow == NULL || arrow < comma || node->input_count != 2 ||
        text.data + text.length < arrow + 2) {
        return false;
    }
    const char *end = text.data + text.length;
    *e = (struct equation){
        {text.data, comma + 1, arrow + 2},
        {(size_t)(comma - text.data), (size_t)(arrow - comma - 1), (size_t)(end - arrow - 2)}};
    for (int i = 0; i < 3; i++) {
        for (size_t c = 0; c < e->lengths[i]; c++) {
            if (e->terms[i][c] < 'A') { /* a space, a comma, or "..." */
                return false;
            }
        }
    }
    return true;
}

static const char *lead_roles(size_t rank)
{
    return rank == 4 ? "bn" : "m";
}

/* The order of a term, given the letters of the scores: rows are the letter `row`, and the one that
 * is not found there is the width; it is returned, or 0. */
static char read_order(const char *term, size_t length, const char *scores, size_t rank, char row,
                       char order[ONR_VIEW_AXES + 1])
{
    char width = 0;
    if (length > ONR_VIEW_AXES) {
        return 0;
    }
    memset(order, 0, ONR_VIEW_AXES + 1);
    for (size_t i = 0; i < length; i++) {
        const char *lead = memchr(scores, term[i], rank - 2);
        char role = lead != NULL ? lead_roles(rank)[lead - scores] : term[i] == row ? 's' : 'h';
        if (strchr(order, role) != NULL) {
            return 0;
        }
        width = role == 'h' ? term[i] : width;
        order[i] = role;
    }
    return length == rank && strchr(order, 's') != NULL ? width : 0;
}

static bool is_rank(size_t rank)
{
    return rank == 3 || rank == 4;
}

/* "bqhd,bkhd->bhqk" and the like. */
static bool read_scores_einsum(struct onr_attention_product *product)
{
    struct equation e;
    if (!read_equation(product->node, &e) || !is_rank(e.lengths[2])) {
        return false;
    }
    const char *scores = e.terms[2];
    size_t rank = e.lengths[2];
    for (int q = 0; q < 2; q++) {
        char width =
            read_order(e.terms[q], e.lengths[q], scores, rank, scores[rank - 2], product->a_order);
        if (width != 0 && width != scores[rank - 1] &&
            width == read_order(e.terms[1 - q], e.lengths[1 - q], scores, rank, scores[rank - 1],
                                product->b_order)) {
            product->a = product->node->inputs[q];
            product->b = product->node->inputs[1 - q];
            return true;
        }
    }
    return false;
}

/* "bhqk,bkhd->bqhd" and the like. */
static bool read_values_einsum(struct onr_attention_product *product, uint32_t p)
{
    struct equation e;
    if (!read_equation(product->node, &e)) {
        return false;
    }
    int i = product->node->inputs[0] == p ? 0 : 1;
    const char *scores = e.terms[i];
    size_t rank = e.lengths[i];
    product->a = p;
    product->b = product->node->inputs[1 - i];
    if (!is_rank(rank)) {
        return false;
    }
    char width = read_order(e.terms[1 - i], e.lengths[1 - i], scores, rank, scores[rank - 1],
                            product->b_order);
    return width != 0 && width != scores[rank - 2] &&
           width == read_order(e.terms[2], e.lengths[2], scores, rank, scores[rank - 2],
                               product->y_order);
}

/* ---- MatMul ---- */

static void set_order(char order[ONR_VIEW_AXES + 1], const char *lead, const char *rest)
{
    (void)snprintf(order, ONR_VIEW_AXES + 1, "%s%s", lead, rest);
}

/* FusedMatMul of com.microsoft that transposes nothing, or the rows and columns of B. */
static bool is_fused_product(const struct onr_node *node)
{
    return strcmp(node->op_type, "FusedMatMul") == 0 &&
           strcmp(node->domain, "com.microsoft") == 0 && onr_attr_int(node, "transA", 0) == 0 &&
           onr_attr_int(node, "transBatchA", 0) == 0 && onr_attr_int(node, "transBatchB", 0) == 0;
}

bool onr_attention_scores(const struct onr_fuser *fuser, uint32_t value,
                          struct onr_attention_product *product)
{
    int rank = fuser->graph->values[value].fact.shape.rank;
    const struct onr_node *node = onr_fuse_any_producer(fuser, value);
    if (node == NULL || !is_rank((size_t)rank)) {
        return false;
    }
    *product = (struct onr_attention_product){
        .node = &fuser->graph->nodes[fuser->graph->values[value].producer], .scale = 1};
    if (onr_fuse_is(node, "Einsum")) {
        return read_scores_einsum(product);
    }
    bool is_transposed = false;
    if (is_fused_product(node)) {
        is_transposed = onr_attr_int(node, "transB", 0) != 0;
        product->scale = (double)onr_attr_float(node, "alpha", 1);
    } else if (!onr_fuse_is(node, "MatMul")) {
        return false;
    }
    const char *lead = lead_roles((size_t)rank);
    product->a = node->inputs[0];
    product->b = node->inputs[1];
    set_order(product->a_order, lead, "sh");
    set_order(product->b_order, lead, is_transposed ? "sh" : "hs");
    return true;
}

bool onr_attention_values(const struct onr_fuser *fuser, uint32_t p,
                          struct onr_attention_product *product)
{
    int rank = fuser->graph->values[p].fact.shape.rank;
    *product = (struct onr_attention_product){.scale = 1};
    product->node = onr_fuse_user(fuser, p, "Einsum");
    if (product->node != NULL) {
        return read_values_einsum(product, p);
    }
    product->node = onr_fuse_user(fuser, p, "MatMul");
    if (product->node == NULL || product->node->inputs[0] != p || !is_rank((size_t)rank)) {
        return false;
    }
    product->a = p;
    product->b = product->node->inputs[1];
    set_order(product->b_order, lead_roles((size_t)rank), "sh");
    set_order(product->y_order, lead_roles((size_t)rank), "sh");
    return true;
}
