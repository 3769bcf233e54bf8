/* SPDX-License-Identifier: Apache-2.0 */
/* Every tile shape of every instruction set against a naive product in double. */
#include "base/half.h"
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ELEMENTS (192 * 2100)

struct fixture {
    struct onr_kernels kernels;
    float *a, *b, *c, *packed;
    void *workspace;
};

/* A product and how it is computed. */
struct product {
    size_t m, n, k;
    bool is_packed, is_a_transposed, is_b_transposed;
    bool has_column_bias, has_row_bias, accumulates;
    bool has_addend, has_activation, has_factor, has_relu;
    bool is_a_cold, is_b_hot, is_c_cold, is_backward;
    float scale;
};

static int setup(void **state)
{
    static struct fixture f;
    f.a = test_tensor(ONR_FLOAT, 1, (int64_t[]){MAX_ELEMENTS}, NULL)->data;
    f.b = test_tensor(ONR_FLOAT, 1, (int64_t[]){MAX_ELEMENTS}, NULL)->data;
    f.c = test_tensor(ONR_FLOAT, 1, (int64_t[]){MAX_ELEMENTS}, NULL)->data;
    f.packed = aligned_alloc(64, 4 * MAX_ELEMENTS * sizeof(float));
    f.workspace = aligned_alloc(64, 1 << 21);
    test_random(1, MAX_ELEMENTS, f.a);
    test_random(2, MAX_ELEMENTS, f.b);
    *state = &f;
    return f.packed != NULL && f.workspace != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->packed);
    free(f->workspace);
    return test_tensors_free(state);
}

static struct onr_gemm_matrix matrix(const float *data, size_t rows, size_t columns,
                                     bool is_transposed)
{
    return (struct onr_gemm_matrix){.data = data,
                                    .dtype = ONR_FLOAT,
                                    .row_stride = is_transposed ? 1 : columns,
                                    .column_stride = is_transposed ? rows : 1};
}

static float element(const struct onr_gemm_matrix *m, size_t i, size_t j)
{
    return ((const float *)m->data)[i * m->row_stride + j * m->column_stride];
}

static struct onr_gemm_f32_job make_job(struct fixture *f, const struct onr_gemm_f32 *kernel,
                                        const struct product *p)
{
    struct onr_gemm_f32_job job = {
        .kernel = kernel,
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .a = matrix(f->a, p->m, p->k, p->is_a_transposed),
        .b = matrix(f->b, p->k, p->n, p->is_b_transposed),
        .c = f->c,
        .c_stride = p->n,
        .column_bias = p->has_column_bias ? f->a + 7 : NULL,
        .row_bias = p->has_row_bias ? f->a + 5 : NULL,
        .scale = p->scale,
        .accumulate = p->accumulates,
        .addend = p->has_addend ? f->b + 11 : NULL,
        .addend_stride = p->n + 1,
        .factor = p->has_factor ? f->a + 13 : NULL,
        .factor_stride = p->n + 2,
        .multiply = f->kernels.binary.rows[ONR_BINARY_MUL][ONR_FLOAT],
        .is_a_cold = p->is_a_cold,
        .is_b_hot = p->is_b_hot,
        .is_c_cold = p->is_c_cold,
        .is_backward = p->is_backward,
    };
    if (p->has_activation) {
        job.activation.function = f->kernels.unary.rows[ONR_UNARY_LEAKY_RELU][ONR_FLOAT];
        job.activation.args.a = 0.25f;
        job.activation.is_by_blocks = p->k % 2 == 0;
    }
    if (p->has_relu) {
        job.activation.function = f->kernels.unary.rows[ONR_UNARY_RELU][ONR_FLOAT];
        job.activation.is_relu = true;
    }
    if (p->is_packed) {
        onr_gemm_f32_pack(kernel, p->k, p->n, &job.b, 0, onr_gemm_f32_panels(kernel, p->n),
                          f->packed);
        job.b_packed = f->packed;
        job.b.data = NULL;
    }
    return job;
}

