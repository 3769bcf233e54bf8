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

# build_with_cmake SOURCE_DIR NAME: builds the project there.
build_with_cmake() {
    cmake -G "$generator" -S "$1" -B "$scratch/$2" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$compiler" >"$scratch/$2.log"
    cmake --build "$scratch/$2" >>"$scratch/$2.log"
}

# The shared library needs nothing else to build against: other packages are hidden from pkg-config.
export PKG_CONFIG_LIBDIR="$library/pkgconfig"
build_with_cmake "$source/examples" examples
expect "C, built with find_package" "$scratch/examples/embed" "$model"
expect "C++, built with find_package" "$scratch/examples/embed_cpp" "$model"
# The output of pkg-config is a list of options.
# shellcheck disable=SC2046
"$compiler" -std=c11 "$source/examples/embed.c" $(pkg-config --cflags --libs onnxrun) \
    -o "$scratch/embed"
expect "C, built with pkg-config" env LD_LIBRARY_PATH="$library" "$scratch/embed" "$model"
unset PKG_CONFIG_LIBDIR

export PKG_CONFIG_PATH="$library/pkgconfig"
mkdir "$scratch/static_source" "$scratch/archive"
cat >"$scratch/static_source/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(static LANGUAGES C)
find_package(onnxrun 0.1 REQUIRED)
add_executable(embed "$source/examples/embed.c")
target_link_libraries(embed PRIVATE onnxrun::onnxrun_static)
END
build_with_cmake "$scratch/static_source" static
expect "C, built with find_package, static" "$scratch/static/embed" "$model"
cp "$library/libonnxrun.a" "$scratch/archive"
# shellcheck disable=SC2046
"$compiler" -std=c11 "$source/examples/embed.c" -L"$scratch/archive" \
    $(pkg-config --static --cflags --libs onnxrun) -o "$scratch/embed_static"
expect "C, built with pkg-config, static" "$scratch/embed_static" "$model"

# A static build finds a protobuf-c that is not among the system's: onnxrun.pc names its folder.
mkdir -p "$scratch/elsewhere/lib"
cp "$(pkg-config --variable=pcfiledir libprotobuf-c)/libprotobuf-c.pc" "$scratch/elsewhere"
sed -i "s|^libdir=.*|libdir=$scratch/elsewhere/lib|" "$scratch/elsewhere/libprotobuf-c.pc"
PKG_CONFIG_PATH="$scratch/elsewhere" cmake -G "$generator" -S "$source" -B "$scratch/configured" \
    -DCMAKE_C_COMPILER="$compiler" -DONNXRUN_TESTS=OFF -DONNXRUN_TOOLS=OFF >"$scratch/configured.log"
PKG_CONFIG_PATH="$scratch/configured/src" pkg-config --static --libs onnxrun |
    grep -F -e "-L$scratch/elsewhere/lib -lprotobuf-c"

# shellcheck disable=SC2046
c++ -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Weffc++ -Wold-style-cast -Werror \
    "$source/tests/package/wrapper.cpp" $(pkg-config --cflags --libs onnxrun) -o "$scratch/wrapper"
LD_LIBRARY_PATH=$library "$scratch/wrapper" "$model"

"$prefix/bin/onnxrun" --version
"$prefix/bin/onnxdump" --version
