/* SPDX-License-Identifier: Apache-2.0 */
#include "common/file.h"
#include "common/npy.h"
#include "common/npz.h"

#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* A version 1 file with this header text and count bytes 0, 1, 2, ... of data. */
struct sample {
    uint8_t bytes[4096];
    size_t size;
};

static struct sample make_npy(const char *header, size_t data_bytes)
{
    struct sample sample = {.size = 0};
    size_t length = strlen(header);
    memcpy(sample.bytes, "\x93NUMPY\x01\x00", 8);
    sample.bytes[8] = (uint8_t)(length & 255);
    sample.bytes[9] = (uint8_t)(length >> 8);
    memcpy(sample.bytes + 10, header, length);
    for (size_t i = 0; i < data_bytes; i++) {
        sample.bytes[10 + length + i] = (uint8_t)i;
    }
    sample.size = 10 + length + data_bytes;
    return sample;
}

#define HEADER(descr, order, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

static void assert_refused(const uint8_t *bytes, size_t size, onnxrun_status status,
                           const char *message)
{
    onnxrun_error error = {.message = ""};
    onnxrun_tensor *tensor;
    /* A block of the exact size, so that the sanitizer sees reads beyond it. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    onnxrun_status got = npy_parse(exact, size, &tensor, &error);
    free(exact);
    if (got != status || strstr(error.message, message) == NULL) {
        fail_msg("got %d \"%s\", expected %d \"%s\"", got, error.message, status, message);
    }
    assert_null(tensor);
}

static void good_files_are_read(void **state)
{
    (void)state;
    onnxrun_error error;
    onnxrun_tensor *tensor;
    struct sample sample = make_npy(HEADER("<i2", "False", "(2, 3)"), 12);
    assert_int_equal(npy_parse(sample.bytes, sample.size, &tensor, &error), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_dtype(tensor), ONNXRUN_INT16);
    assert_int_equal(onnxrun_tensor_dims(tensor)[1], 3);
    assert_int_equal(((const int16_t *)onnxrun_tensor_data(tensor))[1], 0x0302);
    onnxrun_tensor_free(tensor);

    sample = make_npy(HEADER(">i2", "True", "(2, 3)"), 12);
    assert_int_equal(npy_parse(sample.bytes, sample.size, &tensor, &error), ONNXRUN_OK);
    const int16_t transposed[] = {0x0001, 0x0405, 0x0809, 0x0203, 0x0607, 0x0a0b};
    assert_memory_equal(onnxrun_tensor_data(tensor), transposed, sizeof transposed);
    onnxrun_tensor_free(tensor);

    sample = make_npy(HEADER("|u1", "False", "()"), 1);
    assert_int_equal(npy_parse(sample.bytes, sample.size, &tensor, &error), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_rank(tensor), 0);
    onnxrun_tensor_free(tensor);

    sample = make_npy(HEADER("<f4", "True", "(0, 9223372036854775807)"), 0);
    assert_int_equal(npy_parse(sample.bytes, sample.size, &tensor, &error), ONNXRUN_OK);
    assert_int_equal(onnxrun_tensor_count(tensor), 0);
    onnxrun_tensor_free(tensor);
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        onnxrun_status status;
        const char *message;
    } cases[] = {
        {"", ONNXRUN_ERR_PARSE, "expected '{'"},
        {"{}", ONNXRUN_ERR_PARSE, "then the end"},
        {"{'descr': '<f4', 'shape': (1,), }", ONNXRUN_ERR_PARSE, "then the end"},
        {"{'descr': '<f4', 'descr': '<f4', }", ONNXRUN_ERR_PARSE, "each once"},
        {"{'more': 1}", ONNXRUN_ERR_PARSE, "each once"},
        {"{'descr': __import__('os'), }", ONNXRUN_ERR_PARSE, "a type such as"},
        {HEADER("|O", "False", "(1,)"), ONNXRUN_ERR_UNSUPPORTED, "type '|O'"},
        {HEADER("<U8", "False", "(1,)"), ONNXRUN_ERR_UNSUPPORTED, "type '<U8'"},
        {HEADER("<f16", "False", "(1,)"), ONNXRUN_ERR_UNSUPPORTED, "type '<f16'"},
        {HEADER("", "False", "(1,)"), ONNXRUN_ERR_UNSUPPORTED, "type ''"},
        {"{'descr': [('a', '<f4')], }", ONNXRUN_ERR_UNSUPPORTED, "structured"},
        {HEADER("<f4", "Perhaps", "(1,)"), ONNXRUN_ERR_PARSE, "True or False"},
        {HEADER("<f4", "False", "(3)"), ONNXRUN_ERR_PARSE, "one dimension"},
        {HEADER("<f4", "False", "(-1,)"), ONNXRUN_ERR_PARSE, "63 bits"},
        {HEADER("<f4", "False", "(9223372036854775808,)"), ONNXRUN_ERR_PARSE, "63 bits"},
        {HEADER("<f4", "False", "(1.5,)"), ONNXRUN_ERR_PARSE, "',' or ')'"},
        {HEADER("<f4", "False", "(1L,)"), ONNXRUN_ERR_PARSE, "',' or ')'"},
        {HEADER("<f4", "False", "(((((("), ONNXRUN_ERR_PARSE, "63 bits"},
        {HEADER("<f4", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), ONNXRUN_ERR_UNSUPPORTED,
         "more than 16"},
        {HEADER("<f4", "False", "(4294967296, 4294967296)"), ONNXRUN_ERR_PARSE, "more than"},
        {HEADER("<f4", "False", "(2,)"), ONNXRUN_ERR_PARSE, "takes 8 bytes, the file has 4"},
        {HEADER("<f4", "False", "()") "x", ONNXRUN_ERR_PARSE, "then the end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sample sample = make_npy(cases[i].header, 4);
        assert_refused(sample.bytes, sample.size, cases[i].status, cases[i].message);
    }
}

static void cut_and_mislabelled_files_are_refused(void **state)
{
    (void)state;
    struct sample sample = make_npy(HEADER("<f4", "False", "(2,)"), 8);
    for (size_t size = 0; size < sample.size; size++) {
        assert_refused(sample.bytes, size, ONNXRUN_ERR_PARSE, "npy");
    }
    assert_refused(sample.bytes, sample.size + 1, ONNXRUN_ERR_PARSE, "the file has 9");
    sample.bytes[6] = 4;
    assert_refused(sample.bytes, sample.size, ONNXRUN_ERR_PARSE, "version 4.0");
    sample.bytes[6] = 2; /* a length of four bytes */
    memset(sample.bytes + 8, 0xff, 4);
    assert_refused(sample.bytes, sample.size, ONNXRUN_ERR_PARSE, "4294967295 bytes");
}