static void check(struct fixture *f, const struct onr_gemm_f32_job *job, const struct product *p,
                  const float *old)
{
    struct onr_gemm_matrix b = matrix(f->b, p->k, p->n, p->is_b_transposed);
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            double sum = 0;
            double size = 0;
            for (size_t q = 0; q < p->k; q++) {
                double term = (double)element(&job->a, i, q) * (double)element(&b, q, j);
                sum += term;
                size += fabs(term);
            }
            double base = p->accumulates ? (double)old[i * p->n + j] : 0.0;
            base += p->has_column_bias && !p->accumulates ? (double)job->column_bias[j] : 0.0;
            base += p->has_row_bias && !p->accumulates ? (double)job->row_bias[i] : 0.0;
            base += p->has_addend ? (double)job->addend[i * job->addend_stride + j] : 0.0;
            double want = base + (double)p->scale * sum;
            want *= p->has_activation && want < 0 ? 0.25 : 1.0;
            want = p->has_relu && want < 0 ? 0.0 : want;
            want *= p->has_factor ? (double)job->factor[i * job->factor_stride + j] : 1.0;
            double bound = 1e-6 * (1.0 + size);
            if (!(fabs((double)job->c[i * p->n + j] - want) <= bound)) {
                fail_msg("%zux%zux%zu tile %zux%zu at (%zu, %zu): %g, expected %g", p->m, p->n,
                         p->k, job->kernel->rows, job->kernel->columns, i, j,
                         (double)job->c[i * p->n + j], want);
            }
        }
    }
}

/* Packs for a shape of its own what whole panels leave: the bits are the same. */
static void run_with_last(struct fixture *f, const struct onr_gemm_f32 *kernel,
                          const struct product *p, const float *old, const float *whole)
{
    struct onr_gemm_f32_job job = make_job(f, kernel, p);
    struct onr_gemm_matrix b = matrix(f->b, p->k, p->n, p->is_b_transposed);
    size_t panels = onr_gemm_f32_panels(kernel, p->n);
    job.last = onr_gemm_f32_choose_last(&f->kernels.gemm, kernel, p->n, p->k);
    onr_gemm_f32_pack_weights(kernel, job.last, p->k, p->n, &b, 0, panels, f->packed);
    memcpy(f->c, old, p->m * p->n * sizeof(float));
    onr_gemm_f32_run(&job, 0, p->m, 0, panels, f->workspace);
    assert_memory_equal(f->c, whole, p->m * p->n * sizeof(float));
}

/* Computes and checks the product; also split into four blocks, which gives the same bits. */
static void run_product(struct fixture *f, const struct onr_gemm_f32 *kernel,
                        const struct product *p)
{
    struct onr_gemm_f32_job job = make_job(f, kernel, p);
    size_t bytes = p->m * p->n * sizeof(float);
    size_t panels = onr_gemm_f32_panels(kernel, p->n);
    float *old = malloc(bytes + 1);
    float *whole = malloc(bytes + 1);
    assert_true(old != NULL && whole != NULL && onr_gemm_f32_workspace(&job) <= 1 << 21);
    test_random(3, p->m * p->n, old);
    memcpy(f->c, old, bytes);
    f->c[p->m * p->n] = 77.0f;
    onr_gemm_f32_run(&job, 0, p->m, 0, panels, f->workspace);
    check(f, &job, p, old);
    assert_true(f->c[p->m * p->n] == 77.0f);
    memcpy(whole, f->c, bytes);
    memcpy(f->c, old, bytes);
    size_t row = p->m / 3;
    size_t panel = panels / 2;
    onr_gemm_f32_run(&job, 0, row, 0, panel, f->workspace);
    onr_gemm_f32_run(&job, 0, row, panel, panels, f->workspace);
    job.c_row = row;
    job.c += row * job.c_stride;
    job.addend = p->has_addend ? job.addend + row * job.addend_stride : NULL;
    job.factor = p->has_factor ? job.factor + row * job.factor_stride : NULL;
    onr_gemm_f32_run(&job, row, p->m, 0, panel, f->workspace);
    onr_gemm_f32_run(&job, row, p->m, panel, panels, f->workspace);
    assert_memory_equal(f->c, whole, bytes);
    if (p->is_packed) {
        run_with_last(f, kernel, p, old, whole);
    }
    free(old);
    free(whole);
}

