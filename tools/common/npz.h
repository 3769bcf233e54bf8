/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One member of a .npz file (a ZIP archive of .npy files), taken into memory; nothing is unpacked
 * to disk. Supported: members stored or deflated, up to 4 GiB; not: encryption, split archives,
 * ZIP64.
 */
#ifndef ONNXRUN_TOOLS_NPZ_H
#define ONNXRUN_TOOLS_NPZ_H

#include "common/file.h"

/* Most members of an archive. */
#define NPZ_MAX_MEMBERS 4096

/*
 * The bytes of the member `name` or `name.npy`, checked against their CRC. Free with file_free.
 * Errors: PARSE, UNSUPPORTED, LIMIT; ARGUMENT when there is no such member (the message lists
 * some).
 */
onnxrun_status npz_member(const uint8_t *bytes, size_t size, const char *name,
                          struct file_bytes *member, onnxrun_error *error);

#endif
