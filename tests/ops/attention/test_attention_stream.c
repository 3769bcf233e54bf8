/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming attention, and the weights that it tells, against the form in double, which computes
 * whole rows of scores. */
#include "base/half.h"
#include "base/mem.h"
#include "kernels/kernels.h"
#include "ops/attention/attention_core.h"
#include "ops/common/float_io.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* One call: operands are [batch, rows, heads, width], so that heads are strided. */
struct call {
    struct onr_attention a;
    struct onr_attention_data d;
    size_t bytes; /* of y */
};

static const void *random_rows(uint64_t seed, enum onr_dtype dtype, size_t count)
{
    struct onr_tensor *t = test_tensor(dtype, SHAPE((int64_t)count), NULL);
    float *values = dtype == ONR_FLOAT ? t->data : test_f32(SHAPE((int64_t)count), NULL)->data;
    test_random(seed, count, values);
    uint16_t *halves = t->data;
    for (size_t i = 0; i < count && dtype == ONR_FLOAT16; i++) {
        halves[i] = onr_float_to_half(values[i]);
    }
    return t->data;
}

static struct call make_call(size_t batch, size_t heads, size_t kv_heads, size_t queries,
                             size_t past, size_t added, size_t head, size_t v_head)
{
    struct call c = {.a = {.batch = batch,
                           .heads = heads,
                           .kv_heads = kv_heads,
                           .queries = queries,
                           .past = past,
                           .keys = past + added,
                           .head = head,
                           .v_head = v_head,
                           .q_dtype = ONR_FLOAT,
                           .k_dtype = ONR_FLOAT,
                           .v_dtype = ONR_FLOAT,
                           .y_dtype = ONR_FLOAT,
                           .q = {queries * heads * head, head, heads * head},
                           .k = {added * kv_heads * head, head, kv_heads * head},
                           .v = {added * kv_heads * v_head, v_head, kv_heads * v_head},
                           .past_k = {past * kv_heads * head, past * head, head},
                           .past_v = {past * kv_heads * v_head, past * v_head, v_head},
                           .y = {queries * heads * v_head, v_head, heads * v_head},
                           .scale = 1.0 / sqrt((double)head),
                           .window_left = -1,
                           .window_right = -1,
                           .scores_output = ONR_SCORES_NONE,
                           .hidden = (double)-INFINITY},
                     .bytes = batch * queries * heads * v_head * sizeof(float)};
    c.d.q = random_rows(1, ONR_FLOAT, batch * c.a.q.batch);
    c.d.k = random_rows(2, ONR_FLOAT, batch * c.a.k.batch);
    c.d.v = random_rows(3, ONR_FLOAT, batch * c.a.v.batch);
    c.d.past_k = random_rows(4, ONR_FLOAT, batch * c.a.past_k.batch);
    c.d.past_v = random_rows(5, ONR_FLOAT, batch * c.a.past_v.batch);
    return c;
}

/* A mask [queries, keys] for all heads; the caller fills it. */
static void *add_mask(struct call *c, enum onr_dtype dtype)
{
    struct onr_tensor *mask =
        test_tensor(dtype, SHAPE((int64_t)c->a.queries, (int64_t)c->a.keys), NULL);
    c->a.masks[0] = (struct onr_attention_mask){.dtype = dtype,
                                                .is_flag = dtype == ONR_BOOL,
                                                .fill = (double)-INFINITY,
                                                .strides = {0, 0, c->a.keys},
                                                .keys = c->a.keys};
    c->d.masks[0] = mask->data;
    return mask->data;
}

/* Sums of values with the weights that are told. */
struct told {
    const struct call *call;
    double *v;
    float *y;
    size_t next; /* query of a batch */
};

static enum onr_status tell(const struct onr_run_ctx *ctx, const struct onr_weights_row *row)
{
    struct told *told = ctx->host_data;
    const struct onr_attention *a = &told->call->a;
    struct onr_attention_operand values = onr_attention_values(a, &told->call->d);
    assert_int_equal(row->batch * row->query_count + row->query, told->next++);
    assert_true(row->batch_count == a->batch && row->query_count == a->queries);
    assert_true(row->head_count == a->heads && row->key_count == a->keys);
    for (size_t n = 0; n < a->heads; n++) {
        float *y = told->y + onr_head_offset(&a->y, row->batch, n, row->query);
        const float *weights = row->weights + n * a->keys;
        memset(told->v, 0, 2 * a->v_head * sizeof(double));
        for (size_t j = 0; j < a->keys; j++) {
            struct onr_gemm_matrix v =
                onr_attention_matrix(&values, row->batch, n / (a->heads / a->kv_heads), a->past, j);
            onr_double_gather(v.dtype, v.data, 0, 1, a->v_head, told->v);
            for (size_t h = 0; h < a->v_head && weights[j] != 0; h++) {
                told->v[a->v_head + h] += (double)weights[j] * told->v[h];
            }
        }
        for (size_t h = 0; h < a->v_head; h++) {
            y[h] = (float)told->v[a->v_head + h];
        }
    }
    return ONR_OK;
}