/* Calls run_product with each tile shape of each instruction set. */
static void run_all(struct fixture *f, const struct product *p)
{
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&f->kernels, (enum onr_isa)isa);
        for (size_t s = 0; s < ONR_GEMM_MAX_SHAPES && f->kernels.gemm.f32[s] != NULL; s++) {
            run_product(f, f->kernels.gemm.f32[s], p);
        }
        if (f->kernels.gemm.slim != NULL) {
            run_product(f, f->kernels.gemm.slim, p);
        }
    }
}

static void every_tail_of_every_tile(void **state)
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 29};
    static const size_t columns[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 127};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t j = 0; j < sizeof(columns) / sizeof(columns[0]); j++) {
            struct product p = {.m = rows[i], .n = columns[j], .k = 5 + i, .scale = 1.0f};
            run_all(*state, &p);
            p.is_packed = true;
            run_all(*state, &p);
        }
    }
}

static void k_of_any_length(void **state)
{
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 31, 1023, 1024, 1025, 2053};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t m = 1; m < 32; m *= 5) {
            struct product p = {.m = m, .n = 100, .k = lengths[i], .scale = 1.0f};
            p.has_column_bias = true;
            run_all(*state, &p);
            p.is_packed = true;
            run_all(*state, &p);
            p.is_packed = false;
            p.is_a_transposed = true;
            p.is_b_transposed = true;
            run_all(*state, &p);
        }
    }
}

static void more_rows_than_a_block(void **state)
{
    struct product p = {.m = 300, .n = 97, .k = 64, .is_packed = true, .scale = 1.0f};
    run_all(*state, &p);
    p.is_packed = false;
    run_all(*state, &p);
    p.is_a_transposed = true;
    run_all(*state, &p);
}

/* Its rows are prefetched where nothing lies between them, beyond the last as well; nothing else
 * changes. */
static void a_left_matrix_that_is_cold(void **state)
{
    static const size_t lengths[] = {0, 3, 4, 37, 192, 1024, 1100};
    for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct product p = {
            .m = 30, .n = 70, .k = lengths[i / 2], .is_packed = i % 2 == 1, .scale = 1.0f};
        p.is_a_cold = true;
        run_all(*state, &p);
        p.m = 7;
        p.is_a_transposed = true;
        run_all(*state, &p);
    }
}

/* Its lines are asked for some steps before the last, which cuts the steps in two; in tiles of fewer, as
 * they begin. */
static void a_result_that_is_cold(void **state)
{
    static const size_t lengths[] = {0, 3, 64, 65, 67, 68, 70, 133, 1100};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (unsigned bits = 0; bits < 8; bits++) {
            struct product p = {.m = 45,
                                .n = 70,
                                .k = lengths[i],
                                .is_packed = true,
                                .scale = i % 2 == 0 ? 1.0f : 0.5f};
            p.is_c_cold = true;
            p.has_addend = (bits & 1) != 0;
            p.has_column_bias = true;
            p.has_activation = (bits & 2) != 0;
            p.accumulates = bits == 4;
            p.has_factor = bits == 6;
            run_all(*state, &p);
        }
    }
}

static void panels_from_the_last_to_the_first(void **state)
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 16, 140};
    static const size_t columns[] = {1, 47, 96, 400, 1000};
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t j = 0; j < sizeof(columns) / sizeof(columns[0]); j++) {
            struct product p = {.m = rows[i / 2],
                                .n = columns[j],
                                .k = 21,
                                .is_packed = i % 2 == 1,
                                .is_b_hot = i % 2 == 1,
                                .is_backward = true,
                                .scale = 1.0f};
            run_all(*state, &p);
        }
    }
}

