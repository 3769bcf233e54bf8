/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that follow from constants and shapes alone: the first run of a shape computes them. They are of
 * a table that is too large for a plan to compute with.
 */
#include "api/handles.h"
#include "runtime/frame.h"
#include "support/session_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 600

/* Column c of the table is c % 4 in all rows; sum is that of as many rows as x has. */
#define ROWS                                                                                       \
    "in float x [n, 600]; init float t [700, 600] = 0, 1, 2, 3, ...; init int64 zero [1] = 0;"     \
    "n = Shape(x) start=0 end=1; rows = Slice(t, zero, n, zero);"
#define SUM ROWS "sum = ReduceSum(rows, zero) keepdims=0;"

struct watched {
    struct session_test t;
    char ops[256]; /* types of the nodes of a run, in order */
    int queries;   /* of attentions that were told */
    int left;      /* nodes until the run is cancelled; below 0: never */
    float x[50 * COLUMNS], y[50 * COLUMNS];
};

static void note_step(void *user, const onnxrun_step *step)
{
    struct watched *w = user;
    size_t used = strlen(w->ops);
    (void)snprintf(w->ops + used, sizeof w->ops - used, "%s ", step->op_type);
}

static int count_nodes(void *user)
{
    struct watched *w = user;
    return w->left-- == 0;
}

static struct watched *begin(const char *text)
{
    struct watched *w = calloc(1, sizeof *w);
    assert_non_null(w);
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.on_step = note_step;
    options.step_user = w;
    options.should_stop = count_nodes;
    options.stop_user = w;
    w->left = -1;
    session_test_begin(&w->t, text);
    session_test_restart(&w->t, &options);
    return w;
}

static void end(struct watched *w)
{
    session_test_end(&w->t);
    free(w);
}

/* Binds an x of so many rows of ones, to which y adds `factor` times c % 4. */
static void set_rows(struct watched *w, int64_t rows, float factor)
{
    for (int64_t i = 0; i < rows * COLUMNS; i++) {
        w->x[i] = 1;
        w->y[i] = 1 + factor * (float)(i % 4);
    }
    session_test_in(&w->t, "x", test_f32(SHAPE(rows, COLUMNS), w->x));
    session_test_out(&w->t, "y", test_f32(SHAPE(rows, COLUMNS), w->y));
}

static void run_does(struct watched *w, const char *ops)
{
    w->ops[0] = '\0';
    session_test_run(&w->t);
    assert_string_equal(w->ops, ops);
}

/* What a run of a new shape does, which adds `factor` times c % 4 to x, and what one after it does. */
static void check(const char *text, int64_t rows, float factor, const char *first,
                  const char *later)
{
    struct watched *w = begin(text);
    set_rows(w, rows, factor);
    run_does(w, first);
    run_does(w, later);
    end(w);
}

static void only_the_first_run_of_a_shape_computes_them(void **state)
{
    (void)state;
    struct watched *w = begin(SUM "y = Add(x, sum); out float y;");
    for (int64_t rows = 2; rows < 4; rows++) {
        set_rows(w, rows, (float)rows);
        run_does(w, "Slice ReduceSum Add ");
        uint64_t allocs = session_test_allocs(&w->t);
        run_does(w, "Add ");
        assert_int_equal(session_test_allocs(&w->t), allocs);
    }
    set_rows(w, 2, 2);
    run_does(w, "Add ");
    end(w);
}

static void other_names_and_shapes_of_them_are_kept(void **state)
{
    (void)state;
    check(SUM "init int64 s [2] = 1, 600; v = Reshape(sum, s); w = Identity(v); y = Add(x, w);"
              "out float y;",
          3, 3, "Slice ReduceSum Add ", "Add ");
}

static void outputs_are_kept(void **state)
{
    (void)state;
    struct watched *w = begin(SUM "y = Abs(x); out float y; out float sum [600];");
    set_rows(w, 3, 0);
    float sum[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        sum[i] = 3 * (float)(i % 4);
    }
    session_test_out(&w->t, "sum", test_f32(SHAPE(COLUMNS), sum));
    run_does(w, "Slice ReduceSum Abs ");
    run_does(w, "Abs ");
    end(w);
}

/* A sixteenth of the constants is 105,006 bytes, 43 rows. */
static void a_plan_keeps_a_sixteenth_of_the_constants(void **state)
{
    (void)state;
    const char *text = ROWS "y = Add(x, rows); out float y;";
    check(text, 43, 1, "Slice Add ", "Add ");
    check(text, 44, 1, "Slice Add ", "Slice Add ");
}