static const struct onr_run_host telling_host = {.tell_weights = tell};

static float *run(const struct call *call, enum onr_isa isa, unsigned thread_count, bool is_double,
                  struct told *told)
{
    struct call c = *call;
    struct onr_kernels kernels;
    struct onr_parallel parallel;
    struct onr_error err = {.status = ONR_OK};
    struct onr_mem mem;
    size_t bytes = 0;
    onr_kernels_init(&kernels, isa);
    onr_mem_init(&mem, NULL, 0);
    assert_int_equal(onr_parallel_init(&parallel, thread_count, &mem, &err), ONR_OK);
    c.a.is_double = is_double;
    struct onr_plan_ctx plan = {
        .thread_count = thread_count, .err = &err, .wants_weights = told != NULL};
    assert_int_equal(onr_attention_plan(&c.a, &plan, &bytes), ONR_OK);
    struct onr_run_ctx ctx = {.kernels = &kernels,
                              .parallel = &parallel,
                              .host = &telling_host,
                              .host_data = told,
                              .wants_weights = told != NULL,
                              .err = &err};
    void *workspace = onr_mem_alloc(&mem, bytes);
    assert_non_null(workspace);
    memset(workspace, 0xff, bytes); /* NaN, should anything be read before it is written */
    c.d.workspace = workspace;
    c.d.y = test_f32(SHAPE((int64_t)(c.bytes / sizeof(float))), NULL)->data;
    assert_int_equal(onr_attention_run(&c.a, &c.d, &ctx), ONR_OK);
    onr_mem_free(&mem, workspace, bytes);
    onr_parallel_free(&parallel);
    return c.d.y;
}

static void assert_near(const struct call *c, const char *what, int isa, const float *got,
                        const float *want)
{
    for (size_t i = 0; i < c->bytes / sizeof(float); i++) {
        bool is_same = fabs((double)got[i] - (double)want[i]) <= 2e-5 ||
                       (got[i] != got[i] && want[i] != want[i]);
        if (!is_same) {
            fail_msg("%s, isa %d, element %zu: got %.9g, expected %.9g", what, isa, i,
                     (double)got[i], (double)want[i]);
        }
    }
}

/* The weights that are told give the same sums of values, and to tell them changes nothing. */
static void check_told(const struct call *c, enum onr_isa isa, bool is_double, const float *y,
                       const float *want)
{
    const float *first = NULL;
    for (unsigned threads = 1; threads < 5 && (first == NULL || isa == onr_cpu_isa());
         threads += 3) {
        struct told told = {.call = c,
                            .v =
                                test_tensor(ONR_DOUBLE, SHAPE(2, (int64_t)c->a.v_head), NULL)->data,
                            .y = test_f32(SHAPE((int64_t)(c->bytes / sizeof(float))), NULL)->data};
        assert_memory_equal(run(c, isa, threads, is_double, &told), y, c->bytes);
        assert_int_equal(told.next, c->a.batch * c->a.queries);
        assert_near(c, "told weights", (int)isa, told.y, want);
        first = first != NULL ? first : told.y;
        assert_memory_equal(told.y, first, c->bytes);
    }
}

/* Near the double form on every instruction set, and the same bits on any number of threads. */
static void check(const struct call *c)
{
    const float *want = run(c, ONR_ISA_SCALAR, 1, true, NULL);
    check_told(c, ONR_ISA_SCALAR, true, want, want);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        const float *got = run(c, (enum onr_isa)isa, 1, false, NULL);
        assert_near(c, "y", isa, got, want);
        check_told(c, (enum onr_isa)isa, false, got, want);
        for (unsigned threads = 2; threads < 9; threads += 3) {
            assert_memory_equal(run(c, (enum onr_isa)isa, threads, false, NULL), got, c->bytes);
        }
    }
}

