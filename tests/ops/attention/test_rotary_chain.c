/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* Shapes as [batch, heads, rows, width]. */
struct call {
    int64_t x[4], c[4], s[4];
    int64_t first, width, turned;
    bool x_by_rows, x_interleaved, y_interleaved, pair_tables;
};

static int64_t wider(int64_t a, int64_t b)
{
    return a == 1 ? b : a;
}

/* The row at these places of a tensor whose dimensions of 1 are broadcast. */
static const float *row_of(const struct onr_tensor *t, const int64_t d[4], bool by_rows,
                           const int64_t at[3])
{
    int64_t b = d[0] == 1 ? 0 : at[0];
    int64_t n = d[1] == 1 ? 0 : at[1];
    int64_t r = d[2] == 1 ? 0 : at[2];
    int64_t place = by_rows ? (b * d[2] + r) * d[1] + n : (b * d[1] + n) * d[2] + r;
    return (const float *)t->data + place * d[3];
}

static void expect_row(const struct call *call, int64_t width, const float *x, const float *c,
                       const float *s, float *y)
{
    int64_t half = (call->turned > 0 ? call->turned : width) / 2;
    for (int64_t i = 0; i < width; i++) {
        y[i] = x[call->first + i];
    }
    for (int64_t i = 0; i < half; i++) {
        int64_t to[] = {call->y_interleaved ? 2 * i : i,
                        call->y_interleaved ? 2 * i + 1 : half + i};
        int64_t from[] = {call->x_interleaved ? 2 * i : i,
                          call->x_interleaved ? 2 * i + 1 : half + i};
        double a = (double)x[call->first + from[0]];
        double b = (double)x[call->first + from[1]];
        double table[2][2]; /* of C and S */
        for (int k = 0; k < 2; k++) {
            int64_t at = call->pair_tables ? i : to[k];
            table[0][k] = (double)c[call->c[3] == 1 ? 0 : at];
            table[1][k] = (double)s[call->s[3] == 1 ? 0 : at];
        }
        y[to[0]] = (float)(a * table[0][0] - b * table[1][0]);
        y[to[1]] = (float)(b * table[0][1] + a * table[1][1]);
    }
}

static struct onr_tensor *make(uint64_t seed, const int64_t d[4], bool by_rows)
{
    struct onr_tensor *t =
        test_f32(SHAPE(d[0], by_rows ? d[2] : d[1], by_rows ? d[1] : d[2], d[3]), NULL);
    test_random(seed, (size_t)(d[0] * d[1] * d[2] * d[3]), t->data);
    return t;
}

static void check(const struct call *call)
{
    struct op_test t;
    const struct onr_tensor *x = make(1, call->x, call->x_by_rows);
    const struct onr_tensor *c = make(2, call->c, false);
    const struct onr_tensor *s = make(3, call->s, false);
    int64_t width = call->width > 0 ? call->width : call->x[3] - call->first;
    int64_t y_dims[4] = {0, 0, 0, width};
    for (int i = 0; i < 3; i++) {
        y_dims[i] = wider(wider(call->x[i], call->c[i]), call->s[i]);
    }
    struct onr_tensor *y = make(4, y_dims, false);
    for (int64_t b = 0; b < y_dims[0]; b++) {
        for (int64_t n = 0; n < y_dims[1]; n++) {
            for (int64_t r = 0; r < y_dims[2]; r++) {
                const int64_t at[] = {b, n, r};
                expect_row(call, width, row_of(x, call->x, call->x_by_rows, at),
                           row_of(c, call->c, false, at), row_of(s, call->s, false, at),
                           (float *)y->data + ((b * y_dims[1] + n) * y_dims[2] + r) * width);
            }
        }
    }
    op_test_begin(&t, "onnxrun", "RotaryChain", 1);
    op_test_int(&t, "first", call->first);
    op_test_int(&t, "width", call->width);
    op_test_int(&t, "turned", call->turned);
    op_test_int(&t, "x_by_rows", call->x_by_rows);
    op_test_int(&t, "x_interleaved", call->x_interleaved);
    op_test_int(&t, "y_interleaved", call->y_interleaved);
    op_test_int(&t, "pair_tables", call->pair_tables);
    op_test_input(&t, x);
    op_test_input(&t, c);
    op_test_input(&t, s);
    op_test_output(&t, y);
    op_test_run(&t);
    test_tensors_free(NULL);
}

