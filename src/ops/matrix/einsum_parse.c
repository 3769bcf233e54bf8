/* SPDX-License-Identifier: Apache-2.0 */
/* The equation of Einsum: terms of letters and at most one ellipsis, separated by commas, then "->"
 * and the output. */
#include "ops/matrix/einsum_parse.h"

#include <inttypes.h>
#include <string.h>

struct parser {
    const char *at;
    const char *end;
    struct onr_error *err;
};

static void skip_spaces(struct parser *p)
{
    while (p->at < p->end && *p->at == ' ') {
        p->at++;
    }
}

static bool accept(struct parser *p, const char *token)
{
    size_t length = strlen(token);
    skip_spaces(p);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, token, length) != 0) {
        return false;
    }
    p->at += length;
    return true;
}

/* The next letter as a label, or -1. */
static int accept_letter(struct parser *p)
{
    skip_spaces(p);
    if (p->at < p->end && *p->at >= 'A' && *p->at <= 'Z') {
        return *p->at++ - 'A';
    }
    if (p->at < p->end && *p->at >= 'a' && *p->at <= 'z') {
        return *p->at++ - 'a' + 26;
    }
    return -1;
}

static enum onr_status add_label(struct parser *p, struct onr_einsum_term *term, int label)
{
    if (term->rank == ONR_MAX_RANK) {
        return onr_fail(p->err, ONR_ERR_MODEL, "equation has a term of more than %d labels",
                        ONR_MAX_RANK);
    }
    term->label[term->rank++] = (uint8_t)label;
    return ONR_OK;
}

/* A term; its ellipsis, when it has one, is left out and reported as its position, else -1. */
static enum onr_status parse_term(struct parser *p, struct onr_einsum_term *term, int *ellipsis)
{
    *ellipsis = -1;
    *term = (struct onr_einsum_term){0};
    for (;;) {
        int label = accept_letter(p);
        if (label >= 0) {
            ONR_TRY(add_label(p, term, label));
        } else if (accept(p, "...")) {
            if (*ellipsis >= 0) {
                return onr_fail(p->err, ONR_ERR_MODEL, "equation has two ellipses in one term");
            }
            *ellipsis = term->rank;
        } else {
            return ONR_OK;
        }
    }
}

/* Puts `count` ellipsis labels at a position of the term. */
static enum onr_status insert_ellipsis(struct parser *p, struct onr_einsum_term *term, int position,
                                       int count)
{
    if (term->rank + count > ONR_MAX_RANK) {
        return onr_fail(p->err, ONR_ERR_MODEL, "equation has a term of more than %d labels",
                        ONR_MAX_RANK);
    }
    memmove(term->label + position + count, term->label + position,
            (size_t)(term->rank - position));
    for (int i = 0; i < count; i++) {
        term->label[position + i] = (uint8_t)(ONR_EINSUM_LABELS - count + i);
    }
    term->rank += count;
    return ONR_OK;
}

static enum onr_status parse_operand(struct parser *p, struct onr_einsum *e, uint32_t index,
                                     const struct onr_shape *shape, int *longest_ellipsis)
{
    struct onr_einsum_term *term = &e->operands[index];
    int ellipsis;
    ONR_TRY(parse_term(p, term, &ellipsis));
    int count = shape->rank - term->rank;
    if (count < 0 || (count > 0 && ellipsis < 0)) {
        return onr_fail(p->err, ONR_ERR_SHAPE,
                        "input %" PRIu32 " has rank %d, its term in the equation %d labels", index,
                        shape->rank, term->rank);
    }
    if (ellipsis >= 0) {
        ONR_TRY(insert_ellipsis(p, term, ellipsis, count));
        *longest_ellipsis = count > *longest_ellipsis ? count : *longest_ellipsis;
    }
    for (int d = 0; d < term->rank; d++) {
        int64_t *dim = &e->dim[term->label[d]];
        int64_t merged;
        if (!onr_dim_broadcast(*dim, shape->dim[d], &merged)) {
            return onr_fail(p->err, ONR_ERR_SHAPE,
                            "dimension %d of input %" PRIu32 " is %" PRId64
                            ", the same label has %" PRId64 " elsewhere",
                            d, index, shape->dim[d], *dim);
        }
        *dim = merged;
    }
    return ONR_OK;
}

static int count_uses(const struct onr_einsum *e, int label)
{
    int uses = 0;
    for (uint32_t i = 0; i < e->operand_count; i++) {
        for (int d = 0; d < e->operands[i].rank; d++) {
            uses += e->operands[i].label[d] == label;
        }
    }
    return uses;
}

/* Without "->": the ellipsis, then the letters that occur once, in the order of the alphabet. */
static enum onr_status make_output(struct parser *p, struct onr_einsum *e, int ellipsis_count)
{
    ONR_TRY(insert_ellipsis(p, &e->output, 0, ellipsis_count));
    for (int label = 0; label < ONR_EINSUM_LETTERS; label++) {
        if (count_uses(e, label) == 1) {
            ONR_TRY(add_label(p, &e->output, label));
        }
    }
    return ONR_OK;
}

static enum onr_status parse_output(struct parser *p, struct onr_einsum *e, int ellipsis_count)
{
    int ellipsis;
    uint8_t seen[ONR_EINSUM_LABELS] = {0};
    ONR_TRY(parse_term(p, &e->output, &ellipsis));
    for (int d = 0; d < e->output.rank; d++) {
        int label = e->output.label[d];
        if (count_uses(e, label) == 0 || seen[label]++ != 0) {
            return onr_fail(p->err, ONR_ERR_MODEL,
                            "label '%c' of the output must stand once there and in an input",
                            label < 26 ? 'A' + label : 'a' + label - 26);
        }
    }
    return ellipsis < 0 ? ONR_OK : insert_ellipsis(p, &e->output, ellipsis, ellipsis_count);
}

enum onr_status onr_einsum_parse(const struct onr_node *node, const struct onr_fact *const *inputs,
                                 struct onr_einsum *einsum, struct onr_error *err)
{
    struct onr_string text = onr_attr_string(node, "equation", "");
    struct parser p = {.at = text.data, .end = text.data + text.length, .err = err};
    int ellipsis_count = 0;
    *einsum = (struct onr_einsum){.operand_count = node->input_count};
    if (node->input_count > ONR_EINSUM_OPERANDS) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "%" PRIu32 " inputs, supported are %d",
                        node->input_count, ONR_EINSUM_OPERANDS);
    }
    for (int label = 0; label < ONR_EINSUM_LABELS; label++) {
        einsum->dim[label] = 1;
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (i > 0 && !accept(&p, ",")) {
            return onr_fail(err, ONR_ERR_MODEL,
                            "equation has %" PRIu32 " terms for %" PRIu32 " inputs", i,
                            node->input_count);
        }
        ONR_TRY(parse_operand(&p, einsum, i, &inputs[i]->shape, &ellipsis_count));
    }
    if (accept(&p, "->")) {
        ONR_TRY(parse_output(&p, einsum, ellipsis_count));
    } else {
        ONR_TRY(make_output(&p, einsum, ellipsis_count));
    }
    skip_spaces(&p);
    if (p.at != p.end) {
        return onr_fail(err, ONR_ERR_MODEL, "equation cannot be read at byte %td: \"%.*s\"",
                        p.at - text.data, (int)(p.end - p.at < 32 ? p.end - p.at : 32), p.at);
    }
    return ONR_OK;
}
