#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A manual page out of --help and --version.
#   make_manual.sh HELP2MAN PAGE PROGRAM [SUBCOMMAND]
set -eu
help2man=$1 page=$2 program=$3
shift 3

# The first sentence that is no usage, which may go on over several lines.
purpose=$("$program" "$@" --help | awk '
    /^Usage/ { next }
    /^[A-Z]/ || text { if (NF == 0) exit; text = text (text ? " " : "") $0 }
    END { sub(/\. .*|\.$/, "", text); print text }
')
version=$("$program" --version | sed -n '1s/.* //p')
"$help2man" --no-info --version-string="$version" --name="$purpose" --output="$page.joined" \
    "$program${1+ $1}"

# help2man takes "onnxrun run" for the name of the page, and leaves the lines of an indented block,
# such as examples, and of a list within the text of an option to be joined.
awk -v name="$(basename "$page" .1)" '
    /^\.TH/ { $2 = toupper(name) }
    is_name { sub(/^.* \\- /, name " \\- "); is_name = 0 }
    /^\.SH NAME/ { is_name = 1 }
    /^\./ && block { print ".fi"; block = 0 }
    /^[a-z]+  +/ { print ".br" }
    { print }
    /^\.IP$/ { print ".nf"; block = 1 }
    END { if (block) print ".fi" }
' "$page.joined" >"$page"
rm "$page.joined"
