/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status codes and the error record that every fallible function fills.
 *
 * A message answers where, what, got, expected. It is written once, where the cause is known;
 * callers only put in front what they know (stage, node). The buffer is fixed, so that there is a
 * message also when memory is out.
 */
#ifndef ONR_BASE_ERROR_H
#define ONR_BASE_ERROR_H

#include <stddef.h>

/* X(name, number, text). The public header repeats the numbers; src/api asserts that they agree. */
#define ONR_STATUS_LIST(X)                                                                         \
    X(OK, 0, "ok")                                                                                 \
    X(ARGUMENT, 1, "invalid argument")                                                             \
    X(IO, 10, "file cannot be read")                                                               \
    X(PARSE, 11, "not an ONNX file")                                                               \
    X(MODEL, 12, "invalid model")                                                                  \
    X(UNSUPPORTED, 20, "not supported")                                                            \
    X(SHAPE, 30, "shapes do not fit")                                                              \
    X(VALUE, 40, "value out of range")                                                             \
    X(MEMORY, 50, "out of memory")                                                                 \
    X(LIMIT, 51, "limit exceeded")                                                                 \
    X(CANCELLED, 60, "cancelled")                                                                  \
    X(INTERNAL, 90, "internal error")

enum onr_status {
#define ONR_STATUS_ENUM(name, number, text) ONR_ERR_##name = (number),
    ONR_STATUS_LIST(ONR_STATUS_ENUM)
#undef ONR_STATUS_ENUM
};
#define ONR_OK ONR_ERR_OK

#define ONR_MESSAGE_BYTES 2048 /* holds the list of all operators that are missing */

struct onr_error {
    enum onr_status status;
    char message[ONR_MESSAGE_BYTES]; /* UTF-8, always terminated, control bytes escaped */
};

#define ONR_MUST_USE __attribute__((warn_unused_result))

/* "invalid model" and so on; "unknown status" for a number that is none. Static storage. */
const char *onr_status_text(enum onr_status status);

/* Resets err to ONR_OK with an empty message. */
void onr_error_clear(struct onr_error *err);

/* Writes status and message into err (control bytes and what is no UTF-8 escaped, cut to fit) and
 * returns status. */
enum onr_status onr_fail(struct onr_error *err, enum onr_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* onr_fail with ONR_ERR_MEMORY and a message that names what could not be had. */
enum onr_status onr_fail_memory(struct onr_error *err, const char *what);

/* Puts text before the message that err holds, for a caller that knows where it happened. */
void onr_error_prefix(struct onr_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns from the calling function with the status, unless it is ONR_OK. */
#define ONR_TRY(expression)                                                                        \
    do {                                                                                           \
        enum onr_status onr_try_status_ = (expression);                                            \
        if (onr_try_status_ != ONR_OK) {                                                           \
            return onr_try_status_;                                                                \
        }                                                                                          \
    } while (0)

#endif
