#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the Debian package, unpacks it, and looks at what is in it.
#   deb.sh BUILD_DIR DIGITS_MODEL_DIR
set -eu
build=$1 digits=$2
scratch=$build/tests/package_deb
for program in cpack dpkg-deb dpkg-shlibdeps file help2man lexgrog man; do
    if ! command -v "$program" >/dev/null; then
        echo "skipped: there is no $program"
        exit 77
    fi
done

rm -rf "$scratch"
mkdir -p "$scratch/unpacked"
cpack -G DEB --config "$build/CPackConfig.cmake" -B "$scratch" >"$scratch/cpack.log" ||
    { cat "$scratch/cpack.log"; exit 1; }
package=$(find "$scratch" -maxdepth 1 -name 'onnxrun_*.deb')
dpkg-deb --field "$package" Package Version Depends Installed-Size
dpkg-deb --field "$package" Depends | grep -q libprotobuf-c1
dpkg-deb --extract "$package" "$scratch/unpacked"

status=0
for file in bin/onnxrun bin/onnxdump lib/libonnxrun.so lib/libonnxrun.a lib/pkgconfig/onnxrun.pc \
    lib/cmake/onnxrun/onnxrunConfig.cmake include/onnxrun/onnxrun.h include/onnxrun/onnxrun.hpp \
    include/onnxrun/inspect.h share/doc/onnxrun/copyright share/man/man1/onnxrun-run.1 \
    share/bash-completion/completions/onnxrun share/bash-completion/completions/onnxdump \
    share/zsh/vendor-completions/_onnxrun share/fish/vendor_completions.d/onnxrun.fish \
    share/fish/vendor_completions.d/onnxdump.fish; do
    [ -e "$scratch/unpacked/usr/$file" ] || { echo "missing: $file"; status=1; }
done
"$scratch/unpacked/usr/bin/onnxrun" "$digits/digits-vit-ts.onnx" \
    -i "image=$digits/samples/7.npy" --labels "$digits/labels.txt" --top 1

# Each option of --help is in the manual, and the pages are well-formed.
manual=$scratch/unpacked/usr/share/man/man1
options() {
    sed -nE 's/^ +(-[a-zA-Z], )?(--[a-z-]+).*/\2/p'
}
check_page() {
    page=$manual/$1.1 name=$1
    shift
    text=$(MANWIDTH=200 man --warnings "$page" 2>"$scratch/warnings" | col -b)
    [ ! -s "$scratch/warnings" ] || { cat "$scratch/warnings"; status=1; }
    # What "man -k" finds it by.
    lexgrog "$page" | grep -q "\"$name - [A-Z].*[^ ]\"$" || { lexgrog "$page"; status=1; }
    for option in $("$scratch/unpacked/usr/bin/$@" --help | options); do
        case $text in
        *"$option"*) ;;
        *) echo "$name.1 lacks $option" && status=1 ;;
        esac
    done
}
check_page onnxdump onnxdump
check_page onnxrun-run onnxrun run
check_page onnxrun-test onnxrun test
check_page onnxrun-bench onnxrun bench
check_page onnxrun-profile onnxrun profile
check_page onnxrun-compare onnxrun compare
check_page onnxrun onnxrun
exit "$status"
