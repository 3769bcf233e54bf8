# SPDX-License-Identifier: Apache-2.0
# Completion of onnxrun and onnxdump for bash: subcommands and options as --help lists them, files.

_onnxrun_subcommands() {
    "$1" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) {2,}.*/\1/p'
}

_onnxrun_options() {
    "$@" --help 2>/dev/null | sed -nE 's/^ +(-[a-zA-Z], )?(--[a-z-]+).*/\2/p'
}

_onnxrun() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} subcommands=''
    local asked=("$program")
    if [[ ${program##*/} == onnxrun ]]; then
        subcommands=$(_onnxrun_subcommands "$program")
        # Without a subcommand it is run.
        if ((COMP_CWORD > 1)) && [[ $'\n'$subcommands$'\n' == *$'\n'"${COMP_WORDS[1]}"$'\n'* ]]; then
            asked+=("${COMP_WORDS[1]}")
        else
            asked+=(run)
        fi
    fi
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_onnxrun_options "${asked[@]}")" -- "$word")
        return
    fi
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    if ((COMP_CWORD == 1)); then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$subcommands" -- "$word")
    fi
}

complete -F _onnxrun onnxrun onnxdump
