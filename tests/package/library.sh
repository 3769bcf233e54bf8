#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shared library exports onnxrun_* alone and weighs less than 1.5 MB without symbols.
#   library.sh LIBRARY SCRATCH_DIR
set -eu
library=$1 stripped=$2/libonnxrun_stripped.so
max_bytes=1500000

others=$(nm -D --defined-only "$library" | awk '{print $3}' | grep -v '^onnxrun_' || true)
if [ -n "$others" ]; then
    echo "exported, but not part of the interface:"
    echo "$others"
    exit 1
fi
strip -o "$stripped" "$library"
bytes=$(wc -c <"$stripped")
rm "$stripped"
echo "$bytes bytes, fewer than $max_bytes"
[ "$bytes" -lt "$max_bytes" ]