static void transposed_operands_bias_and_scale(void **state)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        struct product p = {.m = 17, .n = 53, .k = 37, .scale = (bits & 8) != 0 ? -0.5f : 1.0f};
        p.is_a_transposed = (bits & 1) != 0;
        p.is_b_transposed = (bits & 2) != 0;
        p.is_packed = (bits & 4) != 0;
        p.has_column_bias = (bits & 48) == 16;
        p.has_row_bias = (bits & 48) == 32;
        p.accumulates = (bits & 48) == 48;
        run_all(*state, &p);
    }
}

/* The rows are those of a wide tile, of one tile, and of several; the columns end in and at a panel;
 * k is one block and two. */
static void values_are_finished_in_the_tiles(void **state)
{
    static const size_t rows[] = {1, 2, 4, 7, 30};
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned bits = 1; bits < 64; bits++) {
            struct product p = {.m = rows[i / 2],
                                .n = (bits & 16) != 0 ? 384 : 101,
                                .k = i % 2 == 0 ? 19 : 1030,
                                .scale = 1.0f,
                                .is_packed = (bits & 8) == 0,
                                .has_column_bias = i % 3 == 0,
                                .has_row_bias = i % 3 == 1,
                                .has_addend = (bits & 1) != 0,
                                .has_activation = (bits & 34) == 2,
                                .has_relu = (bits & 34) == 34,
                                .has_factor = (bits & 4) != 0};
            if ((bits & 34) == 32) {
                continue; /* as without the 32 */
            }
            run_all(*state, &p);
        }
    }
}

static void rows_a_page_apart_are_read_or_copied(void **state)
{
    struct product p = {.m = 20, .n = 40, .k = 1024, .is_packed = true, .scale = 1.0f};
    run_all(*state, &p);
}

/* A row's result must not depend on how many other rows there are, nor on whether B was packed. */
/* Three lines of rows with gaps between them, against the same rows without lines. */
static void check_lines(struct fixture *f, const struct onr_gemm_f32 *kernel, size_t line_rows)
{
    const struct product p = {
        .m = 3 * line_rows, .n = 70, .k = 37, .is_packed = true, .has_addend = true, .scale = 1.0f};
    struct onr_gemm_f32_job job = make_job(f, kernel, &p);
    size_t bytes = p.m * p.n * sizeof(float);
    size_t line = line_rows * (p.k + 3) + 5;
    float *lines = malloc(3 * line * sizeof(float));
    float *plain = malloc(bytes);
    assert_true(lines != NULL && plain != NULL);
    for (size_t i = 0; i < p.m; i++) {
        memcpy(lines + i / line_rows * line + i % line_rows * (p.k + 3), f->a + i * p.k,
               p.k * sizeof(float));
    }
    onr_gemm_f32_run(&job, 0, p.m, 0, onr_gemm_f32_panels(kernel, p.n), f->workspace);
    memcpy(plain, f->c, bytes);
    job.a = (struct onr_gemm_matrix){lines, ONR_FLOAT, p.k + 3, 1};
    job.line_rows = line_rows;
    job.line_stride = line;
    onr_gemm_f32_run(&job, 0, p.m, 0, onr_gemm_f32_panels(kernel, p.n), f->workspace);
    assert_memory_equal(f->c, plain, bytes);
    free(lines);
    free(plain);
}

static void rows_in_lines_have_the_same_bits(void **state)
{
    struct fixture *f = *state;
    static const size_t line_rows[] = {1, 7, 19, 60};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&f->kernels, (enum onr_isa)isa);
        for (size_t s = 0; s < ONR_GEMM_MAX_SHAPES && f->kernels.gemm.f32[s] != NULL; s++) {
            for (size_t i = 0; i < sizeof line_rows / sizeof line_rows[0]; i++) {
                check_lines(f, f->kernels.gemm.f32[s], line_rows[i]);
            }
        }
    }
}

