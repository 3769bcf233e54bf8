# SPDX-License-Identifier: Apache-2.0
# Makes a C source of a file: const char NAME[], its text, with a terminating zero.
#   cmake -DFILE=... -DNAME=... -DOUTPUT=... -P embed.cmake
file(READ ${FILE} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " bytes "${bytes}")
file(WRITE ${OUTPUT} "/* Made of ${FILE}. */
extern const char ${NAME}[];
const char ${NAME}[] = {
${bytes}
0};
")
