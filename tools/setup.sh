# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts beside it, which source it: Debian packages, quiet steps, builds.
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build
build_log=$PWD/build/${build_log_name-setup.log}
: >"$build_log"

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit 1
}

# try WHAT COMMAND...: one line for a step, whose output goes to the log; its exit status.
try() {
    local what=$1 start=$SECONDS status=0
    shift
    printf '%s ... ' "$what"
    printf '\n== %s: %s\n' "$what" "$*" >>"$build_log"
    "$@" >>"$build_log" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] && printf 'done (%d s)\n' $((SECONDS - start)) || printf 'FAILED\n'
    return "$status"
}

# step WHAT COMMAND...: the same for a step that the rest needs: shows the end of the log and stops.
step() {
    try "$@" && return
    tail -n 25 "$build_log" | sed 's/^/    /' >&2
    fail "$1 failed; the whole output is in $build_log"
}

# need PACKAGE COMMAND...: the Debian package is missing when the command fails.
missing=()
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

need_build_packages() {
    need gcc command -v cc
    need libc6-dev test -e /usr/include/stdio.h
    need cmake command -v cmake
    need ninja-build command -v ninja
    need pkg-config command -v pkg-config
    need protobuf-c-compiler command -v protoc-c
    need libprotobuf-c-dev pkg-config --exists libprotobuf-c
    need zlib1g-dev pkg-config --exists zlib
}

need_python_packages() {
    need python3 command -v python3
    need python3-venv python3 -c "import ensurepip"
    need python3-dev python3 -c "import os, sysconfig
os.stat(sysconfig.get_path('include') + '/Python.h')"
}

install_missing() {
    [ "${#missing[@]}" -gt 0 ] || return 0
    local as_root=()
    command -v apt-get >/dev/null ||
        fail "no apt-get here; please install what these Debian packages hold: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run as root, or install: ${missing[*]}"
        as_root=(sudo -n)
        sudo -n true 2>/dev/null || as_root=(sudo)
    fi
    step "Reading Debian's package lists" "${as_root[@]}" apt-get update -q
    step "Installing ${missing[*]}" \
        "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# build PRESET [CMAKE-OPTION...]: configures and builds into build/PRESET.
build() {
    local preset=$1
    shift
    step "Configuring $preset" cmake --preset "$preset" -G Ninja "$@"
    step "Building $preset" cmake --build --preset "$preset"
}