static void a_row_alone_has_the_same_bits(void **state)
{
    struct fixture *f = *state;
    struct product p = {
        .m = 23, .n = 500, .k = 700, .is_packed = true, .has_activation = true, .scale = 1.0f};
    onr_kernels_init(&f->kernels, onr_cpu_isa());
    const struct onr_gemm_f32 *kernel = onr_gemm_f32_choose(&f->kernels.gemm, p.n);
    size_t panels = onr_gemm_f32_panels(kernel, p.n);
    struct onr_gemm_f32_job job = make_job(f, kernel, &p);
    onr_gemm_f32_run(&job, 0, p.m, 0, panels, f->workspace);
    float *last = f->c + 22 * p.n;
    for (int packed = 0; packed < 2; packed++) {
        float alone[500];
        struct product one = p;
        one.m = 1;
        one.is_packed = packed != 0;
        struct onr_gemm_f32_job row = make_job(f, kernel, &one);
        row.a.data = f->a + 22 * p.k;
        row.c = alone;
        onr_gemm_f32_run(&row, 0, 1, 0, panels, f->workspace);
        assert_memory_equal(alone, last, sizeof(alone));
    }
}

/* Nor on whether B lies transposed and is packed for many rows, but turned as it is read for few. */
static void few_rows_by_a_transposed_matrix_have_the_same_bits(void **state)
{
    static const size_t rows[] = {1, 2, 3, 15, 16, 17};
    static const size_t lengths[] = {15, 16, 17, 37, 64, 1024, 1037, 2080};
    struct fixture *f = *state;
    for (size_t i = 0; i < 6 * 8 * ((size_t)onr_cpu_isa() + 1); i++) {
        onr_kernels_init(&f->kernels, (enum onr_isa)(i / 48));
        for (size_t s = 0; s < ONR_GEMM_MAX_SHAPES && f->kernels.gemm.f32[s] != NULL; s++) {
            struct product p = {.m = rows[i % 6],
                                .n = 150,
                                .k = lengths[i / 6 % 8],
                                .is_b_transposed = true,
                                .has_column_bias = s % 2 == 0,
                                .has_row_bias = s % 2 == 1,
                                .has_addend = i % 5 < 2,
                                .has_activation = i % 7 < 3,
                                .has_factor = i % 3 == 0,
                                .scale = 0.5f};
            run_product(f, f->kernels.gemm.f32[s], &p);
            float *first = malloc(p.m * p.n * sizeof *first);
            assert_non_null(first);
            memcpy(first, f->c, p.m * p.n * sizeof *first);
            p.is_packed = true;
            run_product(f, f->kernels.gemm.f32[s], &p);
            assert_memory_equal(f->c, first, p.m * p.n * sizeof *first);
            free(first);
        }
    }
}

/* c = a * b by the first tile shape of the instruction set; given: extents, a and b. */
static void run_plain(struct fixture *f, int isa, const struct onr_gemm_f32_job *given)
{
    struct onr_gemm_f32_job job = *given;
    onr_kernels_init(&f->kernels, (enum onr_isa)isa);
    job.kernel = f->kernels.gemm.f32[0];
    job.c = f->c;
    job.c_stride = job.n;
    job.scale = 1.0f;
    onr_gemm_f32_run(&job, 0, job.m, 0, onr_gemm_f32_panels(job.kernel, job.n), f->workspace);
}

static void infinity_and_nan_in_a_transposed_matrix_stay_in_their_column(void **state)
{
    struct fixture *f = *state;
    float a[19];
    float b[48 * 19];
    for (size_t i = 0; i < 48 * 19; i++) {
        a[i % 19] = 1.0f;
        b[i] = 1.0f;
    }
    b[5 * 19 + 3] = INFINITY;
    b[7 * 19 + 18] = NAN;
    const struct onr_gemm_f32_job job = {
        .m = 1, .n = 48, .k = 19, .a = {a, ONR_FLOAT, 19, 1}, .b = {b, ONR_FLOAT, 1, 19}};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        run_plain(f, isa, &job);
        for (size_t j = 0; j < 48; j++) {
            assert_true(j == 5 ? isinf(f->c[j]) : j == 7 ? isnan(f->c[j]) : f->c[j] == 19.0f);
        }
    }
}

