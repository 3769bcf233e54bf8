/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

#define ML "ai.onnx.ml"
#define S(text)                                                                                    \
    {                                                                                              \
        .data = text, .length = sizeof(text) - 1                                                   \
    }

/* Two trees in the lists of versions 1 and 3; their rows stand mixed, ids are no places. */
struct lists {
    int64_t trees[6], nodes[6], features[6], next_true[6], next_false[6], missing[6];
    struct onr_string modes[6];
    float values[6];
    int64_t vote_trees[4], vote_nodes[4], vote_ids[4];
    float weights[4];
};

static const struct lists usual = {
    .trees = {9, 4, 9, 4, 4, 9},
    .nodes = {5, 0, 7, 1, 2, 6},
    .features = {0, 1, 0, 0, 0, 0},
    .next_true = {6, 1, 0, 0, 0, 0},
    .next_false = {7, 2, 0, 0, 0, 0},
    .missing = {1, 0, 0, 0, 0, 0},
    .modes = {S("BRANCH_LEQ"), S("BRANCH_GT"), S("LEAF"), S("LEAF"), S("LEAF"), S("LEAF")},
    .values = {0.5f, 2, 0, 0, 0, 0},
    .vote_trees = {9, 9, 4, 4},
    .vote_nodes = {6, 7, 1, 2},
    .vote_ids = {0, 1, 1, 0},
    .weights = {1, 2, 4, 8},
};

static void add_lists(struct op_test *t, const char *votes, const struct lists *lists)
{
    bool is_class = votes[0] == 'c';
    op_test_ints(t, "nodes_treeids", 6, lists->trees);
    op_test_ints(t, "nodes_nodeids", 6, lists->nodes);
    op_test_ints(t, "nodes_featureids", 6, lists->features);
    op_test_ints(t, "nodes_truenodeids", 6, lists->next_true);
    op_test_ints(t, "nodes_falsenodeids", 6, lists->next_false);
    op_test_ints(t, "nodes_missing_value_tracks_true", 6, lists->missing);
    op_test_strings(t, "nodes_modes", 6, lists->modes);
    op_test_floats(t, "nodes_values", 6, lists->values);
    op_test_ints(t, is_class ? "class_treeids" : "target_treeids", 4, lists->vote_trees);
    op_test_ints(t, is_class ? "class_nodeids" : "target_nodeids", 4, lists->vote_nodes);
    op_test_ints(t, is_class ? "class_ids" : "target_ids", 4, lists->vote_ids);
    op_test_floats(t, is_class ? "class_weights" : "target_weights", 4, lists->weights);
}

static const float rows[] = {0, 0, 1, 3, NAN, NAN};

static void begin_regressor(struct op_test *t, const struct lists *lists)
{
    op_test_begin(t, ML, "TreeEnsembleRegressor", 1);
    add_lists(t, "target", lists);
    op_test_int(t, "n_targets", 2);
    op_test_input(t, test_f32(SHAPE(3, 2), rows));
}

static void votes_of_leaves_are_aggregated(void **state)
{
    (void)state;
    static const char *const names[] = {"SUM", "AVERAGE", "MIN", "MAX"};
    static const float expected[][6] = {
        {9, 0, 0, 6, 9, 0}, {4.5f, 0, 0, 3, 4.5f, 0}, {1, 0, 0, 2, 1, 0}, {8, 0, 0, 4, 8, 0}};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        begin_regressor(&t, &usual);
        op_test_string(&t, "aggregate_function", names[i]);
        op_test_output(&t, test_f32(SHAPE(3, 2), expected[i]));
        op_test_run(&t);
    }
}

static void base_values_and_a_transform_come_last(void **state)
{
    (void)state;
    struct op_test t;
    begin_regressor(&t, &usual);
    t.version = 3;
    op_test_value(&t, "base_values_as_tensor",
                  test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){-9, -6}));
    op_test_string(&t, "post_transform", "LOGISTIC");
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){0.5f, 0.0024726232f, 1.2339458e-4f, 0.5f,
                                                       0.5f, 0.0024726232f}));
    op_test_run(&t);
}

static void features_of_all_types_and_one_row(void **state)
{
    (void)state;
    struct op_test t;
    begin_regressor(&t, &usual);
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){0, 6}));
    t.inputs[0] = test_f32(SHAPE(2), (float[]){1, 3});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){1, 3});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_INT32, SHAPE(1, 2), (int32_t[]){1, 3});
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(1, 2), (int64_t[]){1, 3});
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(0, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 2), NULL);
    op_test_run(&t);
}

static void begin_classifier(struct op_test *t, const struct lists *lists)
{
    op_test_begin(t, ML, "TreeEnsembleClassifier", 3);
    add_lists(t, "class", lists);
    op_test_input(t, test_f32(SHAPE(3, 2), rows));
}

