/* SPDX-License-Identifier: Apache-2.0 */
/* The harness for tests of one operator. */
#include "support/op_test.h"

#include "graph/eval_node.h"
#include "graph/infer.h"
#include "kernels/kernels.h"
#include "ops/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void op_test_begin(struct op_test *test, const char *domain, const char *op_type, int64_t version)
{
    *test = (struct op_test){
        .domain = domain, .op_type = op_type, .version = version, .rtol = 1e-5, .atol = 1e-6};
}

static struct onr_attr *add_attr(struct op_test *test, const char *name, enum onr_attr_kind kind)
{
    assert_true(test->attr_count < OP_TEST_MAX);
    struct onr_attr *attr = &test->attrs[test->attr_count++];
    *attr = (struct onr_attr){.name = name, .kind = kind, .count = 1};
    return attr;
}

void op_test_int(struct op_test *test, const char *name, int64_t value)
{
    add_attr(test, name, ONR_ATTR_INT)->as.i = value;
}

void op_test_float(struct op_test *test, const char *name, float value)
{
    add_attr(test, name, ONR_ATTR_FLOAT)->as.f = value;
}

void op_test_string(struct op_test *test, const char *name, const char *value)
{
    add_attr(test, name, ONR_ATTR_STRING)->as.s =
        (struct onr_string){.data = value, .length = strlen(value)};
}

void op_test_ints(struct op_test *test, const char *name, size_t count, const int64_t *values)
{
    struct onr_attr *attr = add_attr(test, name, ONR_ATTR_INTS);
    attr->count = count;
    attr->as.ints = values;
}

void op_test_floats(struct op_test *test, const char *name, size_t count, const float *values)
{
    struct onr_attr *attr = add_attr(test, name, ONR_ATTR_FLOATS);
    attr->count = count;
    attr->as.floats = values;
}

void op_test_strings(struct op_test *test, const char *name, size_t count,
                     const struct onr_string *values)
{
    struct onr_attr *attr = add_attr(test, name, ONR_ATTR_STRINGS);
    attr->count = count;
    attr->as.strings = values;
}

/* A constant with the tensor's contents in file form; lives until test_tensors_free. */
static const struct onr_constant *as_constant(const struct onr_tensor *tensor)
{
    int64_t words = (int64_t)(sizeof(struct onr_constant) + 7) / 8;
    struct onr_constant *constant = test_i64(1, &words, NULL)->data;
    size_t bytes = onr_tensor_bytes(tensor);
    const void *data = tensor->data;
    if (onr_dtypes_has(ONR_DTYPES_NARROW, tensor->dtype)) {
        int64_t count = onr_tensor_count(tensor);
        assert_true(onr_dtype_file_bytes(tensor->dtype, count, &bytes));
        int64_t packed_bytes = (int64_t)bytes;
        uint8_t *packed = test_tensor(ONR_UINT8, 1, &packed_bytes, NULL)->data;
        onr_dtype_pack(tensor->dtype, (size_t)count, tensor->data, packed);
        data = packed;
    }
    *constant = (struct onr_constant){
        .dtype = tensor->dtype, .shape = tensor->shape, .data = data, .bytes = bytes};
    return constant;
}

void op_test_value(struct op_test *test, const char *name, const struct onr_tensor *value)
{
    add_attr(test, name, ONR_ATTR_TENSOR)->as.tensor = as_constant(value);
}

void op_test_input(struct op_test *test, const struct onr_tensor *input)
{
    assert_true(test->input_count < OP_TEST_MAX);
    test->inputs[test->input_count++] = input;
}

void op_test_output(struct op_test *test, const struct onr_tensor *expected)
{
    assert_true(test->output_count < OP_TEST_MAX);
    test->outputs[test->output_count++] = expected;
}

/* One way of running the node: where its inputs are known, and on what. */
struct way {
    bool is_constant;
    enum onr_isa isa;
    unsigned thread_count;
};

struct attempt {
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_graph graph;
    struct onr_node node;
    uint32_t ids[2 * OP_TEST_MAX];
    struct onr_fact facts[OP_TEST_MAX];
    const struct onr_fact *inputs[OP_TEST_MAX];
    const struct onr_constant *constants[OP_TEST_MAX];
    struct onr_fact outputs[OP_TEST_MAX];
    struct onr_error err;
};

