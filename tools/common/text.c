/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

void text_begin(struct text *text)
{
    *text = (struct text){.out = open_memstream(&text->bytes, &text->length)};
    if (text->out == NULL) {
        tool_end_without_memory();
    }
}

char *text_end(struct text *text)
{
    bool is_whole = ferror(text->out) == 0;
    if (fclose(text->out) != 0 || !is_whole) {
        tool_end_without_memory();
    }
    return text->bytes;
}