/* Each of them without a rule and causal. */
static void check_sizes(size_t count, const size_t (*sizes)[8])
{
    for (size_t i = 0; i < count; i++) {
        const size_t *s = sizes[i];
        struct call c = make_call(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
        check(&c);
        c.a.is_causal = true;
        check(&c);
    }
}

static void sizes_around_blocks_tiles_and_chunks(void **state)
{
    (void)state;
    static const size_t sizes[][8] = {
        {1, 1, 1, 1, 0, 1, 1, 1},     {2, 2, 2, 5, 0, 255, 17, 65},  {1, 2, 1, 63, 1, 256, 64, 64},
        {1, 1, 1, 129, 0, 257, 3, 2}, {1, 1, 1, 460, 0, 64, 33, 47}, {2, 6, 2, 30, 300, 30, 8, 16},
        {1, 1, 1, 7, 0, 80, 260, 9},  {1, 1, 1, 60, 0, 70, 9, 1100}, {1, 2, 2, 17, 0, 513, 16, 16},
        {1, 1, 1, 1800, 0, 40, 4, 4}, {1, 2, 2, 40, 60, 33, 32, 64}, {1, 2, 1, 31, 0, 197, 64, 64},
        {1, 1, 1, 30, 0, 512, 8, 16},
    };
    check_sizes(sizeof sizes / sizeof sizes[0], sizes);
}

static void few_queries_split_over_keys(void **state)
{
    (void)state;
    static const size_t sizes[][8] = {
        {1, 2, 2, 1, 0, 512, 16, 16},   {1, 4, 1, 1, 511, 1, 64, 64}, {2, 2, 2, 2, 1100, 2, 7, 19},
        {1, 2, 2, 3, 513, 600, 32, 32}, {1, 1, 1, 1, 0, 0, 8, 8},     {1, 8, 1, 2, 1000, 2, 40, 33},
        {2, 1, 1, 9, 0, 1025, 8, 64},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t *s = sizes[i];
        struct call c = make_call(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
        check(&c);
        c.a.is_causal = true;
        check(&c);
        c.a.window_left = 5;
        check(&c);
    }
}

/* More than a second level cache holds, in heads of which it holds many: the threads take several at a
 * time, and ask for the next while they compute one. */
static void many_short_heads(void **state)
{
    (void)state;
    static const size_t sizes[][8] = {{30, 4, 4, 20, 0, 20, 32, 32}, {20, 8, 2, 7, 0, 90, 32, 33}};
    check_sizes(sizeof sizes / sizeof sizes[0], sizes);
}

static void windows_limits_offsets_and_sinks(void **state)
{
    (void)state;
    for (size_t queries = 2; queries < 300; queries += 297) {
        struct call c = make_call(2, 4, 2, queries, 0, 600, 16, 16);
        c.d.limit = (size_t[]){600, 301};
        c.d.offset = (int64_t[]){300, 2};
        c.a.window_left = 40;
        c.a.window_right = 3;
        check(&c);
        c.a.softcap = 0.5;
        c.d.sinks = (float[]){0, 3, -INFINITY, -1};
        check(&c);
        c.d.limit = (size_t[]){0, 7}; /* the first batch sees nothing */
        c.d.offset = (int64_t[]){-1, -5};
        c.a.window_left = -1;
        c.a.is_causal = true;
        check(&c);
    }
}

/* A causal mask, but: row 3 is hidden whole, row 4 sees its last key alone, row 5 the first. */
static bool sees(size_t i, size_t j, size_t keys)
{
    if (i == 3 || i == 4) {
        return i == 4 && j + 1 == keys;
    }
    return i == 5 ? j == 0 : j <= i + keys / 2;
}

static void masks_hide_with_minus_infinity_and_with_the_lowest_number(void **state)
{
    (void)state;
    static const float hide[] = {-INFINITY, -3.4028235e38f, -100};
    for (size_t queries = 4; queries < 200; queries += 195) {
        for (size_t h = 0; h < 3; h++) {
            struct call c = make_call(1, 2, 1, queries, 200, 500, 16, 16);
            float *mask = add_mask(&c, ONR_FLOAT);
            for (size_t i = 0; i < queries * 700; i++) {
                mask[i] = sees(i / 700, i % 700, 700) ? (float)(i % 3) * 0.1f : hide[h];
            }
            check(&c);
            /* a second mask: short, and with rows that the first leaves nothing but what it hides */
            struct call both = c;
            float *second = add_mask(&both, ONR_FLOAT);
            for (size_t i = 0; i < queries * 700; i++) {
                second[i] = i / 700 == 2 && i % 700 < 690 ? -INFINITY : 0;
            }
            both.a.masks[1] = both.a.masks[0];
            both.a.masks[1].keys = 699;
            both.d.masks[1] = second;
            both.d.masks[0] = mask;
            check(&both);
        }
    }
}

static void flags_hide_blocks(void **state)
{
    (void)state;
    for (size_t queries = 3; queries < 200; queries += 170) {
        struct call c = make_call(1, 2, 2, queries, 0, 700, 16, 16);
        uint8_t *mask = add_mask(&c, ONR_BOOL);
        for (size_t i = 0; i < queries * 700; i++) {
            mask[i] = sees(i / 700, i % 700, 700) && i % 700 >= 300;
        }
        check(&c);
        c.a.masks[0].fill = -3.4028235e38;
        check(&c);
        c.a.masks[0].fill = -100;
        check(&c);
    }
}

/* Rows of all kinds: keys side by side, none, all, and some that must be read. */
static bool is_left_open(size_t query, size_t key)
{
    switch (query % 7) {
    case 0:
        return key >= 530 && key <= 540 + query; /* the first block is hidden */
    case 1:
        return key <= query;
    case 2:
        return true;
    case 3:
        return query % 2 == 0 && key == 699;
    case 4:
        return key > query && key < query + 40;
    default:
        return key % 7 != 5 && key < 300;
    }
}

/* Each head has a mask of its own, equal to the others': nothing is shared. */
static void check_against_own_masks(struct call *c)
{
    size_t count = c->a.queries * c->a.keys;
    const float *shared = run(c, onr_cpu_isa(), 2, false, NULL);
    check(c);
    for (int m = 0; m < ONR_ATTENTION_MASKS && c->d.masks[m] != NULL; m++) {
        size_t bytes = count * onr_dtype_size(c->a.masks[m].dtype);
        char *all = test_tensor(ONR_UINT8, SHAPE((int64_t)(c->a.heads * bytes)), NULL)->data;
        for (size_t n = 0; n < c->a.heads; n++) {
            memcpy(all + n * bytes, c->d.masks[m], bytes);
        }
        c->a.masks[m].strides.head = count;
        c->d.masks[m] = all;
    }
    assert_memory_equal(run(c, onr_cpu_isa(), 2, false, NULL), shared, c->bytes);
}

static void rows_that_heads_share_are_read_once(void **state)
{
    (void)state;
    static const double hide[] = {(double)-INFINITY, -3.4028235e38, -100};
    for (size_t queries = 8; queries < 120; queries += 100) {
        for (int h = 0; h < 3; h++) {
            struct call c = make_call(1, 3, 3, queries, 100, 600, 16, 16);
            float *mask = add_mask(&c, ONR_FLOAT);
            for (size_t i = 0; i < queries * 700; i++) {
                mask[i] = is_left_open(i / 700, i % 700) ? 0 : (float)hide[h];
            }
            mask[700 + 1] = 0.5f;
            struct call flags = make_call(1, 3, 3, queries, 100, 600, 16, 16);
            uint8_t *flag = add_mask(&flags, ONR_BOOL);
            flags.a.masks[0].fill = hide[h];
            flags.a.masks[0].is_inverted = h == 0;
            for (size_t i = 0; i < queries * 700; i++) {
                flag[i] = is_left_open(i / 700, i % 700) != (h == 0);
            }
            struct call both = c;
            both.a.masks[1] = flags.a.masks[0];
            both.d.masks[1] = random_rows(9, ONR_FLOAT, queries * 700 / 4 + 1);
            memset((uint8_t *)(uintptr_t)both.d.masks[1], h != 0, queries * 700);
            check_against_own_masks(&c);
            check_against_own_masks(&flags);
            check_against_own_masks(&both);
        }
    }
}

/* What heads share is looked for again where a batch begins, and in each head that has its own. */
static void masks_of_batches_and_of_heads(void **state)
{
    (void)state;
    for (size_t queries = 5; queries < 50; queries += 37) {
        for (size_t masked_heads = 1; masked_heads <= 4; masked_heads += 3) {
            struct call c = make_call(3, 4, 2, queries, 0, 40, 16, 16);
            size_t count = queries * 40;
            float *mask = test_f32(SHAPE((int64_t)(3 * masked_heads * count)), NULL)->data;
            for (size_t i = 0; i < 3 * masked_heads * count; i++) {
                mask[i] = i % 40 < 3 + i / count * 5 ? 0 : -INFINITY;
            }
            add_mask(&c, ONR_FLOAT);
            c.a.masks[0].strides.batch = masked_heads * count;
            c.a.masks[0].strides.head = masked_heads > 1 ? count : 0;
            c.d.masks[0] = mask;
            check(&c);
            mask[1] = 0.5f; /* rows are read */
            check(&c);
        }
    }
}

static void what_is_hidden_may_be_nan(void **state)
{
    (void)state;
    struct call c = make_call(1, 1, 1, 40, 0, 600, 16, 16);
    float *v = (float *)(uintptr_t)c.d.v;
    for (size_t i = 300 * 16; i < 600 * 16; i++) {
        v[i] = NAN;
    }
    c.d.limit = (size_t[]){300};
    const float *y = run(&c, onr_cpu_isa(), 1, false, NULL);
    for (size_t i = 0; i < 40 * 16; i++) {
        assert_true(y[i] == y[i]);
    }
    c.d.limit = NULL;
    check(&c);
}

/* Rows that share a tile with others that see an infinite value may get NaN: always the same rows. */
static void hidden_infinity_gives_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    static const size_t queries[] = {17, 65, 100, 460, 1800};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct call c = make_call(1, 1, 1, queries[i], 0, queries[i], 8, 8);
        ((float *)(uintptr_t)c.d.v)[queries[i] / 2 * 8] = INFINITY;
        c.a.is_causal = true;
        const float *first = run(&c, onr_cpu_isa(), 1, false, NULL);
        for (unsigned threads = 2; threads < 17; threads++) {
            assert_memory_equal(run(&c, onr_cpu_isa(), threads, false, NULL), first, c.bytes);
        }
    }
}