static void setup_attempt(struct attempt *a, const struct op_test *test, bool is_constant,
                          size_t cap_bytes)
{
    memset(a, 0, sizeof *a);
    onr_mem_init(&a->mem, NULL, cap_bytes);
    onr_arena_init(&a->arena, &a->mem);
    a->graph = (struct onr_graph){.arena = &a->arena, .name = "test"};
    a->node = (struct onr_node){.name = "node",
                                .op_type = test->op_type,
                                .domain = test->domain,
                                .version = test->version,
                                .inputs = a->ids,
                                .outputs = a->ids + OP_TEST_MAX,
                                .input_count = test->input_count,
                                .output_count = test->output_count,
                                .attrs = (struct onr_attr *)(uintptr_t)test->attrs,
                                .attr_count = test->attr_count};
    for (uint32_t i = 0; i < test->input_count; i++) {
        const struct onr_tensor *input = test->inputs[i];
        a->ids[i] = input != NULL ? i : ONR_NO_VALUE;
        if (input != NULL) {
            a->facts[i] = onr_fact_of(input->dtype, &input->shape);
            a->facts[i].data = input->data;
            a->inputs[i] = &a->facts[i];
            a->constants[i] = is_constant ? as_constant(input) : NULL;
        }
    }
    for (uint32_t i = 0; i < test->output_count; i++) {
        a->ids[OP_TEST_MAX + i] = test->outputs[i] != NULL ? OP_TEST_MAX + i : ONR_NO_VALUE;
    }
}

/* Facts as prepare sees them at load: without data unless the inputs are constants. */
static enum onr_status prepare_node(struct attempt *a, const struct onr_op_def *op,
                                    const struct onr_eval *eval, bool is_constant, void **state,
                                    struct onr_told *told)
{
    struct onr_fact facts[OP_TEST_MAX];
    const struct onr_fact *inputs[OP_TEST_MAX];
    for (uint32_t i = 0; i < a->node.input_count; i++) {
        facts[i] = a->facts[i];
        facts[i].data = is_constant ? facts[i].data : NULL;
        inputs[i] = a->inputs[i] != NULL ? &facts[i] : NULL;
    }
    struct onr_backlog at_once;
    onr_backlog_init(&at_once, eval->parallel, &a->arena, true);
    struct onr_prepare_ctx ctx = {.graph = &a->graph,
                                  .node = &a->node,
                                  .inputs = inputs,
                                  .outputs = a->outputs,
                                  .kernels = eval->kernels,
                                  .backlog = &at_once,
                                  .arena = &a->arena,
                                  .mem = eval->mem,
                                  .err = &a->err,
                                  .constants = a->constants,
                                  .told.kernel = op->kernel};
    enum onr_status status = op->prepare != NULL ? op->prepare(&ctx) : ONR_OK;
    *state = ctx.state;
    *told = ctx.told;
    return status;
}

static void untold_kernel(void)
{
    fail_msg("a kernel runs that the operator does not tell of");
}

/* An operator that tells of no kernel (struct onr_told) takes none but those that convert and move
 * elements for its own loops: the others are replaced by one that fails. */
static enum onr_status check_told(struct attempt *a, const struct onr_op_def *op, const void *state,
                                  struct onr_told told, struct onr_kernels *kernels)
{
    struct onr_plan_ctx ctx = {.node = &a->node,
                               .inputs = a->inputs,
                               .outputs = a->outputs,
                               .state = state,
                               .kernels = kernels,
                               .thread_count = 1,
                               .arena = &a->arena,
                               .err = &a->err,
                               .told = told};
    void (*untold)(void) = untold_kernel;
    ONR_TRY(op->plan != NULL ? op->plan(&ctx) : ONR_OK);
    for (size_t at = sizeof untold; ctx.told.kernel == 0 && at < sizeof *kernels;
         at += sizeof untold) {
        const char *part = onr_kernels_part((uint32_t)at);
        if (strcmp(part, "convert") != 0 && strcmp(part, "move") != 0) {
            memcpy((char *)kernels + at, &untold, sizeof untold);
        }
    }
    return ONR_OK;
}

/* A run needs the shapes of all outputs that it does not make itself. */
static enum onr_status check_shapes(struct attempt *a, const struct onr_op_def *op)
{
    for (uint32_t i = 0; i < a->node.output_count; i++) {
        if ((op->traits & ONR_TRAIT_DYNAMIC) == 0 && !onr_fact_is_shaped(&a->outputs[i])) {
            return onr_fail(&a->err, ONR_ERR_SHAPE, "the shape of output %u is not known", i);
        }
    }
    return ONR_OK;
}

