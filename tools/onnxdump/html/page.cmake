# SPDX-License-Identifier: Apache-2.0
# Makes one page of the files in this folder, and C arrays of it:
#   cmake -D OUT=FILE.c -P page.cmake
# The arrays are the page before its data and behind it. The page runs its own script and style
# only: their hashes stand in its content security policy.
cmake_minimum_required(VERSION 3.16)
include("${CMAKE_CURRENT_LIST_DIR}/../../embed.cmake")

# The "sha256-..." of a text: CMake has the hash as hexadecimal digits, the page needs base 64.
function(hash_source text result)
    set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    string(SHA256 digits "${text}")
    string(APPEND digits "00") # to whole groups of 24 bits
    set(base64 "")
    foreach(begin RANGE 0 60 6)
        string(SUBSTRING "${digits}" ${begin} 6 group)
        foreach(shift IN ITEMS 18 12 6 0)
            math(EXPR index "(0x${group} >> ${shift}) & 63")
            string(SUBSTRING "${alphabet}" ${index} 1 letter)
            string(APPEND base64 "${letter}")
        endforeach()
    endforeach()
    string(SUBSTRING "${base64}" 0 43 base64)
    set(${result} "sha256-${base64}=" PARENT_SCOPE)
endfunction()

function(read_files result)
    set(text "\n")
    foreach(name IN LISTS ARGN)
        file(READ "${CMAKE_CURRENT_LIST_DIR}/${name}" part)
        string(APPEND text "${part}")
    endforeach()
    set(${result} "${text}" PARENT_SCOPE)
endfunction()

function(write_array name text)
    file(WRITE "${OUT}.part" "${text}")
    embed_text("${OUT}" ${name} "${OUT}.part")
    file(REMOVE "${OUT}.part")
endfunction()

read_files(script model.js layers.js places.js scene.js colors.js canvas.js pick.js panel.js
    page.js search.js input.js)
read_files(style page.css)
read_files(page page.html)
hash_source("${script}" script_hash)
hash_source("${style}" style_hash)
string(STRIP "${page}" page)
string(REPLACE "@SCRIPT_HASH@" "${script_hash}" page "${page}\n")
string(REPLACE "@STYLE_HASH@" "${style_hash}" page "${page}")
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
string(FIND "${page}" "@DATA@" middle)
string(SUBSTRING "${page}" 0 ${middle} head)
math(EXPR middle "${middle} + 6")
string(SUBSTRING "${page}" ${middle} -1 tail)
file(WRITE "${OUT}" "/* Made by page.cmake. */\n")
write_array(html_page_head "${head}")
write_array(html_page_tail "${tail}")
