/* SPDX-License-Identifier: Apache-2.0 */
/* Public tensors: made, wrapped, parsed, refused. */
#include "support/proto_writer.h"
#include "support/test.h"

#include <onnxrun/onnxrun.h>
#include <string.h>

static void created_tensors_are_zeroed_and_aligned(void **state)
{
    (void)state;
    onnxrun_tensor *tensor = NULL;
    onnxrun_error error;
    assert_int_equal(onnxrun_tensor_create(ONNXRUN_DOUBLE, SHAPE(2, 3), &tensor, &error),
                     ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_dtype(tensor), ONNXRUN_DOUBLE);
    assert_int_equal(onnxrun_tensor_rank(tensor), 2);
    assert_int_equal(onnxrun_tensor_dims(tensor)[1], 3);
    assert_int_equal(onnxrun_tensor_count(tensor), 6);
    assert_int_equal(onnxrun_tensor_bytes(tensor), 48);
    assert_int_equal((uintptr_t)onnxrun_tensor_data(tensor) % 64, 0);
    double *data = onnxrun_tensor_mutable_data(tensor);
    for (int i = 0; i < 6; i++) {
        assert_true(data[i] == 0);
        data[i] = -1;
    }
    onnxrun_tensor_free(tensor);
    assert_int_equal(onnxrun_tensor_create(ONNXRUN_STRING, SCALAR, &tensor, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_bytes(tensor), sizeof(onnxrun_string));
    onnxrun_tensor_free(tensor);
    assert_int_equal(onnxrun_tensor_create(ONNXRUN_FLOAT, SHAPE(3, 0), &tensor, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_count(tensor), 0);
    onnxrun_tensor_free(tensor);
    onnxrun_tensor_free(NULL);
}

static void create_gives(onnxrun_dtype dtype, size_t rank, const int64_t *dims,
                         onnxrun_status status, const char *message)
{
    onnxrun_error error;
    onnxrun_tensor *tensor = (onnxrun_tensor *)(uintptr_t)&error;
    assert_int_equal(onnxrun_tensor_create(dtype, rank, dims, &tensor, &error), status);
    assert_int_equal(error.status, status);
    assert_string_equal(error.message, message);
    assert_null(tensor);
    assert_int_equal(onnxrun_tensor_create(dtype, rank, dims, &tensor, NULL), status);
}

static void impossible_tensors_are_refused(void **state)
{
    (void)state;
    create_gives(ONNXRUN_UNDEFINED, SCALAR, ONNXRUN_ERR_ARGUMENT, "tensor: 0 is no element type");
    create_gives((onnxrun_dtype)29, SCALAR, ONNXRUN_ERR_ARGUMENT, "tensor: 29 is no element type");
    create_gives((onnxrun_dtype)-1, SCALAR, ONNXRUN_ERR_ARGUMENT, "tensor: -1 is no element type");
    create_gives(ONNXRUN_FLOAT, 17, (int64_t[17]){0}, ONNXRUN_ERR_ARGUMENT,
                 "tensor: rank is 17, expected 0 to 16");
    create_gives(ONNXRUN_FLOAT, 1, NULL, ONNXRUN_ERR_ARGUMENT,
                 "tensor: rank is 1, but dims is NULL");
    create_gives(ONNXRUN_FLOAT, SHAPE(2, -1), ONNXRUN_ERR_ARGUMENT,
                 "tensor: dimension 1 is -1, expected >= 0");
    create_gives(ONNXRUN_FLOAT, SHAPE(4194305, 4194305, 211106198978564), ONNXRUN_ERR_ARGUMENT,
                 "tensor: too many elements");
    create_gives(ONNXRUN_UINT8, SHAPE(0, INT64_MAX, INT64_MAX), ONNXRUN_ERR_ARGUMENT,
                 "tensor: too many elements");
}

static void wrapped_data_is_checked_and_borrowed(void **state)
{
    (void)state;
    onnxrun_tensor *tensor = NULL;
    onnxrun_error error;
    int64_t data[3] = {1, 2, 3};
    char *bytes = (char *)data;
    assert_int_equal(
        onnxrun_tensor_wrap(ONNXRUN_INT64, SHAPE(3), data, sizeof data, &tensor, &error),
        ONNXRUN_OK);
    assert_ptr_equal(onnxrun_tensor_data(tensor), data);
    onnxrun_tensor_free(tensor);
    assert_int_equal(data[2], 3);
    assert_int_equal(onnxrun_tensor_wrap(ONNXRUN_INT64, SHAPE(3), data, 23, &tensor, &error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "tensor: data has 23 bytes, expected 24");
    assert_null(tensor);
    assert_int_equal(onnxrun_tensor_wrap(ONNXRUN_INT64, SHAPE(3), NULL, 24, &tensor, &error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "tensor: data has 0 bytes, expected 24");
    assert_int_equal(onnxrun_tensor_wrap(ONNXRUN_INT64, SHAPE(2), bytes + 4, 16, &tensor, &error),
                     ONNXRUN_ERR_ARGUMENT);
    assert_string_equal(error.message, "tensor: data is not aligned to 8 bytes");
    assert_int_equal(onnxrun_tensor_wrap(ONNXRUN_INT32, SHAPE(2), bytes + 4, 8, &tensor, NULL),
                     ONNXRUN_OK);
    onnxrun_tensor_free(tensor);
    assert_int_equal(onnxrun_tensor_wrap(ONNXRUN_FLOAT, SHAPE(0), NULL, 0, &tensor, NULL),
                     ONNXRUN_OK);
    onnxrun_tensor_free(tensor);
}

/* A TensorProto without the tag and length that proto_tensor puts before it. */
static onnxrun_status parse(struct proto *p, onnxrun_tensor **tensor, onnxrun_error *error)
{
    size_t head = 6; /* one byte of tag, five of length */
    proto_end(p);
    onnxrun_status status = onnxrun_tensor_parse(p->data + head, p->size - head, tensor, error);
    proto_free(p);
    return status;
}

static void tensors_are_parsed(void **state)
{
    (void)state;
    struct proto p;
    onnxrun_tensor *tensor = NULL;
    proto_init(&p);
    proto_tensor(&p, 1, "t", ONR_FLOAT, SHAPE(2), (float[]){1, 2}, 8);
    assert_int_equal(parse(&p, &tensor, NULL), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_dtype(tensor), ONNXRUN_FLOAT);
    assert_true(((const float *)onnxrun_tensor_data(tensor))[1] == 2);
    onnxrun_tensor_free(tensor);
    proto_init(&p);
    proto_tensor(&p, 1, "t", ONR_INT4, SHAPE(3), (uint8_t[]){0x2f, 0x08}, 2);
    assert_int_equal(parse(&p, &tensor, NULL), ONNXRUN_OK);
    const int8_t *codes = onnxrun_tensor_data(tensor);
    assert_true(codes[0] == -1 && codes[1] == 2 && codes[2] == -8);
    onnxrun_tensor_free(tensor);
    proto_init(&p);
    proto_tensor_open(&p, 1, "t", ONR_STRING, SHAPE(2));
    proto_bytes(&p, TENSOR_STRINGS, "a\0b", 3);
    proto_string(&p, TENSOR_STRINGS, "");
    assert_int_equal(parse(&p, &tensor, NULL), ONNXRUN_OK);
    const onnxrun_string *strings = onnxrun_tensor_data(tensor);
    assert_int_equal(strings[0].length, 3);
    assert_memory_equal(strings[0].data, "a\0b", 3);
    assert_int_equal(strings[1].length, 0);
    onnxrun_tensor_free(tensor);
}

static void what_is_no_tensor_is_refused(void **state)
{
    (void)state;
    struct proto p;
    onnxrun_tensor *tensor = NULL;
    onnxrun_error error;
    assert_int_equal(onnxrun_tensor_parse("\xff\xff\xff", 3, &tensor, &error), ONNXRUN_ERR_PARSE);
    assert_null(tensor);
    assert_true(error.message[0] != '\0');
    proto_init(&p);
    proto_tensor(&p, 1, "t", ONR_FLOAT, SHAPE(2), (float[]){1, 2}, 7);
    assert_int_equal(parse(&p, &tensor, &error), ONNXRUN_ERR_MODEL);
    assert_null(tensor);
    proto_init(&p);
    proto_tensor(&p, 1, "t", ONR_FLOAT, SHAPE(-2), NULL, 0);
    assert_int_equal(parse(&p, &tensor, &error), ONNXRUN_ERR_MODEL);
}

static void names_and_sizes_of_types(void **state)
{
    (void)state;
    assert_string_equal(onnxrun_dtype_name(ONNXRUN_BFLOAT16), "bfloat16");
    assert_string_equal(onnxrun_dtype_name((onnxrun_dtype)99), "undefined");
    assert_string_equal(onnxrun_dtype_name((onnxrun_dtype)-1), "undefined");
    assert_int_equal(onnxrun_dtype_size(ONNXRUN_COMPLEX128), 16);
    assert_int_equal(onnxrun_dtype_size(ONNXRUN_INT4), 1);
    assert_int_equal(onnxrun_dtype_size(ONNXRUN_UNDEFINED), 0);
    assert_int_equal(onnxrun_dtype_size((onnxrun_dtype)29), 0);
    assert_string_equal(onnxrun_status_text(ONNXRUN_OK), "ok");
    assert_string_equal(onnxrun_status_text(ONNXRUN_ERR_SHAPE), "shapes do not fit");
    assert_string_equal(onnxrun_status_text((onnxrun_status)7), "unknown status");
    assert_int_equal(onnxrun_version(), ONNXRUN_VERSION_MAJOR << 16 | ONNXRUN_VERSION_MINOR << 8 |
                                            ONNXRUN_VERSION_PATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_tensors_are_zeroed_and_aligned),
        cmocka_unit_test(impossible_tensors_are_refused),
        cmocka_unit_test(wrapped_data_is_checked_and_borrowed),
        cmocka_unit_test(tensors_are_parsed),
        cmocka_unit_test(what_is_no_tensor_is_refused),
        cmocka_unit_test(names_and_sizes_of_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