static void infinite_scores_give_nan(void **state)
{
    (void)state;
    for (size_t queries = 1; queries < 9; queries += 7) {
        struct call c = make_call(1, 1, 1, queries, 0, 600, 4, 4);
        float *mask = add_mask(&c, ONR_FLOAT);
        mask[10] = INFINITY;
        check(&c);
        mask[10] = NAN;
        check(&c);
    }
}

static void halves_are_converted_block_by_block(void **state)
{
    (void)state;
    for (size_t queries = 2; queries < 50; queries += 40) {
        struct call c = make_call(2, 2, 2, queries, 300, 300, 24, 40);
        c.a.k_dtype = c.a.v_dtype = ONR_FLOAT16;
        c.d.k = random_rows(2, ONR_FLOAT16, 2 * c.a.k.batch);
        c.d.v = random_rows(3, ONR_FLOAT16, 2 * c.a.v.batch);
        c.d.past_k = random_rows(4, ONR_FLOAT16, 2 * c.a.past_k.batch);
        c.d.past_v = random_rows(5, ONR_FLOAT16, 2 * c.a.past_v.batch);
        check(&c);
    }
}

static void a_batch_alone_gives_the_same_bits(void **state)
{
    (void)state;
    for (size_t queries = 1; queries < 600; queries += 500) {
        struct call c = make_call(3, 2, 1, queries, 0, 550, 16, 16);
        const float *all = run(&c, onr_cpu_isa(), 2, false, NULL);
        c.a.batch = 1;
        c.bytes /= 3;
        c.d.q = (const float *)c.d.q + 2 * c.a.q.batch;
        c.d.k = (const float *)c.d.k + 2 * c.a.k.batch;
        c.d.v = (const float *)c.d.v + 2 * c.a.v.batch;
        assert_memory_equal(run(&c, onr_cpu_isa(), 1, false, NULL), all + 2 * c.a.y.batch, c.bytes);
    }
}

