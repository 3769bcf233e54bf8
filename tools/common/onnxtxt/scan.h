/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text from its words to its parts. A function that takes a part returns false once there was an
 * error, which is in `error` then: the first ends the reading.
 */
#ifndef ONNXRUN_TOOLS_ONNXTXT_SCAN_H
#define ONNXRUN_TOOLS_ONNXTXT_SCAN_H

#include "common/wire.h"

#define TXT_MAX_DEPTH    64  /* bodies and types around one another */
#define TXT_NUMBER_BYTES 400 /* of a number, with its terminator */

struct txt {
    const char *name; /* of the text, for messages */
    const char *begin;
    const char *at;
    const char *end;
    uint8_t *strings; /* room for all strings that have escapes; made when the first comes */
    size_t string_bytes;
    int depth;
    bool has_external;
    onnxrun_status status;
    onnxrun_error *error;
};

struct txt_number {
    const char *from; /* where it stands */
    bool is_real;     /* it has a point, an exponent or is no number */
    char text[TXT_NUMBER_BYTES];
};

/* "NAME, line 3, column 7: ..." for the place `at`; false. */
bool txt_fail(struct txt *txt, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "got ..., expected ..." for what stands next; false. */
bool txt_expected(struct txt *txt, const char *expected);

/* One level deeper; LIMIT when that is too deep. txt->depth-- leaves it. */
bool txt_enter(struct txt *txt);

/* The next character behind spaces and comments, which stays there; -1 at the end. */
int txt_peek(struct txt *txt);

/* Takes the character when it comes next. */
bool txt_take(struct txt *txt, char character);

/* Takes these characters or fails. */
bool txt_want(struct txt *txt, const char *characters);

/* The identifier that comes next, which stays there; empty when there is none. */
struct wire_span txt_peek_word(struct txt *txt);
void txt_skip_word(struct txt *txt, struct wire_span word);

/* Each takes one or fails. A name is an identifier or a string. */
bool txt_word(struct txt *txt, struct wire_span *word, const char *expected);
bool txt_string(struct txt *txt, struct wire_span *string);
bool txt_name(struct txt *txt, struct wire_span *name, const char *expected);
bool txt_has_name(struct txt *txt);

/* "com.microsoft.Gelu": the domain is "" without a point. */
bool txt_operator(struct txt *txt, struct wire_span *domain, struct wire_span *op_type);

/* True for the words nan, inf and infinity, in letters of any size. */
bool txt_is_real_word(struct wire_span word);
bool txt_number(struct txt *txt, struct txt_number *number);

/* The number as one of these, with `what` it is for messages, or fails. */
bool txt_to_int(struct txt *txt, const struct txt_number *number, int64_t low, int64_t high,
                const char *what, int64_t *value);
bool txt_to_uint(struct txt *txt, const struct txt_number *number, uint64_t high, const char *what,
                 uint64_t *value);
bool txt_to_float(struct txt *txt, const struct txt_number *number, float *value);
bool txt_to_double(struct txt *txt, const struct txt_number *number, double *value);

/* txt_number with txt_to_int, of any size. */
bool txt_int(struct txt *txt, int64_t *value);

#endif
