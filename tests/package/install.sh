#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into an empty folder and builds examples/embed.c against it in both ways.
#   install.sh SOURCE_DIR BUILD_DIR C_COMPILER GENERATOR
set -eu
source=$1 build=$2 compiler=$3 generator=$4
scratch=$build/tests/package
prefix=$scratch/prefix
model=$source/models/digits-vit/digits-vit-ts.onnx

# expect WHAT PROGRAM...: the program prints that it sees the digit 0.
expect() {
    what=$1
    shift
    answer=$("$@")
    echo "$what: $answer"
    [ "$answer" = "digit: 0" ]
}

rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build" --prefix "$prefix" >"$scratch/install.log"
library=$(dirname "$(find "$prefix" -name libonnxrun.so)")

cmake -G "$generator" -S "$source/examples" -B "$scratch/examples" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$compiler" >"$scratch/examples.log"
cmake --build "$scratch/examples" >>"$scratch/examples.log"
expect "built with find_package" "$scratch/examples/embed" "$model"

export PKG_CONFIG_PATH="$library/pkgconfig"
# Its output is a list of options.
# shellcheck disable=SC2046
"$compiler" -std=c11 "$source/examples/embed.c" $(pkg-config --cflags --libs onnxrun) \
    -o "$scratch/embed"
expect "built with pkg-config" env LD_LIBRARY_PATH="$library" "$scratch/embed" "$model"

"$prefix/bin/onnxrun" --version
"$prefix/bin/onnxdump" --version
