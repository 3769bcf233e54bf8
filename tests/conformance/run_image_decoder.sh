#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the tests that ONNX 1.22 has for ImageDecoder: all pass but that of JPEG 2000, which is not
# supported.   run_image_decoder.sh ONNXRUN SOURCE_DIR DATA_DIR
set -eu
onnxrun=$1 source=$2 data=$3
status=0
python3 "$source/tools/fetch_onnx_tests.py" --to "$data" 1.22.0 || status=$?
if [ "$status" -eq 69 ]; then
    echo "skipped: the tests of ONNX 1.22.0 cannot be had"
    exit 77
fi
[ "$status" -eq 0 ] || exit "$status"
result=$("$onnxrun" test "$data/1.22.0/node" --filter 'test_image_decoder*') || true
echo "$result"
case $result in
*"8 passed, 0 failed, 1 unsupported"*) ;;
*) exit 1 ;;
esac