static void weights_at_an_odd_address(void **state)
{
    struct fixture *f = *state;
    char *bytes = (char *)f->c + 1;
    memcpy(bytes, f->b, 35 * 50 * sizeof(float));
    onr_kernels_init(&f->kernels, ONR_ISA_SCALAR);
    const struct onr_gemm_f32 *kernel = f->kernels.gemm.f32[0];
    size_t panels = onr_gemm_f32_panels(kernel, 50);
    struct onr_gemm_matrix b = {bytes, ONR_FLOAT, 50, 1};
    onr_gemm_f32_pack(kernel, 35, 50, &b, 0, panels, f->packed);
    for (size_t panel = 0; panel < panels; panel++) {
        for (size_t j = 0; j < kernel->columns; j++) {
            size_t column = panel * kernel->columns + j;
            float want = column < 50 ? f->b[34 * 50 + column] : 0.0f;
            assert_true(f->packed[(panel * 35 + 34) * kernel->columns + j] == want);
        }
    }
}

/* Packs b in shares of at most `step` and compares with the panels packed one after the other. */
static void check_shares(struct fixture *f, const struct onr_gemm_f32 *kernel, size_t k, size_t n,
                         const struct onr_gemm_matrix *b, size_t step)
{
    const struct onr_gemm_f32 *last = onr_gemm_f32_choose_last(&f->kernels.gemm, kernel, n, k);
    size_t panels = onr_gemm_f32_panels(kernel, n);
    size_t count = panels * k * kernel->columns;
    size_t rest = n % kernel->columns;
    float *shares = f->packed + MAX_ELEMENTS;
    memset(shares, 0xff, count * sizeof *shares);
    memset(f->packed, 0xff, count * sizeof *shares);
    onr_gemm_f32_pack(kernel, k, n, b, 0, n / kernel->columns, f->packed);
    if (rest > 0) {
        struct onr_gemm_matrix end = *b;
        end.data = (const char *)b->data + (n - rest) * b->column_stride * onr_dtype_size(b->dtype);
        onr_gemm_f32_pack(last, k, rest, &end, 0, 1, f->packed + (n - rest) * k);
    }
    for (size_t i = 0; i < panels; i += step) {
        size_t end = panels - i < step ? panels : i + step;
        onr_gemm_f32_pack_weights(kernel, last, k, n, b, i, end, shares);
    }
    assert_memory_equal(shares, f->packed, count * sizeof *shares);
}

static void weights_packed_in_shares_are_the_same(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {1, 5, 16, 47, 96, 200};
    char *odd = (char *)f->c + 2;
    memcpy(odd, f->b, 200 * 200 * sizeof(float));
    for (int i = 0; i < 36 * ((int)onr_cpu_isa() + 1); i++) {
        size_t k = sizes[i % 6];
        size_t n = sizes[i / 6 % 6];
        onr_kernels_init(&f->kernels, (enum onr_isa)(i / 36));
        for (size_t s = 0; s < ONR_GEMM_MAX_SHAPES && f->kernels.gemm.f32[s] != NULL; s++) {
            for (int dtype = 0; dtype < 2; dtype++) {
                struct onr_gemm_matrix rows = {odd, dtype ? ONR_FLOAT16 : ONR_FLOAT, n, 1};
                struct onr_gemm_matrix columns = {odd, rows.dtype, 1, k};
                check_shares(f, f->kernels.gemm.f32[s], k, n, &rows, 1);
                check_shares(f, f->kernels.gemm.f32[s], k, n, &rows, 3);
                check_shares(f, f->kernels.gemm.f32[s], k, n, &columns, 2);
            }
        }
    }
}

