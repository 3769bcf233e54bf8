/* SPDX-License-Identifier: Apache-2.0 */
/* What a product does to its result besides alpha and C: against loops in double precision. */
#include "base/arena.h"
#include "base/half.h"
#include "ops/matrix/product_items.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2
#define MOST  (BATCH * 40 * 1000)

static float a[MOST], b[MOST], c[MOST], addend[MOST], factor[MOST], y[MOST], first[MOST];

static int setup(void **state)
{
    (void)state;
    float *const all[] = {a, b, c, addend, factor};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        test_random(i + 1, MOST, all[i]);
    }
    return 0;
}

static struct onr_product make_product(size_t m, size_t n, size_t k)
{
    return (struct onr_product){.dtype = ONR_FLOAT,
                                .m = m,
                                .n = n,
                                .k = k,
                                .a_row_stride = k,
                                .a_column_stride = 1,
                                .b_row_stride = n,
                                .b_column_stride = 1,
                                .y_row_stride = n,
                                .alpha = 0.5f,
                                .beta = 1.0f};
}

static size_t count_matrices(const struct onr_product *product)
{
    return product->batch_rank > 0 ? product->batch[0].count : 1;
}

static void run(struct onr_product product, const struct onr_product_state *state,
                const struct onr_product_operands *operands, unsigned thread_count)
{
    struct onr_parallel parallel;
    struct onr_mem mem;
    struct onr_error err;
    size_t bytes = 0;
    onr_mem_init(&mem, NULL, 0);
    assert_int_equal(onr_parallel_init(&parallel, thread_count, &mem, &err), ONR_OK);
    onr_product_plan(&product, state, parallel.thread_count, &bytes);
    struct onr_plan_ctx plan = {.thread_count = parallel.thread_count};
    onr_product_link(&product, 1, &plan);
    void *workspace = aligned_alloc(ONR_MEM_ALIGN, (bytes / ONR_MEM_ALIGN + 1) * ONR_MEM_ALIGN);
    assert_non_null(workspace);
    struct onr_run_ctx ctx = {
        .workspace = workspace, .kernels = state->kernels, .parallel = &parallel};
    onr_product_run(&product, operands, &ctx);
    onr_parallel_free(&parallel);
    free(workspace);
}

static double leaky(double x)
{
    return x < 0 ? 0.25 * x : x;
}

static void check(const struct onr_product *p, const struct onr_product_operands *o)
{
    for (size_t i = 0; i < count_matrices(p) * p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            size_t batch = i / p->m;
            size_t at = i * p->n + j;
            double want = 0;
            for (size_t q = 0; q < p->k; q++) {
                want += (double)a[i * p->k + q] * (double)b[(batch * p->k + q) * p->n + j];
            }
            want *= (double)p->alpha;
            want += p->bias == ONR_PRODUCT_COLUMN_BIAS ? (double)(p->beta * c[j]) : 0.0;
            want +=
                p->bias == ONR_PRODUCT_FULL_BIAS ? (double)(p->beta * c[i % p->m * p->n + j]) : 0.0;
            want += o->addend != NULL ? (double)addend[at] : 0.0;
            want = p->activation.function != NULL ? leaky(want) : want;
            want *= o->factor != NULL ? (double)factor[at] : 1.0;
            if (!(fabs((double)y[at] - want) <= 1e-5 * (1.0 + (double)p->k))) {
                fail_msg("%zux%zux%zu at (%zu, %zu): %g, expected %g", p->m, p->n, p->k, i, j,
                         (double)y[at], want);
            }
        }
    }
}

/* One combination, on one to three threads; an addend also where it is the result itself. */
static void try_product(const struct onr_product *product, const struct onr_product_state *state,
                        struct onr_product_operands operands)
{
    size_t bytes = count_matrices(product) * product->m * product->n * sizeof(float);
    memset(y, 0xff, sizeof y);
    run(*product, state, &operands, 1);
    check(product, &operands);
    memcpy(first, y, bytes);
    for (unsigned threads = 2; threads <= 3; threads++) {
        memset(y, 0xff, sizeof y);
        if (product->has_addend) {
            memcpy(y, addend, bytes);
            operands.addend = y;
        }
        run(*product, state, &operands, threads);
        assert_memory_equal(y, first, bytes);
    }
}

