#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into an empty folder and builds the examples against it in both ways.
#   install.sh SOURCE_DIR BUILD_DIR C_COMPILER GENERATOR
set -eu
source=$1 build=$2 compiler=$3 generator=$4
if ! command -v c++ >/dev/null; then
    echo "skipped: there is no C++ compiler; Debian has it in g++"
    exit 77
fi
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
expect "C, built with find_package" "$scratch/examples/embed" "$model"
expect "C++, built with find_package" "$scratch/examples/embed_cpp" "$model"

export PKG_CONFIG_PATH="$library/pkgconfig"
# Its output is a list of options.
# shellcheck disable=SC2046
"$compiler" -std=c11 "$source/examples/embed.c" $(pkg-config --cflags --libs onnxrun) \
    -o "$scratch/embed"
expect "C, built with pkg-config" env LD_LIBRARY_PATH="$library" "$scratch/embed" "$model"
# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror "$source/tests/package/wrapper.cpp" \
    $(pkg-config --cflags --libs onnxrun) -o "$scratch/wrapper"
LD_LIBRARY_PATH=$library "$scratch/wrapper" "$model"

"$prefix/bin/onnxrun" --version
"$prefix/bin/onnxdump" --version
