/* SPDX-License-Identifier: Apache-2.0 */
/* Weights beside the model: group E of the bad-input catalogue, in a folder made for each test. */
#define _GNU_SOURCE
#include "support/import_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder: model/ is the model's, secret lies outside. */
static char root[64];
static char model_path[96];

static const char *at(const char *name)
{
    static char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *stream = fopen(at(name), "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

static void make_link(const char *target, const char *name)
{
    assert_int_equal(symlink(target, at(name)), 0);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(at(name), 0700), 0);
}

static int set_up(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%.40s/onnxrun.XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    make_folder("model");
    make_folder("model/sub");
    write_file("secret", "SECRET00");
    write_file("model/w", "0123456789abcdef");
    write_file("model/sub/w", "sub/data");
    (void)snprintf(model_path, sizeof model_path, "%s/model/m.onnx", root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* A model whose initializer "w" float[2] lies in external data with these entries. */
static void begin(struct proto *p, const char *location, const char *offset, const char *length)
{
    proto_model(p, 8, 17);
    proto_value(p, GRAPH_OUTPUT, "w", ONR_FLOAT, 1, (int64_t[]){2});
    proto_tensor_open(p, GRAPH_INIT, "w", ONR_FLOAT, 1, (int64_t[]){2});
    proto_int(p, TENSOR_LOCATION, 1);
    if (location != NULL) {
        proto_entry(p, TENSOR_EXTERNAL, "location", location);
    }
    if (offset != NULL) {
        proto_entry(p, TENSOR_EXTERNAL, "offset", offset);
    }
    if (length != NULL) {
        proto_entry(p, TENSOR_EXTERNAL, "length", length);
    }
}

static void holds_model(struct proto *p, const char *text)
{
    struct import_test t = {.path = model_path};
    import_ok(&t, p);
    const struct onr_constant *w = import_value(t.graph, "w")->constant;
    assert_true(w->is_mapped);
    assert_memory_equal(w->data, text, 8);
    import_test_free(&t);
    proto_free(p);
}

static void holds(const char *location, const char *offset, const char *length, const char *text)
{
    struct proto p;
    begin(&p, location, offset, length);
    holds_model(&p, text);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int i = 0; i < 256; i++) {
        count += fcntl(i, F_GETFD) >= 0;
    }
    return count;
}

static void fails_model(struct proto *p, enum onr_status status, const char *text)
{
    int before = open_descriptors();
    struct import_test t = {.path = model_path};
    proto_end(p);
    enum onr_status got = import_test_load(&t, p->data, p->size);
    if (got != status || strstr(t.err.message, text) == NULL) {
        fail_msg("got status %d \"%s\", want %d \"...%s...\"", got, t.err.message, status, text);
    }
    assert_null(strstr(t.err.message, "SECRET"));
    import_test_free(&t);
    proto_free(p);
    assert_int_equal(open_descriptors(), before);
}

static void fails(const char *location, const char *offset, const char *length,
                  enum onr_status status, const char *text)
{
    struct proto p;
    begin(&p, location, offset, length);
    fails_model(&p, status, text);
}

static void files_beneath_the_model_are_read(void **state)
{
    (void)state;
    holds("w", NULL, NULL, "01234567");
    holds("w", "3", NULL, "3456789a");
    holds("w", "8", "8", "89abcdef");
    holds("./w", "0", "8", "01234567");
    holds("sub/w", NULL, NULL, "sub/data");
    holds("sub//w", NULL, NULL, "sub/data");
    holds("./sub/./w", NULL, NULL, "sub/data");
}

static void names_that_lead_outside_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "../secret",
        "a/../../secret",
        "./../secret",
        "sub/../../secret",
        "..",
        "sub/..",
        "/etc/passwd",
        "//secret",
        "C:\\secret",
        "\\\\host\\x",
        "file:///etc/passwd",
        "..\\secret",
        "sub\\..\\..\\secret",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fails(names[i], NULL, NULL, ONR_ERR_MODEL, "is outside the model's folder");
    }
}

static void names_that_are_no_files_are_refused(void **state)
{
    (void)state;
    char name[5001];
    memset(name, 'n', 5000);
    name[5000] = '\0';
    fails(name, NULL, NULL, ONR_ERR_MODEL, "longer than 4096 bytes");
    name[300] = '\0';
    fails(name, NULL, NULL, ONR_ERR_IO, "File name too long");
    fails("", NULL, NULL, ONR_ERR_MODEL, "external data without a location");
    fails(NULL, NULL, NULL, ONR_ERR_MODEL, "external data without a location");
    fails(".", NULL, NULL, ONR_ERR_MODEL, "is no file name");
    fails("./", NULL, NULL, ONR_ERR_MODEL, "is no file name");
    fails("sub", NULL, NULL, ONR_ERR_IO, "not a regular file");
    fails("sub/", NULL, NULL, ONR_ERR_IO, "not a regular file");
    fails("missing", NULL, NULL, ONR_ERR_IO,
          "tensor \"w\": external file \"missing\": No such file");
    fails("w/x", NULL, NULL, ONR_ERR_IO, "Not a directory");
    fails("*/_ORT_MEM_ADDR_/*", "4096", NULL, ONR_ERR_MODEL, "external data at a memory address");
}