static void try_sizes(const struct onr_product_state *state, size_t batch, size_t m, size_t n,
                      size_t k)
{
    for (unsigned bits = 0; bits < 24; bits++) {
        struct onr_product_dim dim = {batch, m * k, k * n, m * n};
        struct onr_product product = make_product(m, n, k);
        product.batch_rank = 1;
        product.batch = &dim;
        product.has_addend = (bits & 1) != 0;
        if ((bits & 2) != 0) {
            product.multiply = state->kernels->binary.rows[ONR_BINARY_MUL][ONR_FLOAT];
        }
        product.bias = bits < 8    ? ONR_PRODUCT_NO_BIAS
                       : bits < 16 ? ONR_PRODUCT_COLUMN_BIAS
                                   : ONR_PRODUCT_FULL_BIAS;
        if ((bits & 4) != 0) {
            product.activation = (struct onr_activation){
                .function = state->kernels->unary.rows[ONR_UNARY_LEAKY_RELU][ONR_FLOAT],
                .args = {0.25f, 0.0f}};
        }
        if (product.bias == ONR_PRODUCT_FULL_BIAS && product.has_addend) {
            product.has_addend = false;
            product.beta = 0.5f;
        }
        struct onr_product_operands operands = {.a = a,
                                                .b = b,
                                                .c = c,
                                                .addend = product.has_addend ? addend : NULL,
                                                .factor = product.multiply != NULL ? factor : NULL,
                                                .y = y};
        try_product(&product, state, operands);
    }
}

static void every_part_of_the_epilogue(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 3, 6, 17, 40};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        struct onr_product_state plain = {.kernels = &kernels};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            try_sizes(&plain, BATCH, rows[i], 70, 37);
        }
        try_sizes(&plain, 1, 4, 33, 0);
        try_sizes(&plain, BATCH, 17, 1, 37); /* one column: A and B change places */
    }
}

/* A constant B, k x 480, and what it was packed with. */
struct weights {
    struct onr_mem mem;
    struct onr_parallel parallel;
    struct onr_arena arena;
    struct onr_backlog backlog;
    struct onr_kernels kernels;
    struct onr_product_state state;
};

static void pack_weights(struct weights *w, enum onr_isa isa, size_t k)
{
    struct onr_error err;
    struct onr_gemm_matrix matrix = {b, ONR_FLOAT, 480, 1};
    onr_mem_init(&w->mem, NULL, 0);
    assert_int_equal(onr_parallel_init(&w->parallel, 2, &w->mem, &err), ONR_OK);
    onr_arena_init(&w->arena, &w->mem);
    onr_backlog_init(&w->backlog, &w->parallel, &w->arena, true);
    onr_kernels_init(&w->kernels, isa);
    w->state = (struct onr_product_state){.kernels = &w->kernels};
    struct onr_prepare_ctx ctx = {
        .kernels = &w->kernels, .backlog = &w->backlog, .mem = &w->mem, .err = &err};
    assert_int_equal(onr_product_pack(&ctx, &matrix, k, 480, &w->state.packed), ONR_OK);
}

static void free_weights(struct weights *w)
{
    onr_arena_free(&w->arena);
    onr_parallel_free(&w->parallel);
    assert_int_equal(w->mem.live_bytes, 0);
}

/* The tiles are wide for up to four rows; many rows are shared out between two threads. */
static void packed_weights(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 2, 4, 9, 65};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct weights weights;
        pack_weights(&weights, (enum onr_isa)isa, 19);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            try_sizes(&weights.state, 1, rows[i], 480, 19);
        }
        free_weights(&weights);
    }
}

/* Three products, one after the other: the first has too few rows to prefetch for the second. */
static void products_tell_the_one_before_what_to_prefetch(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 40, 40};
    struct weights weights;
    pack_weights(&weights, onr_cpu_isa(), 19);
    const struct onr_packed_b *packed = &weights.state.packed;
    struct onr_product_state plain = {.kernels = &weights.kernels};
    struct onr_plan_ctx ctx = {.thread_count = 2};
    struct onr_product products[3];
    for (size_t i = 0; i < 3; i++) {
        products[i] = make_product(rows[i], 480, 19);
        onr_product_plan(&products[i], &weights.state, ctx.thread_count, &ctx.workspace_bytes);
        onr_product_link(&products[i], 1, &ctx);
    }
    assert_true(!products[1].is_prefetched && products[2].is_prefetched);
    assert_true(products[0].next.data == NULL && products[2].next.data == NULL);
    assert_ptr_equal(products[1].next.data, packed->data);
    assert_int_equal(products[1].next.pieces, products[2].panels);
    assert_int_equal(products[1].next.round * products[1].next.piece_bytes,
                     19 * 480 * sizeof(float));
    assert_ptr_equal(ctx.next_stream, &products[2].next);
    struct onr_product other = make_product(40, 480, 19);
    onr_product_plan(&other, &plain, ctx.thread_count, &ctx.workspace_bytes);
    onr_product_link(&other, 1, &ctx);
    assert_ptr_equal(ctx.next_stream, &products[2].next);
    struct onr_product_operands operands = {.a = a, .b = b, .y = y};
    try_product(&products[1], &weights.state, operands);
    try_product(&products[2], &weights.state, operands);
    free_weights(&weights);
}