/* Bytes of a session that has run x of 1, 2, ... rows, from the first to the last of these. */
static size_t live_bytes(int64_t first, int64_t last)
{
    struct watched *w = begin(ROWS "y = Add(x, rows); out float y;");
    for (int64_t rows = first; rows <= last; rows++) {
        set_rows(w, rows, 1);
        run_does(w, "Slice Add ");
    }
    size_t bytes = w->t.session->mem.live_bytes;
    end(w);
    return bytes;
}

static void what_plans_kept_goes_when_others_take_their_place(void **state)
{
    (void)state;
    assert_int_equal(live_bytes(1, 40), live_bytes(40 - ONR_MAX_ROOT_PLANS, 40));
}

static void all_are_computed_when_one_is_too_large_to_be_kept(void **state)
{
    (void)state;
    check(SUM "a = Add(x, sum); y = Sub(a, rows); out float y;", 43, 42, "Slice ReduceSum Add Sub ",
          "Slice ReduceSum Add Sub ");
}

static void what_a_cancelled_run_left_out_is_computed_by_the_next(void **state)
{
    (void)state;
    struct watched *w = begin(SUM "y = Add(x, sum); out float y;");
    set_rows(w, 2, 2);
    w->left = 1;
    session_test_fails(&w->t, ONNXRUN_ERR_CANCELLED, "cancelled");
    assert_string_equal(w->ops, "Slice ");
    run_does(w, "Slice ReduceSum Add ");
    run_does(w, "Add ");
    end(w);
}

static void plans_in_segments_keep_nothing(void **state)
{
    (void)state;
    check(SUM "i = NonZero(x); y = Add(x, sum); out float y; out int64 i;", 2, 2,
          "Slice ReduceSum NonZero Add ", "Slice ReduceSum NonZero Add ");
}

static void random_numbers_are_new_in_each_run(void **state)
{
    (void)state;
    struct watched *w = begin(SUM "r = RandomUniformLike(sum); z = Mul(sum, r); y = Add(x, z);"
                                  "out float y;");
    set_rows(w, 2, 2);
    session_test_out(&w->t, "y", NULL);
    run_does(w, "Slice ReduceSum RandomUniformLike Mul Add ");
    run_does(w, "RandomUniformLike Mul Add ");
    end(w);
}

static void strings_are_made_in_each_run(void **state)
{
    (void)state;
    check(SUM "c = Cast(sum) to=8; f = Cast(c) to=1; y = Add(x, f); out float y;", 3, 3,
          "Slice ReduceSum Cast Cast Add ", "Cast Cast Add ");
}

static int count_queries(void *user, const onnxrun_attention_row *row)
{
    struct watched *w = user;
    (void)row;
    w->queries++;
    return 0;
}

static void attentions_tell_their_weights_in_each_run(void **state)
{
    (void)state;
    struct watched *w =
        begin("opset 23;" ROWS "init int64 s [4] = 1, 1, -1, 600; q = Reshape(rows, s);"
              "a = Attention(q, q, q); f = Reshape(a, m); init int64 m [2] = "
              "-1, 600; y = Add(x, f); out float y;");
    set_rows(w, 3, 1);
    run_does(w, "Slice Attention Add ");
    run_does(w, "Add ");
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    options.on_attention = count_queries;
    options.attention_user = w;
    session_test_restart(&w->t, &options);
    session_test_run(&w->t);
    assert_int_equal(w->queries, 3);
    session_test_run(&w->t);
    assert_int_equal(w->queries, 6);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_first_run_of_a_shape_computes_them),
        cmocka_unit_test(other_names_and_shapes_of_them_are_kept),
        cmocka_unit_test(outputs_are_kept),
        cmocka_unit_test(a_plan_keeps_a_sixteenth_of_the_constants),
        cmocka_unit_test(what_plans_kept_goes_when_others_take_their_place),
        cmocka_unit_test(all_are_computed_when_one_is_too_large_to_be_kept),
        cmocka_unit_test(what_a_cancelled_run_left_out_is_computed_by_the_next),
        cmocka_unit_test(plans_in_segments_keep_nothing),
        cmocka_unit_test(random_numbers_are_new_in_each_run),
        cmocka_unit_test(strings_are_made_in_each_run),
        cmocka_unit_test(attentions_tell_their_weights_in_each_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