static void halves_are_converted(void **state)
{
    struct fixture *f = *state;
    uint16_t a[3] = {onr_float_to_half(0.5f), onr_float_to_half(2.0f), onr_float_to_half(-1.0f)};
    uint16_t b[3] = {onr_float_to_bfloat16(4.0f), onr_float_to_bfloat16(0.25f),
                     onr_float_to_bfloat16(3.0f)};
    const struct onr_gemm_f32_job job = {
        .m = 1, .n = 1, .k = 3, .a = {a, ONR_FLOAT16, 3, 1}, .b = {b, ONR_BFLOAT16, 1, 1}};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        run_plain(f, isa, &job);
        assert_true(f->c[0] == -0.5f);
    }
}

/* NaN and zeros of either sign as well, where a last block of k or the only one ends with it. */
static void relu_in_tiles_has_the_bits_of_relu_alone(void **state)
{
    struct fixture *f = *state;
    static float a[5 * 1100], b[1100 * 52], alone[5 * 52];
    for (int i = 0; i < 4 * ((int)onr_cpu_isa() + 1); i++) {
        size_t k = i % 2 == 0 ? 3 : 1100;
        size_t bytes = 5 * 52 * sizeof(float);
        test_random(4, 5 * k, a);
        test_random(5, k * 52, b);
        a[k] = NAN;
        memset(a + 2 * k, 0, 2 * k * sizeof *a);
        a[4 * k] = -INFINITY;
        onr_kernels_init(&f->kernels, (enum onr_isa)(i / 4));
        struct onr_gemm_f32_job job = {.kernel = f->kernels.gemm.f32[0],
                                       .m = 5,
                                       .n = 52,
                                       .k = k,
                                       .a = {a, ONR_FLOAT, k, 1},
                                       .b = {b, ONR_FLOAT, 52, 1},
                                       .c = alone,
                                       .c_stride = 52,
                                       .scale = i % 4 < 2 ? 1.0f : -0.5f};
        size_t panels = onr_gemm_f32_panels(job.kernel, 52);
        job.activation.function = f->kernels.unary.rows[ONR_UNARY_RELU][ONR_FLOAT];
        onr_gemm_f32_run(&job, 0, 5, 0, panels, f->workspace);
        job.activation.is_relu = true;
        job.c = f->c;
        onr_gemm_f32_run(&job, 0, 5, 0, panels, f->workspace);
        assert_true(isnan(f->c[52]) && f->c[2 * 52] == 0);
        assert_memory_equal(f->c, alone, bytes);
    }
}

static void infinity_and_nan_stay_in_their_row(void **state)
{
    struct fixture *f = *state;
    float a[4] = {1, 1, 1, 1};
    float b[4] = {1, INFINITY, NAN, 1};
    const struct onr_gemm_f32_job job = {
        .m = 2, .n = 4, .k = 1, .a = {a, ONR_FLOAT, 1, 1}, .b = {b, ONR_FLOAT, 4, 1}};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        run_plain(f, isa, &job);
        assert_true(f->c[4] == 1.0f && isinf(f->c[5]) && isnan(f->c[6]) && f->c[7] == 1.0f);
    }
}

