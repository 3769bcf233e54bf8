#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compares what onnxrun makes of the tests of an ONNX release with expected/RELEASE.txt.
#   run_release.sh ONNXRUN SOURCE_DIR DATA_DIR RELEASE [--update]
# Fetches the tests first when they are not there. Exit status 77 (skipped) when that is impossible.
set -eu
onnxrun=$1 source=$2 data=$3 release=$4
shift 4
here=$source/tests/conformance
status=0
case $release in
1.2[3-9].*) python3 "$here/generate_node_tests.py" "$data" || status=$? ;;
*) python3 "$source/tools/fetch_onnx_tests.py" --to "$data" "$release" || status=$? ;;
esac
if [ "$status" -eq 69 ]; then
    echo "skipped: the tests of ONNX $release cannot be had"
    exit 77
fi
[ "$status" -eq 0 ] || exit "$status"
exec python3 "$here/check_conformance.py" "$onnxrun" "$data/$release" \
    "$here/expected/$release.txt" "$@"
