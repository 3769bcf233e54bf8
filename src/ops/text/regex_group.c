/* SPDX-License-Identifier: Apache-2.0 */
/* Groups and alternatives in regular expressions. */
#include "ops/text/regex_parse.h"

#include <string.h>

/* A group that is open around the current one. */
struct onr_regex_group {
    size_t atom; /* where the inner group begins */
    size_t start;
    size_t last_jump;
    struct onr_regex_flags flags;
};

/* The flags behind (? up to : or ), which is taken. */
static enum onr_status parse_flags(struct onr_regex_parser *p, bool *opens_group)
{
    struct onr_regex_flags flags = p->flags;
    bool value = true;
    for (; p->at < p->end; p->at++) {
        switch (*p->at) {
        case 'i':
            flags.is_folded = value;
            break;
        case 'm':
            flags.is_multiline = value;
            break;
        case 's':
            flags.dot_takes_newline = value;
            break;
        case 'U': /* greed does not matter for what matches */
            break;
        case '-':
            value = false;
            break;
        case ':':
        case ')':
            *opens_group = *p->at++ == ':';
            p->flags = flags;
            return ONR_OK;
        default:
            return onr_regex_fail(p, "a group that does not exist in RE2");
        }
    }
    return onr_regex_fail(p, "missing )");
}

/* <name> of a group. */
static enum onr_status skip_name(struct onr_regex_parser *p)
{
    const char *close = memchr(p->at, '>', (size_t)(p->end - p->at));
    if (close == NULL || close == p->at + 1) {
        return onr_regex_fail(p, "missing name of a group");
    }
    for (p->at++; p->at < close; p->at++) {
        char c = *p->at;
        bool is_word =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 'a' && c <= 'z');
        if (!is_word) {
            return onr_regex_fail(p, "a character that is not allowed in names");
        }
    }
    p->at = close + 1;
    return ONR_OK;
}

bool onr_regex_looking_at(const struct onr_regex_parser *p, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(p->end - p->at) >= length && memcmp(p->at, text, length) == 0;
}

static enum onr_status push_group(struct onr_regex_parser *p, struct onr_regex_flags outer)
{
    if (p->depth == ONR_REGEX_MAX_DEPTH) {
        return onr_fail(p->err, ONR_ERR_LIMIT, "the pattern has more than %d levels of groups",
                        ONR_REGEX_MAX_DEPTH);
    }
    if (p->depth == p->group_capacity) {
        size_t capacity = 2 * p->group_capacity + 8;
        struct onr_regex_group *groups =
            ONR_ARENA_ARRAY(p->arena, capacity, struct onr_regex_group);
        if (groups == NULL) {
            return onr_fail_memory(p->err, "a pattern");
        }
        if (p->depth > 0) {
            memcpy(groups, p->groups, p->depth * sizeof *groups);
        }
        p->groups = groups;
        p->group_capacity = capacity;
    }
    p->groups[p->depth++] = (struct onr_regex_group){p->regex->size, p->start, p->last_jump, outer};
    p->start = p->regex->size;
    p->last_jump = 0;
    p->atom = ONR_REGEX_NO_ATOM;
    return ONR_OK;
}

enum onr_status onr_regex_open_group(struct onr_regex_parser *p)
{
    struct onr_regex_flags outer = p->flags;
    bool opens_group = true;
    if (onr_regex_looking_at(p, "?P<") || onr_regex_looking_at(p, "?<")) {
        p->at += p->at[1] == 'P' ? 2 : 1;
        ONR_TRY(skip_name(p));
    } else if (onr_regex_looking_at(p, "?")) {
        p->at++;
        ONR_TRY(parse_flags(p, &opens_group));
    }
    if (!opens_group) {
        p->atom = ONR_REGEX_NO_ATOM;
        return ONR_OK;
    }
    return push_group(p, outer);
}

/* Ends an alternative, before which the choice is put. */
enum onr_status onr_regex_end_alternative(struct onr_regex_parser *p)
{
    size_t length = p->regex->size - p->start;
    ONR_TRY(onr_regex_insert(
        p, p->start,
        (struct onr_regex_instruction){.op = ONR_REGEX_SPLIT, .x = 1, .y = (int32_t)length + 2}));
    /* Until the end of the group is known, each jump holds the number of the one before. */
    ONR_TRY(onr_regex_emit(
        p, (struct onr_regex_instruction){.op = ONR_REGEX_JUMP, .x = (int32_t)p->last_jump}));
    p->last_jump = p->regex->size;
    p->start = p->regex->size;
    p->atom = ONR_REGEX_NO_ATOM;
    return ONR_OK;
}

void onr_regex_join(struct onr_regex_parser *p)
{
    while (p->last_jump != 0) {
        size_t at = p->last_jump - 1;
        p->last_jump = (size_t)p->regex->code[at].x;
        p->regex->code[at].x = (int32_t)(p->regex->size - at);
    }
}

enum onr_status onr_regex_close_group(struct onr_regex_parser *p)
{
    if (p->depth == 0) {
        return onr_regex_fail(p, "a ) without (");
    }
    onr_regex_join(p);
    const struct onr_regex_group *group = &p->groups[--p->depth];
    p->atom = group->atom;
    p->start = group->start;
    p->last_jump = group->last_jump;
    p->flags = group->flags;
    return ONR_OK;
}
