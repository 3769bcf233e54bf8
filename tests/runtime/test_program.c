/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of weights: where runs read them, and what is copied. */
#include "api/handles.h"
#include "support/proto_writer.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#define COUNT 300000 /* floats: too many for a copy among the facts */

struct loaded {
    uint8_t *file;
    onnxrun_model *model;
    const struct onr_tensor *weight; /* that runs read ... */
    const uint8_t *bytes;            /* ... and the same in the file */
};

/* What the model does with a table w, w[i] = i. */
enum use {
    LOOKED_UP,    /* y = Gather(w, x) */
    OF_ATTRIBUTE, /* the same, and w is the value of a Constant */
    READ,         /* the same as LOOKED_UP, and z = Add(w, a) */
    FOLDED,       /* y = Gather(v, x), z = Add(v, a) with v = Neg(w) */
};

static void write_table(struct proto *p, enum use use)
{
    float *table = malloc(COUNT * sizeof *table);
    assert_non_null(table);
    for (int i = 0; i < COUNT; i++) {
        table[i] = (float)i;
    }
    if (use == OF_ATTRIBUTE) {
        proto_node_open(p, GRAPH_NODE, "Constant", "", "w");
        proto_open(p, NODE_ATTR);
        proto_string(p, ATTR_NAME, "value");
        proto_int(p, ATTR_TYPE, 4);
    }
    proto_tensor(p, use == OF_ATTRIBUTE ? ATTR_T : GRAPH_INIT, "w", ONR_FLOAT, 1,
                 (int64_t[]){COUNT}, table, COUNT * sizeof *table);
    if (use == OF_ATTRIBUTE) {
        proto_close(p);
        proto_close(p);
    }
    free(table);
}

static bool has_sum(enum use use)
{
    return use == READ || use == FOLDED;
}

static void write_model(struct proto *p, enum use use)
{
    proto_model(p, 8, 17);
    write_table(p, use);
    if (use == FOLDED) {
        proto_node(p, "Neg", "w", "v");
    }
    proto_value(p, GRAPH_INPUT, "x", ONR_INT64, 1, (int64_t[]){2});
    proto_node(p, "Gather", use == FOLDED ? "v,x" : "w,x", "y");
    proto_value(p, GRAPH_OUTPUT, "y", ONR_FLOAT, 1, (int64_t[]){2});
    if (has_sum(use)) {
        proto_value(p, GRAPH_INPUT, "a", ONR_FLOAT, 1, (int64_t[]){1});
        proto_node(p, "Add", use == FOLDED ? "v,a" : "w,a", "z");
        proto_value(p, GRAPH_OUTPUT, "z", ONR_FLOAT, 1, (int64_t[]){COUNT});
    }
    proto_end(p);
}

/* Loads the model from a file whose first byte lies `shift` behind a word. */
static void load(struct loaded *l, enum use use, size_t shift)
{
    struct proto p;
    write_model(&p, use);
    l->file = malloc(p.size + shift);
    assert_non_null(l->file);
    memcpy(l->file + shift, p.data, p.size);
    assert_int_equal(onnxrun_model_load_memory(l->file + shift, p.size, NULL, &l->model, NULL),
                     ONNXRUN_OK);
    proto_free(&p);
    const struct onr_graph *graph = l->model->graph;
    uint32_t id = 0;
    while (strcmp(graph->values[id].name, "w") != 0) {
        id++;
    }
    l->weight = &l->model->program->constants[id];
    l->bytes = graph->values[id].constant->data;
}

static void unload(struct loaded *l)
{
    onnxrun_model_free(l->model);
    free(l->file);
}

static void check_run(const struct loaded *l, enum use use)
{
    onnxrun_session *session = NULL;
    onnxrun_tensor *x = NULL;
    onnxrun_tensor *a = NULL;
    int64_t at[2] = {1, -1};
    float one = 1;
    assert_int_equal(onnxrun_session_create(l->model, NULL, &session, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_wrap(ONNXRUN_INT64, 1, (int64_t[]){2}, at, sizeof at, &x, NULL),
                     ONNXRUN_OK);
    assert_int_equal(
        onnxrun_tensor_wrap(ONNXRUN_FLOAT, 1, (int64_t[]){1}, &one, sizeof one, &a, NULL),
        ONNXRUN_OK);
    onnxrun_binding inputs[] = {{"x", x}, {"a", a}};
    onnxrun_binding outputs[] = {{"y", NULL}, {"z", NULL}};
    size_t count = has_sum(use) ? 2 : 1;
    float sign = use == FOLDED ? -1 : 1;
    assert_int_equal(onnxrun_session_run(session, inputs, count, outputs, count, NULL), ONNXRUN_OK);
    const float *y = onnxrun_tensor_data(outputs[0].tensor);
    assert_true(y[0] == sign && y[1] == sign * (COUNT - 1));
    if (has_sum(use)) {
        const float *z = onnxrun_tensor_data(outputs[1].tensor);
        assert_true(z[0] == 1 && z[COUNT - 1] == 1 + sign * (COUNT - 1));
    }
    onnxrun_tensor_free(x);
    onnxrun_tensor_free(a);
    onnxrun_session_free(session);
}

static void a_table_that_is_looked_up_stays_in_the_file_wherever_it_lies(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < sizeof(float); shift++) {
        for (enum use use = LOOKED_UP; use <= OF_ATTRIBUTE; use++) {
            struct loaded l;
            load(&l, use, shift);
            assert_ptr_equal(l.weight->data, l.bytes);
            assert_in_range(l.model->mem.live_bytes, 1, COUNT);
            check_run(&l, use);
            unload(&l);
        }
    }
}

static void a_weight_that_is_computed_with_is_copied_unless_it_is_aligned(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < sizeof(float); shift++) {
        struct loaded l;
        load(&l, READ, shift);
        bool is_aligned = (uintptr_t)l.bytes % sizeof(float) == 0;
        assert_int_equal(l.weight->data == l.bytes, is_aligned);
        assert_int_equal((uintptr_t)l.weight->data % sizeof(float), 0);
        check_run(&l, READ);
        unload(&l);
    }
}

static void a_weight_that_is_not_aligned_is_folded_as_others_are(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < sizeof(float); shift++) {
        struct loaded l;
        load(&l, FOLDED, shift);
        assert_int_equal(l.model->program->node_count, 2);
        assert_null(l.weight->data);
        assert_in_range(l.model->mem.live_bytes, COUNT * sizeof(float), 5 * COUNT);
        check_run(&l, FOLDED);
        unload(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_that_is_looked_up_stays_in_the_file_wherever_it_lies),
        cmocka_unit_test(a_weight_that_is_computed_with_is_copied_unless_it_is_aligned),
        cmocka_unit_test(a_weight_that_is_not_aligned_is_folded_as_others_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