static void links_are_followed_inside_only(void **state)
{
    (void)state;
    make_link("w", "model/link");
    make_link("sub/w", "model/deep");
    make_link("../w", "model/sub/up");
    make_link("sub", "model/folder");
    holds("link", NULL, NULL, "01234567");
    holds("deep", NULL, NULL, "sub/data");
    holds("sub/up", NULL, NULL, "01234567");
    holds("folder/w", NULL, NULL, "sub/data");
    make_link("../secret", "model/out");
    make_link("out", "model/chain");
    make_link("..", "model/parent");
    make_link("loop", "model/loop");
    make_link("nowhere", "model/dangling");
    make_link("/etc", "model/etc");
    make_link("/proc/self/fd/0", "model/fd");
    make_link("/dev/zero", "model/zero");
    fails("out", NULL, NULL, ONR_ERR_MODEL, "is a link to outside the model's folder");
    fails("chain", NULL, NULL, ONR_ERR_MODEL, "is a link to outside");
    fails("parent/secret", NULL, NULL, ONR_ERR_MODEL, "is a link to outside");
    fails("etc/passwd", NULL, NULL, ONR_ERR_MODEL, "is a link to outside");
    fails("zero", NULL, NULL, ONR_ERR_MODEL, "is a link to outside");
    fails("loop", NULL, NULL, ONR_ERR_IO, "symbolic links");
    fails("dangling", NULL, NULL, ONR_ERR_IO, "No such file");
}

/* A folder whose name begins like the model's is another one. */
static void a_sibling_folder_is_outside(void **state)
{
    (void)state;
    make_folder("model2");
    write_file("model2/w", "SECRET00");
    make_link("../model2/w", "model/sibling");
    fails("sibling", NULL, NULL, ONR_ERR_MODEL, "is a link to outside the model's folder");
}

/* blobs/ holds the files, snapshots/ has links to them: huggingface_hub. */
static void the_cache_of_hugging_face_works(void **state)
{
    (void)state;
    make_folder("blobs");
    make_folder("snapshots");
    make_folder("snapshots/rev");
    write_file("blobs/aa", "model");
    write_file("blobs/bb", "blobdata");
    make_link("../../blobs/aa", "snapshots/rev/m.onnx");
    make_link("../../blobs/bb", "snapshots/rev/m.onnx_data");
    make_link("../../secret", "snapshots/rev/evil");
    (void)snprintf(model_path, sizeof model_path, "%s/snapshots/rev/m.onnx", root);
    assert_int_equal(access(model_path, R_OK), 0);
    holds("m.onnx_data", NULL, NULL, "blobdata");
    fails("evil", NULL, NULL, ONR_ERR_MODEL, "is a link to outside the model's folder");
}

static void special_files_are_refused_at_once(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(at("model/pipe"), 0600), 0);
    fails("pipe", NULL, NULL, ONR_ERR_IO, "not a regular file");
}

static void hard_links_work(void **state)
{
    (void)state;
    char target[PATH_MAX];
    (void)snprintf(target, sizeof target, "%s", at("model/w"));
    assert_int_equal(link(target, at("model/hard")), 0);
    holds("hard", NULL, NULL, "01234567");
}

static void numbers_are_plain_decimals(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "-1",
        "+1",
        " 1",
        "1 ",
        "0x10",
        "1e3",
        "",
        "9223372036854775808",
        "18446744073709551616",
        "18446744073709551617",
        "1\t",
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        fails("w", numbers[i], NULL, ONR_ERR_MODEL, "is no decimal number");
        fails("w", "0", numbers[i], ONR_ERR_MODEL, "is no decimal number");
    }
    holds("w", "0000000000000000000000003", "08", "3456789a");
}

static void extents_lie_in_the_file(void **state)
{
    (void)state;
    fails("w", "9", NULL, ONR_ERR_MODEL,
          "8 bytes at offset 9 lie past the end of \"w\" (16 bytes)");
    fails("w", "17", NULL, ONR_ERR_MODEL, "lie past the end");
    fails("w", "9223372036854775807", NULL, ONR_ERR_MODEL, "lie past the end");
    fails("w", "0", "7", ONR_ERR_MODEL, "external length is 7 bytes, dtype and shape need 8");
    fails("w", "0", "9", ONR_ERR_MODEL, "external length is 9 bytes");
    fails("w", "0", "1152921504606846976", ONR_ERR_MODEL, "external length is");
    write_file("model/empty", "");
    fails("empty", NULL, NULL, ONR_ERR_MODEL, "lie past the end");
}

static void an_empty_tensor_may_lie_at_the_end(void **state)
{
    (void)state;
    struct import_test t = {.path = model_path};
    struct proto p;
    proto_model(&p, 8, 17);
    proto_value(&p, GRAPH_OUTPUT, "w", ONR_FLOAT, 1, (int64_t[]){0});
    proto_tensor_open(&p, GRAPH_INIT, "w", ONR_FLOAT, 1, (int64_t[]){0});
    proto_int(&p, TENSOR_LOCATION, 1);
    proto_entry(&p, TENSOR_EXTERNAL, "location", "w");
    proto_entry(&p, TENSOR_EXTERNAL, "offset", "16");
    import_ok(&t, &p);
    import_test_free(&t);
    proto_free(&p);
}

