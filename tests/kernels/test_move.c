/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static const size_t extents[] = {0, 1, 2, 3, 4, 15, 16, 17, 63, 64, 65, 101};
#define EXTENT_COUNT (sizeof extents / sizeof extents[0])

static struct onr_kernels kernels;

/* count bytes that differ from their neighbours; one byte off any alignment. */
static unsigned char *some_bytes(size_t count)
{
    int64_t dim = (int64_t)count + 1;
    unsigned char *bytes = test_tensor(ONR_UINT8, 1, &dim, NULL)->data;
    for (size_t i = 0; i <= count; i++) {
        bytes[i] = (unsigned char)(i * 151 + i / 256);
    }
    return bytes + 1;
}

/* gap: elements between the rows of both sides */
static void check_transpose(size_t size, size_t rows, size_t cols, size_t gap)
{
    size_t src_stride = rows + gap;
    size_t dst_stride = cols + gap;
    unsigned char *src = some_bytes((cols + 1) * src_stride * size);
    unsigned char *dst = some_bytes((rows + 1) * dst_stride * size);
    unsigned char *want = some_bytes((rows + 1) * dst_stride * size);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < cols; c++) {
            memcpy(want + (r * dst_stride + c) * size, src + (c * src_stride + r) * size, size);
        }
    }
    kernels.move.transpose[onr_move_size_index(size)](rows, cols, dst, (int64_t)dst_stride, src,
                                                      (int64_t)src_stride);
    assert_memory_equal(dst, want, (rows + 1) * dst_stride * size);
}

static void transpose_writes_its_block_and_nothing_else(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t size = 1; size <= 16; size *= 2) {
            for (size_t i = 0; i < EXTENT_COUNT * EXTENT_COUNT; i++) {
                check_transpose(size, extents[i / EXTENT_COUNT], extents[i % EXTENT_COUNT], 3);
            }
            test_tensors_free(NULL);
        }
    }
}

static void interleaved_streams_are_taken_apart_and_put_together(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < EXTENT_COUNT * 5; i++) {
            check_transpose(4, i % 5 + 1, extents[i / 5], 0);
            check_transpose(4, extents[i / 5], i % 5 + 1, 0);
        }
        test_tensors_free(NULL);
    }
}

static void check_strided(size_t size, size_t count, int64_t dst_stride, int64_t src_stride)
{
    size_t bytes = (4 * count + 4) * size;
    unsigned char *src = some_bytes(bytes);
    unsigned char *dst = some_bytes(bytes);
    unsigned char *want = some_bytes(bytes);
    const unsigned char *first = src + (src_stride < 0 ? 3 * count * size : 0);
    for (int64_t i = 0; i < (int64_t)count; i++) {
        memcpy(want + i * dst_stride * (int64_t)size, first + i * src_stride * (int64_t)size, size);
    }
    kernels.move.copy_strided[onr_move_size_index(size)](count, dst, dst_stride, first, src_stride);
    assert_memory_equal(dst, want, bytes);
}

static void strided_copy_goes_forward_backward_and_repeats(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t size = 1; size <= 16; size *= 2) {
            for (size_t i = 0; i < EXTENT_COUNT; i++) {
                check_strided(size, extents[i], 1, 3);
                check_strided(size, extents[i], 2, -2);
                check_strided(size, extents[i], 1, 0);
            }
        }
    }
}

/* Indices over all of [-dim, dim); step says whether the column goes along with the index. */
static void check_gather(size_t size, size_t count, int64_t step)
{
    enum { DIM = 7, STRIDE = 103 };
    int64_t dim = (int64_t)count + 1;
    int64_t *index = test_tensor(ONR_INT64, 1, &dim, NULL)->data;
    unsigned char *src = some_bytes(DIM * STRIDE * size);
    unsigned char *dst = some_bytes((count + 1) * size);
    unsigned char *want = some_bytes((count + 1) * size);
    onr_gather_fn gather = kernels.move.gather[onr_move_size_index(size)];
    for (size_t i = 0; i < count; i++) {
        index[i] = (int64_t)(i * 5 % (2 * DIM)) - DIM;
        int64_t at = (index[i] + DIM) % DIM * STRIDE + (int64_t)i * step;
        memcpy(want + i * size, src + (size_t)at * size, size);
    }
    assert_true(gather(count, dst, src, step, index, DIM, STRIDE));
    assert_memory_equal(dst, want, (count + 1) * size);
    static const int64_t outside[] = {DIM, -DIM - 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < count; i++) {
        int64_t kept = index[i];
        index[i] = outside[i % 4];
        assert_false(gather(count, dst, src, step, index, DIM, STRIDE));
        index[i] = kept;
    }
    assert_memory_equal(dst, want, (count + 1) * size);
}

static void gather_takes_indices_from_both_ends_and_refuses_others(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t size = 1; size <= 16; size *= 2) {
            for (size_t i = 0; i < EXTENT_COUNT; i++) {
                check_gather(size, extents[i], 0);
                check_gather(size, extents[i], 1);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(transpose_writes_its_block_and_nothing_else, test_tensors_free),
        cmocka_unit_test_teardown(interleaved_streams_are_taken_apart_and_put_together,
                                  test_tensors_free),
        cmocka_unit_test_teardown(strided_copy_goes_forward_backward_and_repeats,
                                  test_tensors_free),
        cmocka_unit_test_teardown(gather_takes_indices_from_both_ends_and_refuses_others,
                                  test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
