/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strided copies. The innermost dimension and one other form a tile that a kernel copies: rows of
 * contiguous elements, a transpose where the source is contiguous along the other one, or single
 * elements. Threads share the rows of all tiles.
 */
#include "ops/common/copy.h"

#include <string.h>

/* Bytes from which on a second thread pays. */
#define GRAIN_BYTES ((size_t)1 << 16)

/* Rows or columns, below which most of a tile of a transpose would be empty, and the elements that are
 * soon read or written again. */
#define FEW  4
#define MANY 1024

/* Bytes of the largest element that kernels move. */
#define WIDEST 16

/* Rows below which sharing them would leave threads idle. */
#define MIN_ROWS 64

void onr_copy_add(struct onr_copy *copy, int64_t dim, int64_t dst_stride, int64_t src_stride)
{
    copy->dim[copy->rank] = dim;
    copy->dst_stride[copy->rank] = dst_stride;
    copy->src_stride[copy->rank] = src_stride;
    copy->rank++;
}

static void move_dim(struct onr_copy *copy, int to, int from)
{
    copy->dim[to] = copy->dim[from];
    copy->dst_stride[to] = copy->dst_stride[from];
    copy->src_stride[to] = copy->src_stride[from];
}

/* True when the two neighbouring dimensions are one in both views. */
static bool can_merge(const struct onr_copy *copy, int outer, int inner)
{
    return copy->dst_stride[outer] == copy->dst_stride[inner] * copy->dim[inner] &&
           copy->src_stride[outer] == copy->src_stride[inner] * copy->dim[inner];
}

/* Makes dimension d the last but one. */
static void rotate_to_row(struct onr_copy *copy, int d)
{
    int64_t dim = copy->dim[d];
    int64_t dst_stride = copy->dst_stride[d];
    int64_t src_stride = copy->src_stride[d];
    for (int i = d; i < copy->rank - 2; i++) {
        move_dim(copy, i, i + 1);
    }
    copy->dim[copy->rank - 2] = dim;
    copy->dst_stride[copy->rank - 2] = dst_stride;
    copy->src_stride[copy->rank - 2] = src_stride;
}

/* Drops dimensions of extent 1 and merges neighbours. */
static void merge_dims(struct onr_copy *copy)
{
    int rank = 0;
    for (int d = 0; d < copy->rank; d++) {
        if (copy->dim[d] == 1) {
            continue;
        }
        move_dim(copy, rank, d);
        if (rank > 0 && can_merge(copy, rank - 1, rank)) {
            copy->dim[rank] *= copy->dim[rank - 1];
            move_dim(copy, rank - 1, rank);
        } else {
            rank++;
        }
    }
    copy->rank = rank;
}

/* Has a few elements that are neighbours in both views be one, which kernels move at once. */
static void widen_elements(struct onr_copy *copy)
{
    int last = copy->rank - 1;
    if (last < 1 || copy->dst_stride[last] != 1 || copy->src_stride[last] != 1 ||
        copy->dim[last] < 2 || copy->dim[last] > WIDEST) {
        return;
    }
    int64_t dim = copy->dim[last];
    size_t bytes = (size_t)dim * copy->element_bytes;
    bool is_element = bytes <= WIDEST && (bytes & (bytes - 1)) == 0;
    for (int d = 0; d < last; d++) {
        is_element = is_element && copy->dst_stride[d] % dim == 0 && copy->src_stride[d] % dim == 0;
    }
    for (int d = 0; d < last && is_element; d++) {
        copy->dst_stride[d] /= dim;
        copy->src_stride[d] /= dim;
    }
    copy->rank = is_element ? last : copy->rank;
    copy->element_bytes = is_element ? bytes : copy->element_bytes;
}

static void prepend_unit_dim(struct onr_copy *copy)
{
    for (int d = copy->rank; d > 0; d--) {
        move_dim(copy, d, d - 1);
    }
    copy->rank++;
    copy->dim[0] = 1;
    copy->dst_stride[0] = copy->rank == 1;
    copy->src_stride[0] = copy->rank == 1;
}

void onr_copy_finish(struct onr_copy *copy)
{
    merge_dims(copy);
    widen_elements(copy);
    while (copy->rank < 2) {
        prepend_unit_dim(copy);
    }
    if (copy->src_stride[copy->rank - 1] == 1) {
        return;
    }
    for (int d = copy->rank - 2; d >= 0; d--) {
        if (copy->src_stride[d] == 1) {
            rotate_to_row(copy, d);
            return;
        }
    }
}

struct copy_task {
    const struct onr_copy *copy;
    const struct onr_kernels *kernels;
    char *dst;
    const char *src;
    int split; /* dimension of the tiles that the threads share: the rows, or the columns */
};

/* Transposes by rows, or by columns, whichever are fewer. */
static void transpose_few(const struct copy_task *task, size_t rows, size_t cols, char *dst,
                          const char *src)
{
    const struct onr_copy *copy = task->copy;
    size_t size = copy->element_bytes;
    onr_copy_strided_fn move = task->kernels->move.copy_strided[onr_move_size_index(size)];
    int64_t dst_stride = copy->dst_stride[copy->rank - 2];
    int64_t src_stride = copy->src_stride[copy->rank - 1];
    bool is_rows = rows <= cols;
    for (size_t i = 0; i < (is_rows ? rows : cols); i++) {
        move(is_rows ? cols : rows, dst, is_rows ? 1 : dst_stride, src, is_rows ? src_stride : 1);
        dst += (is_rows ? dst_stride : 1) * (int64_t)size;
        src += (is_rows ? 1 : src_stride) * (int64_t)size;
    }
}