static void keys_are_checked(void **state)
{
    (void)state;
    struct proto p;
    begin(&p, "w", NULL, NULL);
    proto_entry(&p, TENSOR_EXTERNAL, "location", "sub/w");
    fails_model(&p, ONR_ERR_MODEL, "external_data has location twice");
    begin(&p, "w", "1", NULL);
    proto_entry(&p, TENSOR_EXTERNAL, "offset", "1");
    fails_model(&p, ONR_ERR_MODEL, "external_data has offset twice");
    begin(&p, "w", NULL, NULL);
    proto_entry(&p, TENSOR_EXTERNAL, "__class__", "x");
    proto_entry(&p, TENSOR_EXTERNAL, "checksum", "0");
    holds_model(&p, "01234567");
}

static void data_is_external_or_not(void **state)
{
    (void)state;
    struct proto p;
    begin(&p, "w", NULL, NULL);
    proto_bytes(&p, TENSOR_RAW, "12345678", 8);
    fails_model(&p, ONR_ERR_MODEL, "data is given in two places");
    proto_model(&p, 8, 17);
    proto_tensor_open(&p, GRAPH_INIT, "w", ONR_FLOAT, 0, NULL);
    proto_int(&p, TENSOR_LOCATION, 5);
    fails_model(&p, ONR_ERR_MODEL, "data_location 5 is none");
    proto_model(&p, 8, 17);
    proto_tensor_open(&p, GRAPH_INIT, "w", ONR_STRING, 0, NULL);
    proto_int(&p, TENSOR_LOCATION, 1);
    fails_model(&p, ONR_ERR_MODEL, "strings must be in string_data");
}

static void a_model_in_memory_has_no_external_data(void **state)
{
    (void)state;
    struct proto p;
    begin(&p, "w", NULL, NULL);
    import_fails(&p, ONR_ERR_MODEL, "load the model by its path");
}

/* The same rules for tensors in attributes, bodies and functions. */
static void attributes_follow_the_same_rules(void **state)
{
    (void)state;
    static const char *const names[] = {"../secret", "*/_ORT_MEM_ADDR_/*"};
    for (size_t i = 0; i < 2; i++) {
        struct proto p;
        proto_model(&p, 8, 17);
        proto_node_open(&p, GRAPH_NODE, "If", "", "y");
        proto_open(&p, NODE_ATTR);
        proto_string(&p, ATTR_NAME, "then_branch");
        proto_open(&p, ATTR_G);
        proto_node_open(&p, GRAPH_NODE, "Constant", "", "c");
        proto_open(&p, NODE_ATTR);
        proto_string(&p, ATTR_NAME, "value");
        proto_tensor_open(&p, ATTR_T, "t", ONR_FLOAT, 1, (int64_t[]){2});
        proto_int(&p, TENSOR_LOCATION, 1);
        proto_entry(&p, TENSOR_EXTERNAL, "location", names[i]);
        fails_model(&p, ONR_ERR_MODEL,
                    "node \"c\" (Constant): attribute \"value\": tensor \"t\": external");
    }
}

static void one_file_is_mapped_once(void **state)
{
    (void)state;
    struct import_test t = {.path = model_path};
    struct proto p;
    begin(&p, "w", NULL, NULL);
    proto_close(&p);
    proto_tensor_open(&p, GRAPH_INIT, "v", ONR_FLOAT, 1, (int64_t[]){2});
    proto_int(&p, TENSOR_LOCATION, 1);
    proto_entry(&p, TENSOR_EXTERNAL, "location", "w");
    proto_entry(&p, TENSOR_EXTERNAL, "offset", "4");
    import_ok(&t, &p);
    assert_int_equal(t.files.count, 1);
    const struct onr_constant *w = import_value(t.graph, "w")->constant;
    const struct onr_constant *v = import_value(t.graph, "v")->constant;
    assert_ptr_equal((const char *)w->data + 4, v->data);
    assert_string_equal(v->location, "w");
    import_test_free(&t);
    proto_free(&p);
}

#define folder_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        folder_test(files_beneath_the_model_are_read),
        folder_test(names_that_lead_outside_are_refused),
        folder_test(names_that_are_no_files_are_refused),
        folder_test(links_are_followed_inside_only),
        folder_test(a_sibling_folder_is_outside),
        folder_test(the_cache_of_hugging_face_works),
        folder_test(special_files_are_refused_at_once),
        folder_test(hard_links_work),
        folder_test(numbers_are_plain_decimals),
        folder_test(extents_lie_in_the_file),
        folder_test(an_empty_tensor_may_lie_at_the_end),
        folder_test(keys_are_checked),
        folder_test(data_is_external_or_not),
        folder_test(a_model_in_memory_has_no_external_data),
        folder_test(attributes_follow_the_same_rules),
        folder_test(one_file_is_mapped_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
