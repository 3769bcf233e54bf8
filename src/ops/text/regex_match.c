/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the program of a regular expression: the set of instructions that the text read so far can
 * have led to is moved on by one code point at a time. */
#include "ops/common/strings.h"
#include "ops/text/letter_case.h"
#include "ops/text/regex.h"

#include <string.h>

/* Before the first and after the last code point. */
#define NO_CODE UINT32_MAX

struct matcher {
    const struct onr_regex *regex;
    size_t *seen;    /* [size] the step that last added an instruction, counted from 1 */
    uint32_t *stack; /* [size] */
    uint32_t *now;   /* [size] instructions that wait for a code point */
    uint32_t *next;  /* [size] */
    size_t now_count;
    size_t next_count;
    size_t step;
    bool has_matched; /* the end of the program was reached in this step */
};

size_t onr_regex_scratch(const struct onr_regex *regex)
{
    return regex->size * (sizeof(size_t) + 3 * sizeof(uint32_t));
}

static uint32_t fold(uint32_t code)
{
    return onr_to_lower(onr_to_upper(code));
}

static bool is_in_ranges(const struct onr_regex *regex, const struct onr_regex_instruction *in,
                         uint32_t code)
{
    for (int32_t i = in->x; i < in->x + in->y; i++) {
        if (code >= regex->ranges[i].first && code <= regex->ranges[i].last) {
            return true;
        }
    }
    return false;
}

static bool takes(const struct onr_regex *regex, const struct onr_regex_instruction *in,
                  uint32_t code)
{
    if (code >= ONR_UTF8_INVALID) {
        return false;
    }
    switch (in->op) {
    case ONR_REGEX_LITERAL:
        return in->is_folded ? fold(code) == fold((uint32_t)in->x) : code == (uint32_t)in->x;
    case ONR_REGEX_ANY:
        return true;
    case ONR_REGEX_NOT_NEWLINE:
        return code != '\n';
    default: {
        bool is_inside = is_in_ranges(regex, in, code);
        if (in->is_folded && !is_inside) {
            is_inside = is_in_ranges(regex, in, onr_to_lower(code)) ||
                        is_in_ranges(regex, in, onr_to_upper(code));
        }
        return is_inside != in->is_negated;
    }
    }
}

static bool is_word(uint32_t code)
{
    return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || code == '_' ||
           (code >= 'a' && code <= 'z');
}

static bool holds(enum onr_regex_place place, uint32_t before, uint32_t after)
{
    switch (place) {
    case ONR_PLACE_TEXT_BEGIN:
        return before == NO_CODE;
    case ONR_PLACE_TEXT_END:
        return after == NO_CODE;
    case ONR_PLACE_LINE_BEGIN:
        return before == NO_CODE || before == '\n';
    case ONR_PLACE_LINE_END:
        return after == NO_CODE || after == '\n';
    case ONR_PLACE_WORD_EDGE:
        return is_word(before) != is_word(after);
    default:
        return is_word(before) == is_word(after);
    }
}

/* Puts an instruction on the stack unless this step has had it. */
static void push(struct matcher *m, size_t *depth, uint32_t at)
{
    if (m->seen[at] != m->step) {
        m->seen[at] = m->step;
        m->stack[(*depth)++] = at;
    }
}

/* Adds to the next set what can be reached from `start` without reading, between two code points. */
static void add_reachable(struct matcher *m, uint32_t start, uint32_t before, uint32_t after)
{
    size_t depth = 0;
    push(m, &depth, start);
    while (depth > 0) {
        uint32_t at = m->stack[--depth];
        const struct onr_regex_instruction *in = &m->regex->code[at];
        switch (in->op) {
        case ONR_REGEX_SPLIT:
            push(m, &depth, (uint32_t)((int32_t)at + in->x));
            push(m, &depth, (uint32_t)((int32_t)at + in->y));
            break;
        case ONR_REGEX_JUMP:
            push(m, &depth, (uint32_t)((int32_t)at + in->x));
            break;
        case ONR_REGEX_ASSERT:
            if (holds((enum onr_regex_place)in->x, before, after)) {
                push(m, &depth, at + 1);
            }
            break;
        case ONR_REGEX_MATCH:
            m->has_matched = true;
            break;
        default:
            m->next[m->next_count++] = at;
            break;
        }
    }
}

static void begin_step(struct matcher *m)
{
    uint32_t *swap = m->now;
    m->now = m->next;
    m->next = swap;
    m->now_count = m->next_count;
    m->next_count = 0;
    m->has_matched = false;
    m->step++;
}

static uint32_t peek(const char *at, const char *end)
{
    return at < end ? onr_utf8_next(&at, end) : NO_CODE;
}

bool onr_regex_matches(const struct onr_regex *regex, struct onr_string text, void *scratch)
{
    size_t size = regex->size;
    struct matcher m = {.regex = regex, .seen = scratch};
    m.stack = (uint32_t *)(m.seen + size);
    m.now = m.stack + size;
    m.next = m.now + size;
    memset(m.seen, 0, size * sizeof *m.seen);
    const char *at = text.length > 0 ? text.data : "";
    const char *end = at + text.length;
    begin_step(&m);
    add_reachable(&m, 0, NO_CODE, peek(at, end));
    while (at < end && m.next_count > 0) {
        uint32_t code = onr_utf8_next(&at, end);
        uint32_t after = peek(at, end);
        begin_step(&m);
        for (size_t i = 0; i < m.now_count; i++) {
            if (takes(regex, &regex->code[m.now[i]], code)) {
                add_reachable(&m, m.now[i] + 1, code, after);
            }
        }
    }
    return at == end && m.has_matched;
}
