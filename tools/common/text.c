/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

#include <stdlib.h>

static void end_without_memory(void)
{
    tool_error("out of memory");
    exit(EXIT_CODE_RUN);
}

void text_begin(struct text *text)
{
    *text = (struct text){.out = open_memstream(&text->bytes, &text->length)};
    if (text->out == NULL) {
        end_without_memory();
    }
}

char *text_end(struct text *text)
{
    bool is_whole = ferror(text->out) == 0;
    if (fclose(text->out) != 0 || !is_whole) {
        end_without_memory();
    }
    return text->bytes;
}