static void halves_turn(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "RotaryChain", 1);
    op_test_int(&t, "turned", 4);
    op_test_input(&t, test_f32(SHAPE(1, 6), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(&t, test_f32(SHAPE(4), (float[]){1, 10, 100, 1000}));
    op_test_input(&t, test_f32(SHAPE(4), (float[]){2, 3, 4, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 6), (float[]){-5, 8, 304, 4010, 5, 6}));
    op_test_run(&t);
}

static void every_order_of_pairs(void **state)
{
    (void)state;
    for (int bits = 0; bits < 16; bits++) {
        bool is_shared = (bits & 8) != 0;
        check(&(struct call){{2, 3, 5, 8},
                             {1, 1, 5, is_shared ? 4 : 8},
                             {1, 1, 5, is_shared ? 4 : 8},
                             .x_by_rows = (bits & 1) != 0,
                             .x_interleaved = (bits & 2) != 0,
                             .y_interleaved = (bits & 4) != 0,
                             .pair_tables = is_shared});
    }
}

static void parts_of_rows(void **state)
{
    (void)state;
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        struct call calls[] = {
            {{2, 3, 5, 16}, {2, 1, 5, 4}, {2, 1, 5, 4}, .first = 3, .width = 7, .turned = 4},
            {{2, 3, 5, 16}, {2, 1, 5, 4}, {2, 1, 5, 4}, .first = 12},
            {{2, 3, 5, 16}, {2, 1, 5, 4}, {2, 1, 5, 4}, .turned = 4},
            {{1, 12, 1, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}, .first = 0},
        };
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            calls[i].x_by_rows = by_rows != 0;
            check(&calls[i]);
        }
    }
}

static void rows_broadcast(void **state)
{
    (void)state;
    struct call calls[] = {
        {{1, 3, 1, 4}, {2, 1, 5, 2}, {1, 1, 5, 2}, .turned = 2},
        {{2, 3, 1, 4}, {1, 1, 5, 4}, {1, 1, 5, 4}, .first = 0},
        {{2, 3, 5, 4}, {2, 1, 1, 4}, {1, 1, 5, 4}, .first = 0},
        {{0, 3, 5, 4}, {1, 1, 5, 4}, {1, 1, 5, 4}, .first = 0},
        {{2, 3, 0, 4}, {1, 1, 0, 4}, {1, 1, 1, 4}, .first = 0},
        /* tables that differ between heads */
        {{1, 1, 1, 4}, {2, 1, 5, 4}, {1, 3, 1, 4}, .first = 0},
        {{2, 1, 5, 4}, {1, 1, 1, 4}, {2, 3, 5, 4}, .first = 0},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        check(&calls[i]);
        if (calls[i].s[1] == 1) {
            calls[i].x_by_rows = true;
            check(&calls[i]);
        }
    }
}

/* Tables of any lower rank. */
static void tables_for_all_heads(void **state)
{
    (void)state;
    float data[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    float expected[12] = {1, 2, -6, 5, -20, 18, 3, 4, -8, 7, -24, 22};
    for (size_t rank = 2; rank <= 4; rank++) {
        struct op_test t;
        const int64_t dims[] = {1, 1, 3, 2};
        const int64_t *shape = dims + 4 - rank;
        op_test_begin(&t, "onnxrun", "RotaryChain", 1);
        op_test_int(&t, "x_by_rows", 1);
        op_test_input(&t, test_f32(SHAPE(1, 3, 2, 2), data));
        op_test_input(&t, test_tensor(ONR_FLOAT, rank, shape, (float[]){1, 1, 0, 0, 0, 0}));
        op_test_input(&t, test_tensor(ONR_FLOAT, rank, shape, (float[]){0, 0, 1, 1, 2, 2}));
        op_test_output(&t, test_f32(SHAPE(1, 2, 3, 2), expected));
        op_test_run(&t);
    }
}

static void tables_of_one_number_broadcast(void **state)
{
    (void)state;
    for (int is_shared = 0; is_shared < 2; is_shared++) {
        int64_t row = is_shared != 0 ? 4 : 8;
        check(&(struct call){{2, 3, 5, 8},
                             {1, 1, 5, 1},
                             {1, 1, 5, row},
                             .pair_tables = is_shared != 0,
                             .x_interleaved = true,
                             .y_interleaved = true});
        check(&(struct call){
            {2, 3, 5, 8}, {1, 1, 5, row}, {1, 1, 5, 1}, .pair_tables = is_shared != 0});
        check(&(struct call){
            {2, 3, 5, 2}, {1, 1, 5, 1}, {1, 1, 5, 1}, .pair_tables = is_shared != 0});
    }
}

static void rows_without_elements(void **state)
{
    (void)state;
    check(&(struct call){{2, 3, 5, 0}, {1, 1, 5, 0}, {1, 1, 5, 1}, .first = 0});
}

/* More work than one thread takes. */
static void long_sequences(void **state)
{
    (void)state;
    check(&(struct call){{2, 4, 300, 64}, {1, 1, 300, 64}, {1, 1, 300, 64}, .x_by_rows = true});
}

static void numbers_that_are_none_stay_in_their_pair(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "RotaryChain", 1);
    op_test_input(&t, test_f32(SHAPE(1, 4), (float[]){NAN, INFINITY, 1, 2}));
    op_test_input(&t, test_f32(SHAPE(4), (float[]){1, 1, 1, 1}));
    op_test_input(&t, test_f32(SHAPE(4), (float[]){2, 2, 2, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 4), (float[]){NAN, INFINITY, NAN, INFINITY}));
    op_test_run(&t);
}

