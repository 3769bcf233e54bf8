/* SPDX-License-Identifier: Apache-2.0 */
/* Indices of windows, as tests of convolutions and pooling count them. */
#ifndef ONR_TESTS_SUPPORT_WINDOW_TEST_H
#define ONR_TESTS_SUPPORT_WINDOW_TEST_H

#include <stdint.h>

/* The three indices of element `flat`. */
static inline void window_test_split(const int64_t dims[3], int64_t flat, int64_t out[3])
{
    for (int d = 2; d >= 0; d--) {
        out[d] = flat % dims[d];
        flat /= dims[d];
    }
}

static inline int64_t window_test_volume(const int64_t dims[3])
{
    return dims[0] * dims[1] * dims[2];
}

#endif
