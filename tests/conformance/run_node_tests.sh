#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the ONNX node tests once and compares what onnxrun makes of them with node_tests.txt.
#   run_node_tests.sh ONNXRUN SOURCE_DIR DATA_DIR [--update]
# Exit status 77 (skipped) without a network.
set -eu
onnxrun=$1 source=$2 data=$3
shift 3
status=0
python3 "$source/tools/fetch_onnx_tests.py" --to "$data" || status=$?
if [ "$status" -eq 69 ]; then
    echo "skipped: the ONNX test data cannot be downloaded"
    exit 77
fi
[ "$status" -eq 0 ] || exit "$status"
here=$source/tests/conformance
exec python3 "$here/check_conformance.py" "$onnxrun" "$data/node" "$here/node_tests.txt" "$@"
