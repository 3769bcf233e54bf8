#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks an archive of cases into a fresh folder and runs them.
#   run_cases.sh ONNXRUN ARCHIVE FOLDER
set -eu
onnxrun=$1 archive=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
cmake -E tar xf "$archive"
exec "$onnxrun" test "$folder"