/* Copies rows x cols of a tile from where dst and src point to. */
static void copy_block(const struct copy_task *task, size_t rows, size_t cols, char *dst,
                       const char *src)
{
    const struct onr_copy *copy = task->copy;
    int row = copy->rank - 2;
    int col = copy->rank - 1;
    size_t size = copy->element_bytes;
    unsigned kernel = onr_move_size_index(size);
    bool is_dense = copy->dst_stride[col] == 1;
    if (is_dense && copy->src_stride[col] == 1) {
        for (size_t r = 0; r < rows; r++) {
            memcpy(dst, src, cols * size);
            dst += copy->dst_stride[row] * (int64_t)size;
            src += copy->src_stride[row] * (int64_t)size;
        }
    } else if (is_dense && copy->src_stride[row] == 1 && size > sizeof(float) &&
               (rows < FEW || cols < FEW) && rows * cols < MANY) {
        transpose_few(task, rows, cols, dst, src);
    } else if (is_dense && copy->src_stride[row] == 1) {
        task->kernels->move.transpose[kernel](rows, cols, dst, copy->dst_stride[row], src,
                                              copy->src_stride[col]);
    } else {
        for (size_t r = 0; r < rows; r++) {
            task->kernels->move.copy_strided[kernel](cols, dst, copy->dst_stride[col], src,
                                                     copy->src_stride[col]);
            dst += copy->dst_stride[row] * (int64_t)size;
            src += copy->src_stride[row] * (int64_t)size;
        }
    }
}

/* The offsets, in elements, of tile number `tile`, counted over the dimensions before the last two.
 */
static void find_tile(const struct onr_copy *copy, size_t tile, int64_t *dst, int64_t *src)
{
    *dst = 0;
    *src = 0;
    for (int d = copy->rank - 3; d >= 0; d--) {
        int64_t index = (int64_t)(tile % (size_t)copy->dim[d]);
        tile /= (size_t)copy->dim[d];
        *dst += index * copy->dst_stride[d];
        *src += index * copy->src_stride[d];
    }
}

static void copy_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct copy_task *task = arg;
    const struct onr_copy *copy = task->copy;
    size_t extent = (size_t)copy->dim[task->split];
    size_t rows = (size_t)copy->dim[copy->rank - 2];
    size_t cols = (size_t)copy->dim[copy->rank - 1];
    int64_t size = (int64_t)copy->element_bytes;
    while (begin < end) {
        size_t first = begin % extent;
        size_t count = end - begin < extent - first ? end - begin : extent - first;
        int64_t dst = 0;
        int64_t src = 0;
        find_tile(copy, begin / extent, &dst, &src);
        dst += (int64_t)first * copy->dst_stride[task->split];
        src += (int64_t)first * copy->src_stride[task->split];
        bool is_rows = task->split == copy->rank - 2;
        copy_block(task, is_rows ? count : rows, is_rows ? cols : count, task->dst + dst * size,
                   task->src + src * size);
        begin += count;
    }
}

/* The threads share the rows, but the columns where rows are few and long. */
static int choose_split(const struct onr_copy *copy, size_t rows)
{
    bool is_long = rows < MIN_ROWS && copy->dim[copy->rank - 1] > copy->dim[copy->rank - 2];
    return is_long ? copy->rank - 1 : copy->rank - 2;
}

void onr_copy_run(const struct onr_copy *copy, const struct onr_kernels *kernels,
                  const struct onr_parallel *parallel, void *dst, const void *src)
{
    size_t rows = 1;
    for (int d = 0; d < copy->rank - 1; d++) {
        rows *= (size_t)copy->dim[d];
    }
    size_t row_bytes = (size_t)copy->dim[copy->rank - 1] * copy->element_bytes;
    if (rows == 0 || row_bytes == 0) {
        return;
    }
    if (rows == 1 && copy->dst_stride[copy->rank - 1] == 1 &&
        copy->src_stride[copy->rank - 1] == 1) {
        onr_copy_bytes(parallel, dst, src, row_bytes);
        return;
    }
    struct copy_task task = {.copy = copy,
                             .kernels = kernels,
                             .dst = dst,
                             .src = src,
                             .split = choose_split(copy, rows)};
    size_t total = rows * (row_bytes / copy->element_bytes);
    size_t items = rows;
    if (task.split == copy->rank - 1) {
        items = total / (size_t)copy->dim[copy->rank - 2];
    }
    onr_parallel_for(parallel, items, GRAIN_BYTES / (total / items * copy->element_bytes) + 1,
                     copy_range, &task);
}

static void copy_bytes_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct copy_task *task = arg;
    memcpy(task->dst + begin, task->src + begin, end - begin);
}

void onr_copy_bytes(const struct onr_parallel *parallel, void *dst, const void *src, size_t bytes)
{
    if (dst == src || bytes == 0) {
        return;
    }
    struct copy_task task = {.dst = dst, .src = src};
    onr_parallel_for(parallel, bytes, GRAIN_BYTES, copy_bytes_range, &task);
}

struct fill_task {
    onr_copy_strided_fn copy;
    char *dst;
    const void *element;
    size_t element_bytes;
};

static void fill_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct fill_task *task = arg;
    task->copy(end - begin, task->dst + begin * task->element_bytes, 1, task->element, 0);
}

void onr_fill(const struct onr_kernels *kernels, const struct onr_parallel *parallel, void *dst,
              size_t count, const void *element, size_t element_bytes)
{
    struct fill_task task = {
        .copy = kernels->move.copy_strided[onr_move_size_index(element_bytes)],
        .dst = dst,
        .element = element,
        .element_bytes = element_bytes,
    };
    onr_parallel_for(parallel, count, GRAIN_BYTES / element_bytes, fill_range, &task);
}