static void the_class_with_the_largest_score_wins(void **state)
{
    (void)state;
    static const struct onr_string names[] = {S("no"), S("yes"), S("maybe")};
    static const struct onr_string expected[] = {S("no"), S("yes"), S("no")};
    struct op_test t;
    begin_classifier(&t, &usual);
    op_test_strings(&t, "classlabels_strings", 3, names);
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(3), expected));
    op_test_output(&t, test_f32(SHAPE(3, 3), (float[]){9, 0, 0, 0, 6, 0, 9, 0, 0}));
    op_test_run(&t);
}

/* One score for two classes: the second one's. */
static void a_single_score_decides_between_two_classes(void **state)
{
    (void)state;
    struct lists lists = usual;
    lists.vote_ids[1] = lists.vote_ids[2] = 0;
    struct op_test t;
    begin_classifier(&t, &lists);
    op_test_ints(&t, "classlabels_int64s", 2, (int64_t[]){30, 40});
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){40, 40, 40}));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){-8, 9, -5, 6, -8, 9}));
    op_test_run(&t);

    lists.weights[1] = -20;
    begin_classifier(&t, &lists);
    op_test_ints(&t, "classlabels_int64s", 2, (int64_t[]){30, 40});
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){40, 30, 40}));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){-9, 9, 16, -16, -9, 9}));
    op_test_run(&t);

    op_test_floats(&t, "base_values", 1, (float[]){-9.5f});
    op_test_string(&t, "post_transform", "SOFTMAX");
    t.outputs[0] = test_i64(SHAPE(3), (int64_t[]){30, 30, 30});
    t.outputs[1] = test_f32(
        SHAPE(3, 2), (float[]){0.73105858f, 0.26894142f, 1, 7.1e-23f, 0.73105858f, 0.26894142f});
    op_test_run(&t);
}

static void a_single_class_needs_a_score_above_0(void **state)
{
    (void)state;
    struct lists lists = usual;
    lists.vote_ids[1] = lists.vote_ids[2] = 0;
    lists.weights[1] = -20;
    struct op_test t;
    begin_classifier(&t, &lists);
    op_test_ints(&t, "classlabels_int64s", 1, (int64_t[]){7});
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){7, 0, 7}));
    op_test_output(&t, test_f32(SHAPE(3, 1), (float[]){9, -16, 9}));
    op_test_run(&t);
}

struct bad {
    const char *message;
    size_t offset; /* in struct lists, of an int64 */
    int64_t value;
};

static void wrong_nodes_are_refused(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"tree 4 has two nodes 2", offsetof(struct lists, nodes[1]), 2},
        {"nodes_truenodeids: tree 9 has no node 8", offsetof(struct lists, next_true[0]), 8},
        {"nodes_falsenodeids: tree 4 has no node -1", offsetof(struct lists, next_false[1]), -1},
        {"the nodes of trees form a cycle", offsetof(struct lists, next_true[0]), 5},
        {"nodes_featureids[1] is -1", offsetof(struct lists, features[1]), -1},
        {"nodes_featureids[1] is 4294967296", offsetof(struct lists, features[1]), 4294967296},
        {"target_ids[2] is 2, expected 0 to 1", offsetof(struct lists, vote_ids[2]), 2},
        {"target_ids[0] is -1, expected 0 to 1", offsetof(struct lists, vote_ids[0]), -1},
        {"votes: tree 3 has no node 6", offsetof(struct lists, vote_trees[0]), 3},
        {"votes: tree 9 has no node 3", offsetof(struct lists, vote_nodes[0]), 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lists lists = usual;
        *(int64_t *)(void *)((char *)&lists + cases[i].offset) = cases[i].value;
        struct op_test t;
        begin_regressor(&t, &lists);
        op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
        op_test_fails(&t, ONR_ERR_MODEL, cases[i].message);
    }
}

/* A cycle of several nodes, which no root leads to. */
static void cycles_off_the_way_are_refused(void **state)
{
    (void)state;
    struct lists lists = usual;
    lists.modes[3] = lists.modes[0];
    lists.modes[4] = lists.modes[0];
    lists.modes[1] = lists.modes[2];
    lists.next_true[3] = lists.next_false[3] = 2;
    lists.next_true[4] = lists.next_false[4] = 1;
    struct op_test t;
    begin_regressor(&t, &lists);
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "the nodes of trees form a cycle");
}

