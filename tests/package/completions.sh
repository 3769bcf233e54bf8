#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Asks each shell that is there what it completes.
#   completions.sh COMPLETIONS_DIR COMMANDS_DIR
set -euo pipefail
completions=$1
PATH=$2:$PATH
failure_count=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/folder"
touch "$scratch/a model.onnx" "$scratch/notes.txt"
cd "$scratch"

# expect SHELL LINE WORD...: the line is completed with these words, in any order.
expect() {
    local shell=$1 line=$2 got expected
    shift 2
    got=$("complete_in_$shell" "$line" | sort)
    expected=$(printf '%s\n' "$@" | sort)
    if [ "$got" != "$expected" ]; then
        printf 'failed in %s: "%s"\n%s\n-- expected:\n%s\n' "$shell" "$line" "$got" "$expected"
        failure_count=$((failure_count + 1))
    fi
}

complete_in_bash() (
    . "$completions/onnxrun.bash"
    COMP_WORDS=()
    read -r -a COMP_WORDS <<<"$1"
    [[ $1 == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _onnxrun
    printf '%s\n' "${COMPREPLY[@]}"
)

complete_in_fish() {
    fish --no-config -c "
        source $completions/onnxrun.fish
        complete -C '$1'" | cut -f 1 | sed 's:/$::; s:\\ : :'
}

# Its completion needs a terminal; what it offers goes through two functions, which print it here.
complete_in_zsh() {
    zsh --no-rcs -c '
        _describe() { [[ $1 == -o ]] && shift; print -l -- ${${(P)2}%%:*} }
        _files() { print -l -- * }
        words=("${(@s: :)1}")
        CURRENT=$#words
        _onnxrun() { . '"$completions"'/_onnxrun }
        _onnxrun | while read -r word; do
            [[ $word == $words[CURRENT]* ]] && print -r -- $word
        done
        true' zsh "$1"
}

for shell in bash zsh fish; do
    if ! command -v "$shell" >/dev/null; then
        echo "$shell is not there"
        continue
    fi
    expect "$shell" 'onnxrun ' run test bench profile compare folder 'a model.onnx' notes.txt
    expect "$shell" 'onnxrun t' test
    expect "$shell" 'onnxrun run f' folder
    expect "$shell" 'onnxrun run --no' --no-fusion
    expect "$shell" 'onnxrun test --j' --json --jobs
    expect "$shell" 'onnxrun model.onnx --lab' --labels
    expect "$shell" 'onnxdump --st' --stage --stats
    expect "$shell" 'onnxdump f' folder
    echo "$shell is checked"
done
exit "$failure_count"