static void written_files_are_read_back(void **state)
{
    (void)state;
    onnxrun_error error;
    onnxrun_tensor *tensor, *back;
    struct file_bytes bytes;
    char path[] = "/tmp/onnxrun-test-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    const int64_t dims[] = {3};
    for (int dtype = 1; dtype <= ONNXRUN_INT2; dtype++) {
        if (dtype == ONNXRUN_STRING) {
            continue;
        }
        assert_int_equal(onnxrun_tensor_create((onnxrun_dtype)dtype, 1, dims, &tensor, &error),
                         ONNXRUN_OK);
        assert_int_equal(npy_write(path, tensor, &error), ONNXRUN_OK);
        assert_int_equal(file_read(path, &bytes, &error), ONNXRUN_OK);
        assert_int_equal(npy_parse(bytes.data, bytes.size, &back, &error), ONNXRUN_OK);
        assert_int_equal(onnxrun_tensor_dims(back)[0], 3);
        file_free(&bytes);
        onnxrun_tensor_free(tensor);
        onnxrun_tensor_free(back);
    }
    (void)unlink(path);
    assert_int_equal(onnxrun_tensor_create(ONNXRUN_FLOAT, 1, dims, &tensor, &error), ONNXRUN_OK);
    assert_int_equal(npy_write("/nowhere/x.npy", tensor, &error), ONNXRUN_ERR_IO);
    onnxrun_tensor_free(tensor);
}

/* ---- npz ---- */

static void put(struct sample *sample, uint32_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        sample->bytes[sample->size++] = (uint8_t)(value >> 8 * i);
    }
}

static void put_bytes(struct sample *sample, const void *bytes, size_t size)
{
    memcpy(sample->bytes + sample->size, bytes, size);
    sample->size += size;
}