static void check_refused(const char *attr, int64_t value, const struct onr_tensor *x,
                          const struct onr_tensor *c, const struct onr_tensor *s,
                          const char *message)
{
    struct op_test t;
    op_test_begin(&t, "onnxrun", "RotaryChain", 1);
    op_test_int(&t, attr, value);
    op_test_input(&t, x);
    op_test_input(&t, c);
    op_test_input(&t, s);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, message);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const struct onr_tensor *row = test_f32(SHAPE(1, 4), NULL);
    const struct onr_tensor *number = test_f32(SCALAR, NULL);
    const struct onr_tensor *deep = test_f32(SHAPE(1, 1, 1, 1, 4), NULL);
    const struct onr_tensor *heads = test_f32(SHAPE(1, 1, 1, 4), NULL);
    const struct onr_tensor *pair = test_f32(SHAPE(2), NULL);
    check_refused("first", 5, row, row, row, "first is 5 and width 0, X has rows of 4");
    check_refused("first", -1, row, row, row, "first is -1");
    check_refused("first", 1, row, row, row, "3 elements turn, expected an even number up to 3");
    check_refused("width", 5, row, row, row, "first is 0 and width 5, X has rows of 4");
    check_refused("width", -1, row, row, row, "width -1");
    check_refused("width", 2, row, row, row, "input 1 has rows of 4, expected 2 or 1");
    check_refused("turned", 6, row, row, row, "6 elements turn, expected an even number up to 4");
    check_refused("turned", -1, row, row, row, "-1 elements turn, expected an even number");
    check_refused("pair_tables", 1, row, pair, row, "input 2 has rows of 4, expected 2 or 1");
    check_refused("first", 0, row, row, pair, "input 2 has rows of 2, expected 4 or 1");
    check_refused("first", 0, row, number, row, "input 1 has rank 0, expected 1 or more");
    check_refused("x_by_rows", 1, row, row, row, "input 0 has rank 2, expected 4");
    check_refused("x_by_rows", 1, heads, deep, row, "input 1 has rank 5, expected 4 at most");
    check_refused("x_by_rows", 1, heads, row, test_f32(SHAPE(2, 1, 4), NULL),
                  "input 2 has rows for 2 heads, expected 1");
    check_refused("first", 0, test_f32(SHAPE(2, 4), NULL), test_f32(SHAPE(3, 4), NULL), row,
                  "cannot broadcast rows 2 and 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(halves_turn, test_tensors_free),
        cmocka_unit_test_teardown(every_order_of_pairs, test_tensors_free),
        cmocka_unit_test_teardown(parts_of_rows, test_tensors_free),
        cmocka_unit_test_teardown(rows_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(tables_for_all_heads, test_tensors_free),
        cmocka_unit_test_teardown(tables_of_one_number_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(rows_without_elements, test_tensors_free),
        cmocka_unit_test_teardown(long_sequences, test_tensors_free),
        cmocka_unit_test_teardown(numbers_that_are_none_stay_in_their_pair, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