static enum onr_status run_with(struct attempt *a, const struct way *way,
                                const struct onr_parallel *parallel)
{
    struct onr_kernels kernels;
    onr_kernels_init(&kernels, way->isa);
    struct onr_eval eval = {.kernels = &kernels, .parallel = parallel, .mem = &a->mem};
    const struct onr_op_def *op =
        onr_op_registry.find(a->node.domain, a->node.op_type, a->node.version);
    if (op == NULL) {
        return onr_fail(&a->err, ONR_ERR_UNSUPPORTED, "%s-%d is not registered", a->node.op_type,
                        (int)a->node.version);
    }
    uint32_t needs = 0;
    void *state = NULL;
    struct onr_told told;
    ONR_TRY(onr_check_node(&a->node, op, &a->err));
    ONR_TRY(onr_check_dtypes(&a->node, op, a->inputs, &a->err));
    ONR_TRY(
        onr_infer_node(&a->graph, &a->node, op, a->inputs, a->outputs, &needs, &a->arena, &a->err));
    ONR_TRY(check_shapes(a, op));
    ONR_TRY(prepare_node(a, op, &eval, way->is_constant, &state, &told));
    enum onr_status status =
        way->thread_count == 1 ? check_told(a, op, state, told, &kernels) : ONR_OK;
    if (status == ONR_OK) {
        status = onr_eval_prepared(&eval, &a->node, op, state, a->inputs, a->outputs, &a->arena,
                                   &a->err);
    }
    if (op->release != NULL) {
        op->release(&a->mem, state);
    }
    return status;
}

static enum onr_status run_attempt(struct attempt *a, const struct way *way)
{
    struct onr_parallel parallel;
    ONR_TRY(onr_parallel_init(&parallel, way->thread_count, &a->mem, &a->err));
    enum onr_status status = run_with(a, way, &parallel);
    onr_parallel_free(&parallel);
    return status;
}

static void compare_outputs(const struct attempt *a, const struct op_test *test)
{
    for (uint32_t i = 0; i < test->output_count; i++) {
        if (test->outputs[i] != NULL) {
            struct onr_tensor got = {.dtype = a->outputs[i].dtype,
                                     .shape = a->outputs[i].shape,
                                     .data = (void *)(uintptr_t)a->outputs[i].data};
            assert_tensor_close(&got, test->outputs[i], test->rtol, test->atol);
        }
    }
}

/* Frees the attempt, and fails if anything that was allocated is still there. */
static void finish_attempt(struct attempt *a)
{
    onr_arena_free(&a->arena);
    assert_int_equal(a->mem.live_bytes, 0);
}

void op_test_run(const struct op_test *test)
{
    static const unsigned thread_counts[] = {1, 3};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        for (int i = 0; i < 4; i++) {
            struct way way = {.is_constant = i % 2 == 1,
                              .isa = (enum onr_isa)isa,
                              .thread_count = thread_counts[i / 2]};
            struct attempt a;
            setup_attempt(&a, test, way.is_constant, 0);
            if (run_attempt(&a, &way) != ONR_OK) {
                fail_msg("%s (%s, %u threads): %s", test->op_type, onr_isa_name(way.isa),
                         way.thread_count, a.err.message);
            }
            compare_outputs(&a, test);
            finish_attempt(&a);
        }
    }
}

void op_test_fails(const struct op_test *test, enum onr_status status, const char *text)
{
    for (int i = 0; i < 2; i++) {
        struct way way = {.is_constant = i == 1, .isa = ONR_ISA_SCALAR, .thread_count = 1};
        struct attempt a;
        setup_attempt(&a, test, way.is_constant, 0);
        enum onr_status got = run_attempt(&a, &way);
        if (got != status || strstr(a.err.message, text) == NULL) {
            fail_msg("%s: got status %d \"%s\", expected %d \"...%s...\"", test->op_type, (int)got,
                     a.err.message, (int)status, text);
        }
        finish_attempt(&a);
    }
}

void op_test_survives(const struct op_test *test)
{
    for (int i = 0; i < 2; i++) {
        struct way way = {.is_constant = i == 1, .isa = onr_cpu_isa(), .thread_count = 1};
        struct attempt a;
        setup_attempt(&a, test, way.is_constant, (size_t)32 << 20);
        enum onr_status status = run_attempt(&a, &way);
        if (status == ONR_ERR_INTERNAL || (status != ONR_OK && a.err.message[0] == '\0')) {
            fail_msg("%s-%d: status %d \"%s\"", test->op_type, (int)test->version, (int)status,
                     a.err.message);
        }
        finish_attempt(&a);
    }
}