static void wrong_lists_are_refused(void **state)
{
    (void)state;
    struct lists lists = usual;
    struct op_test t;
    lists.modes[0] = (struct onr_string)S("BRANCH_MEMBER");
    begin_regressor(&t, &lists);
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "nodes_modes holds \"BRANCH_MEMBER\"");

    static const struct {
        int attr;
        size_t count;
        const char *message;
    } cases[] = {{0, 0, "nodes_treeids is empty"},
                 {1, 5, "nodes_nodeids has 5 entries, expected 6"},
                 {2, 5, "nodes_featureids has 5 entries, expected 6"},
                 {3, 5, "nodes_truenodeids has 5 entries, expected 6"},
                 {4, 5, "nodes_falsenodeids has 5 entries, expected 6"},
                 {5, 5, "nodes_missing_value_tracks_true has 5 entries, expected 6"},
                 {6, 5, "nodes_modes has 5 entries, expected 6"},
                 {7, 5, "nodes_values has 5 entries, expected 6"},
                 {8, 3, "target_treeids has 3 entries, expected 4"},
                 {9, 3, "target_nodeids has 3 entries, expected 4"},
                 {11, 3, "target_weights has 3 entries, expected 4"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_regressor(&t, &usual);
        t.attrs[cases[i].attr].count = cases[i].count;
        op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
        op_test_fails(&t, ONR_ERR_MODEL, cases[i].message);
    }
}

static void wrong_attributes_and_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_regressor(&t, &usual);
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    t.inputs[0] = test_f32(SHAPE(3, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rows of 1 features, but the trees read 2");
    t.inputs[0] = test_f32(SHAPE(1, 3, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input has rank 3, expected 1 or 2");
    t.inputs[0] = test_f32(SHAPE(3, 2), NULL);
    op_test_floats(&t, "base_values", 1, (float[]){1});
    op_test_fails(&t, ONR_ERR_MODEL, "base_values has 1 entries, expected 2");
    t.attrs[t.attr_count - 2].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "n_targets is 0, expected 1 or more");
    begin_regressor(&t, &usual);
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_string(&t, "aggregate_function", "MEAN");
    op_test_fails(&t, ONR_ERR_MODEL, "attribute aggregate_function is \"MEAN\"");
    begin_regressor(&t, &usual);
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_string(&t, "post_transform", "EXP");
    op_test_fails(&t, ONR_ERR_MODEL, "attribute post_transform is \"EXP\"");
    begin_classifier(&t, &usual);
    op_test_output(&t, test_i64(SHAPE(3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "expected one of classlabels_int64s and classlabels_strings");
}

static void tensors_instead_of_lists_may_not_repeat_them(void **state)
{
    (void)state;
    struct op_test t;
    begin_regressor(&t, &usual);
    t.version = 3;
    op_test_value(&t, "nodes_values_as_tensor", test_tensor(ONR_DOUBLE, SHAPE(6), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute nodes_values_as_tensor is given twice");
}

/* TreeEnsemble-5: node 0 tests membership, nodes 1 and 2 share leaf 1. */
struct tree {
    int64_t features[3], next_true[3], next_false[3], true_leaf[3], false_leaf[3];
    uint8_t modes[3];
    int64_t targets[3], roots[2];
};

static const struct tree shared = {
    .features = {0, 1, 1},
    .next_true = {1, 0, 1},
    .next_false = {2, 1, 2},
    .true_leaf = {0, 1, 1},
    .false_leaf = {0, 1, 1},
    .modes = {6, 2, 5},
    .targets = {0, 1, 0},
    .roots = {0, 2},
};

static void begin_tree(struct op_test *t, enum onr_dtype dtype, const struct tree *tree)
{
    static const double values[][3] = {{0, 1, 0.5}, {1, 2, 4}, {3, 5, (double)NAN}};
    static const char *const names[] = {"nodes_splits", "leaf_weights", "membership_values"};
    op_test_begin(t, ML, "TreeEnsemble", 5);
    op_test_ints(t, "nodes_featureids", 3, tree->features);
    op_test_ints(t, "nodes_truenodeids", 3, tree->next_true);
    op_test_ints(t, "nodes_falsenodeids", 3, tree->next_false);
    op_test_ints(t, "nodes_trueleafs", 3, tree->true_leaf);
    op_test_ints(t, "nodes_falseleafs", 3, tree->false_leaf);
    op_test_value(t, "nodes_modes", test_tensor(ONR_UINT8, SHAPE(3), tree->modes));
    op_test_ints(t, "leaf_targetids", 3, tree->targets);
    op_test_ints(t, "tree_roots", 2, tree->roots);
    op_test_int(t, "n_targets", 2);
    for (int i = 0; i < 3; i++) {
        float floats[3] = {(float)values[i][0], (float)values[i][1], (float)values[i][2]};
        op_test_value(t, names[i],
                      dtype == ONR_DOUBLE ? test_tensor(dtype, SHAPE(3), values[i])
                                          : test_f32(SHAPE(3), floats));
    }
}

static void trees_with_sets_and_shared_leaves(void **state)
{
    (void)state;
    struct op_test t;
    begin_tree(&t, ONR_FLOAT, &shared);
    op_test_input(&t, test_f32(SHAPE(4, 2), (float[]){5, 1, 3, 0, 4, 0.5f, NAN, NAN}));
    op_test_output(&t, test_f32(SHAPE(4, 2), (float[]){1, 2, 0, 4, 8, 0, 0, 4}));
    op_test_run(&t);
    begin_tree(&t, ONR_DOUBLE, &shared);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){5, 1}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){1, 2}));
    op_test_run(&t);
    begin_tree(&t, ONR_FLOAT, &shared);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x4500, 0x3c00}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0x4000}));
    op_test_run(&t);
}

