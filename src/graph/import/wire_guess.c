/* SPDX-License-Identifier: Apache-2.0 */
/* Names what a file is that is no ONNX protobuf: most failed loads are a wrong or unfinished
 * download. */
#include "graph/import/wire.h"

#include <stdbool.h>
#include <string.h>

struct magic {
    size_t offset;
    const char *bytes;
    const char *name;
};

static const struct magic magics[] = {
    {0, "version https://git-lfs", "a git-lfs pointer; fetch the real file with `git lfs pull`"},
    {0, "PK\003\004", "a zip archive (PyTorch checkpoint, npz or Keras file)"},
    {0, "GGUF", "a GGUF model"},
    {4, "TFL3", "a TensorFlow Lite model"},
    {4, "ORTM", "a model in ONNX Runtime's own format"},
    {8, "{\"", "a safetensors file"},
    {0, "\x1f\x8b", "a gzip archive"},
    {0, "\x28\xb5\x2f\xfd", "a zstd archive"},
    {0, "\x89HDF", "an HDF5 file"},
    {0, "\x93NUMPY", "a NumPy array"},
    {0, "\x80\x02", "a Python pickle"},
    {0, "\x80\x03", "a Python pickle"},
    {0, "\x80\x04", "a Python pickle"},
    {0, "\x80\x05", "a Python pickle"},
    {0,
     "\x7f"
     "ELF",
     "a program"},
    {0, "{", "JSON text"},
};

static const struct magic markup[] = {
    {0, "<!doctype", "a web page (HTML)"},
    {0, "<html", "a web page (HTML)"},
    {0, "<?xml", "an XML file"},
};

static bool has_magic(const struct magic *magic, const uint8_t *data, size_t size)
{
    size_t length = strlen(magic->bytes);
    return size >= magic->offset + length &&
           memcmp(data + magic->offset, magic->bytes, length) == 0;
}

/* The first bytes in lower case and without leading white space. */
static size_t lower_head(const uint8_t *data, size_t size, uint8_t out[16])
{
    size_t used = 0;
    size_t i = 0;
    while (i < size && (data[i] == ' ' || (data[i] >= '\t' && data[i] <= '\r'))) {
        i++;
    }
    for (; i < size && used < 16; i++) {
        out[used++] = data[i] >= 'A' && data[i] <= 'Z' ? (uint8_t)(data[i] + 32) : data[i];
    }
    return used;
}

static bool is_text(const uint8_t *data, size_t size)
{
    size_t count = size < 256 ? size : 256;
    for (size_t i = 0; i < count; i++) {
        if (data[i] > 126 || (data[i] < 32 && (data[i] < '\t' || data[i] > '\r'))) {
            return false;
        }
    }
    return true;
}

const char *onr_wire_guess(const uint8_t *data, size_t size)
{
    uint8_t head[16];
    size_t head_size = lower_head(data, size, head);
    for (size_t i = 0; i < sizeof markup / sizeof markup[0]; i++) {
        if (has_magic(&markup[i], head, head_size)) {
            return markup[i].name;
        }
    }
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (has_magic(&magics[i], data, size)) {
            return magics[i].name;
        }
    }
    if (size >= 16 && is_text(data, size)) {
        return "text; the text form of ONNX has to be converted to binary first";
    }
    return NULL;
}
