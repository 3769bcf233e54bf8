/* SPDX-License-Identifier: Apache-2.0 */
/* Images side by side; test_conv and test_contrib_fused_conv compare them with loops. */
#include "support/session_test.h"

#include <stdio.h>
#include <string.h>

/* A residual convolution; attributes begin with a blank, extents are those of a row of a plane. */
struct form {
    const char *attributes;
    int64_t channels, filters, group;
    int64_t high, wide;
    int64_t kernel_high, kernel_wide;
    int64_t out_high, out_wide;
};

static const struct form forms[] = {
    /* kernels of 1, read from X: several images in a panel, an image in several */
    {"", 48, 40, 1, 1, 24, 1, 1, 1, 24},
    {" group=4", 48, 96, 4, 1, 5, 1, 1, 1, 5},
    {"", 20, 30, 1, 7, 7, 1, 1, 7, 7},
    {"", 9, 30, 1, 1, 2, 1, 1, 1, 2},
    /* longer ones, also over several blocks of k, and as wide as the plane */
    {"", 24, 33, 1, 1, 24, 1, 5, 1, 20},
    {"", 400, 20, 1, 1, 12, 1, 3, 1, 10},
    {"", 1, 50, 1, 24, 30, 3, 30, 22, 1},
    {" dilations=[1, 2]", 4, 12, 1, 3, 9, 2, 3, 2, 5},
    /* patches: padding, strides, one below the other */
    {" pads=[1, 1, 1, 1]", 16, 40, 1, 7, 7, 3, 3, 7, 7},
    {" pads=[1, 1, 1, 1] group=2", 130, 40, 2, 4, 4, 3, 3, 4, 4},
    {" strides=[4, 4]", 3, 24, 1, 16, 16, 4, 4, 4, 4},
    {" strides=[2, 2]", 30, 40, 1, 10, 10, 1, 1, 5, 5},
    {" pads=[1, 0, 1, 0]", 2, 30, 1, 12, 8, 3, 8, 12, 1},
};

enum { BATCH = 9, MOST = BATCH * 96 * 64 };

static void begin(struct session_test *t, const struct form *f)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "in float x [n, ?, ?, ?]; in float w [?, ?, ?, ?]; in float b [?];"
                   "in float z [n, ?, ?, ?];"
                   "y = com.microsoft:FusedConv(x, w, b, z) activation='Relu'%s; out float y;",
                   f->attributes);
    session_test_begin(t, text);
    struct onr_tensor *w =
        test_f32(SHAPE(f->filters, f->channels / f->group, f->kernel_high, f->kernel_wide), NULL);
    struct onr_tensor *b = test_f32(SHAPE(f->filters), NULL);
    test_random(1, (size_t)onr_tensor_count(w), w->data);
    test_random(2, (size_t)onr_tensor_count(b), b->data);
    session_test_in(t, "w", w);
    session_test_in(t, "b", b);
    session_test_out(t, "y", NULL);
}

/* Runs some images of as many as there are; y: room for theirs. Returns the bytes of them. */
static size_t run(struct session_test *t, const struct form *f, int64_t first, int64_t count,
                  float *y)
{
    static float all[BATCH * 6000];
    int64_t x = f->channels * f->high * f->wide;
    int64_t z = f->filters * f->out_high * f->out_wide;
    test_random(3, (size_t)(BATCH * x), all);
    session_test_in(t, "x", test_f32(SHAPE(count, f->channels, f->high, f->wide), all + first * x));
    test_random(4, (size_t)(BATCH * z), all);
    session_test_in(t, "z",
                    test_f32(SHAPE(count, f->filters, f->out_high, f->out_wide), all + first * z));
    session_test_run(t);
    size_t bytes = (size_t)(count * z) * sizeof(float);
    memcpy(y, session_test_result(t, 0).data, bytes);
    return bytes;
}

static void compare_images(void **state, const struct form *f)
{
    static float batch[MOST];
    static float alone[MOST];
    struct session_test t;
    begin(&t, f);
    size_t bytes = run(&t, f, 0, BATCH, batch) / BATCH;
    for (int64_t image = 0; image < BATCH; image++) {
        assert_int_equal(run(&t, f, image, 1, alone), bytes);
        assert_memory_equal(alone, (char *)batch + (size_t)image * bytes, bytes);
    }
    session_test_end(&t);
    test_tensors_free(state);
}

static void an_image_alone_gives_the_same_bits(void **state)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        compare_images(state, &forms[i]);
    }
}

/* Patches have a part for each tap then, and are no planes. */
static void dilated_windows_that_skip_inputs_see_their_own(void **state)
{
    static const struct form dilated[] = {
        {" dilations=[2, 1]", 8, 64, 1, 5, 4, 3, 1, 1, 4},
        {" dilations=[1, 3]", 20, 40, 1, 1, 8, 1, 3, 1, 2},
        {" dilations=[2, 2] group=2", 8, 32, 2, 3, 4, 2, 2, 1, 2},
    };
    for (size_t i = 0; i < sizeof dilated / sizeof dilated[0]; i++) {
        compare_images(state, &dilated[i]);
    }
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static float one[MOST];
    static float some[MOST];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct session_test t;
        begin(&t, &forms[i]);
        for (uint32_t threads = 1; threads <= 8; threads++) {
            onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
            options.threads = threads;
            session_test_restart(&t, &options);
            size_t bytes = run(&t, &forms[i], 0, BATCH, threads == 1 ? one : some);
            assert_true(bytes <= sizeof one);
            assert_memory_equal(threads == 1 ? one : some, one, bytes);
        }
        session_test_end(&t);
        test_tensors_free(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_image_alone_gives_the_same_bits, test_tensors_free),
        cmocka_unit_test_teardown(dilated_windows_that_skip_inputs_see_their_own,
                                  test_tensors_free),
        cmocka_unit_test_teardown(any_number_of_threads_gives_the_same_bits, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