static void a_tree_may_be_a_single_leaf(void **state)
{
    (void)state;
    struct tree tree = shared;
    tree.next_true[2] = 2;
    struct op_test t;
    begin_tree(&t, ONR_FLOAT, &tree);
    t.attrs[7].count = 1;
    tree.roots[0] = 2;
    op_test_int(&t, "post_transform", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){0, 0}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){0.98201379f, 0.01798621f}));
    op_test_run(&t);
}

static void wrong_trees_are_refused(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"nodes_truenodeids[0] is 3, but there are 3 nodes", offsetof(struct tree, next_true[0]),
         3},
        {"nodes_falsenodeids[1] is 3, but there are 3 leaves", offsetof(struct tree, next_false[1]),
         3},
        {"nodes_falsenodeids[0] is -1", offsetof(struct tree, next_false[0]), -1},
        {"the nodes of trees form a cycle", offsetof(struct tree, next_true[0]), 0},
        {"the nodes of trees form a cycle", offsetof(struct tree, true_leaf[1]), 0},
        {"leaf_targetids[2] is 2, expected 0 to 1", offsetof(struct tree, targets[2]), 2},
        {"tree_roots[1] is 3, but there are 3 nodes", offsetof(struct tree, roots[1]), 3},
        {"nodes_featureids[0] is -7", offsetof(struct tree, features[0]), -7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tree tree = shared;
        *(int64_t *)(void *)((char *)&tree + cases[i].offset) = cases[i].value;
        struct op_test t;
        begin_tree(&t, ONR_FLOAT, &tree);
        op_test_input(&t, test_f32(SHAPE(1, 2), NULL));
        op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
        op_test_fails(&t, ONR_ERR_MODEL, cases[i].message);
    }
}

static void wrong_modes_and_sets_are_refused(void **state)
{
    (void)state;
    static const char *const messages[] = {"nodes_modes[1] is 7, expected 0 to 6",
                                           "membership_values has no set for node 1",
                                           "membership_values has 3 entries, expected 0"};
    static const uint8_t modes[][3] = {{6, 7, 5}, {6, 6, 5}, {0, 1, 2}};
    for (int i = 0; i < 3; i++) {
        struct tree tree = shared;
        memcpy(tree.modes, modes[i], sizeof tree.modes);
        struct op_test t;
        begin_tree(&t, ONR_FLOAT, &tree);
        op_test_input(&t, test_f32(SHAPE(1, 2), NULL));
        op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
        op_test_fails(&t, ONR_ERR_MODEL, messages[i]);
    }
    struct op_test t;
    begin_tree(&t, ONR_FLOAT, &shared);
    op_test_input(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_int(&t, "aggregate_function", 4);
    op_test_fails(&t, ONR_ERR_MODEL, "aggregate_function is 4, expected 0 to 3");
    t.attrs[t.attr_count - 1].name = "post_transform";
    t.attrs[t.attr_count - 1].as.i = 5;
    op_test_fails(&t, ONR_ERR_MODEL, "post_transform is 5, expected 0 to 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(votes_of_leaves_are_aggregated, test_tensors_free),
        cmocka_unit_test_teardown(base_values_and_a_transform_come_last, test_tensors_free),
        cmocka_unit_test_teardown(features_of_all_types_and_one_row, test_tensors_free),
        cmocka_unit_test_teardown(the_class_with_the_largest_score_wins, test_tensors_free),
        cmocka_unit_test_teardown(a_single_score_decides_between_two_classes, test_tensors_free),
        cmocka_unit_test_teardown(a_single_class_needs_a_score_above_0, test_tensors_free),
        cmocka_unit_test_teardown(wrong_nodes_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(cycles_off_the_way_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_lists_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_attributes_and_inputs_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(tensors_instead_of_lists_may_not_repeat_them, test_tensors_free),
        cmocka_unit_test_teardown(trees_with_sets_and_shared_leaves, test_tensors_free),
        cmocka_unit_test_teardown(a_tree_may_be_a_single_leaf, test_tensors_free),
        cmocka_unit_test_teardown(wrong_trees_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_modes_and_sets_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