/* By as many threads as divide their number, each with 32 rows or more; all begin with the first
 * panel. A product with its own weights for each item of a batch has parts enough. */
static void many_rows_are_cut_before_panels(void **state)
{
    (void)state;
    struct weights weights;
    pack_weights(&weights, onr_cpu_isa(), 19);
    static const unsigned threads[] = {1, 2, 3, 4, 6, 7, 8};
    static const size_t parts[][7] = {
        {1, 1, 1, 1, 1, 1, 1}, {1, 2, 1, 2, 2, 1, 2}, {1, 2, 3, 4, 3, 1, 4}};
    static const size_t rows[] = {63, 64, 130};
    for (size_t i = 0; i < 3; i++) {
        for (size_t t = 0; t < 7; t++) {
            struct onr_product planned = make_product(rows[i], 480, 19);
            struct onr_stream before = {0};
            struct onr_plan_ctx ctx = {.thread_count = threads[t], .next_stream = &before};
            onr_product_plan(&planned, &weights.state, threads[t], &ctx.workspace_bytes);
            onr_product_link(&planned, 1, &ctx);
            assert_int_equal(onr_product_row_parts(&planned, threads[t]), parts[i][t]);
            assert_true(parts[i][t] == 1 || planned.row_splits == parts[i][t]);
            assert_int_equal(before.round, planned.panels);
            assert_int_equal(before.pieces, planned.panels * planned.row_splits);
        }
    }
    struct onr_product two = make_product(64, 480, 19);
    two.batch_count = 2;
    assert_int_equal(onr_product_row_parts(&two, 2), 1);
    free_weights(&weights);
}

/* Ten or more panels with enough work in each to be taken one by one, the last in slices of rows. */
static void take_kept_back(const struct onr_product *product, const struct weights *weights)
{
    struct onr_product_operands operands = {.a = a, .b = b, .y = y};
    size_t count = product->m * product->n;
    assert_true(count <= MOST && product->m * 160 <= MOST && 160 * 480 <= MOST);
    run(*product, &weights->state, &operands, 1);
    check(product, &operands);
    memcpy(first, y, count * sizeof(float));
    for (unsigned threads = 2; threads <= 5; threads++) {
        struct onr_plan_ctx ctx = {.thread_count = threads};
        struct onr_product planned = *product;
        onr_product_plan(&planned, &weights->state, threads, &ctx.workspace_bytes);
        onr_product_link(&planned, 1, &ctx);
        size_t items = planned.panels * planned.row_splits / threads; /* of each */
        assert_int_equal(planned.kept_back, items / planned.grain >= 4 ? items - items * 3 / 4 : 0);
        memset(y, 0xff, count * sizeof(float));
        run(*product, &weights->state, &operands, threads);
        assert_memory_equal(y, first, count * sizeof(float));
    }
}

static void threads_that_are_done_take_panels_that_were_kept_back(void **state)
{
    (void)state;
    struct weights weights;
    pack_weights(&weights, onr_cpu_isa(), 160);
    size_t rows = 4 * 131072 / (160 * weights.state.packed.kernel->columns);
    for (size_t more = 0; more < 20; more += 3) {
        struct onr_product product = make_product(rows + more, 480, 160);
        take_kept_back(&product, &weights);
    }
    free_weights(&weights);
}

static void halves_are_rounded_after_the_activation(void **state)
{
    (void)state;
    struct onr_kernels kernels;
    onr_kernels_init(&kernels, onr_cpu_isa());
    struct onr_product_state plain = {.kernels = &kernels};
    uint16_t row[2] = {onr_float_to_half(1.0f), onr_float_to_half(0x1p-11f)};
    uint16_t column[2] = {onr_float_to_half(-1.0f), onr_float_to_half(-1.0f)};
    uint16_t result = 0;
    struct onr_product product = make_product(1, 1, 2);
    product.dtype = ONR_FLOAT16;
    product.alpha = 1.0f;
    /* -(1 + 2^-11) is no half; plus 1 it is. */
    product.activation = (struct onr_activation){
        .function = kernels.unary.rows[ONR_UNARY_SHRINK][onr_product_value_dtype(ONR_FLOAT16)],
        .args = {1.0f, 0.5f}};
    struct onr_product_operands operands = {.a = row, .b = column, .y = &result};
    run(product, &plain, &operands, 1);
    assert_true(onr_half_to_float(result) == -0x1p-11f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_the_epilogue),
        cmocka_unit_test(packed_weights),
        cmocka_unit_test(products_tell_the_one_before_what_to_prefetch),
        cmocka_unit_test(many_rows_are_cut_before_panels),
        cmocka_unit_test(threads_that_are_done_take_panels_that_were_kept_back),
        cmocka_unit_test(halves_are_rounded_after_the_activation),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
