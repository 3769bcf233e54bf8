# SPDX-License-Identifier: Apache-2.0
# Completion of onnxrun and onnxdump for fish: subcommands and options as --help lists them, files.

function __onnxrun_subcommands
    onnxrun --help 2>/dev/null | sed -nE 's/^  ([a-z]+) {2,}(.*)/\1\t\2/p'
end

function __onnxrun_options
    set -l asked (commandline -opc)
    set -l program $asked[1]
    set -l subcommand
    if string match -qr '(^|/)onnxrun$' -- $program
        # Without a subcommand it is run.
        set subcommand run
        if set -q asked[2]; and __onnxrun_subcommands | string match -qr "^$asked[2]\t"
            set subcommand $asked[2]
        end
    end
    $program $subcommand --help 2>/dev/null |
        sed -nE 's/^ +(-[a-zA-Z], )?(--[a-z-]+)( [A-Z=]+)? +(.*)/\2\t\4/p'
end

complete -c onnxrun -n 'test (count (commandline -opc)) -eq 1' -a '(__onnxrun_subcommands)'
for program in onnxrun onnxdump
    complete -c $program -n 'string match -q -- "-*" (commandline -ct)' -a '(__onnxrun_options)'
end