static void memory_grows_by_no_row_of_scores(void **state)
{
    (void)state;
    struct call c = make_call(1, 2, 2, 1, 0, 1, 64, 64);
    struct onr_error err = {.status = ONR_OK};
    struct onr_plan_ctx plan = {.thread_count = 2, .err = &err};
    size_t bytes = 0;
    c.a.queries = c.a.keys = 1 << 16;
    assert_int_equal(onr_attention_plan(&c.a, &plan, &bytes), ONR_OK);
    assert_true(bytes < 8 << 20);
    plan.wants_weights = true;
    assert_int_equal(onr_attention_plan(&c.a, &plan, &bytes), ONR_OK);
    assert_true(bytes < 10 << 20);
    c.a.batch = SIZE_MAX / 2;
    assert_int_equal(onr_attention_plan(&c.a, &plan, &bytes), ONR_ERR_LIMIT);
}

/* Against a count of the pairs that onr_attention_range lets through. */
static void check_flops(size_t queries, size_t past, size_t added, bool is_causal, int64_t left,
                        int64_t right)
{
    struct call c = make_call(2, 4, 2, queries, past, added, 8, 5);
    c.a.is_causal = is_causal;
    c.a.window_left = left;
    c.a.window_right = right;
    uint64_t pairs = 0;
    for (size_t i = 0; i < queries; i++) {
        struct onr_key_range range = onr_attention_range(&c.a, &c.d, 0, i);
        size_t end = range.end < c.a.keys ? range.end : c.a.keys;
        pairs += end > range.begin ? end - range.begin : 0;
    }
    assert_int_equal(onr_attention_flops(&c.a, past), 2 * 2 * 4 * (8 + 5) * pairs);
}

