# SPDX-License-Identifier: Apache-2.0
# Makes C sources of text files: const char NAME[], the text with a terminating zero. As a script:
#   cmake -DFILE=... -DNAME=... -DOUTPUT=... -P embed.cmake

# Appends the array `name` of the text in `file` to `output`.
function(embed_text output name file)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1', " bytes "${bytes}")
    file(APPEND "${output}"
        "extern const char ${name}[];\nconst char ${name}[] = {\n${bytes}\n0};\n")
endfunction()

if(FILE)
    file(WRITE "${OUTPUT}" "/* Made by embed.cmake. */\n")
    embed_text("${OUTPUT}" ${NAME} "${FILE}")
endif()