/* Fields that the local header (from version on) and the directory entry share. */
static void put_entry(struct sample *zip, unsigned method, uint32_t crc, uint32_t packed,
                      uint32_t bytes, uint32_t name_bytes)
{
    const uint32_t fields[] = {20, 0, method, 0, 0};
    for (size_t i = 0; i < 5; i++) {
        put(zip, fields[i], 2);
    }
    put(zip, crc, 4);
    put(zip, packed, 4);
    put(zip, bytes, 4);
    put(zip, name_bytes, 2);
    put(zip, 0, 2);
}

/* An archive with the member "x.npy". */
static struct sample make_npz(const struct sample *npy, bool is_deflated)
{
    struct sample zip = {.size = 0};
    uint8_t packed[4096];
    uLongf packed_bytes = npy->size;
    memcpy(packed, npy->bytes, npy->size);
    if (is_deflated) { /* what zlib writes, without its head of 2 and tail of 4 bytes */
        packed_bytes = sizeof packed;
        assert_int_equal(compress(packed, &packed_bytes, npy->bytes, npy->size), Z_OK);
        packed_bytes -= 6;
        memmove(packed, packed + 2, packed_bytes);
    }
    unsigned method = is_deflated ? 8 : 0;
    uint32_t crc = (uint32_t)crc32(0, npy->bytes, (uInt)npy->size);
    put_bytes(&zip, "PK\3\4", 4);
    put_entry(&zip, method, crc, (uint32_t)packed_bytes, (uint32_t)npy->size, 5);
    put_bytes(&zip, "x.npy", 5);
    put_bytes(&zip, packed, packed_bytes);
    size_t directory = zip.size;
    put_bytes(&zip, "PK\1\2\24\0", 6);
    put_entry(&zip, method, crc, (uint32_t)packed_bytes, (uint32_t)npy->size, 5);
    put(&zip, 0, 4);
    put(&zip, 0, 4);
    put(&zip, 0, 2);
    put(&zip, 0, 4);
    put_bytes(&zip, "x.npy", 5);
    size_t directory_bytes = zip.size - directory;
    put_bytes(&zip, "PK\5\6\0\0\0\0\1\0\1\0", 12);
    put(&zip, (uint32_t)directory_bytes, 4);
    put(&zip, (uint32_t)directory, 4);
    put(&zip, 0, 2);
    return zip;
}

static void members_are_read_stored_and_deflated(void **state)
{
    (void)state;
    struct sample npy = make_npy(HEADER("<f4", "False", "(200,)"), 800);
    for (int is_deflated = 0; is_deflated < 2; is_deflated++) {
        struct sample zip = make_npz(&npy, is_deflated != 0);
        struct file_bytes member;
        onnxrun_error error;
        assert_int_equal(npz_member(zip.bytes, zip.size, "x", &member, &error), ONNXRUN_OK);
        assert_int_equal(member.size, npy.size);
        assert_memory_equal(member.data, npy.bytes, npy.size);
        file_free(&member);
        assert_int_equal(npz_member(zip.bytes, zip.size, "y", &member, &error),
                         ONNXRUN_ERR_ARGUMENT);
        assert_non_null(strstr(error.message, "no member \"y\"; there are: x.npy"));
    }
}

/* Each byte changed and each length cut off: an error or the right bytes, never a crash. */
static void damaged_archives_never_give_wrong_bytes(void **state)
{
    (void)state;
    struct sample npy = make_npy(HEADER("<f4", "False", "(8,)"), 32);
    for (int is_deflated = 0; is_deflated < 2; is_deflated++) {
        struct sample zip = make_npz(&npy, is_deflated != 0);
        for (size_t i = 0; i < 2 * zip.size; i++) {
            struct sample damaged = zip;
            size_t at = i % zip.size;
            damaged.bytes[at] = i < zip.size ? (uint8_t)~zip.bytes[at] : 0;
            struct file_bytes member;
            onnxrun_error error;
            if (npz_member(damaged.bytes, damaged.size, "x", &member, &error) == ONNXRUN_OK) {
                assert_int_equal(member.size, npy.size);
                assert_memory_equal(member.data, npy.bytes, npy.size);
                file_free(&member);
            }
            assert_int_not_equal(npz_member(zip.bytes, at, "x", &member, &error), ONNXRUN_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(cut_and_mislabelled_files_are_refused),
        cmocka_unit_test(written_files_are_read_back),
        cmocka_unit_test(members_are_read_stored_and_deflated),
        cmocka_unit_test(damaged_archives_never_give_wrong_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
