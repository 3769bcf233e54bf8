/* SPDX-License-Identifier: Apache-2.0 */
/* Reading ZIP archives: the central directory says where the members are, local headers only how
 * long they are themselves. */
#include "common/npz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define END_BYTES     22
#define CENTRAL_BYTES 46
#define LOCAL_BYTES   30

/* Deflate never shrinks data more than this; a file that claims more lies. */
#define DEFLATE_RATIO 1032

struct zip_entry {
    const char *name; /* [name_bytes], not terminated */
    size_t name_bytes;
    unsigned flags;
    unsigned method;
    uint32_t crc;
    size_t packed_bytes;
    size_t bytes;
    size_t local_offset;
};

struct zip {
    const uint8_t *data;
    size_t size;
    size_t directory; /* offset of the central directory, and its end */
    size_t directory_end;
    size_t entry_count;
    onnxrun_error *error;
};

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static onnxrun_status fail_zip(const struct zip *zip, const char *what)
{
    return tool_fail(zip->error, ONNXRUN_ERR_PARSE, "npz: %s", what);
}

/* Finds the record at the end of the archive, which a comment of up to 64 KiB may follow. */
static onnxrun_status find_directory(struct zip *zip)
{
    if (zip->size < END_BYTES) {
        return fail_zip(zip, "this is no ZIP archive");
    }
    size_t last = zip->size - END_BYTES;
    size_t first = last > 65535 ? last - 65535 : 0;
    for (size_t at = last + 1; at-- > first;) {
        const uint8_t *end = zip->data + at;
        if (memcmp(end, "PK\5\6", 4) != 0 || get16(end + 20) != last - at) {
            continue;
        }
        size_t bytes = get32(end + 12);
        zip->directory = get32(end + 16);
        zip->entry_count = get16(end + 10);
        if (bytes == UINT32_MAX || zip->directory == UINT32_MAX || zip->entry_count == 65535) {
            return tool_fail(zip->error, ONNXRUN_ERR_UNSUPPORTED,
                             "npz: ZIP64 archives are not supported");
        }
        if (get16(end + 4) != 0 || get16(end + 6) != 0 || get16(end + 8) != zip->entry_count) {
            return tool_fail(zip->error, ONNXRUN_ERR_UNSUPPORTED,
                             "npz: archives in several parts are not supported");
        }
        zip->directory_end = zip->directory + bytes;
        return zip->directory_end <= at ? ONNXRUN_OK
                                        : fail_zip(zip, "the directory lies outside the file");
    }
    return fail_zip(zip, "this is no ZIP archive");
}

/* Reads the directory entry at *offset and moves behind it. */
static onnxrun_status read_entry(const struct zip *zip, size_t *offset, struct zip_entry *entry)
{
    size_t available = zip->directory_end - *offset;
    const uint8_t *p = zip->data + *offset;
    if (available < CENTRAL_BYTES || memcmp(p, "PK\1\2", 4) != 0) {
        return fail_zip(zip, "the directory is damaged");
    }
    *entry = (struct zip_entry){
        .name = (const char *)p + CENTRAL_BYTES,
        .name_bytes = get16(p + 28),
        .flags = get16(p + 8),
        .method = get16(p + 10),
        .crc = get32(p + 16),
        .packed_bytes = get32(p + 20),
        .bytes = get32(p + 24),
        .local_offset = get32(p + 42),
    };
    size_t length = CENTRAL_BYTES + entry->name_bytes + get16(p + 30) + get16(p + 32);
    if (length > available) {
        return fail_zip(zip, "the directory is damaged");
    }
    *offset += length;
    return ONNXRUN_OK;
}

static bool is_name(const struct zip_entry *entry, const char *name)
{
    size_t length = strlen(name);
    bool has_prefix = entry->name_bytes >= length && memcmp(entry->name, name, length) == 0;
    size_t rest = entry->name_bytes - length;
    return has_prefix && (rest == 0 || (rest == 4 && memcmp(entry->name + length, ".npy", 4) == 0));
}

/* Adds a name to the list of an error message, as far as it fits. */
static void list_name(char *list, size_t capacity, const struct zip_entry *entry)
{
    size_t used = strlen(list);
    int length = (int)(entry->name_bytes < 64 ? entry->name_bytes : 64);
    if (used + (size_t)length + 3 < capacity) {
        (void)snprintf(list + used, capacity - used, "%s%.*s", used > 0 ? ", " : "", length,
                       entry->name);
    }
}