static void the_fastest_shape_is_chosen(void **state)
{
    (void)state;
    struct onr_kernels kernels;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t n = 0; n < 200; n++) {
            const struct onr_gemm_f32 *last = NULL;
            const struct onr_gemm_f32 *best = onr_gemm_f32_choose(&kernels.gemm, n);
            const struct onr_gemm_f32 *two = onr_gemm_f32_choose_two(&kernels.gemm, n, &last);
            const struct onr_gemm_f32 *end = onr_gemm_f32_choose_last(&kernels.gemm, best, n, 1);
            assert_true(end->columns <= best->columns && n % best->columns <= end->columns);
            end = onr_gemm_f32_choose_last(&kernels.gemm, best, n, 4096);
            assert_true(end->rows <= 8 || best->rows > 8); /* or A would have to be copied */
            size_t cost = n / two->columns * two->cost + (n % two->columns > 0 ? last->cost : 0);
            assert_true(last->columns <= two->columns && n % two->columns <= last->columns);
            for (size_t s = 0; s < ONR_GEMM_MAX_SHAPES && kernels.gemm.f32[s] != NULL; s++) {
                const struct onr_gemm_f32 *other = kernels.gemm.f32[s];
                size_t other_cost = onr_gemm_f32_panels(other, n) * other->cost;
                assert_true(onr_gemm_f32_panels(best, n) * best->cost <= other_cost);
                assert_true(cost <= other_cost);
            }
        }
    }
}

static void integers_wrap_and_doubles_add_up(void **state)
{
    (void)state;
    double a[2 * 7], b[7 * 3], c[6];
    uint32_t a32[14], b32[21], c32[6];
    uint64_t a64[14], b64[21], c64[6];
    for (uint32_t i = 0; i < 21; i++) {
        b[i] = 0.5 * i - 3;
        b32[i] = 0x90000000u + i;
        b64[i] = 0x9000000000000000u + i;
        if (i < 14) {
            a[i] = i + 0.25;
            a32[i] = 0xffff0000u + i;
            a64[i] = 0xffffffff00000000u + i;
        }
    }
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t by_columns = 0; by_columns < 2; by_columns++) {
            size_t row = by_columns ? 1 : 3;
            size_t column = by_columns ? 7 : 1;
            struct onr_contract job = {2, 3, 7, a, 7, 1, b, row, column, c, 3};
            kernels.contract.f64(&job);
            job = (struct onr_contract){2, 3, 7, a32, 7, 1, b32, row, column, c32, 3};
            kernels.contract.u32(&job);
            job = (struct onr_contract){2, 3, 7, a64, 7, 1, b64, row, column, c64, 3};
            kernels.contract.u64(&job);
            for (size_t i = 0; i < 6; i++) {
                double sum = 0;
                uint32_t sum32 = 0;
                uint64_t sum64 = 0;
                for (size_t p = 0; p < 7; p++) {
                    size_t q = p * row + i % 3 * column;
                    sum += a[i / 3 * 7 + p] * b[q];
                    sum32 += a32[i / 3 * 7 + p] * b32[q];
                    sum64 += a64[i / 3 * 7 + p] * b64[q];
                }
                assert_true(c[i] == sum && c32[i] == sum32 && c64[i] == sum64);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_tail_of_every_tile, setup, teardown),
        cmocka_unit_test_setup_teardown(k_of_any_length, setup, teardown),
        cmocka_unit_test_setup_teardown(more_rows_than_a_block, setup, teardown),
        cmocka_unit_test_setup_teardown(a_left_matrix_that_is_cold, setup, teardown),
        cmocka_unit_test_setup_teardown(a_result_that_is_cold, setup, teardown),
        cmocka_unit_test_setup_teardown(panels_from_the_last_to_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(transposed_operands_bias_and_scale, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_finished_in_the_tiles, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_a_page_apart_are_read_or_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_in_lines_have_the_same_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_alone_has_the_same_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(few_rows_by_a_transposed_matrix_have_the_same_bits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            infinity_and_nan_in_a_transposed_matrix_stay_in_their_column, setup, teardown),
        cmocka_unit_test_setup_teardown(weights_at_an_odd_address, setup, teardown),
        cmocka_unit_test_setup_teardown(weights_packed_in_shares_are_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(halves_are_converted, setup, teardown),
        cmocka_unit_test_setup_teardown(relu_in_tiles_has_the_bits_of_relu_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(infinity_and_nan_stay_in_their_row, setup, teardown),
        cmocka_unit_test(the_fastest_shape_is_chosen),
        cmocka_unit_test(integers_wrap_and_doubles_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
