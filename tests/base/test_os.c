/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/os.h"
#include "support/test.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with model/a.bin, model/sub/b.bin, outside.bin and links. */
static char root[] = "/tmp/onnxrun_os_XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *stream = fopen(path_of(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, strlen(text), stream), strlen(text));
    assert_int_equal(fclose(stream), 0);
}

static const char *const links[][2] = {
    {"a.bin", "model/link.bin"},
    {"../outside.bin", "model/out.bin"},
    {"sub", "model/folder"},
    {"..", "model/up"},
    {"loop.bin", "model/loop.bin"},
    {"../model/model.onnx", "cache/model.onnx"},
    {"../model/a.bin", "cache/weights"},
    {"../outside.bin", "cache/evil"},
};

static int make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(path_of("model"), 0700), 0);
    assert_int_equal(mkdir(path_of("model/sub"), 0700), 0);
    assert_int_equal(mkdir(path_of("cache"), 0700), 0);
    write_file("model/model.onnx", "model");
    write_file("model/a.bin", "aaaa");
    write_file("model/sub/b.bin", "bb");
    write_file("model/empty.bin", "");
    write_file("outside.bin", "secret");
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        assert_int_equal(symlink(links[i][0], path_of(links[i][1])), 0);
    }
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    static const char *const names[] = {"model/model.onnx", "model/a.bin", "model/sub/b.bin",
                                        "model/empty.bin", "outside.bin"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        (void)unlink(path_of(links[i][1]));
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(path_of(names[i]));
    }
    (void)rmdir(path_of("model/sub"));
    (void)rmdir(path_of("model"));
    (void)rmdir(path_of("cache"));
    return rmdir(root);
}

static void files_are_mapped(void **state)
{
    (void)state;
    struct onr_file file;
    struct onr_error err;
    assert_int_equal(onr_file_map(path_of("model/a.bin"), &file, &err), ONR_OK);
    assert_int_equal(file.size, 4);
    assert_memory_equal(file.data, "aaaa", 4);
    onr_file_drop(file.data, file.size);
    assert_memory_equal(file.data, "aaaa", 4);
    onr_file_unmap(&file);
    assert_null(file.data);
    onr_file_unmap(&file);
    assert_int_equal(onr_file_map(path_of("model/empty.bin"), &file, &err), ONR_OK);
    assert_true(file.data == NULL && file.size == 0);
}

static void what_cannot_be_mapped_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"model/none", "model", "model/loop.bin", "model/a.bin/x"};
    struct onr_file file;
    struct onr_error err;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(onr_file_map(path_of(names[i]), &file, &err), ONR_ERR_IO);
        assert_non_null(strstr(err.message, names[i]));
        assert_null(file.data);
    }
    assert_int_equal(onr_file_map("/dev/null", &file, &err), ONR_ERR_IO);
    assert_string_equal(err.message, "/dev/null: not a regular file");
    assert_int_equal(onr_file_map("", &file, &err), ONR_ERR_IO);
}

static void beside(const char *model, const char *location, enum onr_status status,
                   const char *message)
{
    char model_path[256];
    struct onr_file file;
    struct onr_error err;
    onr_error_clear(&err);
    (void)snprintf(model_path, sizeof model_path, "%s", path_of(model));
    enum onr_status got = onr_file_map_beside(model_path, location, &file, &err);
    if (got != status || strstr(err.message, message) == NULL) {
        fail_msg("%s beside %s: got %d \"%s\"", location, model, (int)got, err.message);
    }
    assert_true((got == ONR_OK) == (file.data != NULL));
    onr_file_unmap(&file);
}

static void files_beneath_the_model_are_mapped(void **state)
{
    (void)state;
    beside("model/model.onnx", "a.bin", ONR_OK, "");
    beside("model/model.onnx", "./a.bin", ONR_OK, "");
    beside("model/model.onnx", "sub//b.bin", ONR_OK, "");
    beside("model/model.onnx", "link.bin", ONR_OK, "");
    beside("model/model.onnx", "folder/b.bin", ONR_OK, "");
    /* The cache of Hugging Face: model and weights are links into one folder. */
    beside("cache/model.onnx", "weights", ONR_OK, "");
}

static void files_outside_are_refused(void **state)
{
    (void)state;
    static const char *const outside[] = {"../outside.bin", "sub/../../outside.bin",
                                          "/etc/passwd",    "..\\outside.bin",
                                          "\\etc\\passwd",  "c:\\x",
                                          "file://x",       ".."};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        beside("model/model.onnx", outside[i], ONR_ERR_MODEL, "is outside the model's folder");
    }
    beside("model/model.onnx", "out.bin", ONR_ERR_MODEL, "is a link to outside");
    beside("model/model.onnx", "up/outside.bin", ONR_ERR_MODEL, "is a link to outside");
    beside("cache/model.onnx", "evil", ONR_ERR_MODEL, "is a link to outside");
    beside("model/model.onnx", "", ONR_ERR_MODEL, "is no file name");
    beside("model/model.onnx", "./.", ONR_ERR_MODEL, "is no file name");
    beside("model/model.onnx", "none", ONR_ERR_IO, "No such file");
    beside("model/model.onnx", "sub", ONR_ERR_IO, "not a regular file");
    beside("model/model.onnx", "loop.bin", ONR_ERR_IO, "external file \"loop.bin\": ");
}

static void long_names_are_refused(void **state)
{
    (void)state;
    char name[10000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    beside("model/model.onnx", name, ONR_ERR_IO, "external file");
    for (size_t i = 1; i < sizeof name - 1; i += 2) {
        name[i] = '/';
    }
    beside("model/model.onnx", name, ONR_ERR_IO, "external file");
}

static void the_affinity_mask_bounds_the_threads(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("OMP_NUM_THREADS"), 0);
    cpu_set_t before;
    cpu_set_t one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &before)) {
            CPU_SET(i, &one);
        }
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    unsigned threads = onr_os_default_threads();
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(threads, 1);
    assert_true(onr_os_default_threads() <= (unsigned)CPU_COUNT(&before));
}

struct doorbell {
    _Atomic uint32_t rings;
};

static void *ring(void *arg)
{
    struct doorbell *bell = arg;
    atomic_fetch_add(&bell->rings, 1);
    onr_os_wake(&bell->rings, 1);
    return NULL;
}

static void a_thread_wakes_who_sleeps_on_a_word(void **state)
{
    (void)state;
    struct doorbell bell = {.rings = 7};
    struct onr_os_thread thread;
    onr_os_sleep_while(&bell.rings, 6); /* differs: returns at once */
    assert_true(onr_os_thread_start(&thread, ring, &bell));
    while (atomic_load(&bell.rings) == 7) {
        onr_os_sleep_while(&bell.rings, 7);
    }
    onr_os_thread_join(&thread);
    assert_int_equal(atomic_load(&bell.rings), 8);
}

static void clocks_and_keys(void **state)
{
    (void)state;
    double now = onr_os_seconds();
    assert_true(onr_os_seconds() >= now);
    assert_true(onr_os_process_id() == (long)getpid());
    assert_true(onr_os_random_key() != onr_os_random_key());
    assert_null(onr_os_environment("ONNXRUN_SURELY_NOT_SET"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_mapped),
        cmocka_unit_test(what_cannot_be_mapped_is_refused),
        cmocka_unit_test(files_beneath_the_model_are_mapped),
        cmocka_unit_test(files_outside_are_refused),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(the_affinity_mask_bounds_the_threads),
        cmocka_unit_test(a_thread_wakes_who_sleeps_on_a_word),
        cmocka_unit_test(clocks_and_keys),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