static onnxrun_status find_entry(struct zip *zip, const char *name, struct zip_entry *found)
{
    char names[256] = "";
    bool is_found = false;
    size_t offset = zip->directory;
    if (zip->entry_count > NPZ_MAX_MEMBERS) {
        return tool_fail(zip->error, ONNXRUN_ERR_LIMIT, "npz: %zu members, at most %d are read",
                         zip->entry_count, NPZ_MAX_MEMBERS);
    }
    for (size_t i = 0; i < zip->entry_count; i++) {
        struct zip_entry entry;
        onnxrun_status status = read_entry(zip, &offset, &entry);
        if (status != ONNXRUN_OK) {
            return status;
        }
        list_name(names, sizeof names, &entry);
        if (is_name(&entry, name)) {
            if (is_found) {
                return fail_zip(zip, "two members have this name");
            }
            is_found = true;
            *found = entry;
        }
    }
    return is_found ? ONNXRUN_OK
                    : tool_fail(zip->error, ONNXRUN_ERR_ARGUMENT,
                                "npz: there is no member \"%s\"; there are: %s", name, names);
}

/* Finds the packed bytes of a member behind its local header. */
static onnxrun_status find_data(const struct zip *zip, const struct zip_entry *entry,
                                const uint8_t **data)
{
    if (entry->packed_bytes == UINT32_MAX || entry->bytes == UINT32_MAX) {
        return tool_fail(zip->error, ONNXRUN_ERR_UNSUPPORTED,
                         "npz: ZIP64 archives are not supported");
    }
    if (entry->local_offset > zip->directory ||
        zip->directory - entry->local_offset < LOCAL_BYTES) {
        return fail_zip(zip, "a member lies outside the file");
    }
    const uint8_t *local = zip->data + entry->local_offset;
    size_t available = zip->directory - entry->local_offset;
    size_t head = LOCAL_BYTES + (size_t)get16(local + 26) + get16(local + 28);
    if (memcmp(local, "PK\3\4", 4) != 0 || head > available ||
        entry->packed_bytes > available - head) {
        return fail_zip(zip, "a member lies outside the file");
    }
    *data = local + head;
    return ONNXRUN_OK;
}

/* Inflates exactly entry->bytes; false on any other amount or damaged data. */
static bool inflate_entry(const struct zip_entry *entry, const uint8_t *packed, uint8_t *out)
{
    z_stream stream = {.avail_in = (uInt)entry->packed_bytes, .avail_out = (uInt)entry->bytes};
    uint8_t nothing;
    /* zlib reads its input, although the field is not const. */
    memcpy(&stream.next_in, &packed, sizeof packed);
    stream.next_out = entry->bytes > 0 ? out : &nothing;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
        return false;
    }
    bool is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0;
    (void)inflateEnd(&stream);
    return is_whole;
}

static onnxrun_status unpack(const struct zip *zip, const struct zip_entry *entry,
                             const uint8_t *packed, struct file_bytes *member)
{
    if ((entry->flags & 1) != 0 || (entry->method != 0 && entry->method != 8)) {
        return tool_fail(zip->error, ONNXRUN_ERR_UNSUPPORTED,
                         "npz: encrypted members and compression method %u are not supported",
                         entry->method);
    }
    bool is_stored = entry->method == 0;
    if (is_stored ? entry->bytes != entry->packed_bytes
                  : entry->bytes / DEFLATE_RATIO > entry->packed_bytes) {
        return fail_zip(zip, "the size of a member is wrong");
    }
    *member = (struct file_bytes){tool_alloc(entry->bytes, 1), entry->bytes};
    if (is_stored && entry->bytes > 0) {
        memcpy(member->data, packed, entry->bytes);
    } else if (!is_stored && !inflate_entry(entry, packed, member->data)) {
        file_free(member);
        return fail_zip(zip, "a member cannot be decompressed");
    }
    if (crc32(0, member->data, (uInt)member->size) != entry->crc) {
        file_free(member);
        return fail_zip(zip, "the checksum of a member is wrong");
    }
    return ONNXRUN_OK;
}

onnxrun_status npz_member(const uint8_t *bytes, size_t size, const char *name,
                          struct file_bytes *member, onnxrun_error *error)
{
    struct zip zip = {.data = bytes, .size = size, .error = error};
    struct zip_entry entry = {.name = NULL};
    const uint8_t *packed = NULL;
    *member = (struct file_bytes){NULL, 0};
    onnxrun_status status = find_directory(&zip);
    if (status == ONNXRUN_OK) {
        status = find_entry(&zip, name, &entry);
    }
    if (status == ONNXRUN_OK) {
        status = find_data(&zip, &entry, &packed);
    }
    return status == ONNXRUN_OK ? unpack(&zip, &entry, packed, member) : status;
}