static void only_what_is_computed_counts(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{7, 0, 7}, {7, 3, 7},  {9, 0, 4}, {3, 0, 11},
                                      {1, 5, 1}, {6, 20, 6}, {5, 2, 0}, {0, 3, 4}};
    static const int64_t windows[] = {-1, 0, 2, 6, 100, INT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t w = 0; w < 36; w++) {
            for (int causal = 0; causal < 2; causal++) {
                check_flops(sizes[i][0], sizes[i][1], sizes[i][2], causal != 0, windows[w / 6],
                            windows[w % 6]);
            }
        }
    }
}

static const float *spread(const void *data, size_t rows, size_t width, size_t stride)
{
    float *y = test_f32(SHAPE((int64_t)(rows * stride)), NULL)->data;
    for (size_t i = 0; i < rows; i++) {
        memcpy(y + i * stride, (const float *)data + i * width, width * sizeof *y);
    }
    return y;
}

/* Rows a multiple of 2 kB apart are copied, others are read where they lie. */
static void the_distance_of_rows_changes_no_bit(void **state)
{
    (void)state;
    for (size_t queries = 7; queries < 80; queries += 53) {
        struct call c = make_call(1, 8, 8, queries, 0, 70, 64, 64);
        check(&c);
        struct call other = c;
        other.a.q.row = other.a.k.row = other.a.v.row = 520;
        other.d.q = spread(c.d.q, queries, 512, 520);
        other.d.k = spread(c.d.k, 70, 512, 520);
        other.d.v = spread(c.d.v, 70, 512, 520);
        for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
            assert_memory_equal(run(&other, (enum onr_isa)isa, 1, false, NULL),
                                run(&c, (enum onr_isa)isa, 1, false, NULL), c.bytes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sizes_around_blocks_tiles_and_chunks, test_tensors_free),
        cmocka_unit_test_teardown(few_queries_split_over_keys, test_tensors_free),
        cmocka_unit_test_teardown(many_short_heads, test_tensors_free),
        cmocka_unit_test_teardown(windows_limits_offsets_and_sinks, test_tensors_free),
        cmocka_unit_test_teardown(masks_hide_with_minus_infinity_and_with_the_lowest_number,
                                  test_tensors_free),
        cmocka_unit_test_teardown(flags_hide_blocks, test_tensors_free),
        cmocka_unit_test_teardown(rows_that_heads_share_are_read_once, test_tensors_free),
        cmocka_unit_test_teardown(masks_of_batches_and_of_heads, test_tensors_free),
        cmocka_unit_test_teardown(what_is_hidden_may_be_nan, test_tensors_free),
        cmocka_unit_test_teardown(hidden_infinity_gives_the_same_bits_on_any_number_of_threads,
                                  test_tensors_free),
        cmocka_unit_test_teardown(infinite_scores_give_nan, test_tensors_free),
        cmocka_unit_test_teardown(halves_are_converted_block_by_block, test_tensors_free),
        cmocka_unit_test_teardown(a_batch_alone_gives_the_same_bits, test_tensors_free),
        cmocka_unit_test_teardown(the_distance_of_rows_changes_no_bit, test_tensors_free),
        cmocka_unit_test_teardown(memory_grows_by_no_row_of_scores, test_tensors_free),
        cmocka_unit_test_teardown(only_what_is_computed_counts, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
